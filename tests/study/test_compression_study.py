"""The study `compression`: its tables are those of the library's functions, its errors say what."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from encoder_table import benchmark, texts, vectors

import hbtlib as hbt
from hbtlib.study.compression import rows
from hbtlib.study.compression.declared import FILE, Declared, declared, declared_tests
from hbtlib.study.compression_page import page
from hbtlib.study.encoders_measured import TOP, Measured, changes, measure_ranks
from hbtlib.study.report import compression as report

REPOSITORY = Path(__file__).resolve().parents[2]
FEW = Declared(
    question="?",
    encoders=("mine",),
    benchmarks=("tiny",),
    maps=("as it is", "centre alone", "translations"),
    texts="",
    compressions={"float32": {}, "2 dimensions": {"dimensions": 2}, "int8": {"quantize": "int8"}},
    cost=(("mAP", "multilingual"), ("rank-distance-relative", "multilingual")),
    effect=(("mAP", "multilingual"),),
    permutations=200,
    samples=50,
)


def words(given: list[str]) -> np.ndarray:
    return vectors(given, language=2.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the rows of one encoder."""
    folder = tmp_path_factory.mktemp("compression")
    (folder / FILE).parent.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HBT_ROOT", str(folder))
        encoder = hbt.FunctionEncoder(words, name="mine")
        asked = {"benchmarks": {"tiny": benchmark()}, "texts": texts(), "asked": FEW}
        rows.add(encoder, vectors=folder / "vectors", **asked)  # type: ignore[arg-type]
    return folder


