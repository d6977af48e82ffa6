"""What smaller vectors cost: a measure over the bytes of a vector, a column an encoder."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from hbtlib.checks import short
from hbtlib.plots import style
from hbtlib.plots.saving import Figure
from hbtlib.plots.tables import checked

WORDS = {
    "mAP": "mAP",
    "rank-distance-relative": "rank distance,\ntimes chance",
    "own-language-preference": "own language first,\ntimes chance",
    "own-language-top@10": "own language,\nshare of the top 10",
}
_COLOURS = ("#4477AA", "#DDAA77", "#228833", "#AA3377", "#332288")
_LINE, _SHAPES = "o", {"int8": "s", "binary": "D"}


def compression_curves(
    scores: pd.DataFrame,
    measures: Sequence[tuple[str, str]] = (
        ("mAP", "multilingual"),
        ("rank-distance-relative", "multilingual"),
        ("own-language-preference", "multilingual"),
    ),
) -> Figure:
    """Draws measures over the bytes of a vector, on a log axis: a row a measure, a line a map.

    Lines join the vectors of fewer and fewer dimensions; squares are int8, diamonds binary. Bars
    are 95 % intervals where the table has them.

    Args:
        scores: of one benchmark: encoder, map, compression, bytes, measure, setting, value, perhaps
            low and high. A compression whose name has neither int8 nor binary is a number of
            dimensions.
        measures: the measures and their settings, a row each.

    Returns:
        The picture.

    Raises:
        ValueError: the table lacks a column or a measure, is of several benchmarks, or has bytes
            that are not above 0.
    """
    keys = ["encoder", "map", "compression", "measure", "setting"]
    table = checked(scores, "scores", ["value", "bytes"], keys)
    if not (table["bytes"] > 0).all():
        raise ValueError("the scores have bytes that are not above 0, which a log axis needs")
    rows = [_of_measure(table, *asked) for asked in measures]
    encoders = list(dict.fromkeys(rows[0]["encoder"]))
    colours = dict(zip(dict.fromkeys(table["map"]), _COLOURS * 9, strict=False))
    size = (0.8 + 2.5 * len(encoders), 1.1 + 1.8 * len(rows))
    figure, grid = style.canvas(*size, len(rows), len(encoders), sharey="row", sharex="col")
    for axes_row, found, (measure, setting) in zip(grid, rows, measures, strict=True):
        for axes, encoder in zip(axes_row, encoders, strict=True):
            here = found[found["encoder"] == encoder]
            for which, colour in colours.items():
                _draw(axes, here[here["map"] == which], colour)
            _scale(axes, here)
        top = np.nanmax(found[["value", "high"]].to_numpy(float))
        axes_row[0].set(ylabel=_word(measure, setting), ylim=(0, 1.06 * top))  # of the whole row
    for axes, encoder in zip(grid[0], encoders, strict=True):
        axes.set_title(encoder)
    for axes in grid[-1]:
        axes.set_xlabel("bytes a vector (log scale)")
    _legend(figure, colours)
    style.caption(figure, ["Bars: 95 % intervals over questions.", *_by_chance(measures)])
    return figure


def _of_measure(table: pd.DataFrame, measure: str, setting: str) -> pd.DataFrame:
    found = table[(table["measure"] == measure) & (table["setting"] == setting)]
    if found.empty:
        have = ", ".join(map(str, table["measure"].unique()))
        raise ValueError(f"the scores have no {short(measure)}, {setting}; they have {have}")
    return found.reindex(columns=[*table.columns.union(["low", "high"])])


def _draw(axes: Axes, points: pd.DataFrame, colour: str) -> None:
    """One map: a line of dimensions, and a mark each for int8 and binary."""
    kinds = points["compression"].map(_kind)
    for kind, mine in points.groupby(kinds, sort=False):
        mine = mine.sort_values("bytes")
        bars = np.abs(mine[["low", "high"]].to_numpy().T - mine["value"].to_numpy())
        axes.errorbar(
            mine["bytes"],
            mine["value"],
            yerr=None if np.isnan(bars).any() else bars,
            color=colour,
            marker=_SHAPES.get(str(kind), _LINE),
            ls="-" if kind == "dimensions" else "",
            lw=1.2,
            ms=4.5,
            elinewidth=0.8,
        )


def _kind(compression: str) -> str:
    return next((kind for kind in _SHAPES if kind in compression), "dimensions")


def _scale(axes: Axes, here: pd.DataFrame) -> None:
    axes.set_xscale("log", base=2)
    ticks = sorted(here["bytes"].unique())
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
    axes.tick_params(axis="x", labelsize=style.TINY, labelrotation=60)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=style.NICE))
    axes.grid(axis="y", color="#EEEEEE", lw=0.6)


def _word(measure: str, setting: str) -> str:
    return WORDS.get(measure, measure) + (f",\n{setting}" if measure == "mAP" else "")


def _by_chance(measures: Sequence[tuple[str, str]]) -> list[str]:
    if not any("relative" in name or "preference" in name for name, _ in measures):
        return []
    return ["Of what is counted in times chance, a random ranking has 1."]


def _legend(figure: Figure, colours: Mapping[str, str]) -> None:
    """Maps by colour and kinds of compression by shape, above the panels."""
    handles = [Line2D([], [], color=c, lw=2, label=which) for which, c in colours.items()]
    shapes = {"fewer dimensions": _LINE, **_SHAPES}
    handles += [
        Line2D([], [], color="#555555", marker=shape, ls="", ms=5, label=kind)
        for kind, shape in shapes.items()
    ]
    wide = figure.get_figwidth() > 6
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles) if wide else 3)
