"""A study as its YAML tells it: `notebooks/studies/NAME.yaml` becomes a `Study` with its runs.

The YAML's keys are the attributes of `StudyFile`. Everything in it is checked when it is loaded,
before any notebook starts: what is wrong is a ValueError of one sentence that names the file and
the place in it, such as `runs: floor: seed`.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hbtlib.checks import check_name, short
from hbtlib.study.family import Family, checked_family
from hbtlib.study.parameters import (
    LOCATION,
    check_combination,
    defaults_of,
    notebook_file,
    unknown_parameter,
)
from hbtlib.study.project import STUDIES, project_folder
from hbtlib.study.runs import Run, run_name
from hbtlib.study.schema import problem, schema_of
from hbtlib.study.studies import NOTEBOOKS, Study
from hbtlib.study.together import USED
from hbtlib.study.values import LONGEST_NAME
from hbtlib.study.yaml_file import read_yaml

MOST_RUNS = 100_000
"""A grid of more runs than these is a slip."""

_LISTED = 8  # studies that a message names; of more it says where they are

FULL = "-full"
"""What follows the name of a study at the scale of a cluster."""


class StudyFile(BaseModel):
    """What a study's YAML says, checked, before its grid is expanded."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str = Field(description="the name of the file")
    question: str = Field(description="what the study asks, in a sentence")
    grid: dict[str, list[Any]] = Field(
        {},
        description="parameters of the train notebook, each with a list of values; every "
        "combination is a run",
    )
    parameters: dict[str, Any] = Field(
        {},
        description="what is the same for all runs; what is not named is at the notebook's default",
    )
    runs: dict[str, dict[str, Any]] = Field(
        {},
        description="arms beside the grid, each with the parameters in which it differs; they get "
        "the grid's seeds",
    )
    notebooks: list[str] = Field(
        list(NOTEBOOKS), description="the notebooks that read the runs, instead of the usual ones"
    )
    rivals: str | None = Field(None, description="another study whose arms are compared with these")
    family: dict[str, Any] | None = Field(
        None,
        description="the differences that are tested, declared before the runs: `metrics`, and "
        "`differences` (name → arm → weight)",
    )
    full: dict[str, Any] | None = Field(
        None,
        description="the study at the scale of a cluster, called NAME-full: `grid`, `parameters` "
        "and `runs` as they are there (parameters that are not named stay); its rivals are at "
        "that scale, too, if their study has it",
    )

    def at_full_scale(self) -> "StudyFile":
        """The study that `full` describes.

        Its rivals are those of the rivals' own full scale; without one it has none, because runs of
        another encoder and other data could not be compared with its own.
        """
        full = self.full or {}
        changed = {
            "name": self.name + FULL,
            "parameters": {**self.parameters, **full.get("parameters", {})},
            "rivals": self.rivals and _at_full_scale(self.rivals),
            "full": None,
        }
        changed |= {key: full[key] for key in ("grid", "runs") if key in full}
        return StudyFile.model_validate({**self.model_dump(exclude_unset=True), **changed})

    def all_runs(self) -> Iterator[tuple[str, Run]]:
        """Yields every run with its place in the YAML: those of the grid, then those beside it."""
        common = {**defaults_of("train"), **self.parameters, "study": self.name, "folder": None}
        yield from self._grid_runs(common)
        yield from self._runs_beside(common)

    def _grid_runs(self, common: Mapping[str, Any]) -> Iterator[tuple[str, Run]]:
        """Expands the grid: one run for each combination of its values."""
        if self.runs and set(self.grid) <= {"seed"}:
            return  # the grid has only the seeds of the arms beside it
        for values in product(*self.grid.values()):
            parameters = {**common, **dict(zip(self.grid, values, strict=True))}
            varied = [
                f"{name} {parameters[name]}"
                for name in self.grid
                if name not in ("strategy", "seed")
            ]
            arm = ", ".join([parameters["strategy"], *varied])
            yield "grid", Run(self.name, run_name(parameters), parameters, arm)

    def _runs_beside(self, common: Mapping[str, Any]) -> Iterator[tuple[str, Run]]:
        """Makes the runs of the arms beside the grid: one for each seed, or for their own."""
        for arm, differing in self.runs.items():
            seeds = self.grid.get("seed", [common["seed"]])
            if "seed" in differing:
                seeds = [differing["seed"]]
            for seed in seeds:
                parameters = {**common, **differing, "seed": seed}
                name = run_name(parameters, arm)
                yield f"runs: {arm}", Run(self.name, name, parameters, arm, beside=True)


