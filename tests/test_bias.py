"""Language bias against plain numpy, chance against every ranking there is, and an answer worked out by hand."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from conftest import random_benchmark
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import hbtlib as hbt


def as_dict(table: pd.DataFrame) -> dict[tuple[str, str], float]:
    assert list(table.columns) == ["measure", "query_language", "value"]
    found = {(r.measure, r.query_language): r.value for r in table.itertuples()}
    assert len(found) == len(table), "a row stands twice"
    return found


def by_numpy(benchmark: hbt.Benchmark, q: NDArray, p: NDArray) -> dict[tuple[str, str], float]:
    """Every measure but own-language-chance from the score matrix, one query at a time."""
    ids, languages = benchmark.passages["passage_id"].to_numpy(), benchmark.passages["language"].to_numpy()
    relevant = benchmark.judgements[benchmark.judgements["grade"] > 0]
    distances: dict[str, list[float]] = {}
    chances: dict[str, list[float]] = {}
    own_first: dict[str, list[bool]] = {}
    for query, vector in zip(benchmark.queries.itertuples(), q, strict=True):
        gold = set(relevant["passage_id"][relevant["query_id"] == query.query_id])
        if not gold:
            continue
        scores = p.astype(np.float64) @ vector.astype(np.float64)
        order = sorted(range(len(ids)), key=lambda i: (scores[i], ids[i]), reverse=True)
        places = [place for place, i in enumerate(order) if ids[i] in gold]
        distances.setdefault(query.language, []).append(places[-1] - places[0])
        chances.setdefault(query.language, []).append((len(ids) + 1) * (len(gold) - 1) / (len(gold) + 1))
        if any(languages[i] == query.language for i in order if ids[i] in gold):
            own_first.setdefault(query.language, []).append(languages[order[places[0]]] == query.language)
    found: dict[tuple[str, str], float] = {}
    for code, values in distances.items():
        found["rank-distance", code] = float(np.mean(values))
        found["rank-distance-median", code] = float(np.median(values))
        chance = float(np.mean(chances[code]))
        found["rank-distance-relative", code] = float(np.mean(values)) / chance if chance else np.nan
    return found | {("own-language-first", code): float(np.mean(values)) for code, values in own_first.items()}


@settings(deadline=None, max_examples=20, derandomize=True)
@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(1, 6))
def test_bias_is_that_of_plain_numpy(seed: int, languages: int, questions: int) -> None:
    benchmark, q, p = random_benchmark(seed, languages=languages, questions=questions)
    expected = by_numpy(benchmark, q, p)
    ranks = hbt.rank_vectors(q, p, benchmark)
    assume(expected and "all" in set(ranks["pool"]))
    found = as_dict(hbt.bias(ranks))
    rest = {key: value for key, value in found.items() if key[0] != "own-language-chance"}
    assert rest.keys() == expected.keys()
    assert rest == pytest.approx(expected, rel=1e-12, nan_ok=True)
    assert {code for name, code in found if name == "own-language-chance"} == {
        code for name, code in found if name == "own-language-first"}
    measured = hbt.measure(ranks, ["rank-distance"]).set_index("query_language")["value"]
    assert measured.to_dict() == pytest.approx({c: v for (name, c), v in found.items() if name == "rank-distance"})


def line(query_languages: list[str], directions: list[int], judged: list[list[str]]) -> pd.DataFrame:
    """Ranks of passages on a line, en-1 en-2 en-3 de-1 de-2 de-3: direction 1 ranks them so, -1 from the other end."""
    passages = pd.DataFrame({"passage_id": ["en-1", "en-2", "en-3", "de-1", "de-2", "de-3"], "text": "…"})
    passages["language"] = passages["passage_id"].str[:2]
    queries = pd.DataFrame({"query_id": [f"q{i}" for i in range(len(directions))], "language": query_languages, "text": "?"})
    judgements = pd.DataFrame([(f"q{i}", passage) for i, found in enumerate(judged) for passage in found],
                              columns=["query_id", "passage_id"])
    benchmark = hbt.Benchmark("line", queries, passages, judgements)
    return hbt.rank_vectors(np.array(directions)[:, None], np.arange(6, 0, -1)[:, None], benchmark)


def test_an_answer_worked_out_by_hand() -> None:
    ranks = line(["en", "en", "en", "de", "de"], [1, -1, 1, -1, -1], [
        ["en-1", "de-1"],  # ranks 1 and 4: distance 3, English first
        ["en-1", "de-1"],  # ranks 6 and 3: distance 3, German first
        ["en-1", "de-2"],  # ranks 1 and 5: distance 4, English first
        ["de-1"],  # rank 3 alone: distance 0, German first
        ["en-1"],  # rank 6 alone: distance 0, nothing German to be first
    ])
    assert as_dict(hbt.bias(ranks)) == pytest.approx({
        ("rank-distance", "en"): 10 / 3, ("rank-distance", "de"): 0,
        ("rank-distance-median", "en"): 3, ("rank-distance-median", "de"): 0,
        # By chance, two of six lie (6 + 1)(2 − 1)/(2 + 1) = 7/3 apart; of one alone there is no distance.
        ("rank-distance-relative", "en"): 10 / 7, ("rank-distance-relative", "de"): np.nan,
        ("own-language-first", "en"): 2 / 3, ("own-language-first", "de"): 1,
        ("own-language-chance", "en"): 1 / 2, ("own-language-chance", "de"): 1,
    }, nan_ok=True)


def test_a_ranking_that_knows_no_language_has_the_least_distance() -> None:
    """Translations side by side: n relevant passages take n ranks."""
    vectors = np.eye(5, dtype=np.float32)
    languages = ["de", "en", "es"]
    queries = pd.DataFrame([{"query_id": f"q{i}-{c}", "language": c, "text": "?"} for c in languages for i in range(5)])
    passages = pd.DataFrame([{"passage_id": f"p{i}-{c}", "language": c, "text": "…"} for c in languages for i in range(5)])
    judgements = pd.DataFrame([{"query_id": f"q{i}-{a}", "passage_id": f"p{i}-{b}"}
                               for a in languages for b in languages for i in range(5)])
    benchmark = hbt.Benchmark("blind", queries, passages, judgements)
    bias = as_dict(hbt.bias(hbt.rank_vectors(np.tile(vectors, (3, 1)), np.tile(vectors, (3, 1)), benchmark)))
    for code in languages:
        assert bias["rank-distance", code] == 2
        assert bias["rank-distance-relative", code] == pytest.approx(2 / 8)
        assert bias["own-language-chance", code] == pytest.approx(1 / 3)
        # Of equal scores the larger id is first: "es" always, whoever asks.
        assert bias["own-language-first", code] == (code == "es")


@pytest.mark.parametrize(("own", "others"), [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)])
def test_own_language_chance_is_the_share_over_every_ranking(own: int, others: int) -> None:
    """Over all rankings of six passages: how often the best relevant one is in the query's language."""
    judged = [f"en-{i + 1}" for i in range(own)] + [f"de-{i + 1}" for i in range(others)]
    ids = ["en-1", "en-2", "en-3", "de-1", "de-2", "de-3"]
    firsts = [next(i for i in order if i in judged)[:2] == "en" for order in permutations(ids)]
    bias = as_dict(hbt.bias(line(["en"], [1], [judged])))
    assert bias["own-language-chance", "en"] == pytest.approx(np.mean(firsts), abs=1e-12)


