"""Files: written whole, read with their checksums, and named where they are damaged."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hbtlib import files


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame({"rank": np.arange(500), "score": np.random.default_rng(0).random(500)})


def test_a_table_comes_back_as_it_was(tmp_path: Path, table: pd.DataFrame) -> None:
    file = tmp_path / "ranks.parquet"
    files.write_table(table, file)
    pd.testing.assert_frame_equal(files.read_table(file), table)
    assert list(files.read_table(file, ["score"])) == ["score"]
    assert [path.name for path in tmp_path.iterdir()] == ["ranks.parquet"]
    assert files.file_checksum(file) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_no_flipped_bit_gives_other_values(tmp_path: Path, table: pd.DataFrame) -> None:
    file = tmp_path / "ranks.parquet"
    files.write_table(table, file)
    whole = file.read_bytes()
    description = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    refused = 0
    for bit in np.random.default_rng(1).integers(4 * 8, description * 8, 60):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << (bit % 8)
        file.write_bytes(damaged)
        try:  # a page's head has statistics too, which no value depends on
            pd.testing.assert_frame_equal(files.read_table(file), table)
        except files.DamagedFile:
            refused += 1
    assert refused > 50


def test_what_is_damaged_is_named(tmp_path: Path, table: pd.DataFrame) -> None:
    file = tmp_path / "ranks.parquet"
    files.write_table(table, file)
    for content in (b"", file.read_bytes()[:300], b"no table at all"):
        file.write_bytes(content)
        with pytest.raises(files.DamagedFile, match=r"ranks\.parquet is damaged"):
            files.read_table(file)
    with pytest.raises(FileNotFoundError, match=r"nosuch.parquet does not exist"):
        files.read_table(tmp_path / "nosuch.parquet")


def test_json_is_an_object_or_named(tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    files.write_json(file, {"seed": 0, "folder": tmp_path})
    assert files.read_json(file) == {"seed": 0, "folder": str(tmp_path)}
    for content in (b"", b'{"seed": ', b"\xff\xfe", b"[1, 2]"):
        file.write_bytes(content)
        with pytest.raises(files.DamagedFile, match=r"parameters.json (is damaged|holds a list)"):
            files.read_json(file)
    with pytest.raises(FileNotFoundError, match=r"nosuch.json does not exist"):
        files.read_json(tmp_path / "nosuch.json")


def test_a_file_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError), files.replacing(file) as work:
        work.write_text(f"new {1 // 0}")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "old"}


def test_a_full_disk_is_one_sentence_with_the_path(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    said = r"the disk is full: .*a\.txt was not written"
    with pytest.raises(OSError, match=said) as raised, files.replacing(file):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert raised.value.errno == errno.ENOSPC
    assert raised.value.__suppress_context__
    with pytest.raises(PermissionError), files.explain_full_disk(file):
        raise PermissionError("other errors stay as they are")


def test_a_file_moves_to_another_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "new", tmp_path / "there" / "a.txt"
    target.parent.mkdir()
    target.write_text("old")
    source.write_text("new")
    replace = Path.replace

    def of_one_disk(self: Path, other: Path) -> Path:
        if self.parent != Path(other).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace(self, other)

    monkeypatch.setattr(Path, "replace", of_one_disk)
    files.move(source, target)
    assert [(path.name, path.read_text()) for path in target.parent.iterdir()] == [("a.txt", "new")]
    assert not source.exists()


def test_what_cannot_be_moved_stays(tmp_path: Path) -> None:
    source = tmp_path / "new"
    source.write_text("new")
    with pytest.raises(FileNotFoundError):
        files.move(source, tmp_path / "nosuch" / "a.txt")
    assert source.read_text() == "new"