KEYS = tuple(StudyFile.model_fields)
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
    try:
        if file.stem != name:
            written = written.at_full_scale()
            _check_parameters(written)
        runs = checked_runs(written)
        family = checked_family(written.family, [run.arm for run in runs])
        _check_kept(family, runs)
    except ValueError as error:
        where = f"{file}: full" if file.stem != name else str(file)
        raise ValueError(f"{where}: {error}") from None
    notebooks = tuple(written.notebooks)
    return Study(name, written.question, tuple(runs), notebooks, written.rivals, family)


def _at_full_scale(study: str) -> str | None:
    """The name of a study at the scale of a cluster; None if its YAML has no such scale."""
    return study + FULL if read(study_file(study)).full is not None else None


def study_names() -> list[str]:
    """Returns the names of all studies of the project, sorted."""
    return sorted(file.stem for file in (project_folder() / STUDIES).glob("*.yaml"))


def study_file(name: str) -> Path:
    """Returns the YAML file of a study.

    Args:
        name: The name of the study.

    Returns:
        The path of the file; of `NAME-full` that of the study NAME, if it has the key `full`.

    Raises:
        ValueError: There is no such file, or this can be no study's name. The message names the
            studies there are.
    """
    check_name("the study", name)
    if len(name) > LONGEST_NAME:
        raise ValueError(f"no study {short(name)}: the name is longer than {LONGEST_NAME} letters")
    file = project_folder() / STUDIES / f"{name}.yaml"
    if not file.exists() and name.endswith(FULL):
        base = file.with_name(f"{name.removesuffix(FULL)}.yaml")
        if base.exists() and read(base).full is not None:
            return base
    if not file.exists():
        there_are = _there_are(study_names())
        raise ValueError(f"no study {name!r}: {file} does not exist; there are {there_are}")
    return file


def _there_are(names: list[str]) -> str:
    """Names of studies as a list, of many the first."""
    more = f", … ({STUDIES}/ has them all)" if len(names) > _LISTED else ""
    return (", ".join(names[:_LISTED]) or "none") + more


def read(file: Path) -> StudyFile:
    """Reads and checks the YAML of a study.

    Args:
        file: The path of the YAML file.

    Returns:
        What it says.

    Raises:
        ValueError: Something in it is wrong. The message names the file and what it is.
    """
    content = read_yaml(file)
    try:
        written = _study_file(content, file.stem)
        _check_names(written)
        _check_parameters(written)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    return written


def _study_file(content: object, name: str) -> StudyFile:
    """Checks that the YAML is a mapping of the known keys, with its name and a question."""
    if not isinstance(content, dict):
        raise ValueError(f"a study is a mapping of {', '.join(KEYS)}")
    for key in content:
        if key not in KEYS:
            raise ValueError(f"unknown key {short(key)}; a study may have {', '.join(KEYS)}")
    if content.get("name") != name:
        raise ValueError(
            f"name is {short(content.get('name'))}, but a study has the name of its file: "
            f"write `name: {name}`"
        )
    question = content.get("question")
    if not isinstance(question, str) or not question.strip():
        raise ValueError("there is no question: write in a sentence what the study asks")
    given = {key: value for key, value in content.items() if value is not None}
    for key in ("grid", "parameters", "runs", "family", "full"):
        _check_keys(key, given.get(key))
    _check_full(given.get("full"))
    try:
        return StudyFile.model_validate(given)
    except ValidationError as error:
        key, *inner = error.errors()[0]["loc"]
    raise ValueError(_misplaced(str(key), inner, given))


