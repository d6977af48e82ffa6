"""The engine: its command line, one run, one notebook, and a study killed at any moment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from quick_study import QUICK, make_project, seal_run, write_study

from hbtlib import study
from hbtlib.study import engine
from hbtlib.study.execution import NotebookFailed

COMMAND = [sys.executable, "-m", "hbtlib.study.engine"]


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
    assert executed.metadata.papermill.input_path == "notebooks/99-tiny.ipynb"
    assert executed.metadata.papermill.output_path == "results/quick/notebooks/tiny.ipynb"
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
        seal_run(run)


def test_shown_are_the_notebooks_of_studies_whose_results_are_there(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in (project / "notebooks" / "studies").glob("*.yaml"):
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


WRITTEN = ("metrics", "questions", "points", "top", "probes", "language_probe", "ranks")
"""The tables of a whole run, in the order in which the notebook below writes them."""

TABLE = pd.DataFrame({"rank": [1, 2]})
"""What it writes into each of them."""


def write_train_notebook(project: Path) -> None:
    """Replaces the train notebook by one that writes a run's files in a second, without torch."""
    file = project / "notebooks" / "03-train.ipynb"
    notebook = nbformat.read(file, as_version=4)
    [parameters] = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    source = f"""
import time

import pandas as pd

import hbtlib as hbt

place = hbt.study.Workplace(hbt.study.check("train", globals()))
(place.path / "model").mkdir(exist_ok=True)
(place.path / "model" / "modules.json").write_text("[]")
for table in {WRITTEN}:
    pd.DataFrame({TABLE.to_dict("list")}).to_parquet(place.path / f"{{table}}.parquet")
    print(table, flush=True)
    time.sleep(0.1)
place.finish({{}})
"""
    notebook.cells = [parameters, nbformat.v4.new_code_cell(source)]
    nbformat.write(notebook, file)


def start_engine(project: Path, run: str) -> subprocess.Popen:
    """Starts the engine on a run of the study `quick`."""
    command = [*COMMAND, "train", "quick", run]
    return subprocess.Popen(command, cwd=project, stdout=subprocess.DEVNULL)


def wait_for(file: Path) -> None:
    """Waits until a file is there."""
    end = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < end, f"{file} did not come"
        time.sleep(0.01)


def test_killed_at_any_moment_and_run_again_it_ends_the_same(project: Path) -> None:
    # With the real notebook, Snakemake and many more kills: tests/faults/kills.py.
    write_train_notebook(project)
    run = study.load("quick").runs[0]
    for reached in ("parameters.json", "points.parquet"):
        process = start_engine(project, run.name)
        wait_for(run.part / reached)
        process.kill()  # its kernel goes on for a moment, beside what starts next
        process.wait()
        assert not run.folder.exists()
    assert start_engine(project, run.name).wait(timeout=60) == 0
    for table in WRITTEN:
        pd.testing.assert_frame_equal(pd.read_parquet(run.folder / f"{table}.parquet"), TABLE)
    executed = json.loads((run.folder / "notebook.ipynb").read_text())
    assert any(cell.get("outputs") for cell in executed["cells"])
    assert not list(run.folder.parent.glob(".*"))

    before = {file: file.stat().st_mtime_ns for file in run.folder.rglob("*")}
    assert start_engine(project, run.name).wait(timeout=60) == 0
    assert {file: file.stat().st_mtime_ns for file in run.folder.rglob("*")} == before
