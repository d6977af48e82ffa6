"""The small encoder's tokenizer is trained once, and a damaged one is trained anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from hbtlib.data.worldfacts import facts as worldfacts
from hbtlib.encoders import small_tokenizer
from hbtlib.encoders.small_tokenizer import train_tokenizer, worldfacts_tokenizer

TEXTS = ["Which city is it?", "Welche Stadt ist es?", "It is Nairobi.", "Es ist Nairobi."]
FACTS = pd.DataFrame(
    [
        dict(zip(("query_en", "query_de", "passage_en", "passage_de"), TEXTS, strict=True))
        | {"split": split}
        for split in ("train", "test")
    ]
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and WorldFacts as four texts."""
    monkeypatch.setenv("HBT_CACHE", str(tmp_path))
    monkeypatch.setattr(worldfacts, "table", lambda: FACTS)
    return tmp_path


def written(tokenizer: object) -> str:
    return tokenizer.backend_tokenizer.to_str()  # type: ignore[attr-defined]


def kept_file(cache: Path) -> Path:
    (file,) = cache.glob("worldfacts-*/tokenizer-*.json")
    return file


def test_is_trained_once_and_read_back_the_same(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = worldfacts_tokenizer()
    monkeypatch.setattr(worldfacts, "table", lambda: pytest.fail("trained a second time"))
    kept = worldfacts_tokenizer()
    assert written(kept) == written(trained) == written(train_tokenizer(TEXTS, 16_000))
    assert kept(TEXTS)["input_ids"] == trained(TEXTS)["input_ids"]
    assert kept.special_tokens_map == trained.special_tokens_map
    assert [f.name for f in cache.rglob("*") if f.is_file()] == [kept_file(cache).name]


def of_another_text(content: bytes) -> bytes:
    return json.dumps({**json.loads(content), "tokenizer": "{}"}).encode()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-100],
        lambda content: b"\xff" + content,
        lambda content: b"[]",
        lambda content: b"{}",
        lambda content: b'{"tokenizer": 3}',
        lambda content: b'{"tokenizer": "\\ud800", "checksum": ""}',
        lambda content: content.replace(b"Wh", b"Wi", 1),
        of_another_text,
    ],
)
def test_a_damaged_one_is_trained_anew(cache: Path, damage: Callable[[bytes], bytes]) -> None:
    trained = written(worldfacts_tokenizer())
    file = kept_file(cache)
    whole = file.read_bytes()
    assert damage(whole) != whole
    file.write_bytes(damage(whole))
    assert written(worldfacts_tokenizer()) == trained
    assert file.read_bytes() == whole


def test_another_version_of_tokenizers_trains_anew(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worldfacts_tokenizer()
    monkeypatch.setattr("tokenizers.__version__", "another")
    worldfacts_tokenizer()
    assert len(list(cache.glob("worldfacts-*/tokenizer-*.json"))) == 2


def test_without_a_place_to_keep_it_it_is_trained_all_the_same(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache / "file").touch()
    monkeypatch.setenv("HBT_CACHE", str(cache / "file"))
    assert written(worldfacts_tokenizer()) == written(train_tokenizer(TEXTS, 16_000))


def test_its_module_is_a_part_of_the_key(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worldfacts_tokenizer()
    other = cache / "other.py"
    other.write_text("# changed")
    monkeypatch.setattr(small_tokenizer, "__file__", str(other))
    worldfacts_tokenizer()
    assert len(list(cache.glob("worldfacts-*/tokenizer-*.json"))) == 2
