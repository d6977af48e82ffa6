"""XM3600: the protocol, which is ours, on small files in mteb's layout."""

from __future__ import annotations

from pathlib import Path

import layouts
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError


def test_captions_of_one_image_are_relevant(tmp_path: Path) -> None:
    layouts.xm3600(tmp_path)
    found = hbt.load_benchmark("xm3600", tmp_path, languages=["de", "en"])
    assert len(found.queries) == 6
    assert found.queries["text"].tolist()[0] == "Ein Hund 0 0"
    # A caption that asks is not in the pool.
    assert not set(found.queries["text"]) & set(found.passages["text"])
    table = found.judgements.merge(found.queries, on="query_id").merge(
        found.passages, on="passage_id"
    )
    # Of one image.
    assert (table["text_x"].str.split().str[-2] == table["text_y"].str.split().str[-2]).all()
    assert found.judgements.groupby("query_id").size().tolist() == [2, 2, 4, 4, 2, 2]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"image_id": "a", "captions": []}], "row 1: the image 'a' has no caption"),
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


def test_google_s_own_file_is_the_hub_s(tmp_path: Path) -> None:
    layouts.xm3600(tmp_path / "hub")
    layouts.xm3600_googles(tmp_path / "own")
    for languages in (["de", "en"], ["en"]):
        hub = hbt.load_benchmark("xm3600", tmp_path / "hub", languages=languages)
        own = hbt.load_benchmark("xm3600", tmp_path / "own", languages=languages)
        for table in ("queries", "passages", "judgements"):
            pd.testing.assert_frame_equal(getattr(own, table), getattr(hub, table))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image/key": "b"}, "line 2: the image 'b' stands twice, first in .* line 1"),
        ({"image/key": ""}, "line 1: the field 'image/key' is empty"),
        ({"de": ["Ein Hund"]}, r"line 1, de: what stands there is \['Ein Hund'\], where a JSON"),
        ({"de": {"captions": ["Ein Hund"]}}, "line 1, de: the field 'caption' is missing"),
        ({"de": {"caption": "Ein Hund"}}, "line 1, de: the field 'caption' is 'Ein Hund', where a"),
        ({"de": {"caption": []}}, "line 1, de: the image 'a' has no caption; leave it out"),
        ({"de": {"caption": ["x", " "]}}, "line 1, de: a caption is empty"),
    ],
)
def test_wrong_lines_are_named(change: layouts.Row, said: str, tmp_path: Path) -> None:
    line = {"image/key": "a", "image/locale": "de", "de": {"caption": ["Ein Hund", "Hund"]}}
    layouts.put_jsonl(tmp_path / "captions.jsonl", [{**line, **change}, {**line, "image/key": "b"}])
    with pytest.raises(DataError, match=said):
        hbt.load_benchmark("xm3600", tmp_path, languages=["de"])


def test_what_the_file_lacks_is_named(tmp_path: Path) -> None:
    layouts.xm3600_googles(tmp_path)
    with pytest.raises(DataError, match="line 1: the image 'img0' has no captions in 'mi'; leave"):
        hbt.load_benchmark("xm3600", tmp_path, languages=["de", "mi"])
    layouts.put(tmp_path / "captions.jsonl", "")
    with pytest.raises(DataError, match=r"captions\.jsonl: no image in it; download it again"):
        hbt.load_benchmark("xm3600", tmp_path, languages=["de"])


def test_captions_of_one_image_are_pairs(tmp_path: Path) -> None:
    layouts.xm3600(tmp_path)
    languages = ["de", "en"]
    test = hbt.load_benchmark("xm3600", tmp_path, languages=languages)
    pairs = hbt.load_pairs("xm3600", tmp_path, languages=languages)
    images = set(pairs.dataset["id"])
    assert images <= set(test.queries["question_id"])
    query, passage = (pairs.texts([0], "en", role)[0] for role in ("query", "passage"))
    assert query in set(test.queries["text"])
    assert passage in set(test.passages["text"])
    with pytest.raises(ValueError, match="xm3600: split is 'test'"):
        hbt.load_pairs("xm3600", tmp_path, languages=languages, split="test")
