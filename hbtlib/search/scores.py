"""Ranks from any function that gives scores: sparse, late-interaction and cross-encoders, BM25.

The function is asked for one block of scores at a time, each score once, and only the scores of a
few queries are in memory. Such scores tie far more often than those of vectors do (BM25 gives 0 to
every passage without a word of the query), so that the rule for ties is a choice, and the table of
ranks says how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib.checks import check_choice, check_integer, check_number, short
from hbtlib.data.benchmark import Benchmark
from hbtlib.search.inputs import (
    Pools,
    RelevantPassages,
    check_benchmark,
    check_not_empty,
    relevant_pairs,
)
from hbtlib.search.kernels import Keys, count_ties, first_of_scores
from hbtlib.search.matrix import Rows, Vectors
from hbtlib.search.tables import ranks_table, top_table
from hbtlib.search.ties import text_keys, tie_order
from hbtlib.search.vectors import real_matrix

ScoreBlock = Callable[[pd.DataFrame, pd.DataFrame], Any]
"""From q queries and n passages, rows of the benchmark's tables, to their scores, (q, n)."""

TIES = ("hash", "mid", "id")
"""How equal scores are ranked; `rank_scores` defines it."""

BLOCK = (256, 8192)
"""The most queries and passages that are scored in one call."""


def rank_scores(
    score_block: ScoreBlock,
    benchmark: Benchmark,
    *,
    ties: str = "hash",
    block: tuple[int, int] = BLOCK,
    memory: float = 1.0,
) -> pd.DataFrame:
    """Ranks every relevant passage of a benchmark by the scores that a function gives.

    Args:
        score_block: takes two tables, q rows of `benchmark.queries` and n rows of
            `benchmark.passages` (their index is the row's number in the whole table), and returns
            the scores of all pairs, (q, n): an array, a tensor or a sparse matrix of real numbers.
            The larger is the better. Every score is asked for once, and rounded to single
            precision, as those of `hbt.rank_vectors` are.
        benchmark: the queries, passages and judgements. Queries to which nothing is relevant are
            not scored.
        ties: how equal scores are ranked. None of the first two depends on ids or languages.

            - "hash": in an order that a hash of the query and the passage gives. It is the same in
              every call, and to a measure it is as a random order: no measure is too high or too
              low for it on average.
            - "mid": all at the mean of their places. A rank may end in a half. Measures are then
              those of one typical place: the rank distance of passages that tie is 0.
            - "id": the larger passage id first, as trec_eval and `hbt.rank_vectors` do. Where ids
              begin with the language, many ties become a preference for languages.
        block: the most queries and passages in one call of the function.
        memory: the GB that the scores of some queries and all passages may take. Fewer queries than
            `block` says are scored at once where these do not fit.

    Returns:
        The table of `hbt.rank_vectors`, with a column more: n_tied, how many other passages of the
        pool have the same score. A line is printed that says how many relevant passages are tied.

    Raises:
        ValueError: if the function returns anything but (q, n) finite real numbers, and for an
            option that is out of range.

    Example:
        The score is the number of words that a query and a passage share.

        >>> import hbtlib as hbt, pandas as pd
        >>> def shared_words(queries, passages):
        ...     return [
        ...         [len(set(q.split()) & set(p.split())) for p in passages["text"]]
        ...         for q in queries["text"]
        ...     ]
        >>> benchmark = hbt.Benchmark(
        ...     "tiny",
        ...     pd.DataFrame({"query_id": ["q"], "language": ["en"], "text": ["where is rome"]}),
        ...     pd.DataFrame({
        ...         "passage_id": ["rome-de", "rome-en", "oslo-en"],
        ...         "language": ["de", "en", "en"],
        ...         "text": ["rom liegt in italien", "rome is in italy", "oslo is in norway"],
        ...     }),
        ...     pd.DataFrame({"query_id": ["q", "q"], "passage_id": ["rome-de", "rome-en"]}),
        ... )
        >>> ranks = hbt.rank_scores(shared_words, benchmark)
        >>> print(ranks[["pool", "passage_id", "rank", "score", "n_tied"]].to_string(index=False))
        pool passage_id  rank  score  n_tied
          en    rome-en     1    2.0       0
         all    rome-en     1    2.0       0
          de    rome-de     1    0.0       0
         all    rome-de     3    0.0       0
    """
    check_choice("ties", ties, TIES)
    asked = _Asked.of(score_block, benchmark, block, memory)
    order = _Order.of(benchmark, ties)
    query, passage, grade = relevant_pairs(benchmark, tie_order(benchmark.passages["passage_id"]))
    pools = Pools.of_table(benchmark.passages)
    rows, first = np.unique(query, return_index=True)
    first = np.append(first, len(query))
    score = np.empty(len(query), np.float32)
    counts = np.empty((len(query), 2, 3), np.int64)  # of (own pool, all): higher, equal, before
    for part, scores in asked.strips(rows):
        mine = slice(first[part.start], first[part.stop])
        starts = first[part.start : part.stop + 1] - first[part.start]
        keys = (order.passages, order.queries[rows[part]], order.mix)
        counts[mine] = count_ties(scores, pools.pool, *keys, starts, passage[mine])
        score[mine] = scores[np.repeat(np.arange(len(scores)), np.diff(starts)), passage[mine]]
    relevant = RelevantPassages(query, passage, pools.pool[passage], passage, score, grade)
    ranks, rank_type = _ranks(counts, ties)
    _say_ties(benchmark, counts[:, 1, 1], ties)
    own, joint = ranks[:, 0], ranks[:, 1]
    return ranks_table(benchmark, pools, relevant, own, joint, rank_type, tied=counts[:, :, 1])


