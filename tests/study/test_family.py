"""The family of tests that a study declares, and the study at the scale of a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from quick_study import QUICK, make_project, write_study

import hbtlib as hbt
from hbtlib import study as studies
from hbtlib.evaluation.holm import holm
from hbtlib.study import significance_command
from hbtlib.study.family import Family, checked_family
from hbtlib.study.report import family


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_project(tmp_path, monkeypatch)


def write(project: Path, **changes: Any) -> None:
    write_study(project, QUICK, **changes)


DIFFERENCES = {"hybrid − x-y": {"hybrid": 1, "x-y": -1}}


def test_the_family_is_declared_in_the_yaml(project: Path) -> None:
    declared = {"metrics": ["mAP@10", "R@50"], "differences": DIFFERENCES}
    write(project, family=declared)
    with pytest.raises(
        ValueError, match=r"metrics has mAP@10, which the run x-y-\S+ does not keep"
    ):
        studies.load("quick")
    parameters = {**QUICK["parameters"], "question_metrics": "mAP@10 R@50"}
    write(project, family=declared, parameters=parameters)
    found = studies.load("quick").family
    assert found == Family(("mAP@10", "R@50"), DIFFERENCES)
    write(project)
    assert studies.load("quick").family is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tests": 1}, "family: unknown key 'tests'; it may have metrics and differences"),
        ({"metrics": ["mAP"]}, "family: differences is None, where a mapping"),
        ({"metrics": [], "differences": DIFFERENCES}, r"family: metrics is \[\]"),
        ({"metrics": ["mOP"], "differences": DIFFERENCES}, r"family: metrics is \['mOP'\]"),
        ({"differences": {"a": 3}}, "family: differences: a is 3, where a mapping from arms"),
        ({"differences": {"a": {"hybrit": 1}}}, "a: the arm is 'hybrit'; did you mean 'hybrid'"),
        ({"differences": {"a": {"hybrid": "x"}}}, "family: differences: a: hybrid is 'x'"),
        ({"differences": {"a": {"hybrid": 1}}}, "family: differences: a: the weights sum to 1"),
    ],
)
def test_a_wrong_family_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        checked_family(given, ["hybrid", "x-y"])


def test_a_study_at_full_scale(project: Path) -> None:
    full = {
        "parameters": {"steps": 9000, "encoder": "big", "overlap": "leave out"},
        "grid": {"seed": [0, 1, 2]},
    }
    write(project, full=full)
    small, large = studies.load("quick"), studies.load("quick-full")
    assert large.name == "quick-full"
    assert {run.study for run in large.runs} == {"quick-full"}
    assert {run.parameters["steps"] for run in large.runs} == {9000}
    assert {run.parameters["seed"] for run in large.runs} == {0, 1, 2}
    assert large.runs[0].parameters["batch_size"] == small.runs[0].parameters["batch_size"]
    assert not {run.name for run in small.runs} & {run.name for run in large.runs}
    assert large.question == small.question


def test_wrong_full_scales_are_named(project: Path) -> None:
    write(project, full={"steps": 3})
    with pytest.raises(ValueError, match="full: unknown key 'steps'; it may have grid"):
        studies.load("quick")
    write(project, full={"parameters": 3})
    with pytest.raises(ValueError, match="full: parameters is 3, where a mapping belongs"):
        studies.load("quick")
    write(project, full={"parameters": {"stepz": 3}})
    with pytest.raises(ValueError, match=r"quick.yaml: full: .*no parameter 'stepz'"):
        studies.load("quick-full")
    write(project)
    with pytest.raises(ValueError, match="no study 'quick-full'"):
        studies.load("quick-full")


# The tests of a study


@pytest.fixture
def questions() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    parts = []
    for arm, gain in (("x-y", 0.0), ("hybrid", 0.1)):
        for seed in (0, 1):
            for group in ("trained", "unseen"):
                for setting in ("monolingual", "multilingual"):
                    part = pd.DataFrame({"question_id": [f"q{i}" for i in range(30)]})
                    noise = rng.normal(0, 0.02, 30)
                    part = part.assign(languages=group, setting=setting, arm=arm, seed=seed)
                    part["mAP@10"] = 0.4 + gain + noise
                    distance = 500 - 1000 * gain + 100 * noise
                    part["rank-distance"] = distance if setting == "multilingual" else np.nan
                    parts.append(part)
    return pd.concat(parts, ignore_index=True)


def test_all_declared_tests_are_one_family(questions: pd.DataFrame) -> None:
    declared = Family(("mAP@10", "rank-distance"), DIFFERENCES)
    found = family.tested(questions, declared, None)
    # Two groups of languages × (two settings of mAP@10, one of rank-distance).
    assert len(found) == 6
    np.testing.assert_allclose(found["p_holm"], holm(found["p"].to_numpy()))
    seen = questions[questions["languages"] == "trained"]
    plain = hbt.contrasts(seen, DIFFERENCES, metric="mAP@10", setting="monolingual").iloc[0]
    keys = ["languages", "metric", "setting"]
    row = found.set_index(keys).loc[("trained", "mAP@10", "monolingual")]
    for column in ("difference", "low", "high", "p"):
        assert row[column] == pytest.approx(plain[column])
    said = family.says(found, "mAP@10")
    assert "Differences in mAP@10 (higher is better), languages trained on" in said
    assert "hybrid − x-y: +0.1" in said
    assert "(lower is better)" in family.says(found, "rank-distance", "unseen")
    assert len(family.drawn(found, "mAP@10")) == 2
    assert "hybrid − x-y" in family.shown(found).to_html()


UNITS = {f"q{i}": i // 5 for i in range(30)}


def test_beside_every_test_stands_the_one_by_unit(questions: pd.DataFrame) -> None:
    family_of_map = Family(("mAP@10",), DIFFERENCES)
    found = family.tested(questions, family_of_map, UNITS)
    assert set(found["n_units"]) == {6}
    seen = questions[questions["languages"] == "trained"]
    asked: dict[str, Any] = {"metric": "mAP@10", "setting": "multilingual", "unit": UNITS}
    alone = hbt.contrasts(seen, DIFFERENCES, **asked).iloc[0]
    keys = ["languages", "setting"]
    row = found.set_index(keys).loc[("trained", "multilingual")]
    assert row[["low_unit", "high_unit", "p_unit"]].tolist() == alone[["low", "high", "p"]].tolist()
    shown = family.shown(found).to_html()
    assert "p_unit" in shown


def test_what_may_be_chance_by_unit_is_said(questions: pd.DataFrame) -> None:
    found = family.tested(questions, Family(("mAP@10",), DIFFERENCES), UNITS)
    sure = found.assign(p_holm=0.001, p_unit=0.03, low_unit=0.01, high_unit=0.2)
    assert "by unit" not in family.says(sure, "mAP@10")
    open_by_unit = sure.assign(low_unit=-0.01, p_unit=0.2)
    said = family.says(open_by_unit, "mAP@10")
    assert "(monolingual, may be chance by unit)" in said
    assert "(By unit: questions that share a relevant passage" in said
    # What may be chance by question is said to be so, whatever the units say.
    assert "(monolingual, may be chance)" in family.says(sure.assign(p_holm=0.5), "mAP@10")


def test_a_study_without_a_family_is_told_so() -> None:
    with pytest.raises(ValueError, match="study 'worldfacts' declares no family of tests"):
        family.effects(studies.report.Reader("worldfacts"))


def test_the_command_writes_the_declared_tests(
    project: Path, monkeypatch: pytest.MonkeyPatch, questions: pd.DataFrame
) -> None:
    parameters = {**QUICK["parameters"], "question_metrics": "mAP@10"}
    declared_family = {"metrics": ["mAP@10"], "differences": DIFFERENCES}
    write(project, family=declared_family, parameters=parameters)
    (project / "results" / "quick").mkdir(parents=True)
    monkeypatch.setattr(studies.report.Reader, "collect", lambda self, what: questions)
    monkeypatch.setattr(studies.report.Reader, "units", lambda self: UNITS)
    significance_command.main(["quick"])
    written = pd.read_csv(project / "results" / "quick" / "significance.csv")
    assert written["contrast"].unique().tolist() == ["hybrid − x-y"]
    assert len(written) == 4
    with pytest.raises(SystemExit, match="study 'worldfacts' declares no family"):
        significance_command.main(["worldfacts"])
