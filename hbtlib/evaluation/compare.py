"""Compares runs: over all questions, and for every pair of query language and pool.

`significance` explains the two ways in which a difference may be chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from hbtlib.checks import check_integer, short
from hbtlib.data.benchmark import ALL, SETTINGS
from hbtlib.evaluation.checks import check_columns, check_texts, check_translated, listed
from hbtlib.evaluation.holm import holm
from hbtlib.evaluation.metrics import lower_is_better, per_query
from hbtlib.evaluation.paired_tests import Plan, tests_table
from hbtlib.evaluation.resampling import sign_flip
from hbtlib.evaluation.units import Unit, sum_by_unit

_KEYS = ["query_id", "question_id", "query_language", "pool"]
_POOL_SHAPE = ["n_passages", "n_relevant"]  # tables that differ in these are not of one benchmark


def compare(
    ranks_a: pd.DataFrame,
    ranks_b: pd.DataFrame | Mapping[str, pd.DataFrame],
    *,
    metric: str | Sequence[str] = "mAP",
    setting: str | Sequence[str] = SETTINGS,
    unit: Unit = None,
    permutations: int = 10_000,
    samples: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compares one run (or the runs of several seeds) with another, or with several by name.

    There are two ways in which a difference may be chance. p, and with one seed the interval, speak
    of these trained models on other questions (or units). The interval over several seeds speaks of
    another training too. So a difference of methods is to be believed where p_holm is small and the
    interval over several seeds does not contain 0.

    Args:
        ranks_a: a table of `hbt.rank`; a column `seed` tells the runs of several seeds apart.
        ranks_b: the baseline's table, with the same seeds; or name → table for several baselines.
        metric: one metric or several, named as in `measure`.
        setting: one setting or several.
        unit: what each question belongs to, if questions are not independent: a map or a function
            (`hbt.units(ranks)` knows it of some benchmarks). None: the question itself.
        permutations: how many sign patterns the permutation test draws.
        samples: how many samples the bootstrap draws.
        seed: of the random draws. The same call gives the same numbers on every machine.

    Returns:
        One row per baseline (if several), metric and setting:

        - difference: the mean over questions of a's value minus b's, each question averaged over
          its query languages and pools (and seeds) first. So it is not quite the difference of the
          macro-averages of `summarise` where questions have some of the languages only.
        - low, high: its 95 % bootstrap interval over units, and over seeds and units where there
          are several seeds (two levels, percentiles; widened for few units or seeds after Student's
          t: where two to five seeds differ more than units do it holds the truth in 92 to 95 of
          100 cases; NaN for one unit). `resampling` explains it.
        - p: of the two-sided paired sign-flip permutation test on the units' differences: (b + 1) /
          (m + 1) for b of m random sign patterns at least as far from 0.
        - p_holm: p adjusted over all rows of this call (Holm 1979). Name the family by what you ask
          for, before you look.
        - p_t: of Student's paired t-test on units (cluster-robust where they hold several
          questions). It takes the units' mean for normal: with few units trust p.
        - effect: mean over standard deviation of the questions' differences (Cohen's d for pairs;
          of means over languages and seeds, so it cannot be set against that of another setting).
        - wins, ties, losses: how many pairs of query language and pool have a mean of a that is
          better, equal or worse (a rank distance is better when lower).
        - n_questions, n_units, n_seeds.

    Raises:
        ValueError: if the benchmarks, queries, pools or seeds are not the same, a table is none of
            ranks (as in `measure`), an argument is out of range, or a rank distance is asked for
            of a benchmark that does not tell translations.

    Example:
        Of eight questions, run a has the answer first for six and second for two; run b always
        second.

        >>> import hbtlib as hbt, pandas as pd
        >>> questions = [f"q{i}" for i in range(8)]
        >>> b = pd.DataFrame({
        ...     "query_id": questions,
        ...     "question_id": questions,
        ...     "query_language": "en",
        ...     "pool": "de",
        ...     "rank": 2,
        ...     "n_relevant": 1,
        ... })
        >>> a = b.assign(rank=[1, 1, 1, 1, 1, 1, 2, 2])
        >>> found = hbt.compare(a, b, metric="mAP", setting="cross-lingual").iloc[0]
        >>> print(f"{found['difference']:.3f} [{found['low']:.2f}, {found['high']:.2f}]")
        0.375 [0.13, 0.54]
        >>> print(f"p = {found['p']:.2f} on {found['n_questions']} questions")
        p = 0.03 on 8 questions
    """
    plan = Plan.of(metric, setting, unit, permutations, samples, seed)
    baselines = ranks_b if isinstance(ranks_b, Mapping) else {"": ranks_b}
    if not baselines:
        raise ValueError("there is nothing to compare with: ranks_b is empty")
    for name, ranks in baselines.items():
        _check_same_benchmark(ranks_a, ranks, f" ({name})" if name else "")
    own = _measured(ranks_a, plan.metrics)
    others = {name: _measured(ranks, plan.metrics) for name, ranks in baselines.items()}
    for name, other in others.items():
        _check_same_rows(own, other, f" ({name})" if name else "")
    own_questions = _by_question(own, plan)
    differences = {
        name: own_questions - _by_question(other, plan) for name, other in others.items()
    }
    table = tests_table("baseline", differences, plan)
    better = {name: _sign_by_pair(own, other, plan) for name, other in others.items()}
    for outcome, sign in (("wins", 1), ("ties", 0), ("losses", -1)):
        table[outcome] = [
            int((better[name].xs(where)[one] == sign).sum())
            for name, where, one in table[["baseline", "setting", "metric"]].to_numpy()
        ]
    return table if isinstance(ranks_b, Mapping) else table.drop(columns="baseline")


