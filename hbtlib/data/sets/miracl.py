"""MIRACL dev (Zhang et al. 2023, TACL): Wikipedia passages judged by native speakers.

Nothing is parallel: questions, passages and judgements (1 relevant, 0 judged and not) are of one
language each, so there are the monolingual pools and the pool of all. A question has several
relevant passages. A passage's text is its article's title, a blank, and its own text, as the
dataset's authors and mteb have it; `title` is a column of its own. Dev has 13,495 questions in 18
languages. The licence is Apache-2.0 (texts CC BY-SA).

This is the version with every passage, from 131,924 in Swahili up to 32,893,221 in English. They
are streamed from the `.jsonl.gz` shards into Arrow files on disk, once, and stay there: the tables
hold ids in memory and texts in memory maps. `miracl_hard_negatives` has what one machine can embed.
MIRACL asks questions of Mr. TyDi and TyDiQA: check before training on those.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.arrow import Row, frame, on_disk
from hbtlib.data.formats.checks import DataError, identifier, text, title, unique
from hbtlib.data.formats.files import Record, read_jsonl, read_tsv
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.qrels import Judgement, read_qrels
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.given import check_languages

FOLDERS = ("miracl",)
WITHOUT_PASSAGES = "miracl-dev"
"""A folder of this name may hold topics and qrels alone: the passages are downloaded."""
TOPICS = Hub("miracl/miracl", "5be20db9509754dadad47689368639fcec739c00")
CORPUS = Hub("miracl/miracl-corpus", "d921ec7e349ce0d28daf30b2da9da5ee698bef0d")
# fmt: off
SHARDS = {
    "ar": 5, "bn": 1, "en": 66, "es": 21, "fa": 5, "fi": 4, "fr": 30, "hi": 2,
    "id": 3, "ja": 14, "ko": 3, "ru": 20, "sw": 1, "te": 2, "th": 2, "zh": 10,
}
# fmt: on
"""How many files of 500,000 passages each language has.

German and Yoruba came later; their files are counted where they lie.
"""
LANGUAGES = tuple(sorted([*SHARDS, "de", "yo"]))
SETTINGS = ("monolingual", "multilingual")


class LanguageData(NamedTuple):
    """One language's queries, judgements and passages.

    Attributes:
        language: the language's code.
        queries: query id → query.
        judgements: query id, passage id, grade.
        passages: an Arrow table (see `on_disk`).
    """

    language: str
    queries: dict[str, str]
    judgements: list[Judgement]
    passages: Any


def load_benchmark(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None
) -> Benchmark:
    """Loads MIRACL dev with every passage.

    Files are read in the hub's layout (`miracl-v1.0-LANG/topics/…`, `…/qrels/…`,
    `miracl-corpus-v1.0-LANG/docs-N.jsonl.gz`), the topics and qrels from `topics/` and `qrels/`
    too. Passages that a folder lacks come from the hub.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: the languages; None takes the sixteen of the first release, 90 million passages:
            name yours.

    Raises:
        DataError: for a language it lacks, and a file that is not what it should be.
    """
    folder = local_folder("miracl", data, (*FOLDERS, WITHOUT_PASSAGES))
    found = []
    wanted = check_languages("miracl", languages) or tuple(SHARDS)
    for language in choose_languages("miracl", wanted, LANGUAGES):
        source = Source("miracl", folder, TOPICS)
        queries = dict(read_topics(_find(source, language, "topics")))
        qrels = read_qrels(_find(source, language, "qrels"), set(queries))
        judgements = [judgement for _, judgement in qrels]
        passages = on_disk(_shards(folder, language), read_shard, language=language)
        found.append(LanguageData(language, queries, judgements, passages))
    return join_languages("miracl", found)


def load_queries(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None
) -> pd.DataFrame:
    """Loads the queries alone, for which no passage is needed.

    Args:
        data: the folder with topics; None looks in `HBT_DATA`, then downloads them.
        languages: the languages; None takes all eighteen.

    Returns:
        A row a query: query_id, language, text.

    Raises:
        DataError: for a language it lacks, and a file that is not what it should be.
    """
    folder = local_folder("miracl", data, (*FOLDERS, WITHOUT_PASSAGES))
    source = Source("miracl", folder, TOPICS)
    rows = [
        (f"{language}:{id_}", language, query)
        for language in choose_languages("miracl", languages, LANGUAGES)
        for id_, query in read_topics(_find(source, language, "topics"))
    ]
    return pd.DataFrame(rows, columns=["query_id", "language", "text"])


def _find(source: Source, language: str, kind: str) -> Path:
    """The file of topics or qrels: in the folder of its kind, or else in the language's."""
    file = f"{kind}/{kind}.miracl-v1.0-{language}-dev.tsv"
    return source.path(file if source.has(file) else f"miracl-v1.0-{language}/{file}")


