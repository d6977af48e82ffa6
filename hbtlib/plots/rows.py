"""Panels beside each other that share their rows, for the pictures that have a row a language."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from hbtlib.plots.saving import Figure
from hbtlib.plots.style import canvas

# A shape a strategy, beside its colour: for readers and printers who see colours alike.
_SHAPES = {
    "x-x-mono": "s",
    "x-x": "D",
    "x-y": "v",
    "x-y-mono": "^",
    "x-en": "<",
    "none": "X",
    "en-en": "P",
}


def row_panels(
    titles: Sequence[str], names: Sequence[str], width: float, height: float, margin: float = 1.6
) -> tuple[Figure, dict[str, Axes], pd.Series]:
    """Makes a figure with panels beside each other, all with the same rows from top to bottom.

    Args:
        titles: a panel each.
        names: a row each.
        width: of a panel, in inches.
        height: of a row, in inches.
        margin: what the figure has beside its panels, in inches.

    Returns:
        The figure, title → Axes, and name → the height of its row in data.
    """
    figure, [axes] = canvas(
        margin + width * len(titles), 0.9 + height * len(names), 1, len(titles), sharey=True
    )
    for title, panel in zip(titles, axes, strict=True):
        for row in range(0, len(names), 2):  # grey by turns, so that the eye stays on its row
            panel.axhspan(row - 0.5, row + 0.5, color="#F3F3F3", lw=0, zorder=0)
        panel.set_yticks(range(len(names)), names)
        panel.set(title=title, ylim=(len(names) - 0.5, -0.5))
        panel.tick_params(axis="y", length=0)
        panel.set_axisbelow(True)
    rows = pd.Series(np.arange(len(names)), list(names))
    return figure, dict(zip(titles, axes, strict=True)), rows


def row_height(arms: int) -> float:
    """How high a row is in which the dots of so many arms lie one above the other, in inches."""
    return max(0.28, 0.1 * arms)


def arm_dots(
    axes: Axes, table: pd.DataFrame, by: str, rows: pd.Series, colours: Mapping[str, str]
) -> None:
    """Draws a large dot an arm and row, at the mean over seeds, and small dots at the seeds.

    Args:
        axes: the panel.
        table: arm, value and the column `by`, a row a seed.
        by: the column that says which row a value belongs to.
        rows: name → the height of its row in data, as `row_panels` gives it.
        colours: arm → colour, in the order in which arms lie below each other within a row.
    """
    for i, (arm, colour) in enumerate(colours.items()):
        mine = table[table["arm"] == arm]
        means = mine.groupby(by, sort=False)["value"].mean()
        heights = rows + 0.8 * ((i + 0.5) / len(colours) - 0.5)
        shape = _SHAPES.get(arm, "o")
        axes.plot(
            means,
            heights[means.index],
            shape,
            color=colour,
            ms=5 if shape == "D" else 6,  # a diamond is larger than it says
            mec="white",
            mew=0.5,
            label=arm,
        )
        if len(mine) > len(means):
            axes.plot(mine["value"], heights[mine[by]], ".", color="#222222", ms=3, mew=0)
    axes.grid(axis="x", color="#DDDDDD", lw=0.6)


def arm_legend(figure: Figure, axes: Axes) -> None:
    """Names the arms' dots at the right of the figure: they lie too close to be labelled."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper")
