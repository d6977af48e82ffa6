"""Pictures over many runs, for `hbtlib.plots`: a metric over α or the training's size, effects, groups of languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from hbtlib.data.benchmark import SETTINGS
from hbtlib.style import COLOURS, Figure, arm_colours, need, of_metric, once

LEVELS = {"batch": COLOURS["hybrid"], "pair": "#AA3377"}
_ENDS = {"batch": "x-x-mono", "pair": "x-x"}  # what α = 1 is; α = 0 is x-y at both levels


def alpha_curves(summaries: pd.DataFrame, metric: str = "mAP") -> Figure:
    """A metric over hybrid's α: one panel a setting (and language group), one line a level at which it mixes.

    summaries: alpha (0 to 1), level (batch or pair), seed, languages (trained or unseen), setting, metric, value. A run
    that stands for both levels, as x-y (α = 0) does, has a row for each. Lines are means over seeds, points the seeds,
    bands 95 % t-intervals over seeds.
    """
    need(summaries, ["alpha", "level", "seed", "languages", "setting", "metric", "value"], "summaries")
    levels = [level for level in LEVELS if level in set(summaries["level"])]
    other = set(summaries["level"]) - set(LEVELS)
    if other:
        raise ValueError(f"no level {min(map(str, other))!r}; there are {', '.join(LEVELS)}")
    figure = _curves(summaries, metric, "alpha", "level", {level: LEVELS[level] for level in levels})
    alphas = sorted(summaries["alpha"].unique())
    ones = "\n".join(_ENDS[level] if level == "batch" else f"({level}: {_ENDS[level]})" for level in levels)
    ends = {0.0: "\nx-y", 1.0: "\n" + ones}
    for part in figure.axes:
        part.set_xticks(alphas, [f"{a:g}".replace("0.", ".") + ends.get(a, "") for a in alphas])
        part.set_xlim(-0.06, 1.06)
    figure.supxlabel("α: the share of monolingual batches or pairs", fontsize=9)
    return figure


def size_curves(summaries: pd.DataFrame, metric: str = "mAP") -> Figure:
    """A metric over the number of training ids, on a log axis: one panel a setting (and language group), a line an arm.

    summaries: ids, arm, seed, languages (trained or unseen), setting, metric, value. Lines are means over seeds, points
    the seeds, bands 95 % t-intervals over seeds.
    """
    need(summaries, ["ids", "arm", "seed", "languages", "setting", "metric", "value"], "summaries")
    if (summaries["ids"] <= 0).any():
        raise ValueError(f"ids is {summaries['ids'].min()}; a log axis needs numbers above 0")
    figure = _curves(summaries, metric, "ids", "arm", arm_colours(list(dict.fromkeys(summaries["arm"]))))
    ids = sorted(summaries["ids"].unique())
    for part in figure.axes:
        part.set_xscale("log")
        part.set_xticks(ids, [f"{n:,.0f}" for n in ids])
        part.xaxis.set_minor_locator(NullLocator())
    figure.supxlabel("training ids", fontsize=9)
    return figure


def _curves(summaries: pd.DataFrame, metric: str, x: str, by: str, colours: Mapping[str, str]) -> Figure:
    chosen = of_metric(summaries, metric)
    once(chosen, [x, by, "seed", "languages", "setting"], f"values of {metric}")
    columns = _settings(chosen)
    rows = [g for g in ("trained", "unseen") if g in set(chosen["languages"])]
    figure = Figure(figsize=(0.5 + 2.9 * len(columns), 0.8 + 2.2 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(columns), sharex=True, squeeze=False)
    for part, (row, column) in zip(axes.ravel(), product(rows, columns), strict=True):
        here = chosen[(chosen["languages"] == row) & (chosen["setting"] == column)]
        bands = [_line(part, here[here[by] == name], x, name, colour) for name, colour in colours.items()]
        part.set_ylim(*_limits(here["value"], pd.concat(bands)))
        part.yaxis.set_major_locator(MaxNLocator(5))
        part.set_title(f"{column}, {row} languages" if rows != ["trained"] else column, loc="left")
    figure.supylabel(metric, fontsize=9)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=len(colours), frameon=False)
    return figure


def _line(axes: Axes, rows: pd.DataFrame, x: str, name: str, colour: str) -> pd.DataFrame:
    """Draws one line with its seeds; gives its band, low and high."""
    from scipy import stats

    over = rows.groupby(x)["value"].agg(["mean", "std", "count"])
    half = stats.t.ppf(0.975, np.maximum(over["count"] - 1, 1)) * over["std"] / np.sqrt(over["count"])  # NaN for one seed
    band = pd.DataFrame({"low": over["mean"] - half, "high": over["mean"] + half})
    axes.fill_between(band.index, band["low"], band["high"], color=colour, alpha=0.15, lw=0)
    axes.plot(over.index, over["mean"], color=colour, lw=1.6, label=name)
    axes.plot(rows[x], rows["value"], "o", color=colour, ms=3.5, mec="white", mew=0.4)
    return band


def _limits(values: pd.Series, bands: pd.DataFrame) -> tuple[float, float]:
    """All points, and of the bands as much as leaves them readable: of two or three seeds they are very wide."""
    low, high = float(values.min()), float(values.max())
    span = max(high - low, 0.1 * abs(high), 1e-3)  # so that noise does not look like a curve
    low = max(low - 0.6 * span, min(low - 0.1 * span, np.nan_to_num(bands["low"].min(), nan=np.inf)))
    high = min(high + 0.6 * span, max(high + 0.1 * span, np.nan_to_num(bands["high"].max(), nan=-np.inf)))
    return (max(low, -0.02 * high) if values.min() >= 0 else low), high


def effects(table: pd.DataFrame, *, label: str = "difference") -> Figure:
    """Differences with their intervals, a row an effect, a panel a setting: filled where they are significant.

    table: what (the row's name), setting, difference, low, high, and perhaps p_holm. Significant is an interval without 0
    and, where it is given, p_holm < .05.
    """
    need(table, ["what", "setting", "difference", "low", "high"], "effects")
    once(table, ["what", "setting"], "effects")
    columns, names = _settings(table), list(dict.fromkeys(table["what"]))
    figure = Figure(figsize=(1.6 + 2.5 * len(columns), 1.1 + 0.27 * len(names)), layout="constrained")
    axes = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
    for part, setting in zip(axes, columns, strict=True):
        _stripes(part, names)
        part.axvline(0, color="black", lw=0.8)
        for _, row in table[table["setting"] == setting].iterrows():
            sure = (row["low"] > 0 or row["high"] < 0) and not ("p_holm" in table and row["p_holm"] >= 0.05)
            colour, y = ("#1B7837" if row["difference"] > 0 else "#762A83"), names.index(row["what"])
            part.plot([row["low"], row["high"]], [y, y], color=colour, lw=1.4)
            part.plot(row["difference"], y, "o", color=colour, ms=5.5, mfc=colour if sure else "white")
        part.xaxis.set_major_locator(MaxNLocator(4))
        part.set_title(setting, loc="left")
    figure.supxlabel(label, fontsize=9)
    sure_is = "interval without 0" + (" and p < .05 (Holm)" if "p_holm" in table else "")
    marks = [Line2D([], [], ls="", marker="o", color="#444444", mfc=fill, label=text)
             for fill, text in (("#444444", sure_is), ("white", "may be chance"))]
    figure.legend(handles=marks, loc="outside upper left", ncols=2, frameon=False)
    return figure


def groups(table: pd.DataFrame, metric: str = "mAP") -> Figure:
    """A metric by group of languages, a row a group, a panel a setting: large dots are arms' means, small ones seeds.

    table: group (a value of the feature: a family, a script, …), arm, seed, setting, metric, value. Groups stand in the
    table's order, from top to bottom, arms likewise.
    """
    need(table, ["group", "arm", "seed", "setting", "metric", "value"], "groups")
    chosen = of_metric(table, metric)
    once(chosen, ["group", "arm", "seed", "setting"], f"values of {metric}")
    columns, names = _settings(chosen), list(dict.fromkeys(chosen["group"]))
    colours = arm_colours(list(dict.fromkeys(chosen["arm"])))
    height = 1.0 + max(0.26, 0.09 * len(colours)) * len(names)
    figure = Figure(figsize=(1.6 + 2.6 * len(columns), height), layout="constrained")
    axes = figure.subplots(1, len(columns), sharey=True, sharex=True, squeeze=False)[0]
    for part, setting in zip(axes, columns, strict=True):
        _stripes(part, names)
        for i, (arm, colour) in enumerate(colours.items()):
            mine = chosen[(chosen["setting"] == setting) & (chosen["arm"] == arm)]
            lift = 0.8 * ((i + 0.5) / len(colours) - 0.5)
            part.plot(mine["value"], [names.index(g) + lift for g in mine["group"]], ".", color=colour, ms=3, alpha=0.6)
            mean = mine.groupby("group", sort=False)["value"].mean()
            part.plot(mean, [names.index(g) + lift for g in mean.index], "o", color=colour, ms=5.5, mec="white", mew=0.5,
                      label=arm)
        part.set_title(setting, loc="left")
        part.set_xlim(left=min(0.0, float(chosen["value"].min())))
        part.grid(axis="x", color="#DDDDDD", lw=0.6)
    figure.supxlabel(metric, fontsize=9)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=len(colours), frameon=False)
    return figure


def _settings(table: pd.DataFrame) -> list[str]:
    """The settings there are, in the order of all pictures."""
    return [s for s in SETTINGS if s in set(table["setting"])]


def _stripes(axes: Axes, names: Sequence[str]) -> None:
    """Rows from top to bottom, every other one grey, so that the eye stays on its row."""
    for y in range(0, len(names), 2):
        axes.axhspan(y - 0.5, y + 0.5, color="#F3F3F3", lw=0, zorder=0)
    axes.set_yticks(range(len(names)), [str(n) for n in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_axisbelow(True)
