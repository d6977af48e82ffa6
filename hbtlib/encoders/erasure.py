"""Affine maps that take language out of vectors, in closed form, fitted on a few hundred texts.

The functions take the vectors of some texts in several languages. `language_means`, `leace` and
`translations` return one map x ↦ Ax + b for all languages: what it is applied to needs no label of
its language. `each_mean` and `each_principal` return a map for each language, for those who know
which language a text is in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Vectors = Mapping[str, Floats]

METHODS = ("means", "leace", "translations")
"""The methods that need no labels, as `fit` calls them."""

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


def fit(
    vectors: Vectors,
    method: str = "leace",
    *,
    directions: int | None = None,
    ridge: float = 0.5,
    centre: float = 0.75,
) -> AffineMap:
    """Fits a map that needs no labels.

    Args:
        vectors: language → (n, d) vectors of its texts.
        method: "means" (`language_means`), "leace" or "translations".
        directions: for "means".
        ridge: for "translations".
        centre: the share of the mean of all vectors that is taken out besides (`centred`).

    Returns:
        The map.
    """
    if method == "means":
        found = language_means(vectors, directions)
    elif method == "leace":
        found = leace(vectors)
    else:
        found = translations(vectors, ridge)
    return centred(found, vectors, centre)


def language_means(vectors: Vectors, directions: int | None = None) -> AffineMap:
    """Projects out the directions in which the languages' means differ (LSAR).

    The subspace is that of Xie et al. (2024, arXiv 2401.05792, section 3, after Piratla et al.
    2020): the means are taken apart into a part that all languages have and a low-rank rest that is
    orthogonal to it; the rest's directions are projected out.

    Args:
        vectors: language → (n, d) vectors of its texts.
        directions: how many directions, at most one less than languages; None takes all these.

    Returns:
        The map; it is a projection, so its offset is zero.
    """
    means = np.stack(
        [np.asarray(v, np.float64).mean(0) for v in vectors.values()], axis=1
    )  # (d, L)
    most = means.shape[1] - 1
    rank = most if directions is None else min(directions, most)
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


def leace(vectors: Vectors) -> AffineMap:
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


def translations(vectors: Vectors, ridge: float = 0.5) -> AffineMap:
    """Keeps what a text's translations have in common, and shrinks where they differ.

    A vector is taken as x = u + e, where u is what the text says, the same in all its translations,
    and e what the language does to it. With B the covariance of the texts' means over their
    translations and W that of what is left, the best linear guess of u is the map below (the
    posterior mean of probabilistic linear discriminant analysis, Ioffe 2006, ECCV, section 3, with
    a text's translations as a class):

        x ↦ E[x] + (B + λI) (B + W + λI)⁻¹ (x − E[x])

    where λ is `ridge` times the mean variance of a dimension. The ridge leaves alone what the
    texts say nothing about: the larger it is, the nearer is the map to no change at all.

    Args:
        vectors: language → (n, d) vectors; row i of every language is a translation of one text.
        ridge: above 0; see above.

    Returns:
        The map.
    """
    stacked = np.stack([np.asarray(v, np.float64) for v in vectors.values()])  # (L, n, d)
    center = stacked.mean((0, 1))
    meanings = stacked.mean(0)
    between = np.cov(meanings.T, bias=True)
    apart = (stacked - meanings).reshape(-1, len(center))
    within = apart.T @ apart / len(apart)
    little = ridge * np.trace(between + within) / len(center) * np.eye(len(center))
    # Both covariances are symmetric, so the transposed solution is the product above.
    matrix = np.linalg.solve(between + within + little, between + little).T
    return AffineMap(matrix, center - matrix @ center)


def centred(fitted: AffineMap, vectors: Vectors, share: float) -> AffineMap:
    """Takes a share of the mean of all vectors out as well.

    What all vectors have in common makes every cosine larger and tells no text from another (Mu and
    Viswanath 2018, arXiv 1702.01417).

    Args:
        fitted: a map.
        vectors: language → (n, d) vectors, as they are before the map.
        share: how much of the mean is taken out, from 0 to 1.

    Returns:
        The map with another offset.
    """
    center = np.mean([np.asarray(v, np.float64).mean(0) for v in vectors.values()], axis=0)
    return AffineMap(fitted.matrix, fitted.offset - share * fitted(center))


class LanguageMaps(NamedTuple):
    """A map for each language, for texts whose language is known.

    Attributes:
        maps: language → map.
    """

    maps: dict[str, AffineMap]

    def __call__(self, vectors: Floats, languages: Sequence[str]) -> NDArray[np.float64]:
        """Maps vectors, (n, d) → (n, d), each with the map of its language.

        Raises:
            ValueError: for languages that no map was fitted for.
        """
        labels = np.asarray(languages)
        unknown = sorted(set(labels.tolist()) - set(self.maps))
        if unknown:
            raise ValueError(
                f"no map was fitted for {', '.join(unknown)}; there are maps for "
                f"{', '.join(sorted(self.maps))}"
            )
        mapped = np.asarray(vectors, np.float64).copy()
        for language in set(labels.tolist()):
            rows = labels == language
            mapped[rows] = self.maps[language](mapped[rows])
        return mapped


def each_mean(vectors: Vectors) -> LanguageMaps:
    """Subtracts each language's own mean (Libovický et al. 2020, arXiv 2004.05160, section 3).

    Args:
        vectors: language → (n, d) vectors of its texts.
    """
    means = {language: np.asarray(v, np.float64).mean(0) for language, v in vectors.items()}
    return LanguageMaps({code: AffineMap(np.eye(len(m)), -m) for code, m in means.items()})


def each_principal(vectors: Vectors, directions: int = 1) -> LanguageMaps:
    """Projects out each language's own first principal directions (LIR).

    Yang et al. (2021, arXiv 2109.04727, section 2): the left singular vectors of the matrix of a
    language's vectors, which are not centred, hold what all its texts share.

    Args:
        vectors: language → (n, d) vectors of its texts.
        directions: how many directions a language.
    """
    maps = {}
    for language, found in vectors.items():
        _, _, right = np.linalg.svd(np.asarray(found, np.float64), full_matrices=False)
        basis = right[:directions].T  # (d, directions)
        maps[language] = AffineMap(np.eye(len(basis)) - basis @ basis.T, np.zeros(len(basis)))
    return LanguageMaps(maps)


def _whitening(covariance: Floats) -> tuple[Floats, Floats]:
    """Σ^(−1/2) and Σ^(1/2); directions of hardly any variance are left out of both."""
    values, basis = np.linalg.eigh(covariance)
    kept = values > _TOLERANCE * values[-1]
    basis, roots = basis[:, kept], np.sqrt(values[kept])
    return (basis / roots) @ basis.T, (basis * roots) @ basis.T
