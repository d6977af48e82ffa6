"""A study: its runs, and the executed notebooks that are made of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from hbtlib.checks import short
from hbtlib.study.family import Family
from hbtlib.study.parameters import defaults_of
from hbtlib.study.runs import Run

NOTEBOOKS = (
    "data",
    "benchmark",
    "evaluate",
    "results",
    "significance",
    "cost-and-controls",
    "bias",
    "paper",
)
"""The notebooks that read a study's runs, unless its YAML names others."""

WITHOUT_RUNS = ("data", "benchmark")
"""Those of them that show what a study works with and need no runs."""


@dataclass(frozen=True)
class Study:
    """A study: its runs, and the notebooks that read them.

    Attributes:
        name: Its name.
        question: What it asks.
        runs: Its runs, those of the grid first.
        notebooks: The names of the notebooks that read them.
        rivals: A study whose arms are compared with these, or None.
        family: The differences that are tested, or None where the YAML declares none.
    """

    name: str
    question: str
    runs: tuple[Run, ...]
    notebooks: tuple[str, ...]
    rivals: str | None = None
    family: Family | None = None

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """The benchmarks that its runs are evaluated on."""
        return tuple(self.runs[0].parameters["benchmark"].split())

    def run(self, name: str) -> Run:
        """Returns the run of this name.

        Args:
            name: The name of a run, see `run_name`.

        Returns:
            The run.

        Raises:
            ValueError: There is no such run. The message names those there are.
        """
        if name not in self._by_name:
            raise ValueError(
                f"study {self.name!r} has no run {short(name)}; it has {several(self._by_name)}"
            )
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Run]:
        """The runs by their names."""
        return {run.name: run for run in self.runs}

    def shown(self) -> dict[str, tuple[str, dict[str, str]]]:
        """Lists the executed notebooks that are made of the runs.

        A notebook with a parameter `run` is executed once for each arm, with the first of the
        arm's runs (they differ in their seeds). One with a parameter `benchmark` is executed once
        for each benchmark.

        Returns:
            For the name of each executed notebook, the name of its source and its parameters.
        """
        return dict(self._shown)

    @cached_property
    def _shown(self) -> dict[str, tuple[str, dict[str, str]]]:
        """What `shown` gives."""
        found = {}
        for notebook in self.notebooks:
            for parameters in self._parameters_of(notebook):
                found[self._shown_name(notebook, parameters)] = (notebook, parameters)
        return found

    def _parameters_of(self, notebook: str) -> Iterator[dict[str, str]]:
        """Yields the parameters that a notebook is executed with, once for each execution."""
        first_of_arm: dict[str, str] = {}
        for run in self.runs:
            first_of_arm.setdefault(run.arm, run.name)
        choices = {
            "study": [self.name],
            "run": list(first_of_arm.values()),
            "benchmark": list(self.benchmarks),
        }
        has = defaults_of(notebook)
        asked = {name: values for name, values in choices.items() if name in has}
        for values in product(*asked.values()):
            yield dict(zip(asked, values, strict=True))

    def _shown_name(self, notebook: str, parameters: Mapping[str, str]) -> str:
        """Returns the name of an executed notebook: NOTEBOOK[-RUN][-BENCHMARK]."""
        parts = [notebook]
        if "run" in parameters:
            parts.append(parameters["run"])
        if "benchmark" in parameters and len(self.benchmarks) > 1:
            parts.append(parameters["benchmark"])
        return "-".join(parts)

    def read_by(self, shown: str) -> tuple[Run, ...]:
        """Returns the runs that an executed notebook is made of.

        Args:
            shown: Its name, a key of `shown()`.

        Returns:
            One run, or all of them, or none for a notebook of `WITHOUT_RUNS`.
        """
        notebook, parameters = self._shown[shown]
        if notebook in WITHOUT_RUNS:
            return ()
        if "run" in parameters:
            return (self.run(parameters["run"]),)
        return self.runs


def several(names: Iterable[str], most: int = 20) -> str:
    """Returns names as a sentence lists them; of many the first.

    Args:
        names: The names.
        most: How many are listed at most.

    Returns:
        The names, separated by commas.
    """
    listed = list(names)
    more = f" and {len(listed) - most:,} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
