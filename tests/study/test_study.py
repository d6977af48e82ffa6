"""Studies: from YAML to runs, folders whole or absent, and the engine killed at any moment."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from hbtlib.study import study

REPOSITORY = Path(__file__).resolve().parents[2]
TABLES = [
    "ranks",
    "metrics",
    "questions",
    "points",
    "top",
    "probes",
    "language_probe",
    "training_log",
]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of its own with the real notebooks and a study of two quick runs."""
    shutil.copytree(
        REPOSITORY / "notebooks",
        tmp_path / "notebooks",
        ignore=shutil.ignore_patterns(".ipynb_checkpoints"),
    )
    for file in ("Snakefile",):
        shutil.copy(REPOSITORY / file, tmp_path)
    content = {
        "name": "quick",
        "question": "Does it run?",
        "grid": {"strategy": ["x-y", "hybrid"], "seed": [0]},
        "parameters": {
            "languages": "en de",
            "evaluated": "de el en",
            "steps": 20,
            "evaluate_every": 5,
            "batch_size": 16,
            "split": "validation",
        },
        "notebooks": [],
    }
    (tmp_path / "notebooks" / "studies" / "quick.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.setattr(study, "ROOT", tmp_path)
    return tmp_path


def test_a_study_is_its_grid(root: Path) -> None:
    loaded = study.load("quick")
    assert [run.arm for run in loaded.runs] == ["x-y", "hybrid"]
    assert [run.parameters["strategy"] for run in loaded.runs] == ["x-y", "hybrid"]
    assert (
        loaded.runs[0].parameters["temperature"]
        == study.notebook_parameters("train")["temperature"]
    )
    assert loaded.runs[0].name.startswith("x-y-seed0-")
    assert loaded.run(loaded.runs[1].name) == loaded.runs[1]
    with pytest.raises(ValueError, match="has no run 'x'; it has x-y-seed0-"):
        loaded.run("x")


def test_the_committed_studies_load() -> None:
    for file in (REPOSITORY / "notebooks" / "studies").glob("*.yaml"):
        loaded = study.load(file.stem)
        assert len({run.name for run in loaded.runs}) == len(loaded.runs)
        arms = [
            {k: v for k, v in run.parameters.items() if k not in ("strategy", "seed")}
            for run in loaded.runs
        ]
        if file.stem == "worldfacts":  # equal in everything but strategy and seed
            assert all(arm == arms[0] for arm in arms)
            assert {r.parameters["seed"] for r in loaded.runs} == {0, 1, 2}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"grid": {"stratgy": ["x-y"]}}, "no parameter 'stratgy': did you mean 'strategy'"),
        ({"parameters": {"zzz": 1}}, "no parameter 'zzz': there are strategy, alpha"),
        ({"parameters": {"folder": "x"}}, "no parameter 'folder'"),
        ({"name": "other"}, "it must have name: quick"),
        ({"extra": 1}, r"nothing else \(extra\)"),
        ({"question": ""}, "it must have name: quick, question"),
        (
            {"grid": {"strategy": "hybrid"}},
            "grid: strategy is 'hybrid', where a list of values belongs",
        ),
        (
            {"grid": {"benchmark": ["worldfacts", "xquad-r"]}},
            "benchmarks: one parameter, their names separated by blanks",
        ),
        (
            {"parameters": {"learning_rate": "3e-5"}},
            "learning_rate is the text '3e-5': YAML takes a number with a point",
        ),
    ],
)
def test_a_wrong_yaml_is_named(root: Path, change: dict, said: str) -> None:
    file = root / "notebooks" / "studies" / "quick.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **change}))
    with pytest.raises(ValueError, match=said) as error:
        study.load("quick")
    assert "quick.yaml" in str(error.value)


def test_an_unknown_study_names_those_there_are(root: Path) -> None:
    with pytest.raises(
        ValueError, match=r"no study 'nosuch': .*; there are factorial, paper, quick, rivals"
    ):
        study.load("nosuch")


