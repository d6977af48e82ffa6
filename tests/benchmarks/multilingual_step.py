"""What a training step of a multilingual encoder costs, beside sentence-transformers' trainer.

    HBT_DATA=../shared/data python tests/benchmarks/multilingual_step.py [--shape me5-small]
        [--batch 48] [--steps 3] [--rounds 1] [--out FILE.csv]

Real pairs of `mlqa-pairs` at up to 128 tokens in nine languages. Weights, batches, dropout (as the
model's configuration has it, .1), AdamW and its learning rate are the same on all sides. The sides
are processes of their own, one after the other, `--rounds` times, with one thread each. A step is
the median over them, the first step of each left out: texts fetched and tokenised, forward,
backward, AdamW. Beside wall time stands the processor's time, which other jobs on the machine
change less. `--shape xlm-r-base` is that model's shape, 12 layers of 768, with random weights and a
table of 250,037 tokens (those of me5-small's tokenizer, 35 more than XLM-R's). Rows are added to
the file if it exists.

Operations are counted alike for all: 2 for each weight of a layer's matrices and token, 4 T · width
for attention, without padding; backward is twice that.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

SIDES = ("sentence-transformers fp32", "ours fp32", "sentence-transformers bf16", "ours bf16")
LANGUAGES = ["ar", "de", "en", "es", "hi", "ru", "th", "tr", "zh"]
LENGTH = 128
SCHEDULE = "constant"  # one learning rate from the first step on

Texts = tuple[list[str], list[str]]  # the queries and the passages of a batch


def folder_of(shape: str, to: Path) -> str:
    """Writes the encoder's folder: me5-small's weights, or random ones of XLM-R-base's shape."""
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaModel

    import hbtlib as hbt
    from hbtlib.encoders.encoder import Encoder

    encoder = hbt.Encoder.load("me5-small", device="cpu", max_length=LENGTH)
    if shape == "xlm-r-base":
        torch.manual_seed(0)
        config = XLMRobertaConfig(
            vocab_size=250_037, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5
        )
        model = XLMRobertaModel(config, add_pooling_layer=False)
        encoder = Encoder(model, encoder.tokenizer, encoder.settings)
    encoder.save(to)
    return str(to)


def side(asked: argparse.Namespace) -> dict[str, Any]:
    """One side's training: the time of each step, its tokens and operations, and the memory."""
    import torch

    import hbtlib as hbt

    torch.set_num_threads(1)
    ends = clock_steps()
    pairs = hbt.load_pairs("mlqa-pairs")
    languages = [code for code in LANGUAGES if code in pairs.languages]
    plan = hbt.BatchPlan(pairs, "x-x", batch_size=asked.batch, languages=languages)
    with tempfile.TemporaryDirectory() as scratch:
        work = count_work(asked.folder, pairs, plan, asked.steps + 1)
        if asked.side.startswith("ours"):
            losses = train_ours(asked, pairs, languages, Path(scratch) / "run")
        else:
            losses = train_peer(asked, pairs, plan, scratch)
    return {
        "wall": [after[0] - before[0] for before, after in pairwise(ends)][1:],
        "processor": [after[1] - before[1] for before, after in pairwise(ends)][1:],
        "tokens": sum(tokens for tokens, _ in work[1:]) / asked.steps,
        "operations": sum(operations for _, operations in work[1:]) / asked.steps,
        "first_loss": losses[0],
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10),
    }


