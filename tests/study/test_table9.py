"""The plan over the published sizes: what it counts, and what its picture shows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.data.published import TABLE_9
from hbtlib.study import table9

COMMITTED = Path(__file__).parents[2] / "figures" / "table9" / "plan.csv"


def test_the_sets_are_those_of_the_catalog() -> None:
    assert set(TABLE_9) <= set(hbt.catalog()["name"])
    assert sum(row.rows for row in TABLE_9.values()) == 43_872_347
    assert len(TABLE_9["mmarco"].languages) == 7


def test_the_committed_table_says_what_the_plan_gives() -> None:
    committed = pd.read_csv(COMMITTED)
    of_pairs = committed[committed["of"] == "share of the pairs"]
    for rule, sharing in table9.SHARINGS.items():
        shares = table9.published_plan(sharing).shares().set_index("source")["share"]
        read = of_pairs[of_pairs["rule"] == rule].set_index("name")["value"]
        for name, share in shares.items():
            assert read[name] == pytest.approx(share, rel=1e-5)
        assert read.sum() == pytest.approx(1, abs=1e-4)  # six digits are kept of each
    by_size = of_pairs[of_pairs["rule"] == "size (as published)"]
    assert by_size["value"].tolist() == pytest.approx(by_size["sizes"].tolist(), rel=1e-5)


def test_the_languages_that_mmarco_lacks_are_rare_by_size() -> None:
    committed = pd.read_csv(COMMITTED)
    languages = committed[committed["of"] == "share of the languages"]
    by_size = languages[languages["rule"] == "size (as published)"].set_index("name")["value"]
    share_of_mmarco = TABLE_9["mmarco"].rows / 43_872_347
    expected = (1 - share_of_mmarco) / 9
    for code in ("th", "tr"):
        assert by_size[code] == pytest.approx(expected, rel=0.25)
    assert by_size["en"] == pytest.approx(share_of_mmarco / 7 + expected, rel=0.1)


def test_the_picture_has_a_panel_for_each_count() -> None:
    figure = table9.draw(pd.read_csv(COMMITTED), 20_000)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["Share of the pairs", "How often an id is visited", "Share of the queries"]
    assert [len(axes.get_yticks()) for axes in figure.axes] == [9, 9, 9]
    marks = [text.get_text() for text in figure.legends[0].get_texts()]
    assert marks == ["Table 9's rows", *table9.SHARINGS]
