"""Benchmark: queries, passages and judgements to evaluate on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from hbtlib.checks import short
from hbtlib.data.given import INVISIBLE, check_languages, is_empty, is_unicode
from hbtlib.markup import card

SETTINGS = ("monolingual", "cross-lingual", "multilingual")
"""Monolingual: the pool has the query's language; cross-lingual: one other; multilingual: all."""

ALL = "all"
"""The pool of all languages together; the other pools are named by their language."""

UNTRANSLATED = "untranslated:"
"""How question ids begin where nothing tells which queries are translations of one question."""

RANK_NAMES = (
    "benchmark",
    "query_id",
    "question_id",
    "query_language",
    "pool",
    "passage_id",
    "passage_language",
)
"""The columns of a table of ranks that hold names: a row a query, relevant passage and pool."""

RANK_COLUMNS = (*RANK_NAMES, "rank", "score", "grade", "n_passages", "n_relevant")
"""All its columns, in their order; `hbt.rank_vectors` says what each of them is."""

LARGEST_GRADE = 1000

_COLUMNS = {
    "queries": ("query_id", "question_id", "language", "text"),
    "passages": ("passage_id", "language", "text"),
    "judgements": ("query_id", "passage_id", "grade"),
}
_PART = 5_000  # rows whose texts are read at once
_IDS_PART = 100_000  # ids that are hashed at once


