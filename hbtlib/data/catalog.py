"""The list of every data set, and how each is loaded."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.pairs import Pairs
from hbtlib.languages import LANGUAGES


class Entry(NamedTuple):
    """One data set of the catalog; its module has `load_pairs`, `load_benchmark` or both."""

    module: str
    kinds: tuple[str, ...]
    languages: tuple[str, ...]
    licence: str
    source: str
    offline: bool  # is it at hand without a download


_CATALOG: dict[str, Entry] = {
    "worldfacts": Entry("worldfacts", ("pairs", "benchmark"), tuple(LANGUAGES), "Unicode-3.0 (CLDR)",
                        "made from the CLDR data of the Babel package", True),
    "xquad-r": Entry("xquad_r", ("pairs", "benchmark"), tuple(LANGUAGES), "CC", "", True),
    "mlqa-r": Entry("mlqa_r", ("pairs", "benchmark"), tuple(LANGUAGES), "CC", "", True),
    "mlqa-pairs": Entry("mlqa_pairs", ("pairs", "benchmark"), tuple(LANGUAGES), "CC", "", True),
}


def catalog() -> pd.DataFrame:
    """Every data set: name, kind (pairs, benchmark), languages, licence, source, whether it is at hand offline."""
    return pd.DataFrame(
        [{"name": name, "kind": kind, "languages": " ".join(entry.languages), "licence": entry.licence,
          "source": entry.source, "offline": entry.offline}
         for name, entry in _CATALOG.items() for kind in entry.kinds]
    )


def _loader(name: str, kind: str) -> Any:
    entry = _CATALOG.get(name)
    if entry is None or kind not in entry.kinds:
        have = ", ".join(n for n, e in _CATALOG.items() if kind in e.kinds)
        raise ValueError(f"no {kind} {name!r}; the catalog has: {have}")
    return getattr(import_module(f"hbtlib.data.{entry.module}"), f"load_{kind}")


def load_benchmark(name: str, data: str | Path | None = None, **options: Any) -> Benchmark:
    """The benchmark of that name. `options` are its loader's own (split, languages, …): see its module's docstring.

    Raises ValueError for a name the catalog lacks.
    """
    loaded: Benchmark = _loader(name, "benchmark")(data, **_given(options))
    return loaded


def load_pairs(name: str, data: str | Path | None = None, **options: Any) -> Pairs:
    """The training pairs of that name. `options` are its loader's own (split, languages, …).

    Raises ValueError for a name the catalog lacks.
    """
    loaded: Pairs = _loader(name, "pairs")(data, **_given(options))
    return loaded


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The options that are not None: a notebook passes on all of its parameters."""
    return {name: value for name, value in options.items() if value is not None}
