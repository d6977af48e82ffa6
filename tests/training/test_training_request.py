"""An output folder belongs to one request: its pairs, its encoder and its options."""

from __future__ import annotations

import functools
import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from quick_training import QUICK, weights

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.training.trainer import train


def test_the_request_is_written_as_json(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    train(tiny_pairs, tiny_encoder_factory(), output=tmp_path, **QUICK)
    request = json.loads((tmp_path / "training.json").read_text())
    assert request["pairs"].startswith("tiny, 12 ids, ")
    assert request["steps"] == 24
    asked = [name for name in inspect.signature(train).parameters if name != "output"]
    assert list(request) == [name for name in asked if name not in ("label", "chunk_tokens")]


def test_a_folder_belongs_to_its_pairs_and_settings(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    train(
        tiny_pairs,
        tiny_encoder_factory(),
        output=tmp_path,
        validation=functools.partial(float_of, x=1),
        **QUICK,
    )
    train(
        tiny_pairs,
        tiny_encoder_factory(),
        output=tmp_path,
        validation=functools.partial(float_of, x=1),
        **QUICK,
    )
    mined = Pairs("tiny", tiny_pairs.dataset.add_column("negatives_aa", [["passage 3 in aa"]] * 12))
    other = tiny_encoder_factory()
    other.settings = other.settings._replace(query_prefix="")
    for pairs, encoder, said in (
        (mined, tiny_encoder_factory(), "pairs = "),
        (tiny_pairs, other, "encoder = "),
    ):
        with pytest.raises(ValueError, match=f"was begun with {said}"):
            train(
                pairs,
                encoder,
                output=tmp_path,
                validation=functools.partial(float_of, x=1),
                **QUICK,
            )


def float_of(encoder: Encoder, x: float) -> float:
    return x


def test_called_again_it_loads_and_another_request_is_refused(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    train(tiny_pairs, tiny_encoder_factory(), output=tmp_path, **QUICK)
    before = weights(tmp_path)
    train(tiny_pairs, tiny_encoder_factory(), output=tmp_path, **QUICK)
    assert weights(tmp_path) == before
    with pytest.raises(ValueError, match="was begun with steps = 24, now it is 25"):
        train(tiny_pairs, tiny_encoder_factory(), output=tmp_path, **{**QUICK, "steps": 25})
    by_name = train(tiny_pairs, tmp_path / "model", output=tmp_path / "more", **QUICK)
    again = train(tiny_pairs, tmp_path / "model", output=tmp_path / "more", **QUICK)
    np.testing.assert_array_equal(
        again.embed(["question 1 in aa"]), by_name.embed(["question 1 in aa"])
    )
