"""Gradient caching: the gradients of one graph, dropout included, with one chunk in memory."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.checkpoint import checkpoint

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.sampling.plan import BatchPlan
from hbtlib.training.batches import PlanBatches, tokens_of
from hbtlib.training.losses import info_nce
from hbtlib.training.trainer import train


@pytest.fixture
def pairs_with_negatives() -> Pairs:
    codes = ("aa", "bb")
    texts = [
        [{c: f"{kind} {i} in {c}" + " passage 3" * (i % 4) for c in codes} for i in range(12)]
        for kind in ("question", "passage")
    ]
    negatives = {
        f"negatives_{c}": [[f"passage {j} in {c}" for j in (i, i + 1, i + 2)] for i in range(12)]
        for c in codes
    }
    return Pairs.from_texts("hard", *texts, **negatives)


def loss_of(inputs: dict[str, Any]) -> Any:
    return lambda vectors: info_nce(
        vectors["query"],
        vectors["passage"],
        same=inputs["same"],
        negatives=vectors["negative"],
        same_negatives=inputs["same_negatives"],
    )


def gradients(encoder: Encoder) -> dict[str, torch.Tensor]:
    found = {name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None}
    encoder.zero_grad()
    return found


@pytest.mark.parametrize("chunk_tokens", [1, 20, 60, 10_000])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_loss_gradients_and_random_state_are_those_of_one_graph(
    pairs_with_negatives: Pairs, tiny_encoder_factory: Any, chunk_tokens: int, dropout: float
) -> None:
    encoder = tiny_encoder_factory(dropout=dropout).train()
    inputs = PlanBatches(
        BatchPlan(pairs_with_negatives, "x-y", 0.5, 8, 0), None, encoder, None, chunk_tokens
    )[0]
    tokens = tokens_of(inputs)
    if chunk_tokens in (
        1,
        10_000,
    ):  # a chunk a text: 8 queries, 8 passages, 24 negatives; or one a role
        assert sum(len(part["chunks"]) for part in tokens.values()) == (
            40 if chunk_tokens == 1 else 3
        )
    torch.manual_seed(5)
    loss = loss_of(inputs)({role: encoder(part) for role, part in tokens.items()})
    loss.backward()
    plain, after = gradients(encoder), torch.get_rng_state()

    torch.manual_seed(5)
    ours = loss_of(inputs)({role: encoder(part, cached=True) for role, part in tokens.items()})
    assert torch.equal(torch.get_rng_state(), after)
    ours.backward()
    assert ours.item() == loss.item()
    cached = gradients(encoder)
    assert cached.keys() == plain.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(cached[name], gradient, atol=1e-5, rtol=1e-5, msg=name)
    assert (
        max(gradient.abs().max() for gradient in plain.values()) > 1e-2
    )  # there was something to compare


def test_without_the_replay_dropout_would_fall_elsewhere(
    pairs_with_negatives: Pairs, tiny_encoder_factory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the equality above is one that can fail."""
    encoder = tiny_encoder_factory(dropout=0.3).train()
    inputs = PlanBatches(
        BatchPlan(pairs_with_negatives, "x-y", 0.5, 8, 0), None, encoder, None, 60
    )[0]
    found = []
    for preserved in (True, False):
        monkeypatch.setattr(
            "hbtlib.encoders.encoder.checkpoint", partial(checkpoint, preserve_rng_state=preserved)
        )
        torch.manual_seed(5)
        loss_of(inputs)(
            {role: encoder(part, cached=True) for role, part in tokens_of(inputs).items()}
        ).backward()
        found.append(gradients(encoder))
    assert max(float((found[0][name] - found[1][name]).abs().max()) for name in found[0]) > 1e-3


