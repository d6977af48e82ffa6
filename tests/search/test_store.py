"""Vectors on disk: the same as in memory, under a key of all that changes them, in whole shards."""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import random_benchmark
from fresh_processes import CONTEXT, finish, start
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sentence_transformers.sentence_transformer.modules import Dense

import hbtlib as hbt
from hbtlib.encoders.encoder import Encoder
from hbtlib.search.store import Store, embed_to, write_shard

TEXTS = [f"passage {i} in aa" + " question 7" * (i % 5) for i in range(23)]


@pytest.fixture
def encoder(tiny_encoder_factory: Any) -> Encoder:
    return tiny_encoder_factory()


def shards(folder: Path) -> dict[str, bytes]:
    """Every shard's bytes."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.saf*")}


@pytest.mark.parametrize("shard", [1, 7, 23, 100])
def test_the_vectors_are_those_of_embed_in_their_order(
    encoder: Encoder, tmp_path: Path, shard: int
) -> None:
    store = embed_to(tmp_path, encoder, TEXTS, "passage", shard=shard)
    assert store.shape == (23, 32)
    assert len(store.files) == -(-23 // shard)
    np.testing.assert_allclose(store[:], encoder.embed(TEXTS), atol=1e-6)
    assert store[:].dtype == np.float32
    left = {file.suffix for file in tmp_path.rglob("*") if file.is_file()}
    assert left == {".safetensors", ".json"}, "a lock or an unfinished shard was left"


@pytest.mark.parametrize(
    ("dtype", "apart"), [("float32", 0), ("float16", 2**-11), ("bfloat16", 2**-8)]
)
def test_a_dtype_rounds_and_takes_its_bytes(
    encoder: Encoder, tmp_path: Path, dtype: str, apart: float
) -> None:
    store = embed_to(tmp_path, encoder, TEXTS, "passage", dtype=dtype)
    exact = encoder.embed(TEXTS)
    assert np.abs(store[:] - exact).max() <= apart * np.abs(exact).max()
    assert load_file(store.files[0])["vectors"].dtype == getattr(torch, dtype)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.data(), st.integers(1, 9))
def test_it_is_read_as_an_array_is(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, shard: int
) -> None:
    folder, n = tmp_path_factory.mktemp("store"), data.draw(st.integers(1, 25))
    whole = np.random.default_rng(n).standard_normal((n, 3)).astype(np.float32)
    files = []
    for first in range(0, n, shard):
        part = torch.from_numpy(whole[first : first + shard])
        write_shard(folder / f"{first}.safetensors", part)
        files.append(folder / f"{first}.safetensors")
    store = Store(files)
    bound = st.none() | st.integers(-n - 2, n + 2)
    rows: Any = data.draw(
        st.builds(slice, bound, bound, st.none() | st.sampled_from([1, 2, -1]))
        | st.lists(st.integers(-n, n - 1), max_size=30).map(lambda found: np.array(found, np.int64))
        | st.lists(st.booleans(), min_size=n, max_size=n).map(np.array)
        | st.lists(st.integers(0, n - 1), min_size=1)
    )
    np.testing.assert_array_equal(store[rows], whole[rows])
    assert len(store) == n
    with pytest.raises(IndexError):
        store[np.array([n])]


def changed(encoder: Encoder, what: str) -> tuple[Encoder, dict[str, Any]]:
    """An encoder, or how it is asked, with one thing that changes a vector."""
    if what == "weights":
        with torch.no_grad():
            encoder.model.embeddings.LayerNorm.bias[0] += 1e-3
    elif what in ("pooling", "normalize", "max_length", "passage_prefix"):
        new = {"pooling": "cls", "normalize": False, "max_length": 9, "passage_prefix": "text: "}[
            what
        ]
        encoder.settings = encoder.settings._replace(**{what: new})
    elif what == "dtype of the weights":
        encoder.model.to(torch.bfloat16)
    elif what in ("a layer", "its activation"):
        made = Dense(
            32,
            32,
            activation_function=torch.nn.Tanh() if what == "a layer" else torch.nn.Identity(),
        )
        torch.nn.init.eye_(made.linear.weight)
        return Encoder(encoder.model, encoder.tokenizer, encoder.settings, [made]), {}
    elif what == "tokenizer":
        encoder.tokenizer.backend_tokenizer.normalizer = None
    others = {
        "role": {"role": "query"},
        "precision": {"precision": "bf16"},
        "dtype": {"dtype": "float16"},
    }
    return encoder, others.get(what, {})


@pytest.mark.parametrize(
    "what",
    [
        "weights",
        "pooling",
        "normalize",
        "max_length",
        "passage_prefix",
        "tokenizer",
        "role",
        "precision",
        "dtype",
        "dtype of the weights",
        "a layer",
    ],
)
def test_the_key_changes_with_what_changes_a_vector(
    tiny_encoder_factory: Any, tmp_path: Path, what: str
) -> None:
    first = embed_to(tmp_path, tiny_encoder_factory(), TEXTS, "passage")
    other, how = changed(tiny_encoder_factory(), what)
    second = embed_to(tmp_path, other, TEXTS, **{"role": "passage", **how})
    assert first.folder != second.folder
    again = embed_to(tmp_path, tiny_encoder_factory(), TEXTS, "passage")
    assert (again.folder, again.name) == (first.folder, first.name)
    said = json.loads((second.folder / "about.json").read_text())
    assert (said["role"], said["dtype"]) == (
        how.get("role", "passage"),
        how.get("dtype", "float32"),
    )


def test_the_key_knows_a_layer_s_activation_and_an_adapter_s_scale(
    tiny_encoder_factory: Any,
) -> None:
    layers = [
        changed(tiny_encoder_factory(), what)[0].fingerprint()
        for what in ("a layer", "its activation")
    ]
    assert layers[0] != layers[1]
    peft = pytest.importorskip("peft")
    found = []
    for alpha in (2, 64):
        torch.manual_seed(0)
        encoder = tiny_encoder_factory()
        encoder.model = peft.get_peft_model(
            encoder.model, peft.LoraConfig(r=2, lora_alpha=alpha, target_modules=["query"])
        )
        found.append(encoder.fingerprint())
    assert found[0] != found[1]


def test_the_key_does_not_change_where_no_vector_does(
    tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    encoder = tiny_encoder_factory()
    before = encoder.fingerprint()
    encoder.embed(TEXTS)  # sets the tokenizer's truncation
    encoder.save(tmp_path / "model")
    encoder.model.config.transformers_version = "9.9"
    assert encoder.fingerprint() == before == Encoder.load(tmp_path / "model").fingerprint()


def test_a_query_s_vector_is_not_a_passage_s_even_without_prefixes(
    encoder: Encoder, tmp_path: Path
) -> None:
    encoder.settings = encoder.settings._replace(query_prefix="", passage_prefix="")
    assert (
        embed_to(tmp_path, encoder, TEXTS, "query").folder
        != embed_to(tmp_path, encoder, TEXTS, "passage").folder
    )


def test_the_other_role_s_prefix_changes_no_key_of_this_one(
    encoder: Encoder, tmp_path: Path
) -> None:
    first = embed_to(tmp_path, encoder, TEXTS, "query")
    encoder.settings = encoder.settings._replace(passage_prefix="another: ")
    assert embed_to(tmp_path, encoder, TEXTS, "query").folder == first.folder


def test_the_same_vectors_are_the_same_bytes(tmp_path: Path) -> None:
    vectors = torch.arange(12.0).reshape(4, 3)
    for number in range(20):  # each of three names in any order: equal by chance in 1 of 6 ** 19
        (tmp_path / str(number) / "key").mkdir(parents=True)
        write_shard(tmp_path / str(number) / "key" / "texts.safetensors", vectors)
    assert len({file.read_bytes() for file in tmp_path.glob("*/key/*")}) == 1


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are embedded."""
    texts: list[str] = []
    embed = Encoder.embed

    def noted(self: Encoder, part: list[str], *args: Any, **options: Any) -> Any:
        texts.extend(part)
        return embed(self, part, *args, **options)

    monkeypatch.setattr(Encoder, "embed", noted)
    return texts


