"""What runs ask a cluster for."""

from __future__ import annotations

import pytest

from hbtlib.study.config import load, study_names
from hbtlib.study.resources import Resources, run_resources

PAPER = {"encoder": "FacebookAI/xlm-roberta-base", "batch_size": 100, "steps": 50_000}


@pytest.mark.parametrize("name", study_names())
def test_every_run_of_every_study_asks_for_something(name: str) -> None:
    for run in load(name).runs:
        asked = run_resources(run.parameters)
        on_gpu = run.parameters["encoder"] not in ("small", "minilm", "me5-small")
        assert (asked.gpu, asked.cpus) == ((1, 4) if on_gpu else (0, 1))
        assert asked.mem_mb >= 4000
        assert 60 < asked.runtime < 60 * 24


def test_time_grows_with_what_is_trained_on_and_with_precision() -> None:
    asked = run_resources({**PAPER, "precision": "bf16"})
    assert asked == Resources(cpus=4, mem_mb=64_000, runtime=1060, gpu=1)
    assert run_resources({**PAPER, "precision": "fp32"}).runtime == 4060
    assert run_resources({**PAPER, "steps": 100, "precision": "bf16"}).runtime == 70
