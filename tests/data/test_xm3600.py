"""XM3600: the protocol, which is ours, on small files in mteb's layout."""

from __future__ import annotations

from pathlib import Path

import layouts
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
