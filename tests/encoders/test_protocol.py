"""Any object with the right `embed` can be searched with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

import hbtlib as hbt
from hbtlib.encoders.protocol import EncoderProtocol


class LetterCounts:
    """Counts letters; it inherits from nothing."""

    def embed(
        self, texts: Sequence[str], role: str, *, precision: str, progress: bool
    ) -> np.ndarray:
        assert role in ("query", "passage")
        return np.array([[text.count(letter) for letter in "abc"] for text in texts], np.float32)


def test_our_encoder_and_a_foreign_one_meet_it(tiny_encoder_factory: Any) -> None:
    assert isinstance(tiny_encoder_factory(), EncoderProtocol)
    assert isinstance(LetterCounts(), EncoderProtocol)
    assert not isinstance(object(), EncoderProtocol)


def test_a_foreign_encoder_ranks() -> None:
    queries = pd.DataFrame(
        {"query_id": ["q"], "question_id": ["q"], "language": ["en"], "text": ["ab"]}
    )
    passages = pd.DataFrame(
        {"passage_id": ["p1", "p2"], "language": ["en", "en"], "text": ["ccc", "aab"]}
    )
    judgements = pd.DataFrame({"query_id": ["q"], "passage_id": ["p2"], "grade": [1]})
    benchmark = hbt.Benchmark("tiny", queries, passages, judgements)
    ranks = hbt.rank(LetterCounts(), benchmark)
    assert set(ranks["rank"]) == {1}
    assert set(ranks["score"]) == {3.0}
