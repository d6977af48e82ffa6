"""Small trainings with sentence-transformers' trainer, and what both trainers share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from transformers import TrainerCallback

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.small import small_encoder, train_tokenizer
from hbtlib.integrations.sentence_transformers import PlanLoss, plan_arguments, plan_dataset
from hbtlib.sampling.plan import BatchPlan

CODES = ("aa", "bb", "cc")


def pairs() -> Pairs:
    """Twelve ids; some share a question or a passage, and they have none to two hard negatives."""
    questions = [{c: f"question {i % 11} in {c}" for c in CODES} for i in range(12)]
    passages = [
        {c: f"passage {i // 2 * 2} in {c}" + " 3" * (i % 4) for c in CODES} for i in range(12)
    ]
    for code in CODES:
        passages[3][code] = passages[2][code]  # two ids with one passage
    negatives = {
        f"negatives_{c}": [
            [passages[(i + k) % 12][c] for k in range(1, 1 + i % 3)] for i in range(12)
        ]
        for c in CODES
    }
    return Pairs.from_texts("hard", questions, passages, **negatives)


def encoder() -> Encoder:
    source = pairs()
    words = [t for c in CODES for r in ("query", "passage") for t in source.texts(range(12), c, r)]
    return small_encoder(train_tokenizer(words, 200), width=32, heads=2, dropout=0.0).to("cpu")


def plan(**options: Any) -> BatchPlan:
    """Three batches of four an epoch."""
    return BatchPlan(pairs(), **{"strategy": "hybrid", "batch_size": 4, "seed": 5, **options})


class StopAfter(TrainerCallback):
    """Stops a training after a step."""

    def __init__(self, stop: int | None) -> None:
        self.stop = stop

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self.stop:
            control.should_training_stop = True


def trainer(
    folder: Path,
    steps: int = 6,
    *,
    stop: int | None = None,
    rows: Any = None,
    evaluator: Any = None,
    **options: Any,
) -> SentenceTransformerTrainer:
    """A training in `folder/out` of the encoder that it saves to `folder/start`."""
    if not (folder / "start").exists():
        encoder().save(folder / "start")
    model = SentenceTransformer(str(folder / "start"), device="cpu")
    followed = plan()
    given = plan_arguments(followed, model) | {
        "learning_rate": 1e-2,
        "weight_decay": 1e-2,
        "logging_steps": 1,
        "save_steps": 2,
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": True,
    }
    arguments = SentenceTransformerTrainingArguments(str(folder / "out"), **given | options)
    return SentenceTransformerTrainer(
        model=model,
        args=arguments,
        train_dataset=plan_dataset(followed, steps) if rows is None else rows,
        loss=PlanLoss(model),
        evaluator=evaluator,
        callbacks=[StopAfter(stop)],
    )


def losses(trained: SentenceTransformerTrainer) -> list[float]:
    return [entry["loss"] for entry in trained.state.log_history if "loss" in entry]
