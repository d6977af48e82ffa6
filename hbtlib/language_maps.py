"""Pictures of languages, for `hbtlib.plots`: where their texts are embedded, and who fills whose top 10."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from hbtlib.style import Figure, checked, language_colours, language_labels, named_legend, ordered, panels, star

VIEWS = {"texts": ("x", "y"), "centroids": ("centroid_x", "centroid_y")}
MARKERS = {"passage": "o", "query": "x"}


def top_shares(shares: pd.DataFrame, *, pool: Mapping[str, float] | None = None, trained: Sequence[str] = ()) -> Figure:
    """Which languages fill the top of the ranking: one stacked bar a query language, a panel an arm. shares: query_language,
    passage_language, share, and for several runs arm; each bar's shares sum to 1. The query's own language stands at the
    bottom, outlined. `pool`, each passage language's share of all passages, is the last bar; and a triangle stands beside
    each bar at its language's share of the pool: outlined above it means that language is preferred."""
    table, pool = shares.assign(arm=shares.get("arm", "")), dict(pool or {})
    table = checked(table, "shares", ["share"], ["arm", "query_language", "passage_language"])
    rows, codes = (ordered(table[column].unique(), trained) for column in ("query_language", "passage_language"))
    codes += [c for c in ordered(pool, trained) if c not in codes]
    bars = rows + ["pool"] * bool(pool)
    colours, labels = language_colours(codes), language_labels(codes, trained)
    figure, parts = panels(list(table["arm"].unique()), 2, (0.6 + 0.36 * len(bars), 2.9), (2.0, 0.3))
    for arm, axes in parts.items():
        wide = table[table["arm"] == arm].pivot(index="query_language", columns="passage_language", values="share")
        wide = wide.reindex(index=rows, columns=codes)
        if pool:
            wide.loc["pool"] = pd.Series(pool)
        for x, (own, bar) in enumerate(wide.fillna(0.0).iterrows()):
            if abs(bar.sum() - 1) > 1e-6 or bar.min() < 0:
                raise ValueError(f"the shares of {own}{f' ({arm})' if arm else ''} sum to {bar.sum():.3f}; "
                                 "they are of one whole, each 0 or more: they sum to 1")
            bar = bar[sorted(codes, key=lambda c: c != own)]  # its own first, so that these parts can be compared
            for code, share, foot in zip(bar.index, bar, bar.cumsum().shift(fill_value=0.0), strict=True):
                edge, width, order = ("black", 1.4, 3) if code == own else ("white", 0.4, 2)
                axes.bar(x, share, 0.84, foot, color=colours[code], label=code, edgecolor=edge, lw=width, zorder=order)
                if share >= 0.045 and code != own:
                    axes.text(x, foot + share / 2, code, ha="center", va="center", fontsize=6.5, color="white", zorder=5)
            if own in pool:
                axes.plot(x - 0.5, pool[own], ">", color="black", ms=4, zorder=4)  # beside the codes, not over them
        axes.set_xticks(range(len(bars)), [star(c, (*trained, "pool")) if trained else c for c in bars])
        axes.set(title=arm, xlim=(-0.6, len(bars) - 0.4), ylim=(0, 1), xlabel="query language", ylabel="share of the top 10")
        axes.tick_params(axis="x", length=0)
    handles: list[Artist] = [Patch(facecolor=colours[c], label=labels[c]) for c in reversed(codes)]
    handles.append(Patch(facecolor="white", edgecolor="black", lw=1.4, label="own language"))
    handles += [Line2D([], [], ls="", marker=">", color="black", ms=4, label="its share of the pool")] * bool(pool)
    named_legend(figure, handles, "passage language")
    return figure


