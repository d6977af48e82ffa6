"""Pairs: parallel questions and passages to train on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from datasets import Dataset

    from hbtlib.data.benchmark import Benchmark

Role = str  # "query" or "passage"
ROLES = ("query", "passage")
Codes = Sequence[str] | NDArray[np.str_] | str


class Pairs:
    """Ids whose query and passage exist in one language or several; texts stay in Arrow on disk.

    The Arrow table has one row an id and the columns `query_LANG` and `passage_LANG`, null where the text does not
    exist in that language. Optional: `id` (what the data set calls the question, so that `check_disjoint` finds it),
    `negatives_LANG` (lists of hard negatives, the same number for every id), `query_key` and `passage_key` (integers: ids
    with one key share that question or passage, whatever the language; the loss never takes one for the other's negative).

    Raises ValueError for a table without such columns, or with an id that has no query or no passage.
    """

    def __init__(self, name: str, dataset: Dataset) -> None:
        self.name = name
        self.dataset = dataset
        self._single: dict[str, Dataset] = {}
        columns = set(dataset.column_names)
        self.query_languages = tuple(
            sorted(c[6:] for c in columns if c.startswith("query_") and c != "query_key")
        )
        self.passage_languages = tuple(
            sorted(c[8:] for c in columns if c.startswith("passage_") and c != "passage_key")
        )
        if not self.query_languages or not self.passage_languages:
            raise ValueError(
                f"pairs {name!r}: no columns query_LANG and passage_LANG among {sorted(columns)}"
            )
        self.languages = tuple(sorted({*self.query_languages, *self.passage_languages}))
        self.query_mask = self._mask("query", self.query_languages)
        self.passage_mask = self._mask("passage", self.passage_languages)
        for role, mask in (("query", self.query_mask), ("passage", self.passage_mask)):
            empty = np.flatnonzero(mask == 0) if mask.strides[0] else np.flatnonzero(mask[:1] == 0)
            if empty.size:
                raise ValueError(
                    f"pairs {name!r}: id {empty[0]} has no {role} in any language; leave such ids out"
                )

    @classmethod
    def from_texts(
        cls,
        name: str,
        queries: Sequence[dict[str, str]],
        passages: Sequence[dict[str, str]],
        **columns: Sequence[object],
    ) -> Pairs:
        """Pairs from memory: for each id a map language → query and a map language → passage.

        Ids with a query (a passage) in common in some language get one `query_key` (`passage_key`), unless it is given.
        """
        from datasets import Dataset

        if len(queries) != len(passages) or not len(queries):
            raise ValueError(
                f"pairs {name!r}: {len(queries)} queries but {len(passages)} passages; give one of each for an "
                "id, and some ids"
            )
        for role, texts in (("query", queries), ("passage", passages)):
            for i, forms in enumerate(texts):
                if not isinstance(forms, dict) or not all(
                    isinstance(t, str) and t.strip() for t in forms.values()
                ):
                    raise ValueError(
                        f"pairs {name!r}: the {role} of id {i} is {forms!r:.80}, where a map language → text "
                        "belongs, no text empty"
                    )
        table: dict[str, list[object]] = {k: list(v) for k, v in columns.items()}
        for role, texts in (("query", queries), ("passage", passages)):
            table.setdefault(f"{role}_key", list(shared_keys(texts)))
            for language in sorted({code for text in texts for code in text}):
                table[f"{role}_{language}"] = [text.get(language) for text in texts]
        return cls(name, Dataset.from_dict(table))

    @classmethod
    def from_benchmark(cls, benchmark: Benchmark) -> Pairs:
        """A benchmark's questions with their relevant passages, to train on.

        A question is one id; it is several where it has several queries or relevant passages in a language, and these
        are never each other's negatives. Raises ValueError where no passage is relevant.
        """
        table = benchmark.judgements[benchmark.judgements["grade"] > 0]
        table = table.merge(benchmark.queries[["query_id", "question_id"]], on="query_id")
        table = table.drop_duplicates(["question_id", "passage_id"])
        if table.empty:
            raise ValueError(
                f"{benchmark.name}: no passage is judged relevant, so there is nothing to train on"
            )
        asked: dict[str, dict[str, list[str]]] = {}
        for question, code, form in benchmark.queries[
            ["question_id", "language", "text"]
        ].itertuples(index=False):
            asked.setdefault(question, {}).setdefault(code, []).append(form)
        rows = benchmark.passages.set_index("passage_id")[["language", "text"]].loc[
            table["passage_id"]
        ]
        answers: dict[str, dict[str, list[str]]] = {}
        for question, code, form in zip(
            table["question_id"], rows["language"], rows["text"], strict=True
        ):
            answers.setdefault(question, {}).setdefault(code, []).append(form)
        ids: list[str] = []
        queries: list[dict[str, str]] = []
        passages: list[dict[str, str]] = []
        for question, forms in answers.items():
            both = (asked[question], forms)
            for n in range(max(len(found) for side in both for found in side.values())):
                ids.append(question)
                for side, texts in zip(both, (queries, passages), strict=True):
                    texts.append({code: found[n % len(found)] for code, found in side.items()})
        return cls.from_texts(benchmark.name, queries, passages, id=ids)

    def _mask(self, role: Role, languages: tuple[str, ...]) -> NDArray[np.unsignedinteger]:
        """One bit a language of `self.languages`: does the id's text exist in it; broadcast where it does for all."""
        n = len(self.dataset)
        dtype = np.min_scalar_type(
            1 << (len(self.languages) - 1) if len(self.languages) > 16 else 1 << 15
        )
        common, partial = 0, []
        for language in languages:
            if self.dataset.data.column(f"{role}_{language}").null_count == 0:
                common |= 1 << self.languages.index(language)
            else:
                partial.append(language)
        if not partial:
            return np.broadcast_to(np.asarray(common, dtype), (n,))
        mask = np.full(n, common, dtype)
        for language in partial:
            column = self.dataset.select_columns(f"{role}_{language}").with_format("arrow")[:]
            valid = column[f"{role}_{language}"].is_valid().to_numpy()
            mask |= valid.astype(dtype) << dtype.type(self.languages.index(language))
        return mask

    def __len__(self) -> int:
        return len(self.dataset)

    def __repr__(self) -> str:
        return (
            f"Pairs({self.name!r}, {len(self):,} ids, queries in {' '.join(self.query_languages)}, "
            f"passages in {' '.join(self.passage_languages)})"
        )

    def texts(
        self, ids: Sequence[int] | NDArray[np.integer], languages: Codes, role: Role
    ) -> list[str]:
        """The text of each (id, language), in the order given. One language stands for all ids.

        Raises KeyError naming the first id whose text does not exist in the language asked for.
        """
        found = self._column(ids, languages, role if role in ROLES else "")
        for i, text in enumerate(found):
            if text is None:
                code = languages if isinstance(languages, str) else str(languages[i])
                raise KeyError(f"pairs {self.name!r}: id {ids[i]} has no {role} in {code!r}")
        return found

    def stands(
        self, ids: Sequence[int] | NDArray[np.integer], language: str, role: Role
    ) -> NDArray[np.bool_]:
        """Does the query or passage of each id exist in the language?"""
        if language not in (self.query_languages if role == "query" else self.passage_languages):
            return np.zeros(len(ids), bool)
        mask = self.query_mask if role == "query" else self.passage_mask
        return (
            mask[np.asarray(ids)] >> mask.dtype.type(self.languages.index(language)) & 1
        ).astype(bool)

    def negatives(
        self, ids: Sequence[int] | NDArray[np.integer], languages: Codes
    ) -> list[list[str]]:
        """The hard negatives of each (id, language): a list an id, empty lists where the pairs bring none."""
        if not any(c.startswith("negatives_") for c in self.dataset.column_names):
            return [[] for _ in ids]
        return [list(found or []) for found in self._column(ids, languages, "negatives")]

    def keys(self, ids: NDArray[np.integer], role: Role) -> NDArray[np.int64]:
        """An integer an id: equal where two ids share the question (role query) or the passage in any language."""
        if f"{role}_key" not in self.dataset.column_names:
            return np.asarray(ids, dtype=np.int64)
        return np.asarray(
            self._read(f"{role}_key", np.asarray(ids, dtype=np.int64)), dtype=np.int64
        )

    def _column(
        self, ids: Sequence[int] | NDArray[np.integer], languages: Codes, role: str
    ) -> list:
        wanted = np.asarray(ids, dtype=np.int64)
        codes = (
            np.full(len(wanted), languages) if isinstance(languages, str) else np.asarray(languages)
        )
        if len(codes) != len(wanted):
            raise ValueError(
                f"{len(wanted)} ids but {len(codes)} languages: give one language an id, or one for all"
            )
        found: list = [None] * len(wanted)
        for code in map(str, np.unique(codes) if len(codes) else []):
            column = f"{role}_{code}"
            if column not in self.dataset.column_names:
                raise KeyError(
                    f"pairs {self.name!r} has no {role or 'such role'} in {code!r}; it has {self!r}"
                )
            rows = np.flatnonzero(codes == code)
            for row, text in zip(rows, self._read(column, wanted[rows]), strict=True):
                found[row] = text
        return found

    def _read(self, column: str, rows: NDArray[np.int64]) -> list:
        if (
            column not in self._single
        ):  # narrowing a Dataset to one column costs milliseconds: once a column
            self._single[column] = self.dataset.select_columns(column)
        return list(self._single[column][rows][column])

    def select(self, ids: Sequence[int] | NDArray[np.integer]) -> Pairs:
        """The pairs of these ids, numbered from 0 in the order given."""
        return Pairs(self.name, self.dataset.select(np.asarray(ids)))

    def sample(self, n: int, seed: int = 0) -> Pairs:
        """n of the ids, drawn at random; of one seed, a smaller sample lies in every larger one.

        Raises ValueError for more than there are.
        """
        if not 1 <= n <= len(self):
            raise ValueError(
                f"pairs {self.name!r} has {len(self):,} ids; a sample of {n:,} cannot be had"
            )
        return self.select(np.sort(np.random.default_rng(seed).permutation(len(self))[:n]))

    def save(self, folder: Path | str) -> None:
        """Writes the Arrow table to a folder that `datasets.load_from_disk` reads."""
        self.dataset.save_to_disk(str(folder))


def shared_keys(texts: Sequence[dict[str, str]]) -> list[int]:
    """A number an id: equal where two ids have a text of one language in common, directly or through others."""
    parent = list(range(len(texts)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    first: dict[tuple[str, str], int] = {}
    for i, forms in enumerate(texts):
        for form in forms.items():
            a, b = root(i), root(first.setdefault(form, i))
            parent[max(a, b)] = min(a, b)
    return [root(i) for i in range(len(texts))]
