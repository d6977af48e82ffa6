"""Expected scores: the committed runs have theirs, and what differs or is missing is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import expected
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import random_benchmark
from quick_study import seal_run

import hbtlib as hbt
from hbtlib import study
from hbtlib.files import DamagedFile, write_table

REPOSITORY = Path(__file__).resolve().parents[2]

LANGUAGES = ["query_language", "pool", "passage_language"]  # the columns of ranks


def test_the_committed_runs_score_what_is_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HBT_ROOT", str(REPOSITORY))
    table = expected.check()
    assert set(table["status"]) == {"OK"}, table[table["status"] != "OK"].to_string()
    committed = {
        name
        for name in study.study_names()
        if all(run.folder.exists() for run in study.load(name).runs)
    }
    assert set(table["study"]) == committed


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a study of two runs on a random benchmark, and the scores expected of them."""
    shutil.copytree(REPOSITORY / "notebooks", tmp_path / "notebooks")
    for file in (tmp_path / "notebooks" / "studies").glob("*.yaml"):
        file.unlink()
    monkeypatch.setenv("HBT_ROOT", str(tmp_path))
    make_study(tmp_path, "quick", ["x-y", "hybrid"])
    assert expected.write() == tmp_path / "results" / "expected.csv"
    return tmp_path


def make_study(project: Path, name: str, strategies: list[str]) -> None:
    content = {
        "name": name,
        "question": "?",
        "grid": {"strategy": strategies, "seed": [0]},
        "parameters": {"languages": "de en", "benchmark": "worldfacts"},
    }
    (project / "notebooks" / "studies" / f"{name}.yaml").write_text(yaml.safe_dump(content))
    benchmark, queries, passages = random_benchmark(5, languages=4, ties=False)
    for run in study.load(name).runs:
        run.folder.mkdir(parents=True)
        ranks = as_of_worldfacts(hbt.rank_vectors(queries, passages, benchmark))
        write_table(ranks, run.folder / "ranks.parquet")
        half = ranks[ranks["question_id"].isin(ranks["question_id"].unique()[::2])]
        write_table(half, run.folder / "questions.parquet")  # a table that scores otherwise
        measured = hbt.measure(ranks).assign(benchmark="worldfacts")
        write_table(measured, run.folder / "metrics.parquet")
        seal_run(run)


def as_of_worldfacts(ranks: pd.DataFrame) -> pd.DataFrame:
    """Ranks under names that a study may have: WorldFacts and its languages."""
    names = {"aa": "de", "bb": "en", "cc": "es", "dd": "hi", "all": "all"}
    renamed = ranks.astype(dict.fromkeys(LANGUAGES, str))
    renamed[LANGUAGES] = renamed[LANGUAGES].apply(lambda column: column.map(names))
    return renamed.assign(benchmark="worldfacts")


def tamper(project: Path, arm: str, metric: str, change: float) -> None:
    table = expected.read()
    chosen = (table["arm"] == arm) & (table["metric"] == metric)
    table.loc[table[chosen].index[0], "score"] += change
    table.to_csv(expected.file(), index=False)


def test_scores_are_the_macro_averages_of_measure(project: Path) -> None:
    table = expected.check()
    assert set(table["status"]) == {"OK"}
    run = study.load("quick").runs[0]
    measured = hbt.measure(pd.read_parquet(run.folder / "ranks.parquet"), ["mAP", "rank-distance"])
    seen = measured["query_language"].isin(["de", "en"]) & measured["pool"].isin(
        ["de", "en", "all"]
    )
    means = measured[seen].groupby(["setting", "metric"])["value"].mean()
    found = table.query("arm == 'x-y' and languages == 'trained'").set_index(["setting", "metric"])[
        "found"
    ]
    assert found.to_dict() == pytest.approx(means.to_dict())
    assert expected.read()["command"].unique().tolist() == ["make study STUDY=quick"]


