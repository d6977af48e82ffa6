"""The picture of where hybrid batches win and lose in the published numbers."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from hbtlib.data.benchmark import SETTINGS
from hbtlib.plots.saving import Figure
from hbtlib.plots.style import HIGHER as BETTER
from hbtlib.plots.style import LOWER as WORSE
from hbtlib.plots.style import canvas
from hbtlib.study.paper.layout import place
from hbtlib.study.paper.tables import DISTANCE, METRICS, NAMES, ROW

# Greys, beside the colours of what is better and worse, which all pictures share.
EQUAL = "#777777"
NOTE = "#555555"

# What stands right of the dots: where (the panel is from 0 to 1), and its colour.
COUNTS = {
    "against": (1.09, "black"),
    "wins": (1.2, BETTER),
    "ties": (1.285, EQUAL),
    "losses": (1.38, WORSE),
}


def picture(gains: pd.DataFrame, baseline: str = "better of the two") -> Figure:
    """Draws what `gaps` returns.

    There is a row for each dataset, encoder, setting and metric, and in it a dot for each language,
    at hybrid minus the baseline: green where hybrid is better, purple where it is worse. The bar is
    the mean, and the outermost languages are named. Right of it stand the baseline's strategy, and
    in how many languages hybrid wins, ties and loses. Rank distances, in ranks, have a panel of
    their own with a reversed axis, so that right is better everywhere.

    Args:
        gains: What `gaps` returns.
        baseline: One of its baselines.

    Returns:
        The figure.

    Raises:
        ValueError: There is no such baseline.
    """
    panels = _panels(_chosen(gains, baseline))
    heights = [_n_lines(part) for part in panels.values()]
    figure, grid = canvas(7.2, 1.0 + 0.19 * sum(heights), len(panels), 1, height_ratios=heights)
    for axes, (unit, part) in zip(grid.flat, panels.items(), strict=True):
        _draw_panel(axes, part)
        axes.set_xlabel(f"hybrid − {baseline} ({unit})")
    _write_heads(grid[0, 0])
    return figure


def _chosen(gains: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Returns the gains against one baseline, in the paper's order."""
    if baseline not in set(gains["baseline"]):
        known = ", ".join(dict.fromkeys(gains["baseline"]))
        raise ValueError(f"no baseline {baseline!r} here; there are {known}")
    order = place(*NAMES, *SETTINGS, *METRICS, *gains[ROW[1:]].to_numpy().ravel())
    return gains[gains["baseline"] == baseline].sort_values(
        ROW[1:], key=lambda names: names.map(order), kind="stable"
    )


def _panels(chosen: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Returns the rows of each panel by its unit; a panel without rows is left out."""
    is_distance = chosen["metric"] == DISTANCE
    panels = {
        "metric, 0 to 1": chosen[~is_distance],
        "rank distance, in ranks; axis reversed": chosen[is_distance],
    }
    return {unit: part for unit, part in panels.items() if len(part)}


def _n_lines(part: pd.DataFrame) -> int:
    """Returns how many lines a panel takes: its rows, and a heading for each dataset and model."""
    return part.groupby(ROW).ngroups + part.groupby(["dataset", "model"]).ngroups


def _write_heads(axes: Axes) -> None:
    """Writes over the first panel what right, left, dots and columns mean."""
    heads = [
        (0.01, "◀ hybrid worse", WORSE, "left"),
        (0.99, "hybrid better ▶", BETTER, "right"),
        (0.5, "dot: a language, bar: mean", NOTE, "center"),
    ]
    heads += [(x, name, colour, "center") for name, (x, colour) in COUNTS.items()]
    for x, text, colour, side in heads:
        axes.text(
            x,
            1.0,
            text,
            color=colour,
            ha=side,
            va="bottom",
            fontsize=8,
            transform=axes.transAxes,
        )


def _draw_panel(axes: Axes, part: pd.DataFrame) -> None:
    """Draws one panel, from top to bottom.

    Over the rows of a dataset and model stands a heading. Rank distances are of one setting, so
    their panel has a row for each dataset and model, with what would be the heading at its left.
    """
    in_ranks = part["metric"].iloc[0] == DISTANCE
    labels: list[str] = []  # what stands left of each line; nothing at a heading
    heading = ""
    for key, row in part.groupby(ROW[1:], sort=False):
        dataset, model, setting, metric = map(str, key)
        last_heading = heading
        heading = f"{NAMES.get(dataset, dataset)}, {NAMES.get(model, model)}"
        if heading != last_heading and not in_ranks:
            _write_heading(axes, len(labels), heading)
            labels.append("")
        _draw_row(axes, len(labels), row)
        labels.append(heading if in_ranks else f"{setting} {metric}")
    axes.axvline(0, color="black", lw=0.8, zorder=1)
    labelled = [line for line, label in enumerate(labels) if label]
    axes.set_yticks(labelled, [labels[line] for line in labelled])
    axes.tick_params(axis="y", length=0)
    axes.set(ylim=(len(labels) - 0.4, -0.6))
    axes.margins(x=0.08)
    if in_ranks:
        axes.invert_xaxis()


def _write_heading(axes: Axes, y: int, heading: str) -> None:
    """Writes a heading left of the panel, on a line of its own."""
    axes.text(
        -0.01,
        y,
        heading,
        weight="bold",
        ha="right",
        va="center",
        transform=axes.get_yaxis_transform(),
    )


def _draw_row(axes: Axes, y: int, row: pd.DataFrame) -> None:
    """Draws the dots of one row and their mean; names the outermost, and counts them."""
    gain, x = row["gain"], row["difference"]
    colours = np.select([gain > 0, gain < 0], [BETTER, WORSE], EQUAL)
    axes.axhline(y, color="#EEEEEE", lw=0.8, zorder=0)
    axes.scatter(x, [y] * len(row), s=20, c=colours, alpha=0.65, lw=0)
    axes.plot([x.mean()] * 2, [y - 0.38, y + 0.38], color="black", lw=2, zorder=3)
    _name_outermost(axes, y, row)
    _write_counts(axes, y, row)


def _name_outermost(axes: Axes, y: int, row: pd.DataFrame) -> None:
    """Writes the language with the lowest gain left of its dot, and the highest right of it."""
    by_gain = row.sort_values("gain", kind="stable")
    for position, offset, side in ((0, -5, "right"), (-1, 5, "left")):
        language, x = by_gain[["language", "difference"]].iloc[position]
        axes.annotate(
            language,
            (x, y),
            (offset, 0),
            textcoords="offset points",
            fontsize=6.5,
            color=NOTE,
            ha=side,
            va="center",
        )


def _write_counts(axes: Axes, y: int, row: pd.DataFrame) -> None:
    """Writes the baseline's strategy and the wins, ties and losses right of the panel."""
    gain = row["gain"]
    texts = {
        "against": " ".join(dict.fromkeys(row["against"])),
        "wins": (gain > 0).sum(),
        "ties": (gain == 0).sum(),
        "losses": (gain < 0).sum(),
    }
    for name, text in texts.items():
        x, colour = COUNTS[name]
        axes.text(
            x,
            y,
            str(text),
            color=colour,
            ha="center",
            va="center",
            transform=axes.get_yaxis_transform(),
            fontsize=8,
        )
