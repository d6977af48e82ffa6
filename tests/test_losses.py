"""InfoNCE against plain numpy and against sentence-transformers' loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hbtlib.losses import info_nce


def unit(seed: int, *shape: int) -> torch.Tensor:
    rows = np.random.default_rng(seed).standard_normal(shape)
    return torch.from_numpy(rows / np.linalg.norm(rows, axis=-1, keepdims=True))


def by_hand(q: np.ndarray, p: np.ndarray, tau: float, same: np.ndarray, n: np.ndarray, same_n: np.ndarray) -> float:
    """The formula, one query and one passage at a time."""
    total = 0.0
    for i in range(len(q)):
        terms = [np.exp(q[i] @ p[j] / tau) for j in range(len(p)) if i == j or not same[i, j]]
        terms += [np.exp(q[i] @ n[j] / tau) for j in range(len(n)) if not same_n[i, j]]
        total -= np.log(np.exp(q[i] @ p[i] / tau) / sum(terms))
    return total / len(q)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.integers(1, 9), st.integers(0, 5), st.floats(0.02, 2), st.integers(0, 10_000))
def test_equals_the_formula(batch: int, hard: int, tau: float, seed: int) -> None:
    q, p, n = unit(seed, batch, 5), unit(seed + 1, batch, 5), unit(seed + 2, hard, 5)
    rng = np.random.default_rng(seed)
    same, same_n = rng.random((batch, batch)) < 0.3, rng.random((batch, hard)) < 0.3
    ours = info_nce(q, p, tau, same=torch.from_numpy(same), negatives=n, same_negatives=torch.from_numpy(same_n))
    assert ours.item() == pytest.approx(by_hand(q.numpy(), p.numpy(), tau, same, n.numpy(), same_n), abs=1e-9)


def test_equals_sentence_transformers() -> None:
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    q, p = unit(1, 8, 16), unit(2, 8, 16)
    peer = MultipleNegativesRankingLoss(model=None, scale=20.0)  # type: ignore[arg-type]
    theirs = peer.compute_loss_from_embeddings([q, p], labels=None)
    assert info_nce(q, p, 0.05).item() == pytest.approx(theirs.item(), abs=1e-9)


def test_gradients_are_those_of_finite_differences() -> None:
    q, p = unit(3, 4, 3).requires_grad_(), unit(4, 4, 3).requires_grad_()
    same = torch.zeros(4, 4, dtype=torch.bool)
    same[0, 1] = True
    assert torch.autograd.gradcheck(lambda a, b: info_nce(a, b, 0.5, same=same), (q, p))


def test_a_masked_passage_gets_no_push() -> None:
    q, p = unit(5, 3, 4), unit(6, 3, 4).requires_grad_()
    same = torch.zeros(3, 3, dtype=torch.bool)
    same[:, 2] = True  # passage 2 answers every query: only its own query may move it
    info_nce(q, p, 0.05, same=same).backward()
    alone = p.detach().clone().requires_grad_()
    (torch.nn.functional.cross_entropy(q[2:] @ alone.T / 0.05, torch.tensor([2])) / 3).backward()
    assert torch.allclose(p.grad[2], alone.grad[2])  # type: ignore[index]


@pytest.mark.parametrize("tau", [0, -1, float("nan")])
def test_refuses_a_temperature_that_is_none(tau: float) -> None:
    with pytest.raises(ValueError, match="temperature"):
        info_nce(unit(1, 2, 2), unit(2, 2, 2), tau)
