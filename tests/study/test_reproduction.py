"""Our numbers in the form of the published tables, and the published values beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import random_benchmark
from quick_study import make_project, seal_run

import hbtlib as hbt
from hbtlib.study import paper
from hbtlib.study.paper.layout import as_printed
from hbtlib.study.runs import Run
from hbtlib.study.studies import Study

LABSE = "sentence-transformers/LaBSE"


@pytest.fixture
def small_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Study, dict[tuple[str, int], pd.DataFrame]]:
    """Two arms of two seeds on a random benchmark: the study, and the ranks of its runs."""
    make_project(tmp_path, monkeypatch)
    benchmark, queries, passages = random_benchmark(3, languages=4, ties=False)
    runs, ranks = [], {}
    for strategy in ("x-y", "hybrid"):
        for seed in (0, 1):
            rng = np.random.default_rng([len(strategy), seed])
            noise = rng.standard_normal(queries.shape).astype(np.float32)
            parameters = {"seed": seed, "encoder": LABSE, "benchmark": benchmark.name}
            run = Run("s", f"{strategy}-{seed}", parameters, f"{strategy}, encoder {LABSE}")
            run.folder.mkdir(parents=True)
            ranks[strategy, seed] = hbt.rank_vectors(queries + noise, passages, benchmark)
            ranks[strategy, seed].to_parquet(run.folder / "ranks.parquet")
            seal_run(run)
            runs.append(run)
    return Study("s", "?", tuple(runs), ()), ranks


def test_ours_are_means_over_seeds_and_then_over_pools(
    small_study: tuple[Study, dict[tuple[str, int], pd.DataFrame]],
) -> None:
    chosen, ranks = small_study
    mine = paper.ours(chosen, "random3")
    columns = ["dataset", "model", "setting", "metric", "language", "strategy", "value"]
    assert list(mine.columns) == columns
    assert mine["model"].unique().tolist() == ["labse"]
    assert mine["strategy"].unique().tolist() == ["x-y", "hybrid"]
    of_hybrid = mine[(mine["strategy"] == "hybrid") & (mine["metric"] == "mAP")]
    measured = pd.concat([hbt.measure(ranks["hybrid", seed], ["mAP"]) for seed in (0, 1)])
    for setting, rows in measured.groupby("setting"):
        found = of_hybrid[of_hybrid["setting"] == setting].set_index("language")["value"]
        by_language = rows.groupby("query_language")["value"].mean()
        expected = {
            **by_language,
            "mean": by_language.mean(),
            "median": by_language.median(),
        }
        assert found.to_dict() == pytest.approx(expected)


def test_ours_need_all_runs(
    small_study: tuple[Study, dict[tuple[str, int], pd.DataFrame]],
) -> None:
    chosen, _ = small_study
    (chosen.runs[1].folder / "ranks.parquet").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks ranks of 1 of its 1 runs \(x-y-1"):
        paper.ours(chosen, "random3")


def printed(table: int) -> pd.DataFrame:
    """The published numbers of one table, in the form of ours."""
    return hbt.paper_tables(table).drop(columns="table")


def test_the_published_value_stands_beside_ours() -> None:
    higher = printed(3).assign(value=printed(3)["value"] + 0.01)
    extra = printed(3)[printed(3)["strategy"] == "hybrid"].assign(strategy="x-x")
    wide = paper.beside(pd.concat([higher, extra]), [3, 4]).data
    assert np.allclose(wide.xs("difference", level="of", axis="columns"), 0.01)
    assert wide["monolingual"]["mAP"]["hybrid"].loc["mean"].round(4).to_dict() == {
        "ours": 0.8077,
        "published": 0.7977,
        "difference": 0.01,
    }
    of_extra = wide.columns[wide.columns.get_level_values("strategy") == "x-x"]
    assert of_extra.unique("of").tolist() == ["ours"]  # an arm that the paper has not


def test_of_another_encoder_or_dataset_nothing_is_published() -> None:
    for other in ({"model": "minilm"}, {"dataset": "worldfacts"}):
        wide = paper.beside(printed(3).assign(**other), [3]).data
        pd.testing.assert_frame_equal(wide, as_printed(printed(3)))


def test_of_other_languages_only_the_monolingual_numbers_are_comparable() -> None:
    fewer = printed(3)[printed(3)["language"] != "th"]  # other pools, another mean
    wide = paper.beside(fewer, [3]).data
    theirs = wide.xs("published", level="of", axis="columns")
    assert theirs.columns.unique("setting").tolist() == ["monolingual"]
    assert theirs.dropna().index.tolist() == [code for code in wide.index if code != "mean"]
    means = paper.beside(fewer, [1]).data
    assert "of" not in means.columns.names


def test_without_numbers_of_a_form_there_is_no_table() -> None:
    said = "nothing of the form of the published table: multilingual rank-distance"
    with pytest.raises(ValueError, match=said):
        paper.beside(printed(3), [7])


def test_every_form_there_is() -> None:
    mine = pd.concat([printed(12), printed(13)]).assign(dataset="own")
    assert list(paper.forms(mine)) == ["Table 1", "Tables 12 and 13"]  # there is no mAP


@pytest.mark.parametrize(("table", "better"), [(3, 1), (7, -1)])
def test_differences_are_green_where_ours_is_better(table: int, better: int) -> None:
    published = hbt.paper_tables(table).query("model == 'xlm-r'").drop(columns="table")
    sign = np.where(published["language"] == "ar", better, -better)
    style = paper.beside(published.assign(value=published["value"] + 0.01 * sign), [table])
    page = style.to_html()
    assert "#00441b" in page  # the two ends of PRGn: the limits are the same on both sides
    assert "#40004b" in page
    labels = [label[-1] for label in style.data.columns]
    colours = dict(style._compute().ctx)
    of_arabic = colours[0, labels.index("difference")]
    assert ("background-color", "#00441b") in of_arabic