def _check_kept(family: Family | None, runs: Sequence[Run]) -> None:
    """Checks that every run keeps the scores of questions that the family of tests is about."""
    for metric in family.metrics if family else ():
        for run in runs:
            kept = str(run.parameters["question_metrics"]).split()
            if metric not in kept:
                raise ValueError(
                    f"family: metrics has {metric}, which the run {run.name} does not keep for "
                    f"each question (question_metrics: {' '.join(kept)})"
                )


def _check_keys(key: str, value: object) -> None:
    """Checks that the names of a mapping are texts; YAML reads 1, yes and null otherwise."""
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        if not isinstance(name, str):
            raise ValueError(f"{key}: {short(name)} is no name; if it is one, write it in quotes")
        if key == "runs":
            _check_keys(f"runs: {name}", inner)


def _check_full(value: object) -> None:
    """Checks the keys of the study at the scale of a cluster."""
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        if key not in ("grid", "parameters", "runs"):
            raise ValueError(f"full: unknown key {short(key)}; it may have grid, parameters, runs")
        if not isinstance(inner, dict):
            raise ValueError(f"full: {key} is {short(inner)}, where a mapping belongs")
        _check_keys(f"full: {key}", inner)


def _misplaced(key: str, inner: list[int | str], given: Mapping[str, Any]) -> str:
    """Says what belongs at a place of the YAML instead of what stands there."""
    belongs = {
        "grid": "a mapping",
        "parameters": "a mapping",
        "runs": "a mapping",
        "notebooks": "a list of names",
        "rivals": "the name of another study",
        "family": "a mapping of metrics and differences",
        "full": "a mapping of grid, parameters and runs",
    }
    if key in ("grid", "runs") and inner:
        inside = {"grid": "a list of values", "runs": "the parameters in which it differs"}
        name = str(inner[0])
        value = given[key][name]
        verb = "belongs" if key == "grid" else "belong"
        return f"{key}: {name} is {short(value)}, where {inside[key]} {verb}"
    return f"{key} is {short(given[key])}, where {belongs.get(key, 'a text')} belongs"


def _check_names(written: StudyFile) -> None:
    """Checks the notebooks, the rivals and the names of the arms beside the grid."""
    if "notebooks" in written.model_fields_set:
        for notebook in written.notebooks:
            notebook_file(notebook)
            if notebook == "train":
                raise ValueError("notebooks has 'train', which makes the runs and reads none")
            if written.notebooks.count(notebook) > 1:
                raise ValueError(f"notebooks has {notebook!r} twice")
    if written.rivals is not None:
        check_name("rivals", written.rivals)
        if written.rivals == written.name or written.rivals not in study_names():
            others = _there_are([name for name in study_names() if name != written.name])
            raise ValueError(
                f"rivals is {written.rivals!r}, where another study belongs; there are {others}"
            )
    for arm in written.runs:
        if not arm.isprintable() or arm != arm.strip() or set(arm) & set(_NOT_IN_ARMS):
            raise ValueError(
                f"runs: {short(arm)} is no name for an arm; it may have letters, digits, blanks "
                f"and signs, but no line breaks and none of {' '.join(_NOT_IN_ARMS)}"
            )


_NOT_IN_ARMS = "$`|\\"
"""Signs with a meaning in formulas, in Markdown's tables, or in a shell."""


