"""Weighted sums of a study's arms, such as a factorial's effects, tested as differences are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from hbtlib.checks import check_number, short
from hbtlib.data.benchmark import SETTINGS
from hbtlib.evaluation.checks import check_columns, check_texts, listed, number_column
from hbtlib.evaluation.paired_tests import Plan, tests_table
from hbtlib.evaluation.units import Unit


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
    """Tests weighted sums of arms, such as the effects of a factorial.

    As in `compare`, p speaks of these trained models on other questions, and the interval over
    several seeds of another training too.

    Args:
        questions: `metrics.by_question`'s tables of several runs with the columns arm and seed, of
            one benchmark and one group of languages (`study.collect(…, "questions")`).
        wanted: name of a contrast → {arm: weight}.
        metric: one metric or several, columns of `questions`.
        setting: one setting or several.
        unit: what each question belongs to, as in `compare`.
        permutations: how many sign patterns the permutation test draws.
        samples: how many samples the bootstrap draws.
        seed: of the random draws.

    Returns:
        One row per contrast, metric and setting, with the columns of `compare` except wins, ties
        and losses; difference is the mean over questions of Σ weight × the arm's value.

    Raises:
        ValueError: for a missing column or value, no contrast, a weight that is no number, an arm
            that is not there, a question that occurs twice in a run, and where arms do not have the
            same seeds and questions.

    Example:
        >>> import hbtlib as hbt, pandas as pd
        >>> questions = pd.DataFrame({
        ...     "arm": ["x-y"] * 3 + ["x-x"] * 3,
        ...     "seed": 0,
        ...     "setting": "multilingual",
        ...     "question_id": ["q1", "q2", "q3"] * 2,
        ...     "mAP": [0.5, 0.7, 0.9, 0.4, 0.4, 0.4],
        ... })
        >>> gain = {"gain of x-y": {"x-y": 1, "x-x": -1}}
        >>> hbt.contrasts(questions, gain)["difference"].round(2).tolist()
        [0.3]
    """
    plan = Plan.of(metric, setting, unit, permutations, samples, seed)
    if not isinstance(wanted, Mapping) or not wanted:
        raise ValueError(
            f"wanted is {short(wanted)}; it names each contrast and its weights: "
            '{"gain": {"x-y": 1, "x-x": -1}}'
        )
    arms = _values_by_arm(questions, plan)
    sums = {name: _weighted_sum(name, weights, arms) for name, weights in wanted.items()}
    return tests_table("contrast", sums, plan)


def _values_by_arm(questions: pd.DataFrame, plan: Plan) -> dict[Any, pd.DataFrame]:
    """Each arm's values, indexed by (setting, seed, question_id), a column a metric."""
    keys = ["arm", "seed", "setting", "question_id"]
    check_columns(questions, [*keys, *plan.metrics], "questions", "metrics.by_question")
    check_texts(questions, keys, "questions")
    for metric in plan.metrics:
        # A rank distance is missing outside the multilingual setting.
        number_column(questions, metric, "questions", missing=metric.startswith("rank-distance"))
    if questions.duplicated(["arm", "seed", "setting", "question_id"]).any():
        raise ValueError(
            "a question stands twice in a run: choose one benchmark and one group of languages"
        )
    asked = questions[questions["setting"].isin(plan.settings)]
    if asked.empty:
        there = listed(sorted(map(str, questions["setting"].unique())))
        raise ValueError(f"the questions are of {there}, and none of {listed(plan.settings)}")
    pooled = asked[asked["setting"] == "multilingual"]
    for metric in plan.metrics:
        if len(pooled) and pooled[metric].isna().all():
            raise ValueError(
                f"no question has a {metric}: the benchmark does not tell translations"
            )
    asked = asked.set_index(["setting", "seed", "question_id"]).sort_index()
    by_arm = asked.groupby("arm", observed=True)
    return {arm: rows[plan.metrics].astype(float) for arm, rows in by_arm}


def _weighted_sum(
    name: str, weights: Mapping[str, float], arms: Mapping[Any, pd.DataFrame]
) -> pd.DataFrame:
    """Σ weight × the arm's values; ValueError if an arm is not there or has other rows."""
    if not isinstance(weights, Mapping) or not weights:
        raise ValueError(f"contrast {name!r} is {short(weights)}; it gives each arm its weight")
    unknown = [arm for arm in weights if arm not in arms]
    if unknown:
        raise ValueError(f"contrast {name!r}: no arm {unknown[0]!r}; there are {listed(arms)}")
    for arm, weight in weights.items():
        check_number(f"contrast {name!r}: the weight of {arm!r}", weight)
    first = next(iter(weights))
    if any(not arms[arm].index.equals(arms[first].index) for arm in weights):
        raise ValueError(
            f"contrast {name!r}: {listed(weights)} do not have the same seeds and questions"
        )
    total: Any = sum(weight * arms[arm] for arm, weight in weights.items())
    return total