@dataclass(frozen=True)
class Benchmark:
    """A retrieval benchmark in one language or many, checked when it is made.

    The tables are kept with text columns of a string type and with rows numbered from 0. What was
    given is not changed.

    Attributes:
        name: what it is called in tables and messages.
        queries: one row a query: query_id, question_id (the same question in all its languages;
            query_id where the column is missing), language, text.
        passages: one row a passage: passage_id, language, text, and what else the dataset gives
            (title, paragraph).
        judgements: one row a judged pair: query_id, passage_id, grade (0: judged and not relevant;
            1 where the column is missing).
        settings: which of monolingual, cross-lingual and multilingual make sense for it.
        left_out: what of the dataset's files is not in the benchmark: reason → how many.

    Raises:
        ValueError: naming the table, the row and the id, for a missing column, an empty or
            repeated id, an empty text, what is no text, a judgement of an unknown query or passage,
            or a grade that is below 0, above 1000 or not whole.

    Example:
        >>> import hbtlib as hbt
        >>> import pandas as pd
        >>> hbt.Benchmark(
        ...     name="mine",
        ...     queries=pd.DataFrame(
        ...         {
        ...             "query_id": ["q1-en", "q1-de"],
        ...             "question_id": ["q1", "q1"],
        ...             "language": ["en", "de"],
        ...             "text": ["Who built it?", "Wer hat es gebaut?"],
        ...         }
        ...     ),
        ...     passages=pd.DataFrame(
        ...         {
        ...             "passage_id": ["p1", "p2"],
        ...             "language": ["en", "de"],
        ...             "text": ["Wren built it.", "Wren hat es gebaut."],
        ...         }
        ...     ),
        ...     judgements=pd.DataFrame(
        ...         {
        ...             "query_id": ["q1-en", "q1-en", "q1-de", "q1-de"],
        ...             "passage_id": ["p1", "p2", "p1", "p2"],
        ...         }
        ...     ),
        ... )
        Benchmark('mine', 2 queries, 2 passages, 4 judgements, languages de en)
    """

    name: str
    queries: pd.DataFrame
    passages: pd.DataFrame
    judgements: pd.DataFrame
    settings: tuple[str, ...] = SETTINGS
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check_types()
        queries = self.queries
        if "question_id" not in queries and "query_id" in queries:
            queries = queries.assign(question_id=queries["query_id"])
        judgements = self.judgements
        if "grade" not in judgements:
            judgements = judgements.assign(grade=1)
        self._set("queries", self._checked_table("queries", queries))
        self._set("passages", self._checked_table("passages", self.passages))
        self._set("judgements", self._checked_table("judgements", judgements))
        self._check_ids("queries", "query_id")
        self._check_ids("passages", "passage_id")
        self._check_judged_once()
        self._set("judgements", self.judgements.assign(grade=self._checked_grades()))
        self._check_languages()
        self._check_settings()

    def _check_types(self) -> None:
        """Refuses a name that is no text, and tables that are none."""
        if not isinstance(self.name, str) or is_empty(self.name) or "\0" in self.name:
            raise ValueError(f"the benchmark is called {short(self.name)}; its name is a text")
        for table in _COLUMNS:
            frame = getattr(self, table)
            if not isinstance(frame, pd.DataFrame):
                raise self._error(f"{table} is a {type(frame).__name__}; give a pandas.DataFrame")
            if not frame.columns.is_unique:
                repeated = frame.columns[frame.columns.duplicated()][0]
                raise self._error(f"{table} have the column {repeated!r} more than once")

    def _set(self, table: str, frame: pd.DataFrame) -> None:
        object.__setattr__(self, table, frame)  # the dataclass is frozen

    def _error(self, message: str) -> ValueError:
        return ValueError(f"benchmark {self.name!r}: {message}")

    def _checked_table(self, table: str, frame: pd.DataFrame) -> pd.DataFrame:
        """The table with its columns as text, if it has them all and none is empty."""
        missing = [column for column in _COLUMNS[table] if column not in frame]
        if missing:
            raise self._error(
                f"{table} lack the column {missing[0]!r}; they have {list(frame.columns)}"
            )
        frame = frame.reset_index(drop=True)
        texts = [column for column in _COLUMNS[table] if column != "grade"]
        not_text = [c for c in texts if not isinstance(frame[c].dtype, pd.StringDtype)]
        for column in not_text:
            self._check_values(table, frame, column)
        frame = frame.astype(dict.fromkeys(not_text, "str"))
        # Where passages are pieces of paragraphs, a splitter may have made one of a zero-width
        # blank alone (MLQA-R has one in Spanish).
        is_piece = "paragraph" in frame
        for column in texts:
            row = _first_empty(frame[column], None if is_piece else INVISIBLE)
            if row is not None:
                raise self._error(
                    f"{table} row {row} ({frame.iloc[row, 0]!r}) has an empty {column}; leave the "
                    "row out or fill it"
                )
        return frame

    def _check_values(self, table: str, frame: pd.DataFrame, column: str) -> None:
        """Refuses values that would become texts which nobody wrote ("['a']", "True", "1.0")."""
        is_id = column.endswith("_id")
        for row, value in enumerate(frame[column]):
            is_number = isinstance(value, int | np.integer) and not isinstance(value, bool)
            is_missing = value is None or (pd.api.types.is_scalar(value) and pd.isna(value))
            if not (isinstance(value, str) or is_missing or (is_id and is_number)):
                belongs = "a text or a whole number" if is_id else "a text"
                raise self._error(
                    f"{table} row {row} has the {column} {short(value)}, where {belongs} belongs"
                )
            if isinstance(value, str) and not is_unicode(value):
                raise self._error(
                    f"{table} row {row} has the {column} {short(value)}, which holds half of a "
                    "character; the texts were converted wrongly"
                )

    def _check_ids(self, table: str, column: str) -> None:
        """Refuses ids that are not unique, and judgements of ids that are not in the table."""
        ids = getattr(self, table)[column]
        repeated = first_repeated(ids)
        if repeated is not None:
            raise self._error(
                f"{table} hold the {column} {repeated!r} more than once; ids must be unique over "
                "all languages"
            )
        unknown = np.flatnonzero(rows_of(ids, self.judgements[column]) < 0)
        if unknown.size:
            row = int(unknown[0])
            raise self._error(
                f"judgements row {row} names the {column} {self.judgements[column].iloc[row]!r}, "
                f"which is not among the {table}; add it, or take the judgement out"
            )

    def _check_judged_once(self) -> None:
        repeated = np.flatnonzero(self.judgements.duplicated(["query_id", "passage_id"]))
        if repeated.size:
            raise self._error(
                f"judgements row {int(repeated[0])} judges a query and passage a second time"
            )

    def _checked_grades(self) -> pd.Series:
        """The grades as integers.

        Others are refused: a missing grade would count as not relevant, and a grade of one half as
        relevant with a gain of 0.
        """
        try:
            numbers = pd.to_numeric(self.judgements["grade"], errors="coerce")
        except (TypeError, ValueError):  # lists and other things that no number can be made of
            numbers = pd.Series(np.nan, self.judgements.index)
        is_complex = pd.api.types.is_complex_dtype(numbers)
        grades = pd.Series(np.nan, numbers.index) if is_complex else numbers.astype("float64")
        is_grade = grades.ge(0) & grades.le(LARGEST_GRADE) & grades.mod(1).eq(0)
        wrong = np.flatnonzero(~is_grade)
        if wrong.size:
            row = self.judgements.iloc[int(wrong[0])]
            raise self._error(
                f"judgements row {wrong[0]} ({row['query_id']!r}, {row['passage_id']!r}) has the "
                f"grade {row['grade']}, which is below 0 or not whole; grades are 0 (not "
                f"relevant), 1, 2, … up to {LARGEST_GRADE}"
            )
        return grades.astype("int64")

    def _check_languages(self) -> None:
        for table in ("queries", "passages"):
            if (getattr(self, table)["language"] == ALL).any():
                raise self._error(
                    f"{table} have a language 'all', which names the pool of all languages; give "
                    "it another code"
                )

    def _check_settings(self) -> None:
        if isinstance(self.settings, str) or not isinstance(self.settings, Sequence):
            raise self._error(f"settings is {short(self.settings)}; give some of {SETTINGS}")
        if not len(self.settings):
            raise self._error(f"settings is empty; give some of {SETTINGS}")
        for setting in self.settings:
            if setting not in SETTINGS:
                raise self._error(f"no setting {setting!r}; there are {SETTINGS}")

    @property
    def languages(self) -> tuple[str, ...]:
        """Every language a query or a passage is in, sorted."""
        asked = self.queries["language"].unique()
        pools = self.passages["language"].unique()
        return tuple(sorted({*asked, *pools}))

    def restrict(self, languages: Sequence[str]) -> Benchmark:
        """Returns the same benchmark with the queries and passages of some languages alone.

        Args:
            languages: the languages to keep.

        Raises:
            ValueError: for a language the benchmark lacks, for none, and for one named twice.
        """
        wanted = check_languages(f"benchmark {self.name!r}", languages) or ()
        unknown = sorted(set(wanted) - set(self.languages))
        if unknown:
            raise ValueError(
                f"benchmark {self.name!r} has no language {unknown[0]!r}; it has "
                f"{' '.join(self.languages)}"
            )
        queries = self.queries[self.queries["language"].isin(wanted)]
        passages = self.passages[self.passages["language"].isin(wanted)]
        judgements = self.judgements[
            self.judgements["query_id"].isin(queries["query_id"])
            & self.judgements["passage_id"].isin(passages["passage_id"])
        ]
        return Benchmark(self.name, queries, passages, judgements, self.settings, self.left_out)

    def __repr__(self) -> str:
        return (
            f"Benchmark({self.name!r}, {len(self.queries):,} queries, {len(self.passages):,} "
            f"passages, {len(self.judgements):,} judgements, languages {' '.join(self.languages)})"
        )

    def _repr_html_(self) -> str:
        """What Jupyter shows: how much is asked, in which languages, and what was left out."""
        asked = self.queries["language"].value_counts()
        pools = self.passages["language"].value_counts()
        rows = [(code, int(asked.get(code, 0)), int(pools.get(code, 0))) for code in self.languages]
        facts = {
            "questions": int(self.queries["question_id"].nunique()),
            "queries": len(self.queries),
            "passages": len(self.passages),
            "judgements": len(self.judgements),
            "settings": self.settings,
            "left out": self.left_out,
        }
        return card("Benchmark", self.name, facts, [("language", "queries", "passages"), *rows])


