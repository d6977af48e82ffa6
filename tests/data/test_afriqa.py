"""AfriQA: questions in African languages, passages in their pivot language."""

from __future__ import annotations

import json
from pathlib import Path

import layouts
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError
from hbtlib.data.sets import afriqa

ASKED = {
    "train": {
        "bem": 228,
        "fon": 282,
        "ha": 223,
        "ig": 305,
        "rw": 214,
        "tw": 351,
        "yo": 247,
        "zu": 242,
    },
    "dev": {"bem": 235, "fon": 271, "ha": 222, "ig": 307, "rw": 230, "tw": 348, "zu": 242},
    "test": {
        "bem": 308,
        "fon": 386,
        "ha": 300,
        "ig": 409,
        "rw": 345,
        "sw": 295,
        "tw": 486,
        "yo": 253,
        "zu": 325,
    },
}


@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_afriqa_has_its_counts(split: str) -> None:
    found = hbt.load_benchmark("afriqa", split=split)
    counts = found.queries["language"].value_counts().to_dict()
    french = ASKED[split]["fon"]
    english = sum(ASKED[split].values()) - french
    assert counts == {**ASKED[split], "en": english, "fr": french}
    assert len(found.passages) == 6_151  # those of all splits
    assert set(found.passages["language"]) == {"en", "fr"}
    for language, count in ASKED[split].items():  # the docstring's table
        assert f"{count}" in afriqa.__doc__, language
    assert len(hbt.load_pairs("afriqa", split=split)) == english + french


def test_a_question_finds_its_passage_in_the_pivot_language(tmp_path: Path) -> None:
    layouts.afriqa(tmp_path)
    found = hbt.load_benchmark("afriqa", tmp_path)
    assert found.queries["language"].value_counts().to_dict() == {
        "en": 8,
        "fr": 4,
        "yo": 4,
        "sw": 4,
        "fon": 4,
    }
    table = found.judgements.merge(found.passages, on="passage_id").set_index("query_id")["text"]
    assert table["fon:test:3:fon"] == table["fon:test:3:fr"] == "fr: test 1."
    assert table["yo:test:0:yo"] == "en: test 0."
    assert found.passages["text"].nunique() == len(found.passages) == 12
    pairs = hbt.load_pairs("afriqa", tmp_path, split="validation")
    assert pairs.passage_languages == ("en", "fr")
    assert pairs.query_languages == ("en", "fon", "fr", "sw", "yo")


def own_files(folder: Path, *, flat: bool) -> None:
    """AfriQA's own layout: a JSON object a line, whatever the file's ending says."""
    for code, pivot in (("yor", "en"), ("fon", "fr")):
        for split in ("train", "test"):
            name = f"gold_span_passages.afriqa.{code}.{pivot}.{split}.json"
            layouts.put_jsonl(
                folder / ("" if flat else code) / name,
                [
                    {
                        "answer_pivot": {"answer_start": [0], "text": ["The"]},
                        "context": f"The {pivot} {split} {i}.",
                        "id": "0" if i == 2 else str(i),
                        "question_lang": f"{code} {i}?",
                        "question_translated": f"{pivot} {i}?" if i else "",
                        "title": "A",
                        "answer_lang": "b",
                    }
                    for i in range(3)
                ]
                + [{"context": " ", "id": "9", "question_lang": "a?"}],
            )


@pytest.mark.parametrize("flat", [True, False])
def test_afriqa_s_own_files_are_read(flat: bool, tmp_path: Path) -> None:
    own_files(tmp_path, flat=flat)
    languages = ["yo", "fon", "en", "fr"]
    pairs = hbt.load_pairs("afriqa", tmp_path, languages=languages)
    assert list(pairs.dataset["id"])[:3] == ["fon:train:0", "fon:train:1", "fon:train:0.2"]
    assert pairs.left_out == {afriqa.NO_PASSAGE: 4}
    assert not pairs.stands([0], "fr", "query")[0]  # its translation is blank
    assert pairs.texts([5], "yo", "query") == ["yor 2?"]
    assert pairs.texts([5], "en", "passage") == ["The en train 2."]
    found = hbt.load_benchmark("afriqa", tmp_path, languages=languages)
    assert len(found.passages) == 12
    assert found.queries["language"].value_counts().to_dict() == {
        "yo": 3,
        "fon": 3,
        "en": 2,
        "fr": 2,
    }
    assert found.left_out == {afriqa.NO_PASSAGE: 4}
    with pytest.raises(DataError, match=r"has no bem/gold_span_passages\.afriqa\.bem\.en\.test"):
        hbt.load_benchmark("afriqa", tmp_path)


def test_what_afriqa_lacks_is_named(tmp_path: Path) -> None:
    layouts.afriqa(tmp_path)
    with pytest.raises(DataError, match="afriqa has no split 'all'; it has train, dev, test"):
        hbt.load_pairs("afriqa", tmp_path, split="all")
    with pytest.raises(DataError, match="no id has a question and a passage in yo; passages are"):
        hbt.load_pairs("afriqa", tmp_path, languages=["yo"])
    with pytest.raises(DataError, match="nothing in 'fon' is left, because no id has it with"):
        hbt.load_pairs("afriqa", tmp_path, languages=["fon", "en"])
    with pytest.raises(DataError, match="nothing in 'sw' is left"):
        hbt.load_pairs("afriqa", tmp_path, languages=["sw", "yo", "en"])
    with pytest.raises(DataError, match="afriqa has no language 'de'; it has bem en"):
        hbt.load_benchmark("afriqa", tmp_path, languages=["de"])
    file = tmp_path / "pairs.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    layouts.put_jsonl(file, [row for row in rows if row["split"] != "dev"])
    with pytest.raises(DataError, match="no line of the split 'dev'; it has train, test"):
        hbt.load_pairs("afriqa", tmp_path, split="dev")
    del rows[1]["split"]
    layouts.put_jsonl(file, rows)
    with pytest.raises(DataError, match="line 2: the field 'split' is missing"):
        hbt.load_pairs("afriqa", tmp_path)
