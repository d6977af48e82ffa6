"""The list of every data set, and how each is loaded."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pandas as pd

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.pairs import Pairs
from hbtlib.data.sets import (
    belebele,
    miracl,
    mlqa,
    mlqa_pairs,
    mlqa_r,
    mtop,
    ntrex,
    tydiqa_goldp,
    xm3600,
    xquad,
    xquad_r,
)
from hbtlib.data.source import local_folder
from hbtlib.languages import EVALUATED, LANGUAGES


class Entry(NamedTuple):
    """One data set of the catalog. Its module has `load_pairs`, `load_benchmark` or both; pairs of a benchmark are its
    questions with their relevant passages.
    """

    module: str
    kinds: tuple[str, ...]
    languages: tuple[str, ...]
    counts: str
    licence: str
    source: str
    folders: tuple[str, ...] = ()  # in HBT_DATA, where it is at hand
    benchmark: str = "load_benchmark"


def _hub(repository: str) -> str:
    return f"huggingface.co/datasets/{repository}"


BOTH, BY_SA_3, BY_SA_4 = ("pairs", "benchmark"), "CC BY-SA 3.0", "CC BY-SA 4.0"
_CATALOG: dict[str, Entry] = {
    "worldfacts": Entry(
        "worldfacts.facts",
        BOTH,
        tuple(LANGUAGES),
        "3,141 facts in 20 languages",
        "Unicode-3.0 (CLDR)",
        "made from the CLDR data of the Babel package",
    ),
    "xquad-r": Entry(
        "sets.xquad_r",
        BOTH,
        EVALUATED,
        "13,090 queries, 13,014 passages",
        BY_SA_4,
        "github.com/google-research-datasets/lareqa",
        xquad_r.FOLDERS,
    ),
    "mlqa-r": Entry(
        "sets.mlqa_r",
        BOTH,
        mlqa.LANGUAGES,
        "4,199 queries, 21,220 passages (LAReQA's own: 20,534)",
        BY_SA_3,
        _hub(mlqa.XTREME.repository),
        mlqa_r.FOLDERS,
    ),
    "xquad": Entry(
        "sets.xquad",
        BOTH,
        xquad.LANGUAGES,
        "14,280 queries, 2,880 passages",
        BY_SA_4,
        _hub(xquad.GOOGLE.repository),
        xquad.FOLDERS,
    ),
    "mlqa": Entry(
        "sets.mlqa",
        BOTH,
        mlqa.LANGUAGES,
        "dev: 4,199 queries, 3,646 passages",
        BY_SA_3,
        _hub(mlqa.XTREME.repository),
        mlqa.FOLDERS,
    ),
    "tydiqa-goldp": Entry(
        "sets.tydiqa_goldp",
        BOTH,
        tydiqa_goldp.LANGUAGES,
        "dev: 5,077 queries, 4,488 passages; train: 49,881 queries",
        "Apache-2.0",
        _hub(tydiqa_goldp.GOOGLE.repository),
        tydiqa_goldp.FOLDERS,
    ),
    "belebele": Entry(
        "sets.belebele",
        BOTH,
        tuple(belebele.VARIANTS),
        "900 queries, 488 passages a language; 122 variants by their codes",
        BY_SA_4,
        _hub(belebele.MTEB.repository),
        belebele.FOLDERS,
    ),
    "miracl": Entry(
        "sets.miracl",
        BOTH,
        miracl.LANGUAGES,
        "dev: 13,495 queries, 106 million passages (en, 33 million)",
        "Apache-2.0, CC BY-SA",
        f"{_hub(miracl.TOPICS.repository)}, {miracl.CORPUS.repository}",
        miracl.FOLDERS[:1],
    ),
    "miracl-hard-negatives": Entry(
        "sets.miracl",
        BOTH,
        miracl.LANGUAGES,
        "11,076 queries, 2.45 million passages",
        "Apache-2.0, CC BY-SA",
        _hub(miracl.HARD.repository),
        miracl.HARD_FOLDERS,
        "load_hard_negatives",
    ),
    "mtop": Entry(
        "sets.mtop",
        ("benchmark",),
        mtop.LANGUAGES,
        "200 queries a language; en 4,386 passages",
        BY_SA_4,
        _hub(mtop.HUBS["intent"].repository),
        mtop.FOLDERS,
    ),
    "xm3600": Entry(
        "sets.xm3600",
        BOTH,
        xm3600.LANGUAGES,
        "129,600 queries, some 131,775 passages",
        "CC BY 4.0",
        _hub(xm3600.MTEB.repository),
        xm3600.FOLDERS,
    ),
    "mlqa-pairs": Entry(
        "sets.mlqa_pairs",
        BOTH,
        mlqa_pairs.LANGUAGES,
        "9,677 ids, partly parallel",
        BY_SA_3,
        "MLQA test, joined by id",
        mlqa_pairs.FOLDERS,
    ),
    "ntrex": Entry(
        "sets.ntrex",
        ("pairs",),
        tuple(LANGUAGES),
        "1,997 parallel sentences",
        BY_SA_4,
        "github.com/MicrosoftTranslator/NTREX",
        ntrex.FOLDERS,
    ),
    "folder": Entry(
        "formats.folder",
        BOTH,
        (),
        "your own",
        "yours",
        "data=FOLDER: BEIR's layout, TREC files, or pairs.jsonl",
    ),
}


def catalog() -> pd.DataFrame:
    """Every data set: name, kind (pairs, benchmark), languages, counts, licence, source, offline (is it at hand).

    At hand is what needs no download: made here, or in the folder that `HBT_DATA` names.
    """
    return pd.DataFrame(
        [
            {
                "name": name,
                "kind": kind,
                "languages": " ".join(entry.languages),
                "counts": entry.counts,
                "licence": entry.licence,
                "source": entry.source,
                "offline": name in ("worldfacts", "folder")
                or local_folder(name, None, entry.folders) is not None,
            }
            for name, entry in _CATALOG.items()
            for kind in entry.kinds
        ]
    )


def _entry(name: str, kind: str) -> tuple[Entry, ModuleType]:
    entry = _CATALOG.get(name)
    if entry is None or kind not in entry.kinds:
        have = [n for n, e in _CATALOG.items() if kind in e.kinds]
        other = "pairs" if kind == "benchmark" else "benchmark"
        if entry is not None:
            raise ValueError(f"{name} is no {kind}; it is {other}: hbt.load_{other}({name!r})")
        if "/" in name or Path(name).is_dir():
            raise ValueError(
                f"no {kind} {name!r}; a folder of your own is hbt.load_{kind}('folder', data={name!r})"
            )
        close = difflib.get_close_matches(name, have, n=1)
        raise ValueError(
            f"no {kind} {name!r}; {f'did you mean {close[0]!r}? ' if close else ''}the catalog has: "
            f"{', '.join(have)}"
        )
    return entry, import_module(f"hbtlib.data.{entry.module}")


def load_benchmark(name: str, data: str | Path | None = None, **options: Any) -> Benchmark:
    """The benchmark of that name. `options` are its loader's own (split, languages, …): see its module's docstring.

    `data` is the folder with its files; without it a folder in `HBT_DATA`, then where it is published. Raises ValueError for
    a name the catalog lacks or an option the loader lacks, and `hbtlib.data.formats.files.DataError`, a ValueError, for files that
    are not what they should be.
    """
    entry, module = _entry(name, "benchmark")
    return _call(name, getattr(module, entry.benchmark), data, options)


def load_pairs(name: str, data: str | Path | None = None, **options: Any) -> Pairs:
    """The training pairs of that name, or a benchmark's questions with their relevant passages.

    `data`, `options` and errors as for `load_benchmark`.
    """
    _, module = _entry(name, "pairs")
    if hasattr(module, "load_pairs"):
        return _call(name, module.load_pairs, data, options)
    return Pairs.from_benchmark(load_benchmark(name, data, **options))


def _call(
    name: str, loader: Callable[..., Any], data: str | Path | None, options: dict[str, Any]
) -> Any:
    """Calls a loader with the options that are not None: a notebook passes on all of its parameters."""
    if isinstance(options.get("languages"), str):
        raise ValueError(
            f"languages is {options['languages']!r}; give a list of codes, ['de', 'en']"
        )
    known = [p for p in inspect.signature(loader).parameters if p != "data"]
    given = {option: value for option, value in options.items() if value is not None}
    for option in given:
        if option not in known:
            raise ValueError(f"{name} has no option {option!r}; it has {', '.join(known)}")
    return loader(data, **given)
