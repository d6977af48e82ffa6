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
        ("steps", "100", r"steps is '100' .str., but its default is 400"),
        ("pairs_options", "{}", r"pairs_options is '{}' .str., .* papermill: -y 'pairs_options"),
        ("seed", True, "seed is True"),
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
