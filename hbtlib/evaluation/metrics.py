"""Measures from ranks: what `ranks.parquet` says of a run, as tidy tables. A query counts where a passage of the pool is
relevant to it (`n_queries` says how many do): a question without translation in the pool's language has nothing to be found
there. The settings (arXiv 2408.10536, section 4): `monolingual`, pool language = query language; `cross-lingual`, any other
one language; `multilingual`, all together.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib.data.benchmark import SETTINGS
from hbtlib.languages import LANGUAGES

METRICS = ("mAP", "MRR@10", "nDCG@10", "R@1", "R@10", "rank-distance")
Floats = NDArray[np.float64]


class _Queries:
    """The ranks, grouped: one group a (query, pool), its rows from best to worst."""

    def __init__(self, ranks: pd.DataFrame) -> None:
        groups = ranks.groupby(["query_id", "pool"], observed=True).ngroup().to_numpy()
        order = np.lexsort([ranks["rank"].to_numpy(), groups])
        rows = ranks.iloc[order]
        self.group = groups[order]
        self.starts = np.flatnonzero(np.diff(self.group, prepend=-1))
        self.rank = rows["rank"].to_numpy(
            np.float64, na_value=np.inf
        )  # past the depth that a search index knows
        self.place = (
            np.arange(len(rows)) - self.starts[self.group] + 1.0
        )  # the i-th relevant passage found
        self.grade = rows["grade"].to_numpy(np.float64) if "grade" in rows else np.ones(len(rows))
        self.relevant = rows["n_relevant"].to_numpy(np.float64)[self.starts]
        self.table = (
            rows[["query_id", "question_id", "query_language", "pool"]]
            .iloc[self.starts]
            .reset_index(drop=True)
        )

    def sum(self, values: Floats) -> Floats:
        """Sums over each group's rows."""
        return np.add.reduceat(values, self.starts) if len(values) else values


def average_precision(queries: _Queries, k: float) -> Floats:
    """mAP@k: Σ over the relevant passages in the top k of (their place among the relevant / rank), over all relevant."""
    return (
        queries.sum(np.where(queries.rank <= k, queries.place / queries.rank, 0.0))
        / queries.relevant
    )


def reciprocal_rank(queries: _Queries, k: float) -> Floats:
    """MRR@k: 1 / rank of the best relevant passage, 0 if that is past k."""
    best = queries.rank[queries.starts]
    return np.where(best <= k, 1.0 / best, 0.0)


def ndcg(queries: _Queries, k: float) -> Floats:
    """nDCG@k: Σ grade / log₂(rank + 1) over the top k, over the same sum for the best order (Järvelin & Kekäläinen 2002);
    the gain is the grade itself, as in trec_eval.
    """
    found = queries.sum(np.where(queries.rank <= k, queries.grade / np.log2(queries.rank + 1), 0.0))
    best = np.lexsort([-queries.grade, queries.group])  # each group's grades from high to low
    return found / queries.sum(
        np.where(queries.place <= k, queries.grade[best] / np.log2(queries.place + 1), 0.0)
    )


def recall(queries: _Queries, k: float) -> Floats:
    """R@k: the share of the relevant passages in the top k."""
    return queries.sum((queries.rank <= k).astype(np.float64)) / queries.relevant


def rank_distance(queries: _Queries, k: float) -> Floats:
    """Largest minus smallest rank of the relevant passages (arXiv 2408.10536, section 5.3), past k as k; lower is better."""
    capped = np.minimum(queries.rank, k)
    return np.maximum.reduceat(capped, queries.starts) - capped[queries.starts]


_COMPUTE: dict[str, Callable[[_Queries, float], Floats]] = {
    "mAP": average_precision,
    "MRR": reciprocal_rank,
    "nDCG": ndcg,
    "R": recall,
    "rank-distance": rank_distance,
}


def parse(metric: str) -> tuple[str, float]:
    """A metric's name and cut-off: "mAP@10" → ("mAP", 10); infinity without one. Raises ValueError for another name."""
    if not (
        found := re.fullmatch(
            r"(mAP|MRR|nDCG|R(?=@)|rank-distance)(?:@([1-9]\d*))?", metric, re.ASCII
        )
    ):
        raise ValueError(
            f"no metric {metric!r}; there are mAP, mAP@k, MRR@k, nDCG@k, R@k and rank-distance "
            "(k a whole number from 1 up)"
        )
    return found[1], float(found[2] or np.inf)


def need(
    table: pd.DataFrame, columns: Sequence[str], what: str = "ranks", maker: str = "hbt.rank"
) -> None:
    """Raises ValueError for the first of the columns that the table lacks."""
    if lacking := [c for c in columns if c not in table]:
        raise ValueError(f"the {what} lack the column {lacking[0]!r}; {maker} makes such a table")


def known_to(ranks: pd.DataFrame, k: float, what: str) -> None:
    """Raises ValueError where the ranks are a search index's, and not known down to k."""
    if "depth" in ranks and k > (depth := ranks["depth"].min()):
        how_far = "every rank" if np.isinf(k) else f"ranks down to {k:g}"
        raise ValueError(
            f"a search index gave these ranks, down to {depth:g}, and {what} needs {how_far}: search deeper, "
            f"rank without an index, or cut at {depth:g} or less"
        )


