"""Which questions of a study belong together, from the benchmark's data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.study import units_command
from hbtlib.study.report.reader import Reader


def test_units_of_a_benchmark_are_those_of_its_ranks() -> None:
    benchmark = hbt.load_benchmark("worldfacts", languages=["de", "en"])
    rng = np.random.default_rng(0)
    queries = rng.normal(size=(len(benchmark.queries), 4)).astype("float32")
    passages = rng.normal(size=(len(benchmark.passages), 4)).astype("float32")
    expected = hbt.units(hbt.rank_vectors(queries, passages, benchmark))
    found = units_command.of_benchmark(benchmark)
    assert dict(zip(found["question_id"], found["unit"], strict=True)) == expected


def test_the_command_writes_a_file_that_notebooks_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Reader, "committed", lambda self, name: tmp_path / name)
    units_command.main(["worldfacts"])
    table = pd.read_parquet(tmp_path / "units.parquet")
    assert Reader("worldfacts").units() == dict(
        zip(table["question_id"], table["unit"], strict=True)
    )
    assert f"{len(table):,} questions" in capsys.readouterr().out


def test_an_unknown_study_is_told_of() -> None:
    with pytest.raises(SystemExit, match="nosuch"):
        units_command.main(["nosuch"])
