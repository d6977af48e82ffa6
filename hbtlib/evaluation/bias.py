"""Language bias from ranks: does a ranking treat the translations of one passage alike? A measure's docstring is its
definition. All are of the multilingual pool, and give one value a query language. "Chance" is a
random ranking of the pool's N passages, n of them relevant to the query.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import scipy  # whose parts come when first used

from hbtlib.evaluation.metrics import known_to, need, per_query

__all__ = ["bias", "chance_rank_distance", "favoured", "top_shares"]
ALL = "all"  # the pool of all languages; as a query language: all of them together


class Joint:
    """The multilingual pool of a ranks table. rows: one a relevant passage of a query; queries: one a query."""

    def __init__(self, ranks: pd.DataFrame) -> None:
        numbers = ["rank", "score", "n_passages", "n_relevant"]
        need(
            ranks,
            [
                "query_id",
                "question_id",
                "query_language",
                "pool",
                "passage_id",
                "passage_language",
                *numbers,
            ],
        )
        joint = ranks[ranks["pool"] == ALL]
        if joint.empty:
            raise ValueError(
                "language bias is measured in the pool of all languages, and these ranks have none: rank a "
                "benchmark with passages in two languages or more"
            )
        per_query(joint, [])  # says what is wrong where they are of several benchmarks or runs
        known_to(joint, np.inf, "language bias")
        self.rows = (
            joint[numbers]
            .astype(np.float64)
            .reset_index(drop=True)
            .assign(
                **{
                    name: pd.factorize(joint[f"{name}_id"])[0]
                    for name in ("query", "question", "passage")
                },
                language=joint["query_language"].astype("str").to_numpy(),
                passage_language=joint["passage_language"].astype("str").to_numpy(),
                own=lambda rows: rows["language"] == rows["passage_language"],
                grade=joint["grade"].to_numpy() if "grade" in joint else 1,
            )
        )
        self.queries = self.rows.groupby("query").agg(
            language=("language", "first"),
            n_passages=("n_passages", "first"),
            n_relevant=("n_relevant", "first"),
            first=("rank", "min"),
            last=("rank", "max"),
        )
        first, relevant = self.queries["first"], self.queries["n_relevant"]
        own = (
            self.rows[self.rows["own"]]
            .groupby("query")["rank"]
            .agg(["min", "size"])
            .reindex(self.queries.index)
        )
        self.queries = self.queries.assign(
            distance=self.queries["last"] - first,
            chance=chance_rank_distance(self.queries["n_passages"], relevant),
            # Of relevant passages in the query's language: is one of them first, and what share are
            # they? NaN where none is.
            own_first=(own["min"] == first).astype(float).where(own["size"] > 0),
            own_share=own["size"] / relevant,
        )
        one = ranks[ranks["pool"] != ALL]
        self.sizes = (
            one["n_passages"].groupby(one["pool"].astype("str")).first().astype(float)
        )  # of each language's pool

    def mean(self, values: pd.Series, how: str = "mean") -> pd.Series:
        """The mean (or `how`) of values, one a query, over the queries of each query language that have one."""
        return values.dropna().groupby(self.queries["language"]).agg(how)

    @cached_property
    def orders(self) -> pd.DataFrame:
        """(query language or `all`, question) × passage language: the place of each among the question's, 1 = first. Several
        relevant passages in one language count by their mean rank; `all` orders the mean place over
        the query languages, so that each of them has one say.
        """
        each = (
            self.rows.groupby(["language", "question", "passage_language"])["rank"]
            .mean()
            .unstack()
            .rank(axis=1)
        )
        return pd.concat(
            [
                each,
                pd.concat({ALL: each.groupby("question").mean().rank(axis=1)}, names=["language"]),
            ]
        )

    @cached_property
    def friedman(self) -> pd.DataFrame:
        """Kendall's W and Friedman's p of each query language's orders, over the questions in every passage language."""
        found = {}
        for language, orders in self.orders.groupby(level="language"):
            blocks = (
                orders.dropna(axis=1, how="all").dropna().to_numpy()
            )  # (questions, passage languages)
            n, k = blocks.shape
            if n < 2 or k < 2:
                continue
            spread = n * ((blocks - (k + 1) / 2) ** 2).sum()
            # Where all is tied no language is favoured.
            w = ((blocks.sum(0) - n * (k + 1) / 2) ** 2).sum() / spread if spread else 0.0
            found[language] = {"w": w, "p": scipy.stats.chi2.sf(n * (k - 1) * w, k - 1)}
        return pd.DataFrame.from_dict(found, orient="index", columns=["w", "p"], dtype=float)