def test_a_study_may_have_arms_beside_its_grid_and_several_benchmarks(root: Path) -> None:
    file = root / "notebooks" / "studies" / "quick.yaml"
    before = yaml.safe_load(file.read_text())
    file.write_text(
        yaml.safe_dump(
            {
                **before,
                "notebooks": ["data", "evaluate", "compare"],
                "runs": {"The (floor)": {"steps": 1}},
                "parameters": {**before["parameters"], "benchmark": "worldfacts xquad-r"},
            }
        )
    )
    loaded = study.load("quick")
    floor = loaded.runs[-1]
    assert [run.arm for run in loaded.runs] == ["x-y", "hybrid", "The (floor)"]
    assert (floor.parameters["steps"], floor.parameters["batch_size"]) == (1, 16)
    assert floor.name.startswith("the-floor-seed0-")
    assert [run.beside for run in loaded.runs] == [False, False, True]
    assert loaded.benchmarks == ("worldfacts", "xquad-r")
    shown = loaded.shown()
    first = f"evaluate-{loaded.runs[0].name}"
    assert list(shown)[:3] == ["data", f"{first}-worldfacts", f"{first}-xquad-r"]
    assert shown["compare-xquad-r"] == ("compare", {"study": "quick", "benchmark": "xquad-r"})
    assert len(shown) == 1 + 3 * 2 + 2
    assert study.figures(loaded, "xquad-r") == root / "figures" / "quick" / "xquad-r"
    assert study.summary(loaded, "xquad-r") == root / "results" / "quick" / "summary-xquad-r.md"
    file.write_text(yaml.safe_dump({**before, "runs": {"floor": {"step": 1}}}))
    with pytest.raises(ValueError, match="no parameter 'step': did you mean 'steps'"):
        study.load("quick")
    file.write_text(yaml.safe_dump(before))
    alone = study.load("quick")
    assert study.figures(alone, "worldfacts") == root / "figures" / "quick"
    assert study.summary(alone, "worldfacts") == root / "results" / "quick" / "summary.md"


def test_arms_beside_the_grid_have_its_seeds(root: Path) -> None:
    file = root / "notebooks" / "studies" / "quick.yaml"
    before = yaml.safe_load(file.read_text())
    file.write_text(
        yaml.safe_dump(
            {
                **before,
                "grid": {"strategy": ["x-y"], "seed": [0, 1]},
                "runs": {"floor": {"steps": 1}, "one": {"steps": 2, "seed": 5}},
            }
        )
    )
    assert [(r.arm, r.parameters["seed"]) for r in study.load("quick").runs] == [
        ("x-y", 0),
        ("x-y", 1),
        ("floor", 0),
        ("floor", 1),
        ("one", 5),
    ]


def test_a_study_s_rivals_are_those_of_another(root: Path) -> None:
    folder = root / "notebooks" / "studies"
    quick = yaml.safe_load((folder / "quick.yaml").read_text())
    (folder / "quick.yaml").write_text(yaml.safe_dump({**quick, "rivals": "others"}))
    others = {
        "name": "others",
        "question": "And these?",
        "grid": {"seed": [0, 1]},
        "notebooks": [],
        "runs": {"1-to-2": {"objective": "one-to-k", "objective_options": {"k": 2}}},
    }
    (folder / "others.yaml").write_text(yaml.safe_dump(others))
    chosen = study.load("quick")
    assert [(r.arm, r.parameters["seed"]) for r in study.load("others").runs] == [
        ("1-to-2", 0),
        ("1-to-2", 1),
    ]
    for run in chosen.runs:
        run.folder.mkdir(parents=True)
        pd.DataFrame({"benchmark": ["worldfacts"], "value": [1.0]}).to_parquet(
            run.folder / "metrics.parquet"
        )
    assert study.collect(chosen)["arm"].tolist() == ["x-y", "hybrid"]
    said = r"'others' lacks metrics of 2 of its 2 runs \(1-to-2-seed0-.*make study STUDY=others"
    with pytest.raises(FileNotFoundError, match=said):
        study.collect(chosen, rivals=True)
    for run in study.load("others").runs:
        run.folder.mkdir(parents=True)
        pd.DataFrame({"benchmark": ["worldfacts"], "value": [2.0]}).to_parquet(
            run.folder / "metrics.parquet"
        )
    assert study.collect(chosen, rivals=True)["arm"].tolist() == [
        "x-y",
        "hybrid",
        "1-to-2",
        "1-to-2",
    ]
    (folder / "others.yaml").write_text(yaml.safe_dump({**others, "runs": {}}))
    assert [r.arm for r in study.load("others").runs] == [
        "hybrid",
        "hybrid",
    ]  # nothing named: the notebook's defaults


