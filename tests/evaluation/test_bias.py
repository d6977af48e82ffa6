"""Language bias against plain numpy and scipy, chance against every ranking there is, and answers worked out by hand."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations, permutations
from math import comb

import numpy as np
import pandas as pd
import pytest
from conftest import random_benchmark
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

import hbtlib as hbt
from hbtlib.evaluation.bias import MEASURES, MEASURES_AT

Found = dict[tuple[str, str], float]
NEED_MORE = {
    "kendalls-w",
    "friedman-p",
    "mrc",
}  # have rows of their own: not every query language, or `all` too


def as_dict(table: pd.DataFrame) -> Found:
    assert list(table.columns) == ["measure", "query_language", "value"]
    found = {(r.measure, r.query_language): r.value for r in table.itertuples()}
    assert len(found) == len(table), "a row stands twice"
    return found


def means(per_query: dict[tuple[str, str], list[float]]) -> Found:
    return {key: float(np.mean(values)) for key, values in per_query.items()}


def by_numpy(benchmark: hbt.Benchmark, q: NDArray, p: NDArray, k: int) -> Found:
    """Every measure of one query at a time, from the score matrix."""
    ids, languages = (
        benchmark.passages["passage_id"].to_numpy(),
        benchmark.passages["language"].to_numpy(),
    )
    judged = benchmark.judgements[benchmark.judgements["grade"] > 0]
    found = defaultdict(list)
    chances = defaultdict(list)
    for query, vector in zip(benchmark.queries.itertuples(), q, strict=True):
        mine = judged[judged["query_id"] == query.query_id]
        gold = dict(zip(mine["passage_id"], mine["grade"], strict=True))
        if not gold:
            continue
        scores = p.astype(np.float64) @ vector.astype(np.float64)
        order = sorted(range(len(ids)), key=lambda i: (scores[i], ids[i]), reverse=True)
        places = {i: place for place, i in enumerate(order, 1) if ids[i] in gold}
        best, worst = min(places.values()), max(places.values())

        def note(name: str, value: float, language: str = query.language) -> None:
            found[name, language].append(value)

        note("rank-distance", worst - best)
        note(f"rank-distance@{k}", min(worst, k) - min(best, k))
        note("max-rank", worst)
        note(f"complete@{k}", all(place <= k for place in places.values()))
        chances[query.language].append((len(ids) + 1) * (len(gold) - 1) / (len(gold) + 1))
        own = [i for i in places if languages[i] == query.language]
        if own:
            note("own-language-first", languages[order[best - 1]] == query.language)
            note("own-language-chance", len(own) / len(gold))
        gaps = []
        for grade in set(gold.values()):
            here = [scores[i] for i in own if gold[ids[i]] == grade]
            there = [scores[i] for i in places if i not in own and gold[ids[i]] == grade]
            if here and there:
                gaps.append(np.mean(here) - np.mean(there))
        if gaps:
            note("score-gap", float(np.mean(gaps)))
        tests = []
        for grade in set(gold.values()):
            samples = [
                [
                    place
                    for i, place in places.items()
                    if gold[ids[i]] == grade and languages[i] == code
                ]
                for code in set(languages)
            ]
            samples = [sample for sample in samples if sample]
            tests.append(stats.kruskal(*samples).pvalue if len(samples) > 1 else 1.0)
        note("peer", float(np.mean(tests)))
    result = means(found)
    for code, expected in chances.items():
        for name in ("rank-distance", "max-rank"):
            result[f"{name}-median", code] = float(np.median(found[name, code]))
        chance = float(np.mean(expected))
        result["rank-distance-relative", code] = (
            result["rank-distance", code] / chance if chance else np.nan
        )
    for name, code in list(result):
        if name == "own-language-first":
            result["own-language-preference", code] = (
                result[name, code] / result["own-language-chance", code]
            )
    return result


def orders_by_loops(ranks: pd.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """Query language (or "all") → question → passage language → place among the question's relevant passages."""
    joint = ranks[ranks["pool"] == "all"].astype(
        {"query_language": str, "question_id": str, "passage_language": str}
    )
    found: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for (code, question), rows in joint.groupby(["query_language", "question_id"]):
        mean = {
            c: rows["rank"][rows["passage_language"] == c].mean()
            for c in rows["passage_language"].unique()
        }
        found[code][question] = dict(zip(mean, stats.rankdata(list(mean.values())), strict=True))
    every: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for questions in found.values():
        for question, places in questions.items():
            for code, place in places.items():
                every[question][code].append(place)
    for question, lists in every.items():
        found["all"][question] = dict(
            zip(lists, stats.rankdata([np.mean(v) for v in lists.values()]), strict=True)
        )
    return found


