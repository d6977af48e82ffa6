"""Tables that no picture can be drawn from: refused in one sentence, whichever picture it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from picture_tables import (
    some_alphas,
    some_biases,
    some_effects,
    some_groups,
    some_laws,
    some_mixtures,
    some_models,
    some_points,
    some_progress,
    some_ranks,
    some_shares,
    some_sizes,
)

import hbtlib as hbt
from hbtlib import plots

RANKS = some_ranks()
MEASURED = hbt.measure(RANKS, ["mAP", "R@1"])
TEXTS = pd.DataFrame(
    {
        "language": ["de", "en"] * 4,
        "role": ["query", "query", "passage", "passage"] * 2,
        "text": ["a", "bb", "ccc", "d"] * 2,
    }
)
LOG = pd.DataFrame({"step": [1, 2, 3], "loss": [1.0, 0.5, 0.3], "validation_loss": [np.nan, 1, 2]})
SOURCES = pd.DataFrame(
    {
        "of": ["passes", "passes", "share of the languages"],
        "name": ["a", "b", "de"],
        "rule": "size",
        "value": [1.0, 2.0, 0.5],
        "sizes": np.nan,
    }
)


class Picture(NamedTuple):
    """A public function, a table that it draws, and the table's columns of numbers and names."""

    draw: Callable[..., Any]
    table: pd.DataFrame
    numbers: str
    names: str


PICTURES = {
    "rank_ecdf": Picture(plots.rank_ecdf, RANKS, "rank n_passages", "passage_language pool"),
    "top_shares": Picture(
        plots.top_shares, some_shares(), "share", "query_language passage_language"
    ),
    "alpha_curves": Picture(
        plots.alpha_curves, some_alphas(), "value alpha", "level seed setting languages metric"
    ),
    "progress_curves": Picture(
        plots.progress_curves, some_progress(), "value tokens", "arm seed setting languages metric"
    ),
    "size_curves": Picture(
        plots.size_curves, some_sizes(), "value ids", "arm seed setting languages metric"
    ),
    "scaling_curves": Picture(
        lambda table: plots.scaling_curves(table, some_laws()),
        some_models(),
        "value size",
        "panel arm",
    ),
    "the laws of scaling_curves": Picture(
        lambda table: plots.scaling_curves(some_models(), table),
        some_laws(),
        "value low high size",
        "panel arm",
    ),
    "mixing_curves": Picture(plots.mixing_curves, some_mixtures(), "value", "panel arm degree"),
    "embedding_map": Picture(
        plots.embedding_map, some_points(), "x y language_share", "role language"
    ),
    "effects": Picture(plots.effects, some_effects(), "difference", "what setting"),
    "groups": Picture(plots.groups, some_groups(), "value", "group arm seed setting metric"),
    "bias_by_language": Picture(
        plots.bias_by_language, some_biases(("a", "b")), "value", "query_language measure"
    ),
    "heatmap": Picture(plots.heatmap, MEASURED, "value", "query_language pool metric"),
    "heatmaps": Picture(
        lambda table: plots.heatmaps({"run": table}), MEASURED, "value", "query_language pool"
    ),
    "differences": Picture(
        lambda table: plots.differences(table, {"other": MEASURED}),
        MEASURED,
        "value",
        "query_language pool",
    ),
    "the baseline of differences": Picture(
        lambda table: plots.differences(MEASURED, {"other": table}),
        MEASURED,
        "value",
        "query_language pool",
    ),
    "count_grid": Picture(
        lambda table: plots.count_grid(table, "dataset", "language", "texts"),
        pd.DataFrame({"dataset": ["a", "b"], "language": ["de", "en"], "texts": [1, 20]}),
        "texts",
        "dataset language",
    ),
    "set_lengths": Picture(
        plots.set_lengths,
        pd.DataFrame(
            {
                "dataset": ["a", "a"],
                "measure": ["words", "words"],
                "language": ["de", "de"],
                "role": ["query", "passage"],
                "median": [3.0, 9.0],
            }
        ),
        "median",
        "dataset measure language role",
    ),
    "script_shares": Picture(
        plots.script_shares,
        pd.DataFrame(
            {"language": ["de", "ru"], "script": ["Latin", "Cyrillic"], "share": [1.0, 1.0]}
        ),
        "share",
        "language script",
    ),
    "trade_off": Picture(
        plots.trade_off,
        pd.DataFrame(
            {
                "panel": "one",
                "arm": ["none", "hybrid"],
                "seed": 0,
                "map": "as it is",
                "monolingual": [0.5, 0.6],
                "bias": [900.0, 500.0],
            }
        ),
        "monolingual bias",
        "panel arm map",
    ),
    "gains_by_distance": Picture(
        plots.gains_by_distance,
        pd.DataFrame(
            {
                "panel": "one",
                "language": ["de", "fi"],
                "distance": [0.0, 0.2],
                "trained": [True, False],
                "difference": [0.01, -0.02],
            }
        ),
        "distance difference",
        "panel language",
    ),
    "training_paths": Picture(
        plots.training_paths,
        pd.DataFrame(
            {
                "panel": "one",
                "path": "steps",
                "label": ["0", "60"],
                "monolingual": [0.5, 0.6],
                "bias": [900.0, 500.0],
            }
        ),
        "monolingual bias",
        "panel path label",
    ),
    "bias_arrows": Picture(
        plots.bias_arrows,
        pd.DataFrame(
            {
                "encoder": "mine",
                "benchmark": "tiny",
                "map": ["as it is", "as it is", "translations", "translations"],
                "measure": ["mAP", "rank-distance-relative"] * 2,
                "setting": ["monolingual", "multilingual"] * 2,
                "value": [0.5, 0.9, 0.6, 0.2],
            }
        ),
        "value",
        "encoder benchmark map measure setting",
    ),
    "compression_curves": Picture(
        lambda table: plots.compression_curves(table, [("mAP", "multilingual")]),
        pd.DataFrame(
            {
                "encoder": "mine",
                "map": "as it is",
                "compression": ["float32", "int8", "64 dimensions"],
                "bytes": [1536, 384, 256],
                "measure": "mAP",
                "setting": "multilingual",
                "value": [0.5, 0.4, 0.3],
            }
        ),
        "value bytes",
        "encoder map compression measure setting",
    ),
    "map_curves": Picture(
        plots.map_curves,
        pd.DataFrame(
            {
                "curve": ["none", "ridge", "ridge"],
                "method": ["as it is", "translations", "translations"],
                "x": ["as it is", 0.1, 1.0],
                "measure": "mAP",
                "setting": "multilingual",
                "value": [0.3, 0.5, 0.6],
            }
        ),
        "value",
        "curve method x measure setting",
    ),
    "lengths": Picture(plots.lengths, TEXTS, "", "language role text"),
    "source_shares": Picture(plots.source_shares, SOURCES, "value", "of name rule"),
    "loss_curves": Picture(plots.loss_curves, LOG, "step loss", ""),
}
CASES = [
    (name, column, kind)
    for name, picture in PICTURES.items()
    for kind, columns in (("number", picture.numbers), ("name", picture.names))
    for column in columns.split()
]


