"""The measures of language bias: functions from the multilingual pool to a value a language.

The docstrings are the definitions that `hbt.bias` lists. N is the number of passages in the pool
and n the number of those relevant to the query; "chance" is the value of a random ranking.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy  # its submodules are imported when first used

from hbtlib.evaluation.declaration import measure
from hbtlib.evaluation.multilingual_pool import MultilingualPool

OURS = "this library"


# How far apart the relevant passages rank


@measure(
    "rank-distance",
    unit="ranks",
    bounds="n − 1 to N − 1",
    better="lower",
    chance="(N + 1)(n − 1) / (n + 1)",
    source="arXiv 2408.10536, section 5.3",
)
def rank_distance(pool: MultilingualPool) -> pd.Series:
    """The largest minus the smallest rank of a query's relevant passages, mean over queries.

    It is 0 for a query with one relevant passage, which tells nothing of bias.
    """
    return pool.mean(pool.queries["distance"])


@measure(
    "rank-distance-median",
    unit="ranks",
    bounds="n − 1 to N − 1",
    better="lower",
    chance="no closed form",
    source=OURS,
)
def rank_distance_median(pool: MultilingualPool) -> pd.Series:
    """The median over queries of the rank distance, which a few lost passages do not move."""
    return pool.median(pool.queries["distance"])


@measure(
    "rank-distance-relative",
    unit="times the rank distance of a random ranking",
    bounds="0 up",
    better="lower",
    chance="1",
    source=OURS,
)
def rank_distance_relative(pool: MultilingualPool) -> pd.Series:
    """The mean rank distance over that of a random ranking; NaN if that is 0 (all n are 1)."""
    chance = pool.mean(pool.queries["chance"])
    return rank_distance(pool) / chance.replace(0, np.nan)


@measure(
    "max-rank",
    unit="ranks",
    bounds="n to N",
    better="lower",
    chance="n(N + 1) / (n + 1)",
    source="Max@R, arXiv 2604.05684",
)
def max_rank(pool: MultilingualPool) -> pd.Series:
    """The rank down to which one must read to have all relevant passages, mean over queries."""
    return pool.mean(pool.queries["last"])


@measure(
    "max-rank-median",
    unit="ranks",
    bounds="n to N",
    better="lower",
    chance="no closed form",
    source=OURS,
)
def max_rank_median(pool: MultilingualPool) -> pd.Series:
    """The median over queries of the rank down to which one must read for all relevant passages."""
    return pool.median(pool.queries["last"])


# Whether the query's own language is favoured


@measure(
    "own-language-first",
    unit="share of queries",
    bounds="0 to 1",
    better="neither",
    chance="own-language-chance",
    source=OURS,
)
def own_language_first(pool: MultilingualPool) -> pd.Series:
    """How often the best-ranked relevant passage is in the query's language.

    Only queries that have a relevant passage in their language count.
    """
    return pool.mean(pool.queries["own_first"])


@measure(
    "own-language-chance",
    unit="share of relevant passages",
    bounds="0 to 1",
    better="neither",
    chance="the same for every ranking",
    source=OURS,
)
def own_language_chance(pool: MultilingualPool) -> pd.Series:
    """What own-language-first would be if languages were treated alike.

    This is the share of a query's relevant passages that are in its language. Only queries that
    have one in their language count.
    """
    return pool.mean(pool.queries["own_share"])


@measure(
    "own-language-preference",
    unit="times chance",
    bounds="0 to 1 / own-language-chance",
    better="neither",
    chance="1; above it the own language is favoured",
    source=OURS,
)
def own_language_preference(pool: MultilingualPool) -> pd.Series:
    """own-language-first divided by own-language-chance."""
    return own_language_first(pool) / own_language_chance(pool).replace(0, np.nan)


@measure(
    "score-gap",
    unit="difference of scores",
    bounds="−2 to 2 for cosines",
    better="neither",
    chance="0; above it the own language is favoured",
    source=OURS,
)
def score_gap(pool: MultilingualPool) -> pd.Series:
    """How much higher the relevant passages in the query's language score than those in others.

    The mean score of the relevant passages in the query's language minus that of equally relevant
    ones in other languages: mean over the grades with both, then over queries.
    """
    means = pool.rows.groupby(["query", "grade", "own"])["score"].mean().unstack("own")
    means = means.reindex(columns=[False, True])
    gap = means[True] - means[False]
    return pool.mean(gap.groupby("query").mean())


# Whether some passage languages are favoured over others


@measure(
    "kendalls-w",
    unit="agreement",
    bounds="0 (no language is favoured consistently) to 1 (the same order in every question)",
    better="lower",
    chance="1 / questions",
    source="Kendall & Babington Smith 1939",
)
def kendalls_w(pool: MultilingualPool) -> pd.Series:
    """Do questions agree on the order of passage languages? Kendall's coefficient of concordance.

    The question is the block, the passage language the treatment, and what is ordered are the ranks
    of the question's relevant passages, one per language (several in one: their mean rank).
    `hbt.favoured` says which languages are favoured. The query language `all` has each question
    once, by the mean of its places over query languages. Only questions with a passage in each
    language that any question of the query language has are used; with fewer than two of these
    there is no row (MLQA-R: a question has two to four of seven languages).
    """
    return pool.agreement["w"]


@measure(
    "friedman-p",
    unit="probability",
    bounds="0 to 1",
    better="neither",
    chance="uniform on 0 to 1",
    source="Friedman 1937",
)
def friedman_p(pool: MultilingualPool) -> pd.Series:
    """How likely questions agree as well as kendalls-w says, or better, if no language is favoured.

    Friedman's test: χ² = questions × (languages − 1) × W, corrected for ties, with languages − 1
    degrees of freedom. Questions answered by one passage are taken as independent, which makes it
    too sure.
    """
    return pool.agreement["p"]


# Whether the ranking depends on the language at all


@measure(
    "mrc",
    unit="Spearman's ρ",
    bounds="−1 to 1",
    better="higher",
    chance="0",
    source="arXiv 2509.06195",
)
def mrc(pool: MultilingualPool) -> pd.Series:
    """Does a question get the same ranking in whatever language it is asked? Mean rank correlation.

    Spearman's ρ of the question's ranks in two query languages, mean over the other query
    languages, then over questions. The source correlates whole rankings; a ranks table has relevant
    passages alone, so this is of the order of these (those relevant in both languages; two or
    more). Higher is more consistent: a ranking that puts English first whoever asks is consistent
    too, so read it beside kendalls-w.
    """
    ranks = pool.rows.pivot_table(index=["question", "passage"], columns="language", values="rank")
    rho = ranks.groupby("question").corr(
        "spearman", min_periods=2
    )  # (question, language) × language
    is_itself = np.equal.outer(rho.index.get_level_values("language"), rho.columns)
    with_others = rho.mask(is_itself).mean(axis=1)
    return with_others.groupby("language").mean().dropna()


@measure(
    "peer",
    unit="probability",
    bounds="0 (unfair) to 1",
    better="higher",
    chance="about a half with many passages a language",
    source="Yang et al., SIGIR 2024, arXiv 2405.00978, at the relevant levels alone",
)
def peer(pool: MultilingualPool) -> pd.Series:
    """Probability of Equal Expected Rank: do ranks of equally relevant passages depend on language?

    For a query and a grade: the p of the Kruskal-Wallis test that the ranks of its passages do not
    depend on their language; 1 where all are in one language, as in the authors' code. Mean over
    the query's grades (equal weights), then over queries. With one relevant passage per language it
    says nothing: H is then n − 1 and p a constant (.44 for 11 languages) whatever the ranking. The
    ranks are those among the level's passages, as in the test; the authors' code takes places in
    the list. Irrelevant passages, which the ranks table lacks, are left out. Equal ranks
    (`hbt.rank_scores(…, ties="mid")`) are corrected for as Kruskal and Wallis do.
    """
    level = ["query", "grade"]
    places = pool.rows.assign(place=pool.rows.groupby(level)["rank"].rank())
    by_language = places.groupby([*level, "passage_language"])["place"].agg(["sum", "size"])
    by_language["part"] = by_language["sum"] ** 2 / by_language["size"]
    levels = by_language.groupby(level).agg(
        n=("size", "sum"), languages=("size", "size"), parts=("part", "sum")
    )
    h = 12 * levels["parts"] / (levels["n"] * (levels["n"] + 1)) - 3 * (levels["n"] + 1)
    equal = places.groupby([*level, "place"]).size()
    tied = (equal**3 - equal).groupby(level).sum()
    untied = 1 - tied / (levels["n"] ** 3 - levels["n"])  # 0 where all ranks are equal
    p = scipy.stats.chi2.sf(h / untied.where(untied > 0), levels["languages"] - 1)
    levels["p"] = np.where((levels["languages"] > 1) & (untied > 0), p, 1.0)
    return pool.mean(levels["p"].groupby("query").mean())


# Measures with a cut-off


@measure(
    "rank-distance@k",
    unit="ranks",
    bounds="0 to k − 1",
    better="lower",
    chance="Σ_{r < k} 1 − [C(r, n) + C(N − r, n)] / C(N, n)",
    source=OURS,
)
def rank_distance_at(pool: MultilingualPool, k: int) -> pd.Series:
    """The mean rank distance where ranks past k count as k: what a reader of the top k sees.

    It is 0 too if nothing relevant is in the top k: see complete@k.
    """
    last = pool.queries["last"].clip(upper=k)
    return pool.mean(last - pool.queries["first"].clip(upper=k))


@measure(
    "complete@k",
    unit="share of queries",
    bounds="0 to 1; 0 for any ranking if n > k",
    better="higher",
    chance="C(k, n) / C(N, n)",
    source="Complete@K, arXiv 2604.05684",
)
def complete(pool: MultilingualPool, k: int) -> pd.Series:
    """The share of queries with all their relevant passages in the top k."""
    return pool.mean(pool.queries["last"] <= k)


@measure(
    "kl@k",
    unit="nats",
    bounds="0 to −ln of the smallest share of the pool",
    better="lower",
    chance="about (languages − 1) / (2 · k · queries), so nearly 0",
    source=OURS,
)
def kl(pool: MultilingualPool, shares: pd.DataFrame) -> pd.Series:
    """Do the top k passages hold the languages in the pool's proportions?

    The Kullback-Leibler divergence of the language shares of all the top k's of a query language
    from the pool's shares. It is taken of the top k's together and is not a mean over queries: ten
    passages cannot show the shares of eleven languages, and one query's divergence is large by
    chance. So it sees a language that is favoured on the whole; what is favoured by one query and
    not by the next cancels out. Given with `top`, at its depth. Languages without a relevant
    passage, whose pools the ranks do not hold, count as one.
    """
    if pool.pool_sizes.empty:
        raise ValueError(
            "kl@k needs the size of each language's pool, and these ranks hold the pool of all "
            "alone: give all pools of hbt.rank"
        )
    by_language = shares.pivot(index="query_language", columns="passage_language", values="share")
    unknown = by_language.columns.difference(pool.pool_sizes.index)
    n_elsewhere = pool.queries["n_passages"].iloc[0] - pool.pool_sizes.sum()
    if len(unknown) and n_elsewhere <= 0:
        raise ValueError(
            f"the top holds passages in {unknown[0]!r} and the ranks' pool has none: are they "
            "of one benchmark?"
        )
    known_shares = by_language.reindex(columns=pool.pool_sizes.index, fill_value=0.0)
    top_shares = np.column_stack([known_shares, by_language[unknown].sum(axis=1)])
    pool_sizes = [*pool.pool_sizes, max(n_elsewhere, 0.0)]
    divergence = scipy.stats.entropy(top_shares, pool_sizes, axis=1)
    return pd.Series(divergence, index=by_language.index)


MEASURES = {
    one.name: one
    for one in (
        rank_distance,
        rank_distance_median,
        rank_distance_relative,
        max_rank,
        max_rank_median,
        own_language_first,
        own_language_chance,
        own_language_preference,
        score_gap,
        kendalls_w,
        friedman_p,
        mrc,
        peer,
    )
}
"""The measures of ranks alone, in the order of `hbt.bias`' table."""

MEASURES_AT = {one.name: one for one in (rank_distance_at, complete)}
"""The measures of ranks and a cut-off."""
