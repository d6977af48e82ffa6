"""Pictures: each function takes one of the library's tables and returns a matplotlib Figure. Scores are drawn in cividis
between fixed limits, differences in a diverging palette centred on 0. Languages stand by their ISO codes, those of one
script beside each other, trained before unseen; with `trained`, the unseen bear a star.
"""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from hbtlib.plots import style
from hbtlib.plots.curves import alpha_curves, effects, groups, size_curves
from hbtlib.plots.style import (
    COLOURS,
    Figure,
    canvas,
    checked,
    language_colours,
    ordered,
    save,
    star,
)
from hbtlib.sampling.plan import BatchPlan

__all__ = [
    "COLOURS",
    "Figure",
    "alpha_curves",
    "batch_picture",
    "bias_by_language",
    "differences",
    "effects",
    "embedding_map",
    "groups",
    "heatmap",
    "heatmaps",
    "language_colours",
    "lengths",
    "loss_curves",
    "ordered",
    "rank_ecdf",
    "save",
    "size_curves",
    "top_shares",
]
VIEWS = {"texts": ("x", "y"), "centroids": ("centroid_x", "centroid_y")}
MARKERS = {"passage": "o", "query": "x"}


def heatmap(
    measured: pd.DataFrame, metric: str = "mAP", *, trained: Sequence[str] = (), title: str = ""
) -> Figure:
    """`measure`'s table of one run: the metric for every query language (rows) and pool (columns), 0 to 1. The diagonal is
    the monolingual setting, the rest of the square the cross-lingual one, the column `all` the multilingual one. Lines
    divide trained languages from unseen ones.
    """
    return heatmaps({title or metric: measured}, metric, trained=trained)


def heatmaps(
    measured: Mapping[str, pd.DataFrame], metric: str = "mAP", *, trained: Sequence[str] = ()
) -> Figure:
    """Several runs' heatmaps side by side on one scale: name → `measure`'s table."""
    return _heatmaps(
        {n: _grid(t, metric, trained) for n, t in measured.items()},
        trained,
        0,
        1,
        "cividis",
        ".2f",
        metric,
    )


def differences(
    measured: pd.DataFrame,
    baselines: Mapping[str, pd.DataFrame],
    metric: str = "mAP",
    *,
    trained: Sequence[str] = (),
    name: str = "hybrid",
    significant: Mapping[str, pd.DataFrame] | None = None,
) -> Figure:
    """Heatmaps of one run's metric minus each baseline's: green where it is higher, purple where it is lower. significant: a
    table for each baseline, query_language, pool, p (one row a cell, already adjusted for all of them). Cells with p ≥ .05
    are hatched: there the difference may be chance.
    """
    wide = _grid(measured, metric, trained)
    grids = {
        f"{name} − {other}": wide - _grid(table, metric, trained)
        for other, table in baselines.items()
    }
    hatched = (
        {}
        if significant is None
        else {
            title: _chance(grid, significant, other)
            for other, (title, grid) in zip(baselines, grids.items(), strict=True)
        }
    )
    limit = max(float(np.nanmax(np.abs(g.to_numpy()))) for g in grids.values()) or 1.0
    return _heatmaps(
        grids, trained, -limit, limit, "PRGn", "+.2f", f"difference in {metric}", hatched
    )


def _grid(measured: pd.DataFrame, metric: str, trained: Sequence[str]) -> pd.DataFrame:
    """The metric by query language (rows) and pool (columns), in the order of all pictures."""
    chosen = checked(measured, "values", ["query_language", "pool", "value"], metric=metric)
    wide = chosen.pivot_table(index="query_language", columns="pool", values="value")
    return wide.reindex(index=ordered(wide.index, trained), columns=ordered(wide.columns, trained))


def _chance(
    grid: pd.DataFrame, significant: Mapping[str, pd.DataFrame], other: str
) -> NDArray[np.bool_]:
    """The cells of the grid whose difference may be chance."""
    if other not in significant:
        raise ValueError(
            f"significant has no table for the baseline {other!r}; it has {', '.join(significant)}"
        )
    table = checked(
        significant[other], f"p values against {other}", ["p"], ["query_language", "pool"]
    )
    p = table.pivot(index="query_language", columns="pool", values="p").reindex_like(grid)
    for y, x in np.argwhere((grid.notna() & p.isna()).to_numpy()):
        raise ValueError(
            f"no p against {other} for the query language {grid.index[y]!r} and the pool {grid.columns[x]!r}"
        )
    return ((p >= 0.05) & grid.notna()).to_numpy()