@pytest.mark.parametrize(
    ("metric", "change", "said"),
    [("mAP", 0.0004, "close"), ("mAP", -0.0008, "FAIL"), ("rank-distance", 3.0, "FAIL")],
)
def test_a_tampered_score_is_said(
    project: Path, metric: str, change: float, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tamper(project, "hybrid", metric, change)
    assert expected.check().query("status != 'OK'")[
        ["arm", "metric", "status"]
    ].to_numpy().tolist() == [["hybrid", metric, said]]
    if said == "close":
        expected.main()
    else:
        with pytest.raises(SystemExit) as status:
            expected.main()
        assert status.value.code == 1
    printed = capsys.readouterr().out
    assert f"1 {said}" in printed


def test_a_rank_distance_is_close_relatively(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = expected.scores("quick").assign(found=3000.0)
    monkeypatch.setattr(expected, "scores", lambda name: found)
    expected.read().assign(score=3001.4).to_csv(expected.file(), index=False)
    said = expected.check().set_index("metric")["status"]
    assert set(said["rank-distance"]) == {"close"}
    assert set(said["mAP"]) == {"FAIL"}


def test_a_missing_run_fails_and_a_new_one_is_told(project: Path) -> None:
    shutil.rmtree(study.load("quick").runs[1].folder)
    table = expected.check()
    assert set(table.loc[table["arm"] == "hybrid", "status"]) == {"FAIL (missing)"}
    assert set(table.loc[table["arm"] == "x-y", "status"]) == {"OK"}
    with pytest.raises(SystemExit):
        expected.main()
    with pytest.raises(FileNotFoundError, match=r"lacks ranks of 1 of its 2 runs \(hybrid-seed0-"):
        expected.write()
    shutil.rmtree(project / "results" / "quick")
    make_study(project, "quick", ["x-y", "hybrid", "x-x"])
    table = expected.check()
    assert set(table.loc[table["arm"] == "x-x", "status"]) == {"new"}
    expected.main()


def test_every_study_with_runs_is_written(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = expected.file().read_text()
    make_study(project, "second", ["x-y"])
    expected.main("--write")
    assert capsys.readouterr().out == f"written: {expected.file()}\n"
    assert expected.file().read_text().startswith(before)
    assert expected.read()["study"].unique().tolist() == ["quick", "second"]


def test_what_is_no_file_of_scores_is_named(project: Path) -> None:
    expected.file().write_text("a,b\n1,2\n")
    with pytest.raises(
        ValueError, match=r"expected.csv has the columns a, b; it must have study, benchmark"
    ):
        expected.check()
    expected.file().unlink()
    with pytest.raises(
        FileNotFoundError, match=r"expected.csv does not exist: `python tests/expected.py --write`"
    ):
        expected.check()
    shutil.rmtree(project / "results" / "quick")
    with pytest.raises(FileNotFoundError, match="no study has runs in"):
        expected.write()


def test_a_study_whose_runs_come_one_by_one_is_left_out_until_the_last(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_study(project, "slow", ["x-y", "hybrid"])
    last = study.load("slow").runs[1].folder
    aside = last.rename(last.with_name("aside"))
    expected.write()
    assert "slow: 1 of its 2 runs are there; it is left out" in capsys.readouterr().out
    assert set(expected.read()["study"]) == {"quick"}
    aside.rename(last)
    expected.write()
    assert set(expected.read()["study"]) == {"quick", "slow"}
    shutil.rmtree(last)
    with pytest.raises(FileNotFoundError, match="lacks ranks of 1 of its 2 runs"):
        expected.write()


def test_a_flipped_bit_is_never_ok(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = study.load("quick").runs[1]
    file = run.folder / "ranks.parquet"
    whole = file.read_bytes()
    for bit in np.random.default_rng(0).integers(0, 8 * len(whole), 10):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << (bit % 8)
        file.write_bytes(damaged)
        assert expected.scores("quick")["arm"].unique().tolist() == ["x-y"]
    table = expected.check()
    assert set(table.loc[table["arm"] == "hybrid", "status"]) == {"FAIL (damaged)"}
    assert set(table.loc[table["arm"] == "x-y", "status"]) == {"OK"}
    with pytest.raises(SystemExit):
        expected.main()
    said = f"{file} is damaged: its checksum is not that of what was written: run `make study STUDY"
    assert capsys.readouterr().out.startswith(said)
    with pytest.raises(DamagedFile, match=r"ranks\.parquet is damaged"):
        expected.write()


def test_another_run_s_ranks_are_noticed(project: Path) -> None:
    first, second = study.load("quick").runs
    shutil.copy(first.folder / "questions.parquet", second.folder / "ranks.parquet")
    assert set(expected.check().query("arm == 'hybrid'")["status"]) == {"FAIL (damaged)"}
    shutil.rmtree(second.folder)
    shutil.copytree(first.folder, second.folder)  # all of it, with its manifest
    assert set(expected.check().query("arm == 'hybrid'")["status"]) == {"FAIL (damaged)"}


def test_metrics_are_read_only_where_ranks_are_not_kept(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (study.load("quick").runs[1].folder / "ranks.parquet").unlink()
    assert set(expected.check().query("arm == 'hybrid'")["status"]) == {"FAIL (missing)"}
    with pytest.raises(FileNotFoundError, match="lacks ranks of 1 of its 2 runs"):
        expected.write()
    monkeypatch.setattr(expected, "RANKS_NOT_KEPT", ("quick",))
    assert set(expected.check()["status"]) == {"OK"}


def test_ranks_are_not_kept_where_gitignore_leaves_them_out() -> None:
    lines = (REPOSITORY / ".gitignore").read_text().splitlines()
    without = [line.split("/")[1] for line in lines if line.endswith("/ranks.parquet")]
    assert tuple(without) == expected.RANKS_NOT_KEPT
