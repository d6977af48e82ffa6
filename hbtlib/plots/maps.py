"""Maps of embeddings: where the texts of each language lie."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from hbtlib.checks import short
from hbtlib.plots.labels import apart
from hbtlib.plots.saving import Figure
from hbtlib.plots.style import caption, language_colours, panels
from hbtlib.plots.tables import (
    check_table,
    check_trained,
    check_words,
    checked,
    ordered,
    star,
    starred,
)

VIEWS = {"texts": ("x", "y"), "centroids": ("centroid_x", "centroid_y")}
MARKERS = {"passage": "o", "query": "x"}
_LABEL = np.array([0.085, 0.062])  # width and height of a language's code, as shares of a panel


def embedding_map(
    points: pd.DataFrame, view: str = "texts", *, trained: Sequence[str] = ()
) -> Figure:
    """Draws where the texts lie, coloured by language, with each language's code at its centre.

    Every arm has a panel; all have one scale. A line leads to the centre from a code that had to
    be moved.

    Args:
        points: role (query or passage), language, x, y (the texts' first two principal
            components), centroid_x, centroid_y (the texts on the first two principal components of
            the languages' centroids), language_share (how much of the vectors' variance lies
            between languages, 0 to 1), and for several runs arm.
        view: `texts` or `centroids`.
        trained: the languages that were trained on; those that were not bear a star.

    Returns:
        The picture.

    Raises:
        ValueError: the view is unknown, the table lacks a column, or it mixes runs or benchmarks.
    """
    if not isinstance(view, str) or view not in VIEWS:
        raise ValueError(f"no view {short(view)}; there are {', '.join(VIEWS)}")
    x, y = VIEWS[view]
    trained = check_trained(trained)
    check_table(points, "points", ["role", "language"])
    table = points.assign(arm=points.get("arm", ""))
    columns = [x, y, "language_share"]
    table = checked(table, "points", columns, names=["role", "language"])
    check_words(table, "points", "role", MARKERS)
    if not table["language_share"].between(0, 1).all():
        raise ValueError("language_share is a share of the variance: give numbers from 0 to 1")
    shares = _language_shares(table)
    runs = table.groupby("arm", sort=False)[[x, y]]
    low, high = runs.min(), runs.max()
    half = 0.53 * float((high - low).to_numpy().max()) or 1.0  # of the side of every panel
    codes = ordered(table["language"].unique(), trained)
    figure, parts = panels(list(low.index), 4, (2.9, 3.3), (0.2, 0.3))
    for arm, axes in parts.items():
        here = table[table["arm"] == arm]
        middle = (low.loc[arm] + high.loc[arm]) / 2
        axes.set(xlim=(middle[x] - half, middle[x] + half), xticks=[], aspect="equal")
        axes.set(ylim=(middle[y] - half, middle[y] + half), yticks=[])
        axes.set(xlabel=f"component 1 of the {view}", ylabel="component 2")
        _draw_points(axes, here, x, y)
        _label_centres(axes, here.groupby("language")[[x, y]].mean().reindex(codes), trained)
        share = f"{shares[arm]:.0%} of the variance lies between languages"
        axes.set_title(f"{arm}\n{share}" if arm else share, fontsize=9)
    marks = [
        Line2D([], [], ls="", marker=marker, color="#666666", ms=5, label=role)
        for role, marker in MARKERS.items()
    ]
    figure.legend(handles=marks, loc="outside upper right", ncols=2)
    notes = ["Codes stand at the centre of their language's texts."]
    caption(figure, notes + ["* never trained on."] * starred(codes, trained))
    return figure


def _language_shares(points: pd.DataFrame) -> pd.Series:
    """Each arm's share of the variance between languages; refuses points of mixed origin."""
    if "benchmark" in points and len(points["benchmark"].unique()) > 1:
        names = ", ".join(map(str, points["benchmark"].unique()))
        raise ValueError(
            f"these points are of several benchmarks ({names}); draw each alone: "
            "points[points['benchmark'] == …]"
        )
    shares = points.groupby("arm", sort=False)["language_share"]
    if (shares.max() - shares.min() > 1e-9).any():
        raise ValueError(
            "language_share differs within a run; it is one number a run: are several runs here? "
            "Give them a column arm"
        )
    return shares.max()


def _draw_points(axes: Axes, points: pd.DataFrame, x: str, y: str) -> None:
    """Draws the texts in random order, or the last language would cover the others."""
    shuffled = points.sample(frac=1, random_state=0)
    colours = language_colours(points["language"].unique())
    for role, marker in MARKERS.items():
        mine = shuffled[shuffled["role"] == role]
        axes.scatter(
            mine[x],
            mine[y],
            s=9,
            color=[colours[code] for code in mine["language"]],
            marker=marker,
            lw=0.6 if marker == "x" else 0,
            alpha=0.45,
        )


def _label_centres(axes: Axes, centres: pd.DataFrame, trained: Sequence[str]) -> None:
    """Writes each language's code at its centre, or beside it where codes would overlap."""
    centres = centres.dropna()
    colours = language_colours(centres.index)
    corner, opposite = np.transpose([axes.get_xlim(), axes.get_ylim()])
    at = (centres.to_numpy() - corner) / (opposite - corner)  # as shares of the panel
    for code, centre, label in zip(centres.index, at, apart(at, _LABEL), strict=True):
        line = {"arrowstyle": "-", "color": "#333333", "lw": 0.7, "shrinkA": 3, "shrinkB": 0}
        axes.annotate(
            star(code, trained),
            centre,
            label,
            "axes fraction",
            "axes fraction",
            ha="center",
            va="center",
            fontsize=9,
            fontweight="bold",
            color=colours[code],
            zorder=5,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
            arrowprops=line if np.abs(label - centre).max() > 0.04 else None,
        )