def _heatmaps(
    grids: Mapping[str, pd.DataFrame],
    trained: Sequence[str],
    low: float,
    high: float,
    palette: str,
    form: str,
    label: str,
    hatched: Mapping[str, NDArray[np.bool_]] | None = None,
) -> Figure:
    """Grids on one scale, three beside each other at most, or they could not be read."""
    figure, parts = style.panels(list(grids), 3, (5.3, 5.2), (0.8, 0))
    for (name, grid), axes in zip(grids.items(), parts.values(), strict=True):
        sns.heatmap(
            grid,
            ax=axes,
            vmin=low,
            vmax=high,
            cmap=palette,
            annot=True,
            fmt=form,
            annot_kws={"size": 7},
            cbar=False,
            square=True,
            linewidths=0.4,
            linecolor="white",
            xticklabels=[star(c, trained) for c in grid.columns],
            yticklabels=[star(c, trained) for c in grid.index],
        )
        seen = sum(c in trained for c in grid.index)
        if 0 < seen < len(grid):  # what was trained on, and what was not
            axes.axhline(seen, color="black", lw=1.6)
            axes.plot([seen, seen], [0, len(grid)], color="black", lw=1.6)
        if "all" in grid:
            axes.axvspan(grid.shape[1] - 1.04, grid.shape[1] - 0.96, color="white", lw=3)
        for y, x in np.argwhere(hatched[name]) if hatched else ():
            axes.add_patch(
                Rectangle((x, y), 1, 1, fill=False, hatch="////", edgecolor="#00000040", lw=0)
            )
        axes.tick_params(length=0, labelrotation=0)
        first = axes.get_subplotspec().is_first_col()  # type: ignore[union-attr]
        axes.set(
            title=name, xlabel="passage language (pool)", ylabel="query language" if first else ""
        )
    scale = mpl.cm.ScalarMappable(mpl.colors.Normalize(low, high), palette)
    figure.colorbar(
        scale, ax=np.array(figure.axes), fraction=0.03, pad=0.02, label=label
    ).outline.set_visible(False)
    notes = ["* never trained on"] * bool(trained) + ["hatched: p ≥ .05 (Holm)"] * bool(hatched)
    figure.text(0.01, -0.02, "    ".join(notes), fontsize=8)
    return figure


def bias_by_language(
    biases: pd.DataFrame,
    measure: str = "rank-distance",
    *,
    trained: Sequence[str] = (),
    chance: float | None = None,
) -> Figure:
    """`bias`'s table by query language, strategies side by side: bars are means, points the seeds. biases: measure,
    query_language, value, and (for several runs) arm and seed. `chance` is drawn as a line.
    """
    chosen = checked(biases, "values", ["query_language", "value"], measure=measure)
    chosen = chosen.assign(arm=chosen.get("arm", "run"))
    codes, colours = (
        ordered(chosen["query_language"].unique(), trained),
        style.arm_colours(chosen["arm"].unique()),
    )
    figure, [[axes]] = canvas(1.5 + max(0.62, 0.16 * len(colours)) * len(codes), 3.2)
    width = 0.8 / len(colours)
    for i, (arm, colour) in enumerate(colours.items()):
        mine = chosen[chosen["arm"] == arm]
        at = pd.Series(np.arange(len(codes)) + (i - (len(colours) - 1) / 2) * width, codes)
        axes.bar(
            at,
            mine.groupby("query_language")["value"].mean().reindex(codes),
            width * 0.94,
            color=colour,
            label=arm,
        )
        if mine.duplicated("query_language").any():
            axes.plot(at[mine["query_language"]], mine["value"], ".", color="black", ms=3)
    if chance is not None:
        axes.axhline(chance, color="black", ls="--", lw=1)
        axes.text(
            len(codes) - 0.45,
            chance,
            "chance",
            ha="right",
            va="bottom",
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85},
        )
        axes.set_ylim(top=max(chance * 1.1, axes.get_ylim()[1]))
    seen = sum(c in trained for c in codes)
    if 0 < seen < len(codes):
        axes.axvline(seen - 0.5, color="black", lw=1)
    axes.set_xticks(range(len(codes)), labels := [star(code, trained) for code in codes])
    axes.yaxis.set_major_formatter(lambda v, _: f"{v:,.0f}" if abs(v) >= 10 else f"{v:g}")
    axes.set(
        xlabel="query language" + " (* never trained on)" * (labels != codes),
        ylabel=measure + " (ranks)" * (measure in ("rank-distance", "rank-distance-median")),
    )
    if len(colours) > 1:
        figure.legend(loc="outside upper left", ncols=len(colours))
    return figure


