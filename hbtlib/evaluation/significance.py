"""Is a difference between runs real? Paired tests whose unit is the question, or something larger. A question stands in a
benchmark in many languages, and its translations are hard or easy together. Taken as independent
they would make chance look
like proof: so everything here is first averaged over a question's languages. Questions of one
paragraph or one pattern are
alike too: `unit` takes all of them as one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy  # whose parts come when first used
from numpy.typing import NDArray

from hbtlib.data.benchmark import SETTINGS
from hbtlib.evaluation.metrics import Floats, per_query

Unit = Mapping[str, object] | Callable[[str], object] | None
"""What a question_id belongs to, where that and not the question is the unit: a map, or a function."""

_SHAPE = [
    "n_passages",
    "n_relevant",
]  # of a pool: two tables of other pools are not of one benchmark
_AT_ONCE = 1000  # permutations or bootstrap samples held in memory together


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
    """One run (or the runs of several seeds) against another, or against several by name. A row a (baseline, metric,
    setting):

    difference: the mean over questions of a's minus b's, each question averaged over its query
    languages and pools (and seeds) first; so it is not quite the difference of the macro-averages
    of `summarise` where questions have some of the languages only. low, high: its 95 % bootstrap
    interval over units, and over seeds and units where there are several seeds (two levels,
    percentiles; widened for few units or seeds as Student's t is, so rather too wide than too
    narrow; NaN for one unit). p: two-sided paired sign-flip permutation test on the units'
    differences, (b + 1) / (m + 1) for b of m random sign patterns at least as far from 0. p_holm:
    adjusted over all rows of this call (Holm 1979): name the family by what you ask for, before you
    look. p_t: Student's paired t-test on units (cluster-robust where they hold several questions).
    effect: mean over standard deviation of the questions' differences (Cohen's d for pairs; of
    means over languages and seeds, so it cannot be set against that of another setting). wins,
    ties, losses: pairs of query language and pool in which a's mean is better, equal or worse (a
    rank distance is better when lower). n_questions, n_units, n_seeds.

    unit: what each question belongs to, if questions are not independent (`hbt.units(ranks)` knows
    it of some benchmarks);
    None: the question itself. p, and with one seed the interval, speak of these trained models on
    other units; the interval over several seeds speaks of another training too. So a difference is
    to be believed where p_holm is small and the interval is without 0.

    ranks_a, ranks_b: tables of `hbt.rank`; a column `seed` tells runs of several seeds apart, and
    both need the same. The same call gives the same numbers on every machine. Raises ValueError
    where the queries and pools are not the same.
    """
    metrics, settings = _asked(metric, setting, permutations, samples)
    baselines = ranks_b if isinstance(ranks_b, Mapping) else {"": ranks_b}
    if not baselines:
        raise ValueError("there is nothing to compare with: ranks_b is empty")
    runs = [_measured(ranks, metrics) for ranks in (ranks_a, *baselines.values())]
    for name, run in zip(baselines, runs[1:], strict=True):
        _same_rows(runs[0], run, f" ({name})" if name else "")
    questions, pairs = (
        [run.groupby(keys)[metrics].mean() for run in runs]
        for keys in (["setting", "seed", "question_id"], ["setting", "query_language", "pool"])
    )
    gaps = {
        name: questions[0] - other for name, other in zip(baselines, questions[1:], strict=True)
    }
    table = _tested("baseline", gaps, metrics, settings, unit, permutations, samples, seed)
    better = {
        name: (pairs[0] - other).round(12)
        * [-1 if m.startswith("rank-distance") else 1 for m in metrics]
        for name, other in zip(baselines, pairs[1:], strict=True)
    }
    for outcome, sign in (("wins", 1), ("ties", 0), ("losses", -1)):
        table[outcome] = [
            int((np.sign(better[name].xs(where)[m]) == sign).sum())
            for name, where, m in table[["baseline", "setting", "metric"]].to_numpy()
        ]
    return table if isinstance(ranks_b, Mapping) else table.drop(columns="baseline")


def contrasts(
    questions: pd.DataFrame,
    wanted: Mapping[str, Mapping[str, float]],
    *,
    metric: str | Sequence[str] = "mAP",
    setting: str | Sequence[str] = SETTINGS,
    unit: Unit = None,
    permutations: int = 10_000,
    samples: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Weighted sums of arms, such as the effects of a factorial: name → {arm: weight}. A row a (contrast, metric, setting).

    questions: `metrics.by_question`'s tables of several runs with the columns arm and seed, of one
    group of languages (`study.collect(…, "questions")`). Columns as in `compare`, without wins and
    losses: difference is the mean over questions of Σ weight × the arm's value. Raises ValueError
    for an arm that is not there, and where arms do not have the same seeds and questions.
    """
    metrics, settings = _asked(metric, setting, permutations, samples)
    if questions.duplicated(["arm", "seed", "setting", "question_id"]).any():
        raise ValueError(
            "a question stands twice in a run: choose one benchmark and one group of languages"
        )
    asked = (
        questions[questions["setting"].isin(settings)]
        .set_index(["setting", "seed", "question_id"])
        .sort_index()
    )
    arms: dict[Any, pd.DataFrame] = {
        arm: rows[metrics].astype(float) for arm, rows in asked.groupby("arm", observed=True)
    }
    sums: dict[str, Any] = {}
    for name, weights in wanted.items():
        if unknown := [arm for arm in weights if arm not in arms]:
            raise ValueError(
                f"contrast {name!r}: no arm {unknown[0]!r}; there are {', '.join(arms)}"
            )
        if any(not arms[arm].index.equals(arms[next(iter(weights))].index) for arm in weights):
            raise ValueError(
                f"contrast {name!r}: {', '.join(weights)} do not have the same seeds and questions"
            )
        sums[name] = sum(weight * arms[arm] for arm, weight in weights.items())
    return _tested("contrast", sums, metrics, settings, unit, permutations, samples, seed)


