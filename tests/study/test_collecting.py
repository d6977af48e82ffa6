"""The tables of all runs of a study put together, and where its figures and tables go."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from quick_study import QUICK, make_project, seal_run, write_study

from hbtlib import files, study


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_project(tmp_path, monkeypatch)


def write_metrics(name: str, value: float) -> None:
    """Writes metrics of two benchmarks into every run folder of a study."""
    table = pd.DataFrame({"benchmark": ["worldfacts", "other"], "value": [value, -value]})
    for run in study.load(name).runs:
        run.folder.mkdir(parents=True)
        files.write_table(table, run.folder / "metrics.parquet")
        seal_run(run)


def test_every_run_s_table_with_its_arm_and_seed(project: Path) -> None:
    write_metrics("quick", 1.0)
    chosen = study.load("quick")
    table = study.collect(chosen)
    assert table["run"].tolist() == [run.name for run in chosen.runs for _ in range(2)]
    assert table["arm"].tolist() == ["x-y", "x-y", "hybrid", "hybrid"]
    assert set(table["seed"]) == {0}
    assert study.collect(chosen, "metrics", "other")["value"].tolist() == [-1.0, -1.0]
    assert study.collect(chosen, "metrics", "xquad-r").empty


def test_a_study_s_rivals_are_those_of_another(project: Path) -> None:
    write_study(project, QUICK, rivals="others")
    beside = {"1-to-2": {"objective": "one-to-k", "objective_options": {"k": 2}}}
    write_study(project, {**QUICK, "name": "others"}, grid={"seed": [0, 1]}, runs=beside)
    chosen = study.load("quick")
    write_metrics("quick", 1.0)
    assert study.collect(chosen, "metrics", "other")["arm"].tolist() == ["x-y", "hybrid"]
    said = r"'others' lacks metrics of 2 of its 2 runs \(1-to-2-seed0-.*make study STUDY=others"
    with pytest.raises(FileNotFoundError, match=said):
        study.collect(chosen, rivals=True)
    write_metrics("others", 2.0)
    together = study.collect(chosen, "metrics", "other", rivals=True)
    assert together["arm"].tolist() == ["x-y", "hybrid", "1-to-2", "1-to-2"]


def test_what_no_run_writes_is_named_as_such(project: Path) -> None:
    """`make study` would not help: the runs are there, and have none."""
    write_metrics("quick", 1.0)
    said = "study 'quick' keeps no probes: its runs were made with parameters by which none"
    with pytest.raises(FileNotFoundError, match=said):
        study.collect(study.load("quick"), "probes")


def test_a_run_of_other_parameters_is_not_collected(project: Path) -> None:
    write_metrics("quick", 1.0)
    run = study.load("quick").runs[1]
    (run.folder / "parameters.json").write_text(json.dumps({**run.parameters, "steps": 7}))
    seal_run(run)
    said = f"{run.name} was made with another steps than study 'quick' now has: run `make study"
    with pytest.raises(ValueError, match=said):
        study.collect(study.load("quick"))


def test_several_benchmarks_have_figures_and_tables_of_their_own(project: Path) -> None:
    alone = study.load("quick")
    assert study.figures(alone, "worldfacts") == project / "figures" / "quick"
    assert study.summary(alone, "worldfacts") == project / "results" / "quick" / "summary.md"
    parameters = {**QUICK["parameters"], "benchmark": "worldfacts xquad-r", "split": None}
    write_study(project, QUICK, parameters=parameters)
    both = study.load("quick")
    assert study.figures(both, "xquad-r") == project / "figures" / "quick" / "xquad-r"
    table = project / "results" / "quick" / "summary-xquad-r.md"
    assert study.summary(both, "xquad-r") == table
