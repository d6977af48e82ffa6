"""What it would take to train large encoders: counted on the meta device, nothing is downloaded.

Every number of parameters is counted on the model that transformers makes of the configuration,
without memory for its weights. Memory and time are then arithmetic, whose assumptions are the
constants below:

- A weight that is trained takes 16 bytes: itself, its gradient and AdamW's two moments in 32 bits
  (Rajbhandari et al. 2020, section 3.1, with the 16-bit copies made as they are needed). A frozen
  one takes 2 bytes.
- What a layer keeps of a token for the gradients is Korthikanti et al. 2022 (arXiv 2205.05198,
  section 4.1) without the attention scores, which fused attention does not keep: 18 times the width
  and 4 times the inner width of the feed-forward network, 8 times where it is gated, in bytes. With
  gradient checkpointing it is 2 bytes a number of the layer's input, and one layer whole.
- Gradient caching bounds how many tokens are in memory at a time.
- With FSDP weights, gradients and moments are divided among the GPUs, and two layers are gathered
  in 16 bits.
- A token costs 2 operations a weight forward and 4 backward, 2 of these where weights are frozen,
  and 2 more where the forward pass is repeated (Kaplan et al. 2020, section 2.1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd

from hbtlib.checks import check_choice

TRAINED_BYTES, FROZEN_BYTES = 16, 2
GPU_BYTES = 80e9
USABLE = 0.9
"""The share of a GPU's memory that is planned with; the rest is CUDA's and fragments."""

CHUNK_TOKENS = 16_384
"""Tokens in memory at a time: what an encoder takes by default on a GPU."""

STEPS, BATCH, PAIR_TOKENS = 10_000, 256, 160
"""The training that hours are given for: the study `scaling-full`; a query has some 32 tokens and a
passage 128."""

RATE = 125e12
"""Operations a second of one GPU: 40 % of the 312 · 10¹² that an A100 has in bfloat16."""

RANK = 16
"""LoRA's rank; its matrices stand beside every linear layer."""


@dataclass(frozen=True)
class Configuration:
    """A model's public configuration, as far as it decides the shape of the weights.

    Attributes:
        model_type: what transformers calls the architecture.
        values: the entries of its config.json.
        source: where the entries were read.
    """

    model_type: str
    values: dict[str, int]
    source: str


def _xlm_r(width: int, layers: int, heads: int, vocabulary: int) -> dict[str, int]:
    """XLM-R's shape; its inner width is always four times its width."""
    return {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": 4 * width,
        "vocab_size": vocabulary,
        "max_position_embeddings": 514,
        "type_vocab_size": 1,
    }


def _decoder(
    width: int, layers: int, heads: int, groups: int, inner: int, vocabulary: int
) -> dict[str, int]:
    """A decoder's shape: `groups` heads of keys and values."""
    return {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": groups,
        "intermediate_size": inner,
        "vocab_size": vocabulary,
    }


def _hub(name: str) -> str:
    return f"huggingface.co/{name}: config.json"


CONFIGURATIONS: dict[str, Configuration] = {
    "XLM-R base": Configuration(
        "xlm-roberta", _xlm_r(768, 12, 12, 250_002), _hub("FacebookAI/xlm-roberta-base")
    ),
    "XLM-R large": Configuration(
        "xlm-roberta", _xlm_r(1024, 24, 16, 250_002), _hub("FacebookAI/xlm-roberta-large")
    ),
    "XLM-R XL": Configuration(
        "xlm-roberta-xl", _xlm_r(2560, 36, 32, 250_880), _hub("facebook/xlm-roberta-xl")
    ),
    "XLM-R XXL": Configuration(
        "xlm-roberta-xl", _xlm_r(4096, 48, 32, 250_880), _hub("facebook/xlm-roberta-xxl")
    ),
    "E5-Mistral 7B": Configuration(
        "mistral",
        _decoder(4096, 32, 32, 8, 14_336, 32_000),
        _hub("intfloat/e5-mistral-7b-instruct"),
    ),
    "Llama 2 13B": Configuration(
        "llama", _decoder(5120, 40, 40, 40, 13_824, 32_000), _hub("meta-llama/Llama-2-13b-hf")
    ),
    "Qwen2.5 32B": Configuration(
        "qwen2", _decoder(5120, 64, 40, 8, 27_648, 152_064), _hub("Qwen/Qwen2.5-32B")
    ),
    "Qwen2.5 72B": Configuration(
        "qwen2", _decoder(8192, 80, 64, 8, 29_568, 152_064), _hub("Qwen/Qwen2.5-72B")
    ),
    "GLM-130B": Configuration(
        "llama",
        _decoder(12_288, 70, 96, 96, 32_768, 150_528),
        "github.com/THUDM/GLM-130B: configs/model_glm_130b.sh; counted as a Llama of this shape, "
        "whose biases and norms are fewer by less than 0.1 %",
    ),
}
"""The models of the table. As encoders decoders have no layer that predicts tokens, so they are a
little smaller than their names."""


