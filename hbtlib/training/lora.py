"""LoRA: low-rank matrices are trained beside the weights and added to them in the end."""

from collections.abc import Mapping
from typing import Any

from hbtlib.encoders.encoder import Encoder


def add_lora(encoder: Encoder, options: Mapping[str, Any]) -> None:
    """Puts low-rank matrices beside the encoder's weights; these matrices alone learn from then on.

    Args:
        encoder: the encoder, whose model is wrapped.
        options: options of `peft.LoraConfig` (r, lora_alpha, target_modules, …).

    Raises:
        ImportError: if peft is not installed.

    Source:
        Hu et al. 2021 (arXiv 2106.09685).
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise ImportError(
            "LoRA comes with a package of its own: pip install 'hbtlib[lora]'"
        ) from None
    encoder.model = get_peft_model(encoder.model, LoraConfig(**options))


def merge_lora(encoder: Encoder) -> None:
    """Adds the matrices to the weights, so that the encoder is a plain one again.

    Args:
        encoder: an encoder that `add_lora` wrapped.
    """
    encoder.model = encoder.model.merge_and_unload()
