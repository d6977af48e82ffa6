"""Pictures: each function takes one of the library's tables and returns a matplotlib Figure.

Scores are drawn in cividis between fixed limits, differences in a diverging palette centred on 0. Languages stand by
their ISO codes, those of one script beside each other, trained before unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from hbtlib.curves import alpha_curves, effects, groups, size_curves
from hbtlib.language_maps import embedding_map, top_shares
from hbtlib.languages import by_script
from hbtlib.sampler import BatchPlan
from hbtlib.style import (
    COLOURS,
    OTHER,
    Figure,
    arm_colours,
    language_colours,
    language_labels,
    layout,
    named_legend,
    need,
    of_metric,
    once,
    ordered,
    panels,
    save,
)

__all__ = ["COLOURS", "OTHER", "Figure", "alpha_curves", "batch_picture", "bias_by_language", "differences", "effects",
           "embedding_map", "groups", "heatmap", "heatmaps", "language_colours", "lengths", "loss_curves", "ordered",
           "rank_ecdf", "save", "size_curves", "top_shares"]


def _grid(measured: pd.DataFrame, metric: str, trained: Sequence[str]) -> tuple[pd.DataFrame, int]:
    wide = of_metric(measured, metric).pivot_table(index="query_language", columns="pool", values="value")
    rows = ordered(list(wide.index), trained)
    columns = ordered([c for c in wide.columns if c != "all"], trained) + (["all"] if "all" in wide.columns else [])
    return wide.reindex(index=rows, columns=columns), sum(c in trained for c in rows)


def _draw_grid(axes: Axes, wide: pd.DataFrame, seen: int, low: float, high: float, palette: str, form: str) -> None:
    sns.heatmap(wide, ax=axes, vmin=low, vmax=high, cmap=palette, annot=True, fmt=form, annot_kws={"size": 7},
                cbar=False, square=True, linewidths=0.4, linecolor="white")
    count = len(wide)
    inner = [c for c in wide.columns if c != "all"]
    if 0 < seen < count:  # what was trained on, and what was not
        axes.axhline(seen, color="black", lw=1.6)
        axes.plot([seen, seen], [0, count], color="black", lw=1.6)
    if "all" in wide.columns:
        axes.axvspan(len(inner) - 0.04, len(inner) + 0.04, color="white", lw=3)
    labels = [f"{c}*" if i >= seen else c for i, c in enumerate(wide.index)]
    axes.set_yticks(np.arange(count) + 0.5, labels, rotation=0)
    axes.set_xticks(np.arange(len(wide.columns)) + 0.5, [f"{c}*" if c in wide.index[seen:] else c for c in wide.columns],
                    rotation=0)
    axes.tick_params(length=0)
    axes.set(xlabel="passage language (pool)", ylabel="query language")


def heatmap(measured: pd.DataFrame, metric: str = "mAP", *, trained: Sequence[str] = (), title: str = "") -> Figure:
    """`measure`'s table of one run: the metric for every query language (rows) and pool (columns), 0 to 1.

    The diagonal is the monolingual setting, the rest of the square the cross-lingual one, the column `all` the
    multilingual one. Lines divide trained languages from unseen ones, which bear a star.
    """
    return heatmaps({title or metric: measured}, metric, trained=trained)


def heatmaps(measured: Mapping[str, pd.DataFrame], metric: str = "mAP", *, trained: Sequence[str] = ()) -> Figure:
    """Several runs' heatmaps side by side on one scale: name → `measure`'s table."""
    known = trained or list(next(iter(measured.values()))["query_language"].unique())
    grids = {name: _grid(table, metric, known) for name, table in measured.items()}
    return _panels({name: wide for name, (wide, _) in grids.items()}, next(iter(grids.values()))[1], 0, 1, "cividis", ".2f",
                   metric, bool(trained))


def differences(measured: pd.DataFrame, baselines: Mapping[str, pd.DataFrame], metric: str = "mAP", *,
                trained: Sequence[str] = (), name: str = "hybrid", limit: float | None = None,
                significant: Mapping[str, pd.DataFrame] | None = None) -> Figure:
    """Heatmaps of one run's metric minus each baseline's: green where it is higher, purple where it is lower.

    significant: a table for each baseline, query_language, pool, p (one row a cell, already adjusted for all of them).
    Cells with p ≥ .05 are hatched: there the difference may be chance.
    """
    known = trained or list(measured["query_language"].unique())
    wide, seen = _grid(measured, metric, known)
    grids = {f"{name} − {other}": wide - _grid(table, metric, known)[0] for other, table in baselines.items()}
    hatched = {f"{name} − {other}": _chance(grids[f"{name} − {other}"], significant, other) for other in baselines
               } if significant is not None else {}
    limit = limit or max(float(np.nanmax(np.abs(g.to_numpy()))) for g in grids.values()) or 1.0
    return _panels(grids, seen, -limit, limit, "PRGn", "+.2f", f"difference in {metric}", bool(trained), hatched)


def _chance(grid: pd.DataFrame, significant: Mapping[str, pd.DataFrame], baseline: str) -> NDArray[np.bool_]:
    """The cells of the grid whose difference may be chance."""
    if baseline not in significant:
        raise ValueError(f"significant has no table for the baseline {baseline!r}; it has {', '.join(significant)}")
    need(significant[baseline], ["query_language", "pool", "p"], f"p values against {baseline}")
    once(significant[baseline], ["query_language", "pool"], f"p values against {baseline}")
    p = significant[baseline].pivot(index="query_language", columns="pool", values="p")
    p = p.reindex(index=grid.index, columns=grid.columns)
    for row, column in np.argwhere((grid.notna() & p.isna()).to_numpy()):
        raise ValueError(f"no p against {baseline} for the query language {grid.index[row]!r} and the pool "
                         f"{grid.columns[column]!r}")
    return (p >= 0.05).to_numpy() & grid.notna().to_numpy()


def _panels(grids: Mapping[str, pd.DataFrame], seen: int, low: float, high: float, palette: str, form: str, label: str,
            marked: bool, hatched: Mapping[str, NDArray[np.bool_]] | None = None) -> Figure:
    """Grids on one scale, three beside each other at most, or they could not be read."""
    down, across = layout(len(grids), 3)
    figure = Figure(figsize=(0.8 + 5.3 * across, 5.2 * down), layout="constrained")
    parts = panels(figure, list(grids), 3)
    for at, (name, part) in enumerate(parts.items()):
        _draw_grid(part, grids[name], seen, low, high, palette, form)
        for y, x in np.argwhere(hatched[name]) if hatched else ():
            part.add_patch(Rectangle((x, y), 1, 1, fill=False, hatch="////", edgecolor="#00000040", lw=0))
        part.set_title(name, loc="left")
        if at % across:
            part.set_ylabel("")
    scale = mpl.cm.ScalarMappable(mpl.colors.Normalize(low, high), palette)
    figure.colorbar(scale, ax=np.array(figure.axes), fraction=0.03, pad=0.02, label=label).outline.set_visible(False)
    notes = ["* never trained on"] * marked + ["hatched: p ≥ .05 (Holm)"] * bool(hatched)
    figure.text(0.01, -0.02, "    ".join(notes), fontsize=8)
    return figure


def bias_by_language(biases: pd.DataFrame, measure: str = "rank-distance", *, trained: Sequence[str] = (),
                     chance: float | None = None) -> Figure:
    """`bias`'s table by query language, strategies side by side: bars are means, points the seeds.

    biases: measure, query_language, value, and (for several runs) arm and seed. `chance` is drawn as a line.
    """
    chosen = biases[biases["measure"] == measure]
    if chosen.empty:
        raise ValueError(f"no values of {measure!r} here; there are {', '.join(sorted(biases['measure'].unique()))}")
    if "arm" not in chosen:
        chosen = chosen.assign(arm="run")
    codes = ordered(list(chosen["query_language"].unique()), trained or list(chosen["query_language"].unique()))
    arms = list(dict.fromkeys(chosen["arm"]))
    figure = Figure(figsize=(1.5 + max(0.62, 0.16 * len(arms)) * len(codes), 3.2), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(arms)
    for i, (arm, colour) in enumerate(arm_colours(arms).items()):
        mine = chosen[chosen["arm"] == arm]
        means = mine.groupby("query_language")["value"].mean().reindex(codes)
        at = np.arange(len(codes)) + (i - (len(arms) - 1) / 2) * width
        axes.bar(at, means, width * 0.94, color=colour, label=arm)
        if mine.groupby("query_language").size().max() > 1:
            for x, code in zip(at, codes, strict=True):
                values = mine[mine["query_language"] == code]["value"]
                axes.plot([x] * len(values), values, ".", color="black", ms=3)
    if chance is not None:
        axes.axhline(chance, color="black", ls="--", lw=1)
        axes.text(len(codes) - 0.45, chance, "chance", ha="right", va="bottom", fontsize=8,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85})
        axes.set_ylim(top=max(chance * 1.1, axes.get_ylim()[1]))
    seen = sum(c in trained for c in codes) if trained else len(codes)
    if 0 < seen < len(codes):
        axes.axvline(seen - 0.5, color="black", lw=1)
    axes.set_xticks(np.arange(len(codes)), [f"{c}*" if i >= seen else c for i, c in enumerate(codes)])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}" if abs(v) >= 10 else f"{v:g}"))
    axes.set(xlabel="query language" + (" (* never trained on)" if seen < len(codes) else ""),
             ylabel=measure + (" (ranks)" if measure in ("rank-distance", "rank-distance-median") else ""))
    if len(arms) > 1:
        figure.legend(loc="outside upper left", ncols=len(arms), frameon=False)
    return figure


def rank_ecdf(ranks: pd.DataFrame, *, trained: Sequence[str] = ()) -> Figure:
    """How soon the relevant passages of each language come in the pool of all: their share found up to each rank.

    One line a passage language; dotted where it was never trained on. Lines that lie together mean no language is
    favoured.
    """
    joint = ranks[ranks["pool"] == "all"]
    codes = ordered([str(c) for c in joint["passage_language"].unique()],
                    trained or [str(c) for c in joint["passage_language"].unique()])
    figure = Figure(figsize=(5.6, 3.6), layout="constrained")
    axes = figure.subplots()
    grid = np.unique(np.logspace(0, np.log10(joint["n_passages"].max()), 160).astype(int))
    labels = language_labels(codes, trained)
    for code, colour in language_colours(codes).items():
        found = np.sort(joint.loc[joint["passage_language"] == code, "rank"].to_numpy())
        unseen = bool(trained) and code not in trained
        axes.plot(grid, np.searchsorted(found, grid, side="right") / len(found), color=colour, lw=1.5,
                  ls=":" if unseen else "-", label=labels[code])
    axes.set(xscale="log", ylim=(0, 1), xlabel="rank in the pool of all languages",
             ylabel="share of relevant passages found")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
    named_legend(figure, title="passage language")
    return figure


def loss_curves(log: pd.DataFrame, *, title: str = "") -> Figure:
    """A training log's loss and, where there is one, validation loss, over steps."""
    figure = Figure(figsize=(5.6, 3.0), layout="constrained")
    axes = figure.subplots()
    axes.plot(log["step"], log["loss"], color="#BBBBBB", lw=1, label="training loss")
    checked = log.dropna(subset=["validation_loss"])
    if len(checked):
        axes.plot(checked["step"], checked["validation_loss"], "o-", color="#4477AA", ms=3, label="validation loss")
        best = checked.iloc[int(checked["validation_loss"].argmin())]
        axes.axvline(best["step"], color="#4477AA", ls=":", lw=1)
        axes.text(best["step"], axes.get_ylim()[1], " kept ", va="top", ha="right", fontsize=8, color="#4477AA")
    axes.set(xlabel="step", ylabel="InfoNCE", ylim=(0, None))
    axes.set_title(title, loc="left")
    axes.legend(frameon=False)
    return figure


