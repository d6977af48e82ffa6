"""Where encoders stand and where a map takes them: how good within a language, how biased."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from hbtlib.checks import short as described
from hbtlib.plots.saving import Figure
from hbtlib.plots.style import NICE, arm_colours, caption, panels, short
from hbtlib.plots.tables import checked

_SHAPES = "osD^vPX<>ph*"
_WORDS = {
    "rank-distance-relative": "rank distance, times chance",
    "own-language-top@10": "own language, share of the top 10",
    "own-language-first": "own language first, share of queries",
    "own-language-preference": "own language first, times chance",
}


def bias_arrows(
    scores: pd.DataFrame,
    measure: str = "rank-distance-relative",
    *,
    steps: Sequence[str] = ("as it is", "translations"),
) -> Figure:
    """Draws each encoder as an arrow from before to after a map: a panel a benchmark.

    To the right an encoder is better within a language (monolingual mAP), further down it treats
    languages more alike. Crosses are 95 % intervals where the table has them.

    Args:
        scores: encoder, benchmark, map, measure, setting, value, perhaps low and high, perhaps
            chance (drawn as a dashed line), as `hbtlib.study.encoders.collect("scores")` gives
            them.
        measure: the measure of bias, of the multilingual setting. Ratios to chance are drawn on a
            logarithmic axis.
        steps: the values of `map` before and after. An encoder that lacks the second has no arrow.

    Returns:
        The picture.

    Raises:
        ValueError: if the table lacks a column or the measure.
    """
    if not isinstance(measure, str):
        raise ValueError(f"measure is {described(measure)}; it must be a text")
    keys = ["encoder", "benchmark", "map", "measure", "setting"]
    points = _points(checked(scores, "scores", ["value"], keys), measure)
    colours = arm_colours(dict.fromkeys(points["encoder"]))
    shapes = {name: _SHAPES[i % len(_SHAPES)] for i, name in enumerate(colours)}
    names = list(dict.fromkeys(points["benchmark"]))
    figure, parts = panels(names, 2, (3.1, 2.7), (1.6, 0.3))
    for name, axes in parts.items():
        here = points[points["benchmark"] == name]
        for encoder, found in here.groupby("encoder", sort=False):
            look = (colours[str(encoder)], shapes[str(encoder)])
            _draw_arrow(axes, found.set_index("map"), steps, look)
        _draw_chance(axes, here)
        _scale(axes, measure)
        axes.set(title=name, xlabel="monolingual mAP", ylabel=_WORDS.get(measure, measure))
    handles = [
        Line2D([], [], color=colour, marker=shapes[name], ls="", label=name)
        for name, colour in colours.items()
    ]
    figure.legend(handles=handles, loc="outside right upper")
    notes = [f"Hollow: {steps[0]}. Filled: after {steps[1]}. Thin lines: 95 % intervals."]
    at_random = measure.startswith("rank-distance")
    said = "a random ranking" if at_random else "languages treated alike"
    caption(figure, [*notes, f"Dashed line: {said}."])
    return figure


def _points(scores: pd.DataFrame, measure: str) -> pd.DataFrame:
    """A row an encoder, benchmark and map: x and y with their intervals, and y's chance."""
    keys = ["encoder", "benchmark", "map"]
    intervals = scores.reindex(columns=[*scores.columns.union(["low", "high", "chance"])])
    good = intervals[(intervals["measure"] == "mAP") & (intervals["setting"] == "monolingual")]
    biased = intervals[intervals["measure"] == measure]
    biased = biased[biased["setting"] == "multilingual"]
    if biased.empty:
        have = ", ".join(map(str, scores["measure"].unique()))
        raise ValueError(f"scores has no measure {measure!r}; it has {have}")
    kept = [*keys, "value", "low", "high"]
    return biased[[*kept, "chance"]].merge(good[kept], on=keys, suffixes=("_y", "_x"))


def _draw_arrow(
    axes: Axes, found: pd.DataFrame, steps: Sequence[str], look: tuple[str, str]
) -> None:
    """One encoder: a hollow mark, an arrow, a filled mark."""
    colour, shape = look
    for step, fill in zip(steps, ("white", colour), strict=True):
        if step not in found.index:
            continue
        row = found.loc[step]
        x, y = row["value_x"], row["value_y"]
        axes.plot([row["low_x"], row["high_x"]], [y, y], color=colour, lw=0.7, alpha=0.7)
        axes.plot([x, x], [row["low_y"], row["high_y"]], color=colour, lw=0.7, alpha=0.7)
        axes.plot(x, y, shape, mfc=fill, mec=colour, ms=6, zorder=3)
    if set(steps) <= set(found.index):
        start, end = (found.loc[step, ["value_x", "value_y"]] for step in steps)
        axes.annotate(
            "",
            tuple(end),
            tuple(start),
            arrowprops={
                "arrowstyle": "-|>",
                "color": colour,
                "lw": 1.2,
                "shrinkA": 3,
                "shrinkB": 3,
            },
            size=7,  # of the arrow's head, in points
            zorder=2,  # under the marks: between two that nearly touch there is no room for it
        )


def _draw_chance(axes: Axes, here: pd.DataFrame) -> None:
    chance = here["chance"].dropna().unique()
    if len(chance):
        axes.axhline(chance.mean(), color="#777777", ls="--", lw=0.9, zorder=0)


def _scale(axes: Axes, measure: str) -> None:
    """Ratios on a logarithmic axis with ticks that are easily read; shares from 0."""
    if measure.endswith(("relative", "preference")):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value, digits=2)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=NICE))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.margins(x=0.12)
    axes.grid(color="#E5E5E5", lw=0.6)
    axes.set_axisbelow(True)