def test_every_public_picture_of_a_table_is_tried() -> None:
    others = {"Figure", "save", "COLOURS", "language_colours", "ordered", "apart", "style"}
    public = set(plots.__all__) - others - {"batch_picture"}
    assert public <= set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_the_table_that_is_damaged_below_can_be_drawn(name: str) -> None:
    PICTURES[name].draw(PICTURES[name].table)


def refused(draw: Callable[..., Any], table: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        draw(table)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda table: table.iloc[:0], "have no rows"),
        (lambda table: None, "are None, where a table"),
        (lambda table: "ranks.parquet", "are 'ranks.parquet', where a table"),
        (lambda table: table.to_dict(), "are {.*, where a table"),
        (lambda table: table[[]], "lack the column"),
        (lambda table: pd.concat([table, table], axis=1), "twice"),
    ],
)
def test_what_is_no_table_is_refused(name: str, made: Callable[[Any], Any], said: str) -> None:
    refused(PICTURES[name].draw, made(PICTURES[name].table), said)


@pytest.mark.parametrize(("name", "column", "kind"), CASES)
def test_a_column_that_is_damaged_is_named(name: str, column: str, kind: str) -> None:
    draw, table, _, _ = PICTURES[name]
    refused(draw, table.drop(columns=column), f"lacks? the column '{column}'")
    missing = f"no value in the column '{column}'|no {column} in row|the {column} nan|no values of"
    refused(draw, table.assign(**{column: np.nan}), missing + f"|'{column}' of the type")
    if kind == "name":
        one = table[column].astype(object)
        one.iloc[0] = None
        refused(draw, table.assign(**{column: one}), f"no {column} in row 0|no values of")
        return
    refused(draw, table.assign(**{column: "high"}), f"column '{column}' of the type str")
    refused(draw, table.assign(**{column: np.inf}), f"the {column} inf in row 0")