def by_scipy(ranks: pd.DataFrame) -> Found:
    """Friedman's test, Kendall's W and the mean rank correlation, a question at a time."""
    result: Found = {}
    for code, questions in orders_by_loops(ranks).items():
        languages = sorted({c for places in questions.values() for c in places})
        blocks = [
            [places[c] for c in languages]
            for places in questions.values()
            if len(places) == len(languages)
        ]
        if len(blocks) < 2 or len(languages) < 2:
            continue
        n, k = len(blocks), len(languages)
        table = np.array(blocks)
        if (table == table[:, :1]).all():
            result["kendalls-w", code], result["friedman-p", code] = 0.0, 1.0
        elif k > 2:
            test = stats.friedmanchisquare(*table.T)
            result["kendalls-w", code], result["friedman-p", code] = (
                test.statistic / (n * (k - 1)),
                test.pvalue,
            )
        else:  # scipy wants three; of two it is the sign test's normal approximation
            wins, losses = (table[:, 0] < table[:, 1]).sum(), (table[:, 0] > table[:, 1]).sum()
            chi2 = (wins - losses) ** 2 / (wins + losses)
            result["kendalls-w", code], result["friedman-p", code] = (
                chi2 / n,
                stats.chi2.sf(chi2, 1),
            )
    joint = ranks[ranks["pool"] == "all"].astype(
        {"query_language": str, "question_id": str, "passage_id": str}
    )
    found = defaultdict(list)
    for _, rows in joint.groupby("question_id"):
        asked = {
            code: dict(zip(part["passage_id"], part["rank"], strict=True))
            for code, part in rows.groupby("query_language")
        }
        for code in asked:
            rho = []
            for other in asked:
                both = sorted(asked[code].keys() & asked[other].keys())
                if other != code and len(both) > 1:
                    rho.append(
                        stats.spearmanr(
                            [asked[code][x] for x in both], [asked[other][x] for x in both]
                        ).statistic
                    )
            if rho:
                found["mrc", code].append(float(np.mean(rho)))
    return result | means(found)


@settings(deadline=None, max_examples=20, derandomize=True)
@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(1, 6), st.integers(1, 40))
def test_bias_is_that_of_plain_numpy(seed: int, languages: int, questions: int, k: int) -> None:
    benchmark, q, p = random_benchmark(seed, languages=languages, questions=questions)
    expected = by_numpy(benchmark, q, p, k)
    ranks = hbt.rank_vectors(q, p, benchmark)
    assume(expected and "all" in set(ranks["pool"]))
    found = as_dict(hbt.bias(ranks, k=k))
    rest = {key: value for key, value in found.items() if key[0] not in NEED_MORE}
    assert rest.keys() == expected.keys()
    assert rest == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)
    measured = hbt.measure(ranks, ["rank-distance", f"rank-distance@{k}"])
    assert {(r.metric, r.query_language): r.value for r in measured.itertuples()} == pytest.approx(
        {
            key: value
            for key, value in found.items()
            if key[0] in ("rank-distance", f"rank-distance@{k}")
        }
    )


