"""A plan's batches as a `datasets.Dataset`: rows in plan order, their texts fetched when read."""

import json
from typing import Any

import numpy as np
import pyarrow.compute as pc
from datasets import Dataset

from hbtlib.checks import check_flag, check_integer, short
from hbtlib.data.pairs import Pairs
from hbtlib.integrations.sentence_transformers.sampler import plan_sampler
from hbtlib.integrations.sentence_transformers.texts import PlanTexts
from hbtlib.sampling.plan import BatchPlan


def plan_dataset(plan: BatchPlan, steps: int | None = None, *, drop_short: bool = False) -> Dataset:
    """The batches of a plan, one after the other, as a data set for sentence-transformers.

    The table holds two numbers a row, the batch and the place in it. The texts are fetched when a
    row is read. A row then has the columns `query`, `passage`, `negative_1`, … (where the pairs
    bring hard negatives) and `label`, which says for every passage and hard negative of the batch
    whether it answers the row's query too. `PlanLoss` leaves these out, as `hbt.train` does.

    Args:
        plan: the batch plan.
        steps: the number of batches, which is the number of optimiser steps: the trainer reads all
            of them in one epoch. None: those of an epoch of the plan.
        drop_short: whether batches that are not full are left out. Several processes need that,
            because accelerate drops them without a word.

    Returns:
        The data set. Its order is the plan's; do not shuffle it.

    Raises:
        ValueError: if plan is no plan of `Pairs`, steps is no whole number from 1 up, or no batch
            is left.

    Example:
        >>> import hbtlib as hbt
        >>> from hbtlib.integrations.sentence_transformers import plan_dataset
        >>> pairs = hbt.load_pairs("worldfacts", languages=["de", "en"])
        >>> rows = plan_dataset(hbt.BatchPlan(pairs, "x-y", batch_size=4), steps=3)
        >>> len(rows), sorted(rows[0])
        (12, ['label', 'passage', 'query'])
    """
    _check_plan(plan)
    count = len(plan) if steps is None else check_integer("steps", steps, minimum=1)
    check_flag("drop_short", drop_short)
    lengths = np.array([len(plan[t]) for t in range(count)])
    numbers = np.arange(count)
    if drop_short:
        numbers = numbers[lengths == plan.batch_size]
        _say_dropped(count - len(numbers), count, plan.batch_size)
        lengths = lengths[numbers]
    table = Dataset.from_dict(
        {
            "batch": np.repeat(numbers, lengths),
            "place": np.concatenate([np.arange(length) for length in lengths]),
        }
    )
    table.info.description = json.dumps({**describe_plan(plan), "steps": len(numbers)})
    table.set_transform(PlanTexts(plan))
    return table


def plan_arguments(plan: BatchPlan, model: Any) -> dict[str, Any]:
    """What `SentenceTransformerTrainingArguments` must be told, so that a step sees one batch.

    These are one epoch (`plan_dataset` holds all steps), the batch size, the sampler, and the
    model's own prompts, which the trainer would not use by itself. With several processes they
    share each batch (`split_batches`); otherwise every process would take another batch, and
    gathering them would mix their languages.

    Args:
        plan: the batch plan.
        model: the `SentenceTransformer` that is trained, for its prompts.

    Returns:
        Keyword arguments; give them by `**`, beside your own (learning rate, output folder, …).

    Raises:
        ValueError: if plan is no plan of `Pairs`, or the model is none.
    """
    _check_plan(plan)
    prompts = getattr(model, "prompts", None)
    if not isinstance(prompts, dict):
        raise ValueError(f"model is {short(model)}; give the SentenceTransformer that is trained")
    passage = next((prompts[name] for name in PASSAGE_PROMPTS if prompts.get(name)), "")
    negatives = [f"negative_{number + 1}" for number in range(_most_negatives(plan))]
    columns = ["passage", *negatives]
    of_columns = {"query": prompts.get("query") or "", **dict.fromkeys(columns, passage)}
    return {
        "num_train_epochs": 1,
        "per_device_train_batch_size": plan.batch_size,
        "gradient_accumulation_steps": 1,
        "batch_sampler": plan_sampler,
        "accelerator_config": {"split_batches": True},
        "prompts": {column: prompt for column, prompt in of_columns.items() if prompt},
    }


PASSAGE_PROMPTS = ("document", "passage", "corpus")
"""The names a passage's prompt may have, in the order in which sentence-transformers looks."""


def _most_negatives(plan: BatchPlan) -> int:
    """The largest number of hard negatives that an id has in a language."""
    most = [0]
    for pairs in plan.pairs:
        assert isinstance(pairs, Pairs)
        for name in pairs.column_names:
            if name.startswith("negatives_"):
                longest = pc.max(pc.list_value_length(pairs.dataset.data.column(name)))
                most.append(longest.as_py() or 0)
    return max(most)


def describe_plan(plan: BatchPlan) -> dict[str, Any]:
    """What a plan was asked for, as plain values."""
    return {
        "pairs": [source.name for source in plan.pairs],
        "kinds": [kind.name for kind in (plan.strategy.first, plan.strategy.second) if kind],
        "alpha": plan.alpha.levels.tolist(),
        "batch_size": plan.batch_size,
        "seed": plan.seed,
        "mix": plan.mix,
        "languages": list(plan.languages),
    }


def _check_plan(plan: object) -> None:
    """Refuses what is no plan, and a plan of sources that have no texts."""
    if not isinstance(plan, BatchPlan):
        raise ValueError(f"plan is {short(plan)}; give an hbt.BatchPlan")
    for source in plan.pairs:
        if not isinstance(source, Pairs):
            raise ValueError(f"the plan draws from {short(source)}, which has no texts; give Pairs")


def _say_dropped(dropped: int, count: int, batch_size: int) -> None:
    """Prints how many short batches were left out; refuses to leave out all."""
    if dropped == count:
        raise ValueError(
            f"none of the {count} batches has {batch_size} pairs, so nothing is left without the "
            "short ones: make the batches smaller"
        )
    if dropped:
        print(f"left out {dropped} of {count} batches, which have fewer than {batch_size} pairs")
