"""`hbt.average_weights`: between two encoders, its folder, and what it refuses."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hbtlib as hbt
from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.parts import Settings
from hbtlib.encoders.small import small_encoder, train_tokenizer

TEXTS = ["question 1 in aa", "passage 2 in bb", "question 3 in cc"]


def test_each_weight_is_the_average_with_the_share(tiny_encoder_factory: Any) -> None:
    first, trained = tiny_encoder_factory(0), tiny_encoder_factory(1)
    before, after = first.state_dict(), trained.state_dict()
    average = hbt.average_weights(first, trained, share=0.3).state_dict()
    assert average.keys() == before.keys()
    changed = 0
    for name, weight in average.items():
        if weight.is_floating_point():
            expected = 0.7 * before[name].double() + 0.3 * after[name].double()
            torch.testing.assert_close(weight.double(), expected, atol=1e-7, rtol=1e-6)
            changed += int((before[name] != after[name]).any())
        else:
            assert torch.equal(weight, after[name])
    assert changed > 5


@pytest.mark.parametrize("share", [0, 1.0])
def test_at_the_ends_it_is_one_of_the_two_to_the_bit(
    tiny_encoder_factory: Any, share: float
) -> None:
    both = tiny_encoder_factory(0), tiny_encoder_factory(1)
    average = hbt.average_weights(*both, share)
    assert not average.training
    np.testing.assert_array_equal(average.embed(TEXTS), both[int(share)].embed(TEXTS))
    assert average.fingerprint() == both[int(share)].fingerprint()


def test_the_two_that_are_given_stay_as_they_were(tiny_encoder_factory: Any) -> None:
    first, trained = tiny_encoder_factory(0), tiny_encoder_factory(1).train()
    before = first.fingerprint(), trained.fingerprint()
    average = hbt.average_weights(first, trained)
    for parameter in average.parameters():
        parameter.data.zero_()
    assert (first.fingerprint(), trained.fingerprint()) == before
    assert trained.training


def test_dense_layers_are_averaged_too(tiny_encoder_factory: Any) -> None:
    texts = {c: [f"passage {i} in {c}" for i in range(12)] for c in ("aa", "bb")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        both = [hbt.neutralise(tiny_encoder_factory(i), texts, "means") for i in (0, 1)]
    average = hbt.average_weights(*both, share=0.5)
    name = next(name for name in average.state_dict() if name.startswith("layers"))
    layers = [each.state_dict()[name] for each in (*both, average)]
    torch.testing.assert_close(layers[2], (layers[0] + layers[1]) / 2)


def test_half_precision_is_kept(tiny_encoder_factory: Any) -> None:
    first, trained = tiny_encoder_factory(0), tiny_encoder_factory(1).to(torch.bfloat16)
    average = hbt.average_weights(first, trained, share=0.25)
    for name, weight in average.named_parameters():
        assert weight.dtype == torch.bfloat16
        expected = 0.75 * first.state_dict()[name] + 0.25 * trained.state_dict()[name].float()
        torch.testing.assert_close(weight, expected.bfloat16())


def test_it_is_saved_and_loads_in_sentence_transformers(
    tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    tiny_encoder_factory(0).save(tmp_path / "first")
    tiny_encoder_factory(1).save(tmp_path / "trained")
    average = hbt.average_weights(str(tmp_path / "first"), tmp_path / "trained", share=0.6)
    average.save(tmp_path / "average")
    mine = hbt.average_weights(tiny_encoder_factory(0), tiny_encoder_factory(1)).to("cpu")
    vectors = mine.embed(TEXTS, "query")
    again = Encoder.load(tmp_path / "average", device="cpu")
    np.testing.assert_allclose(again.embed(TEXTS, "query"), vectors, atol=1e-6)
    peer = SentenceTransformer(str(tmp_path / "average"), device="cpu")
    np.testing.assert_allclose(peer.encode(TEXTS, prompt_name="query"), vectors, atol=1e-6)


def test_settings_are_the_trained_ones_whose_length_may_differ(tiny_encoder_factory: Any) -> None:
    first = tiny_encoder_factory(0)
    shorter = first.settings._replace(max_length=9)
    trained = Encoder(first.model, first.tokenizer, shorter)
    assert hbt.average_weights(first, trained).settings == shorter


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (1.2, "share is 1.2; it must be"),
        (-0.1, "share is -0.1; it must be"),
        ("0.6", "share is '0.6'; it must be a number"),
        (None, "share is None"),
        (float("nan"), "share is nan"),
    ],
)
def test_refuses_a_share_that_is_none(tiny_encoder_factory: Any, share: Any, said: str) -> None:
    encoder = tiny_encoder_factory()
    with pytest.raises(ValueError, match=said):
        hbt.average_weights(encoder, encoder, share)


@pytest.mark.parametrize("given", [None, "", 3, np.zeros(3)])
def test_refuses_what_is_no_encoder(tiny_encoder_factory: Any, given: Any) -> None:
    with pytest.raises(ValueError, match=r"first is .*; it must be an Encoder, a name"):
        hbt.average_weights(given, tiny_encoder_factory())
    with pytest.raises(ValueError, match=r"trained is .*; it must be an Encoder, a name"):
        hbt.average_weights(tiny_encoder_factory(), given)


def other(words: list[str], **options: Any) -> Encoder:
    return small_encoder(train_tokenizer(words, 60), **{"width": 32, "heads": 2, **options}).to(
        "cpu"
    )


def test_refuses_encoders_that_are_not_alike() -> None:
    words = [f"word {i} alike" for i in range(9)]
    plain, layered = other(words), other(words, layers=2)
    with pytest.raises(ValueError, match=r"the weight model\.\S+ has the shape \(.*32\) in the f"):
        hbt.average_weights(plain, other(words, width=16))
    with pytest.raises(ValueError, match=r"the first encoder has no weight model\.\S+layer\.1\."):
        hbt.average_weights(plain, layered)
    with pytest.raises(ValueError, match=r"the trained encoder has no weight model\.\S+layer\.1\."):
        hbt.average_weights(layered, plain)


def test_refuses_another_vocabulary_of_the_same_size(tiny_encoder_factory: Any) -> None:
    first, trained = tiny_encoder_factory(0), tiny_encoder_factory(1)
    trained.tokenizer = train_tokenizer(["quite other words"] * 3, 200)
    with pytest.raises(ValueError, match="other vocabularies"):
        hbt.average_weights(first, trained)


@pytest.mark.parametrize(
    "changed",
    [{"pooling": "cls"}, {"normalize": False}, {"query_prefix": "q: "}, {"passage_prefix": ""}],
)
def test_refuses_other_settings(tiny_encoder_factory: Any, changed: dict[str, Any]) -> None:
    first = tiny_encoder_factory()
    settings: Settings = first.settings._replace(**changed)
    with pytest.raises(ValueError, match=f"{next(iter(changed))} is .* in the first encoder and"):
        hbt.average_weights(first, Encoder(first.model, first.tokenizer, settings))
