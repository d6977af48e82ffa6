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


@pytest.mark.parametrize("ridge", [0.05, 0.5, 3.0])
def test_translations_are_the_posterior_mean_of_what_they_share(
    vectors: dict[str, np.ndarray], ridge: float
) -> None:
    stacked = np.stack(list(vectors.values()))
    shared = stacked.mean(0)
    between = np.cov(shared.T, bias=True)
    within = np.mean([np.cov((s - shared).T, bias=True) for s in stacked], axis=0)
    within += np.cov((stacked - shared).mean(1).T, bias=True)  # the languages' own shifts
    prior = between + ridge * np.trace(between + within) / WIDTH * np.eye(WIDTH)
    # The precisions of the prior and of one observation add up (Gaussian posterior).
    weight = np.linalg.inv(np.linalg.inv(prior) + np.linalg.inv(within)) @ np.linalg.inv(within)
    x = vectors["sw"]
    center = stacked.mean((0, 1))
    found = erasure.translations(vectors, ridge)(x)
    np.testing.assert_allclose(found, center + (x - center) @ weight.T, atol=1e-6)


def test_translations_bring_translations_together(vectors: dict[str, np.ndarray]) -> None:
    def apart(of: dict[str, np.ndarray]) -> float:
        stacked = np.stack(list(of.values()))
        return stacked.std(0).mean() / stacked.mean(0).std()

    mapped = {code: erasure.translations(vectors, 0.05)(found) for code, found in vectors.items()}
    assert apart(mapped) < 0.5 * apart(vectors)


def test_a_large_ridge_changes_nothing(vectors: dict[str, np.ndarray]) -> None:
    found = erasure.translations(vectors, 1e9)(vectors["de"])
    np.testing.assert_allclose(found, vectors["de"], atol=1e-5)


def test_centring_moves_the_mean_towards_zero(vectors: dict[str, np.ndarray]) -> None:
    fitted = erasure.leace(vectors)
    everything = np.concatenate(list(vectors.values()))
    before = fitted(everything).mean(0)
    after = erasure.centred(fitted, vectors, 0.75)(everything).mean(0)
    np.testing.assert_allclose(after, 0.25 * before, atol=1e-9)
    # Languages weigh the same, however many texts they have.
    more = {**vectors, "ar": np.concatenate([vectors["ar"]] * 3)}
    np.testing.assert_allclose(
        erasure.centred(fitted, more, 1).offset, erasure.centred(fitted, vectors, 1).offset
    )


def test_each_language_loses_its_own_mean(vectors: dict[str, np.ndarray]) -> None:
    maps = erasure.each_mean(vectors)
    everything = np.concatenate([vectors["de"], vectors["th"]])
    found = maps(everything, ["de"] * 200 + ["th"] * 200)
    np.testing.assert_allclose(found[:200], vectors["de"] - vectors["de"].mean(0))
    np.testing.assert_allclose(found[200:], vectors["th"] - vectors["th"].mean(0))


def test_lir_removes_each_languages_principal_directions(vectors: dict[str, np.ndarray]) -> None:
    from sklearn.decomposition import TruncatedSVD

    peer = TruncatedSVD(2, algorithm="arpack").fit(vectors["ar"])
    basis = peer.components_
    expected = vectors["ar"] - vectors["ar"] @ basis.T @ basis
    found = erasure.each_principal(vectors, 2)(vectors["ar"], ["ar"] * 200)
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_a_language_without_a_map_is_named(vectors: dict[str, np.ndarray]) -> None:
    message = "no map was fitted for fi, ko; there are maps for ar, de, sw, th"
    with pytest.raises(ValueError, match=message):
        erasure.each_mean(vectors)(np.ones((3, WIDTH)), ["ko", "de", "fi"])


def test_directions_without_variance_are_left_alone(vectors: dict[str, np.ndarray]) -> None:
    flat = {code: np.hstack([v, np.ones((200, 2))]) for code, v in vectors.items()}
    found = erasure.leace(flat)(flat["ar"])
    np.testing.assert_allclose(found[:, -2:], 1, atol=1e-6)
    assert np.isfinite(found).all()
