"""Kinds of values that a notebook's parameter may have, as types that pydantic checks.

Each kind says in words what it must be (`Must`). Messages and the documentation use these words.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, Field, ValidationInfo

from hbtlib.checks import check_choice, check_name, check_number, short
from hbtlib.sampling.schedule import Schedule
from hbtlib.sampling.strategies import STRATEGIES
from hbtlib.study.project import project_folder

METHODS = ("means", "leace", "translations")
MAP_ROLES = ("query", "passage", "both")
"""What `hbt.neutralise` takes, which imports torch; a test compares."""

LARGEST_SEED = 2**32 - 1
"""The largest seed that numpy and torch both take."""

LARGEST = 10**9
"""More than any count of this library can be; a larger one is a slip."""

MAP_IDS = 200
"""How many ids of its pairs a map is fitted on; 400, where its name says so, do a little better."""

LONGEST_NAME = 150
"""Characters of a name: names of files are made of it and some more, and may have 255."""


class MapName(NamedTuple):
    """A language-neutral map as a parameter names it.

    It is `METHOD:PAIRS`, such as `translations:xnli`; of several sets `METHOD:PAIRS+PAIRS`; and
    `METHOD:PAIRS:IDS` says how many ids: `translations:xnli+ntrex:400`.

    Attributes:
        method: of `hbt.neutralise`.
        pairs: the training pairs of the catalog whose texts it is fitted on, separated by blanks.
        ids: how many ids of each of them it is fitted on, the first ones; all, where it has fewer.
    """

    method: str
    pairs: str
    ids: int


@dataclass(frozen=True)
class Must:
    """What a value must be, in words that follow `it must be`."""

    words: str


def _strategy(value: str, info: ValidationInfo) -> str:
    """Checks the name of a strategy."""
    return check_choice(str(info.field_name), value, STRATEGIES)


def _strategy_or_none(value: str, info: ValidationInfo) -> str:
    """Checks the name of a strategy, or `none` for the encoder as it is."""
    return check_choice(str(info.field_name), value, [*STRATEGIES, "none"])


def _map_method(value: str, info: ValidationInfo) -> str:
    """Checks the method of a language-neutral map."""
    return check_choice(str(info.field_name), value, METHODS)


def _map_role(value: str, info: ValidationInfo) -> str:
    """Checks as what a map's texts are embedded."""
    return check_choice(str(info.field_name), value, MAP_ROLES)


def _alpha(value: Any) -> Any:
    """Checks the mixing share: a number from 0 to 1, or a schedule of such numbers."""
    wrong = ValueError(f"alpha is {short(value)}; it must be {ALPHA}")
    try:
        for number in _numbers(value):
            check_number("alpha", number, minimum=0, maximum=1)
        Schedule(value, steps=1)
    except (ValueError, OverflowError, RecursionError):
        raise wrong from None
    return value


