"""Batches, ranks, a short training and run names are what they were before the move into rooms.

`recorded.json` holds the values that commit f882c83 gave. Those of the short trainings are of
commit d4bf5b6, since which all chunks share one lookup and all layers are oneDNN's. It is written
anew only when a change is meant to change numbers: `python tests/test_recorded.py`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import random_benchmark

import hbtlib as hbt

RECORDED = Path(__file__).with_name("recorded.json")
STEPS = 6


def digest(*arrays: Any) -> str:
    """A short fingerprint of arrays of numbers or texts, whatever their width in memory."""
    text = json.dumps([np.asarray(array).astype(str).tolist() for array in arrays])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def pairs(name: str, n: int, fill: float, seed: int) -> hbt.Pairs:
    """Pairs in four languages of which each text exists with the probability `fill`."""
    rng = np.random.default_rng(seed)
    languages = ["ar", "de", "en", "zh"]
    texts: dict[str, list[dict[str, str]]] = {"question": [], "passage": []}
    for i in range(n):
        for role, forms in texts.items():
            there = rng.random(len(languages)) < fill
            there[rng.integers(len(languages))] = True
            forms.append(
                {
                    code: f"{role} {i} of {name} in {code}"
                    for code, stands in zip(languages, there, strict=True)
                    if stands
                }
            )
    return hbt.Pairs.from_texts(name, texts["question"], texts["passage"])


def batches() -> dict[str, str]:
    """A fingerprint of the first batches of many plans."""
    full, partial = pairs("full", 90, 1.1, 1), pairs("partial", 300, 0.5, 2)
    plans: dict[str, hbt.BatchPlan] = {}
    for strategy in hbt.strategies.STRATEGIES:
        plans[f"{strategy}, full"] = hbt.BatchPlan(full, strategy, batch_size=7, seed=3)
        plans[f"{strategy}, partial"] = hbt.BatchPlan(partial, strategy, batch_size=12, seed=3)
    for mix in ("batch", "pair"):
        for alpha in (0.0, 0.25, 0.5, 1.0):
            plans[f"hybrid by {mix}, alpha {alpha}"] = hbt.BatchPlan(
                partial, "hybrid", alpha, 10, 4, mix=mix
            )
        plans[f"hybrid by {mix}, linear"] = hbt.BatchPlan(
            partial, "hybrid", {"linear": [1, 0]}, 10, 4, mix=mix, steps=30
        )
    for name, sources in {
        "size": "size",
        "evenly": 0.0,
        "weights": {"full": 1.0, "partial": 2.0},
    }.items():
        plans[f"two sources, {name}"] = hbt.BatchPlan(
            [full, partial], "hybrid", 0.5, 10, 5, sources=sources
        )
    plans["weighted languages"] = hbt.BatchPlan(
        partial, "x-y", 0.5, 10, 6, language_weights={"en": 4.0, "zh": 0.5}
    )
    plans["three languages"] = hbt.BatchPlan(
        partial, "hybrid", 0.5, 10, 6, languages=["zh", "de", "ar"]
    )
    found = {}
    for name, plan in plans.items():
        drawn = [plan[t] for t in range(2 * len(plan))]
        fields = [
            [getattr(batch, field) for batch in drawn] for field in ("source", "kind", "alpha")
        ]
        arrays = [
            np.concatenate([getattr(batch, field) for batch in drawn])
            for field in ("ids", "query_languages", "passage_languages")
        ]
        found[name] = digest(*fields, *arrays, [len(plan), plan.usable])
    return found


def ranks() -> dict[str, Any]:
    """Fingerprints of ranks of vectors whose products are exact everywhere, and measures."""
    benchmark, queries, passages = random_benchmark(7, languages=4, questions=40, width=6)
    other = np.roll(queries, 1, axis=1) * 0.5 + queries
    tables = {
        "plain": hbt.rank_vectors(queries, passages, benchmark),
        "other": hbt.rank_vectors(other, passages, benchmark),
        "little memory": hbt.rank_vectors(queries, passages, benchmark, memory=1e-4),
    }
    found: dict[str, Any] = {
        name: digest(*(table[column] for column in table)) for name, table in tables.items()
    }
    for remove in ("mean", 1):
        table = hbt.rank_vectors(queries, passages, benchmark, remove=remove)
        found[f"without {remove}"] = float(table["rank"].mean())
    top = hbt.top(queries, passages, benchmark, k=5)
    found["top"] = digest(*(top[column] for column in top))
    found["columns"] = {"ranks": list(tables["plain"]), "top": list(top)}
    measured = hbt.measure(
        tables["plain"], ["mAP", "MRR@10", "nDCG@10", "R@1", "mAP@10", "rank-distance"]
    )
    found["measure"] = numbers(measured.groupby(["setting", "metric"])["value"].mean())
    bias = hbt.bias(tables["plain"], top)
    found["bias"] = numbers(bias.groupby("measure")["value"].mean())
    found["columns"] |= {"measure": list(measured), "bias": list(bias)}
    compared = hbt.compare(tables["plain"], tables["other"], permutations=500, samples=500)
    found["compare"] = {
        f"{setting} {column}": float(value)
        for setting, row in compared.set_index("setting").iterrows()
        for column, value in row.items()
        if column != "metric"
    }
    cells = hbt.compare_pairs(tables["plain"], tables["other"], permutations=500)
    found["compare_pairs"] = numbers(cells.set_index(["query_language", "pool"])["p_holm"])
    found["columns"] |= {"compare": list(compared), "compare_pairs": list(cells)}
    return found


def numbers(values: pd.Series) -> dict[str, float]:
    """A series as JSON: its index as text, NaN as −1."""
    return {
        " ".join(map(str, key if isinstance(key, tuple) else (key,))): float(value)
        for key, value in values.fillna(-1.0).items()
    }


def training(folder: Path) -> dict[str, Any]:
    """The losses of a few steps with every objective, and where the small encoder's vectors end."""
    trained_on = hbt.load_pairs("worldfacts", languages=["de", "en", "hi", "zh"]).sample(200)
    held_out = hbt.load_pairs(
        "worldfacts", languages=["de", "en", "hi", "zh"], split="validation"
    ).sample(40)
    encoder = hbt.Encoder.load("small", device="cpu")
    texts = trained_on.texts(np.arange(5), "de", "query")
    found: dict[str, Any] = {
        "tokens": digest(
            np.concatenate(
                [chunk["input_ids"].ravel() for chunk in encoder.tokenize(texts, "query")["chunks"]]
            )
        ),
        "mined": digest(
            *hbt.mine_negatives(trained_on, encoder, n=2, ranks=(1, 20)).negatives(
                np.arange(5), "hi"
            )
        ),
    }
    for objective in hbt.objectives.OBJECTIVES:
        model = hbt.train(
            trained_on,
            encoder,
            output=folder / objective,
            objective=objective,
            steps=STEPS,
            batch_size=16,
            strategy="en-en" if objective == "clear" else "hybrid",
            seed=2,
            learning_rate=1e-3,
            languages=None if objective == "clear" else ["de", "en", "hi", "zh"],
            validation=held_out,
            evaluate_every=3,
            log_every=1,
        )
        log = pd.read_parquet(folder / objective / "training_log.parquet")
        found[objective] = {
            "loss": log["loss"].tolist(),
            "tokens": log["tokens"].tolist(),
            "columns": list(log),
            "vector": model.embed(texts[:1], "query")[0, :4].tolist(),
        }
    return found


