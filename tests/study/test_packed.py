"""A table of all runs in one file, read in place of the runs' own."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from quick_study import make_project, seal_run

from hbtlib import files, study
from hbtlib.files import DamagedFile
from hbtlib.study import pack_command, packed
from hbtlib.study.results import has_table, run_table
from hbtlib.study.runs import Run


def table_of(run: Run, value: float) -> pd.DataFrame:
    ids = [f"{run.name} {i}" for i in range(3)]
    return pd.DataFrame({"benchmark": "b", "question_id": ids, "mAP": [value, 0.5, 1.0]})


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Run, ...]:
    make_project(tmp_path, monkeypatch)
    found = study.load("quick").runs
    for i, run in enumerate(found):
        run.folder.mkdir(parents=True)
        files.write_table(table_of(run, i / 10), run.folder / "questions.parquet")
    files.write_table(table_of(found[1], 0.7), found[1].folder / "mapped_questions.parquet")
    for run in found:
        seal_run(run)
    return found


def pack_and_remove(runs: tuple[Run, ...]) -> None:
    pack_command.main(["quick"])
    for run in runs:
        for what in packed.TABLES:
            (run.folder / f"{what}.parquet").unlink(missing_ok=True)


def test_what_was_packed_is_read_as_the_runs_wrote_it(
    runs: tuple[Run, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    before = study.collect(study.load("quick"), "questions")
    pack_and_remove(runs)
    said = capsys.readouterr().out
    assert "results/quick/questions.parquet: 2 runs" in said
    assert "results/quick/mapped_questions.parquet: 1 runs" in said
    pd.testing.assert_frame_equal(study.collect(study.load("quick"), "questions"), before)
    pd.testing.assert_frame_equal(run_table(runs[1], "mapped_questions"), table_of(runs[1], 0.7))
    assert not has_table(runs[0], "mapped_questions")
    assert not has_table(runs[0], "metrics")
    # Packing what is packed already changes nothing.
    file = packed.packed_file(runs[0], "questions")
    content = file.read_bytes()
    pack_command.main(["quick"])
    assert file.read_bytes() == content


def test_a_run_s_own_file_comes_first(runs: tuple[Run, ...]) -> None:
    pack_and_remove(runs)
    files.write_table(table_of(runs[0], 0.9), runs[0].folder / "questions.parquet")
    seal_run(runs[0])
    assert run_table(runs[0], "questions")["mAP"].iloc[0] == 0.9
    pack_command.main(["quick"])
    (runs[0].folder / "questions.parquet").unlink()
    assert run_table(runs[0], "questions")["mAP"].iloc[0] == 0.9  # the file is read anew


def test_the_table_of_another_making_is_refused(runs: tuple[Run, ...]) -> None:
    pack_and_remove(runs)
    written = runs[0].folder / "manifest.json"
    content = json.loads(written.read_text())
    content["files"]["questions.parquet"]["sha256"] = "0" * 64
    written.write_text(json.dumps(content))
    said = f"questions.parquet has another questions of {runs[0].name} than the run wrote"
    with pytest.raises(DamagedFile, match=said):
        run_table(runs[0], "questions")
    assert len(run_table(runs[1], "questions")) == 3


@pytest.mark.parametrize("where", [0.3, 0.98])
def test_damage_is_noticed(runs: tuple[Run, ...], where: float) -> None:
    pack_and_remove(runs)
    file = packed.packed_file(runs[0], "questions")
    content = bytearray(file.read_bytes())
    for i in range(8):
        content[int(len(content) * where) + i] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"questions\.parquet is damaged"):
        run_table(runs[0], "questions")


def test_a_run_that_is_missing_is_named(runs: tuple[Run, ...]) -> None:
    (runs[1].folder / "questions.parquet").unlink()
    with pytest.raises(SystemExit, match="make study STUDY=quick"):
        pack_command.main(["quick"])
    assert not packed.packed_file(runs[0], "questions").exists()


def test_an_unknown_study_is_told_of() -> None:
    with pytest.raises(SystemExit, match="nosuch"):
        pack_command.main(["nosuch"])
