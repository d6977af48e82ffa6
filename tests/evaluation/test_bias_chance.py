"""Chance levels of language bias, against every ranking there is and against simulations."""

from __future__ import annotations

from itertools import combinations, permutations
from math import comb

import numpy as np
import pandas as pd
import pytest
from bias_tables import as_dict, line, pools, random_ranks, table
from scipy import stats

import hbtlib as hbt


@pytest.mark.parametrize(("own", "others"), [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)])
def test_own_language_chance_is_the_share_over_every_ranking(own: int, others: int) -> None:
    """How often the best relevant passage is in the query's language, over all rankings of six."""
    judged = [f"en-{i + 1}" for i in range(own)] + [f"de-{i + 1}" for i in range(others)]
    ids = ["en-1", "en-2", "en-3", "de-1", "de-2", "de-3"]
    firsts = [next(i for i in order if i in judged)[:2] == "en" for order in permutations(ids)]
    bias = as_dict(hbt.bias(line(["en"], [1], [judged])))
    assert bias["own-language-chance", "en"] == pytest.approx(np.mean(firsts), abs=1e-12)


@pytest.mark.parametrize("passages", range(1, 9))
def test_chance_is_the_mean_over_every_ranking(passages: int) -> None:
    for relevant in range(1, passages + 1):
        distances = [max(ranks) - min(ranks) for ranks in combinations(range(passages), relevant)]
        assert hbt.chance_rank_distance(passages, relevant) == pytest.approx(
            np.mean(distances), abs=1e-12
        )


@pytest.mark.parametrize(("passages", "relevant"), [(13_014, 11), (500, 2), (60, 30)])
def test_chance_is_that_of_a_simulation(passages: int, relevant: int) -> None:
    # The ranks of the relevant passages, with the rare draws thrown away where one comes twice.
    draws = (
        np.sort(np.random.default_rng(0).integers(0, passages, (40_000, relevant)), axis=1)
        if relevant < 20
        else (
            np.sort(
                np.random.default_rng(0).permuted(np.tile(np.arange(passages), (4_000, 1)), axis=1)[
                    :, :relevant
                ],
                axis=1,
            )
        )
    )
    draws = draws[(np.diff(draws, axis=1) > 0).all(1)]
    distances = draws[:, -1] - draws[:, 0]
    error = distances.std() / np.sqrt(len(distances))
    assert abs(distances.mean() - hbt.chance_rank_distance(passages, relevant)) < 4 * error


def test_chance_of_columns() -> None:
    columns = hbt.chance_rank_distance(pd.Series([13_014, 6, 9]), pd.Series([11, 2, 1]))
    assert columns.tolist() == pytest.approx([10_845.833333, 7 / 3, 0])


@pytest.mark.parametrize(
    ("pool", "relevant", "k"), [(7, 1, 3), (8, 3, 5), (8, 3, 2), (9, 4, 20), (6, 6, 3)]
)
def test_chances_of_the_docstrings_are_the_mean_over_every_ranking(
    pool: int, relevant: int, k: int
) -> None:
    sets = list(combinations(range(1, pool + 1), relevant))
    found = as_dict(
        hbt.bias(
            table(
                pool,
                {
                    (f"q{i}", "en"): {f"en{j}": rank for j, rank in enumerate(ranks)}
                    for i, ranks in enumerate(sets)
                },
            ),
            k=k,
        )
    )
    assert found["max-rank", "en"] == pytest.approx(relevant * (pool + 1) / (relevant + 1))
    assert found[f"complete@{k}", "en"] == pytest.approx(
        comb(min(k, pool), relevant) / comb(pool, relevant)
    )
    assert found[f"rank-distance@{k}", "en"] == pytest.approx(
        sum(
            1 - (comb(r, relevant) + comb(pool - r, relevant)) / comb(pool, relevant)
            for r in range(min(k, pool))
        )
    )


def test_a_random_ranking_has_the_chance_levels() -> None:
    languages, questions = 5, 150
    ranks = random_ranks(1, questions=questions, languages=languages, pool=1000)
    found = hbt.bias(ranks)
    mean = found[found["query_language"] != "all"].groupby("measure")["value"].mean()
    assert mean["rank-distance-relative"] == pytest.approx(1, abs=0.05)
    assert mean["own-language-preference"] == pytest.approx(1, abs=0.2)
    assert mean["score-gap"] == pytest.approx(0, abs=0.04)
    assert mean["kendalls-w"] == pytest.approx(1 / questions, rel=0.9)
    assert mean["mrc"] == pytest.approx(0, abs=0.05)
    favoured = hbt.favoured(ranks)
    assert favoured["mean_rank_within"].to_numpy() == pytest.approx(3, abs=0.5)
    many = hbt.bias(random_ranks(2, questions=40, languages=4, pool=1000, each=15))
    assert many[many["measure"] == "peer"]["value"].mean() == pytest.approx(0.5, abs=0.08)


def test_friedmans_p_is_uniform_by_chance() -> None:
    rng = np.random.default_rng(0)
    found = hbt.bias(
        table(
            500,
            {
                (f"q{i}", f"l{asker}"): dict(
                    zip(["aa", "bb", "cc", "dd"], rng.permutation(500)[:4] + 1, strict=True)
                )
                for asker in range(50)
                for i in range(12)
            },
        )
    )
    p = found["value"][(found["measure"] == "friedman-p") & (found["query_language"] != "all")]
    assert len(p) == 50
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_divergence_of_a_random_top_is_as_small_as_the_docstring_says() -> None:
    rng = np.random.default_rng(0)
    sizes = {"aa": 400, "bb": 300, "cc": 200, "dd": 100}
    passages = np.repeat(list(sizes), list(sizes.values()))
    ranks, _ = pools(sizes, {"en": ["aa"]})
    rows = [
        {
            "benchmark": "by hand",
            "query_id": f"q{i}-{asker}",
            "query_language": f"l{asker}",
            "rank": r,
            "passage_id": f"p{r}",
            "passage_language": code,
        }
        for asker in range(60)
        for i in range(20)
        for r, code in enumerate(rng.choice(passages, 10, False), 1)
    ]
    found = hbt.bias(ranks, pd.DataFrame(rows))
    found = found["value"][found["measure"] == "kl@10"]
    assert len(found) == 60
    assert found.mean() == pytest.approx(3 / (2 * 10 * 20), rel=0.3)
