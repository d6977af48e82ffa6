"""Pictures over the size of a model: what is drawn, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.plots.scaling import size_text

SIZES = [1e4, 1e5, 1e6]


def points(panels: tuple[str, ...] = ("monolingual", "code-switched")) -> pd.DataFrame:
    rows = [
        (panel, arm, size, seed, 0.1 * i + 0.01 * seed, True)
        for panel in panels
        for arm in ("hybrid", "x-x")
        for i, size in enumerate(SIZES)
        for seed in (0, 1)
    ]
    columns = ["panel", "arm", "size", "seed", "value", "fitted"]
    return pd.DataFrame(rows, columns=columns)


def curves(panels: tuple[str, ...] = ("monolingual", "code-switched")) -> pd.DataFrame:
    at = np.geomspace(1e4, 130e9, 20)
    parts = [
        pd.DataFrame(
            {
                "panel": panel,
                "arm": arm,
                "size": at,
                "value": 0.3,
                "low": 0.3 - 0.01 * np.arange(20),
                "high": 0.3 + 0.02 * np.arange(20),
            }
        )
        for panel in panels
        for arm in ("hybrid", "x-x")
    ]
    return pd.concat(parts, ignore_index=True)


def test_every_run_is_a_dot_and_every_arm_a_line() -> None:
    further = pd.DataFrame(
        {
            "panel": "monolingual",
            "arm": "hybrid",
            "size": [1e7],
            "seed": 0,
            "value": 0.5,
            "fitted": False,
        }
    )
    figure = hbt.plots.scaling_curves(
        pd.concat([points(), further], ignore_index=True), curves(), label="R@50"
    )
    mono, mixed = figure.axes
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["monolingual", "code-switched"]
    assert mono.get_xscale() == "log"
    assert mono.get_ylabel() == "R@50"
    dots = [line for line in mono.lines if line.get_marker() == "o"]
    assert sum(len(line.get_xdata()) for line in dots) == 12
    diamonds = [line for line in mono.lines if line.get_marker() == "D"]
    assert sum(len(line.get_xdata()) for line in diamonds) == 1
    assert not any(len(line.get_xdata()) for line in mixed.lines if line.get_marker() == "D")
    vertical = [
        line.get_xdata()[0] for line in mono.lines if len(set(np.asarray(line.get_xdata()))) == 1
    ]
    assert {13e9, 130e9} <= set(vertical)
    # The ground of sizes that no law was fitted to begins at the largest size that was fitted.
    ground = min(patch.get_x() for patch in mono.patches)
    assert ground == SIZES[-1]
    noted = " ".join(text.get_text() for text in figure.texts).replace("\n", " ")
    assert "lines and bands are extrapolation" in noted
    assert "Diamonds: runs of other encoders" in noted


def test_differences_have_a_line_at_zero() -> None:
    below = points(("monolingual",)).assign(value=lambda table: table["value"] - 0.15)
    figure = hbt.plots.scaling_curves(below, curves(("monolingual",)))
    levels = [
        line
        for line in figure.axes[0].lines
        if len(line.get_ydata()) == 2 and not np.asarray(line.get_ydata()).any()
    ]
    assert levels
    low, _ = figure.axes[0].get_ylim()
    assert low < -0.15


def test_mixing_curves_keep_the_order_of_degrees() -> None:
    rows = [
        ("64×1", arm, degree, seed, 0.9 - 0.1 * i + 0.02 * seed)
        for arm in ("hybrid", "en-en")
        for i, degree in enumerate(["0-20", "20-40", "80-100"])
        for seed in (0, 1)
    ]
    table = pd.DataFrame(rows, columns=["panel", "arm", "degree", "seed", "value"])
    figure = hbt.plots.mixing_curves(table)
    [axes] = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0-20", "20-40", "80-100"]
    assert axes.lines[0].get_ydata() == pytest.approx([0.91, 0.81, 0.71])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": -points()["size"]}, "a size is a number of parameters, above 0"),
        ({"value": np.nan}, "value"),
        ({"seed": 0}, "several values of"),
    ],
)
def test_impossible_points_are_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        hbt.plots.scaling_curves(points().assign(**change), curves())


def test_a_label_is_a_text() -> None:
    with pytest.raises(ValueError, match="label is 3"):
        hbt.plots.scaling_curves(points(), curves(), label=3)  # type: ignore[arg-type]


def test_sizes_are_short() -> None:
    assert [size_text(n) for n in (8_576, 149_000, 998_000, 1_049_000, 10_700_000_000)] == [
        "9k",
        "149k",
        "998k",
        "1.0M",
        "11B",
    ]
