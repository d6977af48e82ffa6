"""Where the runs of studies stand: how good within a language, how biased across languages."""

from collections.abc import Iterable, Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from hbtlib.checks import short as described
from hbtlib.plots.labels import beside
from hbtlib.plots.saving import Figure
from hbtlib.plots.style import COLOURS, NICE, TINY, arm_colours, caption, panels, short
from hbtlib.plots.tables import checked

UNTRAINED = "none"
"""The arm that is the encoder as it was: drawn in black, as a diamond."""

_BLACK = "#111111"
_SHAPES = "s^vPXph"  # of arms that are named after no strategy


def trade_off(
    runs: pd.DataFrame,
    *,
    steps: Sequence[str] = ("as it is", "with the map"),
    label: str = "rank distance",
) -> Figure:
    """Draws one point a run: monolingual mAP against language bias, a panel a study or benchmark.

    To the right a run is better within a language, further down it treats languages more alike;
    bias is on a logarithmic scale, if none is 0. A thin line joins an arm's mean before and after
    the map. Strategies are circles; every other arm has a shape of its own.

    Args:
        runs: panel, arm, seed, map, monolingual (mAP) and bias; a row a run and value of `map`.
        steps: the values of `map` that are drawn hollow and filled. A panel may lack the second.
        label: of the axis of bias.

    Returns:
        The picture.

    Raises:
        ValueError: if the table lacks a column or a value, or `map` has other values.
    """
    if not isinstance(label, str):
        raise ValueError(f"label is {described(label)}; it must be a text")
    keys = ["panel", "arm", "seed", "map"]
    points = checked(runs, "runs", ["monolingual", "bias"], keys, names=["panel", "map"])
    unknown = set(points["map"]) - set(steps)
    if unknown:
        raise ValueError(
            f"the runs have the map {described(min(unknown))}; steps names {', '.join(steps)}"
        )
    trained = [arm for arm in dict.fromkeys(points["arm"]) if arm != UNTRAINED]
    looks = {UNTRAINED: (_BLACK, "D"), **_looks(trained)}
    names = list(dict.fromkeys(points["panel"]))
    figure, parts = panels(names, 2, (3.3, 2.8), (1.6, 0.3))
    for name, axes in parts.items():
        here = points[points["panel"] == name]
        for arm, found in here.groupby("arm", sort=False):
            _draw_arm(axes, str(arm), found, steps, looks[str(arm)])
        axes.set(title=name, xlabel="monolingual mAP", ylabel=label)
        _scale(axes, here["bias"])
    figure.legend(handles=_handles(points, looks), loc="outside right upper")
    notes = [f"One point a run; lower is less language bias. Hollow: {steps[0]}."]
    if (points["map"] == steps[1]).any():
        notes.append(f"Filled: {steps[1]}. Thin lines join an arm's means.")
    caption(figure, notes)
    return figure


def training_paths(points: pd.DataFrame, *, label: str = "rank distance") -> Figure:
    """Draws ways of training as paths: monolingual mAP against language bias, a panel a benchmark.

    A path varies one thing; its points bear the values. To the right a point is better within a
    language, further down it treats languages more alike; bias is on a logarithmic scale, if none
    is 0.

    Args:
        points: panel, path, label (the value of what is varied), monolingual (mAP) and bias; the
            rows of a path in its order.
        label: of the axis of bias.

    Returns:
        The picture.

    Raises:
        ValueError: if the table lacks a column or a value.
    """
    if not isinstance(label, str):
        raise ValueError(f"label is {described(label)}; it must be a text")
    keys = ["panel", "path", "label"]
    table = checked(points, "points", ["monolingual", "bias"], keys, names=keys)
    colours = arm_colours(dict.fromkeys(table["path"]))
    names = list(dict.fromkeys(table["panel"]))
    figure, parts = panels(names, 2, (4.2, 3.6), (1.9, 0.3))
    for name, axes in parts.items():
        here = table[table["panel"] == name]
        for path, found in here.groupby("path", sort=False):
            colour = colours[str(path)]
            axes.plot(found["monolingual"], found["bias"], "o-", color=colour, ms=4, lw=1)
        axes.set(title=name, xlabel="monolingual mAP", ylabel=label)
        _scale(axes, here["bias"])
    handles = [Line2D([], [], color=colours[path], marker="o", label=path) for path in colours]
    figure.legend(handles=handles, loc="outside right upper", title="what is varied")
    notes = [
        "Each line varies one thing, whose values stand at its points.",
        "To the right: better within a language. Further down: less language bias.",
    ]
    caption(figure, notes)
    figure.draw_without_rendering()  # the panels get their places, and labels can be measured
    for name, axes in parts.items():
        _write_labels(axes, table[table["panel"] == name], colours, figure.dpi)
    return figure


