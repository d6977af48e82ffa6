"""Ranks tables damaged at random: whatever is asked of them, a result or one sentence."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import random_benchmark
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hbtlib as hbt

BENCHMARK, Q, P = random_benchmark(3, languages=3, questions=4, ties=False)
RANKS = hbt.rank_vectors(Q, P, BENCHMARK)
TOP = hbt.top(Q, P, BENCHMARK, k=5)
MEASURED = hbt.measure(RANKS, ["mAP", "R@1"])
QUESTIONS = hbt.metrics.by_question(RANKS).assign(arm="a", seed=0)
FEW = {"permutations": 5, "samples": 5}

VALUES: list[Any] = [
    *(None, np.nan, np.inf, -np.inf, -1, 0, 0.5, 1, 2**31, 1e300, True, "", "x", "all", "../x"),
    *(b"x", 1j, pd.NaT, pd.NA, (), [1], {}, "é" * 500, "a\x00b", "\ud800"),
]
ASKED: dict[str, tuple[pd.DataFrame, Callable[[Any, Path], Any]]] = {
    "measure": (RANKS, lambda t, _: hbt.measure(t)),
    "by_question": (RANKS, lambda t, _: hbt.metrics.by_question(t, trained=["aa"])),
    "bias": (RANKS, lambda t, _: hbt.bias(t, TOP)),
    "bias of a top": (TOP, lambda t, _: hbt.bias(RANKS, t)),
    "favoured": (RANKS, lambda t, _: hbt.favoured(t)),
    "top_shares": (TOP, lambda t, _: hbt.top_shares(t)),
    "units": (RANKS, lambda t, _: hbt.units(t)),
    "compare": (RANKS, lambda t, _: hbt.compare(t, RANKS, **FEW)),
    "compare_pairs": (RANKS, lambda t, _: hbt.compare_pairs(RANKS, t, permutations=5)),
    "contrasts": (QUESTIONS, lambda t, _: hbt.contrasts(t, {"x": {"a": 1}}, **FEW)),
    "summarise": (MEASURED, lambda t, _: hbt.summarise(t)),
    "by_group": (MEASURED, lambda t, _: hbt.metrics.by_group(t, "script")),
    "trec.write": (RANKS, lambda t, folder: hbt.trec.write(t, folder)),
    "heatmap": (MEASURED, lambda t, _: hbt.plots.heatmap(t)),
    "rank_ecdf": (RANKS, lambda t, _: hbt.plots.rank_ecdf(t)),
}


@st.composite
def damaged(draw: st.DrawFn, table: pd.DataFrame) -> Any:
    """The table with one to three damages."""
    for _ in range(draw(st.integers(1, 3))):
        column = draw(st.sampled_from(list(table.columns)))
        how = draw(st.sampled_from(["one", "all", "lost", "kind", "rows", "twice", "other"]))
        value = draw(st.sampled_from(VALUES))
        if how == "one":
            values = table[column].astype(object)
            values.iloc[draw(st.integers(0, len(table) - 1))] = value
            table = table.assign(**{column: values.infer_objects()})
        elif how == "all":
            table = table.assign(**{column: pd.Series([value] * len(table), index=table.index)})
        elif how == "lost":
            table = table.drop(columns=column)
        elif how == "kind":
            table = table.assign(**{column: table[column].astype(object)})
        elif how == "rows":
            table = table.sample(draw(st.integers(1, len(table))), random_state=0)
        elif how == "twice":
            table = pd.concat([table, table.iloc[:: draw(st.integers(1, 5))]])
        else:
            other = draw(st.sampled_from(list(table.columns)))
            table = table.assign(**{column: table[other]})
        if table.empty or not len(table.columns):
            break
    return table


@pytest.mark.parametrize("asked", ASKED)
def test_a_result_or_one_sentence(asked: str, tmp_path: Path) -> None:
    table, call = ASKED[asked]

    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(damaged(table))
    def check(harmed: Any) -> None:
        folder = tmp_path / "a" / "run"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                call(harmed, folder)
            except (ValueError, FileNotFoundError) as error:
                assert 10 < len(str(error)) < 400, error
        assert {path.name for path in (tmp_path / "a").glob("*")} <= {"run"}

    (tmp_path / "a").mkdir()
    check()
