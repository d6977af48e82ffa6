"""Effects with their intervals: filled where they are significant, and what that means."""

import numpy as np
import pandas as pd
import pytest
from picture_tables import caption, row_names, some_effects

from hbtlib import plots


def test_effects_are_filled_where_they_are_significant() -> None:
    for table, filled in (
        (some_effects(), [True, False, False]),
        (some_effects().drop(columns="p_holm"), [True, True, False]),
        (some_effects().assign(p_holm=np.nan), [True, True, False]),
    ):
        figure = plots.effects(table)
        assert row_names(figure.axes[0]) == ["a − b", "a − c"]
        marks = [line for axes in figure.axes for line in axes.lines if line.get_marker() == "o"]
        assert [float(mark.get_xdata()[0]) for mark in marks] == [0.1, -0.2, 0.05]
        assert [int(mark.get_ydata()[0]) for mark in marks] == [0, 1, 0]
        assert [mark.get_markerfacecolor() != "white" for mark in marks] == filled
        spans = [
            tuple(line.get_xdata())
            for axes in figure.axes
            for line in axes.lines[1:]
            if line.get_marker() != "o"
        ]
        assert spans == list(zip(table["low"], table["high"], strict=True))


def test_the_metric_is_named_on_every_axis() -> None:
    table = some_effects()
    for figure, label in (
        (plots.effects(table.assign(metric="R@1")), "difference in R@1"),
        (plots.effects(table, metric="mAP"), "difference in mAP"),
        (plots.effects(table), "difference"),
    ):
        assert [axes.get_xlabel() for axes in figure.axes] == [label, label]


def test_one_of_several_metrics_is_chosen() -> None:
    table = some_effects()
    both = pd.concat(
        [table.assign(metric="mAP"), table.assign(metric="R@1", difference=table["difference"] / 2)]
    )
    with pytest.raises(ValueError, match=r"several metrics \(mAP, R@1\); choose one"):
        plots.effects(both)
    figure = plots.effects(both, metric="R@1")
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [float(dot.get_xdata()[0]) for dot in dots] == [0.05, -0.1]
    with pytest.raises(ValueError, match="no values of 'R@5' here; there are R@1, mAP"):
        plots.effects(both, metric="R@5")


def test_the_caption_says_whether_another_training_is_spoken_of() -> None:
    table = some_effects()
    several = caption(plots.effects(table.assign(n_seeds=3)))
    assert "over seeds and questions: they speak of another training too" in several
    one = caption(plots.effects(table.assign(n_seeds=1)))
    assert "of one seed: for these trained models. They say nothing of another training." in one
    mixed = caption(plots.effects(table.assign(n_seeds=[1, 3, 3])))
    assert mixed == one
    unknown = caption(plots.effects(table))
    assert "Lines: 95 % intervals." in unknown
    assert "p is corrected by Holm's method" in unknown
    assert caption(plots.effects(table.drop(columns="p_holm"))) == "Lines: 95 % intervals."


def test_a_table_that_lacks_a_column_is_refused() -> None:
    with pytest.raises(ValueError, match="lack the column 'low'"):
        plots.effects(some_effects().drop(columns="low"))
