"""InfoNCE over in-batch negatives, and the objectives of the methods that training batches are compared with.
`same` means one thing throughout: see `info_nce`.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, softplus


def info_nce(
    queries: Tensor,
    passages: Tensor,
    temperature: float = 0.05,
    *,
    same: Tensor | None = None,
    negatives: Tensor | None = None,
    same_negatives: Tensor | None = None,
) -> Tensor:
    """Mean over the batch of −log( e^(s(qᵢ,pᵢ)/τ) / Σⱼ e^(s(qᵢ,pⱼ)/τ) ), s the dot product of unit vectors.

    queries, passages: (B, d); row i of one belongs to row i of the other, the other rows are its negatives. same: (B, B)
    bool, True at (i, j) where passage j also answers query i (a duplicate or a translation) and so is left out of the sum;
    the diagonal counts whatever stands there. negatives: (M, d) hard negatives, seen by every query, left out where
    `same_negatives` (B, M) says so. Returns a scalar.

    Source: van den Oord et al. 2018, eq. 4; arXiv 2408.10536, eq. 1, whose text has the in-batch negatives that the formula
    leaves out, and which prints no temperature. Raises ValueError for a temperature not above 0.
    """
    scores = _scores(queries, passages, temperature, _others(same))  # (B, B)
    if negatives is not None and len(negatives):
        scores = torch.cat(
            [scores, _scores(queries, negatives, temperature, same_negatives)], dim=1
        )  # (B, B + M)
    return cross_entropy(scores, torch.arange(len(queries), device=scores.device))


def one_to_k(
    queries: Tensor,
    passages: Tensor,
    temperature: float = 0.05,
    *,
    present: Tensor | None = None,
    same: Tensor | None = None,
) -> Tensor:
    """Every translation of its passage is a query's positive, in both directions; ½ (forth + back), means over i, with

    forthᵢ = −1/Kᵢ Σₖ log( e^(s(qᵢ,pᵢₖ)/τ) / Σⱼₗ e^(s(qᵢ,pⱼₗ)/τ) ) and
    backᵢ = −1/Kᵢ Σₖ log( e^(s(qᵢ,pᵢₖ)/τ) / Σⱼ e^(s(qⱼ,pᵢₖ)/τ) ).

    queries: (B, d); passages: (B, K, d), the passage of query i in K languages; present: (B, K) bool, False where it does
    not exist in one (nothing is then read there), Kᵢ the number of those that do. same: (B, B), as in `info_nce`, for all
    translations of a passage. The K positives share the probability, so that `forth` is log K at best. With K = 1 it is
    InfoNCE and its mirror image, halved. Returns a scalar.

    Source: CCRK (Nie et al. 2024, arXiv 2406.18254), after its authors' code (`get_unialign_contrastive_loss`), which
    divides `back` by K once more; here both directions count the same, as in arXiv 2502.14627. Raises ValueError for a
    temperature not above 0, and for a query none of whose translations is present.
    """
    size, translations = passages.shape[:2]
    there = torch.ones(size, translations, dtype=torch.bool) if present is None else present
    there, out = there.to(queries.device), _others(same)
    if not there.any(1).all():
        raise ValueError(
            f"query {int((~there.any(1)).nonzero()[0, 0])} has no passage: present is False in its whole row"
        )
    flat = torch.where(there[..., None], passages, 0).flatten(0, 1)  # (BK, d)
    scores = _scores(
        queries, flat, temperature, None if out is None else out.repeat_interleave(translations, 1)
    )  # (B, BK)
    own = torch.arange(size, device=scores.device)
    forth = (
        scores.masked_fill(~there.flatten(), -torch.inf)
        .log_softmax(1)
        .unflatten(1, (size, translations))[own, own]
    )
    back = scores.log_softmax(0).unflatten(1, (size, translations))[own, own]  # (B, K)
    of_each = torch.where(there, forth + back, 0).sum(1) / there.sum(1)  # (B,)
    return -of_each.mean() / 2


def semantic_contrastive(
    first: Tensor, second: Tensor, temperature: float = 0.05, *, same: Tensor | None = None
) -> Tensor:
    """Mean over the 2N texts x of −log( e^(s(x,x′)/τ) / Σ_{y≠x} e^(s(x,y)/τ) ), x′ the translation of x.

    first, second: (N, d), row i of one translates row i of the other; the negatives of a text are all the others, of its own
    language and of the other. same: (N, N), True at (i, j) where texts i and j say the same. Returns a scalar.

    Source: the semantic contrastive loss of Hu et al. 2023 (arXiv 2210.06633), which calls it regular contrastive learning
    on parallel sentences; its equation could not be looked up: which texts are negatives is our reading. Raises ValueError
    for a temperature not above 0.
    """
    texts, others = torch.cat([first, second]), _others(same)  # (2N, d), (N, N)
    itself = torch.eye(len(texts), dtype=torch.bool, device=texts.device)
    out = itself if others is None else itself | others.to(texts.device).repeat(2, 2)
    scores = _scores(texts, texts, temperature, out)  # (2N, 2N)
    return cross_entropy(scores, torch.arange(len(texts), device=scores.device).roll(len(first)))


def language_contrastive(
    first: Tensor, second: Tensor, others: Tensor, temperature: float = 0.05
) -> Tensor:
    """Every other text lies as near to a sentence as to its translation: mean over r and i of −½ (log σ(δ) + log σ(−δ)), δ =
    (s(xᵣ,aᵢ) − s(xᵣ,bᵢ))/τ.

    first, second: (N, d), aᵢ translated by bᵢ; others: (M, d), texts that need no translation. It is log 2 where δ is 0
    everywhere, its least value. It says nothing of meaning: it stands beside `semantic_contrastive`.

    Source: the language contrastive loss of Hu et al. 2023 (arXiv 2210.06633), described there as removing what is specific
    to a language from sentences outside the parallel corpus; its equation could not be looked up: the two-way softmax of
    each text over the two sides of each pair is our reading. Raises ValueError for a temperature not above 0.
    """
    delta = _scores(others, first, temperature) - _scores(others, second, temperature)  # (M, N)
    return (softplus(delta) + softplus(-delta)).flatten().sum() / 2 / delta.numel()


def clear(
    queries: Tensor,
    passages: Tensor,
    translations: Tensor,
    temperature: float = 0.05,
    *,
    alpha: float = 0.4,
    beta: float = 0.2,
    same: Tensor | None = None,
) -> Tensor:
    """(1 − α − β) InfoNCE(q → p) + α InfoNCE(p → t) + β mean over i of KL( softmaxⱼ s(pᵢ,tⱼ)/τ ∥ softmaxⱼ s(qᵢ,pⱼ)/τ ).

    queries, passages: (B, d), both in English, the bridge; translations: (B, d), the queries in another language, which the
    English passage looks for. same: (B, B), as in `info_nce`, for both directions. Returns a scalar.

    Source: CLEAR (Lee et al. 2026, arXiv 2604.05821), after its authors' code (`CLEARLoss` with `kl_div`, α 0.4, β 0.2,
    scale 20), less its mined negatives; the paper's equations were not seen. Raises ValueError for a temperature not above
    0, and for weights that are negative or sum to more than 1.
    """
    if not (alpha >= 0 and beta >= 0 and alpha + beta <= 1):
        raise ValueError(
            f"alpha is {alpha}, beta {beta}: weights are 0 or more, and their sum is 1 at most"
        )
    out = _others(same if same is None else same | same.T)
    forth = _scores(queries, passages, temperature, out).log_softmax(1)  # (B, B)
    back = _scores(passages, translations, temperature, out).log_softmax(1)
    apart = (
        back - forth if out is None else (back - forth).masked_fill(out.to(back.device), 0)
    )  # there both are −∞
    divergence = (back.exp() * apart).sum(1).mean()
    return (
        -(1 - alpha - beta) * forth.diagonal().mean()
        - alpha * back.diagonal().mean()
        + beta * divergence
    )


def gradient_reversal(x: Tensor, lambda_: float = 1.0) -> Tensor:
    """x itself; its gradient is −λ times the one that comes back (Ganin & Lempitsky 2015, arXiv 1409.7495)."""
    return x.detach() + lambda_ * (x.detach() - x)


def reversal_strength(progress: float, gamma: float = 10.0) -> float:
    """λ = 2 / (1 + e^(−γp)) − 1, from 0 at the training's start (p = 0) to nearly 1 at its end (Ganin & Lempitsky 2015).
    Raises ValueError for a progress that is no share of the training.
    """
    if not 0 <= progress <= 1:
        raise ValueError(
            f"progress is {progress}; it is the share of the training that is done, 0 to 1"
        )
    return math.tanh(gamma * progress / 2)  # the same function


def adversarial(
    discriminator: torch.nn.Module, vectors: Tensor, languages: Tensor, lambda_: float = 1.0
) -> Tensor:
    """The discriminator's mean cross-entropy, which it learns to lower while the encoder, λ times, learns to raise it.
    vectors: (n, d), a batch's queries, then its passages; languages: (n,), the number of each one's language. Added to the
    retrieval loss, one step trains both. Source: Ganin & Lempitsky 2015 (arXiv 1409.7495), with languages for domains.
    """
    return cross_entropy(
        discriminator(gradient_reversal(vectors, lambda_)), languages.to(vectors.device)
    )


def _scores(a: Tensor, b: Tensor, temperature: float, out: Tensor | None = None) -> Tensor:
    """s(a,b)/τ for all rows of both, (n, m); −∞ where `out` (n, m) leaves it out of every sum."""
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; it must be above 0 (0.05 is usual)")
    scores = a @ b.T / temperature
    return scores if out is None else scores.masked_fill(out.to(scores.device), -torch.inf)


def _others(same: Tensor | None) -> Tensor | None:
    """`same` without its diagonal."""
    return (
        None if same is None else same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)
    )