def test_what_is_there_is_not_embedded_again(
    encoder: Encoder, tmp_path: Path, asked: list[str]
) -> None:
    embed_to(tmp_path, encoder, [*TEXTS[:10], *TEXTS[:3]], "passage", shard=5)
    assert asked == [*TEXTS[:10], *TEXTS[:3]]
    asked.clear()
    embed_to(tmp_path, encoder, [*TEXTS[:10], *TEXTS[:3], *TEXTS[10:12]], "passage", shard=5)
    assert asked == [
        *TEXTS[:3],
        *TEXTS[10:12],
    ]  # the last shard is another now, the first two are there
    asked.clear()
    embed_to(tmp_path, encoder, ["one", "two", "one", "one"], "passage")
    assert asked == ["one", "two"]  # of a shard, every distinct text once


def _embed_until_the_third(model: str, folder: str, at: Any) -> None:
    """Sets the event after the third shard's texts are embedded, and waits before it is written."""
    torch.set_num_threads(1)
    embed, begun = Encoder.embed, []

    def slow(self: Encoder, *args: Any, **options: Any) -> np.ndarray:
        begun.append(1)
        found = embed(self, *args, **options)
        if len(begun) == 3:
            at.set()
            time.sleep(60)
        return found

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Encoder, "embed", slow)
        texts = [f"passage {i}" for i in range(40)]
        embed_to(folder, Encoder.load(model), texts, "passage", shard=10)


