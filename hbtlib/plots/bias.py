"""Language bias by query language: how far each arm is from chance."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from hbtlib.checks import check_number
from hbtlib.plots.rows import arm_dots, arm_legend, row_height, row_panels
from hbtlib.plots.saving import Figure
from hbtlib.plots.style import NICE, SMALL, arm_colours, caption, short
from hbtlib.plots.tables import check_trained, checked, ordered, star, starred

_IN_RANKS = ("rank-distance", "rank-distance-median", "max-rank")


def bias_by_language(
    biases: pd.DataFrame,
    measure: str = "rank-distance",
    *,
    trained: Sequence[str] = (),
    chance: float | None = None,
) -> Figure:
    """Draws a measure of `hbtlib.bias`: a row a query language, a dot an arm, beside chance.

    Large dots are means over seeds, small ones the seeds.

    Args:
        biases: measure, query_language, value, and for several runs arm and seed.
        measure: which one to draw.
        trained: the languages that were trained on; those that were not bear a star, and a line
            divides the two.
        chance: the value of a random ranking, drawn as a line.

    Returns:
        The picture.

    Raises:
        ValueError: the table lacks a column, a value or the measure, or has several values of an
            arm, seed and query language.
    """
    chosen = checked(
        biases, "values", ["value"], names=["query_language"], missing=["value"], measure=measure
    )
    if chance is not None:
        check_number("chance", chance)
    if "seed" in chosen:  # otherwise several values of an arm are those of its seeds
        keys = [name for name in ("arm", "seed", "query_language") if name in chosen]
        checked(chosen, "values", [], keys)
    trained = check_trained(trained)
    several = "arm" in chosen
    chosen = chosen.assign(arm=chosen["arm"] if several else "run")
    arms = list(chosen["arm"].unique())
    colours = arm_colours(arms) if several else {"run": "#4477AA"}
    codes = ordered(chosen["query_language"].unique(), trained)
    figure, parts, rows = row_panels([""], codes, 4.6, row_height(len(arms)), margin=0.8)
    [axes] = parts.values()
    arm_dots(axes, chosen, "query_language", rows, colours)
    axes.set_yticks(range(len(codes)), [star(code, trained) for code in codes])
    seen = sum(code in trained for code in codes)
    if 0 < seen < len(codes):
        axes.axhline(seen - 0.5, color="black", lw=1)
    if chance is not None:
        _mark_chance(axes, chance)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=NICE))
    axes.xaxis.set_major_formatter(_tick)
    axes.set(xlabel=f"{measure} (ranks)" if measure in _IN_RANKS else measure)
    axes.set_ylabel("query language")
    if several:
        arm_legend(figure, axes)
    _explain(figure, chosen, codes, trained)
    return figure


def _mark_chance(axes: Axes, chance: float) -> None:
    """Draws a line at the value of a random ranking, and says above the panel what it is."""
    axes.axvline(chance, color="black", ls="--", lw=1, zorder=1)
    axes.annotate(
        f"chance: {_tick(chance)}",
        (chance, 1),
        (0, 3),
        xycoords=axes.get_xaxis_transform(),
        textcoords="offset points",
        ha="center",
        fontsize=SMALL,
    )


def _tick(value: float, _: object = None) -> str:
    return short(value) if abs(value) >= 10 else f"{value:.3g}".replace("-", "−")


def _explain(
    figure: Figure, chosen: pd.DataFrame, codes: Sequence[str], trained: Sequence[str]
) -> None:
    """Writes under the picture what its star and its small dots are."""
    notes = []
    if starred(codes, trained):
        notes.append("* never trained on.")
    if chosen.duplicated(["arm", "query_language"]).any():
        notes.append("Large: means over seeds; small dots: the seeds.")
    caption(figure, notes)