def compare_pairs(
    ranks_a: pd.DataFrame,
    ranks_b: pd.DataFrame,
    *,
    metric: str = "mAP",
    unit: Unit = None,
    permutations: int | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Every pair of query language and pool: query_language, pool, difference, p, p_holm (over all of them), n_questions.
    The test is `compare`'s, on the questions that have the pair; it says which cells of a heatmap
    of differences may be chance. Several seeds are averaged, and p speaks of these trained models.
    permutations: None for 100 a cell, 10,000 at least, so that Holm's correction leaves something
    to be found. Raises as `compare`.
    """
    metrics, _ = _asked(metric, SETTINGS, 1 if permutations is None else permutations, 1)
    tables = [_measured(ranks, metrics) for ranks in (ranks_a, ranks_b)]
    _same_rows(tables[0], tables[1], "")
    cells = [
        table.groupby(["question_id", "query_language", "pool"])[metric].mean() for table in tables
    ]
    wide = (cells[0] - cells[1]).unstack(["query_language", "pool"]).sort_index(axis=1)
    if metric.startswith("rank-distance"):
        wide = wide.loc[:, wide.columns.get_level_values("pool") == "all"]
    sums, _ = _by_unit(wide.fillna(0.0).T, unit)
    table = wide.mean().rename("difference").reset_index()
    table["p"] = sign_flip(sums.T, permutations or max(10_000, 100 * len(table)), seed)
    return table.assign(
        p_holm=holm(table["p"].to_numpy()), n_questions=wide.notna().sum().to_numpy()
    )


def units(ranks: pd.DataFrame) -> dict[str, int]:
    """What each question of a benchmark belongs to, question_id → number, for `unit` of `compare`. Questions with a relevant
    passage in common, in any language, belong together, directly or through others. For xquad-r and
    mlqa-r the passage's paragraph counts, for worldfacts the relation a question asks for (its
    pattern).
    """
    table = ranks[["benchmark", "question_id", "passage_id"]].drop_duplicates().astype("str")
    shared = table["passage_id"]
    shared = shared.where(
        ~table["benchmark"].isin(["xquad-r", "mlqa-r"]), shared.str.rsplit(":", n=1).str[0]
    )
    shared = shared.where(
        table["benchmark"] != "worldfacts", table["question_id"].str.split("-").str[0]
    )
    questions, names = pd.factorize(table["question_id"], sort=True)
    others, more = pd.factorize(shared)
    size = len(names) + len(more)
    links = scipy.sparse.coo_array(
        (np.ones(len(table)), (questions, others + len(names))), shape=(size, size)
    )
    _, found = scipy.sparse.csgraph.connected_components(links, directed=False)
    return dict(zip(names, found[: len(names)].tolist(), strict=True))


def _asked(
    metric: str | Sequence[str], setting: str | Sequence[str], permutations: int, samples: int
) -> tuple[list[str], list[str]]:
    metrics, settings = ([x] if isinstance(x, str) else list(x) for x in (metric, setting))
    for name in settings:
        if name not in SETTINGS:
            raise ValueError(f"no setting {name!r}; there are {', '.join(SETTINGS)}")
    if permutations < 1 or samples < 1:
        raise ValueError(
            f"permutations is {permutations} and samples {samples}; both are 1 or more"
        )
    return metrics, settings


def _measured(ranks: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """`per_query`'s table of every seed, one after the other."""
    parts = ranks.groupby("seed", sort=True) if "seed" in ranks else [(0, ranks)]
    shape = ["query_id", "pool", *ranks.columns.intersection(_SHAPE)]
    table = pd.concat(
        [
            per_query(part, metrics)
            .merge(part[shape].drop_duplicates(["query_id", "pool"]))
            .assign(seed=seed)
            for seed, part in parts
        ],
        ignore_index=True,
    )
    return table.astype(dict.fromkeys(["query_id", "question_id", "query_language", "pool"], "str"))


