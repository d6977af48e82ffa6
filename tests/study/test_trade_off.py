"""15-trade-off: scores against plain pandas, the family of differences, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib import study as studies
from hbtlib.study.report import trade_off
from hbtlib.study.report.reader import Reader

MAP = "leace:worldfacts"
GAINS = {"none": 0.0, "x-y": 0.1, "hybrid": 0.2}
"""How much better an arm is than the encoder without training; the map adds .3."""


@dataclass
class FakeRun:
    """A run as the tables need it."""

    arm: str
    seed: int
    mapped: bool = True
    parameters: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        strategy = "none" if self.arm == "none" else "hybrid"
        probes = f"mean {MAP}" if self.mapped else "mean"
        self.parameters = {"seed": self.seed, "strategy": strategy, "probes": probes}


@dataclass
class FakeStudy:
    runs: tuple[FakeRun, ...]


@dataclass
class FakeReader:
    """A study of three arms; the encoder without training has one run."""

    study: FakeStudy
    rival_runs: tuple[FakeRun, ...] = ()
    benchmark: str = "b"
    seeds: tuple[int, ...] = (0, 1, 2)


EACH = {f"q{i}": i for i in range(40)}
"""Every question by itself."""


def table_of(run: FakeRun, what: str) -> pd.DataFrame:
    """What `run_table` gives: of benchmark b the scores below, of benchmark c zeros."""
    gain = GAINS[run.arm] + (0.3 if what in ("probes", "mapped_questions") else 0.0)
    if what in ("metrics", "probes"):
        rows = [
            ("mAP", "monolingual", 0.1 + gain),
            ("mAP", "monolingual", 0.3 + gain),
            ("mAP", "cross-lingual", 0.1 + gain),
            ("mAP", "multilingual", 0.05 + gain),
            ("rank-distance", "multilingual", 900 - 1000 * gain),
        ]
        table = pd.DataFrame(rows, columns=["metric", "setting", "value"])
        removed = ["mean", MAP] if what == "probes" else [""]
        parts = [
            table.assign(removed=name, value=table["value"] * (name != "mean")) for name in removed
        ]
        table = pd.concat(parts)
    else:
        noise = np.random.default_rng(run.seed).normal(0, 0.01, 40)
        rows = [
            (
                group,
                setting,
                f"q{i}",
                gain + noise[i] + 0.01 * i,
                900 - 1000 * gain if setting == "multilingual" else np.nan,
            )
            for group in ("trained", "unseen")
            for setting in ("monolingual", "cross-lingual", "multilingual")
            for i in range(40)
        ]
        columns = ["languages", "setting", "question_id", "mAP", "rank-distance"]
        table = pd.DataFrame(rows, columns=columns)
        if what == "mapped_questions":
            table = table.assign(removed=MAP)
    other = table.copy()
    other[[c for c in ("value", "mAP", "rank-distance") if c in other]] *= 0
    return pd.concat([table.assign(benchmark="b"), other.assign(benchmark="c")])


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(trade_off, "run_table", table_of)
    runs = [FakeRun(arm, seed) for arm in ("x-y", "hybrid") for seed in (0, 1, 2)]
    return FakeReader(FakeStudy((*runs, FakeRun("none", 0))))


def test_scores_are_means_over_pairs_of_languages() -> None:
    reader = Reader("worldfacts")
    found = trade_off.scores(reader)
    assert set(found["map"]) == {"as it is"}  # its runs were made without a map
    run = reader.study.runs[0]
    plain = pd.read_parquet(run.folder / "metrics.parquet")
    row = found[(found["arm"] == run.arm) & (found["seed"] == run.parameters["seed"])].iloc[0]
    for name, (metric, setting) in trade_off.MEASURES.items():
        values = plain[(plain["metric"] == metric) & (plain["setting"] == setting)]["value"]
        assert row[name] == pytest.approx(values.mean(), rel=1e-6)


def test_a_run_has_a_row_as_it_is_and_one_with_its_map(reader: Any) -> None:
    found = trade_off.scores(reader).set_index(["arm", "seed", "map"])
    assert len(found) == 14
    plain, mapped = (found.loc[("hybrid", 1, which)] for which in ("as it is", "with the map"))
    assert plain["monolingual"] == pytest.approx(0.4)
    assert mapped["monolingual"] == pytest.approx(0.7)  # the other removal is not the map
    assert mapped["rank distance"] == pytest.approx(400)
    shown = trade_off.summary(found.reset_index())
    assert shown.loc[("none", "as it is"), "cross-lingual"] == "0.100"  # one seed, no deviation
    assert shown.loc[("hybrid", "with the map"), "multilingual"] == "0.550 ± 0.000"
    said = trade_off.scores_says(found.reset_index())
    assert "As they are, the best are hybrid (monolingual, 0.400)" in said
    assert "hybrid (rank distance, 400)" in said


def test_pairs_of_languages_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    def grid(run: FakeRun, what: str) -> pd.DataFrame:
        gain = GAINS[run.arm] + 0.01 * run.seed + (0.3 if what == "probes" else 0.0)
        rows = [
            (f"{query}", pool, setting, gain + 0.1 * (query == "el"))
            for query in ("de", "el")
            for pool, setting in ((query, "monolingual"), ("all", "multilingual"))
        ]
        table = pd.DataFrame(rows, columns=["query_language", "pool", "setting", "value"])
        return table.assign(metric="mAP", benchmark="b", removed=MAP if what == "probes" else "")

    monkeypatch.setattr(trade_off, "run_table", grid)
    runs = [FakeRun(arm, seed) for arm in ("x-y", "hybrid") for seed in (0, 1, 2)]
    reader: Any = FakeReader(FakeStudy((*runs, FakeRun("none", 0))))
    cells = trade_off.pairs(reader)
    assert list(cells) == ["none", "none + map", "hybrid", "hybrid + map"]
    table = trade_off.by_language(cells)
    assert table.loc["de"].tolist() == pytest.approx([0.0, 0.3, 0.21, 0.51])  # seeds averaged
    said = trade_off.languages_says(cells, ["de"])
    assert "hybrid: from 0.210 (de) to 0.310 (el)." in said
    assert "trained on changes by +0.510, that of languages never trained on (el) by +0.510" in said
    unseen = trade_off.languages_says(cells, [])
    assert "nan" not in unseen
    assert "never trained on" not in unseen  # there are no others to set them against


def test_one_language_is_not_the_best_of_several() -> None:
    row = {"query_language": "de", "setting": "multilingual", "metric": "mAP", "value": 0.2}
    said = trade_off.languages_says({"hybrid": pd.DataFrame([row])}, ["de"])
    assert "hybrid: 0.200 (de)." in said


def test_the_untrained_encoder_stands_beside_every_seed(reader: Any) -> None:
    found = trade_off.questions(reader)
    arms = ["x-y", "x-y + map", "hybrid", "hybrid + map", "none", "none + map"]
    assert list(dict.fromkeys(found["arm"])) == arms
    counts = found.groupby("arm")["seed"].agg(["nunique", "size"])
    assert (counts == [3, 3 * 2 * 3 * 40]).all(axis=None)
    none = found[found["arm"] == "none + map"]
    assert len(set(none.groupby("seed")["mAP"].mean())) == 1


def test_untrained_encoders_of_every_seed_stand_beside_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trade_off, "run_table", table_of)
    runs = tuple(FakeRun(arm, seed) for arm in ("hybrid", "none") for seed in (0, 1, 2))
    reader: Any = FakeReader(FakeStudy(runs))
    found = trade_off.questions(reader)
    assert not found.duplicated(["arm", "seed", "languages", "setting", "question_id"]).any()
    assert set(found[found["arm"] == "none"]["seed"]) == {0, 1, 2}


def test_the_family_is_the_subject_against_all_others() -> None:
    arms = ["x-y", "x-y + map", "hybrid", "hybrid + map", "none", "none + map"]
    found = trade_off.wanted(arms)
    assert list(found) == [
        "hybrid − x-y",
        "hybrid − none",
        "hybrid − none + map",
        "hybrid + map − x-y + map",
        "hybrid + map − none + map",
    ]
    assert all(sum(weights.values()) == 0 for weights in found.values())
    assert list(trade_off.wanted(["x-y", "hybrid"])) == ["hybrid − x-y"]  # no map, no control


def test_the_differences_and_the_verdict(reader: Any) -> None:
    questions = trade_off.questions(reader)
    asked = trade_off.wanted(list(dict.fromkeys(questions["arm"])))
    found = trade_off.effects(questions, asked, EACH)
    rows = found.set_index(["languages", "contrast", "setting", "metric"])["difference"]
    assert rows[("trained", "hybrid − x-y", "monolingual", "mAP")] == pytest.approx(0.1)
    assert rows[("unseen", "hybrid − none + map", "multilingual", "mAP")] == pytest.approx(
        -0.1, abs=0.01
    )
    distance = ("trained", "hybrid + map − none + map", "multilingual", "rank-distance")
    assert rows[distance] == pytest.approx(-200)
    # The same as hbt.contrasts over one group of languages.
    seen = questions[questions["languages"] == "trained"]
    plain = hbt.contrasts(seen, asked, metric="mAP")
    ours = found[(found["languages"] == "trained") & (found["metric"] == "mAP")]
    np.testing.assert_allclose(ours["p_holm"], plain["p_holm"])
    assert list(trade_off.drawn(found)) == ["trained", "unseen"]
    said = trade_off.effects_says(found)
    assert "hybrid − x-y: +0.100 (monolingual)" in said
    answer = trade_off.verdict(found)
    assert "Of 1 other arm, hybrid is above 1 and below 0 in the monolingual setting" in answer
    assert "in the multilingual setting. Against the encoder" in answer  # nothing is left
    assert "Against the map alone: monolingual −0.1" in answer
    alone = found[~found["contrast"].str.contains("x-y")]
    assert "No other way of training stands beside hybrid." in trade_off.verdict(alone)
    assert "rank distance −200" in answer
    shown = trade_off.effects_shown(found, "trained").to_html()
    assert "hybrid − none + map" in shown


def test_few_units_may_make_a_difference_chance(reader: Any) -> None:
    questions = trade_off.questions(reader)
    asked = trade_off.wanted(list(dict.fromkeys(questions["arm"])))
    of_pairs = trade_off.effects(questions, asked, {f"q{i}": i // 2 for i in range(40)})
    assert (of_pairs["n_units"] == 20).all()
    assert "chance" not in trade_off.effects_says(of_pairs)
    # With four units no sign-flip test finds anything.
    of_four = trade_off.effects(questions, asked, {f"q{i}": i // 10 for i in range(40)})
    assert (of_four["p_holm"] == of_pairs["p_holm"]).all()
    assert "hybrid − x-y: +0.100 (monolingual, may be chance by unit)" in trade_off.effects_says(
        of_four
    )
    answer = trade_off.verdict(of_four)
    assert "may be chance (by question (corrected" in answer
    assert "hybrid is above 0 and below 0 in the monolingual setting" in answer
    assert "rank distance −200 [−200, −200, may be chance by unit]" in answer


def test_without_translations_there_is_no_rank_distance(reader: Any) -> None:
    # Of benchmark c everything is 0, as the rank distance is where a query has one passage.
    reader.benchmark = "c"
    assert trade_off.scores(reader)["rank distance"].isna().all()
    questions = trade_off.questions(reader)
    asked = trade_off.wanted(list(dict.fromkeys(questions["arm"])))
    assert set(trade_off.effects(questions, asked, EACH)["metric"]) == {"mAP"}


def test_studies_stand_side_by_side_without_another_encoders_floor() -> None:
    beside = "xquad-zero-shot worldfacts no-such-study paper"
    shown = trade_off.shown_beside(studies.load("worldfacts"), beside)
    assert list(shown.items()) == [
        ("worldfacts", ("worldfacts",)),
        ("xquad-zero-shot", ("xquad-r",)),
    ]
    found = trade_off.panels(shown)
    assert set(found["panel"]) == {"worldfacts", "xquad-zero-shot, xquad-r"}
    assert "worldfacts floor" not in set(found["arm"])
    n_runs = len(studies.load("worldfacts").runs) + len(studies.load("worldfacts-rivals").runs)
    assert (found["panel"] == "worldfacts").sum() == n_runs
    said = trade_off.panels_says(found)
    assert "worldfacts: nothing is better both within a language" in said


def test_what_another_beats_is_not_named() -> None:
    rows = [("a", 0.5, 900.0), ("b", 0.6, 800.0), ("c", 0.4, 700.0)]
    table = pd.DataFrame(rows, columns=["arm", "monolingual", "bias"])
    said = trade_off.panels_says(table.assign(panel="p", seed=0, map="as it is"))
    assert said.endswith("its rank distance than b and c.")
