"""What an arm gains in each language, by the language's distance from those trained on."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from hbtlib.plots.saving import Figure
from hbtlib.plots.style import HIGHER, LOWER, SMALL, caption, panels
from hbtlib.plots.tables import checked

ROW = 0.16  # inches a language


def gains_by_distance(table: pd.DataFrame, metric: str = "mAP") -> Figure:
    """Draws a difference for each language, a panel a benchmark and setting.

    A row is a language. Those trained on stand at the top, where a line parts them from the others,
    which follow from the nearest to the farthest, with their distance behind the code. Green dots
    lie above 0 and purple ones below it; those of languages never trained on are hollow.

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
    most = points["panel"].value_counts().max()
    figure, parts = panels(names, 3, (2.7, 0.7 + ROW * most), (0.3, 0.5))
    for name, axes in parts.items():
        _draw(axes, points[points["panel"] == name])
        axes.set(title=name, xlabel=f"difference in {metric}")
    marks = {"trained on": "#555555", "never trained on": "none"}
    handles = [
        Line2D([], [], ls="", marker="o", mfc=face, mec="#555555", label=label)
        for label, face in marks.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    caption(
        figure,
        [
            "Behind a language never trained on: its syntactic distance from the nearest one "
            "trained on (URIEL).",
            "Every panel has a scale of its own.",
        ],
    )
    return figure


def _draw(axes: Axes, points: pd.DataFrame) -> None:
    """Draws the dots of a panel, a row a language, each with a line to 0."""
    rows = points.sort_values(["distance", "difference"], ascending=[True, False])
    axes.axvline(0, color="black", lw=0.8)
    labels = []
    for y, row in enumerate(rows.to_dict("records")):
        colour = HIGHER if row["difference"] > 0 else LOWER
        face = colour if row["trained"] else "white"
        axes.plot([0, row["difference"]], [y, y], color=colour, lw=0.8)
        axes.plot(row["difference"], y, marker="o", ms=4, mfc=face, mec=colour, ls="")
        labels.append(row["language"] + ("" if row["trained"] else f"  {row['distance']:.2f}"))
    n_trained = int(rows["trained"].astype(bool).sum())
    if 0 < n_trained < len(rows):
        axes.axhline(n_trained - 0.5, color="#999999", lw=0.6, ls=":")
    axes.set_yticks(range(len(rows)), labels, fontsize=SMALL)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.1)
