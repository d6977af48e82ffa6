"""The sampler that hands sentence-transformers' trainer one batch of a plan at a step."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch.distributed as dist
from datasets import Dataset
from sentence_transformers.base.sampler import DefaultBatchSampler
from torch.utils.data import RandomSampler

from hbtlib.integrations.sentence_transformers.texts import plan_of


def plan_sampler(dataset: Dataset, batch_size: int, drop_last: bool, **options: Any) -> Any:
    """The sampler of a data set: what `batch_sampler` of the training arguments takes.

    The trainer gives its evaluation set the same sampler as its training set. One that is no
    `plan_dataset` gets the sampler that sentence-transformers would use.

    Args:
        dataset: what is sampled.
        batch_size: the trainer's batch size; a plan has its own.
        drop_last: as the trainer has it.
        **options: what else the trainer gives: valid_label_columns, generator, seed.
    """
    if plan_of(dataset) is not None:
        return PlanSampler(dataset, batch_size, drop_last, **options)
    shuffled = RandomSampler(dataset, generator=options.get("generator"))
    return DefaultBatchSampler(shuffled, batch_size=batch_size, drop_last=drop_last, **options)


class PlanSampler(DefaultBatchSampler):
    """Cuts the rows of `plan_dataset` at the bounds of the plan's batches.

    Args:
        dataset: what `plan_dataset` gave, in its order.
        batch_size: not used; the plan's counts.
        drop_last: not used; `plan_dataset(drop_short=True)` leaves short batches out.
        **options: as of sentence-transformers' `DefaultBatchSampler`.

    Raises:
        ValueError: if the rows are not in the plan's order, and if several processes cannot share
            every batch evenly.
    """

    def __init__(self, dataset: Dataset, batch_size: int, drop_last: bool, **options: Any) -> None:
        plan = plan_of(dataset)
        if plan is None:
            raise ValueError("the training data are no rows of a plan; make them by plan_dataset")
        super().__init__(dataset, plan.batch_size, False, **options)
        rows = dataset.with_format("numpy", columns=["batch", "place"])[:]
        starts = np.flatnonzero(rows["place"] == 0)
        self.bounds = np.append(starts, len(dataset))
        self._check_order(rows["batch"], rows["place"])
        self._check_processes()
        self._finished = False

    def __len__(self) -> int:
        """The number of batches."""
        return len(self.bounds) - 1

    def __iter__(self) -> Iterator[list[int]]:
        """The rows of one batch after the other.

        Raises:
            RuntimeError: when they are asked for a second time.
        """
        if self._finished:
            raise RuntimeError(
                f"the {len(self)} batches of the plan are used up, and the trainer begins another "
                "epoch with the same ones: set num_train_epochs=1 and max_steps=-1, and give "
                "plan_dataset as many steps as you want"
            )
        for start, end in zip(self.bounds[:-1].tolist(), self.bounds[1:].tolist(), strict=True):
            yield list(range(start, end))
        self._finished = True

    def _check_order(self, numbers: np.ndarray, places: np.ndarray) -> None:
        lengths = np.diff(self.bounds)
        in_order = len(lengths) > 0 and self.bounds[0] == 0
        if in_order:
            expected = np.arange(len(places)) - np.repeat(self.bounds[:-1], lengths)
            rising = np.diff(numbers[self.bounds[:-1]]) > 0
            one_number = numbers == np.repeat(numbers[self.bounds[:-1]], lengths)
            in_order = bool((places == expected).all() and rising.all() and one_number.all())
        if not in_order:
            raise ValueError(
                "the rows are not in the plan's order, so its batches cannot be cut from them: "
                "leave the data set as plan_dataset gave it, without shuffle, select or filter"
            )

    def _check_processes(self) -> None:
        """Refuses what accelerate would drop or split unevenly without a word."""
        processes = dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
        if processes == 1:
            return
        if self.batch_size % processes:
            raise ValueError(
                f"{processes} processes cannot share batches of {self.batch_size} pairs evenly: "
                f"give BatchPlan a batch_size that is a multiple of {processes}"
            )
        short = int((np.diff(self.bounds) < self.batch_size).sum())
        if short:
            raise ValueError(
                f"{short} of {len(self)} batches have fewer than {self.batch_size} pairs, and with "
                f"{processes} processes accelerate would drop them silently: make the data set by "
                "plan_dataset(…, drop_short=True), which leaves them out and says so"
            )
