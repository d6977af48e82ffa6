"""The losses: InfoNCE, and those of the methods that hybrid batches are compared with.

Throughout, s(a, b) is the dot product of two unit vectors, τ is the temperature, B is the number of
pairs in a batch and d the width of the vectors. `same` means one thing everywhere: (B, B) bool,
True at (i, j) where passage j also answers query i (a duplicate or a translation of its passage),
so that it is no negative of it. Its diagonal is not read. The objectives
(`hbtlib.training.objectives`) put these losses together.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, softplus

from hbtlib.checks import check_number


def info_nce(
    queries: Tensor,
    passages: Tensor,
    temperature: float = 0.05,
    *,
    same: Tensor | None = None,
    negatives: Tensor | None = None,
    same_negatives: Tensor | None = None,
) -> Tensor:
    """InfoNCE: the cross-entropy of finding a query's passage among all passages of the batch.

    It is the mean over the queries i of ::

        −log( exp(s(qᵢ, pᵢ)/τ) / Σⱼ exp(s(qᵢ, pⱼ)/τ) )

    The sum runs over the passages of the batch and the hard negatives, less those that `same` and
    `same_negatives` leave out. The query's own passage is always in it.

    Args:
        queries: (B, d) unit vectors.
        passages: (B, d) unit vectors. Row i belongs to query i; the other rows are its in-batch
            negatives.
        temperature: τ, from 0.001 to 100 (`check_temperature`).
        same: (B, B) bool, True where passage j also answers query i and so is left out of the sum.
        negatives: (M, d) hard negatives, which every query sees.
        same_negatives: (B, M) bool, True where hard negative j answers query i and so is left out
            of the sum.

    Returns:
        The loss, a scalar.

    Raises:
        ValueError: if the temperature is out of bounds.

    Example:
        >>> import hbtlib as hbt, torch
        >>> vectors = torch.eye(2)
        >>> round(hbt.losses.info_nce(vectors, vectors, temperature=1.0).item(), 4)  # log(1 + 1/e)
        0.3133

    Source:
        van den Oord et al. 2018, equation 4; arXiv 2408.10536, equation 1, whose text has the
        in-batch negatives that its formula leaves out, and which prints no temperature.
    """
    scores = _scores(queries, passages, temperature, _off_diagonal(same))  # (B, B)
    if negatives is not None and len(negatives):
        hard = _scores(queries, negatives, temperature, same_negatives)  # (B, M)
        scores = torch.cat([scores, hard], dim=1)  # (B, B + M)
    own = torch.arange(len(queries), device=scores.device)
    return cross_entropy(scores, own)


def one_to_k(
    queries: Tensor,
    passages: Tensor,
    temperature: float = 0.05,
    *,
    present: Tensor | None = None,
    same: Tensor | None = None,
) -> Tensor:
    """One-to-K contrast: every translation of its passage is a query's positive, both ways.

    It is the mean over the queries i of ½ (forthᵢ + backᵢ), with ::

        forthᵢ = −1/Kᵢ Σₖ log( exp(s(qᵢ, pᵢₖ)/τ) / Σⱼₗ exp(s(qᵢ, pⱼₗ)/τ) )
        backᵢ  = −1/Kᵢ Σₖ log( exp(s(qᵢ, pᵢₖ)/τ) / Σⱼ  exp(s(qⱼ, pᵢₖ)/τ) )

    where pᵢₖ is the passage of query i in the k-th of its Kᵢ languages. These positives share the
    probability, so that forthᵢ is log Kᵢ at best. With K = 1 the loss is InfoNCE and its mirror
    image, halved.

    Args:
        queries: (B, d) unit vectors.
        passages: (B, K, d) unit vectors, the passage of each query in K languages.
        temperature: τ, from 0.001 to 100 (`check_temperature`).
        present: (B, K) bool, False where a passage does not exist in a language (nothing is then
            read there).
        same: (B, B) bool, as in `info_nce`, for all translations of a passage.

    Returns:
        The loss, a scalar.

    Raises:
        ValueError: if the temperature is out of bounds, or a query has no translation that is
            present.

    Source:
        CCRK (Nie et al. 2024, arXiv 2406.18254), after its authors' code
        (`get_unialign_contrastive_loss`), which divides backᵢ by Kᵢ once more; here both directions
        count the same, as in arXiv 2502.14627.
    """
    n_queries, n_languages = passages.shape[:2]
    if present is None:
        present = torch.ones(n_queries, n_languages, dtype=torch.bool)
    present = present.to(queries.device)
    if not present.any(1).all():
        without = int((~present.any(1)).nonzero()[0, 0])
        raise ValueError(f"query {without} has no passage: present is False in its whole row")

    left_out = _off_diagonal(same)
    if left_out is not None:
        left_out = left_out.repeat_interleave(n_languages, 1)  # (B, BK)
    every_passage = torch.where(present[..., None], passages, 0).flatten(0, 1)  # (BK, d)
    scores = _scores(queries, every_passage, temperature, left_out)  # (B, BK)

    own = torch.arange(n_queries, device=scores.device)
    by_language = (n_queries, n_languages)
    among_passages = scores.masked_fill(~present.flatten(), -torch.inf).log_softmax(1)
    among_queries = scores.log_softmax(0)
    forth = among_passages.unflatten(1, by_language)[own, own]  # (B, K)
    back = among_queries.unflatten(1, by_language)[own, own]  # (B, K)
    of_query = torch.where(present, forth + back, 0).sum(1) / present.sum(1)  # (B,)
    return -of_query.mean() / 2


def semantic_contrastive(
    first: Tensor, second: Tensor, temperature: float = 0.05, *, same: Tensor | None = None
) -> Tensor:
    """Contrast of parallel texts: each text finds its translation among all the texts.

    It is the mean over the 2N texts x of ::

        −log( exp(s(x, x′)/τ) / Σ_{y≠x} exp(s(x, y)/τ) )

    where x′ is the translation of x. The negatives of a text are all the others, of its own
    language and of the other.

    Args:
        first: (N, d) unit vectors.
        second: (N, d) unit vectors; row i translates row i of `first`.
        temperature: τ, from 0.001 to 100 (`check_temperature`).
        same: (N, N) bool, True at (i, j) where text j is no negative of text i, such as another
            question that the same passage answers (as in `info_nce`).

    Returns:
        The loss, a scalar.

    Raises:
        ValueError: if the temperature is out of bounds.

    Source:
        The semantic contrastive loss of Hu et al. 2023 (arXiv 2210.06633), which calls it regular
        contrastive learning on parallel sentences. Its equation could not be looked up: which texts
        are negatives is our reading.
    """
    texts = torch.cat([first, second])  # (2N, d)
    left_out = torch.eye(len(texts), dtype=torch.bool, device=texts.device)  # a text itself
    alike = _off_diagonal(same)  # (N, N)
    if alike is not None:
        left_out = left_out | alike.to(texts.device).repeat(2, 2)  # (2N, 2N)
    scores = _scores(texts, texts, temperature, left_out)  # (2N, 2N)
    translation = torch.arange(len(texts), device=scores.device).roll(len(first))
    return cross_entropy(scores, translation)


def language_contrastive(
    first: Tensor, second: Tensor, others: Tensor, temperature: float = 0.05
) -> Tensor:
    """Language contrast: every other text should lie as near to a sentence as to its translation.

    It is the mean over the texts r and the translated sentences i of ::

        −½ ( log σ(δ) + log σ(−δ) )    with  δ = (s(xᵣ, aᵢ) − s(xᵣ, bᵢ)) / τ

    Its least value is log 2, where δ is 0 everywhere. It says nothing of meaning, so it stands
    beside `semantic_contrastive`.

    Args:
        first: (N, d) unit vectors aᵢ.
        second: (N, d) unit vectors bᵢ, the translations of `first`.
        others: (M, d) unit vectors xᵣ of texts that need no translation.
        temperature: τ, from 0.001 to 100 (`check_temperature`).

    Returns:
        The loss, a scalar.

    Raises:
        ValueError: if the temperature is out of bounds.

    Source:
        The language contrastive loss of Hu et al. 2023 (arXiv 2210.06633), described there as
        removing what is specific to a language from sentences outside the parallel corpus. Its
        equation could not be looked up: the two-way softmax of each text over the two sides of each
        pair is our reading.
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
    """CLEAR: English passages are the bridge from English queries to their translations.

    With q the queries, p the passages and t the translated queries, it is ::

        (1 − α − β) InfoNCE(q → p) + α InfoNCE(p → t)
        + β meanᵢ KL( softmaxⱼ s(pᵢ, tⱼ)/τ ∥ softmaxⱼ s(qᵢ, pⱼ)/τ )

    Args:
        queries: (B, d) unit vectors of queries in English.
        passages: (B, d) unit vectors of their passages in English.
        translations: (B, d) unit vectors of the queries in another language, which the English
            passage looks for.
        temperature: τ, from 0.001 to 100 (`check_temperature`).
        alpha: α, the weight of the passages' search for the translated queries.
        beta: β, the weight of the divergence.
        same: (B, B) bool, as in `info_nce`, for both directions.

    Returns:
        The loss, a scalar.

    Raises:
        ValueError: if the temperature is out of bounds, or the weights are negative or sum to more
            than 1.

    Source:
        CLEAR (Lee et al. 2026, arXiv 2604.05821), after its authors' code (`CLEARLoss` with
        `kl_div`, α 0.4, β 0.2, scale 20), less its mined negatives. The paper's equations were not
        seen.
    """
    check_clear_weights(alpha, beta)
    left_out = _off_diagonal(same if same is None else same | same.T)
    forth = _scores(queries, passages, temperature, left_out).log_softmax(1)  # (B, B)
    back = _scores(passages, translations, temperature, left_out).log_softmax(1)  # (B, B)
    difference = back - forth
    if left_out is not None:  # both are −∞ there
        difference = difference.masked_fill(left_out.to(back.device), 0)
    divergence = (back.exp() * difference).sum(1).mean()
    return (
        -(1 - alpha - beta) * forth.diagonal().mean()
        - alpha * back.diagonal().mean()
        + beta * divergence
    )


