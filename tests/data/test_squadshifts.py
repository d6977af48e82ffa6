"""SQuADShifts: the real files' counts, both layouts, and folders that lack something."""

from __future__ import annotations

from pathlib import Path

import layouts
import pytest
import training_layouts

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError


def test_the_real_files_have_the_published_counts(real_data: Path) -> None:
    found = hbt.load_benchmark("squadshifts", real_data / "squadshifts")
    assert (len(found.queries), len(found.passages), len(found.judgements)) == (
        27_626,
        5_664,
        27_626,
    )
    wiki = real_data / "squadshifts" / "qrels" / "new_wiki.tsv"
    judged = {line.split("\t")[0] for line in wiki.read_text().splitlines()[1:]}
    assert len(judged) == 7_938
    assert judged <= set(found.queries["query_id"])


def test_the_hubs_layout_joins_what_it_split(tmp_path: Path) -> None:
    training_layouts.squadshifts(tmp_path)
    found = hbt.load_benchmark("squadshifts", tmp_path)
    assert (len(found.queries), len(found.passages)) == (18, 6)
    assert found.settings == ("monolingual",)
    one = hbt.load_benchmark("squadshifts", tmp_path, domains="amazon")
    assert (len(one.queries), len(one.passages)) == (9, 3)
    pairs = hbt.load_pairs("squadshifts", tmp_path)
    assert len(pairs) == 18
    assert pairs.keys([0, 1], "passage").tolist() == [0, 0]  # of one paragraph


def test_a_folder_in_beirs_layout(tmp_path: Path) -> None:
    layouts.put_jsonl(
        tmp_path / "queries.jsonl",
        [{"_id": f"q{i}", "language": "en", "text": f"Question {i}?"} for i in range(3)],
    )
    layouts.put_jsonl(
        tmp_path / "corpus.jsonl",
        [{"_id": f"p{i}", "language": "en", "title": "", "text": f"Text {i}."} for i in range(3)],
    )
    head = "query-id\tcorpus-id\tscore\n"
    layouts.put(tmp_path / "qrels" / "amazon.tsv", head + "q0\tp0\t1\n")
    layouts.put(tmp_path / "qrels" / "nyt.tsv", head + "q2\tp1\t1\n")
    assert len(hbt.load_benchmark("squadshifts", tmp_path).passages) == 2
    one = hbt.load_benchmark("squadshifts", tmp_path, domains="nyt")
    assert one.queries["query_id"].tolist() == ["q2"]
    with pytest.raises(DataError, match="has no domain 'reddit'; it has nyt, amazon"):
        hbt.load_benchmark("squadshifts", tmp_path, domains="nyt reddit")
    layouts.put(tmp_path / "qrels" / "nyt.tsv", head + "q2\tp9\t1\n")
    with pytest.raises(DataError, match="judges the passage 'p9', which its file lacks"):
        hbt.load_benchmark("squadshifts", tmp_path)


def test_what_is_lacking_or_unknown_is_named(tmp_path: Path) -> None:
    training_layouts.squadshifts(tmp_path)
    with pytest.raises(DataError, match="squadshifts has no domain 'wiki'; it has new_wiki, nyt"):
        hbt.load_benchmark("squadshifts", tmp_path, domains="wiki")
    with pytest.raises(DataError, match=r"has no data/nyt\.train\.jsonl"):
        hbt.load_benchmark("squadshifts", tmp_path, domains="nyt")
    layouts.put_jsonl(tmp_path / "data" / "amazon.train.jsonl", [{"question": "?", "context": " "}])
    with pytest.raises(DataError, match=r"line 1: the field 'context' is empty"):
        hbt.load_benchmark("squadshifts", tmp_path)
