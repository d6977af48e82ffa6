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
from hbtlib.study.packed import write_packed
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


def packed_file(run: Run) -> Path:
    (file,) = run.folder.parent.glob("questions-*.parquet")
    return file


def test_what_was_packed_is_read_as_the_runs_wrote_it(
    runs: tuple[Run, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    before = study.collect(study.load("quick"), "questions")
    pack_and_remove(runs)
    said = capsys.readouterr().out
    assert f"results/quick/{packed_file(runs[0]).name}: 2 runs" in said
    assert ".parquet: 1 run, 0.0 MB" in said
    pd.testing.assert_frame_equal(study.collect(study.load("quick"), "questions"), before)
    pd.testing.assert_frame_equal(run_table(runs[1], "mapped_questions"), table_of(runs[1], 0.7))
    assert not has_table(runs[0], "mapped_questions")
    assert not has_table(runs[0], "metrics")
    # Packing what is packed already changes nothing.
    file = packed_file(runs[0])
    content = file.read_bytes()
    pack_command.main(["quick"])
    assert packed_file(runs[0]).read_bytes() == content


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
    said = (
        f"has another questions of {runs[0].name} than the run wrote: run `make study STUDY=quick"
    )
    with pytest.raises(DamagedFile, match=said):
        run_table(runs[0], "questions")
    assert len(run_table(runs[1], "questions")) == 3


@pytest.mark.parametrize("where", [0.3, 0.98])
def test_damage_is_noticed(runs: tuple[Run, ...], where: float) -> None:
    pack_and_remove(runs)
    file = packed_file(runs[0])
    content = bytearray(file.read_bytes())
    for i in range(8):
        content[int(len(content) * where) + i] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"questions-.*\.parquet is damaged.*make study"):
        run_table(runs[0], "questions")


def test_a_run_that_is_missing_is_named(runs: tuple[Run, ...]) -> None:
    (runs[1].folder / "questions.parquet").unlink()
    with pytest.raises(SystemExit, match="make study STUDY=quick"):
        pack_command.main(["quick"])
    assert not list(runs[0].folder.parent.glob("questions-*"))


def test_an_unknown_study_is_told_of() -> None:
    with pytest.raises(SystemExit, match="nosuch"):
        pack_command.main(["nosuch"])


def test_a_table_that_a_run_wrote_and_lost_is_not_left_out(runs: tuple[Run, ...]) -> None:
    (runs[1].folder / "mapped_questions.parquet").unlink()
    with pytest.raises(SystemExit, match=r"mapped_questions\.parquet does not exist"):
        pack_command.main(["quick"])


def test_without_the_file_the_table_is_missing(runs: tuple[Run, ...]) -> None:
    pack_and_remove(runs)
    packed_file(runs[0]).unlink()
    assert not has_table(runs[0], "questions")
    with pytest.raises(FileNotFoundError, match="make study STUDY=quick"):
        study.collect(study.load("quick"), "questions")


def test_a_command_that_was_stopped_leaves_what_was_there(
    runs: tuple[Run, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    pack_and_remove(runs)
    before = run_table(runs[0], "questions")
    files.write_table(table_of(runs[1], 0.9), runs[1].folder / "questions.parquet")
    seal_run(runs[1])

    def stopped(*_: object) -> None:
        raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(packed, "_write_record", stopped)
        with pytest.raises(SystemExit):
            pack_command.main(["quick"])
    pd.testing.assert_frame_equal(run_table(runs[0], "questions"), before)
    pack_command.main(["quick"])  # it repairs itself
    packed_file(runs[0])


def test_a_damaged_record_is_named(runs: tuple[Run, ...]) -> None:
    pack_and_remove(runs)
    record = runs[0].folder.parent / packed.RECORD
    content = json.loads(record.read_text())
    del next(iter(content["files"].values()))["sha256"]
    record.write_text(json.dumps(content))
    with pytest.raises(DamagedFile, match=r"packed\.json is damaged"):
        run_table(runs[0], "questions")


def test_tables_of_different_columns_are_not_put_together(runs: tuple[Run, ...]) -> None:
    tables = [table_of(runs[0], 0.1), table_of(runs[1], 0.1).assign(more=1)]
    with pytest.raises(ValueError, match="have other columns or types"):
        write_packed(runs, tables, "questions")
