"""NTREX: its published size, both names of its files, and lines that are not parallel."""

from __future__ import annotations

from pathlib import Path

import layouts
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError


@pytest.mark.usefixtures("real_data")
def test_ntrex_is_as_published() -> None:
    train, held_out = (hbt.load_pairs("ntrex", split=split) for split in ("train", "validation"))
    assert len(train) + len(held_out) == 1_997
    assert len(train.query_languages) == 20


def test_ntrex_s_lines_must_be_parallel(tmp_path: Path) -> None:
    layouts.ntrex(tmp_path)
    assert len(hbt.load_pairs("ntrex", tmp_path, languages=["de", "en"])) == 38
    # And by the names that NTREX gives its files.
    for code, name in (
        ("de", "ref.deu"),
        ("en", "src.eng"),
    ):
        layouts.put(
            tmp_path / "own" / f"newstest2019-{name}.txt", (tmp_path / f"{code}.txt").read_text()
        )
    held_out = hbt.load_pairs("ntrex", tmp_path / "own", languages=["de", "en"], split="validation")
    assert held_out.texts([0, 1], "de", "passage") == ["Satz 19.", "Satz 39."]
    (tmp_path / "de.txt").write_text("Satz.\n")
    with pytest.raises(DataError, match=r"en\.txt has 40 lines, but that of 'de' has 1"):
        hbt.load_pairs("ntrex", tmp_path, languages=["de", "en"])
