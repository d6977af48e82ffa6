"""Heatmaps: what they show is what is there, on one scale, and chance is hatched."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from picture_tables import caption, column_names, numbers, row_names, some_ranks

from hbtlib import plots
from hbtlib.evaluation.metrics import measure


@pytest.fixture
def measured() -> pd.DataFrame:
    return measure(some_ranks(), ["mAP"])


def written(value: float, form: str) -> str:
    return format(value, form).replace("0.", ".").replace("-", "−")


def test_a_heatmap_shows_every_value_trained_first(measured: pd.DataFrame) -> None:
    figure = plots.heatmap(measured, trained=["bb", "dd"])
    rows, columns = row_names(figure.axes[0]), column_names(figure.axes[0])
    assert rows == ["bb", "dd", "aa*", "cc*"]
    assert columns == ["bb", "dd", "aa*", "cc*", "all"]
    wide = measured.pivot_table(index="query_language", columns="pool", values="value")
    wide = wide.reindex(
        index=[code.rstrip("*") for code in rows], columns=[code.rstrip("*") for code in columns]
    )
    assert numbers(figure) == [
        written(value, ".2f") for value in wide.to_numpy().ravel() if not np.isnan(value)
    ]
    assert "* never trained on." in caption(figure)


def test_all_heatmaps_share_a_limit_that_is_said(measured: pd.DataFrame) -> None:
    small = measured.assign(value=measured["value"] * 0.43 / measured["value"].max())
    figure = plots.heatmaps({"small": small, "smaller": small.assign(value=small["value"] / 2)})
    limits = [axes.collections[0].get_clim() for axes in figure.axes[:2]]
    assert limits == [(0, 0.44), (0, 0.44)]
    assert "Colours run from 0 to 0.44 (the largest value, rounded up) in every" in caption(figure)
    bar = figure.axes[-1]
    assert bar.get_ylim() == (0, 0.44)
    assert bar.get_ylabel() == "mAP"


def test_heatmaps_stand_in_rows_without_orphans(measured: pd.DataFrame) -> None:
    for count, expected in ((3, [3]), (4, [2, 2]), (5, [3, 2]), (7, [3, 2, 2])):
        figure = plots.heatmaps({str(i): measured for i in range(count)})
        grids = [axes.get_subplotspec() for axes in figure.axes[:count]]
        rows = [spec.rowspan.start for spec in grids]
        assert [rows.count(row) for row in sorted(set(rows))] == expected


def test_differences_are_signed_and_centred(measured: pd.DataFrame) -> None:
    other = measured.assign(value=measured["value"] - 0.1)
    figure = plots.differences(measured, {"base": other})
    assert set(numbers(figure)) == {"+.10"}
    assert figure.axes[0].collections[0].get_clim() == pytest.approx((-0.1, 0.1))
    assert figure.axes[-1].get_ylabel() == "difference in mAP"
    assert figure.axes[0].get_title(loc="left") == "hybrid − base"
    assert "from −0.1 to 0.1 (the largest difference, rounded up)." in caption(figure)


def test_what_changes_of_a_run_lose_is_below_0(measured: pd.DataFrame) -> None:
    smaller = measured.assign(value=measured["value"] - 0.1)
    figure = plots.differences(measured, {"int8": smaller}, name="float32", reverse=True)
    assert set(numbers(figure)) == {"−.10"}
    assert figure.axes[0].get_title(loc="left") == "int8 − float32"


def test_cells_that_may_be_chance_are_hatched_and_no_others(measured: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    cells = measured[["query_language", "pool"]]
    tables = {
        name: cells.assign(p=rng.choice([0.0, 0.049, 0.05, 1.0], len(cells)))
        for name in ("one", "two")
    }
    baselines = dict.fromkeys(tables, measured)
    figure = plots.differences(measured, baselines, trained=["bb"], significant=tables)
    # The last axes are the colour bar's.
    for axes, table in zip(figure.axes[:-1], tables.values(), strict=True):
        rows = [name.rstrip("*") for name in row_names(axes)]
        columns = [name.rstrip("*") for name in column_names(axes)]
        hatched = {
            (rows[int(patch.get_y())], columns[int(patch.get_x())])
            for patch in axes.patches
            if isinstance(patch, Rectangle) and patch.get_hatch()
        }
        expected = table[table["p"] >= 0.05]
        assert hatched == set(zip(expected["query_language"], expected["pool"], strict=True))
    assert (
        "Hatched: p ≥ .05 after Holm's correction over all cells: for these trained models the "
        "difference may be chance. This says nothing of another training."
    ) in caption(figure)
    plain = plots.differences(measured, {"one": measured})
    assert not any(patch.get_hatch() for patch in plain.axes[0].patches)
    assert "Hatched" not in caption(plain)


def test_p_values_that_are_missing_are_named(measured: pd.DataFrame) -> None:
    p = measured[["query_language", "pool"]].assign(p=0.5)
    for tables, message in (
        ({"two": p}, "no table for the baseline 'one'; it has two"),
        ({"one": p.drop(columns="p")}, "against one lack the column 'p'"),
        ({"one": p.iloc[1:]}, "no p against one for the query language 'aa' and the pool 'bb'"),
        ({"one": pd.concat([p, p])}, "several values of query_language aa"),
    ):
        with pytest.raises(ValueError, match=message):
            plots.differences(measured, {"one": measured}, significant=tables)


def test_a_metric_that_is_not_there_is_named(measured: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="no values of 'mAP@7' here; there are mAP"):
        plots.heatmap(measured, "mAP@7")
