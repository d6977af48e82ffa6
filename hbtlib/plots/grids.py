"""Heatmaps of query languages × pools, of runs and of differences between runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from hbtlib.checks import short
from hbtlib.data.benchmark import ALL
from hbtlib.plots import style
from hbtlib.plots.saving import Figure
from hbtlib.plots.tables import check_tables, check_trained, checked, ordered, star, starred

_CELL = 0.3  # inches
_HATCHED = (
    "Hatched: p ≥ .05 after Holm's correction over all cells: for these trained models the "
    "difference may be chance. This says nothing of another training."
)


def heatmap(
    measured: pd.DataFrame, metric: str = "mAP", *, trained: Sequence[str] = (), title: str = ""
) -> Figure:
    """Draws one run's metric for every query language (rows) and pool (columns).

    The diagonal is the monolingual setting, the rest of the square the cross-lingual one, the
    column `all` the multilingual one. Lines divide trained languages from those never trained on.
    Colours run from 0 to the largest value, rounded up.

    Args:
        measured: `hbtlib.measure`'s table of one run: query_language, pool, metric, value.
        metric: which one to draw.
        trained: the languages that were trained on; those that were not bear a star.
        title: of the panel; the metric's name where it is empty.

    Returns:
        The picture.

    Raises:
        ValueError: the table lacks a column or the metric.
    """
    if not isinstance(title, str):
        raise ValueError(f"title is {short(title)}; it must be a text")
    return heatmaps({title or str(metric): measured}, metric, trained=trained)


def heatmaps(
    measured: Mapping[str, pd.DataFrame], metric: str = "mAP", *, trained: Sequence[str] = ()
) -> Figure:
    """Draws the heatmaps of several runs, all on one scale: see `heatmap`.

    Args:
        measured: name → `hbtlib.measure`'s table.
        metric: which one to draw.
        trained: the languages that were trained on; those that were not bear a star.

    Returns:
        The picture, with at most three heatmaps beside each other.

    Raises:
        ValueError: a table lacks a column or the metric.
    """
    tables = check_tables(measured, "measured")
    trained = check_trained(trained)
    grids = {name: _grid(table, metric, trained) for name, table in tables.items()}
    limit = _limit(grids)
    look = _Look("cividis", 0.0, limit, metric)
    said = f"Colours run from 0 to {limit:g} (the largest value, rounded up)"
    return _draw(grids, trained, look, [said + (" in every panel." if len(grids) > 1 else ".")])


def differences(
    measured: pd.DataFrame,
    baselines: Mapping[str, pd.DataFrame],
    metric: str = "mAP",
    *,
    trained: Sequence[str] = (),
    name: str = "hybrid",
    significant: Mapping[str, pd.DataFrame] | None = None,
    reverse: bool = False,
) -> Figure:
    """Draws heatmaps of one run's metric minus each baseline's, all on one scale.

    Cells are green where the difference is above 0 and purple where it is below. Cells with
    p ≥ .05 are hatched: for these trained models the difference may be chance.

    Args:
        measured: `hbtlib.measure`'s table of the run.
        baselines: name → `hbtlib.measure`'s table of a baseline.
        metric: which one to draw.
        trained: the languages that were trained on; those that were not bear a star.
        name: what the run is called.
        significant: for each baseline a table of query_language, pool and p: one row a cell, p
            already adjusted for all of them. None: nothing is hatched.
        reverse: draw each baseline's metric minus the run's, for a run that the others are
            changes of.

    Returns:
        The picture, with at most three heatmaps beside each other.

    Raises:
        ValueError: a table lacks a column, the metric, or a cell's p.
    """
    trained = check_trained(trained)
    own = _grid(measured, metric, trained)
    grids, hatched = {}, {}
    if significant is not None:
        check_tables(significant, "significant")
    for other, table in check_tables(baselines, "baselines").items():
        title = f"{other} − {name}" if reverse else f"{name} − {other}"
        higher = own - _grid(table, metric, trained)
        grids[title] = -higher if reverse else higher
        if significant is not None:
            hatched[title] = _chance(grids[title], significant, other)
        if grids[title].isna().to_numpy().all():
            raise ValueError(f"the run and {other} have no cell in common: nothing can be compared")
    limit = _limit(grids)
    said = f"Colours run from −{limit:g} to {limit:g} (the largest difference, rounded up)"
    said += " in every panel." if len(grids) > 1 else "."
    look = _Look("PRGn", -limit, limit, f"difference in {metric}", signed=True)
    return _draw(grids, trained, look, [said] + [_HATCHED] * bool(hatched), hatched)


@dataclass(frozen=True)
class _Look:
    """How the cells of all heatmaps of a figure are coloured and written.

    Attributes:
        palette: a matplotlib colour map.
        low: the value of its first colour.
        high: the value of its last colour.
        label: what the values are.
        signed: whether values bear a plus or minus sign.
    """

    palette: str
    low: float
    high: float
    label: str
    signed: bool = False

    @property
    def colours(self) -> Colormap:
        """The colour map in so many steps that they cannot be seen, and a PNG has room for them."""
        return matplotlib.colormaps[self.palette].resampled(129)  # odd: 0 is in the middle of one


def _grid(measured: pd.DataFrame, metric: str, trained: Sequence[str]) -> pd.DataFrame:
    """The metric by query language (rows) and pool (columns), in the order of all pictures."""
    names = ["query_language", "pool"]
    chosen = checked(measured, "values", ["value"], names=names, missing=["value"], metric=metric)
    wide = chosen.pivot_table(index="query_language", columns="pool", values="value")
    return wide.reindex(index=ordered(wide.index, trained), columns=ordered(wide.columns, trained))


def _limit(grids: Mapping[str, pd.DataFrame]) -> float:
    """The largest distance of any value from 0, rounded up."""
    return style.rounded_up(max(float(np.nanmax(np.abs(grid))) for grid in grids.values()))


def _chance(
    grid: pd.DataFrame, significant: Mapping[str, pd.DataFrame], other: str
) -> NDArray[np.bool_]:
    """The cells of the grid whose difference may be chance, as a mask of the grid's shape."""
    if other not in significant:
        have = ", ".join(significant)
        raise ValueError(f"significant has no table for the baseline {other!r}; it has {have}")
    keys = ["query_language", "pool"]
    table = checked(significant[other], f"p values against {other}", ["p"], keys)
    p = table.pivot(index="query_language", columns="pool", values="p").reindex_like(grid)
    missing = np.argwhere((grid.notna() & p.isna()).to_numpy())
    if len(missing):
        language, pool = grid.index[missing[0, 0]], grid.columns[missing[0, 1]]
        raise ValueError(
            f"no p against {other} for the query language {language!r} and the pool {pool!r}"
        )
    return ((p >= 0.05) & grid.notna()).to_numpy()


