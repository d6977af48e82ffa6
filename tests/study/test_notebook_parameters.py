"""The parameters of notebooks: read from their source, and checked when they run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from quick_study import make_project

from hbtlib import study


def test_check_names_what_is_misspelt() -> None:
    given = study.notebook_parameters("train")
    assert study.check("train", given) == given
    others = {"hbt": study, "_": 3, "In": [], "Out": {}}  # what stands in a notebook's namespace
    assert study.check("train", {**given, **others}) == given
    with pytest.raises(
        ValueError, match=r"train.ipynb: no parameter 'stratgy': did you mean 'strategy'"
    ):
        study.check("train", {**given, "stratgy": "x-y"})


def test_check_names_what_is_of_another_type() -> None:
    given = study.notebook_parameters("train")
    assert study.check("train", {**given, "learning_rate": 1})["learning_rate"] == 1
    schedule = {"linear": [1, 0]}
    assert study.check("train", {**given, "alpha": schedule})["alpha"] == schedule
    for name, value, said in (
        ("steps", "100", r"03-train.ipynb: steps is '100'; it must be a whole number from 1 up"),
        (
            "pairs_options",
            "{}",
            r"pairs_options is '{}'; .*a mapping.*; with papermill: -y 'pairs_options",
        ),
        ("seed", True, "seed is True; it must be a whole number from 0 to"),
        ("learning_rate", True, "learning_rate is True"),
    ):
        with pytest.raises(ValueError, match=said):
            study.check("train", {**given, name: value})


def test_a_notebook_is_known_without_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path, monkeypatch)
    source = study.notebook_file("train")
    assert source.parent == project / "notebooks"
    assert source.name.endswith("-train.ipynb")
    with pytest.raises(
        ValueError, match=r"no notebook 'trai' in .*; there are quickstart, data, benchmark"
    ):
        study.notebook_file("trai")
    source.write_text(json.dumps({"cells": [{"metadata": {}, "source": ["steps = 1"]}]}))
    with pytest.raises(ValueError, match=r"train\.ipynb has no cell tagged 'parameters'"):
        study.notebook_parameters("train")


def test_what_is_read_again_when_the_notebook_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(tmp_path, monkeypatch)
    given = study.notebook_parameters("train")
    given["pairs_options"]["data"] = "x"  # the caller's own
    assert study.notebook_parameters("train")["pairs_options"] == {}
    source = study.notebook_file("train")
    text = source.read_text()
    source.write_text(text.replace("steps = 400", "steps = 4000"))
    assert study.notebook_parameters("train")["steps"] == 4000
    source.unlink()
    with pytest.raises(ValueError, match="no notebook 'train'"):
        study.notebook_parameters("train")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 3}', '{"cells": [{}]}', "\\x"])
def test_a_damaged_notebook_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    make_project(tmp_path, monkeypatch)
    study.notebook_file("train").write_text(text)
    with pytest.raises(ValueError, match=r"03-train\.ipynb is no notebook that can be read"):
        study.notebook_parameters("train")


def test_a_parameter_that_somebody_added_is_checked_by_its_defaults_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(tmp_path, monkeypatch)
    source = study.notebook_file("train")
    text = source.read_text()
    source.write_text(text.replace('"steps = 400', '"extra = 1  # mine\\n",\n    "steps = 400'))
    given = study.notebook_parameters("train")
    assert given["extra"] == 1
    assert study.check("train", {**given, "extra": 2})["extra"] == 2
    with pytest.raises(ValueError, match="extra is 'two'; it must be a whole number"):
        study.check("train", {**given, "extra": "two"})
