"""MTOP: the protocol, which is ours, on small files in mteb's layout."""

from __future__ import annotations

from pathlib import Path

import layouts
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError


def test_utterances_of_one_intent_are_relevant(tmp_path: Path) -> None:
    layouts.mtop(tmp_path / "intent")
    found = hbt.load_benchmark("mtop", tmp_path, languages=["de", "en"])
    table = found.judgements.merge(found.queries, on="query_id").merge(
        found.passages, on="passage_id"
    )
    assert (table["label_x"] == table["label_y"]).all()
    assert len(found.queries) == 4  # the intent that no passage has is not asked for
    # Two utterances in each of two languages.
    assert (found.judgements.groupby("query_id").size() == 4).all()
    assert not set(found.queries["text"]) & set(found.passages["text"])


def test_the_sample_of_queries_is_the_same_everywhere(tmp_path: Path) -> None:
    layouts.mtop(tmp_path)
    drawn = hbt.load_benchmark("mtop", tmp_path, languages=["de", "en"], per_language=1)
    assert drawn.queries["query_id"].tolist() == ["de:validation:1", "en:validation:0"]
    again = hbt.load_benchmark("mtop", tmp_path, languages=["en", "de"], per_language=1)
    assert sorted(again.queries["query_id"]) == sorted(drawn.queries["query_id"])
    with pytest.raises(DataError, match="per_language is 0"):
        hbt.load_benchmark("mtop", tmp_path, per_language=0)
    with pytest.raises(DataError, match="label is 'slot'; it is 'intent' or 'domain'"):
        hbt.load_benchmark("mtop", tmp_path, label="slot")


def test_the_real_utterances_are_parallel(real_data: Path) -> None:
    folder = real_data / "mtop-xsemplr"
    found = hbt.load_benchmark("mtop", folder, per_language=20)
    assert found.languages == ("de", "en", "es", "fr", "hi", "th")
    assert found.passages["language"].value_counts().unique().tolist() == [1_237]
    assert found.passages["label"].nunique() == 80
    assert len(found.queries) == 6 * 20
    assert found.queries["question_id"].nunique() == 20  # the same ones in every language
    english = hbt.load_benchmark("mtop", folder, languages=["en"], per_language=1_000)
    # Twenty of the 859 have one of the eight intents that no utterance of the test split has.
    assert len(english.queries) == 839
    # So few texts are in both splits that a query hardly finds itself.
    assert len(set(english.queries["text"]) & set(english.passages["text"])) == 1
    with pytest.raises(DataError, match=r"line 1: XSemPLR's utterances have no domain; ask for"):
        hbt.load_benchmark("mtop", folder, label="domain")


def test_one_line_an_id(tmp_path: Path) -> None:
    layouts.mtop_parallel(tmp_path)
    found = hbt.load_benchmark("mtop", tmp_path, languages=["de", "en"])
    assert found.queries["query_id"].tolist() == [
        f"{code}:validation:v{i}" for code in ("de", "en") for i in (0, 1)
    ]
    assert found.queries["question_id"].tolist() == ["validation:v0", "validation:v1"] * 2
    assert found.passages["text"].tolist()[:2] == ["weck mich um sechs", "spiel Jazz"]
    assert (found.judgements.groupby("query_id").size() == 4).all()
    drawn = hbt.load_benchmark("mtop", tmp_path, languages=["de", "en"], per_language=1)
    assert drawn.queries["question_id"].nunique() == 1
    by_domain = hbt.load_benchmark("mtop", tmp_path, languages=["en"], label="domain")
    assert (by_domain.judgements.groupby("query_id").size() == 4).all()
    with pytest.raises(DataError, match="no utterance of the split 'test' in 'hi'; leave the"):
        hbt.load_benchmark("mtop", tmp_path, languages=["en", "hi"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"split": "dev"}, "line 1: the split is 'dev'; it is one of train, validation, test"),
        ({"text": {"en": ""}}, "line 1: the text in 'en' is empty"),
        ({"text": {"en": 5}}, "line 1: the text in 'en' is 5, where a text belongs"),
        ({"text": ["play"]}, r"line 1: the field 'text' is \['play'\], where a JSON object"),
        ({"intent": None}, "line 1: the field 'intent' is None, where a text belongs"),
        ({"id": 1}, r"line 2: the id '1' stands twice, first in .* line 1"),
    ],
)
def test_wrong_lines_are_named(change: layouts.Row, said: str, tmp_path: Path) -> None:
    line = {"id": 0, "split": "test", "text": {"en": "play"}, "intent": "PLAY"}
    layouts.put_jsonl(tmp_path / "mtop.jsonl", [{**line, **change}, {**line, "id": 1}])
    with pytest.raises(DataError, match=said):
        hbt.load_benchmark("mtop", tmp_path, languages=["en"])