def _draw(
    grids: Mapping[str, pd.DataFrame],
    trained: Sequence[str],
    look: _Look,
    notes: Sequence[str],
    hatched: Mapping[str, NDArray[np.bool_]] | None = None,
) -> Figure:
    """Draws the grids as heatmaps with one colour bar, and writes the notes under them."""
    rows = max(len(grid) for grid in grids.values())
    columns = max(grid.shape[1] for grid in grids.values())
    size = (0.75 + _CELL * columns, 0.75 + _CELL * rows)
    figure, parts = style.panels(list(grids), 3, size, (0.9, 0.0))
    for name, axes in parts.items():
        _draw_cells(axes, grids[name], trained, look)
        _draw_lines(axes, grids[name], trained)
        if hatched:
            _draw_hatches(axes, hatched[name])
        axes.set_title(name)
    scale = ScalarMappable(Normalize(look.low, look.high), look.colours)
    bar = figure.colorbar(scale, ax=list(parts.values()), aspect=30, pad=0.02, label=look.label)
    bar.outline.set_visible(False)  # type: ignore[operator]
    if any(starred(list(grid.index), trained) for grid in grids.values()):
        notes = ["* never trained on.", *notes]
    style.caption(figure, notes)
    return figure


def _draw_cells(axes: Axes, grid: pd.DataFrame, trained: Sequence[str], look: _Look) -> None:
    """Draws one heatmap: its cells, the numbers in them, and the languages."""
    sns.heatmap(
        grid,
        ax=axes,
        vmin=look.low,
        vmax=look.high,
        cmap=look.colours,
        annot=grid.map(lambda value: style.short(value, look.signed)),
        fmt="",
        annot_kws={"size": style.TINY},
        cbar=False,
        square=True,
        linewidths=0.4,
        linecolor="white",
        xticklabels=[star(code, trained) for code in grid.columns],
        yticklabels=[star(code, trained) for code in grid.index],
    )
    axes.tick_params(length=0, labelrotation=0, labelsize=style.SMALL)
    axes.set(xlabel="passage language (pool)", ylabel="query language")


def _draw_lines(axes: Axes, grid: pd.DataFrame, trained: Sequence[str]) -> None:
    """Divides trained languages from those never trained on, and languages from `all`."""
    seen = sum(code in trained for code in grid.index)
    if 0 < seen < len(grid):
        axes.axhline(seen, color="black", lw=1.6)
        axes.plot([seen, seen], [0, len(grid)], color="black", lw=1.6)
    if ALL in grid:
        axes.axvspan(grid.shape[1] - 1.04, grid.shape[1] - 0.96, color="white", lw=3)


def _draw_hatches(axes: Axes, mask: NDArray[np.bool_]) -> None:
    """Hatches the cells of the mask, under their numbers."""
    for row, column in np.argwhere(mask):
        axes.add_patch(
            Rectangle(
                (column, row), 1, 1, fill=False, hatch="////", edgecolor="#00000038", lw=0, zorder=2
            )
        )
