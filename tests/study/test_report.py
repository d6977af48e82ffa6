"""What the notebooks show: tables against plain pandas, sentences against small tables."""

from __future__ import annotations

import inspect
from pathlib import Path

import layouts
import numpy as np
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib import files
from hbtlib import study as studies
from hbtlib.data.benchmark import Benchmark
from hbtlib.study.report import (
    benchmark,
    bias,
    cost,
    data,
    evaluate,
    factorial,
    paper,
    quickstart,
    results,
    sets,
    significance,
    tables,
    train,
    words,
)
from hbtlib.study.report.kept import tokens_of_kept
from hbtlib.study.report.reader import Reader, check_choice


@pytest.fixture(scope="module")
def parallel() -> Benchmark:
    """Three questions in two languages, one relevant passage a language each; en has one more."""
    rows = [(f"q{i}", code) for i in range(3) for code in ("de", "en")]
    queries = pd.DataFrame(
        [(f"{q}-{code}", q, code, "?" * (3 if code == "de" else 5)) for q, code in rows],
        columns=["query_id", "question_id", "language", "text"],
    )
    passages = pd.DataFrame(
        [(f"p{q}-{code}", code, "." * 10) for q, code in rows] + [("more", "en", "." * 40)],
        columns=["passage_id", "language", "text"],
    )
    judged = [(f"{q}-{a}", f"p{q}-{b}", 1) for q, a in rows for b in ("de", "en")]
    judgements = pd.DataFrame(judged, columns=["query_id", "passage_id", "grade"])
    return Benchmark("small", queries, passages, judgements)


def measured(values: dict[tuple[str, int], float], metric: str = "mAP") -> pd.DataFrame:
    """`hbt.measure`'s tables of two languages, one trained on; the values are monolingual de's."""
    rows = [
        (setting, query, pool, metric, value * share, arm, seed, group)
        for (arm, seed), value in values.items()
        for setting, query, pool, share, group in (
            ("monolingual", "de", "de", 1.0, "trained"),
            ("multilingual", "de", "all", 0.5, "trained"),
            ("monolingual", "el", "el", 0.4, "unseen"),
            ("cross-lingual", "de", "el", 0.2, "unseen"),
            ("cross-lingual", "el", "de", 0.1, "unseen"),
        )
    ]
    columns = ["setting", "query_language", "pool", "metric", "value", "arm", "seed", "languages"]
    return pd.DataFrame(rows, columns=columns)


VALUES = {("x-y", 0): 0.5, ("x-y", 1): 0.7, ("hybrid", 0): 0.8, ("hybrid", 1): 0.9}
SEEDS = tables.over_pairs(measured(VALUES))


# Words


@pytest.mark.parametrize(
    ("value", "signed", "said"),
    [
        (0.3734, False, "0.373"),
        (0.112, True, "+0.112"),
        (-0.112, True, "−0.112"),
        (10.6, False, "10.6"),
        (8131.4, False, "8,131"),
        (float("nan"), True, "not measured"),
    ],
)
def test_numbers_are_written_as_the_field_does(value: float, signed: bool, said: str) -> None:
    assert words.number(value, signed=signed) == said


def test_words_make_lists_and_paragraphs() -> None:
    assert words.listed([]) == "none"
    assert words.listed(["a", "b"]) == "a and b"
    assert words.counted(1, "query", "queries") == "1 query"
    assert words.sentences(["One.", "", "Two."]) == "One. Two."
    assert words.bullets(["one", "", "two"]) == "- one\n- two"
    values = pd.Series({"de": 2.0, "en": 1.0})
    assert words.lowest(values) == ("en", 1.0)
    assert words.highest(values) == ("de", 2.0)


def test_markdown_is_text_that_jupyter_shows_as_prose() -> None:
    text = words.sentences(["Said."])
    assert isinstance(text, str)
    assert text._repr_markdown_() == "Said."


# The reader


def test_the_reader_knows_a_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader("worldfacts")
    assert reader.benchmark == "worldfacts"
    assert reader.arms == reader.grid == ["x-x-mono", "x-y", "hybrid"]
    assert reader.rivals[0] == "adversarial"
    assert reader.describe() == "9 runs on worldfacts, seeds 0 1 2"
    assert reader.file("cost.csv") == studies.ROOT / "results" / "worldfacts" / "cost.csv"
    reader.check_comparable()


def test_the_reader_of_several_benchmarks_keeps_them_apart() -> None:
    reader = Reader("xquad-zero-shot", "mlqa-r")
    assert reader.file("paper-tables.md").name == "paper-tables-mlqa-r.md"
    assert reader.figures.name == "mlqa-r"
    assert "worldfacts floor" in reader.arms
    assert "worldfacts floor" not in reader.grid
    with pytest.raises(
        ValueError, match="benchmark is 'mtop'; study 'xquad-zero-shot' has xquad-r"
    ):
        Reader("xquad-zero-shot", "mtop")


def test_what_all_runs_share_is_read_from_one_that_kept_it() -> None:
    """A study may keep the ranks of one seed an arm; how many passages there are is in any."""
    table = Reader("multilingual", "tydiqa-goldp").ranks_of_one_run()
    assert set(table["benchmark"]) == {"tydiqa-goldp"}
    assert not table.duplicated(["query_id", "pool", "passage_id"]).any()
    with pytest.raises(FileNotFoundError, match="study 'mtop' lacks ranks of 21 of its 21 runs"):
        Reader("mtop").ranks_of_one_run()


def test_units_are_those_of_a_file_or_of_ranks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Reader("mtop").units()
    assert len(read) == 193
    assert len(set(read.values())) == 40
    kept = Reader("multilingual", "xquad-r")
    assert kept.units() == hbt.units(kept.ranks_of_one_run())
    monkeypatch.setattr(Reader, "committed", lambda self, name: tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"python -m hbtlib\.study\.units_command mtop$"):
        Reader("mtop").units()


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="has the arms hybrid, and nothing to compare"):
        Reader("rivals-tuning").check_comparable()
    own_full = Reader("low-resource-full")
    own_full.rival_runs = Reader("low-resource").rival_runs  # of the small encoder
    with pytest.raises(ValueError, match=r"rival 'adversarial 0\.3' has another encoder"):
        own_full.check_comparable()
    check_choice("subject", "a", ["a", "b"])
    with pytest.raises(ValueError, match="subject is 'c'; this study has a, b"):
        check_choice("subject", "c", ["a", "b"])


