"""Your own data: BEIR's layout, TREC's files, pairs; in several languages and in two at once."""

from __future__ import annotations

from pathlib import Path

import layouts
import numpy as np
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    layouts.beir(tmp_path / "mine")
    return tmp_path / "mine"


def test_beir_s_layout_with_languages(folder: Path) -> None:
    found = hbt.load_benchmark("folder", folder)
    assert found.name == "mine"
    # Code-switched queries are a language of their own.
    assert found.languages == (
        "de",
        "en",
        "hi-en",
    )
    assert len(found.queries) == 9  # the query that only the training split judges is not asked
    assert found.passages["text"][0].startswith("Title 0 The river")
    assert found.queries.groupby("question_id").size().loc["q00"] == 2
    assert found.judgements.query("query_id == 'mixed'")["grade"].tolist() == [2, 0]
    assert hbt.load_benchmark("folder", folder, split="train").queries["query_id"].tolist() == [
        "train-only"
    ]
    assert hbt.load_benchmark("folder", folder, languages=["de"], called="other").languages == (
        "de",
    )


def test_trec_s_files(tmp_path: Path) -> None:
    layouts.trec(tmp_path / "trec")
    found = hbt.load_benchmark("folder", tmp_path / "trec")
    assert found.queries["language"].tolist() == ["en", "de"]
    assert found.judgements["grade"].tolist() == [1, 1, 2]


def test_one_language_for_all(tmp_path: Path) -> None:
    layouts.put(tmp_path / "queries.tsv", "1\tWho?\n")
    layouts.put_jsonl(tmp_path / "corpus.jsonl.gz", [{"_id": "a", "text": "She."}])
    layouts.put(tmp_path / "qrels.txt", "1 0 a 1\n")
    assert hbt.load_benchmark("folder", tmp_path, language="en").languages == ("en",)
    with pytest.raises(DataError, match="line 1: 2 columns instead of 3"):
        hbt.load_benchmark("folder", tmp_path)


def test_judged_queries_are_training_pairs(folder: Path) -> None:
    pairs = hbt.load_pairs("folder", folder, split="test")
    assert len(pairs) == 5
    assert pairs.texts([0], "de", "query") == ["Wo entspringt er?"]
    assert pairs.texts([0], "en", "passage")[0].startswith("Title 0 The river")
    # Two questions share a paragraph: never each other's negatives.
    assert len(set(pairs.keys(range(4), "passage"))) == 2


def test_several_relevant_passages_are_several_ids(tmp_path: Path) -> None:
    layouts.trec(tmp_path)
    layouts.put(
        tmp_path / "corpus.tsv", "a\ten\tIt rises.\nb\tde\tEr entspringt.\nc\ten\tIt springs.\n"
    )
    layouts.put(tmp_path / "qrels.txt", "1 0 a 1\n1 0 b 1\n1 0 c 1\n2 0 b 0\n")
    pairs = hbt.load_pairs("folder", tmp_path, split="test")
    assert [pairs.texts([i], "en", "passage")[0] for i in range(2)] == ["It rises.", "It springs."]
    assert len(set(pairs.keys([0, 1], "query"))) == 1


