"""A model folder with a file that is missing, damaged or of another model is refused by name."""

from __future__ import annotations

import errno
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.parts import Settings
from hbtlib.encoders.small import small_encoder, train_tokenizer
from hbtlib.files import DamagedFile

Damage = Callable[[Path], object]

WORDS = [
    f"{kind} {i} in {code}"
    for kind in ("question", "Query:", "Passage:")
    for i in range(9)
    for code in "ab"
]
PROMPTS = "config_sentence_transformers.json"
LENGTH = "sentence_bert_config.json"
POOLING = "1_Pooling/config.json"
WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the encoder itself wrote, with a dense layer."""
    from sentence_transformers.sentence_transformer.modules import Dense

    folder = tmp_path_factory.mktemp("models") / "saved"
    base = small_encoder(train_tokenizer(WORDS, 100), width=32, heads=2)
    torch.manual_seed(0)
    Encoder(base.model, base.tokenizer, base.settings, [Dense(32, 16)]).save(folder)
    return folder


@pytest.fixture(scope="module")
def sharded(saved: Path) -> Path:
    """The same with its weights in several files."""
    folder = saved.with_name("sharded")
    shutil.copytree(saved, folder)
    (folder / WEIGHTS).unlink()
    Encoder.load(saved, device="cpu").model.save_pretrained(folder, max_shard_size=20_000)
    return folder


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return shutil.copytree(saved, tmp_path / "model")


def gone(*files: str) -> Damage:
    def damage(folder: Path) -> None:
        for file in files:
            path = folder / file
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return damage


def holds(file: str, content: str | bytes) -> Damage:
    raw = content if isinstance(content, bytes) else content.encode()
    return lambda folder: (folder / file).write_bytes(raw)


def says(file: str, **fields: object) -> Damage:
    def damage(folder: Path) -> None:
        path = folder / file
        path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))

    return damage


def modules(*kinds: str, package: str = "sentence_transformers.models.") -> Damage:
    listed = [
        {"path": f"{i}_{kind}" if i else "", "type": package + kind} for i, kind in enumerate(kinds)
    ]
    return holds("modules.json", json.dumps(listed))


def cut(file: str) -> Damage:
    return lambda folder: (folder / file).write_bytes((folder / file).read_bytes()[:-50])


def weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Damage:
    def damage(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        save_file(tensors, folder / WEIGHTS, {"format": "pt"})

    return damage


def renamed(tensors: dict[str, torch.Tensor]) -> None:
    for name in list(tensors):
        tensors[f"other.{name}"] = tensors.pop(name)


def another_shape(tensors: dict[str, torch.Tensor]) -> None:
    tensors["embeddings.word_embeddings.weight"] = torch.zeros(7, 32)


QUERY = "encoder.layer.0.attention.self.query.weight"

# What is done to the folder, and what the message says beside the folder's name.
BAD: dict[str, tuple[Damage, str]] = {
    "no tokenizer": (
        gone("tokenizer.json", "tokenizer_config.json"),
        "lacks tokenizer_config.json",
    ),
    "no tokenizer.json": (gone("tokenizer.json"), "has no tokenizer.json, cannot be loaded"),
    "no tokenizer_config.json": (gone("tokenizer_config.json"), "lacks tokenizer_config.json"),
    "tokenizer.json cut": (cut("tokenizer.json"), "tokenizer.json is damaged"),
    "tokenizer.json empty": (holds("tokenizer.json", ""), "tokenizer.json is damaged"),
    "tokenizer.json not UTF-8": (holds("tokenizer.json", b"\xff\xfe"), "tokenizer.json is damaged"),
    "tokenizer.json a list": (holds("tokenizer.json", "[]"), "tokenizer.json holds a list"),
    "tokenizer.json {}": (holds("tokenizer.json", "{}"), "its tokenizer cannot be loaded"),
    "tokenizer.json words": (says("tokenizer.json", model=3), "its tokenizer cannot be loaded"),
    "tokenizer_config.json cut": (cut("tokenizer_config.json"), "tokenizer_config.json is damaged"),
    "tokenizer_config.json list": (holds("tokenizer_config.json", "[]"), "holds a list"),
    "tokenizer_config.json {}": (holds("tokenizer_config.json", "{}"), "cannot be loaded"),
    "no prompts": (gone(PROMPTS), f"lacks {PROMPTS}, which says its prompts"),
    "prompts cut": (cut(PROMPTS), f"{PROMPTS} is damaged"),
    "prompts a list": (holds(PROMPTS, "[]"), f"{PROMPTS} holds a list"),
    "prompts of lists": (says(PROMPTS, prompts=["a"]), "prompts hold ['a'], where a text"),
    "prompts of numbers": (says(PROMPTS, prompts={"query": 3}), "prompts hold 3, where a text"),
    "no modules": (gone("modules.json"), f"lacks modules.json, but has {PROMPTS}"),
    "no modules, no prompts": (
        gone("modules.json", PROMPTS),
        f"lacks modules.json, but has {POOLING}",
    ),
    "modules cut": (cut("modules.json"), "modules.json is damaged"),
    "modules an object": (holds("modules.json", "{}"), "modules.json holds a dict"),
    "modules null": (holds("modules.json", "null"), "modules.json holds a NoneType"),
    "modules none": (holds("modules.json", "[]"), "has the modules none"),
    "modules numbers": (holds("modules.json", "[3]"), "modules.json: 3 is no module"),
    "modules untyped": (holds("modules.json", '[{"path": ""}]'), "is no module with a type"),
    "modules type": (holds("modules.json", '[{"path": "", "type": 3}]'), "is no module with a"),
    "modules outside": (
        holds("modules.json", '[{"path": "../x", "type": "sentence_transformers.models.Pooling"}]'),
        "a path in the folder",
    ),
    "module unknown": (modules("Transformer", "Pooling", "LSTM"), "has a module sentence_t"),
    "module elsewhere": (modules("Transformer", "Pooling", package="mine."), "a module mine.Trans"),
    "no Pooling": (
        modules("Transformer", "Normalize"),
        "the modules Transformer, Normalize; hbtlib",
    ),
    "Dense after Normalize": (
        modules("Transformer", "Pooling", "Normalize", "Dense"),
        "Transformer, Pooling, any Dense and at most one Normalize, in this order",
    ),
    "no pooling": (gone("1_Pooling"), f"lacks {POOLING}, which says how token states are pooled"),
    "pooling empty": (holds(POOLING, ""), f"{POOLING} is damaged"),
    "pooling {}": (holds(POOLING, "{}"), f"{POOLING} names no pooling"),
    "pooling a list": (holds(POOLING, "[]"), f"{POOLING} holds a list"),
    "pooling a number": (says(POOLING, pooling_mode=3), f"{POOLING} names no pooling"),
    "pooling numbers": (says(POOLING, pooling_mode=[3]), f"{POOLING} names no pooling"),
    "pooling without prompt": (
        says(POOLING, include_prompt=False),
        "leaves the prompt's tokens out",
    ),
    "no dense": (gone("2_Dense"), "lacks 2_Dense/config.json"),
    "dense cut": (cut("2_Dense/config.json"), "2_Dense/config.json is damaged"),
    "dense {}": (holds("2_Dense/config.json", "{}"), "its dense layer 2_Dense cannot be loaded"),
    "dense weights": (cut(f"2_Dense/{WEIGHTS}"), "its dense layer 2_Dense cannot be loaded"),
    "dense shape": (says("2_Dense/config.json", out_features=5), "its dense layer 2_Dense cannot"),
    "no config": (gone("config.json"), "lacks config.json, which says the transformer's arch"),
    "config cut": (cut("config.json"), "config.json is damaged"),
    "config a list": (holds("config.json", "[]"), "config.json holds a list"),
    "config {}": (holds("config.json", "{}"), "its model cannot be loaded"),
    "model type": (says("config.json", model_type="berd"), "the model type 'berd', which transf"),
    "model type 3": (says("config.json", model_type=3), "the model type 3, which transformers"),
    "width a text": (says("config.json", hidden_size="a"), "its model cannot be loaded"),
    "width 0": (says("config.json", hidden_size=0), "its model cannot be loaded"),
    "width 64": (says("config.json", hidden_size=64), "do not fit its config.json"),
    "heads": (says("config.json", num_attention_heads=5), "its model cannot be loaded"),
    "a layer more": (says("config.json", num_hidden_layers=2), "its weights lack 16"),
    "a layer less": (says("config.json", num_hidden_layers=0), "have more layers than the 0"),
    "length cut": (cut(LENGTH), f"{LENGTH} is damaged"),
    "length a list": (holds(LENGTH, "[]"), f"{LENGTH} holds a list"),
    "length a text": (says(LENGTH, max_seq_length="a"), f"{LENGTH} is 'a'; it must be a whole"),
    "length 0": (says(LENGTH, max_seq_length=0), f"{LENGTH} is 0; it must be 1 or more"),
    "length -1": (says(LENGTH, max_seq_length=-1), f"{LENGTH} is -1"),
    "length 1.5": (says(LENGTH, max_seq_length=1.5), f"{LENGTH} is 1.5"),
    "lower case": (says(LENGTH, do_lower_case=True), "asks for lower case"),
    "no weights": (gone(WEIGHTS), f"lacks {WEIGHTS}, its weights"),
    "weights cut": (cut(WEIGHTS), f"{WEIGHTS} is damaged"),
    "weights empty": (holds(WEIGHTS, ""), f"{WEIGHTS} is damaged"),
    "weights junk": (holds(WEIGHTS, "junk" * 100), f"{WEIGHTS} is damaged"),
    "a weight gone": (weights(lambda t: t.pop(QUERY)), f"lack 1 of the model's tensors ({QUERY}"),
    "weights of another model": (weights(renamed), "lack 21 of the model's tensors"),
    "weights of another shape": (weights(another_shape), "has the shape (7, 32), not ("),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_folder_is_refused_in_one_sentence(copy: Path, name: str) -> None:
    damage, said = BAD[name]
    damage(copy)
    with pytest.raises((ValueError, OSError), match=re.escape(said)) as caught:
        Encoder.load(copy, device="cpu")
    message = str(caught.value)
    assert str(copy) in message
    assert "\n" not in message
    assert len(message) < 500


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            gone("model-00002-of-00004.safetensors"),
            "lacks model-00002-of-00004.safetensors, a part",
        ),
        (cut("model-00003-of-00004.safetensors"), "model-00003-of-00004.safetensors is damaged"),
        (holds("model.safetensors.index.json", "{"), "model.safetensors.index.json is damaged"),
        (holds("model.safetensors.index.json", "{}"), "index.json names no weight files"),
        (
            holds("model.safetensors.index.json", '{"weight_map": {"a": 3}}'),
            "names no weight files",
        ),
    ],
)
def test_weights_in_several_files(sharded: Path, tmp_path: Path, damage: Damage, said: str) -> None:
    assert Encoder.load(sharded, device="cpu").embed(["question 1 in a"]).shape == (1, 16)
    copy = shutil.copytree(sharded, tmp_path / "model")
    damage(copy)
    with pytest.raises((ValueError, OSError), match=re.escape(said)):
        Encoder.load(copy, device="cpu")


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({"pooling_mode": "cls"}, "cls"),
        ({"pooling_mode": ["lasttoken"]}, "lasttoken"),
        ({"pooling_mode_cls_token": True, "pooling_mode_max_tokens": False}, "cls"),
        ({"pooling_mode_cls_token": False}, "mean"),  # as sentence-transformers reads it
    ],
)
def test_pooling_as_sentence_transformers_writes_it(
    copy: Path, config: dict[str, Any], pooling: str
) -> None:
    (copy / POOLING).write_text(json.dumps({"word_embedding_dimension": 32, **config}))
    assert Encoder.load(copy, device="cpu").settings.pooling == pooling


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ({"pooling_mode_cls_token": True}, "mean and cls"),
        ({"pooling_mode_mean_tokens": False, "pooling_mode_max_tokens": True}, "max_tokens"),
        ({"pooling_mode": "weightedmean"}, "weightedmean"),
    ],
)
def test_another_pooling_is_refused_unless_one_is_chosen(
    copy: Path, flags: dict[str, Any], named: str
) -> None:
    says(POOLING, **flags)(copy)
    with pytest.raises(ValueError, match=f"pooling is '{named}'; it is one of mean, cls, lastt"):
        Encoder.load(copy, device="cpu")
    assert Encoder.load(copy, pooling="cls", device="cpu").settings.pooling == "cls"


def test_a_model_that_never_had_prompts_loads_with_those_given(copy: Path) -> None:
    """As E5's folders on the hub are."""
    (copy / PROMPTS).unlink()
    with pytest.raises(FileNotFoundError, match=r"pass both query_prefix= and passage_prefix="):
        Encoder.load(copy, query_prefix="query: ", device="cpu")
    encoder = Encoder.load(copy, query_prefix="query: ", passage_prefix="", device="cpu")
    assert (encoder.settings.query_prefix, encoder.settings.passage_prefix) == ("query: ", "")


