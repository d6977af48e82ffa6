"""Measures of retrieval from ranks: what `ranks.parquet` says of a run, as tidy tables.

A query counts in a pool if a passage of the pool is relevant to it (`n_queries` says how many do):
a question without a translation in the pool's language has nothing to be found there. The settings
(arXiv 2408.10536, section 4) are `monolingual`, where the pool's language is the query's;
`cross-lingual`, where it is one other; and `multilingual`, where all languages are in one pool.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from hbtlib.checks import short
from hbtlib.data.benchmark import ALL, SETTINGS
from hbtlib.evaluation.checks import (
    check_columns,
    check_depth,
    check_names,
    check_ranks,
    check_texts,
    has_mid_ranks,
    is_untranslated,
    listed,
    number_column,
)
from hbtlib.evaluation.declaration import documents
from hbtlib.evaluation.groups import by_group, by_training
from hbtlib.evaluation.retrieval_measures import MEASURES, RankedQueries

__all__ = [
    "METRICS",
    "by_group",
    "by_question",
    "by_training",
    "lower_is_better",
    "measure",
    "parse",
    "per_query",
    "summarise",
]

METRICS = ("mAP", "MRR@10", "nDCG@10", "R@1", "R@10", "rank-distance")
"""The metrics that `measure` computes if none are named."""

_METRIC = re.compile(r"(.+?)(?:@([1-9]\d*))?", re.ASCII)  # a measure's name, perhaps a cut-off


def parse(metric: str) -> tuple[str, float]:
    """Reads the name of a metric.

    Args:
        metric: a measure of `retrieval_measures.MEASURES` (mAP, MRR, nDCG, rank-distance), with or
            without a cut-off, or one that needs a cut-off (R@k).

    Returns:
        The measure's name and the cut-off, infinity if there is none.

    Raises:
        ValueError: for any other name.

    Example:
        >>> parse("mAP@10"), parse("rank-distance")
        (('mAP', 10.0), ('rank-distance', inf))
    """
    found = _METRIC.fullmatch(metric) if isinstance(metric, str) else None
    known = MEASURES.get(found[1]) if found else None
    if found is None or known is None or (known.needs_cutoff and found[2] is None):
        names = [f"{name}@k" if one.needs_cutoff else name for name, one in MEASURES.items()]
        raise ValueError(
            f"no metric {short(metric)}; there are {', '.join(names)}, all of them also at a "
            "cut-off, such as mAP@10 (k is a whole number from 1 up)"
        )
    return found[1], float(found[2] or np.inf)


def lower_is_better(metric: str) -> bool:
    """Says whether lower values of a metric are better, as of the rank distance.

    Args:
        metric: a name as `parse` reads it.

    Returns:
        True if lower values are better, False if higher ones are.

    Raises:
        ValueError: for an unknown metric.

    Example:
        >>> lower_is_better("rank-distance@100"), lower_is_better("mAP")
        (True, False)
    """
    name, _ = parse(metric)
    return MEASURES[name].better == "lower"


def per_query(ranks: pd.DataFrame, metrics: Sequence[str] = METRICS) -> pd.DataFrame:
    """Computes metrics for every query in every pool.

    Args:
        ranks: a table of `hbt.rank`, of one benchmark and one run.
        metrics: names as `parse` reads them.

    Returns:
        One row per query and pool: query_id, question_id, query_language, pool, setting, and a
        column for each metric.

    Raises:
        ValueError: for a table that is none of ranks (a missing column or value, a rank that is no
            whole number from 1 up or lies beyond its pool, a passage missing or twice), for ranks
            of several benchmarks or runs, for an unknown metric, and for one that needs ranks below
            the depth of a search index.
    """
    parsed = {metric: parse(metric) for metric in named_metrics(metrics)}
    queries = ranked_queries(ranks)
    for metric, (_, k) in parsed.items():
        check_depth(ranks, k, metric)
    values = {metric: MEASURES[name](queries, k) for metric, (name, k) in parsed.items()}
    return queries.table.assign(setting=_settings(queries.table), **values)


def ranked_queries(ranks: pd.DataFrame) -> RankedQueries:
    """Groups a table of ranks by query and pool, after all checks of such a table.

    Args:
        ranks: a table of `hbt.rank`, of one benchmark and one run.

    Returns:
        The queries with their ranks.

    Raises:
        ValueError: as `per_query` does.
    """
    check_ranks(ranks)
    queries = RankedQueries(ranks)
    _check_one_run(queries, shared=has_mid_ranks(ranks))
    return queries


def named_metrics(metrics: str | Sequence[str]) -> list[str]:
    """Takes a metric, or a list of different ones, as a list; ValueError for anything else."""
    return check_names("metrics", [metrics] if isinstance(metrics, str) else metrics, "metrics")


@documents(MEASURES.values())
def measure(ranks: pd.DataFrame, metrics: Sequence[str] = METRICS) -> pd.DataFrame:
    """Computes metrics for every pair of query language and pool.

    Args:
        ranks: a table of `hbt.rank`, of one benchmark and one run.
        metrics: names as the field writes them: mAP, mAP@10, MRR@10, nDCG@10, R@1, rank-distance.

    Returns:
        Tidy: setting, query_language, pool, metric, value (the mean over queries), n_queries. Rank
        distances are given in the multilingual setting alone, where a pool can hold several
        relevant passages, and not where a benchmark does not tell which texts are translations. A
        query with one relevant passage has the distance 0 and counts in the mean.

    Raises:
        ValueError: as `per_query` does.

    Example:
        An English query, whose answers in English and German rank first and fourth of all passages.

        >>> import hbtlib as hbt, pandas as pd
        >>> ranks = pd.DataFrame({
        ...     "query_id": "q-en",
        ...     "question_id": "q",
        ...     "query_language": "en",
        ...     "pool": ["en", "de", "all", "all"],
        ...     "rank": [1, 2, 1, 4],
        ...     "n_relevant": [1, 1, 2, 2],
        ... })
        >>> measured = hbt.measure(ranks, ["mAP", "rank-distance"])
        >>> print(measured.drop(columns="query_language").to_string(index=False))
              setting pool        metric  value  n_queries
        cross-lingual   de           mAP   0.50          1
          monolingual   en           mAP   1.00          1
         multilingual  all           mAP   0.75          1
         multilingual  all rank-distance   3.00          1
    """
    metrics = named_metrics(metrics)
    keys = ["setting", "query_language", "pool"]
    grouped = per_query(ranks, metrics).groupby(keys, observed=True)
    means = grouped[metrics].mean().assign(n_queries=grouped.size()).reset_index()
    tidy = means.melt([*keys, "n_queries"], var_name="metric")
    is_distance = tidy["metric"].str.startswith("rank-distance")
    has_distance = (tidy["setting"] == "multilingual") & (not is_untranslated(ranks))
    tidy = tidy[~is_distance | has_distance]
    tidy = tidy.astype(dict.fromkeys(keys, "str")).reset_index(drop=True)
    return tidy[[*keys, "metric", "value", "n_queries"]]


def by_question(
    ranks: pd.DataFrame,
    metrics: Sequence[str] = ("mAP", "rank-distance"),
    *,
    trained: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Computes metrics for every question in every setting.

    The question is the unit of statistics, because its translations are hard or easy together.

    Args:
        ranks: a table of `hbt.rank`, of one benchmark and one run.
        metrics: names as in `measure`.
        trained: the languages trained on, which tells `trained` from `unseen` in the column
            `languages` as `by_training` does; None: all languages are one group, `all`.

    Returns:
        One row per group of languages, setting and question: languages, setting, question_id, and
        each metric's mean over the question's query languages and pools. rank-distance is NaN
        outside the multilingual setting, and where a benchmark does not tell translations.
    """
    metrics = named_metrics(metrics)
    table = per_query(ranks, metrics)
    table = table.assign(languages="all") if trained is None else by_training(table, trained)
    keys = ["languages", "setting", "question_id"]
    means = table.groupby(keys, observed=True)[metrics].mean().reset_index()
    distances = [metric for metric in metrics if metric.startswith("rank-distance")]
    has_distance = (means["setting"] == "multilingual") & (not is_untranslated(ranks))
    means.loc[~has_distance, distances] = np.nan
    return means.astype(dict.fromkeys(keys, "str"))


