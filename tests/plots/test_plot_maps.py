"""Maps of embeddings: points lie where the table says, and codes at their centres."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from picture_tables import some_points

from hbtlib import plots


def test_points_lie_where_the_table_says() -> None:
    points = some_points()
    for view, (x, y) in {"texts": ("x", "y"), "centroids": ("centroid_x", "centroid_y")}.items():
        figure = plots.embedding_map(points, view, trained=["de", "el"])
        assert [axes.get_title(loc="left") for axes in figure.axes] == [
            "hybrid\n50% of the variance lies between languages",
            "x-y\n12% of the variance lies between languages",
        ]
        for axes, arm in zip(figure.axes, ("hybrid", "x-y"), strict=True):
            table = points[points["arm"] == arm]
            drawn = np.concatenate([np.asarray(c.get_offsets()) for c in axes.collections])
            assert sorted(map(tuple, drawn.tolist())) == sorted(
                map(tuple, table[[x, y]].to_numpy().tolist())
            )
            assert [text.get_text() for text in axes.texts] == ["de", "el", "zh*"]
            centres = table.groupby("language")[[x, y]].mean()
            for text, code in zip(axes.texts, ("de", "el", "zh"), strict=True):
                at = axes.transData.inverted().transform(axes.transAxes.transform(text.xy))
                assert at == pytest.approx(centres.loc[code].to_numpy())
                assert to_rgb(text.get_color()) == plots.language_colours([code])[code]


def test_all_panels_have_one_scale_and_roles_have_markers() -> None:
    figure = plots.embedding_map(some_points())
    spans = [np.ptp([axes.get_xlim(), axes.get_ylim()], axis=1) for axes in figure.axes]
    assert np.ptp(spans) == pytest.approx(0)
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["passage", "query"]


@pytest.mark.parametrize(
    ("points", "view", "message"),
    [
        (some_points(), "passages", "no view 'passages'; there are texts, centroids"),
        (some_points().drop(columns="arm"), "texts", "language_share differs within a run"),
        (
            pd.concat([some_points(), some_points().assign(benchmark="b")]),
            "texts",
            "of several benchmarks",
        ),
        (some_points().drop(columns="x"), "texts", "lack the column 'x'"),
    ],
)
def test_points_that_do_not_fit_are_refused(points: pd.DataFrame, view: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plots.embedding_map(points, view)
