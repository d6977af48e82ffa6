"""LoRA through peft: small matrices beside the encoder's own are trained, and added to them in the end."""

from __future__ import annotations

from typing import Any

from hbtlib.encoder import Encoder


def add_lora(encoder: Encoder, options: dict[str, Any]) -> None:
    """Freezes the encoder's weights and puts trainable low-rank ones beside them, in place.

    options: those of `peft.LoraConfig` (r, lora_alpha, target_modules, …). Source: Hu et al. 2021, arXiv 2106.09685.
    Raises ImportError, with what to install, where peft is not.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise ImportError("LoRA comes with a package that hbtlib does not install: pip install peft") from None
    encoder.model = get_peft_model(encoder.model, LoraConfig(**options))


def merge_lora(encoder: Encoder) -> None:
    """Adds what was learnt to the encoder's own weights, so that it is saved and loaded like any other."""
    encoder.model = encoder.model.merge_and_unload()
