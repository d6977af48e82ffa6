"""How a language-neutral map does by its settings: small curves on held-out pairs."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullFormatter

from hbtlib.plots import style
from hbtlib.plots.saving import Figure
from hbtlib.plots.tables import check_words, checked

_COLOURS = {"leace": "#4477AA", "means": "#CCBB44", "translations": "#228833"}
_SHAPES = {"leace": "o", "means": "s", "translations": "D"}
_TITLES = {
    "texts": "texts a language",
    "directions": "directions projected out",
    "ridge": "ridge",
    "centre": "share of the mean taken out",
    "role": "texts embedded as",
}
_LOGARITHMIC = ("texts", "ridge")
_SETTINGS = ("monolingual", "multilingual")


def map_curves(table: pd.DataFrame, used: Mapping[str, object] | None = None) -> Figure:
    """Draws the mAP of maps by their settings: a column a setting of the map, a line a method.

    The upper row is the monolingual mAP, the lower one that of the pool of all languages. The
    dashed line is the encoder as it is.

    Args:
        table: curve, method, x, measure, setting, value, as `hbtlib.study.neutral_curves.curves`
            gives it.
        used: curve → the x that is used elsewhere, marked by a vertical line.

    Returns:
        The picture.

    Raises:
        ValueError: the table lacks a column, the mAP, or has a curve or method that is unknown.
    """
    keys = ["curve", "method", "x", "setting"]
    chosen = checked(table, "curves", ["value"], keys, measure="mAP")
    check_words(chosen, "curves", "curve", ("none", *_TITLES))
    settings = [setting for setting in _SETTINGS if setting in set(chosen["setting"])]
    names = [curve for curve in _TITLES if curve in set(chosen["curve"])]
    size = (0.6 + 2.0 * len(names), 0.9 + 1.9 * len(settings))
    figure, grid = style.canvas(*size, len(settings), len(names), sharey="row", sharex="col")
    for row, setting in zip(grid, settings, strict=True):
        here = chosen[chosen["setting"] == setting]
        before = here.loc[here["curve"] == "none", "value"]
        for axes, name in zip(row, names, strict=True):
            for level in before:
                axes.axhline(level, color="#888888", ls="--", lw=1, label="as it is")
            _draw(axes, name, here[here["curve"] == name])
            if used and name in used and name != "role":
                axes.axvline(float(str(used[name])), color="#DDDDDD", lw=5, zorder=0)
        row[0].set_ylabel(f"mAP, {setting}")
    for axes, name in zip(grid[-1], names, strict=True):
        axes.set_xlabel(_TITLES[name])
    _legend(figure, grid.flat)
    style.caption(figure, ["Grey bars: the settings that are used."] if used else [])
    return figure


def _draw(axes: Axes, name: str, points: pd.DataFrame) -> None:
    """The lines of one panel."""
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=style.NICE))
    axes.grid(axis="y", color="#EEEEEE", lw=0.6)
    if name == "role":
        places = list(dict.fromkeys(points["x"]))
        for method, mine in points.groupby("method", sort=False):
            at = [places.index(x) for x in mine["x"]]
            axes.plot(at, mine["value"], lw=0, ms=5, **_look(str(method)))
        axes.set_xticks(range(len(places)), [place.replace(" ", "\n") for place in places])
        axes.tick_params(axis="x", labelsize=style.TINY)
        axes.set_xlim(-0.6, len(places) - 0.4)
        return
    for method, mine in points.groupby("method", sort=False):
        mine = mine.assign(x=mine["x"].astype(float)).sort_values("x")
        axes.plot(mine["x"], mine["value"], label=str(method), lw=1.4, ms=3.5, **_look(str(method)))
    if name == "directions":
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    if name in _LOGARITHMIC:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())


def _look(method: str) -> dict[str, Any]:
    """A method's colour and shape, the same in all panels."""
    return {"color": _COLOURS[method], "marker": _SHAPES[method]}


def _legend(figure: Figure, panels: Iterable[Axes]) -> None:
    """One legend of all methods, above the panels."""
    found: dict[str, Artist] = {}
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        found.update(zip(labels, handles, strict=True))
    lines = list(found.values())
    figure.legend(lines, list(found), loc="outside upper left", ncols=len(found))
