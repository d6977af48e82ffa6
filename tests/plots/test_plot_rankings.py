"""Rankings of all languages together: shares found, and shares of the top."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from picture_tables import caption, column_names, some_ranks, some_shares

from hbtlib import plots


def test_lines_are_the_shares_found_and_are_named_where_they_run() -> None:
    ranks = some_ranks()
    codes = sorted(ranks["passage_language"].unique())
    figure = plots.rank_ecdf(ranks, trained=codes[:2])
    [axes] = figure.axes
    joint = ranks[ranks["pool"] == "all"]
    for line in axes.lines:
        found = joint.loc[joint["passage_language"] == line.get_label(), "rank"].to_numpy()
        for x, y in zip(*line.get_data(), strict=True):
            assert y == pytest.approx((found <= x).mean())
        assert line.get_linestyle() == ("-" if line.get_label() in codes[:2] else ":")
    assert not figure.legends
    assert sorted(text.get_text().rstrip("*") for text in axes.texts) == codes
    for text in axes.texts:
        code = text.get_text().rstrip("*")
        assert text.get_text() == (code if code in codes[:2] else f"{code}*")
        assert to_rgb(text.get_color()) == plots.language_colours([code])[code]
        line = next(line for line in axes.lines if line.get_label() == code)
        steps, shares = line.get_data()
        x, y = text.get_position()
        at = int(np.argmin(np.abs(np.log(steps) - np.log(x))))
        assert (x, y) == pytest.approx((steps[at], shares[at]), abs=1e-6)
    assert "*, dotted: never trained on." in caption(figure)


def test_bars_are_the_shares_and_sum_to_1_the_own_language_first() -> None:
    shares = some_shares()
    figure = plots.top_shares(
        shares, pool={"de": 0.5, "el": 0.25, "zh": 0.25}, trained=["de", "zh"]
    )
    colours = plots.language_colours(["de", "el", "zh"])
    for axes, (arm, table) in zip(figure.axes, shares.groupby("arm"), strict=True):
        assert axes.get_title(loc="left") == arm
        ticks = column_names(axes)
        assert ticks == ["de", "zh", "el*", "pool"]
        for x, code in enumerate(tick.rstrip("*") for tick in ticks[:-1]):
            bars = {
                container.get_label(): container.patches[0]
                for container in axes.containers
                if round(container.patches[0].get_center()[0]) == x
            }
            mine = table[table["query_language"] == code].set_index("passage_language")["share"]
            assert {c: bar.get_height() for c, bar in bars.items()} == pytest.approx(mine.to_dict())
            assert {c: bar.get_facecolor()[:3] for c, bar in bars.items()} == colours
            assert max(bar.get_y() + bar.get_height() for bar in bars.values()) == pytest.approx(1)
            assert bars[code].get_y() == 0
            assert [c for c, bar in bars.items() if bar.get_edgecolor()[:3] == (0, 0, 0)] == [code]
        marks = {
            round(float(line.get_xdata()[0]) + 0.5): float(line.get_ydata()[0])
            for line in axes.lines
        }
        assert marks == {0: 0.5, 1: 0.25, 2: 0.25}
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "el* Greek",
        "zh Chinese",
        "de German",
        "own language",
        "its share of the pool",
    ]


def test_shares_that_do_not_sum_to_1_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the shares of de \(hybrid\) sum to 0.600"):
        plots.top_shares(some_shares().assign(share=0.2))
