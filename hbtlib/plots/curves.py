"""Pictures over many runs, for `hbtlib.plots`: a metric over α or the training's size, effects, groups of languages."""

from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator
from scipy import stats

from hbtlib.data.benchmark import SETTINGS
from hbtlib.plots.style import COLOURS, Figure, arm_colours, canvas, checked

LEVELS = {"batch": COLOURS["hybrid"], "pair": "#AA3377"}
_ENDS = {
    "batch": "\nx-x-mono",
    "pair": "\n(pair: x-x)",
}  # what α = 1 is; α = 0 is x-y at both levels


def alpha_curves(summaries: pd.DataFrame, metric: str = "mAP") -> Figure:
    """A metric over hybrid's α: a panel a setting (and language group), a line a level at which it mixes. summaries: alpha
    (0 to 1), level (batch or pair), seed, languages (trained or unseen), setting, metric, value. A run of both levels, as
    x-y (α = 0) is, has a row for each. Lines are means over seeds, points the seeds, bands 95 % t-intervals.
    """
    levels = set(summaries.get("level", ()))
    if other := levels - set(LEVELS):
        raise ValueError(f"no level {min(map(str, other))!r}; there are {', '.join(LEVELS)}")
    figure = _curves(
        summaries,
        metric,
        "alpha",
        "level",
        {name: LEVELS[name] for name in LEVELS if name in levels},
    )
    alphas = sorted(summaries["alpha"].unique())
    ends = {0.0: "\nx-y", 1.0: "".join(_ENDS[name] for name in LEVELS if name in levels)}
    labels = [f"{a:g}".replace("0.", ".") + ends.get(a, "") for a in alphas]
    figure.axes[0].set(xticks=alphas, xticklabels=labels, xlim=(-0.06, 1.06))  # which all share
    figure.supxlabel("α: the share of monolingual batches or pairs")
    return figure


def size_curves(summaries: pd.DataFrame, metric: str = "mAP") -> Figure:
    """`alpha_curves` over the number of training ids, on a log axis: a line an arm. summaries: ids, arm, seed, languages,
    setting, metric, value.
    """
    figure = _curves(summaries, metric, "ids", "arm")
    ids = sorted(summaries["ids"].unique())
    if ids[0] <= 0:
        raise ValueError(f"ids is {ids[0]}; a log axis needs numbers above 0")
    for axes in figure.axes:
        axes.set(xscale="log", xticks=ids, xticklabels=[f"{n:,.0f}" for n in ids])
        axes.xaxis.set_minor_locator(NullLocator())
    figure.supxlabel("training ids")
    return figure


def _curves(
    summaries: pd.DataFrame, metric: str, x: str, by: str, colours: Mapping[str, str] | None = None
) -> Figure:
    chosen = checked(
        summaries, "summaries", ["value"], [x, by, "seed", "languages", "setting"], metric=metric
    )
    colours = colours or arm_colours(chosen[by].unique())
    columns = [setting for setting in SETTINGS if setting in set(chosen["setting"])]
    rows = [group for group in ("trained", "unseen") if group in set(chosen["languages"])]
    figure, grid = canvas(
        0.5 + 2.9 * len(columns), 0.8 + 2.2 * len(rows), len(rows), len(columns), sharex=True
    )
    for axes, (row, column) in zip(grid.flat, product(rows, columns), strict=True):
        here = chosen[(chosen["languages"] == row) & (chosen["setting"] == column)]
        bands = []
        for name, colour in colours.items():
            mine = here[here[by] == name]
            over = mine.groupby(x)["value"].agg(["mean", "sem", "count"])
            half = stats.t.ppf(0.975, over["count"] - 1) * over["sem"]  # NaN for one seed
            bands.append(pd.DataFrame({"low": over["mean"] - half, "high": over["mean"] + half}))
            axes.fill_between(
                over.index, bands[-1]["low"], bands[-1]["high"], color=colour, alpha=0.15, lw=0
            )
            axes.plot(over.index, over["mean"], color=colour, lw=1.6, label=name)
            axes.plot(mine[x], mine["value"], "o", color=colour, ms=3.5, mec="white", mew=0.4)
        axes.set(
            title=f"{column}, {row} languages" if rows != ["trained"] else column,
            ylim=_limits(here["value"], pd.concat(bands)),
        )
        axes.yaxis.set_major_locator(MaxNLocator(5))
    figure.supylabel(metric)
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=len(colours)
    )
    return figure


