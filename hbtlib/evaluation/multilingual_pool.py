"""One run's ranks in the pool of all languages, prepared for the measures of language bias."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import scipy  # its submodules are imported when first used
from numpy.typing import NDArray

from hbtlib.checks import check_number, short
from hbtlib.data.benchmark import ALL
from hbtlib.evaluation.checks import (
    check_columns,
    check_depth,
    check_passages,
    check_translated,
    number_column,
)
from hbtlib.evaluation.metrics import ranked_queries

_NUMBERS = ["rank", "score", "n_passages", "n_relevant"]
_TEXTS = ["query_id", "question_id", "query_language", "pool", "passage_id", "passage_language"]


def chance_rank_distance(n_passages: Any, n_relevant: Any) -> Any:
    """The expected rank distance of a random ranking: (N + 1)(n − 1) / (n + 1).

    Args:
        n_passages: N, how many passages are ranked; a number or a column.
        n_relevant: n, how many of them are relevant; a number or a column.

    Returns:
        The expected difference of the largest and the smallest rank of the relevant passages.

    Raises:
        ValueError: for what is no number from 1 up, and for more relevant passages than there are.

    Example:
        >>> import hbtlib as hbt
        >>> hbt.chance_rank_distance(99, 3)
        50.0
    """
    passages = _counts("n_passages", n_passages)
    relevant = _counts("n_relevant", n_relevant)
    if passages.ndim and relevant.ndim and len(passages) != len(relevant):
        raise ValueError(
            f"n_passages has {len(passages)} values and n_relevant {len(relevant)}; give one each"
        )
    if (relevant > passages).any():
        raise ValueError("n_relevant is larger than n_passages, of which it is a part")
    return (n_passages + 1) * (n_relevant - 1) / (n_relevant + 1)


def _counts(name: str, given: object) -> NDArray[np.float64]:
    """Returns a number or a column of numbers; ValueError for what is not from 1 up."""
    if not isinstance(given, np.ndarray | pd.Series) or isinstance(given, np.ma.MaskedArray):
        return np.array(check_number(name, given, minimum=1))
    kind = given.dtype
    is_number = pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind)
    column = pd.Series(np.ravel(given) if isinstance(given, np.ndarray) else given)
    if is_number and not pd.api.types.is_bool_dtype(kind):
        numbers = column.to_numpy(np.float64, na_value=np.nan)
        if ((numbers >= 1) & np.isfinite(numbers)).all():
            return numbers
    raise ValueError(f"{name} is {short(given)}; it must be a column of finite numbers from 1 up")


class MultilingualPool:
    """A ranks table in the pool of all languages.

    Args:
        ranks: a table of `hbt.rank`, of one benchmark and one run.

    Attributes:
        rows: one per query and relevant passage: rank, score, n_passages, n_relevant, grade; query,
            question and passage as numbers; language (of the query), passage_language, and own (are
            the two languages the same?).
        queries: one per query: language, n_passages, n_relevant; first and last, the best and the
            worst rank of its relevant passages; distance, their difference, and chance, that of a
            random ranking; own_share, the share of the relevant passages that are in the query's
            language, and own_first, whether one of these ranks first (both NaN if there are none; a
            share where several tie for the first place).
        pool_sizes: the number of passages in each language's pool, where the ranks tell it.
        query_ids: the id of each query, as text, in the order of their numbers.
        n_passages: how many passages are ranked.

    Raises:
        ValueError: for ranks without a pool of all languages, of several benchmarks or runs,
            without a column that is needed, with a value that cannot be, or not known down to the
            last.
    """

    def __init__(self, ranks: pd.DataFrame) -> None:
        check_columns(ranks, [*_TEXTS, *_NUMBERS])
        number_column(ranks, "score", missing=True)
        check_translated(ranks)
        joint = ranks[ranks["pool"] == ALL]
        if joint.empty:
            raise ValueError(
                "language bias is measured in the pool of all languages, and these ranks have "
                "none: rank a benchmark with passages in two languages or more"
            )
        ranked_queries(ranks)  # raises where they are of several benchmarks or runs
        check_passages(joint)
        check_depth(joint, np.inf, "language bias")
        self.rows = _rows(joint)
        self.queries = _queries(self.rows)
        self.query_ids = pd.Index(joint["query_id"].drop_duplicates().astype("str"))
        self._passage_ids = pd.Index(joint["passage_id"].drop_duplicates().astype("str"))
        self.n_passages = int(self.queries["n_passages"].max())
        others = ranks[ranks["pool"] != ALL]
        sizes = others["n_passages"].groupby(others["pool"].astype("str")).first()
        self.pool_sizes = sizes.astype(float)

    def are_relevant(
        self, queries: NDArray[np.integer], passage_ids: pd.Series
    ) -> NDArray[np.bool_]:
        """Says which passages are relevant to which queries.

        Args:
            queries: (n,) the numbers of queries.
            passage_ids: (n,) a passage for each of them.

        Returns:
            (n,) True where the ranks list the passage as relevant to the query.
        """
        n_passages = len(self._passage_ids)
        passages = self._passage_ids.get_indexer(pd.Index(passage_ids.astype("str")))
        relevant = self.rows["query"] * n_passages + self.rows["passage"]
        return (passages >= 0) & np.isin(queries * n_passages + passages, relevant)

    def mean(self, values: pd.Series) -> pd.Series:
        """The mean of values over the queries of each query language.

        Args:
            values: indexed by query; NaN where a query has none, which is left out.

        Returns:
            One value a query language, for those with a query that has a value.
        """
        return values.dropna().groupby(self.queries["language"]).mean()

    def median(self, values: pd.Series) -> pd.Series:
        """The median of values over the queries of each query language; compare `mean`."""
        return values.dropna().groupby(self.queries["language"]).median()

    @cached_property
    def orders(self) -> pd.DataFrame:
        """The place of each passage language among a question's relevant passages, 1 = first.

        Rows are (query language, question), columns passage languages, NaN where a question has no
        relevant passage in one. Several relevant passages in one language count by their mean rank.
        The query language `all` orders the mean places over the query languages, so that each of
        them has one say.
        """
        ranks = self.rows.groupby(["language", "question", "passage_language"])["rank"].mean()
        by_language = ranks.unstack().rank(axis=1)
        over_all = by_language.groupby("question").mean().rank(axis=1)
        return pd.concat([by_language, pd.concat({ALL: over_all}, names=["language"])])

    @cached_property
    def agreement(self) -> pd.DataFrame:
        """Kendall's W (`w`) and Friedman's p (`p`) of the orders, a row a query language.

        Only questions with a passage in each language that any question of the query language has
        are used. A query language with fewer than two such questions, or passage languages, has no
        row.
        """
        found = {}
        for language, orders in self.orders.groupby(level="language"):
            blocks = orders.dropna(axis=1, how="all").dropna().to_numpy()
            n_questions, n_languages = blocks.shape
            if n_questions >= 2 and n_languages >= 2:
                found[language] = friedman(blocks)
        return pd.DataFrame.from_dict(found, orient="index", columns=["w", "p"], dtype=float)


def friedman(places: np.ndarray) -> tuple[float, float]:
    """Kendall's coefficient of concordance W and the p of Friedman's test, corrected for ties.

    Args:
        places: (blocks, treatments) the places of the treatments in each block, 1 to treatments.

    Returns:
        W, from 0 (no agreement) to 1 (the same order in every block), and p, from χ² = blocks ×
        (treatments − 1) × W with treatments − 1 degrees of freedom.
    """
    n, k = places.shape
    mean_place = (k + 1) / 2
    # W = (spread of the rank sums) / (their spread if all blocks had the same order).
    largest_spread = n * ((places - mean_place) ** 2).sum()
    spread = ((places.sum(0) - n * mean_place) ** 2).sum()
    w = spread / largest_spread if largest_spread else 0.0  # all is tied: no language is favoured
    return w, scipy.stats.chi2.sf(n * (k - 1) * w, k - 1)


def _rows(joint: pd.DataFrame) -> pd.DataFrame:
    """`MultilingualPool.rows`, from the rows of a ranks table in the pool of all."""
    rows = joint[_NUMBERS].astype(np.float64).reset_index(drop=True)
    for name in ("query", "question", "passage"):
        rows[name] = pd.factorize(joint[f"{name}_id"])[0]
    rows["language"] = joint["query_language"].astype("str").to_numpy()
    rows["passage_language"] = joint["passage_language"].astype("str").to_numpy()
    rows["own"] = rows["language"] == rows["passage_language"]
    rows["grade"] = joint["grade"].to_numpy() if "grade" in joint else 1
    return rows


def _queries(rows: pd.DataFrame) -> pd.DataFrame:
    """`MultilingualPool.queries`, from its rows."""
    queries = rows.groupby("query").agg(
        language=("language", "first"),
        n_passages=("n_passages", "first"),
        n_relevant=("n_relevant", "first"),
        first=("rank", "min"),
        last=("rank", "max"),
    )
    n_own = rows[rows["own"]].groupby("query").size().reindex(queries.index)
    # A share where passages of several languages tie for the first place; else 0 or 1.
    at_first = rows[rows["rank"].to_numpy() == queries["first"].loc[rows["query"]].to_numpy()]
    is_first = at_first.groupby("query")["own"].mean()
    return queries.assign(
        distance=queries["last"] - queries["first"],
        chance=chance_rank_distance(queries["n_passages"], queries["n_relevant"]),
        own_first=is_first.where(n_own > 0),
        own_share=n_own / queries["n_relevant"],
    )