def table(pool: int, ranked: dict[tuple[str, str], dict[str, int]]) -> pd.DataFrame:
    """Ranks in a pool of so many: (question, query language) → passage id → rank. A passage's language is in its id."""
    rows = [
        {
            "benchmark": "by hand",
            "query_id": f"{question}-{code}",
            "question_id": question,
            "query_language": code,
            "pool": "all",
            "passage_id": f"{question}-{passage}",
            "passage_language": passage[:2],
            "rank": rank,
            "score": 1 - rank / pool,
            "grade": 1,
            "n_passages": pool,
            "n_relevant": len(places),
        }
        for (question, code), places in ranked.items()
        for passage, rank in places.items()
    ]
    return pd.DataFrame(rows)


def random_ranks(
    seed: int, *, questions: int, languages: int, pool: int, each: int = 1
) -> pd.DataFrame:
    """A random ranking for every query, `each` relevant passages a language; half of the pool is theirs by language."""
    rng = np.random.default_rng(seed)
    codes = [f"{chr(97 + i)}{chr(97 + i)}" for i in range(languages)]
    names = [f"{code}{i}" for code in codes for i in range(each)]
    return table(
        pool,
        {
            (f"q{i}", code): dict(
                zip(names, (rng.permutation(pool)[: len(names)] + 1).tolist(), strict=True)
            )
            for i in range(questions)
            for code in codes
        },
    )


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    st.integers(0, 10_000),
    st.integers(2, 4),
    st.integers(1, 6),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.0, 0.3]),
)
def test_orders_and_correlations_are_scipys(
    seed: int, languages: int, questions: int, each: int, lost: float
) -> None:
    ranks = random_ranks(seed, questions=questions, languages=languages, pool=40, each=each)
    rng = np.random.default_rng(seed)
    kept = ranks[rng.random(len(ranks)) >= lost].copy()
    assume(len(kept))
    kept["n_relevant"] = kept.groupby("query_id")["rank"].transform("size")
    expected = by_scipy(kept)
    found = {key: value for key, value in as_dict(hbt.bias(kept)).items() if key[0] in NEED_MORE}
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
    if not lost:
        codes = {*ranks["query_language"], "all"} if questions > 1 else set()
        assert {code for name, code in found if name == "kendalls-w"} == codes
    orders = orders_by_loops(kept)
    places = defaultdict(list)
    for code, by_question in orders.items():
        for order in by_question.values():
            for other, place in order.items():
                if len(order) > 1:
                    places[code, other].append((place, (len(order) + 1) / 2))
    favoured = hbt.favoured(kept)
    assert list(favoured.columns) == [
        "query_language",
        "passage_language",
        "mean_rank_within",
        "chance",
        "n_questions",
    ]
    assert {
        (r.query_language, r.passage_language): (r.mean_rank_within, r.chance, r.n_questions)
        for r in favoured.itertuples()
    } == {
        key: (
            pytest.approx(np.mean(values, axis=0)[0]),
            pytest.approx(np.mean(values, axis=0)[1]),
            len(values),
        )
        for key, values in places.items()
    }


def line(
    query_languages: list[str], directions: list[int], judged: list[list[str]]
) -> pd.DataFrame:
    """Ranks of passages on a line, en-1 en-2 en-3 de-1 de-2 de-3: direction 1 ranks them so, -1 from the other end."""
    passages = pd.DataFrame(
        {"passage_id": ["en-1", "en-2", "en-3", "de-1", "de-2", "de-3"], "text": "…"}
    )
    passages["language"] = passages["passage_id"].str[:2]
    queries = pd.DataFrame(
        {
            "query_id": [f"q{i}" for i in range(len(directions))],
            "language": query_languages,
            "text": "?",
        }
    )
    judgements = pd.DataFrame(
        [(f"q{i}", passage) for i, found in enumerate(judged) for passage in found],
        columns=["query_id", "passage_id"],
    )
    benchmark = hbt.Benchmark("line", queries, passages, judgements)
    return hbt.rank_vectors(np.array(directions)[:, None], np.arange(6, 0, -1)[:, None], benchmark)


