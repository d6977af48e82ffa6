"""Language bias and groups of languages: dots in rows, at the means and at the seeds."""

import pandas as pd
import pytest
from picture_tables import SETTINGS, caption, numbers, row_names, some_biases, some_groups

from hbtlib import plots

SEVEN = ("none", "x-x-mono", "x-x", "x-y-mono", "x-y", "hybrid", "mine")


@pytest.mark.parametrize("arms", [SEVEN[3:6], SEVEN])
def test_an_arm_is_a_dot_at_its_mean_and_its_seeds_are_small_ones(arms: tuple[str, ...]) -> None:
    biases = some_biases(arms)
    figure = plots.bias_by_language(biases, trained=["de", "zh"], chance=100.0)
    [axes] = figure.axes
    assert row_names(axes) == ["de", "zh", "el*"]
    means = [line for line in axes.lines if line.get_label() in arms]
    seeds = [line for line in axes.lines if line.get_marker() == "."]
    assert [line.get_label() for line in means] == list(arms)
    places = []
    for arm, mean, seed in zip(arms, means, seeds, strict=True):
        mine = biases[biases["arm"] == arm]
        over = mine.groupby("query_language")["value"].mean()
        drawn = {round(y): x for x, y in zip(*mean.get_data(), strict=True)}
        assert drawn == pytest.approx({0: over["de"], 1: over["zh"], 2: over["el"]})
        assert list(seed.get_xdata()) == list(mine["value"])
        rows = {"de": 0, "zh": 1, "el": 2}
        assert [round(y) for y in seed.get_ydata()] == [rows[c] for c in mine["query_language"]]
        assert seed.get_markersize() < mean.get_markersize()
        places += [(round(y), round(y - round(y), 6)) for y in mean.get_ydata()]
    assert len(set(places)) == 3 * len(arms)  # no dot hides another
    assert len({line.get_color() for line in means}) == len(arms)
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(arms)


def test_chance_is_a_line_that_is_named() -> None:
    figure = plots.bias_by_language(some_biases(("x-y",)), chance=100.0)
    [axes] = figure.axes
    assert [list(line.get_xdata()) for line in axes.lines if line.get_ls() == "--"] == [[100, 100]]
    assert numbers(figure) == ["chance: 100"]
    assert axes.get_xlabel() == "rank-distance (ranks)"
    low, high = axes.get_xlim()
    assert low < 100 < high
    assert numbers(plots.bias_by_language(some_biases(("x-y",)))) == []


def test_a_single_run_needs_no_legend_and_has_no_small_dots() -> None:
    biases = some_biases(("x-y",), seeds=1).drop(columns=["arm", "seed"])
    figure = plots.bias_by_language(biases)
    assert not figure.legends
    assert [line.get_marker() for line in figure.axes[0].lines] == ["o"]
    assert "seeds" not in caption(figure)
    assert "seeds" in caption(plots.bias_by_language(some_biases(("x-y",))))


def test_a_line_divides_trained_languages_from_unseen_ones() -> None:
    def heights(trained: list[str]) -> list[list[float]]:
        axes = plots.bias_by_language(some_biases(("x-y",)), trained=trained).axes[0]
        return [list(line.get_ydata()) for line in axes.lines if line.get_color() == "black"]

    assert heights(["de", "zh"]) == [[1.5, 1.5]]
    assert heights([]) == []


def test_a_measure_that_is_not_there_is_named() -> None:
    table = pd.DataFrame({"measure": ["a"], "query_language": "de", "value": 1.0})
    with pytest.raises(ValueError, match="no values of 'rank-distance' here; there are a"):
        plots.bias_by_language(table)


def test_groups_are_rows_and_arms_have_colours_of_their_own() -> None:
    table = some_groups()
    figure = plots.groups(table)
    assert row_names(figure.axes[0]) == ["Turkic", "Uralic"]
    for axes, setting in zip(figure.axes, SETTINGS, strict=False):
        here = table[table["setting"] == setting]
        assert axes.get_title(loc="left") == setting
        assert axes.get_xlabel() == "mAP"
        low, high = axes.get_xlim()
        assert low < 0 < here["value"].max() < high
        for arm, means, seeds in zip(
            ("x-y", "mine", "yours"), axes.lines[::2], axes.lines[1::2], strict=True
        ):
            mine = here[here["arm"] == arm]
            assert means.get_label() == arm
            assert list(seeds.get_xdata()) == list(mine["value"])
            assert [round(y) for y in seeds.get_ydata()] == [
                ["Turkic", "Uralic"].index(group) for group in mine["group"]
            ]
            assert means.get_xdata() == pytest.approx(
                mine.groupby("group")["value"].mean().to_numpy()
            )
    colours = [line.get_color() for line in figure.axes[0].lines[::2]]
    assert colours[0] == plots.COLOURS["x-y"]
    assert len(set(colours)) == 3


def test_a_table_of_groups_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="no values of 'R@1' here; there are mAP"):
        plots.groups(some_groups(), "R@1")
    twice = pd.concat([some_groups(), some_groups()])
    with pytest.raises(ValueError, match="several values of group Turkic, arm x-y"):
        plots.groups(twice)