def rank_ecdf(ranks: pd.DataFrame, *, trained: Sequence[str] = ()) -> Figure:
    """How soon the relevant passages of each language come in the pool of all: their share found up to each rank. One line a
    passage language; dotted where it was never trained on. Lines that lie together mean no language is favoured.
    """
    joint = ranks[ranks["pool"] == "all"]
    codes = ordered(joint["passage_language"].unique(), trained)
    figure, [[axes]] = canvas(5.6, 3.6)
    grid = np.unique(np.logspace(0, np.log10(joint["n_passages"].max()), 160).astype(int))
    labels = style.language_labels(codes, trained)
    for code, colour in language_colours(codes).items():
        found = joint.loc[joint["passage_language"] == code, "rank"].sort_values()
        axes.plot(
            grid,
            np.searchsorted(found, grid, side="right") / len(found),
            color=colour,
            lw=1.5,
            label=labels[code],
            ls=":" if trained and code not in trained else "-",
        )
    axes.set(
        xscale="log",
        ylim=(0, 1),
        xlabel="rank in the pool of all languages",
        ylabel="share of relevant passages found",
    )
    axes.xaxis.set_major_formatter("{x:,.0f}")
    style.named_legend(figure, axes.lines, "passage language")
    return figure


def loss_curves(log: pd.DataFrame, *, title: str = "") -> Figure:
    """A training log's loss and, where there is one, validation loss (or score, on an axis of its own), over steps."""
    figure, [[axes]] = canvas(5.6, 3.0)
    axes.plot(log["step"], log["loss"], color="#BBBBBB", lw=1, label="training loss")
    scored = "validation_score" in log
    column = "validation_score" if scored else "validation_loss"
    if len(checks := log.dropna(subset=[column])):
        side = axes.twinx() if scored else axes
        (line,) = side.plot(
            checks["step"],
            checks[column],
            "o-",
            color="#4477AA",
            ms=3,
            label=column.replace("_", " "),
        )
        best = checks["step"].iloc[int((checks[column] * (-1 if scored else 1)).argmin())]
        axes.axvline(best, color="#4477AA", ls=":", lw=1)
        axes.text(
            best, axes.get_ylim()[1], " kept ", va="top", ha="right", fontsize=8, color="#4477AA"
        )
    axes.set(title=title, xlabel="step", ylabel="loss", ylim=(0, None))
    axes.legend(handles=[*axes.lines[:1], *([line] if len(checks) else [])])
    return figure


