"""The study at the paper's scale: what its YAML asks, and its first steps on random weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch

from hbtlib import study

REPOSITORY = Path(__file__).resolve().parents[2]
WEIGHTS = {"FacebookAI/xlm-roberta-base": 277_453_056, "sentence-transformers/LaBSE": 470_926_848}


def test_it_asks_what_is_published() -> None:
    paper = study.load("paper")
    assert len(paper.runs) == 18
    assert {run.parameters["encoder"] for run in paper.runs} == set(WEIGHTS)
    assert {run.parameters["strategy"] for run in paper.runs} == {"x-x-mono", "x-y", "hybrid"}
    for run in paper.runs:
        asked = run.parameters
        assert (asked["batch_size"], asked["learning_rate"], asked["weight_decay"]) == (
            100,
            3e-5,
            1e-2,
        )
        assert (asked["alpha"], asked["validation"], asked["mix"]) == (0.5, "en-en", "batch")
        assert asked["languages"].split() == ["ar", "de", "en", "es", "hi", "ru", "th", "tr", "zh"]
        assert asked["embedding_learning_rate"] is None


def shaped(name: str, folder: Path) -> int:
    """Makes an encoder of the shape of another, with random weights and WorldFacts' tokenizer.

    Returns the number of its weights.
    """
    from sentence_transformers.sentence_transformer.modules import Dense
    from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

    from hbtlib.encoders.encoder import Encoder
    from hbtlib.encoders.parts import Settings

    tokenizer = Encoder.load("small").tokenizer
    torch.manual_seed(0)
    if name == "FacebookAI/xlm-roberta-base":
        config = XLMRobertaConfig(
            vocab_size=250_002, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5
        )
        made = Encoder(XLMRobertaModel(config, add_pooling_layer=False), tokenizer, Settings())
    else:
        config = BertConfig(
            vocab_size=501_153, max_position_embeddings=512, layer_norm_eps=1e-12, pad_token_id=1
        )
        made = Encoder(
            BertModel(config, add_pooling_layer=False),
            tokenizer,
            Settings(pooling="cls"),
            [Dense(768, 768)],
        )
    made.save(folder)
    return sum(p.numel() for p in made.parameters())


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize(("name", "weights"), WEIGHTS.items())
def test_its_first_steps(
    name: str, weights: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two steps on batches of 100 WorldFacts pairs in nine languages, then ranks in two languages.

    It takes two and a half minutes and 10 GiB for each encoder, on two cores.
    """
    papermill = pytest.importorskip("papermill")
    shutil.copytree(REPOSITORY / "notebooks", tmp_path / "notebooks")
    assert shaped(name, tmp_path / "encoder") == weights
    asked = [r.parameters for r in study.load("paper").runs]
    hybrid = next(p for p in asked if (p["encoder"], p["strategy"]) == (name, "hybrid"))
    here = {
        "encoder": str(tmp_path / "encoder"),
        "pairs": "worldfacts",
        "pairs_options": {},
        "benchmark": "worldfacts",
        "evaluated": "de el",
        "steps": 2,
        "evaluate_every": 2,
        "patience": None,
        "probes": "",
        "overlap": "refuse",
    }
    monkeypatch.setenv("HBT_ROOT", str(tmp_path))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    papermill.execute_notebook(
        str(study.notebook_file("train")),
        str(tmp_path / "out.ipynb"),
        cwd=str(tmp_path),
        parameters={**hybrid, **here, "study": "first-steps", "folder": None},
    )
    (folder,) = (tmp_path / "results" / "first-steps").iterdir()
    log = pd.read_parquet(folder / "training_log.parquet")
    assert log["validation_loss"].notna().any()
    ranks = pd.read_parquet(folder / "ranks.parquet")
    assert set(ranks["query_language"]) == {"de", "el"}
    print(log, json.loads((folder / "environment.json").read_text()), sep="\n")
