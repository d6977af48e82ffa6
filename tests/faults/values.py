"""Values that do not belong where they are put, and what each parameter may be.

`NASTY` are the values of the two fuzzes. `DOMAINS` says for the name of a parameter which values
are meant to be taken, independently of the library's own checks: whatever else is accepted without
a word is nonsense accepted in silence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Domain = Callable[[Any], bool]

NONEXISTENT = "nonexistent"
"""A folder that is not there, in the working directory of the calls. A call may make it."""

NASTY: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "False": lambda: False,
    "0": lambda: 0,
    "-1": lambda: -1,
    "3": lambda: 3,
    "0.5": lambda: 0.5,
    "nan": lambda: math.nan,
    "inf": lambda: math.inf,
    "-inf": lambda: -math.inf,
    "1e-20": lambda: 1e-20,
    "1e20": lambda: 1e20,
    "2**70": lambda: 2**70,
    "1j": lambda: 1j,
    "''": lambda: "",
    "' '": lambda: " ",
    "'1e-4'": lambda: "1e-4",
    "'nosuch'": lambda: "nosuch",
    "'../x'": lambda: "../x",
    "'$(touch pwned)'": lambda: "$(touch pwned)",
    "'; touch pwned #'": lambda: "; touch pwned #",
    "'a NUL'": lambda: "a\0b",
    "'zero width'": lambda: "\u200b",
    "'de de en'": lambda: "de de en",
    "10,000 characters": lambda: "x" * 10_000,
    "b'bytes'": lambda: b"bytes",
    "[]": lambda: [],
    "[None]": lambda: [None],
    "['de', 'de']": lambda: ["de", "de"],
    "[1, 2]": lambda: [1, 2],
    "{}": lambda: {},
    "{'nosuch': 1}": lambda: {"nosuch": 1},
    "{1: [2]}": lambda: {1: [2]},
    "()": lambda: (),
    "{'a set'}": lambda: {"a set"},
    "object()": object,
    "int": lambda: int,
    "Path('nonexistent')": lambda: Path(NONEXISTENT),
    "np.array([])": lambda: np.array([]),
    "np.array([nan])": lambda: np.array([math.nan]),
    "np.array(['text'])": lambda: np.array(["text"]),
    "np.ma.masked": lambda: np.ma.masked,
    "np.int64(3)": lambda: np.int64(3),
    "np.float32(0.5)": lambda: np.float32(0.5),
    "pd.NA": lambda: pd.NA,
    "pd.DataFrame()": pd.DataFrame,
    "pd.DataFrame({'x': [1]})": lambda: pd.DataFrame({"x": [1]}),
    "pd.Series([1])": lambda: pd.Series([1]),
}
"""What to write for a value, and how it is made."""


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_integer(value) or (
        isinstance(value, float | np.floating) and math.isfinite(float(value))
    )


def integer(minimum: int, maximum: float = math.inf) -> Domain:
    """A whole number within bounds."""
    return lambda value: _is_integer(value) and minimum <= value <= maximum


def number(least: float = -math.inf, most: float = math.inf, above: float = -math.inf) -> Domain:
    """A finite number within bounds."""
    return lambda value: _is_number(value) and least <= value <= most and value > above


def choice(*words: str) -> Domain:
    """One of several words."""
    return lambda value: isinstance(value, str) and value in words


def optional(domain: Domain) -> Domain:
    """None, or what another domain takes."""
    return lambda value: value is None or domain(value)


def either(*domains: Domain) -> Domain:
    """What any of several domains takes."""
    return lambda value: any(domain(value) for domain in domains)


def sequence(domain: Domain, least: int = 0) -> Domain:
    """A list, tuple, set or array of different values, each of a domain."""

    def holds(value: Any) -> bool:
        if not isinstance(value, list | tuple | set | np.ndarray | pd.Series) or len(value) < least:
            return False
        values = list(value)
        return all(domain(one) for one in values) and len(set(values)) == len(values)

    return holds


def mapping(*keys: str) -> Domain:
    """A mapping with no other keys than these."""
    return lambda value: isinstance(value, Mapping) and set(value) <= set(keys)


def text(value: Any) -> bool:
    """Any text that people can read."""
    return isinstance(value, str) and bool(value.strip("\u200b\0 ")) and "\0" not in value


def any_text(value: Any) -> bool:
    """Any text, an empty one too."""
    return isinstance(value, str)


def path(value: Any) -> bool:
    """A path, as text or as a Path."""
    return isinstance(value, Path) or (isinstance(value, str) and "\0" not in value and value != "")


def flag(value: Any) -> bool:
    """True or False."""
    return isinstance(value, bool | np.bool_)


def anything(value: Any) -> bool:
    """Whatever is given: it is only shown, asked about, or taken as true or false."""
    return True


def nothing(value: Any) -> bool:
    """No value of `NASTY` belongs here."""
    return False


def code(value: Any) -> bool:
    """A language code of the datasets in the catalog, by its looks."""
    return isinstance(value, str) and 2 <= len(value) <= 3 and value.isalpha()


def any_code(value: Any) -> bool:
    """A language of one's own tables: they may be called otherwise (deu_Latn, zh-Hans)."""
    return isinstance(value, str) and 2 <= len(value) <= 20 and value.isascii()


