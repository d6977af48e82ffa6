"""`hbt.rank` takes a SentenceTransformer: prompts, cosine, truncation, static embeddings, ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer

import hbtlib as hbt
from hbtlib.data.benchmark import Benchmark
from hbtlib.encoders.sentence_transformer import SentenceTransformerEncoder

TEXTS = ["question 1 in aa", "passage", "in in in in bb 3 4 5 question"]


@pytest.fixture
def saved(tiny_encoder_factory: Any, tmp_path: Path) -> tuple[hbt.Encoder, SentenceTransformer]:
    encoder = tiny_encoder_factory()
    encoder.save(tmp_path)
    return encoder, SentenceTransformer(str(tmp_path), device="cpu")


def small_benchmark() -> Benchmark:
    rows = [(f"{i}-{code}", f"q{i}", code) for code in ("aa", "bb") for i in range(4)]
    ids, questions, languages = zip(*rows, strict=True)
    table = pd.DataFrame({"question_id": questions, "language": languages})
    queries = table.assign(query_id=ids, text=[f"question {id_}" for id_ in ids])
    passages = table.assign(passage_id=ids, text=[f"passage {id_}" for id_ in ids])
    judgements = queries.merge(passages, on="question_id")[["query_id", "passage_id"]]
    return Benchmark("small", queries, passages, judgements)


def test_ranks_as_our_own_encoder_does(saved: tuple[hbt.Encoder, SentenceTransformer]) -> None:
    encoder, model = saved
    ours, theirs = hbt.rank(encoder, small_benchmark()), hbt.rank(model, small_benchmark())
    pd.testing.assert_frame_equal(ours, theirs, atol=1e-5)
    vectors = hbt.embed(model, small_benchmark(), store="")
    assert vectors[0].shape == (8, 32)


@pytest.mark.parametrize("names", [("document",), ("passage",), ("corpus",)])
def test_stored_prompts_are_used(
    saved: tuple[hbt.Encoder, SentenceTransformer], names: tuple[str]
) -> None:
    encoder, model = saved
    model.prompts = {"query": "Query: ", names[0]: "Passage: "}
    wrapped = SentenceTransformerEncoder(model)
    for role in ("query", "passage"):
        np.testing.assert_allclose(
            wrapped.embed(TEXTS, role), encoder.embed(TEXTS, role), atol=1e-5
        )
    difference = wrapped.embed(TEXTS, "query") - wrapped.embed(TEXTS, "passage")
    assert np.abs(difference).max() > 0.01
    model.prompts = {}
    np.testing.assert_array_equal(wrapped.embed(TEXTS, "query"), wrapped.embed(TEXTS, "passage"))


def test_truncated_vectors_have_unit_length(
    saved: tuple[hbt.Encoder, SentenceTransformer], tmp_path: Path
) -> None:
    encoder, _ = saved
    model = SentenceTransformer(str(tmp_path), device="cpu", truncate_dim=8)
    found = SentenceTransformerEncoder(model).embed(TEXTS)
    first = encoder.embed(TEXTS)[:, :8]
    np.testing.assert_allclose(
        found, first / np.linalg.norm(first, axis=1, keepdims=True), atol=1e-5
    )
    assert len(hbt.rank(model, small_benchmark())) == 32


def test_dot_products_keep_the_length(tiny_encoder_factory: Any, tmp_path: Path) -> None:
    encoder = tiny_encoder_factory()
    encoder.settings = encoder.settings._replace(normalize=False)
    encoder.save(tmp_path)
    model = SentenceTransformer(str(tmp_path), device="cpu")
    wrapped = SentenceTransformerEncoder(model)
    np.testing.assert_allclose(np.linalg.norm(wrapped.embed(TEXTS), axis=1), 1, atol=1e-5)
    model.similarity_fn_name = "dot"
    found = SentenceTransformerEncoder(model).embed(TEXTS)
    np.testing.assert_allclose(found, encoder.embed(TEXTS), atol=1e-4)
    assert not np.allclose(np.linalg.norm(found, axis=1), 1, atol=0.01)


def test_static_embeddings() -> None:
    """What model2vec makes: a vector for each token, and their mean for a text."""
    words = ["[UNK]", "question", "passage", *map(str, range(4)), "-", "aa", "bb"]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer.from_str(
        '{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,'
        '"pre_tokenizer":{"type":"Whitespace"},"post_processor":null,"decoder":null,"model":'
        '{"type":"WordLevel","unk_token":"[UNK]","vocab":'
        + str(vocabulary).replace("'", '"')
        + "}}"
    )
    weights = np.random.default_rng(0).normal(size=(len(words), 6)).astype(np.float32)
    model = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu"
    )
    found = SentenceTransformerEncoder(model).embed(["question 1"])[0]
    mean = weights[[vocabulary["question"], vocabulary["1"]]].mean(0)
    np.testing.assert_allclose(found, mean / np.linalg.norm(mean), atol=1e-6)
    assert len(hbt.rank(model, small_benchmark())) == 32


def test_onnx(saved: tuple[hbt.Encoder, SentenceTransformer], tmp_path: Path) -> None:
    pytest.importorskip("optimum.onnxruntime", reason="optimum-onnx is not installed")
    encoder, _ = saved
    model = SentenceTransformer(str(tmp_path), backend="onnx", device="cpu")
    wrapped = SentenceTransformerEncoder(model)
    np.testing.assert_allclose(wrapped.embed(TEXTS), encoder.embed(TEXTS), atol=1e-4)


def test_bad_requests(saved: tuple[hbt.Encoder, SentenceTransformer]) -> None:
    _, model = saved
    wrapped = SentenceTransformerEncoder(model)
    with pytest.raises(ValueError, match="role is 'document'"):
        wrapped.embed(TEXTS, "document")
    model.backend = "onnx"
    with pytest.raises(ValueError, match="precision is 'bf16', which the backend 'onnx' does not"):
        wrapped.embed(TEXTS, precision="bf16")
    model.similarity_fn_name = "euclidean"
    with pytest.raises(ValueError, match="similarity 'euclidean', and hbtlib ranks by dot"):
        hbt.rank(model, small_benchmark())
    with pytest.raises(ValueError, match="which has no method embed"):
        hbt.rank(SentenceTransformer, small_benchmark())  # type: ignore[arg-type]


def test_half_precision_is_another_computation(
    saved: tuple[hbt.Encoder, SentenceTransformer],
) -> None:
    encoder, model = saved
    wrapped = SentenceTransformerEncoder(model)
    half = wrapped.embed(TEXTS, precision="bf16")
    assert half.dtype == np.float32
    assert not np.array_equal(half, wrapped.embed(TEXTS))
    np.testing.assert_allclose(half, encoder.embed(TEXTS), atol=0.03)