def names() -> dict[str, list[str]]:
    """The run names of every study whose results are committed."""
    return {
        name: [run.name for run in hbt.study.load(name).runs]
        for name in (
            "worldfacts",
            "worldfacts-rivals",
            "worldfacts-tuning",
            "worldfacts-x-en",
            "factorial",
            "xquad-zero-shot",
            "xquad-zero-shot-rivals",
            "xquad-zero-shot-tuning",
            "rivals-tuning",
            "mtop",
            "mtop-multilingual",
            "mtop-tuning",
            "pretraining",
            "pretraining-text",
            "pretraining-tuning",
            "multilingual",
            "paper",
            "typology",
            "typology-all",
            "low-resource",
            "low-resource-sweep",
            "low-resource-tuning",
            "scaling",
            "scaling-tuning",
        )
    }


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return found


def test_the_batches_are_those_recorded(recorded: dict[str, Any]) -> None:
    assert batches() == recorded["batches"]


def test_the_ranks_are_those_recorded(recorded: dict[str, Any]) -> None:
    found = ranks()
    assert found.keys() == recorded["ranks"].keys()
    for name, value in recorded["ranks"].items():
        assert found[name] == (
            pytest.approx(value, nan_ok=True)
            if not isinstance(value, str) and name != "columns"
            else value
        ), name


def test_a_short_training_is_the_one_recorded(recorded: dict[str, Any], tmp_path: Path) -> None:
    found = training(tmp_path)
    assert found.keys() == recorded["training"].keys()
    for name, value in recorded["training"].items():
        if isinstance(value, str):
            assert found[name] == value, name
            continue
        assert found[name]["columns"] == value["columns"], name
        assert found[name]["tokens"] == value["tokens"], name
        assert found[name]["loss"] == pytest.approx(value["loss"], rel=1e-4), name
        assert found[name]["vector"] == pytest.approx(value["vector"], abs=1e-3), name


def test_the_run_names_are_those_recorded(recorded: dict[str, Any]) -> None:
    assert names() == recorded["names"]


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        content = {
            "batches": batches(),
            "ranks": ranks(),
            "training": training(Path(scratch)),
            "names": names(),
        }
    RECORDED.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