def test_an_answer_worked_out_by_hand() -> None:
    ranks = line(
        ["en", "en", "en", "de", "de"],
        [1, -1, 1, -1, -1],
        [
            ["en-1", "de-1"],  # ranks 1 and 4: distance 3, English first
            ["en-1", "de-1"],  # ranks 6 and 3: distance 3, German first
            ["en-1", "de-2"],  # ranks 1 and 5: distance 4, English first
            ["de-1"],  # rank 3 alone: distance 0, German first
            ["en-1"],  # rank 6 alone: distance 0, nothing German to be first
        ],
    )
    assert as_dict(hbt.bias(ranks, k=4)) == pytest.approx(
        {
            ("rank-distance", "en"): 10 / 3,
            ("rank-distance", "de"): 0,
            ("rank-distance-median", "en"): 3,
            ("rank-distance-median", "de"): 0,
            # By chance, two of six lie (6 + 1)(2 − 1)/(2 + 1) = 7/3 apart; of one alone there is no distance.
            ("rank-distance-relative", "en"): 10 / 7,
            ("rank-distance-relative", "de"): np.nan,
            ("rank-distance@4", "en"): (3 + 1 + 3) / 3,
            ("rank-distance@4", "de"): 0,
            ("max-rank", "en"): 5,
            ("max-rank", "de"): 4.5,
            ("max-rank-median", "en"): 5,
            ("max-rank-median", "de"): 4.5,
            ("complete@4", "en"): 1 / 3,
            ("complete@4", "de"): 1 / 2,
            ("own-language-first", "en"): 2 / 3,
            ("own-language-first", "de"): 1,
            ("own-language-chance", "en"): 1 / 2,
            ("own-language-chance", "de"): 1,
            ("own-language-preference", "en"): 4 / 3,
            ("own-language-preference", "de"): 1,
            ("score-gap", "en"): (3 - 3 + 4) / 3,  # scores are 6 to 1, or −1 to −6: a rank is one
            # Three questions with both languages, English first in two: rank sums 4 and 5, W = (½² + ½²) / (3 · 3 · ½).
            ("kendalls-w", "en"): 1 / 9,
            ("friedman-p", "en"): stats.chi2.sf(1 / 3, 1),
            ("kendalls-w", "all"): 1 / 9,
            ("friedman-p", "all"): stats.chi2.sf(1 / 3, 1),
            ("peer", "en"): stats.chi2.sf(1, 1),
            ("peer", "de"): 1,
        },
        nan_ok=True,
    )
    several = as_dict(hbt.bias(ranks, k=[3, 5]))
    assert [
        several[f"complete@{k}", code] for k in (3, 5) for code in ("en", "de")
    ] == pytest.approx([0, 0.5, 2 / 3, 0.5])
    assert [several[f"rank-distance@{k}", "en"] for k in (3, 5)] == pytest.approx(
        [(2 + 0 + 2) / 3, (3 + 2 + 4) / 3]
    )


def test_a_ranking_that_knows_no_language_has_the_least_distance() -> None:
    """Translations side by side: n relevant passages take n ranks."""
    vectors = np.eye(5, dtype=np.float32)
    languages = ["de", "en", "es"]
    queries = pd.DataFrame(
        [{"query_id": f"q{i}-{c}", "language": c, "text": "?"} for c in languages for i in range(5)]
    )
    passages = pd.DataFrame(
        [
            {"passage_id": f"p{i}-{c}", "language": c, "text": "…"}
            for c in languages
            for i in range(5)
        ]
    )
    judgements = pd.DataFrame(
        [
            {"query_id": f"q{i}-{a}", "passage_id": f"p{i}-{b}"}
            for a in languages
            for b in languages
            for i in range(5)
        ]
    )
    benchmark = hbt.Benchmark("blind", queries, passages, judgements)
    bias = as_dict(
        hbt.bias(hbt.rank_vectors(np.tile(vectors, (3, 1)), np.tile(vectors, (3, 1)), benchmark))
    )
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


def test_ranks_without_a_joint_pool_are_refused() -> None:
    benchmark, q, p = random_benchmark(1, languages=1)
    with pytest.raises(ValueError, match="pool of all languages, and these ranks have none"):
        hbt.bias(hbt.rank_vectors(q, p, benchmark))


