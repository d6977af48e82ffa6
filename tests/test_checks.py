"""Checks of values: what is refused, in which words, and what passes."""

from __future__ import annotations

from typing import Any

import numpy as np
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


def test_values_of_many_lines_are_shown_on_one() -> None:
    import pandas as pd

    assert "\n" not in checks.short(pd.DataFrame({"a": [1, 2]}))
