"""Affine maps that take language out of vectors, in closed form, fitted on a few hundred texts.

Every function here takes the vectors of some texts in several languages and returns a map
x ↦ Ax + b, the same for every language: what it is applied to needs no label of its language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

_TOLERANCE = 1e-6  # of the largest eigenvalue: directions with less variance are left as they are


class AffineMap(NamedTuple):
    """The map x ↦ Ax + b.

    Attributes:
        matrix: A, (d, d).
        offset: b, (d,).
    """

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]

    def __call__(self, vectors: Floats) -> NDArray[np.float64]:
        """Maps vectors, (n, d) → (n, d)."""
        return np.asarray(vectors, np.float64) @ self.matrix.T + self.offset


def language_means(vectors: Mapping[str, Floats], directions: int | None = None) -> AffineMap:
    """Projects out the directions in which the languages' means differ (LSAR).

    The subspace is that of Xie et al. (2024, arXiv 2401.05792, section 3, after Piratla et al.
    2020): the means are taken apart into a part that all languages have and a low-rank rest that is
    orthogonal to it; the rest's directions are projected out.

    Args:
        vectors: language → (n, d) vectors of its texts.
        directions: how many directions, from 1 to one less than languages; None takes all these.

    Returns:
        The map; it is a projection, so its offset is zero.
    """
    means = np.stack(
        [np.asarray(v, np.float64).mean(0) for v in vectors.values()], axis=1
    )  # (d, L)
    rank = means.shape[1] - 1 if directions is None else directions
    common = means.mean(1, keepdims=True)
    left, singular, right = np.linalg.svd(means - common, full_matrices=False)
    low_rank = (left[:, :rank] * singular[:rank]) @ right[:rank] + common
    # What all languages have: the one vector whose product with every language's mean is the same.
    shared = np.linalg.pinv(low_rank).T @ np.ones(means.shape[1])
    shared /= shared @ shared
    left, _, _ = np.linalg.svd(low_rank - shared[:, None], full_matrices=False)
    basis = left[:, :rank]  # (d, rank)
    matrix = np.eye(len(means)) - basis @ basis.T
    return AffineMap(matrix, np.zeros(len(means)))


def leace(vectors: Mapping[str, Floats]) -> AffineMap:
    """Erases what any linear classifier could tell of the language, changing as little as it can.

    Least-squares concept erasure (Belrose et al. 2023, arXiv 2306.03819, theorem 4.3): with W the
    whitening of all vectors and P the orthogonal projection on the columns of W Σ_xz (z the
    language), x ↦ x − W⁺ P W (x − E[x]). All languages weigh the same, however many texts they
    have.

    Args:
        vectors: language → (n, d) vectors of its texts.

    Returns:
        The map. After it all languages have the same mean.
    """
    parts = [np.asarray(v, np.float64) for v in vectors.values()]
    means = np.stack([part.mean(0) for part in parts])  # (L, d)
    center = means.mean(0)
    within = np.mean([np.cov(part.T, bias=True) for part in parts], axis=0)
    covariance = within + np.cov(means.T, bias=True)
    whiten, unwhiten = _whitening(covariance)
    left, singular, _ = np.linalg.svd(whiten @ (means - center).T, full_matrices=False)
    basis = left[:, singular > _TOLERANCE * singular[0]]
    erased = unwhiten @ basis @ basis.T @ whiten
    return AffineMap(np.eye(len(center)) - erased, erased @ center)


def translations(vectors: Mapping[str, Floats], shrinkage: float = 0.1) -> AffineMap:
    """Shrinks the directions in which translations of one text differ (parallel texts are needed).

    Within-class covariance normalisation (Hatch, Kajarekar and Stolcke 2006, Interspeech, section
    3), with a text's translations as a class: x ↦ W^(−1/2) (x − E[x]), where W is the mean
    covariance of a text's translations about their mean, shrunk towards a multiple of the identity.

    Args:
        vectors: language → (n, d) vectors; row i of every language is a translation of one text.
        shrinkage: from 0 (the covariance as it is) to 1 (the identity: nothing but centring).

    Returns:
        The map. Its scale is such that the total variance stays as it is.
    """
    stacked = np.stack([np.asarray(v, np.float64) for v in vectors.values()])  # (L, n, d)
    center = stacked.mean((0, 1))
    apart = (stacked - stacked.mean(0)).reshape(-1, stacked.shape[2])
    within = apart.T @ apart / len(apart)
    size = np.trace(within) / len(within)
    within = (1 - shrinkage) * within + shrinkage * size * np.eye(len(within))
    whiten, _ = _whitening(within)
    everything = (stacked - center).reshape(-1, stacked.shape[2])
    matrix = whiten * np.sqrt(everything.var(0).sum() / (everything @ whiten.T).var(0).sum())
    return AffineMap(matrix, -matrix @ center)


def _whitening(covariance: Floats) -> tuple[Floats, Floats]:
    """Σ^(−1/2) and Σ^(1/2); directions of hardly any variance are left out of both."""
    values, basis = np.linalg.eigh(covariance)
    kept = values > _TOLERANCE * values[-1]
    basis, roots = basis[:, kept], np.sqrt(values[kept])
    return (basis / roots) @ basis.T, (basis * roots) @ basis.T
