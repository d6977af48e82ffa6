"""The stages of a run, and the notebook 21-pretraining that shows them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import random_benchmark

import hbtlib as hbt
from hbtlib import files
from hbtlib import study as studies
from hbtlib.data.pairs import Pairs
from hbtlib.study import stages, together
from hbtlib.study.parameters import check_combination
from hbtlib.study.report import pretraining
from hbtlib.training.pretraining import PRETRAININGS


def parameters(**changed: Any) -> dict[str, Any]:
    quick = {"languages": "aa bb", "batch_size": 4, "steps": 6, "evaluate_every": 6}
    return {**studies.notebook_parameters("train"), **quick, **changed}


def test_a_run_of_two_stages_leaves_its_curve(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    asked = parameters(curve_every=3, pretraining={"objective": "translation-lm", "steps": 4})
    place: Any = SimpleNamespace(path=tmp_path)
    test, *_ = random_benchmark(4, languages=2)
    curve = stages.curve_of(place, {"tiny": test}, asked)
    start = tiny_encoder_factory()
    first = stages.first_stage(tiny_pairs, start, place, asked, curve)
    assert first.fingerprint() != start.fingerprint()
    options = studies.report.train.training_options(asked, curve)
    last = hbt.train(tiny_pairs, first, output=tmp_path, **options)

    table = stages.curve_tables(tmp_path, curve)["curves"]
    places = table[["stage", "step"]].drop_duplicates().to_numpy().tolist()
    assert places[:3] == [["pretraining", 0], ["pretraining", 3], ["pretraining", 4]]
    assert places[3:] == [["training", 3], ["training", 6]]
    assert table["tokens"].is_monotonic_increasing
    logs = [
        files.read_table(f / "training_log.parquet") for f in (tmp_path / "pretraining", tmp_path)
    ]
    ends = [log["tokens"].max() for log in logs]
    assert table["tokens"].max() == sum(ends)
    assert table.loc[table["stage"] == "pretraining", "tokens"].max() == ends[0]

    measured = hbt.measure(hbt.rank(last, test), ["mAP"])
    wanted = measured.groupby("setting")["value"].mean()
    end = table[(table["stage"] == "training") & (table["step"] == 6)].set_index("setting")
    for setting, value in wanted.items():
        assert end.loc[setting, "value"] == pytest.approx(value)
    assert set(table["languages"]) == {"trained"}


def test_without_a_stage_and_a_curve_nothing_changes(tiny_pairs: Pairs, tmp_path: Path) -> None:
    asked = parameters()
    place: Any = SimpleNamespace(path=tmp_path)
    assert stages.curve_of(place, {}, asked) is None
    start: Any = object()
    assert stages.first_stage(tiny_pairs, start, place, asked, None) is start
    assert stages.curve_tables(tmp_path, None) == {}
    given = studies.report.train.training_options(asked, None)
    assert list(given) == list(studies.report.train.OPTIONS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"pretraining": {"step": 3}}, "pretraining has no option 'step'"),
        ({"pretraining": {"objective": "masked-lm"}}, "pretraining lacks steps"),
        ({"pretraining": {"steps": 0}}, "pretraining: steps is 0"),
        ({"pretraining": {"steps": 3, "objective": "mlm"}}, "pretraining: objective is 'mlm'"),
        ({"pretraining": {"steps": 3, "masked": 1}}, "pretraining: masked is 1"),
        ({"pretraining": {"steps": 3, "learning_rate": 0}}, "pretraining: learning_rate is 0"),
        ({"pretraining": {"steps": 3, "learning_rate": "1e-3"}}, "is the text '1e-3'"),
        ({"pretraining": {"steps": 3, "whole_words": "yes"}}, "whole_words is 'yes'"),
        ({"pretraining": {"steps": 3}, "strategy": "none"}, "pretraining is given, but with"),
        ({"curve_every": 3, "strategy": "none"}, "curve_every is given, but with"),
    ],
)
def test_wrong_stages_are_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_combination({**studies.notebook_parameters("train"), **given})


def test_a_good_stage_passes() -> None:
    stage = {"objective": "masked-lm", "steps": 3, "embedding_learning_rate": None, "masked": 0.3}
    check_combination({**studies.notebook_parameters("train"), "pretraining": stage})
    assert together.PRETRAININGS == PRETRAININGS
    assert (pretraining.FIRST, pretraining.SECOND) == (stages.FIRST, stages.SECOND)


# 21-pretraining


ARMS = {"hybrid": 0.5, "masked-lm then x-x-mono": 0.6}


@pytest.fixture
def reader() -> Any:
    """Two arms with two seeds: hybrid only rises; the other one forgets in its second stage."""
    rows = []
    for seed in (0, 1):
        for step, value in ((0, 0.1), (200, 0.3), (400, 0.5)):
            rows.append(("hybrid", seed, "training", step, 10 * step + seed * 2, value))
        other = [("pretraining", 0, 0, 0.1), ("pretraining", 220, 2000, 0.4)]
        other += [("training", 200, 3990, 0.3 + 0.02 * seed)]
        rows += [("masked-lm then x-x-mono", seed, *row) for row in other]
    columns = ["arm", "seed", "stage", "step", "tokens", "value"]
    table = pd.DataFrame(rows, columns=columns)
    table = table.assign(languages="trained", setting="cross-lingual", metric="mAP")
    table["run"] = table["arm"] + table["seed"].astype(str)
    measured = table[table["step"] >= 200].assign(query_language="de", pool="en")
    measured = measured[measured["stage"] == "training"]
    measured = measured[~((measured["arm"] == "hybrid") & (measured["step"] == 200))]
    return SimpleNamespace(collect=lambda what: table, measured=lambda: measured)


def test_curves_have_the_tokens_of_both_stages(reader: Any) -> None:
    curves = pretraining.curves(reader)
    other = curves[curves["arm"] != "hybrid"]
    assert other[other["seed"] == 0]["tokens"].tolist() == [0, 2000, 3990]
    hybrid = curves[curves["arm"] == "hybrid"]
    assert hybrid["tokens"].tolist() == [1, 2001, 4001] * 2  # the mean over seeds
    read = pretraining.tokens(curves).set_index("arm")
    assert read.loc["masked-lm then x-x-mono", "first stage"] == pytest.approx(0.002)
    assert read.loc["masked-lm then x-x-mono", "second stage"] == pytest.approx(0.00199)
    assert read.loc["hybrid", "first stage"] == 0
    assert read["of the most"].tolist() == pytest.approx([1, 3990 / 4001])
    assert "2 arms read" in pretraining.tokens_says(read.reset_index())
    fewer = read.reset_index().assign(**{"of the most": [1, 0.5]})
    assert "read by masked-lm then x-x-mono (50%)." in pretraining.tokens_says(fewer)
    assert "100%" in pretraining.tokens_shown(read.reset_index()).to_html()
    assert pretraining.change(curves) == 4001 / 2
    assert hbt.plots.progress_curves(curves).axes[0].get_ylabel() == "mAP"


def test_what_is_forgotten_is_said(reader: Any) -> None:
    table = pretraining.forgotten(pretraining.curves(reader)).set_index("arm")
    row = table.loc["masked-lm then x-x-mono"]
    assert row["best"] == pytest.approx(0.4)
    assert row["at"] == pytest.approx(2000 / 3990)
    assert (row["low"], row["high"]) == pytest.approx((0.08, 0.1))
    assert row["lost"] == pytest.approx(0.09)
    assert table.loc["hybrid", "lost"] == 0
    said = pretraining.curves_says(table.reset_index())
    assert "hybrid forgets nothing." in said
    assert "loses 0.090 of 0.400 in the cross-lingual setting, languages trained on" in said
    assert "(highest after 50% of the tokens)" in said
    assert "0.090" in pretraining.forgotten_shown(table.reset_index()).to_html()


def test_scores_and_answer(reader: Any) -> None:
    seeds = pretraining.scores(reader)
    shown = pretraining.summary(seeds)
    assert shown.loc["hybrid"].tolist() == ["0.500 ± 0.000"]
    assert "cross-lingual, languages trained on: hybrid is best (0.500)" in pretraining.scores_says(
        seeds
    )
    effects = pd.DataFrame(
        {
            "contrast": ["hybrid − masked-lm then x-x-mono", "hybrid − a", "hybrid − b", "a − b"],
            "metric": "mAP",
            "languages": "trained",
            "setting": "cross-lingual",
            "difference": [0.2, -0.1, 0.01, 0.5],
            "low": [0.1, -0.2, -0.1, 0.4],
            "high": [0.3, -0.05, 0.1, 0.6],
            "p_holm": [0.001, 0.01, 0.9, 0.001],
        }
    )
    said = pretraining.answer(effects, seeds)
    assert said == (
        "- cross-lingual, languages trained on: hybrid (0.500 ± 0.000) is better than masked-lm "
        "then x-x-mono; is worse than a; cannot be told from b.\n\nBetter and worse: by question "
        "(corrected for many tests) and by unit (not corrected)."
    )
    with pytest.raises(ValueError, match="subject is 'b', and no declared difference is b − "):
        pretraining.answer(effects, seeds, "b")
    chance = effects.assign(p_holm=np.ones(4))
    assert "(0.500 ± 0.000) cannot be told from masked-lm then x-x-mono, a and b." in str(
        pretraining.answer(chance, seeds)
    )


def test_the_arms_of_the_study() -> None:
    study = studies.load("pretraining")
    arms = list(dict.fromkeys(run.arm for run in study.runs))
    assert len(study.runs) == 5 * len(arms) == 40
    assert study.family is not None
    against = {name.removeprefix("hybrid − ") for name in study.family.differences}
    assert set(arms) - {"hybrid"} <= against
    for run in studies.load("pretraining").runs:
        asked = run.parameters
        first = asked["pretraining"].get("steps", 0)
        assert asked["evaluate_every"] == asked["steps"], "the last weights are kept"
        halves = first > 0 or run.arm == "none then hybrid"
        assert asked["steps"] == (200 if halves else 400)
    full = studies.load("pretraining-full")
    assert {run.arm for run in full.runs} == set(arms)
    assert {run.parameters["encoder"] for run in full.runs} == {"xlm-roberta-base"}