def per_query(ranks: pd.DataFrame, metrics: Sequence[str] = METRICS) -> pd.DataFrame:
    """One row a (query, pool): query_id, question_id, query_language, pool, setting, and a column a metric. Raises
    ValueError for a column that is missing, for ranks of several benchmarks or runs, for an unknown metric, and for one that
    needs ranks past the depth of a search index.
    """
    need(ranks, ["query_id", "question_id", "query_language", "pool", "rank", "n_relevant"])
    if "benchmark" in ranks and len(names := ranks["benchmark"].unique()) > 1:
        raise ValueError(
            f"these ranks are of several benchmarks ({', '.join(names)}); measure each alone: "
            "ranks[ranks['benchmark'] == …]"
        )
    parsed = {metric: parse(metric) for metric in metrics}
    for metric, (_, k) in parsed.items():
        known_to(ranks, k, metric)
    queries = _Queries(ranks)
    table, pool = queries.table, queries.table["pool"].astype("str")
    if (many := np.bincount(queries.group) > queries.relevant).any():
        query = table[many].iloc[0]
        raise ValueError(
            f"these ranks hold more rows of the query {query['query_id']!r} in the pool {query['pool']!r} than "
            "it has relevant passages: are they of several runs? Measure each alone"
        )
    setting = np.select(
        [pool == "all", pool == table["query_language"].astype("str")],
        ["multilingual", "monolingual"],
        "cross-lingual",
    )
    return table.assign(
        setting=setting,
        **{metric: _COMPUTE[name](queries, k) for metric, (name, k) in parsed.items()},
    )


def measure(ranks: pd.DataFrame, metrics: Sequence[str] = METRICS) -> pd.DataFrame:
    """Tidy: setting, query_language, pool, metric, value (the mean over queries), n_queries. Rank distances are given in the
    multilingual setting alone, where a pool holds several relevant passages.
    """
    keys = ["setting", "query_language", "pool"]
    grouped = per_query(ranks, metrics).groupby(keys, observed=True)
    means = grouped[list(metrics)].mean().assign(n_queries=grouped.size()).reset_index()
    tidy = means.melt([*keys, "n_queries"], var_name="metric")
    tidy = tidy[
        ~tidy["metric"].str.startswith("rank-distance") | (tidy["setting"] == "multilingual")
    ]
    return tidy.astype(dict.fromkeys(keys, "str")).reset_index(drop=True)[
        [*keys, "metric", "value", "n_queries"]
    ]


def by_training(measured: pd.DataFrame, trained: Sequence[str]) -> pd.DataFrame:
    """`measure`'s table with the column `languages`: `trained`, or `unseen` where the query's or the pool's is not."""
    seen = measured["query_language"].isin(trained) & measured["pool"].isin([*trained, "all"])
    return measured.assign(languages=np.where(seen, "trained", "unseen"))


def by_group(measured: pd.DataFrame, feature: str) -> pd.DataFrame:
    """`measure`'s table with the column `group`: what the languages of a row have in common (`languages.LANGUAGES`).
    feature: family (Indo-European, Turkic, …), script, word_order or resources (Joshi et al.'s class, 0 to 5). Of one
    language, in the monolingual and the multilingual setting, the group is the feature of the query's language; of two, in
    the cross-lingual one, `same FEATURE` or `other FEATURE`. A language that is not in the table is `unknown`. Raises
    ValueError for another feature. `summarise(…, by=["group"])` averages over groups.
    """
    if feature not in (features := ("family", "script", "word_order", "resources")):
        raise ValueError(f"no feature {feature!r}; there are {', '.join(features)}")
    form = "class {}" if feature == "resources" else "{}"
    groups = {
        code: form.format(getattr(known, feature)).split(" (")[0]
        for code, known in LANGUAGES.items()
    }
    query, pool = (
        measured[c].astype("str").map(groups).fillna("unknown") for c in ("query_language", "pool")
    )
    pair = np.where(query == pool, "same ", "other ") + feature.replace("_", " ")
    pair = np.where((query == "unknown") | (pool == "unknown"), "unknown", pair)
    return measured.assign(group=np.where(measured["setting"] == "cross-lingual", pair, query))


def by_question(
    ranks: pd.DataFrame,
    metrics: Sequence[str] = ("mAP", "rank-distance"),
    *,
    trained: Sequence[str] | None = None,
) -> pd.DataFrame:
    """One row a question and setting: languages, setting, question_id, and each metric's mean over the question's query
    languages and pools. The question is the unit of statistics: its translations are hard or easy together. trained: the
    languages trained on, to tell `trained` from `unseen` in the column languages (as `by_training` does); None: all are one
    group, `all`. rank-distance is given in the multilingual setting alone, NaN elsewhere.
    """
    keys, table = ["languages", "setting", "question_id"], per_query(ranks, metrics)
    table = table.assign(languages="all") if trained is None else by_training(table, trained)
    means = table.groupby(keys, observed=True)[list(metrics)].mean().reset_index()
    means.loc[
        means["setting"] != "multilingual", [m for m in metrics if m.startswith("rank-distance")]
    ] = np.nan
    return means.astype(dict.fromkeys(keys, "str"))


def summarise(measured: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """One row a run (a value of the columns `by`), columns (setting, metric): each metric macro-averaged over the setting's
    (query language, pool) pairs, each counting once, as in the paper's Tables 1 and 2.
    """
    frame = measured if by else measured.assign(run="")
    wide = frame.groupby([*(by or ["run"]), "setting", "metric"], sort=False, observed=True)[
        "value"
    ].mean()
    table = wide.unstack(["setting", "metric"]).sort_index(axis=1, level=0, sort_remaining=False)
    table = table[[s for s in SETTINGS if s in table.columns.unique("setting")]]
    return table if by else table.reset_index(drop=True)
