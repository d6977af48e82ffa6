"""Hinglish-TOP: code-switched commands, their originals, domains and intents."""

from __future__ import annotations

from pathlib import Path

import layouts
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError
from hbtlib.data.sets.hinglish_top import SPLITS


@pytest.mark.usefixtures("real_data")
def test_hinglish_top_has_its_counts() -> None:
    parts = {split: hbt.load_pairs("hinglish-top", split=split) for split in SPLITS}
    counts = {split: len(pairs) for split, pairs in parts.items()}
    assert counts == {"train": 2_993, "validation": 1_390, "test": 6_513}
    assert len({domain for pairs in parts.values() for domain in pairs.dataset["domain"]}) == 8
    assert len({intent for pairs in parts.values() for intent in pairs.dataset["intent"]}) == 64
    found = hbt.load_benchmark("hinglish-top")
    assert (len(found.queries), len(found.passages)) == (6_513, 6_418)
    assert found.settings == ("cross-lingual", "multilingual")


OWN = """en_query\tcs_query\ten_parse\tcs_parse\tdomain
Stop it .\tise roko\t[IN:PAUSE_TIMER Stop it . ]\t[IN:PAUSE_TIMER ise roko ]\ttimer
will it rain\tbarish hogi\t[IN:GET_WEATHER will it [SL:ATTRIBUTE rain ] ]\t[IN:B b ]\tweather
"""


def test_both_layouts_are_read(tmp_path: Path) -> None:
    layouts.hinglish_top(tmp_path / "pairs")
    pairs = hbt.load_pairs("hinglish-top", tmp_path / "pairs", split="validation")
    assert pairs.texts([3], "hi-en", "query") == ["3 baje alarm lagao, validation"]
    assert pairs.dataset["intent"][2:] == ["IN:GET_ALARM", "IN:CREATE_ALARM"]
    found = hbt.load_benchmark("hinglish-top", tmp_path / "pairs")
    assert (len(found.queries), len(found.passages)) == (4, 2)  # two share their original
    layouts.put(tmp_path / "own" / "test.tsv", OWN)
    own = hbt.load_pairs("hinglish-top", tmp_path / "own", split="test")
    assert own.dataset["id"][:] == ["test:0", "test:1"]
    assert own.dataset["intent"][:] == ["IN:PAUSE_TIMER", "IN:GET_WEATHER"]
    assert own.dataset["domain"][:] == ["timer", "weather"]
    assert own.texts([1], "hi-en", "query") == ["barish hogi"]
    assert own.texts([1], "en", "passage") == ["will it rain"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            OWN.replace("[IN:PAUSE_TIMER Stop", "Stop"),
            "line 2: the parse 'Stop it . ]' begins with",
        ),
        (OWN.replace("ise roko\t", " \t"), "line 2: the column 'cs_query' is empty"),
        (OWN.replace("\tdomain", ""), "line 1: no column 'domain'; it has en_query, cs_query"),
        (OWN.replace("\tweather", ""), "line 3: 4 columns instead of the 5"),
        (OWN.split("\n")[0], "no command in it"),
        ("", "no command in it"),
    ],
)
def test_what_is_wrong_is_named(content: str, said: str, tmp_path: Path) -> None:
    layouts.put(tmp_path / "test.tsv", content)
    with pytest.raises(DataError, match=said):
        hbt.load_pairs("hinglish-top", tmp_path, split="test")


def test_a_wrong_split_or_language_is_named(tmp_path: Path) -> None:
    layouts.hinglish_top(tmp_path)
    with pytest.raises(DataError, match="hinglish-top has no split 'dev'; it has train, valid"):
        hbt.load_pairs("hinglish-top", tmp_path, split="dev")
    with pytest.raises(DataError, match="no id has a question and a passage in en"):
        hbt.load_benchmark("hinglish-top", tmp_path, languages=["en"])
    with pytest.raises(DataError, match="has no language 'hi'; it has en hi-en"):
        hbt.load_pairs("hinglish-top", tmp_path, languages=["hi"])
