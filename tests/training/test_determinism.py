"""What is the same each time a training is made again, and what differs in which digit.

Run by itself, this file measures the table of docs/guide/training.md with the default study's
encoder and pairs, in some minutes: `PYTHONPATH=.:tests python tests/training/test_determinism.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import stopped
from safetensors.torch import load_file

import hbtlib as hbt
from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder

OPTIONS: dict[str, Any] = {
    "batch_size": 8,
    "steps": 8,
    "evaluate_every": 4,
    "log_every": 1,
    "learning_rate": 1e-3,
    "seed": 5,
}


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Gives torch n threads for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def differences(first: Path, second: Path) -> dict[str, float]:
    """How far two trainings lie apart at most.

    The biases of the attention's keys are left out: they change no vector, so that their gradients
    are nothing but rounding, which AdamW scales to steps of full size.

    Returns:
        `weights`: relative to the largest weight of the same tensor; `losses`: relative.
    """
    models = [load_file(folder / "model" / "model.safetensors") for folder in (first, second)]
    logs = [pd.read_parquet(folder / "training_log.parquet") for folder in (first, second)]
    assert models[0].keys() == models[1].keys()
    weights = [
        float((models[0][name] - models[1][name]).abs().max() / models[0][name].abs().max())
        for name in models[0]
        if not name.endswith("key.bias") and models[0][name].abs().max() > 0
    ]
    losses = [log["loss"].to_numpy() for log in logs]
    return {
        "weights": max(weights),
        "losses": float(np.abs(losses[0] / losses[1] - 1).max()),
    }


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """Wide enough that two threads share its products."""
    from hbtlib.encoders.small import small_encoder, train_tokenizer

    words = [
        f"{kind} {i} in {c}" for kind in ("question", "passage") for i in range(40) for c in "ab"
    ]
    return small_encoder(train_tokenizer(words, 200), width=128, heads=4, dropout=0.1).to("cpu")


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    texts = [
        [{c: f"{kind} {i} in {c}" + " so" * (i % 30) for c in ("aa", "bb")} for i in range(40)]
        for kind in ("question", "passage")
    ]
    return Pairs.from_texts("forty", *texts)


@pytest.fixture(scope="module")
def once(pairs: Pairs, encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training by one thread."""
    folder = tmp_path_factory.mktemp("once")
    with threads(1):
        hbt.train(pairs, encoder, output=folder, **OPTIONS)
    return folder


def test_as_many_threads_give_the_same_weights_to_the_bit_resumed_or_not(
    pairs: Pairs, encoder: Encoder, once: Path, tmp_path: Path
) -> None:
    with threads(1):
        stopped(5, lambda: hbt.train(pairs, encoder, output=tmp_path, **OPTIONS))
        hbt.train(pairs, encoder, output=tmp_path, **OPTIONS)
    assert differences(once, tmp_path) == {"weights": 0.0, "losses": 0.0}


def test_more_threads_differ_in_late_digits(
    pairs: Pairs, encoder: Encoder, once: Path, tmp_path: Path
) -> None:
    """Sums are taken in another order."""
    with threads(2):
        hbt.train(pairs, encoder, output=tmp_path, **OPTIONS)
    found = differences(once, tmp_path)
    assert found["losses"] < 1e-5
    assert found["weights"] < 1e-3


def test_chunks_of_other_sizes_differ_in_late_digits(pairs: Pairs, encoder: Encoder) -> None:
    """Without dropout, which falls chunk by chunk."""
    texts = pairs.texts(range(40), "aa", "passage")
    with torch.inference_mode():
        vectors = [
            encoder.eval()(encoder.tokenize(texts, "passage", chunk)).numpy()
            for chunk in (1, 64, 100_000)
        ]
    for other in vectors[1:]:
        np.testing.assert_allclose(other, vectors[0], atol=2e-6)


def _measure() -> None:
    """Trains the default study's encoder in several ways, and prints how far they lie apart."""
    plain = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    older = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}
    ways: dict[str, dict[str, str]] = {
        "once": plain,
        "again": plain,
        "stopped at half and resumed": {**plain, "STOP": "50"},
        "two threads": {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"},
        "older instructions": {**plain, **older, "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    }
    with tempfile.TemporaryDirectory() as folder:
        for way, environment in ways.items():
            output = Path(folder) / way
            command = [sys.executable, __file__, str(output)]
            subprocess.run(command, env={**os.environ, **environment}, check=True)
            apart = differences(Path(folder) / "once", output)
            vectors = [np.load(Path(folder) / f"{name}.npy") for name in ("once", way)]
            apart["vectors"] = float(np.abs(vectors[0] - vectors[1]).max())
            print(way, {name: f"{value:.1e}" for name, value in apart.items()}, flush=True)


def _train(output: Path) -> None:
    """Trains for a hundred steps as the default study does."""
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    codes = ["ar", "de", "en", "zh"]
    pairs = hbt.load_pairs("worldfacts", languages=codes)
    start = Encoder.load("small", device="cpu")

    def train() -> Encoder:
        return hbt.train(
            pairs,
            start,
            output=output,
            batch_size=96,
            steps=100,
            evaluate_every=25,
            log_every=5,
            learning_rate=4e-3,
            embedding_learning_rate=1e-2,
        )

    if "STOP" in os.environ:
        stopped(int(os.environ["STOP"]), train)
    encoder = train()
    np.save(output.with_suffix(".npy"), encoder.embed(pairs.texts(range(500), "de", "passage")))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _train(Path(sys.argv[1]))
    else:
        _measure()
