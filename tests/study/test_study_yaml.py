"""What is wrong with a study's YAML is said in one sentence: file, place, what, what to do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from quick_study import QUICK, make_project, write_study

from hbtlib import study
from hbtlib.checks import check_name


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_project(tmp_path, monkeypatch)


def refused(project: Path) -> str:
    """What `load` says of the study `quick`; it must be short, and begin with the file."""
    file = project / "notebooks" / "studies" / "quick.yaml"
    with pytest.raises(ValueError, match="quick") as error:
        study.load("quick")
    said = str(error.value)
    assert said.startswith(str(file))
    said = said.removeprefix(str(file))
    assert len(said) < 400
    assert "\n" not in said
    return said


HEAD = "name: quick\nquestion: Does it run?\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "grid: [1\n", ", line 4: no YAML: did not find expected ',' or ']'"),
        (HEAD + "grid: {seed: [0]\nruns: }", ", line "),
        (HEAD + "\tgrid: {}", ", line 3: no YAML: found a tab character"),
        (HEAD + "name: quick\n", ", line 3: the key 'name' stands twice in the same mapping"),
        (HEAD + "runs:\n  a: {seed: 1}\n  a: {seed: 2}\n", ", line 5: the key 'a' stands twice"),
        (HEAD + "parameters: {steps: 1, steps: 2}", ", line 3: the key 'steps' stands twice"),
        (HEAD + "parameters: {steps: 2020-13-45}", ", line 3: '2020-13-45' cannot be read"),
        (HEAD + "parameters: {? [a] : 1}", ", line 3: ['a'] is no key of a mapping"),
        (HEAD + "parameters: &a {steps: *a}", ", line 3: this value holds itself"),
        (HEAD + "parameters: {steps: !!python/name:os.system ''}", ", line 3: could not determine"),
        (HEAD + "x: " + "[" * 100_000, ", line 3: more than 50 levels deep"),
        (HEAD + "---\nname: quick\n", ", line 3: no YAML: but found another document"),
        (HEAD + "x: \x07", ": "),
        (HEAD + "1: 2", ": unknown key 1; a study may have name"),
        (HEAD + "grid: {1: [2]}", ": grid: 1 is no name; if it is one, write it in quotes"),
        (HEAD + "grid: {seed: }", ": grid: seed is None, where a list of values belongs"),
        (HEAD + "grid: {seed: {a: 1}}", ": grid: seed is {'a': 1}, where a list of values"),
        (HEAD + "grid: 3", ": grid is 3, where a mapping belongs"),
        (HEAD + "runs: [a]", ": runs is ['a'], where a mapping belongs"),
        (HEAD + "runs: {1: {}}", ": runs: 1 is no name; if it is one, write it in quotes"),
        (HEAD + "runs: {a: }", ": runs: a is None, where the parameters in which it differs"),
        (HEAD + "runs: {a: {1: 2}}", ": runs: a: 1 is no name"),
        (HEAD + "runs: {a: {study: x}}", ": runs: a: no parameter 'study' in a study: its"),
        (HEAD + "notebooks: [1]", ": notebooks is [1], where a list of names belongs"),
        (HEAD + "notebooks: [../x]", ": notebook is '../x'; it becomes a part"),
        (HEAD + "notebooks: [bias, bias]", ": notebooks has 'bias' twice"),
        (HEAD + "notebooks: [train]", ": notebooks has 'train', which makes the runs"),
        (HEAD + "rivals: 3", ": rivals is 3, where the name of another study belongs"),
        (HEAD + "rivals: ../x", ": rivals is '../x'; it becomes a part"),
        (HEAD + "rivals: quick", ": rivals is 'quick', where another study belongs"),
        (HEAD + "rivals: nosuch", ": rivals is 'nosuch', where another study belongs"),
        ("name: quick\nquestion: [1]", ": there is no question"),
        ("name: quick\nquestion: ' '", ": there is no question"),
    ],
)
def test_a_wrong_text_is_named(project: Path, text: str, said: str) -> None:
    (project / "notebooks" / "studies" / "quick.yaml").write_text(text, encoding="utf-8")
    assert refused(project).startswith(said)


def test_a_file_that_cannot_be_read_is_named(project: Path) -> None:
    file = project / "notebooks" / "studies" / "quick.yaml"
    file.write_bytes("name: quick\nquestion: für\n".encode("latin-1"))
    assert refused(project) == " is not UTF-8 text (byte 23): save it in that encoding"
    file.unlink()
    file.mkdir()
    assert refused(project) == " cannot be read: Is a directory"


def test_anchors_may_be_used_and_may_not_explode(project: Path) -> None:
    file = write_study(project, QUICK)
    text = file.read_text() + "runs:\n  a: &a {alpha: 0.25}\n  b: {<<: *a, steps: 3}\n"
    file.write_text(text)
    last = study.load("quick").runs[-1]
    assert (last.parameters["alpha"], last.parameters["steps"]) == (0.25, 3)
    laughs = "\n".join(f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 10)}]" for i in range(1, 20))
    file.write_text(f"{HEAD}x0: &x0 [a]\n{laughs}\n")
    assert "its anchors stand for more than 5,000,000 values" in refused(project)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"grid": {"strategy": ["x$(touch pwned)"]}}, "grid: strategy is 'x$(touch pwned)'"),
        ({"runs": {"a": {"seed": "0|| touch pwned #"}}}, "runs: a: seed is '0|| touch pwned #'"),
        ({"grid": {"seed": [0, 0]}}, "grid: seed has 0 twice"),
        ({"grid": {"alpha": [0, 0.0]}}, "grid: alpha has 0.0 twice"),
        ({"grid": {"alpha": [{"linear": [1, 0]}] * 2}}, "grid: alpha has {'linear': [1, 0]} twice"),
        ({"grid": {"seed": [0, -1]}}, "grid: seed is -1; it must be a whole number from 0"),
        ({"grid": {"benchmark": ["x"]}}, "grid: benchmark cannot vary in a grid"),
        ({"parameters": {"seed": [0, 1]}}, "parameters: seed is [0, 1]; it must be a whole number"),
        ({"parameters": {"ids": 0}}, "parameters: ids is 0; it must be a whole number from 1 up"),
        ({"parameters": {"stratgy": 1}}, "parameters: no parameter 'stratgy': did you mean"),
        ({"runs": {"a b": {"steps": 1}, "a-b": {"steps": 1}}}, "runs: a-b: its run a-b-seed0-"),
        ({"runs": {"hybrid": {"steps": 1}}}, "runs: hybrid is also an arm of the grid"),
        ({"runs": {"hybrid": {"strategy": "hybrid"}}}, "runs: hybrid: its run hybrid-seed0-"),
        ({"runs": {"..": {}}}, "runs: ..: its runs would be called '..-seed0-"),
        ({"runs": {"日本": {}}}, "runs: 日本: its runs would be called '-seed0-"),
        ({"runs": {"x" * 200: {}}}, "which is longer than 150 characters"),
        ({"runs": {"a\nb": {}}}, "runs: 'a\\nb' is no name for an arm"),
        ({"runs": {"a $x$": {}}}, "runs: 'a $x$' is no name for an arm"),
        ({"runs": {"a": {"pairs_options": {"data": "x"}}}}, "runs: a: pairs_options has no option"),
        (
            {"grid": {"objective": ["info-nce", "clar"]}},
            "grid: hybrid, objective clar: objective is 'clar'; did you mean 'clear'?",
        ),
        ({"grid": {"seed": list(range(400)), "steps": list(range(1, 400))}}, "159,600 runs"),
    ],
)
def test_a_wrong_value_has_its_place(project: Path, changed: dict[str, Any], said: str) -> None:
    write_study(project, {**QUICK, "name": "quick"}, **changed)
    assert said in refused(project)


def test_every_name_of_a_run_is_safe(project: Path) -> None:
    beside = {"The (floor); touch pwned #": {"steps": 1}, "a/../b": {"steps": 2}, "Ünicode 1": {}}
    alphas = [0.25, 1, {"linear": [1, 0]}, {"step": [[0, 0.2], [0.5, 0.8]]}, 1e-05]
    write_study(project, QUICK, grid={"alpha": alphas, "mix": ["batch", "pair"]}, runs=beside)
    runs = study.load("quick").runs
    assert len(runs) == 13
    for run in runs:
        check_name("run", run.name)
        assert run.folder.parent == project / "results" / "quick"


@pytest.mark.parametrize(
    "name", ["../x", "x; touch pwned #", "", ".", "a b", "a/b", "x\n", 3, None]
)
def test_a_name_that_leads_elsewhere_is_no_study(project: Path, name: Any) -> None:
    with pytest.raises(ValueError, match=r"the study is .*; it becomes a part of a file's name"):
        study.load(name)


def test_twenty_thousand_runs_load_in_seconds(project: Path) -> None:
    write_study(project, QUICK, grid={"strategy": ["x-y", "hybrid"], "seed": list(range(10_000))})
    begun = time.process_time()
    loaded = study.load("quick")
    assert len(loaded.runs) == 20_000
    assert time.process_time() - begun < 6  # it took 17; it takes one, or two on a busy machine


def test_a_name_too_long_for_a_file_is_refused(project: Path) -> None:
    with pytest.raises(ValueError, match=r"^no study 'x+…: the name is longer than 150 letters$"):
        study.load("x" * 10_000)
