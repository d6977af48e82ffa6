"""MIRACL: the published counts, both versions' layouts, and passages that stay on disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import layouts
import numpy as np
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.qrels import read_qrels
from hbtlib.data.sets import miracl


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


def test_topics_and_judgements_are_as_published(real_data: Path) -> None:
    folder, found = real_data / "miracl-dev", {}
    for language in miracl.LANGUAGES:
        topics = dict(
            miracl.read_topics(folder / "topics" / f"topics.miracl-v1.0-{language}-dev.tsv")
        )
        judged = list(
            read_qrels(folder / "qrels" / f"qrels.miracl-v1.0-{language}-dev.tsv", set(topics))
        )
        assert {query for _, (query, _, _) in judged} == set(topics)
        found[language] = len(topics)
    assert sum(found.values()) == 13_495
    assert len(found) == 18
    assert {k: found[k] for k in ("bn", "fi", "sw", "te", "zh")} == {
        "bn": 411,
        "fi": 1271,
        "sw": 482,
        "te": 828,
        "zh": 393,
    }


@pytest.mark.usefixtures("real_data")
def test_queries_are_loaded_without_passages() -> None:
    queries = miracl.load_queries()
    assert (len(queries), queries["language"].nunique()) == (13_495, 18)
    some = miracl.load_queries(languages=["sw", "yo"])
    assert some["query_id"].str.startswith(("sw:", "yo:")).all()
    assert len(some) == 482 + 119
    with pytest.raises(DataError, match="miracl has no language 'xx'; it has ar bn de"):
        miracl.load_queries(languages=["xx"])


def test_the_real_topics_with_every_judged_passage(real_data: Path, tmp_path: Path) -> None:
    # The passages are not at hand; so here is one of our own for each that is judged.
    folder = real_data / "miracl-dev"
    judged = {
        passage
        for _, (_, passage, _) in read_qrels(folder / "qrels" / "qrels.miracl-v1.0-yo-dev.tsv")
    }
    for kind in ("topics", "qrels"):
        name = f"{kind}.miracl-v1.0-yo-dev.tsv"
        layouts.put(tmp_path / "data" / kind / name, (folder / kind / name).read_text())
    layouts.put_jsonl(
        tmp_path / "data" / "miracl-corpus-v1.0-yo" / "docs-0.jsonl.gz",
        [{"docid": id_, "title": "", "text": f"passage {id_}"} for id_ in sorted(judged)],
    )
    found = hbt.load_benchmark("miracl", tmp_path / "data", languages=["yo"])
    assert (len(found.queries), len(found.passages), len(found.judgements)) == (
        119,
        len(judged),
        1188,
    )
    assert found.judgements["grade"].isin([0, 1]).all()
    relevant = found.judgements.query("grade > 0").groupby("query_id").size()
    assert (len(relevant), relevant.max() > 1) == (119, True)


def test_both_versions_read_the_hub_s_layout(tmp_path: Path) -> None:
    for language in ("sw", "bn"):
        layouts.miracl(tmp_path / "all", language)
        layouts.miracl_hard(tmp_path / "hard", language)
    found = hbt.load_benchmark("miracl", tmp_path / "all", languages=["sw", "bn"])
    assert found.passages.loc[0, ["passage_id", "text", "title"]].tolist() == [
        "sw:1#0",
        "Mto Mto ni mrefu.",
        "Mto",
    ]
    assert found.settings == ("monolingual", "multilingual")
    ranks = hbt.rank_vectors(np.eye(4, 8, dtype=np.float32), np.eye(8, dtype=np.float32), found)
    assert set(ranks["pool"]) == {"sw", "bn", "all"}
    assert ranks.query("query_id == 'sw:7' and pool == 'all'")["passage_id"].tolist() == [
        "sw:1#1",
        "sw:1#0",
    ]
    hard = hbt.load_benchmark("miracl-hard-negatives", tmp_path / "hard", languages=["bn", "sw"])
    assert hard.passages["passage_id"].tolist() == [
        "bn:1#0",
        "bn:2#0",
        "bn:3#0",
        "sw:1#0",
        "sw:2#0",
        "sw:3#0",
    ]
    assert hard.judgements["grade"].tolist() == [1, 0, 1] * 2


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        (
            "qrels",
            "7 Q0 9#9 1\n9 Q0 2#0 1\n",
            "names the passage_id 'sw:9#9', which is not among the passages; add it",
        ),
        (
            "qrels",
            "8 Q0 1#0 1\n",
            "line 1: it judges the query '8', which is not among the queries",
        ),
        (
            "qrels",
            "7 Q0 1#0 1\n7 Q0 1#0 1\n",
            r"line 2: the judgement of \('7', '1#0'\) stands twice, first in .* line 1",
        ),
        ("qrels", "7 Q0 1#0 good\n", "line 1: the grade is 'good', where a whole number"),
        (
            "qrels",
            "7 Q0 1#0 1\n9 Q0 2#0 0\n",
            r"1 of the 2 queries in sw have no relevant passage \('9', …\)",
        ),
        ("qrels", "7 Q0 1#0\n", "line 1: 3 columns instead of 4"),
        ("topics", "7\tMto?\n7\tMnara?\n", "line 2: the query id '7' stands twice"),
        ("topics", "7\t \n", "line 1: the field 'query' is empty"),
        ("topics", "7 Mto?\n", "line 1: 1 columns instead of 2"),
    ],
)
def test_wrong_lines_are_named(file: str, content: str, said: str, tmp_path: Path) -> None:
    layouts.miracl(tmp_path)
    layouts.put(tmp_path / "miracl-v1.0-sw" / file / f"{file}.miracl-v1.0-sw-dev.tsv", content)
    with pytest.raises(ValueError, match=said):
        hbt.load_benchmark("miracl", tmp_path, languages=["sw"])


def test_a_damaged_shard_is_named_and_nothing_of_it_kept(tmp_path: Path) -> None:
    layouts.miracl(tmp_path / "data")
    shard = tmp_path / "data" / "miracl-corpus-v1.0-sw" / "docs-0.jsonl.gz"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-20])
    with pytest.raises(
        DataError, match=r"docs-0\.jsonl\.gz, after line \d+: the file is cut off or damaged"
    ):
        hbt.load_benchmark("miracl", tmp_path / "data", languages=["sw"])
    assert not list((tmp_path / "cache").rglob("*.arrow"))
    shard.write_bytes(whole)
    assert len(hbt.load_benchmark("miracl", tmp_path / "data", languages=["sw"]).passages) == 4
    layouts.put_jsonl(shard, [{"docid": "1#0", "title": "", "text": "a"}] * 2)
    with pytest.raises(DataError, match="line 2: the passage id 'sw:1#0' stands twice"):
        hbt.load_benchmark("miracl", tmp_path / "data", languages=["sw"])


def test_a_missing_shard_is_missed(tmp_path: Path) -> None:
    layouts.miracl(tmp_path, "hi")  # has two shards
    with pytest.raises(DataError, match=r"has no miracl-corpus-v1\.0-hi/docs-1\.jsonl\.gz"):
        hbt.load_benchmark("miracl", tmp_path, languages=["hi"])


def test_passages_stay_on_disk(tmp_path: Path) -> None:
    # 150 MB of passages: the process may grow by a part of it only.
    # It is a process of its own, because memory is not given back.
    layouts.miracl(tmp_path / "data")
    filler = "x" * 10_000
    layouts.put_jsonl(
        tmp_path / "data" / "miracl-corpus-v1.0-sw" / "docs-0.jsonl.gz",
        [{"docid": "1#1", "title": "", "text": "a"}]
        + [{"docid": f"{i}#0", "title": "", "text": f"{i} {filler}"} for i in range(1, 15_001)],
    )
    script = f"""
import datasets, pandas, pyarrow
import hbtlib as hbt

datasets.config.HF_DATASETS_CACHE = {str(tmp_path / "cache")!r}

def own_megabytes():
    lines = open('/proc/self/status').read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith('RssAnon')) / 1024

before = own_megabytes()
found = hbt.load_benchmark('miracl', {str(tmp_path / "data")!r}, languages=['sw'])
assert len(found.passages) == 15_001
assert found.passages['text'].iloc[7].startswith('7 xxx')
print(own_megabytes() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert float(done.stdout.split()[-1]) < 110, done.stdout
