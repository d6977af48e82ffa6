"""The measures of language bias, one function each: its docstring is its definition. `hbt.bias` makes a table of them.

All are of the multilingual pool, and give one value a query language. "Chance" is a random ranking of the pool's N
passages, n of them relevant to the query.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from hbtlib.metrics import per_query

ALL = "all"  # the pool of all languages; as a query language: all of them together


class Joint:
    """The multilingual pool of a ranks table. rows: one a relevant passage of a query; queries: one a query."""

    def __init__(self, ranks: pd.DataFrame) -> None:
        need(ranks, ("query_id", "question_id", "query_language", "pool", "passage_id", "passage_language", "rank", "score",
                     "n_passages", "n_relevant"), "ranks", "hbt.rank")
        joint = ranks[ranks["pool"] == ALL]
        if joint.empty:
            raise ValueError("language bias is measured in the pool of all languages, and these ranks have none: rank a "
                             "benchmark with passages in two languages or more")
        per_query(joint, [])  # says what is wrong where they are of several benchmarks or runs
        codes = {name: pd.factorize(joint[f"{name}_id"])[0] for name in ("query", "question", "passage")}
        self.rows = pd.DataFrame({
            **codes,
            "language": joint["query_language"].astype("str").to_numpy(),
            "passage_language": joint["passage_language"].astype("str").to_numpy(),
            "rank": joint["rank"].to_numpy(np.float64),
            "score": joint["score"].to_numpy(np.float64),
            "grade": joint["grade"].to_numpy() if "grade" in joint else 1,
            "n_passages": joint["n_passages"].to_numpy(np.float64),
            "n_relevant": joint["n_relevant"].to_numpy(np.float64),
        })
        self.rows["own"] = self.rows["language"] == self.rows["passage_language"]
        by_query = self.rows.groupby("query")
        self.queries = by_query[["language", "n_passages", "n_relevant"]].first()
        self.queries["first"], self.queries["last"] = by_query["rank"].min(), by_query["rank"].max()
        one = ranks[ranks["pool"] != ALL]
        self.sizes = one["n_passages"].groupby(one["pool"].astype("str")).first().astype(float)  # of each language's pool

    def by_language(self, values: pd.Series) -> Any:
        """Values, one a query, grouped by query language."""
        return values.groupby(self.queries["language"])

    @cached_property
    def own(self) -> pd.DataFrame:
        """Of queries with a relevant passage in their own language: is one of these first, and what share are they?"""
        own = self.rows[self.rows["own"]].groupby("query")["rank"].agg(["min", "size"])
        queries = self.queries.loc[own.index]
        return pd.DataFrame({"first": own["min"] == queries["first"], "share": own["size"] / queries["n_relevant"]})

    @cached_property
    def orders(self) -> pd.DataFrame:
        """(query language or `all`, question) × passage language: the place of each among the question's, 1 = first.

        Several relevant passages in one language count by their mean rank; `all` orders the mean place over the query
        languages, so that each of them has one say.
        """
        each = self.rows.groupby(["language", "question", "passage_language"])["rank"].mean().unstack().rank(axis=1)
        return pd.concat([each, pd.concat({ALL: each.groupby("question").mean().rank(axis=1)}, names=["language"])])

    @cached_property
    def friedman(self) -> pd.DataFrame:
        """Kendall's W and Friedman's p of each query language's orders, over the questions in every passage language."""
        from scipy import stats

        found = {}
        for language, orders in self.orders.groupby(level="language"):
            blocks = orders.dropna(axis=1, how="all").dropna().to_numpy()  # (questions, passage languages)
            n, k = blocks.shape
            if n < 2 or k < 2:
                continue
            spread = n * ((blocks - (k + 1) / 2) ** 2).sum()
            # Where all is tied no language is favoured.
            w = ((blocks.sum(0) - n * (k + 1) / 2) ** 2).sum() / spread if spread else 0.0
            found[language] = {"w": w, "p": stats.chi2.sf(n * (k - 1) * w, k - 1)}
        return pd.DataFrame.from_dict(found, orient="index", columns=["w", "p"], dtype=float)


def need(table: pd.DataFrame, columns: tuple[str, ...], what: str, maker: str) -> None:
    """Raises ValueError for the first of the columns that the table lacks."""
    if lacking := [c for c in columns if c not in table]:
        raise ValueError(f"the {what} lack the column {lacking[0]!r}; {maker} makes such a table")


def chance_rank_distance(n_passages: Any, n_relevant: Any) -> Any:
    """The expected rank distance of a random ranking of N passages, n of them relevant: (N + 1)(n − 1) / (n + 1).

    Numbers, or columns of them.
    """
    return (n_passages + 1) * (n_relevant - 1) / (n_relevant + 1)


def rank_distance(joint: Joint) -> pd.Series:
    """Largest minus smallest rank of the query's relevant passages, mean over queries (arXiv 2408.10536, section 5.3).

    n − 1 to N − 1 ranks; lower is better. Chance: (N + 1)(n − 1) / (n + 1).
    """
    return joint.by_language(joint.queries["last"] - joint.queries["first"]).mean()


