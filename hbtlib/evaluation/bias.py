"""Language bias from ranks: does a ranking treat the translations of one passage alike?

All measures are of the multilingual pool. `bias_measures` defines them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from hbtlib.checks import short
from hbtlib.evaluation.bias_measures import MEASURES, MEASURES_AT, kl
from hbtlib.evaluation.checks import check_columns, check_texts, listed, number_column
from hbtlib.evaluation.declaration import documents
from hbtlib.evaluation.multilingual_pool import MultilingualPool, chance_rank_distance

__all__ = ["MEASURES", "MEASURES_AT", "bias", "chance_rank_distance", "favoured", "top_shares"]

_LARGEST_RANK = 2**31 - 1
"""The largest that a column of ranks can hold."""


@documents([*MEASURES.values(), *MEASURES_AT.values(), kl])
def bias(
    ranks: pd.DataFrame, top: pd.DataFrame | None = None, *, k: int | Sequence[int] = (10, 100)
) -> pd.DataFrame:
    """Measures language bias in the multilingual pool.

    The measures are defined below. In what they say of chance, a random ranking is one of N
    passages, n of them relevant to the query.

    Args:
        ranks: a table of `hbt.rank`, of one benchmark and one run.
        top: the passages that lead the multilingual pool, a table of `hbt.top`; kl@k is of these,
            at their depth, and is not given without them.
        k: the cut-off, or several, of rank-distance@k and complete@k.

    Returns:
        Tidy: measure, query_language, value; one value a query language.

    Raises:
        ValueError: for ranks without a multilingual pool, of several benchmarks or runs, or without
            a column that is needed; for a top of another benchmark, or of several runs; for a k
            that is not a whole number from 1 up.

    Example:
        Of the hundred passages of a pool, those that answer two English queries rank at 1 (English)
        and 11 (German), and at 3 (German) and 5 (English).

        >>> import hbtlib as hbt, pandas as pd
        >>> ranks = pd.DataFrame({
        ...     "query_id": ["q1", "q1", "q2", "q2"],
        ...     "question_id": ["q1", "q1", "q2", "q2"],
        ...     "query_language": "en",
        ...     "pool": "all",
        ...     "passage_id": ["p1-en", "p1-de", "p2-de", "p2-en"],
        ...     "passage_language": ["en", "de", "de", "en"],
        ...     "rank": [1, 11, 3, 5],
        ...     "score": [0.9, 0.6, 0.8, 0.7],
        ...     "n_passages": 100,
        ...     "n_relevant": 2,
        ... })
        >>> found = hbt.bias(ranks).set_index("measure")["value"]
        >>> found[["rank-distance", "own-language-first", "complete@10"]].to_dict()
        {'rank-distance': 6.0, 'own-language-first': 0.5, 'complete@10': 0.5}
    """
    cuts = _cuts(k)
    pool = MultilingualPool(ranks)
    values = {name: compute(pool) for name, compute in MEASURES.items()}
    for name, compute in MEASURES_AT.items():
        for cut in cuts:
            values[name.replace("@k", f"@{cut}")] = compute(pool, cut)
    if top is not None:
        shares = top_shares(top)
        _check_same_benchmark(ranks, top)
        values[f"kl@{top['rank'].max()}"] = kl(pool, shares)
    return pd.concat(values, names=["measure", "query_language"]).rename("value").reset_index()


def favoured(ranks: pd.DataFrame) -> pd.DataFrame:
    """Which languages does the multilingual pool favour?

    Args:
        ranks: a table of `hbt.rank`, of one benchmark and one run.

    Returns:
        Tidy: query_language, passage_language, and

        - mean_rank_within: the mean place of the language's passage among a question's relevant
          passages, one per language (1 = always first; the measure kendalls-w says how they are
          ordered).
        - chance: what it would be if no language were favoured, (n + 1) / 2 for n languages. Below
          it the language is favoured.
        - n_questions: how many questions have a passage in it and in another language.

        The query language `all` has each question once. Where questions lack languages, the chance
        differs by row, and a language is measured against those it meets alone.

    Raises:
        ValueError: as `bias` does.
    """
    orders = MultilingualPool(ranks).orders
    chance = (orders.count(axis=1) + 1) / 2
    places = (
        orders.assign(chance=chance)
        .set_index("chance", append=True)
        .melt(ignore_index=False, var_name="passage_language", value_name="place")
        .dropna()
        .reset_index()
    )
    places = places[places["chance"] > 1]  # one language alone has no order
    table = places.groupby(["language", "passage_language"]).agg(
        mean_rank_within=("place", "mean"), chance=("chance", "mean"), n_questions=("place", "size")
    )
    return table.rename_axis(["query_language", "passage_language"]).reset_index()


def top_shares(top: pd.DataFrame) -> pd.DataFrame:
    """How much of each query language's top k is in each language?

    Args:
        top: a table of `hbt.top`, of one benchmark and one run.

    Returns:
        Tidy: query_language, passage_language, share, which is 0 or more. A query language's shares
        sum to 1; chance is the language's share of the pool.

    Raises:
        ValueError: for a table without a column that is needed, without rows, of several
            benchmarks, or of several runs.
    """
    columns = ["benchmark", "query_id", "query_language", "rank", "passage_id", "passage_language"]
    check_columns(top, columns, "top", "hbt.top")
    check_texts(top, [column for column in columns if column != "rank"], "top")
    rank = number_column(top, "rank", "top")
    if (rank < 1).any() or (rank != np.floor(rank)).any():
        raise ValueError("the top has a rank that is no whole number from 1 up; hbt.top makes one")
    n_benchmarks = len(top["benchmark"].unique())
    if n_benchmarks != 1:
        raise ValueError(f"the top is of {n_benchmarks} benchmarks; give that of one")
    repeated = top.duplicated(["query_id", "rank"])
    if repeated.any():
        query = top["query_id"][repeated].iloc[0]
        raise ValueError(
            f"the top holds two passages at one rank of the query {query!r}: is it of several "
            "runs? Measure each alone"
        )
    shares = pd.crosstab(
        top["query_language"].astype("str"),
        top["passage_language"].astype("str"),
        normalize="index",
    )
    return shares.melt(ignore_index=False, value_name="share").reset_index()


def _cuts(k: int | Sequence[int]) -> list[int]:
    """The cut-offs as a list; ValueError for one that is no rank, or for what is no list."""
    several = isinstance(k, Iterable) and not isinstance(k, str | bytes | Mapping | pd.DataFrame)
    if several and isinstance(k, np.ndarray) and k.ndim != 1:
        several = False
    cuts: list[Any] = list(k) if several else [k]  # type: ignore[arg-type]
    for cut in cuts:
        is_number = isinstance(cut, Integral | Real) and not isinstance(cut, bool)
        if not is_number or not 1 <= cut <= _LARGEST_RANK or cut != int(cut):
            raise ValueError(
                f"k is {short(cut)}; it is a whole number of ranks from 1 up to {_LARGEST_RANK:,}"
            )
    return [int(cut) for cut in cuts]


def _check_same_benchmark(ranks: pd.DataFrame, top: pd.DataFrame) -> None:
    """Raises ValueError if the two tables name different benchmarks."""
    if "benchmark" not in ranks:
        return
    if set(ranks["benchmark"].astype("str")) != set(top["benchmark"].astype("str")):
        raise ValueError(
            f"the top is of {listed(top['benchmark'].unique())}, the ranks of "
            f"{listed(ranks['benchmark'].unique())}: give those of one run"
        )
