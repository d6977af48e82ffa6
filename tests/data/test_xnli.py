"""XNLI: premises with the hypothesis that follows, and two that do not as hard negatives."""

from __future__ import annotations

import json
from pathlib import Path

import layouts
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError
from hbtlib.data.sets import xnli


@pytest.mark.slow
@pytest.mark.usefixtures("real_data")
def test_xnli_has_its_published_counts() -> None:
    parts = {split: hbt.load_pairs("xnli", split=split) for split in xnli.SPLITS}
    counts = {split: len(pairs) for split, pairs in parts.items()}
    assert counts == {"train": 2_374, "validation": 126, "dev": 830, "test": 1_670}
    train = parts["train"]
    assert train.languages == train.query_languages == train.passage_languages == xnli.LANGUAGES
    assert train.left_out == {}
    every = (1 << 15) - 1  # every text stands in all fifteen languages
    assert (train.query_mask == every).all()
    assert (train.passage_mask == every).all()
    for split, other in (("train", "validation"), ("dev", "test")):
        premises = [
            set(parts[name].texts(range(counts[name]), "en", "query")) for name in (split, other)
        ]
        assert not premises[0] & premises[1]


def test_real_pairs_are_those_of_the_folder_the_other_way_round(real_data: Path) -> None:
    languages = ["de", "sw"]
    own = hbt.load_pairs("xnli", query="hypothesis", languages=languages)
    folder = hbt.load_pairs("folder", real_data / "xnli15", languages=languages)
    ids = range(len(own))
    for role in ("query", "passage"):
        assert own.texts(ids, "sw", role) == folder.texts(ids, "sw", role)
    assert own.negatives([0], "sw") == [[]]


def test_hard_negatives_are_the_other_hypotheses_of_the_premise(tmp_path: Path) -> None:
    layouts.xnli(tmp_path)
    pairs = hbt.load_pairs("xnli", tmp_path, split="dev")
    assert len(pairs) == 10
    assert pairs.texts([3], "de", "query") == ["Es war 3 in dev."]
    assert pairs.texts([3], "en", "passage") == ["It is 3."]
    assert pairs.negatives([3], "de") == [["Es mag 3 sein.", "Es ist nicht 3."]]
    without = hbt.load_pairs("xnli", tmp_path, split="dev", hard_negatives=False)
    assert without.negatives([3], "de") == [[]]
    assert without.texts([3], "en", "passage") == ["It is 3."]
    turned = hbt.load_pairs("xnli", tmp_path, split="dev", query="hypothesis")
    assert turned.texts([3], "en", "query") == ["It is 3."]
    assert turned.texts([3], "en", "passage") == ["It was 3 in dev."]
    both = [len(hbt.load_pairs("xnli", tmp_path, split=s)) for s in ("train", "validation")]
    assert sum(both) == 40
    assert min(both) > 0


def own_file(folder: Path, split: str, premises: int) -> Path:
    """XNLI's own layout, with some of its columns."""
    rows = ["language\tgold_label\tsentence1\tsentence2\tpromptID\tpairID\tgenre"]
    for code in ("de", "en"):
        for i in range(premises):
            for n, label in enumerate(xnli.LABELS):
                pair = 3 * i + n + 1
                rows.append(f'{code}\t{label}\t{code} "{i}\t{code} {i} {label}\t{i}\t{pair}\tmine')
    file = folder / f"xnli.{split}.tsv"
    layouts.put(file, "\n".join(rows) + "\n")
    return file


def test_xnli_s_own_files_are_read(tmp_path: Path) -> None:
    own_file(tmp_path, "dev", 3)
    own_file(tmp_path, "test", 4)
    pairs = hbt.load_pairs("xnli", tmp_path, split="test")
    assert len(pairs) == 4
    assert pairs.dataset["id"][1] == "xnli:test:4"
    assert pairs.texts([1], "de", "query") == ['de "1']
    assert pairs.texts([1], "en", "passage") == ["en 1 entailment"]
    assert pairs.negatives([1], "en") == [["en 1 neutral", "en 1 contradiction"]]


def test_premises_that_lack_a_hypothesis_are_counted(tmp_path: Path) -> None:
    layouts.xnli(tmp_path)
    file = tmp_path / "labelled.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    del rows[4]["question"]["en"]  # the second premise's neutral hypothesis
    layouts.put_jsonl(file, rows[1:])  # and the first premise lacks what follows from it
    pairs = hbt.load_pairs("xnli", tmp_path, split="dev")
    assert len(pairs) == 8
    assert pairs.left_out == {xnli.INCOMPLETE: 2}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "de\tmaybe\ta\tb\t1\t90\tmine",
            "line 20: the label is 'maybe'; it is entailment, neutral",
        ),
        ("xx\tneutral\ta\tb\t1\t90\tmine", "line 20: XNLI has no language 'xx'"),
        (
            "de\tneutral\ta\tb\t1\t1\tmine",
            r"line 20: the pairID with its language \('1', 'de'\) st",
        ),
        ("de\tneutral\ta\t \t1\t90\tmine", "line 20: the column 'sentence2' is empty"),
        ("de\tneutral", "line 20: 2 columns instead of the 7 that the first line names"),
    ],
)
def test_a_wrong_line_is_named(line: str, said: str, tmp_path: Path) -> None:
    file = own_file(tmp_path, "dev", 3)
    layouts.put(file, file.read_text() + line + "\n")
    with pytest.raises(DataError, match=said):
        hbt.load_pairs("xnli", tmp_path, split="dev")


def test_what_cannot_be_had_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"has no labelled\.jsonl, xnli\.dev\.tsv or xnli\.test"):
        hbt.load_pairs("xnli", tmp_path)
    own_file(tmp_path, "dev", 3)
    with pytest.raises(DataError, match="no premise of the split 'test' with all its hypotheses"):
        hbt.load_pairs("xnli", tmp_path, split="test")
    with pytest.raises(DataError, match="xnli has no split 'all'; it has train, validation, dev"):
        hbt.load_pairs("xnli", tmp_path, split="all")
    with pytest.raises(DataError, match="nothing in 'fr' is left"):
        hbt.load_pairs("xnli", tmp_path, split="dev", languages=["de", "fr"])
    with pytest.raises(ValueError, match="xnli: query is 'both'"):
        hbt.load_pairs("xnli", tmp_path, query="both")
    layouts.put(tmp_path / "xnli.dev.tsv", "language\tlabel\n")
    with pytest.raises(DataError, match="line 1: no column 'gold_label'; it has language, label"):
        hbt.load_pairs("xnli", tmp_path)
    layouts.put(tmp_path / "labelled.jsonl", "")
    with pytest.raises(DataError, match="it has no line; download it again"):
        hbt.load_pairs("xnli", tmp_path)
    monkeypatch.delenv("HBT_DATA", raising=False)
    with pytest.raises(DataError, match=r"unpack https://dl\.fbaipublicfiles\.com/XNLI/XNLI-1\.0"):
        hbt.load_pairs("xnli")
