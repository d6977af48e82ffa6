"""Language bias from ranks: does a ranking treat the translations of one passage alike?

All measures are of the multilingual pool. `bias_measures` defines them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache, partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from hbtlib.checks import short
from hbtlib.evaluation.bias_measures import MEASURES, MEASURES_AT, kl
from hbtlib.evaluation.checks import (
    check_columns,
    check_names,
    check_texts,
    listed,
    number_column,
)
from hbtlib.evaluation.declaration import Measure, documents
from hbtlib.evaluation.language_aware import OF_LEADERS, OF_LEADERS_AT, PREFERENCES
from hbtlib.evaluation.leaders import Leaders
from hbtlib.evaluation.multilingual_pool import MultilingualPool, chance_rank_distance

__all__ = [
    "LANGUAGE_AWARE",
    "MEASURES",
    "MEASURES_AT",
    "bias",
    "chance_rank_distance",
    "english_plus_one",
    "favoured",
    "top_shares",
]

LANGUAGE_AWARE = {**PREFERENCES, **OF_LEADERS, **OF_LEADERS_AT}
"""The measures that `hbt.bias` gives where they are named: whose language comes first?"""

_ALL: dict[str, Measure] = {**MEASURES, **MEASURES_AT, kl.name: kl, **LANGUAGE_AWARE}
_LARGEST_RANK = 2**31 - 1
"""The largest that a column of ranks can hold."""


@documents([*MEASURES.values(), *MEASURES_AT.values(), kl, *LANGUAGE_AWARE.values()])
def bias(
    ranks: pd.DataFrame,
    top: pd.DataFrame | None = None,
    *,
    k: int | Sequence[int] = (10, 100),
    measures: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """Measures language bias in the multilingual pool.

    The measures are defined below. In what they say of chance, a random ranking is one of N
    passages, n of them relevant to the query.

    Args:
        ranks: a table of `hbt.rank`, of one benchmark and one run.
        top: the passages that lead the multilingual pool, a table of `hbt.top`; kl@k is of these,
            at their depth, and is not given without them.
        k: the cut-off, or several, of rank-distance@k and complete@k.
        measures: the names of those wanted, with their cut-offs: "lpr", "complete@5". None gives
            all from rank-distance to kl@k; lpr and those after it are given where they are named.

    Returns:
        Tidy: measure, query_language, value; one value a query language.

    Raises:
        ValueError: for ranks without a multilingual pool, of several benchmarks or runs, or without
            a column that is needed; for a top of another benchmark, or of several runs; for a k
            that is not a whole number from 1 up; for a measure that is named and unknown, or that
            has no value of these tables.

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
    if measures is not None:
        names = check_names(
            "measures", [measures] if isinstance(measures, str) else measures, "measures"
        )
        if top is not None:
            top_shares(top)  # raises where it is no top of one run
            _check_same_benchmark(ranks, top)
        leaders = None if top is None else cache(partial(Leaders, pool, top))
        return _as_table({name: _named(name, pool, top, leaders) for name in names})
    values = {name: compute(pool) for name, compute in MEASURES.items()}
    for name, compute in MEASURES_AT.items():
        for cut in cuts:
            values[name.replace("@k", f"@{cut}")] = compute(pool, cut)
    if top is not None:
        shares = top_shares(top)
        _check_same_benchmark(ranks, top)
        values[f"kl@{top['rank'].max()}"] = kl(pool, shares)
    return _as_table(values)


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


def english_plus_one(
    ranks: pd.DataFrame, measures: Sequence[str] = ("max-rank", "complete@10", "lpr")
) -> pd.DataFrame:
    """Measures bias in pools of English and one other language.

    In such a pool a query has its answer twice, and most retrievers were seen to bring English up
    (arXiv 2604.05684, which measures Max@R and Complete@K there). What is right in the pool of all
    languages may fail here, and the other way round: two languages do not crowd each other out as
    eleven do.

    Args:
        ranks: a table of `hbt.rank_english_plus_one`, of one run.
        measures: names as in `bias`, of those that need no top. Their chance levels hold with N and
            n of the pool of two.

    Returns:
        Tidy: beside_english (the pool's other language), measure, query_language (that one, or
        English), value.

    Raises:
        ValueError: as `bias` does, and for ranks without the column beside_english.

    Example:
        A German query whose answer ranks first in English and third in German, of four passages:

        >>> import hbtlib as hbt, pandas as pd
        >>> ranks = pd.DataFrame({
        ...     "query_id": "q-de",
        ...     "question_id": "q",
        ...     "query_language": "de",
        ...     "pool": "all",
        ...     "passage_id": ["p-en", "p-de"],
        ...     "passage_language": ["en", "de"],
        ...     "rank": [1, 3],
        ...     "score": [0.9, 0.6],
        ...     "n_passages": 4,
        ...     "n_relevant": 2,
        ...     "beside_english": "de",
        ... })
        >>> hbt.english_plus_one(ranks).set_index("measure")["value"].to_dict()
        {'max-rank': 3.0, 'complete@10': 1.0, 'lpr': 0.0}
    """
    if measures is None:
        raise ValueError("measures is None; name those wanted, such as max-rank")
    check_columns(ranks, ["beside_english"], "ranks", "hbt.rank_english_plus_one")
    check_texts(ranks, ["beside_english"])
    pools: Any = ranks.groupby(ranks["beside_english"].astype("str"))
    measured = {language: bias(part, measures=measures) for language, part in pools}
    table = pd.concat(measured, names=["beside_english"]).reset_index("beside_english")
    return table.reset_index(drop=True)


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


def _as_table(values: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Measure → value by query language, as the tidy table."""
    return pd.concat(values, names=["measure", "query_language"]).rename("value").reset_index()


def _named(
    name: str,
    pool: MultilingualPool,
    top: pd.DataFrame | None,
    leaders: Callable[[int], Leaders] | None,
) -> pd.Series:
    """One measure by its name.

    Args:
        name: with its cut-off, if it has one.
        pool: the ranks.
        top: the passages that lead; None if they are not given.
        leaders: the same, prepared: a function of the cut-off.

    Returns:
        The value by query language.

    Raises:
        ValueError: if there is no such measure, or it has no value.
    """
    found = re.fullmatch(r"([^@]+)(@[1-9][0-9]{0,8})?", name, re.ASCII)
    base = f"{found[1]}@k" if found and found[2] else name
    if base not in _ALL or name.endswith("@k"):
        near = ", ".join(get_close_matches(name, _ALL, n=3, cutoff=0))
        raise ValueError(
            f"no measure {short(name)}; the nearest names are {near} (k is a number, such as 10), "
            "and help(hbt.bias) has them all"
        )
    cut = int(found[2][1:]) if found and found[2] else None
    if base in {**MEASURES, **PREFERENCES}:
        values = _ALL[base](pool)
    elif base in MEASURES_AT:
        values = _ALL[base](pool, cut)
    elif top is None or leaders is None:
        raise ValueError(f"{name} is of the passages that lead: give top, a table of hbt.top")
    else:
        best = leaders(cut or 1)  # raises where the top is not deep enough
        of_top = top_shares(top[top["rank"] <= cut]) if base == kl.name else best
        values = _ALL[base](pool, of_top)
    if values.empty:
        needs = _ALL[base].needs or "more questions, or passages in more languages"
        raise ValueError(f"{name} has no value of these ranks: it needs {needs}")
    return values


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
