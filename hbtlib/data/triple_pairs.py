"""Pairs by the million whose texts are looked up by id, so that no text is written twice."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hbtlib.data.pairs import (
    MOST_LANGUAGES,
    Ids,
    Pairs,
    Role,
    mask_dtype,
)

if TYPE_CHECKING:
    from datasets import Dataset

    from hbtlib.data.formats.triples import Triples

_PART = 10_000  # texts that are read at once
_NEGATIVE = "negative_key"


class Texts(Protocol):
    """Texts by id; `hbtlib.data.formats.text_table.TextTable` is one on disk."""

    def has(self, ids: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Says for each id whether it has a text."""

    def texts(self, ids: NDArray[np.integer]) -> list[str | None]:
        """Returns the text of each id."""


class TriplePairs(Pairs):
    """Pairs that are ids of a query, a passage and perhaps a hard negative, in all languages.

    They are what `Pairs` are, with all that these can do. But their table has no texts: it has the
    columns of integers `query_key`, `passage_key` and `negative_key`, and a text is looked up in
    its language's table when it is asked for. An id has a language's passage if its negative has
    it, too: all ids of a batch bring equally many negatives.

    Attributes:
        queries: language → the queries by id.
        passages: language → the passages by id.
    """

    def __init__(
        self,
        name: str,
        triples: Triples,
        queries: Mapping[str, Texts],
        passages: Mapping[str, Texts],
        *,
        negatives: bool = True,
    ) -> None:
        """Makes pairs of triples.

        Args:
            name: what the pairs are called.
            triples: the ids.
            queries: language → the queries by id.
            passages: language → the passages by id.
            negatives: whether the third column, if there is one, is used as a hard negative.

        Raises:
            ValueError: for no language or more than 64, and for an id without a query or passage in
                any language.
        """
        dataset = triples.dataset
        if not negatives and _NEGATIVE in dataset.column_names:
            dataset = dataset.remove_columns(_NEGATIVE)
        self.name = name
        self.dataset = dataset
        self.left_out = {}
        self._columns = {}
        self.queries = dict(queries)
        self.passages = dict(passages)
        self.query_languages = tuple(sorted(queries))
        self.passage_languages = tuple(sorted(passages))
        self.languages = tuple(sorted({*queries, *passages}))
        if not queries or not passages or len(self.languages) > MOST_LANGUAGES:
            raise ValueError(
                f"pairs {name!r}: {len(self.query_languages)} languages of queries and "
                f"{len(self.passage_languages)} of passages; give 1 to {MOST_LANGUAGES}"
            )
        passage_columns = [c for c in ("passage_key", _NEGATIVE) if c in dataset.column_names]
        self.query_mask = self._mask_by_id(self.queries, triples.queries, ["query_key"])
        self.passage_mask = self._mask_by_id(self.passages, triples.passages, passage_columns)
        self._check_complete("query", self.query_mask)
        self._check_complete("passage", self.passage_mask)

    def _mask_by_id(
        self, tables: Mapping[str, Texts], ids: NDArray[np.integer], columns: list[str]
    ) -> NDArray[np.unsignedinteger]:
        """(n,) one bit a language: do the ids of these columns have their texts?

        Where every text exists, one number stands for all (a broadcast array of stride 0).
        """
        dtype = mask_dtype(len(self.languages))
        complete = 0
        lacking: dict[str, NDArray[np.integer]] = {}
        for language, table in tables.items():
            missing = ids[~table.has(ids)]
            if missing.size:
                lacking[language] = missing
            else:
                complete |= 1 << self.languages.index(language)
        n = len(self.dataset)
        if not lacking:
            return np.broadcast_to(np.asarray(complete, dtype), (n,))
        mask = np.full(n, complete, dtype)
        for language, missing in lacking.items():
            has_text = np.ones(n, np.bool_)
            for column in columns:
                has_text &= ~np.isin(self._integers(column), missing)
            mask |= has_text.astype(dtype) << dtype.type(self.languages.index(language))
        return mask

    def _integers(self, column: str) -> NDArray[np.int64]:
        """A column of ids."""
        narrow = self.dataset.select_columns(column).with_format("arrow")
        values: NDArray[np.int64] = narrow[:][column].to_numpy()
        return values

    @property
    def column_names(self) -> list[str]:
        """The columns of the table, and those of texts that are looked up."""
        texts = [f"query_{code}" for code in self.query_languages]
        texts += [f"passage_{code}" for code in self.passage_languages]
        if _NEGATIVE in self.dataset.column_names:
            texts += [f"negatives_{code}" for code in self.passage_languages]
        have = self.dataset.column_names
        return [*have, *(column for column in texts if column not in have)]

    def rows(self, ids: Ids) -> dict[str, list]:
        """Returns the columns of the table in the rows of some ids, the texts among them."""
        rows = self._rows(ids)
        return {column: self._read(column, rows) for column in self.column_names}

    def _read(self, column: str, rows: NDArray[np.int64]) -> list:
        """A column's values in some rows; texts are looked up by their ids."""
        if column in self.dataset.column_names:
            return super()._read(column, rows)
        kind, _, language = column.partition("_")
        if kind == "query":
            return self.queries[language].texts(self._keys("query_key", rows))
        if kind == "passage":
            return self.passages[language].texts(self._keys("passage_key", rows))
        found = self.passages[language].texts(self._keys(_NEGATIVE, rows))
        return [[text] for text in found]

    def _keys(self, column: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray(super()._read(column, rows), np.int64)

    def each_text(self, role: Role) -> Iterator[tuple[int, str]]:
        """Goes through the texts of a role in all languages, each text once."""
        columns = ["query_key"] if role == "query" else ["passage_key", _NEGATIVE]
        have = [column for column in columns if column in self.dataset.column_names]
        ids = np.unique(np.concatenate([np.unique(self._integers(column)) for column in have]))
        for table in (self.queries if role == "query" else self.passages).values():
            known = ids[table.has(ids)]
            for start in range(0, len(known), _PART):
                part = known[start : start + _PART]
                for number, text in zip(part.tolist(), table.texts(part), strict=True):
                    assert text is not None  # `has` said so
                    yield number, text

    def ids_with_text(self, role: Role, number: int) -> list[int]:
        """Returns the ids that have a text which `each_text` gave."""
        columns = ["query_key"] if role == "query" else ["passage_key", _NEGATIVE]
        have = [column for column in columns if column in self.dataset.column_names]
        is_there = np.logical_or.reduce([self._integers(column) == number for column in have])
        return [int(row) for row in np.flatnonzero(is_there)]

    def select(self, ids: Ids) -> TriplePairs:
        """Returns the pairs of some ids, numbered from 0 in the order given."""
        rows = self._rows(ids)
        if not len(rows):
            raise ValueError(f"pairs {self.name!r}: no id is selected; give one at least")
        selected = self._with_dataset(self.dataset.select(rows))
        selected.query_mask = _take(self.query_mask, rows)
        selected.passage_mask = _take(self.passage_mask, rows)
        return selected

    def with_columns(self, columns: Mapping[str, pa.Array]) -> TriplePairs:
        """Returns the pairs with further columns, which take the place of those of their names.

        Columns `negatives_LANG` take the place of the triples' own negatives in that language.
        """
        replaced = [name for name in columns if name in self.dataset.column_names]
        dataset = self.dataset.remove_columns(replaced)
        for name, column in columns.items():
            dataset = dataset.add_column(name, column)
        return self._with_dataset(dataset)

    def _with_dataset(self, dataset: Dataset) -> TriplePairs:
        """The same pairs with another table of ids."""
        other = copy.copy(self)
        other.dataset = dataset
        other.left_out = dict(self.left_out)
        other._columns = {}
        return other

    def save(self, folder: Path | str) -> None:
        """Writes the table with its texts to a folder that `datasets.load_from_disk` reads.

        Each id's texts are written out, and held in memory before: for a sample of the pairs.

        Raises:
            OSError: if it cannot be written.
        """
        from datasets import Dataset

        whole = Dataset.from_dict(self.rows(np.arange(len(self))))
        Pairs(self.name, whole).save(folder)


def _take(
    mask: NDArray[np.unsignedinteger], rows: NDArray[np.int64]
) -> NDArray[np.unsignedinteger]:
    """The mask of some rows; one number goes on standing for all."""
    if mask.strides[0] == 0:
        return np.broadcast_to(mask[:1].reshape(()), (len(rows),))
    return mask[rows]