COMPARING = ["results", "significance", "trade-off", "low-resource", "mtop"]
"""Notebooks that set the arms of a study beside each other."""


@pytest.mark.parametrize("name", [*studies.study_names(), "low-resource-full", "mtop-full"])
def test_a_study_can_be_compared_by_its_notebooks(name: str) -> None:
    study = studies.load(name)
    if not set(COMPARING) & set(study.notebooks):
        pytest.skip("it has no notebook that compares arms")
    for evaluated in study.benchmarks:
        reader = Reader(name, evaluated)
        reader.check_comparable()
        assert set(reader.grid) <= set(reader.arms)


def test_a_study_without_a_grid_compares_all_its_arms() -> None:
    reader = Reader("multilingual-rivals")
    assert all(run.beside for run in reader.study.runs)
    assert reader.grid == reader.arms
    assert "hybrid" in reader.grid


# Tables


def test_means_over_pairs_count_each_pair_once() -> None:
    row = SEEDS.query("arm == 'x-y' and seed == 0 and setting == 'cross-lingual'")
    assert row["value"].to_list() == [pytest.approx((0.5 * 0.2 + 0.5 * 0.1) / 2)]


def test_mean_and_deviation_over_seeds() -> None:
    table = tables.mean_and_sd(SEEDS).set_index(["languages", "setting", "arm"])
    row = table.loc[("trained", "monolingual", "x-y")]
    assert row["mean"] == pytest.approx(0.6)
    assert row["std"] == pytest.approx(np.std([0.5, 0.7], ddof=1))
    assert row["text"] == "0.600 ± 0.141"
    assert tables.spread(0.5, float("nan")) == "0.500"
    assert tables.spread(8131.4, 99.6) == "8,131 ± 100"
    assert tables.spread(1.0, 0.0) == "1.000 ± 0.000"  # a score, not a rank
    assert tables.cell(8131.4) == "8,131"


def test_settings_stand_in_their_order() -> None:
    index = pd.MultiIndex.from_tuples([("unseen", "monolingual"), ("trained", "multilingual")])
    assert tables.setting_order(index) == [("trained", "multilingual"), ("unseen", "monolingual")]


def test_a_real_difference_has_small_p_and_an_interval_without_0() -> None:
    table = pd.DataFrame(
        {"p_holm": [0.01, 0.01, 0.2], "low": [0.1, -0.1, 0.1], "high": [0.2, 0.2, 0.2]}
    )
    assert tables.is_real(table).tolist() == [True, False, False]
    html = tables.bold(table.style, tables.is_real(table), "p_holm").to_html()
    assert html.count("font-weight: bold") == 1


# 01-data and 02-benchmark


def test_questions_are_counted_by_relation() -> None:
    worldfacts = hbt.load_benchmark("worldfacts", languages=["de", "en"])
    counts = data.questions_by_relation(worldfacts)
    queries = worldfacts.queries
    assert counts.loc["together", "questions"] == queries["question_id"].nunique()
    assert counts["queries, all languages"].iloc[:-1].sum() == len(queries)
    currency = queries[queries["relation"] == "currency"]
    assert counts.loc["currency", "territories"] == currency["territory"].nunique()
    assert f"ask for {len(counts) - 1} relations" in data.relations_says(counts)


def test_near_misses_name_the_territory_or_speak_of_it() -> None:
    worldfacts = hbt.load_benchmark("worldfacts", languages=["en"])
    query, near = data.near_misses(worldfacts, "currency", "en")
    assert set(near["it"]) <= {"answers", "same territory", "names it, same relation"}
    assert (near["it"] == "answers").sum() == 1
    assert query in data.near_misses_says(query, near, 100)


def test_examples_have_their_answers(parallel: Benchmark) -> None:
    table = data.examples(parallel, 2, ["de", "en"])
    assert list(table.columns) == ["question_id", "language", "query", "passage"]
    assert len(table) == 4
    assert set(table["passage"]) == {"." * 10}


def test_lengths_are_told_by_role(parallel: Benchmark) -> None:
    texts = data.texts_of(parallel)
    assert texts["role"].value_counts().to_dict() == {"passage": 7, "query": 6}
    summary = data.length_summary(texts)
    said = data.lengths_says(summary)
    assert "The median query has 3 characters in de, the fewest, and 5 in en, the most." in said