def chance_rank_distance(n_passages: Any, n_relevant: Any) -> Any:
    """The expected rank distance of a random ranking of N passages, n relevant (also columns): (N + 1)(n − 1) / (n + 1)."""
    return (n_passages + 1) * (n_relevant - 1) / (n_relevant + 1)


class Mean:
    """A measure: the mean (or `how`) over a language's queries of a column of `Joint.queries`, over the mean of another."""

    def __init__(
        self, column: str, definition: str, *, how: str = "mean", over: str | None = None
    ) -> None:
        self.column, self.how, self.over, self.__doc__ = column, how, over, definition

    def __call__(self, joint: Joint) -> pd.Series:
        means = joint.mean(joint.queries[self.column], self.how)
        return (
            means / joint.mean(joint.queries[self.over]).replace(0, np.nan) if self.over else means
        )


def rank_distance_at(joint: Joint, k: int) -> pd.Series:
    """The mean rank distance where ranks past k count as k: what a reader of the top k sees. 0 to k − 1. Ours. Chance: Σ
    over r < k of 1 − [C(r, n) + C(N − r, n)] / C(N, n). 0 too with nothing relevant in the top k:
    see complete@k.
    """
    return joint.mean(joint.queries["last"].clip(upper=k) - joint.queries["first"].clip(upper=k))


def complete(joint: Joint, k: int) -> pd.Series:
    """The share of queries with all their relevant passages in the top k (Complete@K, arXiv 2604.05684). 0 to 1; higher is
    better; 0 for any ranking where n > k. Chance: C(k, n) / C(N, n).
    """
    return joint.mean(joint.queries["last"] <= k)


def score_gap(joint: Joint) -> pd.Series:
    """Mean score of the relevant passages in the query's language minus that of equally relevant ones in others. Ours. Mean
    over grades with both, then queries; −2 to 2 for cosines; chance: 0, above it the own language
    is favoured.
    """
    means = (
        joint.rows.groupby(["query", "grade", "own"])["score"]
        .mean()
        .unstack("own")
        .reindex(columns=[False, True])
    )
    return joint.mean((means[True] - means[False]).groupby("query").mean())


def kendalls_w(joint: Joint) -> pd.Series:
    """Do questions agree on the order of the passage languages? Kendall's coefficient of concordance (1939). The question is
    the block, the passage language the treatment, what is ordered the ranks of the question's
    relevant passages, one language each (several in one: their mean rank). 0 (none is favoured
    consistently) to 1 (the same order in every question); chance: 1 / questions. `hbt.favoured`
    says which languages they are. The query language `all` has each question once, by its places'
    mean over query languages. Only questions with a passage in each language that any of the query
    language has; no row with fewer than two of these (MLQA-R: a question has two to four of seven
    languages).
    """
    return joint.friedman["w"]


def friedman_p(joint: Joint) -> pd.Series:
    """Friedman's test (1937) of that: how likely questions agree so well, or better, if no language is favoured. χ² =
    questions × (languages − 1) × W, ties corrected, with languages − 1 degrees of freedom; chance:
    uniform on 0 to 1. Questions answered by one passage are taken as independent, which makes it
    too sure.
    """
    return joint.friedman["p"]


def peer(joint: Joint) -> pd.Series:
    """Probability of Equal Expected Rank (Yang et al., SIGIR 2024, arXiv 2405.00978), at the relevant levels alone. For a
    query and a grade: the p of the Kruskal-Wallis test that the ranks of its passages do not depend
    on their language; 1 where all are in one language, as in the authors' code. Mean over the
    query's grades (equal weights), then queries. 0 (unfair) to 1; chance: about a half with many
    passages a language. With one relevant passage a language it says nothing: H is then n − 1 and p
    a constant (.44 for 11 languages) whatever the ranking. The ranks are those among the level's
    passages, as in the test; the authors' code takes places in the list. Irrelevant ones, not in
    the table, are left out.
    """
    level = ["query", "grade"]
    places = joint.rows.assign(place=joint.rows.groupby(level)["rank"].rank())
    groups = places.groupby([*level, "passage_language"])["place"].agg(["sum", "size"])
    groups["part"] = groups["sum"] ** 2 / groups["size"]
    levels = groups.groupby(level).agg(
        n=("size", "sum"), languages=("size", "size"), part=("part", "sum")
    )
    h = 12 * levels["part"] / (levels["n"] * (levels["n"] + 1)) - 3 * (
        levels["n"] + 1
    )  # no two ranks are equal
    levels["p"] = np.where(
        levels["languages"] > 1, scipy.stats.chi2.sf(h, levels["languages"] - 1), 1.0
    )
    return joint.mean(levels["p"].groupby("query").mean())


