"""Measures of language bias once more, a query or a question at a time, by numpy and scipy."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

import numpy as np
import pandas as pd
from bias_tables import Found
from numpy.typing import NDArray
from scipy import stats

import hbtlib as hbt

Relevant = list[tuple[str, int, int, float]]  # language, grade, rank and score of a passage


def by_numpy(benchmark: hbt.Benchmark, q: NDArray, p: NDArray, k: int) -> Found:
    """Every measure that is of one query at a time, from the score matrix."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    judged = benchmark.judgements[benchmark.judgements["grade"] > 0]
    for query, vector in zip(benchmark.queries.itertuples(), q, strict=True):
        mine = judged[judged["query_id"] == query.query_id]
        if len(mine):
            grades = dict(zip(mine["passage_id"], mine["grade"], strict=True))
            scores = p.astype(np.float64) @ vector.astype(np.float64)
            relevant = relevant_passages(benchmark, scores, grades)
            for name, value in of_one_query(relevant, query.language, len(p), k).items():
                found[name, query.language].append(value)
    return over_queries(found)


def relevant_passages(
    benchmark: hbt.Benchmark, scores: NDArray[np.float64], grades: dict[str, int]
) -> Relevant:
    """The relevant passages of a query, best first, from its scores of all passages."""
    ids = benchmark.passages["passage_id"].to_numpy()
    languages = benchmark.passages["language"].to_numpy()
    order = sorted(range(len(ids)), key=lambda i: (scores[i], ids[i]), reverse=True)
    return [
        (languages[i], grades[ids[i]], rank, scores[i])
        for rank, i in enumerate(order, 1)
        if ids[i] in grades
    ]


def of_one_query(relevant: Relevant, language: str, n_passages: int, k: int) -> dict[str, float]:
    """The measures that this query has a value of."""
    n = len(relevant)
    best, worst = relevant[0][2], relevant[-1][2]
    found: dict[str, float] = {
        "rank-distance": worst - best,
        f"rank-distance@{k}": min(worst, k) - min(best, k),
        "max-rank": worst,
        f"complete@{k}": worst <= k,
        "chance": (n_passages + 1) * (n - 1) / (n + 1),
        "peer": peer(relevant),
    }
    own = [passage for passage in relevant if passage[0] == language]
    if own:
        found["own-language-first"] = relevant[0][0] == language
        found["own-language-chance"] = len(own) / n
    gap = score_gap(relevant, language)
    return found if gap is None else {**found, "score-gap": gap}


def score_gap(relevant: Relevant, language: str) -> float | None:
    """The score gap of one query, if a grade has passages in its language and in others."""
    gaps = []
    for level in {grade for _, grade, _, _ in relevant}:
        own = [score for code, grade, _, score in relevant if grade == level and code == language]
        others = [
            score for code, grade, _, score in relevant if grade == level and code != language
        ]
        if own and others:
            gaps.append(np.mean(own) - np.mean(others))
    return float(np.mean(gaps)) if gaps else None


def peer(relevant: Relevant) -> float:
    """PEER of one query: the mean over grades of scipy's Kruskal-Wallis test."""
    tests = []
    for level in {grade for _, grade, _, _ in relevant}:
        ranks: dict[str, list[int]] = defaultdict(list)
        for code, grade, rank, _ in relevant:
            if grade == level:
                ranks[code].append(rank)
        tests.append(stats.kruskal(*ranks.values()).pvalue if len(ranks) > 1 else 1.0)
    return float(np.mean(tests))


def over_queries(found: dict[tuple[str, str], list[float]]) -> Found:
    """Means over queries, and the measures that are made of them."""
    result = {key: float(np.mean(values)) for key, values in found.items()}
    for code in {language for _, language in found}:
        for name in ("rank-distance", "max-rank"):
            result[f"{name}-median", code] = float(np.median(found[name, code]))
        chance = result.pop(("chance", code))
        relative = result["rank-distance", code] / chance if chance else np.nan
        result["rank-distance-relative", code] = relative
        if ("own-language-first", code) in result:
            preference = result["own-language-first", code] / result["own-language-chance", code]
            result["own-language-preference", code] = preference
    return result