def several(domain: Domain) -> Domain:
    """A list, tuple or column of values of a domain, one of which may occur several times."""
    return lambda value: (
        isinstance(value, list | tuple | set | np.ndarray | pd.Series)
        and all(map(domain, list(value)))
    )


def without_rows(value: Any) -> bool:
    """A table that has columns, and no rows."""
    return isinstance(value, pd.DataFrame) and value.empty and len(value.columns) > 1


def count_or_column(value: Any) -> bool:
    """A number of passages, or a column of them: of those that are relevant at most a hundred."""
    numbers = list(value) if isinstance(value, np.ndarray | pd.Series) else [value]
    return all(_is_number(one) and one >= 1 for one in numbers)


def words(domain: Domain) -> Domain:
    """Words separated by blanks, no word twice, as notebooks take lists."""

    def holds(value: Any) -> bool:
        if not isinstance(value, str):
            return False
        parts = value.split()
        return bool(parts) and all(map(domain, parts)) and len(set(parts)) == len(parts)

    return holds


COUNT = integer(1)
SHARE = number(0, 1)
STRATEGIES = ("x-x-mono", "x-x", "x-y", "x-y-mono", "x-en", "en-en", "hybrid")
OBJECTIVES = (
    "info-nce",
    "adversarial",
    "one-to-k",
    "semantic-language",
    "clear",
    "code-switch",
    "lancer",
)
RATE = number(above=0, most=1e3)

TRAINING: dict[str, Domain] = {
    "strategy": choice(*STRATEGIES),
    "alpha": SHARE,
    "mix": choice("batch", "pair"),
    "seed": integer(0),
    "batch_size": COUNT,
    "steps": COUNT,
    "learning_rate": RATE,
    "embedding_learning_rate": optional(number(0, 1e3)),
    "weight_decay": number(0, 1e3),
    "warmup": SHARE,
    "temperature": number(1e-4, 1e4),
    "objective": choice(*OBJECTIVES),
    "objective_options": optional(mapping()),
    "validation_strategy": choice(*STRATEGIES),
    "evaluate_every": optional(COUNT),
    "patience": optional(COUNT),
    "watch_every": optional(COUNT),
    "precision": choice("fp32", "bf16", "fp16"),
    "chunk_tokens": optional(COUNT),
    "lora": optional(mapping()),
    "arguments": optional(mapping()),
    "max_length": optional(integer(3)),
}
"""Parameters of training, in `hbt.train` and in the notebook."""

