"""Training on top of a language-neutral map: its layer is saved, resumed and trained as others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import stopped
from quick_training import QUICK

import hbtlib as hbt
from hbtlib.data.pairs import Pairs
from hbtlib.encoders.erasure import METHODS


def neutral_encoder(pairs: Pairs, encoder: hbt.Encoder, method: str) -> hbt.Encoder:
    texts = {code: pairs.texts(range(len(pairs)), code, "passage") for code in pairs.languages}
    neutral = hbt.neutralise(encoder, texts, method)
    assert isinstance(neutral, hbt.Encoder)
    return neutral


@pytest.mark.filterwarnings("ignore:texts of .* is hardly nearer")
@pytest.mark.parametrize("method", METHODS)
def test_every_map_can_be_trained_killed_and_resumed(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, method: str
) -> None:
    start = neutral_encoder(tiny_pairs, tiny_encoder_factory(), method)

    def run(folder: str) -> hbt.Encoder:
        return hbt.train(tiny_pairs, start, output=tmp_path / folder, **QUICK)

    trained = run("whole")
    stopped(15, lambda: run("killed"))
    texts = tiny_pairs.texts(range(4), tiny_pairs.languages[0], "query")
    vectors = trained.embed(texts, "query")
    np.testing.assert_array_equal(run("killed").embed(texts, "query"), vectors)
    saved = hbt.Encoder.load(tmp_path / "whole" / "model", device="cpu")
    np.testing.assert_array_equal(saved.embed(texts, "query"), vectors)
    before, after = (e.layers[0].linear.weight for e in (start, trained))
    assert not np.array_equal(before.detach().numpy(), after.detach().numpy())