def test_a_model_may_have_a_head_for_another_task(copy: Path) -> None:
    weights(lambda t: t.update({"lm_head.dense.weight": torch.ones(2, 2)}))(copy)
    assert Encoder.load(copy, device="cpu").dimension == 16


def test_fewer_layers_may_be_asked_for(copy: Path) -> None:
    encoder = Encoder.load(copy, device="cpu", num_hidden_layers=0)
    assert len(encoder.model.encoder.layer) == 0


def test_loading_is_quiet(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Encoder.load(copy, device="cpu")
    assert capfd.readouterr().err == ""


def test_vectors_that_are_not_finite_are_refused(copy: Path) -> None:
    weights(lambda t: t["embeddings.word_embeddings.weight"].fill_(float("nan")))(copy)
    encoder = Encoder.load(copy, device="cpu")
    with pytest.raises(FloatingPointError, match="the passage 'a' is not finite in fp32: its weig"):
        encoder.embed(["a", "question 1"])
    with pytest.raises(FloatingPointError, match="query 'a' is not finite in bf16: bf16 cannot ho"):
        encoder.embed(["a"], "query", precision="bf16")


def test_a_tokenizer_of_a_larger_model_is_refused(saved: Path, copy: Path) -> None:
    larger = train_tokenizer([f"word{i} other{i}" for i in range(200)], 900)
    larger.save_pretrained(copy)
    with pytest.raises(ValueError, match=r"its tokenizer has \d+ tokens and the model \d+"):
        Encoder.load(copy, device="cpu")


@pytest.mark.parametrize(
    "error",
    [
        SafetensorError("I/O error: No space left on device (os error 28)"),
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("write failed: No space left on device"),
    ],
)
@pytest.mark.parametrize("before", [False, True])
def test_a_full_disk_leaves_nothing_half_written(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, before: bool
) -> None:
    encoder = Encoder.load(saved, device="cpu")
    folder = tmp_path / "new"
    if before:
        shutil.copytree(saved, folder)
    had = {f: f.read_bytes() for f in folder.rglob("*") if f.is_file()}

    def fails(folder: Path) -> None:
        (folder / WEIGHTS).write_bytes(b"half")
        raise error

    monkeypatch.setattr(encoder.model, "save_pretrained", fails)
    with pytest.raises(OSError, match=f"the disk is full: {folder} was not written") as caught:
        encoder.save(folder)
    assert caught.value.errno == errno.ENOSPC
    assert {f: f.read_bytes() for f in folder.rglob("*") if f.is_file()} == had
    assert [f.name for f in tmp_path.iterdir()] == (["new"] if before else [])


def test_saving_over_a_folder_keeps_what_else_is_in_it(saved: Path, copy: Path) -> None:
    (copy / "notes.txt").write_text("mine")
    encoder = Encoder.load(saved, device="cpu")
    other = Encoder(encoder.model, encoder.tokenizer, Settings("cls", max_length=9), encoder.layers)
    other.save(copy)
    assert (copy / "notes.txt").read_text() == "mine"
    again = Encoder.load(copy, device="cpu")
    assert again.settings == other.settings
    np.testing.assert_array_equal(again.embed(["question 1"]), other.embed(["question 1"]))
    assert sorted(f.name for f in copy.parent.iterdir()) == ["model"]


def test_saving_makes_folders_and_refuses_a_file(saved: Path, tmp_path: Path) -> None:
    encoder = Encoder.load(saved, device="cpu")
    encoder.save(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b" / "modules.json").is_file()
    (tmp_path / "file").write_text("a file")
    with pytest.raises(OSError, match="file is a file; give a folder to save the encoder in"):
        encoder.save(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "a file"
    with pytest.raises(OSError, match="file"):
        encoder.save(tmp_path / "file" / "below")


def test_damage_is_of_one_kind_of_error(copy: Path) -> None:
    cut(WEIGHTS)(copy)
    with pytest.raises(DamagedFile):
        Encoder.load(copy, device="cpu")