def compare_pairs(
    ranks_a: pd.DataFrame,
    ranks_b: pd.DataFrame,
    *,
    metric: str = "mAP",
    unit: Unit = None,
    permutations: int | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Compares two runs for every pair of query language and pool.

    This says which cells of a heatmap of differences may be chance, in one of two ways: p speaks of
    these trained models on other questions. It says nothing of another training: several seeds are
    averaged before the test, and only `compare`'s interval over several seeds speaks of that.

    Args:
        ranks_a: a table of `hbt.rank`; a column `seed` tells the runs of several seeds apart.
        ranks_b: the baseline's table, with the same seeds.
        metric: one metric. A rank distance is compared in the pool of all alone.
        unit: what each question belongs to, as in `compare`.
        permutations: how many sign patterns each test draws. None: 100 a cell, and 10,000 at least,
            so that Holm's correction leaves something to be found.
        seed: of the random draws.

    Returns:
        One row per query language and pool: query_language, pool, difference, p (of `compare`'s
        test, on the questions that have the pair), p_holm (adjusted over all rows), n_questions.

    Raises:
        ValueError: as `compare` does.
    """
    if not isinstance(metric, str):
        raise ValueError(f"metric is {short(metric)}; compare_pairs takes the name of one metric")
    n_draws = 1 if permutations is None else check_integer("permutations", permutations, minimum=1)
    plan = Plan.of(metric, SETTINGS, unit, n_draws, 1, seed)
    _check_same_benchmark(ranks_a, ranks_b, "")
    own, other = _measured(ranks_a, plan.metrics), _measured(ranks_b, plan.metrics)
    _check_same_rows(own, other, "")
    keys = ["question_id", "query_language", "pool"]
    difference = own.groupby(keys)[metric].mean() - other.groupby(keys)[metric].mean()
    cells = difference.unstack(["query_language", "pool"]).sort_index(axis=1)
    if metric.startswith("rank-distance"):
        cells = cells.loc[:, cells.columns.get_level_values("pool") == ALL]
    if cells.empty:
        raise ValueError(f"these ranks hold no pair of query language and pool with {metric}")
    # A question without the pair counts as a difference of 0, whose sign does not matter.
    sums, _ = sum_by_unit(cells.fillna(0.0).T, unit)
    table = cells.mean().rename("difference").reset_index()
    n_draws = permutations or max(10_000, 100 * len(table))
    table["p"] = sign_flip(sums.T, n_draws, seed)
    return table.assign(
        p_holm=holm(table["p"].to_numpy()), n_questions=cells.notna().sum().to_numpy()
    )


def _measured(ranks: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """`per_query`'s table of every seed, one below the other, with pool sizes and the seed."""
    check_columns(ranks, _KEYS)
    check_texts(ranks, ["seed"])
    if any(metric.startswith("rank-distance") for metric in metrics):
        check_translated(ranks)
    parts = ranks.groupby("seed", sort=True) if "seed" in ranks else [(0, ranks)]
    shape = ["query_id", "pool", *ranks.columns.intersection(_POOL_SHAPE)]
    tables = []
    for seed, part in parts:
        pools = part[shape].drop_duplicates(["query_id", "pool"])
        tables.append(per_query(part, metrics).merge(pools).assign(seed=seed))
    return pd.concat(tables, ignore_index=True).astype(dict.fromkeys(_KEYS, "str"))


def _check_same_benchmark(own: pd.DataFrame, other: pd.DataFrame, which: str) -> None:
    """Raises ValueError if two tables of ranks name different benchmarks."""
    for table in (own, other):
        check_columns(table, _KEYS)
        check_texts(table, ["benchmark"])
    if "benchmark" not in own or "benchmark" not in other:
        return
    own_names, other_names = (sorted(map(str, t["benchmark"].unique())) for t in (own, other))
    if own_names != other_names:
        raise ValueError(
            f"a is of the benchmark {listed(own_names)} and b{which} of {listed(other_names)}: "
            "compare runs of one benchmark"
        )


def _check_same_rows(own: pd.DataFrame, other: pd.DataFrame, which: str) -> None:
    """Raises ValueError if two tables of `_measured` differ in seeds, queries or pools."""
    own_seeds, other_seeds = (
        sorted(table["seed"].unique().tolist(), key=str) for table in (own, other)
    )
    if own_seeds != other_seeds:
        raise ValueError(
            f"the two do not have the same seeds{which}: a has {short(own_seeds)}, b has "
            f"{short(other_seeds)}"
        )
    keys = ["seed", "question_id", "query_id", "query_language", "pool"]
    keys += [name for name in _POOL_SHAPE if name in own and name in other]
    both = own[keys].merge(other[keys], how="outer", indicator=True)
    unlike = both[both["_merge"] != "both"]
    if len(unlike):
        example = short("/".join(map(str, unlike[keys].iloc[0])), 90)[1:-1]
        raise ValueError(
            f"the two do not hold the same queries and pools{which}: {len(unlike)} are in one of "
            f"them alone, {example} for one; rank the same benchmark with both"
        )


def _by_question(measured: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Each question's mean in each setting and seed, over its query languages and pools."""
    return measured.groupby(["setting", "seed", "question_id"])[plan.metrics].mean()


def _sign_by_pair(own: pd.DataFrame, other: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """1 if a pair of query language and pool has a better mean, 0 if equal, −1 if worse."""
    keys = ["setting", "query_language", "pool"]
    own_means = own.groupby(keys)[plan.metrics].mean()
    difference = own_means - other.groupby(keys)[plan.metrics].mean()
    direction = [-1 if lower_is_better(metric) else 1 for metric in plan.metrics]
    signs: Any = np.sign(difference.round(12) * direction)
    return signs
