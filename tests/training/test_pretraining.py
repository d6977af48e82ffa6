"""Pre-training: masked words of texts and of translations."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from quick_training import weights
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM

import hbtlib as hbt
from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.sampling.plan import BatchPlan
from hbtlib.training.language_head import scores_of, with_language_head
from hbtlib.training.masked_texts import (
    NOT_MASKED,
    MaskedTexts,
    _first_position,
    restarted_positions,
    translations,
    word_offsets,
)

QUICK: dict[str, Any] = {"batch_size": 4, "steps": 12, "checkpoint_every": 4, "log_every": 2}
RATES: dict[str, Any] = {"learning_rate": 1e-2, "embedding_learning_rate": 2e-2}


def masked_texts(pairs: Pairs, encoder: Encoder, objective: str, **options: Any) -> MaskedTexts:
    """The batches of a plan of four pairs."""
    crossing = objective == "translation-lm"
    source = translations(pairs) if crossing else pairs
    plan = BatchPlan(source, "x-y" if crossing else "x-x", batch_size=4, seed=1)
    model = with_language_head(encoder)
    return MaskedTexts(plan, 5, encoder, model, objective=objective, **options)


def unmasked(item: dict[str, Any]) -> torch.Tensor:
    """The tokens as they were before words were masked."""
    return torch.where(item["labels"] == NOT_MASKED, item["input_ids"], item["labels"])


# What is read


def test_masked_lm_reads_the_texts_of_x_x(tiny_pairs: Pairs, tiny_encoder_factory: Any) -> None:
    encoder = tiny_encoder_factory()
    batches = masked_texts(tiny_pairs, encoder, "masked-lm")
    item, batch = batches[2], batches.plan[2]
    texts = tiny_pairs.texts(batch.ids, batch.query_languages, "query")
    texts += tiny_pairs.texts(batch.ids, batch.query_languages, "passage")
    read = encoder.tokenizer(texts, padding=True, return_tensors="pt")  # without prompts
    assert torch.equal(unmasked(item), read["input_ids"])
    assert torch.equal(item["attention_mask"], read["attention_mask"])
    assert "position_ids" not in item
    special = read["input_ids"] <= 2  # <s>, <pad>, </s>
    assert not (special & (item["labels"] != NOT_MASKED)).any()
    assert item["masked"] == int((item["labels"] != NOT_MASKED).sum()) > 0


def test_translation_lm_reads_two_languages_of_one_text(
    tiny_pairs: Pairs, tiny_encoder_factory: Any
) -> None:
    encoder = tiny_encoder_factory()
    batches = masked_texts(tiny_pairs, encoder, "translation-lm")
    seen = set()
    for t in range(5):
        for row in unmasked(batches[t]):
            first, second = encoder.tokenizer.decode(row).split("</s>")[:2]
            words = first.replace("<s>", "").split(), second.split()
            assert words[0][:2] == words[1][:2], "the same question or passage"
            assert words[0][-1] != words[1][-1], "in another language"
            seen.add(words[0][0])
    assert seen == {"question", "passage"}


@pytest.mark.parametrize(
    ("family", "first"),
    [("xlm-roberta", 2), ("camembert", 2), ("mpnet", 2), ("xmod", 2), ("bert", 0), ("electra", 0)],
)
def test_positions_begin_where_the_model_s_own_do(family: str, first: int) -> None:
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
    config = AutoConfig.for_model(
        family, num_hidden_layers=1, vocab_size=100, pad_token_id=1, **sizes
    )
    model = AutoModel.from_config(config)
    assert _first_position(SimpleNamespace(model=model)) == first  # type: ignore[arg-type]


def test_positions_begin_again_with_the_translation(
    tiny_pairs: Pairs, tiny_encoder_factory: Any
) -> None:
    encoder = tiny_encoder_factory()
    tokens = encoder.tokenizer(
        ["question 1", "passage 2 in aa"],
        ["passage", "question"],
        padding=True,
        return_tensors="pt",
    )
    found = restarted_positions(tokens)
    for row, ids in zip(found.tolist(), tokens["input_ids"].tolist(), strict=True):
        cut = ids.index(2) + 1  # behind the first </s>
        end = len(ids) - ids[::-1].index(2)
        assert row[:cut] == list(range(cut))
        assert row[cut:end] == list(range(end - cut))
        assert set(row[end:]) <= {0}
    item = masked_texts(tiny_pairs, encoder, "translation-lm")[0]
    assert int(item["position_ids"].min()) == 2  # XLM-R's first two are not used
    assert int(item["position_ids"].max()) < item["position_ids"].shape[1]


def test_masks_are_those_of_the_batch_and_the_seed(
    tiny_pairs: Pairs, tiny_encoder_factory: Any
) -> None:
    encoder = tiny_encoder_factory()
    batches = masked_texts(tiny_pairs, encoder, "masked-lm", masked=0.5)
    before = torch.random.get_rng_state()
    first, again = batches[3], batches[3]
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(first["input_ids"], again["input_ids"])
    assert torch.equal(first["labels"], again["labels"])
    drawn = [batches[t]["masked"] for t in range(5)]
    possible = sum(int((unmasked(batches[t]) > 2).sum()) for t in range(5))
    assert 0.35 < sum(drawn) / possible < 0.65


def test_several_processes_share_a_batch(tiny_pairs: Pairs, tiny_encoder_factory: Any) -> None:
    encoder = tiny_encoder_factory()
    whole = masked_texts(tiny_pairs, encoder, "masked-lm")[1]
    parts = [
        masked_texts(tiny_pairs, encoder, "masked-lm", rank=rank, processes=3)[1]
        for rank in range(3)
    ]
    assert [len(part["labels"]) for part in parts] == [3, 3, 3]  # of eight texts
    labels = torch.cat([part["labels"] for part in parts])
    assert torch.equal(labels[:8], whole["labels"])
    assert (labels[8:] == NOT_MASKED).all()
    assert {part["masked"] for part in parts} == {whole["masked"]}


def test_whole_words_are_masked_together(tiny_encoder_factory: Any) -> None:
    encoder = tiny_encoder_factory()
    tokens = encoder.tokenizer(["questions passages", "in"], padding=True, return_tensors="pt")
    words = [word for word in tokens.word_ids(0) if word is not None]
    assert len(words) > len(set(words)), "a word of several tokens"
    offsets = word_offsets(tokens)[0]
    touches = offsets[1:, 0] == offsets[:-1, 1]
    same = [a == b is not None for a, b in zip(tokens.word_ids(0)[1:], tokens.word_ids(0))]  # noqa: B905
    assert touches.tolist() == same
    pairs = Pairs.from_texts("p", [{"aa": "questions passages"}] * 4, [{"aa": "passages in"}] * 4)
    batches = masked_texts(pairs, encoder, "masked-lm", whole_words=True, masked=0.5)
    ids = {}
    for t in range(5):
        for row, labels in zip(batches[t]["input_ids"], batches[t]["labels"], strict=True):
            was = torch.where(labels == NOT_MASKED, row, labels)
            text = encoder.tokenizer.decode(was, skip_special_tokens=True)
            spread = encoder.tokenizer(text, padding="max_length", max_length=len(row))
            of_word = pd.Series((labels != NOT_MASKED).tolist()).groupby(
                pd.Series(spread.word_ids(), dtype=object)
            )
            assert set(of_word.nunique()) == {1}, "all tokens of a word, or none"
            ids[text] = True
    assert len(ids) == 2


def test_there_is_always_something_to_predict(tiny_encoder_factory: Any) -> None:
    pairs = Pairs.from_texts("p", [{"aa": "in"}], [{"aa": "in"}])
    plan = BatchPlan(pairs, "x-x", batch_size=1)
    encoder = tiny_encoder_factory()
    batches = MaskedTexts(plan, 20, encoder, with_language_head(encoder), masked=0.01)
    assert min(batches[t]["masked"] for t in range(20)) >= 1


def test_texts_of_one_language_are_no_translations() -> None:
    one = Pairs.from_texts("one", [{"en": "Who?"}], [{"de": "Wren."}])
    with pytest.raises(ValueError, match="pairs 'one' have no text in two languages"):
        translations(one)
    half = Pairs.from_texts(
        "half", [{"en": "Who?", "de": "Wer?"}, {"en": "Why?"}], [{"de": "a"}] * 2
    )
    assert repr(translations(half)) == (
        "Pairs('half, translations', 2 ids, queries in de en, passages in de en)"
    )


# The head


def test_the_head_shares_the_embeddings_and_the_body(tiny_encoder_factory: Any) -> None:
    encoder = tiny_encoder_factory()
    model = with_language_head(encoder)
    assert model.base_model is encoder.model
    assert model.get_output_embeddings().weight is encoder.model.get_input_embeddings().weight


def test_an_encoder_without_such_a_head_is_refused(tiny_encoder_factory: Any) -> None:
    from transformers import GPT2Config, GPT2Model

    encoder = tiny_encoder_factory()
    decoder = GPT2Model(GPT2Config(vocab_size=90, n_embd=8, n_layer=1, n_head=1))
    no_head = Encoder(decoder, encoder.tokenizer, encoder.settings)
    with pytest.raises(ValueError, match="no head for masked words on a GPT2Model"):
        with_language_head(no_head)
    encoder.tokenizer.mask_token = None
    with pytest.raises(ValueError, match="has no mask token"):
        with_language_head(encoder)


@pytest.mark.parametrize("kind", ["xlm-roberta", "bert", "distilbert", "modernbert"])
def test_the_scores_of_chosen_tokens_and_their_gradients_are_those_of_all(kind: str) -> None:
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    if kind == "distilbert":
        sizes = {"dim": 8, "n_layers": 1, "n_heads": 2, "hidden_dim": 16}
    if kind == "modernbert":
        sizes |= {"intermediate_size": 16}
    config = AutoConfig.for_model(kind, vocab_size=90, pad_token_id=1, **sizes)
    model = AutoModelForMaskedLM.from_config(config).eval()
    ids = torch.randint(5, 90, (3, 7))
    chosen = torch.rand(3, 7) < 0.3
    whole = model(input_ids=ids).logits[chosen]
    with scores_of(model, chosen):
        few = model(input_ids=ids).logits
    assert few.shape == (int(chosen.sum()), 90)
    torch.testing.assert_close(few, whole)
    table = model.get_input_embeddings().weight
    gradients = [torch.autograd.grad(found.square().sum(), table)[0] for found in (few, whole)]
    torch.testing.assert_close(*gradients)
    assert model(input_ids=ids).logits.shape == (3, 7, 90)


# The training


@pytest.mark.parametrize("objective", ["masked-lm", "translation-lm"])
def test_it_learns_to_predict_and_returns_an_encoder(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, objective: str
) -> None:
    start = tiny_encoder_factory()
    before = start.fingerprint()
    options = {**QUICK, **RATES, "steps": 40, "checkpoint_every": 40}
    encoder = hbt.pretrain(tiny_pairs, start, output=tmp_path, objective=objective, **options)
    log = pd.read_parquet(tmp_path / "training_log.parquet")
    assert log["loss"].iloc[-1] < 0.8 * log["loss"].iloc[0]
    assert log["tokens"].is_monotonic_increasing
    assert start.fingerprint() == before != encoder.fingerprint()
    assert encoder.embed(["question 1 in aa"]).shape == (1, 32)
    loaded = Encoder.load(tmp_path / "model", device="cpu")
    np.testing.assert_array_equal(loaded.embed(["question 1"]), encoder.embed(["question 1"]))


def test_interrupted_it_ends_as_one_never_interrupted(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    looks: list[int] = []

    def watch(encoder: Encoder, step: int) -> None:
        looks.append(step)
        if len(looks) == 3 and step == 6:
            raise InterruptedError

    def run(folder: str, **options: Any) -> Encoder:
        start = tiny_encoder_factory(dropout=0.2)
        return hbt.pretrain(
            tiny_pairs, start, output=tmp_path / folder, seed=3, **{**QUICK, **RATES, **options}
        )

    run("whole")
    with pytest.raises(InterruptedError):
        run("killed", watch=watch, watch_every=3)
    encoder = run("killed", watch=watch, watch_every=3)
    assert looks == [0, 3, 6, 6, 9, 12], "from the checkpoint of step 4 on"
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    logs = [
        pd.read_parquet(tmp_path / each / "training_log.parquet") for each in ("killed", "whole")
    ]
    pd.testing.assert_frame_equal(*logs)
    assert run("killed").fingerprint() == encoder.fingerprint()  # loaded
    with pytest.raises(ValueError, match="was begun with pretraining"):
        run("killed", masked=0.3)
    with pytest.raises(ValueError, match="was begun with checkpoint_every = 4, now it is 6"):
        run("killed", checkpoint_every=6)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"objective": "masked"}, "objective is 'masked'; did you mean 'masked-lm'"),
        ({"masked": 0}, "masked is 0; it must be"),
        ({"masked": 1.0}, "masked is 1.0; it must be"),
        ({"whole_words": 1}, "whole_words is 1"),
        ({"checkpoint_every": 0}, "checkpoint_every is 0"),
        ({"steps": 0}, "steps is 0"),
        ({"watch": 3}, "watch is 3; it must be a function of the encoder"),
        ({"pairs": []}, "no pairs to train on"),
        ({"encoder": 3}, "encoder is 3; it must be an Encoder"),
    ],
)
def test_wrong_arguments_are_named(
    tiny_pairs: Pairs, tmp_path: Path, wrong: dict[str, Any], said: str
) -> None:
    given = {"pairs": tiny_pairs, "encoder": "small", "output": tmp_path / "none", **wrong}
    with pytest.raises(ValueError, match=said):
        hbt.pretrain(**given)
    assert not (tmp_path / "none").exists()


def test_a_training_that_is_watched_is_the_same(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    """`hbt.train` shows its encoder before, at intervals and at the end."""
    looks: dict[int, float] = {}

    def watch(encoder: Encoder, step: int) -> None:
        torch.rand(3)  # draws of its own change nothing
        looks[step] = float(encoder.embed(["question 1 in aa"])[0, 0])

    def run(folder: str, **options: Any) -> Encoder:
        return hbt.train(
            tiny_pairs,
            tiny_encoder_factory(dropout=0.2),
            output=tmp_path / folder,
            batch_size=4,
            steps=10,
            learning_rate=1e-2,
            **options,
        )

    plain = run("plain")
    run("watched", watch=watch, watch_every=4)
    assert list(looks) == [0, 4, 8, 10]
    assert weights(tmp_path / "plain") == weights(tmp_path / "watched")
    assert looks[10] == pytest.approx(float(plain.embed(["question 1 in aa"])[0, 0]))
    assert looks[0] != looks[10]
    run("watched")  # it is the same training without the watch
