"""Language bias from ranks: does a ranking treat the translations of one passage alike?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hbtlib.bias_measures import MEASURES, MEASURES_AT, Joint, chance_rank_distance, kl, need

__all__ = ["bias", "chance_rank_distance", "favoured", "top_shares"]


def bias(ranks: pd.DataFrame, top: pd.DataFrame | None = None, *, k: int | Sequence[int] = (10, 100)) -> pd.DataFrame:
    """Tidy: measure, query_language, value. All in the multilingual pool, one value a query language.

    top: the passages that lead the multilingual pool (`top.parquet`: benchmark, query_id, query_language, rank,
    passage_id, passage_language); kl@k is of these, at their depth, and is not given without them. k: the cut-off, or
    several, of rank-distance@k and complete@k.

    Raises ValueError for ranks without a multilingual pool, of several benchmarks or runs, or without a column that is
    needed; for a top of another benchmark, or of several runs; for a k that is no whole number from 1 up.
    """
    cuts: list[int] = np.ravel(k).tolist()
    if wrong := [cut for cut in cuts if cut < 1 or cut != int(cut)]:
        raise ValueError(f"k is {wrong[0]}; it is a whole number of ranks from 1 up")
    joint = Joint(ranks)
    values = {name: compute(joint) for name, compute in MEASURES.items()}
    values |= {name.replace("@k", f"@{cut}"): compute(joint, cut) for name, compute in MEASURES_AT.items() for cut in cuts}
    if top is not None:
        shares = top_shares(top)
        if "benchmark" in ranks and set(ranks["benchmark"].astype("str")) != set(top["benchmark"].astype("str")):
            raise ValueError(f"the top is of {top['benchmark'].iloc[0]}, the ranks of {ranks['benchmark'].iloc[0]}: give "
                             "those of one run")
        values[f"kl@{top['rank'].max()}"] = kl(joint, shares)
    tables = [pd.DataFrame({"measure": name, "query_language": series.index.astype("str"), "value": series.to_numpy(float)})
              for name, series in values.items()]
    return pd.concat(tables, ignore_index=True)


bias.__doc__ = "\n".join([bias.__doc__ or "", *(  # so that help(hbt.bias) defines every measure
    f"    {name}: {compute.__doc__}" for name, compute in [*MEASURES.items(), *MEASURES_AT.items(), ("kl@k", kl)])])


def favoured(ranks: pd.DataFrame) -> pd.DataFrame:
    """Which languages does the multilingual pool favour? Tidy: query_language, passage_language, mean_rank_within, ….

    mean_rank_within: the mean place of the language's passage among a question's relevant passages, one a language (1 =
    always first; `kendalls-w` says how it is ordered). chance: what it would be if no language were favoured, (n + 1) / 2
    for n languages; below it the language is favoured. n_questions: those with a passage in it and another language.
    The query language `all` has each question once. Where questions lack languages the chance differs by row, and a
    language is measured against those it meets alone.

    Raises ValueError as `bias` does.
    """
    orders = Joint(ranks).orders
    long = orders.assign(chance=(orders.count(axis=1) + 1) / 2).set_index("chance", append=True).melt(
        ignore_index=False, var_name="passage_language", value_name="place").dropna().reset_index()
    grouped = long[long["chance"] > 1].groupby(["language", "passage_language"])  # one language alone has no order
    table = grouped.agg(mean_rank_within=("place", "mean"), chance=("chance", "mean"), n_questions=("place", "size"))
    return table.rename_axis(["query_language", "passage_language"]).reset_index()


def top_shares(top: pd.DataFrame) -> pd.DataFrame:
    """Tidy: query_language, passage_language, share: how much of its queries' top k is in each language, 0 or more.

    A query language's shares sum to 1; chance: the language's share of the pool. top: as in `bias`. Raises ValueError for
    one without a column that is needed, without rows, of several benchmarks, or of several runs.
    """
    need(top, ("benchmark", "query_id", "query_language", "rank", "passage_id", "passage_language"), "top", "hbtlib.search")
    if top.empty or len(top["benchmark"].unique()) > 1:
        raise ValueError(f"the top is of {len(top['benchmark'].unique())} benchmarks; give that of one")
    if (again := top.duplicated(["query_id", "rank"])).any():
        raise ValueError(f"the top holds two passages at one rank of the query {top['query_id'][again].iloc[0]!r}: is it of "
                         "several runs? Measure each alone")
    counts = pd.crosstab(top["query_language"].astype("str"), top["passage_language"].astype("str"), normalize="index")
    return counts.melt(ignore_index=False, value_name="share").reset_index()
