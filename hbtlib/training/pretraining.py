"""`pretrain`: trains an encoder to predict masked words, of texts or of translations."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from hbtlib.checks import check_choice, check_flag, check_integer, check_number
from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.sampling.plan import BatchPlan
from hbtlib.training.arguments import training_arguments
from hbtlib.training.batch_trainer import BatchTrainer, Watch, Watched, only_item, run_trainer
from hbtlib.training.checkpoints import last_whole_checkpoint
from hbtlib.training.language_head import scores_of, with_language_head
from hbtlib.training.log import Progress, training_log
from hbtlib.training.masked_texts import (
    MASKED_LM,
    NOT_MASKED,
    TRANSLATION_LM,
    MaskedTexts,
    translations,
)
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

PRETRAININGS = (MASKED_LM, TRANSLATION_LM)
"""What an encoder can be pre-trained by."""

_ASKED = (
    "pairs",
    "encoder",
    "languages",
    "sources",
    "batch_size",
    "steps",
    "seed",
    "learning_rate",
    "embedding_learning_rate",
    "weight_decay",
    "warmup",
    "evaluate_every",
    "log_every",
    "precision",
    "arguments",
)
"""What of a training's request is one of a pre-training, too."""


@dataclass(frozen=True)
class _Masking:
    """What is masked: as `pretrain` has it."""

    objective: str
    masked: float
    whole_words: bool


def pretrain(
    pairs: Pairs | Sequence[Pairs],
    encoder: Encoder | str | Path,
    *,
    output: str | Path,
    objective: str = MASKED_LM,
    masked: float = 0.15,
    whole_words: bool = False,
    languages: Sequence[str] | None = None,
    sources: str | float | dict[str, float] = "size",
    batch_size: int = 100,
    steps: int = 1000,
    seed: int = 0,
    learning_rate: float = 1e-4,
    embedding_learning_rate: float | None = None,
    weight_decay: float = 1e-2,
    warmup: float = 0.1,
    checkpoint_every: int | None = None,
    watch: Watch | None = None,
    watch_every: int | None = None,
    log_every: int = 10,
    precision: str = "fp32",
    label: str | None = None,
    arguments: dict[str, Any] | None = None,
) -> Encoder:
    """Pre-trains a copy of an encoder by masked words, before `hbt.train` fine-tunes it.

    It is transformers' `DataCollatorForLanguageModeling` and `Trainer` on the batches of a
    `BatchPlan`. `masked-lm` (Devlin et al. 2019, arXiv 1810.04805) reads the queries and passages
    that batches of the strategy x-x would have, each as a text of its own. `translation-lm` (TLM;
    Conneau and Lample 2019, arXiv 1901.07291) reads two translations of a query or of a passage
    after each other, words masked in both, so that one helps to predict the other; positions begin
    again with the second, if the model takes positions. A batch of `batch_size` pairs has twice as
    many texts either way. Prompts are not read. The head that predicts is new, shares the token
    embeddings, and is thrown away.

    Like `hbt.train` it is a function of its arguments, resumes from the last whole checkpoint where
    it was interrupted, and loads the model where all is done. The last weights are kept.

    Args:
        pairs: what is read, one set of pairs or several.
        encoder: what the training starts from; an encoder, or what `Encoder.load` takes. It is not
            changed.
        output: folder for the model and the log.
        objective: `masked-lm` or `translation-lm`.
        masked: the share of the tokens that are to be predicted, above 0 and below 1. Of these 80 %
            are replaced by the mask, 10 % by another token.
        whole_words: whether words are masked as a whole; then all are replaced by the mask. It
            needs a fast tokenizer.
        languages: language codes to read. Default: all.
        sources: how several sets of pairs share the batches, as in `BatchPlan`.
        batch_size: pairs in a batch.
        steps: the number of optimiser steps.
        seed: seed of the batches, the masks, dropout and the head's weights, 0 to 2³² − 1.
        learning_rate: the highest learning rate.
        embedding_learning_rate: the highest learning rate of the token embeddings. Default:
            `learning_rate`.
        weight_decay: AdamW's weight decay.
        warmup: the share of the steps in which the learning rate rises, from 0 to below 1.
        checkpoint_every: steps from one checkpoint to the next. Default: a twentieth of the
            steps, rounded down, which is 20 checkpoints or some more.
        watch: as in `hbt.train`.
        watch_every: as in `hbt.train`.
        log_every: steps from one row of the log to the next.
        precision: fp32, bf16 or fp16.
        label: what progress lines begin with. Default: the objective.
        arguments: more `transformers.TrainingArguments`, as in `hbt.train`.

    Returns:
        The encoder. `output/model` has it too, and `output/training_log.parquet` has the log: step,
        loss (cross-entropy of the masked tokens), learning_rate, grad_norm, tokens (so far, without
        padding) and padding.

    Raises:
        ValueError: for arguments that make no sense or that differ from those the folder was begun
            with; for an encoder that no head for masked words goes onto; for pairs without
            translations, where they are asked for.
        DamagedFile: if the finished model or its log do not hold what was written (a ValueError).
        OSError: if the output folder cannot be written or the disk is full, with the path.
        FloatingPointError: if the loss is not finite, with the step.

    Example:
        Translations first, then batches in one language::

            import hbtlib as hbt

            pairs = hbt.load_pairs("xnli")
            first = hbt.pretrain(
                pairs, "xlm-roberta-base", output="runs/tlm", objective="translation-lm"
            )
            encoder = hbt.train(pairs, first, output="runs/tlm-x-x", strategy="x-x-mono")
    """
    masking = _checked_masking(objective, masked, whole_words)
    if checkpoint_every is not None:
        checkpoint_every = check_integer("checkpoint_every", checkpoint_every, minimum=1)
    options = TrainingOptions(
        strategy="x-x" if objective == MASKED_LM else "x-y",
        languages=languages,
        sources=sources,
        batch_size=batch_size,
        steps=steps,
        seed=seed,
        learning_rate=learning_rate,
        embedding_learning_rate=embedding_learning_rate,
        weight_decay=weight_decay,
        warmup=warmup,
        evaluate_every=checkpoint_every,
        watch=watch,
        watch_every=watch_every,
        log_every=log_every,
        precision=precision,
        label=objective if label is None else label,
        arguments=arguments,
    )
    check_pairs(pairs)
    check_start(encoder)
    return _pretrain(pairs, encoder, check_output(output), options, masking)


