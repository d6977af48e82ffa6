"""Measures that ask which language a reader would want: the query's own, or English?

They are declared as in `bias_measures`, and `hbt.bias` computes them where they are named. N is the
number of passages in the pool and n the number of those relevant to the query; "own" counts those
in the query's language, "English" those in English.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hbtlib.evaluation.declaration import measure
from hbtlib.evaluation.leaders import Leaders
from hbtlib.evaluation.multilingual_pool import MultilingualPool

ENGLISH = "en"
MLAIRE = "MLAIRE, arXiv 2605.07249 (from its abstract; the equation is this library's)"


@measure(
    "lpr",
    unit="share of queries",
    bounds="0 to 1",
    better="neither",
    chance="own n / n",
    source=MLAIRE,
    needs="a query with relevant passages in its own language and in another",
)
def lpr(pool: MultilingualPool) -> pd.Series:
    """Language Preference Rate: how often the own-language passage leads its translations.

    Of the queries with a relevant passage in their language and another in a different one, the
    share whose best-ranked relevant passage is in their language (a share of that where they tie).
    It is own-language-first without the queries that have nothing to choose from, and where every
    question has a translation the two are equal. A high rate can be wanted: it is a preference, and
    no fault.
    """
    has_choice = pool.queries["own_share"] < 1
    return pool.mean(pool.queries["own_first"].where(has_choice))


@measure(
    "own-before-english",
    unit="share of queries",
    bounds="0 to 1",
    better="neither",
    chance="own n / (own n + English n)",
    source="the pools of English and one language of arXiv 2604.05684; the share is this library's",
    needs="a query in another language than English with relevant passages in both",
)
def own_before_english(pool: MultilingualPool) -> pd.Series:
    """How often the best own-language passage comes before the best English one (ties: a half).

    Queries in English do not count. No passage in a third language can change the order of these
    two, so this is what lpr is in a pool of English and the query's language alone.
    """
    rows = pool.rows[pool.rows["language"] != ENGLISH]
    best_own = rows[rows["own"]].groupby("query")["rank"].min()
    best_english = rows[rows["passage_language"] == ENGLISH].groupby("query")["rank"].min()
    lead = (best_english - best_own).dropna()
    return pool.mean((lead > 0) + 0.5 * (lead == 0))


@measure(
    "first-right-own",
    unit="share of queries",
    bounds="0 to 1; the four shares sum to 1",
    better="neither",
    chance="own n / N",
    source=MLAIRE,
)
def first_right_own(pool: MultilingualPool, leaders: Leaders) -> pd.Series:
    """How often the first passage of all is relevant and in the query's language."""
    return pool.mean(leaders.first_is(relevant=True, own=True))


@measure(
    "first-right-other",
    unit="share of queries",
    bounds="0 to 1; the four shares sum to 1",
    better="neither",
    chance="(n − own n) / N",
    source=MLAIRE,
)
def first_right_other(pool: MultilingualPool, leaders: Leaders) -> pd.Series:
    """How often the first passage of all is relevant, but in another language than the query."""
    return pool.mean(leaders.first_is(relevant=True, own=False))


@measure(
    "first-wrong-own",
    unit="share of queries",
    bounds="0 to 1; the four shares sum to 1",
    better="lower",
    chance="(own N − own n) / N",
    source=MLAIRE,
)
def first_wrong_own(pool: MultilingualPool, leaders: Leaders) -> pd.Series:
    """How often the first passage of all is in the query's language, but not relevant.

    These are the failures that a preference for the own language would explain.
    """
    return pool.mean(leaders.first_is(relevant=False, own=True))


@measure(
    "first-wrong-other",
    unit="share of queries",
    bounds="0 to 1; the four shares sum to 1",
    better="lower",
    chance="(N − own N − n + own n) / N",
    source=MLAIRE,
)
def first_wrong_other(pool: MultilingualPool, leaders: Leaders) -> pd.Series:
    """How often the first passage of all is neither relevant nor in the query's language."""
    return pool.mean(leaders.first_is(relevant=False, own=False))