def test_after_an_interruption_it_resumes_at_the_next_shard_to_the_same_store(
    encoder: Encoder, tmp_path: Path, asked: list[str]
) -> None:
    encoder.save(tmp_path / "model")
    at = CONTEXT.Event()
    running = start(_embed_until_the_third, str(tmp_path / "model"), str(tmp_path / "killed"), at)
    assert at.wait(250)
    running.kill()
    running.join()
    before = shards(tmp_path / "killed")
    assert len(before) == 2
    loaded, texts = Encoder.load(tmp_path / "model"), [f"passage {i}" for i in range(40)]
    embed_to(tmp_path / "killed", loaded, texts, "passage", shard=10)
    assert len(asked) == 20
    embed_to(tmp_path / "whole", loaded, texts, "passage", shard=10)
    assert shards(tmp_path / "killed") == shards(tmp_path / "whole")
    assert before.items() <= shards(tmp_path / "whole").items()


def _fill(model: str, folder: str, texts: list[str], found: Any, both: Any) -> None:
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patched:
        embedded: list[str] = []
        embed = Encoder.embed
        patched.setattr(
            Encoder,
            "embed",
            lambda self, part, *a, **o: (
                embedded.extend(part),
                time.sleep(0.05),
                embed(self, part, *a, **o),
            )[2],
        )
        encoder = Encoder.load(model)
        both.wait()  # for the other, so that neither is done before the other begins
        found.put((embedded, embed_to(folder, encoder, texts, "passage", shard=3)[:]))


def test_processes_fill_one_store_together(encoder: Encoder, tmp_path: Path) -> None:
    encoder.save(tmp_path / "model")
    found, texts = CONTEXT.Queue(), [f"passage {i}" for i in range(60)]
    both = CONTEXT.Barrier(2)
    model, store = str(tmp_path / "model"), str(tmp_path / "store")
    running = [start(_fill, model, store, texts, found, both) for _ in range(2)]
    (first, ours), (second, theirs) = found.get(timeout=250), found.get(timeout=250)
    finish(*running)
    assert sorted([*first, *second]) == sorted(texts), "a text was embedded twice"
    assert first
    assert second
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(ours, encoder.embed(texts), atol=1e-6)


def test_machines_without_a_common_disk_embed_stretches_and_copy(
    encoder: Encoder, tmp_path: Path
) -> None:
    for first in (0, 10):
        embed_to(tmp_path / "store", encoder, TEXTS[first : first + 10], "passage", shard=5)
    files = shards(tmp_path / "store")
    store = embed_to(tmp_path / "store", encoder, TEXTS[:20], "passage", shard=5)
    assert shards(tmp_path / "store") == files
    np.testing.assert_allclose(store[:], encoder.embed(TEXTS[:20]), atol=1e-6)


@pytest.mark.parametrize(
    "harm", ["a byte", "a byte of the header", "its end", "everything", "the file"]
)
def test_a_shard_that_is_not_what_was_written_is_named(
    encoder: Encoder, tmp_path: Path, harm: str
) -> None:
    store = embed_to(tmp_path, encoder, TEXTS, "passage", shard=6)
    harmed, content = store.files[2], bytearray(store.files[2].read_bytes())
    if harm == "a byte":
        content[-5] ^= 1
    elif harm == "a byte of the header":
        content[content.index(b"checksum") + 16] ^= 1
    harmed.write_bytes({"its end": content[:-7], "everything": b""}.get(harm, bytes(content)))
    if harm == "the file":
        harmed.unlink()
    with pytest.raises(
        ValueError,
        match=rf"{harmed.name} is not .*: remove it, and the same call embeds its texts again",
    ):
        Store(store.files)[:]
    harmed.unlink(missing_ok=True)
    np.testing.assert_allclose(
        embed_to(tmp_path, encoder, TEXTS, "passage", shard=6)[:], encoder.embed(TEXTS), atol=1e-6
    )