def _numbers(value: Any) -> Iterable[Any]:
    """Yields what stands where a number belongs in a mixing share or its schedule."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _numbers(part)
    else:
        yield value


def _words(name: str, value: str, words: str) -> list[str]:
    """Splits a text at its blanks; there must be a word, and none twice."""
    found = value.split()
    if not found:
        raise ValueError(f"{name} is {short(value)}; it must be {words}")
    for word in found:
        if found.count(word) > 1:
            raise ValueError(f"{name} is {short(value)}; it names {word!r} twice")
    return found


def _languages(value: str, info: ValidationInfo) -> str:
    """Checks codes of languages, separated by blanks."""
    name = str(info.field_name)
    for code in _words(name, value, LANGUAGES):
        if not re.fullmatch(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*", code):
            raise ValueError(f"{name} has {short(code)}, which is no code of a language")
    return value


def _pairs(value: str, info: ValidationInfo) -> str:
    """Checks the name of training pairs of the catalog."""
    return check_choice(str(info.field_name), value, catalog_names("pairs"))


def _pairs_sets(value: str, info: ValidationInfo) -> str:
    """Checks the names of training pairs of the catalog, separated by blanks."""
    name = str(info.field_name)
    for word in _words(name, value, PAIRS):
        check_choice(name, word, catalog_names("pairs"))
    return value


def _benchmarks(value: str, info: ValidationInfo) -> str:
    """Checks the names of benchmarks of the catalog, separated by blanks."""
    name = str(info.field_name)
    for word in _words(name, value, BENCHMARKS):
        check_choice(name, word, catalog_names("benchmark"))
    return value


def _both(value: str, info: ValidationInfo) -> str:
    """Checks the name of a benchmark of the catalog that is also training pairs."""
    pairs = catalog_names("pairs")
    both = [name for name in catalog_names("benchmark") if name in pairs]
    return check_choice(str(info.field_name), value, both)


def _data_sets(value: str, info: ValidationInfo) -> str:
    """Checks the names of datasets of the catalog, separated by blanks."""
    name = str(info.field_name)
    known = list(dict.fromkeys([*catalog_names("pairs"), *catalog_names("benchmark")]))
    for word in _words(name, value, DATA_SETS) if value else []:
        check_choice(name, word, known)
    return value


def _names(value: str, info: ValidationInfo) -> str:
    """Checks names separated by blanks."""
    field = str(info.field_name)
    for word in _words(field, value, NAMES) if value else []:
        check_name(field, word)
    return value


def catalog_names(kind: str) -> list[str]:
    """Returns the names of the datasets of a kind.

    Args:
        kind: `pairs` or `benchmark`.

    Returns:
        The names, in the catalog's order.
    """
    from hbtlib.data.catalog import CATALOG  # pandas comes with it

    return [name for name, entry in CATALOG.items() if kind in entry.kinds]


def _probes(value: str) -> str:
    """Checks what is removed from vectors: `mean`, numbers of components, and maps."""
    for word in _words("probes", value, PROBES) if value else []:
        is_number = word.isascii() and word.isdecimal() and int(word) > 0
        if ":" in word:
            check_map_name("probes", word)
        elif word != "mean" and not is_number:
            raise ValueError(f"probes is {short(value)}; it must be {PROBES}")
    return value


def check_map_name(what: str, name: object) -> MapName:
    """Checks the name of a language-neutral map.

    Args:
        what: the parameter, for the message.
        name: as `MapName` describes it.

    Returns:
        Its parts.

    Raises:
        ValueError: for anything else.
    """
    parts = name.split(":") if isinstance(name, str) else []
    if len(parts) not in (2, 3):
        raise ValueError(
            f"{what} is {short(name)}, which names no map: it is METHOD:PAIRS, such as "
            "'translations:xnli', or METHOD:PAIRS+PAIRS:IDS, such as 'translations:xnli+ntrex:400'"
        )
    method, pairs = parts[:2]
    check_choice(f"{what}: the method of a map", method, METHODS)
    sources = pairs.split("+")
    for source in sources:
        check_choice(f"{what}: the pairs of a map", source, catalog_names("pairs"))
    repeated = next((source for source in sources if sources.count(source) > 1), None)
    if repeated:
        raise ValueError(f"{what} is {short(name)}, which names the pairs {repeated} twice")
    return MapName(method, " ".join(sources), _map_ids(what, parts[2]) if parts[2:] else MAP_IDS)


def _map_ids(what: str, word: str) -> int:
    """The number of ids that the name of a map gives."""
    is_number = word.isascii() and word.isdecimal() and len(word) < len(str(LARGEST))
    if not is_number or int(word) < 2:
        raise ValueError(
            f"{what}: the number of ids of a map is {short(word)}; it must be a whole number from "
            "2 up"
        )
    return int(word)


def _validation(value: str) -> str:
    """Checks what chooses the weights: a strategy, or a metric and a setting."""
    from hbtlib.data.benchmark import SETTINGS

    if value in STRATEGIES:
        return value
    metric, _, setting = value.partition(" ")
    if setting not in SETTINGS or not is_metric(metric) or metric.startswith("rank-distance"):
        raise ValueError(
            f"validation is {short(value)}; it must be one of {', '.join(STRATEGIES)}, or a metric "
            "that is better when higher and a setting, such as 'mAP multilingual'"
        )
    return value


def is_metric(name: str) -> bool:
    """Tells whether a metric is known.

    Args:
        name: A text such as `mAP` or `R@10`.

    Returns:
        True if `hbtlib.measure` computes it.
    """
    from hbtlib.evaluation.metrics import parse

    try:
        parse(name)
    except ValueError:
        return False
    return True


def _metric(value: str, info: ValidationInfo) -> str:
    """Checks the name of a metric."""
    if not is_metric(value):
        raise ValueError(f"{info.field_name} is {short(value)}; it must be {METRIC}")
    return value


def _metrics(value: str, info: ValidationInfo) -> str:
    """Checks names of metrics, separated by blanks."""
    field = str(info.field_name)
    for word in _words(field, value, METRICS):
        if not is_metric(word):
            raise ValueError(f"{field} is {short(value)}; it must be {METRICS}")
    return value


def _name(value: str, info: ValidationInfo) -> str:
    """Checks a name that becomes a part of a path."""
    name = str(info.field_name)
    if len(value) > LONGEST_NAME:
        raise ValueError(f"{name} is {short(value)}; a name has {LONGEST_NAME} characters at most")
    return check_name(name, value)


def _name_or_empty(value: str, info: ValidationInfo) -> str:
    """Checks a name that becomes a part of a path, or an empty text."""
    return value and _name(value, info)


def _inside_project(value: str) -> str:
    """Checks that a folder lies in the project's folder and is named after a run."""
    root = os.path.normpath(project_folder())
    place = os.path.normpath(os.path.join(root, value))  # noqa: PTH118 (without following links)
    if "\0" in value or ".." in Path(value).parts or not place.startswith(root + os.sep):
        raise ValueError(
            f"folder is {short(value)}; it must be a folder inside the project's, such as "
            "results/STUDY/.RUN.part"
        )
    check_name("folder", Path(place).name.removeprefix(".").removesuffix(".part"))
    return value