def mrc(joint: Joint) -> pd.Series:
    """Does a question get the same ranking in whatever language it is asked? Mean rank correlation (arXiv 2509.06195).
    Spearman's ρ of the question's ranks in two query languages, mean over the others, then over
    questions. Theirs is of whole rankings; the table has relevant passages alone, so this is of the
    order of these (those relevant in both languages; two or more). −1 to 1; higher is more
    consistent; chance: 0. A ranking that puts English first whoever asks is
    consistent too: read it beside kendalls-w.
    """
    ranks = joint.rows.pivot_table(index=["question", "passage"], columns="language", values="rank")
    rho = ranks.groupby("question").corr(
        "spearman", min_periods=2
    )  # (question, language) × language
    others = rho.mask(np.equal.outer(rho.index.get_level_values("language"), rho.columns))
    return others.mean(axis=1).groupby("language").mean().dropna()


def kl(joint: Joint, shares: pd.DataFrame) -> pd.Series:
    """Kullback-Leibler divergence of the language shares of all the top k's of a query language from the pool's shares. In
    nats, 0 up to −ln of the smallest share of the pool; chance: about (languages − 1) / (2 · k ·
    queries), so nearly 0. Of the top k's together, not a mean over queries: ten passages cannot
    show the shares of eleven languages, and one query's divergence is large by chance. So it sees a
    language that is favoured on the whole; what is favoured by one query and not by the next
    cancels out. Given with `top`, at its depth. Languages without a relevant passage, whose pools
    the ranks do not hold, count as one. Ours.
    """
    if joint.sizes.empty:
        raise ValueError(
            "kl@k needs the size of each language's pool, and these ranks hold the pool of all alone: "
            "give all pools of hbt.rank"
        )
    wide = shares.pivot(index="query_language", columns="passage_language", values="share")
    unknown = wide.columns.difference(joint.sizes.index)
    rest = joint.queries["n_passages"].iloc[0] - joint.sizes.sum()
    if len(unknown) and rest <= 0:
        raise ValueError(
            f"the top holds passages in {unknown[0]!r} and the ranks' pool has none: are they "
            "of one benchmark?"
        )
    top = np.column_stack(
        [wide.reindex(columns=joint.sizes.index, fill_value=0.0), wide[unknown].sum(axis=1)]
    )
    return pd.Series(
        scipy.stats.entropy(top, [*joint.sizes, max(rest, 0.0)], axis=1), index=wide.index
    )


MEASURES: dict[str, Callable[[Joint], pd.Series]] = {
    "rank-distance": Mean(
        "distance",
        """Largest minus smallest rank of the query's relevant passages, mean over queries
    (arXiv 2408.10536, section 5.3). n − 1 to N − 1 ranks; lower is better. Chance: (N + 1)(n − 1) /
    (n + 1).""",
    ),
    "rank-distance-median": Mean(
        "distance",
        """The median over queries of the rank distance, which a few lost passages do
    not move. Ours.""",
        how="median",
    ),
    "rank-distance-relative": Mean(
        "distance",
        """The mean rank distance over that of a random ranking. 0 up; chance: 1.
    Ours. NaN where chance is 0 (all n are 1).""",
        over="chance",
    ),
    "max-rank": Mean(
        "last",
        """The rank down to which one must read to have all relevant passages, mean over queries
    (Max@R, arXiv 2604.05684). n to N ranks; lower is better. Chance: n(N + 1) / (n + 1).""",
    ),
    "max-rank-median": Mean("last", """The median over queries of that rank.""", how="median"),
    "own-language-first": Mean(
        "own_first",
        """How often the best-ranked relevant passage is in the query's language, of the
    queries that have one in it. 0 to 1; chance: own-language-chance. Ours.""",
    ),
    "own-language-chance": Mean(
        "own_share",
        """How often it would be if languages were treated alike: the share of the
    relevant passages that are in it.""",
    ),
    "own-language-preference": Mean(
        "own_first",
        """own-language-first over own-language-chance. 0 to 1 / chance; 1 is
    chance, above it the own language is favoured.""",
        over="own_share",
    ),
    "score-gap": score_gap,
    "kendalls-w": kendalls_w,
    "friedman-p": friedman_p,
    "mrc": mrc,
    "peer": peer,
}
MEASURES_AT: dict[str, Callable[[Joint, int], pd.Series]] = {
    "rank-distance@k": rank_distance_at,
    "complete@k": complete,
}


