"""Pictures of one run and its texts: batches, the training log, lengths; and shared checks."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from picture_tables import caption, column_names, numbers, overlapping, row_names

from hbtlib import plots
from hbtlib.data.pairs import Pairs
from hbtlib.plots.tables import checked, with_names
from hbtlib.sampling.plan import BatchPlan


def test_the_batch_picture_is_the_plan(tiny_pairs: Pairs) -> None:
    plan = BatchPlan(tiny_pairs, "hybrid", 0.5, 4, 0)
    figure = plots.batch_picture(plan, batches=3, pairs=4)
    expected = [
        str(code)
        for t in range(3)
        for pair in zip(plan[t].query_languages, plan[t].passage_languages, strict=True)
        for code in pair
    ]
    [axes] = figure.axes
    assert numbers(figure) == expected
    assert row_names(axes) == [f"batch {t}: {plan[t].kind}" for t in range(3)]
    colours = plots.language_colours(plan.languages)
    boxes = [to_rgb(patch.get_facecolor()) for patch in axes.patches]
    assert boxes == [colours[code] for code in expected]


def test_the_step_whose_weights_were_kept_is_named() -> None:
    log = pd.DataFrame(
        {"step": [1, 2, 3], "loss": [3.0, 2.0, 1.5], "validation_loss": [np.nan, 2.5, 2.7]}
    )
    scored = plots.loss_curves(log.rename(columns={"validation_loss": "validation_score"}))
    lines = [axes.get_lines()[0].get_label() for axes in scored.axes]
    assert lines == ["training loss", "validation score"]
    assert [axes.get_ylabel() for axes in scored.axes] == lines  # which name them
    assert numbers(scored) == ["kept: step 3"]  # higher is better
    figure = plots.loss_curves(log, title="x")
    assert set(numbers(figure)) == {
        "kept: step 2",
        "training loss",
        "validation loss",
    }
    assert overlapping(figure, figure.axes[0].texts) == []
    plain = plots.loss_curves(log[["step", "loss"]])
    assert numbers(plain) == []
    assert plain.axes[0].get_ylabel() == "training loss"


def test_lengths_are_in_the_order_of_all_pictures() -> None:
    texts = pd.DataFrame(
        {"language": ["de", "el"] * 4, "role": ["query", "passage"] * 4, "text": ["abc"] * 8}
    )
    figure = plots.lengths(texts, trained=["el"])
    assert column_names(figure.axes[0]) == ["el", "de*"]
    assert figure.axes[0].get_ylabel() == "characters a text"
    assert caption(figure) == "* never trained on."
    assert column_names(plots.lengths(texts).axes[0]) == ["de", "el"]


def test_languages_are_named_in_english() -> None:
    assert with_names(["de", "zh", "xx"], trained=["zh"]) == {
        "de": "de* German",
        "zh": "zh Chinese",
        "xx": "xx*",
    }


def test_rows_are_selected_and_mixed_tables_are_refused() -> None:
    table = pd.DataFrame({"metric": ["a", "b"], "key": [1, 1], "value": [0.1, 0.2]})
    assert checked(table, "values", ["value"], ["key"], metric="b")["value"].tolist() == [0.2]
    with pytest.raises(ValueError, match="several values of key 1"):
        checked(table, "values", ["value"], ["key"])
