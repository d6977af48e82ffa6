"""Training on the rows of the token table that occur, with the result of training on all of it.

The problem: most weights of a multilingual encoder are its table of token embeddings (96 of the
118 million of multilingual-e5-small), and most of its rows never occur in a training. They cost
time and memory all the same: a gradient of the table's size, two moments, and AdamW's pass over it.

The remedy: the batches are known before the training, and so are the tokens. A `RowEmbedding` takes
the place of the table. It holds the rows that occur, and they alone are trained and checkpointed.
A row that never occurs has no gradient and no moments, so that AdamW does one thing with it in each
step: it multiplies the row by 1 − learning rate · weight decay. The product of these factors is
noted, and multiplied in when the whole table is put back.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import TrainingArguments

from hbtlib.encoders.encoder import Encoder
from hbtlib.training.batches import PlanBatches, tokens_of

_FILE = "token_rows.safetensors"  # of a checkpoint: which rows were trained, and the decay so far

# A table with fewer numbers is trained whole: reading all texts beforehand would cost more than it
# saves.
SMALLEST_TABLE = 4_000_000

# If more of the rows occur, the whole table is trained.
LARGEST_SHARE = 0.5

_ADAMW = ("adamw_torch", "adamw_torch_fused")


class RowEmbedding(torch.nn.Module):
    """The rows of a table of embeddings that occur; they are looked up by the table's own ids.

    Args:
        table: the whole table. It is kept as it is.
        rows: (r,) the ids that occur, ascending.
        decay: what the other rows were multiplied by before.

    Attributes:
        weight: (r, d) the rows, which are trained. As in the table, the row of the padding has no
            gradient.
        rows: as given.
        decay: what AdamW would have multiplied the other rows by so far.
    """

    def __init__(self, table: torch.nn.Embedding, rows: torch.Tensor, decay: float = 1.0) -> None:
        super().__init__()
        self.rows = rows
        self.decay = decay
        self.weight = torch.nn.Parameter(table.weight.detach()[rows])
        place = torch.full((table.num_embeddings,), -1)
        place[rows] = torch.arange(len(rows))
        self.register_buffer("place", place, persistent=False)  # id → its row in `weight`, or −1
        padding = table.padding_idx
        self.padding_idx = int(place[padding]) if padding is not None else None
        self._whole = (table,)  # in a tuple, so that its weight is no parameter of this module

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Looks up the embeddings of ids: (…) → (…, d)."""
        found: torch.Tensor = torch.nn.functional.embedding(
            self.place[ids], self.weight, self.padding_idx
        )
        return found

    def follow(self, optimizer: torch.optim.Optimizer) -> None:
        """Notes from now on, at each step of an AdamW, how it decays the weights."""
        optimizer.register_step_pre_hook(self._note_decay)

    def _note_decay(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        """Multiplies the factor of the step that comes into `decay`."""
        for group in optimizer.param_groups:
            if any(weight is self.weight for weight in group["params"]):
                self.decay *= 1 - float(group["lr"]) * group["weight_decay"]

    @torch.no_grad()
    def whole_table(self) -> torch.nn.Embedding:
        """Makes the whole table as it would be now, if all of it had been trained."""
        table = copy.deepcopy(self._whole[0])
        table.weight.mul_(self.decay)
        table.weight[self.rows] = self.weight
        return table

    def save(self, checkpoint: Path) -> None:
        """Writes to a checkpoint which rows are trained, and the decay so far."""
        decay = torch.tensor([self.decay], dtype=torch.float64)
        save_file({"rows": self.rows, "decay": decay}, checkpoint / _FILE)

    def read_decay(self, checkpoint: Path) -> None:
        """Takes the decay from a checkpoint, whose weights are loaded."""
        self.decay = float(load_file(checkpoint / _FILE)["decay"])


def row_embedding(encoder: Encoder) -> RowEmbedding | None:
    """The rows that an encoder is trained on; None if its whole table is trained."""
    table = _token_table(encoder)
    return table if isinstance(table, RowEmbedding) else None


def train_rows_that_occur(
    encoder: Encoder,
    batches: Sequence[PlanBatches],
    arguments: TrainingArguments,
    checkpoint: str | None,
) -> None:
    """Replaces an encoder's token table by the rows that occur, where this pays.

    It pays on a CPU, for a large table, of which at most half occurs. The optimiser has to be
    AdamW, because others do something else with weights that have no gradient.

    Args:
        encoder: the encoder that is to be trained.
        batches: all that it will embed in the training, for training and for validation.
        arguments: transformers' arguments of the training.
        checkpoint: the checkpoint that the training resumes from, whose choice is kept.
    """
    table = _token_table(encoder)
    if checkpoint is not None:
        if (Path(checkpoint) / _FILE).exists():
            stored = load_file(Path(checkpoint) / _FILE)
            rows = RowEmbedding(table, stored["rows"], float(stored["decay"]))
            encoder.model.set_input_embeddings(rows)
        return
    if not _can_be_cut(table, encoder) or not _decays_alone(arguments):
        return
    ids = _occurring_ids(table, batches)
    if ids is not None:
        encoder.model.set_input_embeddings(RowEmbedding(table, ids))


def put_table_back(encoder: Encoder) -> None:
    """Gives an encoder its whole token table again, with what was trained."""
    rows = row_embedding(encoder)
    if rows is not None:
        encoder.model.set_input_embeddings(rows.whole_table())


@contextmanager
def with_whole_table(encoder: Encoder) -> Iterator[Encoder]:
    """While entered, the encoder has its whole token table, and can embed any text."""
    rows = row_embedding(encoder)
    put_table_back(encoder)
    try:
        yield encoder
    finally:
        if rows is not None:
            encoder.model.set_input_embeddings(rows)


def _token_table(encoder: Encoder) -> Any:
    """The module of the encoder's token embeddings; None for a model without one."""
    with suppress(NotImplementedError):
        return encoder.model.get_input_embeddings()
    return None


def _can_be_cut(table: Any, encoder: Encoder) -> bool:
    """Is this a large, plain table on the CPU that is trained and that nothing else shares?"""
    if type(table) is not torch.nn.Embedding:
        return False
    weight = table.weight
    is_plain = table.max_norm is None and not table.scale_grad_by_freq and not table.sparse
    everywhere = encoder.named_parameters(remove_duplicate=False)
    return (
        is_plain
        and weight.requires_grad
        and weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and weight.numel() >= SMALLEST_TABLE
        and sum(parameter is weight for _, parameter in everywhere) == 1
    )


def _decays_alone(arguments: TrainingArguments) -> bool:
    """Does the optimiser decay weights without a gradient, and do nothing else with them?"""
    optimizer = str(getattr(arguments.optim, "value", arguments.optim))
    shards = arguments.fsdp or arguments.deepspeed
    return optimizer in _ADAMW and not arguments.fp16 and not shards


def _occurring_ids(
    table: torch.nn.Embedding, batches: Sequence[PlanBatches]
) -> torch.Tensor | None:
    """The ids that occur in batches, padding included, ascending; None if they are too many."""
    occurs = np.zeros(table.num_embeddings, bool)
    if table.padding_idx is not None:
        occurs[table.padding_idx] = True
    most = LARGEST_SHARE * len(occurs)
    for each in batches:
        of_all = each.of_all_processes()
        for t in range(len(of_all)):
            for tokens in tokens_of(of_all[t]).values():
                for chunk in tokens["chunks"]:
                    occurs[chunk["input_ids"].numpy()] = True
            if occurs.sum() > most:
                return None
    return torch.from_numpy(np.flatnonzero(occurs))
