"""Belebele: questions are parallel by link and number."""

from __future__ import annotations

from pathlib import Path

import layouts
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError
from hbtlib.languages import TWENTY


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


def test_belebele_is_parallel_by_link_and_number(tmp_path: Path) -> None:
    layouts.belebele(tmp_path)
    found = hbt.load_benchmark("belebele", tmp_path, languages=["de", "en"])
    assert len(found.passages) == 4
    assert len(found.judgements) == 16
    row = found.judgements.merge(found.queries, on="query_id").query("text == 'Was lebt dort?'")
    texts = found.passages.set_index("passage_id").loc[row["passage_id"], "text"]
    assert sorted(text[:9] for text in texts) == ["Der Fluss", "The river"]
    with pytest.raises(DataError, match="no variant of 'xx' is known here"):
        hbt.load_benchmark("belebele", tmp_path, languages=["xx"])


@pytest.mark.parametrize("inside", ["", "data"])
def test_its_own_files_are_the_hub_s(tmp_path: Path, inside: str) -> None:
    layouts.belebele(tmp_path / "hub")
    layouts.belebele_own(tmp_path / "own" / inside)
    languages = ["de", "eng_Latn"]
    hub = hbt.load_benchmark("belebele", tmp_path / "hub", languages=languages)
    own = hbt.load_benchmark("belebele", tmp_path / "own", languages=languages)
    assert own.name == hub.name == "belebele"
    for table in ("queries", "passages", "judgements"):
        pd.testing.assert_frame_equal(getattr(own, table), getattr(hub, table))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"question_number": None}, "line 2: the question_number is None, where a whole number"),
        ({"question_number": "one"}, "line 2: the question_number is 'one', where a whole number"),
        (
            {"question_number": "1"},
            "line 2: the question 'link0#1' stands twice, first in .*line 1",
        ),
        ({"flores_passage": "?"}, "line 2: the link link0 had another passage further up"),
        ({"question": " "}, "line 2: the field 'question' is empty"),
        ({"link": 3}, "line 2: the field 'link' is 3, where a text belongs"),
    ],
)
def test_wrong_lines_are_named(change: layouts.Row, said: str, tmp_path: Path) -> None:
    first, second, *more = layouts.belebele_rows("de", "deu_Latn")
    layouts.put_jsonl(tmp_path / "deu_Latn.jsonl", [first, {**second, **change}, *more])
    with pytest.raises(DataError, match=said):
        hbt.load_benchmark("belebele", tmp_path, languages=["de"])


def test_missing_and_empty_files_are_named(tmp_path: Path) -> None:
    layouts.put(tmp_path / "deu_Latn.jsonl", "\n")
    with pytest.raises(DataError, match=r"deu_Latn\.jsonl: no question in it; download it again"):
        hbt.load_benchmark("belebele", tmp_path, languages=["de"])
    with pytest.raises(DataError, match=r"belebele: .* has no eng_Latn/test-.* deu_Latn\.jsonl"):
        hbt.load_benchmark("belebele", tmp_path, languages=["en"])


def test_the_passages_that_flores_holds(real_data: Path) -> None:
    found = hbt.load_benchmark("belebele", real_data / "belebele-flores20")
    assert found.name == "belebele-flores20"  # a part of Belebele, whose scores are not Belebele's
    assert found.languages == TWENTY
    assert found.passages["language"].value_counts().unique().tolist() == [178]
    assert found.queries["language"].value_counts().to_dict() == {"de": 313, "en": 313}
    assert found.queries["question_id"].nunique() == 313
    assert len(found.judgements) == 12_520
    some = hbt.load_benchmark("belebele", real_data / "belebele-flores20", languages=["de", "sw"])
    assert (len(some.queries), len(some.passages), len(some.judgements)) == (313, 356, 626)
    with pytest.raises(ValueError, match=r"has no language 'yue_Hant'; it has ar bn de"):
        hbt.load_benchmark("belebele", real_data / "belebele-flores20", languages=["yue_Hant"])
