"""A run that several processes train: one executes the notebook, the others train along."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import yaml

from hbtlib import study
from hbtlib.study.folders import Workplace
from hbtlib.study.processes import train_along

REPOSITORY = Path(__file__).resolve().parents[2]
ENGINE = [sys.executable, "-m", "hbtlib.study.engine"]
STUDY = {
    "name": "quick",
    "question": "Does it run?",
    "grid": {"strategy": ["hybrid"], "seed": [0]},
    "parameters": {
        "languages": "en de",
        "evaluated": "de el en",
        "steps": 6,
        "evaluate_every": 3,
        "batch_size": 16,
        "split": "validation",
    },
    "notebooks": [],
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the real train notebook and one quick run."""
    (tmp_path / "notebooks" / "studies").mkdir(parents=True)
    source = REPOSITORY / "notebooks" / "03-train.ipynb"
    (tmp_path / "notebooks" / source.name).write_bytes(source.read_bytes())
    (tmp_path / "notebooks" / "studies" / "quick.yaml").write_text(yaml.safe_dump(STUDY))
    monkeypatch.setenv("HBT_ROOT", str(tmp_path))
    return tmp_path


def test_the_train_notebook_trains_in_one_cell() -> None:
    cells = json.loads((REPOSITORY / "notebooks" / "03-train.ipynb").read_text())["cells"]
    assert sum("hbt.train(" in "".join(cell["source"]) for cell in cells) == 1


def test_another_process_runs_the_cells_up_to_the_training(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = [
        nbformat.v4.new_code_cell("steps = 1", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_markdown_cell("hbt.train("),
        nbformat.v4.new_code_cell("from pathlib import Path\ndisplay(steps)\nprint(steps)"),
        nbformat.v4.new_code_cell("# hbt.train(\nPath(folder, 'trained').write_text(str(steps))"),
        nbformat.v4.new_code_cell("Path(folder, 'measured').touch()"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), project / "notebooks" / "03-train.ipynb")
    train_along({"steps": 7, "folder": str(project)})
    assert (project / "trained").read_text() == "7"
    assert not (project / "measured").exists()
    assert capsys.readouterr().out == ""


def test_only_the_first_process_locks_and_writes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = study.load("quick").runs[0]
    run.part.mkdir(parents=True)
    parameters = {**run.parameters, "folder": str(run.part.relative_to(project))}
    first = Workplace(parameters)
    monkeypatch.setenv("RANK", "1")
    before = sorted(run.part.iterdir())
    assert Workplace(parameters).path == first.path  # it would wait for the lock forever
    assert sorted(run.part.iterdir()) == before


@pytest.mark.slow
def test_two_processes_make_the_run_of_one(project: Path) -> None:
    run = study.load("quick").runs[0]
    paths = f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    made = []
    for processes in ("2", "1"):
        command = [*ENGINE, "train", "quick", run.name, "--processes", processes]
        done = subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("step 6 of 6") == 1
        assert study.whole(run.folder, run.parameters)
        made.append(run.folder.rename(project / f"made-by-{processes}"))
    logs = [pd.read_parquet(folder / "training_log.parquet") for folder in made]
    np.testing.assert_allclose(logs[0]["loss"], logs[1]["loss"], atol=1e-4)
    metrics = [pd.read_parquet(folder / "metrics.parquet")["value"] for folder in made]
    np.testing.assert_allclose(*metrics, atol=0.02)


@pytest.mark.slow
def test_a_process_that_fails_ends_the_run_in_one_sentence(project: Path) -> None:
    absent = {"benchmark": "folder", "benchmark_options": {"data": "/nowhere"}, "split": None}
    content = {**STUDY, "parameters": {**STUDY["parameters"], **absent}}
    (project / "notebooks" / "studies" / "quick.yaml").write_text(yaml.safe_dump(content))
    run = study.load("quick").runs[0]
    paths = f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    done = subprocess.run(
        [*ENGINE, "train", "quick", run.name, "--processes", "2"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "one of its 2 processes ended with status 1" in done.stderr.splitlines()[-1]
    assert not run.folder.exists()
