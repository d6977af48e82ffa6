"""BM25 as scores for `scores.rank_scores`: the baseline that needs no training.

The package `bm25s` computes the weight of each term in each passage; a block of scores is then a
product of two sparse matrices, the terms of the queries and these weights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse

from hbtlib.checks import check_choice, check_flag, check_number
from hbtlib.data.benchmark import Benchmark
from hbtlib.search.inputs import check_benchmark, check_not_empty
from hbtlib.search.words import terms

METHODS = ("lucene", "robertson", "atire")
"""The variants of BM25 that give 0 to a passage without a word of the query."""

STATISTICS = ("language", "all")


class BM25:
    """The BM25 scores of a benchmark's queries and passages, a function for `hbt.rank_scores`.

    The score of a query q and a passage p is the sum over the terms t of q, each as often as it
    stands there, of

        idf(t) · f / (f + k1 · (1 − b + b · l / mean l)),
        idf(t) = ln(1 + (N − n + ½) / (n + ½))

    for f, how often t stands in p; l, the number of terms of p; N, how many passages there are; and
    n, how many of them have t. This is the variant "lucene", without its constant factor; the
    others are those of Kamphuis et al. (2020, "Which BM25 do you mean?"), as in the package bm25s
    (Lù 2024, arXiv 2407.03618).

    Each text is split into terms by its own script and language (`search.words.terms`).

    Args:
        benchmark: its passages are indexed, its queries may be asked.
        k1: how slowly repetitions of a term saturate, 0 or more.
        b: how much the length of a passage counts, 0 to 1.
        stem: whether words become stems, where PyStemmer has a stemmer of the language.
        statistics: "language": N, n and the mean length are those of the passages in p's language,
            so that a language's pool ranks as an index of this pool alone ranks it, and lengths in
            words are not compared with lengths in pairs of characters. "all": those of all
            passages, as one index of the pool of all has them.
        method: "lucene", "robertson" or "atire".

    Attributes:
        version: the version of bm25s.

    Raises:
        ImportError: if bm25s is not installed, or PyStemmer is not and stems are asked for.
        ValueError: for what is no benchmark, or an option that is out of range.

    Example:
        >>> import hbtlib as hbt, pandas as pd
        >>> benchmark = hbt.Benchmark(
        ...     "tiny",
        ...     pd.DataFrame({"query_id": ["q"], "language": ["en"], "text": ["Where is Rome?"]}),
        ...     pd.DataFrame({
        ...         "passage_id": ["rome", "oslo"],
        ...         "language": ["en", "en"],
        ...         "text": ["Rome is in Italy.", "Oslo is in Norway."],
        ...     }),
        ...     pd.DataFrame({"query_id": ["q"], "passage_id": ["rome"]}),
        ... )
        >>> hbt.rank_scores(hbt.BM25(benchmark), benchmark)["rank"].tolist()
        [1]
    """

    def __init__(
        self,
        benchmark: Benchmark,
        *,
        k1: float = 1.5,
        b: float = 0.75,
        stem: bool = False,
        statistics: str = "language",
        method: str = "lucene",
    ) -> None:
        check_benchmark(benchmark)
        check_not_empty(benchmark)
        self._k1 = check_number("k1", k1, minimum=0)
        self._b = check_number("b", b, minimum=0, maximum=1)
        self._stem = check_flag("stem", stem)
        self._method = check_choice("method", method, METHODS)
        check_choice("statistics", statistics, STATISTICS)
        self.version = package_version()
        self._ids = benchmark.passages["passage_id"]
        split = self._terms(benchmark.passages)
        self._column = {term: i for i, term in enumerate(dict.fromkeys(_flat(split)))}
        language = benchmark.passages["language"].to_numpy(str)
        groups = np.zeros(len(split), np.int64)
        if statistics == "language":
            groups = np.unique(language, return_inverse=True)[1]
        parts = [np.flatnonzero(groups == group) for group in np.unique(groups)]
        # A row a passage, a column a term: what a passage has for each occurrence in a query.
        self._weights = sum(
            (self._weigh([split[i] for i in part], part, len(split)) for part in parts),
            start=scipy.sparse.csr_array((len(split), len(self._column)), dtype=np.float32),
        )

    def __call__(self, queries: pd.DataFrame, passages: pd.DataFrame) -> Any:
        """The scores of a block.

        Args:
            queries: q queries: query_id, language, text.
            passages: n rows of the benchmark's passages, whose index is their rows' numbers.

        Returns:
            (q, n) a sparse array, float32.

        Raises:
            ValueError: if these are no passages of the benchmark that was indexed.
        """
        rows = passages.index.to_numpy()
        known = len(rows) == 0 or (rows.min() >= 0 and rows.max() < len(self._ids))
        if not known or (self._ids.iloc[rows].array != passages["passage_id"].array).any():
            raise ValueError(
                "these are not the passages that this BM25 has indexed: make one of the benchmark "
                "that is ranked, hbt.BM25(benchmark)"
            )
        asked = _counts(self._terms(queries), self._column)
        return asked @ self._weights[rows].T

    def _terms(self, texts: pd.DataFrame) -> list[list[str]]:
        """The terms of each text, split as its language needs."""
        return [
            terms(text, language, stem=self._stem)
            for text, language in zip(texts["text"], texts["language"], strict=True)
        ]

    def _weigh(self, split: list[list[str]], rows: np.ndarray, n_passages: int) -> Any:
        """The weights of the terms in some passages, in a matrix of all passages and terms."""
        vocabulary = {term: i for i, term in enumerate(dict.fromkeys(_flat(split)))}
        if not vocabulary:  # passages of punctuation alone
            return scipy.sparse.csr_array((n_passages, len(self._column)), dtype=np.float32)
        numbers = [[vocabulary[term] for term in passage] for passage in split]
        model = _package().BM25(
            k1=self._k1, b=self._b, method=self._method, backend="numpy", csc_backend="scipy"
        )
        model.index((numbers, vocabulary), show_progress=False, create_empty_token=False)
        found = model.scores
        by_term = scipy.sparse.csc_array(
            (found["data"], found["indices"], found["indptr"]), shape=(len(split), len(vocabulary))
        ).tocoo()
        column = np.array([self._column[term] for term in vocabulary])
        place = (rows[by_term.coords[0]], column[by_term.coords[1]])
        shape = (n_passages, len(self._column))
        return scipy.sparse.csr_array((by_term.data, place), shape=shape)


def _counts(split: list[list[str]], column: dict[str, int]) -> Any:
    """How often each known term stands in each text, (texts, terms)."""
    rows: list[int] = []
    columns: list[int] = []
    times: list[int] = []
    for row, found in enumerate(split):
        for term, count in Counter(found).items():
            if term in column:
                rows.append(row)
                columns.append(column[term])
                times.append(count)
    shape = (len(split), len(column))
    return scipy.sparse.csr_array((np.array(times, np.float32), (rows, columns)), shape=shape)


def _flat(split: list[list[str]]) -> Iterable[str]:
    """All terms of all texts, with repetitions."""
    return (term for found in split for term in found)


def package_version() -> str:
    """The version of bm25s.

    Raises:
        ImportError: if it is not installed.
    """
    version: str = _package().__version__
    return version


def _package() -> ModuleType:
    """The package bm25s."""
    try:
        import bm25s
    except ImportError:
        raise ImportError("BM25 comes with a package: pip install 'hbtlib[bm25]'") from None
    return bm25s
