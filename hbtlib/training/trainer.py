"""`train`: fine-tunes an encoder on the batches of a plan."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import transformers
from transformers import EarlyStoppingCallback, TrainingArguments

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.files import write_json
from hbtlib.sampling.plan import BatchPlan
from hbtlib.sampling.schedule import Alpha
from hbtlib.sampling.strategies import Strategy
from hbtlib.training.arguments import training_arguments
from hbtlib.training.batch_trainer import Watch, Watched, only_item, run_trainer
from hbtlib.training.batches import PlanBatches
from hbtlib.training.checkpoints import (
    BestCheckpoint,
    last_whole_checkpoint,
    load_objective,
)
from hbtlib.training.contrastive_trainer import ContrastiveTrainer
from hbtlib.training.distillation import first_vectors
from hbtlib.training.log import Progress, training_log
from hbtlib.training.lora import add_lora, merge_lora
from hbtlib.training.objectives import OBJECTIVES, InfoNCE
from hbtlib.training.options import TrainingOptions
from hbtlib.training.output import (
    check_output,
    check_pairs,
    check_start,
    is_finished,
    load_finished,
    save_finished,
)
from hbtlib.training.request import begin_folder, check_request, describe_request
from hbtlib.training.token_rows import put_table_back, train_rows_that_occur

_SHARES = "sources.json"  # what each set of pairs gave to the batches, in the output folder


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
    watch: Watch | None = None,
    watch_every: int | None = None,
    log_every: int = 10,
    precision: str = "fp32",
    chunk_tokens: int | None = None,
    lora: dict[str, Any] | None = None,
    label: str | None = None,
    arguments: dict[str, Any] | None = None,
) -> Encoder:
    """Fine-tunes a copy of an encoder on the batches of a strategy.

    One optimiser step sees one batch of the `BatchPlan`. The optimiser is AdamW, with a learning
    rate that rises over the first `warmup` of the steps and then falls linearly to 0. Called again
    with the same arguments, it resumes from the last whole checkpoint and ends at the same weights;
    called when all is done, it loads the model. Checkpoints and model are verified by their
    checksums before they are used; a damaged checkpoint is named and the one before it is used.

    Started by `torchrun` or `accelerate launch`, each process embeds its share of the batch's
    texts. Losses and gradients are those of one process, and a training may resume from checkpoints
    that another number of processes wrote (the random numbers of dropout are each process's own).

    Args:
        pairs: what is trained on, one set of pairs or several.
        encoder: what the training starts from; an encoder, or what `Encoder.load` takes. It is not
            changed.
        output: folder for the model and the log. Checkpoints, and TensorBoard's `runs`, are in
            `output/checkpoints` until the end.
        strategy: which languages meet in a batch, as in `BatchPlan`.
        alpha: how often a batch is of the strategy's first kind (for hybrid: 0 is x-y alone, 1 is
            x-x-mono alone), or a schedule of it, as in `BatchPlan`.
        mix: whether the kind is drawn for each "batch" or for each "pair", as in `BatchPlan`.
        languages: language codes to train on, as in `BatchPlan`. Default: all.
        sources: how several sets of pairs share the batches, as in `BatchPlan`.
        batch_size: pairs in a batch.
        steps: the number of optimiser steps.
        seed: seed of the batches, of dropout and of new weights, 0 to 2³² − 1.
        learning_rate: the highest learning rate.
        embedding_learning_rate: the highest learning rate of the token embeddings. Default:
            `learning_rate`.
        weight_decay: AdamW's weight decay.
        warmup: the share of the steps in which the learning rate rises, from 0 to below 1.
        temperature: divides the scores in the loss, from 0.001 to 100. Below, rounding decides
            which passage is nearest; above, the loss is the same whatever the vectors are
            (`hbtlib.losses.check_temperature`).
        objective: the name of the loss, one of `hbtlib.objectives.OBJECTIVES`.
        objective_options: options of the objective, as in its `defaults`. Every objective also has
            `distillation`: the weight of `hbtlib.losses.distillation`, which holds the vectors of
            the batch's queries and passages near those of the encoder as it was; 0 by default.
        validation: what the best weights are chosen by. Pairs: the InfoNCE loss on fixed batches of
            them; the weights with the lowest loss are kept. A function of the encoder: the weights
            with the highest value are kept. None: the last weights are kept.
        validation_strategy: the strategy of the validation batches, whatever the training's is.
            (Batches that cross languages would keep the first weights of a training that does not:
            its loss on them only rises.)
        evaluate_every: steps from one validation and checkpoint to the next. Default: a
            twentieth of the steps, rounded down, which is 20 times or some more.
        patience: training stops after so many validations without a better one. Default: never.
        watch: a function of the encoder and of the steps so far that looks at the training, such as
            one that measures every setting. It is called before the first step, then every
            `watch_every` steps and after the last one, in every process. It chooses no weights, and
            the training is the same without it.
        watch_every: steps from one such look to the next. Default: as `evaluate_every`.
        log_every: steps from one row of the log to the next.
        precision: fp32, bf16 or fp16.
        chunk_tokens: gradient caching, for batches that the memory does not hold. The batch is
            embedded in chunks of at most so many tokens (padding included), of which one at a time
            has a graph. The gradients are the same, and a step takes about a third longer. Default:
            no gradient caching.
        lora: options of `peft.LoraConfig` (r, lora_alpha, target_modules, …), to train low-rank
            matrices beside the weights, to which they are added in the end (Hu et al. 2021, arXiv
            2106.09685). Default: all weights learn.
        label: what progress lines begin with. Default: the name of the strategy.
        arguments: more `transformers.TrainingArguments` (report_to, activation_checkpointing,
            torch_compile, …), less those that a parameter of this function decides. With either of
            these two, dropout is torch's own and the same seed drops other entries.

    Returns:
        The trained encoder. `output/model` has it too, and `output/training_log.parquet` has the
        log: step, loss (the mean since the row before), learning_rate, grad_norm, tokens (so far,
        without padding), padding (its share of all tokens embedded since the row before) and
        validation_loss (validation_score, if validation is a function). `output/sources.json` has
        what each set of pairs gave to the batches that were trained on (`BatchPlan.shares`).

    Raises:
        ValueError: for arguments that make no sense or that differ from those the folder was begun
            with (all but `label`, `watch`, `watch_every` and `chunk_tokens`, which do not change
            what is learnt).
        DamagedFile: if the finished model, its log or `training.json` do not hold what was written;
            the message names the file and what to do (a ValueError, too).
        OSError: if the output folder cannot be written or the disk is full, with the path.
        FloatingPointError: if the loss or the score is not finite, with the step and the ids.

    Example:
        A training that resumes if it is interrupted, and keeps the best weights::

            import hbtlib as hbt

            training = hbt.load_pairs("mlqa-pairs")
            held_out = hbt.load_pairs("mlqa-pairs", split="validation")
            encoder = hbt.train(
                training,
                "xlm-roberta-base",
                output="runs/hybrid",
                strategy="hybrid",
                alpha=0.5,
                validation=held_out,
            )
    """
    given = dict(locals())  # the arguments by name; the options have the same names
    options = TrainingOptions(
        **{option.name: given[option.name] for option in fields(TrainingOptions)}
    )
    check_pairs(pairs)
    check_start(encoder)
    return _train(pairs, encoder, check_output(output), options)


def _train(
    pairs: Pairs | Sequence[Pairs],
    start: Encoder | str | Path,
    output: Path,
    options: TrainingOptions,
) -> Encoder:
    """The steps of a training."""
    request = describe_request(pairs, start, options)
    if is_finished(output):
        check_request(output, request)
        return load_finished(output)

    encoder = copy.deepcopy(start) if isinstance(start, Encoder) else Encoder.load(start)
    plan = _make_plan(pairs, options)
    languages = _languages(plan, options)
    transformers.set_seed(options.seed)  # the objective may draw weights of its own, LoRA does
    objective = _make_objective(plan, languages, encoder, options)
    on_cpu = encoder.device.type == "cpu"
    arguments = training_arguments(options, output / "checkpoints", on_cpu=on_cpu)
    objective.prepare(_pairs_of(plan))
    batches = _training_batches(plan, encoder, objective, arguments, options)
    validation_batches = _validation_batches(plan, languages, encoder, arguments, options)
    if options.lora is not None:
        add_lora(encoder, options.lora)

    with arguments.main_process_first(local=False):
        begin_folder(output, request)
        checkpoint = last_whole_checkpoint(output / "checkpoints")
    if checkpoint:
        load_objective(objective, checkpoint)

    train_rows_that_occur(encoder, [batches, validation_batches], arguments, checkpoint)
    trainer = _make_trainer(encoder, objective, batches, validation_batches, arguments, options)
    run_trainer(trainer, checkpoint, options.seed)
    put_table_back(encoder)
    if options.lora is not None:
        merge_lora(encoder)
    if trainer.is_world_process_zero():
        _write_shares(output, plan, trainer.state.global_step)
        best = trainer.state.best_global_step
        card = {**request, "languages": languages, "best_step": best}
        save_finished(output, encoder, training_log(trainer.state.log_history), card)
    trainer.accelerator.wait_for_everyone()
    return encoder.eval()


def _make_plan(pairs: Pairs | Sequence[Pairs], options: TrainingOptions) -> BatchPlan:
    return BatchPlan(
        pairs,
        options.strategy,
        options.alpha,
        options.batch_size,
        options.seed,
        languages=options.languages,
        mix=options.mix,
        sources=options.sources,
        steps=options.steps,
    )


def _pairs_of(plan: BatchPlan) -> list[Pairs]:
    """The pairs that a plan draws from."""
    return [pairs for pairs in plan.pairs if isinstance(pairs, Pairs)]


def _languages(plan: BatchPlan, options: TrainingOptions) -> list[str]:
    """The languages of the training, if none are given all of the pairs'.

    They are not the plan's, because the plan of en-en has English alone.
    """
    if options.languages:
        return list(options.languages)
    return sorted({code for pairs in _pairs_of(plan) for code in pairs.languages})


def _make_objective(
    plan: BatchPlan, languages: list[str], encoder: Encoder, options: TrainingOptions
) -> InfoNCE:
    """Makes the objective, and refuses hard negatives that it has no place for."""
    objective = OBJECTIVES[options.objective](
        options.temperature, languages, encoder.dimension, options.objective_options
    )
    bring_negatives = any(pairs.has_negatives for pairs in _pairs_of(plan))
    if bring_negatives and not objective.hard_negatives:
        raise ValueError(
            "the pairs bring hard negatives, and the objective "
            f"{options.objective!r} has no place for them"
        )
    return objective


def _training_batches(
    plan: BatchPlan,
    encoder: Encoder,
    objective: InfoNCE,
    arguments: TrainingArguments,
    options: TrainingOptions,
) -> PlanBatches:
    rank, processes = arguments.process_index, arguments.world_size
    first = None
    if objective.distillation:
        first = first_vectors(plan, options.steps, encoder, options.precision, rank, processes)
    return PlanBatches(
        plan,
        options.steps,
        encoder,
        objective,
        options.chunk_tokens,
        rank,
        processes,
        first,
    )


def _validation_batches(
    plan: BatchPlan,
    languages: list[str],
    encoder: Encoder,
    arguments: TrainingArguments,
    options: TrainingOptions,
) -> PlanBatches:
    """One epoch of fixed batches, the same for every strategy; none without validation pairs."""
    steps: int | None = 0
    if isinstance(options.validation, Pairs):
        steps = None
        held_out = options.validation
        shared = [code for code in languages if code in held_out.languages]
        if not shared:
            raise ValueError(
                f"the validation pairs {held_out.name!r} are in {' '.join(held_out.languages)}, "
                f"and the training is in {' '.join(languages)}: they need a language in common"
            )
        size = min(options.batch_size, len(held_out))
        plan = BatchPlan(held_out, options.validation_strategy, 0.5, size, 0, languages=shared)
    return PlanBatches(
        plan,
        steps,
        encoder,
        chunk_tokens=options.chunk_tokens,
        rank=arguments.process_index,
        processes=arguments.world_size,
    )


def _make_trainer(
    encoder: Encoder,
    objective: InfoNCE,
    batches: PlanBatches,
    validation_batches: PlanBatches,
    arguments: TrainingArguments,
    options: TrainingOptions,
) -> ContrastiveTrainer:
    trainer = ContrastiveTrainer(
        model=encoder,
        args=arguments,
        train_dataset=batches,
        eval_dataset=validation_batches,
        data_collator=only_item,
        callbacks=[Progress(options.progress_label), BestCheckpoint()],
        objective=objective,
        score=options.validation if callable(options.validation) else None,
        embedding_learning_rate=options.embedding_learning_rate,
        cached=options.chunk_tokens is not None,
    )
    trainer.remove_callback(transformers.PrinterCallback)
    if options.watch is not None:
        every = options.watch_every or options.evaluation_interval
        trainer.add_callback(Watched(options.watch, every, trainer.unwrapped))
    if options.patience is not None:
        trainer.add_callback(EarlyStoppingCallback(early_stopping_patience=options.patience))
    return trainer


def _write_shares(output: Path, plan: BatchPlan, steps: int) -> None:
    """Writes what each source gave to the batches that were trained on, and prints it of several.

    Args:
        output: the output folder.
        plan: the batches.
        steps: how many of them were trained on.
    """
    table = plan.shares(steps)
    write_json(output / _SHARES, {"steps": steps, "sources": table.to_dict("records")})
    if len(table) > 1:
        said = [
            f"{row.source} {row.share:.2%} ({row.passes:.3g} passes)" for row in table.itertuples()
        ]
        print(f"the pairs of {steps:,} batches came from {', '.join(said)}", flush=True)
