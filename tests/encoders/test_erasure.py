"""Maps that take language out, against other ways to compute them."""

import numpy as np
import pytest
import scipy.linalg
from sklearn.linear_model import LogisticRegression

from hbtlib.encoders import erasure

LANGUAGES = ("ar", "de", "sw", "th")
WIDTH = 12


@pytest.fixture(scope="module")
def vectors() -> dict[str, np.ndarray]:
    """Parallel texts: a meaning, a shift of the language, and noise that is not alike in all."""
    rng = np.random.default_rng(3)
    meaning = rng.normal(size=(200, WIDTH)) @ rng.normal(size=(WIDTH, WIDTH))
    noise = rng.normal(size=(WIDTH, WIDTH)) * np.linspace(0.05, 1, WIDTH)
    return {
        code: meaning + rng.normal(size=WIDTH) * 3 + rng.normal(size=(200, WIDTH)) @ noise
        for code in LANGUAGES
    }


def one_hot(vectors: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate(list(vectors.values())), np.repeat(np.eye(len(vectors)), 200, axis=0)


def test_leace_is_the_papers_formula(vectors: dict[str, np.ndarray]) -> None:
    x, z = one_hot(vectors)
    centred = x - x.mean(0)
    covariance = centred.T @ centred / len(x)
    cross = centred.T @ (z - z.mean(0)) / len(x)
    whiten = np.real(scipy.linalg.sqrtm(scipy.linalg.inv(covariance)))
    projection = whiten @ cross @ scipy.linalg.pinv(whiten @ cross)
    expected = x - centred @ (scipy.linalg.inv(whiten) @ projection @ whiten).T
    np.testing.assert_allclose(erasure.leace(vectors)(x), expected, atol=1e-8)


def test_leace_leaves_nothing_for_a_linear_classifier(vectors: dict[str, np.ndarray]) -> None:
    x, z = one_hot(vectors)
    labels = z.argmax(1)
    before = LogisticRegression(max_iter=2000).fit(x, labels).score(x, labels)
    mapped = erasure.leace(vectors)(x)
    after = LogisticRegression(max_iter=2000).fit(mapped, labels).score(mapped, labels)
    assert before > 0.95
    assert after < 0.3  # a guess is right one time in four
    means = [mapped[labels == i].mean(0) for i in range(4)]
    np.testing.assert_allclose(means, [x.mean(0)] * 4, atol=1e-9)


def test_leace_weighs_languages_the_same(vectors: dict[str, np.ndarray]) -> None:
    more = {**vectors, "ar": np.concatenate([vectors["ar"]] * 3)}
    np.testing.assert_allclose(erasure.leace(more).matrix, erasure.leace(vectors).matrix, atol=1e-9)


def test_means_project_out_what_tells_languages_apart(vectors: dict[str, np.ndarray]) -> None:
    found = erasure.language_means(vectors)
    np.testing.assert_allclose(found.matrix @ found.matrix, found.matrix, atol=1e-9)
    assert np.linalg.matrix_rank(found.matrix) == WIDTH - 3
    means = np.stack([found(v).mean(0) for v in vectors.values()])
    np.testing.assert_allclose(means, [means[0]] * 4, atol=1e-9)


def test_fewer_directions_are_those_of_the_largest_differences() -> None:
    shifts = np.zeros((3, WIDTH))
    shifts[0, 0], shifts[1, 1] = 9, 1  # languages differ mostly along the first axis
    base = np.full(WIDTH, 5.0)
    found = erasure.language_means(
        {c: (base + s)[None] for c, s in zip("abc", shifts, strict=True)}, 1
    )
    removed = np.linalg.svd(np.eye(WIDTH) - found.matrix)[0][:, 0]
    assert abs(removed[0]) > 0.9
    assert np.linalg.matrix_rank(np.eye(WIDTH) - found.matrix, tol=1e-9) == 1


@pytest.mark.parametrize("shrinkage", [0.0, 0.2, 1.0])
def test_translations_whiten_their_differences(
    vectors: dict[str, np.ndarray], shrinkage: float
) -> None:
    stacked = np.stack(list(vectors.values()))
    apart = (stacked - stacked.mean(0)).reshape(-1, WIDTH)
    within = apart.T @ apart / len(apart)
    within = (1 - shrinkage) * within + shrinkage * np.trace(within) / WIDTH * np.eye(WIDTH)
    expected = np.real(scipy.linalg.sqrtm(scipy.linalg.inv(within)))
    found = erasure.translations(vectors, shrinkage)
    scale = found.matrix[0, 0] / expected[0, 0]
    np.testing.assert_allclose(found.matrix, scale * expected, atol=1e-9)
    everything = stacked.reshape(-1, WIDTH)
    mapped = found(everything)
    assert mapped.var(0).sum() == pytest.approx(everything.var(0).sum())
    np.testing.assert_allclose(mapped.mean(0), 0, atol=1e-9)


def test_directions_without_variance_are_left_alone(vectors: dict[str, np.ndarray]) -> None:
    flat = {code: np.hstack([v, np.ones((200, 2))]) for code, v in vectors.items()}
    found = erasure.leace(flat)(flat["ar"])
    np.testing.assert_allclose(found[:, -2:], 1, atol=1e-6)
    assert np.isfinite(found).all()
