"""The published tables: whole, laid out as printed, ours beside them, and what they say when counted again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import random_benchmark
from matplotlib.collections import PathCollection

import hbtlib as hbt
from hbtlib import plots
from hbtlib.search.ranking import rank_vectors
from hbtlib.study import paper, published, study

KEYS = [*published.ROW, "strategy"]


def rows_of(rows: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows


@pytest.fixture(scope="module")
def tests() -> pd.DataFrame:
    return published.reexamine()


def test_the_tables_are_whole_and_their_averages_are_those_of_their_rows() -> None:
    tables = hbt.paper_tables()
    assert sorted(tables["table"].unique()) == [3, 4, 5, 6, 7, 8, 12, 13]
    assert not tables.duplicated([*KEYS, "language"]).any()
    assert tables.groupby(KEYS).size().groupby("table").unique().map(list).to_dict() == {
        3: [12],
        4: [8],
        5: [12],
        6: [8],
        7: [12],
        8: [8],
        12: [17],
        13: [17],
    }
    single = tables[~tables["language"].isin(published.AVERAGES)]
    for average in published.AVERAGES:
        printed = tables[tables["language"] == average].set_index(KEYS)["value"]
        again = single.groupby(KEYS)["value"].agg(average).reindex(printed.index)
        half = np.where(printed.index.get_level_values("metric") == "rank-distance", 0.05, 0.00005)
        assert ((again - printed).abs() <= half + 1e-9).all()


def test_one_table_or_those_derived() -> None:
    assert set(hbt.paper_tables(12)["language"]) >= {"sw", "mean", "median"}
    first, second = hbt.paper_tables(1), hbt.paper_tables(2)
    assert (len(first), len(second)) == (2 * 2 * 6 * 3 + 2 * 2 * 3, 2 * 2 * 3)
    assert set(first["language"]) == set(second["language"]) == {"mean"}
    assert set(second["metric"]) == {"rank-distance"}
    one = rows_of(
        first,
        dataset="xquad-r",
        model="xlm-r",
        setting="multilingual",
        metric="mAP",
        strategy="hybrid",
    )
    assert one["value"].tolist() == [0.5927]
    with pytest.raises(
        ValueError, match="no published table 9 here; there are 1, 2, 3, 4, 5, 6, 7, 8, 12, 13"
    ):
        hbt.paper_tables(9)


def test_laid_out_as_printed() -> None:
    wide = published.as_printed(hbt.paper_tables(3))
    assert list(wide.index) == [
        "ar",
        "de",
        "el",
        "en",
        "es",
        "hi",
        "ru",
        "th",
        "tr",
        "vi",
        "zh",
        "mean",
    ]
    assert list(wide.columns[:4]) == [
        ("monolingual", "mAP", "x-x-mono"),
        ("monolingual", "mAP", "x-y"),
        ("monolingual", "mAP", "hybrid"),
        ("monolingual", "R@1", "x-x-mono"),
    ]
    assert wide.columns[-1] == ("multilingual", "R@10", "hybrid")
    assert wide.loc["ar", ("cross-lingual", "R@1", "x-y")] == 0.5463
    assert list(published.as_printed(hbt.paper_tables(12)).index[-3:]) == ["id", "mean", "median"]
    assert published.as_printed(hbt.paper_tables(7)).columns.unique("model").tolist() == [
        "xlm-r",
        "labse",
    ]
    means = published.as_printed(hbt.paper_tables(1))
    assert means.loc[("miracl-dev", "monolingual", "nDCG@10"), ("labse", "hybrid")] == 0.4411
    with pytest.raises(
        ValueError, match="a table by query language is of one dataset; this is of xquad-r, mlqa-r"
    ):
        published.as_printed(pd.concat([hbt.paper_tables(3), hbt.paper_tables(4)]))


@pytest.fixture
def small_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[study.Study, dict[tuple[str, int], pd.DataFrame]]:
    """Two arms of two seeds on a random benchmark: the study, and the ranks of its runs."""
    monkeypatch.setattr(study, "ROOT", tmp_path)
    benchmark, queries, passages = random_benchmark(3, languages=4, ties=False)
    runs, ranks = [], {}
    for arm in (
        "x-y, encoder sentence-transformers/LaBSE",
        "hybrid, encoder sentence-transformers/LaBSE",
    ):
        for seed in (0, 1):
            noise = (
                np.random.default_rng([len(arm), seed])
                .standard_normal(queries.shape)
                .astype(np.float32)
            )
            run = study.Run(
                "s",
                f"{arm[:3]}-{seed}",
                {
                    "seed": seed,
                    "encoder": "sentence-transformers/LaBSE",
                    "benchmark": benchmark.name,
                },
                arm,
            )
            run.folder.mkdir(parents=True)
            ranks[arm.split(",")[0], seed] = rank_vectors(queries + noise, passages, benchmark)
            ranks[arm.split(",")[0], seed].to_parquet(run.folder / "ranks.parquet")
            runs.append(run)
    return study.Study("s", "?", tuple(runs), ()), ranks


def test_ours_are_means_over_seeds_and_then_over_pools(
    small_study: tuple[study.Study, dict[tuple[str, int], pd.DataFrame]],
) -> None:
    chosen, ranks = small_study
    mine = paper.ours(chosen, "random3")
    assert list(mine.columns) == [
        "dataset",
        "model",
        "setting",
        "metric",
        "language",
        "strategy",
        "value",
    ]
    assert (mine["model"].unique().tolist(), mine["strategy"].unique().tolist()) == (
        ["labse"],
        ["x-y", "hybrid"],
    )
    measured = pd.concat([hbt.measure(ranks["hybrid", seed], ["mAP"]) for seed in (0, 1)])
    for setting, rows in measured.groupby("setting"):
        wanted = {"setting": setting, "metric": "mAP", "strategy": "hybrid"}
        by_language = rows.groupby("query_language")["value"].mean()
        for language, value in by_language.items():
            assert rows_of(mine, language=language, **wanted)["value"].item() == pytest.approx(
                value
            )
        assert rows_of(mine, language="mean", **wanted)["value"].item() == pytest.approx(
            by_language.mean()
        )
        assert rows_of(mine, language="median", **wanted)["value"].item() == pytest.approx(
            by_language.median()
        )
    (chosen.runs[1].folder / "ranks.parquet").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks ranks of 1 of its 1 runs \(x-y-1"):
        paper.ours(chosen, "random3")


def test_the_published_value_stands_beside_ours() -> None:
    printed = hbt.paper_tables(3).drop(columns="table")
    higher = printed.assign(value=printed["value"] + 0.01)
    extra = printed[printed["strategy"] == "hybrid"].assign(
        strategy="x-x"
    )  # an arm that the paper has not
    wide = paper.beside(pd.concat([higher, extra]), [3, 4]).data  # type: ignore[attr-defined]
    assert np.allclose(wide.xs("difference", level="of", axis="columns"), 0.01)
    assert wide["monolingual"]["mAP"]["hybrid"].loc["mean"].round(4).to_dict() == {
        "ours": 0.8077,
        "published": 0.7977,
        "difference": 0.01,
    }
    assert wide.columns[wide.columns.get_level_values("strategy") == "x-x"].unique(
        "of"
    ).tolist() == ["ours"]


def test_the_published_value_stands_only_where_it_is_of_the_same() -> None:
    printed = hbt.paper_tables(3).drop(columns="table")
    for other in ({"model": "minilm"}, {"dataset": "worldfacts"}):
        wide = paper.beside(printed.assign(**other), [3]).data  # type: ignore[attr-defined]
        pd.testing.assert_frame_equal(wide, published.as_printed(printed))
    fewer = printed[printed["language"] != "th"]  # other pools, another mean
    wide = paper.beside(fewer, [3]).data  # type: ignore[attr-defined]
    theirs = wide.xs("published", level="of", axis="columns")
    assert theirs.columns.unique("setting").tolist() == ["monolingual"]
    assert theirs.dropna().index.tolist() == [code for code in wide.index if code != "mean"]
    means = paper.beside(fewer, [1]).data  # type: ignore[attr-defined]
    assert "of" not in means.columns.names
    with pytest.raises(
        ValueError, match="nothing of the form of the published table: multilingual rank-distance"
    ):
        paper.beside(printed, [7])


def test_differences_are_green_where_ours_is_better() -> None:
    for table, better in ((3, 1), (7, -1)):
        printed = hbt.paper_tables(table).query("model == 'xlm-r'").drop(columns="table")
        sign = np.where(printed["language"] == "ar", better, -better)
        style = paper.beside(printed.assign(value=printed["value"] + 0.01 * sign), [table])
        page = style.to_html()
        assert "#00441b" in page  # the two ends of PRGn: the limits are the same on both sides
        assert "#40004b" in page
        column = next(
            i for i, labels in enumerate(style.data.columns) if labels[-1] == "difference"
        )  # type: ignore[attr-defined]
        colours = dict(style._compute().ctx)  # type: ignore[attr-defined]
        assert ("background-color", "#00441b") in colours[0, column]  # the row ar


def test_every_form_there_is() -> None:
    mine = (
        pd.concat([hbt.paper_tables(12), hbt.paper_tables(13)])
        .drop(columns="table")
        .assign(dataset="own")
    )
    tables = paper.forms(mine)
    assert list(tables) == ["Table 1", "Tables 12 and 13"]  # one language at a time, and no mAP


def test_hybrid_counted_again(tests: pd.DataFrame) -> None:
    assert len(tests) == 32 * len(published.BASELINES)
    found = tests.set_index(["dataset", "model", "setting", "metric", "baseline"])[
        ["wins", "ties", "losses"]
    ]
    for key, counts in {
        ("xquad-r", "xlm-r", "multilingual", "mAP", "x-y"): (5, 0, 6),
        ("miracl-dev", "xlm-r", "monolingual", "nDCG@10", "x-x-mono"): (5, 0, 10),
        ("miracl-dev", "labse", "monolingual", "nDCG@10", "x-x-mono"): (4, 0, 11),
        ("miracl-dev", "xlm-r", "monolingual", "nDCG@10", "better in each language"): (0, 0, 15),
        ("mlqa-r", "xlm-r", "monolingual", "R@1", "x-x-mono"): (3, 1, 3),
        ("xquad-r", "xlm-r", "multilingual", "rank-distance", "x-x-mono"): (11, 0, 0),
        ("mlqa-r", "xlm-r", "multilingual", "rank-distance", "x-y"): (5, 0, 2),
    }.items():
        assert tuple(found.loc[key]) == counts, key
    better = rows_of(tests, baseline="better of the two")
    assert (rows_of(better, dataset="miracl-dev")["difference"] < 0).all()
    assert set(rows_of(better, dataset="miracl-dev")["against"]) == {"x-x-mono"}
    assert (better[["p_sign_holm", "p_wilcoxon_holm"]] > 0.05).all(axis=None)
    lost = rows_of(better, dataset="xquad-r", model="xlm-r", setting="multilingual", metric="mAP")
    assert lost["loses_in"].item() == "ar el hi tr vi zh"


def test_the_tests_are_those_named(tests: pd.DataFrame) -> None:
    row = rows_of(tests, table=3, setting="monolingual", metric="mAP", baseline="x-x-mono").iloc[0]
    assert row["p_sign"] == pytest.approx(2 * (1 + 11 + 55) / 2**11)  # 9 wins of 11, both tails
    assert row["p_sign_holm"] >= row["p_sign"]
    for _, family in tests.groupby("baseline"):
        assert family["p_sign_holm"].min() == pytest.approx(min(1, 32 * family["p_sign"].min()))
    tied = hbt.paper_tables(3).assign(value=0.5)
    assert (published.reexamine(tied)[["ties", "p_sign", "p_wilcoxon"]] == [11, 1.0, 1.0]).all(
        axis=None
    )
    with pytest.raises(ValueError, match="these tables lack the strategy 'x-y'"):
        published.reexamine(tied[tied["strategy"] != "x-y"])


def test_a_lower_rank_distance_is_a_gain() -> None:
    gains = rows_of(
        published.gaps(hbt.paper_tables(8)), model="xlm-r", baseline="better of the two"
    )
    table = published.as_printed(hbt.paper_tables(8)).drop("mean")["xlm-r"]["multilingual"][
        "rank-distance"
    ]
    assert gains.set_index("language")["difference"].to_dict() == pytest.approx(
        (table["hybrid"] - table["x-y"]).to_dict()
    )
    assert (gains["gain"] == -gains["difference"]).all()


def test_the_picture_has_a_dot_a_language_in_the_colour_of_who_wins(tmp_path: Path) -> None:
    gains = published.gaps()
    figure = paper.picture(gains)
    scores, ranks = figure.axes
    dots = [c for c in scores.collections + ranks.collections if isinstance(c, PathCollection)]
    chosen = gains[gains["baseline"] == "better of the two"]
    assert sum(len(c.get_offsets()) for c in dots) == len(chosen)
    left, right = ranks.get_xlim()
    assert left > right  # lower is better, and right is better
    losing = next(c for c in ranks.collections if isinstance(c, PathCollection))
    for (x, _), colour in zip(losing.get_offsets(), losing.get_facecolors(), strict=True):
        assert (colour[1] > colour[0]) == (x < 0)  # green, of the two
    texts = [text.get_text() for text in scores.texts]
    first = texts.index("XQuAD-R, XLM-R")
    assert texts[first + 1 : first + 7] == ["vi", "de", "x-x-mono", "9", "0", "2"]
    assert [label.get_text() for label in scores.get_yticklabels()][:2] == [
        "monolingual mAP",
        "monolingual R@1",
    ]
    paths = plots.save(figure, "a", chosen, tmp_path)
    again = plots.save(paper.picture(gains), "b", chosen, tmp_path)
    assert [p.read_bytes() for p in paths] == [p.read_bytes() for p in again]
    with pytest.raises(
        ValueError, match="no baseline 'x-x' here; there are x-x-mono, x-y, better of the two"
    ):
        paper.picture(gains, "x-x")
