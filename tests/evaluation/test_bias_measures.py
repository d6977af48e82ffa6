"""Single measures of language bias, worked out by hand."""

from __future__ import annotations

import pytest
from bias_tables import as_dict, random_ranks, table
from scipy import stats

import hbtlib as hbt


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
    """H is n − 1 whatever the ranking: always the same language first is as "fair" as random."""
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


def test_peer_with_equal_ranks_is_scipys() -> None:
    english, german = [1.5, 1.5, 3, 5.5], [5.5, 5.5, 7, 8]
    places = {f"en{i}": rank for i, rank in enumerate(english)}
    places |= {f"de{i}": rank for i, rank in enumerate(german)}
    ranks = table(100, {("a", "en"): dict.fromkeys(places, 1)})
    ranks = ranks.assign(rank=list(places.values()), n_tied=0)
    expected = stats.kruskal(english, german).pvalue
    assert as_dict(hbt.bias(ranks))["peer", "en"] == pytest.approx(expected)
    level = ranks.assign(rank=4.5)
    assert as_dict(hbt.bias(level))["peer", "en"] == 1


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
