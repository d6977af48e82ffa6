"""Benchmarks, encoders and rankings to and from mteb. It needs the extra `mteb`.

See docs/guide/integrations.md.
"""

from hbtlib.integrations.mteb.benchmarks import from_task
from hbtlib.integrations.mteb.models import EncoderOfMteb, MtebModel
from hbtlib.integrations.mteb.predictions import read_predictions
from hbtlib.integrations.mteb.tasks import BenchmarkTask, as_tasks

__all__ = [
    "BenchmarkTask",
    "EncoderOfMteb",
    "MtebModel",
    "as_tasks",
    "from_task",
    "read_predictions",
]