def top_scores(
    score_block: ScoreBlock,
    benchmark: Benchmark,
    *,
    k: int = 10,
    ties: str = "hash",
    block: tuple[int, int] = BLOCK,
    memory: float = 1.0,
) -> pd.DataFrame:
    """Lists the k best passages of every query by the scores that a function gives.

    Args:
        score_block: as in `rank_scores`.
        benchmark: the queries and passages.
        k: how many passages to list for each query; fewer are listed if there are fewer.
        ties: the order of equal scores, "hash" or "id", as in `rank_scores`.
        block: as in `rank_scores`.
        memory: as in `rank_scores`.

    Returns:
        The table of `hbt.top`.

    Raises:
        ValueError: as `rank_scores` does, and if k is below 1.
    """
    if check_choice("ties", ties, TIES) == "mid":
        raise ValueError("ties is 'mid', but a list has no mean places: take 'hash' or 'id'")
    check_integer("k", k, minimum=1)
    asked = _Asked.of(score_block, benchmark, block, memory)
    k = min(k, len(benchmark.passages))
    order = _Order.of(benchmark, ties)
    best = np.empty((len(benchmark.queries), k), np.int64)
    for part, scores in asked.strips(np.arange(len(best))):
        best[part] = first_of_scores(scores, order.passages, order.queries[part], order.mix, k)
    return top_table(benchmark, best)


@dataclass(frozen=True)
class _Order:
    """The order of passages with equal scores: the smaller key, perhaps mixed, is the better.

    Attributes:
        passages: (N,) a key for each passage.
        queries: (Q,) a key for each query, which the passages' keys are mixed with.
        mix: whether they are mixed.
    """

    passages: Keys
    queries: Keys
    mix: bool

    @classmethod
    def of(cls, benchmark: Benchmark, ties: str) -> _Order:
        if ties == "id":
            by_id = tie_order(benchmark.passages["passage_id"]).astype(np.uint64)
            return cls(by_id, np.zeros(len(benchmark.queries), np.uint64), False)
        # Were the two keys of one text equal, a query's own text would come before all others.
        query_keys = text_keys(benchmark.queries["text"], "query")
        return cls(text_keys(benchmark.passages["text"]), query_keys, True)


