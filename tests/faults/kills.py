"""`kill -9` while a study is made, and the same command again until it is finished.

Six studies are made from scratch, and four times each something is killed: all processes at once,
Snakemake, a run's engine or its kernel; at a moment drawn at random, or while checkpoints, models,
ranks or notebooks are written. Then every table must have the bytes of an undisturbed study's.
"""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from harness import (
    Project,
    Trial,
    command_line,
    descendants,
    differences,
    finish,
    kill,
    make_project,
    undisturbed,
    wait_until,
)

FAMILY = "kill -9"
SEED = 0

RANDOM, CHECKPOINTING, SAVING, RANKING, SHOWING = (
    "at a random moment",
    "while checkpointing",
    "while saving the model",
    "while ranking",
    "while showing",
)
ALL, SNAKEMAKE, ENGINE, KERNEL = "all processes", "Snakemake", "the engine", "the kernel"

STUDIES = [
    [(ALL, RANDOM), (KERNEL, CHECKPOINTING), (ENGINE, RANKING), (ALL, SHOWING)],
    [(SNAKEMAKE, RANDOM), (ALL, CHECKPOINTING), (ALL, SAVING), (KERNEL, SHOWING)],
    [(ENGINE, RANDOM), (ENGINE, CHECKPOINTING), (ALL, RANKING), (SNAKEMAKE, SHOWING)],
    [(KERNEL, RANDOM), (SNAKEMAKE, CHECKPOINTING), (KERNEL, SAVING), (ENGINE, SHOWING)],
    [(ALL, RANDOM), (ALL, RANDOM), (KERNEL, RANKING), (ALL, SHOWING)],
    [(ALL, RANDOM), (ENGINE, RANDOM), (SNAKEMAKE, SAVING), (ALL, SHOWING)],
]
"""What is killed, and when, in each of the studies."""

SIGNS = {
    CHECKPOINTING: ".*.part/checkpoints/checkpoint-*",
    SAVING: ".*.part/model*",
    RANKING: ".*.part/training_log.parquet",
    SHOWING: "notebooks/.results*",
}
"""Files that show that something has begun."""

FILES = {
    "environment.json",
    "metrics.parquet",
    "model",
    "notebook.ipynb",
    "parameters.json",
    "ranks.parquet",
    "training_log.parquet",
}
"""What every run folder has among others, at whatever moment one looks at it."""


def trials(quick: bool = False) -> Iterator[Trial]:
    """Makes the studies. There is no quick form here; `test_engine_killed` is one."""
    rng = random.Random(SEED)
    for kills in STUDIES:
        with tempfile.TemporaryDirectory() as folder:
            project = make_project(Path(folder) / "project", notebooks=["results"])
            yield from one_study(project, kills, rng)


def one_study(
    project: Project, kills: list[tuple[str, str]], rng: random.Random
) -> Iterator[Trial]:
    """Makes one study with some kills on the way, and compares it with the undisturbed one."""
    done = []
    broken = ""
    for who, when in kills:
        process = project.driver(stdout=subprocess.DEVNULL)
        if reached(project, process, when, rng):
            strike(process, who)
            done.append(f"{who}, {when}")
        if who in (KERNEL, ENGINE):  # Snakemake goes on, or ends by itself
            finish(process)
        process.wait()
        broken = broken or half_a_run(project)
    status, output = finish(project.driver())
    differing = differences(project.state(), undisturbed().state)
    wrong = broken or shown(differing) or ("" if status == 0 else output[-300:])
    wrong = wrong or not_executed(project) or made_again(project)
    for what in done:
        yield Trial(
            FAMILY, what, f"{what}: {project.folder}", not wrong, lost=bool(wrong), said=wrong
        )
    left = sorted(str(file) for file in project.results.rglob(".*"))
    yield Trial(
        FAMILY,
        "nothing is left over in the end",
        f"{len(done)} kills: {project.folder}",
        survived=not left,
        said=", ".join(left[:3]),
    )


def reached(project: Project, process: subprocess.Popen, when: str, rng: random.Random) -> bool:
    """Waits for the moment of a kill; tells whether it came before the study was finished."""
    begun = time.monotonic()
    moment = begun + rng.uniform(1, 0.4 * undisturbed().seconds)
    before = signs(project, when)

    def now() -> bool:
        if process.poll() is not None:
            return True
        return time.monotonic() > moment if when == RANDOM else signs(project, when) != before

    wait_until(now, 900)
    if when != RANDOM:
        time.sleep(rng.uniform(0, 0.2 if when == CHECKPOINTING else 1.5))
    return process.poll() is None


def signs(project: Project, when: str) -> set[str]:
    """Returns the files by which a moment is known."""
    if when == RANDOM:
        return set()
    return {str(file) for file in project.results.glob(SIGNS[when])}


def strike(process: subprocess.Popen, who: str) -> None:
    """Kills a part of what makes a study."""
    below = descendants(process.pid)
    lines = {one: command_line(one) for one in below}
    if who == ALL:
        kill(process.pid, *below)
    elif who == SNAKEMAKE:
        kill(process.pid)
    elif who == KERNEL:
        kill(*(one for one, line in lines.items() if "ipykernel_launcher" in line))
    else:
        engines = (one for one, line in lines.items() if "python" in line.split(" ")[0])
        kill(*(one for one in engines if "hbtlib.study.engine" in lines[one]))


def half_a_run(project: Project) -> str:
    """Names a run folder in its place that lacks a file, or returns ""."""
    for folder in project.results.glob("[!.]*-seed*"):
        lacking = FILES - {file.name for file in folder.iterdir()}
        if lacking:
            return f"{folder.name} lacks {', '.join(sorted(lacking))}"
    return ""


def not_executed(project: Project) -> str:
    """Names a run's notebook that has no outputs, or returns ""."""
    for file in project.results.glob("[!.]*-seed*/notebook.ipynb"):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        if not any(cell.get("outputs") for cell in cells):
            return f"{file} has no outputs"
    return ""


def made_again(project: Project) -> str:
    """Names a file that the command writes again although the study is finished, or returns ""."""

    def times() -> dict[Path, int]:
        files = (project.folder / "results").rglob("*")
        return {file: file.stat().st_mtime_ns for file in files if file.is_file()}

    before = times()
    finish(project.driver())
    after = times()
    changed = [file for file in {*before, *after} if before.get(file) != after.get(file)]
    return f"{changed[0]} was written again" if changed else ""


def shown(names: list[str]) -> str:
    """Writes which files differ, or "" if none does."""
    return f"not as undisturbed: {', '.join(names[:5])}" if names else ""
