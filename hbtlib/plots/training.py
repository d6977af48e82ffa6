"""The course of one training run."""

import pandas as pd
from matplotlib.axes import Axes

from hbtlib.evaluation.checks import number_column
from hbtlib.plots.labels import EndLabel, end_labels
from hbtlib.plots.saving import Figure
from hbtlib.plots.style import SMALL, canvas
from hbtlib.plots.tables import checked

_LOSS, _VALIDATION = "#888888", "#4477AA"


def loss_curves(log: pd.DataFrame, *, title: str = "") -> Figure:
    """Draws a training log's loss and, where there is one, its validation loss or score.

    A validation score, which is better when higher, has an axis of its own at the right. A dotted
    line is at the step whose weights were kept: the best validation.

    Args:
        log: step, loss, and perhaps validation_loss or validation_score (NaN at steps without).
        title: of the picture.

    Returns:
        The picture.

    Raises:
        ValueError: the log lacks a column or rows, or holds something else than numbers.
    """
    checked(log, "log", ["step", "loss"], missing=["loss"])
    for name in ("validation_score", "validation_loss"):
        if name in log:
            number_column(log, name, "log", missing=True)
    figure, [[axes]] = canvas(6.0, 3.0)
    axes.plot(log["step"], log["loss"], color=_LOSS, lw=1, label="training loss")
    axes.set_title(title, pad=16)  # above the name of the step that was kept
    axes.set(xlabel="step", ylabel="training loss", ylim=(0, None))
    last = log.dropna(subset=["loss"]).iloc[-1]
    labels = [EndLabel(last["step"], last["loss"], "training loss", _LOSS)]
    scored = "validation_score" in log
    column = "validation_score" if scored else "validation_loss"
    checks = log.dropna(subset=[column]) if column in log else log.iloc[:0]
    if len(checks):
        name = column.replace("_", " ")
        side = axes.twinx() if scored else axes
        steps, values = checks["step"], checks[column]
        side.plot(steps, values, "o-", color=_VALIDATION, ms=3, label=name)
        if scored:
            side.spines.right.set_visible(True)
            side.set_ylabel(name, color=_VALIDATION)
            side.tick_params(axis="y", colors=_VALIDATION)
        else:
            axes.set_ylabel("loss")
            labels.append(EndLabel(steps.iloc[-1], values.iloc[-1], name, _VALIDATION))
        best = (values if scored else -values).argmax()
        _mark_kept(axes, int(steps.iloc[best]))
    if len(labels) > 1:  # otherwise the axes say what the lines are
        end_labels(axes, labels, 2.3)
    return figure


def _mark_kept(axes: Axes, step: int) -> None:
    """Draws a line at the step whose weights were kept, and names it above the panel."""
    axes.axvline(step, color=_VALIDATION, ls=":", lw=1)
    axes.text(
        step,
        1.01,
        f"kept: step {step:,}",
        transform=axes.get_xaxis_transform(),
        va="bottom",
        ha="center",
        fontsize=SMALL,
        color=_VALIDATION,
    )