def test_who_is_favoured_by_hand() -> None:
    ranks = table(
        100,
        {
            ("a", "en"): {"en": 1, "de": 5, "fr": 9},
            ("b", "en"): {"en": 2, "de": 30, "fr": 7},
            ("c", "en"): {"en": 50, "de": 40, "fr": 60},
            ("d", "en"): {"en": 8, "de": 3},
            ("e", "en"): {"fr": 4},
        },
    )
    # Orders en de fr: 1 2 3, 1 3 2, 2 1 3; d lacks French, and e is alone. Rank sums 4, 6 and 8 of 6 by chance.
    found = as_dict(hbt.bias(ranks))
    assert (
        found["kendalls-w", "en"]
        == found["kendalls-w", "all"]
        == pytest.approx((4 + 4) / (3 * 3 * 2))
    )
    assert found["friedman-p", "en"] == pytest.approx(
        stats.friedmanchisquare([1, 1, 2], [2, 3, 1], [3, 2, 3]).pvalue
    )
    favoured = hbt.favoured(ranks).set_index(["query_language", "passage_language"])
    assert (
        favoured.loc["en"].to_dict("index")
        == favoured.loc["all"].to_dict("index")
        == {
            "de": {
                "mean_rank_within": (2 + 3 + 1 + 1) / 4,
                "chance": (2 + 2 + 2 + 1.5) / 4,
                "n_questions": 4,
            },
            "en": {
                "mean_rank_within": (1 + 1 + 2 + 2) / 4,
                "chance": (2 + 2 + 2 + 1.5) / 4,
                "n_questions": 4,
            },
            "fr": {"mean_rank_within": (3 + 2 + 3) / 3, "chance": 2, "n_questions": 3},
        }
    )


def test_an_order_that_never_changes_and_one_that_turns() -> None:
    codes = ["aa", "bb", "cc", "dd"]
    asked = [(i, code) for i in range(4) for code in codes]
    always = table(
        50, {(f"q{i}", code): {c: 7 * j + i + 1 for j, c in enumerate(codes)} for i, code in asked}
    )
    turning = table(
        50,
        {(f"q{i}", code): {c: (i + j) % 4 + 1 for j, c in enumerate(codes)} for i, code in asked},
    )
    same, turned = as_dict(hbt.bias(always)), as_dict(hbt.bias(turning))
    for code in [*codes, "all"]:
        assert same["kendalls-w", code] == pytest.approx(1)
        assert same["friedman-p", code] == pytest.approx(stats.chi2.sf(12, 3))
        assert (turned["kendalls-w", code], turned["friedman-p", code]) == (0, 1)
    # Whoever asks, the order is the same, fair or not.
    assert [same["mrc", c] for c in codes] + [turned["mrc", c] for c in codes] == pytest.approx(
        [1] * 8
    )


def test_own_language_always_first_favours_none_on_the_whole() -> None:
    """Each query language has its favourite, and over all of them they cancel out."""
    codes = ["aa", "bb", "cc"]
    own = as_dict(
        hbt.bias(
            table(
                50,
                {
                    (f"q{i}", code): {
                        c: (codes.index(c) - codes.index(code)) % 3 + 1 for c in codes
                    }
                    for i in range(5)
                    for code in codes
                },
            )
        )
    )
    for code in codes:
        assert own["kendalls-w", code] == 1
        assert own["own-language-preference", code] == pytest.approx(3)
        assert own["score-gap", code] == pytest.approx((1 - 2.5) / -50)
    assert (own["kendalls-w", "all"], own["friedman-p", "all"]) == (0, 1)