def batch_picture(plan: BatchPlan, *, batches: int = 8, pairs: int = 16, title: str = "") -> Figure:
    """The first batches of a plan, as the paper's Figure 2 draws them: a row a batch, a box a pair.

    A box's left half is the query's language, its right half the passage's: one colour where they are the same.
    """
    colours = language_colours(by_script(plan.languages))
    figure = Figure(figsize=(1.7 + 0.5 * pairs, 0.9 + 0.36 * batches), layout="constrained")
    axes = figure.subplots()
    labels = []
    for row in range(batches):
        batch = plan[row]
        labels.append(f"batch {row}: {batch.kind}")
        for i in range(min(pairs, len(batch))):
            for x, code in ((0.0, str(batch.query_languages[i])), (0.45, str(batch.passage_languages[i]))):
                axes.add_patch(Rectangle((i + x, row), 0.45, 0.84, color=colours[code], lw=0))
                axes.text(i + x + 0.225, row + 0.44, code, ha="center", va="center", fontsize=7, color="white")
    axes.set(xlim=(0, pairs), ylim=(batches, -0.1), xticks=[])
    axes.set_yticks(np.arange(batches) + 0.42, labels)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(f"the first {pairs} of {plan.batch_size} pairs (query | passage)")
    axes.set_title(title, loc="left")
    return figure


def lengths(texts: pd.DataFrame, *, trained: Sequence[str] = ()) -> Figure:
    """Characters a text by language, queries and passages: texts has language, role and text."""
    table = texts.assign(characters=texts["text"].str.len())
    codes = ordered(list(table["language"].unique()), trained or list(table["language"].unique()))
    figure = Figure(figsize=(1.2 + 0.55 * len(codes), 3.0), layout="constrained")
    axes = figure.subplots()
    sns.boxplot(table, x="language", y="characters", hue="role", order=codes, ax=axes, showfliers=False, linewidth=0.8,
                palette={"query": "#4477AA", "passage": "#DDAA77"})
    axes.set(xlabel="", ylabel="characters")
    axes.yaxis.set_major_locator(MaxNLocator(5))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2, frameon=False)
    axes.legend().remove()  # inside it would lie over the boxes
    return figure