def rank_distance_median(joint: Joint) -> pd.Series:
    """The median over queries of the rank distance, which a few lost passages do not move. Ours."""
    return joint.by_language(joint.queries["last"] - joint.queries["first"]).median()


def rank_distance_relative(joint: Joint) -> pd.Series:
    """The mean rank distance over that of a random ranking. 0 up; chance: 1. Ours. NaN where chance is 0 (all n are 1)."""
    chance = chance_rank_distance(joint.queries["n_passages"], joint.queries["n_relevant"])
    return rank_distance(joint) / joint.by_language(chance).mean().replace(0, np.nan)


def rank_distance_at(joint: Joint, k: int) -> pd.Series:
    """The mean rank distance where ranks past k count as k: what a reader of the top k sees. 0 to k − 1. Ours.

    Chance: Σ over r < k of 1 − [C(r, n) + C(N − r, n)] / C(N, n). It is 0 too where nothing relevant is in the top k:
    read it beside complete@k.
    """
    return joint.by_language(joint.queries["last"].clip(upper=k) - joint.queries["first"].clip(upper=k)).mean()


def max_rank(joint: Joint) -> pd.Series:
    """The rank down to which one must read to have all relevant passages, mean over queries (Max@R, arXiv 2604.05684).

    n to N ranks; lower is better. Chance: n(N + 1) / (n + 1).
    """
    return joint.by_language(joint.queries["last"]).mean()


def max_rank_median(joint: Joint) -> pd.Series:
    """The median over queries of that rank."""
    return joint.by_language(joint.queries["last"]).median()


def complete(joint: Joint, k: int) -> pd.Series:
    """The share of queries with all their relevant passages in the top k (Complete@K, arXiv 2604.05684).

    0 to 1; higher is better; 0 for any ranking where n > k. Chance: C(k, n) / C(N, n).
    """
    return joint.by_language(joint.queries["last"] <= k).mean()


def own_language_first(joint: Joint) -> pd.Series:
    """How often the best-ranked relevant passage is in the query's language, of the queries that have one in it.

    0 to 1; chance: own-language-chance. Ours.
    """
    return joint.by_language(joint.own["first"]).mean()


def own_language_chance(joint: Joint) -> pd.Series:
    """How often it would be if languages were treated alike: the share of the relevant passages that are in it."""
    return joint.by_language(joint.own["share"]).mean()


def own_language_preference(joint: Joint) -> pd.Series:
    """own-language-first over own-language-chance. 0 to 1 / chance; 1 is chance, above it the own language is favoured."""
    return own_language_first(joint) / own_language_chance(joint)


def score_gap(joint: Joint) -> pd.Series:
    """Mean score of the relevant passages in the query's language minus that of equally relevant ones in others. Ours.

    Mean over a query's grades with both, then over queries that have one; −2 to 2 for cosines; chance: 0, above it the
    own language is favoured.
    """
    means = joint.rows.groupby(["query", "grade", "own"])["score"].mean().unstack("own").reindex(columns=[False, True])
    return joint.by_language((means[True] - means[False]).dropna().groupby("query").mean()).mean()


def kendalls_w(joint: Joint) -> pd.Series:
    """Do questions agree on the order of the passage languages? Kendall's coefficient of concordance (1939).

    The question is the block, the passage language the treatment, what is ordered the ranks of the question's relevant
    passages, one language each (several in one: their mean rank). 0 (none is favoured consistently) to 1 (the same
    order in every question); chance: 1 / questions. `hbt.favoured` says which languages they are. The query language
    `all` has each question once, by its places' mean over query languages. Only questions with a passage in every
    language that any question of the query language has; no row with fewer than two of these (MLQA-R: a question has
    two to four of seven languages).
    """
    return joint.friedman["w"]


def friedman_p(joint: Joint) -> pd.Series:
    """Friedman's test (1937) of that: how likely questions agree so well, or better, if no language is favoured.

    χ² = questions × (languages − 1) × W, ties corrected, with languages − 1 degrees of freedom; chance: uniform on 0 to 1.
    Questions answered by one passage are taken as independent, which makes it too sure.
    """
    return joint.friedman["p"]


