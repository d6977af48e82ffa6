"""18-typology: languages with their features, gains by kind and distance, and what is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib import study as studies
from hbtlib.languages import syntactic_distance
from hbtlib.study.report import typology

TRAINED = ["ar", "en", "ru", "sw"]
TYDI = ["ar", "bn", "en", "fi", "id", "ko", "ru", "sw", "te"]


@pytest.fixture
def scores() -> pd.DataFrame:
    """Hybrid gains .1 in languages trained on, and .5 × distance less elsewhere."""
    rng = np.random.default_rng(0)
    levels = dict(zip(TYDI, rng.normal(0.5, 0.1, len(TYDI)), strict=True))
    rows = []
    for language in TYDI:
        gain = 0.1 - 0.5 * typology.nearest(language, TRAINED)
        for arm, more in (("x-x", 0.0), ("hybrid", gain), ("x-y", 0.3)):
            for seed in (0, 1):
                value = levels[language] + more + rng.normal(0, 0.001)
                panel = "tydiqa-goldp, monolingual"
                rows.append((panel, language, arm, seed, value))
        rows.append(("belebele, multilingual", language, "x-x", 0, 0.1))
    table = pd.DataFrame(rows, columns=["panel", "language", "arm", "seed", "value"])
    few = (table["panel"] == "belebele, multilingual") & ~table["language"].isin(["en", "fi"])
    more = table[(table["panel"] == "belebele, multilingual") & ~few].assign(arm="hybrid")
    return typology.with_features(pd.concat([table[~few], more]), TRAINED)


def test_the_distance_is_from_the_nearest_language_trained_on() -> None:
    assert typology.nearest("en", TRAINED) == 0
    known = [syntactic_distance("fi", code) for code in TRAINED]
    assert typology.nearest("fi", TRAINED) == min(d for d in known if d is not None)
    assert np.isnan(typology.nearest("yue", TRAINED))


def test_languages_bring_their_features(scores: pd.DataFrame) -> None:
    row = scores[scores["language"] == "te"].iloc[0]
    assert (row["family"], row["script"], row["word_order"]) == ("Dravidian", "Telugu", "SOV")
    assert not row["trained"]
    assert scores[scores["language"] == "sw"]["family"].iloc[0] == "Atlantic-Congo"


def test_gains_by_language_and_kind(scores: pd.DataFrame) -> None:
    gains = typology.gains(scores, "hybrid", "x-x")
    assert gains["panel"].unique().tolist() == ["tydiqa-goldp, monolingual"]  # the other has two
    values = gains.set_index("language")["difference"]
    assert values["en"] == pytest.approx(0.1, abs=0.003)
    assert values["fi"] == pytest.approx(0.1 - 0.5 * typology.nearest("fi", TRAINED), abs=0.003)
    said = typology.gains_says(gains, "hybrid", "x-x")
    assert "tydiqa-goldp, monolingual: hybrid is above x-x in" in said
    assert "of 9 languages; the mean difference is +0.100 in languages trained on" in said
    kinds = typology.by_kind(gains, "script")
    assert kinds.loc["Latin"].iloc[0].endswith("(en fi id sw)")
    figure = hbt.plots.gains_by_distance(gains)
    labels = [text.get_text().split() for text in figure.axes[0].get_yticklabels()]
    assert sorted(label[0] for label in labels) == sorted(gains["language"])
    trained = [label[0] for label in labels if len(label) == 1]
    assert sorted(trained) == sorted(gains.loc[gains["trained"], "language"])
    assert trained == [label[0] for label in labels][: len(trained)], "these stand at the top"
    far = [float(label[1]) for label in labels[len(trained) :]]
    assert far == sorted(far)
    with pytest.raises(
        ValueError, match="several values of panel tydiqa-goldp, monolingual, language ar"
    ):
        hbt.plots.gains_by_distance(pd.concat([gains, gains]))


def test_the_mixed_model_finds_what_is_there(scores: pd.DataFrame) -> None:
    pytest.importorskip("statsmodels", reason="mixed models need hbtlib[typology]")
    models = typology.mixed(scores, "hybrid", "x-x")
    estimates = models.set_index("term")["estimate"]
    assert estimates["hybrid"] == pytest.approx(0.1, abs=0.005)
    assert estimates["hybrid × distance"] == pytest.approx(-0.5, abs=0.05)
    plain = typology.gains(scores, "hybrid", "x-x")["difference"].mean()
    assert models["plain_mean"].unique().tolist() == [pytest.approx(plain)]
    said = typology.mixed_says(models, "hybrid", "x-x")
    assert "There are at most 9 languages in a model, which were not drawn at random" in said
    assert "a change of −0.5" in said
    assert "hybrid × distance" in typology.mixed_shown(models).to_html()
    # More seeds are no more languages: rows that repeat make no interval narrower.
    again = typology.mixed(pd.concat([scores, scores]), "hybrid", "x-x")
    pd.testing.assert_frame_equal(again, models)
    everywhere = scores.assign(distance=0.0)
    assert "distance" not in set(typology.mixed(everywhere, "hybrid", "x-x")["term"])
    with pytest.raises(ValueError, match="no benchmark and setting has five languages"):
        typology.mixed(scores[scores["language"].isin(["en", "fi"])], "hybrid", "x-x")


def test_the_answer_names_where_it_is_sure(scores: pd.DataFrame) -> None:
    pytest.importorskip("statsmodels", reason="mixed models need hbtlib[typology]")
    declared: Any = pd.DataFrame(
        {
            "benchmark": "tydiqa-goldp",
            "contrast": "hybrid − x-x",
            "metric": "mAP",
            "setting": ["monolingual", "multilingual", "monolingual"],
            "kind": ["trained on", "trained on", "never trained on"],
            "what": ["a", "a", "b"],
            "difference": [0.1, -0.2, 0.01],
            "low": [0.05, -0.3, -0.02],
            "high": [0.2, -0.1, 0.03],
            "p_holm": [0.01, 0.01, 0.4],
            "n_seeds": 1,
        }
    )
    models = typology.mixed(scores, "hybrid", "x-x")
    said = typology.answer(declared, models, "hybrid", "x-x", "mAP")
    assert (
        "In languages trained on, hybrid is above x-x in tydiqa-goldp monolingual, below it in "
        "tydiqa-goldp multilingual, and the difference may be chance in none." in said
    )
    assert "Of 1 model, 1 can tell that the gain changes with the distance" in said
    assert "There is 1 seed an arm" in said
    with pytest.raises(ValueError, match="other is 'none'; this study has x-x"):
        typology.answer(declared, models, "hybrid", "none", "mAP")
    with pytest.raises(ValueError, match="subject is 'none'"):
        typology.answer(declared, models, "none", "x-x", "mAP")
    listed = typology.tests_says(declared)
    assert "tydiqa-goldp, mAP, b: +0.010 (monolingual, may be chance)." in listed


@pytest.mark.parametrize("name", ["typology", "typology-all", "typology-full"])
def test_arms_of_typology_are_equal(name: str) -> None:
    study = studies.load(name)
    varied = ("strategy", "seed")
    rest = [{k: v for k, v in r.parameters.items() if k not in varied} for r in study.runs]
    assert all(one == rest[0] for one in rest)
    assert study.family is not None
    assert set(study.family.metrics) <= set(rest[0]["question_metrics"].split())
    if name == "typology":
        assert set(TYDI) - set(rest[0]["languages"].split()) == {"bn", "fi", "id", "ko", "te"}