def test_correlation_over_query_languages_by_hand() -> None:
    ranks = table(
        100,
        {
            ("a", "en"): {"en": 1, "de": 20, "fr": 90},
            ("a", "de"): {"en": 50, "de": 3, "fr": 2},
            ("a", "fr"): {"en": 3, "de": 9, "fr": 4},  # orders 123, 321 and 132: ρ is −1, ½ and −½
            ("b", "en"): {"en": 1, "de": 2},
            ("b", "de"): {"en": 8, "de": 9},  # ρ = 1
            ("c", "en"): {"en": 1},
            ("c", "de"): {"en": 8},  # no order
            ("d", "en"): {"en": 1, "de": 2},
            ("d", "de"): {"en": 8, "fr": 9},  # one in common: no order
        },
    )
    found = as_dict(hbt.bias(ranks))
    assert {code: found["mrc", code] for code in ("en", "de", "fr")} == pytest.approx(
        {"en": ((-1 + 1 / 2) / 2 + 1) / 2, "de": ((-1 - 1 / 2) / 2 + 1) / 2, "fr": 0}
    )


@pytest.mark.parametrize("languages", [2, 3, 11])
def test_peer_says_nothing_with_one_passage_a_language(languages: int) -> None:
    """H is n − 1 whatever the ranking: one that puts a language first always is as "fair" as a random one."""
    fair = random_ranks(0, questions=5, languages=languages, pool=200)
    codes = sorted(fair["query_language"].unique())
    unfair = table(
        200,
        {
            (f"q{i}", code): {c: 15 * j + 1 for j, c in enumerate(codes)}
            for i in range(5)
            for code in codes
        },
    )
    for ranks in (fair, unfair):
        values = hbt.bias(ranks).set_index("measure").loc["peer", "value"]
        assert values.tolist() == pytest.approx(
            [stats.chi2.sf(languages - 1, languages - 1)] * languages
        )


def test_peer_by_hand() -> None:
    ranks = table(
        100,
        {
            ("a", "en"): {"en1": 1, "en2": 2, "de1": 50, "de2": 99},
            ("b", "en"): {"en1": 4, "en2": 7},
        },
    )
    # Places 1 2 and 3 4 of four: H = 12 / 20 · (9/2 + 49/2) − 15 = 2.4; b's are all English.
    assert as_dict(hbt.bias(ranks))["peer", "en"] == pytest.approx((stats.chi2.sf(2.4, 1) + 1) / 2)
    graded = ranks.assign(
        grade=[1, 2, 1, 2, 1, 1]
    )  # a: two levels of one passage a language, H = 1 in both
    assert as_dict(hbt.bias(graded))["peer", "en"] == pytest.approx((stats.chi2.sf(1, 1) + 1) / 2)


def test_the_score_gap_compares_equal_grades() -> None:
    ranks = table(
        10,
        {
            ("a", "en"): {"en1": 1, "en2": 2, "de1": 3, "de2": 4, "fr1": 5},
            ("b", "en"): {"en1": 1, "de1": 2},
        },
    )
    ranks["score"] = [0.9, 0.5, 0.7, 0.4, 0.3, 0.8, 0.1]
    ranks["grade"] = [2, 1, 2, 1, 1, 1, 2]
    # Grade 2: .9 − .7; grade 1: .5 − .35; b's passages are not equally relevant.
    assert as_dict(hbt.bias(ranks))["score-gap", "en"] == pytest.approx((0.2 + 0.15) / 2)
    ungraded = as_dict(hbt.bias(ranks.drop(columns="grade")))
    assert ungraded["score-gap", "en"] == pytest.approx((0.7 - 1.4 / 3 + 0.7) / 2)


