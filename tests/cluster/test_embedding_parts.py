"""Passages embedded by several jobs rank as those of one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.encoders.small import small_encoder, train_tokenizer
from hbtlib.study import embedding

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("parts", [1, 2, 3, 8])
@pytest.mark.parametrize("n_texts", [1, 99, 100, 101, 550])
def test_parts_are_whole_shards_and_cover_every_text_once(n_texts: int, parts: int) -> None:
    rows = [embedding.stretch(n_texts, 100, part, parts) for part in range(1, parts + 1)]
    assert [i for own in rows for i in range(n_texts)[own]] == list(range(n_texts))
    assert all(own.start % 100 == 0 for own in rows)


@pytest.mark.parametrize(
    ("shard", "part", "parts", "said"),
    [
        (0, 1, 1, "shard is 0; it must be 1 or more"),
        (1, 0, 1, "part is 0; it must be 1 or more"),
        (1, 3, 2, "part is 3; it must be 2 or less"),
        (1, 1, 0, "parts is 0; it must be 1 or more"),
    ],
)
def test_a_part_that_is_none_is_refused(shard: int, part: int, parts: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        embedding.stretch(10, shard, part, parts)


SMALL = '{"languages": ["de", "en"], "split": "validation"}'


@pytest.fixture
def encoder(tmp_path: Path) -> None:
    """Saves an encoder of random weights, whose tokenizer knows the benchmark's words."""
    texts = hbt.load_benchmark("worldfacts", **json.loads(SMALL)).passages["text"]
    small_encoder(train_tokenizer(texts, 500), width=32, heads=2).to("cpu").save(
        tmp_path / "encoder"
    )


def common(store: Path) -> list[str]:
    """What all commands are given."""
    words = [
        "--encoder",
        str(store.parent / "encoder"),
        "--benchmark",
        "worldfacts",
        "--options",
        SMALL,
    ]
    return [*words, "--shard", "50", "--store", str(store)]


def ranks_of_one_process(folder: Path) -> pd.DataFrame:
    """The ranks where one process embeds everything."""
    output = folder / "alone.parquet"
    embedding.main(["rank", "--output", str(output), *common(folder / "another store")])
    return pd.read_parquet(output)


def test_ranks_of_three_parts_are_those_of_one_process(tmp_path: Path, encoder: None) -> None:
    for part in ("3", "1"):  # in any order; the second one never came
        embedding.main(["part", "--part", part, "--parts", "3", *common(tmp_path / "store")])
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.safetensors")}
    assert len(before) >= 2
    output = tmp_path / "out" / "ranks.parquet"
    embedding.main(["rank", "--output", str(output), *common(tmp_path / "store")])
    assert {file: file.stat().st_mtime_ns for file in before} == before  # not embedded again
    assert len(list(tmp_path.rglob("*.safetensors"))) > len(before)
    pd.testing.assert_frame_equal(pd.read_parquet(output), ranks_of_one_process(tmp_path))


def test_what_is_wrong_is_one_sentence(tmp_path: Path) -> None:
    words = ["part", "--part", "1", "--parts", "1", *common(tmp_path / "store")]
    with pytest.raises(SystemExit, match=r"embedding: .*nosuch"):
        embedding.main([*words, "--benchmark", "nosuch"])


@pytest.mark.slow
def test_snakemake_runs_the_parts_and_ranks(tmp_path: Path, encoder: None) -> None:
    config = ["encoder=encoder", "benchmark=worldfacts", f"options={SMALL}", "parts=3", "shard=50"]
    config += ["output=r.parquet"]
    snakemake = Path(sys.executable).with_name("snakemake")
    command = [snakemake, "-s", REPOSITORY / "embed.smk", "--cores", "2", "--config", *config]
    paths = f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(
        [*command, "--workflow-profile", "none"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "part 3 of 3" in done.stdout
    ranks = pd.read_parquet(tmp_path / "r.parquet")
    pd.testing.assert_frame_equal(ranks, ranks_of_one_process(tmp_path))
