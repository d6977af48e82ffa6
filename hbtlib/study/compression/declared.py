"""What the study `compression` declared before it measured anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hbtlib.checks import check_choice, check_integer, short
from hbtlib.study.project import project_folder
from hbtlib.study.yaml_file import read_yaml

FILE = Path("notebooks", "studies", "declared", "compression.yaml")
BASELINE = "float32"
AS_IT_IS, CENTRE, MAP = "as it is", "centre alone", "translations"
MAPS = (AS_IT_IS, CENTRE, MAP)
MEASURES = {
    ("mAP", "monolingual"),
    ("mAP", "cross-lingual"),
    ("mAP", "multilingual"),
    ("rank-distance", "multilingual"),
    ("rank-distance-relative", "multilingual"),
    ("own-language-first", "multilingual"),
    ("own-language-preference", "multilingual"),
    ("own-language-top@10", "multilingual"),
}

Measure = tuple[str, str]
"""A measure and its setting."""


@dataclass(frozen=True)
class Declared:
    """What is measured, and which comparisons are a family.

    Attributes:
        question: what the study asks.
        encoders: their names.
        benchmarks: their names.
        maps: of `MAPS`.
        texts: the pairs that maps are fitted on.
        compressions: name → the options of `hbt.rank`.
        cost: the measures whose difference from float32 is tested.
        effect: the measures whose change by the map is tested.
        permutations: of each test.
        samples: of each bootstrap.
    """

    question: str
    encoders: tuple[str, ...]
    benchmarks: tuple[str, ...]
    maps: tuple[str, ...]
    texts: str
    compressions: dict[str, dict[str, Any]]
    cost: tuple[Measure, ...]
    effect: tuple[Measure, ...]
    permutations: int
    samples: int


def declared(file: Path | None = None) -> Declared:
    """Reads the declaration.

    Args:
        file: the YAML file; None: the project's.

    Returns:
        What it declares.

    Raises:
        ValueError: if the file cannot be read, lacks a key or has another, or names a map, a
            measure or a compression that there is not.
    """
    file = project_folder() / FILE if file is None else file
    content = read_yaml(file)
    keys = "name question encoders benchmarks maps texts compressions family permutations samples"
    if not isinstance(content, dict) or set(content) != set(keys.split()):
        raise ValueError(f"{file} must have the keys {', '.join(keys.split())}, and no others")
    family = content["family"]
    if not isinstance(family, dict) or set(family) != {"cost", "map"}:
        raise ValueError(f"{file}: family is {short(family)}; it has the keys cost and map")
    try:
        return Declared(
            question=str(content["question"]),
            encoders=_names(content, "encoders"),
            benchmarks=_names(content, "benchmarks"),
            maps=tuple(check_choice("maps", name, MAPS) for name in _names(content, "maps")),
            texts=str(content["texts"]),
            compressions=_compressions(content["compressions"]),
            cost=tuple(map(_measure, _names(family, "cost"))),
            effect=tuple(map(_measure, _names(family, "map"))),
            permutations=check_integer("permutations", content["permutations"], minimum=1),
            samples=check_integer("samples", content["samples"], minimum=1),
        )
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


def _names(content: dict[str, Any], key: str) -> tuple[str, ...]:
    found = content[key]
    if not isinstance(found, list) or not found or not all(isinstance(x, str) for x in found):
        raise ValueError(f"{key} is {short(found)}; it is a list of names")
    return tuple(found)


def _compressions(found: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(found, dict) or found.get(BASELINE) != {}:
        raise ValueError(f"compressions must have {BASELINE}: {{}}, which the others are set to")
    for name, options in found.items():
        known = isinstance(options, dict) and set(options) <= {"dimensions", "quantize"}
        if not known or not isinstance(name, str):
            raise ValueError(
                f"the compression {short(name)} is {short(options)}; it has the options "
                "dimensions and quantize of hbt.rank, or none"
            )
    return dict(found)


def _measure(said: str) -> Measure:
    name, _, setting = said.partition(" ")
    if (name, setting) not in MEASURES:
        known = ", ".join(sorted(" ".join(one) for one in MEASURES))
        raise ValueError(f"family has {short(said)}; there are {known}")
    return name, setting


def declared_tests(asked: Declared) -> int:
    """How many comparisons were declared.

    Args:
        asked: what was declared.
    """
    compressions = len(asked.compressions)
    cost = len(asked.maps) * (compressions - 1) * len(asked.cost)
    effect = compressions * len(asked.effect)
    return len(asked.encoders) * len(asked.benchmarks) * (cost + effect)


def vector_bytes(dimension: int, options: dict[str, Any]) -> int:
    """The bytes that a vector takes in an index.

    Args:
        dimension: how many numbers it has as it is.
        options: a compression.

    Example:
        >>> vector_bytes(384, {}), vector_bytes(384, {"dimensions": 64})
        (1536, 256)
        >>> vector_bytes(384, {"quantize": "int8"}), vector_bytes(384, {"quantize": "binary"})
        (384, 48)
    """
    kept = min(options.get("dimensions") or dimension, dimension)
    bits: int = {None: 32, "int8": 8, "binary": 1}[options.get("quantize")]
    return -(-kept * bits // 8)
