"""MTOP: the protocol, which is ours, on small files in mteb's layout."""

from __future__ import annotations

import json
from pathlib import Path

import layouts
import numpy as np
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError
from hbtlib.training.false_negatives import answers


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
    with pytest.raises(DataError, match="mtop has no split 'dev'; it has test, test-only, valid"):
        hbt.load_benchmark("mtop", folder, split="dev")


def test_queries_of_the_test_split_are_not_in_its_pool(real_data: Path) -> None:
    found = hbt.load_benchmark(
        "mtop", real_data / "mtop-xsemplr", split="test-only", languages=["en", "hi"]
    )
    assert found.passages["language"].value_counts().unique().tolist() == [1_237 - 200]
    assert found.queries["question_id"].nunique() == 193
    assert found.left_out == {"queries whose intent or domain is not in the pool": 7 * 2}
    ids = {id_.split(":", 1)[1] for id_ in found.passages["passage_id"]}
    assert not set(found.queries["question_id"]) & ids
    assert set(found.judgements["query_id"]) == set(found.queries["query_id"])


def test_the_domain_is_an_easier_judgement_of_the_same_utterances(real_data: Path) -> None:
    folder = real_data / "mtop-xsemplr"
    options = {"languages": ["en", "th"], "per_language": 20, "split": "test-only"}
    by_intent = hbt.load_benchmark("mtop", folder, **options)
    by_domain = hbt.load_benchmark("mtop-domain", folder, **options)
    assert by_domain.name == "mtop-domain"
    assert set(by_intent.queries["query_id"]) <= set(by_domain.queries["query_id"])
    assert sorted(by_domain.passages["passage_id"]) == sorted(by_intent.passages["passage_id"])
    keys = ["query_id", "passage_id"]
    both = by_intent.judgements[keys].merge(by_domain.judgements[keys])
    assert len(both) == len(by_intent.judgements) < len(by_domain.judgements)
    assert set(by_domain.passages["label"]) - {"event or people"} == {
        *("alarm", "calling", "event", "messaging", "music", "news"),
        *("people", "recipes", "reminder", "timer", "weather"),
    }


def test_pairs_are_two_utterances_of_one_intent(real_data: Path) -> None:
    folder = real_data / "mtop-xsemplr"
    pairs = hbt.load_pairs("mtop", folder)
    held_out = hbt.load_pairs("mtop", folder, split="validation")
    assert (len(pairs), len(held_out)) == (2_512, 594)
    assert pairs.left_out == {"utterances whose intent no other one has": 13}
    ids = np.arange(len(pairs))
    for code in pairs.languages:  # every arm has every id in every language
        assert pairs.stands(ids, code, "query").all()
        assert pairs.stands(ids, code, "passage").all()
    english = [pairs.texts(ids, "en", role) for role in ("query", "passage")]
    assert not any(a == b for a, b in zip(*english, strict=True))
    rows = [json.loads(line) for line in (folder / "mtop.jsonl").open()]
    intents: dict[str, set[str]] = {}
    for row in rows:
        intents.setdefault(row["text"]["en"], set()).add(row["intent"])
    for query, passage, label in zip(*english, pairs.rows(ids)["label"], strict=True):
        assert label in intents[query] & intents[passage]
    trained, kept = (set(one.rows(range(len(one)))["id"]) for one in (pairs, held_out))
    assert not trained & kept
    test = hbt.load_benchmark("mtop", folder, split="validation")
    assert not trained & set(test.queries["question_id"])
    assert not trained & {id_.split(":", 1)[1] for id_ in test.passages["passage_id"]}


def test_utterances_of_one_intent_are_never_negatives(tmp_path: Path) -> None:
    layouts.mtop_own(tmp_path)
    pairs = hbt.load_pairs("mtop", tmp_path, languages=["de", "en"], utterances="train")
    assert pairs.left_out == {}
    labels = np.array(pairs.rows(range(len(pairs)))["label"])
    batch = hbt.BatchPlan(pairs, "x-y", batch_size=len(pairs), steps=1)[0]
    queries = pairs.texts(batch.ids, batch.query_languages, "query")
    passages = pairs.texts(batch.ids, batch.passage_languages, "passage")
    masked = answers(pairs, batch, queries, passages)
    assert set(labels[batch.ids]) == {"CREATE_ALARM", "PLAY_MUSIC"}
    assert (masked == (labels[batch.ids][:, None] == labels[batch.ids])).all()


def test_a_circle_of_partners(tmp_path: Path) -> None:
    layouts.mtop_parallel(tmp_path)
    pairs = hbt.load_pairs("mtop", tmp_path, languages=["de", "en"], utterances="test")
    assert len(pairs) == 4  # two intents with two utterances each: each meets the other
    english = [pairs.texts([0, 1], "en", role) for role in ("query", "passage")]
    assert english[0] == english[1][::-1]
    with pytest.raises(DataError, match="partners is 0; it is a number of utterances, 1 or more"):
        hbt.load_pairs("mtop", tmp_path, partners=0)
    with pytest.raises(DataError, match="no two utterances have one intent; give data= more"):
        hbt.load_pairs("mtop", tmp_path, languages=["de", "en"])
    with pytest.raises(DataError, match="no utterance of the split 'train' in 'en'"):
        hbt.load_pairs("mtop", tmp_path, languages=["en"], utterances="train")


def test_the_hub_s_files_give_no_pairs(tmp_path: Path) -> None:
    layouts.mtop(tmp_path)
    with pytest.raises(DataError, match="translations of each other, so there are no pairs; give"):
        hbt.load_pairs("mtop", tmp_path)


def test_mtop_s_own_files(tmp_path: Path) -> None:
    layouts.mtop_own(tmp_path)
    found = hbt.load_benchmark("mtop", tmp_path, languages=["de", "en"])
    assert found.queries["question_id"].nunique() == 8
    assert len(found.passages) == 14  # two ids have no German
    assert set(found.passages["label"]) == {"CREATE_ALARM", "PLAY_MUSIC"}
    by_domain = hbt.load_benchmark("mtop-domain", tmp_path, languages=["de", "en"])
    assert set(by_domain.passages["label"]) == {"alarm", "music"}
    file = tmp_path / "en" / "test.txt"
    file.write_text("1\tIN:PLAY_MUSIC\tplay\n")
    with pytest.raises(DataError, match=r"test\.txt, line 1: 3 columns instead of MTOP's 8; sep"):
        hbt.load_benchmark("mtop", tmp_path, languages=["en"])


def test_an_intent_of_no_known_domain_is_named(tmp_path: Path) -> None:
    line = {"id": 0, "split": "test", "text": {"en": "dance"}, "intent": "DANCE"}
    layouts.put_jsonl(tmp_path / "mtop.jsonl", [line])
    with pytest.raises(DataError, match="line 1: the domain of the intent 'DANCE' is not known"):
        hbt.load_benchmark("mtop-domain", tmp_path, languages=["en"])


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
