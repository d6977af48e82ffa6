"""A tiny benchmark and fake encoders for the tests of the study `encoders`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

import hbtlib as hbt

LANGUAGES = ("de", "en", "es")
QUESTIONS = 8


def benchmark(name: str = "tiny", *, relevant: str = "all") -> hbt.Benchmark:
    """Eight questions in three languages; relevant are all translations, or the own one alone."""
    ids = [(i, code) for i in range(QUESTIONS) for code in LANGUAGES]
    queries = pd.DataFrame(
        {
            "query_id": [f"q{i}-{code}" for i, code in ids],
            "question_id": [f"q{i}" for i, _ in ids],
            "language": [code for _, code in ids],
            "text": [f"{code} question {i}" for i, code in ids],
        }
    )
    passages = pd.DataFrame(
        {
            "passage_id": [f"p{i}-{code}" for i, code in ids],
            "language": [code for _, code in ids],
            "text": [f"{code} passage {i}" for i, code in ids],
        }
    )
    judged = [
        (f"q{i}-{code}", f"p{i}-{other}")
        for i, code in ids
        for other in LANGUAGES
        if relevant == "all" or other == code
    ]
    return hbt.Benchmark(
        name, queries, passages, pd.DataFrame(judged, columns=["query_id", "passage_id"])
    )


def texts(count: int = 12) -> dict[str, list[str]]:
    """Texts that a map is fitted on."""
    return {code: [f"{code} sentence {i}" for i in range(count)] for code in LANGUAGES}


def vectors(texts: Sequence[str], language: float = 1.0, width: int = 12) -> np.ndarray:
    """A vector of a text's number (what it is about), of its words, and of its language."""
    found = []
    for text in texts:
        code, *_, number = f"{text} -".split()[:3]
        about = _noise(f"about {number}", width)
        found.append(about + 0.3 * _noise(text, width) + language * _noise(code, width))
    return np.array(found, np.float32)


def _noise(word: str, width: int) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "little")
    return np.random.default_rng(seed).standard_normal(width)
