"""The contrastive trainer: a transformers.Trainer whose batches are those of a plan."""

import copy
import hashlib
import inspect
import json
import math
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch.utils.data import DataLoader
from transformers import (
    EarlyStoppingCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_utils import get_last_checkpoint

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import PRECISIONS, Encoder
from hbtlib.sampling.plan import Alpha, BatchPlan, Strategy
from hbtlib.training.batches import PlanBatches, gather, tokens_of
from hbtlib.training.objectives import OBJECTIVES, InfoNCE, Inputs

_WHOLE = "whole"  # stands in a checkpoint once all of it is written
_only = itemgetter(0)  # of the items that a DataLoader puts together: each is a whole batch


def train(
    pairs: Pairs | Sequence[Pairs],
    encoder: Encoder | str | Path,
    *,
    output: str | Path,
    strategy: str | Strategy = "hybrid",
    alpha: Alpha = 0.5,
    mix: str = "batch",
    languages: Sequence[str] | None = None,
    sources: str | float | dict[str, float] = "size",
    batch_size: int = 100,
    steps: int = 1000,
    seed: int = 0,
    learning_rate: float = 3e-5,
    embedding_learning_rate: float | None = None,
    weight_decay: float = 1e-2,
    warmup: float = 0.1,
    temperature: float = 0.05,
    objective: str = "info-nce",
    objective_options: dict[str, Any] | None = None,
    validation: Pairs | Callable[[Encoder], float] | None = None,
    validation_strategy: str = "x-x-mono",
    evaluate_every: int | None = None,
    patience: int | None = None,
    log_every: int = 10,
    precision: str = "fp32",
    chunk_tokens: int | None = None,
    lora: dict[str, Any] | None = None,
    label: str | None = None,
    arguments: dict[str, Any] | None = None,
) -> Encoder:
    """Fine-tunes a copy of the encoder on batches of the strategy; returns it, and leaves `output/model` and its log.

    strategy, alpha, mix, languages, sources, batch_size, seed: as in `BatchPlan`. One optimiser step a batch: AdamW with
    `learning_rate` (and another for the token embeddings, if given), rising over the first `warmup` of the steps and falling
    linearly to 0. objective: what its loss is, and its options (`objectives.OBJECTIVES`). precision: fp32, bf16 or fp16.

    validation: pairs, of which the InfoNCE loss on fixed batches, drawn by `validation_strategy` whatever the training's, is
    taken every `evaluate_every` steps (default: 20 times in all), or a function of the encoder. The weights with the lowest
    loss (the highest value) are kept, and training stops after `patience` looks without a better one. (Batches that cross
    languages would keep the first weights of a training that does not: its loss on them only rises.)

    chunk_tokens: gradient caching, for batches that the memory does not hold: the batch is embedded in chunks of at most so
    many tokens (padding included), of which one at a time has a graph; the gradients are the same, a step takes about a
    third longer. lora: options of `peft.LoraConfig` (r, lora_alpha, target_modules, …; Hu et al. 2021, arXiv 2106.09685), to
    train low-rank matrices beside the weights, to which they are added in the end. label: what progress lines begin with.
    arguments: more `transformers.TrainingArguments` (report_to, activation_checkpointing, torch_compile, …). Started by
    `torchrun` or `accelerate launch`, each process embeds its share of the batch's texts; losses and gradients are those of
    one process, and either goes on from the other's checkpoints (dropout's random numbers are each process's own).

    `output/training_log.parquet` has step, loss (the mean since the step before), learning_rate, grad_norm, tokens (so far,
    without padding), padding (its share of all tokens embedded since the step before), validation_loss (of a function
    validation_score). Checkpoints, and TensorBoard's `runs`, stand in `output/checkpoints` until the end. Called again with
    the same arguments it goes on from the last whole one, to the same weights; called when all is done it loads the model.

    Raises ValueError for arguments that make no sense or that differ from those the folder was begun with (all but `label`
    and `chunk_tokens`, which do not change what is learnt), and FloatingPointError with the step, and the ids, when the loss
    or the score is not finite.
    """
    output = Path(output)
    checkpoints, log_file = output / "checkpoints", output / "training_log.parquet"
    asked = _request(locals())
    if (output / "model").exists() and log_file.exists():
        _same_request(output, asked)
        return Encoder.load(output / "model")
    if steps < 1 or not learning_rate > 0 or precision not in PRECISIONS or not 0 <= warmup < 1:
        raise ValueError(
            f"steps is {steps} (1 or more), learning_rate {learning_rate} (above 0), warmup {warmup} (a share "
            f"of the steps, 0 to 1), precision {precision!r} (fp32, bf16 or fp16)"
        )
    if chunk_tokens is not None and chunk_tokens < 1:
        raise ValueError(
            f"chunk_tokens is {chunk_tokens}; it is a number of tokens from 1 up, or None: no gradient caching"
        )
    if lora is not None and embedding_learning_rate is not None:
        raise ValueError(
            "with lora the token embeddings are not trained: leave embedding_learning_rate None"
        )
    if patience is not None and validation is None:
        raise ValueError(
            "patience is given but no validation pairs: early stopping needs their loss"
        )
    encoder = copy.deepcopy(encoder) if isinstance(encoder, Encoder) else Encoder.load(encoder)
    plan = BatchPlan(
        pairs,
        strategy,
        alpha,
        batch_size,
        seed,
        languages=languages,
        mix=mix,
        sources=sources,
        steps=steps,
    )
    transformers.set_seed(seed)  # an objective may have weights of its own, LoRA has
    trained_on = [p for p in plan.pairs if isinstance(p, Pairs)]
    known = list(
        languages or sorted({code for p in trained_on for code in p.languages})
    )  # en-en's plan has English alone
    if objective not in OBJECTIVES:
        raise ValueError(f"no objective {objective!r}; there are {', '.join(OBJECTIVES)}")
    trained = OBJECTIVES[objective](temperature, known, encoder.dimension, objective_options)
    if not trained.hard_negatives and any(
        c.startswith("negatives_") for p in trained_on for c in p.dataset.column_names
    ):
        raise ValueError(
            f"the pairs bring hard negatives, and the objective {objective!r} has no place for them"
        )
    every = min(evaluate_every or max(steps // 20, 1), steps)
    on_cpu = encoder.device.type == "cpu"
    options: dict[str, Any] = {
        "output_dir": str(checkpoints),
        "max_steps": steps,
        "seed": seed,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "warmup_steps": int(warmup * steps),
        "logging_steps": min(log_every, every),
        "save_strategy": "steps",
        "save_steps": every,
        "save_total_limit": 2,
        "report_to": "none",
        "disable_tqdm": True,
        "per_device_train_batch_size": 1,
        "per_device_eval_batch_size": 1,
        "remove_unused_columns": False,
        "bf16": precision == "bf16",
        "fp16": precision == "fp16",
        "use_cpu": on_cpu,
        "logging_nan_inf_filter": False,
        "dataloader_pin_memory": not on_cpu,
        "ddp_broadcast_buffers": False,
        "restore_callback_states_from_checkpoint": True,
    }
    if validation is not None:
        options |= {
            "eval_strategy": "steps",
            "eval_steps": every,
            "load_best_model_at_end": True,
            "metric_for_best_model": "eval_score" if callable(validation) else "eval_loss",
            "greater_is_better": callable(validation),
        }
    settings = TrainingArguments(
        **{**options, **(arguments or {})}
    )  # from here on the processes know of each other
    if settings.gradient_accumulation_steps != 1:
        raise ValueError(
            f"gradient_accumulation_steps is {settings.gradient_accumulation_steps}, but a step sees one "
            "batch: for a batch that the memory does not hold, give chunk_tokens"
        )
    settings._n_gpu = min(
        settings.n_gpu, 1
    )  # one GPU a process: DataParallel would split the chunks
    trained.prepare(trained_on)
    batches = partial(
        PlanBatches,
        encoder=encoder,
        chunk_tokens=chunk_tokens,
        rank=settings.process_index,
        processes=settings.world_size,
    )
    checked = batches(plan, 0)
    if isinstance(validation, Pairs):
        shared, size = (
            [c for c in known if c in validation.languages],
            min(batch_size, len(validation)),
        )
        checked = batches(
            BatchPlan(validation, validation_strategy, 0.5, size, 0, languages=shared), None
        )
    if lora is not None:
        try:
            from peft import LoraConfig, get_peft_model
        except ImportError:
            raise ImportError(
                "LoRA comes with a package of its own: pip install 'hbtlib[lora]'"
            ) from None
        encoder.model = get_peft_model(encoder.model, LoraConfig(**lora))
    with settings.main_process_first(local=False):
        output.mkdir(parents=True, exist_ok=True)
        _same_request(output, asked, begin=True)
        checkpoint = last_whole_checkpoint(checkpoints)
    if checkpoint:
        trained.load_state_dict(load_file(Path(checkpoint) / "objective.safetensors"))
    trainer = ContrastiveTrainer(
        model=encoder,
        args=settings,
        train_dataset=batches(plan, steps, objective=trained),
        eval_dataset=checked,
        data_collator=_only,
        callbacks=[_Progress(label or (strategy if isinstance(strategy, str) else "training"))],
        objective=trained,
        score=validation if callable(validation) else None,
        cached=chunk_tokens is not None,
        embedding_learning_rate=embedding_learning_rate,
    )
    trainer.remove_callback(transformers.PrinterCallback)
    if patience is not None:
        trainer.add_callback(EarlyStoppingCallback(early_stopping_patience=patience))
    if settings.process_index:
        transformers.set_seed(
            seed + settings.process_index
        )  # or dropout would fall alike on every share
    trainer.train(resume_from_checkpoint=checkpoint)
    trainer.accelerator.wait_for_everyone()  # the best weights are read from the checkpoints
    trainer.accelerator.unwrap_model(
        trainer.model, keep_fp32_wrapper=False
    )  # or it would stay in bf16 or fp16
    if lora is not None:
        encoder.model = encoder.model.merge_and_unload()
    if trainer.is_world_process_zero():
        training_log(trainer.state.log_history).to_parquet(log_file)
        encoder.save(
            output / "model.part",
            {**asked, "languages": known, "best_step": trainer.state.best_global_step},
        )
        (output / "model.part").rename(output / "model")
        if (checkpoints / "runs").exists():  # what TensorBoard reads
            (checkpoints / "runs").rename(output / "runs")
        shutil.rmtree(checkpoints, ignore_errors=True)
    trainer.accelerator.wait_for_everyone()
    return encoder.eval()


class ContrastiveTrainer(transformers.Trainer):
    """transformers.Trainer on a plan's batches; its checkpoints say when they are whole. score: of the encoder, to validate
    by, in place of InfoNCE's loss. cached: one chunk of the batch at a time has a graph (see `Encoder.forward`).
    """

    def __init__(
        self,
        *args: Any,
        objective: InfoNCE,
        score: Callable[[Encoder], float] | None,
        embedding_learning_rate: float | None,
        cached: bool,
        **kwargs: Any,
    ) -> None:
        self.objective, self.score, self.cached = objective, score, cached
        self.embedding_learning_rate = embedding_learning_rate
        self._embedded = torch.zeros(
            2, dtype=torch.int64
        )  # since the last log: tokens, and with padding
        super().__init__(*args, **kwargs)
        self.objective.to(self.args.device)
        self.validated = InfoNCE(objective.temperature, [], 0)

    def get_train_dataloader(self) -> DataLoader:
        """Batch t of the plan at step t, in every process."""
        return DataLoader(
            self.train_dataset,
            batch_size=1,
            shuffle=False,
            collate_fn=_only,
            num_workers=self.args.dataloader_num_workers,
        )

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader:
        """The validation plan's first epoch."""
        return DataLoader(self.eval_dataset, batch_size=1, shuffle=False, collate_fn=_only)

    def training_step(
        self, model: torch.nn.Module, inputs: Inputs, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """The gradients of one batch, and its loss."""
        masks = [
            chunk["attention_mask"]
            for tokens in tokens_of(inputs).values()
            for chunk in tokens["chunks"]
        ]
        self._embedded += torch.tensor(
            [sum(int(mask.sum()) for mask in masks), sum(mask.numel() for mask in masks)]
        )
        self.objective.zero_grad()  # transformers does it for the model alone
        return super().training_step(model, inputs, num_items_in_batch)

    def compute_loss(
        self, model: torch.nn.Module, inputs: Inputs, *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        """The objective's loss of one batch, in validation InfoNCE's: of this process's vectors, and those of the others."""
        own = {
            role: model(tokens, cached=self.cached) for role, tokens in tokens_of(inputs).items()
        }
        vectors = {role: gather(mine, inputs["counts"][role]) for role, mine in own.items()}
        progress = self.state.global_step / max(self.state.max_steps, 1)
        loss = (self.objective if self.model.training else self.validated)(
            vectors, inputs, progress
        )
        if self.model.training and not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss.item()} at step {self.state.global_step}, with the ids "
                f"{inputs['ids'][:10].tolist()}…: try a lower learning rate, a longer warm-up, a higher temperature, "
                "or precision='fp32'; the last whole checkpoint is kept"
            )
        return loss

    def prediction_step(
        self, model: torch.nn.Module, inputs: Inputs, *args: Any, **kwargs: Any
    ) -> Any:
        """The loss of a validation batch, and nothing else."""
        with torch.no_grad():
            return self.compute_loss(model, self._prepare_inputs(inputs)).detach(), None, None

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """The validation loss, or the encoder's score."""
        if self.score is None:
            return super().evaluate(*args, **kwargs)
        found = {"eval_score": float(self.score(self.accelerator.unwrap_model(self.model).eval()))}
        if not math.isfinite(found["eval_score"]):
            raise FloatingPointError(
                f"the score is {found['eval_score']} at step {self.state.global_step}: no number"
            )
        self.log(found)
        self.control: TrainerControl = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, found
        )
        return found

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """AdamW; token embeddings with a rate of their own if one is given, the objective's weights with its own."""
        optimizer = super().create_optimizer(model)
        if own := list(self.objective.parameters()):
            optimizer.add_param_group(
                {"params": own, "lr": self.objective.options["learning_rate"]}
            )
        if self.embedding_learning_rate is not None:
            words = self.accelerator.unwrap_model(self.model).model.get_input_embeddings().weight
            group = next(g for g in optimizer.param_groups if any(p is words for p in g["params"]))
            group["params"] = [p for p in group["params"] if p is not words]
            optimizer.add_param_group(
                {**group, "params": [words], "lr": self.embedding_learning_rate}
            )
        return optimizer

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Adds the tokens read so far, and the share of padding."""
        if "loss" in logs:
            real, embedded = self.accelerator.reduce(
                self._embedded.to(self.args.device), "sum"
            ).tolist()
            before = max(
                (int(entry.get("tokens", 0)) for entry in self.state.log_history), default=0
            )
            logs |= {"tokens": before + real, "padding": 1 - real / max(embedded, 1)}
            self._embedded.zero_()
        super().log(logs, *args, **kwargs)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()  # each process writes its random state
        if self.args.should_save:
            folder = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
            save_file(self.objective.state_dict(), folder / "objective.safetensors")
            (folder / _WHOLE).touch()


class _Progress(TrainerCallback):
    """A line of progress every twentieth of the training; and a log at each checkpoint, so that resuming loses none."""

    def __init__(self, label: str) -> None:
        self.label = label

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        control.should_log |= (
            state.global_step % args.save_steps == 0 or state.global_step == state.max_steps
        )

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        due = state.global_step % max(state.max_steps // 20, args.logging_steps) == 0
        if state.is_world_process_zero and logs and "loss" in logs and due:
            print(
                f"{self.label}: step {state.global_step} of {state.max_steps}, loss {logs['loss']:.3f}",
                flush=True,
            )


def last_whole_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that was written to the end; what was not is removed."""
    for checkpoint in folder.glob("checkpoint-*"):
        if not (checkpoint / _WHOLE).exists():
            shutil.rmtree(checkpoint)
    return get_last_checkpoint(str(folder)) if folder.exists() else None


def training_log(history: Sequence[dict[str, float]]) -> pd.DataFrame:
    """transformers' log history as a table: one row a step logged."""
    names = {"eval_loss": "validation_loss", "eval_score": "validation_score"}
    table = pd.DataFrame(history).rename(columns=names).groupby("step").first()
    validated = "validation_score" if "validation_score" in table else "validation_loss"
    columns = ["loss", "learning_rate", "grad_norm", "tokens", "padding", validated]
    return table.reindex(columns=columns).dropna(how="all").reset_index()


def _request(given: dict[str, Any]) -> dict[str, Any]:
    """What was asked of `train`, as JSON: a folder belongs to one request."""

    def said(value: Any) -> Any:
        if isinstance(value, Pairs):  # by its columns and a hundred ids of it
            rows = value.dataset[np.linspace(0, len(value) - 1, min(100, len(value))).astype(int)]
            return f"{value.name}, {len(value)} ids, {hashlib.sha256(str(sorted(rows.items())).encode()).hexdigest()[:8]}"
        if isinstance(value, Encoder):
            return f"{value.settings} {value.fingerprint()}"
        if isinstance(value, set | frozenset):
            return sorted(value)
        return getattr(getattr(value, "func", value), "__qualname__", type(value).__qualname__)

    names = [
        n
        for n in inspect.signature(train).parameters
        if n not in ("output", "label", "chunk_tokens")
    ]
    request: dict[str, Any] = json.loads(
        json.dumps({name: given[name] for name in names}, default=said)
    )
    return request


def _same_request(output: Path, request: dict[str, Any], begin: bool = False) -> None:
    file = output / "training.json"
    if file.exists():
        before = json.loads(file.read_text(encoding="utf-8"))
        if changed := [k for k in request if before.get(k) != request[k]]:
            raise ValueError(
                f"{output} was begun with {changed[0]} = {before.get(changed[0])!r}, now it is "
                f"{request[changed[0]]!r}: give another output folder, or remove this one"
            )
    elif begin:
        file.write_text(json.dumps(request, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
