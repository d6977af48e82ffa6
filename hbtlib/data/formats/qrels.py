"""Reading judgements: TREC's qrels files and BEIR's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hbtlib.data.formats.checks import DataError, short, text, unique, whole_number
from hbtlib.data.formats.files import lines, read_tsv

Judgement = tuple[str, str, int]  # query id, passage id, grade

BEIR_COLUMNS = ("query-id", "corpus-id", "score")
"""The columns of BEIR's qrels files, which are also their first line."""

TREC_COLUMNS = ("qid", "Q0", "docid", "grade")
"""The columns of TREC's qrels files, which have no first line of names."""


def read_qrels(path: Path, queries: set[str] | None = None) -> Iterator[tuple[str, Judgement]]:
    """Reads a qrels file in either layout.

    TREC's has `qid Q0 docid grade` on each line, separated by any blanks. BEIR's is tab-separated
    and begins with the line `query-id corpus-id score`.

    Args:
        path: the file.
        queries: the ids of the queries there are; None accepts every id.

    Yields:
        The place of the line, and the judgement: query id, passage id, grade.

    Raises:
        DataError: for a query that is not among `queries`, a pair that is judged twice, and a grade
            that is not a whole number.
    """
    columns = _layout(path)
    is_beir = columns == BEIR_COLUMNS
    query_column, passage_column, grade_column = columns[0], columns[-2], columns[-1]
    seen: dict[tuple[str, str], str] = {}
    for place, row in read_tsv(path, columns, header=is_beir, whitespace=not is_beir):
        query = text(row, query_column, place)
        passage = text(row, passage_column, place)
        if queries is not None and query not in queries:
            raise DataError(
                f"{place}: it judges the query {short(query)}, which is not among the queries; are "
                "queries and judgements of one split and language?"
            )
        unique(seen, (query, passage), place, "the judgement of")
        yield place, (query, passage, whole_number(row[grade_column], place, f"the {grade_column}"))


def _layout(path: Path) -> tuple[str, ...]:
    """The columns of a qrels file, told from its first line."""
    _, line = next(lines(path), (0, ""))
    first = tuple(line.split("\t"))
    if first == BEIR_COLUMNS:
        return BEIR_COLUMNS
    if len(first) == 3:
        raise DataError(
            f"{path}, line 1: three columns, but not BEIR's first line; begin the file with the "
            f"line {'⇥'.join(BEIR_COLUMNS)}, or give TREC's four columns (qid Q0 docid grade)"
        )
    return TREC_COLUMNS