def _checked_masking(objective: object, masked: object, whole_words: object) -> _Masking:
    """Checks what is masked."""
    return _Masking(
        check_choice("objective", objective, PRETRAININGS),
        check_number("masked", masked, above=0, below=1),
        check_flag("whole_words", whole_words),
    )


def _pretrain(
    pairs: Pairs | Sequence[Pairs],
    start: Encoder | str | Path,
    output: Path,
    options: TrainingOptions,
    masking: _Masking,
) -> Encoder:
    """The steps of a pre-training."""
    described = describe_request(pairs, start, options)
    request = {name: described[name] for name in _ASKED} | {"pretraining": vars(masking)}
    request["checkpoint_every"] = request.pop("evaluate_every")  # as it is called here
    if is_finished(output):
        check_request(output, request)
        return load_finished(output)

    encoder = copy.deepcopy(start) if isinstance(start, Encoder) else Encoder.load(start)
    _check_tokenizer(encoder, masking)
    plan = _make_plan(pairs, options, masking)
    transformers.set_seed(options.seed)  # the head's weights are drawn
    model = with_language_head(encoder)
    on_cpu = encoder.device.type == "cpu"
    arguments = training_arguments(options, output / "checkpoints", on_cpu=on_cpu)
    batches = MaskedTexts(
        plan,
        options.steps,
        encoder,
        model,
        **vars(masking),
        rank=arguments.process_index,
        processes=arguments.world_size,
    )
    with arguments.main_process_first(local=False):
        begin_folder(output, request)
        checkpoint = last_whole_checkpoint(output / "checkpoints")
    trainer = _make_trainer(model, encoder, batches, arguments, options)
    run_trainer(trainer, checkpoint, options.seed)
    if trainer.is_world_process_zero():
        card = {**request, "languages": list(plan.languages)}
        save_finished(output, encoder, training_log(trainer.state.log_history), card)
    trainer.accelerator.wait_for_everyone()
    return encoder.eval()


def _check_tokenizer(encoder: Encoder, masking: _Masking) -> None:
    """Refuses a slow tokenizer where words, or the two texts, must be told apart."""
    needs = masking.whole_words or masking.objective == TRANSLATION_LM
    if needs and not encoder.tokenizer.is_fast:
        what = "whole_words" if masking.whole_words else TRANSLATION_LM
        raise ValueError(
            f"{what} needs a fast tokenizer, and the encoder's "
            f"{type(encoder.tokenizer).__name__} is none: choose masked-lm without whole_words"
        )


def _make_plan(
    pairs: Pairs | Sequence[Pairs], options: TrainingOptions, masking: _Masking
) -> BatchPlan:
    """The batches: texts of one language each, or two translations of a text."""
    several = [pairs] if isinstance(pairs, Pairs) else list(pairs)
    if masking.objective == TRANSLATION_LM:
        several = [translations(each) for each in several]
    return BatchPlan(
        several,
        options.strategy,
        batch_size=options.batch_size,
        seed=options.seed,
        languages=options.languages,
        sources=options.sources,
        steps=options.steps,
    )


class MaskedWordsTrainer(BatchTrainer):
    """A `transformers.Trainer` of a masked language model on `MaskedTexts`."""

    def training_step(
        self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Computes the gradients of one batch; returns its loss."""
        self.count_tokens(inputs["attention_mask"])
        return super().training_step(model, inputs, num_items_in_batch)

    def compute_loss(
        self, model: torch.nn.Module, inputs: dict[str, Any], *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        """Computes the mean cross-entropy of the masked tokens, of all processes.

        Raises:
            FloatingPointError: if it is not finite.
        """
        tokens = {key: inputs[key] for key in inputs if key not in ("labels", "masked")}
        labels = inputs["labels"]
        is_masked = labels != NOT_MASKED  # (b, T)
        with scores_of(self.unwrapped(), is_masked):
            logits = model(**tokens).logits.float()  # (masked tokens, vocabulary)
        total = torch.nn.functional.cross_entropy(logits, labels[is_masked], reduction="sum")
        # Gradients are averaged over the processes, so each takes its part that many times.
        loss = total * self.args.world_size / inputs["masked"]
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss.item()} at step {self.state.global_step}: try a lower learning "
                "rate, a longer warm-up, or precision='fp32'; the last whole checkpoint is kept"
            )
        return loss


def _make_trainer(
    model: torch.nn.Module,
    encoder: Encoder,
    batches: MaskedTexts,
    arguments: transformers.TrainingArguments,
    options: TrainingOptions,
) -> MaskedWordsTrainer:
    trainer = MaskedWordsTrainer(
        model=model,
        args=arguments,
        train_dataset=batches,
        data_collator=only_item,
        callbacks=[Progress(options.progress_label)],
        embedding_learning_rate=options.embedding_learning_rate,
    )
    trainer.remove_callback(transformers.PrinterCallback)
    if options.watch is not None:
        every = options.watch_every or options.evaluation_interval
        trainer.add_callback(Watched(options.watch, every, lambda: encoder))
    return trainer
