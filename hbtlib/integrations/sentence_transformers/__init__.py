"""The batches of a plan, its loss and our measures inside sentence-transformers' own trainer.

See docs/guide/integrations.md. `hbt.rank` takes a `SentenceTransformer` without any of this.
"""

from hbtlib.integrations.sentence_transformers.evaluator import PoolEvaluator
from hbtlib.integrations.sentence_transformers.loss import PlanLoss
from hbtlib.integrations.sentence_transformers.rows import plan_arguments, plan_dataset
from hbtlib.integrations.sentence_transformers.sampler import PlanSampler, plan_sampler

__all__ = [
    "PlanLoss",
    "PlanSampler",
    "PoolEvaluator",
    "plan_arguments",
    "plan_dataset",
    "plan_sampler",
]
