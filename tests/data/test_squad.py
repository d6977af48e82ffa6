"""Question answering data as retrieval: the published counts, both layouts, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import layouts
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.squad import read_squad
from hbtlib.data.formats.squad_benchmarks import split_sentences
from hbtlib.data.sets import mlqa_r

XQUAD_R = {
    "ar": 1222,
    "de": 1276,
    "el": 1234,
    "en": 1180,
    "es": 1215,
    "hi": 1244,
    "ru": 1219,
    "th": 852,
    "tr": 1167,
    "vi": 1209,
    "zh": 1196,
}
MLQA = {"ar": 517, "de": 512, "en": 1148, "es": 500, "hi": 507, "vi": 511, "zh": 504}
TYDIQA = {
    "ar": 921,
    "bn": 113,
    "en": 440,
    "fi": 782,
    "id": 565,
    "ko": 276,
    "ru": 812,
    "sw": 499,
    "te": 669,
}


def counts(table: pd.DataFrame) -> dict[str, int]:
    return table["language"].value_counts().to_dict()


@pytest.mark.usefixtures("real_data")
def test_xquad_r_is_as_published() -> None:
    found = hbt.load_benchmark("xquad-r")
    assert counts(found.passages) == XQUAD_R
    assert len(found.passages) == 13_014
    assert counts(found.queries) == dict.fromkeys(XQUAD_R, 1190)
    # One relevant sentence a language.
    assert (found.judgements.groupby("query_id").size() == 11).all()


def test_the_relevant_sentence_of_xquad_r_holds_the_answer(real_data: Path) -> None:
    # Independently of the loader: by the file's own list of sentences, and the answer's text in it.
    found = hbt.load_benchmark("xquad-r", languages=["th"])
    relevant = found.judgements.merge(found.passages, on="passage_id").set_index("query_id")["text"]
    whole = 0
    for article in json.loads((real_data / "xquad-r" / "th.json").read_text())["data"]:
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                sentence = relevant[f"{qa['id']}:th"]
                assert sentence in [s.strip() for s in paragraph["sentences"]]
                whole += qa["answers"][0]["text"] in sentence
    assert whole >= 0.95 * 1190  # a few Thai answers run over a sentence's end


@pytest.mark.usefixtures("real_data")
def test_mlqa_is_as_published() -> None:
    found = hbt.load_benchmark("mlqa")
    assert counts(found.queries) == MLQA
    of_question = found.queries.groupby("question_id").size().value_counts().to_dict()
    # The data's README: each id stands in 2 to 4 languages.
    assert of_question == {
        4: 820,
        3: 263,
        2: 65,
    }
    languages = found.queries.set_index("query_id")["question_id"].map(
        found.queries.groupby("question_id").size()
    )
    judged = found.judgements.groupby("query_id").size()
    # A query has as many relevant paragraphs as languages.
    assert judged.equals(languages[judged.index].rename(None))


@pytest.mark.usefixtures("real_data")
def test_mlqa_r_comes_near_the_published_counts() -> None:
    found = hbt.load_benchmark("mlqa-r")
    assert counts(found.queries) == MLQA
    assert counts(found.passages) == {
        "ar": 2461,
        "de": 2446,
        "en": 6730,
        "es": 2078,
        "hi": 2337,
        "vi": 2878,
        "zh": 2290,
    }
    published = {"ar": 2545, "de": 2362, "en": 6264, "es": 1787, "hi": 2426, "vi": 2828, "zh": 2322}
    for language, number in published.items():  # the docstring's table
        assert f"{number:,}" in mlqa_r.__doc__
        assert f"{counts(found.passages)[language]:,}" in mlqa_r.__doc__


def test_footnotes_make_the_surplus_in_spanish(real_data: Path) -> None:
    mark = re.compile(r"[.!?]\S*\[\d{1,3}\][\u200b]*$")
    joined = 0
    for paragraph in read_squad(real_data / "mlqa-dev" / "dev-context-es-question-es.json"):
        spans = split_sentences("es", paragraph.text)
        joined += sum(bool(mark.search(paragraph.text[start:end])) for start, end in spans[:-1])
    published, here = 1_787, 2_078
    assert abs(here - joined - published) < (here - published) / 3


def test_sentences_are_found_where_xquad_r_has_them(real_data: Path) -> None:
    at_least = {"ar": 0.98, "de": 0.97, "en": 0.98, "es": 0.97, "hi": 0.97, "vi": 0.96, "zh": 0.91}
    for language, least in at_least.items():
        same = ours = theirs = 0
        for paragraph in read_squad(real_data / "xquad-r" / f"{language}.json"):
            known = {
                (start, len(paragraph.text[:end].rstrip()))
                for (start, end), _ in paragraph.sentences or ()
            }
            found = set(split_sentences(language, paragraph.text))
            ends = [{end for _, end in spans} for spans in (known, found)]
            same, ours, theirs = (
                same + len(ends[0] & ends[1]),
                ours + len(ends[1]),
                theirs + len(ends[0]),
            )
        assert 2 * same / (ours + theirs) > least, language


@pytest.mark.usefixtures("real_data")
def test_tydiqa_is_as_published() -> None:
    found = hbt.load_benchmark("tydiqa-goldp")
    assert counts(found.queries) == TYDIQA
    assert not found.passages.duplicated(["language", "text"]).any()
    assert found.settings == ("monolingual", "multilingual")


@pytest.mark.usefixtures("real_data")
def test_xquad_has_its_paragraphs() -> None:
    found = hbt.load_benchmark("xquad")
    assert counts(found.passages) == dict.fromkeys(XQUAD_R, 240)
    assert counts(found.queries) == dict.fromkeys(XQUAD_R, 1190)


def content(benchmark: hbt.Benchmark) -> Any:
    """What is asked, and the texts that are relevant: the same whatever the passages are called."""
    table = benchmark.judgements.merge(benchmark.queries, on="query_id").merge(
        benchmark.passages, on="passage_id"
    )
    return sorted(
        table[["query_id", "question_id", "text_x", "language_y", "text_y"]].itertuples(
            index=False, name=None
        )
    )


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("mlqa", layouts.mlqa_dev, layouts.xtreme),
        ("mlqa-r", layouts.mlqa_dev, layouts.xtreme),
        ("xquad", layouts.xquad_r, layouts.xquad_hub),
    ],
)
def test_both_layouts_give_the_same(
    name: str, one: layouts.Write, other: layouts.Write, tmp_path: Path
) -> None:
    one(tmp_path / "one")
    other(tmp_path / "other")
    read = [
        hbt.load_benchmark(name, tmp_path / place, languages=["de", "en"])
        for place in ("one", "other")
    ]
    assert content(read[0]) == content(read[1])
    assert len(read[0].queries) == 8
    assert len(read[0].judgements) == 16


def test_tydiqa_reads_its_languages_from_the_ids(tmp_path: Path) -> None:
    layouts.tydiqa_hub(tmp_path / "hub")
    layouts.tydiqa_json(tmp_path / "json")
    hub, own = (
        hbt.load_benchmark("tydiqa-goldp", tmp_path / place, languages=["en", "fi"])
        for place in ("hub", "json")
    )
    assert hub.languages == own.languages == ("en", "fi")
    assert sorted(hub.queries["text"]) == sorted(own.queries["text"])
    assert len(hub.judgements) == 8  # nothing is parallel: a question has its own paragraph alone
    assert len(own.passages) == 4


def test_lareqa_s_own_mlqa_r_is_read_as_it_is(tmp_path: Path) -> None:
    layouts.xquad_r(tmp_path)
    found = hbt.load_benchmark("mlqa-r", tmp_path, languages=["de", "en"])
    assert sorted(found.passages["text"]) == sorted(
        s.strip() for ps in layouts.SENTENCES.values() for p in ps for s in p
    )


def test_a_passage_may_bring_its_paragraph(tmp_path: Path) -> None:
    layouts.xquad_r(tmp_path)
    alone, whole = (
        hbt.load_benchmark("xquad-r", tmp_path, languages=["en"], context=context)
        for context in ("none", "paragraph")
    )
    assert alone.passages["text"][1] == "It is long."
    assert (
        whole.passages["text"][1]
        == "It is long.\nThe river rises in the north. It is long. Fish live in it."
    )
    assert alone.judgements.equals(whole.judgements)
    with pytest.raises(DataError, match="context is 'both'; it is 'none'"):
        hbt.load_benchmark("xquad-r", tmp_path, languages=["en"], context="both")


def edit(file: Path, change: Callable[[Any], None]) -> None:
    loaded = json.loads(file.read_text())
    change(loaded)
    file.write_text(json.dumps(loaded))


def paragraph(loaded: Any) -> Any:
    return loaded["data"][0]["paragraphs"][0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda c: paragraph(c).pop("context"),
            "article 0, paragraph 0: the field 'context' is missing",
        ),
        (
            lambda c: paragraph(c).update(context=" "),
            "article 0, paragraph 0: the field 'context' is empty",
        ),
        (
            lambda c: paragraph(c).update(context=7),
            "the field 'context' is 7, where a text belongs",
        ),
        (lambda c: paragraph(c)["qas"][0].pop("id"), "the field 'id' is missing"),
        (
            lambda c: paragraph(c)["qas"][0].update(question=""),
            "question q00: the field 'question' is empty",
        ),
        (lambda c: paragraph(c)["qas"][1].update(id="q00"), "the question id 'q00' stands twice"),
        (
            lambda c: paragraph(c)["qas"][0]["answers"][0].update(answer_start=4000),
            "question q00: its answer begins at character 4000",
        ),
        (
            lambda c: paragraph(c)["qas"][0]["answers"][0].update(answer_start=-1),
            "its answer begins at character -1",
        ),
        (lambda c: paragraph(c)["qas"][0]["answers"].clear(), "question q00: it has no answer"),
        (
            lambda c: paragraph(c)["sentence_breaks"].__setitem__(1, [5, 3]),
            r"the sentence break \[5, 3\] does not follow",
        ),
        (lambda c: paragraph(c)["sentence_breaks"].clear(), "3 sentences but 0 sentence breaks"),
        (
            lambda c: [paragraph(c)[k].pop(1) for k in ("sentences", "sentence_breaks")],
            r"does not follow the one before",
        ),
        (
            lambda c: [paragraph(c)[k].pop() for k in ("sentences", "sentence_breaks")],
            r"does not follow the one before",
        ),
        (
            lambda c: paragraph(c)["qas"][0]["answers"][0].update(answer_start=2),
            "at character 2 its paragraph has",
        ),
        (lambda c: c.update(data=[]), "no question in it"),
        (
            lambda c: c["data"][0].update(title=["a"]),
            r"the field 'title' is \['a'\], where a text belongs",
        ),
        (
            lambda c: paragraph(c).pop("sentence_breaks"),
            "it has no 'sentence_breaks', so it is not a file of xquad-r",
        ),
        (lambda c: c.update(data={}), "the field 'data' is {}, where a list belongs"),
        (
            lambda c: paragraph(c)["qas"][0].update(question="Wo \ud83d?"),
            "holds half of a character",
        ),
    ],
)
def test_what_is_wrong_is_named(change: Callable[[Any], None], said: str, tmp_path: Path) -> None:
    layouts.xquad_r(tmp_path)
    edit(tmp_path / "de.json", change)
    with pytest.raises(DataError, match=said) as error:
        hbt.load_benchmark("xquad-r", tmp_path, languages=["de", "en"])
    assert str(tmp_path / "de.json") in str(error.value)


def test_a_wrong_folder_or_language_is_named(tmp_path: Path) -> None:
    layouts.mlqa_dev(tmp_path)
    with pytest.raises(
        DataError, match=r"has no ar\.json \(it has dev-context-de-question-de\.json"
    ):
        hbt.load_benchmark("xquad-r", tmp_path)
    layouts.xquad_r(tmp_path / "xquad-r")
    (tmp_path / "xquad-r" / "el.json").write_text("{}")
    with pytest.raises(DataError, match="holds XQuAD-R"):
        hbt.load_benchmark("mlqa-r", tmp_path / "xquad-r", languages=["de", "en"])
    with pytest.raises(DataError, match="xquad-r has no language 'fr'; it has ar de el"):
        hbt.load_benchmark("xquad-r", tmp_path, languages=["fr"])
    with pytest.raises(DataError, match="mlqa has no split 'train'; it has dev, test"):
        hbt.load_benchmark("mlqa", tmp_path, split="train")
    with pytest.raises(
        ValueError, match="xquad-r has no option 'split'; it has languages, context"
    ):
        hbt.load_benchmark("xquad-r", tmp_path, split="test")
    with pytest.raises(ValueError, match="did you mean 'xquad-r'"):
        hbt.load_benchmark("xquadr")


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        (b"", "line 1, column 1: not whole JSON"),
        (b'{"data": [', "not whole JSON"),
        (b'{"data": "\xe4"}', r"byte 11 \(0xe4\) is not UTF-8"),
        ("{}".encode("utf-16"), "is not UTF-8"),
    ],
)
def test_a_damaged_file_is_named(cut: bytes, said: str, tmp_path: Path) -> None:
    layouts.xquad_r(tmp_path)
    (tmp_path / "de.json").write_bytes(cut)
    with pytest.raises(DataError, match=said):
        hbt.load_benchmark("xquad-r", tmp_path, languages=["de"])
