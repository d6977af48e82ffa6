"""TyDiQA-GoldP's train split: repeated ids are numbered, and what it shares with dev is found."""

from __future__ import annotations

from pathlib import Path

import layouts
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.squad import number_repeated
from hbtlib.data.overlap import overlap, plain


def xtreme(folder: Path, split: str) -> None:
    """XTREME's files: ids are small numbers that repeat, within a language and across them."""
    for code, word in (("en", "River"), ("sw", "Mto")):
        paragraphs = [
            {
                "context": f"{word} {i}.",
                "qas": [
                    {
                        "id": id_,
                        "question": f"{word} {i}?",
                        "answers": [{"text": "x", "answer_start": 0}],
                    }
                ],
            }
            for i, id_ in enumerate(["12", "1", "12", "12"])
        ]
        layouts.put_json(
            folder / f"tydiqa.goldp.{code}.{split}.json",
            {"data": [{"paragraphs": [paragraph]} for paragraph in paragraphs]},
        )


def test_repeated_ids_of_train_are_numbered(tmp_path: Path) -> None:
    xtreme(tmp_path, "train")
    found = hbt.load_benchmark("tydiqa-goldp", tmp_path, split="train", languages=["en", "sw"])
    ids = ["12", "1", "12.2", "12.3"]
    assert found.queries["question_id"].tolist() == [f"{c}:{i}" for c in ("en", "sw") for i in ids]
    assert len(found.judgements) == 8  # nothing is parallel, whatever the ids say
    pairs = hbt.load_pairs("tydiqa-goldp", tmp_path, split="train", languages=["en", "sw"])
    assert len(pairs) == 8


def test_repeated_ids_of_dev_are_refused(tmp_path: Path) -> None:
    xtreme(tmp_path, "dev")
    with pytest.raises(DataError, match="the question id '12' stands twice"):
        hbt.load_benchmark("tydiqa-goldp", tmp_path, languages=["en", "sw"])


def test_a_number_that_is_an_id_already_is_not_given_again() -> None:
    name = number_repeated()
    given = [name(id_, "a file") for id_ in ["1", "1.2", "1", "1", "1.2"]]
    assert given == ["1", "1.2", "1.3", "1.4", "1.2.2"]


def test_both_real_layouts_of_train_give_the_same(real_data: Path) -> None:
    beir = hbt.load_benchmark("tydiqa-goldp", split="train", languages=["sw"])
    folder = real_data / "tydiqa-goldp-train" / "xtreme"
    own = hbt.load_benchmark("tydiqa-goldp", folder, split="train", languages=["sw"])
    assert len(beir.queries) == len(own.queries) == 2_755
    texts = [
        table.queries.set_index("question_id")["text"].map(plain).sort_index()
        for table in (beir, own)
    ]
    assert texts[0].equals(texts[1])  # BEIR's have single blanks where the files have two
    assert {plain(text) for text in beir.passages["text"]} == {
        plain(text) for text in own.passages["text"]
    }


@pytest.mark.slow
@pytest.mark.usefixtures("real_data")
def test_the_paragraphs_that_train_and_dev_share_are_found() -> None:
    train = hbt.load_pairs("tydiqa-goldp", split="train")
    assert (len(train), train.languages) == (8_076, ("en", "ko", "sw"))
    dev = hbt.load_benchmark("tydiqa-goldp", languages=list(train.languages))
    evaluated = {plain(text) for text in dev.passages["text"]}
    shared: dict[str, set[str]] = {"en": set(), "ko": set(), "sw": set()}
    found = overlap(train, dev)
    for language, texts in shared.items():
        ids = [i for i in found if train.stands([i], language, "passage")[0]]
        texts.update(map(plain, train.texts(ids, language, "passage")) if ids else [])
    counts = {language: len(texts & evaluated) for language, texts in shared.items()}
    assert counts == {"en": 0, "ko": 9, "sw": 63}
    clean = hbt.leave_out(train, dev)
    assert len(clean) == len(train) - len(found)
    hbt.check_disjoint(clean, dev)