def judge_parallel(queries: pd.DataFrame, gold: pd.DataFrame) -> pd.DataFrame:
    """Makes the judgements of parallel questions.

    Args:
        queries: a table with query_id and question_id.
        gold: a table with question_id and passage_id: the relevant passages of each question.

    Returns:
        Each query with every passage of its question: query_id, passage_id, grade (1).
    """
    table = queries[["query_id", "question_id"]].merge(
        gold[["question_id", "passage_id"]], on="question_id"
    )
    return table[["query_id", "passage_id"]].assign(grade=1)


def rows_of(ids: pd.Series, wanted: pd.Series) -> NDArray[np.int64]:
    """Finds ids in a column.

    Only the wanted ids are put into a hash table, because the column may have many millions.

    Args:
        ids: (n,) ids, each once.
        wanted: (m,) ids to find.

    Returns:
        (m,) the row of each wanted id in `ids`, −1 where there is none.
    """
    distinct = pd.Index(wanted.unique())
    column = pa.array(ids)
    table = pa.array(distinct, pa.string()).cast(column.type)
    number = pc.index_in(column, table).fill_null(-1).to_numpy()  # (n,) which wanted id, or −1
    is_wanted = number >= 0
    row = np.full(len(distinct), -1, np.int64)
    row[number[is_wanted]] = np.flatnonzero(is_wanted)
    return row[distinct.get_indexer(pd.Index(wanted))]


def id_hash(id_: str) -> int:
    """Returns a hash of 8 bytes for an id: what many millions of ids are compared by."""
    return int(xxh3_64_intdigest(id_.encode("utf-8", "surrogatepass")))


def first_repeated(ids: pd.Series) -> str | None:
    """Returns an id that occurs twice, or None.

    Ids are compared by their hashes, and by themselves only where two hashes agree.
    """
    parts = [
        np.fromiter(map(id_hash, ids.iloc[start : start + _IDS_PART]), np.uint64)
        for start in range(0, len(ids), _IDS_PART)
    ]
    if not parts:
        return None
    hashes = np.concatenate(parts)
    hashes.sort()
    if (hashes[1:] != hashes[:-1]).all():
        return None
    repeated = ids[ids.duplicated()]
    return str(repeated.iloc[0]) if len(repeated) else None


def _first_empty(column: pd.Series, blanks: str | None) -> int | None:
    """The first row without text beside these blanks (None: usual ones), or None.

    The column is read in parts: texts by the million lie on disk, and should stay there.
    """
    for start in range(0, len(column), _PART):
        part = column.iloc[start : start + _PART]
        empty = np.flatnonzero(part.isna() | (part.str.strip(blanks) == ""))
        if empty.size:
            return start + int(empty[0])
    return None