def _write_labels(
    axes: Axes, here: pd.DataFrame, colours: dict[str, str], pixels_an_inch: float
) -> None:
    """The value at each point; a point of several paths has one label, of the first path."""
    once = here.drop_duplicates(["monolingual", "bias"])
    points = axes.transData.transform(once[["monolingual", "bias"]].to_numpy())
    points = points * 72 / pixels_an_inch  # in typographic points
    sizes = np.array([[0.65 * TINY * len(str(label)), TINY] for label in once["label"]])
    shifts = beside(points, sizes, away=3.5) - points
    for row, shift in zip(once.to_dict("records"), shifts, strict=True):
        axes.annotate(
            row["label"],
            (row["monolingual"], row["bias"]),
            shift,
            textcoords="offset points",
            ha="center",
            va="center",
            size=TINY,
            color=colours[row["path"]],
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )


def _looks(arms: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Arm → its colour and the shape of its points."""
    shapes = cycle(_SHAPES)
    colours = arm_colours(arms)
    return {arm: (colours[arm], "o" if arm in COLOURS else next(shapes)) for arm in colours}


def _draw_arm(
    axes: Axes, arm: str, found: pd.DataFrame, steps: Sequence[str], look: tuple[str, str]
) -> None:
    """The points of one arm, and the line between its means."""
    colour, shape = look
    means = found.groupby("map")[["monolingual", "bias"]].mean()
    if set(steps) <= set(means.index):
        line = means.loc[list(steps)]
        axes.plot(line["monolingual"], line["bias"], color=colour, lw=0.8, alpha=0.5, zorder=1)
    for step, fill in zip(steps, ("white", colour), strict=True):
        of_step = found[found["map"] == step]
        axes.plot(
            of_step["monolingual"],
            of_step["bias"],
            shape,
            mfc=fill,
            mec=colour,
            ms=7 if arm == UNTRAINED else 5,
            zorder=4 if arm == UNTRAINED else 3,
        )


def _handles(points: pd.DataFrame, looks: dict[str, tuple[str, str]]) -> list[Line2D]:
    """A line of the legend for each arm, the untrained encoder first."""
    there = set(points["arm"])
    return [
        Line2D(
            [],
            [],
            color=colour,
            marker=shape,
            ls="",
            label="no training" if arm == UNTRAINED else arm,
        )
        for arm, (colour, shape) in looks.items()
        if arm in there
    ]


def _scale(axes: Axes, bias: pd.Series) -> None:
    """A logarithmic axis of bias, or one from 0 where some bias is 0; ticks easily read."""
    if bias.min() > 0:
        axes.set_yscale("log")
        axes.set_ylim(bias.min() / 1.15, bias.max() * 1.15)
        axes.yaxis.set_major_locator(MaxNLocator(7, steps=NICE))  # they lie closer further up
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.set_ylim(0, max(bias.max() * 1.08, 1))
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=NICE))
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=NICE))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.margins(x=0.12)
    axes.grid(color="#E5E5E5", lw=0.6)
    axes.set_axisbelow(True)
