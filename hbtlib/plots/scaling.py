"""Scores over the size of a model, with what a law says of larger ones; scores over mixed text."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from hbtlib.checks import short as described
from hbtlib.plots.saving import Figure
from hbtlib.plots.style import NICE, SMALL, arm_colours, caption, panels, short
from hbtlib.plots.tables import checked

_UNITS = ((1e9, "B"), (1e6, "M"), (1e3, "k"))
_BEYOND = "#F3F3F3"
"""The ground of sizes that no law was fitted to."""


def scaling_curves(
    points: pd.DataFrame,
    curves: pd.DataFrame,
    *,
    label: str = "mAP@10",
    marks: Sequence[float] = (13e9, 130e9),
) -> Figure:
    """Draws scores over the number of parameters, and a fitted law with its band far beyond them.

    A panel is a setting, a line an arm. What lies to the right of the largest model that the law
    was fitted to is on grey ground: it was extrapolated, and its band says how far that can be
    trusted.

    Args:
        points: panel, arm, size (parameters), seed, value, and fitted (whether the law was fitted
            to it; others are drawn as diamonds).
        curves: panel, arm, size, value (the law), low and high (its band).
        label: of the vertical axis.
        marks: sizes that a line is drawn at.

    Returns:
        The picture.

    Raises:
        ValueError: a table lacks a column or a value, or a size is not above 0.
    """
    if not isinstance(label, str):
        raise ValueError(f"label is {described(label)}; it must be a text")
    keys = ["panel", "arm", "size", "seed"]
    dots = checked(points, "points", ["value", "size"], keys, names=["panel", "arm"])
    checked(points, "points", ["value"], ["panel", "arm", "size", "seed", "fitted"])
    of_line = ["panel", "arm", "size"]
    values = ["size", "value", "low", "high"]
    lines = checked(curves, "curves", values, of_line, names=["panel", "arm"])
    if not (dots["size"] > 0).all() or not (lines["size"] > 0).all():
        raise ValueError("a size is a number of parameters, above 0: it stands on a log axis")
    colours = arm_colours(dict.fromkeys(map(str, lines["arm"])))
    names = list(dict.fromkeys(map(str, lines["panel"])))
    measured_to = float(dots.loc[dots["fitted"].astype(bool), "size"].max())
    figure, parts = panels(names, 2, (4.0, 2.6), (0.4, 0.5))
    for name, axes in parts.items():
        here, fits = dots[dots["panel"] == name], lines[lines["panel"] == name]
        _ground(axes, measured_to, float(lines["size"].max()), marks)
        for arm, colour in colours.items():
            _draw(axes, here[here["arm"] == arm], fits[fits["arm"] == arm], colour)
        _scale(axes, here["value"], fits)
        axes.set(title=name, ylabel=label, xlabel="parameters without embeddings")
    handles = [Line2D([], [], color=colours[arm], marker="o", label=arm) for arm in colours]
    notes = [
        "Dots: runs. Lines: saturating power laws; bands: 95 % of laws fitted to other draws of "
        "seeds and questions.",
        f"On grey ground, beyond {size_text(measured_to)} parameters, lines and bands are "
        f"extrapolation. Dashed: {' and '.join(map(size_text, marks))}.",
    ]
    if not dots["fitted"].astype(bool).all():
        handles.append(Line2D([], [], color="#666666", marker="D", ls="", label="not fitted"))
        notes.append("Diamonds: runs of other encoders, to which no law was fitted.")
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    caption(figure, notes)
    return figure


def mixing_curves(table: pd.DataFrame, *, label: str = "mAP@10") -> Figure:
    """Draws scores over how far queries are mixed from two languages: a line an arm.

    Args:
        table: panel, arm, degree (in order), seed and value.
        label: of the vertical axis.

    Returns:
        The picture: lines are means over seeds, bands reach from the lowest seed to the highest.

    Raises:
        ValueError: the table lacks a column or a value.
    """
    if not isinstance(label, str):
        raise ValueError(f"label is {described(label)}; it must be a text")
    keys = ["panel", "arm", "degree", "seed"]
    found = checked(table, "table", ["value"], keys, names=["panel", "arm", "degree"])
    degrees = list(dict.fromkeys(found["degree"]))
    colours = arm_colours(dict.fromkeys(map(str, found["arm"])))
    names = list(dict.fromkeys(map(str, found["panel"])))
    top = 1.05 * max(float(found["value"].max()), 1e-3)  # the same for all panels
    figure, parts = panels(names, 3, (2.7, 2.3), (0.4, 0.5))
    for name, axes in parts.items():
        for arm, colour in colours.items():
            here = found[(found["panel"] == name) & (found["arm"] == arm)]
            over = here.groupby("degree")["value"].agg(["mean", "min", "max"]).reindex(degrees)
            places = np.arange(len(degrees))
            axes.fill_between(places, over["min"], over["max"], color=colour, alpha=0.15, lw=0)
            axes.plot(places, over["mean"], "o-", color=colour, lw=1.4, ms=3.5)
        axes.set_xticks(range(len(degrees)), degrees, size=SMALL)
        axes.set(title=name, ylabel=label, xlabel="share of the other language (%)")
        axes.set_ylim(0, top)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=NICE))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    handles = [Line2D([], [], color=colours[arm], marker="o", label=arm) for arm in colours]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    caption(figure, ["Lines: means over seeds; bands: from the lowest seed to the highest."])
    return figure


def size_text(parameters: float) -> str:
    """Writes a number of parameters in few characters.

    Args:
        parameters: how many.

    Returns:
        The text.

    Example:
        >>> size_text(33_472), size_text(1_180_000), size_text(13e9)
        ('33k', '1.2M', '13B')
    """
    for unit, letter in _UNITS:
        if parameters >= unit:
            value = parameters / unit
            return f"{value:.{1 if value < 9.95 and letter != 'k' else 0}f}{letter}"
    return f"{parameters:.0f}"


def _ground(axes: Axes, measured_to: float, largest: float, marks: Sequence[float]) -> None:
    """The ground of sizes that no law was fitted to, and the sizes that are asked about."""
    axes.set_xscale("log")
    axes.axvspan(measured_to, largest * 1.5, color=_BEYOND, lw=0, zorder=0)
    for mark in marks:
        axes.axvline(mark, color="#888888", lw=0.8, ls=(0, (4, 3)), zorder=1)


def _draw(axes: Axes, here: pd.DataFrame, fits: pd.DataFrame, colour: str) -> None:
    """One arm: its runs, its law and the band."""
    axes.fill_between(fits["size"], fits["low"], fits["high"], color=colour, alpha=0.14, lw=0)
    axes.plot(fits["size"], fits["value"], color=colour, lw=1.4)
    is_fitted = here["fitted"].astype(bool)
    for marker, rows in (("o", here[is_fitted]), ("D", here[~is_fitted])):
        axes.plot(rows["size"], rows["value"], marker, color=colour, ms=4, mec="white", mew=0.4)


def _scale(axes: Axes, values: pd.Series, fits: pd.DataFrame) -> None:
    """Both axes: a tick every two decades, and room for the band."""
    low = min(float(values.min()), float(fits["low"].min()))
    high = max(float(values.max()), float(fits["high"].max()))
    if low < 0:
        axes.axhline(0, color="black", lw=0.8)
    room = 0.06 * max(high - min(low, 0.0), 1e-3)
    axes.set_ylim(min(low, 0.0) - room * (low < 0), high + room)
    axes.set_xlim(float(fits["size"].min()) / 1.5, float(fits["size"].max()) * 1.5)
    axes.xaxis.set_major_locator(LogLocator(100.0))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: size_text(value)))
    digits = 2 if high - min(low, 0.0) > 0.03 else 3
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=NICE))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value, digits=digits)))
