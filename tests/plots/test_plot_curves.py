"""Curves over many runs: lines only where something was run, diamonds at the ends of α."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from picture_tables import (
    SETTINGS,
    column_names,
    numbers,
    some_alphas,
    some_progress,
    some_sizes,
)

from hbtlib import plots


def named(axes: Axes, name: str) -> tuple[Line2D, Line2D]:
    """The line of this name, and its seeds."""
    lines = list(axes.lines)
    at = next(i for i, line in enumerate(lines) if line.get_label() == name)
    return lines[at], lines[at + 1]


def segments(line: Line2D) -> list[tuple[float, float]]:
    """The pairs of x that the line joins."""
    x, y = (np.asarray(data, float) for data in line.get_data())
    both = ~np.isnan(y[:-1]) & ~np.isnan(y[1:])
    return list(zip(x[:-1][both], x[1:][both], strict=True))


def test_lines_are_means_over_seeds_and_points_the_seeds() -> None:
    alphas = some_alphas()
    mixed = alphas[alphas["alpha"].between(0, 1, inclusive="neither")]
    figure = plots.alpha_curves(alphas)
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(SETTINGS[1:])
    check_lines(figure.axes, list(SETTINGS[1:]), alphas, mixed, "alpha", "level")
    sizes = some_sizes()
    figure = plots.size_curves(sizes)
    titles = [f"{s}, {group} languages" for group in ("trained", "unseen") for s in SETTINGS]
    assert [axes.get_title(loc="left") for axes in figure.axes] == titles
    for group, row in (("trained", figure.axes[:3]), ("unseen", figure.axes[3:])):
        table = sizes[sizes["languages"] == group]
        check_lines(row, list(SETTINGS), table, table, "ids", "arm")
    assert figure.axes[0].get_ylabel() == "mAP"
    assert figure.axes[-1].get_xlabel() == "training ids (log scale)"


def check_lines(
    axes: list[Axes],
    settings: list[str],
    table: pd.DataFrame,
    lined: pd.DataFrame,
    x: str,
    by: str,
) -> None:
    for panel, setting in zip(axes, settings, strict=True):
        everything = table[table["setting"] == setting]
        here = lined[lined["setting"] == setting]
        for name in lined[by].unique():
            mine = here[here[by] == name]
            mean, seeds = named(panel, name)
            assert mean.get_ydata() == pytest.approx(mine.groupby(x)["value"].mean().to_numpy())
            assert sorted(zip(*seeds.get_data(), strict=True)) == sorted(
                zip(mine[x], mine["value"], strict=True)
            )
            legends = panel.figure.legends  # `progress_curves` has one, for its many arms
            names = [*panel.texts, *(text for each in legends for text in each.get_texts())]
            assert name in [text.get_text() for text in names]
        assert panel.get_ylim()[0] < everything["value"].min()
        assert panel.get_ylim()[1] > everything["value"].max()


def test_no_line_leads_to_a_strategy_that_is_not_hybrid() -> None:
    alphas = some_alphas()
    for axes, setting in zip(plots.alpha_curves(alphas).axes, SETTINGS[1:], strict=True):
        for level in ("batch", "pair"):
            assert segments(named(axes, level)[0]) == [(0.25, 0.5), (0.5, 0.75)]
        here = alphas[alphas["setting"] == setting]
        diamonds = [line for line in axes.lines if line.get_marker() == "D"]
        ends = {"x-y": (0.0, "batch"), "x-x-mono": (1.0, "batch"), "x-x": (1.0, "pair")}
        for diamond, (strategy, (alpha, level)) in zip(diamonds, ends.items(), strict=True):
            mine = here[(here["alpha"] == alpha) & (here["level"] == level)]
            assert diamond.get_color() == plots.COLOURS[strategy]
            assert list(diamond.get_xdata()) == [alpha]
            assert diamond.get_ydata() == pytest.approx([mine["value"].mean()])
        assert {text.get_text() for text in axes.texts} == {"batch", "pair", *ends}
    assert column_names(plots.alpha_curves(alphas).axes[0]) == ["0", ".25", ".5", ".75", "1"]


def test_a_line_is_broken_where_a_level_was_not_run() -> None:
    alphas = some_alphas()
    lacks = (alphas["level"] == "pair") & (alphas["alpha"] == 0.5)
    axes = plots.alpha_curves(alphas[~lacks]).axes[0]
    assert segments(named(axes, "batch")[0]) == [(0.25, 0.5), (0.5, 0.75)]
    assert segments(named(axes, "pair")[0]) == []
    means = [line for line in axes.lines if line.get_marker() == "o" and line.get_ms() > 6]
    assert [list(line.get_xdata()) for line in means] == [[0.25, 0.75]]  # seen without a line
    only_ends = alphas[alphas["alpha"].isin([0, 1])]
    assert set(numbers(plots.alpha_curves(only_ends))) == {"x-y", "x-x-mono", "x-x"}


def test_the_band_is_the_t_interval_over_seeds() -> None:
    alphas = some_alphas()
    one = alphas[(alphas["level"] == "batch") & (alphas["setting"] == "multilingual")]
    paths = plots.alpha_curves(one).axes[0].collections[0].get_paths()
    corners = np.concatenate([path.vertices for path in paths])
    values = one[one["alpha"] == 0.5]["value"]
    half = 4.302653 * values.std() / np.sqrt(3)  # t of .975 with 2 degrees of freedom
    at = corners[corners[:, 0] == 0.5][:, 1]
    assert (at.min(), at.max()) == pytest.approx((values.mean() - half, values.mean() + half))
    # With one seed there is no band, and no NaN.
    assert plots.alpha_curves(one[one["seed"] == 0]).axes[0].get_ylim()[1] < 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="level"), "lack the column 'level'; they have alpha"),
        (lambda t: t.assign(level="token"), "no level 'token'; there are batch, pair"),
        (lambda t: pd.concat([t, t]), "several values of alpha 0.0, level batch"),
        (lambda t: t.iloc[:0], "have no rows"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(change: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plots.alpha_curves(change(some_alphas()))  # type: ignore[operator]


def test_a_log_axis_needs_numbers_above_0() -> None:
    with pytest.raises(ValueError, match="ids is 0; a log axis"):
        plots.size_curves(some_sizes().replace({"ids": {500: 0}}))


def test_progress_is_drawn_over_the_tokens_of_each_arm() -> None:
    table = some_progress()
    longer = (table["arm"] != "hybrid") & (table["tokens"] > 500_000)  # an arm with its own steps
    table.loc[longer, "tokens"] = 900_000
    figure = plots.progress_curves(table, change=500_000)
    in_millions = table.assign(tokens=table["tokens"] / 1e6)
    check_lines(figure.axes, list(SETTINGS), in_millions, in_millions, "tokens", "arm")
    for axes in figure.axes:
        assert axes.get_xlabel() == "tokens read (millions)"
        mean, _ = named(axes, "masked-lm then x-x-mono")
        assert mean.get_xdata() == pytest.approx([0, 0.5, 0.9])
        assert [0.5, 0.5] in [list(line.get_xdata()) for line in axes.lines]
    assert len(plots.progress_curves(table).axes[0].lines) == len(figure.axes[0].lines) - 1
    with pytest.raises(ValueError, match="tokens is -1; tokens are counted from 0"):
        plots.progress_curves(table.replace({"tokens": {0: -1}}))


def test_a_group_may_lack_a_setting() -> None:
    sizes = some_sizes()
    lacks = (sizes["languages"] == "unseen") & (sizes["setting"] == "monolingual")
    figure = plots.size_curves(sizes[~lacks])
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == len(figure.axes) - 1
    assert "monolingual, unseen languages" not in [axes.get_title(loc="left") for axes in shown]
    # The panel above the empty place says what its axis is.
    assert shown[0].get_title(loc="left") == "monolingual, trained languages"
    assert shown[0].get_xlabel() == "training ids (log scale)"
