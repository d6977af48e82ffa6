"""A disk that is full: the results lie on a small tmpfs, which is made larger after the failure.

A tmpfs of a fixed size fills while checkpoints or the model are written. For what is smaller, a
ballast file takes what is left of it when a sign shows that a phase has begun.
"""

from __future__ import annotations

import contextlib
import os
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
from two_drivers import a_run

FAMILY = "full disk"
ROOM = "size=150m"
Sign = Callable[[Project], bool]


def signs() -> dict[str, tuple[str, Sign | None, bool]]:
    """Returns for each fault the size of the disk, the sign to fill it at, and what is made.

    The last is True where the notebook that reads the runs is executed, False for a run.
    """
    part = f".{a_run()}.part"
    return {
        "from the start": ("size=4k", None, False),
        "while checkpointing": ("size=6m", None, False),
        "with room for one checkpoint": ("size=40m", None, False),
        "while saving the model": (ROOM, has(f"{part}/training_log.parquet"), False),
        "while writing tables": (ROOM, has(f"{part}/model"), False),
        "while executing a run's notebook": (ROOM, has(f"{part}/notebook.ipynb"), False),
        "while writing the last files": (ROOM, has(f"{part}/probes.parquet"), False),
        "while executing a notebook that reads runs": (ROOM, None, True),
    }


def has(pattern: str) -> Sign:
    """Returns the sign that a file is there."""
    return lambda project: any(True for _ in project.results.glob(pattern))


def trials(quick: bool = False) -> Iterator[Trial]:
    """Fills the disk at each of the moments; skipped with its reason where none can be mounted."""
    reason = cannot_mount()
    if reason:
        yield Trial(FAMILY, f"skipped: {reason}", "")
        return
    for fault, (size, sign, shows) in signs().items():
        with tempfile.TemporaryDirectory() as folder:
            project = make_project(Path(folder) / "project", notebooks=["results"])
            disk = project.folder / "results" / "quick"
            disk.mkdir()
            with mounted(disk, ROOM if shows else size):
                yield one_disk(fault, project, sign, shows)


def cannot_mount() -> str:
    """Says why no small disk can be mounted here, or returns ""."""
    if os.geteuid() != 0:
        return "only root can mount a small disk"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            subprocess.run(["umount", folder], check=True)
    return done.stderr.strip()


@contextlib.contextmanager
def mounted(folder: Path, size: str) -> Iterator[None]:
    """Mounts a small disk at a folder for as long as the block runs."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def one_disk(fault: str, project: Project, sign: Sign | None, shows: bool) -> Trial:
    """Runs into the full disk, makes room, and runs the same command again."""
    ballast = project.results / "ballast"
    words = ("train", "quick", a_run())
    if shows:
        finish(project.driver("--until", "train"))
        words = ("show", "quick", "results")
        fill(ballast)
    process = project.engine(*words)
    if sign is not None:
        wait_until(lambda: sign(project) or process.poll() is not None, 600)
        fill(ballast)
    status, output = finish(process)
    ballast.unlink(missing_ok=True)
    subprocess.run(["mount", "-o", f"remount,{ROOM}", str(project.results)], check=True)
    again, more = finish(project.engine(*words))
    made, expected = project.state(), undisturbed().state
    if not shows:
        made, expected = of_run(made, a_run()), of_run(expected, a_run())
    differing = differences(made, expected)
    said = sentence_with(output, "disk is full", "quick")
    hit = status != 0  # else the command had ended before the disk was full: nothing was tried
    return Trial(
        FAMILY,
        fault,
        f"{fault}: engine {' '.join(words)}" if hit else "",
        survived=hit and again == 0 and not differing,
        named=hit and bool(said) and not is_traceback(output),
        lost=bool(differing),
        unexplained=hit and (is_traceback(output) or not said),
        said=said or output[-300:] + ("" if again == 0 else more[-300:]),
    )


def fill(ballast: Path) -> None:
    """Writes a file until the disk is full."""
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 65536)
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
