"""Pictures of languages, for `hbtlib.plots`: where their texts are embedded, and who fills whose top 10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from hbtlib.style import Figure, language_colours, language_labels, layout, named_legend, need, once, ordered, panels

Floats = NDArray[np.float64]
Colours = Mapping[str, tuple[float, float, float]]
VIEWS = {"texts": ("x", "y"), "centroids": ("centroid_x", "centroid_y")}
MARKERS = {"passage": "o", "query": "x"}


def top_shares(shares: pd.DataFrame, *, pool: Mapping[str, float] | None = None, trained: Sequence[str] = ()) -> Figure:
    """Which languages fill the top of the ranking: one stacked bar a query language, a panel an arm.

    shares: query_language, passage_language, share, and for several runs arm; each bar's shares sum to 1. The query's own
    language stands at the bottom, outlined. `pool`, each passage language's share of all passages, is the last bar; and a
    triangle stands beside each bar at its language's share of the pool: outlined above it means that language is preferred.
    """
    need(shares, ["query_language", "passage_language", "share"], "shares")
    pool = {} if pool is None else dict(pool)
    table = shares if "arm" in shares else shares.assign(arm="")
    once(table, ["arm", "query_language", "passage_language"], "shares")
    arms = list(dict.fromkeys(table["arm"]))
    rows, codes = (ordered(table[c].unique(), trained or list(table[c].unique()))
                   for c in ("query_language", "passage_language"))
    codes += [c for c in ordered(pool, trained) if c not in codes]
    colours, labels = language_colours(codes), language_labels(codes, trained)
    down, across = layout(len(arms), 2)
    figure = Figure(figsize=(2.0 + (0.6 + 0.36 * (len(rows) + bool(pool))) * across, 0.3 + 2.9 * down), layout="constrained")
    for arm, axes in panels(figure, arms, 2).items():
        wide = table[table["arm"] == arm].pivot(index="query_language", columns="passage_language", values="share")
        wide = wide.reindex(index=rows, columns=codes).fillna(0.0)
        if pool:
            wide.loc["pool"] = pd.Series(pool).reindex(codes).fillna(0.0)
        for x, (code, values) in enumerate(wide.to_dict("index").items()):
            bar = {str(c): float(share) for c, share in values.items()}
            if abs(sum(bar.values()) - 1) > 1e-6 or min(bar.values()) < 0:
                raise ValueError(f"the shares of {code}{f' ({arm})' if arm else ''} sum to {sum(bar.values()):.3f}; "
                                 "they are of one whole, each 0 or more: they sum to 1")
            _stack(axes, x, str(code), bar, colours)
            if pool and code in pool:
                axes.plot(x - 0.5, pool[code], ">", color="black", ms=4, zorder=4)  # beside the codes, not over them
        axes.set_xticks(range(len(wide)), [f"{c}*" if trained and c in rows and c not in trained else c for c in wide.index])
        axes.set(xlim=(-0.6, len(wide) - 0.4), ylim=(0, 1), xlabel="query language", ylabel="share of the top 10")
        axes.tick_params(axis="x", length=0)
        axes.set_title(arm, loc="left")
    handles: list[Artist] = [Patch(facecolor=colours[c], label=labels[c]) for c in reversed(codes)]
    handles.append(Patch(facecolor="white", edgecolor="black", lw=1.4, label="own language"))
    if pool:
        handles.append(Line2D([], [], ls="", marker=">", color="black", ms=4, label="its share of the pool"))
    named_legend(figure, handles=handles, title="passage language")
    return figure


def _stack(axes: Axes, x: int, own: str, bar: Mapping[str, float], colours: Colours) -> None:
    foot = 0.0
    for code in sorted(bar, key=lambda c: c != own):  # its own first, so that these parts can be compared
        axes.bar(x, bar[code], 0.84, foot, color=colours[code], label=code, lw=1.4 if code == own else 0.4,
                 edgecolor="black" if code == own else "white", zorder=3 if code == own else 2)
        if bar[code] >= 0.045 and code != own:
            axes.text(x, foot + bar[code] / 2, code, ha="center", va="center", fontsize=6.5, color="white", zorder=5)
        foot += bar[code]


def embedding_map(points: pd.DataFrame, view: str = "texts", *, trained: Sequence[str] = ()) -> Figure:
    """Where the texts lie, coloured by language, each language's code at its centre: a panel an arm, one scale for all.

    points: role (query or passage), language, x, y (the texts' first two principal components), centroid_x, centroid_y (the
    texts on the first two principal components of the languages' centroids), language_share (how much of the vectors'
    variance lies between languages, 0 to 1), and for several runs arm. `view` is `texts` or `centroids`.
    """
    if view not in VIEWS:
        raise ValueError(f"no view {view!r}; there are {', '.join(VIEWS)}")
    x, y = VIEWS[view]
    need(points, ["role", "language", x, y, "language_share"], "points")
    if "benchmark" in points and len(points["benchmark"].unique()) > 1:
        raise ValueError(f"these points are of several benchmarks ({', '.join(map(str, points['benchmark'].unique()))}); "
                         "draw each alone: points[points['benchmark'] == …]")
    table = points if "arm" in points else points.assign(arm="")
    shares = table.groupby("arm", sort=False)["language_share"].agg(["min", "max"])
    if (shares["max"] - shares["min"] > 1e-9).any():
        raise ValueError("language_share differs within a run; it is one number a run: are several runs here? "
                         "Give them a column arm")
    codes = ordered(table["language"].unique(), trained or list(table["language"].unique()))
    colours, labels = language_colours(codes), language_labels(codes, trained)
    spans = table.groupby("arm", sort=False)[[x, y]].agg(["min", "max"])
    middle = {arm: [(spans.loc[arm, (c, "min")] + spans.loc[arm, (c, "max")]) / 2 for c in (x, y)] for arm in spans.index}
    half = 0.53 * max(float((spans[c]["max"] - spans[c]["min"]).max()) for c in (x, y)) or 1.0
    down, across = layout(len(shares), 4)
    figure = Figure(figsize=(1.6 + 3.1 * across, 3.4 * down), layout="constrained")
    for arm, axes in panels(figure, list(shares.index), 4).items():
        here = table[table["arm"] == arm].sample(frac=1, random_state=0)  # or the last language would cover the others
        for role, marker in MARKERS.items():
            mine = here[here["role"] == role]
            axes.scatter(mine[x], mine[y], s=9, color=[colours[c] for c in mine["language"]], marker=marker,
                         lw=0.6 * (marker == "x"), alpha=0.45)
        axes.set(xlim=(middle[arm][0] - half, middle[arm][0] + half), ylim=(middle[arm][1] - half, middle[arm][1] + half),
                 xticks=[], yticks=[], aspect="equal", xlabel=f"component 1 of the {view}", ylabel="component 2")
        _names(axes, here.groupby("language")[[x, y]].mean().reindex(codes).dropna(), colours, trained)
        share = f"{shares['max'][arm]:.0%} of the variance between languages"
        axes.set_title(f"{arm}\n{share}" if arm else share, loc="left", fontsize=9)
    handles = [Line2D([], [], ls="", marker="s", ms=7, color=colours[c], label=labels[c]) for c in codes]
    handles += [Line2D([], [], ls="", marker=marker, color="#666666", ms=4, label=role) for role, marker in MARKERS.items()]
    named_legend(figure, handles=handles)
    return figure


def _names(axes: Axes, centres: pd.DataFrame, colours: Colours, trained: Sequence[str]) -> None:
    """The languages' codes at their centres, or beside them with a line, where they would lie over each other."""
    low = np.array([axes.get_xlim()[0], axes.get_ylim()[0]])
    size = np.array([axes.get_xlim()[1], axes.get_ylim()[1]]) - low
    at = (centres.to_numpy() - low) / size
    for code, centre, label in zip(centres.index, at, apart(at, np.array([0.085, 0.062])), strict=True):
        text = f"{code}*" if trained and code not in trained else str(code)
        axes.annotate(text, centre, label, "axes fraction", "axes fraction", ha="center", va="center", fontsize=9,
                      fontweight="bold", color=[0.6 * c for c in colours[str(code)]], zorder=5,
                      path_effects=[withStroke(linewidth=2.5, foreground="white")],
                      arrowprops={"arrowstyle": "-", "color": "#333333", "lw": 0.7, "shrinkA": 3, "shrinkB": 0}
                      if np.abs(label - centre).max() > 0.04 else None)


def apart(at: Floats, size: Floats, turns: int = 500) -> Floats:
    """The points, moved until boxes of this size about them lie beside each other."""
    angle = 2 * np.pi * np.arange(len(at)) / len(at)
    at = at + 1e-3 * np.stack([np.cos(angle), np.sin(angle)], 1)  # those in one place need a way to go
    for _ in range(turns):
        gap = at[:, None] - at[None]
        over = size - np.abs(gap)
        over[np.arange(len(at)), np.arange(len(at))] = 0
        hit = np.all(over > 1e-9, axis=-1)
        if not hit.any():
            break
        shorter = np.eye(2)[(over / size).argmin(-1)] * hit[..., None]
        at = at + 0.3 * (shorter * np.sign(gap) * over).sum(1)
    return np.clip(at, size / 2, 1 - size / 2)
