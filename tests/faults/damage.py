"""Files of a finished study that were damaged: each is deleted, emptied, cut off, has one bit
flipped, or is that of another run.

Two things are asked. Does the command that makes the study notice it (a dry run plans to make it
again, or names it), and is the file made again with the same bytes? And does who reads the file
(`collect`, `make scores`, `Encoder.load`) refuse it by its name, or get what it always got?
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from harness import (
    UNDER_TEST,
    Project,
    Trial,
    differences,
    explained,
    finish,
    is_traceback,
    undisturbed,
)

FAMILY = "damaged files"
SEED = 0
FLIPS = 150
TEXTS = ["Where is Rome?", "Wo liegt Rom?", "It lies in Italy."]

TABLES = (
    "ranks",
    "metrics",
    "questions",
    "points",
    "top",
    "probes",
    "language_probe",
    "training_log",
)
"""The tables that `collect` reads."""


def delete(file: Path, other: Path) -> None:
    """Deletes a file."""
    file.unlink()


def empty(file: Path, other: Path) -> None:
    """Leaves nothing in a file."""
    file.write_bytes(b"")


def cut(file: Path, other: Path) -> None:
    """Leaves the first two thirds of a file."""
    content = file.read_bytes()
    file.write_bytes(content[: 2 * len(content) // 3])


def flip(file: Path, other: Path) -> None:
    """Flips one bit in the middle of a file."""
    content = bytearray(file.read_bytes())
    if content:
        content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


def replace(file: Path, other: Path) -> None:
    """Puts the file of another run in its place."""
    shutil.copy(other, file)


DAMAGES: dict[str, Callable[[Path, Path], None]] = {
    "deleted": delete,
    "emptied": empty,
    "cut off": cut,
    "a bit flipped": flip,
    "another run's": replace,
}


def trials(quick: bool = False) -> Iterator[Trial]:
    """Damages every file in every way. `test_faults` has a quick form, on runs without models."""
    with tempfile.TemporaryDirectory() as name:
        copy = Copy(Path(name), undisturbed().project)
        yield from flips_in_ranks(copy)
        yield from read_tables(copy)
        yield from read_scores(copy)
        yield from read_models(copy)
        yield from noticed(copy)
        yield from made_again(copy)


class Copy:
    """A copy of a project with a finished study, which is repaired after each damage.

    Args:
        folder: Where the copy goes.
        original: The project.
    """

    def __init__(self, folder: Path, original: Project) -> None:
        self.original = original
        self.project = Project(folder / "project")
        shutil.copytree(self.original.folder, self.project.folder)

    @property
    def runs(self) -> list[Path]:
        """The folders of the two runs."""
        return sorted(self.project.results.glob("[!.]*-seed*"))

    def files_of_run(self) -> list[str]:
        """The files of a run, as paths in its folder."""
        folder = self.runs[0]
        return [
            str(file.relative_to(folder)) for file in sorted(folder.rglob("*")) if file.is_file()
        ]

    def files_of_study(self) -> list[str]:
        """What is made of the runs, as paths in the project."""
        project = self.project.folder
        folders = (project / "results" / "quick" / "notebooks", project / "figures" / "quick")
        files = [file for folder in folders for file in sorted(folder.iterdir()) if file.is_file()]
        files += sorted(self.project.results.glob("summary*"))
        return [str(file.relative_to(project)) for file in files]

    @contextlib.contextmanager
    def damaged(self, *damages: tuple[Path, str, Path]) -> Iterator[None]:
        """Damages files (file, how, another run's) for the block; their times stay as they were.

        A flipped bit changes no time, and a copied file may keep its own.
        """
        for file, how, other in damages:
            times = file.stat()
            DAMAGES[how](file, other)
            if file.exists():
                os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        try:
            yield
        finally:
            for file, _, _ in damages:
                original = self.original.folder / file.relative_to(self.project.folder)
                file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(original, file)
            self.forget()

    def forget(self) -> None:
        """Takes back what Snakemake noted of a damage."""
        notes = self.project.folder / ".snakemake"
        if notes.exists():
            shutil.rmtree(notes)
            shutil.copytree(self.original.folder / ".snakemake", notes)

    @contextlib.contextmanager
    def here(self) -> Iterator[None]:
        """Makes the copy the project's folder for the block."""
        before = os.environ.get("HBT_ROOT")
        os.environ["HBT_ROOT"] = str(self.project.folder)
        try:
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                yield
        finally:
            os.environ.pop("HBT_ROOT")
            if before is not None:
                os.environ["HBT_ROOT"] = before


def ways_for(file: Path, other: Path) -> list[str]:
    """Returns how a file can be damaged: another run's is no damage where it is the same."""
    same = file.read_bytes() == other.read_bytes()
    return [how for how in DAMAGES if not (same and how == "another run's")]


def read(
    call: Callable[[], Any], usual: Any, file: Path, equal: Callable[[Any, Any], bool]
) -> tuple[str, str]:
    """Reads something damaged.

    Returns:
        The column of the table that the trial counts in, and what was said.
    """
    try:
        result = call()
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        named = explained(error) and (file.name in said or file.parent.name in said)
        return ("named" if named else "unexplained"), said
    return ("survived", "") if equal(result, usual) else ("lost", "another result, in silence")


def flips_in_ranks(copy: Copy, n: int = FLIPS) -> Iterator[Trial]:
    """Flips bits of a run's ranks at random, and reads the table with `collect`."""
    import hbtlib as hbt

    rng = random.Random(SEED)
    file = copy.runs[0] / "ranks.parquet"
    content = file.read_bytes()
    with copy.here():
        study = hbt.study.load("quick")
        usual = hbt.study.collect(study, "ranks")
        for bit in rng.sample(range(8 * len(content)), n):
            changed = bytearray(content)
            changed[bit // 8] ^= 1 << bit % 8
            file.write_bytes(bytes(changed))
            outcome, said = read(
                lambda: hbt.study.collect(study, "ranks"), usual, file, lambda a, b: a.equals(b)
            )
            fault = "a flipped bit of ranks.parquet, read by collect"
            yield Trial(FAMILY, fault, f"bit {bit}", said=said, **{outcome: True})
    shutil.copy2(copy.original.folder / file.relative_to(copy.project.folder), file)


def read_tables(copy: Copy) -> Iterator[Trial]:
    """Reads tables of a run in which one file is damaged, with `collect`."""
    import hbtlib as hbt

    first, second = copy.runs
    files = [*(f"{table}.parquet" for table in TABLES), "parameters.json", "environment.json"]
    files += [name for name in ("manifest.json",) if (first / name).exists()]
    with copy.here():
        study = hbt.study.load("quick")
        usual = {table: hbt.study.collect(study, table) for table in TABLES}
        for name in files:
            table = name.removesuffix(".parquet") if name.endswith(".parquet") else "ranks"
            for how in ways_for(first / name, second / name):
                with copy.damaged((first / name, how, second / name)):
                    outcome, said = read(
                        lambda table=table: hbt.study.collect(study, table),
                        usual[table],
                        first / name,
                        lambda a, b: a.equals(b),
                    )
                fault = f"{how}, read by collect"
                yield Trial(FAMILY, fault, f"{name} {how}", said=said, **{outcome: True})


def read_scores(copy: Copy) -> Iterator[Trial]:
    """Compares the scores of a run in which one file is damaged, as `make scores` does."""
    expected = expected_scores()
    first, second = copy.runs
    with copy.here():
        expected.write()
        usual = expected.check()
        for name in ("ranks.parquet", "metrics.parquet", "parameters.json"):
            for how in ways_for(first / name, second / name):
                with copy.damaged((first / name, how, second / name)):
                    outcome, said = read(
                        expected.check, usual, first / name, lambda a, b: a.equals(b)
                    )
                    if outcome == "lost" and failed(expected):
                        outcome, said = "named", "a score is FAIL"
                    if outcome == "survived" and name != "metrics.parquet" and how == "deleted":
                        outcome, said = "lost", f"OK without {name}"
                fault = f"{how}, read by make scores"
                yield Trial(FAMILY, fault, f"{name} {how}", said=said, **{outcome: True})
    (copy.project.folder / "results" / "expected.csv").unlink()


def expected_scores() -> Any:
    """Returns the module that `make scores` runs."""
    file = UNDER_TEST / "tests" / "expected.py"
    specification = importlib.util.spec_from_file_location("expected_scores", file)
    if specification is None or specification.loader is None:
        raise FileNotFoundError(file)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def failed(expected: Any) -> bool:
    """Tells whether `make scores` fails."""
    return bool(expected.check()["status"].str.startswith("FAIL").any())


def read_models(copy: Copy) -> Iterator[Trial]:
    """Loads a model of which one file is damaged, and embeds with it."""
    import hbtlib as hbt

    first, second = copy.runs

    def embed() -> np.ndarray:
        encoder = hbt.Encoder.load(first / "model", device="cpu")
        return np.concatenate([encoder.embed(TEXTS, role) for role in ("query", "passage")])

    with copy.here():
        usual = embed()
        for name in [one for one in copy.files_of_run() if one.startswith("model/")]:
            for how in ("deleted", "emptied", "cut off"):
                with copy.damaged((first / name, how, second / name)):
                    outcome, said = read(embed, usual, first / name, np.array_equal)
                fault = f"{how}, read by Encoder.load"
                yield Trial(FAMILY, fault, f"{name} {how}", said=said, **{outcome: True})


TOGETHER = [("deleted", "emptied"), ("cut off", "a bit flipped"), ("another run's",)]
"""How a file of the first run and the same one of the second are damaged at the same time."""


def noticed(copy: Copy) -> Iterator[Trial]:
    """Asks the command that makes the study what it would do: a dry run for each damage.

    The files of the two runs are damaged at the same time, in different ways.
    """
    first, second = copy.runs
    for name in copy.files_of_run():
        for ways in TOGETHER:
            sides = ((first, second), (second, first))
            damages = [
                (run / name, way, keep(other / name, copy))
                for (run, other), way in zip(sides, ways, strict=False)
                if way in ways_for(run / name, keep(other / name, copy))
            ]
            if not damages:
                continue
            with copy.damaged(*damages):
                status, output = finish(copy.project.driver("-n", quiet=False))
            for file, way, _ in damages:
                yield dry_run_trial(file, name, way, status, output)
    for number, name in enumerate(copy.files_of_study()):
        file = copy.project.folder / name
        ways = ["deleted", "emptied", "cut off", "a bit flipped"]
        if name.startswith("figures"):  # of many alike, each is damaged in one way
            ways = [ways[number % len(ways)]]
        for how in ways:
            with copy.damaged((file, how, file)):
                status, output = finish(copy.project.driver("-n", quiet=False))
            yield dry_run_trial(file, name, how, status, output)


def keep(file: Path, copy: Copy) -> Path:
    """Returns the undamaged original of a file."""
    return copy.original.folder / file.relative_to(copy.project.folder)


def dry_run_trial(file: Path, name: str, how: str, status: int, output: str) -> Trial:
    """Judges what a dry run said of one damaged file.

    It must plan the job that makes the file, or name the file.
    """
    made_by = next((part for part in file.parts if "-seed" in part), "shown=")
    jobs = [line for line in output.splitlines() if "wildcards:" in line]
    planned = status == 0 and any(made_by in line for line in jobs)
    said = name in output
    raw = status != 0 and (is_traceback(output) or not said)
    return Trial(
        FAMILY,
        f"{how}, seen by make study",
        f"{name} {how}",
        survived=planned,
        named=said,
        lost=not planned and not said and not raw,
        unexplained=raw,
        said=output[-300:] if raw else "",
    )


REMADE = [
    ("ranks.parquet", "a bit flipped", "metrics.parquet", "emptied"),
    ("model/model.safetensors", "a bit flipped", "parameters.json", "cut off"),
    ("notebook.ipynb", "emptied", "environment.json", "deleted"),
    ("top.parquet", "another run's", "model/tokenizer.json", "deleted"),
]
"""What is damaged in the two runs, for `make study` to make again."""


def made_again(copy: Copy) -> Iterator[Trial]:
    """Makes the study with damaged files in both runs, and compares the end byte for byte."""
    for first_name, first_way, second_name, second_way in REMADE:
        first, second = copy.runs
        DAMAGES[first_way](first / first_name, second / first_name)
        DAMAGES[second_way](second / second_name, keep(first / second_name, copy))
        status, output = finish(copy.project.driver())
        differing = differences(copy.project.state(), undisturbed().state)
        for folder, name, way in (
            (first, first_name, first_way),
            (second, second_name, second_way),
        ):
            original = keep(folder / name, copy).read_bytes()
            same = (folder / name).exists() and similar(folder / name, original)
            whole = status == 0 and same and not differing
            yield Trial(
                FAMILY,
                "made again by make study",
                f"{name} {way}",
                survived=whole,
                named=name in output or Path(name).name in output,
                lost=not whole and status == 0,
                unexplained=status != 0 and is_traceback(output),
                said="" if whole else f"differ: {differing[:3]}; {output[-300:]}",
            )
        shutil.rmtree(copy.project.folder)
        shutil.copytree(copy.original.folder, copy.project.folder)


def similar(file: Path, original: bytes) -> bool:
    """Tells whether a file was made again: the same bytes, or as many where times are in it."""
    content = file.read_bytes()
    if file.suffix in (".json", ".ipynb"):
        return len(content) > 0.8 * len(original)
    return content == original