def check_temperature(temperature: float) -> float:
    """Checks that a temperature lies within bounds where the loss means something.

    The scores of unit vectors are from −1 to 1, and in float32 they are right to about 1e-7. At
    0.001 the softmax is as good as a maximum: a score that is lower by 0.1 has e⁻¹⁰⁰ of the
    probability, which float32 cannot hold. Far below it rounding decides, and half precision
    overflows. At 100 all probabilities are alike to 2 %: the loss is log B whatever the vectors
    are, and the gradients vanish.

    Args:
        temperature: τ.

    Returns:
        τ.

    Raises:
        ValueError: if it is no number from 0.001 to 100.
    """
    try:
        return check_number("temperature", temperature, minimum=0.001, maximum=100)
    except ValueError as error:
        raise ValueError(f"{error} (0.05 is usual)") from None


def check_clear_weights(alpha: float, beta: float) -> None:
    """Raises ValueError if the weights of `clear` are negative or sum to more than 1."""
    if not (alpha >= 0 and beta >= 0 and alpha + beta <= 1):
        raise ValueError(
            f"alpha is {alpha}, beta {beta}: weights are 0 or more, and their sum is 1 at most"
        )


def gradient_reversal(x: Tensor, lambda_: float = 1.0) -> Tensor:
    """Returns x itself; its gradient is −λ times the one that comes back.

    Args:
        x: any tensor.
        lambda_: λ.

    Source:
        Ganin & Lempitsky 2015 (arXiv 1409.7495).
    """
    return x.detach() + lambda_ * (x.detach() - x)


