"""Studies: from YAML to runs, and to the notebooks that read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from quick_study import QUICK, REPOSITORY, make_project, write_study

import hbtlib as hbt
from hbtlib import study
from hbtlib.study.config import read, study_file
from hbtlib.study.studies import NOTEBOOKS


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_project(tmp_path, monkeypatch)


def test_a_study_is_its_grid(project: Path) -> None:
    loaded = study.load("quick")
    assert [run.arm for run in loaded.runs] == ["x-y", "hybrid"]
    assert [run.parameters["strategy"] for run in loaded.runs] == ["x-y", "hybrid"]
    default = study.notebook_parameters("train")["temperature"]
    assert loaded.runs[0].parameters["temperature"] == default
    assert loaded.runs[0].name.startswith("x-y-seed0-")
    assert loaded.run(loaded.runs[1].name) == loaded.runs[1]
    with pytest.raises(ValueError, match="has no run 'x'; it has x-y-seed0-"):
        loaded.run("x")


def test_an_arm_is_named_after_what_the_grid_varies(project: Path) -> None:
    grid = {"seed": [0, 1], "strategy": ["x-y", "hybrid"], "steps": [10, 20], "mix": ["pair"]}
    write_study(project, QUICK, grid=grid)
    runs = study.load("quick").runs
    assert len(runs) == 8
    assert [run.arm for run in runs[:4]] == [
        "x-y, steps 10, mix pair",
        "x-y, steps 20, mix pair",
        "hybrid, steps 10, mix pair",
        "hybrid, steps 20, mix pair",
    ]
    assert [run.parameters["seed"] for run in runs] == [0] * 4 + [1] * 4


def test_the_committed_studies_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HBT_ROOT", str(REPOSITORY))
    assert "worldfacts" in study.study_names()
    written = {name: read(study_file(name)) for name in study.study_names()}
    full = [f"{name}-full" for name, content in written.items() if content.full is not None]
    for name in (*written, *full):
        loaded = study.load(name)
        assert len({run.name for run in loaded.runs}) == len(loaded.runs)
        arms = [
            {k: v for k, v in run.parameters.items() if k not in ("strategy", "seed")}
            for run in loaded.runs
        ]
        if name == "worldfacts":  # equal in everything but strategy and seed
            assert all(arm == arms[0] for arm in arms)
            assert {r.parameters["seed"] for r in loaded.runs} == {0, 1, 2}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"grid": {"stratgy": ["x-y"]}}, "no parameter 'stratgy': did you mean 'strategy'"),
        ({"parameters": {"zzz": 1}}, "no parameter 'zzz': there are strategy, alpha"),
        ({"parameters": {"folder": "x"}}, "no parameter 'folder'"),
        ({"parameters": ["steps"]}, r"parameters is \['steps'\], where a mapping belongs"),
        ({"name": "other"}, "name is 'other', but .* write `name: quick`"),
        ({"extra": 1}, "unknown key 'extra'; a study may have name, question, grid"),
        ({"question": ""}, "there is no question: write in a sentence what the study asks"),
        ({"notebooks": "bias"}, "notebooks is 'bias', where a list of names belongs"),
        ({"runs": {"floor": 1}}, "runs: floor is 1, where the parameters in which it differs"),
        ({"runs": {"floor": {"step": 1}}}, "no parameter 'step': did you mean 'steps'"),
        ({"grid": {"strategy": "hybrid"}}, "strategy is 'hybrid', where a list of values belongs"),
        ({"grid": {"strategy": []}}, r"strategy is \[\], where a list of values belongs"),
        (
            {"grid": {"benchmark": ["worldfacts", "xquad-r"]}},
            "on all benchmarks: write their names, separated by blanks, under parameters",
        ),
        (
            {"parameters": {"learning_rate": "3e-5"}},
            r"learning_rate is the text '3e-5', because YAML .* point and a sign: write 3.0e-05",
        ),
        ({"grid": {"learning_rate": ["3e-5"]}}, "learning_rate is the text '3e-5'"),
    ],
)
def test_a_wrong_yaml_is_named(project: Path, change: dict[str, Any], said: str) -> None:
    file = write_study(project, QUICK)
    write_study(project, QUICK | change | {"name": "quick"})
    if "name" in change:
        file.write_text(file.read_text().replace("name: quick", f"name: {change['name']}"))
    with pytest.raises(ValueError, match=said) as error:
        study.load("quick")
    assert str(error.value).startswith(f"{file}: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- name\n- question\n", "a study is a mapping of name, question"),
        ("", "a study is a mapping of name, question"),
        ("grid: [1\nname: quick\n", "no YAML: did not find expected ',' or ']'"),
    ],
)
def test_a_file_that_is_no_mapping_is_named(project: Path, text: str, said: str) -> None:
    write_study(project, QUICK).write_text(text)
    with pytest.raises(ValueError, match=rf"quick\.yaml(, line [0-9]+)?: {said}"):
        study.load("quick")


def test_an_unknown_study_names_those_there_are(project: Path) -> None:
    said = r"no study 'nosuch': .*; there are factorial, .*, … \(notebooks/studies/ has them all\)"
    with pytest.raises(ValueError, match=said):
        study.load("nosuch")


def test_a_study_may_have_arms_beside_its_grid_and_several_benchmarks(project: Path) -> None:
    write_study(
        project,
        QUICK,
        notebooks=["data", "evaluate", "bias"],
        runs={"The (floor)": {"steps": 1}},
        parameters={**QUICK["parameters"], "benchmark": "worldfacts xquad-r", "split": None},
    )
    loaded = study.load("quick")
    floor = loaded.runs[-1]
    assert [run.arm for run in loaded.runs] == ["x-y", "hybrid", "The (floor)"]
    assert (floor.parameters["steps"], floor.parameters["batch_size"]) == (1, 16)
    assert floor.name.startswith("the-floor-seed0-")
    assert [run.beside for run in loaded.runs] == [False, False, True]
    assert loaded.benchmarks == ("worldfacts", "xquad-r")
    shown = loaded.shown()
    first = f"evaluate-{loaded.runs[0].name}"
    assert list(shown)[:3] == ["data", f"{first}-worldfacts", f"{first}-xquad-r"]
    assert shown["bias-xquad-r"] == ("bias", {"study": "quick", "benchmark": "xquad-r"})
    assert len(shown) == 1 + 3 * 2 + 2
    assert loaded.read_by("data") == ()
    assert loaded.read_by(f"{first}-xquad-r") == loaded.runs[:1]
    assert loaded.read_by("bias-xquad-r") == loaded.runs


def test_the_first_seed_stands_for_its_arm_where_one_run_is_shown(project: Path) -> None:
    grid = {"seed": [0, 1], "strategy": ["x-y", "hybrid"]}
    write_study(project, QUICK, grid=grid, notebooks=["evaluate"])
    loaded = study.load("quick")
    assert [parameters["run"] for _, parameters in loaded.shown().values()] == [
        run.name for run in loaded.runs[:2]
    ]


def test_without_notebooks_of_its_own_a_study_has_the_usual_ones(project: Path) -> None:
    write_study(project, {key: value for key, value in QUICK.items() if key != "notebooks"})
    assert hbt.study.load("quick").notebooks == NOTEBOOKS
    write_study(project, QUICK, notebooks=["nosuch"])
    with pytest.raises(
        ValueError, match=r"no notebook 'nosuch' in .*; there are quickstart, data, benchmark"
    ):
        hbt.study.load("quick").shown()


def test_arms_beside_the_grid_have_its_seeds(project: Path) -> None:
    beside = {"floor": {"steps": 1}, "one": {"steps": 2, "seed": 5}}
    write_study(project, QUICK, grid={"strategy": ["x-y"], "seed": [0, 1]}, runs=beside)
    assert [(r.arm, r.parameters["seed"]) for r in study.load("quick").runs] == [
        ("x-y", 0),
        ("x-y", 1),
        ("floor", 0),
        ("floor", 1),
        ("one", 5),
    ]
    parameters = {**QUICK["parameters"], "seed": 3}  # the same seed for all runs
    write_study(project, QUICK, grid={"strategy": ["x-y"]}, parameters=parameters, runs=beside)
    assert [run.parameters["seed"] for run in study.load("quick").runs] == [3, 3, 5]


def test_a_grid_of_seeds_alone_has_no_runs_where_there_are_arms_beside_it(project: Path) -> None:
    beside = {"1-to-2": {"objective": "one-to-k", "objective_options": {"k": 2}}}
    write_study(project, QUICK, grid={"seed": [0, 1]}, runs=beside)
    runs = study.load("quick").runs
    assert [(r.arm, r.parameters["seed"]) for r in runs] == [("1-to-2", 0), ("1-to-2", 1)]
    write_study(project, QUICK, grid={"seed": [0, 1]}, runs={})
    default = study.notebook_parameters("train")["strategy"]
    assert [run.arm for run in study.load("quick").runs] == [default, default]
