"""MTOP and XM3600: the protocols that are ours, on small files in mteb's layouts."""

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
    assert (
        found.judgements.groupby("query_id").size() == 4
    ).all()  # two utterances in each of two languages
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


def test_captions_of_one_image_are_relevant(tmp_path: Path) -> None:
    layouts.xm3600(tmp_path)
    found = hbt.load_benchmark("xm3600", tmp_path, languages=["de", "en"])
    assert len(found.queries) == 6
    assert found.queries["text"].tolist()[0] == "Ein Hund 0 0"
    assert not set(found.queries["text"]) & set(
        found.passages["text"]
    )  # a caption that asks is not in the pool
    table = found.judgements.merge(found.queries, on="query_id").merge(
        found.passages, on="passage_id"
    )
    assert (
        table["text_x"].str.split().str[-2] == table["text_y"].str.split().str[-2]
    ).all()  # of one image
    assert found.judgements.groupby("query_id").size().tolist() == [2, 2, 4, 4, 2, 2]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"image_id": "a", "captions": []}], "row 1: the image a has no caption"),
        ([{"image_id": "a", "captions": [None]}], "row 1: a caption is None, where a text belongs"),
        (
            [{"image_id": "a", "captions": ["x"]}] * 2,
            "row 2: the image 'a' stands twice, first in .* row 1",
        ),
        (
            [{"image_id": "a", "caption": ["x"]}],
            "lacks the column 'captions'; it has image_id, caption",
        ),
    ],
)
def test_wrong_rows_are_named(rows: list[layouts.Row], said: str, tmp_path: Path) -> None:
    layouts.put_parquet(tmp_path / "data" / "de-00000-of-00001.parquet", rows)
    with pytest.raises(DataError, match=said):
        hbt.load_benchmark("xm3600", tmp_path, languages=["de"])
