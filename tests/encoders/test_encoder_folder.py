"""The folder of an encoder: sentence-transformers gets the same vectors from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from encoder_cases import TEXTS
from safetensors.torch import load_file

from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.parts import Settings


@pytest.mark.parametrize("pooling", ["mean", "cls", "lasttoken"])
def test_the_folder_loads_in_sentence_transformers_with_the_same_vectors(
    tiny_encoder_factory: Any, tmp_path: Path, pooling: str
) -> None:
    from sentence_transformers import SentenceTransformer

    base = tiny_encoder_factory()
    encoder = Encoder(base.model, base.tokenizer, Settings(pooling=pooling, max_length=9)).eval()
    encoder.save(tmp_path)
    peer = SentenceTransformer(str(tmp_path), device="cpu")
    for role in ("query", "passage"):
        theirs = peer.encode(TEXTS, prompt_name=role)
        np.testing.assert_allclose(encoder.embed(TEXTS, role), theirs, atol=1e-6)
    again = Encoder.load(tmp_path, device="cpu")
    assert again.settings == encoder.settings
    np.testing.assert_array_equal(again.embed(TEXTS, "query"), encoder.embed(TEXTS, "query"))


def test_what_is_given_wins_over_what_is_saved(tiny_encoder_factory: Any, tmp_path: Path) -> None:
    tiny_encoder_factory().save(tmp_path)
    loaded = Encoder.load(
        tmp_path, pooling="cls", query_prefix="", normalize=False, max_length=5, device="cpu"
    )
    assert loaded.settings == Settings("cls", False, "", "Passage: ", 5)
    assert loaded.embed(["question 1 in aa 2 3"], "query").shape == (1, 32)


def test_a_plain_transformers_folder_gets_the_defaults(
    tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    base = tiny_encoder_factory()
    base.model.save_pretrained(tmp_path)
    base.tokenizer.save_pretrained(tmp_path)
    # 130 positions, of which RoBERTa's family leaves the first two out.
    with pytest.warns(UserWarning, match="assumes query_prefix='Query: '"):
        encoder = Encoder.load(tmp_path, device="cpu")
    assert encoder.settings == Settings(max_length=128)


@pytest.mark.parametrize("old", [False, True])
def test_dense_layers_come_and_go_as_sentence_transformers_has_them(
    tiny_encoder_factory: Any,
    tmp_path: Path,
    old: bool,
) -> None:
    """LaBSE's shape: the first token, dense layers, unit length.

    Once the dense weights are in a pickle, as they used to be.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import (
        Dense,
        Normalize,
        Pooling,
        Transformer,
    )

    tiny_encoder_factory().save(tmp_path / "base")
    torch.manual_seed(0)
    words = Transformer(str(tmp_path / "base"))
    dense = [Dense(32, 16), Dense(16, 8, activation_function=torch.nn.ReLU())]
    peer = SentenceTransformer(
        modules=[words, Pooling(32, pooling_mode="cls"), *dense, Normalize()], device="cpu"
    )
    peer.save(str(tmp_path / "peer"))
    if old:
        for file in (tmp_path / "peer").glob("*_Dense/model.safetensors"):
            torch.save(load_file(file), file.with_name("pytorch_model.bin"))
            file.unlink()
    ours = Encoder.load(tmp_path / "peer", device="cpu")
    assert (ours.dimension, ours.settings.pooling) == (8, "cls")
    np.testing.assert_allclose(ours.embed(TEXTS), peer.encode(TEXTS), atol=1e-6)
    ours.save(tmp_path / "ours")
    again = SentenceTransformer(str(tmp_path / "ours"), device="cpu")
    np.testing.assert_allclose(again.encode(TEXTS), peer.encode(TEXTS), atol=1e-6)
    np.testing.assert_array_equal(
        Encoder.load(tmp_path / "ours", device="cpu").embed(TEXTS), ours.embed(TEXTS)
    )


def test_a_module_that_is_not_known_is_refused(tiny_encoder_factory: Any, tmp_path: Path) -> None:
    tiny_encoder_factory().save(tmp_path)
    modules = json.loads((tmp_path / "modules.json").read_text())
    modules[2]["type"] = "sentence_transformers.models.LayerNorm"
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(
        ValueError, match=r"it has a module sentence_transformers\.models\.LayerNorm"
    ):
        Encoder.load(tmp_path)


def test_the_files_are_the_same_whether_texts_were_read_before_or_not(
    tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    encoder = tiny_encoder_factory()
    encoder.save(tmp_path / "before")
    encoder.embed(["a text", "another one, which is longer"], "query")
    encoder.save(tmp_path / "after")
    for file in (tmp_path / "before").iterdir():
        if file.is_file():
            assert file.read_bytes() == (tmp_path / "after" / file.name).read_bytes(), file.name