def clock_steps() -> list[tuple[float, float]]:
    """A list that both trainers fill: wall and processor time at the first step and each end."""
    import transformers

    ends: list[tuple[float, float]] = []

    class Clock(transformers.TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            if not ends:
                ends.append((time.perf_counter(), time.process_time()))

        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append((time.perf_counter(), time.process_time()))

    transformers.trainer.DEFAULT_CALLBACKS.append(Clock)
    return ends


def texts_of(pairs: Any, plan: Any, t: int) -> Texts:
    """The queries and passages of batch t."""
    batch = plan[t]
    return (
        pairs.texts(batch.ids, batch.query_languages, "query"),
        pairs.texts(batch.ids, batch.passage_languages, "passage"),
    )


def count_work(folder: str, pairs: Any, plan: Any, steps: int) -> list[tuple[int, float]]:
    """The tokens of each batch without padding, and the operations of its step."""
    from transformers import AutoConfig, AutoTokenizer

    config = AutoConfig.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    width, inner, layers = (
        config.hidden_size,
        config.intermediate_size,
        config.num_hidden_layers,
    )
    found = []
    for t in range(steps):
        queries, passages = texts_of(pairs, plan, t)
        texts = [f"query: {text}" for text in queries] + [f"passage: {text}" for text in passages]
        lengths = [
            len(ids) for ids in tokenizer(texts, truncation=True, max_length=LENGTH).input_ids
        ]
        matrices = 2 * sum(lengths) * (4 * width**2 + 2 * width * inner)
        attention = 4 * width * sum(n**2 for n in lengths)
        found.append((sum(lengths), 3.0 * layers * (matrices + attention)))
    return found


def train_ours(
    asked: argparse.Namespace, pairs: Any, languages: list[str], output: Path
) -> list[float]:
    """Our training; returns the losses."""
    import pandas as pd

    import hbtlib as hbt

    hbt.train(
        pairs,
        asked.folder,  # read from there, as the peer's is: an Encoder would be held besides
        output=output,
        strategy="x-x",
        languages=languages,
        batch_size=asked.batch,
        steps=asked.steps + 1,
        learning_rate=1e-5,
        warmup=0.0,
        log_every=1,
        evaluate_every=asked.steps + 1,
        precision=asked.side.split()[1],
        arguments={"lr_scheduler_type": SCHEDULE},
    )
    losses: list[float] = pd.read_parquet(output / "training_log.parquet")["loss"].tolist()
    return losses


def train_peer(asked: argparse.Namespace, pairs: Any, plan: Any, scratch: str) -> list[float]:
    """The peer's training on the same batches in the same order; returns the losses."""
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.sentence_transformer import losses
    from torch.utils.data import BatchSampler, SequentialSampler

    def in_order(dataset: Any, batch_size: int, drop_last: bool, **_: Any) -> Any:
        return BatchSampler(SequentialSampler(dataset), batch_size, drop_last)

    model = SentenceTransformer(asked.folder, device="cpu")
    model.max_seq_length = LENGTH
    texts = [texts_of(pairs, plan, t) for t in range(asked.steps + 1)]
    arguments = SentenceTransformerTrainingArguments(
        output_dir=scratch,
        max_steps=asked.steps + 1,
        per_device_train_batch_size=asked.batch,
        learning_rate=1e-5,
        weight_decay=1e-2,
        report_to="none",
        disable_tqdm=True,
        save_strategy="no",
        batch_sampler=in_order,
        prompts={"anchor": "query: ", "positive": "passage: "},
        use_cpu=True,
        bf16=asked.side.endswith("bf16"),
        lr_scheduler_type=SCHEDULE,
        logging_steps=1,
    )
    columns = {
        "anchor": [query for queries, _ in texts for query in queries],
        "positive": [passage for _, passages in texts for passage in passages],
    }
    trainer = SentenceTransformerTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_dict(columns),
        loss=losses.MultipleNegativesRankingLoss(model),
    )
    trainer.train()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def run_rounds(asked: argparse.Namespace, folder: str) -> dict[str, list[dict[str, Any]]]:
    """Runs each side in a process of its own, in turn; returns what the runs of each side found."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in asked.sides}
    given = ["--shape", asked.shape, "--batch", str(asked.batch), "--steps", str(asked.steps)]
    for turn in range(asked.rounds):
        for name in asked.sides:
            done = subprocess.run(
                [sys.executable, __file__, *given, "--folder", folder, "--side", name],
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
    """One row a side; the factors are those of the peer in the same precision."""
    import pandas as pd

    rows = []
    for name, runs in found.items():
        wall = pd.Series([s for run in runs for s in run["wall"]]).median()
        processor = pd.Series([s for run in runs for s in run["processor"]]).median()
        rows.append(
            {
                "shape": asked.shape,
                "side": name,
                "batch": asked.batch,
                "tokens": round(runs[0]["tokens"]),
                "seconds a step": round(wall, 2),
                "processor seconds a step": round(processor, 2),
                "GFLOP/s of the processor": round(runs[0]["operations"] / processor / 1e9),
                "peak MB": max(run["peak_mb"] for run in runs),
                "first loss": round(runs[0]["first_loss"], 4),
            }
        )
    table = pd.DataFrame(rows).set_index("side")
    for name in table.index:
        peer = table.loc[f"sentence-transformers {name.split()[1]}"]
        ratio = peer["processor seconds a step"] / table.loc[name, "processor seconds a step"]
        table.loc[name, "times as fast"] = round(ratio, 2)
        table.loc[name, "share of the memory"] = round(
            table.loc[name, "peak MB"] / peer["peak MB"], 2
        )
    return table.reset_index()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=("me5-small", "xlm-r-base"), default="me5-small")
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.side:
        print("RESULT", json.dumps(side(asked)), flush=True)
        return
    import pandas as pd

    with tempfile.TemporaryDirectory() as scratch:
        table = table_of(asked, run_rounds(asked, folder_of(asked.shape, Path(scratch) / "e")))
    print(table.to_string(index=False))
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        before = [pd.read_csv(asked.out)] if asked.out.exists() else []
        pd.concat([*before, table]).to_csv(asked.out, index=False)


if __name__ == "__main__":
    main()
