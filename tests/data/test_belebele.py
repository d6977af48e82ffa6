"""Belebele: questions are parallel by link and number."""

from __future__ import annotations

from pathlib import Path

import layouts
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError


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
