"""Comparisons of runs against scipy: the question as unit, several seeds, what does not fit."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from conftest import random_benchmark
from drawn_ranks import ranks_of
from scipy import stats

import hbtlib as hbt
from hbtlib.data.benchmark import UNTRANSLATED
from hbtlib.evaluation.significance import holm


def differences(a: pd.DataFrame, b: pd.DataFrame, metric: str, setting: str) -> np.ndarray:
    """Each question's difference, without the module's own grouping."""
    both = [hbt.metrics.per_query(t, [metric]) for t in (a, b)]
    means = [
        t[t["setting"] == setting].groupby("question_id", observed=True)[metric].mean().sort_index()
        for t in both
    ]
    return (means[0] - means[1]).to_numpy()


@pytest.mark.parametrize("setting", ["monolingual", "cross-lingual", "multilingual"])
def test_the_numbers_are_scipy_s(setting: str) -> None:
    a, b = ranks_of(1, shift=0.3), ranks_of(2)
    found = hbt.compare(a, b, metric="mAP", setting=setting).iloc[0]
    d = differences(a, b, "mAP", setting)
    assert found["n_questions"] == 30  # not 30 times the languages
    assert found["difference"] == pytest.approx(d.mean(), abs=1e-12)
    assert found["p_t"] == pytest.approx(stats.ttest_1samp(d, 0).pvalue, rel=1e-9)
    assert found["effect"] == pytest.approx(d.mean() / d.std(ddof=1), rel=1e-9)
    exact = stats.permutation_test(
        (d,),
        lambda x, axis: x.mean(axis=axis),
        permutation_type="samples",
        n_resamples=20_000,
        vectorized=True,
        rng=np.random.default_rng(5),
    )
    assert found["p"] == pytest.approx(exact.pvalue, abs=0.015)
    interval = stats.bootstrap(
        (d,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(5)
    )
    assert found["low"] == pytest.approx(interval.confidence_interval.low, abs=0.1 * d.std())
    assert found["high"] == pytest.approx(interval.confidence_interval.high, abs=0.1 * d.std())


def test_a_family_is_all_that_is_asked_for() -> None:
    a, b, c = ranks_of(1, shift=0.5), ranks_of(2), ranks_of(3, shift=0.5)
    found = hbt.compare(a, {"b": b, "c": c}, metric=["mAP", "R@10", "rank-distance"])
    assert len(found) == 2 * (3 + 3 + 1)  # the rank distance in the multilingual setting alone
    assert (found["p_holm"] >= found["p"]).all()
    assert found["p_holm"].to_numpy() == pytest.approx(holm(found["p"].to_numpy()))
    cross = found.query("baseline == 'b' and metric == 'mAP' and setting == 'cross-lingual'").iloc[
        0
    ]
    assert cross["wins"] + cross["ties"] + cross["losses"] == 6
    alone = hbt.compare(a, b, setting="cross-lingual").iloc[0]
    assert alone["p"] == cross["p"] == alone["p_holm"]


def test_the_same_call_gives_the_same_numbers_whatever_the_order_of_rows() -> None:
    a, b = ranks_of(1, shift=0.2), ranks_of(2)
    first = hbt.compare(a, b)
    again = hbt.compare(
        a.sample(frac=1, random_state=1), b.astype({"query_id": "category", "pool": "category"})
    )
    pd.testing.assert_frame_equal(first, again)
    back = hbt.compare(b, a)
    assert back["difference"].tolist() == pytest.approx((-first["difference"]).tolist())
    assert back["p"].tolist() == first["p"].tolist()


def test_seeds_widen_the_interval() -> None:
    # Seeds that disagree: over questions alone the difference would look certain.
    a = pd.concat(
        [
            ranks_of(s, noise=0.1, shift=shift).assign(seed=s)
            for s, shift in ((1, 0.8), (2, -0.6), (3, 0.7))
        ]
    )
    b = pd.concat([ranks_of(s, noise=0.1).assign(seed=s - 10) for s in (11, 12, 13)])
    found = hbt.compare(a, b, setting="monolingual").iloc[0]
    pooled = hbt.compare(a[a["seed"] == 1], b[b["seed"] == 1], setting="monolingual").iloc[0]
    assert found["n_seeds"] == 3
    assert found["high"] - found["low"] > 3 * (pooled["high"] - pooled["low"])
    assert found["low"] < 0 < found["high"]


def test_a_seed_twice_is_no_second_question() -> None:
    a, b = ranks_of(1, shift=0.3), ranks_of(2)
    thrice = [pd.concat([t.assign(seed=s) for s in range(3)]) for t in (a, b)]
    once, copies = hbt.compare(a, b), hbt.compare(*thrice)
    assert copies["p"].tolist() == once["p"].tolist()
    assert copies["n_questions"].tolist() == once["n_questions"].tolist()
    assert copies["effect"].tolist() == pytest.approx(once["effect"].tolist())
    assert (copies["high"] - copies["low"]).tolist() == pytest.approx(
        (once["high"] - once["low"]).tolist(), rel=0.1
    )


def test_seeds_are_paired() -> None:
    # What a seed has in common (its batches) is no part of the difference: other labels give
    # another interval.
    a = pd.concat([ranks_of(s, noise=0.1, shift=s).assign(seed=s) for s in range(3)])
    b = pd.concat([ranks_of(s + 10, noise=0.1, shift=s).assign(seed=s) for s in range(3)])
    paired = hbt.compare(a, b, setting="monolingual").iloc[0]
    crossed = hbt.compare(a, b.assign(seed=(b["seed"] + 1) % 3), setting="monolingual").iloc[0]
    assert crossed["high"] - crossed["low"] > 3 * (paired["high"] - paired["low"])


def test_wins_ties_and_losses_are_counted_by_language_pair() -> None:
    b = ranks_of(2)
    a = b.copy()
    pool, asked = a["pool"] == "aa", a["query_language"]
    a.loc[pool & (asked == "bb"), "rank"] = 1  # better for one pair of languages
    a.loc[pool & (asked == "cc"), "rank"] = 400  # worse for another
    found = hbt.compare(a, b, setting="cross-lingual").iloc[0]
    assert (found["wins"], found["ties"], found["losses"]) == (1, 4, 1)
    worse = hbt.compare(ranks_of(2), ranks_of(1, shift=1.0), setting="monolingual").iloc[0]
    assert worse["difference"] < 0
    assert worse["effect"] < 0
    assert worse["low"] < worse["high"] < 0


def test_a_unit_larger_than_the_question() -> None:
    a, b = ranks_of(1, shift=0.3), ranks_of(2)
    six = {f"q{i}": i % 6 for i in range(30)}  # six units of five questions
    found = hbt.compare(a, b, setting="monolingual", unit=six).iloc[0]
    d = differences(a, b, "mAP", "monolingual")
    names = sorted(six)  # differences() sorts by question_id
    means = np.array(
        [np.mean([d[i] for i, q in enumerate(names) if six[q] == u]) for u in range(6)]
    )
    assert (found["n_questions"], found["n_units"]) == (30, 6)
    assert found["difference"] == pytest.approx(d.mean())
    assert found["p_t"] == pytest.approx(
        stats.ttest_1samp(means, 0).pvalue
    )  # units of one size: Student's on their means
    exact = stats.permutation_test(
        (means,),
        lambda x, axis: x.mean(axis=axis),
        permutation_type="samples",
        n_resamples=1e6,
        vectorized=True,
    )  # all 2⁶ patterns
    assert found["p"] == pytest.approx(exact.pvalue, abs=0.02)
    interval = stats.bootstrap(
        (means,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(5)
    )
    student = np.sqrt(6 / 5) * stats.t.ppf(0.975, 5) / stats.norm.ppf(0.975)  # six are few
    assert found["low"] == pytest.approx(
        d.mean() + student * (interval.confidence_interval.low - d.mean()), abs=0.1 * means.std()
    )
    one = hbt.compare(a, b, setting="monolingual", unit=lambda q: "all").iloc[0]
    assert one[["low", "high", "p_t"]].isna().all()  # one unit shows no spread
    alone = hbt.compare(a, b, unit=lambda question: question)
    pd.testing.assert_frame_equal(alone, hbt.compare(a, b))
    uneven = hbt.compare(a, b, setting="monolingual", unit=lambda q: len(q)).iloc[
        0
    ]  # q0-q9 and q10-q29
    assert uneven["difference"] == pytest.approx(d.mean())
    for lacking in ({"q1": 1}, {f"q{i}": np.nan for i in range(30)}):
        with pytest.raises(ValueError, match="unit says nothing of question 'q0'"):
            hbt.compare(a, b, unit=lacking)


def test_every_cell_of_a_heatmap_has_its_own_test() -> None:
    a, b = ranks_of(1, shift=0.3), ranks_of(2)
    b = b[
        ~((b["question_id"] == "q7") & (b["pool"] == "bb"))
    ]  # a question with nothing in one pool
    a = a[~((a["question_id"] == "q7") & (a["pool"] == "bb"))]
    cells = hbt.compare_pairs(a, b).set_index(["query_language", "pool"])
    assert len(cells) == 3 * 4
    assert cells["p_holm"].to_numpy() == pytest.approx(holm(cells["p"].to_numpy()))
    for asked, pool in cells.index:
        one = [t[(t["query_language"] == asked) & (t["pool"] == pool)] for t in (a, b)]
        d = [hbt.metrics.per_query(t, ["mAP"]).set_index("question_id")["mAP"] for t in one]
        d = (d[0] - d[1]).to_numpy()
        assert cells.loc[(asked, pool), "n_questions"] == len(d) == (29 if pool == "bb" else 30)
        assert cells.loc[(asked, pool), "difference"] == pytest.approx(d.mean())
        assert cells.loc[(asked, pool), "p"] == pytest.approx(
            stats.permutation_test(
                (d,),
                np.mean,
                permutation_type="samples",
                n_resamples=5000,
                rng=np.random.default_rng(1),
            ).pvalue,
            abs=0.06,
        )
    assert set(hbt.compare_pairs(a, b, metric="rank-distance")["pool"]) == {"all"}


def test_a_rank_distance_wins_where_it_is_lower() -> None:
    a, b = ranks_of(1), ranks_of(1)
    a.loc[(a["pool"] == "all") & (a["rank"] > 1000), "rank"] += 50
    found = hbt.compare(a, b, metric="rank-distance").iloc[0]
    assert found["difference"] > 0
    assert (found["wins"], found["losses"]) == (0, 3)


def test_many_cells_can_be_told_from_chance() -> None:
    # 24 languages: Holm multiplies the least p by 576 cells and more, so it has to be less than 1 /
    # 10,001.
    a, b = (
        ranks_of(1, questions=40, languages=24, noise=0.1, shift=3.0),
        ranks_of(2, questions=40, languages=24, noise=0.1),
    )
    assert hbt.compare_pairs(a, b)["p_holm"].min() < 0.05
    assert hbt.compare_pairs(a, b, permutations=10_000)["p_holm"].min() > 0.05


def test_what_does_not_fit_is_named() -> None:
    a, b = ranks_of(1), ranks_of(2)
    with pytest.raises(
        ValueError,
        match=r"do not hold the same queries and pools: \d+ are in one of them alone, 0/.*/q3",
    ):
        hbt.compare(a, b[b["question_id"] != "q3"])
    with pytest.raises(
        ValueError, match=r"do not have the same seeds \(mine\): a has \[0\], b has \[7\]"
    ):
        hbt.compare(a, {"mine": b.assign(seed=7)})
    seeds = [
        pd.concat([t.assign(seed=0), t[t["question_id"] != "q3"].assign(seed=1)]) for t in (a, b)
    ]
    with pytest.raises(ValueError, match="the seeds do not hold the same questions"):
        hbt.compare(*seeds)
    with pytest.raises(ValueError, match="do not hold the same queries and pools"):
        hbt.compare(
            a, b.assign(n_passages=9999)
        )  # another pool: the same queries, but not the same task
    with pytest.raises(ValueError, match="nothing to compare with"):
        hbt.compare(a, {})
    with pytest.raises(ValueError, match="are they of several runs"):
        hbt.compare(pd.concat([a, b]), b)
    with pytest.raises(ValueError, match="permutations is 0; it must be 1 or more"):
        hbt.compare(a, b, permutations=0)
    with pytest.raises(ValueError, match="no setting 'mono'; there are monolingual"):
        hbt.compare(a, b, setting="mono")
    with pytest.raises(ValueError, match="no metric 'nosuch'"):
        hbt.compare(a, b, metric="nosuch")
    with pytest.raises(ValueError, match="these ranks hold none of mAP in cross-lingual"):
        hbt.compare(a[a["pool"] == "all"], b[b["pool"] == "all"], setting="cross-lingual")


def test_a_setting_that_was_asked_for_is_not_left_out_in_silence() -> None:
    questions = [f"q{i}" for i in range(8)]
    table = pd.DataFrame(
        {
            "query_id": questions,
            "question_id": questions,
            "query_language": "de",
            "pool": "all",
            "passage_id": [f"p{i}" for i in range(8)],
            "rank": range(1, 9),
            "n_relevant": 1,
        }
    )
    other = table.assign(rank=1)
    assert set(hbt.compare(table, other)["setting"]) == {"multilingual"}  # all there are
    message = "nothing in the setting monolingual; they have multilingual"
    with pytest.raises(ValueError, match=message):
        hbt.compare(table, other, setting=["monolingual", "multilingual"])


def test_real_tables_of_ranks_are_compared() -> None:
    benchmark, queries, passages = random_benchmark(3, languages=4, questions=12)
    a = hbt.rank_vectors(queries, passages, benchmark)
    b = hbt.rank_vectors(-queries, passages, benchmark)
    found = hbt.compare(a, b, metric=["mAP", "nDCG@10"])
    assert found["p"].between(0, 1).all()
    assert ((found["low"] <= found["difference"]) & (found["difference"] <= found["high"])).all()
    same = hbt.compare(a, a)
    assert (same["p"] == 1).all()
    assert (same["difference"] == 0).all()


def test_a_benchmark_of_xquad_r_s_size_takes_a_moment() -> None:
    # 1,190 questions in 11 languages: 2 s asked; a busy machine gets more.
    a, b = (
        pd.concat(
            [
                ranks_of(s, questions=119, languages=11).assign(
                    query_id=lambda t, i=i: t["query_id"] + f"-{i}",
                    question_id=lambda t, i=i: t["question_id"] + f"-{i}",
                )
                for i in range(10)
            ]
        ).astype(
            {
                "query_id": "category",
                "question_id": "category",
                "pool": "category",
                "query_language": "category",
            }
        )
        for s in (1, 2)
    )
    begun = time.process_time()
    assert (hbt.compare(a, b)["n_questions"] == 1190).all()
    assert time.process_time() - begun < 4


def test_without_translations_there_is_no_rank_distance() -> None:
    a, b = (
        ranks.assign(question_id=UNTRANSLATED + ranks["question_id"].astype(str))
        for ranks in (ranks_of(1), ranks_of(2))
    )
    assert hbt.compare(a, b, metric="mAP")["metric"].unique().tolist() == ["mAP"]
    with pytest.raises(ValueError, match="does not tell which queries and passages are translat"):
        hbt.compare(a, b, metric=["mAP", "rank-distance"])
    with pytest.raises(ValueError, match="does not tell which queries and passages are translat"):
        hbt.compare_pairs(a, b, metric="rank-distance")
