"""Language bias from ranks: does a ranking treat the translations of one passage alike?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hbtlib.metrics import per_query


def chance_rank_distance(n_passages: Any, n_relevant: Any) -> Any:
    """The expected rank distance of a random ranking of N passages, n of them relevant: (N + 1)(n − 1) / (n + 1).

    Numbers, or columns of them.
    """
    return (n_passages + 1) * (n_relevant - 1) / (n_relevant + 1)


def bias(ranks: pd.DataFrame) -> pd.DataFrame:
    """Tidy: measure, query_language, value. All in the multilingual pool, a mean over the language's queries.

    rank-distance: largest minus smallest rank of the relevant passages (arXiv 2408.10536, section 5.3); 0 up to the
    pool's size, lower is better. rank-distance-median: its median over queries. rank-distance-relative: its mean over
    that of a random ranking (1 = chance). own-language-first: how often the best-ranked relevant passage is in the
    query's own language, among the queries that have one; own-language-chance: how often it would be if languages were
    treated alike, the share of the relevant passages that are in it. A ratio above 1 of the two favours the query's
    own language.

    Raises ValueError for ranks without a multilingual pool.
    """
    joint = ranks[ranks["pool"] == "all"]
    if joint.empty:
        raise ValueError("language bias is measured in the pool of all languages, and these ranks have none: rank a "
                         "benchmark with passages in two languages or more")
    queries = per_query(joint, ["rank-distance"])
    shape = joint.groupby("query_id", observed=True)[["n_passages", "n_relevant"]].first()
    queries = queries.join(shape, on="query_id")
    chance = chance_rank_distance(queries["n_passages"], queries["n_relevant"])
    own = joint["query_language"].astype("str") == joint["passage_language"].astype("str")
    best = joint["rank"] == joint.groupby("query_id", observed=True)["rank"].transform("min")
    per = pd.DataFrame({"query_id": joint["query_id"], "has_own": own, "own_first": own & best})
    per = per.groupby("query_id", observed=True).agg(has_own=("has_own", "max"), own_first=("own_first", "max"),
                                                     own=("has_own", "sum"))
    queries = queries.join(per, on="query_id")
    grouped = queries.groupby(queries["query_language"].astype("str"), sort=True)
    with_own = queries[queries["has_own"]]
    by_language = with_own.groupby(with_own["query_language"].astype("str"), sort=True)
    values = {
        "rank-distance": grouped["rank-distance"].mean(),
        "rank-distance-median": grouped["rank-distance"].median(),
        "rank-distance-relative": grouped["rank-distance"].mean() / chance.groupby(
            queries["query_language"].astype("str")).mean().replace(0, np.nan),
        "own-language-first": by_language["own_first"].mean(),
        "own-language-chance": with_own["own"].div(with_own["n_relevant"]).groupby(
            with_own["query_language"].astype("str")).mean(),
    }
    table = pd.concat({name: series.astype(float) for name, series in values.items()}, names=["measure"])
    return table.rename("value").reset_index()
