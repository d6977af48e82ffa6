"""MS MARCO's queries mixed of Chinese and English, by the degree of mixing."""

from __future__ import annotations

from pathlib import Path

import layouts
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError
from hbtlib.data.sets.mmarco_codemixed import DEGREES


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.mark.usefixtures("real_data")
def test_mmarco_codemixed_has_its_counts() -> None:
    every = hbt.load_benchmark("mmarco-codemixed")
    assert (len(every.queries), len(every.passages)) == (12_706, 6_980)
    assert every.queries["question_id"].nunique() == 2_883
    counts = every.queries["query_id"].str.rpartition(":")[2].value_counts()
    assert counts[list(DEGREES)].tolist() == [2_509, 2_623, 2_560, 2_471, 2_543]


def test_a_degree_has_its_own_queries_and_all_passages(tmp_path: Path) -> None:
    layouts.mmarco_codemixed(tmp_path)
    every = hbt.load_benchmark("mmarco-codemixed", tmp_path)
    assert (len(every.queries), len(every.judgements)) == (12, 12)
    first, last = (
        hbt.load_benchmark("mmarco-codemixed", tmp_path, degree=d) for d in ("0-20", "80-100")
    )
    assert first.queries["query_id"].tolist() == ["0:0-20"]
    assert last.queries["question_id"].tolist() == ["0", "1", "2"]
    assert len(last.passages) == len(first.passages) == 5
    assert last.judgements["passage_id"].tolist() == ["0", "1", "2"]
    assert last.settings == ("cross-lingual", "multilingual")


def test_what_is_wrong_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layouts.mmarco_codemixed(tmp_path)
    with pytest.raises(DataError, match="degree is '50'; it is 0-20, 20-40, 40-60, 60-80, 80-100"):
        hbt.load_benchmark("mmarco-codemixed", tmp_path, degree="50")
    with pytest.raises(DataError, match="there is nothing in en alone; leave languages out"):
        hbt.load_benchmark("mmarco-codemixed", tmp_path, languages=["en"])
    file = tmp_path / "queries.jsonl"
    whole = file.read_text()
    judged = (tmp_path / "qrels" / "test.tsv").read_text()
    layouts.put(file, whole.replace("0:0-20", "0:10"))
    layouts.put(tmp_path / "qrels" / "test.tsv", judged.replace("0:0-20", "0:10"))
    with pytest.raises(DataError, match="the query '0:10' ends with no degree of mixing"):
        hbt.load_benchmark("mmarco-codemixed", tmp_path)
    kept = [line for line in judged.splitlines(keepends=True) if "0-20" not in line]
    layouts.put(file, whole)
    layouts.put(tmp_path / "qrels" / "test.tsv", "".join(kept))
    with pytest.raises(DataError, match="no query of the degree 0-20 is judged"):
        hbt.load_benchmark("mmarco-codemixed", tmp_path, degree="0-20")
    monkeypatch.delenv("HBT_DATA", raising=False)
    with pytest.raises(DataError, match="is not published in this form: put a folder"):
        hbt.load_benchmark("mmarco-codemixed")