def test_an_untrained_encoder_is_an_arm(root: Path) -> None:
    # The engine's path through train.ipynb without a training, on two benchmarks in one run.
    file = root / "notebooks" / "studies" / "quick.yaml"
    before = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**before, "grid": {"strategy": ["none"], "seed": [0]}}))
    environment = {**os.environ, "HBT_ROOT": str(root)}
    run = study.load("quick").runs[0]
    subprocess.run(
        [sys.executable, "-m", "hbtlib.study.engine", "train", "quick", run.name],
        env=environment,
        cwd=root,
        check=True,
        capture_output=True,
    )
    assert study.whole(run.folder, run.parameters)
    measured = pd.read_parquet(run.folder / "metrics.parquet")
    assert measured["benchmark"].unique().tolist() == ["worldfacts"]
    assert not (run.folder / "training_log.parquet").exists()
    assert study.collect(study.load("quick"), "metrics", "worldfacts")["run"].unique().tolist() == [
        run.name
    ]
    assert study.collect(study.load("quick"), "metrics", "xquad-r").empty


def test_a_name_tells_the_run_apart() -> None:
    base = {"strategy": "hybrid", "alpha": 0.5, "mix": "batch", "seed": 1, "steps": 10}
    assert study.run_name(base).startswith("hybrid-seed1-")
    assert study.run_name({**base, "alpha": 0.25}).startswith("hybrid-alpha0.25-seed1-")
    assert study.run_name({**base, "alpha": {"linear": [1, 0]}}).startswith(
        "hybrid-alphalinear10-seed1-"
    )
    assert study.run_name({**base, "mix": "pair"}).startswith("hybrid-pair-seed1-")
    assert study.run_name({**base, "steps": 11}) != study.run_name(base)
    assert study.run_name({**base, "study": "a", "folder": "b"}) == study.run_name(base)
    everything = {
        **study.notebook_parameters("train"),
        **base,
    }  # a parameter at its default, said or not, is the same run
    assert study.run_name(everything) == study.run_name(
        {k: v for k, v in everything.items() if k != "temperature"}
    )


def test_check_names_what_is_misspelt_or_of_another_type() -> None:
    given = study.notebook_parameters("train")
    assert study.check("train", given) == given
    assert (
        study.check("train", {**given, "learning_rate": 1, "hbt": study, "_": 3, "In": []})[
            "learning_rate"
        ]
        == 1
    )
    with pytest.raises(
        ValueError, match=r"train.ipynb: no parameter 'stratgy': did you mean 'strategy'"
    ):
        study.check("train", {**given, "stratgy": "x-y"})
    with pytest.raises(ValueError, match=r"steps is '100' .str., but its default is 400"):
        study.check("train", {**given, "steps": "100"})
    with pytest.raises(
        ValueError, match=r"pairs_options is '{}' .str., .* with papermill: -y 'pairs_options"
    ):
        study.check("train", {**given, "pairs_options": "{}"})
    with pytest.raises(ValueError, match="seed is True"):
        study.check("train", {**given, "seed": True})


def test_a_run_folder_is_whole_or_absent(root: Path) -> None:
    parameters = {**study.notebook_parameters("train"), "study": "hand"}
    place = study.Workplace(parameters)
    target = root / "results" / "hand" / study.run_name(parameters)
    (place.path / "model").mkdir()
    (place.path / "model" / "modules.json").touch()
    for table in TABLES[:-1]:
        (place.path / f"{table}.parquet").touch()
    assert place.path.name.startswith(".")
    assert not target.exists()
    assert place.finish({"training": 1.0}) == target
    assert not place.path.with_name(f".{target.name}.part").exists()
    assert {p.name for p in target.iterdir()} == {
        "model",
        "parameters.json",
        "environment.json",
        *(f"{table}.parquet" for table in TABLES[:-1]),
    }
    assert json.loads((target / "parameters.json").read_text())["steps"] == parameters["steps"]
    environment = json.loads((target / "environment.json").read_text())
    assert environment["seconds"] == {"training": 1.0}
    assert {"versions", "device", "peak_memory_mb", "commit"} <= set(environment)
    again = study.Workplace(parameters)
    assert again.done
    assert again.path == target
    # A parameter that the notebook got since leaves the run as it is; a default that changed since does not.
    made = json.loads((target / "parameters.json").read_text())
    (target / "parameters.json").write_text(
        json.dumps({k: v for k, v in made.items() if k != "temperature"})
    )
    assert study.whole(target, parameters)
    (target / "parameters.json").write_text(json.dumps({**made, "temperature": 0.07}))
    assert study.unlike(target, parameters) == ["temperature"]
    assert not study.whole(target, parameters)
    (target / "parameters.json").write_text(json.dumps(made))
    (target / "top.parquet").unlink()  # a run of a time before there was such a table
    assert not study.whole(target, parameters)
    assert study.whole(target, {**parameters, "top": 0}) == (made["top"] == 0)


