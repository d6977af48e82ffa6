"""Removal of language, the map against plain numpy, and the probe against scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import random_benchmark

import hbtlib as hbt
from hbtlib.evaluation.probes import language_probe, language_shift, points
from hbtlib.search.removal import without_language


def parallel(
    seed: int = 0,
    languages: int = 4,
    questions: int = 40,
    width: int = 12,
    apart: float = 3.0,
) -> tuple[hbt.Benchmark, np.ndarray, np.ndarray]:
    """One passage a question and language; a vector is question + language + a little noise."""
    rng = np.random.default_rng(seed)
    codes = [chr(97 + i) * 2 for i in range(languages)]
    meaning = rng.normal(size=(questions, width))
    marks = apart * rng.normal(size=(languages, width))
    rows = [(q, c) for q in range(questions) for c in range(languages)]
    queries = pd.DataFrame(
        [(f"q{q}-{codes[c]}", f"q{q}", codes[c], f"{q} {c}") for q, c in rows],
        columns=["query_id", "question_id", "language", "text"],
    )
    passages = pd.DataFrame(
        [(f"p{q}-{codes[c]}", codes[c], f"{q} {c}") for q, c in rows],
        columns=["passage_id", "language", "text"],
    )
    judged = pd.DataFrame(
        [(f"q{q}-{codes[c]}", f"p{q}-{other}", 1) for q, c in rows for other in codes],
        columns=["query_id", "passage_id", "grade"],
    )
    vectors = [
        meaning[[q for q, _ in rows]]
        + marks[[c for _, c in rows]]
        + 0.1 * rng.normal(size=(len(rows), width))
        for _ in range(2)
    ]
    unit = [(v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32) for v in vectors]
    return hbt.Benchmark("parallel", queries, passages, judged), unit[0], unit[1]


def test_means_are_gone_and_lengths_are_one() -> None:
    benchmark, q, p = parallel()
    for vectors, before, table in zip(
        without_language(q, p, benchmark, "mean"),
        (q, p),
        (benchmark.queries, benchmark.passages),
        strict=True,
    ):
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
        for code in table["language"].unique():
            mine = (table["language"] == code).to_numpy()
            centred = before[mine].astype(np.float64) - before[mine].astype(np.float64).mean(0)
            expected = centred / np.linalg.norm(centred, axis=1, keepdims=True)
            assert vectors[mine] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("r", [1, 2, 5])
def test_components_are_those_of_the_uncentred_matrix(r: int) -> None:
    # The first r eigenvectors of each language's XᵀX, by another road than the singular values of
    # X.
    benchmark, q, p = parallel()
    for vectors, before, table in zip(
        without_language(q, p, benchmark, r),
        (q, p),
        (benchmark.queries, benchmark.passages),
        strict=True,
    ):
        for code in table["language"].unique():
            mine = before[(table["language"] == code).to_numpy()].astype(np.float64)
            axes = np.linalg.eigh(mine.T @ mine)[1][:, -r:]
            rest = mine - mine @ axes @ axes.T
            expected = rest / np.linalg.norm(rest, axis=1, keepdims=True)
            assert vectors[(table["language"] == code).to_numpy()] == pytest.approx(
                expected, abs=1e-4
            )


def test_removing_language_mends_an_encoder_that_has_nothing_else_wrong() -> None:
    benchmark, q, p = parallel()

    def joint(remove: str | int | None) -> float:
        measured = hbt.measure(hbt.rank_vectors(q, p, benchmark, remove=remove), ["mAP"])
        return float(measured[measured["setting"] == "multilingual"]["value"].mean())

    assert joint(None) < 0.4
    assert joint("mean") > 0.9
    assert joint(1) > joint(None) + 0.2


def test_vectors_given_are_left_as_they_are() -> None:
    benchmark, q, p = parallel()
    before = q.copy(), p.copy()
    without_language(q, p, benchmark, "mean")
    without_language(q, p, benchmark, 2)
    assert (q == before[0]).all()
    assert (p == before[1]).all()


def test_a_language_of_one_text_does_no_harm() -> None:
    benchmark, q, p = random_benchmark(0, languages=2)  # the first language has one passage
    for vectors in without_language(q, p, benchmark, "mean"):
        assert np.isfinite(vectors).all()
    assert len(hbt.rank_vectors(q, p, benchmark, remove="mean")) == len(
        hbt.rank_vectors(q, p, benchmark)
    )


@pytest.mark.parametrize("remove", ["means", 0, -1, 12, 1.5, True])
def test_what_cannot_be_removed_is_named(remove: object) -> None:
    benchmark, q, p = parallel()
    with pytest.raises(
        ValueError, match=r"remove is .*; it is 'mean', or the number of .*, 1 to 11"
    ):
        hbt.rank_vectors(q, p, benchmark, remove=remove)  # type: ignore[arg-type]


def test_the_map_is_numpy_s() -> None:
    benchmark, q, p = parallel(questions=30)
    found = points(q, p, benchmark, questions=10)
    assert found.groupby(["role", "language"]).size().tolist() == [10] * 8
    assert found["question_id"].nunique() == 10
    languages = benchmark.passages["language"].to_numpy()
    wide = p.astype(np.float64)
    middle = wide.mean(0)
    centres = np.stack([wide[languages == c].mean(0) for c in np.unique(languages)])
    between = sum(
        (languages == c).sum() * ((m - middle) ** 2).sum()
        for c, m in zip(np.unique(languages), centres, strict=True)
    )
    assert found["language_share"].unique() == pytest.approx(
        [between / ((wide - middle) ** 2).sum()]
    )
    for names, matrix in (
        (("x", "y"), wide - middle),
        (("centroid_x", "centroid_y"), centres - centres.mean(0)),
    ):
        axes = np.linalg.svd(matrix, full_matrices=False)[2][:2]
        for role, table, vectors in (
            ("query", benchmark.queries, q),
            ("passage", benchmark.passages, p),
        ):
            mine = found[found["role"] == role]
            ids = mine["question_id"] + "-" + mine["language"]
            at = pd.Index(table.iloc[:, 0].str[1:]).get_indexer(ids.str[1:])
            for name, axis in zip(names, axes, strict=True):
                expected = (vectors[at].astype(np.float64) - middle) @ axis
                assert (
                    np.minimum(np.abs(mine[name] - expected), np.abs(mine[name] + expected)).max()
                    < 1e-5
                )


def test_the_share_of_language_is_none_and_all() -> None:
    benchmark, q, p = parallel(apart=0.0, questions=200)
    assert points(q, p, benchmark)["language_share"].iloc[0] < 0.02
    codes = (
        benchmark.passages["language"]
        .map({c: i for i, c in enumerate(benchmark.languages)})
        .to_numpy()
    )
    alone = np.eye(12, dtype=np.float32)[codes]  # nothing but language
    assert points(q, alone, benchmark)["language_share"].iloc[0] == pytest.approx(1)


def test_a_map_of_a_few_questions_and_of_one_language() -> None:
    benchmark, q, p = random_benchmark(2, languages=1)
    assert np.isfinite(
        points(q, p, benchmark)[["x", "y", "centroid_x", "centroid_y", "language_share"]]
    ).all(axis=None)


def test_of_questions_in_one_language_each_every_language_is_shown() -> None:
    codes = ["de"] * 20 + ["en"] * 10 + ["fi"] * 3
    texts = pd.DataFrame({"language": codes, "text": "a"})
    ids = [f"q{i:02}" for i in range(len(codes))]
    benchmark = hbt.Benchmark(
        "apart",
        texts.assign(query_id=ids, question_id=ids),
        texts.assign(passage_id=[f"p{i:02}" for i in range(len(codes))]),
        pd.DataFrame({"query_id": ids, "passage_id": [f"p{i:02}" for i in range(len(codes))]}),
    )
    shown = hbt.probes.answers(benchmark, 12)
    assert shown["language"].value_counts().to_dict() == {"de": 5, "en": 4, "fi": 3}
    assert shown["question_id"].is_unique


def test_the_probe_finds_language_where_it_is_and_none_where_it_is_not() -> None:
    benchmark, q, p = parallel(questions=60)
    languages, questions = benchmark.queries["language"], benchmark.queries["question_id"]
    found = language_probe(q, languages, questions)
    assert found["language"].tolist() == ["aa", "bb", "cc", "dd"]
    assert found["n_texts"].tolist() == [60] * 4
    assert found["chance"].tolist() == [0.25] * 4
    assert found["accuracy"].mean() > 0.98
    assert found.equals(language_probe(q, languages, questions))
    without, _ = without_language(q, p, benchmark, "mean")
    assert language_probe(without, languages, questions)["accuracy"].mean() < 0.45
    _, bare, _ = parallel(questions=60, apart=0.0)
    assert language_probe(bare, languages, questions)["accuracy"].mean() == pytest.approx(
        0.25, abs=0.1
    )


def test_the_probe_takes_languages_that_are_numbers() -> None:
    vectors = np.array([[1, 0], [1, 0.2], [1, 0.1], [0, 1], [0.2, 1], [0.1, 1]])
    found = language_probe(vectors, [0, 0, 0, 1, 1, 1], folds=3)
    assert found["accuracy"].tolist() == [1.0, 1.0]
    assert found["language"].tolist() == ["0", "1"]


def test_translations_of_a_question_never_stand_on_both_sides() -> None:
    # A vector is its question's and language's own and stands twice: told by its twin where that is
    # seen, else by nothing.
    questions, languages = np.tile(np.repeat(np.arange(40), 3), 2), np.tile(["aa", "bb", "cc"], 80)
    vectors = np.tile(np.eye(120), (2, 1)) + 0.01 * np.random.default_rng(0).normal(size=(240, 120))
    assert language_probe(vectors, languages)["accuracy"].mean() > 0.8
    assert language_probe(vectors, languages, questions)["accuracy"].mean() < 0.5


def test_a_rotation_changes_no_probe() -> None:
    benchmark, q, _ = parallel(apart=0.3)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(12, 12)))[0]
    languages, questions = benchmark.queries["language"], benchmark.queries["question_id"]
    one, other = (
        language_probe(v, languages, questions)["accuracy"]
        for v in (q.astype(float), q.astype(float) @ turn * 5)
    )
    assert 0.3 < one.mean() < 0.95
    assert one.tolist() == pytest.approx(other.tolist(), abs=0.03)


def test_a_probe_of_too_little_is_refused() -> None:
    benchmark, q, _ = parallel(questions=4)
    languages, questions = benchmark.queries["language"], benchmark.queries["question_id"]
    with pytest.raises(ValueError, match=r"5 folds of .*'aa': .*4.* questions"):
        language_probe(q, languages, questions)
    with pytest.raises(ValueError, match="two languages"):
        language_probe(q, ["aa"] * len(q))
    with pytest.raises(ValueError, match="16 vectors, 3 languages"):
        language_probe(q, ["aa", "bb", "cc"])


def test_a_shift_of_other_texts_takes_the_language_out_of_passages() -> None:
    """Marks of four languages are learnt from texts of other meanings, and the bias is gone."""
    rng = np.random.default_rng(1)
    benchmark, q, p = parallel(apart=3.0)
    marks = 3.0 * np.random.default_rng(0).normal(size=(40 + 4, 12))[40:]  # those of `parallel`
    meaning = rng.normal(size=(30, 12))
    texts = {
        code: meaning + mark + 0.1 * rng.normal(size=(30, 12))
        for code, mark in zip(("aa", "bb", "cc", "dd"), marks, strict=True)
    }
    shift = language_shift(texts, source="aa")
    for row in shift.table.itertuples():
        difference = texts[row.language] - texts["aa"]
        mean = np.array([np.mean(column) for column in difference.T])
        assert shift.vectors[row.language] == pytest.approx(mean)
        assert (row.n_texts, row.length) == (30, pytest.approx(np.sqrt((mean**2).sum())))
        squares = np.mean([(one**2).sum() for one in difference])
        assert row.share == pytest.approx((mean**2).sum() / squares if row.language != "aa" else 0)
    assert shift.table["share"].between(0.99, 1).sum() == 3  # the noise is all that is left
    lengths = np.linalg.norm(meaning[:, None] + marks, axis=2).mean()
    passages = shift(p * lengths, benchmark.passages["language"])
    assert np.linalg.norm(passages, axis=1) == pytest.approx(1, abs=1e-6)
    names = ["rank-distance", "own-language-first"]
    before, after = (
        hbt.bias(hbt.rank_vectors(q, found, benchmark), measures=names).pivot(
            index="query_language", columns="measure", values="value"
        )
        for found in (p, passages)
    )
    assert (after["rank-distance"] < before["rank-distance"]).all()
    assert after["rank-distance"]["aa"] < before["rank-distance"]["aa"] / 5
    assert after["own-language-first"].mean() < before["own-language-first"].mean() == 1


def test_differences_without_a_direction_have_the_share_of_chance() -> None:
    rng = np.random.default_rng(0)
    shares = [
        language_shift({c: rng.normal(size=(20, 50)) for c in ("de", "en")}).table["share"][0]
        for _ in range(60)
    ]
    assert np.mean(shares) == pytest.approx(1 / 20, rel=0.1)
    same = {c: np.ones((3, 2)) for c in ("de", "en")}
    assert language_shift(same).table["share"].tolist() == [0.0, 0.0]


def test_the_names_of_languages_change_no_shift() -> None:
    rng = np.random.default_rng(0)
    texts = {c: rng.normal(size=(9, 4)) for c in ("de", "en", "fr")}
    swapped = {"fr": texts["de"], "en": texts["en"], "de": texts["fr"]}
    one, two = language_shift(texts), language_shift(swapped)
    vectors, codes = rng.normal(size=(6, 4)), ["de", "fr", "en"] * 2
    other = [{"de": "fr", "fr": "de"}.get(code, code) for code in codes]
    assert one(vectors, codes) == pytest.approx(two(vectors, other))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"de": np.ones((3, 2)), "fr": np.ones((3, 2))}, "with 'en' and another language"),
        ({"en": np.ones((3, 2))}, "with 'en' and another language"),
        ([np.ones((3, 2))], "a mapping of language codes to vectors"),
        ({"en": np.ones((3, 2)), "de": np.ones((4, 2))}, "the same in every language"),
        ({"en": np.ones((3, 2)), "de": np.ones((3, 5))}, "the same in every language"),
        ({"en": np.ones((1, 2)), "de": np.ones((1, 2))}, "give two texts or more"),
        ({"en": np.ones((3, 2)), "de": np.full((3, 2), np.nan)}, "vectors of de"),
    ],
    ids=str,
)
def test_what_no_shift_can_be_fitted_on_is_refused(given: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        language_shift(given)


def test_a_shift_is_of_its_languages_and_width() -> None:
    shift = language_shift({"en": np.eye(3), "de": 2 * np.eye(3)})
    for vectors, codes in ((np.eye(3), ["de", "en", "fr"]), (np.ones((2, 4)), ["de", "en"])):
        with pytest.raises(
            ValueError, match=r"of width 3 in de en, .*fit it with the same encoder"
        ):
            shift(vectors, codes)
    with pytest.raises(ValueError, match=r"shape \(3, 3\); give one vector a text, \(2, d\)"):
        shift(np.eye(3), ["de", "en"])