def batch_picture(plan: BatchPlan, *, batches: int = 8, pairs: int = 16, title: str = "") -> Figure:
    """The first batches of a plan, as the paper's Figure 2 draws them: a row a batch, a box a pair. Its left half is the
    query's language, its right half the passage's: one colour where they are the same.
    """
    colours = language_colours(ordered(plan.languages))
    figure, [[axes]] = canvas(1.7 + 0.5 * pairs, 0.9 + 0.36 * batches)
    for row in range(batches):
        batch = plan[row]
        for i in range(min(pairs, len(batch))):
            for x, code in (
                (i, str(batch.query_languages[i])),
                (i + 0.45, str(batch.passage_languages[i])),
            ):
                axes.add_patch(Rectangle((x, row), 0.45, 0.84, color=colours[code], lw=0))
                axes.text(
                    x + 0.225, row + 0.44, code, ha="center", va="center", fontsize=7, color="white"
                )
    axes.set(
        title=title,
        xlim=(0, pairs),
        ylim=(batches, -0.1),
        xticks=[],
        xlabel=f"the first {pairs} of {plan.batch_size} pairs (query | passage)",
    )
    axes.set_yticks(
        np.arange(batches) + 0.42, [f"batch {row}: {plan[row].kind}" for row in range(batches)]
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def lengths(texts: pd.DataFrame, *, trained: Sequence[str] = ()) -> Figure:
    """Characters a text by language, queries and passages: texts has language, role and text."""
    codes = ordered(texts["language"].unique(), trained)
    figure, [[axes]] = canvas(1.2 + 0.55 * len(codes), 3.0)
    sns.boxplot(
        texts,
        x="language",
        y=texts["text"].str.len(),
        hue="role",
        order=codes,
        ax=axes,
        showfliers=False,
        linewidth=0.8,
        palette={"query": "#4477AA", "passage": "#DDAA77"},
    )
    axes.set(xlabel="", ylabel="characters")
    axes.yaxis.set_major_locator(MaxNLocator(5))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    axes.legend().remove()  # inside it would lie over the boxes
    return figure


def top_shares(
    shares: pd.DataFrame, *, pool: Mapping[str, float] | None = None, trained: Sequence[str] = ()
) -> Figure:
    """Which languages fill the top of the ranking: one stacked bar a query language, a panel an arm. shares: query_language,
    passage_language, share, and for several runs arm; each bar's shares sum to 1. The query's own language stands at the
    bottom, outlined. `pool`, each passage language's share of all passages, is the last bar; and a triangle stands beside
    each bar at its language's share of the pool: outlined above it means that language is preferred.
    """
    table, pool = shares.assign(arm=shares.get("arm", "")), dict(pool or {})
    table = checked(table, "shares", ["share"], ["arm", "query_language", "passage_language"])
    rows, codes = (
        ordered(table[column].unique(), trained)
        for column in ("query_language", "passage_language")
    )
    codes += [c for c in ordered(pool, trained) if c not in codes]
    bars = rows + ["pool"] * bool(pool)
    colours, labels = language_colours(codes), style.language_labels(codes, trained)
    figure, parts = style.panels(
        list(table["arm"].unique()), 2, (0.6 + 0.36 * len(bars), 2.9), (2.0, 0.3)
    )
    for arm, axes in parts.items():
        wide = table[table["arm"] == arm].pivot(
            index="query_language", columns="passage_language", values="share"
        )
        wide = wide.reindex(index=rows, columns=codes)
        if pool:
            wide.loc["pool"] = pd.Series(pool)
        for x, (own, bar) in enumerate(wide.fillna(0.0).iterrows()):
            if abs(bar.sum() - 1) > 1e-6 or bar.min() < 0:
                raise ValueError(
                    f"the shares of {own}{f' ({arm})' if arm else ''} sum to {bar.sum():.3f}; "
                    "they are of one whole, each 0 or more: they sum to 1"
                )
            bar = bar[
                sorted(codes, key=lambda c: c != own)
            ]  # its own first, so that these parts can be compared
            for code, share, foot in zip(
                bar.index, bar, bar.cumsum().shift(fill_value=0.0), strict=True
            ):
                edge, width, order = ("black", 1.4, 3) if code == own else ("white", 0.4, 2)
                axes.bar(
                    x,
                    share,
                    0.84,
                    foot,
                    color=colours[code],
                    label=code,
                    edgecolor=edge,
                    lw=width,
                    zorder=order,
                )
                if share >= 0.045 and code != own:
                    axes.text(
                        x,
                        foot + share / 2,
                        code,
                        ha="center",
                        va="center",
                        fontsize=6.5,
                        color="white",
                        zorder=5,
                    )
            if own in pool:
                axes.plot(
                    x - 0.5, pool[own], ">", color="black", ms=4, zorder=4
                )  # beside the codes, not over them
        axes.set_xticks(
            range(len(bars)), [star(c, (*trained, "pool")) if trained else c for c in bars]
        )
        axes.set(
            title=arm,
            xlim=(-0.6, len(bars) - 0.4),
            ylim=(0, 1),
            xlabel="query language",
            ylabel="share of the top 10",
        )
        axes.tick_params(axis="x", length=0)
    handles: list[Artist] = [Patch(facecolor=colours[c], label=labels[c]) for c in reversed(codes)]
    handles.append(Patch(facecolor="white", edgecolor="black", lw=1.4, label="own language"))
    handles += [
        Line2D([], [], ls="", marker=">", color="black", ms=4, label="its share of the pool")
    ] * bool(pool)
    style.named_legend(figure, handles, "passage language")
    return figure


def embedding_map(
    points: pd.DataFrame, view: str = "texts", *, trained: Sequence[str] = ()
) -> Figure:
    """Where the texts lie, coloured by language, each language's code at its centre: a panel an arm, one scale for all.
    points: role (query or passage), language, x, y (the texts' first two principal components), centroid_x, centroid_y (the
    texts on the first two principal components of the languages' centroids), language_share (how much of the vectors'
    variance lies between languages, 0 to 1), and for several runs arm. `view` is `texts` or `centroids`.
    """
    if view not in VIEWS:
        raise ValueError(f"no view {view!r}; there are {', '.join(VIEWS)}")
    x, y = VIEWS[view]
    table = checked(
        points.assign(arm=points.get("arm", "")),
        "points",
        ["role", "language", x, y, "language_share"],
    )
    if "benchmark" in points and len(points["benchmark"].unique()) > 1:
        raise ValueError(
            f"these points are of several benchmarks ({', '.join(map(str, points['benchmark'].unique()))}); "
            "draw each alone: points[points['benchmark'] == …]"
        )
    runs = table.groupby("arm", sort=False)[[x, y, "language_share"]]
    low, high = runs.min(), runs.max()
    if ((high - low)["language_share"] > 1e-9).any():
        raise ValueError(
            "language_share differs within a run; it is one number a run: are several runs here? "
            "Give them a column arm"
        )
    codes = ordered(table["language"].unique(), trained)
    colours, labels = language_colours(codes), style.language_labels(codes, trained)
    half = 0.53 * float((high - low)[[x, y]].to_numpy().max()) or 1.0
    middles = ((low + high) / 2)[[x, y]].to_numpy()
    figure, parts = style.panels(list(low.index), 4, (3.1, 3.4), (1.6, 0))
    for (arm, axes), middle in zip(parts.items(), middles, strict=True):
        here = table[table["arm"] == arm].sample(
            frac=1, random_state=0
        )  # or the last language would cover the others
        for role, marker in MARKERS.items():
            mine = here[here["role"] == role]
            axes.scatter(
                mine[x],
                mine[y],
                s=9,
                color=[colours[c] for c in mine["language"]],
                marker=marker,
                lw=0.6 * (marker == "x"),
                alpha=0.45,
            )
        axes.set(
            xlim=(middle[0] - half, middle[0] + half),
            ylim=(middle[1] - half, middle[1] + half),
            xticks=[],
            yticks=[],
            aspect="equal",
            xlabel=f"component 1 of the {view}",
            ylabel="component 2",
        )
        low_left, high_right = np.transpose([axes.get_xlim(), axes.get_ylim()])
        centres = here.groupby("language")[[x, y]].mean().reindex(codes).dropna()
        at = (centres.to_numpy() - low_left) / (high_right - low_left)
        for code, centre, label in zip(
            centres.index, at, apart(at, np.array([0.085, 0.062])), strict=True
        ):
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
                color=[0.6 * c for c in colours[code]],
                zorder=5,
                path_effects=[withStroke(linewidth=2.5, foreground="white")],
                arrowprops={
                    "arrowstyle": "-",
                    "color": "#333333",
                    "lw": 0.7,
                    "shrinkA": 3,
                    "shrinkB": 0,
                }
                if np.abs(label - centre).max() > 0.04
                else None,
            )  # a line where it lies beside its centre
        share = f"{high['language_share'][arm]:.0%} of the variance between languages"
        axes.set_title(f"{arm}\n{share}" if arm else share, fontsize=9)
    handles = [
        Line2D([], [], ls="", marker="s", ms=7, color=colours[c], label=labels[c]) for c in codes
    ]
    handles += [
        Line2D([], [], ls="", marker=marker, color="#666666", ms=4, label=role)
        for role, marker in MARKERS.items()
    ]
    style.named_legend(figure, handles)
    return figure


def apart(at: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.float64]:
    """The points, moved until boxes of this size about them lie beside each other."""
    angle = 2 * np.pi * np.arange(len(at)) / len(at)
    at = at + 1e-3 * np.stack(
        [np.cos(angle), np.sin(angle)], 1
    )  # those in one place need a way to go
    for _ in range(500):
        gap = at[:, None] - at[None]
        over = size - np.abs(gap)
        hit = (over > 1e-9).all(-1) & ~np.eye(len(at), dtype=bool)
        if not hit.any():
            break
        shorter = np.eye(2)[(over / size).argmin(-1)] * hit[..., None]
        at = at + 0.3 * (shorter * np.sign(gap) * over).sum(1)
    return np.clip(at, size / 2, 1 - size / 2)
