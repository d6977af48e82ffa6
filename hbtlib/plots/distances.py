"""What an arm gains in each language, over the language's distance from those trained on."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from hbtlib.plots.saving import Figure
from hbtlib.plots.style import HIGHER, LOWER, TINY, caption, panels
from hbtlib.plots.tables import checked


def gains_by_distance(table: pd.DataFrame, metric: str = "mAP") -> Figure:
    """Draws a difference for each language over its distance, a panel a benchmark and setting.

    Green dots lie above 0 and purple ones below it. Languages trained on have the distance 0; dots
    of languages never trained on are hollow.

    Args:
        table: panel, language, distance (from the nearest language trained on), trained (bool) and
            difference.
        metric: what the difference is in, for the axis.

    Returns:
        The picture.

    Raises:
        ValueError: if the table lacks a column or a value, or has a language twice in a panel.
    """
    keys = ["panel", "language"]
    points = checked(table, "languages", ["distance", "difference"], [*keys, "trained"], names=keys)
    names = list(dict.fromkeys(points["panel"]))
    figure, parts = panels(names, 2, (3.4, 2.6), (0.4, 0.3))
    for name, axes in parts.items():
        _draw(axes, points[points["panel"] == name])
        axes.set(title=name, xlabel="syntactic distance", ylabel=f"difference in {metric}")
    marks = {"trained on": "#555555", "never trained on": "none"}
    handles = [
        Line2D([], [], ls="", marker="o", mfc=face, mec="#555555", label=label)
        for label, face in marks.items()
    ]
    figure.legend(handles=handles, loc="outside right upper")
    caption(figure, ["Distance: from the nearest language trained on (URIEL). Every axis its own."])
    return figure


def _draw(axes: Axes, points: pd.DataFrame) -> None:
    """Draws the dots of a panel, with the languages' codes beside them."""
    axes.axhline(0, color="black", lw=0.8)
    for row in points.to_dict("records"):
        colour = HIGHER if row["difference"] > 0 else LOWER
        face = colour if row["trained"] else "none"
        x, y = row["distance"], row["difference"]
        axes.plot(x, y, marker="o", ms=4, mfc=face, mec=colour, ls="")
        axes.annotate(row["language"], (x, y), (4, 2), textcoords="offset points", fontsize=TINY)
    axes.margins(x=0.12, y=0.12)