@pytest.mark.parametrize("passages", range(1, 9))
def test_chance_is_the_mean_over_every_ranking(passages: int) -> None:
    for relevant in range(1, passages + 1):
        distances = [max(ranks) - min(ranks) for ranks in combinations(range(passages), relevant)]
        assert hbt.chance_rank_distance(passages, relevant) == pytest.approx(np.mean(distances), abs=1e-12)


@pytest.mark.parametrize(("passages", "relevant"), [(13_014, 11), (500, 2), (60, 30)])
def test_chance_is_that_of_a_simulation(passages: int, relevant: int) -> None:
    # The ranks of the relevant passages, with the rare draws thrown away where one comes twice.
    draws = np.sort(np.random.default_rng(0).integers(0, passages, (40_000, relevant)), axis=1) if relevant < 20 else (
        np.sort(np.random.default_rng(0).permuted(np.tile(np.arange(passages), (4_000, 1)), axis=1)[:, :relevant], axis=1))
    draws = draws[(np.diff(draws, axis=1) > 0).all(1)]
    distances = draws[:, -1] - draws[:, 0]
    error = distances.std() / np.sqrt(len(distances))
    assert abs(distances.mean() - hbt.chance_rank_distance(passages, relevant)) < 4 * error


def test_chance_of_columns() -> None:
    columns = hbt.chance_rank_distance(pd.Series([13_014, 6, 9]), pd.Series([11, 2, 1]))
    assert columns.tolist() == pytest.approx([10_845.833333, 7 / 3, 0])


def test_ranks_without_a_joint_pool_are_refused() -> None:
    benchmark, q, p = random_benchmark(1, languages=1)
    with pytest.raises(ValueError, match="pool of all languages, and these ranks have none"):
        hbt.bias(hbt.rank_vectors(q, p, benchmark))
