"""The published sets of questions and answers: what is read, what is left out, and bad rows."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import layouts
import pytest
import training_layouts

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.hub import Hub
from hbtlib.data.sets import entity_questions


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    return tmp_path / "cache" / "hbtlib"


def load(name: str, folder: Path, **options: Any) -> hbt.Pairs:
    if not folder.exists():
        training_layouts.SETS[name](folder)
    return hbt.load_pairs(name, folder, **options)


def first(pairs: hbt.Pairs) -> tuple[str, str]:
    return pairs.texts([0], "en", "query")[0], pairs.texts([0], "en", "passage")[0]


READ: dict[str, tuple[int, str, str, dict[str, int]]] = {
    "natural-questions": (3, "Who built it?", "Wren built it.", {"without a passage": 1}),
    "yahoo-answers": (4, "title 0", "Wren built it.", {}),
    "duorc": (
        2,
        "Who built it?",
        "The plot of the film, SelfRC.",
        {"without an answer in the plot": 1},
    ),
    "newsqa": (2, "Where is it?", "(CNN) -- Wren built it.", {"without an answer": 1}),
    "wikiqa": (
        3,
        "Who built it?",
        "train sentence 0.0.",
        {"questions that no sentence answers": 1},
    ),
    "entity-questions": (24, "Where was P106 born?", "Rome", {"without an answer": 1}),
    "mr-tydi": (3, "Who built it?", "It Wren built it.", {}),
    "mfaq": (3, "Question 0?", "Yes.", {"without a passage": 1}),
}


@pytest.mark.parametrize("name", READ)
def test_each_set_is_read_and_what_is_left_out_is_counted(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    count, question, passage, left_out = READ[name]
    pairs = load(name, tmp_path / name)
    assert (len(pairs), *first(pairs), pairs.left_out) == (count, question, passage, left_out)
    assert pairs.languages == ("en",)
    assert pairs.select([0]).left_out == left_out
    said = capsys.readouterr().out
    for reason, number in left_out.items():
        assert f"{name}: {count:,} ids; left out: {number} {reason}" in said
    ids = pairs.dataset["id"]
    assert len(set(ids)) == len(ids)
    hbt.BatchPlan(pairs, "en-en", batch_size=2)


@pytest.mark.parametrize("name", READ)
def test_the_arrow_file_is_made_once(
    name: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = first(load(name, tmp_path / name))
    made = {file: file.stat().st_mtime_ns for file in cache.rglob("*.arrow")}
    assert len(made) == 1
    module = hbt.data.catalog.CATALOG[name].module  # type: ignore[attr-defined]
    monkeypatch.setattr(module, "_read", print)  # it is not read again
    assert first(load(name, tmp_path / name)) == before
    assert {file: file.stat().st_mtime_ns for file in cache.rglob("*.arrow")} == made


@pytest.mark.parametrize("name", READ)
def test_other_languages_splits_and_missing_files_are_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    load(name, folder)
    with pytest.raises(DataError, match=f"{name} has no language 'de'; it has en"):
        load(name, folder, languages=["de"])
    with pytest.raises(DataError, match=f"{name} has no split 'everything'; it has train"):
        load(name, folder, split="everything")
    shutil.rmtree(folder)
    folder.mkdir()
    with pytest.raises(DataError, match=f"{name}: .* has no "):
        load(name, folder)


@pytest.mark.parametrize("name", READ)
def test_every_set_is_pinned(name: str) -> None:
    module = hbt.data.catalog.CATALOG[name].module  # type: ignore[attr-defined]
    [hub] = [value for value in vars(module).values() if isinstance(value, Hub)] or [None]
    revision = hub.revision if hub else entity_questions.PRINCETON.address.rpartition("/")[2]
    assert len(revision) == 40
    assert set(revision) <= set("0123456789abcdef")


def test_questions_and_passages_that_are_the_same_share_a_key(tmp_path: Path) -> None:
    pairs = load("wikiqa", tmp_path / "wikiqa")
    query, passage = (pairs.keys([0, 1, 2], role).tolist() for role in ("query", "passage"))
    assert query[1] == query[2] != query[0]  # the second question has two answers
    assert len(set(passage)) == 3


def test_hard_negatives_are_given_on_request(tmp_path: Path) -> None:
    assert not load("wikiqa", tmp_path / "wikiqa").has_negatives
    pairs = load("wikiqa", tmp_path / "wikiqa", negatives=2)
    assert pairs.negatives([0], "en") == [["train sentence 0.1.", "train sentence 0.2."]]
    assert pairs.left_out["with fewer than 2 negatives"] == 2  # of the question with two answers
    pairs = load("mr-tydi", tmp_path / "mr-tydi", negatives=1)
    assert pairs.negatives([0, 1], "en") == [["Another passage 0."]] * 2
    assert pairs.left_out == {"with fewer than 1 negatives": 1}
    with pytest.raises(DataError, match="mr-tydi: no pair is left"):
        load("mr-tydi", tmp_path / "mr-tydi", negatives=9)


def test_splits_and_versions(tmp_path: Path) -> None:
    assert len(load("wikiqa", tmp_path / "wikiqa", split="all")) == 9
    paraphrase = load("duorc", tmp_path / "duorc", version="ParaphraseRC")
    assert first(paraphrase)[1].endswith("ParaphraseRC.")
    with pytest.raises(DataError, match="duorc has no version 'Self'"):
        load("duorc", tmp_path / "duorc", version="Self")
    assert first(load("yahoo-answers", tmp_path / "y", asked="question"))[0] == "question 0"
    with pytest.raises(DataError, match="yahoo-answers has no query 'body'"):
        load("yahoo-answers", tmp_path / "y", asked="body")


def spoil_jsonl(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """Changes the second line of a file."""

    def spoil(file: Path) -> None:
        packed = file.suffix == ".gz"
        raw = gzip.decompress(file.read_bytes()) if packed else file.read_bytes()
        rows = [json.loads(line) for line in raw.decode().splitlines()]
        change(rows[1])
        layouts.put(file, "".join(json.dumps(row) + "\n" for row in rows))

    return spoil


def rows_of(*rows: dict[str, Any]) -> Callable[[Path], None]:
    return lambda file: layouts.put_parquet(file, rows)


TYDI = "mrtydi-v1.1-english/train.jsonl.gz"
BAD: list[tuple[str, str, Callable[[Path], None], str]] = [
    ("mfaq", "data/en/train.jsonl", spoil_jsonl(lambda r: r.pop("qa_pairs")), "line 2: the field"),
    (
        "mfaq",
        "data/en/train.jsonl",
        spoil_jsonl(lambda r: r["qa_pairs"].append("?")),
        r"line 2, pair 3: the pair is '\?', where a JSON object belongs",
    ),
    (
        "mfaq",
        "data/en/train.jsonl",
        spoil_jsonl(lambda r: r["qa_pairs"][0].update(answer=3)),
        r"line 2, pair 1: the field 'answer' is 3, where a text belongs",
    ),
    (
        "mfaq",
        "data/en/train.jsonl",
        spoil_jsonl(lambda r: r["qa_pairs"][0].update(answer="\ud800")),
        r"line 2, pair 1: the field 'answer' holds half of a character",
    ),
    ("mr-tydi", TYDI, spoil_jsonl(lambda r: r.pop("query")), r"line 2: the field 'query' is miss"),
    (
        "mr-tydi",
        TYDI,
        spoil_jsonl(lambda r: r.update(positive_passages={})),
        r"line 2: the field 'positive_passages' is \{\}, where a list belongs",
    ),
    (
        "mr-tydi",
        TYDI,
        lambda file: file.write_bytes(file.read_bytes()[:-20]),
        "cut off or damaged",
    ),
    (
        "natural-questions",
        f"pair/{training_layouts.PART}",
        rows_of({"query": "?", "passage": "a"}),
        "lacks the column 'answer'; it has query, passage",
    ),
    (
        "natural-questions",
        f"pair/{training_layouts.PART}",
        rows_of({"query": "?", "answer": 1}),
        r"row 1: the field 'answer' is 1, where a text belongs",
    ),
    (
        "duorc",
        f"SelfRC/{training_layouts.PART}",
        rows_of({"question_id": "a", "question": "?", "plot": "p", "no_answer": "no"}),
        r"row 1: the field 'no_answer' is 'no'",
    ),
    (
        "wikiqa",
        f"data/{training_layouts.PART}",
        rows_of({"question_id": "a", "question": "?", "answer": "p", "label": "yes"}),
        r"row 1: the label is 'yes', where a whole number",
    ),
    (
        "entity-questions",
        "dataset/train/P17.train.json",
        lambda file: layouts.put_json(file, {"question": "?"}),
        r"P17.train.json: the content is .* where a list belongs",
    ),
    (
        "entity-questions",
        "dataset/train/P17.train.json",
        lambda file: layouts.put_json(file, []),
        "no question in it",
    ),
]


@pytest.mark.parametrize(("name", "file", "spoil", "said"), BAD)
def test_bad_rows_are_named(
    name: str,
    file: str,
    spoil: Callable[[Path], None],
    said: str,
    tmp_path: Path,
    cache: Path,
) -> None:
    folder = tmp_path / name
    training_layouts.SETS[name](folder)
    spoil(folder / file)
    with pytest.raises(DataError, match=said) as caught:
        load(name, folder)
    assert "\n" not in str(caught.value)
    assert not list(cache.glob("*"))
    assert not list(cache.glob(".*")), "nothing half-made is left"
