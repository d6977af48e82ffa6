"""Hard negatives, mined with an encoder and a search that the caller gives."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from hbtlib.checks import check_choice, check_integer, check_number, check_options, short
from hbtlib.data.pairs import ROLES, Pairs
from hbtlib.encoders.encoder import PRECISIONS, Encoder

Nearest = Callable[[Any, Any, int], tuple[Any, Any]]
"""(query vectors, passage vectors, k) → rows and scores of each query's k best, best first."""

OPTIONS = ("n", "ranks", "margin", "precision", "seed")
"""The options of `mine_negatives`."""


def mine_negatives(
    pairs: Pairs,
    encoder: Encoder,
    nearest: Nearest,
    *,
    n: int = 1,
    ranks: tuple[int, int] = (10, 100),
    margin: float = 0.0,
    precision: str = "fp32",
    seed: int = 0,
) -> Pairs:
    """Adds n hard negatives for each id and passage language to the pairs.

    `hbtlib.mine_negatives` is this function with the library's own search; the method is described
    there.

    Args:
        pairs: the pairs.
        encoder: embeds queries and passages.
        nearest: the search.
        n: hard negatives for each id and passage language.
        ranks: the first and the last rank of the window that they are drawn from; 1 is the best.
        margin: a negative scores at least this much below the id's own passage.
        precision: precision of the encoder, as in `Encoder.embed`.
        seed: seed of the draws.

    Returns:
        The pairs with the columns `negatives_LANG`.

    Raises:
        ValueError: for a window of less than n ranks, or a pool with too few other passages.
    """
    check_mining_options(
        {"n": n, "ranks": ranks, "margin": margin, "precision": precision, "seed": seed}
    )
    if not isinstance(pairs, Pairs):
        raise ValueError(f"pairs is {short(pairs)}; it must be Pairs")
    if not callable(getattr(encoder, "embed", None)):
        raise ValueError(f"encoder is {short(encoder)}; it must have a function embed")
    window = _Window(n, *ranks)
    rng = np.random.default_rng(seed)
    columns = {}
    for language in pairs.passage_languages:
        pool = _make_pool(pairs, language, encoder, precision, margin)
        columns[f"negatives_{language}"] = _mine(pool, nearest, window, rng, pairs)
    return pairs.with_columns(columns)


def check_mining_options(options: object) -> dict[str, Any]:
    """Checks options of `mine_negatives`, such as those that a study names `negatives`.

    Args:
        options: options by name; those that are not given have their defaults.

    Returns:
        The options as a new dictionary.

    Raises:
        ValueError: if they are no mapping, one is unknown, or a value is impossible.
    """
    given = check_options("negatives", options, OPTIONS)
    ranks = given.get("ranks", (10, 100))
    if not isinstance(ranks, list | tuple | np.ndarray) or len(ranks) != 2:
        raise ValueError(
            f"ranks is {short(ranks)}; it must be two numbers, the first and the last rank of a "
            "window, such as (10, 100)"
        )
    first, last = [check_integer("a rank", rank) for rank in ranks]
    _Window(check_integer("n", given.get("n", 1)), first, last)
    check_number("margin", given.get("margin", 0.0))
    check_choice("precision", given.get("precision", "fp32"), PRECISIONS)
    check_integer("seed", given.get("seed", 0), minimum=0)
    return given


@dataclass(frozen=True)
class _Window:
    """How many negatives are drawn, and from which ranks."""

    n: int
    first: int  # the first rank of the window; 1 is the best
    last: int  # its last rank, included

    def __post_init__(self) -> None:
        if self.n < 1 or self.first < 1 or self.last - self.first + 1 < self.n:
            raise ValueError(
                f"n is {self.n} and ranks are {self.first} to {self.last}: the window must begin "
                "at rank 1 or later and hold at least n ranks"
            )