def test_missing_ranks_are_refused() -> None:
    missing = RANKS["rank"].astype("Int32").mask(RANKS["rank"] > 2)
    refused(plots.rank_ecdf, RANKS.assign(rank=missing), "have the rank nan in row")
    of_index = RANKS.assign(rank=missing, depth=2)
    refused(plots.rank_ecdf, of_index, "a search index gave these ranks, down to 2")
    refused(plots.rank_ecdf, RANKS.assign(rank=99_999), "has the rank 99999 in a pool of")
    refused(plots.rank_ecdf, RANKS[RANKS["pool"] != "all"], "have no pool of all languages")


def test_an_interval_may_be_missing() -> None:
    table = some_effects().assign(low=np.nan, high=np.nan, p_holm=np.nan)
    plots.effects(table)  # one unit alone shows no spread
    refused(plots.effects, table.assign(low="x"), "column 'low' of the type str")
    refused(plots.effects, table.assign(p_holm="x"), "column 'p_holm' of the type str")


MAP = {"run": MEASURED}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: plots.heatmap(MEASURED, "nosuch"), "no values of 'nosuch' here; there are R@1, m"),
        (lambda: plots.heatmap(MEASURED, None), "no values of None here; there are R@1, mAP"),
        (lambda: plots.heatmap(MEASURED, trained="aa"), "trained is 'aa'; it must be a list of"),
        (lambda: plots.heatmap(MEASURED, trained=None), "trained is None; it must be a list of"),
        (lambda: plots.rank_ecdf(RANKS, trained="aa"), "trained is 'aa'; it must be a list"),
        (lambda: plots.lengths(TEXTS, trained=5), "trained is 5; it must be a list"),
        (lambda: plots.heatmap(MEASURED, {}), "no values of {} here"),
        (lambda: plots.heatmap(MEASURED, np.array([])), "no values of array.* here"),
        (lambda: plots.differences(MEASURED, MAP, pd.Series([1])), "no values of 0 1 dtype"),
        (lambda: plots.heatmap(MEASURED, title=3), "title is 3; it must be a text"),
        (lambda: plots.effects(some_effects(), 1e-20), "metric is 1e-20; it must be the name"),
        (lambda: plots.effects(some_effects(), ""), "metric is ''; it must be the name"),
        (lambda: plots.effects(some_effects(), "a\0b"), "metric is 'a.x00b'; it must be the name"),
        (
            lambda: plots.lengths(TEXTS.assign(language=1.5)),
            "'language' of the type float64, where",
        ),
        (lambda: plots.ordered("de en"), "codes is 'de en'; it must be a list of language codes"),
        (lambda: plots.ordered([None]), "codes has None in it; it must be a list of language"),
        (lambda: plots.ordered(0.5), "codes is 0.5; it must be a list of language codes"),
        (lambda: plots.language_colours(pd.DataFrame()), "codes is Empty DataFrame .*; it must be"),
        (lambda: plots.language_colours(np.array("de")), "codes is array.*; it must be a list"),
        (lambda: plots.heatmaps({}), "measured is {}; it must be a mapping"),
        (lambda: plots.heatmaps([MEASURED]), "measured is .*; it must be a mapping"),
        (lambda: plots.differences(MEASURED, {}), "baselines is {}; it must be a mapping"),
        (lambda: plots.differences(MEASURED, MAP, significant=5), "significant is 5; it must be a"),
        (
            lambda: plots.differences(MEASURED, {"x": MEASURED.assign(pool="zz")}),
            "the run and x have no cell in common",
        ),
        (lambda: plots.groups(some_groups(), "R@1"), "no values of 'R@1' here"),
        (
            lambda: plots.groups(some_groups().assign(setting="mono")),
            "several values of group|the groups have the setting 'mono'",
        ),
        (lambda: plots.effects(some_effects().assign(setting="mono").iloc[:1]), "setting 'mono'"),
        (lambda: plots.alpha_curves(some_alphas().assign(languages="all")), "the languages 'all'"),
        (lambda: plots.alpha_curves(some_alphas().assign(setting="x")), "several values|setting"),
        (lambda: plots.alpha_curves(some_alphas().replace({0.25: 7.0})), "alpha is a share: give"),
        (lambda: plots.size_curves(some_sizes(), "R@1"), "no values of 'R@1' here"),
        (lambda: plots.embedding_map(some_points(), "map"), "no view 'map'; there are texts"),
        (lambda: plots.embedding_map(some_points(), ["x"]), r"no view \['x'\]; there are texts"),
        (lambda: plots.embedding_map(some_points().assign(role="x")), "the points have the role"),
        (
            lambda: plots.embedding_map(some_points().assign(language_share=7.0)),
            "language_share is a share of the variance",
        ),
        (lambda: plots.lengths(TEXTS.assign(role="x")), "the texts have the role 'x'; there are"),
        (lambda: plots.lengths(TEXTS.assign(text=5)), "'text' with values that are no texts"),
        (lambda: plots.top_shares(some_shares(), pool=5), "pool is 5; it gives each language"),
        (
            lambda: plots.top_shares(some_shares(), pool={"de": "x"}),
            "the pool's share of 'de' is 'x'; it must be a number",
        ),
        (
            lambda: plots.bias_by_language(some_biases(("a",)), chance="x"),
            "chance is 'x'; it must be a number",
        ),
        (
            lambda: plots.bias_by_language(pd.concat([some_biases(("a", "b")).assign(seed=0)] * 2)),
            "the values have several values of arm a, seed 0, query_language",
        ),
        (lambda: plots.batch_picture(5), "the plan is 5; give an hbtlib.BatchPlan"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()


TRAINED: dict[str, Callable[[Any], Any]] = {
    "heatmap": lambda trained: plots.heatmap(MEASURED, trained=trained),
    "heatmaps": lambda trained: plots.heatmaps(MAP, trained=trained),
    "differences": lambda trained: plots.differences(MEASURED, MAP, trained=trained),
    "rank_ecdf": lambda trained: plots.rank_ecdf(RANKS, trained=trained),
    "top_shares": lambda trained: plots.top_shares(some_shares(), trained=trained),
    "embedding_map": lambda trained: plots.embedding_map(some_points(), trained=trained),
    "bias_by_language": lambda trained: plots.bias_by_language(
        some_biases(("a",)), trained=trained
    ),
    "lengths": lambda trained: plots.lengths(TEXTS, trained=trained),
    "ordered": lambda trained: plots.ordered(["de"], trained=trained),
}


@pytest.mark.parametrize("name", TRAINED)
def test_languages_trained_on_are_a_list_of_codes(name: str) -> None:
    wrong = ("aa", b"aa", 5, None, {}, {"aa": 1}, [1], [None], ["aa", "aa"], np.ma.masked)
    for trained in (*wrong, np.array("aa"), np.array([np.nan]), pd.DataFrame(), pd.Series([1])):
        refused(
            TRAINED[name], trained, "trained (is|has) .*list of languages|trained has 'aa' twice"
        )


@pytest.mark.parametrize("trained", [("aa",), {"aa"}, np.array(["aa"]), np.array([], str)])
def test_languages_trained_on_are_any_list(trained: Any) -> None:
    assert plots.ordered(["bb", "aa"], trained) == ["aa", "bb"]
    plots.heatmap(MEASURED, trained=trained)


def test_a_picture_s_plan_has_batches(tiny_pairs: hbt.Pairs) -> None:
    plan = hbt.BatchPlan(tiny_pairs, "x-y", batch_size=4)
    for wrong in ({"batches": 0}, {"pairs": -1}, {"batches": 1.5}, {"pairs": "8"}):
        with pytest.raises(ValueError, match=r"(batches|pairs) is .*; it must be"):
            plots.batch_picture(plan, **wrong)


def test_no_language_trained_on_may_be_said() -> None:
    assert "never trained" not in str(plots.heatmap(MEASURED, trained=[]).texts)


def test_a_picture_that_leads_out_of_its_folder_is_not_saved(tmp_path: Path) -> None:
    figure = plots.heatmap(MEASURED)
    for name in ("../evil", "a/b", "", "/tmp/evil", ".hidden", "a b", None):
        with pytest.raises(ValueError, match=r"the picture's name is .*; it becomes a part of a"):
            plots.save(figure, name, MEASURED, tmp_path / "figures")  # type: ignore[arg-type]
    for wrong in ((None, MEASURED), (figure, None)):
        with pytest.raises(ValueError, match="a matplotlib Figure and a table belong here"):
            plots.save(wrong[0], "name", wrong[1], tmp_path / "figures")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
