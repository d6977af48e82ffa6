"""17-scaling: sizes against real models, laws and edges of made-up runs, and what is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hbtlib import study as studies
from hbtlib.data.suites import find_suite
from hbtlib.encoders.small import small_encoder
from hbtlib.encoders.small_tokenizer import train_tokenizer
from hbtlib.study.family import Family
from hbtlib.study.report import scaling
from hbtlib.study.report import train as train_report
from hbtlib.study.report.scaling import differences, mixing, settings
from hbtlib.study.runs import Run

WIDTHS = (16, 32, 64, 128)
EDGES = {"hybrid": 0.1, "x-x": 0.0, "en-en": -0.1}


@dataclass
class FakeStudy:
    """A study of three strategies, four sizes and two seeds."""

    name: str = "made-up"
    family: Family | None = None
    runs: tuple[Run, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.runs = tuple(
            Run("made-up", f"{s}-{w}-{seed}", parameters(s, w, seed), f"{s} size {w}")
            for s in EDGES
            for w in WIDTHS
            for seed in (0, 1)
        )


@dataclass
class FakeReader:
    study: FakeStudy


def parameters(strategy: str, width: int, seed: int) -> dict[str, Any]:
    return {
        "strategy": strategy,
        "encoder": "small",
        "encoder_options": {"width": width, "layers": 1},
        "seed": seed,
        "steps": 3,
        "learning_rate": 0.004,
    }


def level(run: Run) -> float:
    """What a made-up run scores: it grows with the width, and by the strategy's edge."""
    width = run.parameters["encoder_options"]["width"]
    return 0.5 - 0.3 * (width / 16) ** -0.5 + EDGES[run.parameters["strategy"]]


