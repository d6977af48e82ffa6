"""What a notebook reads of a study: its arms, its runs' tables, and where its own are written."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from pathlib import Path

import pandas as pd

from hbtlib.evaluation.metrics import by_training
from hbtlib.evaluation.units import units
from hbtlib.files import read_table
from hbtlib.study import results
from hbtlib.study.config import load
from hbtlib.study.project import project_folder
from hbtlib.study.report.words import listed
from hbtlib.study.runs import Run

# What a rival must share with the study's own arms, or the two could not be compared.
SHARED = ("encoder", "pairs", "pairs_options", "languages", "ids", "steps", "benchmark")


class Reader:
    """Reads what a study's runs left on one benchmark, and knows where pictures and tables go.

    Args:
        study: the name of a study of notebooks/studies/.
        benchmark: one of those its runs are evaluated on; "": the first.

    Raises:
        ValueError: for a study that does not exist, or a benchmark it is not evaluated on.
    """

    def __init__(self, study: str, benchmark: str = "") -> None:
        self.study = load(study)
        self.benchmark = benchmark or self.study.benchmarks[0]
        if self.benchmark not in self.study.benchmarks:
            known = ", ".join(self.study.benchmarks)
            raise ValueError(f"benchmark is {benchmark!r}; study {study!r} has {known}")
        self.parameters = self.study.runs[0].parameters
        self.trained: list[str] = str(self.parameters["languages"]).split()
        self.figures: Path = results.figures(self.study, self.benchmark)

    @cached_property
    def arms(self) -> list[str]:
        """The study's own arms, in the order of its YAML."""
        return list(dict.fromkeys(run.arm for run in self.study.runs))

    @cached_property
    def grid(self) -> list[str]:
        """The arms that are compared with each other: all but those that stand beside the grid.

        A study that names each of its arms under `runs` has none in the grid; then it is all arms.
        """
        beside = {run.arm for run in self.study.runs if run.beside}
        return [arm for arm in self.arms if arm not in beside] or self.arms

    @cached_property
    def rival_runs(self) -> tuple[Run, ...]:
        """The runs of the study that this one names as its rivals."""
        return load(self.study.rivals).runs if self.study.rivals else ()

    @cached_property
    def rivals(self) -> list[str]:
        """The rivals' arms: methods of other kinds."""
        return [
            arm for arm in dict.fromkeys(r.arm for r in self.rival_runs) if arm not in self.arms
        ]

    @cached_property
    def seeds(self) -> list[int]:
        """The seeds of the study's own runs."""
        return sorted({run.parameters["seed"] for run in self.study.runs})

    def describe(self) -> str:
        """How many runs there are, on which benchmark, with which seeds."""
        seeds = " ".join(map(str, self.seeds))
        return f"{len(self.study.runs)} runs on {self.benchmark}, seeds {seeds}"

    def collect(self, what: str, *, rivals: bool = False) -> pd.DataFrame:
        """A table of every run, on this benchmark, with the columns run, arm and seed.

        Args:
            what: metrics, ranks, questions, top, probes, points, language_probe or training_log.
            rivals: whether the rivals' runs are read too.

        Returns:
            The tables of all runs, one under the other.
        """
        return results.collect(self.study, what, self.benchmark, rivals=rivals)

    def ranks_of_one_run(self) -> pd.DataFrame:
        """The ranks of a run that kept them: for what all runs share, such as how many passages.

        Raises:
            FileNotFoundError: if no run has its ranks.
        """
        kept = [run for run in self.study.runs if (run.folder / "ranks.parquet").exists()]
        if not kept:
            return self.collect("ranks")  # which says what to do
        table = results.run_table(kept[0], "ranks")
        return table[table["benchmark"] == self.benchmark]

    def units(self) -> dict[str, int]:
        """Which questions belong together (`hbt.units`): the unit of tests, beside the question.

        Returns:
            question_id → number of its unit, from the file that `hbtlib.study.units_command` wrote
            into the project, or from the ranks of a run.

        Raises:
            FileNotFoundError: if there are neither.
        """
        file = self.committed("units.parquet")
        if file.exists():
            table = read_table(file)
            return dict(zip(table["question_id"], table["unit"], strict=True))
        try:
            return units(self.ranks_of_one_run())
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{self.study.name} has neither ranks nor {file.name}, which says what questions "
                "belong together. Where the benchmark's data are, this writes it: "
                f"python -m hbtlib.study.units_command {self.study.name}"
            ) from None

    def measured(self, *, rivals: bool = False) -> pd.DataFrame:
        """Every run's metrics with the column `languages`: `trained`, or `unseen` where one is not.

        Args:
            rivals: whether the rivals' runs are read too.

        Returns:
            The columns of `hbt.measure`, and languages, run, arm, seed.
        """
        return by_training(self.collect("metrics", rivals=rivals), self.trained)

    def file(self, name: str) -> Path:
        """The place of one of the study's tables.

        Args:
            name: the file's name where the study has one benchmark, such as `cost.csv`.

        Returns:
            results/STUDY/cost.csv, or cost-BENCHMARK.csv where there are several benchmarks.
        """
        summary = results.summary(self.study, self.benchmark)
        stem, suffix = name.rsplit(".", 1)
        return summary.with_name(f"{summary.stem.replace('summary', stem)}.{suffix}")

    def committed(self, name: str) -> Path:
        """The place of one of the study's tables in the project, wherever a notebook writes.

        Args:
            name: as in `file`.
        """
        return project_folder() / "results" / self.study.name / self.file(name).name

    def check_comparable(self) -> None:
        """Raises ValueError where there is nothing to compare, or a rival saw other data."""
        if len(self.grid) < 2:
            raise ValueError(
                f"the grid of study {self.study.name!r} has the arms {listed(self.grid)}, and "
                "nothing to compare: it takes two (one run alone is for the notebook evaluate)"
            )
        for run in self.rival_runs:
            unlike = [key for key in SHARED if run.parameters[key] != self.parameters[key]]
            if unlike:
                raise ValueError(
                    f"rival {run.arm!r} has another {', '.join(unlike)}: it cannot be compared "
                    f"with {self.study.name!r}"
                )


def check_choice(what: str, value: str, known: Collection[str]) -> None:
    """Checks a parameter that names one of several things.

    Args:
        what: the parameter's name.
        value: its value.
        known: what there is.

    Raises:
        ValueError: where the value is not among them; the message lists them.
    """
    if value not in known:
        raise ValueError(f"{what} is {value!r}; this study has {', '.join(known)}")