def test_a_second_writer_waits_for_the_first(root: Path) -> None:
    file = root / "run" / ".lock"
    script = (
        f"import sys, time; from pathlib import Path; from hbtlib.study.study import lock\n"
        f"with lock(Path({str(file)!r})):\n    print('has it', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "has it\n"
    waiter = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert waiter.stdout is not None
    assert waiter.stdout.readline().startswith("another process writes run/.lock; waiting")
    holder.kill()  # a lock ends with its process
    assert waiter.stdout.readline() == "has it\n"
    waiter.kill()
    for process in (holder, waiter):
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


def test_the_command_line_says_what_is_wrong() -> None:
    wrong: list[tuple[list[str], str]] = [
        (["summary", "nosuch"], "no study 'nosuch'"),
        (["train", "worldfacts", "x"], "has no run 'x'"),
        ([], "whole"),
    ]
    for arguments, said in wrong:
        done = subprocess.run(
            [sys.executable, "-m", "hbtlib.study.engine", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def engine(root: Path) -> subprocess.Popen:
    environment = {**os.environ, "HBT_ROOT": str(root)}
    shutil.rmtree(root / ".snakemake" / "locks", ignore_errors=True)  # as `make study` does
    shutil.rmtree(root / ".snakemake" / "incomplete", ignore_errors=True)
    return subprocess.Popen(
        [
            str(Path(sys.executable).parent / "snakemake"),
            "--cores",
            "2",
            "--config",
            "study=quick",
            "--quiet",
            "rules",
            "host",
            "--rerun-triggers",
            "mtime",
        ],
        cwd=root,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def results(root: Path) -> dict[str, pd.DataFrame]:
    return {
        f"{file.parent.name}/{file.name}": pd.read_parquet(file)
        for file in sorted((root / "results" / "quick").glob("*/*.parquet"))
    }


def test_killed_at_any_moment_and_run_again_it_ends_the_same(root: Path, tmp_path: Path) -> None:
    assert engine(root).wait(timeout=300) == 0
    whole = results(root)
    assert len(whole) == 2 * len(TABLES)
    assert {Path(name).stem for name in whole} == set(TABLES)
    assert not list((root / "results" / "quick").glob(".*.part"))
    executed = json.loads(next((root / "results" / "quick").glob("*/notebook.ipynb")).read_text())
    assert any(cell.get("outputs") for cell in executed["cells"])

    shutil.rmtree(root / "results")
    moments = random.Random(0)
    for everything in (True, False):
        process = engine(root)
        time.sleep(moments.uniform(6, 14))
        if everything:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()  # the runs and their kernels go on alone, beside the engine that is started next
        process.wait()
        for folder in (
            p for p in (root / "results" / "quick").glob("*") if not p.name.startswith(".")
        ):
            assert {
                "ranks.parquet",
                "metrics.parquet",
                "model",
                "notebook.ipynb",
                "environment.json",
                "parameters.json",
                "training_log.parquet",
            } <= {p.name for p in folder.iterdir()}
    assert engine(root).wait(timeout=300) == 0
    again = results(root)
    assert list(again) == list(whole)
    for name, table in whole.items():
        pd.testing.assert_frame_equal(again[name], table)

    begun = time.monotonic()
    before = {file: file.stat().st_mtime_ns for file in (root / "results").rglob("*")}
    assert engine(root).wait(timeout=60) == 0
    assert time.monotonic() - begun < 10
    assert {file: file.stat().st_mtime_ns for file in (root / "results").rglob("*")} == before