def _shards(folder: Path | None, language: str) -> list[Path]:
    """The files with a language's passages: those of the folder, or else the hub's."""
    corpus = f"miracl-corpus-v1.0-{language}"
    has_passages = folder is not None and (folder / corpus).is_dir()
    source = Source("miracl", folder if has_passages else None, CORPUS)
    count = SHARDS.get(language) or len(source.paths(f"{corpus}/docs-*.jsonl.gz"))
    return [source.path(f"{corpus}/docs-{number}.jsonl.gz") for number in range(count)]


def read_topics(file: Path) -> Iterator[tuple[str, str]]:
    """Reads the queries of a topics file, `qid⇥query` a line.

    Yields:
        The query's id and its text.

    Raises:
        DataError: naming the line, for what is no query or occurs twice.
    """
    seen: dict[str, str] = {}
    for place, row in read_tsv(file, ["qid", "query"]):
        id_ = text(row, "qid", place)
        unique(seen, id_, place, "the query id")
        yield id_, text(row, "query", place)


def read_shard(file: Path, language: str) -> Iterator[tuple[str, Row]]:
    """Reads the passages of a shard of the corpus, each with its place."""
    for place, record in read_jsonl(file):
        yield place, passage_row(record, "docid", language, place)


def passage_row(record: Record, id_field: str, language: str, place: str) -> Row:
    """Makes a passage of a record with `title`, `text` and an id.

    Ids are unique in a language alone, so the passage's begins with the language.
    """
    id_ = identifier(record, id_field, place)
    name = title(record, place)
    whole = f"{name} {text(record, 'text', place)}".strip()
    return {"passage_id": f"{language}:{id_}", "language": language, "text": whole, "title": name}


def join_languages(name: str, found: Sequence[LanguageData]) -> Benchmark:
    """Makes one benchmark of several languages.

    Args:
        name: the benchmark's name.
        found: the languages.

    Raises:
        DataError: if a query has no relevant passage.
    """
    for part in found:
        answered = {query for query, _, grade in part.judgements if grade}
        lacking = set(part.queries) - answered
        if lacking:
            raise DataError(
                f"{name}: {len(lacking)} of the {len(part.queries)} queries in {part.language} "
                f"have no relevant passage ({min(lacking)!r}, …); the judgements are cut off, or "
                "of another split: download them again"
            )
    queries = pd.DataFrame(
        [
            (f"{part.language}:{id_}", part.language, query)
            for part in found
            for id_, query in part.queries.items()
        ],
        columns=["query_id", "language", "text"],
    )
    judgements = pd.DataFrame(
        [
            (f"{part.language}:{query}", f"{part.language}:{passage}", grade)
            for part in found
            for query, passage, grade in part.judgements
        ],
        columns=["query_id", "passage_id", "grade"],
    )
    passages = frame([part.passages for part in found])
    return Benchmark(name, queries, passages, judgements, SETTINGS)
