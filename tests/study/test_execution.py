"""A notebook that fails is one sentence: the cell, the error, where the executed copy lies."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from papermill.exceptions import PapermillExecutionError
from quick_study import QUICK, make_project, write_study

from hbtlib.study import engine, execution
from hbtlib.study.execution import NotebookFailed


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = make_project(tmp_path, monkeypatch)
    cells = [nbformat.v4.new_code_cell('study = "?"', metadata={"tags": ["parameters"]})]
    cells += [nbformat.v4.new_code_cell("# why\nimport os, signal\nos.kill(os.getpid(), 9)")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, project / "notebooks" / "99-tiny.ipynb")
    write_study(project, QUICK, notebooks=["tiny"])
    return project


def test_a_kernel_that_is_killed_makes_one_think_of_memory(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        engine.main(["show", "quick", "tiny"])
    said = str(stopped.value)
    assert said.startswith("engine: 99-tiny.ipynb, cell [3] (import os, signal): the kernel died, ")
    assert re.search(r"memory ran out \(it had used up to [0-9]+\.[0-9] GB", said)
    assert "give the job more memory" in said
    assert said.endswith("The executed notebook is results/quick/notebooks/.tiny.ipynb")
    assert "Traceback" not in capfd.readouterr().err


def raising(error: Exception) -> Any:
    def execute_notebook(source: Path, output: Path, *_: Any, **__: Any) -> None:
        Path(output).write_text("{}")
        raise error

    return execute_notebook


def failed(name: str, message: str) -> PapermillExecutionError:
    return PapermillExecutionError(5, 3, "\n# why\nx = 1\n", name, message, [])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            failed("ValueError", "one\nthe last line\n"),
            "failed with ValueError: the last line. The",
        ),
        (failed("KeyboardInterrupt", ""), "failed with KeyboardInterrupt. The executed"),
        (failed("RuntimeError", "CUDA out of memory. Tried"), "Memory ran out: give the job more"),
        (failed("MemoryError", ""), "failed with MemoryError. Memory ran out: give the job more"),
        (
            failed("SafetensorError", "I/O error: No space left on device (os error 28)"),
            "notebooks is full: make room and run the same again",
        ),
    ],
)
def test_what_a_cell_says_is_one_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    monkeypatch.setattr("papermill.execute_notebook", raising(error))
    with pytest.raises(NotebookFailed) as stopped:
        engine.show("quick", "tiny")
    assert str(stopped.value).startswith("99-tiny.ipynb, cell [3] (x = 1) failed with ")
    assert said in str(stopped.value)
    assert (project / "results" / "quick" / "notebooks" / ".tiny.ipynb").exists()


def test_a_full_disk_is_one_sentence_with_the_path(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr("papermill.execute_notebook", raising(full))
    place = project / "results" / "quick" / "notebooks" / ".tiny.ipynb"
    with pytest.raises(SystemExit, match=rf"^engine: the disk is full: {place} was not written"):
        engine.main(["show", "quick", "tiny"])
    assert engine.error_line(PermissionError(13, "Permission denied", "/x")) == (
        "/x: Permission denied"
    )


def test_a_train_run_keeps_its_notebook(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("papermill.execute_notebook", raising(failed("ValueError", "no")))
    run = engine.load("quick").runs[0]
    with pytest.raises(NotebookFailed, match="failed with ValueError: no") as stopped:
        engine.train("quick", run.name)
    place = f"results/quick/.{run.name}.part/notebook.ipynb"
    assert str(stopped.value).endswith(f"The executed notebook is {place}")
    assert (project / place).exists()


def test_what_dead_processes_left_is_removed(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project / "results" / "quick" / "notebooks"
    folder.mkdir(parents=True)
    dead = [folder / ".bias.4194305.ipynb", folder / ".bias.lock"]
    alive = [folder / f".bias.{os.getpid()}.ipynb", folder / ".other.lock", folder / ".x.ipynb"]
    for file in (*dead, *alive):
        file.touch()
    monkeypatch.setattr("papermill.execute_notebook", raising(failed("ValueError", "no")))
    with alive[1].open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(NotebookFailed):
            engine.show("quick", "tiny")
    assert not any(file.exists() for file in dead)
    assert all(file.exists() for file in alive)


def test_a_run_that_is_done_leaves_no_lock(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "whole", lambda folder, parameters: True)
    run = engine.load("quick").runs[0]
    engine.train("quick", run.name)
    assert capsys.readouterr().out == f"{run.name}: done before\n"
    assert not list((project / "results" / "quick").glob(".*.lock"))


def test_memory_is_asked_of_the_system() -> None:
    limit = execution._memory_limit()
    assert limit is not None
    assert limit > 0.1
    assert execution._killed_for_memory() >= 0
    assert "killed because memory ran out" in execution._of_memory(certain=True)
