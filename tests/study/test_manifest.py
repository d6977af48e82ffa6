"""Manifests: whatever is damaged in a run folder is noticed, named, and made again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from quick_study import QUICK, make_project, write_study

from hbtlib import files, study
from hbtlib.files import DamagedFile
from hbtlib.study import folders, manifest, results
from hbtlib.study.runs import Run
from hbtlib.study.shown import placed_together

TABLES = ("ranks", "metrics", "questions", "points", "top", "probes", "language_probe")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_project(tmp_path, monkeypatch)


@pytest.fixture
def run(project: Path) -> Run:
    """The first run of the study `quick`, whole, with small tables."""
    chosen = study.load("quick").runs[0]
    make_run(chosen, 0)
    return chosen


def make_run(run: Run, seed: int) -> None:
    """Writes a whole run folder as the engine does."""
    (run.part / "model").mkdir(parents=True)
    files.write_json(run.part / "parameters.json", run.parameters)
    files.write_json(run.part / "environment.json", {"seconds": {"training": 1.0}})
    (run.part / "model" / "modules.json").write_text("[]")
    (run.part / "model" / "model.safetensors").write_bytes(bytes(range(256)) * 8)
    random = np.random.default_rng(seed)
    table = pd.DataFrame({"benchmark": "worldfacts", "value": random.random(200)})
    for name in TABLES:
        files.write_table(table, run.part / f"{name}.parquet")
    folders.finish(run.part, run.folder)


def flip(file: Path, bit: int) -> None:
    """Turns one bit of a file around."""
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << (bit % 8)
    file.write_bytes(content)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def test_a_manifest_lists_all_that_a_run_wrote(run: Run) -> None:
    (run.folder / "checkpoints").mkdir()
    for passing in (".lock", "checkpoints/weights.pt"):
        (run.folder / passing).touch()
    manifest.seal(run.folder, run.name)
    written = manifest.read_manifest(run.folder)
    tables = [f"{table}.parquet" for table in TABLES]
    model = ["model/model.safetensors", "model/modules.json"]
    assert list(written.entries) == sorted([*manifest.PROVENANCE, *model, *tables])
    weights = run.folder / "model" / "model.safetensors"
    assert written.entries["model/model.safetensors"] == (2048, files.file_checksum(weights))
    assert study.whole(run.folder, run.parameters)
    (run.folder / "environment.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"environment\.json does not exist"):
        manifest.seal(run.folder, run.name)


DAMAGES: dict[str, tuple[Callable[[Run], object], str]] = {
    "a bit of the model": (
        lambda run: flip(run.folder / "model" / "model.safetensors", 5000),
        "model/model.safetensors is damaged: its checksum",
    ),
    "no weights": (
        lambda run: (run.folder / "model" / "model.safetensors").unlink(),
        "model/model.safetensors is missing",
    ),
    "a table cut off": (
        lambda run: cut(run.folder / "points.parquet"),
        "points.parquet is damaged: it has",
    ),
    "empty parameters": (
        lambda run: (run.folder / "parameters.json").write_bytes(b""),
        "parameters.json is damaged",
    ),
    "half of the parameters": (
        lambda run: cut(run.folder / "parameters.json"),
        "parameters.json is damaged",
    ),
    "parameters that are not UTF-8": (
        lambda run: (run.folder / "parameters.json").write_bytes(b'{"seed": "\xff\xfe"}'),
        "parameters.json is damaged",
    ),
    "no parameters": (
        lambda run: (run.folder / "parameters.json").unlink(),
        "parameters.json is missing",
    ),
    "no environment": (
        lambda run: (run.folder / "environment.json").unlink(),
        "environment.json is missing",
    ),
    "no manifest": (
        lambda run: (run.folder / "manifest.json").unlink(),
        "manifest.json is missing, so what the run wrote cannot be verified",
    ),
    "a manifest cut off": (
        lambda run: cut(run.folder / "manifest.json"),
        "manifest.json is damaged",
    ),
    "a manifest without files": (
        lambda run: files.write_json(run.folder / "manifest.json", {"run": run.name}),
        "manifest.json is damaged (it does not list files",
    ),
    "a manifest of nonsense": (
        lambda run: files.write_json(
            run.folder / "manifest.json", {"run": run.name, "files": {"a": {"bytes": "1"}}}
        ),
        "manifest.json is damaged (it does not list files",
    ),
}


@pytest.mark.parametrize(("damage", "said"), DAMAGES.values(), ids=DAMAGES)
def test_what_is_damaged_is_named_and_the_run_is_not_whole(
    run: Run, damage: Callable[[Run], object], said: str
) -> None:
    assert study.whole(run.folder, run.parameters)
    assert study.discard_damaged("quick") == []
    damage(run)
    assert not study.whole(run.folder, run.parameters)
    (line,) = study.discard_damaged("quick")
    assert line.startswith(f"results/quick/{run.name}/{said}")
    assert line.endswith(f": the run {run.name} is made again")
    assert "\n" not in line


READ = ("parameters", "environment", "manifest")


@pytest.mark.parametrize("name", [name for name in DAMAGES if any(word in name for word in READ)])
def test_a_run_is_not_read_without_what_made_it(run: Run, name: str) -> None:
    damage, said = DAMAGES[name]
    damage(run)
    for read in (results.run_environment, lambda run: results.run_table(run, "metrics")):
        with pytest.raises(DamagedFile) as raised:
            read(run)
        assert said in str(raised.value)
        command = ": run `make study STUDY=quick`, which makes the run again"
        assert str(raised.value).endswith(command)


def test_no_flipped_bit_of_a_table_is_read(run: Run) -> None:
    file = run.folder / "metrics.parquet"
    whole = file.read_bytes()
    for bit in np.random.default_rng(0).integers(0, 8 * len(whole), 25):
        flip(file, bit)
        with pytest.raises(DamagedFile, match=r"metrics\.parquet is damaged: its checksum"):
            results.run_table(run, "metrics")
        assert not study.whole(run.folder, run.parameters)
        file.write_bytes(whole)
    assert len(results.run_table(run, "metrics")) == 200


def test_another_run_s_files_are_noticed(run: Run) -> None:
    other = study.load("quick").runs[1]
    make_run(other, 1)
    shutil.copy(other.folder / "ranks.parquet", run.folder)
    with pytest.raises(DamagedFile, match=r"ranks\.parquet is damaged: its checksum"):
        results.run_table(run, "ranks")
    assert len(results.run_table(run, "metrics")) == 200  # the other tables are its own
    shutil.copy(other.folder / "manifest.json", run.folder)
    with pytest.raises(DamagedFile, match=f"is that of another run, '{other.name}'"):
        results.run_table(run, "metrics")
    shutil.rmtree(run.folder)
    shutil.copytree(other.folder, run.folder)
    assert not study.whole(run.folder, run.parameters)


def test_a_table_that_the_run_did_not_write_is_not_read(run: Run) -> None:
    (run.folder / "metrics.parquet").rename(run.folder / "training_log.parquet")
    with pytest.raises(DamagedFile, match=r"training_log\.parquet is not a file that the run"):
        results.run_table(run, "training_log")
    with pytest.raises(FileNotFoundError, match=r"metrics\.parquet does not exist: run `make"):
        results.run_table(run, "metrics")


def test_a_fresh_clone_is_read_without_models(run: Run) -> None:
    shutil.rmtree(run.folder / "model")
    assert len(results.run_table(run, "ranks")) == 200
    assert not study.whole(run.folder, run.parameters)
    said = "1 of 2 runs have no model, as in a fresh clone: they are made again"
    assert study.discard_damaged("quick") == [said]


def test_an_unchanged_file_is_read_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert study.whole(run.folder, run.parameters)
    read: list[str] = []

    def checksum(path: Path) -> str:
        read.append(path.name)
        return files.file_checksum(path)

    monkeypatch.setattr(manifest, "file_checksum", checksum)
    assert study.whole(run.folder, run.parameters)
    assert read == []
    file = run.folder / "model" / "model.safetensors"
    before = file.stat()
    flip(file, 77)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))  # as if it were the old one
    assert not study.whole(run.folder, run.parameters)
    assert read == ["model.safetensors"]


def test_older_results_get_manifests(run: Run) -> None:
    (run.folder / "manifest.json").unlink()
    assert study.seal_study("quick") == [run.name]
    assert study.whole(run.folder, run.parameters)
    cut(run.folder / "ranks.parquet")
    assert study.seal_study("quick") == []  # what has a manifest is left as it is
    (run.folder / "manifest.json").unlink()
    with pytest.raises(DamagedFile, match=r"ranks\.parquet is damaged"):
        study.seal_study("quick")
    shutil.copy(run.folder / "metrics.parquet", run.folder / "ranks.parquet")
    files.write_json(run.folder / "parameters.json", {**run.parameters, "steps": 7})
    with pytest.raises(ValueError, match="was made with another steps"):
        study.seal_study("quick")


def show(project: Path, name: str) -> Path:
    """Does what the engine does around the execution of a notebook; returns the executed copy."""
    folder = project / "results" / "quick" / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / f".{name}.ipynb"
    chosen = study.load("quick")
    with placed_together("quick", name, copy):
        copy.write_text(nbformat.writes(nbformat.v4.new_notebook()))
        study.summary(chosen, "worldfacts").write_text("| a | table |\n")
        place = study.figures(chosen, "worldfacts")
        place.mkdir(parents=True)
        (place / f"{name}.png").write_bytes(b"a picture")
    return folder / f"{name}.ipynb"


def test_what_a_notebook_writes_comes_to_its_place_together(project: Path) -> None:
    write_study(project, QUICK, notebooks=["results", "bias"])
    assert study.discard_damaged("quick") == []
    show(project, "results")
    show(project, "bias")
    found = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}
    records = json.loads((project / "results" / "quick" / "manifest.json").read_text())["notebooks"]
    assert set(records["results"]) == {
        "figures/quick/results.png",
        "results/quick/notebooks/results.ipynb",
    }
    assert set(records["bias"]) == {
        "figures/quick/bias.png",
        "results/quick/notebooks/bias.ipynb",
        "results/quick/summary.md",  # who wrote it last has it
    }
    left = {name for name in found if not name.startswith(("notebooks", "Snakefile"))}
    assert left == {"results/quick/manifest.json", *records["results"], *records["bias"]}
    assert "HBT_OUTPUT" not in os.environ
    assert study.discard_damaged("quick") == []


@pytest.mark.parametrize(
    "file",
    [
        "results/quick/summary.md",
        "figures/quick/results.png",
        "results/quick/notebooks/results.ipynb",
    ],
)
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-5]), "is damaged: it has"),
        (lambda path: flip(path, 13), "is damaged: its checksum"),
        (lambda path: path.unlink(), "is missing"),
    ],
    ids=["cut", "flipped", "gone"],
)
def test_a_notebook_with_a_damaged_file_is_executed_again(
    project: Path, file: str, damage: Callable[[Path], object], said: str
) -> None:
    write_study(project, QUICK, notebooks=["results", "bias"])
    bias, copy = show(project, "bias"), show(project, "results")
    damage(project / file)
    (line,) = study.discard_damaged("quick")
    assert line.startswith(f"{file} {said}")
    assert line.endswith(": the notebook results is executed again")
    assert not copy.exists()
    assert bias.exists()
    show(project, "results")
    assert study.discard_damaged("quick") == []


def test_notebooks_that_no_manifest_has_are_executed_again(project: Path) -> None:
    write_study(project, QUICK, notebooks=["results"])
    copy = show(project, "results")
    cut(project / "results" / "quick" / "manifest.json")
    named = study.discard_damaged("quick", dry_run=True)
    assert copy.exists()
    first, second = study.discard_damaged("quick")
    assert named == [first, second]
    assert first.startswith("results/quick/manifest.json is damaged")
    assert second.startswith("results/quick/notebooks/results.ipynb cannot be verified")
    assert not copy.exists()
    show(project, "results")
    assert study.discard_damaged("quick") == []


def test_a_notebook_that_fails_leaves_what_was_there(project: Path) -> None:
    write_study(project, QUICK, notebooks=["results"])
    copy = show(project, "results")
    table = project / "results" / "quick" / "summary.md"
    together = placed_together("quick", "results", copy.with_name(".results.ipynb"))
    together.__enter__()
    begun = study.summary(study.load("quick"), "worldfacts")
    begun.write_text("half a table")
    assert table.read_text() == "| a | table |\n"
    error = ZeroDivisionError()
    assert not together.__exit__(ZeroDivisionError, error, None)
    assert not begun.exists()
    assert table.read_text() == "| a | table |\n"
    assert study.discard_damaged("quick") == []
    assert [path.name for path in copy.parent.iterdir()] == ["results.ipynb"]