def _same_rows(own: pd.DataFrame, other: pd.DataFrame, which: str) -> None:
    seeds = [sorted(table["seed"].unique().tolist()) for table in (own, other)]
    if seeds[0] != seeds[1]:
        raise ValueError(
            f"the two do not have the same seeds{which}: a has {seeds[0]}, b has {seeds[1]}"
        )
    keys = [
        "seed",
        "question_id",
        "query_id",
        "query_language",
        "pool",
        *own.columns.intersection(_SHAPE),
    ]
    unlike = own[keys].merge(other[keys], how="outer", indicator=True).query("_merge != 'both'")
    if len(unlike):
        raise ValueError(
            f"the two do not hold the same queries and pools{which}: {len(unlike)} are in one of them alone, "
            f"{'/'.join(map(str, unlike[keys].iloc[0]))} for one; rank the same benchmark with both"
        )


def _tested(
    label: str,
    values: Mapping[str, pd.DataFrame],
    metrics: Sequence[str],
    settings: Sequence[str],
    unit: Unit,
    permutations: int,
    samples: int,
    seed: int,
) -> pd.DataFrame:
    """A row a (name, metric, setting) with all that is said of its values: (setting, seed, question_id) × metric."""
    table = pd.DataFrame(
        [
            {
                label: name,
                "metric": m,
                "setting": where,
                **_test(of.xs(where)[m].unstack("question_id"), unit, permutations, samples, seed),
            }
            for name, of in values.items()
            for where in settings
            if where in of.index
            for m in metrics
            if where == "multilingual" or not m.startswith("rank-distance")
        ]
    )
    if table.empty:
        raise ValueError(f"these ranks hold none of {', '.join(metrics)} in {', '.join(settings)}")
    table.insert(list(table.columns).index("p") + 1, "p_holm", holm(table["p"].to_numpy()))
    return table


def _by_unit(by: pd.DataFrame, unit: Unit) -> tuple[Floats, Floats]:
    """(rows, units) sums of the columns (question_ids) that belong to a unit, and (units,) how many they are."""
    if unit is None:
        return by.to_numpy(), np.ones(by.shape[1])
    of = by.columns.to_series().map(unit)
    if of.isna().any():
        raise ValueError(
            f"unit says nothing of question {of.index[of.isna()][0]!r}: it must name what each belongs to"
        )
    units = by.T.groupby(of.astype("str"))
    return units.sum().T.to_numpy(), np.asarray(units.size(), np.float64)


