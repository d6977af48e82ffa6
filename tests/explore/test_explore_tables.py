"""The explorer's tables: against a ranking counted one by one, and against `hbt.measure`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_study import ALL, HOSTILE, LANGUAGES, SmallStudy, full_ranking

import hbtlib as hbt
from hbtlib.explore import batches, cells, cutoffs, questions, rankings, studies

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def study() -> SmallStudy:
    return SmallStudy()


@pytest.fixture(scope="module")
def worldfacts() -> studies.Explored:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HBT_ROOT", str(REPOSITORY))
        explored = studies.Explored("worldfacts")
        _ = explored.ranks("hybrid"), explored.top("hybrid")
        return explored


@pytest.mark.parametrize("seed", [0, 1])
def test_a_ranking_is_what_counting_gives(study: SmallStudy, seed: int) -> None:
    arm = study.arms[seed]
    for query_id in study.asked.queries["query_id"]:
        truth = full_ranking(study.asked, seed, query_id)
        table = rankings.joint_ranking(study.ranks(arm), study.top(arm), query_id)
        assert table["rank"].is_monotonic_increasing
        wanted = truth[(truth["rank"] <= 4) | truth["relevant"]]
        assert table["passage_id"].tolist() == wanted.index.tolist()
        for column in ("rank", "own_rank", "relevant", "language"):
            assert table[column].tolist() == wanted[column].tolist(), column
        assert (table["others"] == wanted["rank"].to_numpy() - wanted["own_rank"].to_numpy()).all()
        known = table["relevant"].to_numpy()
        assert np.allclose(table["score"][known], wanted["score"].to_numpy()[known], atol=0.006)
        between = wanted["score"].to_numpy()  # the scores that the run did not keep
        assert (between <= table["at_most"].fillna(np.inf) + 0.006).all()
        assert (between >= table["at_least"].fillna(-np.inf) - 0.006).all()


def test_without_first_passages_the_relevant_ones_are_shown(study: SmallStudy) -> None:
    table = rankings.joint_ranking(study.ranks("one"), None, "q0:en")
    assert table["relevant"].all()
    assert len(table) == len(LANGUAGES)
    with pytest.raises(ValueError, match="no ranks of the query 'q9:en'; choose one"):
        rankings.joint_ranking(study.ranks("one"), None, "q9:en")


def test_why_says_what_is_known() -> None:
    row = pd.Series(
        {"language": "ar", "score": 0.56, "own_rank": 2.0, "others": 1017.0}
        | {"at_most": 0.56, "at_least": 0.56}
    )
    said = "score .56 · 2nd of the ar passages · 1,017 of other languages before it"
    assert rankings.why(row) == said
    unknown = {"score": np.nan, "others": 0.0}
    for above, below, wanted in (
        (0.7, 0.5, "score .50 to .70"),
        (np.nan, 0.5, "score .50 or more"),
        (0.7, np.nan, "score .70 or less"),
        (0.5, 0.5, "score .50"),
    ):
        changed = pd.Series({**row, **unknown, "at_most": above, "at_least": below})
        assert rankings.why(changed).startswith(f"{wanted} · 2nd of the ar")
        assert rankings.why(changed).endswith("no other language before it")
    nothing = pd.Series({**row, "score": np.nan, "own_rank": np.nan, "at_most": np.nan}) * 1
    nothing["at_least"] = np.nan
    assert rankings.why(nothing) == ""
    zero = pd.Series({**row, "score": -0.001})
    assert rankings.why(zero).startswith("score .00 ")


def test_worldfacts_kept_what_the_counting_gives(worldfacts: studies.Explored) -> None:
    """In every committed top 10, counting gives the own-pool rank that the run measured."""
    ranks, top = worldfacts.ranks("hybrid"), worldfacts.top("hybrid")
    assert top is not None
    top = top.astype(dict.fromkeys(("query_id", "passage_id", "passage_language"), "str"))
    top = top.sort_values(["query_id", "rank"])
    top["counted"] = top.groupby(["query_id", "passage_language"]).cumcount() + 1
    own = ranks[ranks["pool"].astype("str") == ranks["passage_language"].astype("str")]
    own = own[["query_id", "passage_id", "rank"]].astype({"query_id": "str", "passage_id": "str"})
    both = top.merge(own, on=["query_id", "passage_id"], suffixes=("", "_own"))
    assert len(both) > 10_000
    assert (both["counted"] == both["rank_own"]).all()


def test_the_questions_of_a_cell_average_to_it(study: SmallStudy) -> None:
    ranks = study.ranks("one")
    for metric in ("mAP", "R@1"):
        grid = cells.heatmap(ranks, metric, study.trained)
        assert list(grid.index) == ["de", "en", "zh"]
        assert list(grid.columns) == ["de", "en", "zh", ALL]
        for language in grid.index:
            for pool in grid.columns:
                worst = cells.cell_questions(ranks, metric, language, pool)
                assert worst["value"].mean() == pytest.approx(grid.loc[language, pool])
                assert worst["value"].is_monotonic_increasing
    with pytest.raises(ValueError, match="no fr query has a relevant passage in the pool 'en'"):
        cells.cell_questions(ranks, "mAP", "fr", "en")


def test_the_worst_question_comes_first(study: SmallStudy) -> None:
    ranks = study.ranks("one")
    worst = cells.cell_questions(ranks, "R@1", "en", "zh")
    lost = worst[worst["value"] == worst["value"].iloc[0]]
    assert lost["rank"].is_monotonic_decreasing, "of equal ones, the later rank is worse"
    part = ranks[(ranks["query_language"] == "en") & (ranks["pool"] == "zh")]
    by_hand = part.set_index("question_id")["rank"]
    assert worst.set_index("question_id")["rank"].to_dict() == by_hand.to_dict()
    other = cells.cell_questions(study.ranks(study.arms[1]), "R@1", "en", "zh")
    both = cells.compared(worst, other).set_index("question_id")
    assert both["other_rank"].to_dict() == other.set_index("question_id")["rank"].to_dict()
    assert "en questions in the zh passages: mean R@1" in cells.cell_says(
        worst, "one", "R@1", "en", "zh"
    )


@pytest.mark.parametrize("measure", ["mAP", "MRR", "nDCG", "R", "rank-distance"])
def test_cutoffs_are_those_of_summarise(study: SmallStudy, measure: str) -> None:
    ranks = study.ranks("one")
    table = cutoffs.by_cutoff(ranks, measure, study.trained)
    assert ("none" in table) == (measure != "R")
    for cutoff, metric in cutoffs.names(measure).items():
        measured = hbt.metrics.by_training(hbt.measure(ranks, [metric]), study.trained)
        wanted = hbt.summarise(measured, by=["languages"])
        for (group, setting), row in table.iterrows():
            assert row[cutoff] == pytest.approx(wanted.loc[group, (setting, metric)])
    both = {"one": table, "two": table + 1}
    said = cutoffs.cutoff_says(both, measure, "10")
    assert said.startswith(f"{measure}@10 in the languages trained on, two minus one: +1.000 ")
    assert "cross-lingual" in said or measure == "rank-distance"
    assert cutoffs.cutoff_says({"one": table}, measure, "10") == f"{measure}@10 of one."


def test_worldfacts_without_a_cutoff_is_the_committed_table(worldfacts: studies.Explored) -> None:
    table = cutoffs.by_cutoff(worldfacts.ranks("hybrid"), "mAP", worldfacts.trained)
    file = worldfacts.runs["hybrid"].folder / "metrics.parquet"
    kept = hbt.metrics.by_training(pd.read_parquet(file), worldfacts.trained)
    wanted = hbt.summarise(kept, by=["languages"])
    for group, setting in table.index:
        value = table.loc[(group, setting), "none"]
        assert value == pytest.approx(wanted.loc[group, (setting, "mAP")], abs=1e-6)


def test_questions_are_found_in_any_language(study: SmallStudy) -> None:
    texts = study.texts
    assert texts.search("") == [f"q{i}" for i in range(5)]
    assert texts.search("QUESTION q3 in zh") == ["q3"]
    assert texts.search("q3", among=["q4", "q3"]) == ["q3"]
    assert texts.search(".*") == [], "words are words, no patterns"
    assert texts.search("nothing such") == []
    assert texts.labels["q0"] == f"{HOSTILE} question q0 in en"
    assert texts.query("q1", "zh") == ("q1:zh", f"{HOSTILE} question q1 in zh")
    with pytest.raises(ValueError, match="'q1' is not asked in fr; it is in de en zh"):
        texts.query("q1", "fr")
    with pytest.raises(ValueError, match="there is no such question"):
        texts.query("q9", "de")


def test_questions_on_which_arms_differ_come_first(study: SmallStudy) -> None:
    by = questions.most_different(study.ranks("one"), study.ranks(study.arms[1]))
    assert by.abs().is_monotonic_decreasing
    question = by.index[0]
    means = []
    for arm in study.arms[:2]:
        ranks = study.ranks(arm)
        joint = ranks[(ranks["pool"] == ALL) & (ranks["question_id"] == question)]
        means.append(hbt.metrics.per_query(joint, ["mAP"])["mAP"].mean())
    assert by.iloc[0] == pytest.approx(means[1] - means[0])
    assert (questions.most_different(study.ranks("one"), study.ranks("one")) == 0).all()


def test_batches_are_those_of_the_plan(study: SmallStudy) -> None:
    pairs = study.pairs[0]
    plan = batches.plan_of(pairs, ["de", "en", "fr"], strategy="x-y", alpha=1, mix="pair")
    assert plan.languages == ("de", "en"), "a language without pairs is left out"
    table = batches.batch_table(plan, first=3, batches=2, pairs=2)
    assert table["batch"].tolist() == [3, 3, 4, 4]
    assert table["id"].tolist() == [*plan[3].ids[:2], *plan[4].ids[:2]]
    assert (table["query_language"] != table["passage_language"]).all()
    assert batches.shares(plan, 5) == {"x-y": 1, "same language": 0, "one language": 0}


@pytest.mark.parametrize(("alpha", "mix"), [(0.0, "batch"), (0.25, "batch"), (0.25, "pair")])
def test_alpha_is_the_share_of_pairs_in_one_language(
    tiny_pairs: hbt.Pairs, alpha: float, mix: str
) -> None:
    plan = batches.plan_of(tiny_pairs, ["aa", "bb"], strategy="hybrid", alpha=alpha, mix=mix)
    counted = batches.shares(plan, 400)
    assert counted["same language"] == pytest.approx(alpha, abs=0.06)
    assert counted["one language"] == pytest.approx(alpha if mix == "batch" else 0, abs=0.06)
    said = batches.shares_says(counted, 400)
    assert said.startswith("Of the first 400 batches ")
    assert said.endswith(
        f"In {counted['same language']:.0%} of their pairs query and passage share a language."
    )


def test_which_studies_can_be_explored(
    monkeypatch: pytest.MonkeyPatch, worldfacts: studies.Explored
) -> None:
    monkeypatch.setenv("HBT_ROOT", str(REPOSITORY))
    found = studies.explorable()
    assert found[0] == "worldfacts"
    assert "xquad-zero-shot" in found
    assert "factorial" not in found, "its runs kept no ranks"
    with pytest.raises(ValueError, match=r"no run of the study 'factorial' kept its ranks.*make"):
        studies.Explored("factorial")
    with pytest.raises(ValueError, match="no study 'nosuch'"):
        studies.Explored("nosuch")
    with pytest.raises(ValueError, match="no arm 'nosuch' to explore; there are x-x-mono, x-y"):
        worldfacts.ranks("nosuch")
    assert worldfacts.own_arms == ["x-x-mono", "x-y", "hybrid"]
    assert "semantic-language" in worldfacts.arms
    assert worldfacts.top("semantic-language") is None, "rivals kept relevant passages alone"


def test_real_text_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HBT_ROOT", str(REPOSITORY))
    monkeypatch.delenv("HBT_DATA", raising=False)
    explored = studies.Explored("xquad-zero-shot", "mlqa-r")
    assert "set HBT_DATA to a folder that holds " in explored.texts.missing
    assert explored.texts.missing.endswith("Ids stand in the place of texts.")
    assert explored.texts.queries["text"].tolist() == explored.texts.queries["query_id"].tolist()
    pairs, missing = explored.pairs
    assert pairs is None
    assert missing.startswith("The texts of mlqa-pairs are not in this repository: set HBT_DATA ")


def test_real_text_is_shown(monkeypatch: pytest.MonkeyPatch, real_data: Path) -> None:
    monkeypatch.setenv("HBT_ROOT", str(REPOSITORY))
    explored = studies.Explored("xquad-zero-shot", "xquad-r")
    if explored.texts.missing:
        pytest.skip(explored.texts.missing)
    ranks = explored.ranks("hybrid")
    assert len(explored.texts.queries) == ranks["query_id"].nunique() == 13_090
    assert set(ranks["passage_id"].unique()) <= set(explored.texts.passages)


def test_texts_of_another_version_are_refused(
    monkeypatch: pytest.MonkeyPatch, study: SmallStudy
) -> None:
    parameters = {"evaluated": "de en zh", "split": None, "benchmark_options": {}}
    given: dict[str, object] = {}

    def load(name: str, **options: object) -> hbt.Benchmark:
        given.update(options, name=name)
        return study.asked.restrict(["de", "en"])

    monkeypatch.setattr(questions, "load_benchmark", load)
    texts = questions.load_texts("small", parameters, study.ranks("one"))
    assert given == {"name": "small", "languages": ["de", "en", "zh"], "split": None}
    assert "at hand lack 5 of the 15 queries that were ranked (such as q0:zh)" in texts.missing
    monkeypatch.setattr(questions, "load_benchmark", lambda *_, **__: study.asked)
    whole = questions.load_texts("small", parameters, study.ranks("one"))
    assert (whole.missing, len(whole.queries), len(whole.passages)) == ("", 15, 15)
