"""How several sources share the batches of a training."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from hbtlib.evaluation.checks import check_texts, number_column
from hbtlib.plots.saving import Figure
from hbtlib.plots.style import NICE, canvas, caption
from hbtlib.plots.tables import check_table

_MARKS = ("o", "s", "D", "^", "v", "P")
_COLOURS = ("#228833", "#4477AA", "#CC6677", "#DDAA77", "#AA3377", "#44AA99")
_SIZE = "#222222"
TITLES = {
    "share of the pairs": "Share of the pairs",
    "passes": "How often an id is visited",
    "share of the languages": "Share of the queries",
}
_LINEAR = ("share of the languages",)  # the others differ by powers of ten
"""What a row of the table may be of, and the title of its panel."""


def source_shares(table: pd.DataFrame, *, notes: Sequence[str] = ()) -> Figure:
    """Draws what each source and each language gets under some rules of sharing.

    Args:
        table: of (one of TITLES), name (a source or a language), rule, value; and `sizes`, the
            share of a source by its size, beside which the rules are set (NaN for languages).
        notes: sentences below it.

    Returns:
        The picture: a panel for each `of`, a row a name, a mark a rule.

    Raises:
        ValueError: the table lacks a column or rows, or holds something else than numbers.
    """
    check_table(table, "shares", ["of", "name", "rule", "value", "sizes"])
    check_texts(table, ["of", "name", "rule"], "shares")
    number_column(table, "value", "shares")
    number_column(table, "sizes", "shares", missing=True)
    unknown = set(table["of"]) - set(TITLES)
    if unknown:
        raise ValueError(
            f"the shares are of {min(map(str, unknown))!r}; known: {', '.join(TITLES)}"
        )
    shown = [each for each in TITLES if each in set(table["of"])]
    rules = list(dict.fromkeys(table["rule"]))
    most = max(table.loc[table["of"] == each, "name"].nunique() for each in shown)
    figure, [panels] = canvas(1.6 + 2.9 * len(shown), 1.2 + 0.3 * most, 1, len(shown))
    for axes, each in zip(panels, shown, strict=True):
        _draw_panel(axes, table[table["of"] == each], rules)
        _scale(axes, each)
    marks = panels[0].get_legend_handles_labels()
    figure.legend(*marks, loc="outside upper left", ncols=len(rules) + 1, columnspacing=1.2)
    caption(figure, list(notes))
    return figure


def _draw_panel(axes: Axes, table: pd.DataFrame, rules: Sequence[str]) -> None:
    """Draws a row a name, a mark a rule, and a bar where the size alone would put it."""
    names = list(dict.fromkeys(table["name"]))
    sizes = table.drop_duplicates("name").set_index("name")["sizes"]
    for row in range(0, len(names), 2):  # grey by turns, so that the eye stays on its row
        axes.axhspan(row - 0.5, row + 0.5, color="#F3F3F3", lw=0, zorder=0)
    if sizes.notna().all():
        rows = range(len(names))
        axes.scatter(
            sizes[names], rows, marker="|", s=220, color=_SIZE, lw=1.6, label="Table 9's rows"
        )
    step = 0.5 / max(len(rules) - 1, 1)
    for number, rule in enumerate(rules):
        part = table[table["rule"] == rule].set_index("name")["value"]
        places = [names.index(name) - 0.25 + number * step for name in part.index]
        axes.scatter(
            part,
            places,
            marker=_MARKS[number % len(_MARKS)],
            color=_COLOURS[number % len(_COLOURS)],
            s=22,
            label=rule,
            zorder=3,
        )
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_axisbelow(True)


def _scale(axes: Axes, each: str) -> None:
    """Gives a panel its title, and its axis numbers that people read."""
    axes.set_title(TITLES[each])
    if each in _LINEAR:
        axes.set_xlim(0, None)
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=NICE))
    else:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    if each == "passes":
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    else:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