@dataclass(frozen=True)
class _Asked:
    """A function of scores, and how it is asked.

    Attributes:
        score_block: the function.
        benchmark: what is scored.
        height: the most queries in a block.
        width: the most passages in a block.
    """

    score_block: ScoreBlock
    benchmark: Benchmark
    height: int
    width: int

    @classmethod
    def of(cls, score_block: Any, benchmark: Any, block: Any, memory: float) -> _Asked:
        """Checks what was given, and makes blocks that fit into the memory."""
        check_benchmark(benchmark)
        check_not_empty(benchmark)
        if not callable(score_block) or isinstance(score_block, type):
            raise ValueError(
                f"score_block is {short(score_block)}; it is a function that takes a table of "
                "queries and a table of passages and returns their scores"
            )
        if not isinstance(block, tuple | list) or len(block) != 2:
            raise ValueError(
                f"block is {short(block)}; it is two numbers, of queries and of passages"
            )
        height, width = (check_integer("block", side, minimum=1) for side in block)
        # A query has the scores of all passages, of 4 bytes, and those of a block up to four times
        # (as the function gives them, perhaps in double precision, and as they are checked).
        floats = check_number("memory (GB)", memory, above=0) * 1e9 / 4
        n_passages = len(benchmark.passages)
        fitting = int(floats // (n_passages + 4 * min(width, n_passages)))
        return cls(score_block, benchmark, max(min(height, fitting), 1), width)

    def strips(self, rows: Rows) -> Iterator[tuple[slice, Vectors]]:
        """Yields the scores of some queries and all N passages: which of `rows`, and (q, N)."""
        n_passages = len(self.benchmark.passages)
        for start in range(0, len(rows), self.height):
            part = slice(start, min(start + self.height, len(rows)))
            queries = self.benchmark.queries.iloc[rows[part]]
            scores = np.empty((len(queries), n_passages), np.float32)
            for left in range(0, n_passages, self.width):
                passages = self.benchmark.passages.iloc[left : left + self.width]
                given = self.score_block(queries, passages)
                scores[:, left : left + self.width] = _checked(given, queries, passages)
            yield part, scores


def _checked(given: Any, queries: pd.DataFrame, passages: pd.DataFrame) -> Vectors:
    """What a function of scores returned, in single precision, after a check of it."""
    if hasattr(given, "toarray"):  # scipy's sparse matrices; a zero that is not stored is a score
        given = given.toarray()
    elif getattr(given, "is_sparse", False):  # torch's
        given = given.to_dense()
    scores = real_matrix("the scores that score_block returned", given)
    wanted = (len(queries), len(passages))
    if tuple(scores.shape) != wanted:
        turned = tuple(scores.shape) == wanted[::-1]
        raise ValueError(
            f"score_block returned the shape {tuple(scores.shape)} for {wanted[0]} queries and "
            f"{wanted[1]} passages; it must return {wanted}"
            + (", a row a query: turn it round (.T)" if turned else "")
        )
    with np.errstate(over="ignore"):  # what is past single precision becomes infinite
        single: Vectors = np.asarray(scores[:]).astype(np.float32, copy=False)
    finite = np.isfinite(single)
    if not finite.all():
        i, j = np.unravel_index(int(finite.argmin()), single.shape)
        raise ValueError(
            f"score_block returned {np.asarray(scores[:])[i, j]} for the query "
            f"{short(queries['query_id'].iloc[i])} and the passage "
            f"{short(passages['passage_id'].iloc[j])}; a score is a finite number in single "
            "precision"
        )
    return single


def _ranks(counts: NDArray[np.int64], ties: str) -> tuple[NDArray, str]:
    """(G, 2, 3) counts → (G, 2) ranks in the own pool and in all, and their column type."""
    higher, equal, before = np.moveaxis(counts, 2, 0)
    if ties == "mid":
        return 1 + higher + equal / 2, "float64"
    return 1 + higher + before, "int32"


def _say_ties(benchmark: Benchmark, tied: NDArray[np.int64], ties: str) -> None:
    """Prints how many relevant passages have the score of another passage, if any has."""
    n_tied = int((tied > 0).sum())
    if n_tied:
        print(
            f"{benchmark.name}: {n_tied:,} of {len(tied):,} relevant passages "
            f"({n_tied / len(tied):.0%}) have the score of another passage of the pool of all, of "
            f"{np.median(tied[tied > 0]):,.0f} others in the median; ranked by ties={ties!r}",
            flush=True,
        )