def older_version_wrote(file: Path) -> None:
    """Writes a shard again as it was written before its metadata stood under one name."""
    with safe_open(file, framework="pt") as opened:
        metadata = json.loads(opened.metadata()["hbtlib"])
    save_file(load_file(file), file, metadata=metadata)


def harm(store: Store, how: str, folder: Path, other: Encoder) -> None:
    """Does to the second shard of a store what disks and people do."""
    first, second, content = *store.files[:2], store.files[1].read_bytes()
    if how == "renamed":
        first.replace(second)
    elif how == "copied":
        second.write_bytes(first.read_bytes())
    elif how == "of another encoder":
        foreign = embed_to(folder / "foreign", other, TEXTS, "passage", shard=6)
        second.write_bytes(foreign.files[1].read_bytes())
    elif how == "of an older version":
        older_version_wrote(second)
    else:
        second.write_bytes({"cut off": content[:-9], "empty": b"", "no shard": b"x" * 99}[how])


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("renamed", "holds the vectors of other texts"),
        ("copied", "holds the vectors of other texts"),
        ("of another encoder", "holds vectors that were made otherwise"),
        ("of an older version", "does not say which texts it is of"),
        ("cut off", "is not whole"),
        ("empty", "is not whole"),
        ("no shard", "is not whole"),
    ],
)
def test_a_shard_that_is_not_the_one_wanted_is_named_and_made_again(
    tiny_encoder_factory: Any, tmp_path: Path, how: str, said: str
) -> None:
    encoder, other = tiny_encoder_factory(), changed(tiny_encoder_factory(), "weights")[0]
    store = embed_to(tmp_path / "store", encoder, TEXTS, "passage", shard=6)
    before = store[:]
    harm(store, how, tmp_path, other)
    with pytest.warns(UserWarning, match=rf"{store.files[1].name} {said}.*: it is made again"):
        again = embed_to(tmp_path / "store", encoder, TEXTS, "passage", shard=6)
    np.testing.assert_array_equal(again[:], before)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        embed_to(tmp_path / "store", encoder, TEXTS, "passage", shard=6)


def test_a_store_of_shards_that_do_not_belong_together_is_refused(
    encoder: Encoder, tmp_path: Path
) -> None:
    store = embed_to(tmp_path, encoder, TEXTS, "passage", shard=6)
    renamed = store.folder / "0123456789abcdef.safetensors"
    renamed.write_bytes(store.files[0].read_bytes())
    with pytest.raises(ValueError, match=f"{renamed.name} is not the shard of its name"):
        Store([renamed])
    older_version_wrote(store.files[1])
    with pytest.raises(ValueError, match=r"an older version wrote it\): remove it, and the same"):
        Store(store.files)
    for name, width in (("a", 3), ("b", 4)):
        part = torch.ones(2, width)
        write_shard(tmp_path / f"{name}.safetensors", part)
    with pytest.raises(ValueError, match=r"b\.safetensors has vectors of the width 4"):
        Store([tmp_path / "a.safetensors", tmp_path / "b.safetensors"])
    with pytest.raises(ValueError, match="no files were given"):
        Store([])


def test_every_flipped_bit_is_noticed(encoder: Encoder, tmp_path: Path) -> None:
    """A bit anywhere in a shard: it is refused, made again, or changes no vector."""
    store = embed_to(tmp_path, encoder, TEXTS[:4], "passage")
    [file], right = store.files, store[:]
    content = file.read_bytes()
    noticed = 0
    for place in range(0, len(content), 3):
        harmed = bytearray(content)
        harmed[place] ^= 1 << place % 8
        file.write_bytes(bytes(harmed))
        try:
            found = Store([file])[:]
        except ValueError:
            noticed += 1
            continue
        np.testing.assert_array_equal(found, right)
    assert noticed > 0.8 * len(content) / 3