def _check_parameters(written: StudyFile) -> None:
    """Checks every value in the YAML by itself, and that the grid has lists of distinct values."""
    defaults = defaults_of("train")
    schema = schema_of("train", defaults)
    parts: list[tuple[str, Mapping[str, Any]]] = [("parameters", written.parameters)]
    parts += [(f"runs: {arm}", differing) for arm, differing in written.runs.items()]
    for name, values in written.grid.items():
        _check_grid_values(name, values)
        parts += [("grid", {name: value}) for value in values]
    for place, given in parts:
        for name in given:
            if name in LOCATION:
                raise ValueError(
                    f"{place}: no parameter {name!r} in a study: its runs go to results/"
                    f"{written.name}"
                )
            if name not in defaults:
                raise ValueError(f"{place}: {unknown_parameter(name, defaults)}")
        found = problem(schema, given)
        if found is not None:
            name, sentence = found
            hint = _list_outside_grid(place, given[name])
            raise ValueError(f"{place}: {sentence}{hint}")


def _list_outside_grid(place: str, value: object) -> str:
    """Returns a hint for a list of values that stands outside the grid."""
    if place == "grid" or not isinstance(value, list):
        return ""
    return "; several values are a list under grid"


def _check_grid_values(name: str, values: list[Any]) -> None:
    """Checks that there are values, that they differ, and that the parameter can vary."""
    if name == "benchmark":
        raise ValueError(
            "grid: benchmark cannot vary in a grid. Every run is evaluated on all benchmarks: "
            "write their names, separated by blanks, under parameters"
        )
    if not values:
        raise ValueError(f"grid: {name} is [], where a list of values belongs")
    seen: set[Any] = set()
    for value in values:
        key = value if isinstance(value, Hashable) else repr(value)
        if key in seen:
            raise ValueError(f"grid: {name} has {short(value)} twice")
        seen.add(key)


def checked_runs(written: StudyFile) -> list[Run]:
    """Expands a study's YAML, and checks its runs: their folders, and their parameters together.

    Args:
        written: What the YAML says.

    Returns:
        The runs, those of the grid first.

    Raises:
        ValueError: Two runs would have one folder, an arm has two meanings, or the parameters of a
            run do not go together. The message begins with the place in the YAML.
    """
    expected = prod(map(len, written.grid.values())) + len(written.runs)
    if expected > MOST_RUNS:
        raise ValueError(f"grid: {expected:,} runs are more than {MOST_RUNS:,}")
    runs: list[Run] = []
    places: dict[str, str] = {}  # by the run's name
    checked: set[str] = set()
    for place, run in written.all_runs():
        _check_run_name(place, run)
        if run.name in places:
            raise ValueError(
                f"{place}: its run {run.name} has the folder of another one "
                f"({places[run.name]}): give one of them another name"
            )
        places[run.name] = place
        if _signature(run) not in checked:
            checked.add(_signature(run))
            _check_combination(place, run)
        runs.append(run)
    _check_arms(runs)
    return runs


def _check_run_name(place: str, run: Run) -> None:
    """Checks that the name of a run can be that of a folder."""
    try:
        check_name("the name of its runs", run.name)
    except ValueError:
        raise ValueError(
            f"{place}: its runs would be called {short(run.name)}; a name must begin with one of "
            "the letters a to z or a digit"
        ) from None
    if len(run.name) > LONGEST_NAME:
        raise ValueError(
            f"{place}: its runs would be called {short(run.name)}, which is longer than "
            f"{LONGEST_NAME} characters; an arm under runs has a name of its own"
        )


def _signature(run: Run) -> str:
    """Returns the parameters that are checked together, as a text."""
    return repr([run.parameters.get(name) for name in USED])


def _check_combination(place: str, run: Run) -> None:
    """Checks the parameters of a run together; the message says where they come from."""
    try:
        check_combination(run.parameters)
    except ValueError as error:
        where = f"{place}: {short(run.arm)[1:-1]}" if place == "grid" else place
        raise ValueError(f"{where}: {error}") from None


def _check_arms(runs: Sequence[Run]) -> None:
    """Checks that no arm beside the grid is called like one of the grid: tables would mix them."""
    of_grid = {run.arm for run in runs if not run.beside}
    for run in runs:
        if run.beside and run.arm in of_grid:
            raise ValueError(f"runs: {run.arm} is also an arm of the grid: give it another name")
