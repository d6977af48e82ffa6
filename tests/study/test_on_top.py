"""16-on-top: ways of training on top of the map, and the averages of weights."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib import study as studies
from hbtlib.study import averaged
from hbtlib.study.report import on_top, trade_off

SCORES = {  # monolingual, multilingual, rank distance
    "no training": (0.80, 0.54, 500.0),
    "60 steps": (0.78, 0.60, 300.0),
    "15 steps": (0.797, 0.56, 400.0),
    "distillation 3": (0.796, 0.57, 350.0),
}


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def table(run: Any, what: str) -> pd.DataFrame:
        assert what == "metrics"
        mono, multi, distance = SCORES[run.arm]
        rows = [
            ("mAP", "monolingual", mono - 0.1),
            ("mAP", "monolingual", mono + 0.1),
            ("mAP", "cross-lingual", 0.6),
            ("mAP", "multilingual", multi),
            ("rank-distance", "multilingual", distance),
        ]
        found = pd.DataFrame(rows, columns=["metric", "setting", "value"])
        return pd.concat([found.assign(benchmark=name) for name in ("a", "b")])

    monkeypatch.setattr(trade_off, "run_table", table)
    monkeypatch.setattr(on_top, "averages_file", lambda study: tmp_path / "averaged.csv")
    runs = [SimpleNamespace(arm=arm, parameters={"seed": 0, "probes": ""}) for arm in SCORES]
    return SimpleNamespace(name="ways", runs=runs, benchmarks=("a", "b"))


def test_what_each_way_costs(study: Any) -> None:
    found = on_top.scores(study, "a").set_index("arm")
    assert found.loc["60 steps", "loss"] == pytest.approx(0.02)
    assert found.loc["60 steps", "rank distance"] == 300
    assert found.loc["no training", "loss"] == 0
    assert "+0.020" in on_top.shown(found.reset_index()).to_html()


def test_averages_stand_beside_the_runs(study: Any, tmp_path: Path) -> None:
    rows = [
        (0.4, "a", "mAP", "monolingual", "de", "de", 0.75),
        (0.4, "a", "mAP", "monolingual", "en", "en", 0.85),
        (0.4, "b", "mAP", "monolingual", "en", "en", 0.1),
    ]
    columns = ["share", "benchmark", "metric", "setting", "query_language", "pool", "value"]
    of_base = pd.DataFrame(rows, columns=columns).assign(arm="60 steps")
    of_rival = of_base.assign(arm="semantic-language", value=of_base["value"] - 0.2)
    pd.concat([of_base, of_rival]).to_csv(tmp_path / "averaged.csv", index=False)
    found = on_top.scores(study, "a").set_index("arm")
    assert found.loc["0.4 of 60 steps", "monolingual"] == pytest.approx(0.8)
    assert found.loc["0.4 of 60 steps", "loss"] == pytest.approx(0)
    assert found.loc["0.4 of semantic-language", "monolingual"] == pytest.approx(0.6)
    of_base.to_csv(tmp_path / "averaged.csv", index=False)
    with pytest.raises(ValueError, match="has averages of 60 steps, and not of '60 steps' and"):
        on_top.scores(study, "a")


def test_the_default_is_the_best_of_those_that_cost_little(study: Any) -> None:
    table = on_top.scores(study, "b")
    assert on_top.chosen(table) == "distillation 3"  # 60 steps is better, and costs .02
    assert on_top.chosen(table[table["arm"] != "distillation 3"]) == "15 steps"
    dear = table[table["arm"].isin(["no training", "60 steps"])]
    assert on_top.chosen(dear) == "60 steps"  # all cost more: the one that costs least
    said = on_top.answer(SimpleNamespace(study=study, benchmark="a"), "b")  # type: ignore[arg-type]
    assert said.startswith("Chosen on b: distillation 3.")
    assert "multilingual 0.570 (+0.030)" in said
    assert "rank distance 350 (−150)" in said
    assert "2 of 3 ways of training cost less than 0.005" in said


def test_paths_have_the_arms_that_there_are(study: Any) -> None:
    found = on_top.paths(study)
    steps = found[(found["panel"] == "a") & (found["path"] == "steps")]
    assert steps["label"].tolist() == ["0", "15", "60"]
    assert steps["bias"].tolist() == [500, 400, 300]
    said = on_top.paths_says(found)
    assert "a, steps from 0 to 60: monolingual mAP −0.020, rank distance −200." in said
    figure = hbt.plots.training_paths(found)
    assert [axes.get_title("left") for axes in figure.axes] == ["a", "b"]


def test_every_arm_of_the_study_is_on_a_path() -> None:
    study = studies.load("multilingual-recipe")
    on_paths = {arm for steps in on_top.PATHS.values() for arm in steps.values()}
    averages = {
        on_top.average_name(arm, share)
        for arm in (on_top.BASE, on_top.SEMANTIC)
        for share in averaged.SHARES
    }
    there = {run.arm for run in study.runs}
    assert on_paths - averages <= there
    assert there - on_paths == {"without the map first"}
    assert averages <= on_paths


# hbtlib.study.averaged


def test_averages_are_measured_as_the_run_was(tmp_path: Path) -> None:
    first = hbt.Encoder.load("small", device="cpu")
    hbt.Encoder.load("small", device="cpu", seed=3).save(tmp_path / "model")
    parameters = {
        **studies.notebook_parameters("train"),
        "evaluated": "de en",
        "split": "validation",
        "encoder_options": {"device": "cpu"},
    }
    run: Any = SimpleNamespace(
        parameters=parameters, folder=tmp_path, name="run", study="s", arm="60 steps"
    )
    found = averaged.measure_averages(run, [0.0, 0.5])
    assert set(found["share"]) == {0.0, 0.5}
    assert set(found["arm"]) == {"60 steps"}
    test = hbt.load_benchmark("worldfacts", languages=["de", "en"], split="validation")
    plain = hbt.measure(hbt.rank(first, test), averaged.METRICS)
    at_zero = found[found["share"] == 0]["value"].reset_index(drop=True)
    pd.testing.assert_series_equal(at_zero, plain["value"], check_names=False)
    assert not at_zero.equals(found[found["share"] == 0.5]["value"].reset_index(drop=True))


def test_the_command_writes_the_averages_of_several_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(run: str, shares: list[float]) -> pd.DataFrame:
        return pd.DataFrame({"arm": run, "share": shares})

    monkeypatch.setattr(averaged, "load", lambda study: SimpleNamespace(run=str.upper))
    monkeypatch.setattr(averaged, "measure_averages", measured)
    monkeypatch.setattr(averaged, "averages_file", lambda study: tmp_path / study)
    averaged.main(["ways", "a", "b", "--shares", "0.5", "1"])
    assert capsys.readouterr().out == f"{tmp_path / 'ways'}\n"
    found = pd.read_csv(tmp_path / "ways")
    assert found.to_numpy().tolist() == [["A", 0.5], ["A", 1], ["B", 0.5], ["B", 1]]


def test_averages_are_found_wherever_a_notebook_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HBT_OUTPUT", str(tmp_path))  # as the engine does
    expected = studies.project_folder() / "results" / "multilingual-recipe" / "averaged.csv"
    assert averaged.averages_file("multilingual-recipe") == expected


def test_a_run_without_a_model_or_a_training_is_refused(tmp_path: Path) -> None:
    parameters = studies.notebook_parameters("train")
    run: Any = SimpleNamespace(parameters=parameters, folder=tmp_path, name="run", study="s")
    with pytest.raises(ValueError, match="model is missing: run `make study STUDY=s`"):
        averaged.measure_averages(run)
    run.parameters = {**parameters, "strategy": "none"}
    with pytest.raises(ValueError, match="run has no training"):
        averaged.measure_averages(run)


def test_the_command_says_what_is_wrong() -> None:
    with pytest.raises(SystemExit, match="no study 'nosuch'"):
        averaged.main(["nosuch", "run"])
