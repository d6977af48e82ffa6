"""MIRACL dev (Zhang et al. 2023, TACL) with fewer passages: mteb's hard-negatives version.

It has the 250 best passages of three retrievers for each question, 2.45 million in all: what one
machine can embed. Its scores are higher than MIRACL's, and comparable only among themselves.
`miracl` says what the data are; questions of Mr. TyDi and TyDiQA are asked here too. The licence is
Apache-2.0 (texts CC BY-SA).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.arrow import Row, on_disk
from hbtlib.data.formats.checks import DataError, identifier, text, unique, whole_number
from hbtlib.data.formats.files import read_parquet
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.qrels import BEIR_COLUMNS, Judgement
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.sets import miracl

FOLDERS = ("miracl-hard-negatives",)
LANGUAGES = miracl.LANGUAGES
MTEB = Hub("mteb/MIRACLRetrievalHardNegatives", "d7d94fa4b946cec4a27c84653aa0cf6b33f74a3c")


def load_benchmark(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None
) -> Benchmark:
    """Loads the hard-negatives version, from `LANG-{corpus,queries,qrels}/dev-*.parquet`.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: the languages; None takes all eighteen.

    Raises:
        DataError: for a language it lacks, and a file that is not what it should be.
    """
    folder = local_folder("miracl-hard-negatives", data, FOLDERS)
    source = Source("miracl-hard-negatives", folder, MTEB)
    found = []
    for language in choose_languages("miracl-hard-negatives", languages, LANGUAGES):
        queries = _read_queries(source, language)
        judgements = _read_judgements(source, language, queries)
        shards = source.paths(f"{language}-corpus/dev-*.parquet")
        passages = on_disk(shards, read_shard, language=language)
        found.append(miracl.LanguageData(language, queries, judgements, passages))
    return miracl.join_languages("miracl-hard-negatives", found)


def _read_queries(source: Source, language: str) -> dict[str, str]:
    queries: dict[str, str] = {}
    seen: dict[str, str] = {}
    for file in source.paths(f"{language}-queries/dev-*.parquet"):
        for place, row in read_parquet(file, ["_id", "text"]):
            id_ = identifier(row, "_id", place)
            unique(seen, id_, place, "the query id")
            queries[id_] = text(row, "text", place)
    return queries


def _read_judgements(source: Source, language: str, queries: dict[str, str]) -> list[Judgement]:
    judgements: list[Judgement] = []
    query_column, passage_column, grade_column = BEIR_COLUMNS
    for file in source.paths(f"{language}-qrels/dev-*.parquet"):
        for place, row in read_parquet(file, BEIR_COLUMNS):
            query = identifier(row, query_column, place)
            passage = identifier(row, passage_column, place)
            if query not in queries:
                raise DataError(
                    f"{place}: it judges the query {query!r}, which is not among the queries"
                )
            grade = whole_number(row[grade_column], place, f"the {grade_column}")
            judgements.append((query, passage, grade))
    return judgements


def read_shard(file: Path, language: str) -> Iterator[tuple[str, Row]]:
    """Reads the passages of a shard of the corpus, each with its place."""
    for place, record in read_parquet(file, ["_id", "title", "text"]):
        yield place, miracl.passage_row(record, "_id", language, place)