def embedding_map(points: pd.DataFrame, view: str = "texts", *, trained: Sequence[str] = ()) -> Figure:
    """Where the texts lie, coloured by language, each language's code at its centre: a panel an arm, one scale for all.
    points: role (query or passage), language, x, y (the texts' first two principal components), centroid_x, centroid_y (the
    texts on the first two principal components of the languages' centroids), language_share (how much of the vectors'
    variance lies between languages, 0 to 1), and for several runs arm. `view` is `texts` or `centroids`."""
    if view not in VIEWS:
        raise ValueError(f"no view {view!r}; there are {', '.join(VIEWS)}")
    x, y = VIEWS[view]
    table = checked(points.assign(arm=points.get("arm", "")), "points", ["role", "language", x, y, "language_share"])
    if "benchmark" in points and len(points["benchmark"].unique()) > 1:
        raise ValueError(f"these points are of several benchmarks ({', '.join(map(str, points['benchmark'].unique()))}); "
                         "draw each alone: points[points['benchmark'] == …]")
    runs = table.groupby("arm", sort=False)[[x, y, "language_share"]]
    low, high = runs.min(), runs.max()
    if ((high - low)["language_share"] > 1e-9).any():
        raise ValueError("language_share differs within a run; it is one number a run: are several runs here? "
                         "Give them a column arm")
    codes = ordered(table["language"].unique(), trained)
    colours, labels = language_colours(codes), language_labels(codes, trained)
    half = 0.53 * float((high - low)[[x, y]].to_numpy().max()) or 1.0
    middles = ((low + high) / 2)[[x, y]].to_numpy()
    figure, parts = panels(list(low.index), 4, (3.1, 3.4), (1.6, 0))
    for (arm, axes), middle in zip(parts.items(), middles, strict=True):
        here = table[table["arm"] == arm].sample(frac=1, random_state=0)  # or the last language would cover the others
        for role, marker in MARKERS.items():
            mine = here[here["role"] == role]
            axes.scatter(mine[x], mine[y], s=9, color=[colours[c] for c in mine["language"]], marker=marker,
                         lw=0.6 * (marker == "x"), alpha=0.45)
        axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half), xticks=[], yticks=[],
                 aspect="equal", xlabel=f"component 1 of the {view}", ylabel="component 2")
        low_left, high_right = np.transpose([axes.get_xlim(), axes.get_ylim()])
        centres = here.groupby("language")[[x, y]].mean().reindex(codes).dropna()
        at = (centres.to_numpy() - low_left) / (high_right - low_left)
        for code, centre, label in zip(centres.index, at, apart(at, np.array([0.085, 0.062])), strict=True):
            axes.annotate(star(code, trained), centre, label, "axes fraction", "axes fraction", ha="center", va="center",
                          fontsize=9, fontweight="bold", color=[0.6 * c for c in colours[code]], zorder=5,
                          path_effects=[withStroke(linewidth=2.5, foreground="white")],
                          arrowprops={"arrowstyle": "-", "color": "#333333", "lw": 0.7, "shrinkA": 3, "shrinkB": 0}
                          if np.abs(label - centre).max() > 0.04 else None)  # a line where it lies beside its centre
        share = f"{high['language_share'][arm]:.0%} of the variance between languages"
        axes.set_title(f"{arm}\n{share}" if arm else share, fontsize=9)
    handles = [Line2D([], [], ls="", marker="s", ms=7, color=colours[c], label=labels[c]) for c in codes]
    handles += [Line2D([], [], ls="", marker=marker, color="#666666", ms=4, label=role) for role, marker in MARKERS.items()]
    named_legend(figure, handles)
    return figure


def apart(at: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.float64]:
    """The points, moved until boxes of this size about them lie beside each other."""
    angle = 2 * np.pi * np.arange(len(at)) / len(at)
    at = at + 1e-3 * np.stack([np.cos(angle), np.sin(angle)], 1)  # those in one place need a way to go
    for _ in range(500):
        gap = at[:, None] - at[None]
        over = size - np.abs(gap)
        hit = (over > 1e-9).all(-1) & ~np.eye(len(at), dtype=bool)
        if not hit.any():
            break
        shorter = np.eye(2)[(over / size).argmin(-1)] * hit[..., None]
        at = at + 0.3 * (shorter * np.sign(gap) * over).sum(1)
    return np.clip(at, size / 2, 1 - size / 2)
