"""Language bias against plain numpy and scipy, and worked out by hand; what is refused."""

from __future__ import annotations

from collections import defaultdict
from textwrap import indent

import numpy as np
import pandas as pd
import pytest
from bias_tables import Found, as_dict, line, pools, random_ranks
from conftest import random_benchmark
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

import hbtlib as hbt
from hbtlib.evaluation.bias import MEASURES, MEASURES_AT
from hbtlib.evaluation.bias_measures import kl

NEED_MORE = {
    "kendalls-w",
    "friedman-p",
    "mrc",
}  # have rows of their own: not every query language, or `all` too


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
    """The places of languages among a question's relevant passages.

    Query language (or "all") → question → passage language → place.
    """
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
            # By chance, two of six lie (6 + 1)(2 − 1)/(2 + 1) = 7/3 apart; of one alone there is no
            # distance.
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
            # Three questions with both languages, English first in two: rank sums 4 and 5, W = (½²
            # + ½²) / (3 · 3 · ½).
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


def test_ranks_without_a_joint_pool_are_refused() -> None:
    benchmark, q, p = random_benchmark(1, languages=1)
    with pytest.raises(ValueError, match="pool of all languages, and these ranks have none"):
        hbt.bias(hbt.rank_vectors(q, p, benchmark))


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


def test_every_measure_is_defined_in_the_docstring() -> None:
    documented = hbt.bias.__doc__ or ""
    for name, declared in {**MEASURES, **MEASURES_AT, "kl@k": kl}.items():
        assert declared.name == name
        assert indent(declared.describe(), "    ") in documented
        assert declared.definition in " ".join(documented.split())
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