@measure(
    "irrelevant-english-first@k",
    unit="share of queries",
    bounds="0 to 1",
    better="lower",
    chance="E / (E + own n) · [1 − C(N − E − own n, k) / C(N, k)], E irrelevant English passages",
    source="after the abstract of arXiv 2604.05684; the equation is this library's",
    needs="English passages, and a query in another language with a relevant passage in it",
)
def irrelevant_english_first(pool: MultilingualPool, leaders: Leaders) -> pd.Series:
    """How often an English passage that is not relevant leads all that would answer at home.

    Of the queries in another language than English that have a relevant passage in their language:
    the share with an irrelevant English passage in the top k above every relevant passage in the
    query's language. Needs `top`, down to k at least. There is no
    value where no English passage is known: none is relevant to a query, and none in the top.
    """
    rows, queries = leaders.rows, pool.queries
    known = {*pool.pool_sizes.index, *pool.rows["passage_language"], *rows["language"]}
    counts = (queries["language"] != ENGLISH) & queries["own_share"].notna() & (ENGLISH in known)
    best_own = leaders.best(rows["relevant"] & rows["own"])
    best_english = leaders.best(~rows["relevant"] & (rows["language"] == ENGLISH))
    is_first = (best_english < best_own).astype(float)
    return pool.mean(is_first.where(counts))


def chances(pool: MultilingualPool, k: int) -> pd.DataFrame:
    """What a random ranking gives for these measures, by the formulas of their declarations.

    Args:
        pool: the ranks, of all pools: how many passages each language has is read from them.
        k: the cut-off of irrelevant-english-first@k.

    Returns:
        (query languages × measures); NaN where a measure has no value.
    """
    queries, rows = pool.queries, pool.rows
    of_language = rows.groupby(["query", "passage_language"]).size().unstack(fill_value=0)
    english = of_language.get(ENGLISH, pd.Series(0, of_language.index))
    own = rows["own"].groupby(rows["query"]).sum()
    n, total = queries["n_relevant"], queries["n_passages"]
    own_total = queries["language"].map(pool.pool_sizes).fillna(0)
    wrong_english = pool.pool_sizes.get(ENGLISH, 0) - english
    abroad = queries["language"] != ENGLISH
    special = wrong_english + own  # passages that decide; the first of them must be in the top k
    in_top = 1 - _none_in_top(total, special, k)
    by_query = pd.DataFrame(
        {
            "lpr": (own / n).where((own > 0) & (own < n)),
            "own-before-english": (own / (own + english)).where(abroad & (own > 0) & (english > 0)),
            "first-right-own": own / total,
            "first-right-other": (n - own) / total,
            "first-wrong-own": (own_total - own) / total,
            "first-wrong-other": (total - own_total - n + own) / total,
            f"irrelevant-english-first@{k}": (wrong_english / special * in_top).where(
                abroad & (own > 0) & (pool.pool_sizes.get(ENGLISH, 0) > 0)
            ),
        }
    )
    return by_query.groupby(queries["language"]).mean()


def _none_in_top(total: pd.Series, special: pd.Series, k: int) -> pd.Series:
    """C(N − s, k) / C(N, k): the chance that none of s passages is among the first k of N.

    As a product of k factors: the binomials themselves are too large for pools of many passages.
    """
    places = np.arange(k)
    left = (total - special).to_numpy(float)[:, None] - places
    among = total.to_numpy(float)[:, None] - places
    with np.errstate(divide="ignore", invalid="ignore"):
        factors = np.where((left > 0) & (among > 0), left / among, 0.0)
    return pd.Series(factors.prod(axis=1), index=total.index)


PREFERENCES = {one.name: one for one in (lpr, own_before_english)}
"""The measures of ranks alone."""

OF_LEADERS = {
    one.name: one
    for one in (first_right_own, first_right_other, first_wrong_own, first_wrong_other)
}
"""The measures of the first passage: MLAIRE's four-way split."""

OF_LEADERS_AT = {one.name: one for one in (irrelevant_english_first,)}
"""The measures of the passages that lead, and of a cut-off."""