def test_nothing_is_left_of_a_shard_that_could_not_be_written(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(tensors: Any, file: Path, **_: Any) -> None:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hbtlib.search.store.save_file", full)
    with pytest.raises(OSError, match=r"the disk is full: .*safetensors was not written"):
        embed_to(tmp_path, encoder, TEXTS, "passage")
    assert [file.name for file in tmp_path.rglob("*.*")] == ["about.json"]
    monkeypatch.undo()
    assert len(embed_to(tmp_path, encoder, TEXTS, "passage")) == len(TEXTS)


@pytest.mark.parametrize(
    ("options", "texts", "said"),
    [
        ({"dtype": "int8"}, TEXTS, "dtype is 'int8'"),
        ({}, [], "no passage texts to embed"),
        ({"shard": 0}, TEXTS, "shard is 0; it must be 1 or more"),
        ({"shard": 1.5}, TEXTS, "shard is 1.5; it must be a whole number"),
        ({"role": "doc"}, TEXTS, "role is 'doc'"),
        ({"precision": "fp8"}, TEXTS, "precision is 'fp8'"),
    ],
)
def test_refuses_what_cannot_be(
    encoder: Encoder, tmp_path: Path, options: dict[str, Any], texts: list[str], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        embed_to(tmp_path, encoder, texts, **{"role": "passage", **options})
    assert not shards(tmp_path)


def test_a_vector_that_is_not_finite_is_not_stored(encoder: Encoder, tmp_path: Path) -> None:
    encoder.settings = encoder.settings._replace(normalize=False)
    encoder.model.embeddings.LayerNorm.weight.data *= 1e30
    with pytest.raises(FloatingPointError, match="the passage 'passage 0 in aa' is not finite in"):
        embed_to(tmp_path, encoder, TEXTS, "passage", dtype="float16")
    assert not shards(tmp_path)


def test_ranks_from_a_store_are_those_without(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark, _, _ = random_benchmark(3, languages=3)
    ranks = hbt.rank(encoder, benchmark)
    pd.testing.assert_frame_equal(hbt.rank(encoder, benchmark, store=tmp_path, memory=1e-5), ranks)
    vectors = hbt.embed(encoder, benchmark, store=tmp_path)
    pd.testing.assert_frame_equal(
        hbt.top(*vectors, benchmark), hbt.top(*hbt.embed(encoder, benchmark), benchmark)
    )
    monkeypatch.setenv("HBT_EMBEDDINGS", str(tmp_path))
    by_default = hbt.embed(encoder, benchmark)
    assert [type(part) for part in by_default] == [Store, Store]
    pd.testing.assert_frame_equal(
        hbt.probes.points(*by_default, benchmark),
        hbt.probes.points(*(np.asarray(part) for part in vectors), benchmark),
    )
    monkeypatch.delenv("HBT_EMBEDDINGS")
    without = hbt.rank(encoder, benchmark, remove="mean")
    pd.testing.assert_frame_equal(hbt.rank_vectors(*vectors, benchmark, remove="mean"), without)


def made(folder: Path, n: int, width: int, shard: int) -> Store:
    """A store of random float16 vectors, made a shard at a time."""
    folder.mkdir()
    files = []
    for first in range(0, n, shard):
        part = torch.from_numpy(
            np.random.default_rng(first).standard_normal((shard, width)).astype(np.float16)
        )
        files.append(folder / f"{first}.safetensors")
        write_shard(files[-1], part)
    return Store(files)


def _anonymous_mb() -> float:
    """Memory of this process that is no file's."""
    return (
        sum(
            int(line.split()[1])
            for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith("RssAnon")
        )
        / 1024
    )


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's count of memory")
def test_memory_is_bounded_whatever_the_pool_s_size(tmp_path: Path) -> None:
    """60,000 passages take 92 MB as float32, their scores for 400 queries 96; 20 MB are given."""
    from hbtlib.search.exact import nearest

    store = made(tmp_path / "store", 60_000, 384, 15_000)
    queries = np.random.default_rng(1).standard_normal((400, 384)).astype(np.float32)
    nearest(queries[:5], store, 3, memory=0.02)  # compiled, and the libraries' own buffers made
    before, most = _anonymous_mb(), 0.0
    read = Store.__getitem__

    def watched(self: Store, rows: Any) -> Any:
        nonlocal most
        most = max(most, _anonymous_mb())
        return read(self, rows)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Store, "__getitem__", watched)
        nearest(queries, store, 10, memory=0.02)
    assert most - before < 40  # what libraries take for themselves, and do not give back, included