NOTEBOOK: dict[str, Domain] = {
    **TRAINING,
    "strategy": choice(*STRATEGIES, "none"),
    "encoder": either(choice("small", "minilm"), path),
    "encoder_options": optional(mapping()),
    "pairs": choice("worldfacts", "xquad", "mlqa"),
    "languages": words(code),
    "pairs_options": optional(mapping()),
    "ids": optional(COUNT),
    "overlap": choice("refuse", "leave out"),
    "benchmark": words(choice("worldfacts", "xquad-r", "mlqa-r")),
    "evaluated": optional(words(code)),
    "benchmark_options": optional(mapping()),
    "split": optional(choice("test", "validation")),
    "objective_options": optional(mapping()),
    "negatives": optional(mapping()),
    "pretraining": optional(mapping()),
    "curve_every": optional(COUNT),
    "validation": choice(*STRATEGIES, "mAP multilingual"),
    "arguments": optional(mapping()),
    "top": integer(0),
    "question_metrics": words(choice("mAP", "MRR@10", "nDCG@10", "R@1", "R@10", "rank-distance")),
    "probes": either(choice(""), words(either(choice("mean"), lambda word: word.isdigit()))),
    "study": text,
    "folder": optional(path),
}
"""Parameters of the train notebook."""

CALLS: dict[str, Domain] = {
    **TRAINING,
    "batches": COUNT,
    "benchmark": nothing,
    "biases": nothing,
    "by": sequence(choice("benchmark", "languages", "query_language", "pool")),
    "chance": optional(number()),
    "code": anything,
    "codes": several(any_code),
    "data": optional(path),
    "depth": COUNT,
    "device": optional(choice("cpu")),
    "dtype": choice("float32", "float16"),
    "encoder": nothing,
    "feature": choice("script", "family", "word_order", "resources"),
    "folder": path,
    "folds": integer(2),
    "ids": sequence(integer(0)),
    "index": optional(choice("Flat")),
    "index_options": choice(""),
    "k": either(COUNT, sequence(COUNT, 1)),
    "label": anything,
    "languages": optional(sequence(code, 1)),
    "language_weights": optional(mapping("aa", "bb", "cc")),
    "log_every": COUNT,
    "margin": number(),
    "measured": nothing,
    "memory": number(above=0),
    "metric": choice("mAP", "MRR@10", "nDCG@10", "R@1", "R@10", "rank-distance"),
    "n": COUNT,
    "name": text,
    "normalize": optional(flag),
    "notebook": choice("train"),
    "pairs": nothing,
    "passage_prefix": optional(any_text),
    "permutations": optional(COUNT),
    "pooling": optional(choice("mean", "cls", "last")),
    "progress": flag,
    "query_prefix": optional(any_text),
    "questions": COUNT,
    "ranks": nothing,
    "remove": optional(either(choice("mean"), integer(0, 7))),
    "rivals": flag,
    "role": choice("query", "passage"),
    "samples": COUNT,
    "setting": choice("monolingual", "cross-lingual", "multilingual"),
    "settings": sequence(choice("monolingual", "cross-lingual", "multilingual"), 1),
    "sources": either(choice("size"), number()),  # any power of the size
    "split": optional(choice("test", "validation", "train")),
    "store": optional(either(path, choice(""))),
    "table": optional(integer(1, 12)),
    "texts": sequence(any_text),
    "title": anything,
    "top": optional(nothing),
    "trained": sequence(any_code),
    "unit": optional(nothing),
    "validation": optional(nothing),
    "view": choice("texts", "centroids"),
    "what": choice("metrics", "ranks", "questions", "top", "probes", "points", "training_log"),
    "metrics": sequence(choice("mAP", "MRR@10", "nDCG@10", "R@1", "R@10", "rank-distance")),
}
"""Parameters of public functions. Tables and objects: nothing of `NASTY` is one."""


def fits(domains: Mapping[str, Domain], name: str, value: Any) -> bool:
    """Tells whether a value may be given for a parameter; a name without a domain takes nothing."""
    domain = domains.get(name, nothing)
    try:
        return bool(domain(value))
    except Exception:  # an array's truth, an unhashable key: nothing that belongs here
        return False
