"""A study as its YAML tells it: `notebooks/studies/NAME.yaml` becomes a `Study` with its runs.

The YAML has these keys:

- name: the name of the file.
- question: what the study asks, in a sentence.
- grid: parameters of the train notebook, each with a list of values. Every combination is a run.
- parameters: what is the same for all runs. What is not named is at the notebook's default.
- runs: arms beside the grid, each with the parameters in which it differs from the common ones.
- notebooks: the notebooks that read the runs, instead of `NOTEBOOKS`.
- rivals: another study whose arms are compared with these.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from hbtlib.study.parameters import LOCATION, notebook_parameters, unknown_parameter
from hbtlib.study.project import STUDIES, project_folder
from hbtlib.study.runs import Run, run_name
from hbtlib.study.studies import NOTEBOOKS, Study


@dataclass(frozen=True)
class StudyFile:
    """What a study's YAML says, checked, before its grid is expanded.

    The attributes are the keys that the module's docstring explains.
    """

    name: str
    question: str
    grid: dict[str, list[Any]] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    notebooks: tuple[str, ...] = NOTEBOOKS
    rivals: str | None = None

    @property
    def common(self) -> dict[str, Any]:
        """The parameters of every run, before its own are set."""
        defaults = notebook_parameters("train")
        return {**defaults, **self.parameters, "study": self.name, "folder": None}

    def grid_runs(self) -> list[Run]:
        """Expands the grid: one run for each combination of its values."""
        if self.runs and set(self.grid) <= {"seed"}:
            return []  # the grid has only the seeds of the arms beside it
        found = []
        for values in product(*self.grid.values()):
            parameters = {**self.common, **dict(zip(self.grid, values, strict=True))}
            varied = [
                f"{name} {parameters[name]}"
                for name in self.grid
                if name not in ("strategy", "seed")
            ]
            arm = ", ".join([parameters["strategy"], *varied])
            found.append(Run(self.name, run_name(parameters), parameters, arm))
        return found

    def runs_beside(self) -> list[Run]:
        """Makes the runs of the arms beside the grid: one for each seed, or for their own."""
        found = []
        for arm, differing in self.runs.items():
            seeds = self.grid.get("seed", [self.common["seed"]])
            if "seed" in differing:
                seeds = [differing["seed"]]
            for seed in seeds:
                parameters = {**self.common, **differing, "seed": seed}
                name = run_name(parameters, arm)
                found.append(Run(self.name, name, parameters, arm, beside=True))
        return found


KEYS = tuple(StudyFile.__dataclass_fields__)
"""The keys that a study's YAML may have."""


def load(name: str) -> Study:
    """Loads a study.

    Args:
        name: The name of its YAML file in `notebooks/studies/`.

    Returns:
        The study with its runs.

    Raises:
        ValueError: There is no such file, or something in it is wrong. The message names the file
            and what it is.
    """
    file = study_file(name)
    written = read(file)
    runs = [*written.grid_runs(), *written.runs_beside()]
    return Study(name, written.question, tuple(runs), written.notebooks, written.rivals)


def study_names() -> list[str]:
    """Returns the names of all studies of the project, sorted."""
    return sorted(file.stem for file in (project_folder() / STUDIES).glob("*.yaml"))


def study_file(name: str) -> Path:
    """Returns the YAML file of a study.

    Args:
        name: The name of the study.

    Returns:
        The path of the file.

    Raises:
        ValueError: There is no such file. The message names the studies there are.
    """
    file = project_folder() / STUDIES / f"{name}.yaml"
    if not file.exists():
        there_are = ", ".join(study_names()) or "none"
        raise ValueError(f"no study {name!r}: {file} does not exist; there are {there_are}")
    return file


def read(file: Path) -> StudyFile:
    """Reads and checks the YAML of a study.

    Args:
        file: The path of the YAML file.

    Returns:
        What it says.

    Raises:
        ValueError: Something in it is wrong. The message names the file and what it is.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        check_keys(content, file.stem)
        given = {key: value for key, value in content.items() if value is not None}
        check_grid(given.get("grid", {}))
        check_parameters(given)
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(f"{file}: {error}") from None
    if "notebooks" in given:
        given["notebooks"] = tuple(given["notebooks"])
    return StudyFile(**given)


def check_keys(content: object, name: str) -> None:
    """Checks that the YAML is a mapping of the known keys, with its name and a question.

    Args:
        content: What the YAML holds.
        name: The name of the study, which is that of its file.

    Raises:
        ValueError: Something is missing, unknown or of another kind.
    """
    if not isinstance(content, dict):
        raise ValueError(f"a study is a mapping of {', '.join(KEYS)}")
    unknown = sorted(str(key) for key in content if key not in KEYS)
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; a study may have {', '.join(KEYS)}")
    if content.get("name") != name:
        raise ValueError(
            f"name is {content.get('name')!r}, but a study has the name of its file: "
            f"write `name: {name}`"
        )
    if not content.get("question"):
        raise ValueError("there is no question: write in a sentence what the study asks")
    for key in ("grid", "parameters", "runs"):
        if not isinstance(content.get(key) or {}, dict):
            raise ValueError(f"{key} is {content[key]!r}, where a mapping belongs")
    if not isinstance(content.get("notebooks") or [], list):
        raise ValueError(f"notebooks is {content['notebooks']!r}, where a list of names belongs")
    for arm, differing in (content.get("runs") or {}).items():
        if not isinstance(differing, dict):
            raise ValueError(
                f"runs: {arm} is {differing!r}, where the parameters in which it differs belong"
            )


def check_grid(grid: Mapping[str, Any]) -> None:
    """Checks that every parameter of the grid has a list of values.

    Args:
        grid: The parameters and their values.

    Raises:
        ValueError: A value is no list, or the grid has several benchmarks. These are one parameter.
    """
    for name, values in grid.items():
        if name == "benchmark":
            raise ValueError(
                "grid: benchmark cannot vary in a grid. Every run is evaluated on all benchmarks: "
                "write their names, separated by blanks, under parameters"
            )
        if not isinstance(values, list) or not values:
            raise ValueError(f"grid: {name} is {values!r}, where a list of values belongs")


def check_parameters(given: Mapping[str, Any]) -> None:
    """Checks that all parameters are those of the train notebook, and that numbers are numbers.

    Args:
        given: The keys of the YAML and what they hold.

    Raises:
        ValueError: A name is no parameter that a study may set, or a value is a text like `3e-5`.
    """
    defaults = notebook_parameters("train")
    parts = [given.get("parameters", {}), *given.get("runs", {}).values(), given.get("grid", {})]
    for part in parts:
        for name, value in part.items():
            if name not in defaults or name in LOCATION:
                raise ValueError(unknown_parameter(name, defaults))
            for one in value if isinstance(value, list) else [value]:
                _check_number(name, one)


def _check_number(name: str, value: object) -> None:
    """Raises ValueError for a number that YAML read as text, because it has no point."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]+e[-+]?[0-9]+", value):
        raise ValueError(
            f"{name} is the text {value!r}, because YAML reads a number with an exponent only if "
            f"it has a point: write {float(value):.1e}"
        )
