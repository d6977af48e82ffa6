"""The saturating power law: known laws are found again, and scipy's least squares agrees."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from hbtlib.evaluation import power_law

SIZES = np.array([1e4, 4e4, 1.5e5, 6e5, 2e6])


def law(sizes: np.ndarray, ceiling: float, gap: float, exponent: float) -> np.ndarray:
    return ceiling - gap * (sizes / SIZES.min()) ** -exponent


@pytest.mark.parametrize(
    ("ceiling", "gap", "exponent"),
    [(0.8, 0.5, 0.3), (0.5, 0.45, 1.2), (0.3, -0.2, 0.5), (1.0, 0.9, 0.05)],
)
def test_a_known_law_is_found_again(ceiling: float, gap: float, exponent: float) -> None:
    found = power_law.fit(SIZES, law(SIZES, ceiling, gap, exponent))
    assert found.ceiling[0] == pytest.approx(ceiling, abs=0.01)
    assert found.gap[0] == pytest.approx(gap, abs=0.01)
    assert found.exponent[0] == pytest.approx(exponent, rel=0.02)
    far = np.array([1e7, 1e9])
    assert found.at(far)[0] == pytest.approx(law(far, ceiling, gap, exponent), abs=2e-3)


def test_scipy_finds_no_better_law() -> None:
    rng = np.random.default_rng(5)
    for _ in range(4):
        scores = law(SIZES, 0.6, 0.4, 0.4) + rng.normal(0, 0.02, len(SIZES))
        ours = power_law.fit(SIZES, scores)
        own_error = ((ours.at(SIZES)[0] - scores) ** 2).sum()
        theirs, _ = scipy.optimize.curve_fit(
            law, SIZES, scores, p0=(0.6, 0.4, 0.4), bounds=([0, -10, 0.01], [1, 10, 3])
        )
        their_error = ((law(SIZES, *theirs) - scores) ** 2).sum()
        assert own_error <= their_error * 1.001 + 1e-9


def test_a_ceiling_stays_a_score() -> None:
    # Growth by a tenth each decade has no ceiling below 1 that these points would show.
    straight = 0.1 + 0.1 * np.log10(SIZES / SIZES.min())
    found = power_law.fit(SIZES, straight)
    assert found.ceiling[0] <= 1
    assert found.at([1e30])[0, 0] <= 1
    falling = power_law.fit(SIZES, straight[::-1])
    assert falling.ceiling[0] >= 0
    assert falling.gap[0] < 0


def test_equal_scores_give_a_flat_law() -> None:
    found = power_law.fit(SIZES, np.full(len(SIZES), 0.4))
    assert found.at([1e4, 1e12])[0] == pytest.approx([0.4, 0.4], abs=1e-6)


def test_samples_are_fitted_as_if_alone() -> None:
    rng = np.random.default_rng(1)
    scores = law(SIZES, 0.7, 0.5, 0.3) + rng.normal(0, 0.02, (4, len(SIZES)))
    together = power_law.fit(SIZES, scores)
    for i, own in enumerate(scores):
        alone = power_law.fit(SIZES, own)
        assert alone.exponent[0] == together.exponent[i]
        assert alone.at([1e9])[0, 0] == pytest.approx(together.at([1e9])[i, 0])


@pytest.mark.parametrize("noise", [0.01, 0.03])
def test_the_band_holds_the_law_that_made_the_data(noise: float) -> None:
    # 200 data sets of a known law, five sizes, three seeds, questions in pairs: the 95 %
    # band holds the true value in 95 % of them (88 % if seeds were drawn with replacement), and is
    # wider at a thousandfold size than at the sizes seen.
    rng = np.random.default_rng(0)
    far = np.array([SIZES[0], SIZES[-1], 1000 * SIZES[-1]])
    truth = law(far, 0.6, 0.4, 0.5)
    unit = np.arange(160) // 2
    inside, wider = np.zeros(3), 0
    for trial in range(200):
        seeds = law(SIZES, 0.6, 0.4, 0.5)[None, :, None] + rng.normal(0, noise, (1, 5, 3))
        questions = seeds[..., None] + rng.normal(0, 0.04, 80)[unit]
        drawn = power_law.resampled([questions], [unit], samples=200, seed=trial)[:, 0]
        low, high = power_law.band(power_law.fit(SIZES, drawn).at(far))
        inside += (low <= truth) & (truth <= high)
        wider += high[2] - low[2] > high[1] - low[1]
    assert (inside >= 182).all()  # below by chance once in a hundred
    assert (inside <= 199).all()
    assert wider >= 150


def test_questions_of_a_unit_are_drawn_together() -> None:
    scores = np.random.default_rng(4).random(30)
    once = np.broadcast_to(scores, (1, 3, 1, 30))
    thrice = np.repeat(once, 3, axis=-1)
    unit = np.repeat(np.arange(30), 3)
    of_units = power_law.resampled([thrice], [unit], samples=4000)[:, 0, 0]
    assert of_units.std() == pytest.approx(scores.std() / np.sqrt(30), rel=0.05)
    alone = power_law.resampled([thrice], [np.arange(90)], samples=4000)[:, 0, 0]
    assert alone.std() == pytest.approx(scores.std() / np.sqrt(90), rel=0.05)


def test_draws_are_paired_and_centred_on_the_means() -> None:
    rng = np.random.default_rng(3)
    one = rng.random((1, 4, 3, 50))
    parts = [np.concatenate([one, one + 0.1]), np.full((2, 4, 3, 7), 0.5)]
    units = [np.arange(part.shape[-1]) for part in parts]
    drawn = power_law.resampled(parts, units, samples=400, seed=2)
    assert drawn.shape == (400, 2, 4)
    assert drawn[:, 1] - drawn[:, 0] == pytest.approx(np.full((400, 4), 0.05))  # half of .1
    means = (one[0].mean((1, 2)) + 0.5) / 2
    assert drawn[:, 0].mean(0) == pytest.approx(means, abs=0.005)
    assert drawn[:, 0].std(0).min() > 0
    # Three seeds of the same questions: the spread is that of a mean of three seeds, as Student's t
    # with 4 · 2 degrees of freedom has it.
    seeds = np.repeat(np.array([0.1, 0.4, 0.7])[None, None, :, None], 50, axis=-1)
    alone = power_law.resampled([np.repeat(seeds, 4, axis=1)], units[:1], samples=8000)
    expected = scipy.stats.t(8).std() * 0.3 / np.sqrt(3)
    assert alone[:, 0].std(0) == pytest.approx(np.full(4, expected), rel=0.05)
    assert np.array_equal(drawn, power_law.resampled(parts, units, samples=400, seed=2))
    with pytest.raises(ValueError, match="all questions belong to one unit"):
        power_law.resampled(parts[:1], [np.zeros(50, int)])
    one_seed = power_law.resampled([parts[0][:, :, :1]], units[:1], samples=50)
    assert np.ptp(one_seed[:, 0] - one_seed[:, 0, :1], axis=0) == pytest.approx(
        np.ptp(one_seed[:, 1] - one_seed[:, 1, :1], axis=0)
    )


@pytest.mark.parametrize(
    ("sizes", "scores", "message"),
    [
        ([1, 2, 2], [0.1, 0.2, 0.3], "needs three sizes or more; there are 2"),
        ([0, 1, 2], [0.1, 0.2, 0.3], "a number of parameters, above 0"),
        ([1, 2, 3], [0.1, 0.2], "there are 3 sizes but scores of shape"),
        ([1, 2, 3], [0.1, 0.2, np.nan], "a score is missing or not finite"),
        ([1, 2, 3], [10, 30, 45], "the scores go from 10 to 45; give shares from 0 to 1"),
        ([1, 2, 3], [-0.1, 0.2, 0.3], "the scores go from -0.1 to 0.3"),
    ],
)
def test_what_cannot_be_fitted_is_refused(sizes: list, scores: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        power_law.fit(sizes, scores)