def test_one_chunk_at_a_time_has_a_graph(
    pairs_with_negatives: Pairs, tiny_encoder_factory: Any
) -> None:
    encoder = tiny_encoder_factory().train()
    inputs = PlanBatches(
        BatchPlan(pairs_with_negatives, "x-y", 0.5, 8, 0), None, encoder, None, 30
    )[0]

    def peak(cached: bool) -> int:
        """Bytes allocated in the step at the worst moment."""
        with torch.profiler.profile(
            activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
        ) as profile:
            vectors = {
                role: encoder(part, cached=cached) for role, part in tokens_of(inputs).items()
            }
            loss_of(inputs)(vectors).backward()
        encoder.zero_grad()
        events = [
            event
            for event in profile.profiler.kineto_results.events()
            if event.name() == "[memory]"
        ]
        return int(
            np.cumsum(
                [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
            ).max()
        )

    peak(False)  # what is made once
    plain, cached = peak(False), peak(True)
    assert cached < 0.6 * plain, (cached, plain)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_training_ends_at_the_same_weights(
    pairs_with_negatives: Pairs, tiny_encoder_factory: Any, tmp_path: Path, precision: str
) -> None:
    """512 tokens a chunk is what the plain path has on a CPU, so that dropout falls alike."""
    made = []
    for chunk_tokens in (None, 512):
        folder = tmp_path / str(chunk_tokens)
        encoder = train(
            pairs_with_negatives,
            tiny_encoder_factory(dropout=0.2),
            output=folder,
            batch_size=8,
            steps=4,
            learning_rate=1e-3,
            log_every=1,
            precision=precision,
            chunk_tokens=chunk_tokens,
        )
        log = pd.read_parquet(folder / "training_log.parquet")
        made.append(
            (log, np.concatenate([p.detach().numpy().ravel() for p in encoder.parameters()]))
        )
    (plain_log, plain), (log, cached) = made
    tolerance = 1e-5 if precision == "fp32" else 1e-3
    np.testing.assert_allclose(log["loss"], plain_log["loss"], atol=tolerance)
    np.testing.assert_allclose(log["grad_norm"], plain_log["grad_norm"], rtol=20 * tolerance)
    np.testing.assert_allclose(cached, plain, atol=tolerance)
    assert log[["tokens", "padding"]].equals(plain_log[["tokens", "padding"]])


def test_the_log_says_the_share_of_padding(
    pairs_with_negatives: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    encoder = tiny_encoder_factory()
    whole = PlanBatches(
        BatchPlan(pairs_with_negatives, "x-y", 0.5, 8, 0), None, encoder, None, 10_000
    )
    masks = [
        chunk["attention_mask"]
        for t in (0, 1)
        for part in tokens_of(whole[t]).values()
        for chunk in part["chunks"]
    ]
    expected = 1 - sum(int(m.sum()) for m in masks) / sum(m.numel() for m in masks)
    assert expected > 0.1
    logs = {}
    for chunk_tokens in (1, 10_000):
        train(
            pairs_with_negatives,
            tiny_encoder_factory(),
            output=tmp_path / str(chunk_tokens),
            strategy="x-y",
            batch_size=8,
            steps=2,
            log_every=2,
            evaluate_every=2,
            chunk_tokens=chunk_tokens,
        )
        logs[chunk_tokens] = pd.read_parquet(
            tmp_path / str(chunk_tokens) / "training_log.parquet"
        ).iloc[-1]
    assert logs[10_000]["padding"] == pytest.approx(expected)
    assert logs[1]["padding"] == 0
    assert logs[1]["tokens"] == logs[10_000]["tokens"] == sum(int(m.sum()) for m in masks)


@pytest.mark.parametrize("wrong", [0, -5])
def test_refuses_a_chunk_of_no_tokens(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, wrong: int
) -> None:
    with pytest.raises(ValueError, match=f"chunk_tokens is {wrong}; it must be 1 or more"):
        train(
            tiny_pairs,
            tiny_encoder_factory(),
            output=tmp_path / "out",
            batch_size=4,
            chunk_tokens=wrong,
        )
    assert not (tmp_path / "out").exists()


def test_a_loss_that_is_not_finite_stops_before_the_gradients(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    encoder = tiny_encoder_factory()
    encoder.model.embeddings.word_embeddings.weight.data.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="the loss is nan at step 0"):
        train(tiny_pairs, encoder, output=tmp_path, batch_size=4, steps=3, chunk_tokens=20)
