"""The model card: what was trained on and how, as the hub reads it, and its code works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.training.trainer import train

TEXTS = ["question 1 in aa", "passage", "in in in in bb 3 4 5 question"]


def card(folder: Path) -> tuple[dict[str, Any], str]:
    """Its YAML head and the rest."""
    _, head, text = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(head), text


def test_says_what_was_trained_and_loads_with_the_same_vectors(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    encoder = train(
        tiny_pairs,
        tiny_encoder_factory(),
        output=tmp_path,
        alpha={"linear": [1, 0]},
        batch_size=4,
        steps=6,
        evaluate_every=3,
        learning_rate=1e-3,
        embedding_learning_rate=2e-2,
        validation=tiny_pairs,
        seed=7,
    )
    head, text = card(tmp_path / "model")
    assert head["library_name"] == "sentence-transformers"
    assert head["language"] == ["aa", "bb", "cc"]
    rows = dict(re.findall(r"^\| (.+) \| (.+) \|$", text, re.MULTILINE))
    assert rows == rows | {
        "pairs": rows["pairs"],
        "languages": '["aa", "bb", "cc"]',
        "strategy": "hybrid",
        "alpha": '{"linear": [1, 0]}',
        "mix": "batch",
        "batch_size": "4",
        "steps": "6",
        "learning_rate": "0.001",
        "embedding_learning_rate": "0.02",
        "temperature": "0.05",
        "objective": "info-nce",
        "precision": "fp32",
        "seed": "7",
    }
    assert rows["pairs"].startswith("tiny, 12 ids, ")
    assert rows["best_step"] in ("3", "6")
    assert "lora" not in rows
    peer = SentenceTransformer(str(tmp_path / "model"), device="cpu")
    for role in ("query", "passage"):
        np.testing.assert_allclose(
            encoder.embed(TEXTS, role), peer.encode(TEXTS, prompt_name=role), atol=1e-6
        )


@pytest.mark.parametrize("library", [0, 1])
def test_the_code_it_shows_runs(tiny_encoder_factory: Any, tmp_path: Path, library: int) -> None:
    encoder = tiny_encoder_factory()
    encoder.save(tmp_path)
    text = card(tmp_path)[1]
    assert "No training by hbtlib" in text
    assert "Before a query stands `Query: `, before a passage `Passage: `" in text
    code = re.findall(r"```python\n(.+?)```", text, re.DOTALL)[library].replace(
        "FOLDER", str(tmp_path)
    )
    names: dict[str, Any] = {"queries": TEXTS[:2], "passages": TEXTS}
    exec(code, names)
    np.testing.assert_allclose(
        names["scores"], encoder.embed(TEXTS[:2], "query") @ encoder.embed(TEXTS).T, atol=1e-6
    )


def test_a_model_loaded_and_saved_again_has_one(tiny_encoder_factory: Any, tmp_path: Path) -> None:
    tiny_encoder_factory().save(tmp_path / "a")
    Encoder.load(tmp_path / "a", device="cpu").save(tmp_path / "b")
    assert card(tmp_path / "a") == card(tmp_path / "b")
