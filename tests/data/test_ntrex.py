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


def test_the_next_sentence_is_a_passage_too(tmp_path: Path) -> None:
    layouts.ntrex(tmp_path)
    options = {"languages": ["de", "en"], "passage": "next"}
    pairs = hbt.load_pairs("ntrex", tmp_path, **options)
    assert len(pairs) == 39  # of forty lines; the last has no next one
    assert pairs.texts([3], "de", "query") == ["Satz 3."]
    assert pairs.texts([3], "en", "passage") == hbt.load_pairs(
        "ntrex", tmp_path, languages=["en"]
    ).texts([4], "en", "query")
    with pytest.raises(ValueError, match="ntrex: passage is 'last'"):
        hbt.load_pairs("ntrex", tmp_path, passage="last")


def test_no_sentence_is_trained_on_and_held_out(real_data: Path) -> None:
    folder = real_data / "ntrex"
    texts = []
    for split in ("train", "validation"):
        pairs = hbt.load_pairs("ntrex", folder, languages=["fi"], passage="next", split=split)
        ids = range(len(pairs))
        texts.append({t for role in ("query", "passage") for t in pairs.texts(ids, "fi", role)})
        assert len(pairs) == (1_895 if split == "train" else 92)
    assert len(texts[0] & texts[1]) == 0