@pytest.fixture
def project(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HBT_ROOT", str(made))
    monkeypatch.setattr(rows, "declared", lambda: FEW)
    return made


def measured(**options: object) -> Measured:
    asked = benchmark()
    both = hbt.embed(hbt.FunctionEncoder(words), asked, store="")
    ranks = hbt.rank_vectors(*both, asked, **options)  # type: ignore[arg-type]
    best = hbt.top(*both, asked, k=TOP, **options)  # type: ignore[arg-type]
    return measure_ranks(ranks, best, asked, samples=FEW.samples)


@pytest.mark.usefixtures("project")
def test_the_rows_are_those_of_ranking_with_the_options() -> None:
    plain, small = measured(), measured(quantize="int8")
    scores = rows.collect("scores").query("map == 'as it is' and compression == 'int8'")
    assert scores["value"].to_numpy() == pytest.approx(small.scores["value"].to_numpy(), rel=1e-4)
    cost = rows.collect("cost").query("map == 'as it is' and compression == 'int8'")
    expected = changes(plain, small, samples=FEW.samples)
    for column in ("change", "low", "high"):
        wanted = expected[column].to_numpy()
        assert cost[column].to_numpy() == pytest.approx(wanted, rel=1e-3, abs=1e-6)
    kept = rows.collect("kept").query("map == 'as it is' and compression == 'int8'")
    share = kept.set_index("setting")["share"]
    for setting in ("monolingual", "cross-lingual", "multilingual"):
        ratio = small.score("mAP", setting).value / plain.score("mAP", setting).value
        assert share[setting] == pytest.approx(ratio, rel=1e-4)
    gap = share["cross-lingual"] - share["monolingual"]
    assert share[report.GAP] == pytest.approx(gap, abs=1e-5)


@pytest.mark.usefixtures("project")
def test_pairs_are_tested_as_compare_pairs_does() -> None:
    asked = benchmark()
    unit = hbt.units(measured().ranks)
    wanted = hbt.compare_pairs(measured(dimensions=2).ranks, measured().ranks, unit=unit)
    found = rows.collect("pairs_p").query("map == 'as it is'")
    both = wanted.merge(found, on=["query_language", "pool"])
    assert len(both) == len(wanted) == len(asked.languages) * (len(asked.languages) + 1)
    assert both["2 dimensions"].to_numpy() == pytest.approx(both["p_holm"].to_numpy(), rel=1e-4)


@pytest.mark.usefixtures("project")
def test_the_family_is_what_was_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    tests = rows.tests()
    family = tests[tests["p_holm"].notna()]
    assert len(family) == declared_tests(FEW) == 3 * 2 * 2 + 3
    assert (family["p_holm"] >= family["p"]).all()
    more = FEW.__class__(**{**vars(FEW), "encoders": ("mine", "absent")})
    monkeypatch.setattr(rows, "declared", lambda: more)
    wider = rows.tests()["p_holm"].dropna()
    assert (wider >= family["p_holm"]).all()  # what is absent counts as a test
    assert wider.min() == pytest.approx(min(2 * family["p_holm"].min(), 1), rel=0.2)
    said = report.at_hand_says(rows.collect("scores"), rows.sizes(), rows.tests(), more)
    assert "Declared and not measured yet: absent on tiny" in said


@pytest.mark.usefixtures("project")
def test_what_is_shown() -> None:
    scores, cost, effect, kept = map(rows.collect, ("scores", "cost", "effect", "kept"))
    assert "2 dimensions" in report.kept_table(kept, "tiny").to_html()
    assert "int8 keeps" in report.kept_says(kept)
    assert "rank distance" in report.bias_says(cost)
    assert "the map changes the multilingual mAP" in report.map_says(effect, scores)
    pairs, p = rows.collect("pairs"), rows.collect("pairs_p")
    plain, smaller, tests = report.grids(pairs, p, "mine", "tiny", "translations")
    assert list(smaller) == list(tests) == ["2 dimensions", "int8"]
    hbt.plots.differences(plain, smaller, name="float32", significant=tests)
    assert "by the passages'" in report.pairs_says(plain, smaller)
    assert "of 2 cases" in report.answer(kept, cost, effect, scores)
    with pytest.raises(ValueError, match="encoder is 'nosuch'"):
        report.grids(pairs, p, "nosuch", "tiny", "as it is")
    table = report.with_bytes(scores, rows.sizes(), "tiny")
    figure = hbt.plots.compression_curves(table)
    assert len(figure.axes) == 3
    for axes in figure.axes:
        assert axes.get_ylim()[0] == 0
    with pytest.raises(ValueError, match=r"no 'nosuch', multilingual; they have mAP"):
        hbt.plots.compression_curves(table, [("nosuch", "multilingual")])
    with pytest.raises(ValueError, match="bytes that are not above 0"):
        hbt.plots.compression_curves(table.assign(bytes=0))


def test_what_cannot_be_measured(project: Path) -> None:
    with pytest.raises(ValueError, match="bm25 has no vectors that could be compressed"):
        rows.add("bm25")
    wide = FEW.__class__(**{**vars(FEW), "compressions": {"float32": {}, "x": {"dimensions": 99}}})
    encoder = hbt.FunctionEncoder(words, name="mine")
    asked = {"benchmarks": {"tiny": benchmark()}, "texts": texts(), "asked": wide}
    with pytest.raises(ValueError, match="dimensions, fewer than the compression 'x' keeps"):
        rows.add(encoder, vectors=project / "vectors", **asked)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no rows of the encoder 'x': run `make compression"):
        rows.ROWS.read("x")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: compression\n", "", "must have the keys"),
        ("maps: [as it is,", "maps: [as it was,", "maps is 'as it was'"),
        ("float32: {}", "float32: {quantize: int8}", "compressions must have float32"),
        ("{quantize: int8}", "{bits: 8}", "it has the options dimensions and quantize"),
        ("[mAP monolingual,", "[mAP,", "family has 'mAP'; there are"),
        ("permutations: 100000", "permutations: 0", "permutations is 0"),
        ("encoders: [me5-small, usem3, minilm]", "encoders: 3", "encoders is 3; it is a list"),
    ],
)
def test_a_wrong_declaration_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = (REPOSITORY / FILE).read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "declared.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        declared(file)


def test_the_committed_page_is_that_of_the_committed_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HBT_ROOT", str(REPOSITORY))
    written = (REPOSITORY / "docs" / "results" / "compression.md").read_text(encoding="utf-8")
    assert page() == written, "run: python -m hbtlib.study.compression_page"


def test_a_row_of_the_table_is_read_as_it_was_written() -> None:
    table = pd.read_csv(REPOSITORY / "results" / "compression" / "me5-small" / "pairs.csv")
    assert {"float32", "int8", "binary"} <= set(table.columns)
    assert set(table["map"]) == set(FEW.maps)
