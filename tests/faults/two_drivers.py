"""Two processes that make the same study, or the same run, at the same time."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import (
    Project,
    Trial,
    differences,
    finish,
    is_traceback,
    make_project,
    of_run,
    sentence_with,
    undisturbed,
    wait_until,
)

FAMILY = "two at once"
Start = Callable[[Project], subprocess.Popen]


def trials(quick: bool = False) -> Iterator[Trial]:
    """Makes the study three times, each time by two processes at once."""
    yield two("two Snakemakes, started together", Project.driver, lambda project: True)
    yield two("two Snakemakes, the second during a run", Project.driver, training)
    yield two("two engines for one run", engine, lambda project: True)


def two(fault: str, start: Start, ready: Callable[[Project], bool]) -> Trial:
    """Starts two processes, the second when the project is ready for it, and compares the end.

    One of them may wait for the other, or give up and say why.
    """
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder) / "project", notebooks=["results"])
        first = start(project)
        wait_until(lambda: ready(project) or first.poll() is not None, 600)
        second = start(project)
        ends = [finish(second), finish(first)]
        said = [sentence_with(output, "another", "process") for _, output in ends]
        failed = [output for status, output in ends if status != 0]
        made, expected = project.state(), undisturbed().state
        if start is engine:
            made, expected = of_run(made, a_run()), of_run(expected, a_run())
        differing = differences(made, expected)
    return Trial(
        FAMILY,
        fault,
        fault,
        survived=not differing,
        named=any(said),
        lost=bool(differing),
        unexplained=any(is_traceback(output) for output in failed),
        said=max(said) or (failed[0][-300:] if failed else ""),
    )


def engine(project: Project) -> subprocess.Popen:
    """Starts the engine for one run."""
    return project.engine("train", "quick", a_run())


def a_run() -> str:
    """Returns the name of the study's first run."""
    return min(folder.name for folder in undisturbed().project.results.glob("[!.]*-seed*"))


def training(project: Project) -> bool:
    """Tells whether a run is being trained."""
    return any(True for _ in project.results.glob(".*.part/checkpoints"))