def _limits(values: pd.Series, bands: pd.DataFrame) -> tuple[float, float]:
    """All points, and of the bands as much as leaves them readable: of two or three seeds they are very wide."""
    low, high = values.min(), values.max()
    span = max(high - low, 0.1 * abs(high), 1e-3)  # so that noise does not look like a curve
    bottom = max(low - 0.6 * span, np.fmin(low - 0.1 * span, bands["low"].min()))
    top = min(high + 0.6 * span, np.fmax(high + 0.1 * span, bands["high"].max()))
    return (max(bottom, -0.02 * top) if low >= 0 else bottom), top


def effects(table: pd.DataFrame) -> Figure:
    """Differences with their intervals, a row an effect, a panel a setting: filled where they are significant. table: what
    (the row's name), setting, difference, low, high, and perhaps p_holm. Significant is an interval without 0 and, where it
    is given, p_holm < .05.
    """
    table = checked(table, "effects", ["difference", "low", "high"], ["what", "setting"])
    sure = ((table["low"] > 0) | (table["high"] < 0)) & ~(
        table.get("p_holm", pd.Series(0.0, table.index)) >= 0.05
    )
    table = table.assign(sure=sure, colour=np.where(table["difference"] > 0, "#1B7837", "#762A83"))
    figure, parts, at = _rows(table, "what", 2.5, 1.1, 0.27)
    for setting, axes in parts.items():
        axes.axvline(0, color="black", lw=0.8)
        for _, row in table[table["setting"] == setting].iterrows():
            y, colour = at[row["what"]], row["colour"]
            axes.plot([row["low"], row["high"]], [y, y], color=colour, lw=1.4)
            axes.plot(
                row["difference"],
                y,
                "o",
                color=colour,
                ms=5.5,
                mfc=colour if row["sure"] else "white",
            )
        axes.xaxis.set_major_locator(MaxNLocator(4))
    figure.supxlabel("difference")
    meaning = {
        "#444444": "interval without 0" + " and p < .05 (Holm)" * ("p_holm" in table),
        "white": "may be chance",
    }
    marks = [
        Line2D([], [], ls="", marker="o", color="#444444", mfc=fill, label=text)
        for fill, text in meaning.items()
    ]
    figure.legend(handles=marks, loc="outside upper left", ncols=2)
    return figure


def groups(table: pd.DataFrame, metric: str = "mAP") -> Figure:
    """A metric by group of languages, a row a group, a panel a setting: large dots are arms' means, small ones seeds. table:
    group (a value of the feature: a family, a script, …), arm, seed, setting, metric, value. Groups stand in the table's
    order, from top to bottom, arms likewise.
    """
    chosen = checked(table, "groups", ["value"], ["group", "arm", "seed", "setting"], metric=metric)
    colours = arm_colours(chosen["arm"].unique())
    figure, parts, at = _rows(
        chosen, "group", 2.6, 1.0, max(0.26, 0.09 * len(colours)), sharex=True
    )
    for setting, axes in parts.items():
        for i, (arm, colour) in enumerate(colours.items()):
            mine = chosen[(chosen["setting"] == setting) & (chosen["arm"] == arm)]
            mean = mine.groupby("group", sort=False)["value"].mean()
            lift = 0.8 * ((i + 0.5) / len(colours) - 0.5)
            axes.plot(mine["value"], at[mine["group"]] + lift, ".", color=colour, ms=3, alpha=0.6)
            axes.plot(
                mean,
                at[mean.index] + lift,
                "o",
                color=colour,
                ms=5.5,
                mec="white",
                mew=0.5,
                label=arm,
            )
        axes.set_xlim(left=min(0.0, chosen["value"].min()))
        axes.grid(axis="x", color="#DDDDDD", lw=0.6)
    figure.supxlabel(metric)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=len(colours))
    return figure


def _rows(
    table: pd.DataFrame, by: str, width: float, above: float, height: float, sharex: bool = False
) -> tuple[Figure, dict[str, Axes], pd.Series]:
    """A panel a setting, with a row a value of the column `by` from top to bottom; and where each value's row is. Inches: a
    panel's width, a row's height, and what is above all rows.
    """
    settings, names = (
        [setting for setting in SETTINGS if setting in set(table["setting"])],
        table[by].unique(),
    )
    figure, [parts] = canvas(
        1.6 + width * len(settings),
        above + height * len(names),
        1,
        len(settings),
        sharex=sharex,
        sharey=True,
    )
    for setting, axes in zip(settings, parts, strict=True):
        for y in range(0, len(names), 2):  # every other one grey, so that the eye stays on its row
            axes.axhspan(y - 0.5, y + 0.5, color="#F3F3F3", lw=0, zorder=0)
        axes.set_yticks(range(len(names)), [str(n) for n in names])
        axes.set(title=setting, ylim=(len(names) - 0.5, -0.5))
        axes.tick_params(axis="y", length=0)
        axes.set_axisbelow(True)
    return figure, dict(zip(settings, parts, strict=True)), pd.Series(range(len(names)), names)