def test_pairs_of_one_s_own(tmp_path: Path) -> None:
    layouts.pairs(tmp_path)
    train, held_out = (
        hbt.load_pairs("folder", tmp_path, split=split) for split in ("train", "validation")
    )
    assert len(train) + len(held_out) == 60
    assert len(held_out) > 0
    passages = [set(p.texts(range(len(p)), "de", "passage")) for p in (train, held_out)]
    assert not passages[0] & passages[1]  # held out by passage


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        (
            "queries.jsonl",
            '{"_id": "q"}\n',
            "line 1: the field 'language' is missing; add it to each line, or give language=",
        ),
        (
            "queries.jsonl",
            '{"_id": "q", "language": "xx", "text": "a"}\n',
            "line 1: unknown language 'xx'",
        ),
        (
            "queries.jsonl",
            '{"_id": "q", "language": "hi-xx", "text": "a"}\n',
            "unknown language 'hi-xx'",
        ),
        (
            "queries.jsonl",
            '{"_id": "q", "language": "de", "text": ""}\n',
            "line 1: the field 'text' is empty",
        ),
        ("queries.jsonl", '{"_id": "q", "language": "de"', "line 1, column 30: not whole JSON"),
        (
            "queries.jsonl",
            '{"_id": "q", "language": "de", "text": "a"}\n' * 2,
            "line 2: the query id 'q' stands twice",
        ),
        (
            "corpus.jsonl",
            '{"_id": "p0-en", "language": "de", "text": " ", "title": ""}\n',
            "line 1: the passage is empty",
        ),
        (
            "qrels/test.tsv",
            "query-id\tcorpus-id\tscore\nq00-en\tp9\t1\n",
            r"test\.tsv, line 2: it judges the passage 'p9'",
        ),
        (
            "qrels/test.tsv",
            "query-id\tcorpus-id\tscore\nq9\tp0-en\t1\n",
            r"test\.tsv, line 2: it judges the query 'q9'",
        ),
        (
            "qrels/test.tsv",
            "query-id\tcorpus-id\tscore\nq00-en\tp0-en\n",
            r"line 2: 2 columns instead of 3 \(query-id",
        ),
        (
            "qrels/test.tsv",
            "query-id\tcorpus-id\tscore\nq00-en\tp0-en\t-1\n",
            "line 2: the score is '-1'",
        ),
        (
            "qrels/test.tsv",
            "query-id\tcorpus-id\tscore\n",
            "the split 'test' judges no passage relevant in any language",
        ),
    ],
)
def test_what_is_wrong_is_named(file: str, content: str, said: str, folder: Path) -> None:
    layouts.put(folder / file, content)
    with pytest.raises(DataError, match=said):
        hbt.load_benchmark("folder", folder)


def test_nothing_left_is_refused(folder: Path) -> None:
    layouts.put(folder / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore\nq00-de\tp0-en\t1\n")
    with pytest.raises(DataError, match="the split 'test' judges no passage relevant in de;"):
        hbt.load_benchmark("folder", folder, languages=["de"])
    with pytest.raises(
        ValueError, match=r"languages is 'de'; give a list of codes, \['de', 'en'\]"
    ):
        hbt.load_benchmark("folder", folder, languages="de")
    layouts.put(folder / "corpus.jsonl", "")
    with pytest.raises(DataError, match=r"corpus\.jsonl: no passage in it"):
        hbt.load_benchmark("folder", folder)
    layouts.put(folder / "qrels" / "test.tsv", "q00-de\tp0-en\t1\n")
    with pytest.raises(
        DataError,
        match=r"test\.tsv, line 1: three columns, but not BEIR's first line; begin the file with",
    ):
        hbt.load_benchmark("folder", folder)


def test_two_queries_of_one_question_and_language_are_both_trained_on(tmp_path: Path) -> None:
    layouts.put_jsonl(
        tmp_path / "queries.jsonl",
        [
            {"_id": i, "question_id": "same", "language": "de", "text": t}
            for i, t in enumerate(["Wo?", "An welchem Ort?"])
        ],
    )
    layouts.put_jsonl(tmp_path / "corpus.jsonl", [{"_id": "a", "language": "de", "text": "Hier."}])
    layouts.put(tmp_path / "qrels.txt", "0 0 a 1\n1 0 a 1\n")
    pairs = hbt.load_pairs("folder", tmp_path, split="test")
    assert pairs.texts([0, 1], "de", "query") == ["Wo?", "An welchem Ort?"]
    assert pairs.texts([0, 1], "de", "passage") == ["Hier.", "Hier."]
    assert len(set(pairs.keys([0, 1], "passage"))) == 1


def test_a_folder_without_data_is_named(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        DataError, match=r"has no queries\.jsonl \(or \.tsv, or \.gz of either\); it has nothing"
    ):
        hbt.load_benchmark("folder", tmp_path / "empty")
    with pytest.raises(DataError, match="is not a folder"):
        hbt.load_benchmark("folder", tmp_path / "nosuch")
    with pytest.raises(DataError, match="give data= the folder of your data"):
        hbt.load_benchmark("folder")
    with pytest.raises(
        DataError, match=r"no judgements of the split 'dev' .* it has test\.tsv, train\.tsv"
    ):
        hbt.load_benchmark("folder", folder, split="dev")


def test_batches_of_partly_parallel_pairs_hold_no_answer_twice(tmp_path: Path) -> None:
    layouts.pairs(tmp_path)
    given = hbt.load_pairs("folder", tmp_path)
    plan = hbt.BatchPlan(given, "x-y", batch_size=8, seed=0)
    for t in range(len(plan)):
        assert len(np.unique(plan[t].ids)) == len(plan[t].ids)
