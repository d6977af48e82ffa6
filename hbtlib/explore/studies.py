"""What can be explored: the runs of a study that kept their ranks, and the texts behind them."""

from __future__ import annotations

from functools import cached_property, lru_cache

import pandas as pd

from hbtlib.data.benchmark import ALL
from hbtlib.data.catalog import CATALOG, catalog, load_pairs
from hbtlib.data.pairs import Pairs
from hbtlib.explore.questions import Texts, ids_alone, load_texts
from hbtlib.study.config import load, study_names
from hbtlib.study.report.reader import Reader
from hbtlib.study.results import run_table
from hbtlib.study.runs import Run


@lru_cache(maxsize=4)
def explorable(default: str = "worldfacts") -> tuple[str, ...]:
    """Returns the studies that can be explored.

    Args:
        default: The study that stands first, if it is one of them.

    Returns:
        The names of the studies of which a run is there with its ranks.
    """
    found = [name for name in study_names() if any(map(has_ranks, load(name).runs))]
    return tuple(sorted(found, key=lambda name: (name != default, name)))


def has_ranks(run: Run) -> bool:
    """Tells whether a run is there and kept the rank of every relevant passage."""
    return (run.folder / "ranks.parquet").is_file()


class Explored:
    """A study on one benchmark, as far as its runs are there.

    Args:
        study: The name of a study of notebooks/studies/.
        benchmark: One of those its runs are evaluated on; "": the first.

    Attributes:
        name: The name of the study.
        benchmark: The name of the benchmark.
        benchmarks: All benchmarks of the study.
        question: What the study asks.
        trained: The languages its runs were trained on.
        runs: arm → the run that is shown of it, its first seed: the study's own arms and those of
            its rivals.

    Raises:
        ValueError: There is no such study or benchmark, or no run of it kept its ranks, or they
            have no pool of all languages.
    """

    def __init__(self, study: str, benchmark: str = "") -> None:
        self._reader = Reader(study, benchmark)
        self.name = study
        self.benchmark = self._reader.benchmark
        self.benchmarks = self._reader.study.benchmarks
        self.question = self._reader.study.question
        self.trained = self._reader.trained
        self.runs: dict[str, Run] = {}
        for run in (*self._reader.study.runs, *self._reader.rival_runs):
            if has_ranks(run):
                self.runs.setdefault(run.arm, run)
        if not self.runs:
            others = ", ".join(explorable()) or "none"
            raise ValueError(
                f"no run of the study {study!r} kept its ranks, so there is nothing to explore: "
                f"run `make study STUDY={study}`, or choose one of those that did ({others})"
            )
        self._tables: dict[tuple[str, str], pd.DataFrame] = {}

    @property
    def arms(self) -> list[str]:
        """The arms that can be looked at."""
        return list(self.runs)

    @property
    def own_arms(self) -> list[str]:
        """Those of them that are the study's own, not its rivals'."""
        own = [arm for arm in self.runs if arm in self._reader.arms]
        return own or self.arms

    def ranks(self, arm: str) -> pd.DataFrame:
        """Returns the ranks of an arm's run on the benchmark, as `hbt.rank` gives them.

        Args:
            arm: One of `arms`.

        Raises:
            ValueError: There is no such arm, or its ranks have no pool of all languages.
            DamagedFile: The table is not what the run wrote.
        """
        table = self._table(arm, "ranks")
        if not (table["pool"] == ALL).any():
            raise ValueError(
                f"the ranks of {arm} on {self.benchmark} have no pool of all languages, which is "
                "what the explorer shows: choose another benchmark"
            )
        return table

    def top(self, arm: str) -> pd.DataFrame | None:
        """Returns the first passages of every query in the pool of all languages.

        Args:
            arm: One of `arms`.

        Returns:
            A row a query and rank (query_id, rank, passage_id, passage_language), or None if the
            run did not keep them.
        """
        run = self.runs[arm]
        return self._table(arm, "top") if (run.folder / "top.parquet").is_file() else None

    def _table(self, arm: str, what: str) -> pd.DataFrame:
        """Reads a table of an arm's run once."""
        if arm not in self.runs:
            raise ValueError(f"no arm {arm!r} to explore; there are {', '.join(self.arms)}")
        if (arm, what) not in self._tables:
            table = run_table(self.runs[arm], what)
            self._tables[arm, what] = table[table["benchmark"] == self.benchmark]
        return self._tables[arm, what]

    @cached_property
    def texts(self) -> Texts:
        """The texts of the benchmark, or its ids alone where its files are not at hand."""
        ranks = self.ranks(self.arms[0])
        missing = _missing(self.benchmark, "benchmark")
        if missing:
            return ids_alone(ranks, f"{missing} Ids stand in the place of texts.")
        return load_texts(self.benchmark, self._reader.parameters, ranks)

    @cached_property
    def pairs(self) -> tuple[Pairs | None, str]:
        """The training pairs, or None and a sentence that says what they need."""
        given = self._reader.parameters
        name = str(given["pairs"])
        missing = _missing(name, "pairs")
        if missing:
            return None, missing
        try:
            return load_pairs(name, **given["pairs_options"]), ""
        except ValueError as error:
            return None, f"The pairs {name} cannot be read: {error}."


def _missing(name: str, kind: str) -> str:
    """Returns what HBT_DATA must hold for a dataset; an empty text if it is at hand."""
    if name not in CATALOG:
        return f"The {kind} {name} is none of hbt.catalog()."
    known = catalog()
    if known.loc[known["name"] == name, "offline"].all():
        return ""
    folders = " or ".join(CATALOG[name].module.FOLDERS)
    return (
        f"The texts of {name} are not in this repository: set HBT_DATA to a folder that holds "
        f"{folders}."
    )
