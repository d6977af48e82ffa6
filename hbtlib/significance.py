"""Is a difference between two runs real? Paired tests whose unit is the question.

A question stands in a benchmark in many languages, and its translations are hard or easy together. Taken as independent
they would make chance look like proof: so everything here is first averaged over a question's languages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib.data.benchmark import SETTINGS
from hbtlib.metrics import per_query

Floats = NDArray[np.float64]
_AT_ONCE = 500  # permutations or bootstrap samples held in memory together


def compare(ranks_a: pd.DataFrame, ranks_b: pd.DataFrame | Mapping[str, pd.DataFrame], *,
            metric: str | Sequence[str] = "mAP", setting: str | Sequence[str] = SETTINGS, permutations: int = 10_000,
            samples: int = 10_000, seed: int = 0) -> pd.DataFrame:
    """One run (or the runs of several seeds) against another, or against several by name. A row a (baseline, metric,
    setting):

    difference: the mean over questions of a's minus b's, each question averaged over its query languages and pools (and
    seeds) first; so it is not quite the difference of the macro-averages of `summarise` where questions have some of the
    languages only. low, high: its 95 % bootstrap interval over questions, and over seeds and questions where there are
    several seeds (two levels, percentiles; with fewer than some ten seeds it is still too narrow). p: two-sided paired
    sign-flip permutation test on the questions' differences, (b + 1) / (m + 1) for b of m random sign patterns at least as
    far from 0. p_holm: adjusted over all rows of this call (Holm 1979): name the family by what you ask for, before you
    look. p_t: Student's paired t-test. effect: mean over standard deviation of the questions' differences (Cohen's d for
    pairs). wins, ties, losses: pairs of query language and pool in which a's mean is above, at or below b's. n_questions,
    n_seeds.

    p and, with one seed, the interval speak of these trained models on other questions, not of another training. Questions
    of one article or one pattern are alike too; taken as independent, as here, they make the tests too sure.

    ranks_a, ranks_b: tables of `hbt.rank`; a column `seed` tells runs of several seeds apart, and both need the same. The
    same call gives the same numbers on every machine. Raises ValueError where the two do not hold the same queries and
    pools.
    """
    from scipy import stats

    metrics, settings = ([x] if isinstance(x, str) else list(x) for x in (metric, setting))
    for name in settings:
        if name not in SETTINGS:
            raise ValueError(f"no setting {name!r}; there are {', '.join(SETTINGS)}")
    if permutations < 1 or samples < 1:
        raise ValueError(f"permutations is {permutations} and samples {samples}; both are 1 or more")
    baselines = ranks_b if isinstance(ranks_b, Mapping) else {"": ranks_b}
    own = _table(ranks_a, metrics)
    rows = []
    for baseline, ranks in baselines.items():
        other = _table(ranks, metrics)
        which = f" ({baseline})" if baseline else ""
        seeds = [sorted(table.index.unique("seed")) for table in (own, other)]
        if seeds[0] != seeds[1]:
            raise ValueError(f"the two do not have the same seeds{which}: a has {seeds[0]}, b has {seeds[1]}")
        if not own.index.equals(other.index):
            unlike = own.index.symmetric_difference(other.index)
            raise ValueError(f"the two do not hold the same queries and pools{which}: {len(unlike)} are in one of them "
                             f"alone, {'/'.join(map(str, unlike[0]))} for one; rank the same benchmark with both")
        for name in settings:
            chosen = own.index.get_level_values("setting") == name
            for m in metrics:
                if not chosen.any() or (m.startswith("rank-distance") and name != "multilingual"):
                    continue
                gaps = (own.loc[chosen, m] - other.loc[chosen, m])
                by = gaps.groupby(["seed", "question_id"]).mean().unstack("question_id").to_numpy()  # (seeds, questions)
                if not np.isfinite(by).all():
                    raise ValueError("the seeds do not hold the same questions; rank the same benchmark with all of them")
                questions = by.mean(0)
                pools = gaps.groupby(["query_language", "pool"]).mean().round(12)
                low, high = np.percentile(_bootstrap(by, samples, seed), [2.5, 97.5])
                spread = questions.std(ddof=1) if len(questions) > 1 else 0.0
                rows.append({
                    "baseline": baseline, "metric": m, "setting": name, "difference": questions.mean(), "low": low,
                    "high": high, "p": sign_flip(questions, permutations, seed),
                    "p_t": stats.ttest_1samp(questions, 0).pvalue if spread > 0 else np.nan,
                    "effect": questions.mean() / spread if spread > 0 else np.nan, "wins": int((pools > 0).sum()),
                    "ties": int((pools == 0).sum()), "losses": int((pools < 0).sum()), "n_questions": by.shape[1],
                    "n_seeds": by.shape[0]})
    if not rows:
        raise ValueError(f"these ranks hold none of {', '.join(metrics)} in {', '.join(settings)}")
    table = pd.DataFrame(rows)
    table.insert(list(table.columns).index("p") + 1, "p_holm", holm(table["p"].to_numpy()))
    return table if isinstance(ranks_b, Mapping) else table.drop(columns="baseline")


def _table(ranks: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """The metrics of every query and pool, in an order that is the same whatever that of the ranks is."""
    parts = ranks.groupby("seed", sort=True) if "seed" in ranks else [(0, ranks)]
    table = pd.concat([per_query(part, metrics).assign(seed=seed) for seed, part in parts])
    keys = ["seed", "setting", "query_language", "pool", "question_id", "query_id"]
    table = table.astype(dict.fromkeys(keys[1:], "str"))
    return table.set_index(keys)[list(metrics)].sort_index()


def sign_flip(differences: Floats, permutations: int = 10_000, seed: int = 0) -> float:
    """The two-sided p of a paired sign-flip permutation test: are the differences symmetric about 0? (b + 1) / (m + 1)."""
    rng = np.random.default_rng(seed)
    found = abs(differences.sum())
    beyond = 0
    for start in range(0, permutations, _AT_ONCE):
        signs = rng.integers(0, 2, (min(_AT_ONCE, permutations - start), len(differences)), dtype=np.int8) * 2 - 1
        # A sum in another order differs in its last digits: what is as far from 0 but for these is as far.
        beyond += int((np.abs(signs @ differences) >= found * (1 - 1e-9) - 1e-12).sum())
    return (beyond + 1) / (permutations + 1)


def _bootstrap(by: Floats, samples: int, seed: int) -> Floats:
    """Means of samples drawn with replacement: of seeds, then of questions. by: (seeds, questions)."""
    rng = np.random.default_rng([seed, 1])
    seeds, questions = by.shape
    if seeds > 1:  # drawn from so few the spread of seeds would come out too small by (S − 1) / S
        by = by + (np.sqrt(seeds / (seeds - 1)) - 1) * (by.mean(1, keepdims=True) - by.mean())
    means = []
    for start in range(0, samples, _AT_ONCE):
        n = min(_AT_ONCE, samples - start)
        of_seeds = rng.multinomial(seeds, np.full(seeds, 1 / seeds), n) / seeds
        of_questions = rng.multinomial(questions, np.full(questions, 1 / questions), n) / questions
        means.append(np.einsum("bs,sq,bq->b", of_seeds, by, of_questions, optimize=True))
    return np.concatenate(means)


def holm(p: Floats) -> Floats:
    """Holm's adjusted p values (1979): the family's error rate is kept whatever the tests have to do with each other."""
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(raised, 1.0)
    return adjusted
