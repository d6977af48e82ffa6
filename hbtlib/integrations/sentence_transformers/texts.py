"""The texts of a plan's rows, fetched when a row is read."""

from typing import Any

import numpy as np
import torch
from datasets import Dataset

from hbtlib.data.pairs import Pairs
from hbtlib.sampling.batch import Batch
from hbtlib.sampling.plan import BatchPlan
from hbtlib.training.false_negatives import answers, negatives_that_answer

Rows = dict[str, list[Any]]


class PlanTexts:
    """Turns rows of a plan's table into texts and labels; what `Dataset.set_transform` takes.

    Args:
        plan: the batch plan.
    """

    def __init__(self, plan: BatchPlan) -> None:
        self.plan = plan

    def __call__(self, rows: Rows) -> Rows:
        """Fetches the texts of some rows, which may be of several batches."""
        numbers, places = np.array(rows["batch"], int), np.array(rows["place"], int)
        starts = np.flatnonzero(np.diff(numbers, prepend=-1))
        parts = [
            self._texts(self.plan[int(part_numbers[0])], part_places)
            for part_numbers, part_places in zip(
                np.split(numbers, starts[1:]), np.split(places, starts[1:]), strict=True
            )
            if len(part_numbers)
        ]
        most = max((len(part["negatives"]) for part in parts), default=0)
        found: Rows = {name: _joined(parts, name) for name in ("query", "passage")}
        for j in range(most):
            found[f"negative_{j + 1}"] = [
                text
                for part in parts
                # Batches with fewer hard negatives are only ever read together with others for a
                # model card, which wants columns of one length.
                for text in (
                    part["negatives"][j] if j < len(part["negatives"]) else part["passage"]
                )
            ]
        found["label"] = _joined(parts, "label")
        return found

    def _texts(self, batch: Batch, places: np.ndarray) -> dict[str, Any]:
        """The columns of some places of one batch.

        The label of a row is its row of `same`, (B,), then that of `same_negatives`, (n B,), the
        hard negatives in the order in which the loss sees them: the first of each id, the second of
        each, …
        """
        pairs = self.plan.pairs[batch.source]
        assert isinstance(pairs, Pairs)
        queries = pairs.texts(batch.ids, batch.query_languages, "query")
        passages = pairs.texts(batch.ids, batch.passage_languages, "passage")
        negatives = pairs.negatives(batch.ids, batch.passage_languages)
        same = answers(pairs, batch, queries, passages)
        columns, same_negatives = _negative_columns(pairs, batch, same, negatives, passages)
        label = np.concatenate([same, same_negatives], axis=1)[places]
        return {
            "query": [queries[place] for place in places],
            "passage": [passages[place] for place in places],
            "negatives": [[column[place] for place in places] for column in columns],
            "label": list(torch.from_numpy(label)),
        }


def _negative_columns(
    pairs: Pairs, batch: Batch, same: np.ndarray, negatives: list[list[str]], passages: list[str]
) -> tuple[list[list[str]], np.ndarray]:
    """The hard negatives as n columns of B texts, and which of them answer which query, (B, n B).

    An id that has fewer than the others repeats its passage there, which is left out for every
    query.
    """
    n, size = max(map(len, negatives), default=0), len(batch)
    padded = [
        found + [passage] * (n - len(found))
        for found, passage in zip(negatives, passages, strict=True)
    ]
    columns = [[texts[j] for texts in padded] for j in range(n)]
    answering = np.ones((size, n, size), bool)
    if n:
        ours = negatives_that_answer(pairs, batch, same, negatives)  # (B, M), id by id
        owner = np.repeat(np.arange(size), [len(found) for found in negatives])
        number = np.concatenate([np.arange(len(found)) for found in negatives])
        answering[:, number, owner] = ours
    return columns, answering.reshape(size, n * size)


def _joined(parts: list[dict[str, Any]], name: str) -> list[Any]:
    return [value for part in parts for value in part[name]]


def plan_of(dataset: object) -> BatchPlan | None:
    """The plan whose rows a data set has; None if it has none."""
    if not isinstance(dataset, Dataset):
        return None
    transform = dataset.format["format_kwargs"].get("transform")
    return transform.plan if isinstance(transform, PlanTexts) else None
