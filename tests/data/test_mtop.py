"""MTOP: the protocol, which is ours, on small files in mteb's layout."""

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
    # Two utterances in each of two languages.
    assert (found.judgements.groupby("query_id").size() == 4).all()
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
