"""The quick part of the fault suite; `make test-faults` is the whole of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import call_fuzz
import damage
import kills
import pandas as pd
import pytest
import suite
import yaml_fuzz
from calls import Call
from harness import Project, Trial, explained, make_project
from values import CALLS, fits

import hbtlib as hbt
from hbtlib.checks import check_integer
from hbtlib.files import write_table


def faults(trials: list[Trial]) -> list[str]:
    """What must not be: nonsense accepted, wrong results, raw tracebacks."""
    return [f"{trial.what}: {trial.said}" for trial in trials if trial.lost or trial.unexplained]


def test_bad_studies_and_parameters_are_refused_in_one_sentence() -> None:
    trials = list(yaml_fuzz.trials(quick=True))
    assert len(trials) == 100
    assert faults(trials) == []
    assert sum(trial.named for trial in trials) > 50


def test_bad_arguments_are_refused_in_one_sentence() -> None:
    trials = list(call_fuzz.trials(quick=True))
    assert len(trials) == call_fuzz.FEW
    assert faults(trials) == []
    assert sum(trial.named for trial in trials) > 40


def draws(n: int) -> list[int]:
    """A function that checks what it is given."""
    return list(range(check_integer("n", n, minimum=1)))


def draws_unchecked(n: int) -> list[int]:
    """A function that does not."""
    return list(range(n))


def test_a_call_is_judged_by_what_belongs_there() -> None:
    usual = draws(5)
    for function, value, outcome in (
        (draws, 3, "survived"),
        (draws, -1, "named"),
        (draws, "3", "named"),
        (draws_unchecked, -1, "lost"),
        (draws_unchecked, "3", "unexplained"),
    ):
        call = Call("draws", function, {"n": 5})
        assert call_fuzz.outcome_of(call, "n", value, usual)[0] == outcome


def test_a_thousand_calls_reach_every_parameter() -> None:
    table = pd.DataFrame({"rank": [1, 2], "pool": ["de", "all"]})
    calls = [Call("one", draws, {"n": 5, "ranks": table}), Call("two", draws, {"n": 5})]
    chosen = call_fuzz.chosen(calls, 60)
    assert len(chosen) == 60
    assert {(call.name, name) for call, name, _, _ in chosen} == {
        ("one", "n"),
        ("one", "ranks"),
        ("two", "n"),
    }
    assert [label for _, _, label, _ in chosen] == [
        label for _, _, label, _ in call_fuzz.chosen(calls, 60)
    ]
    assert any(label == "rank NaN" for _, _, label, _ in chosen)


def finished(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with two whole runs, whose tables are small and whose models are none."""
    project = make_project(folder)
    monkeypatch.setenv("HBT_ROOT", str(project.folder))
    for number, run in enumerate(hbt.study.load("quick").runs):
        place = hbt.study.Workplace(run.parameters)
        (place.path / "model").mkdir()
        (place.path / "model" / "modules.json").write_text("[]")
        for table in damage.TABLES:
            content = pd.DataFrame({"query_id": [f"q{i}" for i in range(50)], "rank": range(50)})
            write_table(
                content.assign(rank=content["rank"] + number), place.path / f"{table}.parquet"
            )
        place.finish({})
    return project


def test_damage_is_named_by_who_reads_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = damage.Copy(tmp_path, finished(tmp_path / "original", monkeypatch))
    trials = [*damage.flips_in_ranks(copy, 30), *damage.read_tables(copy)]
    assert len(trials) >= 30 + 50
    assert faults(trials) == []
    assert sum(trial.named for trial in trials) > 70


def test_an_error_is_explained_if_the_library_raised_it_on_purpose() -> None:
    def error(call: object, *arguments: object) -> Exception:
        try:
            call(*arguments)  # type: ignore[operator]
        except Exception as raised:
            return raised
        raise AssertionError("nothing was raised")

    assert explained(error(check_integer, "steps", "many"))
    assert not explained(error(json.loads, "{"))
    assert not explained(error(pd.DataFrame().groupby, "nosuch"))
    assert not explained(error(os.stat, "/nosuch"))
    assert not explained(error(check_integer, "steps" * 100, "many"))


def test_a_value_belongs_or_it_does_not() -> None:
    belongs = {"batch_size": 3, "alpha": 0.5, "ids": [0, 1], "role": "query", "trained": ()}
    for name, value in belongs.items():
        assert fits(CALLS, name, value)
    for name in belongs:
        for value in (-1, True, float("nan"), "nosuch", [None], ["de", "de"]):
            assert not fits(CALLS, name, value)


def test_the_table_counts_trials_and_not_what_was_skipped() -> None:
    trials = [
        Trial("kill -9", "all", "one", survived=True),
        Trial("kill -9", "all", "two", lost=True),
        Trial("kill -9", "skipped: no disk", ""),
    ]
    counts = suite.table(trials)
    assert counts[suite.COUNTED].to_numpy().tolist() == [[2, 1, 0, 1, 0], [0, 0, 0, 0, 0]]
    text = suite.as_markdown(counts, "a state", 120)
    assert "| kill -9 | 2 | 1 | 0 | 1 | 0 |" in text
    assert "in 2 minutes" in text


def test_a_folder_that_lacks_files_is_half_a_run(tmp_path: Path) -> None:
    project = Project(tmp_path)
    folder = project.results / "x-y-seed0-0"
    folder.mkdir(parents=True)
    for name in kills.FILES - {"model"}:
        (folder / name).touch()
    assert kills.half_a_run(project) == "x-y-seed0-0 lacks model"
    (folder / "model").mkdir()
    assert kills.half_a_run(project) == ""
