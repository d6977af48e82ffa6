"""What is said of paired differences: mean, interval, p values and effect size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy  # its submodules are imported when first used
from numpy.typing import NDArray

from hbtlib.checks import check_integer, short
from hbtlib.data.benchmark import SETTINGS
from hbtlib.evaluation.checks import check_names, listed
from hbtlib.evaluation.holm import holm
from hbtlib.evaluation.resampling import bootstrap_interval, sign_flip
from hbtlib.evaluation.units import Unit, sum_by_unit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """Which tests are asked for, and how they are made.

    Attributes:
        metrics: the metrics that are tested.
        settings: the settings in which they are tested.
        unit: what each question belongs to, if questions are not independent.
        permutations: how many sign patterns a permutation test draws.
        samples: how many samples a bootstrap draws.
        seed: of all random draws.

    Raises:
        ValueError: for no metric or setting, one that stands twice, an unknown setting, fewer than
            1 permutation or sample, and a seed below 0.
    """

    metrics: list[str]
    settings: list[str]
    unit: Unit
    permutations: int
    samples: int
    seed: int

    @classmethod
    def of(
        cls,
        metric: str | Sequence[str],
        setting: str | Sequence[str],
        unit: Unit,
        permutations: int,
        samples: int,
        seed: int,
    ) -> Plan:
        """Reads arguments in which one name may stand for a list of names."""
        one = [metric] if isinstance(metric, str) else metric
        metrics = check_names("metric", one, "metrics")
        own = [setting] if isinstance(setting, str) else setting
        settings = check_names("setting", own, "settings")
        return cls(metrics, settings, unit, permutations, samples, seed)

    def __post_init__(self) -> None:
        for name in self.settings:
            if name not in SETTINGS:
                raise ValueError(f"no setting {short(name)}; there are {', '.join(SETTINGS)}")
        check_integer("permutations", self.permutations, minimum=1)
        check_integer("samples", self.samples, minimum=1)
        check_integer("seed", self.seed, minimum=0)


def tests_table(label: str, differences: Mapping[str, pd.DataFrame], plan: Plan) -> pd.DataFrame:
    """Tests several sets of differences, as one family.

    Args:
        label: the column for their names.
        differences: name → differences, indexed by (setting, seed, question_id), a column a metric.
        plan: the tests. A rank distance is tested in the multilingual setting alone.

    Returns:
        One row per name, metric and setting: these, and the columns of `paired_test` with p_holm
        after p.

    Raises:
        ValueError: if there are no differences of these metrics in these settings, or none in one
            of some settings that were asked for.
    """
    there = {setting for table in differences.values() for setting in table.index.unique(0)}
    lacking = [setting for setting in plan.settings if setting not in there]
    if lacking and there.intersection(plan.settings) and set(plan.settings) != set(SETTINGS):
        raise ValueError(
            f"these ranks hold nothing in the setting {listed(lacking)}; they have "
            f"{listed([name for name in SETTINGS if name in there])}"
        )
    rows = []
    for name, table in differences.items():
        for setting in plan.settings:
            if setting not in table.index:
                continue
            for metric in plan.metrics:
                if metric.startswith("rank-distance") and setting != "multilingual":
                    continue
                by_seed = table.xs(setting)[metric].unstack("question_id")
                row = {label: name, "metric": metric, "setting": setting}
                rows.append({**row, **paired_test(by_seed, plan)})
    if not rows:
        raise ValueError(
            f"these ranks hold none of {', '.join(plan.metrics)} in {', '.join(plan.settings)}"
        )
    tests = pd.DataFrame(rows)
    after_p = list(tests.columns).index("p") + 1
    tests.insert(after_p, "p_holm", holm(tests["p"].to_numpy()))
    return tests


def paired_test(differences: pd.DataFrame, plan: Plan) -> dict[str, float]:
    """Everything that is said of one set of differences.

    Args:
        differences: (seeds, questions), columns named by question_id.
        plan: unit, numbers of draws and seed.

    Returns:
        difference, low, high, p, p_t, effect, n_questions, n_units and n_seeds, as `compare`
        explains them.

    Raises:
        ValueError: if a seed lacks a question.
    """
    if not np.isfinite(differences.to_numpy()).all():
        raise ValueError(
            "a question has no score of this metric in some seed: the seeds do not hold the same "
            "questions, or the metric is not defined for all of them; rank the same benchmark with "
            "all of them"
        )
    sums, sizes = sum_by_unit(differences, plan.unit)  # (seeds, units), (units,)
    by_question = differences.to_numpy().mean(0)
    by_unit = sums.mean(0)
    low, high = bootstrap_interval(sums, sizes, plan.samples, plan.seed)
    return {
        "difference": by_question.mean(),
        "low": low,
        "high": high,
        "p": float(sign_flip(by_unit, plan.permutations, plan.seed)),
        "p_t": _t_test(by_unit, sizes, by_question.mean()),
        "effect": _effect_size(by_question),
        "n_questions": len(by_question),
        "n_units": len(by_unit),
        "n_seeds": len(differences),
    }


def _t_test(by_unit: Floats, sizes: Floats, mean: float) -> float:
    """The two-sided p of Student's paired t-test on units; NaN if they show no spread.

    The standard error is cluster-robust; with one question a unit it is Student's.

    Args:
        by_unit: (units,) the sums of the units' differences.
        sizes: (units,) how many questions each unit has.
        mean: the mean difference over questions.
    """
    n_units = len(by_unit)
    if n_units < 2:
        return np.nan
    squares = ((by_unit - mean * sizes) ** 2).sum()
    error = np.sqrt(n_units / (n_units - 1) * squares) / sizes.sum()
    if error <= _rounding(mean):
        return np.nan
    return 2 * scipy.stats.t.sf(abs(mean / error), n_units - 1)


def _effect_size(by_question: Floats) -> float:
    """Cohen's d for pairs: mean over standard deviation; NaN if there is no spread."""
    mean = by_question.mean()
    spread = by_question.std(ddof=1) if len(by_question) > 1 else 0.0
    return mean / spread if spread > _rounding(mean) else np.nan


def _rounding(mean: float) -> float:
    """What rounding may leave of a spread of 0."""
    return 1e-12 * max(abs(mean), 1e-3)
