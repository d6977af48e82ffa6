"""Checks of values: what is refused, in which words, and what passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hbtlib import checks


@pytest.mark.parametrize("value", [True, 1.0, "1", None, [1], float("nan")])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"steps is .*; it must be a whole number"):
        checks.check_integer("steps", value)


def test_whole_numbers_have_bounds() -> None:
    assert checks.check_integer("steps", np.int64(3), 1, 3) == 3
    for value, said in {0: "1 or more", 4: "3 or less"}.items():
        with pytest.raises(ValueError, match=f"steps is {value}; it must be {said}"):
            checks.check_integer("steps", value, 1, 3)


@pytest.mark.parametrize("value", [True, "1e-4", None, [1.0], 1j])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"rate is .*; it must be a number"):
        checks.check_number("rate", value)


def test_numbers_are_finite_and_have_bounds() -> None:
    assert checks.check_number("rate", np.float32(0.5), above=0, below=1) == 0.5
    assert checks.check_number("rate", 1, minimum=0, maximum=1) == 1.0
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"finite"):
            checks.check_number("rate", value)
    for bounds, said in [
        ({"above": 0.5}, "above 0.5"),
        ({"below": 0.5}, "below 0.5"),
        ({"minimum": 1, "maximum": 2}, "1 or more and 2 or less"),
    ]:
        with pytest.raises(ValueError, match=f"rate is 0.5; it must be {said}$"):
            checks.check_number("rate", 0.5, **bounds)


def test_choices_name_what_was_probably_meant() -> None:
    assert checks.check_choice("mix", "pair", ["batch", "pair"]) == "pair"
    with pytest.raises(ValueError, match=r"mix is 'pairs'; did you mean 'pair'"):
        checks.check_choice("mix", "pairs", ["batch", "pair"])
    with pytest.raises(ValueError, match=r"mix is 3; there are batch, pair"):
        checks.check_choice("mix", 3, ["batch", "pair"])


def test_options_must_be_known() -> None:
    assert checks.check_options("lora", None, ["r"]) == {}
    assert checks.check_options("lora", {"r": 4}, ["r"]) == {"r": 4}
    with pytest.raises(ValueError, match=r"lora is 4; it must be a mapping"):
        checks.check_options("lora", 4, ["r"])
    with pytest.raises(ValueError, match=r"lora has no option 'rank_'; did you mean 'rank'"):
        checks.check_options("lora", {"rank_": 4}, ["rank"])
    with pytest.raises(ValueError, match=r"lora has no option 'x'; there are none"):
        checks.check_options("lora", {"x": 4}, [])


@pytest.mark.parametrize(
    "value", ["", ".", "..", "../x", "a/b", "a b", "x$(y)", "a;b", "-a", "é", 3]
)
def test_names_stay_inside_their_folder(value: Any) -> None:
    with pytest.raises(ValueError, match=r"study is .*; it becomes a part of a file's name"):
        checks.check_name("study", value)
    assert checks.check_name("study", "x-y.0_1") == "x-y.0_1"


def test_long_values_are_cut() -> None:
    assert checks.short("x" * 100) == "'" + "x" * 58 + "…"


class Unspeakable:
    """Something whose repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (pd.DataFrame({"a": [1, 2]}), "a 0 1 1 2"),
        (pd.DataFrame(), "Empty DataFrame Columns: [] Index: []"),
        (pd.Series([1]), "0 1 dtype: int64"),
        (np.eye(2), "array([[1., 0.], [0., 1.]])"),
        (np.zeros((99, 99)), "array([[0., 0., 0., ..., 0., 0., 0.], [0., 0., 0., ..., 0.,…"),
        ([np.eye(2)], "[array([[1., 0.], [0., 1.]])]"),
        ("a\r\nb  c\u2028", r"'a\r\nb  c\u2028'"),
        (Unspeakable(), "an object of the type Unspeakable"),
    ],
)
def test_every_value_is_shown_on_one_line(value: Any, shown: str) -> None:
    assert checks.short(value) == shown
    assert len(shown) <= 60


def test_numbers_too_large_for_a_float_are_refused() -> None:
    with pytest.raises(ValueError, match=r"rate is 1000.*…; it must be below 1e308"):
        checks.check_number("rate", 10**400)
    with pytest.raises(ValueError, match="steps is an object of the type int; it must be 3 or"):
        checks.check_integer("steps", 10**5000, maximum=3)


def test_flags_are_true_or_false() -> None:
    assert checks.check_flag("progress", np.bool_(True)) is True
    assert checks.check_flag("progress", False) is False
    for value in (0, 1, None, "yes", pd.NA, pd.DataFrame(), np.array([True])):
        with pytest.raises(ValueError, match=r"progress is .*; it must be True or False"):
            checks.check_flag("progress", value)


def test_paths_are_texts_or_paths() -> None:
    for value in ("a/b", Path("a/b"), np.str_("a/b")):
        assert checks.check_path("folder", value) == Path("a/b")
    for value in ("", " ", "a\0b", b"a", 3, None, 0.5, ["a"], pd.DataFrame()):
        with pytest.raises(ValueError, match=r"folder is .*; it must be a path, a text or a"):
            checks.check_path("folder", value)
    with pytest.raises(ValueError, match=r"folder is 'a/x+…; no file's name has more than 255 by"):
        checks.check_path("folder", "a/" + "x" * 256)
