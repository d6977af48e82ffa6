"""mteb's tasks as benchmarks, its models as encoders, its saved rankings as ranks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sentence_transformers import SentenceTransformer

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError

mteb = pytest.importorskip("mteb", reason="the extra mteb is not installed")

from mteb.models import SentenceTransformerEncoderWrapper  # noqa: E402
from mteb_cases import CODES, LANGUAGES, Task, benchmark, model, of_languages  # noqa: E402

from hbtlib.integrations.mteb import (  # noqa: E402
    EncoderOfMteb,
    MtebModel,
    as_tasks,
    from_task,
    read_predictions,
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SentenceTransformer:
    return model(tmp_path_factory.mktemp("model"))


def task(data: Any = None, languages: Any = LANGUAGES, **options: Any) -> Task:
    return Task(of_languages() if data is None else data, languages, **options)


def changed(subset: str, **parts: Any) -> dict[str, Any]:
    """The data of three languages, with parts of one of them replaced."""
    data = of_languages()
    data[subset] = {**data[subset], **parts}
    return data


def test_pools_queries_and_judgements() -> None:
    read = from_task(task())
    assert read.languages == CODES
    assert read.settings == ("monolingual",)
    assert read.left_out == {}
    assert len(read.queries) == 18
    assert len(read.passages) == 36
    assert read.passages["text"].iloc[1] == "title 1 passage 1 in de"
    assert set(read.queries["query_id"].str.split(":").str[0]) == set(CODES)
    relevant = of_languages()["el"]["relevant_docs"]["q2"]
    judged = read.judgements.set_index("query_id")["passage_id"]
    assert judged["el:q2"] == f"el:{next(iter(relevant))}"


def test_bias_refuses_where_translations_are_unknown(small: SentenceTransformer) -> None:
    ranks = hbt.rank(small, from_task(task()))
    with pytest.raises(ValueError, match="this benchmark does not tell which queries and passages"):
        hbt.bias(ranks)
    with pytest.raises(ValueError, match="does not tell which queries"):
        hbt.favoured(ranks)
    assert "rank-distance" not in set(hbt.measure(ranks)["metric"])
    assert len(hbt.bias(hbt.rank(small, from_task(task(), parallel=True)))) > 20


def test_parallel_ids() -> None:
    read = from_task(task(), parallel=True)
    assert read.settings == ("monolingual", "cross-lingual", "multilingual")
    assert read.queries["question_id"].nunique() == 6
    assert len(read.judgements) == 6 * 3 * 3
    known = task(name="MuPLeR-retrieval")
    assert from_task(known).settings == read.settings
    other = changed("el", relevant_docs={"q1": {"c9": 1}})
    with pytest.raises(DataError, match="the query 'q1' has other relevant passages in the subset"):
        from_task(task(other), parallel=True)
    assert from_task(task(other)).left_out == {"queries with nothing relevant": 5}


def test_subsets_across_languages_share_their_pool() -> None:
    data = of_languages(("de",))
    data["de-en"] = {**data["de"], "queries": of_languages(("en",))["en"]["queries"]}
    read = from_task(task(data, {"de": ["deu-Latn"], "de-en": ["deu-Latn", "eng-Latn"]}))
    assert len(read.passages) == 12
    assert set(read.queries["language"]) == {"de", "en"}
    assert read.settings == ("monolingual", "cross-lingual")
    data["de-en"]["corpus"] = data["de"]["corpus"][1:]
    both = task(data, {"de": ["deu-Latn"], "de-en": ["deu-Latn", "eng-Latn"]})
    with pytest.raises(DataError, match="'de' and 'de-en' both have passages in 'de', but not the"):
        from_task(both)
    assert len(from_task(both, ["de-en"]).passages) == 11


def test_query_ids_of_several_meanings_are_told_apart() -> None:
    data = of_languages(("de", "en"))
    data["en"]["queries"] = [{**q, "text": f"other {q['text']}"} for q in data["de"]["queries"]]
    languages = {"de": ["deu-Latn"], "en": ["eng-Latn", "deu-Latn"]}
    read = from_task(task(data, languages))
    assert len(read.queries) == 12
    assert read.queries["query_id"].iloc[-1] == "en:q5"
    assert set(read.queries["language"]) == {"de"}


def test_what_is_left_out_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    data = of_languages()["de"]
    corpus = [*data["corpus"], {"id": "c99", "title": "", "text": " \u200b"}]
    queries = [*data["queries"], {"id": "q98", "text": "asked"}, {"id": "q99", "text": " "}]
    relevant = {
        **data["relevant_docs"],
        "q98": {"c0": 0},
        "q99": {"c0": 1},
        "q5": {"nowhere": 1, "c99": 1, "c0": 2},
    }
    read = from_task(task(changed("de", corpus=corpus, queries=queries, relevant_docs=relevant)))
    assert read.left_out == {
        "passages without content": 1,
        "queries without content": 1,
        "judgements of what is not there": 3,
        "queries with nothing relevant": 1,
    }
    assert capsys.readouterr().out.startswith("Given: left out 1 passages without content, 1 quer")
    assert read.judgements["grade"].max() == 2


@pytest.mark.parametrize(
    ("made", "options", "said"),
    [
        (lambda: "Belebele", {}, "task is 'Belebele'; give a retrieval task of mteb"),
        (task, {"subsets": ["fr"]}, "Given has no subset 'fr'; it has de, el, en"),
        (task, {"split": "dev"}, "Given, de: there is no split 'dev'; there is test"),
        (
            lambda: task({"default": of_languages()["de"]}, ["deu-Latn", "eng-Latn"]),
            {},
            "Given, default: the task names the languages deu-Latn, eng-Latn, and not which",
        ),
        (
            lambda: task(modalities=["text", "image"], category="it2t"),
            {},
            "Given has text, image; hbtlib ranks texts",
        ),
        (
            lambda: task(changed("el", top_ranked={"q1": ["c1"]})),
            {},
            "Given, el: each query has candidates of its own",
        ),
        (
            lambda: task(changed("el", queries=[{"id": "q0", "text": "a", "instruction": "b"}])),
            {},
            "Given, el: 'q0' is a conversation or has an instruction of its own",
        ),
    ],
)
def test_refused(made: Any, options: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        from_task(made(), **options)


def test_languages_can_be_named() -> None:
    mixed = task({"default": of_languages()["de"]}, ["deu-Latn", "eng-Latn"])
    read = from_task(mixed, languages={"default": ("en", "de")})
    assert set(read.passages["language"]) == {"en"}
    assert read.settings == ("cross-lingual",)


def test_saved_rankings(small: SentenceTransformer, tmp_path: Path) -> None:
    mteb.evaluate(small, task(), cache=None, prediction_folder=tmp_path, show_progress_bar=False)
    read = read_predictions(tmp_path, task())
    ranks = hbt.rank(small, from_task(task()))
    ranks = ranks[ranks["pool"] != "all"]
    keys = ["query_id", "pool", "passage_id"]
    both = read.merge(ranks.astype(dict.fromkeys(keys, "str")), on=keys)
    assert len(both) == len(read) == 18
    assert (both["rank_x"] == both["rank_y"]).all()
    assert both["rank_x"].nunique() > 3
    with pytest.raises(ValueError, match="does not tell which queries"):
        hbt.bias(read)


def saved(folder: Path, content: Any) -> Path:
    file = folder / "Given_predictions.json"
    text = content if isinstance(content, str) else json.dumps(content)
    file.write_text(text, encoding="utf-8")
    return file


WHOLE = {
    "mteb_model_meta": {},
    "de": {"test": {"q0": {f"c{i}": i / 10 for i in range(12)}}},
}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"de": {"te', "is no whole JSON"),
        ({"de": {}}, "holds no rankings of mteb, which have an entry 'mteb_model_meta'"),
        ({**WHOLE, "fr": {"test": {}}}, "Given has no subset 'fr'"),
        ({**WHOLE, "de": {"dev": {}}}, "de: there is no split 'test' in it"),
        ({**WHOLE, "de": {"test": []}}, "de: here belong the passages of each query"),
        ({**WHOLE, "de": {"test": {"q77": {"c0": 1}}}}, "de: 'Given' has no query 'de:q77'"),
        (
            {**WHOLE, "de": {"test": {"q0": {"c77": 1}}}},
            "de: the query 'de:q0' has the passage 'de:c77', which is not in the pool 'de'",
        ),
        (
            {**WHOLE, "de": {"test": {"q0": {"c0": "high"}}}},
            "de: the query 'de:q0' has the score 'high' for the passage 'de:c0'",
        ),
    ],
)
def test_damaged_rankings(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_predictions(saved(tmp_path, content), task())


def test_equal_scores_are_ordered_as_everywhere(tmp_path: Path) -> None:
    tied = {**WHOLE, "de": {"test": {"q0": {f"c{i}": 0.5 for i in range(12)}}}}
    read = read_predictions(saved(tmp_path, tied), task())
    order = sorted((f"c{i}" for i in range(12)), reverse=True)
    relevant = next(iter(of_languages()["de"]["relevant_docs"]["q0"]))
    assert read["rank"].tolist() == [order.index(relevant) + 1]


def test_rankings_of_one_benchmark(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"Given_predictions\.json is not there; mteb"):
        read_predictions(tmp_path, task())
    with pytest.raises(DataError, match="ranks are of one benchmark"):
        read_predictions(tmp_path, [task(), task()])
    ours = as_tasks(benchmark(), ["monolingual"])[0]
    file = saved(tmp_path, {**WHOLE})
    with pytest.raises(DataError, match="has a subset 'de', which small-monolingual lacks"):
        read_predictions(file, ours)


def test_model_of_mteb_is_an_encoder(small: SentenceTransformer) -> None:
    wrapped = EncoderOfMteb(SentenceTransformerEncoderWrapper(small))
    assert isinstance(wrapped, hbt.EncoderProtocol)
    ours = hbt.rank(small, benchmark())
    pd.testing.assert_frame_equal(hbt.rank(wrapped, benchmark()), ours, atol=1e-5)
    back = EncoderOfMteb(MtebModel(small))
    np.testing.assert_allclose(
        back.embed(["question 1 in de"], "query"),
        wrapped.embed(["question 1 in de"], "query"),
        atol=1e-6,
    )


def test_bad_models(small: SentenceTransformer) -> None:
    with pytest.raises(ValueError, match=r"give a model of mteb, as mteb\.get_model"):
        EncoderOfMteb(small)
    wrapped = EncoderOfMteb(SentenceTransformerEncoderWrapper(small))
    with pytest.raises(ValueError, match="role is 'document'"):
        wrapped.embed(["a"], "document")
    with pytest.raises(ValueError, match="a model of mteb has its own"):
        wrapped.embed(["a"], precision="bf16")
    with pytest.raises(ValueError, match="which has no method embed"):
        MtebModel(object())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="name is 'mine'; mteb wants ORGANISATION/MODEL"):
        MtebModel(small, "mine")  # type: ignore[arg-type]
