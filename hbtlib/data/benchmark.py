"""Benchmark: queries, passages and judgements to evaluate on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

SETTINGS = ("monolingual", "cross-lingual", "multilingual")
_COLUMNS = {
    "queries": ("query_id", "question_id", "language", "text"),
    "passages": ("passage_id", "language", "text"),
    "judgements": ("query_id", "passage_id", "grade"),
}


@dataclass(frozen=True)
class Benchmark:
    """A retrieval benchmark in one language or many, checked when it is made.

    queries: query_id, question_id (the same question in all its languages; query_id where missing), language, text.
    passages: passage_id, language, text, and what else the data set gives (title, paragraph).
    judgements: query_id, passage_id, grade (0: judged and not relevant; missing: 1).
    settings: which of monolingual, cross-lingual, multilingual make sense for it.

    Raises ValueError that names the table, the row and the id for a missing column, an empty or duplicate id, an
    empty text, a judgement of an unknown query or passage, or a grade below 0.
    """

    name: str
    queries: pd.DataFrame
    passages: pd.DataFrame
    judgements: pd.DataFrame
    settings: tuple[str, ...] = SETTINGS

    def __post_init__(self) -> None:
        queries, judgements = self.queries, self.judgements
        if "question_id" not in queries and "query_id" in queries:
            queries = queries.assign(question_id=queries["query_id"])
        if "grade" not in judgements:
            judgements = judgements.assign(grade=1)
        for table, frame in (
            ("queries", queries),
            ("passages", self.passages),
            ("judgements", judgements),
        ):
            missing = [c for c in _COLUMNS[table] if c not in frame]
            if missing:
                raise ValueError(
                    f"benchmark {self.name!r}: {table} lack the column {missing[0]!r}; "
                    f"they have {list(frame.columns)}"
                )
            frame = frame.reset_index(drop=True)
            texts = [c for c in _COLUMNS[table] if c != "grade"]
            frame = frame.astype(
                {c: "str" for c in texts if not isinstance(frame[c].dtype, pd.StringDtype)}
            )
            for column in texts:
                at = _first_empty(frame[column])
                if at is not None:
                    raise ValueError(
                        f"benchmark {self.name!r}: {table} row {at} ({frame.iloc[at, 0]!r}) has an empty "
                        f"{column}; leave the row out or fill it"
                    )
            object.__setattr__(self, table, frame)
        self._check_ids()

    def _check_ids(self) -> None:
        for table, column in (("queries", "query_id"), ("passages", "passage_id")):
            ids = getattr(self, table)[column]
            if (again := first_repeated(ids)) is not None:
                raise ValueError(
                    f"benchmark {self.name!r}: {table} hold the {column} {again!r} "
                    "more than once; ids must be unique over all languages"
                )
            unknown = rows_of(ids, self.judgements[column]) < 0
            if unknown.any():
                row = int(np.flatnonzero(unknown)[0])
                raise ValueError(
                    f"benchmark {self.name!r}: judgements row {row} names the {column} "
                    f"{self.judgements[column].iloc[row]!r}, which is not among the {table}; add it, or take "
                    "the judgement out"
                )
        if self.judgements.duplicated(["query_id", "passage_id"]).any():
            row = int(np.flatnonzero(self.judgements.duplicated(["query_id", "passage_id"]))[0])
            raise ValueError(
                f"benchmark {self.name!r}: judgements row {row} judges a query and passage a second time"
            )
        self._check_grades()
        for table in ("queries", "passages"):
            if (getattr(self, table)["language"] == "all").any():
                raise ValueError(
                    f"benchmark {self.name!r}: {table} have a language 'all', which names the pool of all "
                    "languages; give it another code"
                )
        unknown_settings = set(self.settings) - set(SETTINGS)
        if unknown_settings:
            raise ValueError(
                f"benchmark {self.name!r}: no setting {unknown_settings.pop()!r}; there are {SETTINGS}"
            )

    def _check_grades(self) -> None:
        grades = pd.to_numeric(self.judgements["grade"], errors="coerce").astype("float64")
        wrong = np.flatnonzero(~(grades.ge(0) & grades.le(1000) & grades.mod(1).eq(0)))
        if wrong.size:
            row = self.judgements.iloc[int(wrong[0])]
            raise ValueError(
                f"benchmark {self.name!r}: judgements row {wrong[0]} ({row['query_id']!r}, "
                f"{row['passage_id']!r}) has the grade {row['grade']}, which is below 0 or not whole; "
                "grades are 0 (not relevant), 1, 2, … up to 1000"
            )
        object.__setattr__(self, "judgements", self.judgements.assign(grade=grades.astype("int64")))

    @property
    def languages(self) -> tuple[str, ...]:
        """Every language a query or a passage is in, sorted."""
        return tuple(
            sorted({*self.queries["language"].unique(), *self.passages["language"].unique()})
        )

    def restrict(self, languages: Sequence[str]) -> Benchmark:
        """The same benchmark with the queries and passages of these languages alone."""
        unknown = sorted(set(languages) - set(self.languages))
        if unknown:
            raise ValueError(
                f"benchmark {self.name!r} has no language {unknown[0]!r}; it has {' '.join(self.languages)}"
            )
        queries = self.queries[self.queries["language"].isin(languages)]
        passages = self.passages[self.passages["language"].isin(languages)]
        judgements = self.judgements[
            self.judgements["query_id"].isin(queries["query_id"])
            & self.judgements["passage_id"].isin(passages["passage_id"])
        ]
        return Benchmark(self.name, queries, passages, judgements, self.settings)

    def __repr__(self) -> str:
        return (
            f"Benchmark({self.name!r}, {len(self.queries):,} queries, {len(self.passages):,} passages, "
            f"{len(self.judgements):,} judgements, languages {' '.join(self.languages)})"
        )


def rows_of(ids: pd.Series, wanted: pd.Series) -> NDArray[np.int64]:
    """The row of each wanted id, −1 where there is none. Only the wanted are tabled: the ids may be many millions."""
    distinct = pd.Index(wanted.unique())
    column = pa.array(ids)
    found = (
        pc.index_in(column, pa.array(distinct, pa.string()).cast(column.type))
        .fill_null(-1)
        .to_numpy()
    )
    row = np.full(len(distinct), -1, np.int64)
    row[found[found >= 0]] = np.flatnonzero(found >= 0)
    return row[distinct.get_indexer(pd.Index(wanted))]


def id_print(id_: str) -> int:
    """8 bytes for an id: what many millions of them are compared by."""
    return int(xxh3_64_intdigest(id_.encode("utf-8", "surrogatepass")))


def first_repeated(ids: pd.Series) -> str | None:
    """An id that stands twice, if one does: by their prints, and by the ids themselves only where two prints agree."""
    prints = np.concatenate(
        [
            np.fromiter(map(id_print, ids.iloc[at : at + 100_000]), np.uint64)
            for at in range(0, len(ids), 100_000)
        ]
        or [np.empty(0, np.uint64)]
    )
    prints.sort()
    if (prints[1:] != prints[:-1]).all():
        return None
    repeated = ids[ids.duplicated()]
    return str(repeated.iloc[0]) if len(repeated) else None


def judged(queries: pd.DataFrame, gold: pd.DataFrame) -> pd.DataFrame:
    """Judgements of parallel questions: each query with every passage that `gold` (question_id, passage_id) gives its
    question.
    """
    table = queries[["query_id", "question_id"]].merge(
        gold[["question_id", "passage_id"]], on="question_id"
    )
    return table[["query_id", "passage_id"]].assign(grade=1)


def _first_empty(column: pd.Series) -> int | None:
    """The first row without text. Part by part: texts by the million lie on disk, and should stay there."""
    for start in range(0, len(column), 5_000):
        part = column.iloc[start : start + 5_000]
        empty = np.flatnonzero(part.isna() | (part.str.strip() == ""))
        if empty.size:
            return start + int(empty[0])
    return None
