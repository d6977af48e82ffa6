"""The row bm25: its scores are those of BM25, it stands last, and no comparison has it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from encoder_table import benchmark

import hbtlib as hbt
from hbtlib.evaluation.metrics import by_training
from hbtlib.study import baseline
from hbtlib.study.config import load
from hbtlib.study.report import factorial
from hbtlib.study.report import results as report
from hbtlib.study.report.reader import Reader

REPOSITORY = Path(__file__).resolve().parents[2]
STUDIES = [("worldfacts", ""), ("factorial", "")]
STUDIES += [("xquad-zero-shot", "xquad-r"), ("xquad-zero-shot", "mlqa-r")]


def test_its_scores_are_those_of_bm25() -> None:
    pytest.importorskip("bm25s")
    asked = benchmark()
    trained = list(asked.languages[:2])
    found = baseline.measure_baseline(asked, trained).set_index(["languages", "setting", "metric"])
    ranks = hbt.rank_scores(hbt.BM25(asked), asked, ties="hash")
    measured = by_training(hbt.measure(ranks), trained)
    expected = measured.groupby(["languages", "setting", "metric"])["value"].mean()
    assert set(found.index.get_level_values("languages")) == {"trained", "unseen"}
    for key, row in found.iterrows():
        assert row["value"] == pytest.approx(expected[key])
        assert row["low"] <= row["high"]
    distances = found.xs("rank-distance", level="metric")
    assert set(distances.index.get_level_values("setting")) == {"multilingual"}


@pytest.mark.parametrize(("study", "name"), STUDIES)
def test_the_committed_rows_are_whole(study: str, name: str) -> None:
    loaded = load(study)
    table = baseline.read(loaded, name or loaded.benchmarks[0])
    assert table is not None
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    assert set(table["languages"]) == {"trained", "unseen"}
    page = (REPOSITORY / "docs" / "results" / f"{study}.md").read_text(encoding="utf-8")
    shown = table[(table["setting"] == "monolingual") & (table["metric"] == "mAP")].iloc[0]
    if name != "mlqa-r":  # whose row stands in its own file
        assert f"{shown['value']:.3f}".lstrip("0") in page


def test_it_stands_last_and_is_no_arm() -> None:
    reader = Reader("worldfacts")
    rows = pd.MultiIndex.from_product([["trained"], ["x-y", "hybrid"]], names=["languages", "arm"])
    columns = pd.MultiIndex.from_tuples([("monolingual", "mAP")], names=["setting", "metric"])
    table = pd.DataFrame([["0.5"], ["0.6"]], index=rows, columns=columns)
    found = report.with_baseline(table, reader)
    assert found.index.tolist() == [("trained", arm) for arm in ("x-y", "hybrid", "bm25")]
    assert found.iloc[-1, 0].startswith("0.641 [")
    assert found.iloc[:-1].equals(table)
    assert baseline.ARM not in [*reader.arms, *reader.rivals, *reader.grid]
    flat = pd.DataFrame({"trained, monolingual": ["0.5"]}, index=pd.Index(["x-y"], name="arm"))
    assert factorial.with_baseline(flat, reader, "mAP").index.tolist() == ["x-y", "bm25"]


def test_a_study_without_the_row_and_a_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("notebooks", "results/worldfacts"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copytree(REPOSITORY / "notebooks", tmp_path / "notebooks", dirs_exist_ok=True)
    monkeypatch.setenv("HBT_ROOT", str(tmp_path))
    study = load("worldfacts")
    assert baseline.read(study, "worldfacts") is None
    baseline.file_of(study, "worldfacts").write_text("languages,value\ntrained,0.5\n")
    with pytest.raises(ValueError, match=r"bm25\.csv is damaged: make it again \(python -m"):
        baseline.read(study, "worldfacts")
    with pytest.raises(SystemExit, match=r"baseline: .*nosuch"):
        baseline.main(["nosuch"])
