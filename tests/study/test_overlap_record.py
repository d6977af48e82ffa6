"""The overlap check before a training refuses or leaves out; the run folder says what it found."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.study.report import train


def pairs(*questions: str) -> hbt.Pairs:
    texts = [{"en": question} for question in questions]
    return hbt.Pairs.from_texts("mine", texts, [{"en": f"passage {i}"} for i in range(len(texts))])


ASKED = hbt.Benchmark(
    "asked",
    pd.DataFrame({"query_id": ["q"], "language": ["en"], "text": ["Who built it?"]}),
    pd.DataFrame({"passage_id": ["p"], "language": ["en"], "text": ["Wren."]}),
    pd.DataFrame({"query_id": ["q"], "passage_id": ["p"]}),
)


def test_what_is_held_is_left_out_and_written_down(tmp_path: Path) -> None:
    splits = {"train": pairs("Who built it?", "Why?"), "validation": pairs("When?")}
    kept, checked = train.without_overlap(splits, {"asked": ASKED}, "leave out")
    assert kept["train"].texts([0], "en", "query") == ["Why?"]
    assert kept["validation"] is splits["validation"]
    said = train.keep_overlap(checked, SimpleNamespace(done=False, path=tmp_path))  # type: ignore[arg-type]
    assert said == (
        "1 of the 2 ids of mine (train) holds what asked evaluates on; left out. "
        "None of the 1 id of mine (validation) holds what asked evaluates on."
    )
    written = json.loads((tmp_path / "overlap.json").read_text())["checked"]
    assert [(row["split"], row["ids"], row["query"], row["left_out"]) for row in written] == [
        ("train", 2, 1, 1),
        ("validation", 1, 0, 0),
    ]


def test_a_run_that_is_done_is_not_written_to(tmp_path: Path) -> None:
    _, checked = train.without_overlap({"train": pairs("Why?")}, {"asked": ASKED}, "refuse")
    train.keep_overlap(checked, SimpleNamespace(done=True, path=tmp_path))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_what_is_held_is_refused() -> None:
    splits = {"train": pairs("Who built it?", "Why?"), "validation": pairs("When?")}
    with pytest.raises(ValueError, match="1 of the 2 ids of the pairs 'mine' hold what 'asked'"):
        train.without_overlap(splits, {"asked": ASKED}, "refuse")