def orders_by_loops(ranks: pd.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """The places of languages among a question's relevant passages.

    Query language (or "all") → question → passage language → place.
    """
    joint = ranks[ranks["pool"] == "all"].astype(
        {"query_language": str, "question_id": str, "passage_language": str}
    )
    found: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    every: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (code, question), rows in joint.groupby(["query_language", "question_id"]):
        mean = {
            language: rows["rank"][rows["passage_language"] == language].mean()
            for language in rows["passage_language"].unique()
        }
        found[code][question] = places(mean)
        for language, place in found[code][question].items():
            every[question][language].append(place)
    for question, lists in every.items():
        mean = {language: np.mean(values) for language, values in lists.items()}
        found["all"][question] = places(mean)
    return found


def places(values: dict[str, float]) -> dict[str, float]:
    """The place of each language by its value, the smallest first."""
    return dict(zip(values, stats.rankdata(list(values.values())), strict=True))


def by_scipy(ranks: pd.DataFrame) -> Found:
    """Friedman's test, Kendall's W and the mean rank correlation, a question at a time."""
    result: Found = {}
    for code, questions in orders_by_loops(ranks).items():
        languages = sorted({language for order in questions.values() for language in order})
        whole = [order for order in questions.values() if len(order) == len(languages)]
        if len(whole) >= 2 and len(languages) >= 2:
            blocks = np.array([[order[language] for language in languages] for order in whole])
            result["kendalls-w", code], result["friedman-p", code] = friedman(blocks)
    return result | mean_rank_correlations(ranks)


def friedman(blocks: NDArray) -> tuple[float, float]:
    """Kendall's W and Friedman's p of places (questions, languages)."""
    n, k = blocks.shape
    if (blocks == blocks[:, :1]).all():
        return 0.0, 1.0
    if k > 2:
        test = stats.friedmanchisquare(*blocks.T)
        return test.statistic / (n * (k - 1)), test.pvalue
    # scipy wants three languages; of two it is the sign test's normal approximation.
    wins, losses = (blocks[:, 0] < blocks[:, 1]).sum(), (blocks[:, 0] > blocks[:, 1]).sum()
    chi2 = (wins - losses) ** 2 / (wins + losses)
    return chi2 / n, stats.chi2.sf(chi2, 1)


def mean_rank_correlations(ranks: pd.DataFrame) -> Found:
    """mrc of each query language."""
    joint = ranks[ranks["pool"] == "all"].astype(
        {"query_language": str, "question_id": str, "passage_id": str}
    )
    found = defaultdict(list)
    for _, rows in joint.groupby("question_id"):
        asked = {
            code: dict(zip(part["passage_id"], part["rank"], strict=True))
            for code, part in rows.groupby("query_language")
        }
        rho = defaultdict(list)
        for code, other in product(asked, asked):
            both = sorted(asked[code].keys() & asked[other].keys())
            if other != code and len(both) > 1:
                own_ranks, other_ranks = ([asked[c][x] for x in both] for c in (code, other))
                rho[code].append(stats.spearmanr(own_ranks, other_ranks).statistic)
        for code, values in rho.items():
            found["mrc", code].append(float(np.mean(values)))
    return {key: float(np.mean(values)) for key, values in found.items()}


def language_aware(benchmark: hbt.Benchmark, q: NDArray, p: NDArray, k: int) -> Found:
    """The measures of whose language comes first, from the score matrix, a query at a time."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    language = dict(
        zip(benchmark.passages["passage_id"], benchmark.passages["language"], strict=True)
    )
    judged = benchmark.judgements[benchmark.judgements["grade"] > 0]
    ids = benchmark.passages["passage_id"].to_numpy()
    for query, vector in zip(benchmark.queries.itertuples(), q, strict=True):
        relevant = set(judged["passage_id"][judged["query_id"] == query.query_id])
        if not relevant:
            continue
        order = [ids[i] for i in np.argsort(-(p.astype(float) @ vector.astype(float)))]
        own = [x for x in order if x in relevant and language[x] == query.language]
        english = [x for x in order if x in relevant and language[x] == "en"]
        first = "right" if order[0] in relevant else "wrong"
        side = "own" if language[order[0]] == query.language else "other"
        for name in product(("right", "wrong"), ("own", "other")):
            found[f"first-{name[0]}-{name[1]}", query.language].append(name == (first, side))
        if own and len(own) < len(relevant):
            best = next(x for x in order if x in relevant)
            found["lpr", query.language].append(language[best] == query.language)
        if query.language != "en" and own and english:
            wins = order.index(own[0]) < order.index(english[0])
            found["own-before-english", query.language].append(wins)
        if query.language != "en" and own:
            decides = [
                x for x in order[:k] if x in own or (language[x] == "en" and x not in relevant)
            ]
            loses = bool(decides) and decides[0] not in own
            found[f"irrelevant-english-first@{k}", query.language].append(loses)
    return {key: float(np.mean(values)) for key, values in found.items()}