def test_datasets_stand_side_by_side(
    parallel: Benchmark, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HBT_DATA", raising=False)
    pairs = hbt.Pairs.from_benchmark(parallel)
    found = sets.AtHand({"xquad": parallel}, {"ntrex": pairs}, {"mlqa": "there is no file"})
    table = sets.summary(found)
    assert table[["dataset", "kind", "queries", "passages", "across"]].to_numpy().tolist() == [
        ["ntrex", "pairs", 6, 6, 2],
        ["xquad", "benchmark", 6, 7, 2],
    ]
    said = sets.summary_says(table, found)
    assert "2 datasets are at hand, in 2 languages; most passages has xquad (7)." in said
    assert "- mlqa was not loaded: there is no file." in said
    assert sets.counts(found)["texts"].tolist() == [6, 6, 6, 7]
    assert sets.parallel(found)["ids"].tolist() == [6, 6, 6, 6]
    assert "2 pairs of two different languages 2 have" in sets.parallel_says(sets.parallel(found))
    shared = sets.overlaps(found, 500)
    assert shared.to_numpy().tolist() == [["ntrex", "xquad", 3, 3]]
    assert "In 1 case pairs hold questions" in sets.overlaps_says(shared, found, 500)
    assert "None holds what" in sets.overlaps_says(shared.iloc[:0], found, 500)
    with pytest.raises(ValueError, match="sets is 'xquadr'; did you mean 'xquad-r'"):
        sets.at_hand("xquadr")
    monkeypatch.setenv("HBT_DATA", str(tmp_path))
    (tmp_path / "xquad-r").mkdir()  # a folder that is empty
    refused = sets.at_hand("xquad-r").refused["xquad-r"]
    assert "has no ar.json" in refused


def test_folders_that_no_dataset_reads_are_shown_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HBT_DATA", str(tmp_path))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    layouts.beir(tmp_path / "mine")
    layouts.beir(tmp_path / "broken")
    (tmp_path / "broken" / "corpus.jsonl").write_text("{")
    (tmp_path / "no-set").mkdir()
    found = sets.at_hand()
    assert set(found.datasets) == {"worldfacts", "mine"}
    assert "corpus.jsonl" in found.refused["broken"]
    assert (
        sets.summary(found).set_index("dataset")["read"]["mine"] == "as a folder in BEIR's layout"
    )
    assert set(sets.at_hand("worldfacts").datasets) == {"worldfacts"}


def test_tokens_and_scripts_are_told() -> None:
    texts = pd.DataFrame(
        {"language": ["de", "ru"], "role": "passage", "text": ["Fisch und Brot", "рыба и хлеб"]}
    )
    table = sets.lengths({"a": texts})
    assert set(table["measure"]) >= {"characters", "words", "tokens, small encoder"}
    assert table.query("measure == 'words'")["median"].tolist() == [3, 3]
    assert "By small encoder's tokenizer a hundred characters are" in sets.lengths_says(table)
    said = sets.scripts_says(sets.scripts({"a": texts}))
    assert "Most letters of 2 languages are of 2 scripts" in said
    assert said.endswith("in none.")


def test_a_benchmark_is_counted(parallel: Benchmark) -> None:
    table = benchmark.counts(parallel)
    assert table.loc["en"].tolist() == [3, 4, 3, 2]
    assert table.loc["together"].tolist() == [6, 7, 6, 2]
    said = benchmark.counts_says(table, 3, ["monolingual", "multilingual"])
    assert "3 questions are asked in 2 languages, as 6 queries." in said
    assert "The pools have 3 (de) to 4 (en) passages" in said
    pairs = benchmark.answered_pairs(parallel, ["en"])
    assert list(pairs.index) == ["en", "de"]
    assert (pairs == 3).all(axis=None)
    assert "The data are parallel" in benchmark.answered_pairs_says(pairs)
    some = pairs.astype(float).mask(np.eye(2, dtype=bool))
    assert "and 2 pairs have none" in benchmark.answered_pairs_says(some)


def test_overlap_is_told() -> None:
    assert "None of the 10 ids" in benchmark.overlap_says("pairs", 10, 10, "small")
    assert "3 of the 10 ids" in benchmark.overlap_says("pairs", 10, 7, "small")


# 00-quickstart and 03-train


def test_the_training_options_are_the_notebooks_and_the_librarys() -> None:
    assert set(train.OPTIONS) <= studies.notebook_parameters("train").keys()
    assert set(train.OPTIONS) <= inspect.signature(hbt.train).parameters.keys()


def test_validation_is_a_strategy_or_a_metric_and_a_setting() -> None:
    assert train.chosen_by_loss("x-x-mono")
    assert not train.chosen_by_loss("mAP multilingual")
    for wrong in ("mAP", "mAP everywhere", "rank-distance multilingual"):
        with pytest.raises(
            ValueError, match="or a metric that is better when higher and a setting"
        ):
            train.chosen_by_loss(wrong)


def test_the_batches_are_told(tiny_pairs: hbt.Pairs) -> None:
    plan = hbt.BatchPlan(tiny_pairs, "x-x-mono", batch_size=4)
    said = train.batches_says(plan, 2)
    assert said == (
        "Of the first 2 batches 2 are x-x-mono. In 100% of their pairs query and passage are in "
        "the same language."
    )


def test_the_kept_weights_are_told() -> None:
    log = pd.DataFrame({"step": [10, 20, 30], "loss": [3.0, 2.0, 1.0]})
    assert "Nothing was validated" in train.loss_says(log.assign(validation_loss=np.nan))
    by_loss = train.loss_says(log.assign(validation_loss=[2.0, 1.5, 1.7]))
    assert "The training loss went from 3.00 to 1.00." in by_loss
    assert "validation loss was lowest at step 20 (1.500)" in by_loss
    by_score = train.loss_says(log.assign(validation_score=[0.1, 0.2, 0.3]))
    assert "validation score was highest at step 30 (0.300)" in by_score


def test_the_tokens_of_the_kept_weights_are_those_before_the_best_validation() -> None:
    log = pd.DataFrame({"step": [10, 20, 30], "tokens": [100, 200, 300], "loss": 1.0})
    assert tokens_of_kept(log) == 300
    assert tokens_of_kept(log.assign(validation_loss=[np.nan, 2.0, 2.5])) == 200
    assert tokens_of_kept(log.assign(validation_score=[0.3, 0.2, 0.1])) == 100


def test_the_kept_tables_are_those_of_the_library(tmp_path: Path) -> None:
    test = hbt.load_benchmark("worldfacts", languages=["de", "en"], split="validation")
    rng = np.random.default_rng(0)
    shapes = [(len(table), 8) for table in (test.queries, test.passages)]
    vectors = {"worldfacts": tuple(rng.standard_normal(s).astype(np.float32) for s in shapes)}
    ranks = train.ranks_of(vectors, {"worldfacts": test})
    kept = train.kept_tables(ranks, vectors, {"worldfacts": test}, ["de"], depth=3)
    assert list(kept) == ["ranks", "metrics", "questions", "points", "top"]
    plain = hbt.measure(hbt.rank_vectors(*vectors["worldfacts"], test))
    pd.testing.assert_frame_equal(kept["metrics"].drop(columns="benchmark"), plain)
    assert kept["top"]["rank"].max() == 3
    assert "top" not in train.kept_tables(ranks, vectors, {"worldfacts": test}, ["de"], depth=0)
    small = hbt.Encoder.load("small", device="cpu")
    asked = (["de"], "fp32")
    probed = train.probe_tables(small, vectors, {"worldfacts": test}, "mean 1", *asked)
    assert list(probed) == ["language_probe", "probes"]
    assert probed["probes"]["removed"].unique().tolist() == ["mean", "1"]
    removed = hbt.measure(hbt.rank_vectors(*vectors["worldfacts"], test, remove=1), ["mAP"])
    ours = probed["probes"].query("removed == '1' and metric == 'mAP'")["value"].to_numpy()
    np.testing.assert_array_equal(ours, removed["value"].to_numpy())
    assert "5 tables are kept" in train.write(kept, tmp_path)
    written = tmp_path / "ranks.parquet"
    again = files.read_table(written)
    pd.testing.assert_frame_equal(again, kept["ranks"].reset_index(drop=True), check_dtype=False)
    files.write_table(kept["ranks"], tmp_path / "plain.parquet", **train.COMPACT)
    assert written.stat().st_size < 0.9 * (tmp_path / "plain.parquet").stat().st_size


def test_a_run_is_measured_with_the_map_of_its_own_encoder() -> None:
    test = hbt.load_benchmark("worldfacts", languages=["de", "en"], split="validation")
    tests = {"worldfacts": test}
    small = hbt.Encoder.load("small", device="cpu")
    vectors = {"worldfacts": hbt.embed(small, test)}
    found = train.probe_tables(small, vectors, tests, "mean leace:worldfacts", ["de"], "fp32")
    assert found["probes"]["removed"].unique().tolist() == ["mean", "leace:worldfacts"]

    # As hbt.neutralise does, for an encoder whose vectors are of unit length.
    pairs = hbt.load_pairs("worldfacts")
    texts = {
        code: [t for role in ("passage", "query") for t in pairs.texts(range(200), code, role)]
        for code in pairs.languages
    }
    unit = hbt.FunctionEncoder(
        lambda given: small.embed(given, "query"), lambda given: small.embed(given, "passage")
    )
    neutral = hbt.neutralise(unit, texts, "leace", role="passage")
    expected = hbt.metrics.by_question(hbt.rank(neutral, test), trained=["de"])
    ours = found["mapped_questions"].reset_index(drop=True)
    assert (ours["removed"] == "leace:worldfacts").all()
    for column in ("question_id", "setting", "languages"):
        assert ours[column].tolist() == expected[column].tolist()
    np.testing.assert_allclose(ours["mAP"], expected["mAP"], atol=2e-3)


def test_a_map_is_not_fitted_on_what_is_evaluated() -> None:
    test = hbt.load_benchmark("worldfacts", languages=["de", "en"], split="train")
    small = hbt.Encoder.load("small", device="cpu")
    with pytest.raises(ValueError, match=r"the map.s texts. hold what"):
        train.load_start("small", {"neutral": "leace:worldfacts"}, {"worldfacts": test}, None)
    vectors = {"worldfacts": hbt.embed(small, test)}
    with pytest.raises(ValueError, match=r"the map.s texts. hold what"):
        train.probe_tables(small, vectors, {"worldfacts": test}, "leace:worldfacts", ["de"], "fp32")


def test_a_run_can_start_from_a_neutral_encoder() -> None:
    options = {"neutral": "leace:worldfacts", "device": "cpu"}
    plain = train.load_start("small", {"device": "cpu"}, {}, None)
    neutral = train.load_start("small", options, {}, 40)
    assert len(neutral.layers) == len(plain.layers) + 1
    assert neutral.settings.max_length == 40
    with pytest.raises(ValueError, match="names no map"):
        train.load_start("small", {"neutral": "leace"}, {}, None)


def test_the_name_of_a_map_says_how_many_ids_and_of_which_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pairs = hbt.load_pairs("worldfacts", languages=["de", "sw"])
    read = []

    def texts(names: str, ids: int) -> dict[str, list[str]]:
        read.append((names, ids))
        return {code: pairs.texts(range(ids), code, "passage") for code in pairs.languages}

    monkeypatch.setattr("hbtlib.study.neutral.controls.read_texts", texts)
    small = hbt.Encoder.load("small", device="cpu")
    options = {"neutral": "translations:xnli+ntrex:40", "device": "cpu"}
    found = train.load_start("small", options, {}, None)
    expected = hbt.neutralise(small, texts("", 40), "translations", role="passage")
    query = ["Wie heißt die Hauptstadt von Kenia?"]
    np.testing.assert_allclose(found.embed(query, "query"), expected.embed(query, "query"))
    train.fit_map(small, "means:xnli", {}, "fp32")
    assert read == [("xnli ntrex", 40), ("", 40), ("xnli", 200)]


def test_a_run_is_told() -> None:
    table = measured({("hybrid", 0): 0.8}).assign(benchmark="small")
    said = train.run_says("hybrid-seed0", table, {"training": 60.2, "ranking": 5.0})
    assert "On small the mean mAP is 0.560 in the monolingual setting" in said
    assert "took 60 seconds for training and 5 seconds for ranking" in said


def test_the_quick_start_tells_before_and_after() -> None:
    before, after = measured({("x", 0): 0.2}), measured({("x", 0): 0.8})
    table = quickstart.before_and_after(before, after)
    assert list(table.index) == ["monolingual", "cross-lingual", "multilingual"]
    said = quickstart.training_says(table)
    assert "from 0.140 to 0.560 in the monolingual setting" in said


# 04-evaluate


@pytest.fixture(scope="module")
def ranks(parallel: Benchmark) -> pd.DataFrame:
    """One run's ranks of the parallel benchmark, from random vectors."""
    rng = np.random.default_rng(1)
    shapes = (len(parallel.queries), 4), (len(parallel.passages), 4)
    return hbt.rank_vectors(*(rng.standard_normal(s).astype(np.float32) for s in shapes), parallel)


def test_one_run_is_evaluated(ranks: pd.DataFrame) -> None:
    joint = ranks[ranks["pool"] == "all"]
    chance = evaluate.chance_distance(ranks)
    assert chance == pytest.approx((7 + 1) * (2 - 1) / (2 + 1))
    found = evaluate.found(ranks).set_index("passage_language")
    plain = joint.groupby("passage_language", observed=True)["rank"].median()
    assert found["50%"].to_dict() == plain.to_dict()
    biases = hbt.bias(ranks)
    own = evaluate.own_language(biases, ["en"])
    assert list(own.index) == ["en", "de"]
    distance = biases[biases["measure"] == "rank-distance"]["value"].mean()
    assert f"lie {words.number(distance)} ranks apart" in evaluate.distance_says(biases, chance)
    assert "of the 2 languages" in evaluate.own_language_says(own)
    assert "Relevant passages come earliest in" in evaluate.found_says(found.reset_index())
    assert "this run is best in the" in evaluate.answer(hbt.measure(ranks), own, "mAP")


def test_a_heatmap_is_told_with_its_best_and_worst_cells() -> None:
    said = evaluate.heatmap_says(measured({("x", 0): 0.8}), "mAP", ["de"])
    assert "mean mAP is 0.800 in the monolingual setting and 0.400 in the multilingual" in said
    assert "de to el goes best (0.160) and el to de worst (0.080)" in said


def test_the_run_looked_at_is_the_first_of_the_last_arm() -> None:
    study = studies.load("worldfacts")
    assert evaluate.run_of(study).parameters["strategy"] == "hybrid"
    assert evaluate.run_of(study).parameters["seed"] == 0
    assert evaluate.run_of(study, study.runs[1].name) == study.runs[1]


# 05-results


def test_the_main_table_is_arms_by_settings_and_metrics() -> None:
    wide = results.settings_table(SEEDS, ["mAP"], ["hybrid", "x-y"])
    assert wide.loc[("trained", "x-y"), ("monolingual", "mAP")] == "0.600 ± 0.141"
    assert wide.columns.tolist() == [
        ("monolingual", "mAP"),
        ("cross-lingual", "mAP"),
        ("multilingual", "mAP"),
    ]
    assert wide.index.tolist()[:2] == [("trained", "hybrid"), ("trained", "x-y")]


def test_the_arms_are_placed_by_setting() -> None:
    table = results.leaders(SEEDS, "mAP", ["x-y", "hybrid"])
    assert table["arm"].tolist() == ["hybrid", "x-y"] * 2
    said = results.leaders_says(SEEDS, "mAP", ["x-y", "hybrid"])
    assert "setting hybrid has the highest mAP, 0.850; then come x-y 0.600." in said
    assert "never trained on the highest are hybrid (monolingual, 0.340)" in said
    lower = SEEDS.assign(metric="rank-distance", value=SEEDS["value"] * 1000)
    assert results.leaders(lower, "rank-distance", ["x-y", "hybrid"])["arm"].iloc[0] == "x-y"


def test_who_leads_together_is_named_together() -> None:
    values = {("x-y", 0): 0.5, ("hybrid", 0): 0.5, ("x-x", 0): 0.3, ("x-x-mono", 0): 0.49999}
    seeds = tables.over_pairs(measured(values))
    arms = ["x-y", "hybrid", "x-x", "x-x-mono"]
    said = results.leaders_says(seeds, "mAP", arms)
    assert "setting x-y, hybrid and x-x-mono have the highest mAP, 0.500; then come x-x" in said
    level = results.answer(seeds, "mAP", "hybrid", arms)
    assert "in 2 of 2 settings (monolingual, with x-y and x-x-mono" in level
    assert words.leading(pd.Series({"a": 3.0, "b": 1.0}), lower_is_best=True) == ["b"]


def test_places_are_told_from_the_chance_of_their_own_questions() -> None:
    """Swahili is asked of in pairs alone, where the middle is 1.5; the others stand among three."""
    places = pd.DataFrame(
        {
            "arm": "x-y",
            "query_language": "all",
            "passage_language": ["de", "en", "sw"],
            "mean_rank_within": [1.5, 2.0, 1.8],
            "chance": [2.0, 2.0, 1.5],
        }
    )
    said = bias.mean_places_says(bias.mean_places(places, ["x-y"], ["de"]))
    assert "in de comes earliest (by −0.5 places from chance)" in said
    assert "in sw latest (+0.3)" in said


def test_the_subject_is_set_against_the_others_seed_by_seed() -> None:
    gaps = results.gaps(SEEDS, "mAP", "hybrid", ["x-y"])
    first = gaps.iloc[0]
    assert (first["languages"], first["setting"], first["other"]) == (
        "trained",
        "monolingual",
        "x-y",
    )
    assert first["difference"] == pytest.approx(((0.8 - 0.5) + (0.9 - 0.7)) / 2)
    assert first["by seed"] == "+0.300 +0.200"
    won = results.answer(SEEDS, "mAP", "hybrid", ["x-y", "hybrid"])
    assert "hybrid has the highest mAP of the 2 arms in 2 of 2 settings" in won
    lost = results.answer(SEEDS, "mAP", "x-y", ["x-y", "hybrid"])
    assert "In the monolingual setting it is 0.250 below hybrid (0.600 against 0.850)." in lost


def test_results_by_language() -> None:
    table = measured(VALUES)
    assert results.scores(pd.concat([table, measured(VALUES, "rank-distance")])) == ["mAP"]
    pairs = results.over_runs(table)
    cell = pairs.query("arm == 'x-y' and query_language == 'de' and pool == 'el'")
    assert cell["value"].item() == pytest.approx(0.6 * 0.2)
    said = results.heatmaps_says(results.by_arm(pairs, ["x-y"]), "mAP")
    assert "x-y 0.420 and 0.090" in said
    by_query = results.by_query_language(table, "mAP", ["de"])
    assert by_query.loc[("monolingual", "el"), "hybrid"] == pytest.approx(0.85 * 0.4)
    assert "2 of 2 (monolingual)" in results.by_query_language_says(by_query, "hybrid")
    groups = results.by_feature(table, "script", "mAP")
    assert set(groups["group"]) == {"Latin"}, "Greek was never trained on"
    groups = results.by_feature(table.assign(languages="trained"), "script", "mAP")
    assert set(groups["group"]) == {"Latin", "Greek", "other script"}
    said = results.by_feature_says(groups, "script", "hybrid")
    assert "hybrid is best for Latin (0.850) and worst for Greek (0.340)" in said


def test_the_distance_is_told_beside_chance() -> None:
    seeds = tables.over_pairs(measured({("x-y", 0): 400.0, ("hybrid", 0): 200.0}, "rank-distance"))
    seeds = seeds[seeds["setting"] == "multilingual"]
    said = results.distance_says(seeds, ["x-y", "hybrid"], 1000.0)
    assert said.endswith("from the lowest: hybrid 100 (10%) and x-y 200 (20%).")


# 06-significance


@pytest.fixture(scope="module")
def of_arms(parallel: Benchmark) -> pd.DataFrame:
    """Two arms' ranks: the first finds everything, the second is random."""
    rng = np.random.default_rng(2)
    same = {f"q{i}": row for i, row in enumerate(np.eye(4, dtype=np.float32))}
    good = [
        np.stack([same.get(name[: len("q0")], np.zeros(4)) for name in ids]).astype(np.float32)
        for ids in (parallel.queries["query_id"], parallel.passages["passage_id"].str[1:])
    ]
    bad = [rng.standard_normal(part.shape).astype(np.float32) for part in good]
    parts = [
        hbt.rank_vectors(*vectors, parallel).assign(arm=arm, run=arm, seed=0)
        for arm, vectors in (("hybrid", good), ("x-y", bad))
    ]
    return pd.concat(parts, ignore_index=True)


def test_the_tests_are_those_of_the_library(of_arms: pd.DataFrame) -> None:
    found = significance.tests(
        of_arms, ["de"], "hybrid", {"strategies": ["x-y"], "rivals": []}, "mAP"
    )
    assert set(found["languages"]) == {"trained", "unseen"}
    assert set(found["family"]) == {"strategies"}
    seen = of_arms[(of_arms["query_language"] == "de") & of_arms["pool"].isin(["de", "all"])]
    arms = dict(tuple(seen.groupby("arm")))
    plain = hbt.compare(arms["hybrid"], {"x-y": arms["x-y"]}, metric="mAP")
    ours = found[found["languages"] == "trained"]
    assert ours["difference"].tolist() == plain["difference"].tolist()
    assert ours["p_holm"].tolist() == plain["p_holm"].tolist()
    assert {"low_unit", "high_unit", "p_holm_unit", "n_units"} <= set(found.columns)
    assert "p_holm" in significance.shown(found).to_html()


def test_cells_are_told(of_arms: pd.DataFrame) -> None:
    cells = significance.cells(of_arms, "hybrid", ["x-y"], "mAP")
    assert len(cells["x-y"]) == 6  # two query languages, two pools and that of all
    table = pd.DataFrame({"difference": [0.1, -0.1, 0.1], "p_holm": [0.01, 0.01, 0.2]})
    assert significance.cells_says({"x-y": table}, "hybrid") == (
        "- Against x-y, hybrid is higher in 1 of 3 cells and lower in 1; in 1 the difference may "
        "be chance."
    )


def row_of_tests(difference: float, low: float, high: float, p: float, setting: str) -> dict:
    numbers = {"difference": difference, "low": low, "high": high, "p_holm": p}
    by_unit = {
        "low_unit": low,
        "high_unit": high,
        "p_holm_unit": 1.0,
        "n_units": 2,
        "n_questions": 9,
    }
    names = {"languages": "trained", "family": "strategies", "baseline": "x-y", "setting": setting}
    return {**names, **numbers, **by_unit}


def test_what_may_be_chance_is_told() -> None:
    table = pd.DataFrame(
        [
            row_of_tests(0.12, 0.05, 0.2, 0.001, "monolingual"),
            row_of_tests(-0.03, -0.1, 0.02, 0.001, "cross-lingual"),
            row_of_tests(-0.05, -0.1, -0.02, 0.001, "multilingual"),
        ]
    )
    effects = significance.effects(table, "hybrid", "strategies")
    assert effects["what"].unique().tolist() == ["hybrid − x-y"]
    said = significance.effects_says(effects)
    assert "+0.120 (monolingual), −0.030 (cross-lingual, may be chance)" in said
    answer = significance.answer(table, "hybrid", 3)
    assert "hybrid is higher (monolingual); hybrid is lower (multilingual)" in answer
    assert "the difference may be chance (cross-lingual)" in answer
    assert "3 seeds" in answer
    assert "There is one seed" in significance.answer(table, "hybrid", 1)
    assert "Of the 3 differences 2 may not be chance" in significance.unit_says(table)


# 07-cost-and-controls


def test_costs_are_told() -> None:
    table = pd.DataFrame(
        {
            "tokens": [0.0, 2.0, 2.2],
            "kept": [0.0, 2.0, 1.1],
            "minutes": [0.1, 1.0, 3.0],
            "language": [0.9, 0.8, 0.7],
            "chance": 0.1,
        },
        index=["none", "x-y", "hybrid"],
    )
    said = cost.costs_says(table)
    assert "read 2.00 to 2.20 million tokens" in said
    assert "best: of hybrid after 1.10 of 2.20 million." in said
    assert "kept" not in cost.costs_says(table.assign(kept=table["tokens"]))
    assert "x-y took least time (1.0 minutes a run) and hybrid most (3.0)" in said
    assert "vectors of hybrid (0.700) and best from those of none (0.900)" in said


def test_costs_are_read_from_the_run_folders() -> None:
    reader = Reader("worldfacts")
    row = cost.cost_of(reader.study.runs[0])
    assert row["arm"] == "x-x-mono"
    assert row["tokens"] == pytest.approx(2.19, abs=0.01)
    assert row["kept"] == row["tokens"]
    committed = pd.read_csv(reader.file("cost.csv"), index_col="arm")
    pd.testing.assert_frame_equal(cost.costs(reader), committed, rtol=1e-5)


def test_an_interrupted_run_does_not_move_the_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    def counted(run: studies.Run) -> dict[str, object]:
        minutes = {0: 0.1, 1: 5.0, 2: 6.0}[run.parameters["seed"]]
        return {"arm": run.arm, "tokens": 2.0, "kept": 2.0, "minutes": minutes, "peak MB": 100.0}

    monkeypatch.setattr(cost, "cost_of", counted)
    assert set(cost.costs(Reader("worldfacts"))["minutes"]) == {5.0}


def test_controls_stand_beside_the_encoder_as_it_is() -> None:
    plain = pd.concat([measured({("x-y", 0): 0.5}), measured({("x-y", 0): 800.0}, "rank-distance")])
    plain = plain.drop(columns="languages")
    probed = plain.assign(value=plain["value"] * 1.1, removed="mean")
    table = cost.controls(plain, probed, ["de"], ["x-y"])
    row = table.loc[("trained", "multilingual", "mAP", "x-y")]
    assert row["·"] == pytest.approx(0.25)
    assert row["mean"] == pytest.approx(0.275)
    said = cost.controls_says(table)
    assert "changes the mAP by +0.025 on average (it rises in 1 of 1 arm)" in said
    assert "rank distance by +40.0 (it falls in 0)" in said
    costs = pd.DataFrame({"tokens": [2.0], "minutes": [1.0]}, index=["x-y"])
    assert "by 0.025 at most" in cost.answer(costs, table, ["x-y"])


# 08-bias


def test_bias_of_runs_is_the_librarys(of_arms: pd.DataFrame, parallel: Benchmark) -> None:
    vectors = [np.eye(len(t), 4, dtype=np.float32) for t in (parallel.queries, parallel.passages)]
    top = hbt.top(*vectors, parallel, k=2)
    tops = pd.concat([top.assign(run=arm, arm=arm, seed=0) for arm in ("hybrid", "x-y")])
    biases = bias.of_runs(of_arms, tops)
    alone = hbt.bias(of_arms[of_arms["arm"] == "x-y"], top)
    ours = biases[biases["arm"] == "x-y"].drop(columns=["arm", "seed"])
    pd.testing.assert_frame_equal(ours.reset_index(drop=True), alone)
    table = bias.measures(biases, of_arms, ["hybrid", "x-y"])
    assert table.loc["rank-distance", "chance"] == pytest.approx(8 / 3)
    assert "friedman-p" not in table.index
    assert "lowest with hybrid" in bias.measures_says(table)
    places = bias.places(of_arms)
    means = bias.mean_places(places, ["hybrid", "x-y"], ["de"])
    assert means.sum(axis=1).tolist() == pytest.approx([0.0, 0.0])
    assert "With x-y the passage in" in bias.mean_places_says(means)
    assert "Kendall's W" in bias.agreement_says(bias.agreement(biases, ["hybrid", "x-y"]))
    assert "too few" in bias.agreement_says(pd.DataFrame())
    assert bias.pool_shares(of_arms) == {"de": 3 / 7, "en": 4 / 7}
    shares = bias.shares_of_top(tops)
    assert shares.groupby(["arm", "query_language"])["share"].sum().tolist() == [1.0] * 4
    assert "by chance it would be 50%" in bias.shares_says(shares, {"de": 0.5, "en": 0.5})
    whose = bias.whose_language(of_arms, tops, ["hybrid", "x-y"])
    assert list(whose) == ["chance", "hybrid", "x-y"]
    assert whose.loc["own-before-english", "chance"] == 0.5
    assert whose[whose.index.str.match("first-")].sum().tolist() == pytest.approx([1.0] * 3)
    assert "With x-y the first passage is right in" in bias.whose_language_says(whose)
    assert "An irrelevant English passage comes" in bias.whose_language_says(whose)
    without = whose[~whose.index.str.startswith("irrelevant")]
    assert "has no English passages beside others" in bias.whose_language_says(without)


def test_the_answer_on_bias_names_who_favours_the_own_language() -> None:
    table = pd.DataFrame(
        {"chance": [1.0, 10.0], "x-y": [2.0, 3.0], "hybrid": [0.9, 4.0]},
        index=["own-language-preference", "rank-distance"],
    )
    assert "is above chance with x-y and not above it with hybrid." in bias.answer(table)
    unknown = table.copy()
    unknown.loc["own-language-preference"] = np.nan
    assert "comes first is not measured here." in bias.answer(unknown)
    assert "first is above chance with x-y." in bias.answer(table.drop(columns="hybrid"))


def test_a_measure_that_is_the_score_correlates_with_it() -> None:
    scores = pd.DataFrame(
        [
            ("multilingual", "mAP", "x-y", seed, code, 0.1 * seed + i)
            for seed in range(3)
            for i, code in enumerate(("de", "en"))
        ],
        columns=["setting", "metric", "arm", "seed", "query_language", "value"],
    )
    same = scores.assign(measure="mrc", value=-scores["value"])
    table = bias.with_score(same, scores)
    assert table.loc["mrc"].tolist() == pytest.approx([-1.0, -1.0])
    assert "mrc says most" in bias.with_score_says(table)


# 09-factorial


def test_the_committed_factorial_has_its_contrasts() -> None:
    arms = factorial.design(studies.load("factorial"))
    wanted = factorial.wanted(arms)
    assert list(wanted)[:5] == list(factorial.PLAIN)
    assert wanted["by batch − by pair, α = 0.25"] == {
        "hybrid 0.25": 1,
        "hybrid 0.25 by pairs": -1,
    }
    assert wanted["hybrid − x-y, 235 ids"] == {"hybrid of 235": 1, "x-y of 235": -1}
    assert len(wanted) == 12
    real = factorial.design(studies.load("xquad-zero-shot"))
    assert set(factorial.wanted(real)) == set(factorial.PLAIN)  # no floor, no arm without training


@pytest.fixture(scope="module")
def here() -> pd.DataFrame:
    """The mAP of the four arms of the 2 × 2 and hybrid, two seeds each."""
    means = {"x-x-mono": 0.8, "x-x": 0.6, "x-y-mono": 0.5, "x-y": 0.4, "hybrid": 0.9}
    values = {(arm, seed): v + 0.01 * seed for arm, v in means.items() for seed in (0, 1)}
    design = pd.DataFrame({"arm": list(means), "strategy": list(means), "alpha": 0.5})
    design = design.assign(mix="batch", ids=np.nan)
    return tables.over_pairs(measured(values)).merge(design, on="arm")


def test_a_study_without_the_arms_of_the_two_by_two_is_refused() -> None:
    with pytest.raises(ValueError, match="study 'mtop' lacks x-y-mono: the notebook factorial"):
        factorial.design(studies.load("mtop"))


def test_the_two_by_two(here: pd.DataFrame) -> None:
    wide = factorial.two_by_two(here)
    assert wide.loc[("trained", "monolingual"), ("different", "mixed")] == "0.405 ± 0.007"
    assert "x-x-mono (monolingual, 0.805)" in factorial.two_by_two_says(here)


def test_a_metric_that_tells_nothing_is_refused(here: pd.DataFrame) -> None:
    assert len(factorial.of_metric(here, "mAP")) == len(here)
    with pytest.raises(ValueError, match="metric is 'R@1'; the runs have mAP"):
        factorial.of_metric(here, "R@1")
    zero = here.assign(metric="rank-distance", value=0.0)
    with pytest.raises(ValueError, match="rank-distance is 0 for every run"):
        factorial.of_metric(zero, "rank-distance")


def test_the_ends_of_the_curve_are_the_plain_strategies(here: pd.DataFrame) -> None:
    curve = factorial.alpha_curve(here)
    seen = curve[(curve["languages"] == "trained") & (curve["setting"] == "monolingual")]
    means = seen.groupby(["alpha", "level"])["value"].mean()
    assert means[0.0, "batch"] == means[0.0, "pair"] == pytest.approx(0.405)
    assert means[1.0, "batch"] == pytest.approx(0.805)
    assert means[1.0, "pair"] == pytest.approx(0.605)
    # The lines share their ends: without hybrid by pairs there is nothing between them to compare.
    nowhere = "No share between 0 and 1 is mixed both by batch and by pair in this study."
    assert factorial.alpha_says(curve) == nowhere
    by_pairs = here[here["arm"] == "hybrid"].assign(arm="hybrid by pairs", mix="pair")
    both = pd.concat([here, by_pairs.assign(value=by_pairs["value"] - 0.1)])
    said = factorial.alpha_says(factorial.alpha_curve(both))
    assert "furthest apart at α = 0.5: batches minus pairs is +0.100." in said


def test_sizes_are_a_curve_where_there_are_several(here: pd.DataFrame) -> None:
    design = here[["arm", "strategy", "ids"]].drop_duplicates()
    assert factorial.size_curve(here, design, "mAP", 1880) is None
    small = here[here["arm"] == "hybrid"].assign(arm="hybrid of 9", ids=9.0, value=0.1)
    both = pd.concat([here, small])
    design = both[["arm", "strategy", "ids"]].drop_duplicates()
    sizes = factorial.size_curve(both, design, "mAP", 1880)
    assert sizes is not None
    assert sorted(sizes["ids"].unique()) == [9, 1880]
    assert set(sizes["arm"]) == {"hybrid", "x-y", "x-x-mono"}
    assert "hybrid with 9 ids (0.100) and hybrid with 1,880 ids" in factorial.size_says(sizes)


def test_effects_by_seed_are_students(here: pd.DataFrame) -> None:
    table = factorial.by_seed(here, {"same": factorial.PLAIN["same language"]})
    row = table.loc[("same", "monolingual")]
    assert row["difference"] == pytest.approx((0.8 + 0.6 - 0.5 - 0.4) / 2)
    assert row["by seed"] == "+0.250 +0.250"
    one = factorial.by_seed(here[here["seed"] == 0], {"same": factorial.PLAIN["same language"]})
    assert "one seed only" in factorial.by_seed_says(one, pd.DataFrame())


def test_effects_are_the_librarys_and_told(here: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    questions = pd.DataFrame(
        [
            (group, "monolingual", f"q{i}", 0.5 * (arm == "hybrid") + rng.random() / 9, arm, seed)
            for group in ("trained", "unseen")
            for arm in ("hybrid", "x-y")
            for seed in (0, 1)
            for i in range(20)
        ],
        columns=["languages", "setting", "question_id", "mAP", "arm", "seed"],
    )
    asked = {"hybrid − x-y": {"hybrid": 1.0, "x-y": -1.0}}
    arms = pd.DataFrame({"arm": ["hybrid", "x-y"]})
    of_four = factorial.effects(questions, arms, asked, "mAP", {f"q{i}": i % 4 for i in range(20)})
    assert (of_four["n_units"] == 4).all()
    trained = of_four[of_four["languages"] == "trained"]
    assert "0 of 1 effects may not be chance" in factorial.effects_says(trained)
    assert "(monolingual, may be chance by unit)" in factorial.answer(of_four)
    table = factorial.effects(questions, arms, asked, "mAP", {f"q{i}": i for i in range(20)})
    plain = hbt.contrasts(questions[questions["languages"] == "trained"], asked, metric="mAP")
    ours = table[table["languages"] == "trained"].reset_index(drop=True)
    shared = list(plain.columns.drop("n_units"))
    pd.testing.assert_frame_equal(ours[shared], plain[shared])
    seen = table[table["languages"] == "trained"]
    assert "1 of 1 effects may not be chance" in factorial.effects_says(seen)
    assert "**hybrid − x-y**: +0.5" in factorial.answer(table)
    assert "font-weight: bold" in factorial.effects_shown(table).to_html()
    batches = table.assign(contrast="by batch − by pair, α = 0.5")
    assert "better in 1 of 1 comparisons" in factorial.answer(batches)
    # A rank distance is better where it is lower.
    farther = factorial.answer(batches.assign(metric="rank-distance"))
    assert "better in 0 of 1 comparisons" in farther
    assert "worse in 1" in farther


def test_all_arms_stand_in_the_designs_order(here: pd.DataFrame) -> None:
    design = pd.DataFrame({"arm": ["hybrid", "x-y"]})
    table = factorial.all_arms(here, design)
    assert table.index.tolist() == ["hybrid", "x-y"]
    assert table.loc["x-y", "trained, monolingual"] == "0.405 ± 0.007"
    assert table.columns[0] == "trained, monolingual"


# 10-paper


def test_the_printed_averages_are_those_of_their_rows() -> None:
    again = paper.recomputed(hbt.paper_tables())
    assert "All 108 printed averages" in paper.recomputed_says(again)
    changed = hbt.paper_tables()
    first_mean = changed.index[changed["language"] == "mean"][0]
    changed.loc[first_mean, "value"] += 1
    assert paper.recomputed_says(paper.recomputed(changed)).startswith("1 of 108")
    assert "1,044 published numbers" in paper.published_says(hbt.paper_tables())


def test_the_published_tests_are_counted() -> None:
    tests = paper.with_direction(hbt.paper.reexamine())
    counts = paper.counts(tests)
    assert counts.xs("better of the two")["rows"].sum() == 32
    better = paper.against_better(tests)
    assert better["losses"].is_monotonic_decreasing
    assert (better["baseline"] == "better of the two").all()
    assert "p_sign_holm" in paper.against_better_shown(better).to_html()
    assert "of 32 rows" in paper.against_better_says(better)
    wins = (better["wins"] > better["losses"]).sum()
    assert f"wins in more languages than it loses in {wins}." in paper.answer(tests)
    gains = hbt.paper.gaps()
    assert "of 32 rows" in paper.gains_says(gains)


def test_drawn_batches_are_the_plans(tiny_pairs: hbt.Pairs) -> None:
    plan = hbt.BatchPlan(tiny_pairs, "x-y", batch_size=4)
    drawn = paper.batches(plan, 2, 3)
    assert len(drawn) == 6
    assert drawn["query_language"].tolist()[:3] == list(plan[0].query_languages[:3])
    assert paper.batches_says(drawn) == (
        "Of these 2 batches 2 are x-y; 0% of the pairs are in one language."
    )


# The committed results


def test_the_committed_tables_come_out_of_the_committed_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader("worldfacts")
    committed = {name: reader.file(name).read_text() for name in ("summary.md", "summary.csv")}
    monkeypatch.setattr(reader, "file", lambda name: tmp_path / name)
    seeds = tables.over_pairs(reader.measured(rivals=True))
    arms = [*reader.arms, *reader.rivals]
    parts = [
        results.with_baseline(results.settings_table(seeds, names, arms), reader)
        for names in (["mAP", "R@1", "R@10"], ["rank-distance"])
    ]
    results.write_summary(reader, parts, "05-results")
    assert (tmp_path / "summary.csv").read_text() == committed["summary.csv"]
    ours, theirs = (
        [line for line in text.splitlines() if "made by" not in line]
        for text in ((tmp_path / "summary.md").read_text(), committed["summary.md"])
    )
    assert ours == theirs
