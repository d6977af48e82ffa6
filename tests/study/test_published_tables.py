"""The published tables: whole, one or all of them, and laid out as printed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.study.paper.layout import as_printed
from hbtlib.study.paper.tables import AVERAGES, ROW

KEYS = [*ROW, "strategy"]
N_LANGUAGES = {3: 12, 4: 8, 5: 12, 6: 8, 7: 12, 8: 8, 12: 17, 13: 17}  # and averages, of each table


def test_the_tables_are_whole() -> None:
    tables = hbt.paper_tables()
    assert sorted(tables["table"].unique()) == sorted(N_LANGUAGES)
    assert not tables.duplicated([*KEYS, "language"]).any()
    sizes = tables.groupby(KEYS).size().groupby("table").unique().map(list)
    assert sizes.to_dict() == {table: [n] for table, n in N_LANGUAGES.items()}


def test_the_printed_averages_are_those_of_their_rows() -> None:
    tables = hbt.paper_tables()
    single = tables[~tables["language"].isin(AVERAGES)]
    for average in AVERAGES:
        printed = tables[tables["language"] == average].set_index(KEYS)["value"]
        again = single.groupby(KEYS)["value"].agg(average).reindex(printed.index)
        ranks = printed.index.get_level_values("metric") == "rank-distance"
        half_a_digit = np.where(ranks, 0.05, 0.00005)
        assert ((again - printed).abs() <= half_a_digit + 1e-9).all()


def test_one_table_or_those_derived() -> None:
    assert set(hbt.paper_tables(12)["language"]) >= {"sw", "mean", "median"}
    first, second = hbt.paper_tables(1), hbt.paper_tables(2)
    assert (len(first), len(second)) == (2 * 2 * 6 * 3 + 2 * 2 * 3, 2 * 2 * 3)
    assert set(first["language"]) == set(second["language"]) == {"mean"}
    assert set(second["metric"]) == {"rank-distance"}
    one = first.query(
        "dataset == 'xquad-r' and model == 'xlm-r' and setting == 'multilingual' and "
        "metric == 'mAP' and strategy == 'hybrid'"
    )
    assert one["value"].tolist() == [0.5927]
    with pytest.raises(
        ValueError, match="no published table 9 here; there are 1, 2, 3, 4, 5, 6, 7, 8, 12, 13"
    ):
        hbt.paper_tables(9)
    for wrong in ("1", 1.0, True, [1], {}, np.array(["text"]), np.ma.masked):
        with pytest.raises(ValueError, match=r"table is .*; it must be a whole number"):
            hbt.paper_tables(wrong)  # type: ignore[arg-type]


def test_laid_out_as_printed() -> None:
    wide = as_printed(hbt.paper_tables(3))
    languages = ["ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh"]
    assert list(wide.index) == [*languages, "mean"]
    assert list(wide.columns[:4]) == [
        ("monolingual", "mAP", "x-x-mono"),
        ("monolingual", "mAP", "x-y"),
        ("monolingual", "mAP", "hybrid"),
        ("monolingual", "R@1", "x-x-mono"),
    ]
    assert wide.columns[-1] == ("multilingual", "R@10", "hybrid")
    assert wide.loc["ar", ("cross-lingual", "R@1", "x-y")] == 0.5463
    assert list(as_printed(hbt.paper_tables(12)).index[-3:]) == ["id", "mean", "median"]
    models = as_printed(hbt.paper_tables(7)).columns.unique("model")
    assert models.tolist() == ["xlm-r", "labse"]


def test_means_alone_are_laid_out_with_datasets_down() -> None:
    means = as_printed(hbt.paper_tables(1))
    assert means.loc[("miracl-dev", "monolingual", "nDCG@10"), ("labse", "hybrid")] == 0.4411


def test_a_table_by_language_is_of_one_dataset() -> None:
    two = pd.concat([hbt.paper_tables(3), hbt.paper_tables(4)])
    with pytest.raises(
        ValueError, match="a table by query language is of one dataset; this is of xquad-r, mlqa-r"
    ):
        as_printed(two)
