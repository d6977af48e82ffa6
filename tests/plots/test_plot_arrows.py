"""Arrows from encoders as they are to the same after a map."""

from __future__ import annotations

import pandas as pd
import pytest

import hbtlib as hbt


def scores() -> pd.DataFrame:
    rows = []
    for encoder, shift in (("one", 0.0), ("two", 0.1)):
        for which, fall in (("as it is", 0.0), ("translations", 0.2)):
            for benchmark in ("b", "c"):
                at = {"encoder": encoder, "benchmark": benchmark, "map": which}
                good = {"measure": "mAP", "setting": "monolingual", "value": 0.6 + shift}
                bad = {"measure": "rank-distance-relative", "setting": "multilingual"}
                rows.append({**at, **good, "low": 0.5, "high": 0.8})
                rows.append({**at, **bad, "value": 0.5 - fall - shift, "chance": 1.0})
    return pd.DataFrame(rows)


def test_an_arrow_an_encoder_and_benchmark() -> None:
    figure = hbt.plots.bias_arrows(scores())
    assert [axes.get_title("left") for axes in figure.axes] == ["b", "c"]
    for axes in figure.axes:
        arrows = [text for text in axes.texts if text.arrow_patch is not None]
        assert len(arrows) == 2
        ends = sorted(arrow.xy for arrow in arrows)
        assert ends == [(0.6, pytest.approx(0.3)), (0.7, pytest.approx(0.2))]
        assert axes.get_yscale() == "log"
        assert max(axes.get_ylim()) >= 1  # chance is in the picture
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "two"]


def test_one_without_a_map_has_no_arrow() -> None:
    table = scores().query("encoder == 'one' and map == 'as it is'")
    figure = hbt.plots.bias_arrows(table)
    assert not [text for text in figure.axes[0].texts if text.arrow_patch is not None]


@pytest.mark.parametrize(
    ("table", "measure", "said"),
    [
        (scores().drop(columns="map"), "rank-distance-relative", "map"),
        (scores(), "own-language-first", "scores has no measure 'own-language-first'; it has mAP"),
        (
            pd.concat([scores(), scores()]),
            "rank-distance-relative",
            "several values of encoder one, benchmark b, map as it is",
        ),
        (scores(), 3, "measure is 3; it must be a text"),
    ],
)
def test_wrong_tables_are_named(table: pd.DataFrame, measure: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        hbt.plots.bias_arrows(table, measure)
