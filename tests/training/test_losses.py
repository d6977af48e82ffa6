"""Every loss against plain numpy, and InfoNCE against sentence-transformers' loss too."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hbtlib.training.losses import (
    adversarial,
    clear,
    distillation,
    gradient_reversal,
    info_nce,
    language_contrastive,
    language_correlation,
    one_to_k,
    reversal_strength,
    semantic_contrastive,
)


def unit(seed: int, *shape: int) -> torch.Tensor:
    rows = np.random.default_rng(seed).standard_normal(shape)
    return torch.from_numpy(rows / np.linalg.norm(rows, axis=-1, keepdims=True))


def discriminator(width: int, languages: int, hidden: int) -> torch.nn.Sequential:
    return torch.nn.Sequential(
        torch.nn.Linear(width, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, languages)
    )


def by_hand(
    q: np.ndarray, p: np.ndarray, tau: float, same: np.ndarray, n: np.ndarray, same_n: np.ndarray
) -> float:
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
    ours = info_nce(
        q, p, tau, same=torch.from_numpy(same), negatives=n, same_negatives=torch.from_numpy(same_n)
    )
    assert ours.item() == pytest.approx(
        by_hand(q.numpy(), p.numpy(), tau, same, n.numpy(), same_n), abs=1e-9
    )


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


# The other losses: each against its formula in numpy, one term at a time, in value and gradient.


def log_share(terms: list[float], chosen: float) -> float:
    """log( e^chosen / Σ e^terms )."""
    return float(chosen - np.log(np.sum(np.exp(terms))))


def slope(f: Callable[[np.ndarray], float], at: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """Central differences of f at every entry."""
    found = np.zeros_like(at)
    for place in np.ndindex(*at.shape):
        for sign in (1, -1):
            moved = at.copy()
            moved[place] += sign * step
            found[place] += sign * f(moved) / (2 * step)
    return found


def agrees(
    ours: Callable[..., torch.Tensor], by_hand: Callable[..., float], *given: torch.Tensor
) -> None:
    """The torch loss has the value and the gradients of the numpy formula."""
    inputs = [g.clone().requires_grad_() for g in given]
    loss = ours(*inputs)
    loss.backward()
    arrays = [g.numpy() for g in given]
    assert loss.item() == pytest.approx(by_hand(*arrays), abs=1e-9)
    for i, tensor in enumerate(inputs):

        def alone(x: np.ndarray, i: int = i) -> float:
            return by_hand(*arrays[:i], x, *arrays[i + 1 :])

        assert tensor.grad is not None
        assert tensor.grad.numpy() == pytest.approx(slope(alone, arrays[i]), abs=1e-6)


def bools(seed: int, share: float, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) < share


def one_to_k_by_hand(
    q: np.ndarray, p: np.ndarray, tau: float, present: np.ndarray, same: np.ndarray
) -> float:
    total = 0.0
    for i in range(len(q)):
        forth = [
            q[i] @ p[j, k] / tau
            for j in range(len(q))
            for k in range(p.shape[1])
            if present[j, k] and (i == j or not same[i, j])
        ]
        for k in np.flatnonzero(present[i]):
            back = [q[j] @ p[i, k] / tau for j in range(len(q)) if i == j or not same[j, i]]
            chosen = q[i] @ p[i, k] / tau
            total -= (log_share(forth, chosen) + log_share(back, chosen)) / present[i].sum()
    return total / (2 * len(q))


@pytest.mark.parametrize("seed", range(6))
def test_one_to_k_equals_the_formula(seed: int) -> None:
    present, same = bools(seed, 0.6, 4, 3), bools(seed + 1, 0.3, 4, 4)
    present[np.arange(4), np.arange(4) % 3] = True
    agrees(
        lambda q, p: one_to_k(
            q, p, 0.3, present=torch.from_numpy(present), same=torch.from_numpy(same)
        ),
        lambda q, p: one_to_k_by_hand(q, p, 0.3, present, same),
        unit(seed, 4, 5),
        unit(seed + 9, 4, 3, 5),
    )


def test_one_to_k_of_one_is_info_nce_both_ways() -> None:
    q, p = unit(1, 6, 8), unit(2, 6, 8)
    expected = (info_nce(q, p, 0.1) + info_nce(p, q, 0.1)) / 2
    assert one_to_k(q, p[:, None], 0.1).item() == pytest.approx(expected.item(), abs=1e-12)


def test_one_to_k_reads_nothing_that_is_absent() -> None:
    q, p = unit(1, 3, 4), unit(2, 3, 2, 4)
    present = torch.tensor([[True, True], [True, False], [False, True]])
    holes = torch.where(present[..., None], p, torch.nan).requires_grad_()
    loss = one_to_k(q, holes, 0.2, present=present)
    loss.backward()
    assert loss.item() == pytest.approx(one_to_k(q, p, 0.2, present=present).item(), abs=1e-12)
    assert holes.grad is not None
    assert torch.isfinite(holes.grad).all()
    with pytest.raises(ValueError, match="query 1 has no passage"):
        one_to_k(q, p, present=torch.tensor([[True, True], [False, False], [True, True]]))


def semantic_by_hand(a: np.ndarray, b: np.ndarray, tau: float, same: np.ndarray) -> float:
    texts, n, total = np.concatenate([a, b]), len(a), 0.0
    for i in range(2 * n):
        own = (i + n) % (2 * n)
        terms = [
            texts[i] @ texts[j] / tau
            for j in range(2 * n)
            if j == own or (j % n != i % n and not same[i % n, j % n])
        ]
        total -= log_share(terms, texts[i] @ texts[own] / tau)
    return total / (2 * n)


@pytest.mark.parametrize("seed", range(4))
def test_semantic_contrastive_equals_the_formula(seed: int) -> None:
    same = bools(seed, 0.3, 4, 4)
    agrees(
        lambda a, b: semantic_contrastive(a, b, 0.3, same=torch.from_numpy(same)),
        lambda a, b: semantic_by_hand(a, b, 0.3, same),
        unit(seed, 4, 5),
        unit(seed + 9, 4, 5),
    )
    assert semantic_contrastive(unit(1, 3, 4), unit(2, 3, 4), 0.3).item() == pytest.approx(
        semantic_by_hand(unit(1, 3, 4).numpy(), unit(2, 3, 4).numpy(), 0.3, np.zeros((3, 3), bool)),
        abs=1e-9,
    )


def language_by_hand(a: np.ndarray, b: np.ndarray, others: np.ndarray, tau: float) -> float:
    found = []
    for r, i in np.ndindex(len(others), len(a)):
        near = [others[r] @ a[i] / tau, others[r] @ b[i] / tau]
        found.append(-(log_share(near, near[0]) + log_share(near, near[1])) / 2)
    return float(np.mean(found))


@pytest.mark.parametrize("seed", range(4))
def test_language_contrastive_equals_the_formula(seed: int) -> None:
    agrees(
        lambda a, b, x: language_contrastive(a, b, x, 0.3),
        lambda a, b, x: language_by_hand(a, b, x, 0.3),
        unit(seed, 3, 4),
        unit(seed + 9, 3, 4),
        unit(seed + 5, 5, 4),
    )


def test_language_contrastive_is_least_where_both_sides_are_as_near() -> None:
    a, b, x = unit(1, 4, 6), unit(2, 4, 6), unit(3, 7, 6)
    assert language_contrastive(a, a, x).item() == pytest.approx(np.log(2))
    assert language_contrastive(a, b, x).item() > np.log(2)


def correlation_by_hand(x: np.ndarray, languages: list[int], n_languages: int) -> float:
    """The formula, one entry and one language at a time."""
    n, width = x.shape
    total = 0.0
    for entry in range(width):
        for language in range(n_languages):
            y = [float(own == language) for own in languages]
            pairs = zip(x[:, entry] - x[:, entry].mean(), y - np.mean(y), strict=True)
            covariance = sum(a * b for a, b in pairs) / (n - 1)
            deviations = np.std(x[:, entry], ddof=1) * np.std(y, ddof=1)
            total += abs(covariance / (deviations + 1e-5))
    return total / (width * n_languages)


@pytest.mark.parametrize(
    "languages",
    [
        [0, 1, 2, 0, 1, 2],
        [0, 0, 0, 0, 2, 1],
        [2, 2, 0, 0, 2, 0],  # language 1 is absent
        [3, 0, 3, 3, 3, 0],  # two are absent
    ],
)
def test_language_correlation_equals_the_formula(languages: list[int]) -> None:
    n_languages = 4 if 3 in languages else 3
    agrees(
        lambda x: language_correlation(x, torch.tensor(languages), n_languages),
        lambda x: correlation_by_hand(x, languages, n_languages),
        unit(5, 6, 4),
    )


def test_language_correlation_is_what_numpy_calls_a_correlation() -> None:
    vectors, languages = unit(7, 40, 3), torch.arange(40) % 2
    found = [np.corrcoef(entry, languages.numpy())[0, 1] for entry in vectors.numpy().T]
    assert language_correlation(vectors, languages, 2).item() == pytest.approx(
        np.abs(found).mean(), rel=1e-3
    )
    assert language_correlation(vectors * 100, languages, 2).item() == pytest.approx(
        np.abs(found).mean(), rel=1e-5
    )


@pytest.mark.parametrize(
    ("vectors", "languages"),
    [
        (unit(1, 5, 3), [1, 1, 1, 1, 1]),  # one language
        (unit(1, 1, 3), [0]),  # one text
        (unit(1, 1, 3).repeat(4, 1), [0, 1, 0, 2]),  # the same vector for all
        (torch.zeros(4, 3, dtype=torch.float64), [0, 1, 0, 1]),
    ],
)
def test_without_anything_to_correlate_the_penalty_is_none(
    vectors: torch.Tensor, languages: list[int]
) -> None:
    given = vectors.clone().requires_grad_()
    loss = language_correlation(given, torch.tensor(languages), 3)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert given.grad is not None
    assert torch.isfinite(given.grad).all()


def test_language_correlation_is_none_where_every_language_has_the_same_mean() -> None:
    languages = torch.arange(12) % 3
    vectors = unit(2, 12, 4)
    means = torch.stack([vectors[languages == code].mean(0) for code in range(3)])
    assert language_correlation(vectors - means[languages], languages, 3).item() < 1e-9
    assert language_correlation(vectors, languages, 3).item() > 0.1


def test_descent_on_language_correlation_hides_the_languages() -> None:
    languages = torch.arange(30) % 3
    vectors = (unit(3, 30, 8) + unit(4, 3, 8)[languages]).requires_grad_()
    before = language_correlation(vectors, languages, 3).item()
    optimizer = torch.optim.SGD([vectors], 1.0)
    for _ in range(60):
        optimizer.zero_grad()
        language_correlation(vectors, languages, 3).backward()
        optimizer.step()
    assert language_correlation(vectors, languages, 3).item() < before / 5


def distillation_by_hand(v: np.ndarray, first: np.ndarray) -> float:
    return float(np.mean([1 - a @ b for a, b in zip(v, first, strict=True)]))


def test_distillation_is_one_minus_the_cosine_of_unit_vectors() -> None:
    first = unit(1, 5, 4)
    value = distillation(unit(2, 5, 4), first).item()
    by_hand = distillation_by_hand(unit(2, 5, 4).numpy(), first.numpy())
    assert value == pytest.approx(by_hand, abs=1e-12)
    assert distillation(first, first).item() == 0


def test_distillation_has_the_gradients_of_the_squared_distance() -> None:
    given = [unit(2, 5, 4) * 3, unit(1, 5, 4)]
    agrees(
        lambda v: distillation(v, given[1]),
        lambda v: float(((v - given[1].numpy()) ** 2).sum() / 10),
        given[0],
    )
    first = given[1].clone().requires_grad_()
    distillation(given[0].requires_grad_(), first).backward()
    assert first.grad is None


def clear_by_hand(
    q: np.ndarray,
    p: np.ndarray,
    t: np.ndarray,
    tau: float,
    alpha: float,
    beta: float,
    same: np.ndarray,
) -> float:
    total = 0.0
    for i in range(len(q)):
        left = [j for j in range(len(q)) if i == j or not (same[i, j] or same[j, i])]
        forth, back = [q[i] @ p[j] / tau for j in left], [p[i] @ t[j] / tau for j in left]
        mine = left.index(i)
        apart = sum(
            np.exp(log_share(back, x)) * (log_share(back, x) - log_share(forth, y))
            for x, y in zip(back, forth, strict=True)
        )
        total += (
            -(1 - alpha - beta) * log_share(forth, forth[mine])
            - alpha * log_share(back, back[mine])
            + beta * apart
        )
    return total / len(q)


@pytest.mark.parametrize("seed", range(4))
def test_clear_equals_the_formula(seed: int) -> None:
    same = bools(seed, 0.2, 4, 4)
    agrees(
        lambda q, p, t: clear(q, p, t, 0.3, alpha=0.3, beta=0.5, same=torch.from_numpy(same)),
        lambda q, p, t: clear_by_hand(q, p, t, 0.3, 0.3, 0.5, same),
        *(unit(seed + i, 4, 5) for i in range(3)),
    )


def test_clear_without_its_terms_is_info_nce() -> None:
    q, p, t = (unit(i, 5, 6) for i in range(3))
    assert clear(q, p, t, alpha=0, beta=0).item() == pytest.approx(info_nce(q, p).item(), abs=1e-9)
    for alpha, beta in ((-0.1, 0), (0.6, 0.6), (float("nan"), 0)):
        with pytest.raises(ValueError, match="weights"):
            clear(q, p, t, alpha=alpha, beta=beta)


@pytest.mark.parametrize("strength", [0.0, 0.3, 2.0])
def test_adversarial_turns_the_encoder_s_gradient_alone(strength: float) -> None:
    torch.manual_seed(0)
    judge = discriminator(5, 3, 7).double()
    w1, b1, w2, b2 = (p.detach().numpy() for p in judge.parameters())
    x, languages = unit(1, 6, 5), np.array([0, 1, 2, 2, 1, 0])

    def by_hand(x: np.ndarray, w2: np.ndarray) -> float:
        logits = np.maximum(x @ w1.T + b1, 0) @ w2.T + b2
        return -float(
            np.mean(
                [log_share(list(row), row[c]) for row, c in zip(logits, languages, strict=True)]
            )
        )

    vectors = x.clone().requires_grad_()
    loss = adversarial(judge, vectors, torch.from_numpy(languages), strength)
    loss.backward()
    assert loss.item() == pytest.approx(by_hand(x.numpy(), w2), abs=1e-9)
    assert vectors.grad is not None
    assert vectors.grad.numpy() == pytest.approx(
        -strength * slope(lambda v: by_hand(v, w2), x.numpy()), abs=1e-6
    )
    grads = [p.grad for p in judge.parameters()]
    assert grads[2].numpy() == pytest.approx(slope(lambda w: by_hand(x.numpy(), w), w2), abs=1e-6)  # type: ignore[union-attr]


def test_reversal_is_the_identity_forward() -> None:
    x = unit(1, 3, 4)
    assert torch.equal(gradient_reversal(x, 0.7), x)


def test_reversal_grows_from_0_towards_1() -> None:
    for p in (0.0, 0.01, 0.25, 0.5, 1.0):
        assert reversal_strength(p) == pytest.approx(2 / (1 + np.exp(-10 * p)) - 1, abs=1e-12)
    assert reversal_strength(0.5, gamma=2) == pytest.approx(2 / (1 + np.exp(-1)) - 1)
    with pytest.raises(ValueError, match="progress"):
        reversal_strength(1.2)


def test_the_adversary_takes_the_language_away() -> None:
    # Vectors are a meaning and a language. The map is trained against the judge alone, and must
    # drop the language.
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    languages = torch.from_numpy(rng.integers(0, 2, 200))
    texts = torch.from_numpy(rng.normal(size=(200, 4))).float()
    texts[:, 0] = 2.0 * (languages * 2 - 1)
    encoder, judge = torch.nn.Linear(4, 4, bias=False), discriminator(4, 2, 16)
    torch.nn.init.eye_(encoder.weight)
    optimizer = torch.optim.Adam([*encoder.parameters(), *judge.parameters()], 0.01)
    for step in range(300):
        vectors = torch.nn.functional.normalize(encoder(texts), dim=1)
        loss = adversarial(judge, vectors, languages, reversal_strength(step / 300))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    weight = encoder.weight.detach()
    assert weight[:, 0].norm() < 0.35 * weight[:, 1:].norm(dim=0).mean()


@pytest.mark.parametrize("loss", [one_to_k, semantic_contrastive, language_contrastive, clear])
def test_rivals_refuse_a_temperature_that_is_none(loss: Callable[..., torch.Tensor]) -> None:
    vectors = {
        one_to_k: [unit(1, 2, 3), unit(2, 2, 2, 3)],
        semantic_contrastive: [unit(1, 2, 3)] * 2,
    }
    with pytest.raises(ValueError, match="temperature"):
        loss(*vectors.get(loss, [unit(1, 2, 3)] * 3), 0)
