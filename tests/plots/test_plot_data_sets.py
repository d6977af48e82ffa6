"""Pictures of several datasets: order, what stands in cells, and colours."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from hbtlib import plots
from hbtlib.plots.data_sets import _brief

COUNTS = pd.DataFrame(
    [("b", "en", 1_250), ("b", "de", 0), ("a", "ru", 7), ("a", "en", 2_400_000)],
    columns=["dataset", "language", "texts"],
)


def test_counts_stand_in_the_order_of_all_pictures() -> None:
    axes = plots.count_grid(COUNTS, "dataset", "language", "texts").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["de", "en", "ru"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a"]
    assert sorted(text.get_text() for text in axes.texts) == ["1.2k", "2.4M", "7"]
    with pytest.raises(ValueError, match="the counts have -1 in the column 'texts', below 0"):
        plots.count_grid(COUNTS.assign(texts=-1), "dataset", "language", "texts")


@pytest.mark.parametrize(
    ("count", "said"),
    [(7, "7"), (950, "950"), (3_000, "3k"), (3_640, "3.6k"), (13_499, "13k"), (2.4e6, "2.4M")],
)
def test_counts_are_brief(count: float, said: str) -> None:
    assert _brief(count) == said


def test_counts_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="the counts are 0 in every row of the column 'texts'"):
        plots.count_grid(COUNTS.assign(texts=0), "dataset", "language", "texts")


def test_lengths_are_dots_of_two_roles() -> None:
    table = pd.DataFrame(
        [
            ("a", measure, language, role, 10.0 * (1 + n))
            for n, measure in enumerate(("characters", "words"))
            for language in ("de", "zh")
            for role in ("query", "passage")
        ],
        columns=["dataset", "measure", "language", "role", "median"],
    )
    panels = plots.set_lengths(table).axes
    assert [panel.get_title(loc="left") or panel.get_title() for panel in panels] == [
        "characters",
        "words",
    ]
    assert {to_hex(line.get_color()) for line in panels[0].lines} == {"#4477aa", "#ddaa77"}
    with pytest.raises(ValueError, match=r"the lengths have the median -1\.0, below 0"):
        plots.set_lengths(table.assign(median=-1.0))


def test_rare_scripts_are_drawn_as_other() -> None:
    table = pd.DataFrame(
        [("ru", "Cyrillic", 0.998), ("ru", "Gothic", 0.002), ("de", "Latin", 1.0)],
        columns=["language", "script", "share"],
    )
    figure = plots.script_shares(table)
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["Latin", "Cyrillic", "other"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["de", "ru"]
    with pytest.raises(ValueError, match=r"the shares have 2\.0 in the column 'share'"):
        plots.script_shares(table.assign(share=2.0))
