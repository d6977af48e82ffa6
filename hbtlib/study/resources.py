"""What one run asks of the machine it runs on: a cluster gives a job no more than it asks for.

The figures are generous: a job that asks for too little is killed, one that asks for too much
only waits longer. A profile's `set-resources` and `set-threads` replace them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ON_CPU = ("small", "minilm", "me5-small")
"""Encoders that a processor trains in reasonable time; every other one gets a GPU."""


@dataclass(frozen=True)
class Resources:
    """What a run asks for.

    Attributes:
        cpus: Processor cores. A run without a GPU has one, so that sums come out the same on every
            machine.
        mem_mb: Main memory in MB.
        runtime: Minutes after which a cluster may end the job.
        gpu: The number of GPUs.
    """

    cpus: int
    mem_mb: int
    runtime: int
    gpu: int


def run_resources(parameters: Mapping[str, Any]) -> Resources:
    """Estimates what a run asks for, from its parameters.

    Memory and time were measured for two packaged encoders on one core of this project's
    two-core machine: 1.2 GB and 1 ms a text (small), 5.3 GB and 90 ms a text (minilm, 128
    tokens); me5-small has twice minilm's layers. For an encoder on a GPU they are those of a model
    of 280 million parameters at 256 tokens. Time is asked for three times over, and memory twice.

    Args:
        parameters: The parameters of the train notebook.

    Returns:
        What the run asks for.

    Example:
        >>> from hbtlib.study.resources import run_resources
        >>> run_resources({"encoder": "small", "batch_size": 96, "steps": 400, "precision": "fp32"})
        Resources(cpus=1, mem_mb=4000, runtime=70, gpu=0)
    """
    encoder = parameters["encoder"]
    on_cpu = encoder in ON_CPU
    first = parameters.get("pretraining") or {}  # a stage before
    pairs = parameters["batch_size"] * parameters["steps"]
    pairs += first.get("batch_size", parameters["batch_size"]) * first.get("steps", 0)
    texts = 2 * pairs
    milliseconds = {"small": 1.0, "minilm": 90.0, "me5-small": 180.0}.get(encoder, 2.0)
    if not on_cpu and parameters["precision"] == "fp32":
        milliseconds *= 4  # no tensor cores
    minutes = 60 + 3 * texts * milliseconds / 60_000  # an hour to load, rank and draw
    memory = {"small": 4_000, "minilm": 12_000, "me5-small": 16_000}.get(encoder, 64_000)
    return Resources(
        cpus=1 if on_cpu else 4,
        mem_mb=memory,
        runtime=math.ceil(minutes / 10) * 10,
        gpu=0 if on_cpu else 1,
    )