def reversal_strength(progress: float, gamma: float = 10.0) -> float:
    """The strength λ of the gradient reversal, from 0 at the start to nearly 1 at the end.

    It is ::

        λ = 2 / (1 + exp(−γ p)) − 1

    Args:
        progress: p, the share of the training that is done, 0 to 1.
        gamma: γ, how fast λ rises.

    Raises:
        ValueError: if progress is not from 0 to 1.

    Source:
        Ganin & Lempitsky 2015 (arXiv 1409.7495).
    """
    if not 0 <= progress <= 1:
        raise ValueError(
            f"progress is {progress}; it is the share of the training that is done, 0 to 1"
        )
    return math.tanh(gamma * progress / 2)  # the same function


def adversarial(
    discriminator: torch.nn.Module, vectors: Tensor, languages: Tensor, lambda_: float = 1.0
) -> Tensor:
    """A discriminator learns to tell the vectors' languages, while the encoder learns to hide them.

    It is the discriminator's mean cross-entropy, which the discriminator learns to lower while the
    encoder, with the strength λ, learns to raise it. Added to the retrieval loss, one step trains
    both.

    Args:
        discriminator: a module from vectors (n, d) to one score a language (n, L).
        vectors: (n, d), a batch's queries, then its passages.
        languages: (n,), the number of each vector's language.
        lambda_: λ, the strength of the gradient reversal.

    Returns:
        The loss, a scalar.

    Source:
        Ganin & Lempitsky 2015 (arXiv 1409.7495), with languages for domains.
    """
    scores = discriminator(gradient_reversal(vectors, lambda_))  # (n, L)
    return cross_entropy(scores, languages.to(vectors.device))


