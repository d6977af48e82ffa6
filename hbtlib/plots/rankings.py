"""What a ranking of all languages together looks like: which languages come first."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from hbtlib.checks import check_number
from hbtlib.checks import short as shortened
from hbtlib.data.benchmark import ALL
from hbtlib.evaluation.checks import check_depth, check_ranks, number_column
from hbtlib.plots.labels import along
from hbtlib.plots.saving import Figure
from hbtlib.plots.style import TINY, canvas, caption, language_colours, panels
from hbtlib.plots.tables import (
    check_table,
    check_trained,
    checked,
    ordered,
    star,
    starred,
    with_names,
)

_WIDTH, _HEIGHT = 5.0, 3.2  # about the size of `rank_ecdf`'s panel, in inches


def rank_ecdf(ranks: pd.DataFrame, *, trained: Sequence[str] = ()) -> Figure:
    """Draws how soon the relevant passages of each language come in the pool of all languages.

    A line a passage language is the share of its relevant passages found up to each rank (the
    empirical distribution of their ranks); it is dotted where the language was never trained on.
    Lines that lie together mean that no language is favoured.

    Args:
        ranks: `hbtlib.rank`'s table of one run; only the pool `all` is drawn.
        trained: the languages that were trained on; those that were not bear a star.

    Returns:
        The picture.

    Raises:
        ValueError: the table is none of `hbtlib.rank` (as `hbtlib.measure` says it), or has no
            pool of all languages; or some ranks are missing, as those of a search index are.
    """
    check_table(ranks, "ranks", ["passage_language", "n_passages"])
    check_ranks(ranks)
    trained = check_trained(trained)
    joint = ranks[ranks["pool"] == ALL]
    if joint.empty:
        raise ValueError(
            "these ranks have no pool of all languages: rank a benchmark with passages in two "
            "languages or more"
        )
    check_depth(joint, np.inf, "this picture")
    number_column(joint, "rank")
    codes = ordered(joint["passage_language"].unique(), trained)
    colours = language_colours(codes)
    size = joint["n_passages"].max()
    grid = np.unique(np.logspace(0, np.log10(size), 160).astype(int))
    figure, [[axes]] = canvas(_WIDTH + 0.6, _HEIGHT + 0.5)
    shares = {}
    for code in codes:
        found = joint.loc[joint["passage_language"] == code, "rank"].sort_values()
        shares[code] = np.searchsorted(found, grid, side="right") / len(found)
        style = "-" if star(code, trained) == code else ":"
        axes.plot(grid, shares[code], color=colours[code], lw=1.5, label=code, ls=style)
    axes.set(
        xscale="log",
        xlim=(0.8, 1.25 * size),
        ylim=(0, 1),
        xlabel="rank in the pool of all languages (log scale)",
        ylabel="share of relevant passages found",
    )
    axes.xaxis.set_major_formatter("{x:,.0f}")
    _label_curves(axes, grid, shares, trained)
    notes = ["Lines are named by their passage language."]
    caption(figure, notes + ["*, dotted: never trained on."] * starred(codes, trained))
    return figure


def _label_curves(
    axes: Axes, grid: np.ndarray, shares: Mapping[str, np.ndarray], trained: Sequence[str]
) -> None:
    """Writes each language's code on its line, where other lines and labels leave room."""
    across = np.log(grid) / np.log(grid[-1])  # 0 to 1
    inner = (across > 0.06) & (across < 0.94)
    curves = {
        code: np.stack([across[inner] * _WIDTH, share[inner] * _HEIGHT], 1)
        for code, share in shares.items()
    }
    colours = language_colours(list(curves))
    for code, (x, y) in along(curves, (0.3, 0.16)).items():
        axes.text(
            grid[-1] ** (x / _WIDTH),
            y / _HEIGHT,
            star(code, trained),
            ha="center",
            va="center",
            fontweight="bold",
            color=colours[code],
            zorder=5,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )


def top_shares(
    shares: pd.DataFrame, *, pool: Mapping[str, float] | None = None, trained: Sequence[str] = ()
) -> Figure:
    """Draws which languages fill the top of the ranking: a stacked bar a query language.

    Every arm has a panel. The query's own language stands at the bottom, outlined. A triangle
    beside each bar is at that language's share of the pool: an outlined part above it means that
    the ranking prefers the query's own language.

    Args:
        shares: query_language, passage_language, share, and for several runs arm, as
            `hbtlib.top_shares` gives them; each bar's shares sum to 1.
        pool: each passage language's share of all passages, drawn as the last bar.
        trained: the languages that were trained on; those that were not bear a star.

    Returns:
        The picture.

    Raises:
        ValueError: the table lacks a column, or the shares of a bar do not sum to 1.
    """
    check_table(shares, "shares", ["share"])
    trained = check_trained(trained)
    if pool is not None and not isinstance(pool, Mapping):
        raise ValueError(f"pool is {shortened(pool)}; it gives each language its share")
    for code, of_pool in (pool or {}).items():
        check_number(f"the pool's share of {code!r}", of_pool, minimum=0, maximum=1)
    table = shares.assign(arm=shares.get("arm", ""))
    table = checked(table, "shares", ["share"], ["arm", "query_language", "passage_language"])
    pool = dict(pool or {})
    rows = ordered(table["query_language"].unique(), trained)
    codes = ordered({*table["passage_language"].astype(str), *pool}, trained)
    arms = list(table["arm"].unique())
    bars = len(rows) + bool(pool)
    figure, parts = panels(arms, 3, (0.7 + 0.3 * bars, 2.7), (1.6, 0.2))
    for arm, axes in parts.items():
        wide = _bars(table[table["arm"] == arm], rows, codes, pool, arm)
        for x, (own, bar) in enumerate(wide.iterrows()):
            _draw_bar(axes, x, str(own), bar)
            if own in pool:  # beside the codes, not over them
                axes.plot(x - 0.5, pool[str(own)], ">", color="black", ms=4, zorder=4)
        names = [code if code == "pool" else star(str(code), trained) for code in wide.index]
        axes.set_xticks(range(bars), names, fontsize=TINY)
        axes.tick_params(axis="x", length=0)
        axes.set(title=arm, xlim=(-0.65, bars - 0.4), ylim=(0, 1))
        axes.set(xlabel="query language", ylabel="share of the top 10")
    _language_legend(figure, codes, trained, bool(pool))
    caption(figure, ["* never trained on."] * starred([*rows, *codes], trained))
    return figure


def _bars(
    table: pd.DataFrame,
    rows: Sequence[str],
    codes: Sequence[str],
    pool: Mapping[str, float],
    arm: str,
) -> pd.DataFrame:
    """One arm's bars (rows, the last is the pool) and their parts (columns), each 0 to 1."""
    wide = table.pivot(index="query_language", columns="passage_language", values="share")
    wide = wide.reindex(index=list(rows), columns=list(codes))
    if pool:
        wide.loc["pool"] = pd.Series(pool)
    wide = wide.fillna(0.0)
    for own, bar in wide.iterrows():
        if abs(bar.sum() - 1) > 1e-6 or bar.min() < 0:
            of_arm = f" ({arm})" if arm else ""
            raise ValueError(
                f"the shares of {own}{of_arm} sum to {bar.sum():.3f}; they are of one whole, each "
                "0 or more: they sum to 1"
            )
    return wide


def _draw_bar(axes: Axes, x: int, own: str, bar: pd.Series) -> None:
    """Stacks one bar's parts, its own language first, so that these can be compared."""
    codes = sorted(map(str, bar.index), key=lambda code: code != own)
    colours = language_colours(codes)
    foot = 0.0
    for code in codes:
        share = float(bar[code])
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
        if share > 0.05:
            axes.text(
                x,
                foot + share / 2,
                code,
                ha="center",
                va="center_baseline",
                fontsize=TINY - 0.5,
                color="white",
                zorder=5,
            )
        foot += share


def _language_legend(
    figure: Figure, codes: Sequence[str], trained: Sequence[str], with_pool: bool
) -> None:
    """Names the colours at the right: many parts are too thin for a label."""
    colours, names = language_colours(codes), with_names(codes, trained)
    marks: list[Artist] = [
        Patch(facecolor=colours[code], label=names[code]) for code in reversed(codes)
    ]
    marks.append(Patch(facecolor="white", edgecolor="black", lw=1.4, label="own language"))
    if with_pool:
        marks.append(
            Line2D([], [], ls="", marker=">", color="black", ms=4, label="its share of the pool")
        )
    figure.legend(handles=marks, title="passage language", loc="outside right upper")
