"""Tables that are none of ranks, and arguments that make no sense: each refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import random_benchmark
from drawn_ranks import ranks_of

import hbtlib as hbt
from hbtlib.evaluation.groups import by_training
from hbtlib.evaluation.metrics import by_group, by_question, per_query

Table = pd.DataFrame


def some_ranks() -> Table:
    benchmark, q, p = random_benchmark(3, languages=3, ties=False)
    return hbt.rank_vectors(q, p, benchmark)


RANKS = some_ranks()
PLAIN = RANKS.astype(
    {name: "str" for name in RANKS.columns if isinstance(RANKS[name].dtype, pd.CategoricalDtype)}
    | dict.fromkeys(["rank", "n_relevant", "n_passages", "score", "grade"], "float64")
)


def put(column: str, value: Any, kind: Any = None) -> Callable[[Table], Table]:
    """A change of a table: this value in the third row of a column."""

    def change(table: Table) -> Table:
        values = table[column].astype(kind) if kind else table[column].copy()
        values.iloc[2] = value
        return table.assign(**{column: values})

    return change


# A damage to a ranks table, and a piece of what is said of it.
DAMAGE: dict[str, tuple[Callable[[Table], Table], str]] = {
    "a rank that is missing": (put("rank", np.nan), "the rank nan in row 2"),
    "a rank below 0": (put("rank", -3.0), "has the rank -3, where a whole number from 1 up"),
    "a rank of 0": (put("rank", 0.0), "has the rank 0, where a whole number from 1 up"),
    "half a rank": (put("rank", 1.5), "has the rank 1.5, where a whole number from 1 up"),
    "an infinite rank": (put("rank", np.inf), "the rank inf in row 2"),
    "a rank beyond the pool": (put("rank", 10_000.0), "has the rank 10000 in a pool of"),
    "ranks as texts": (lambda t: t.assign(rank=t["rank"].astype(str)), "'rank' of the type str"),
    "ranks as objects": (lambda t: t.assign(rank=t["rank"].astype(object)), "of the type object"),
    "ranks as truth values": (lambda t: t.assign(rank=t["rank"] > 2), "'rank' of the type bool"),
    "complex ranks": (lambda t: t.assign(rank=t["rank"] + 0j), "'rank' of the type complex"),
    "ranks as dates": (lambda t: t.assign(rank=pd.Timestamp(0)), "'rank' of the type datetime64"),
    "all ranks missing": (lambda t: t.assign(rank=np.nan), "the rank nan in row 0"),
    "nothing relevant": (put("n_relevant", 0.0), "has the n_relevant 0, where"),
    "n_relevant below 0": (put("n_relevant", -1.0), "has the n_relevant -1, where"),
    "n_relevant missing": (put("n_relevant", np.nan), "the n_relevant nan in row 2"),
    "too many relevant": (lambda t: t.assign(n_relevant=99), "hold fewer rows of the query"),
    "one relevant": (lambda t: t.assign(n_relevant=1), "hold more rows of the query"),
    "n_relevant as text": (lambda t: t.assign(n_relevant="2"), "'n_relevant' of the type str"),
    "half a pool": (put("n_passages", 0.5), "has the n_passages 0.5, where"),
    "no pool": (lambda t: t.assign(n_passages=np.nan), "the n_passages nan in row 0"),
    "a small pool": (lambda t: t.assign(n_passages=1), "in a pool of 1 passages"),
    "a grade below 0": (put("grade", -1.0), "has the grade -1: .* whose grades are above 0"),
    "a grade of 0": (put("grade", 0.0), "has the grade 0: .* whose grades are above 0"),
    "no grade": (put("grade", np.nan), "the grade nan in row 2"),
    "grades as texts": (lambda t: t.assign(grade="high"), "'grade' of the type str"),
    "a row twice": (lambda t: pd.concat([t, t.iloc[:1]]), "hold more rows of the query"),
    "all rows twice": (lambda t: pd.concat([t, t]), "hold more rows of the query"),
    "a row less": (lambda t: t[t.index != t["n_relevant"].idxmax()], "hold fewer rows of the"),
    "no query": (put("query_id", None), "have no query_id in row 2"),
    "no question": (put("question_id", None), "have no question_id in row 2"),
    "no language": (put("query_language", None), "have no query_language in row 2"),
    "no pool's name": (put("pool", None), "have no pool in row 2"),
    "an unknown pool": (put("pool", "xx"), "has a passage in '..': a pool is 'all' or"),
    "no benchmark's name": (put("benchmark", None), "have no benchmark in row 2"),
    "another benchmark": (put("benchmark", "x"), r"of several benchmarks \(random3, x\)"),
    "no rows": (lambda t: t.iloc[:0], "the ranks have no rows"),
    "no columns": (lambda t: t[[]], "the ranks lack the column"),
    "no table": (lambda t: t.to_dict(), "the ranks are {.*, where a table"),
    "a path": (lambda t: "ranks.parquet", "the ranks are 'ranks.parquet', where a table"),
    "nothing": (lambda t: None, "the ranks are None, where a table"),
    "a column twice": (
        lambda t: pd.concat([t, t[["rank"]]], axis=1),
        "have the column 'rank' twice",
    ),
}
MEASURES: dict[str, Callable[..., Any]] = {
    "measure": hbt.measure,
    "per_query": per_query,
    "by_question": by_question,
    "bias": hbt.bias,
    "favoured": hbt.favoured,
    "compare": lambda t: hbt.compare(t, PLAIN, permutations=9, samples=9),
    "compare with": lambda t: hbt.compare(PLAIN, t, permutations=9, samples=9),
    "compare_pairs": lambda t: hbt.compare_pairs(t, PLAIN, permutations=9),
    "trec": lambda t: hbt.trec.write(t, "/proc/no-such-folder"),
}
# What one measure says otherwise, because it looks at something else first.
OTHERWISE = {
    "no rows": "no rows|has no ranks|none",
    "another benchmark": "several benchmarks|is of",
}


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_table_is_refused(damage: str, measure: str) -> None:
    change, said = DAMAGE[damage]
    with pytest.raises(ValueError, match=OTHERWISE.get(damage, said)) as error:
        MEASURES[measure](change(PLAIN))
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("damage", ["a rank beyond the pool", "a row twice", "an unknown pool"])
def test_a_damaged_table_of_categories_is_refused(damage: str) -> None:
    change, said = DAMAGE[damage]
    names = [column for column in PLAIN if isinstance(RANKS[column].dtype, pd.CategoricalDtype)]
    with pytest.raises(ValueError, match=said):
        hbt.measure(change(PLAIN).astype(dict.fromkeys(names, "category")))


def test_plain_tables_measure_as_those_of_categories() -> None:
    for measure in (hbt.measure, hbt.bias, by_question):
        pd.testing.assert_frame_equal(measure(PLAIN), measure(RANKS), check_dtype=False)


def test_two_passages_at_one_rank_and_a_passage_twice_are_refused() -> None:
    rows = PLAIN[(PLAIN["n_relevant"] > 1) & (PLAIN["pool"] == "all")]
    query = rows["query_id"].iloc[0]
    mine = (PLAIN["query_id"] == query) & (PLAIN["pool"] == "all")
    with pytest.raises(ValueError, match=r"two rows of the query .* in the pool 'all' at one rank"):
        hbt.measure(PLAIN.assign(rank=PLAIN["rank"].where(~mine, 1)))
    one = PLAIN.loc[mine, "passage_id"].iloc[0]
    twice = PLAIN.assign(passage_id=PLAIN["passage_id"].where(~mine, one))
    with pytest.raises(ValueError, match=r"holds the passage .* twice"):
        hbt.bias(twice)
    first = mine & (PLAIN["rank"] == PLAIN.loc[mine, "rank"].min())
    uneven = PLAIN.assign(n_relevant=PLAIN["n_relevant"].where(~mine | first, 99.0))
    with pytest.raises(ValueError, match="differ in n_relevant: it is one number"):
        hbt.measure(uneven)


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (["mAP@0"], "no metric 'mAP@0'; there are"),
        (["R@-1"], "no metric 'R@-1'"),
        (["mAP@x"], "no metric 'mAP@x'"),
        (["R@1.5"], "no metric 'R@1.5'"),
        (["R"], "no metric 'R'"),
        ("map", "no metric 'map'"),
        ([], "metrics is empty"),
        (["mAP", "mAP"], "metrics has 'mAP' twice"),
        ([None], "metrics has None in it"),
        ([10], "metrics has 10 in it"),
        (None, "metrics is None; it must be a list of metrics"),
        (10, "metrics is 10; it must be a list of metrics"),
    ],
)
def test_metrics_that_are_none_are_refused(metrics: Any, said: str) -> None:
    for measure in (hbt.measure, per_query, by_question):
        with pytest.raises(ValueError, match=said):
            measure(RANKS, metrics)


def test_one_metric_need_not_be_in_a_list() -> None:
    for measure in (hbt.measure, by_question):
        pd.testing.assert_frame_equal(measure(RANKS, "mAP"), measure(RANKS, ["mAP"]))


@pytest.mark.parametrize("trained", ["aa", "aa bb", 5, ["aa", "aa"], [None]])
def test_languages_are_a_list_of_codes(trained: Any) -> None:
    with pytest.raises(ValueError, match=r"trained (is|has) .*list of languages|once"):
        by_training(hbt.measure(RANKS), trained)
    with pytest.raises(ValueError, match=r"trained (is|has) .*list of languages|once"):
        by_question(RANKS, trained=trained)


def test_no_language_trained_on_is_not_all_of_them() -> None:
    assert set(by_training(hbt.measure(RANKS), [])["languages"]) == {"unseen"}


@pytest.mark.parametrize(
    ("change", "by", "said"),
    [
        (put("value", np.nan), (), "the measured values have the value nan in row 2"),
        (put("value", np.inf), (), "the value inf in row 2"),
        (lambda t: t.assign(value="high"), (), "'value' of the type str"),
        (put("setting", "mono"), (), "no setting 'mono'; there are monolingual"),
        (put("metric", None), (), "have no metric in row 2"),
        (lambda t: t.iloc[:0], (), "have no rows"),
        (lambda t: t.drop(columns="setting"), (), "lack the column 'setting'"),
        (lambda t: t, ["arm"], "lack the column 'arm'"),
        (lambda t: t, "arm", "lack the column 'arm'"),
        (lambda t: t, 5, "by is 5; it must be a list of columns"),
        (lambda t: t.assign(arm=None), ["arm"], "have no arm in row 0"),
        (lambda t: [t], (), "the measured values are .*, where a table"),
    ],
)
def test_what_cannot_be_summarised_is_refused(
    change: Callable[[Table], Any], by: Any, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        hbt.summarise(change(hbt.measure(RANKS)), by)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda t: by_group(t, "colour"), "no feature 'colour'"),
        (lambda t: by_group(t, None), "no feature None"),
        (lambda t: by_group(t.drop(columns="pool"), "script"), "lack the column 'pool'"),
        (lambda t: by_training(t.drop(columns="pool"), ["aa"]), "lack the column 'pool'"),
        (lambda t: hbt.units(t), "the ranks lack the column 'benchmark'"),
        (lambda t: hbt.units(RANKS.iloc[:0]), "the ranks have no rows"),
        (lambda t: hbt.units(PLAIN.assign(question_id=None)), "have no question_id in row 0"),
        (lambda t: hbt.bias(RANKS, k="10"), "k is '10'; it is a whole number"),
        (lambda t: hbt.bias(RANKS, k=[1.5]), "k is 1.5; it is a whole number"),
        (lambda t: hbt.bias(RANKS, k=[None]), "k is None; it is a whole number"),
        (lambda t: hbt.bias(RANKS, k=float("nan")), "k is nan; it is a whole number"),
        (lambda t: hbt.bias(RANKS, k=True), "k is True; it is a whole number"),
        (lambda t: hbt.bias(PLAIN.assign(score="x")), "'score' of the type str"),
        (lambda t: hbt.bias(PLAIN.assign(score=np.inf)), "the score inf in row 0"),
        (lambda t: hbt.top_shares(t), "the top lack the column 'benchmark'"),
    ],
)
def test_other_nonsense_is_refused(call: Callable[[Table], Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call(hbt.measure(RANKS))


A, B = ranks_of(1).assign(benchmark="xquad-r"), ranks_of(2).assign(benchmark="xquad-r")


@pytest.mark.parametrize(
    ("a", "b", "options", "said"),
    [
        (A, B.assign(benchmark="mlqa-r"), {}, "a is of the benchmark xquad-r and b of mlqa-r"),
        (A, {"y": B.assign(benchmark="mlqa-r")}, {}, r"xquad-r and b \(y\) of mlqa-r"),
        (A, B[B["question_id"] != "q3"], {}, "do not hold the same queries and pools"),
        (A, B.replace({"query_id": {"q3-aa": "x"}}), {}, "do not hold the same queries and pools"),
        (A.assign(seed=1), B.assign(seed=2), {}, r"the same seeds: a has \[1\], b has \[2\]"),
        (A.assign(seed=1), B, {}, r"the same seeds: a has \[1\], b has \[0\]"),
        (A.assign(seed="a"), B.assign(seed=2), {}, "the same seeds"),
        (A.assign(seed=np.nan), B, {}, "the ranks have no seed in row 0"),
        (A, {}, {}, "there is nothing to compare with"),
        (A, None, {}, "the ranks are None, where a table"),
        (A, [B], {}, "where a table"),
        (A, B, {"metric": []}, "metric is empty"),
        (A, B, {"metric": ["mAP", "mAP"]}, "metric has 'mAP' twice"),
        (A, B, {"metric": None}, "metric is None; it must be a list of metrics"),
        (A, B, {"metric": "mAP@0"}, "no metric 'mAP@0'"),
        (A, B, {"setting": []}, "setting is empty"),
        (A, B, {"setting": "mono"}, "no setting 'mono'; there are monolingual"),
        (A, B, {"setting": ["monolingual"] * 2}, "setting has 'monolingual' twice"),
        (A, B, {"permutations": 0}, "permutations is 0; it must be 1 or more"),
        (A, B, {"permutations": 1.5}, "permutations is 1.5; it must be a whole number"),
        (A, B, {"permutations": "many"}, "permutations is 'many'; it must be a whole number"),
        (A, B, {"samples": -1}, "samples is -1; it must be 1 or more"),
        (A, B, {"samples": None}, "samples is None; it must be a whole number"),
        (A, B, {"seed": -1}, "seed is -1; it must be 0 or more"),
        (A, B, {"seed": "x"}, "seed is 'x'; it must be a whole number"),
        (A, B, {"unit": 5}, "unit is 5; it is a map"),
        (A, B, {"unit": "paragraph"}, "unit is 'paragraph'; it is a map"),
        (A, B, {"unit": {}}, "unit says nothing of question 'q0'"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    a: Table, b: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        hbt.compare(a, b, **{"permutations": 9, "samples": 9, **options})


@pytest.mark.parametrize(
    ("b", "options", "said"),
    [
        (B.assign(benchmark="mlqa-r"), {}, "a is of the benchmark xquad-r and b of mlqa-r"),
        (B, {"metric": ["mAP"]}, r"metric is \['mAP'\]; compare_pairs takes the name of one"),
        (B, {"metric": "nosuch"}, "no metric 'nosuch'"),
        (B, {"permutations": 0}, "permutations is 0; it must be 1 or more"),
        (B, {"seed": -1}, "seed is -1; it must be 0 or more"),
        (B, {"unit": 5}, "unit is 5; it is a map"),
    ],
)
def test_pairs_that_cannot_be_compared_are_refused(
    b: Table, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        hbt.compare_pairs(A, b, **{"permutations": 9, **options})


def test_a_pair_without_the_pool_of_all_has_no_rank_distance() -> None:
    own = [table[table["pool"] != "all"] for table in (A, B)]
    with pytest.raises(ValueError, match="hold no pair of query language and pool with rank-dist"):
        hbt.compare_pairs(*own, metric="rank-distance", permutations=9)


QUESTIONS = pd.concat(
    [by_question(table).assign(arm=arm, seed=0) for arm, table in (("a", A), ("b", B))]
)
GAIN = {"gain": {"a": 1, "b": -1}}


@pytest.mark.parametrize(
    ("change", "wanted", "options", "said"),
    [
        (lambda t: t.iloc[:0], GAIN, {}, "the questions have no rows"),
        (lambda t: t.drop(columns="arm"), GAIN, {}, "the questions lack the column 'arm'"),
        (lambda t: t, GAIN, {"metric": "nDCG"}, "the questions lack the column 'nDCG'"),
        (lambda t: t.assign(mAP="x"), GAIN, {}, "'mAP' of the type str"),
        (put("mAP", np.nan), GAIN, {}, "the questions have the mAP nan in row 2"),
        (put("seed", np.nan, float), GAIN, {}, "the questions have no seed in row 2"),
        (lambda t: pd.concat([t, t]), GAIN, {}, "a question stands twice in a run"),
        (lambda t: t.iloc[1:], GAIN, {}, "a, b do not have the same seeds and questions"),
        (lambda t: t, {}, {}, "wanted is {}; it names each contrast"),
        (lambda t: t, None, {}, "wanted is None; it names each contrast"),
        (lambda t: t, {"x": {}}, {}, "contrast 'x' is {}; it gives each arm its weight"),
        (lambda t: t, {"x": 5}, {}, "contrast 'x' is 5; it gives each arm its weight"),
        (lambda t: t, {"x": {"z": 1}}, {}, "contrast 'x': no arm 'z'; there are a, b"),
        (lambda t: t, {"x": {"a": "1"}}, {}, "the weight of 'a' is '1'; it must be a number"),
        (lambda t: t, {"x": {"a": np.nan}}, {}, "the weight of 'a' is nan; it must be a finite"),
        (lambda t: t, GAIN, {"seed": -1}, "seed is -1"),
        (lambda t: t, GAIN, {"samples": 0}, "samples is 0; it must be 1 or more"),
        (lambda t: t, GAIN, {"metric": "rank-distance", "setting": "monolingual"}, "hold none of"),
    ],
)
def test_contrasts_that_make_no_sense_are_refused(
    change: Callable[[Table], Table], wanted: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        hbt.contrasts(change(QUESTIONS), wanted, **{"permutations": 9, "samples": 9, **options})


def test_a_pool_that_leads_out_of_the_folder_is_not_written(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    for pool in ("../evil", "a/b", "..", "/tmp/evil", "a\x00b", "", ".hidden", "a b"):
        ranks = PLAIN.assign(pool=pool, passage_language=pool, n_relevant=1, rank=1.0)
        ranks = ranks.drop_duplicates("query_id")
        with pytest.raises(ValueError, match=r"a pool is .*; it becomes a part of a file's name"):
            hbt.trec.write(ranks, folder)
    assert not list(tmp_path.rglob("*"))
    for pool in ("zh_Hant", "hi-en"):
        hbt.trec.write(ranks.assign(pool=pool, passage_language=pool), folder)
        assert (folder / f"{pool}.run").exists()


def test_ids_with_quotes_are_written_as_they_are(tmp_path: Path) -> None:
    ranks = PLAIN.drop_duplicates("query_id").assign(n_relevant=1, rank=1.0, passage_id='p"1"\'')
    run, *_ = hbt.trec.write(ranks, tmp_path)
    assert run.read_text().splitlines()[0].split()[2] == 'p"1"\''


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"bb.run": "{query} Q0 {aa} 1 2 x\n"}, "line 1: the passage '.*' is in 'aa', and the po"),
        ({"all.run": "{query} Q0 nosuch 1 2 x\n"}, "line 1: the benchmark has no passage 'nosuch'"),
        ({"all.run": ""}, "all.run: there is no line in it"),
        ({"all.run": "\n\n"}, "all.run: there is no line in it"),
        ({"all.run": b"{query} Q0 \xff\xfe 1 2 x\n"}, "line 1: byte .* is not UTF-8"),
        ({"all.run.gz": "no gzip"}, "cut off or damaged"),
        ({}, "has no run of 'random0'"),
    ],
)
def test_runs_that_are_not_of_the_benchmark_are_refused(
    files: dict[str, Any], said: str, tmp_path: Path
) -> None:
    benchmark, _, _ = random_benchmark(0)
    passages = benchmark.passages
    names = {
        "query": benchmark.queries["query_id"].iloc[0],
        "aa": passages["passage_id"][passages["language"] == "aa"].iloc[0],
    }
    for name, content in files.items():
        raw = content if isinstance(content, bytes) else content.format(**names).encode()
        (tmp_path / name).write_bytes(raw)
    with pytest.raises(ValueError, match=said) as error:
        hbt.trec.read(tmp_path, benchmark)
    assert str(tmp_path) in str(error.value)


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    benchmark, _, _ = random_benchmark(0)
    with pytest.raises(FileNotFoundError, match="nowhere is no folder"):
        hbt.trec.read(tmp_path / "nowhere", benchmark)
    with pytest.raises(ValueError, match="the benchmark is 'xquad-r'; give"):
        hbt.trec.read(tmp_path, "xquad-r")  # type: ignore[arg-type]
    for call in (lambda: hbt.trec.read(5, benchmark), lambda: hbt.trec.write(RANKS, 5)):
        with pytest.raises(ValueError, match="the folder is 5; it must be a path"):
            call()
    for depth in (0, 1.5, "9", None):
        with pytest.raises(ValueError, match=r"depth is .*; it must be"):
            hbt.trec.write(RANKS, tmp_path, depth=depth)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda v: v * 1j, "are no plain array of real numbers"),
        (lambda v: v > 0, "are no plain array of real numbers"),
        (lambda v: v.astype(str), "are no plain array of real numbers"),
        (lambda v: np.ma.masked_array(v), "are no plain array of real numbers"),
        (lambda v: None, "are no plain array of real numbers"),
        (lambda v: [[1.0], [1.0, 2.0]], "are no plain array of real numbers"),
        (lambda v: v[:, 0], r"have shape \(\d+,\)"),
        (lambda v: v[:0], r"have shape \(0, 4\)"),
        (lambda v: v * np.nan, "have a vector that is not finite, in row 0"),
    ],
)
def test_probes_take_real_numbers_alone(made: Callable[[Any], Any], said: str) -> None:
    benchmark, q, p = random_benchmark(0)
    codes = benchmark.passages["language"]
    with pytest.raises(ValueError, match=f"vectors {said}"):
        hbt.probes.language_probe(made(p), codes)
    with pytest.raises(ValueError, match=f"query_vectors {said}"):
        hbt.probes.points(made(q), p, benchmark)
    with pytest.raises(ValueError, match=f"passage_vectors {said}"):
        hbt.probes.points(q, made(p), benchmark)


def test_other_nonsense_is_not_probed() -> None:
    benchmark, q, p = random_benchmark(0)
    codes = benchmark.passages["language"].tolist()
    for folds in (1, 2.5, "5", None):
        with pytest.raises(ValueError, match=r"folds is .*; it must be"):
            hbt.probes.language_probe(p, codes, folds=folds)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a language or question is missing"):
        hbt.probes.language_probe(p, [None, *codes[1:]])
    for questions in (0, "all"):
        with pytest.raises(ValueError, match=r"questions is .*; it must be"):
            hbt.probes.points(q, p, benchmark, questions=questions)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"passage_vectors have shape .*; give one vector a text"):
        hbt.probes.points(q, np.vstack([p, p]), benchmark)
    with pytest.raises(ValueError, match="query_vectors have width 4 and passage_vectors 3"):
        hbt.probes.points(q, p[:, :3], benchmark)


@pytest.mark.parametrize("k", [0, -1, 2.5, 1e20, 2**31, True, "3", b"bytes", None, {3: 1}, [[3]]])
def test_a_cut_is_a_rank(k: Any) -> None:
    with pytest.raises(ValueError, match=r"k is .*; it is a whole number of ranks from 1 up to"):
        hbt.bias(RANKS, k=k)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("../x", 3), "n_passages is '../x'; it must be a number"),
        ((None, 3), "n_passages is None; it must be a number"),
        (([], 3), r"n_passages is \[\]; it must be a number"),
        ((100, " "), "n_relevant is ' '; it must be a number"),
        ((100, True), "n_relevant is True; it must be a number"),
        ((100, 0), "n_relevant is 0; it must be 1 or more"),
        ((3, 100), "n_relevant is larger than n_passages"),
        ((pd.Series([9, 3]), pd.Series([2, 4])), "n_relevant is larger than n_passages"),
        ((pd.Series([9, 3]), pd.Series([2])), "n_passages has 2 values and n_relevant 1"),
        ((np.array([np.nan]), 1), r"n_passages is array\(\[nan\]\); it must be a column of finite"),
        ((9, np.array(["text"])), "n_relevant is array.*; it must be a column of finite numbers"),
        ((9, pd.Series([1, None], dtype="Int32")), "n_relevant is .*; it must be a column of fin"),
    ],
)
def test_chance_is_of_numbers(given: tuple[Any, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        hbt.chance_rank_distance(*given)


def test_chance_is_of_columns_of_every_kind_of_number() -> None:
    for kind in ("int32", "float64", "Int64", "float32"):
        column = pd.Series([99, 9], dtype=kind)
        assert hbt.chance_rank_distance(column, 3).tolist() == [50, 5]
    assert hbt.chance_rank_distance(np.array([99]), np.array([3])).tolist() == [50]
    assert hbt.chance_rank_distance(np.int64(99), np.float32(3)) == 50


@pytest.mark.parametrize("name", ["languages", "questions"])
def test_a_probe_has_one_language_and_question_a_text(name: str) -> None:
    given: dict[str, Any] = {"vectors": np.eye(4), "languages": list("aabb"), "folds": 2}
    for value in (3, 0.5, "a", {"nosuch": 1}, np.nan, pd.DataFrame({"x": [1, 2, 3, 4]})):
        with pytest.raises(ValueError, match=rf"{name} is .*; it must be a list with one for each"):
            hbt.probes.language_probe(**{**given, name: value})


def test_words_are_no_numbers() -> None:
    numbers = pd.Categorical([1] * len(RANKS))
    for column in ("query_language", "passage_language", "pool"):
        for wrong in (RANKS.assign(**{column: 1.5}), RANKS.assign(**{column: numbers})):
            with pytest.raises(ValueError, match=f"column '{column}' of the type .*, where words"):
                hbt.measure(wrong)
    measured = hbt.measure(RANKS)
    with pytest.raises(ValueError, match="measured values have no pool in row 0"):
        hbt.metrics.by_training(measured.assign(pool=None), ["aa"])
    for trained in ({}, pd.DataFrame(), np.ma.masked, b"aa"):
        with pytest.raises(ValueError, match=r"trained is .*; it must be a list of languages"):
            hbt.metrics.by_training(measured, trained)
