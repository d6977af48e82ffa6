"""MIRACL dev, and its hard-negatives version: Wikipedia passages judged by native speakers (Zhang et al. 2023, TACL).

Nothing is parallel: questions, passages and judgements (1 relevant, 0 judged and not) of one language each, several
relevant passages a question; so there are the monolingual pools and the pool of all. A passage's text is its article's
title, a blank, and its own text, as the data set's authors and mteb have it; `title` stands beside it. Apache-2.0 (texts
CC BY-SA). Dev has 13,495 questions in 18 languages.

`miracl` has every passage: sw 131,924 up to en 32,893,221. They are streamed from the `.jsonl.gz` shards into Arrow files
on disk, once, and stay there: the tables hold ids in memory and texts in memory maps. `miracl-hard-negatives` (mteb)
has the 250 best passages a question of three retrievers, 2.45 million in all: what one machine can embed. Its scores are
higher, and comparable only among themselves. MIRACL asks questions of Mr. TyDi and TyDiQA: check before training on those.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.disk import Row, frame, on_disk
from hbtlib.data.formats.files import (
    BEIR_HEADER,
    DataError,
    Judgement,
    identifier,
    read_jsonl,
    read_parquet,
    read_qrels,
    read_tsv,
    text,
    title,
    unique,
    whole_number,
)
from hbtlib.data.source import Hub, Source, chosen, local_folder

FOLDERS = ("miracl", "miracl-dev")
HARD_FOLDERS = ("miracl-hard-negatives",)
TOPICS = Hub("miracl/miracl", "5be20db9509754dadad47689368639fcec739c00")
CORPUS = Hub("miracl/miracl-corpus", "d921ec7e349ce0d28daf30b2da9da5ee698bef0d")
HARD = Hub("mteb/MIRACLRetrievalHardNegatives", "d7d94fa4b946cec4a27c84653aa0cf6b33f74a3c")
SHARDS = {
    "ar": 5,
    "bn": 1,
    "en": 66,
    "es": 21,
    "fa": 5,
    "fi": 4,
    "fr": 30,
    "hi": 2,
    "id": 3,
    "ja": 14,
    "ko": 3,
    "ru": 20,
    "sw": 1,
    "te": 2,
    "th": 2,
    "zh": 10,
}
"""How many files of 500,000 passages each language has; de and yo, which came later, are counted where they lie."""
LANGUAGES = tuple(sorted([*SHARDS, "de", "yo"]))
SETTINGS = ("monolingual", "multilingual")


def load_benchmark(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None
) -> Benchmark:
    """MIRACL dev in these languages. Default: the sixteen of the first release, 90 million passages; name yours.

    Read from the hub's layout (`miracl-v1.0-LANG/topics/…`, `…/qrels/…`, `miracl-corpus-v1.0-LANG/docs-N.jsonl.gz`), the
    topics and qrels from `topics/` and `qrels/` too. Passages that a folder lacks come from the hub.
    """
    folder = local_folder("miracl", data, FOLDERS)
    topics = Source("miracl", folder, TOPICS)
    tables = []
    for language in chosen("miracl", languages or tuple(SHARDS), LANGUAGES):
        queries = dict(read_topics(_either(topics, language, "topics")))
        judgements = [
            judged for _, judged in read_qrels(_either(topics, language, "qrels"), set(queries))
        ]
        corpus = f"miracl-corpus-v1.0-{language}"
        here = folder if folder is not None and (folder / corpus).is_dir() else None
        passages = Source("miracl", here, CORPUS)
        count = SHARDS.get(language) or len(passages.paths(f"{corpus}/docs-*.jsonl.gz"))
        shards = [passages.path(f"{corpus}/docs-{n}.jsonl.gz") for n in range(count)]
        tables.append(
            (language, queries, judgements, on_disk(shards, _shard_rows, language=language))
        )
    return _joined("miracl", tables)


def load_hard_negatives(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None
) -> Benchmark:
    """The hard-negatives version in these languages (default: all eighteen), from
    `LANG-{corpus,queries,qrels}/dev-*.parquet`.
    """
    source = Source(
        "miracl-hard-negatives", local_folder("miracl-hard-negatives", data, HARD_FOLDERS), HARD
    )
    tables = []
    for language in chosen("miracl-hard-negatives", languages, LANGUAGES):
        queries: dict[str, str] = {}
        seen: dict[str, str] = {}
        for file in source.paths(f"{language}-queries/dev-*.parquet"):
            for place, row in read_parquet(file, ["_id", "text"]):
                id_ = identifier(row, "_id", place)
                unique(seen, id_, place, "the query id")
                queries[id_] = text(row, "text", place)
        judgements = []
        for file in source.paths(f"{language}-qrels/dev-*.parquet"):
            for place, row in read_parquet(file, BEIR_HEADER):
                query, passage = (identifier(row, name, place) for name in BEIR_HEADER[:2])
                if query not in queries:
                    raise DataError(f"{place}: it judges the query {query!r}, which there is not")
                judgements.append((query, passage, whole_number(row["score"], place, "the score")))
        shards = source.paths(f"{language}-corpus/dev-*.parquet")
        tables.append(
            (language, queries, judgements, on_disk(shards, _parquet_rows, language=language))
        )
    return _joined("miracl-hard-negatives", tables)


def _either(source: Source, language: str, kind: str) -> Path:
    file = f"{kind}/{kind}.miracl-v1.0-{language}-dev.tsv"
    return source.path(file if source.has(file) else f"miracl-v1.0-{language}/{file}")


def read_topics(file: Path) -> Iterator[tuple[str, str]]:
    """The queries of a topics file, `qid⇥query` a line: (id, text)."""
    seen: dict[str, str] = {}
    for place, row in read_tsv(file, ["qid", "query"]):
        id_ = text(row, "qid", place)
        unique(seen, id_, place, "the query id")
        yield id_, text(row, "query", place)


def _shard_rows(file: Path, language: str) -> Iterator[tuple[str, Row]]:
    for place, record in read_jsonl(file):
        yield place, _passage(language, identifier(record, "docid", place), record, place)


def _parquet_rows(file: Path, language: str) -> Iterator[tuple[str, Row]]:
    for place, record in read_parquet(file, ["_id", "title", "text"]):
        yield place, _passage(language, identifier(record, "_id", place), record, place)


def _passage(language: str, id_: str, record: dict[str, Any], place: str) -> Row:
    name = title(record, place)
    whole = f"{name} {text(record, 'text', place)}".strip()
    return {"passage_id": f"{language}:{id_}", "language": language, "text": whole, "title": name}


def _joined(
    name: str, tables: Sequence[tuple[str, dict[str, str], list[Judgement], Any]]
) -> Benchmark:
    for language, asked, judged, _ in tables:
        lacking = set(asked) - {query for query, _, grade in judged if grade}
        if lacking:
            raise DataError(
                f"{name}: {len(lacking)} of the {len(asked)} queries in {language} have no relevant passage "
                f"({min(lacking)!r}, …); the judgements are cut off, or of another split: fetch them again"
            )
    passages = frame([table for *_, table in tables])
    queries = pd.DataFrame(
        [
            (f"{language}:{id_}", language, form)
            for language, asked, *_ in tables
            for id_, form in asked.items()
        ],
        columns=["query_id", "language", "text"],
    )
    judgements = pd.DataFrame(
        [
            (f"{language}:{query}", f"{language}:{passage}", grade)
            for language, _, judged, _ in tables
            for query, passage, grade in judged
        ],
        columns=["query_id", "passage_id", "grade"],
    )
    return Benchmark(name, queries, passages, judgements, SETTINGS)
