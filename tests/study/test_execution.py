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

from hbtlib.study import engine, execution, memory
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
            failed("ImportError", "libtorch_cpu.so: failed to map segment from shared object"),
            "from shared object. Memory ran out: give the job more",
        ),
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


def test_what_killed_executions_wrote_is_removed_and_what_runs_wrote_is_not(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = project / "results" / "quick"
    dead, alive = runs / "notebooks" / ".bias.part", runs / "notebooks" / ".other.part"
    resumed = runs / ".x-y-seed0.part"
    for folder in (dead, alive, resumed):
        (folder / "results").mkdir(parents=True)
        (folder / "results" / "table.csv").touch()
    monkeypatch.setattr("papermill.execute_notebook", raising(failed("ValueError", "no")))
    with (runs / "notebooks" / ".other.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(NotebookFailed):
            engine.show("quick", "tiny")
        with pytest.raises(NotebookFailed):
            engine.train("quick", engine.load("quick").runs[0].name)
    assert not dead.exists()
    assert (alive / "results" / "table.csv").exists()
    assert (resumed / "results" / "table.csv").exists()
    left = sorted(file.name for file in (runs / "notebooks").iterdir())
    assert left == [".other.lock", ".other.part", ".tiny.ipynb", ".tiny.lock"]


def test_a_run_that_is_done_leaves_no_lock(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "whole", lambda folder, parameters: True)
    run = engine.load("quick").runs[0]
    engine.train("quick", run.name)
    assert capsys.readouterr().out == f"{run.name}: done before\n"
    assert not list((project / "results" / "quick").glob(".*.lock"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("MemoryError", ""),
        ("_ArrayMemoryError", "Unable to allocate 7.28 TiB for an array with shape (10, 10)"),
        ("ArrowMemoryError", "malloc of size 64 failed"),
        (
            "RuntimeError",
            "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: "
            "can't allocate memory: you tried to allocate 8 bytes. Error code 12",
        ),
        ("RuntimeError", "std::bad_alloc"),
        ("OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.00 MiB"),
        ("OSError", "[Errno 12] Cannot allocate memory"),
        ("ImportError", "/x/libtorch_cpu.so: failed to map segment from shared object"),
        ("ImportError", "Original error was:\nlibopenblas.so: failed to map segment from shared"),
    ],
)
def test_memory_that_ran_out_is_told_in_any_library_s_words(name: str, message: str) -> None:
    assert memory.ran_out(name, message)


def test_memory_that_ran_out_is_told_from_the_error_that_another_came_from() -> None:
    colour, end = "\x1b[0;31m", "\x1b[0m"
    traceback = [f"{colour}MemoryError{end}: no", "The above was the cause", "RuntimeError: failed"]
    assert memory.ran_out("RuntimeError", "failed", traceback)
    code = ["      3 try:", "----> 4     raise ValueError('of memory allocation')"]
    assert not memory.ran_out("ValueError", "no", code)
    assert not memory.ran_out("ValueError", "the text 'remember' is no number", [])
    assert not memory.ran_out("RuntimeError", "can't start new thread")


def test_a_limit_of_addresses_explains_what_a_kernel_could_not(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("papermill.execute_notebook", raising(failed("CellExecutionError", "")))
    with pytest.raises(NotebookFailed, match=r"failed with CellExecutionError\. The executed"):
        engine.show("quick", "tiny")
    monkeypatch.setattr("resource.getrlimit", lambda _: (2 * 2**30, -1))
    assert memory.ran_out("RuntimeError", "can't start new thread")
    said = r"failed without an error, probably because memory ran out \(each process may address "
    with pytest.raises(NotebookFailed, match=said + r"2\.0 GB, by ulimit -v\): give the job more"):
        engine.show("quick", "tiny")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "engine: MemoryError. Memory ran out: give the job more memory"),
        (
            ImportError("libarrow.so: failed to map segment"),
            "engine: ImportError: libarrow.so: failed to map segment. Memory ran out: give",
        ),
        (RuntimeError("Kernel died before replying to kernel_info"), "before its first cell: the "),
    ],
)
def test_the_engine_s_own_memory_may_run_out(
    project: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def execute_notebook(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("papermill.execute_notebook", execute_notebook)
    with pytest.raises(SystemExit) as stopped:
        engine.main(["show", "quick", "tiny"])
    assert said in str(stopped.value)
    assert "memory ran out" in str(stopped.value).lower()
    assert "\n" not in str(stopped.value)


def test_another_error_of_the_engine_is_not_of_memory(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("papermill.execute_notebook", raising(ImportError("no module x")))
    with pytest.raises(ImportError, match="no module x"):
        engine.main(["show", "quick", "tiny"])


def test_memory_is_asked_of_the_system() -> None:
    limit = execution._memory_limit()
    assert limit is not None
    assert limit > 0.1
    assert execution._killed_for_memory() >= 0
    assert "killed because memory ran out" in execution._of_memory(certain=True)
