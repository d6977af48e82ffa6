"""LoRA: low-rank matrices are trained beside the weights and added to them in the end."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hbtlib.checks import check_integer, check_number, check_options
from hbtlib.encoders.encoder import Encoder


def add_lora(encoder: Encoder, options: Mapping[str, Any]) -> None:
    """Puts low-rank matrices beside the encoder's weights; these matrices alone learn from then on.

    Args:
        encoder: the encoder, whose model is wrapped.
        options: options of `peft.LoraConfig` (r, lora_alpha, target_modules, …).

    Raises:
        ImportError: if peft is not installed.
        ValueError: if peft has no such option, or refuses its value.

    Source:
        Hu et al. 2021 (arXiv 2106.09685).
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise ImportError(
            "LoRA comes with a package of its own: pip install 'hbtlib[lora]'"
        ) from None
    known = [option.name for option in fields(LoraConfig) if option.init]
    given = check_options("lora", options, known)
    for name in {"r"} & given.keys():
        check_integer(f"lora's {name}", given[name], minimum=1)
    for name in {"lora_alpha", "lora_dropout"} & given.keys():
        check_number(f"lora's {name}", given[name], minimum=0)
    try:
        encoder.model = get_peft_model(encoder.model, LoraConfig(**given))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(f"peft refuses lora {dict(options)}: {reason}") from None


def merge_lora(encoder: Encoder) -> None:
    """Adds the matrices to the weights, so that the encoder is a plain one again.

    Args:
        encoder: an encoder that `add_lora` wrapped.
    """
    encoder.model = encoder.model.merge_and_unload()
