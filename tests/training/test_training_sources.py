"""A training on pairs whose texts are looked up, and on several sources: what each really gave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import training_layouts

import hbtlib as hbt
from hbtlib.data.pairs import Pairs
from hbtlib.training.trainer import train


@pytest.fixture
def mmarco(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pairs:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    training_layouts.mmarco(tmp_path / "mmarco")
    return hbt.load_pairs("mmarco", tmp_path / "mmarco", languages=["de", "en"])


def test_looked_up_texts_train_as_written_ones_and_shares_are_logged(
    mmarco: Pairs,
    tiny_encoder_factory: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from datasets import Dataset

    small = mmarco.select(np.arange(40))
    small.name = "small"
    both = [mmarco, small]
    written = []
    for pairs in both:
        written.append(Pairs(pairs.name, Dataset.from_dict(pairs.rows(np.arange(len(pairs))))))
    options: dict[str, Any] = {"batch_size": 8, "steps": 6, "log_every": 1, "sources": 0.5}
    logs = []
    for name, pairs in (("looked-up", both), ("written", written)):
        train(pairs, tiny_encoder_factory(), output=tmp_path / name, **options)
        logs.append(pd.read_parquet(tmp_path / name / "training_log.parquet"))
    pd.testing.assert_frame_equal(*logs)

    logged = json.loads((tmp_path / "looked-up" / "sources.json").read_text())
    plan = hbt.BatchPlan(both, "hybrid", 0.5, 8, 0, sources=0.5)
    given = [plan[t] for t in range(6)]
    assert logged["steps"] == 6
    assert [row["source"] for row in logged["sources"]] == ["mmarco", "small"]
    for number, row in enumerate(logged["sources"]):
        own = [len(batch) for batch in given if batch.source == number]
        assert (row["batches"], row["pairs"]) == (len(own), sum(own))
        assert row["share"] == pytest.approx(sum(own) / 48)
    assert "the pairs of 6 batches came from mmarco" in capsys.readouterr().out


def test_negatives_of_triples_are_refused_where_an_objective_has_no_place_for_them(
    mmarco: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="has no place for them"):
        train(
            mmarco,
            tiny_encoder_factory(),
            output=tmp_path / "run",
            objective="one-to-k",
            batch_size=4,
            steps=1,
        )