def _text(value: str, info: ValidationInfo) -> str:
    """Checks that a text holds something that can be read."""
    if not value.strip() or not value.isprintable():
        raise ValueError(
            f"{info.field_name} is {short(value)}; it must be a text, without line breaks"
        )
    return value


ALPHA = (
    'a number from 0 to 1, or a schedule: {"linear": [start, end]} or {"step": [[0, share], '
    "[0.5, share]]}"
)
LANGUAGES = 'codes of languages separated by blanks, such as "de en"'
PAIRS = "one or several training pairs of hbt.catalog(), separated by blanks"
BENCHMARKS = "one or several benchmarks of hbt.catalog(), separated by blanks"
NAMES = 'names separated by blanks, or ""'
DATA_SETS = 'names of hbt.catalog() separated by blanks, or ""'
PROBES = (
    '"mean", numbers of components from 1 up and maps such as "translations:xnli", separated by '
    'blanks, or "" for none'
)
METRICS = "metrics such as mAP, R@50 or rank-distance, separated by blanks"
METRIC = "a metric such as mAP, MRR@10, nDCG@10, R@10 or rank-distance"

Whole = Annotated[int, Field(ge=0, le=LARGEST), Must("a whole number from 0 up")]
Count = Annotated[int, Field(ge=1, le=LARGEST), Must("a whole number from 1 up")]
Tokens = Annotated[  # a text's first and last mark, and one token of it
    int, Field(ge=3, le=LARGEST), Must("a whole number from 3 up")
]
Seed = Annotated[
    int, Field(ge=0, le=LARGEST_SEED), Must(f"a whole number from 0 to {LARGEST_SEED}")
]
Rate = Annotated[float, Field(gt=0, le=1000), Must("a number above 0, and 1000 at most")]
RateOrZero = Annotated[float, Field(ge=0, le=1000), Must("a number from 0 to 1000")]
Share = Annotated[float, Field(ge=0, lt=1), Must("a number from 0 to below 1")]
ShareOrAll = Annotated[float, Field(ge=0, le=1), Must("a number from 0 to 1")]
MapMethod = Annotated[
    str, AfterValidator(_map_method), Must("a method of `hbt.neutralise`: " + ", ".join(METHODS))
]
MapRole = Annotated[
    str, AfterValidator(_map_role), Must("a role of `hbt.neutralise`: query, passage or both")
]
Temperature = Annotated[float, Field(ge=1e-3, le=100), Must("a number from 0.001 to 100")]
Text = Annotated[str, AfterValidator(_text), Must("a text")]
Options = Annotated[dict[str, Any], Must("a mapping of options to values")]
Strategy = Annotated[str, AfterValidator(_strategy), Must("a strategy of hbt.strategies")]
StrategyOrNone = Annotated[
    str, AfterValidator(_strategy_or_none), Must('a strategy of hbt.strategies, or "none"')
]
Alpha = Annotated[Any, AfterValidator(_alpha), Must(ALPHA)]
Languages = Annotated[str, AfterValidator(_languages), Must(LANGUAGES)]
Pairs = Annotated[str, AfterValidator(_pairs), Must("training pairs of hbt.catalog()")]
PairsSets = Annotated[str, AfterValidator(_pairs_sets), Must(PAIRS)]
Benchmarks = Annotated[str, AfterValidator(_benchmarks), Must(BENCHMARKS)]
DataSet = Annotated[
    str, AfterValidator(_both), Must("a benchmark of hbt.catalog() that is also training pairs")
]
DataSets = Annotated[str, AfterValidator(_data_sets), Must(DATA_SETS)]
Probes = Annotated[str, AfterValidator(_probes), Must(PROBES)]
Validation = Annotated[
    str, AfterValidator(_validation), Must("a strategy, or a metric and a setting")
]
Metric = Annotated[str, AfterValidator(_metric), Must(METRIC)]
Metrics = Annotated[str, AfterValidator(_metrics), Must(METRICS)]
Name = Annotated[str, AfterValidator(_name), Must("a name")]
Names = Annotated[str, AfterValidator(_names), Must(NAMES)]
TextOrEmpty = Annotated[str, Must('a text, or ""')]
NameOrEmpty = Annotated[str, AfterValidator(_name_or_empty), Must('a name, or ""')]
ProjectFolder = Annotated[
    str, AfterValidator(_inside_project), Must("a folder inside the project's")
]