def peer(joint: Joint) -> pd.Series:
    """Probability of Equal Expected Rank (Yang et al., SIGIR 2024, arXiv 2405.00978), at the relevant levels alone.

    For a query and a grade: the p of the Kruskal-Wallis test that the ranks of its passages do not depend on their
    language; 1 where all are in one language, as in the authors' code. Mean over the query's grades (equal weights), then
    over queries. 0 (unfair) to 1; chance: about a half with many passages a language. With one relevant passage a
    language it says nothing: H is then n − 1 and p a constant (.44 for 11 languages) whatever the ranking. The ranks
    are those among the level's passages, as in the test; the authors' code takes places in the list. The level of
    irrelevant passages is left out: their ranks are not in the table.
    """
    from scipy import stats

    level = ["query", "grade"]
    places = joint.rows.assign(place=joint.rows.groupby(level)["rank"].rank())
    groups = places.groupby([*level, "passage_language"])["place"].agg(["sum", "size"])
    groups["part"] = groups["sum"] ** 2 / groups["size"]
    levels = groups.groupby(level).agg(n=("size", "sum"), languages=("size", "size"), part=("part", "sum"))
    h = 12 * levels["part"] / (levels["n"] * (levels["n"] + 1)) - 3 * (levels["n"] + 1)  # no two ranks are equal
    levels["p"] = np.where(levels["languages"] > 1, stats.chi2.sf(h, levels["languages"] - 1), 1.0)
    return joint.by_language(levels["p"].groupby("query").mean()).mean()


def mrc(joint: Joint) -> pd.Series:
    """Does a question get the same ranking in whatever language it is asked? Mean rank correlation (arXiv 2509.06195).

    Spearman's ρ of the question's ranks in two query languages, mean over the others, then over questions. Theirs is of
    whole rankings; the table has relevant passages alone, so this is of the order of these (those relevant in both
    languages; two or more). −1 to 1; higher is more consistent; chance: 0. A ranking that puts English first whoever asks
    is consistent too: read it beside kendalls-w.
    """
    from scipy import stats

    passages = joint.rows[["question", "passage"]].drop_duplicates()
    slots = joint.rows.merge(passages.assign(slot=passages.groupby("question").cumcount()))
    ranks = slots.groupby(["language", "question", "slot"])["rank"].mean().unstack("slot")
    tables = {language: table.droplevel("language") for language, table in ranks.groupby(level="language")}
    shape = (len(tables), joint.rows["question"].max() + 1)
    total, pairs = np.zeros(shape), np.zeros(shape)
    for (i, a), (j, b) in combinations(enumerate(tables.values()), 2):
        questions = a.index.intersection(b.index)
        pair = np.stack([a.loc[questions], b.loc[questions]])  # (2, questions, slots)
        both = np.isfinite(pair).all(0)
        places = stats.rankdata(np.where(both, pair, np.nan), axis=2, nan_policy="omit")
        x, y = np.where(both, places - (both.sum(1, keepdims=True) + 1) / 2, 0.0)  # about their mean
        norm = np.sqrt((x ** 2).sum(1) * (y ** 2).sum(1))
        varied = norm > 0
        at = np.ix_([i, j], questions[varied])
        total[at] += (x * y).sum(1)[varied] / norm[varied]
        pairs[at] += 1
    return (pd.DataFrame(total, index=list(tables)) / pairs).mean(axis=1).dropna()


def kl(joint: Joint, shares: pd.DataFrame) -> pd.Series:
    """Kullback-Leibler divergence of the language shares of all the top k's of a query language from the pool's shares.

    In nats, 0 up to −ln of the smallest share of the pool; chance: about (languages − 1) / (2 · k · queries), so nearly 0.
    Of the top k's together, not a mean over queries: ten passages cannot show the shares of eleven languages, and one
    query's divergence is large by chance. So it sees a language that is favoured on the whole; what is favoured by one
    query and not by the next cancels out. Given with `top`, at its depth. Languages without a relevant passage, whose
    pools the ranks do not hold, count as one. Ours.
    """
    from scipy import stats

    if joint.sizes.empty:
        raise ValueError("kl@k needs the size of each language's pool, and these ranks hold the pool of all alone: "
                         "give all pools of hbt.rank")
    wide = shares.pivot(index="query_language", columns="passage_language", values="share")
    unknown = wide.columns.difference(joint.sizes.index)
    rest = joint.queries["n_passages"].iloc[0] - joint.sizes.sum()
    if len(unknown) and rest <= 0:
        raise ValueError(f"the top holds passages in {unknown[0]!r} and the ranks' pool has none: are they "
                         "of one benchmark?")
    known = wide.reindex(columns=joint.sizes.index, fill_value=0.0)
    return pd.Series(stats.entropy(np.column_stack([known, wide[unknown].sum(axis=1)]),
                                   [*joint.sizes, max(rest, 0.0)], axis=1), index=wide.index)


MEASURES: dict[str, Callable[[Joint], pd.Series]] = {
    "rank-distance": rank_distance, "rank-distance-median": rank_distance_median,
    "rank-distance-relative": rank_distance_relative, "max-rank": max_rank, "max-rank-median": max_rank_median,
    "own-language-first": own_language_first, "own-language-chance": own_language_chance,
    "own-language-preference": own_language_preference, "score-gap": score_gap, "kendalls-w": kendalls_w,
    "friedman-p": friedman_p, "mrc": mrc, "peer": peer,
}
MEASURES_AT: dict[str, Callable[[Joint, int], pd.Series]] = {"rank-distance@k": rank_distance_at, "complete@k": complete}