def pools(sizes: dict[str, int], top: dict[str, list[str]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ranks of one query a language with all pools, and a top from the languages of its passages."""
    joint = table(
        sum(sizes.values()), {("q", code): {c: i + 1 for i, c in enumerate(sizes)} for code in top}
    )
    own = joint["passage_language"]
    each = joint.assign(pool=own, rank=1, n_passages=own.map(sizes), n_relevant=1)
    rows = [
        {
            "benchmark": "by hand",
            "query_id": f"q-{code}",
            "query_language": code,
            "rank": i,
            "passage_id": f"p{i}",
            "passage_language": c,
        }
        for code, found in top.items()
        for i, c in enumerate(found, 1)
    ]
    return pd.concat([joint, each]), pd.DataFrame(rows)


def test_divergence_from_the_pool_by_hand() -> None:
    ranks, top = pools(
        {"en": 50, "de": 25, "fr": 25},
        {"en": ["en", "en", "en", "de"], "de": ["en", "fr", "de", "en"]},
    )
    shares = hbt.top_shares(top)
    assert list(shares.columns) == ["query_language", "passage_language", "share"]
    assert {(r.query_language, r.passage_language): r.share for r in shares.itertuples()} == {
        ("en", "en"): 0.75,
        ("en", "de"): 0.25,
        ("en", "fr"): 0,
        ("de", "en"): 0.5,
        ("de", "de"): 0.25,
        ("de", "fr"): 0.25,
    }
    found = as_dict(hbt.bias(ranks, top))
    assert found["kl@4", "en"] == pytest.approx(0.75 * np.log(1.5))
    assert found["kl@4", "de"] == pytest.approx(0, abs=1e-12)
    shallow = as_dict(hbt.bias(ranks, top[top["rank"] <= 1]))
    assert [shallow["kl@1", code] for code in ("en", "de")] == pytest.approx([np.log(2)] * 2)
    assert not any(name.startswith("kl") for name, _ in as_dict(hbt.bias(ranks)))


def test_divergence_is_of_all_queries_together() -> None:
    """Of two queries one finds English alone and one German alone: neither language is favoured on the whole."""
    ranks, top = pools({"en": 50, "de": 50}, {"en": ["en", "en"]})
    other = top.assign(query_id="r-en", passage_language="de")
    assert as_dict(hbt.bias(ranks, top))["kl@2", "en"] == pytest.approx(np.log(2))
    assert as_dict(hbt.bias(ranks, pd.concat([top, other])))["kl@2", "en"] == pytest.approx(
        0, abs=1e-12
    )


def test_languages_whose_pools_are_not_known_count_as_one() -> None:
    """A pool in which nothing is relevant is in the pool of all, and has no row of its own."""
    ranks, top = pools({"en": 50, "de": 30}, {"en": ["en", "fr", "el", "fr"]})
    ranks.loc[ranks["pool"] == "all", "n_passages"] = 100  # French and Greek are the rest
    assert as_dict(hbt.bias(ranks, top))["kl@4", "en"] == pytest.approx(
        stats.entropy([0.25, 0, 0.75], [0.5, 0.3, 0.2])
    )


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


@settings(deadline=None, max_examples=10, derandomize=True)
@given(
    st.integers(0, 10_000),
    st.integers(2, 4),
    st.integers(1, 5),
    st.lists(st.integers(1, 40), min_size=2, max_size=4),
)
def test_order_of_rows_means_nothing_and_k_only_adds(
    seed: int, languages: int, questions: int, cuts: list[int]
) -> None:
    ranks = random_ranks(seed, questions=questions, languages=languages, pool=30, each=2)
    shuffled = ranks.sample(frac=1, random_state=seed)
    found = as_dict(hbt.bias(ranks, k=cuts))
    assert as_dict(hbt.bias(shuffled, k=cuts)) == pytest.approx(found, rel=1e-9, abs=1e-12)
    columns = [
        "query_id",
        "question_id",
        "query_language",
        "pool",
        "passage_id",
        "passage_language",
    ]
    assert as_dict(
        hbt.bias(shuffled.astype(dict.fromkeys(columns, "category")), k=cuts)
    ) == pytest.approx(found, rel=1e-9)
    pd.testing.assert_frame_equal(hbt.favoured(shuffled), hbt.favoured(ranks))
    favoured = hbt.favoured(ranks)
    sums = (
        (favoured["mean_rank_within"] - favoured["chance"])
        .groupby(favoured["query_language"])
        .sum()
    )
    assert sums.to_numpy() == pytest.approx(0, abs=1e-9)
    for code in ranks["query_language"].unique():
        for name in ("complete", "rank-distance"):
            values = [found[f"{name}@{k}", code] for k in sorted(cuts)]
            assert values == sorted(values)
        assert found[f"complete@{max(cuts)}", code] <= 1
        assert found[f"rank-distance@{max(cuts)}", code] <= min(
            found["rank-distance", code], max(cuts) - 1
        )
        if max(cuts) >= 30:
            assert found[f"rank-distance@{max(cuts)}", code] == found["rank-distance", code]


def test_few_questions_have_no_order_to_agree_on() -> None:
    """As on MLQA-R, where a question has some languages only: no row, and `favoured` still tells what there is."""
    ranks = table(
        50,
        {
            ("a", "en"): {"en": 1, "de": 4},
            ("b", "en"): {"en": 3, "fr": 2},
            ("c", "en"): {"de": 9, "fr": 8},
        },
    )
    found = as_dict(hbt.bias(ranks))
    assert not {"kendalls-w", "friedman-p", "mrc"} & {name for name, _ in found}
    assert hbt.favoured(ranks).set_index(["query_language", "passage_language"])[
        "mean_rank_within"
    ]["en"].to_dict() == {"de": 2, "en": 1.5, "fr": 1}
    assert hbt.favoured(ranks.iloc[:1].assign(n_relevant=1)).empty


def test_every_measure_is_defined_in_the_docstring() -> None:
    for name, compute in {**MEASURES, **MEASURES_AT}.items():
        assert compute.__doc__
        assert f"    {name}: {compute.__doc__}" in (hbt.bias.__doc__ or "")
    assert "kl@k: Kullback" in (hbt.bias.__doc__ or "")
    ranks, top = pools({"en": 9, "de": 9}, {"en": ["en"] * 3, "de": ["de"] * 3})
    names = set(hbt.bias(ranks, top, k=5)["measure"])
    one_question = {"kendalls-w", "friedman-p"}  # is too few
    assert names == {
        name.replace("@k", "@5") for name in {**MEASURES, **MEASURES_AT}
    } - one_question | {"kl@3"}


def test_what_is_no_ranks_table_is_refused() -> None:
    ranks = random_ranks(0, questions=2, languages=2, pool=20)
    for column in ("score", "rank", "pool", "passage_language", "question_id"):
        for call in (hbt.bias, hbt.favoured):
            with pytest.raises(
                ValueError,
                match=f"the ranks lack the column '{column}'; hbt.rank makes such a table",
            ):
                call(ranks.drop(columns=column))
    with pytest.raises(ValueError, match="of several benchmarks"):
        hbt.bias(pd.concat([ranks, ranks.assign(benchmark="another")]))
    with pytest.raises(ValueError, match="are they of several runs"):
        hbt.bias(pd.concat([ranks, ranks]))
    with pytest.raises(ValueError, match="these ranks have none"):
        hbt.favoured(ranks.assign(pool="aa"))
    for k in (0, -1, [10, 0], 2.5):
        with pytest.raises(ValueError, match="it is a whole number of ranks from 1 up"):
            hbt.bias(ranks, k=k)  # type: ignore[arg-type]


def test_what_is_no_top_of_these_ranks_is_refused() -> None:
    ranks, top = pools({"en": 50, "de": 50}, {"en": ["en", "de"], "de": ["de", "en"]})
    for column in top.columns:
        with pytest.raises(ValueError, match=f"the top lack the column '{column}'"):
            hbt.bias(ranks, top.drop(columns=column))
    with pytest.raises(ValueError, match="the top is of another, the ranks of by hand"):
        hbt.bias(ranks, top.assign(benchmark="another"))
    with pytest.raises(ValueError, match="of 2 benchmarks"):
        hbt.top_shares(pd.concat([top, top.assign(benchmark="another")]))
    with pytest.raises(ValueError, match="of 0 benchmarks"):
        hbt.bias(ranks, top.iloc[:0])
    with pytest.raises(
        ValueError, match="two passages at one rank of the query 'q-en': is it of several runs"
    ):
        hbt.bias(ranks, pd.concat([top, top]))
    with pytest.raises(ValueError, match="passages in 'fr' and the ranks' pool has none"):
        hbt.bias(ranks, top.assign(passage_language="fr"))
    with pytest.raises(ValueError, match="hold the pool of all alone"):
        hbt.bias(ranks[ranks["pool"] == "all"], top)
