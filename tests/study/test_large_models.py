"""Large encoders on the meta device: counts against known ones, LoRA, FSDP, memory and hours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hbtlib.study import large_models as large
from hbtlib.study.large_models import Way

BASE = "XLM-R base"
FULL, LORA = Way(lora=False, checkpointing=False), Way(lora=True, checkpointing=False)


def test_xlm_r_base_is_counted_on_the_meta_device() -> None:
    model = large.make(BASE)
    assert {weight.device.type for weight in model.parameters()} == {"meta"}
    size = large.count(BASE)
    assert size.parameters == 277_453_056  # 278 million with the pooler, which an encoder lacks
    assert size.embedding == 250_002 * 768 + 514 * 768 + 768 + 2 * 768
    assert size.parameters - size.embedding == 12 * size.layer
    # Rank 16 beside four square matrices and the two of the feed-forward network, as peft has it.
    assert size.lora == 12 * 16 * (4 * 2 * 768 + 2 * (768 + 3072))
    wrapped = large.with_lora(model)
    trained = [weight.numel() for weight in wrapped.parameters() if weight.requires_grad]
    assert sum(trained) == size.lora


def test_fsdp_divides_the_weights_among_pretended_gpus() -> None:
    found = large.shard(BASE, 4, lora=True)
    size = large.count(BASE)
    assert found["units"] == 13
    assert found["parameters"] == size.parameters + size.lora
    assert found["local"] == pytest.approx(found["parameters"] / 4, rel=0.01)
    assert found["trained"] == pytest.approx(size.lora / 4, rel=0.01)


def test_memory_is_what_the_assumptions_say() -> None:
    size = large.count(BASE)
    assert large.states(size, FULL) == 16 * size.parameters
    assert large.states(size, LORA) == 2 * size.parameters + 16 * size.lora
    # Korthikanti et al. 2022: 34 bytes a number of the width, without attention's scores.
    assert large.activations(size, FULL, 1) == 34 * 768 * 12
    again = Way(lora=False, checkpointing=True)
    assert large.activations(size, again, 1) == 2 * 768 * 12 + 34 * 768
    assert large.on_each(size, FULL, 8) < large.on_each(size, FULL, 1)


def test_gpus_are_the_fewest_that_it_fits_on() -> None:
    size = large.count(BASE)
    assert large.gpus_needed(size, FULL) == 1
    huge = replace(size, parameters=40 * 10**9)
    gpus = large.gpus_needed(huge, FULL)
    assert gpus is not None
    assert large.on_each(huge, FULL, gpus) <= 0.9 * 80e9 < large.on_each(huge, FULL, gpus // 2)
    assert large.gpus_needed(replace(size, kept=10**7), FULL) is None  # one layer alone is too much


def test_hours_follow_from_operations() -> None:
    size = large.count(BASE)
    weights, tokens = 12 * size.layer, 10_000 * 256 * 160
    assert large.gpu_hours(size, FULL) == pytest.approx(8 * weights * tokens / 125e12 / 3600)
    assert large.gpu_hours(size, LORA) < large.gpu_hours(size, FULL)


def test_the_table_has_every_way_of_a_model() -> None:
    table = large.resources([BASE])
    assert table["way"].tolist() == [
        "all weights",
        "all weights, checkpointing",
        "LoRA",
        "LoRA, checkpointing",
    ]
    assert (table["each"] <= 72).all()
    assert table["source"].str.contains("xlm-roberta-base").all()
    with pytest.raises(ValueError, match="the model is 'XLM-R huge'"):
        large.make("XLM-R huge")


def test_every_model_is_as_large_as_its_name_says() -> None:
    billions = {
        "XLM-R base": 0.28,
        "XLM-R large": 0.56,
        "XLM-R XL": 3.5,
        "XLM-R XXL": 10.7,
        "E5-Mistral 7B": 7.1,
        "Llama 2 13B": 12.9,
        "Qwen2.5 32B": 32.0,
        "Qwen2.5 72B": 71.5,
        "GLM-130B": 128.7,
    }
    assert set(billions) == set(large.CONFIGURATIONS)
    for name, said in billions.items():
        assert large.count(name).parameters / 1e9 == pytest.approx(said, rel=0.02), name


def test_xlm_r_xxl_is_wrapped_and_planned() -> None:
    size = large.count("XLM-R XXL")
    assert size.parameters == 10_695_954_432
    assert size.lora == 56_623_104
    found = large.shard("XLM-R XXL", 8, lora=True)
    assert found["units"] == 49
    assert found["local"] == pytest.approx((size.parameters + size.lora) / 8, rel=0.001)
    assert found["trained"] == pytest.approx(size.lora / 8, rel=0.001)
    assert large.gpus_needed(size, Way(lora=False, checkpointing=True)) == 4
    assert large.gpus_needed(size, Way(lora=True, checkpointing=True)) == 1
    # The study scaling-full: LoRA on one GPU, 4,096 tokens at a time, nothing computed again.
    assert large.states(size, LORA) + large.activations(size, LORA, 4096) < 0.9 * 80e9