@dataclass(frozen=True)
class Size:
    """What was counted of a model on the meta device.

    Attributes:
        name: the model.
        parameters: all weights.
        embedding: those of the tables of tokens, positions and types.
        layer: those of one layer.
        lora: those of LoRA's matrices.
        width: of a token's state.
        layers: how many there are.
        kept: bytes that a layer keeps of a token for the gradients.
    """

    name: str
    parameters: int
    embedding: int
    layer: int
    lora: int
    width: int
    layers: int
    kept: int


def make(name: str) -> Any:
    """Makes a model on the meta device: modules and shapes, no weights.

    Args:
        name: one of `CONFIGURATIONS`.

    Returns:
        The model of transformers.

    Raises:
        ValueError: for another name.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    known = CONFIGURATIONS[check_choice("the model", name, CONFIGURATIONS)]
    config = AutoConfig.for_model(known.model_type, **known.values)
    with torch.device("meta"):
        model = AutoModel.from_config(config)
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # an `Encoder` has none
    return model


def layers_of(model: Any) -> list[Any]:
    """The layers of a model, which checkpointing and FSDP take one by one.

    Args:
        model: a model of `make`.
    """
    return list(model.encoder.layer if hasattr(model, "encoder") else model.layers)


def with_lora(model: Any, rank: int = RANK) -> Any:
    """Puts LoRA's matrices beside every linear layer, as the parameter `lora` of a run does.

    Args:
        model: a model of `make`; it is changed.
        rank: of the matrices.

    Returns:
        peft's model.
    """
    from peft import LoraConfig, get_peft_model

    return get_peft_model(model, LoraConfig(r=rank, target_modules="all-linear"))


@cache
def count(name: str) -> Size:
    """Counts the parameters of a model, and of LoRA's matrices beside its linear layers.

    Args:
        name: one of `CONFIGURATIONS`.
    """
    model = make(name)
    config = model.config
    tables = model.embeddings if hasattr(model, "embeddings") else model.embed_tokens
    gated = not hasattr(model, "encoder")
    parameters, embedding = _numbers(model), _numbers(tables)
    layer = _numbers(layers_of(model)[0])
    lora = RANK * sum(a + b for a, b in _shapes_of_linear(model))
    kept = 18 * config.hidden_size + (8 if gated else 4) * config.intermediate_size
    width, layers = config.hidden_size, config.num_hidden_layers
    return Size(name, parameters, embedding, layer, lora, width, layers, kept)


def _shapes_of_linear(model: Any) -> list[tuple[int, int]]:
    """Inputs and outputs of every linear layer: LoRA's two matrices have rank × each of them."""
    import torch

    linear = [part for part in model.modules() if isinstance(part, torch.nn.Linear)]
    return [(part.in_features, part.out_features) for part in linear]


def _numbers(module: Any) -> int:
    return sum(weight.numel() for weight in module.parameters())


def shard(name: str, gpus: int, *, lora: bool = False) -> dict[str, int]:
    """Wraps a model with FSDP on the meta device, and says what one of the GPUs would hold.

    Every layer is a unit of its own, as `fsdp: full_shard auto_wrap` makes it. The processes are
    pretended: no other machine and no GPU is needed.

    Args:
        name: one of `CONFIGURATIONS`.
        gpus: among how many the weights are divided.
        lora: whether LoRA's matrices are put beside the weights first.

    Returns:
        units: how many there are; parameters: of the whole model; local: how many numbers the first
        GPU holds; trained: how many of those are trained.
    """
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from torch.testing._internal.distributed.fake_pg import FakeStore

    model = make(name)
    units = layers_of(model)
    whole = with_lora(model) if lora else model
    parameters = _numbers(whole)
    dist.init_process_group("fake", rank=0, world_size=gpus, store=FakeStore())
    try:
        mesh = init_device_mesh("cpu", (gpus,))
        for unit in units:
            fully_shard(unit, mesh=mesh)
        fully_shard(whole, mesh=mesh)
        local = [(p.to_local().numel(), p.requires_grad) for p in whole.parameters()]
    finally:
        dist.destroy_process_group()
    return {
        "units": len(units) + 1,
        "parameters": parameters,
        "local": sum(numbers for numbers, _ in local),
        "trained": sum(numbers for numbers, is_trained in local if is_trained),
    }