def bias(
    ranks: pd.DataFrame, top: pd.DataFrame | None = None, *, k: int | Sequence[int] = (10, 100)
) -> pd.DataFrame:
    """Tidy: measure, query_language, value. All in the multilingual pool, one value a query language.

    top: the passages that lead the multilingual pool (`top.parquet`: benchmark, query_id,
    query_language, rank, passage_id, passage_language); kl@k is of these, at their depth, and is
    not given without them. k: the cut-off, or several, of rank-distance@k and complete@k.

    Raises ValueError for ranks without a multilingual pool, of several benchmarks or runs, or
    without a column that is needed; for a top of another benchmark, or of several runs; for a k
    that is no whole number from 1 up.
    """
    cuts: list[int] = np.ravel(k).tolist()
    if wrong := [cut for cut in cuts if cut < 1 or cut != int(cut)]:
        raise ValueError(f"k is {wrong[0]}; it is a whole number of ranks from 1 up")
    joint = Joint(ranks)
    values = {name: compute(joint) for name, compute in MEASURES.items()}
    values |= {
        name.replace("@k", f"@{cut}"): compute(joint, cut)
        for name, compute in MEASURES_AT.items()
        for cut in cuts
    }
    if top is not None:
        shares = top_shares(top)
        if "benchmark" in ranks and set(ranks["benchmark"].astype("str")) != set(
            top["benchmark"].astype("str")
        ):
            raise ValueError(
                f"the top is of {top['benchmark'].iloc[0]}, the ranks of {ranks['benchmark'].iloc[0]}: give "
                "those of one run"
            )
        values[f"kl@{top['rank'].max()}"] = kl(joint, shares)
    return pd.concat(values, names=["measure", "query_language"]).rename("value").reset_index()


bias.__doc__ = "\n".join(
    [
        bias.__doc__ or "",
        *(  # so that help(hbt.bias) defines every measure
            f"    {name}: {compute.__doc__}"
            for name, compute in [*MEASURES.items(), *MEASURES_AT.items(), ("kl@k", kl)]
        ),
    ]
)


def favoured(ranks: pd.DataFrame) -> pd.DataFrame:
    """Which languages does the multilingual pool favour? Tidy: query_language, passage_language, mean_rank_within, ….
    mean_rank_within: the mean place of the language's passage among a question's relevant passages,
    one a language (1 = always first; `kendalls-w` says how it is ordered). chance: what it would be
    if no language were favoured, (n + 1) / 2 for n languages; below it the language is favoured.
    n_questions: those with a passage in it and another language. The query language `all` has each
    question once. Where questions lack languages the chance differs by row, and a language is
    measured against those it meets alone. Raises ValueError as `bias` does.
    """
    orders = Joint(ranks).orders
    long = (
        orders.assign(chance=(orders.count(axis=1) + 1) / 2)
        .set_index("chance", append=True)
        .melt(ignore_index=False, var_name="passage_language", value_name="place")
        .dropna()
        .reset_index()
    )
    grouped = long[long["chance"] > 1].groupby(
        ["language", "passage_language"]
    )  # one language alone has no order
    table = grouped.agg(
        mean_rank_within=("place", "mean"), chance=("chance", "mean"), n_questions=("place", "size")
    )
    return table.rename_axis(["query_language", "passage_language"]).reset_index()


def top_shares(top: pd.DataFrame) -> pd.DataFrame:
    """Tidy: query_language, passage_language, share: how much of its queries' top k is in each language, 0 or more. A query
    language's shares sum to 1; chance: the language's share of the pool. top: as in `bias`. Raises
    ValueError for one without a column that is needed, without rows, of several benchmarks, or of
    several runs.
    """
    need(
        top,
        ("benchmark", "query_id", "query_language", "rank", "passage_id", "passage_language"),
        "top",
        "hbt.top",
    )
    if top.empty or len(top["benchmark"].unique()) > 1:
        raise ValueError(
            f"the top is of {len(top['benchmark'].unique())} benchmarks; give that of one"
        )
    if (again := top.duplicated(["query_id", "rank"])).any():
        raise ValueError(
            f"the top holds two passages at one rank of the query {top['query_id'][again].iloc[0]!r}: is it of "
            "several runs? Measure each alone"
        )
    counts = pd.crosstab(
        top["query_language"].astype("str"),
        top["passage_language"].astype("str"),
        normalize="index",
    )
    return counts.melt(ignore_index=False, value_name="share").reset_index()
