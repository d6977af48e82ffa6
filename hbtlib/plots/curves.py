"""Curves over many runs: a metric over hybrid's α, the training data, or the tokens read."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator
from scipy import stats

from hbtlib.data.benchmark import SETTINGS
from hbtlib.plots.labels import EndLabel, end_labels
from hbtlib.plots.saving import Figure
from hbtlib.plots.style import COLOURS, NICE, arm_colours, canvas, caption
from hbtlib.plots.tables import check_table, check_words, checked
from hbtlib.sampling.strategies import HYBRID_ENDS

LEVELS = {"batch": COLOURS["hybrid"], "pair": "#AA3377"}
_HEIGHT = 1.75  # about the height of a panel, in inches
_LEGEND = 2.4  # the width of a legend of arms, in inches


def alpha_curves(summaries: pd.DataFrame, metric: str = "mAP") -> Figure:
    """Draws a metric over hybrid's α: a panel a setting (and language group), a line a level.

    Lines join neighbouring values of α at which hybrid was run, by batch or by pair; a line is
    broken where a level lacks a value that the other has. At α = 0 and 1 hybrid is another
    strategy: x-y at both levels, x-x-mono by batch, x-x by pair. These are diamonds of their own.
    Lines are means over seeds, dots the seeds, bands and bars 95 % t-intervals over seeds.

    Args:
        summaries: alpha (0 to 1), level at which hybrid mixes (batch or pair), seed, languages
            (trained or unseen), setting, metric, value. A run of both levels, as x-y (α = 0) is,
            has a row for each.
        metric: which one to draw.

    Returns:
        The picture.

    Raises:
        ValueError: the table lacks a column, the metric, or has an unknown level or several values
            of one point.
    """
    check_table(summaries, "summaries", ["level"])
    levels = set(summaries["level"].dropna())
    unknown = levels - set(LEVELS)
    if unknown:
        raise ValueError(f"no level {min(map(str, unknown))!r}; there are {', '.join(LEVELS)}")
    chosen = _checked(summaries, metric, "alpha", "level")
    if not chosen["alpha"].between(0, 1).all():
        raise ValueError("alpha is a share: give numbers from 0 to 1")
    alphas = sorted(chosen["alpha"].unique())
    mixed = [alpha for alpha in alphas if 0 < alpha < 1]
    label = "α: share of monolingual batches or pairs"
    figure, parts = _panels(chosen, metric, label)
    for key, axes in parts.items():
        here = _part(chosen, key)
        lines = {name: here[here["level"] == name] for name in LEVELS if name in levels}
        bands = [_curve(axes, lines[name], "alpha", mixed, LEVELS[name], name) for name in lines]
        bands += [_end(axes, here, strategy) for strategy in HYBRID_ENDS]
        axes.set(ylim=_limits(here["value"], pd.concat(bands)), xlim=(-0.06, 1.42))
        axes.set_xticks(alphas, [f"{alpha:g}".replace("0.", ".") for alpha in alphas])
        axes.spines.bottom.set_bounds(-0.06, 1.06)
        _label_levels(axes, here, lines)
    told = "Lines: hybrid, mixing whole batches or single pairs."
    ends = "Diamonds: the strategies that stand for α = 0 and α = 1."
    seeds = (
        "Lines and diamonds are means over seeds, dots the seeds, bands and bars 95 % t-intervals."
    )
    caption(figure, [told, ends, seeds])
    return figure


def size_curves(
    summaries: pd.DataFrame, metric: str = "mAP", *, label: str = "training ids (log scale)"
) -> Figure:
    """Draws a metric over the number of training ids, on a log axis: a line an arm.

    Panels, lines, dots and bands are those of `alpha_curves`.

    Args:
        summaries: ids, arm, seed, languages (trained or unseen), setting, metric, value.
        metric: which one to draw.
        label: what `ids` is, for a table of another number above 0, such as a share or a weight.

    Returns:
        The picture.

    Raises:
        ValueError: the table lacks a column, the metric, or has several values of one point, or
            ids that are not above 0.
    """
    chosen = _checked(summaries, metric, "ids", "arm")
    ids = sorted(chosen["ids"].unique())
    if ids[0] <= 0:
        raise ValueError(f"ids is {ids[0]}; a log axis needs numbers above 0")
    colours = arm_colours(chosen["arm"].unique())
    figure, parts = _panels(chosen, metric, label)
    for key, axes in parts.items():
        here = _part(chosen, key)
        axes.set(xscale="log", xlim=_room_for_labels(ids))
        axes.set_xticks(ids, [f"{count:,.0f}" if count >= 1 else f"{count:g}" for count in ids])
        axes.xaxis.set_minor_locator(NullLocator())
        bands, labels = [], []
        for arm, colour in colours.items():
            mine = here[here["arm"] == arm]
            bands.append(_curve(axes, mine, "ids", ids, colour, arm))
            labels += _last(mine, "ids", arm, colour)
        axes.set_ylim(_limits(here["value"], pd.concat(bands)))
        end_labels(axes, labels, _HEIGHT)
    caption(
        figure, ["Lines are means over seeds, dots the seeds, bands 95 % t-intervals over seeds."]
    )
    return figure


def progress_curves(
    curves: pd.DataFrame, metric: str = "mAP", *, change: float | None = None
) -> Figure:
    """Draws a metric over the tokens read while encoders train: a line an arm.

    Panels, lines, dots and bands are those of `alpha_curves`; a legend names the arms.

    Args:
        curves: tokens (read so far), arm, seed, languages (trained or unseen), setting, metric,
            value. The seeds of an arm have the same tokens.
        metric: which one to draw.
        change: the tokens at which a second stage begins, where a dotted line is drawn; None: none.

    Returns:
        The picture.

    Raises:
        ValueError: the table lacks a column, the metric, or has several values of one point, or
            tokens below 0.
    """
    chosen = _checked(curves, metric, "tokens", "arm")
    if chosen["tokens"].min() < 0:
        raise ValueError(f"tokens is {chosen['tokens'].min()}; tokens are counted from 0")
    millions = chosen.assign(tokens=chosen["tokens"] / 1e6)
    colours = arm_colours(millions["arm"].unique())
    figure, parts = _panels(millions, metric, "tokens read (millions)", _LEGEND)
    for key, axes in parts.items():
        here = _part(millions, key)
        axes.set_xlim(-0.03 * here["tokens"].max(), 1.03 * here["tokens"].max())
        if change is not None:
            axes.axvline(change / 1e6, color="#888888", ls=":", lw=1)
        bands = []
        for arm, colour in colours.items():
            mine = here[here["arm"] == arm]
            bands.append(_curve(axes, mine, "tokens", sorted(mine["tokens"].unique()), colour, arm))
        axes.set_ylim(_limits(here["value"], pd.concat(bands)))
    handles = [Line2D([], [], color=colours[arm], lw=2, label=arm) for arm in colours]
    figure.legend(handles=handles, loc="outside right upper")
    told = ["Lines are means over seeds, dots the seeds, bands 95 % t-intervals over seeds."]
    caption(figure, told + ["Dotted: the second stage begins."] * (change is not None))
    return figure


def _checked(summaries: pd.DataFrame, metric: str, x: str, by: str) -> pd.DataFrame:
    """The rows of the metric, of which there is one for each point and seed."""
    keys = [x, by, "seed", "languages", "setting"]
    chosen = checked(summaries, "summaries", ["value", x], keys, metric=metric)
    check_words(chosen, "summaries", "setting", SETTINGS)
    check_words(chosen, "summaries", "languages", ("trained", "unseen"))
    return chosen


def _panels(
    chosen: pd.DataFrame, metric: str, label: str, beside: float = 0.0
) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """A panel for each group of languages (rows) and setting (columns) that the table has.

    A group may lack a setting (a benchmark's queries may all be in languages trained on): nothing
    stands in its place. `beside` is the room on the right of the panels, in inches.
    """
    settings = [setting for setting in SETTINGS if setting in set(chosen["setting"])]
    groups = [group for group in ("trained", "unseen") if group in set(chosen["languages"])]
    size = (0.4 + 3.1 * len(settings) + beside, 0.5 + 2.2 * len(groups))
    figure, grid = canvas(*size, len(groups), len(settings), sharex=True)
    places = dict(zip(product(groups, settings), grid.flat, strict=True))
    parts = {key: axes for key, axes in places.items() if not _part(chosen, key).empty}
    for key in places.keys() - parts.keys():
        places[key].set_visible(False)
    lowest = {setting: group for group, setting in parts}
    for (group, setting), axes in parts.items():
        axes.set_title(setting if groups == ["trained"] else f"{setting}, {group} languages")
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=NICE))
        if setting == settings[0]:
            axes.set_ylabel(metric)
        if group == lowest[setting]:
            axes.set_xlabel(label)
            axes.tick_params(labelbottom=True)
    return figure, parts


def _part(chosen: pd.DataFrame, key: tuple[str, str]) -> pd.DataFrame:
    """The rows of one panel."""
    group, setting = key
    return chosen[(chosen["languages"] == group) & (chosen["setting"] == setting)]


def _means(values: pd.DataFrame, x: str) -> pd.DataFrame:
    """The mean over seeds at each x, and its 95 % t-interval: low, high, NaN for one seed."""
    over = values.groupby(x)["value"].agg(["mean", "sem", "count"])
    half = stats.t.ppf(0.975, over["count"] - 1) * over["sem"]
    return over.assign(low=over["mean"] - half, high=over["mean"] + half)


def _curve(
    axes: Axes, values: pd.DataFrame, x: str, steps: Sequence[float], colour: str, name: str
) -> pd.DataFrame:
    """Draws one line through its means at these steps, its band and its seeds.

    A step without values breaks the line. Returns the interval (low, high) at each step.
    """
    drawn = values[values[x].isin(steps)]
    over = _means(drawn, x).reindex(list(steps))  # NaN where there is nothing breaks line and band
    axes.fill_between(steps, over["low"], over["high"], color=colour, alpha=0.15, lw=0)
    axes.plot(steps, over["mean"], color=colour, lw=1.6, label=name)
    axes.plot(drawn[x], drawn["value"], "o", color=colour, ms=3.5, mec="white", mew=0.4)
    known = over["mean"].notna()
    alone = known & ~known.shift(1, fill_value=False) & ~known.shift(-1, fill_value=False)
    if alone.any():  # a line or band through one point cannot be seen
        _mark_means(axes, over[alone], colour, "o")
    return over[["low", "high"]]


def _mark_means(axes: Axes, over: pd.DataFrame, colour: str, marker: str) -> None:
    """Draws means that no line goes through, and their intervals as bars."""
    axes.vlines(over.index, over["low"], over["high"], color=colour, lw=9, alpha=0.15)
    axes.plot(over.index, over["mean"], marker, color=colour, ms=6.5, mec="white")


def _end_values(values: pd.DataFrame, strategy: str) -> pd.DataFrame:
    """The rows of a strategy at an end of α; a run of both levels is there once."""
    rows = [
        values[(values["alpha"] == alpha) & (values["level"] == level)]
        for alpha, level in HYBRID_ENDS[strategy]
    ]
    return pd.concat(rows).drop_duplicates(["seed", "value"])


def _end(axes: Axes, values: pd.DataFrame, strategy: str) -> pd.DataFrame:
    """Draws a strategy that is an end of α: a diamond with its interval, and its seeds."""
    mine = _end_values(values, strategy)
    colour = COLOURS[strategy]
    over = _means(mine, "alpha")
    _mark_means(axes, over, colour, "D")
    axes.plot(mine["alpha"], mine["value"], "o", color=colour, ms=3.5, mec="white", mew=0.4)
    return over[["low", "high"]]


def _last(values: pd.DataFrame, x: str, text: str, colour: str) -> list[EndLabel]:
    """A label at the last mean of a line; none where it has no values."""
    means = values.groupby(x)["value"].mean()
    return [EndLabel(means.index[-1], means.iloc[-1], text, colour)] if len(means) else []


def _label_levels(axes: Axes, here: pd.DataFrame, lines: Mapping[str, pd.DataFrame]) -> None:
    """Names the lines where they end, and the diamonds right of them."""
    levels = []
    for name, values in lines.items():
        inner = values[values["alpha"].between(0, 1, inclusive="neither")]
        levels += _last(inner, "alpha", name, LEVELS[name])
    ends: dict[float, list[EndLabel]] = {0.0: [], 1.0: []}
    for strategy in HYBRID_ENDS:
        for label in _last(_end_values(here, strategy), "alpha", strategy, COLOURS[strategy]):
            ends[label.x].append(label)
    for labels in (levels, *ends.values()):
        if labels:
            end_labels(axes, labels, _HEIGHT)


def _room_for_labels(ids: Sequence[float]) -> tuple[float, float]:
    """The limits of a log axis with room for names at its right."""
    span = max(float(np.log(ids[-1] / ids[0])), 0.5)
    return ids[0] * np.exp(-0.06 * span), ids[-1] * np.exp(0.48 * span)


def _limits(values: pd.Series, bands: pd.DataFrame) -> tuple[float, float]:
    """Limits that hold all points, and of the bands as much as leaves the points readable.

    The bands of two or three seeds are very wide.
    """
    low, high = values.min(), values.max()
    span = max(high - low, 0.1 * abs(high), 1e-3)  # so that noise does not look like a curve
    bottom = max(low - 0.6 * span, np.fmin(low - 0.1 * span, bands["low"].min()))
    top = min(high + 0.6 * span, np.fmax(high + 0.1 * span, bands["high"].max()))
    return (max(bottom, -0.02 * top) if low >= 0 else bottom), top
