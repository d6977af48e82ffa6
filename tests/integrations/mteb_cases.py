"""A small benchmark, a model, and a task such as mteb has them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata
from sentence_transformers import SentenceTransformer

from hbtlib.data.benchmark import Benchmark
from hbtlib.encoders.small import small_encoder, train_tokenizer

CODES = ("de", "el", "en")
PAIR = ("de", "en")


def benchmark(questions: int = 8) -> Benchmark:
    """Each question in two languages, its passage in them, and as many other passages."""
    rows = [(f"{code}{i}", f"q{i}", code) for code in PAIR for i in range(questions)]
    queries = pd.DataFrame(rows, columns=["query_id", "question_id", "language"])
    queries["text"] = [f"question {id_[2:]} in {id_[:2]}" for id_ in queries["query_id"]]
    passages = pd.DataFrame(
        [
            (f"{code}-p{i}", code, f"passage {i} in {code}")
            for code in PAIR
            for i in range(2 * questions)
        ],
        columns=["passage_id", "language", "text"],
    )
    judgements = pd.DataFrame(
        [(query, f"{code}-p{question[1:]}") for query, question, _ in rows for code in PAIR],
        columns=["query_id", "passage_id"],
    )
    return Benchmark("small", queries, passages, judgements)


def model(folder: Path) -> SentenceTransformer:
    """A model with random weights and two prompts."""
    texts = benchmark()
    words = [*texts.queries["text"], *texts.passages["text"], "Query:", "Passage:"]
    encoder = small_encoder(train_tokenizer(words, 200), width=32, heads=2, dropout=0.0).to("cpu")
    encoder.save(folder)
    return SentenceTransformer(str(folder), device="cpu")


class Task(AbsTaskRetrieval):
    """A task of mteb with its data given: subset → corpus, queries, relevant_docs."""

    def __init__(
        self, data: dict[str, Any], languages: Any, name: str = "Given", **metadata: Any
    ) -> None:
        self.described = TaskMetadata(
            **{
                "name": name,
                "description": "given",
                "dataset": {"path": "given/given", "revision": "1"},
                "type": "Retrieval",
                "category": "t2t",
                "eval_splits": ["test"],
                "eval_langs": languages,
                "main_score": "ndcg_at_10",
            }
            | metadata
        )
        self.given = data
        super().__init__()

    @cached_property
    def metadata(self) -> TaskMetadata:  # type: ignore[override]
        return self.described

    def load_data(self, num_proc: int | None = None, **kwargs: Any) -> None:
        self.dataset = {
            subset: {
                "test": {
                    "corpus": Dataset.from_list(data["corpus"]),
                    "queries": Dataset.from_list(data["queries"]),
                    "relevant_docs": data["relevant_docs"],
                    "top_ranked": data.get("top_ranked"),
                }
            }
            for subset, data in self.given.items()
        }
        self.data_loaded = True


def of_languages(codes: tuple[str, ...] = CODES, questions: int = 6) -> dict[str, Any]:
    """A subset for each language, with the same ids in all."""
    rng = np.random.default_rng(3)
    relevant = rng.permutation(questions)
    return {
        code: {
            "corpus": [
                {"id": f"c{i}", "title": f"title {i}", "text": f"passage {i} in {code}"}
                for i in range(2 * questions)
            ],
            "queries": [
                {"id": f"q{i}", "text": f"question {i} in {code}"} for i in range(questions)
            ],
            "relevant_docs": {f"q{i}": {f"c{relevant[i]}": 1} for i in range(questions)},
        }
        for code in codes
    }


LANGUAGES = {"de": ["deu-Latn"], "el": ["ell-Grek"], "en": ["eng-Latn"]}
