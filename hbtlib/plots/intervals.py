"""Effects and differences between arms, with their intervals."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from hbtlib.checks import short
from hbtlib.data.benchmark import SETTINGS
from hbtlib.evaluation.checks import number_column
from hbtlib.plots.rows import row_panels
from hbtlib.plots.saving import Figure
from hbtlib.plots.style import HIGHER, LOWER, NICE, caption
from hbtlib.plots.tables import check_table, check_words, checked


def effects(table: pd.DataFrame, metric: str | None = None) -> Figure:
    """Draws differences with their intervals: a row an effect, a panel a setting.

    A dot is filled where its difference is significant: its interval is without 0 and, where it is
    given, p_holm is below .05. Green lies above 0 and purple below it. The caption says what the
    intervals speak of: with several seeds of another training too, with one seed of these trained
    models alone.

    Args:
        table: what (the row's name), setting, difference, low, high, and perhaps p_holm, metric
            and n_seeds, as `hbtlib.compare` and `hbtlib.contrasts` give them.
        metric: whose differences to draw; None: the one that the table has. A table without a
            column metric is of the one that is named.

    Returns:
        The picture.

    Raises:
        ValueError: the table lacks a column or the metric, has several metrics and none is asked
            for, or has several rows of an effect and setting.
    """
    chosen, metric = _of_one_metric(table, metric)
    number_column(chosen, "low", "effects", missing=True)  # one unit alone has no interval
    number_column(chosen, "high", "effects", missing=True)
    if "p_holm" in chosen:
        number_column(chosen, "p_holm", "effects", missing=True)
    check_words(chosen, "effects", "setting", SETTINGS)
    above, below = chosen["low"] > 0, chosen["high"] < 0
    # Without p_holm, and where it is NaN, the interval alone decides.
    refuted = chosen["p_holm"] >= 0.05 if "p_holm" in chosen else False
    chosen = chosen.assign(significant=(above | below) & ~pd.Series(refuted, chosen.index))
    settings = [setting for setting in SETTINGS if setting in set(chosen["setting"])]
    names = list(map(str, chosen["what"].unique()))
    figure, parts, rows = row_panels(settings, names, 2.5, 0.27)
    for setting, axes in parts.items():
        axes.axvline(0, color="black", lw=0.8)
        for _, row in chosen[chosen["setting"] == setting].iterrows():
            _draw_interval(axes, row, float(rows[str(row["what"])]))
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=NICE))
        axes.set_xlabel(f"difference in {metric}" if metric else "difference")
    _legend(figure, with_p="p_holm" in chosen)
    caption(figure, _meaning(chosen))
    return figure


def _of_one_metric(table: pd.DataFrame, metric: str | None) -> tuple[pd.DataFrame, str | None]:
    """The rows of one metric, and its name where it is known."""
    check_table(table, "effects", ["low", "high"])
    _check_metric(metric)
    if metric is None and "metric" in table:
        known = list(map(str, table["metric"].unique()))
        if len(known) > 1:
            raise ValueError(
                f"these effects are of several metrics ({', '.join(known)}); choose one of them: "
                f"effects(table, metric={known[0]!r})"
            )
        metric = known[0]
    wanted = {"metric": metric} if metric is not None and "metric" in table else {}
    return checked(table, "effects", ["difference"], ["what", "setting"], **wanted), metric


def _check_metric(metric: object) -> None:
    """Raises ValueError for what cannot stand at an axis as the name of a metric."""
    is_name = isinstance(metric, str) and metric.isprintable() and metric.strip() != ""
    if metric is not None and not is_name:
        raise ValueError(f"metric is {short(metric)}; it must be the name of a metric, or None")


def _draw_interval(axes: Axes, row: pd.Series, y: float) -> None:
    """Draws one difference as a dot on its interval."""
    colour = HIGHER if row["difference"] > 0 else LOWER
    axes.plot([row["low"], row["high"]], [y, y], color=colour, lw=1.4)
    fill = colour if row["significant"] else "white"
    axes.plot(row["difference"], y, "o", color=colour, ms=5.5, mfc=fill)


def _legend(figure: Figure, with_p: bool) -> None:
    """Explains what filled and open dots are."""
    meanings = {
        "#444444": "interval excludes 0" + " and p < .05 (Holm)" * with_p,
        "white": "may be chance",
    }
    marks = [
        Line2D([], [], ls="", marker="o", color="#444444", mfc=fill, label=text)
        for fill, text in meanings.items()
    ]
    figure.legend(handles=marks, loc="outside upper left", ncols=2)


def _meaning(chosen: pd.DataFrame) -> list[str]:
    """What "may be chance" means here: that depends on what the intervals are over."""
    tested = (
        [
            "p is corrected by Holm's method over all rows that were tested together and speaks "
            "of these trained models."
        ]
        if "p_holm" in chosen
        else []
    )
    if "n_seeds" not in chosen:
        return ["Lines: 95 % intervals.", *tested]
    if np.min(chosen["n_seeds"]) > 1:
        over = (
            "Lines: 95 % intervals over seeds and questions: they speak of another training "
            "too, not only of these trained models."
        )
    else:
        over = (
            "Lines: 95 % intervals over questions, of one seed: for these trained models. They say "
            "nothing of another training."
        )
    return [over, *tested]
