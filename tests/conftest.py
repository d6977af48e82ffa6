"""What several tests need: one thread, small pairs and benchmarks, the folder of real data."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in the study; more only fight each other here
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test reaches for the network
os.environ.pop("HBT_EMBEDDINGS", None)

import numpy as np
import pandas as pd
import pytest
from long_tests import function_of, listed

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.pairs import Pairs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the long tests, which `make unit` leaves out."""
    names = listed()
    for item in items:
        if function_of(item.nodeid) in names:
            item.add_marker(pytest.mark.long)


def pytest_collection_finish() -> None:
    """Takes what was imported out of the garbage collector's rounds.

    Every training begins and ends with a full round, which goes through a million objects of
    modules again.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data that HBT_DATA names; without it, tests that need it are skipped."""
    folder = os.environ.get("HBT_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("HBT_DATA names no folder of real data (see docs/guide/limits.md)")
    return Path(folder)


def stopped(step: int, call: Callable[[], Any]) -> None:
    """Calls something that trains, and interrupts the training before a step.

    Args:
        step: the optimiser step, counted from 0, that is not reached.
        call: what is called.

    Raises:
        AssertionError: if the call ended before that step.
    """
    from hbtlib.training.contrastive_trainer import ContrastiveTrainer

    usual = ContrastiveTrainer.training_step

    def dying(self: ContrastiveTrainer, *args: Any) -> Any:
        if self.state.global_step == step:
            raise InterruptedError
        return usual(self, *args)

    ContrastiveTrainer.training_step = dying  # type: ignore[method-assign]
    try:
        call()
    except InterruptedError:
        return
    finally:
        ContrastiveTrainer.training_step = usual  # type: ignore[method-assign]
    raise AssertionError("nothing was interrupted")


@pytest.fixture
def tiny_pairs() -> Pairs:
    """Twelve ids in three languages, every text there and different."""
    languages = ("aa", "bb", "cc")
    queries = [{code: f"question {i} in {code}" for code in languages} for i in range(12)]
    passages = [{code: f"passage {i} in {code}" for code in languages} for i in range(12)]
    return Pairs.from_texts("tiny", queries, passages)


def random_benchmark(
    seed: int,
    *,
    languages: int = 3,
    questions: int = 6,
    width: int = 4,
    ties: bool = True,
) -> tuple[Benchmark, np.ndarray, np.ndarray]:
    """A benchmark with every difficulty at once, and vectors for its queries and its passages.

    It has ties, several relevant passages, grades, queries without a relevant passage, and a pool
    of one: the first language has one passage (twelve where it is alone). Ids begin with characters
    of one to four UTF-8 bytes, and rows are in no order. From three languages on, one draw in four
    has no query, and one in four no passage, in the last language.
    """
    rng = np.random.default_rng(seed)
    codes = [chr(97 + i) * 2 for i in range(languages)]
    mark = lambda: rng.choice(list("Zaé中\uffee😀"))  # noqa: E731
    # 0: no query in the last language; 1: no passage in it.
    lack = rng.integers(0, 4) if languages > 2 else -1
    queries = pd.DataFrame(
        [
            {
                "query_id": f"{mark()}q{i}-{c}",
                "question_id": f"q{i}",
                "language": c,
                "text": f"{i} {c}",
            }
            for i in range(questions)
            for c in (codes[:-1] if lack == 0 else codes)
        ]
    )
    sizes = [1 if languages > 1 else 12, *rng.integers(2, 30, languages - 1)]
    passages = pd.DataFrame(
        [
            {"passage_id": f"{mark()}p{i}-{c}", "language": c, "text": f"{i} {c}"}
            for c, n in list(zip(codes, sizes, strict=True))[: -1 if lack == 1 else None]
            for i in range(n)
        ]
    )
    queries = queries.iloc[rng.permutation(len(queries))]
    passages = passages.iloc[rng.permutation(len(passages))]
    judged = [
        (q, p, int(rng.integers(0, 4)))
        for q in queries["query_id"]
        for p in passages["passage_id"]
        if rng.random() < 0.15
    ]
    judgements = pd.DataFrame(judged, columns=["query_id", "passage_id", "grade"])
    # Halves give exact products, so that ties are ties on every machine.
    draw = (
        (lambda n: rng.integers(-2, 3, (n, width)) / 2)
        if ties
        else (lambda n: rng.standard_normal((n, width)))
    )
    return (
        Benchmark(f"random{seed}", queries, passages, judgements),
        draw(len(queries)).astype(np.float32),
        draw(len(passages)).astype(np.float32),
    )


@pytest.fixture(scope="session")
def tiny_encoder_factory():  # type: ignore[no-untyped-def]
    """Makes an encoder of width 32 with random weights and a tokenizer of `tiny_pairs`' words."""
    from hbtlib.encoders.small import small_encoder, train_tokenizer

    words = [
        f"{kind} {i} in {code}"
        for kind in ("question", "passage", "Query:", "Passage:")
        for i in range(12)
        for code in ("aa", "bb", "cc")
    ]

    def make(seed: int = 0, dropout: float = 0.0):  # type: ignore[no-untyped-def]
        return small_encoder(
            train_tokenizer(words, 200), seed=seed, width=32, heads=2, dropout=dropout
        ).to("cpu")

    return make