def _test(
    by: pd.DataFrame, unit: Unit, permutations: int, samples: int, seed: int
) -> dict[str, float]:
    """Everything that is said of the differences of each seed (rows) and question (columns)."""
    if not np.isfinite(by.to_numpy()).all():
        raise ValueError(
            "the seeds do not hold the same questions; rank the same benchmark with all of them"
        )
    sums, sizes = _by_unit(by, unit)  # (seeds, units)
    questions, units = by.to_numpy().mean(0), sums.mean(0)
    n, mean = len(questions), questions.mean()
    low, high = (
        np.percentile(_bootstrap(sums, sizes, samples, seed), [2.5, 97.5])
        if len(units) > 1
        else (np.nan, np.nan)
    )
    nothing = 1e-12 * max(abs(mean), 1e-3)  # what rounding leaves of a spread of 0
    spread = questions.std(ddof=1) if n > 1 else 0.0
    # The standard error over units; with one question a unit it is Student's.
    error = (
        np.sqrt(len(units) / (len(units) - 1) * ((units - mean * sizes) ** 2).sum()) / n
        if len(units) > 1
        else 0.0
    )
    return {
        "difference": mean,
        "low": low,
        "high": high,
        "p": float(sign_flip(units, permutations, seed)),
        "p_t": 2 * scipy.stats.t.sf(abs(mean / error), len(units) - 1)
        if error > nothing
        else np.nan,
        "effect": mean / spread if spread > nothing else np.nan,
        "n_questions": n,
        "n_units": len(units),
        "n_seeds": len(by),
    }


def sign_flip(
    differences: Floats, permutations: int = 10_000, seed: int = 0
) -> NDArray[np.float64]:
    """The two-sided p of a paired sign-flip permutation test: are the differences symmetric about 0? (b + 1) / (m + 1).
    differences: (n,), or (n, tests) for several tests with the same patterns; p has the shape of
    what is left.
    """
    if not np.isfinite(differences).all():
        raise ValueError("a difference is not finite: the test is of numbers alone")
    rng = np.random.default_rng(seed)
    found = np.abs(differences.sum(0))
    beyond = np.zeros(found.shape)
    n = len(differences)
    for start in range(0, permutations, _AT_ONCE):
        count = min(_AT_ONCE, permutations - start)
        bits = np.unpackbits(
            np.frombuffer(rng.bytes(count * (-(-n // 8))), np.uint8).reshape(count, -1),
            axis=1,
            count=n,
        )
        sums = 2 * (bits.astype(np.float64) @ differences) - differences.sum(0)
        # A sum in another order differs in its last digits: what is as far from 0 but for these is
        # as far.
        beyond += (np.abs(sums) >= found * (1 - 1e-9) - 1e-12).sum(0)
    return (beyond + 1) / (permutations + 1)


def _bootstrap(sums: Floats, sizes: Floats, samples: int, seed: int) -> Floats:
    """Means of samples drawn with replacement: of seeds, then of units. sums: (seeds, units), sizes: questions a unit."""
    rng = np.random.default_rng([seed, 1])
    seeds, units = sums.shape
    means = sums.sum(1, keepdims=True) / sizes.sum()
    apart = sums - means * sizes  # what the units add
    sums = (means.mean() + _widening(seeds) * (means - means.mean())) * sizes + _widening(
        units
    ) * apart
    drawn = []
    for start in range(0, samples, _AT_ONCE):
        count = min(_AT_ONCE, samples - start)
        of_seeds = (
            rng.multinomial(seeds, np.full(seeds, 1 / seeds), count) / seeds
        )  # (samples, seeds)
        of_units = rng.integers(0, units, (count, units))
        drawn.append(
            np.take_along_axis(of_seeds @ sums, of_units, 1).sum(1) / sizes[of_units].sum(1)
        )
    return np.concatenate(drawn)


def _widening(count: int) -> float:
    """By what deviations grow, so that percentiles of so few draws have the width of Student's interval. A bootstrap of n
    makes the variance too small by (n − 1) / n, and its percentiles are a normal's, not a t's.
    """
    if count < 2:
        return 1.0
    return float(
        np.sqrt(count / (count - 1))
        * scipy.stats.t.ppf(0.975, count - 1)
        / scipy.stats.norm.ppf(0.975)
    )


def holm(p: Floats) -> Floats:
    """Holm's adjusted p values (1979): the family's error rate is kept whatever the tests have to do with each other."""
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1.0)
    return raised[np.argsort(order)]
