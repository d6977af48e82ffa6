"""The pictures: drawn from the library's tables, the same bytes from the same data, what they show is what is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import random_benchmark
from matplotlib.figure import Figure

from hbtlib import plots
from hbtlib.bias import bias
from hbtlib.data.pairs import Pairs
from hbtlib.metrics import by_training, measure
from hbtlib.sampler import BatchPlan
from hbtlib.search import rank_vectors


@pytest.fixture
def ranks() -> pd.DataFrame:
    benchmark, queries, passages = random_benchmark(3, languages=4, ties=False)
    return rank_vectors(queries, passages, benchmark)


def numbers(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_a_heatmap_shows_every_value_trained_first(ranks: pd.DataFrame) -> None:
    measured = measure(ranks, ["mAP"])
    trained = ["bb", "dd"]
    figure = plots.heatmap(measured, trained=trained)
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows == ["bb", "dd", "aa*", "cc*"]
    columns = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert columns == ["bb", "dd", "aa*", "cc*", "all"]
    wide = measured.pivot_table(index="query_language", columns="pool", values="value")
    wide = wide.reindex(index=[c.rstrip("*") for c in rows], columns=[c.rstrip("*") for c in columns])
    assert numbers(figure) == [f"{value:.2f}" for value in wide.to_numpy().ravel() if not np.isnan(value)]


def test_differences_are_signed_and_centred(ranks: pd.DataFrame) -> None:
    measured = measure(ranks, ["mAP"])
    other = measured.assign(value=measured["value"] - 0.1)
    figure = plots.differences(measured, {"base": other})
    assert set(numbers(figure)) == {"+0.10"}
    assert figure.axes[0].collections[0].get_clim() == pytest.approx((-0.1, 0.1))


def test_the_batch_picture_is_the_plan(tiny_pairs: Pairs) -> None:
    plan = BatchPlan(tiny_pairs, "hybrid", 0.5, 4, 0)
    figure = plots.batch_picture(plan, batches=3, pairs=4)
    expected = [str(code) for t in range(3) for pair in zip(plan[t].query_languages, plan[t].passage_languages, strict=True)
                for code in pair]
    assert numbers(figure) == expected
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [f"batch {t}: {plan[t].kind}" for t in range(3)]


def test_a_figure_rebuilt_is_the_same_file(ranks: pd.DataFrame, tmp_path: Path) -> None:
    measured = measure(ranks)
    seeds = by_training(measured, ["aa", "bb"]).assign(arm="hybrid", seed=0)
    made = []
    for turn in ("a", "b"):
        figures = {"heatmap": plots.heatmap(measured), "bias": plots.bias_by_language(bias(ranks), chance=20.0),
                   "ecdf": plots.rank_ecdf(ranks, trained=["aa"]), "settings": plots.settings(seeds),
                   "heatmaps": plots.heatmaps({"one": measured, "two": measured})}
        made.append([path.read_bytes() for name, figure in figures.items()
                     for path in plots.save(figure, name, measured, tmp_path / turn)])
    assert made[0] == made[1]
    assert len(made[0]) == 15


def test_curves_and_lengths_draw(tmp_path: Path) -> None:
    log = pd.DataFrame({"step": [1, 2, 3], "loss": [3.0, 2.0, 1.5], "validation_loss": [np.nan, 2.5, 2.7]})
    figure = plots.loss_curves(log, title="x")
    assert " kept " in numbers(figure)
    texts = pd.DataFrame({"language": ["de", "el"] * 4, "role": ["query", "passage"] * 4, "text": ["abc"] * 8})
    assert [t.get_text() for t in plots.lengths(texts, trained=["el"]).axes[0].get_xticklabels()] == ["el", "de"]


def test_a_metric_that_is_not_there_is_named(ranks: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="no values of 'mAP@7' here; there are mAP"):
        plots.heatmap(measure(ranks, ["mAP"]), "mAP@7")
