"""Weighted sums of arms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawn_ranks import ranks_of

import hbtlib as hbt
from hbtlib.data.benchmark import UNTRANSLATED
from hbtlib.evaluation.metrics import by_question
from hbtlib.evaluation.significance import sign_flip


def test_contrasts_are_weighted_sums_of_arms() -> None:
    runs = {
        (arm, seed): ranks_of(10 * i + seed, shift=i / 5)
        for i, arm in enumerate("abcd")
        for seed in (0, 1)
    }
    questions = pd.concat(
        [by_question(ranks).assign(arm=arm, seed=seed) for (arm, seed), ranks in runs.items()]
    )
    of = {arm: pd.concat([runs[arm, s].assign(seed=s) for s in (0, 1)]) for arm in "abcd"}
    found = hbt.contrasts(questions, {"a - b": {"a": 1, "b": -1}}, metric=["mAP", "rank-distance"])
    compared = hbt.compare(of["a"], of["b"], metric=["mAP", "rank-distance"])
    same = [
        "metric",
        "setting",
        "difference",
        "low",
        "high",
        "p",
        "p_t",
        "effect",
        "n_questions",
        "n_seeds",
    ]
    pd.testing.assert_frame_equal(found[same], compared[same], check_exact=False, rtol=1e-9)
    effects = {
        "same": {"a": 0.5, "b": 0.5, "c": -0.5, "d": -0.5},
        "interaction": {"a": 1, "b": -1, "c": -1, "d": 1},
    }
    rows = hbt.contrasts(questions, effects, setting="multilingual").set_index("contrast")[
        "difference"
    ]
    mean = questions[questions["setting"] == "multilingual"].groupby("arm")["mAP"].mean()
    for name, weights in effects.items():
        assert rows[name] == pytest.approx(sum(w * mean[arm] for arm, w in weights.items()))
    with pytest.raises(ValueError, match=r"contrast 'x': no arm 'z'; there are a, b, c, d"):
        hbt.contrasts(questions, {"x": {"z": 1}})
    pooled = questions[questions["setting"] == "multilingual"]
    with pytest.raises(ValueError, match="are of multilingual, and none of monolingual"):
        hbt.contrasts(pooled, {"a - b": {"a": 1, "b": -1}}, setting="monolingual")
    with pytest.raises(ValueError, match="a question stands twice in a run"):
        hbt.contrasts(pd.concat([questions, questions]), effects)
    fewer = questions[
        (questions["seed"] == 0) | (questions["arm"] == "d")
    ]  # d alone has a second seed
    assert (hbt.contrasts(fewer, {"a - b": {"a": 1, "b": -1}})["n_seeds"] == 1).all()
    with pytest.raises(
        ValueError, match="contrast 'same': a, b, c, d do not have the same seeds and questions"
    ):
        hbt.contrasts(fewer, effects)


def test_what_rounding_leaves_is_no_spread() -> None:
    questions = pd.DataFrame(
        {"question_id": [f"q{i}" for i in range(30)], "setting": "monolingual", "seed": 0}
    )
    both = pd.concat(
        [
            questions.assign(arm=arm, mAP=more + np.arange(30) / 7)
            for arm, more in (("a", 0.1), ("b", 0.0))
        ]
    )
    found = hbt.contrasts(both, {"a - b": {"a": 1, "b": -1}}).iloc[0]
    assert found["difference"] == pytest.approx(0.1)
    assert np.isnan(found["effect"])
    with pytest.raises(ValueError, match="a difference is not finite"):
        sign_flip(np.array([0.1, np.nan]))


def test_without_translations_there_is_no_rank_distance() -> None:
    ranks = {arm: ranks_of(seed) for seed, arm in enumerate("ab")}
    apart = {
        arm: table.assign(question_id=UNTRANSLATED + table["question_id"].astype(str))
        for arm, table in ranks.items()
    }
    questions = pd.concat([by_question(t).assign(arm=arm, seed=0) for arm, t in apart.items()])
    assert questions["rank-distance"].isna().all()
    gain = {"a - b": {"a": 1, "b": -1}}
    assert set(hbt.contrasts(questions, gain, metric="mAP")["metric"]) == {"mAP"}
    with pytest.raises(ValueError, match="no question has a rank-distance"):
        hbt.contrasts(questions, gain, metric="rank-distance")
