"""A short fingerprint of everything in an encoder that makes a vector, beside its settings."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

# Entries of a model's configuration that do not change its vectors.
_WITHOUT_EFFECT = ("transformers_version", "architectures", "dtype", "_name_or_path")


def fingerprint(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    layers: torch.nn.Module,
    weights: Mapping[str, torch.Tensor],
) -> str:
    """Hashes weights, architecture, layers, adapters and tokenizer.

    Args:
        model: the transformer.
        tokenizer: its tokenizer.
        layers: the dense layers after pooling.
        weights: all weights by name, those of model and layers.

    Returns:
        16 hexadecimal digits.
    """
    configuration = {
        name: value for name, value in model.config.to_dict().items() if name not in _WITHOUT_EFFECT
    }
    adapters = repr(getattr(model, "peft_config", None))
    described = [configuration, _describe_tokenizer(tokenizer), repr(layers), adapters]
    digest = hashlib.sha256(json.dumps(described, sort_keys=True, default=str).encode())
    for name, tensor in weights.items():
        digest.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
        digest.update(tensor.detach().cpu().float().numpy().tobytes())
    return digest.hexdigest()[:16]


def _describe_tokenizer(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """All that the tokenizer does, without the padding and truncation it was last asked for."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    described: dict[str, Any] = (
        json.loads(backend.to_str()) if backend else dict(tokenizer.get_vocab())
    )
    described.update(padding=None, truncation=None)
    return described
