"""A head that predicts masked words, put onto an encoder's transformer for pre-training."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from transformers import PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING

from hbtlib.encoders.encoder import Encoder

_INSTEAD = "pre-train an encoder such as xlm-roberta-base, bert or small"


def with_language_head(encoder: Encoder) -> PreTrainedModel:
    """Puts the head of transformers' masked language model onto an encoder's own transformer.

    The head's weights are new (seed torch before); its last layer is the table of the encoder's
    token embeddings. What is trained is the encoder's transformer itself.

    Args:
        encoder: the encoder.

    Returns:
        transformers' model for masked language modelling, whose body is `encoder.model`.

    Raises:
        ValueError: if transformers has no such head for this kind of transformer, the head cannot
            share the token embeddings, or the tokenizer has no mask.
    """
    if encoder.tokenizer.mask_token is None:
        raise ValueError(
            f"the encoder's tokenizer has no mask token, which a masked word needs: {_INSTEAD}"
        )
    config = copy.deepcopy(encoder.model.config)
    kind = type(config)
    if kind not in MODEL_FOR_MASKED_LM_MAPPING or getattr(config, "is_encoder_decoder", False):
        raise ValueError(
            f"transformers has no head for masked words on a {type(encoder.model).__name__} (model "
            f"type {config.model_type!r}): {_INSTEAD}"
        )
    config.tie_word_embeddings = True
    dtype = encoder.model.dtype
    model: PreTrainedModel = MODEL_FOR_MASKED_LM_MAPPING[kind](config)
    body = model.base_model_prefix
    if type(getattr(model, body, None)) is not type(encoder.model):
        raise ValueError(
            f"the head of {type(model).__name__} does not go onto a {type(encoder.model).__name__}:"
            f" {_INSTEAD}"
        )
    setattr(model, body, encoder.model)
    model.tie_weights()
    _check_tied(model)
    return model.to(device=encoder.device, dtype=dtype)


@contextmanager
def scores_of(model: PreTrainedModel, chosen: torch.Tensor) -> Iterator[None]:
    """While entered, the head's last layer computes the scores of the chosen tokens alone.

    It has a score for each token of the vocabulary, so that it takes most of the time of a small
    encoder, and few tokens of a text are masked.

    Args:
        model: as `with_language_head` returns it.
        chosen: (b, T), which tokens; the model's logits are then (how many, vocabulary).
    """
    last = model.get_output_embeddings()
    hook = last.register_forward_pre_hook(lambda _, states: (states[0][chosen],))
    try:
        yield
    finally:
        hook.remove()


def _check_tied(model: PreTrainedModel) -> None:
    """Checks that the head's last layer is the table of token embeddings."""
    head = model.get_output_embeddings()
    table: torch.Tensor = model.get_input_embeddings().weight
    if head is None or getattr(head, "weight", None) is not table:
        raise ValueError(
            f"the head of {type(model).__name__} cannot share the encoder's token embeddings "
            f"({tuple(table.shape)}): {_INSTEAD}"
        )
