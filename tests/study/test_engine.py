"""The engine: its command line, one run, one notebook, and a study killed at any moment."""

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

import nbformat
import pandas as pd
import pytest
from quick_study import QUICK, TABLES, make_project, write_study

from hbtlib import study
from hbtlib.study import engine
from hbtlib.study.execution import NotebookFailed

COMMAND = [sys.executable, "-m", "hbtlib.study.engine"]
FILES = {
    "ranks.parquet",
    "metrics.parquet",
    "model",
    "notebook.ipynb",
    "environment.json",
    "parameters.json",
    "training_log.parquet",
}
"""What every run folder of a run that trains has, among others."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_project(tmp_path, monkeypatch)


def test_the_command_line_says_what_is_wrong(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong: list[tuple[list[str], int, str]] = [
        (["summary", "nosuch"], 1, "engine: no study 'nosuch'"),
        (["train", "worldfacts", "x"], 1, "has no run 'x'"),
        (["summary", "../worldfacts"], 1, "engine: the study is '../worldfacts'; it becomes"),
        (["train", "x; touch pwned #", "x"], 1, "engine: the study is 'x; touch pwned #'"),
        (["train", "worldfacts", "../x"], 1, "engine: RUN is '../x'; it becomes"),
        (["show", "quick", "../bias"], 1, "engine: NAME is '../bias'; it becomes"),
        (["show", "quick", "bias"], 1, "study 'quick' shows no 'bias'; it shows no notebooks"),
        ([], 2, "usage: python -m hbtlib.study.engine"),
        (["train", "worldfacts"], 2, "the following arguments are required: RUN"),
    ]
    for arguments, status, said in wrong:
        with pytest.raises(SystemExit) as stopped:
            engine.main(arguments)
        assert stopped.value.code == (2 if status == 2 else str(stopped.value))
        printed = str(stopped.value) if status == 1 else capsys.readouterr().err
        assert said in printed
    done = subprocess.run([*COMMAND, *wrong[0][0]], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert wrong[0][2] in done.stderr


def test_help_explains_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in {
        "--help": "HBT_ROOT",
        "train --help": "Make one run; resume it if it was interrupted",
        "show --help": "Execute a notebook that reads runs",
        "shown --help": "List STUDY NAME of every notebook",
        "summary --help": "Print the summary tables",
    }.items():
        with pytest.raises(SystemExit) as status:
            engine.main(arguments.split())
        assert status.value.code == 0
        assert said in capsys.readouterr().out


def write_notebook(project: Path, source: str) -> None:
    """Writes the notebook `tiny`, which has a parameter `study`."""
    cells = [
        nbformat.v4.new_code_cell('study = "?"', metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(source),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={**kernel, "widgets": {}})
    nbformat.write(notebook, project / "notebooks" / "99-tiny.ipynb")


def test_a_notebook_is_shown_whole_or_not_at_all(project: Path) -> None:
    write_study(project, QUICK, notebooks=["tiny"])
    write_notebook(project, "import os\nprint(study, os.getcwd())")
    engine.main(["show", "quick", "tiny"])
    folder = project / "results" / "quick" / "notebooks"
    executed = nbformat.read(folder / "tiny.ipynb", as_version=4)
    assert executed.cells[-1].outputs[0].text == f"quick {project}\n"
    assert "widgets" not in executed.metadata
    before = (folder / "tiny.ipynb").read_bytes()
    write_notebook(project, "raise ValueError('no')")
    said = r"^99-tiny\.ipynb, cell \[3\] \(raise ValueError\('no'\)\) failed with ValueError: no\. "
    said += r"The executed notebook is results/quick/notebooks/\.tiny\.ipynb$"
    with pytest.raises(NotebookFailed, match=said):
        engine.show("quick", "tiny")
    assert (folder / ".tiny.ipynb").exists()
    assert (folder / "tiny.ipynb").read_bytes() == before


def test_the_project_may_be_named_relative_to_the_working_directory(project: Path) -> None:
    write_study(project, QUICK, notebooks=["tiny"])
    write_notebook(project, "import hbtlib as hbt\nprint(hbt.study.ROOT)")
    environment = {**os.environ, "HBT_ROOT": project.name}
    command = [*COMMAND, "show", "quick", "tiny"]
    subprocess.run(command, cwd=project.parent, env=environment, check=True)
    executed = project / "results" / "quick" / "notebooks" / "tiny.ipynb"
    assert nbformat.read(executed, as_version=4).cells[-1].outputs[0].text == f"{project}\n"


def write_metrics(name: str) -> None:
    """Writes a table of metrics into every run folder of a study."""
    columns = {"benchmark": "worldfacts", "setting": "monolingual", "metric": "mAP", "value": 0.5}
    pools = {"query_language": ["de", "el"], "pool": ["de", "el"]}
    for run in study.load(name).runs:
        run.folder.mkdir(parents=True)
        table = pd.DataFrame(pools).assign(**columns)
        table.to_parquet(run.folder / "metrics.parquet")


def test_shown_are_the_notebooks_of_studies_whose_results_are_there(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in (project / "notebooks" / "studies").iterdir():
        file.unlink()
    write_study(project, QUICK, notebooks=["data", "evaluate", "bias"], rivals="others")
    write_study(project, {**QUICK, "name": "others"})
    engine.main(["shown"])
    write_metrics("quick")
    engine.main(["shown"])
    assert capsys.readouterr().out == ""  # its rivals are missing
    write_metrics("others")
    engine.main(["shown"])
    first, second = (run.name for run in study.load("quick").runs)
    assert capsys.readouterr().out.splitlines() == [
        f"quick evaluate-{first}",
        f"quick evaluate-{second}",
        "quick bias",
    ]


def test_a_summary_has_tables_and_the_paths_of_figures(project: Path) -> None:
    write_metrics("quick")
    text = engine.summary("quick")
    assert text.splitlines()[1].startswith("worldfacts,trained,x-y,")
    assert "Figures" not in text
    shutil.rmtree(study.load("quick").runs[0].folder)
    assert engine.summary("quick") == text  # the runs are missing: as it was written before
    (project / "results" / "quick" / "summary.md").write_text("A table\n")
    for figure in ("one.png", "a-run/of-one-run.png"):
        file = project / "figures" / "quick" / figure
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert engine.summary("quick") == "A table\n\nFigures:\n  figures/quick/one.png"


def test_an_untrained_encoder_is_an_arm(project: Path) -> None:
    # The engine's path through the train notebook without a training.
    write_study(project, QUICK, grid={"strategy": ["none"], "seed": [0]})
    run = study.load("quick").runs[0]
    for said in ("", f"{run.name}: done before\n"):
        done = subprocess.run(
            [*COMMAND, "train", "quick", run.name],
            cwd=project,
            check=True,
            capture_output=True,
            text=True,
        )
        assert done.stdout.endswith(said)
    assert study.whole(run.folder, run.parameters)
    measured = pd.read_parquet(run.folder / "metrics.parquet")
    assert measured["benchmark"].unique().tolist() == ["worldfacts"]
    assert not (run.folder / "training_log.parquet").exists()
    collected = study.collect(study.load("quick"), "metrics", "worldfacts")
    assert collected["run"].unique().tolist() == [run.name]
    assert study.collect(study.load("quick"), "metrics", "xquad-r").empty


def start_snakemake(project: Path) -> subprocess.Popen:
    """Starts Snakemake on the study `quick`, as `make study` does."""
    for left_behind in ("locks", "incomplete"):
        shutil.rmtree(project / ".snakemake" / left_behind, ignore_errors=True)
    snakemake = str(Path(sys.executable).parent / "snakemake")
    options = "--cores 2 --config study=quick --quiet rules host --rerun-triggers mtime"
    return subprocess.Popen(
        [snakemake, *options.split()],
        cwd=project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def results(project: Path) -> dict[str, pd.DataFrame]:
    """The tables of all runs of the study `quick`."""
    return {
        f"{file.parent.name}/{file.name}": pd.read_parquet(file)
        for file in sorted((project / "results" / "quick").glob("*/*.parquet"))
    }


def kill(process: subprocess.Popen, *, with_its_runs: bool) -> None:
    """Kills Snakemake; its runs and their kernels too, or they go on beside what starts next."""
    if with_its_runs:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def test_killed_at_any_moment_and_run_again_it_ends_the_same(project: Path) -> None:
    place = project / "results" / "quick"
    assert start_snakemake(project).wait(timeout=300) == 0
    whole = results(project)
    assert len(whole) == 2 * len(TABLES)
    assert {Path(name).stem for name in whole} == set(TABLES)
    assert not list(place.glob(".*.part"))
    executed = json.loads(next(place.glob("*/notebook.ipynb")).read_text())
    assert any(cell.get("outputs") for cell in executed["cells"])

    shutil.rmtree(project / "results")
    moments = random.Random(0)
    for with_its_runs in (True, False):
        process = start_snakemake(project)
        time.sleep(moments.uniform(6, 14))
        kill(process, with_its_runs=with_its_runs)
        for folder in place.glob("*"):
            if not folder.name.startswith("."):
                assert {file.name for file in folder.iterdir()} >= FILES
    assert start_snakemake(project).wait(timeout=300) == 0
    again = results(project)
    assert list(again) == list(whole)
    for name, table in whole.items():
        pd.testing.assert_frame_equal(again[name], table)

    begun = time.monotonic()
    before = {file: file.stat().st_mtime_ns for file in (project / "results").rglob("*")}
    assert start_snakemake(project).wait(timeout=60) == 0
    assert time.monotonic() - begun < 10
    assert {file: file.stat().st_mtime_ns for file in (project / "results").rglob("*")} == before