def language_correlation(vectors: Tensor, languages: Tensor, n_languages: int) -> Tensor:
    """LANCER's penalty: how strongly each entry of the vectors tells each language, linearly.

    It is the mean over the d entries k and the L languages l of ::

        | cov(x·ₖ, y·ₗ) / (σ(x·ₖ) σ(y·ₗ) + 10⁻⁵) |

    where xᵢₖ is entry k of vector i, and yᵢₗ is 1 if its language is l and otherwise 0; covariance
    and standard deviations are those of the n vectors (divided by n − 1). At 0 no linear
    classifier of these vectors beats a constant guess. A language that none or all of the vectors
    are in counts with 0, for nothing can be correlated with it; so a batch of one language has
    the loss 0.

    Args:
        vectors: (n, d). Few of them correlate by chance: some .8/√n on average.
        languages: (n,), the number of each vector's language, from 0.
        n_languages: L, how many languages there are, in these vectors or not.

    Returns:
        The loss, a scalar.

    Source:
        LANCER (Huang, Yu, Ravfogel and Allan 2024, doi 10.18653/v1/2024.emnlp-main.736), after its
        authors' code (github.com/zhiqihuang/lancer, `dist_loss` of `train_mdpr_lancer_cor.py`),
        which adds it to the retrieval loss with the weight 1. The paper's equations were not seen.
    """
    if len(vectors) < 2:
        return vectors.sum() * 0
    labels = torch.nn.functional.one_hot(languages.to(vectors.device), n_languages)  # (n, L)
    labels = labels.to(vectors.dtype)
    spread = labels.std(0)
    told_apart = spread > 0  # by the others there is nothing to divide
    labels, spread = labels[:, told_apart], spread[told_apart]
    centred = vectors - vectors.mean(0)
    covariance = centred.T @ (labels - labels.mean(0)) / (len(vectors) - 1)  # (d, L told apart)
    # The square root of 0 has no gradient.
    deviation = vectors.var(0).clamp(min=torch.finfo(vectors.dtype).tiny).sqrt()  # (d,)
    correlation = covariance / (torch.outer(deviation, spread) + 1e-5)
    return correlation.abs().sum() / (vectors.shape[1] * n_languages)


def distillation(vectors: Tensor, first: Tensor) -> Tensor:
    """Keeps vectors near those of the encoder as it was before the training.

    It is the mean over the texts i of ::

        ½ ‖vᵢ − uᵢ‖²

    with vᵢ the vector of the encoder in training and uᵢ that of the first one. For unit vectors
    this is 1 − cos(vᵢ, uᵢ).

    Args:
        vectors: (n, d).
        first: (n, d), of the same texts; no gradient flows to them.

    Returns:
        The loss, a scalar.

    Source:
        The mean squared error of embeddings of Reimers and Gurevych 2020 (arXiv 2004.09813,
        equation 1; `MSELoss` in sentence-transformers divides by d where this divides by 2). Their
        teacher is another encoder; that the network's own first outputs are the teacher, so that
        training forgets less, is from Li and Hoiem 2017 (arXiv 1606.09282).
    """
    return (vectors - first.detach().to(vectors)).square().sum(1).mean() / 2


def _scores(a: Tensor, b: Tensor, temperature: float, left_out: Tensor | None = None) -> Tensor:
    """s(a, b)/τ for all rows of both, (n, m); −∞ where `left_out` takes it out of the sums."""
    check_temperature(temperature.item() if isinstance(temperature, Tensor) else temperature)
    scores = a @ b.T / temperature
    if left_out is None:
        return scores
    return scores.masked_fill(left_out.to(scores.device), -torch.inf)


def _off_diagonal(same: Tensor | None) -> Tensor | None:
    """`same` with False on its diagonal, because a query's own passage is always in the sum."""
    if same is None:
        return None
    return same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)
