"""Several datasets beside each other: how much there is, how long it is, and its scripts."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from hbtlib.plots import style
from hbtlib.plots.rows import row_panels
from hbtlib.plots.saving import Figure
from hbtlib.plots.tables import check_words, checked, ordered

_ROLES = {"query": "#4477AA", "passage": "#DDAA77"}  # as in `lengths`
_SCRIPTS = (
    "#4477AA", "#CC6677", "#228833", "#DDAA77", "#66CCEE", "#AA3377", "#999999", "#CCBB44",
    "#332288", "#44AA99", "#882255", "#117733", "#DDCC77", "#661100", "#6699CC", "#888888",
)  # fmt: skip
_LANGUAGES = ("language", "query_language", "passage_language")


def count_grid(table: pd.DataFrame, rows: str, columns: str, value: str) -> Figure:
    """Draws counts as a grid: datasets × languages, or languages × languages.

    Colours are on a logarithmic scale, from 1 to the largest count; where there is nothing, the
    cell stays white. Languages stand in the order of all pictures.

    Args:
        table: the columns named below; one row a cell.
        rows: the column whose values are the grid's rows, from top to bottom in the table's order.
        columns: the column whose values are the grid's columns.
        value: the column of counts, 0 or more.

    Returns:
        The picture.

    Raises:
        ValueError: the table lacks a column or rows, or has two rows for one cell, a count below 0,
            or no count above it.
    """
    chosen = checked(table, "counts", [value], [rows, columns])
    if (chosen[value] < 0).any():
        raise ValueError(f"the counts have {chosen[value].min()} in the column {value!r}, below 0")
    if not (chosen[value] > 0).any():
        raise ValueError(f"the counts are 0 in every row of the column {value!r}: nothing to draw")
    grid = chosen.astype({rows: str, columns: str}).pivot(index=rows, columns=columns, values=value)
    grid = grid.reindex(index=_in_order(chosen, rows), columns=_in_order(chosen, columns))
    grid = grid.where(grid > 0)
    longest = max(map(len, map(str, grid.index)))
    width = max(2.4 + 0.06 * longest + 0.34 * grid.shape[1], 4.0)
    figure, [[axes]] = style.canvas(width, 1.0 + 0.26 * len(grid))
    norm = LogNorm(1, max(float(chosen[value].max()), 10))
    sns.heatmap(
        grid,
        ax=axes,
        norm=norm,
        cmap="cividis",
        annot=grid.map(_brief),
        fmt="",
        annot_kws={"size": style.TINY},
        cbar=False,
        linewidths=0.4,
        linecolor="white",
        xticklabels=True,
        yticklabels=True,
    )
    axes.tick_params(length=0, labelrotation=0, labelsize=style.SMALL)
    if columns not in _LANGUAGES:
        axes.tick_params(axis="x", labelrotation=90)
    axes.set(xlabel=columns.replace("_", " "), ylabel=rows.replace("_", " "))
    bar = figure.colorbar(
        ScalarMappable(norm, "cividis"), ax=axes, aspect=30, pad=0.02, label=value
    )
    bar.outline.set_visible(False)  # type: ignore[operator]
    return figure


def _in_order(table: pd.DataFrame, column: str) -> list[str]:
    """A column's values: languages in the order of all pictures, others in the table's."""
    values = list(map(str, table[column].unique()))
    return ordered(values) if column in _LANGUAGES else values


def _brief(count: float) -> str:
    """A count in three characters or so: 950, 3.6k, 13k, 2.4M; nothing for a missing one."""
    if np.isnan(count):
        return ""
    for size, sign in ((1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.{0 if count >= 10 * size else 1}f}{sign}".replace(".0", "")
    return f"{count:.0f}"


def set_lengths(table: pd.DataFrame) -> Figure:
    """Draws how long the texts of each language are: a panel a measure, a dot a dataset and role.

    Lengths are medians, on a logarithmic scale that each panel has for itself.

    Args:
        table: dataset, measure (characters, words, a tokenizer), language, role (query or passage)
            and median; panels stand in the table's order.

    Returns:
        The picture.

    Raises:
        ValueError: the table lacks a column, a value or rows, has another role, two rows for one
            dot, or a median below 0.
    """
    keys = ["dataset", "measure", "language", "role"]
    chosen = checked(table, "lengths", ["median"], keys)
    check_words(chosen, "lengths", "role", tuple(_ROLES))
    if (chosen["median"] < 0).any():
        raise ValueError(f"the lengths have the median {chosen['median'].min()}, below 0")
    names = ordered(chosen["language"].unique())
    measures = list(chosen["measure"].unique())
    figure, parts, heights = row_panels(measures, names, 1.9, 0.2, 1.2)
    for measure, axes in parts.items():
        here = chosen[chosen["measure"] == measure]
        for (role, colour), shift in zip(_ROLES.items(), (-0.16, 0.16), strict=True):
            mine = here[here["role"] == role]
            place = heights[mine["language"]].to_numpy() + shift
            median = mine["median"].clip(lower=0.5)
            axes.plot(median, place, "o", color=colour, label=role, ms=4, mec="white", alpha=0.75)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(10, (1.0, 3.0)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.tick_params(axis="x", labelsize=style.SMALL)
        axes.set_xlabel("median")
        axes.grid(axis="x", color="#DDDDDD", lw=0.6)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2)
    style.caption(figure, ["A dot is a dataset.", "Every panel has a scale of its own."])
    return figure


def script_shares(table: pd.DataFrame, least: float = 0.005) -> Figure:
    """Draws which scripts the letters of each language belong to, as bars that add up to 1.

    Args:
        table: language, script, share (0 to 1).
        least: scripts that have less than this share of every language are drawn as `other`.

    Returns:
        The picture.

    Raises:
        ValueError: the table lacks a column, a value or rows, has two rows for a language and
            script, or a share that is not from 0 to 1.
    """
    chosen = checked(table, "shares", ["share"], ["language", "script"])
    if not chosen["share"].between(0, 1).all():
        wrong = chosen.loc[~chosen["share"].between(0, 1), "share"].iloc[0]
        raise ValueError(f"the shares have {wrong} in the column 'share'; a share is from 0 to 1")
    largest = chosen.groupby("script")["share"].max()
    kept = chosen["script"].where(chosen["script"].map(largest) >= least, "other")
    wide = chosen.assign(script=kept).pivot_table(
        index="language", columns="script", values="share", aggfunc="sum", fill_value=0.0
    )
    wide = wide.loc[ordered(wide.index)]
    wide = wide[_by_use(wide)]
    figure, [[bars]] = style.canvas(6.5, 0.9 + 0.2 * len(wide))
    left = np.zeros(len(wide))
    for script, colour in zip(wide.columns, _colours(list(wide.columns)), strict=True):
        bars.barh(range(len(wide)), wide[script], left=left, color=colour, label=script, height=0.8)
        left = left + wide[script].to_numpy()
    bars.set_yticks(range(len(wide)), list(wide.index))
    bars.set(xlim=(0, 1), ylim=(len(wide) - 0.5, -0.5), xlabel="share of the letters")
    bars.tick_params(axis="y", length=0)
    figure.legend(*bars.get_legend_handles_labels(), loc="outside right upper")
    return figure


def _by_use(wide: pd.DataFrame) -> list[str]:
    """The scripts in the order in which languages, from top to bottom, use them most."""
    order: list[str] = []
    for _, shares in wide.iterrows():
        order += [script for script in shares[shares > 0.05].index if script not in order]
    rest = [script for script in wide.columns if script not in order and script != "other"]
    order = [script for script in order if script != "other"] + rest
    return order + ["other"] * ("other" in wide.columns)


def _colours(scripts: Sequence[str]) -> list[str]:
    """A colour a script: grey for `other`, and neighbours far apart."""
    known = [_SCRIPTS[i % len(_SCRIPTS)] for i in range(len(scripts))]
    return [
        "#DDDDDD" if script == "other" else colour
        for script, colour in zip(scripts, known, strict=True)
    ]
