"""The suite m2c2: its four settings against means computed by hand, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.data import catalog
from hbtlib.data.suites import SUITES, find_suite
from hbtlib.evaluation.suites import settings_of, suite_questions, suite_scores


def ranks(queries: dict[str, tuple[str, dict[str, int]]]) -> pd.DataFrame:
    """A table of ranks: query → its language, and pool → the rank of its relevant passage."""
    rows = [
        (name, name.split("-")[0], language, pool, rank, 1)
        for name, (language, pools) in queries.items()
        for pool, rank in pools.items()
    ]
    columns = ["query_id", "question_id", "query_language", "pool", "rank", "n_relevant"]
    return pd.DataFrame(rows, columns=columns)


def four() -> dict[str, pd.DataFrame]:
    parallel = ranks(
        {
            "a-en": ("en", {"en": 1, "de": 2, "all": 4}),
            "a-el": ("el", {"en": 5, "el": 1, "all": 60}),
            "b-en": ("en", {"en": 4, "de": 10, "all": 20}),
        }
    )
    belebele = ranks({"c-de": ("de", {"de": 2, "en": 1, "all": 2})})
    hindi = ranks({"d-1": ("hi-en", {"en": 1, "all": 1}), "e-1": ("hi-en", {"en": 100, "all": 9})})
    chinese = ranks({"f-1": ("zh-en", {"en": 4, "all": 4})})
    return {
        "xquad-r": parallel,
        "belebele-flores20": belebele,
        "hinglish-top": hindi,
        "mmarco-codemixed": chinese,
    }


def test_the_four_settings_are_means_by_hand() -> None:
    table = hbt.measure_suite(four(), trained=["en", "de"])
    found = table.set_index(["setting", "benchmark", "metric"])["value"]
    assert list(dict.fromkeys(table["setting"])) == list(settings_of("m2c2"))
    # Greek was never trained on: the query in Greek counts in no setting.
    assert found["monolingual", "xquad-r", "mAP@10"] == pytest.approx((1 + 1 / 4) / 2)
    assert found["cross-lingual", "xquad-r", "mAP@10"] == pytest.approx((1 / 2 + 1 / 10) / 2)
    assert found["multilingual", "xquad-r", "mAP@10"] == pytest.approx((1 / 4 + 0) / 2)
    assert found["multilingual", "xquad-r", "R@50"] == 1
    assert found["multilingual", "mean", "mAP@10"] == pytest.approx((1 / 8 + 1 / 2) / 2)
    # Code-switched queries are all read; a rank of 100 is past both cut-offs.
    assert found["code-switched", "hinglish-top", "mAP@10"] == pytest.approx(1 / 2)
    assert found["code-switched", "hinglish-top", "R@50"] == pytest.approx(1 / 2)
    assert found["code-switched", "mean", "mAP@10"] == pytest.approx((1 / 2 + 1 / 4) / 2)
    counts = table[(table["metric"] == "R@50") & (table["benchmark"] == "mean")]
    assert counts["n_questions"].tolist() == [3, 3, 3, 3]


def test_without_trained_languages_every_pair_counts() -> None:
    found = hbt.measure_suite(four()).set_index(["setting", "benchmark", "metric"])["value"]
    # Of question a two pools: English in English and Greek in Greek, both found first.
    assert found["monolingual", "xquad-r", "mAP@10"] == pytest.approx((1 + 1 / 4) / 2)
    # Of question a the passage for the Greek query is fourth in the English pool.
    assert found["cross-lingual", "xquad-r", "mAP@10"] == pytest.approx(
        ((1 / 2 + 1 / 5) / 2 + 1 / 10) / 2
    )


def test_a_run_without_one_of_the_benchmarks_is_refused() -> None:
    given = four()
    del given["hinglish-top"]
    with pytest.raises(ValueError, match="the ranks lack hinglish-top, a benchmark of m2c2"):
        hbt.measure_suite(given)
    with pytest.raises(ValueError, match="the suite is 'm2c'"):
        hbt.measure_suite(given, "m2c")


def test_questions_of_other_languages_are_missed() -> None:
    rows = pd.DataFrame(
        {
            "benchmark": "xquad-r",
            "setting": "monolingual",
            "languages": "unseen",
            "question_id": ["q1", "q2"],
            "mAP@10": [0.5, 1.0],
        }
    )
    with pytest.raises(ValueError, match="none of xquad-r in the monolingual setting"):
        suite_questions(rows)
    with pytest.raises(ValueError, match="lack the column 'benchmark'"):
        suite_questions(rows.drop(columns="benchmark"))


def test_runs_are_kept_apart() -> None:
    rows = pd.DataFrame(
        {
            "seed": [0, 0, 1, 1],
            "setting": "monolingual",
            "benchmark": ["xquad-r", "belebele-flores20"] * 2,
            "question_id": "q",
            "R@50": [0.0, 1.0, 0.5, 0.5],
        }
    )
    found = suite_scores(rows, ["R@50"], ["seed"])
    means = found[found["benchmark"] == "mean"].set_index("seed")["value"]
    assert np.array_equal(means.to_numpy(), [0.5, 0.5])


def test_the_suite_says_whose_it_is_and_what_it_needs() -> None:
    suite = find_suite("m2c2")
    assert suite.settings == ("monolingual", "multilingual", "cross-lingual", "code-switched")
    assert "Put together here" in suite.about
    known = set(hbt.catalog().query("kind == 'benchmark'")["name"])
    assert {name for one in SUITES.values() for name in one.benchmarks} <= known
    with pytest.raises(ValueError, match=r"a suite of several benchmarks .*hbt.load_suite"):
        hbt.load_benchmark("m2c2")


def test_a_suite_is_loaded_with_options_of_each_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setattr(
        catalog, "load_benchmark", lambda name, **options: asked.update({name: options})
    )
    hbt.load_suite("m2c2", {"xquad-r": {"languages": ["de", "en"]}})
    assert list(asked) == list(find_suite("m2c2").benchmarks)
    assert asked["xquad-r"] == {"languages": ["de", "en"]}
    assert asked["hinglish-top"] == {}
    with pytest.raises(ValueError, match="xquad-r"):
        hbt.load_suite("m2c2", {"xquad": {}})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"xquad-r": 5}, r"options\['xquad-r'\] is 5; it must be a mapping"),
        ({"xquad-r": "de"}, r"options\['xquad-r'\] is 'de'; it must be a mapping"),
        ({"xquad-r": {5: "de"}}, r"options\['xquad-r'\] has no option 5"),
        ({"xquad-r": {"name": "mlqa-r"}}, r"has no option 'name'"),
        ({"xquad-r": {"langauges": ["de"]}}, r"has no option 'langauges'.*languages"),
        (["xquad-r"], "it must be a mapping"),
    ],
)
def test_options_that_no_benchmark_takes_are_refused_before_anything_is_loaded(
    monkeypatch: pytest.MonkeyPatch, options: object, message: str
) -> None:
    monkeypatch.setattr(catalog, "load_benchmark", lambda name, **_: pytest.fail(f"loaded {name}"))
    with pytest.raises(ValueError, match=message):
        hbt.load_suite("m2c2", options)  # type: ignore[arg-type]