@dataclass(frozen=True)
class _Pool:
    """The distinct passages of one language, and the ids that look for negatives among them."""

    language: str
    ids: NDArray[np.int64]  # (I,) the ids that have a passage in the language
    texts: list[str]  # (N,) the passages
    passages: NDArray[np.float32]  # (N, d) their vectors
    queries: NDArray[np.float32]  # (I, d) the vector of each id's query
    answers: list[set[int]]  # by id: the passages that are never its negatives
    limits: NDArray[np.float32]  # (I,) the highest score that a negative of the id may have


def _make_pool(
    pairs: Pairs, language: str, encoder: Encoder, precision: str, margin: float
) -> _Pool:
    """Embeds the passages of a language and the queries of the ids that have one."""
    ids = np.flatnonzero(pairs.stands(np.arange(len(pairs)), language, "passage"))
    passage_of_id = np.array(pairs.texts(ids, language, "passage"), dtype=object)
    own, texts = pd.factorize(passage_of_id)  # own: (I,) the row of each id's passage
    query_texts = pairs.texts(ids, _query_languages(pairs, ids, language), "query")
    queries = encoder.embed(query_texts, "query", precision=precision)
    passages = encoder.embed(list(texts), "passage", precision=precision)
    return _Pool(
        language=language,
        ids=ids,
        texts=[str(text) for text in texts],
        passages=passages,
        queries=queries,
        answers=_answers(pairs, ids, own),
        limits=(queries * passages[own]).sum(1) - margin,
    )


def _query_languages(pairs: Pairs, ids: NDArray[np.int64], language: str) -> NDArray[np.str_]:
    """The language that each id searches in: the given one, or the first that it has a query in."""
    chosen = np.full(len(ids), "", object)
    for code in (language, *pairs.query_languages):
        chosen[(chosen == "") & pairs.stands(ids, code, "query")] = code
    return chosen.astype(str)


def _answers(pairs: Pairs, ids: NDArray[np.int64], own: NDArray[np.integer]) -> list[set[int]]:
    """For each id, the rows of the passages of all ids that share its question or its passage."""
    answers: list[set[int]] = [set() for _ in ids]
    for role in ROLES:
        keys = pairs.keys(ids, role)
        rows_of_key: dict[int, set[int]] = defaultdict(set)
        for key, row in zip(keys, own, strict=True):
            rows_of_key[key].add(row)
        for found, key in zip(answers, keys, strict=True):
            found |= rows_of_key[key]
    return answers


def _mine(
    pool: _Pool, nearest: Nearest, window: _Window, rng: np.random.Generator, pairs: Pairs
) -> pa.Array:
    """Draws the negatives of each id: a column of lists, null where an id has no passage."""
    column: list[list[str] | None] = [None] * len(pairs)
    k = window.last + max(len(answers) for answers in pool.answers)
    best, _ = nearest(pool.queries, pool.passages, k)
    for i, ranked in enumerate(best):
        candidates = _candidates(pool, i, ranked, window, rng)
        if len(candidates) < window.n:
            raise ValueError(
                f"pairs {pairs.name!r}: {len(pool.texts)} passages in {pool.language!r} are too "
                f"few for {window.n} negatives of id {pool.ids[i]}, or score like its own"
            )
        drawn = rng.choice(candidates, window.n, replace=False)
        column[pool.ids[i]] = [pool.texts[row] for row in drawn]
    return pa.array(column, pa.list_(pa.string()))


def _candidates(
    pool: _Pool, i: int, ranked: NDArray[np.int64], window: _Window, rng: np.random.Generator
) -> list[int]:
    """The rows that the negatives of the i-th id are drawn from.

    They are those in the window that do not score too high. If these are less than n, the rest is
    drawn from the whole pool.
    """
    query, limit, answers = pool.queries[i], pool.limits[i], pool.answers[i]
    others = [row for row in ranked if row not in answers]
    in_window = others[window.first - 1 : window.last]
    candidates = [row for row in in_window if pool.passages[row] @ query <= limit]
    if len(candidates) < window.n:
        low_enough = np.flatnonzero(pool.passages @ query <= limit)
        further = [
            row
            for row in rng.permutation(low_enough)
            if row not in answers and row not in candidates
        ]
        candidates += further[: window.n - len(candidates)]
    return candidates
