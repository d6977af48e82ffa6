"""Whose language comes first: against plain numpy, every ranking there is, and other names."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from bias_tables import as_dict, table
from bias_twins import language_aware
from conftest import random_benchmark
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

import hbtlib as hbt
from hbtlib.evaluation.bias import LANGUAGE_AWARE
from hbtlib.evaluation.language_aware import _none_in_top, chances
from hbtlib.evaluation.multilingual_pool import MultilingualPool

NAMES = {"aa": "de", "bb": "en", "cc": "fr"}


def named(k: int) -> list[str]:
    return [name.replace("@k", f"@{k}") for name in LANGUAGE_AWARE]


def renamed(
    benchmark: hbt.Benchmark, names: dict[str, str], ids: dict[str, str] | None = None
) -> hbt.Benchmark:
    """The same benchmark with other languages' names and, perhaps, other ids."""
    new = (lambda x: ids[x]) if ids else (lambda x: x)
    queries, passages, judged = benchmark.queries, benchmark.passages, benchmark.judgements
    return hbt.Benchmark(
        benchmark.name,
        queries.assign(
            language=queries["language"].map(names), query_id=queries["query_id"].map(new)
        ),
        passages.assign(
            language=passages["language"].map(names), passage_id=passages["passage_id"].map(new)
        ),
        judged.assign(
            query_id=judged["query_id"].map(new), passage_id=judged["passage_id"].map(new)
        ),
    )


def untied(seed: int, questions: int = 6) -> tuple[hbt.Benchmark, NDArray, NDArray]:
    """A random benchmark with English in it, and vectors without equal scores."""
    benchmark, _, _ = random_benchmark(seed, questions=questions)
    rng = np.random.default_rng(seed)
    vectors = [rng.normal(size=(len(t), 5)) for t in (benchmark.queries, benchmark.passages)]
    return renamed(benchmark, NAMES), vectors[0], vectors[1]