def summarise(measured: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Macro-averages metrics over each setting, as in the paper's Tables 1 and 2.

    Args:
        measured: `measure`'s table, or those of several runs one below the other.
        by: the columns that tell runs (or groups of languages) apart.

    Returns:
        One row per run (a value of the columns `by`), columns (setting, metric): the mean over the
        setting's pairs of query language and pool, each pair counting once.

    Raises:
        ValueError: for a missing column or value, an unknown setting, and a table without rows.

    Example:
        >>> import hbtlib as hbt, pandas as pd
        >>> measured = pd.DataFrame({
        ...     "setting": "cross-lingual",
        ...     "query_language": ["de", "en"],
        ...     "pool": ["en", "de"],
        ...     "metric": "mAP",
        ...     "value": [0.5, 0.7],
        ... })
        >>> print(hbt.summarise(measured).round(2))
        setting cross-lingual
        metric            mAP
        0                 0.6
    """
    by = [by] if isinstance(by, str) else check_names("by", by, "columns", some=False)
    check_columns(measured, ["setting", "metric", "value", *by], "measured values", "hbt.measure")
    check_texts(measured, ["setting", "metric", *by], "measured values")
    number_column(measured, "value", "measured values")
    unknown = sorted(set(map(str, measured["setting"].unique())) - set(SETTINGS))
    if unknown:
        raise ValueError(f"no setting {short(unknown[0])}; there are {listed(SETTINGS)}")
    frame = measured if by else measured.assign(run="")
    keys = [*(by or ["run"]), "setting", "metric"]
    means = frame.groupby(keys, sort=False, observed=True)["value"].mean()
    table = means.unstack(["setting", "metric"]).sort_index(axis=1, level=0, sort_remaining=False)
    table = table[[name for name in SETTINGS if name in table.columns.unique("setting")]]
    return table if by else table.reset_index(drop=True)


def _settings(table: pd.DataFrame) -> np.ndarray:
    """The setting of each row, from its query_language and pool."""
    pool = table["pool"].astype("str")
    is_own = pool == table["query_language"].astype("str")
    return np.select([pool == ALL, is_own], ["multilingual", "monolingual"], "cross-lingual")


def _check_one_run(queries: RankedQueries, shared: bool) -> None:
    """Raises ValueError unless each query has as many rows in a pool as relevant passages there.

    The rows of a query are sorted by rank, so two at one rank stand beside each other. That is an
    error unless ranks may be shared.
    """
    n_rows = np.bincount(queries.group)
    if (n_rows > queries.n_relevant).any():
        raise ValueError(
            f"these ranks hold more rows of {_named(queries, n_rows > queries.n_relevant)} than it "
            "has relevant passages: are they of several runs? Measure each alone"
        )
    if (n_rows < queries.n_relevant).any():
        raise ValueError(
            f"these ranks hold fewer rows of {_named(queries, n_rows < queries.n_relevant)} than "
            "its n_relevant says: give every relevant passage a row"
        )
    if not queries.agrees.all():
        where = np.bincount(queries.group, ~queries.agrees) > 0
        raise ValueError(
            f"the rows of {_named(queries, where)} differ in n_relevant: it is one number for a "
            "query and pool"
        )
    same_rank = (np.diff(queries.rank) == 0) & (np.diff(queries.group) == 0)
    if same_rank.any() and not shared:
        where = queries.group[1:][same_rank][0] == np.arange(len(n_rows))
        raise ValueError(
            f"these ranks hold two rows of {_named(queries, where)} at one rank: is a row there "
            "twice, or are they of several runs?"
        )


def _named(queries: RankedQueries, which: np.ndarray) -> str:
    """The first of these queries and its pool, for a message."""
    query = queries.table[which].iloc[0]
    return f"the query {short(query['query_id'])} in the pool {short(query['pool'])}"