def table_of(run: Run, what: str) -> pd.DataFrame:
    """What `run_table` gives: questions around the run's level, or scores by degree."""
    seed = run.parameters["seed"]
    if what == "degrees":
        rows = [
            (setting, degree, metric, level(run) - 0.05 * i, 10)
            for setting in ("cross-lingual", "multilingual")
            for i, degree in enumerate(["0-20", "20-40", "80-100"])
            for metric in ("mAP@10", "R@50")
        ]
        columns = ["setting", "degree", "metric", "value", "n_queries"]
        return pd.DataFrame(rows, columns=columns)
    noise = np.random.default_rng(seed).normal(0, 0.05, 30)
    rows = [
        (group, part.measured, f"q{i}", part.benchmark, level(run) + noise[i], 0.9)
        for part in find_suite("m2c2").parts
        for group in ("trained", "unseen")
        for i in range(30)
    ]
    columns = ["languages", "setting", "question_id", "benchmark", "mAP@10", "R@50"]
    found = pd.DataFrame(rows, columns=columns)
    mixed = found["benchmark"].isin(["hinglish-top", "mmarco-codemixed"])
    return found[~(mixed & (found["languages"] == "trained"))]


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> FakeStudy:
    monkeypatch.setattr(settings, "run_table", table_of)
    monkeypatch.setattr(mixing, "run_table", table_of)
    pairs_of_questions = {f"q{i}": i // 2 for i in range(30)}
    of = dict.fromkeys(find_suite("m2c2").benchmarks, pairs_of_questions)
    monkeypatch.setattr(settings, "units_of", lambda study: of)
    weights = {"hybrid size 128": 1.0, "x-x size 128": -1.0}
    growth = {**weights, "hybrid size 16": -1.0, "x-x size 16": 1.0}
    family = Family(("mAP@10", "R@50"), {"hybrid − x-x, size 4": weights, "growth": growth})
    return FakeStudy(family=family)


@pytest.mark.parametrize(("width", "layers"), [(16, 1), (24, 3)])
def test_parameters_are_those_of_the_model(width: int, layers: int) -> None:
    encoder = small_encoder(train_tokenizer(["a b c"], 40), width=width, layers=layers)
    tables = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    counted = sum(
        weight.numel()
        for name, weight in encoder.named_parameters()
        if not any(table in name for table in tables)
    )
    options = {"width": width, "layers": layers}
    run = Run("s", "r", {"encoder": "small", "encoder_options": options}, "a")
    assert scaling.parameters_of(run) == counted
    assert scaling.shape_of(run) == f"{width}×{layers}"


def test_an_encoder_of_unknown_shape_is_named() -> None:
    run = Run("s", "r", {"encoder": "my/model", "encoder_options": {}}, "a")
    with pytest.raises(ValueError, match="'my/model', whose shape is not known here"):
        scaling.parameters_of(run)


def test_the_committed_study_spans_a_hundredfold_and_declares_its_tests() -> None:
    for name in ("scaling", "scaling-full"):
        study = studies.load(name)
        sizes = scaling.sizes(study)
        counts = sorted(sizes["parameters"].unique())
        assert len(counts) == 5
        assert counts[-1] / counts[0] > 100
        assert (sizes["seeds"] >= 3).all()
        assert sizes.groupby("parameters")["learning rate"].nunique().eq(1).all()
        assert scaling.largest_differences(study) == {
            "x-x": "hybrid − x-x, size 5",
            "en-en": "hybrid − en-en, size 5",
        }
        assert study.family is not None
        assert len(study.family.differences) == 12
        assert study.benchmarks == find_suite("m2c2").benchmarks
    tuning = studies.load("scaling-tuning").runs[0].parameters
    own = studies.load("scaling").runs[0].parameters
    same = ("pairs", "pairs_options", "languages", "batch_size", "temperature", "steps")
    assert {key: tuning[key] for key in same} == {key: own[key] for key in same}


def test_only_differences_of_the_hybrid_are_its_edges(study: FakeStudy) -> None:
    assert study.family is not None
    other = {"x-x − en-en, size 4": {"x-x size 128": 1.0, "en-en size 128": -1.0}}
    more = FakeStudy(family=Family(("mAP@10",), {**study.family.differences, **other}))
    before = scaling.largest_differences(study)  # type: ignore[arg-type]
    assert scaling.largest_differences(more) == before  # type: ignore[arg-type]


def test_the_study_is_introduced() -> None:
    said = scaling.study_says(studies.load("scaling"))
    assert "45 runs: hybrid, x-x and en-en, with 5 sizes from 9k to 999k parameters" in said
    assert "hinglish-top and mmarco-codemixed" in said


def test_scores_are_means_over_seeds_and_benchmarks(study: FakeStudy) -> None:
    table = scaling.questions(study)  # type: ignore[arg-type]
    assert set(table["languages"]) == {"trained", "unseen"}
    assert set(table.loc[table["languages"] == "unseen", "setting"]) == {"code-switched"}
    found = scaling.scores(table)
    means = found[(found["benchmark"] == "mean") & (found["metric"] == "R@50")]
    assert len(means) == 3 * 4 * 2 * 4
    assert means["value"].to_numpy() == pytest.approx(0.9)
    assert "0.900 ± 0.000" in scaling.scores_shown(found, "R@50").to_html()
    assert "multilingual: the highest mAP@10 is of hybrid" in scaling.scores_says(found, "mAP@10")


def test_laws_find_the_made_up_growth_and_the_constant_edge(study: FakeStudy) -> None:
    table = scaling.questions(study)  # type: ignore[arg-type]
    curves, edges = scaling.laws(table, "mAP@10", samples=50)
    assert list(dict.fromkeys(curves["arm"])) == ["hybrid", "x-x", "en-en"]
    assert list(dict.fromkeys(edges["arm"])) == ["hybrid − x-x", "hybrid − en-en"]
    assert {13e9, 130e9} <= set(curves["size"])
    assert (curves["high"] >= curves["low"]).all()
    # Noise is the same for all arms and sizes, so edges have no band, and are .1 and .2 everywhere.
    gaps = edges.groupby("arm")["value"].agg(["min", "max"])
    assert gaps.loc["hybrid − x-x"].to_numpy() == pytest.approx(0.1, abs=2e-3)
    assert gaps.loc["hybrid − en-en"].to_numpy() == pytest.approx(0.2, abs=2e-3)
    dots = scaling.points(table, "mAP@10", pd.DataFrame())
    own = scaling.edges(dots)
    assert own[own["arm"] == "hybrid − x-x"]["value"].to_numpy() == pytest.approx(0.1, abs=1e-6)
    far = scaling.extrapolated(edges)
    assert len(far) == 4 * 2 * 2
    assert "13B" in scaling.extrapolated_shown(far).to_html()
    said = scaling.curves_says(curves, dots, "mAP@10")
    assert said.count("130B") == 4
    assert said.count("All 12 measured means lie within their band.") == 4


def test_further_encoders_are_dots_that_no_law_is_fitted_to(study: FakeStudy) -> None:
    table = scaling.questions(study)  # type: ignore[arg-type]
    dots = scaling.points(table, "mAP@10", table[table["seed"] == 0].assign(size=10**7))
    assert dots.groupby("fitted").size().to_dict() == {False: 3 * 4 * 4, True: 3 * 4 * 2 * 4}
    assert scaling.beside("").empty
    assert scaling.beside("no-such-study").empty


def test_a_missing_run_is_not_passed_over(study: FakeStudy) -> None:
    table = scaling.questions(study)  # type: ignore[arg-type]
    without = table[~((table["arm"] == "x-x size 32") & (table["seed"] == 1))]
    with pytest.raises(ValueError, match="not every strategy has every size, seed and question"):
        scaling.laws(without, "mAP@10", samples=5)


def test_the_largest_size_is_foretold(study: FakeStudy) -> None:
    found = scaling.held_out(scaling.questions(study), "mAP@10", samples=50)  # type: ignore[arg-type]
    assert len(found) == 12
    assert found["measured"].to_numpy() == pytest.approx(found["predicted"].to_numpy(), abs=0.01)
    within = (found["low"] <= found["measured"]) & (found["measured"] <= found["high"])
    assert found["inside"].tolist() == within.tolist()
    assert f"{int(within.sum())} of 12 cases" in scaling.held_out_says(found)


def test_a_size_off_the_law_is_not_foretold(study: FakeStudy) -> None:
    questions = scaling.questions(study)  # type: ignore[arg-type]
    largest = questions["size"] == questions["size"].max()
    questions.loc[largest, "mAP@10"] += 0.3
    assert not scaling.held_out(questions, "mAP@10", samples=50)["inside"].any()


def test_declared_differences_are_tested_as_one_family(study: FakeStudy) -> None:
    tests = scaling.effects(FakeReader(study))  # type: ignore[arg-type]
    assert len(tests) == 8 * 2 * 2  # parts of the suite, metrics, differences
    own = tests[(tests["metric"] == "mAP@10") & (tests["contrast"] == "hybrid − x-x, size 4")]
    assert own["difference"].to_numpy() == pytest.approx(0.1)
    growth = tests[(tests["metric"] == "mAP@10") & (tests["contrast"] == "growth")]
    assert growth["difference"].to_numpy() == pytest.approx(0.0, abs=1e-9)
    assert (tests["p_holm"] >= tests["p"]).all()
    assert (tests["n_units"] == 15).all()
    said = scaling.effects_says(tests, "mAP@10")
    assert "hybrid − x-x, size 4: above 0 in 8" in said
    assert "growth: above 0 in 0, below in 0, of 8 tests" in said
    assert "code-switched" in scaling.effects_shown(tests, "mAP@10").to_html()
    last = scaling.largest_differences(study)  # type: ignore[arg-type]
    assert last == {"x-x": "hybrid − x-x, size 4"}
    _, edges = scaling.laws(scaling.questions(study), "mAP@10", samples=20)  # type: ignore[arg-type]
    answer = scaling.answer(tests, edges, "mAP@10", last)
    assert "monolingual +0.100 (xquad-r) and +0.100 (belebele-flores20)" in answer
    assert "At 130B parameters 0 of 8 extrapolated edges have a band with 0 in it" in answer


def test_arms_of_another_study_stand_in_for_those_of_the_same_names(
    study: FakeStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = FakeStudy("other")
    other.runs = tuple(run for run in other.runs if run.arm == "x-x size 128")

    def scored(run: Run, what: str) -> pd.DataFrame:
        table = table_of(run, what)
        return table.assign(**{"mAP@10": table["mAP@10"] + 0.3}) if run in other.runs else table

    for module, name in ((settings, "run_table"), (mixing, "run_table")):
        monkeypatch.setattr(module, name, scored)
    monkeypatch.setattr(settings, "study_names", lambda: ["other"])
    monkeypatch.setattr(settings, "has_table", lambda run, what: True)
    for module in (settings, differences):
        monkeypatch.setattr(module, "load", lambda name: other)
    reader: Any = FakeReader(study)
    for run in other.runs:  # told apart from the study's own, which they stand in for
        run.parameters["learning_rate"] = 0.1
    tests, instead = scaling.effects(reader), scaling.effects_instead(reader, "other")
    own = instead[(instead["metric"] == "mAP@10") & (instead["contrast"] != "growth")]
    assert own["difference"].to_numpy() == pytest.approx(-0.2)
    said = scaling.effects_instead_says(tests, instead, "other", "mAP@10")
    assert "16 of 16 differences become lower; they change by −0.300 on the average" in said
    assert "hybrid − x-x, size 4: above 0 in 0, below in 8" in said


def test_another_study_that_is_not_there_changes_nothing(study: FakeStudy) -> None:
    reader: Any = FakeReader(study)
    instead = scaling.effects_instead(reader, "no-such-study")
    assert instead.empty
    said = scaling.effects_instead_says(pd.DataFrame(), instead, "no-such-study", "mAP@10")
    assert said == "The runs of no-such-study are not there."


def test_a_study_beside_has_a_family_of_its_own(
    study: FakeStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = {"hybrid size 64": 1.0, "x-x size 64": -1.0}
    other = FakeStudy(name="other", family=Family(("mAP@10",), {"hybrid − x-x": weights}))
    other.runs = tuple(run for run in other.runs if run.parameters["seed"] == 0)
    monkeypatch.setattr(settings, "study_names", lambda: ["other"])
    monkeypatch.setattr(settings, "has_table", lambda run, what: True)
    for module in (settings, differences):
        monkeypatch.setattr(module, "load", lambda name: other)
    reader: Any = FakeReader(study)
    tests = scaling.effects_beside(reader, "other")
    assert len(tests) == 8  # parts of the suite, one metric, one difference
    assert tests["difference"].to_numpy() == pytest.approx(0.1)
    assert tests["n_units"].to_numpy() == pytest.approx(15)
    said = scaling.effects_beside_says(tests, "other", "mAP@10")
    assert said.startswith("other, 1 seed an arm, with 8 tests in one family:")
    assert "- hybrid − x-x: above 0 in 8 (" in said
    other.family = None
    assert scaling.effects_beside(reader, "other").empty


def test_a_study_beside_that_is_not_there_is_said_to_be_missing(study: FakeStudy) -> None:
    reader: Any = FakeReader(study)
    tests = scaling.effects_beside(reader, "no-such-study")
    assert tests.empty
    said = scaling.effects_beside_says(tests, "no-such-study", "mAP@10")
    assert said == "No tests of no-such-study are there."


def test_without_a_family_nothing_is_tested(study: FakeStudy) -> None:
    study.family = None
    with pytest.raises(ValueError, match="declares no family"):
        scaling.effects(FakeReader(study))  # type: ignore[arg-type]


def test_degrees_are_those_of_the_other_pool(study: FakeStudy) -> None:
    table = scaling.degrees(study, "mAP@10")  # type: ignore[arg-type]
    assert len(table) == 3 * 4 * 2 * 3
    assert next(iter(dict.fromkeys(table["panel"]))).startswith("16×1 (")
    said = scaling.degrees_says(table)
    assert said.startswith("From 0-20 % of Chinese to 80-100 %")
    assert "hybrid from 0.300 to 0.200" in said


def test_a_run_keeps_its_scores_by_degree() -> None:
    ranks = pd.DataFrame(
        {
            "query_id": ["1:0-20", "1:80-100", "2:0-20"],
            "question_id": ["1", "1", "2"],
            "query_language": "zh-en",
            "pool": "en",
            "rank": [1, 4, 2],
            "n_relevant": 1,
        }
    )
    found = train_report.by_degree(ranks, ["mAP@10", "rank-distance"])
    assert found.set_index("degree")["value"].to_dict() == {"0-20": 0.75, "80-100": 0.25}
    assert found["n_queries"].tolist() == [2, 1]
    assert set(found["metric"]) == {"mAP@10"}