@settings(deadline=None, max_examples=5, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_every_measure_is_that_of_plain_numpy(seed: int, k: int) -> None:
    benchmark, q, p = untied(seed)
    expected = language_aware(benchmark, q, p, k)
    ranks, top = hbt.rank_vectors(q, p, benchmark), hbt.top(q, p, benchmark, k=k)
    possible = {name for name, _ in expected}
    found = as_dict(hbt.bias(ranks, top, measures=[n for n in named(k) if n in possible]))
    assert found == pytest.approx(expected)
    for name in set(named(k)) - possible:
        with pytest.raises(ValueError, match=f"{name} has no value of these ranks: it needs"):
            hbt.bias(ranks, top, measures=name)
    for code in {code for _, code in found}:
        split = [value for (name, c), value in found.items() if "first-" in name[:6] and c == code]
        assert sum(split) == pytest.approx(1)


@pytest.mark.parametrize("k", [1, 2, 4, 6])
@pytest.mark.parametrize("relevant", [("de1", "en1"), ("de1", "de2", "en1"), ("de1", "en1", "en2")])
def test_chance_is_the_mean_over_every_ranking(relevant: tuple[str, ...], k: int) -> None:
    pool = ["de1", "de2", "en1", "en2", "en3", "fr1"]
    orders = list(permutations(pool))
    ranked = {
        (f"q{i}", "de"): {x: order.index(x) + 1 for x in relevant} for i, order in enumerate(orders)
    }
    joint = table(6, ranked)
    sizes = {"de": 2, "en": 3, "fr": 1}
    own = joint["passage_language"]
    each = joint.assign(pool=own, n_passages=own.map(sizes), n_relevant=1, rank=1)
    each["n_relevant"] = each.groupby(["query_id", "pool"])["rank"].transform("size")
    each["rank"] = each.groupby(["query_id", "pool"]).cumcount() + 1
    top = pd.DataFrame(
        [
            ("by hand", f"q{i}-de", "de", place, f"q{i}-{x}", x[:2])
            for i, order in enumerate(orders)
            for place, x in enumerate(order[:k], 1)
        ],
        columns=[
            *("benchmark", "query_id", "query_language", "rank", "passage_id", "passage_language")
        ],
    )
    ranks = pd.concat([joint, each])
    found = as_dict(hbt.bias(ranks, top, measures=named(k)))
    chance = chances(MultilingualPool(ranks), k).loc["de"]
    assert {name: value for (name, _), value in found.items()} == pytest.approx(chance.to_dict())


@pytest.mark.parametrize("ties", ["hash", "mid"])
@pytest.mark.parametrize("seed", range(4))
def test_languages_but_english_and_ids_are_only_names(seed: int, ties: str) -> None:
    """Renaming languages and shuffling ids changes no measure, however many scores are equal."""
    benchmark, _, _ = random_benchmark(seed, questions=4)
    benchmark = renamed(benchmark, NAMES)
    rng = np.random.default_rng(seed)
    every = [*benchmark.queries["query_id"], *benchmark.passages["passage_id"]]
    ids = dict(zip(every, map(str, rng.permutation(len(every))), strict=True))
    other = renamed(benchmark, {"de": "fr", "en": "en", "fr": "de"}, ids)
    texts = {text: i for i, text in enumerate(benchmark.passages["text"])}
    levels = rng.integers(0, 3, (len(benchmark.queries), len(texts)))
    asked = {text: i for i, text in enumerate(benchmark.queries["text"])}

    def scores(queries: pd.DataFrame, passages: pd.DataFrame) -> NDArray:
        return levels[np.ix_(queries["text"].map(asked), passages["text"].map(texts))]

    tables = []
    for one in (benchmark, other):
        ranks = hbt.rank_scores(scores, one, ties=ties)
        assert (ranks["n_tied"] > 0).mean() > 0.5
        top = hbt.top_scores(scores, one, k=4, ties="hash")
        tables.append(as_dict(hbt.bias(ranks, top, measures=[*named(4), "score-gap", "kl@4"])))
    back = {"fr": "de", "de": "fr"}
    assert tables[0] == pytest.approx(
        {(name, back.get(code, code)): value for (name, code), value in tables[1].items()}
    )


def test_a_pool_of_english_and_one_language_by_hand() -> None:
    ranks = table(
        9,
        {
            ("a", "de"): {"de": 4, "en": 2, "fr": 1},
            ("b", "de"): {"de": 3, "en": 5, "fr": 9},
            ("a", "en"): {"de": 2, "en": 1, "fr": 3},
            ("c", "de"): {"de": 1, "fr": 2},  # nothing relevant in English
            ("d", "de"): {"de": 7},  # nothing to choose from
        },
    )
    found = as_dict(hbt.bias(ranks, measures=["lpr", "own-before-english", "own-language-first"]))
    assert found == pytest.approx(
        {
            ("lpr", "de"): 2 / 3,
            ("lpr", "en"): 1,
            ("own-before-english", "de"): 1 / 2,
            ("own-language-first", "de"): 3 / 4,
            ("own-language-first", "en"): 1,
        }
    )


def test_a_pool_of_two_is_the_rest_of_the_pool_of_all() -> None:
    benchmark, q, p = untied(5, questions=12)
    ranks = hbt.rank_english_plus_one(q, p, benchmark)
    assert ranks["beside_english"].unique().tolist() == ["de", "fr"]
    languages = benchmark.passages["language"].to_numpy()
    ids = benchmark.passages["passage_id"].to_numpy()
    row = {name: i for i, name in enumerate(benchmark.queries["query_id"])}
    for one in ranks[ranks["pool"] == "all"].itertuples():
        assert one.query_language in ("en", one.beside_english)
        scores = p[np.isin(languages, ["en", one.beside_english])] @ q[row[one.query_id]]
        mine = p[ids == one.passage_id][0] @ q[row[one.query_id]]
        assert (one.rank, one.n_passages) == ((scores > mine + 1e-9).sum() + 1, len(scores))
    measured = hbt.english_plus_one(ranks, ["lpr", "max-rank"])
    assert list(measured) == ["beside_english", "measure", "query_language", "value"]
    part = ranks[ranks["beside_english"] == "fr"]
    expected = hbt.bias(part.drop(columns="beside_english"), measures=["lpr", "max-rank"])
    found = measured[measured["beside_english"] == "fr"].drop(columns="beside_english")
    pd.testing.assert_frame_equal(found.reset_index(drop=True), expected)
    # The order of two passages does not depend on which others are there.
    joint = hbt.bias(hbt.rank_vectors(q, p, benchmark), measures="own-before-english")
    lpr = measured[
        (measured["measure"] == "lpr") & (measured["query_language"] == measured["beside_english"])
    ]
    assert lpr.set_index("query_language")["value"].to_dict() == pytest.approx(
        joint.set_index("query_language")["value"].to_dict()
    )


REFUSED = [
    ("nosuch", "no measure 'nosuch'; the nearest names are"),
    ("lpr@3", "no measure 'lpr@3'"),
    ("complete@k", "a number, such as 10"),
    ("complete@0", "no measure 'complete@0'"),
    (["lpr", "lpr"], "measures has 'lpr' twice"),
    ([], "measures is empty"),
    ([3], "measures has 3 in it"),
    ("irrelevant-english-first@9", r"holds 4 passages a query, .* asks for 9.*hbt.top\(…, k=9\)"),
    ("kl@5", "holds 4 passages a query"),
]


@pytest.mark.parametrize(("measures", "said"), REFUSED, ids=str)
def test_what_cannot_be_measured_is_refused(measures: str | list[str], said: str) -> None:
    benchmark, q, p = untied(5, questions=12)
    ranks, top = hbt.rank_vectors(q, p, benchmark), hbt.top(q, p, benchmark, k=4)
    with pytest.raises(ValueError, match=said):
        hbt.bias(ranks, top, measures=measures)


def test_what_the_data_do_not_allow_is_refused() -> None:
    benchmark, q, p = untied(5, questions=12)
    ranks, top = hbt.rank_vectors(q, p, benchmark), hbt.top(q, p, benchmark, k=4)
    with pytest.raises(ValueError, match="first-right-own is of the passages that lead: give top"):
        hbt.bias(ranks, measures="first-right-own")
    first = top["query_id"].iloc[0]
    assert first in set(ranks["query_id"])
    with pytest.raises(ValueError, match=r"no first passage for the query .*the same run"):
        hbt.bias(ranks, top[top["query_id"] != first], measures="first-right-own")
    other = renamed(benchmark, {"de": "de", "en": "es", "fr": "fr"})
    without = hbt.rank_vectors(q, p, other), hbt.top(q, p, other, k=4)
    for name, needs in (
        ("own-before-english", "a query in another language than English"),
        ("irrelevant-english-first@4", "English passages, and a query in another"),
    ):
        with pytest.raises(
            ValueError, match=f"{name} has no value of these ranks: it needs {needs}"
        ):
            hbt.bias(*without, measures=name)
    with pytest.raises(
        ValueError, match="has passages in de es fr; pools of English and one other"
    ):
        hbt.rank_english_plus_one(q, p, other)
    with pytest.raises(
        ValueError, match=r"lack the column 'beside_english'; hbt.rank_english_plus"
    ):
        hbt.english_plus_one(ranks)
    unanswered = table(9, {("a", "de"): {"de": 1}})
    with pytest.raises(ValueError, match=r"lpr has no value .*in its own language and in another"):
        hbt.bias(unanswered, measures="lpr")
    with pytest.raises(ValueError, match="does not tell which queries"):
        hbt.bias(ranks.assign(question_id="untranslated:1"), measures="lpr")


@pytest.mark.parametrize(("total", "special", "k"), [(40, 6, 5), (200_000, 300, 100), (9, 3, 20)])
def test_the_chance_of_none_in_the_top_is_hypergeometric(total: int, special: int, k: int) -> None:
    found = _none_in_top(pd.Series([total]), pd.Series([special]), k)
    drawn = min(k, total)
    expected = stats.hypergeom(total, special, drawn).pmf(0)
    assert found.tolist() == pytest.approx([expected])
