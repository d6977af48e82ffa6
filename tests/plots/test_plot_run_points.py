"""A point a run: monolingual mAP against language bias."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import hbtlib as hbt


def runs() -> pd.DataFrame:
    rows = [
        (panel, arm, seed, which, 0.5 + 0.1 * seed, 900.0 - 400 * (which == "with the map"))
        for panel in ("one", "two")
        for arm in ("none", "hybrid")
        for seed in (0, 1)
        for which in ("as it is", "with the map")
    ]
    return pd.DataFrame(rows, columns=["panel", "arm", "seed", "map", "monolingual", "bias"])


def test_a_point_a_run_and_a_line_an_arm() -> None:
    figure = hbt.plots.trade_off(runs())
    assert [axes.get_title("left") for axes in figure.axes] == ["one", "two"]
    for axes in figure.axes:
        marks = [line for line in axes.lines if line.get_marker() not in ("", "None")]
        points = {tuple(map(float, xy)) for line in marks for xy in line.get_xydata()}
        assert points == {(0.5, 900.0), (0.6, 900.0), (0.5, 500.0), (0.6, 500.0)}
        assert axes.get_yscale() == "log"
        assert axes.get_ylim()[0] < 500
        assert axes.get_ylim()[1] > 900
        hollow = [line for line in marks if line.get_markerfacecolor() == "white"]
        assert len(hollow) == 2  # each arm as it is
        joined = [line for line in axes.lines if line.get_marker() in ("", "None")]
        assert [line.get_xydata().tolist() for line in joined] == [
            [[0.55, 900.0], [0.55, 500.0]]
        ] * 2
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["no training", "hybrid"]


def test_runs_without_a_map_have_no_line() -> None:
    figure = hbt.plots.trade_off(runs().query("map == 'as it is' and panel == 'one'"))
    assert all(line.get_marker() in ("o", "D") for line in figure.axes[0].lines)


def test_an_arm_that_is_no_strategy_has_a_shape_of_its_own() -> None:
    table = pd.concat([runs().replace("hybrid", arm) for arm in ("hybrid", "lancer", "1-to-2")])
    figure = hbt.plots.trade_off(table.drop_duplicates())
    shapes = {
        handle.get_label(): handle.get_marker() for handle in figure.legends[0].legend_handles
    }
    assert shapes["no training"] == "D"
    assert shapes["hybrid"] == "o"
    assert len(set(shapes.values())) == 4


def test_no_bias_at_all_is_drawn_too() -> None:
    table = runs()
    table.loc[table["map"] == "with the map", "bias"] = 0.0
    low, high = hbt.plots.trade_off(table).axes[0].get_ylim()
    assert low == 0
    assert high > 900


@pytest.mark.parametrize(
    ("table", "options", "said"),
    [
        (runs().drop(columns="bias"), {}, "bias"),
        (runs().replace("as it is", "before"), {}, "have the map 'before'; steps names as it is"),
        (pd.concat([runs(), runs()]), {}, "several values of panel one, arm none, seed 0"),
        (runs(), {"label": 3}, "label is 3; it must be a text"),
    ],
)
def test_wrong_tables_are_named(table: pd.DataFrame, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        hbt.plots.trade_off(table, **options)
