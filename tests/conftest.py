"""What several tests need: one thread (as the study has), small pairs and benchmarks, the folder of real data."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test reaches for the network

import numpy as np
import pandas as pd
import pytest

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.pairs import Pairs


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real public data that HBT_DATA names; tests that need it are skipped without it."""
    folder = os.environ.get("HBT_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("HBT_DATA names no folder of real data (see README, 'Real data')")
    return Path(folder)


@pytest.fixture
def tiny_pairs() -> Pairs:
    """Twelve ids in three languages, every text there and different."""
    languages = ("aa", "bb", "cc")
    queries = [{code: f"question {i} in {code}" for code in languages} for i in range(12)]
    passages = [{code: f"passage {i} in {code}" for code in languages} for i in range(12)]
    return Pairs.from_texts("tiny", queries, passages)


def random_benchmark(seed: int, *, languages: int = 3, questions: int = 6, width: int = 4, ties: bool = True,
                     ) -> tuple[Benchmark, np.ndarray, np.ndarray]:
    """A benchmark and vectors with ties, several relevant passages, grades, queries without any, and a pool of one."""
    rng = np.random.default_rng(seed)
    codes = [chr(97 + i) * 2 for i in range(languages)]
    queries = pd.DataFrame([{"query_id": f"q{i}-{c}", "question_id": f"q{i}", "language": c, "text": f"{i} {c}"}
                            for i in range(questions) for c in codes])
    sizes = [1, *rng.integers(2, 30, languages - 1)]
    passages = pd.DataFrame([{"passage_id": f"p{i}-{c}", "language": c, "text": f"{i} {c}"}
                             for c, n in zip(codes, sizes, strict=True) for i in range(n)])
    judged = [(q, p, int(rng.integers(0, 4))) for q in queries["query_id"] for p in passages["passage_id"]
              if rng.random() < 0.15]
    judgements = pd.DataFrame(judged, columns=["query_id", "passage_id", "grade"])
    # Halves give exact products, so that ties are ties on every machine.
    draw = (lambda n: rng.integers(-2, 3, (n, width)) / 2) if ties else (lambda n: rng.standard_normal((n, width)))
    return (Benchmark(f"random{seed}", queries, passages, judgements), draw(len(queries)).astype(np.float32),
            draw(len(passages)).astype(np.float32))
