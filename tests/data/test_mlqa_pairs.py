"""MLQA's pairs: their published counts, what they share with benchmarks, and wrong lines."""

from __future__ import annotations

from pathlib import Path

import layouts
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError
from hbtlib.data.overlap import overlap


@pytest.mark.usefixtures("real_data")
def test_mlqa_pairs_against_what_they_are_evaluated_on() -> None:
    train, held_out = (
        hbt.load_pairs("mlqa-pairs", split=split) for split in ("train", "validation")
    )
    assert (len(train), len(held_out)) == (9_186, 491)  # together 9,677
    assert len(hbt.load_pairs("mlqa-pairs", monolingual=True)) == 5_069
    hbt.check_disjoint(train, hbt.load_benchmark("xquad-r", languages=["de", "es", "zh"]))
    mlqa_r = hbt.load_benchmark("mlqa-r")
    assert len(overlap(train, mlqa_r)) == 7
    hbt.check_disjoint(hbt.leave_out(train, mlqa_r), mlqa_r)


@pytest.mark.usefixtures("real_data")
def test_mlqa_pairs_have_their_published_counts() -> None:
    both = [hbt.load_pairs("mlqa-pairs", split=split) for split in ("train", "validation")]
    of = {
        role: {
            code: sum(
                int((getattr(p, f"{role}_mask") >> p.languages.index(code) & 1).sum()) for p in both
            )
            for code in getattr(both[0], f"{role}_languages")
        }
        for role in ("query", "passage")
    }
    assert of["passage"] == {"es": 5_156, "zh": 5_011, "de": 4_414, "vi": 1_675}
    assert of["query"] == {
        "vi": 4_365,
        "ar": 4_252,
        "hi": 3_875,
        "de": 3_821,
        "es": 3_283,
        "zh": 3_128,
    }
    keys = [
        {
            p.texts([i], code, "passage")[0]
            for i in range(len(p))
            for code in p.passage_languages
            if p.passage_mask[i] >> p.languages.index(code) & 1
        }
        for p in both
    ]
    assert not keys[0] & keys[1]  # no paragraph of the held-out ids is trained on


@pytest.mark.usefixtures("real_data")
def test_the_held_out_pairs_are_a_benchmark() -> None:
    found = hbt.load_benchmark("mlqa-pairs")
    assert (len(found.queries), len(found.passages)) == (1_157, 721)
    assert not found.passages.duplicated(["language", "text"]).any()
    hbt.check_disjoint(hbt.load_pairs("mlqa-pairs"), found)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            '{"id": "1", "question": {}, "passage": {"de": "a"}}',
            "line 1, question: no text in any language",
        ),
        ('{"id": "1", "question": {"en": "a"}}', "line 1: the field 'passage' is missing"),
        (
            '{"id": "1", "question": {"xx": "a"}, "passage": {"de": "a"}}',
            "line 1, question: unknown language 'xx'",
        ),
        (
            '{"id": "1", "question": {"en": 3}, "passage": {"de": "a"}}',
            "line 1, question, en: the text is 3, where a text",
        ),
        ("", "it has no line"),
    ],
)
def test_wrong_lines_are_named(line: str, said: str, tmp_path: Path) -> None:
    layouts.put(tmp_path / "pairs.jsonl", line)
    with pytest.raises(DataError, match=said):
        hbt.load_pairs("mlqa-pairs", tmp_path)
    with pytest.raises(DataError, match="has no split 'dev'; it has train and validation"):
        hbt.load_pairs("mlqa-pairs", tmp_path, split="dev")