@dataclass(frozen=True)
class Way:
    """A way of training.

    Attributes:
        lora: whether LoRA's matrices alone are trained.
        checkpointing: whether layers are computed again for the gradients.
    """

    lora: bool
    checkpointing: bool

    @property
    def words(self) -> str:
        """What it is called in tables."""
        trained = "LoRA" if self.lora else "all weights"
        return trained + (", checkpointing" if self.checkpointing else "")


WAYS = tuple(Way(lora, again) for lora in (False, True) for again in (False, True))


def states(size: Size, way: Way) -> float:
    """The bytes of weights, gradients and moments.

    Args:
        size: the model.
        way: how it is trained.
    """
    if way.lora:
        return FROZEN_BYTES * size.parameters + TRAINED_BYTES * size.lora
    return TRAINED_BYTES * size.parameters


def activations(size: Size, way: Way, tokens: int = CHUNK_TOKENS) -> float:
    """The bytes that are kept for the gradients.

    Args:
        size: the model.
        way: how it is trained.
        tokens: how many are in memory at a time.
    """
    if way.checkpointing:
        return tokens * (2 * size.width * size.layers + size.kept)
    return tokens * size.kept * size.layers


def on_each(size: Size, way: Way, gpus: int) -> float:
    """The bytes on each of several GPUs with FSDP; without it on one.

    Args:
        size: the model.
        way: how it is trained.
        gpus: how many there are.
    """
    gathered = 2 * 2 * size.layer if gpus > 1 else 0
    return states(size, way) / gpus + gathered + activations(size, way)


def gpus_needed(size: Size, way: Way) -> int | None:
    """The smallest power of two of GPUs of 80 GB that it fits on with FSDP; None if it never does.

    Args:
        size: the model.
        way: how it is trained.
    """
    for gpus in (2**i for i in range(11)):
        if on_each(size, way, gpus) <= USABLE * GPU_BYTES:
            return gpus
    return None


def gpu_hours(size: Size, way: Way) -> float:
    """The hours of one GPU that the training of `STEPS` steps takes at `RATE`.

    Args:
        size: the model.
        way: how it is trained.
    """
    operations = 4 if way.lora else 6
    # Gradient caching repeats the forward pass once, which checkpointing within it does again.
    operations += 4 if way.checkpointing else 2
    tokens = STEPS * BATCH * PAIR_TOKENS
    return operations * (size.parameters - size.embedding) * tokens / RATE / 3600


def resources(names: Sequence[str] = tuple(CONFIGURATIONS)) -> pd.DataFrame:
    """What training each model takes, in each way.

    Args:
        names: some of `CONFIGURATIONS`.

    Returns:
        model, parameters (in 10⁹), embedding (in 10⁹), way, trained (in 10⁹), one GPU (GB without
        FSDP), GPUs (of 80 GB, with FSDP), each (GB on each of them), GPU hours, hours, source.
    """
    rows = []
    for size in map(count, names):
        for way in WAYS:
            gpus = gpus_needed(size, way)
            hours = gpu_hours(size, way)
            rows.append(
                {
                    "model": size.name,
                    "parameters": size.parameters / 1e9,
                    "embedding": size.embedding / 1e9,
                    "way": way.words,
                    "trained": (size.lora if way.lora else size.parameters) / 1e9,
                    "one GPU": on_each(size, way, 1) / 1e9,
                    "GPUs": gpus,
                    "each": on_each(size, way, gpus) / 1e9 if gpus else math.nan,
                    "GPU hours": hours,
                    "hours": hours / gpus if gpus else math.nan,
                    "source": CONFIGURATIONS[size.name].source,
                }
            )
    return pd.DataFrame(rows)
