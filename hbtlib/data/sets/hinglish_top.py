"""Hinglish-TOP (Agarwal et al. 2022): commands in mixed Hindi and English, with their originals.

People wrote 10,896 commands of TOPv2 anew in Hinglish, the way Hindi speakers mix the two
languages in Latin script: real code-switching. A query is the Hinglish command (language `hi-en`),
its passage the English original. Splits are train (2,993), validation (1,390) and test (6,513);
each id keeps its domain (eight) and intent (64).

As a benchmark a command finds its original among those of its split. Many commands ask for the same
thing in other words, so the original that stands first is not the only good one: report MRR.

The files are the dataset's own (`train.tsv`, `validation.tsv`, `test.tsv`) or a `pairs.jsonl` with
the field `split`. The licence is Apache-2.0. The machine-made commands of the set are not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.checks import DataError, clean, text
from hbtlib.data.formats.pairs_file import ParallelTexts
from hbtlib.data.formats.parallel import (
    in_languages,
    named_columns,
    parallel_benchmark,
    read_split_pairs,
)
from hbtlib.data.formats.source import Source, local_folder
from hbtlib.data.formats.web import Web
from hbtlib.data.pairs import Pairs

FOLDERS = ("hinglish-top",)
LANGUAGES = ("en", "hi-en")
SPLITS = ("train", "validation", "test")
GOOGLE = Web(
    "https://raw.githubusercontent.com/google-research-datasets/Hinglish-TOP-Dataset/"
    "fdd3998a6573130659bfa1ce4b1ebe698df2bf3a/Dataset/Human%20Annotated%20Data",
    {},
)
COLUMNS = ("en_query", "cs_query", "en_parse", "domain")


class Commands(NamedTuple):
    """Commands with their originals, and the domain and intent of each."""

    texts: ParallelTexts
    domains: list[str]
    intents: list[str]


def load_pairs(
    data: str | Path | None = None, *, split: str = "train", languages: Sequence[str] | None = None
) -> Pairs:
    """Loads the commands as pairs, with columns `domain` and `intent`.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        split: "train", "validation" or "test".
        languages: "hi-en" and "en", the two there are.

    Raises:
        DataError: for a split it lacks, one language alone, and a file that is not what it should
            be.
    """
    commands = _read(data, split)
    texts, rows = in_languages("hinglish-top", commands.texts, languages, LANGUAGES)
    return Pairs.from_texts(
        "hinglish-top",
        texts.questions,
        texts.passages,
        id=texts.ids,
        domain=[commands.domains[row] for row in rows],
        intent=[commands.intents[row] for row in rows],
    )


def load_benchmark(
    data: str | Path | None = None, *, split: str = "test", languages: Sequence[str] | None = None
) -> Benchmark:
    """Loads the commands as a benchmark: each finds its English original.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        split: "train", "validation" or "test".
        languages: "hi-en" and "en", the two there are.

    Raises:
        DataError: as `load_pairs` does.
    """
    texts, _ = in_languages("hinglish-top", _read(data, split).texts, languages, LANGUAGES)
    found = parallel_benchmark("hinglish-top", texts)
    return Benchmark(
        found.name,
        found.queries,
        found.passages,
        found.judgements,
        settings=("cross-lingual", "multilingual"),
    )


def _read(data: str | Path | None, split: str) -> Commands:
    """The commands of a split, from either layout."""
    if split not in SPLITS:
        raise DataError(f"hinglish-top has no split {split!r}; it has {', '.join(SPLITS)}")
    folder = local_folder("hinglish-top", data, FOLDERS)
    if folder is None or not (folder / "pairs.jsonl").is_file():
        return _read_own(Source("hinglish-top", folder, GOOGLE).path(f"{split}.tsv"), split)
    file = folder / "pairs.jsonl"
    texts, records = read_split_pairs(file, split=split)[split]
    return Commands(
        texts,
        [text(record, "domain", place) for place, record in records],
        [text(record, "intent", place) for place, record in records],
    )


def _read_own(file: Path, split: str) -> Commands:
    """The commands of one of the dataset's own files."""
    found = Commands(ParallelTexts([], [], []), [], [])
    for number, (place, row) in enumerate(named_columns(file, COLUMNS)):
        found.texts.ids.append(f"{split}:{number}")
        found.texts.questions.append(
            {"hi-en": clean(row["cs_query"], place, "the column 'cs_query'")}
        )
        found.texts.passages.append({"en": clean(row["en_query"], place, "the column 'en_query'")})
        found.domains.append(clean(row["domain"], place, "the column 'domain'"))
        found.intents.append(_intent(row["en_parse"], place))
    if not found.domains:
        raise DataError(f"{file}: no command in it; download it again")
    return found


def _intent(parse: str, place: str) -> str:
    """The intent of a command: the first word of its parse, "[IN:CREATE_ALARM … ]"."""
    intent = parse.strip().removeprefix("[").split(" ")[0]
    if not intent.startswith("IN:"):
        raise DataError(f"{place}: the parse {parse[:40]!r} begins with no intent ([IN:…)")
    return intent
