"""A study that needs no files: two made-up arms on a made-up benchmark of three languages."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from hbtlib.data.benchmark import ALL, Benchmark, judge_parallel
from hbtlib.data.pairs import Pairs
from hbtlib.explore.questions import Texts
from hbtlib.search.ranking import rank_vectors

LANGUAGES = ("de", "en", "zh")
HOSTILE = '<script>alert("x")</script>'
QUESTIONS = 5


def benchmark() -> Benchmark:
    rows = [(f"q{i}", code) for i in range(QUESTIONS) for code in LANGUAGES]
    queries = pd.DataFrame(rows, columns=["question_id", "language"])
    queries["query_id"] = queries["question_id"] + ":" + queries["language"]
    queries["text"] = [f"{HOSTILE} question {q} in {code}" for q, code in rows]
    passages = queries[["question_id", "language"]].assign(
        passage_id="p" + queries["query_id"], text=[f"<b>{q} answers in {code}" for q, code in rows]
    )
    judgements = judge_parallel(queries, passages)
    passages = passages.drop(columns="question_id")
    return Benchmark("small", queries, passages, judgements)


def scores(seed: int) -> np.ndarray:
    """(queries, passages) scores of an arm; one language is liked more than the others."""
    n = QUESTIONS * len(LANGUAGES)
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, n)) + np.tile([0.0, 1.0, 0.3], QUESTIONS)


def ranks_of(asked: Benchmark, seed: int) -> pd.DataFrame:
    """The ranks table, made by the library from vectors whose products are the scores."""
    n = len(asked.queries)
    queries, passages = np.eye(n, dtype=np.float32), scores(seed).T.astype(np.float32)
    return rank_vectors(queries, np.ascontiguousarray(passages), asked)


def top_of(asked: Benchmark, seed: int, k: int = 4) -> pd.DataFrame:
    """The first passages of each query, made here from the scores."""
    rows = []
    for q, row in enumerate(scores(seed).astype(np.float32)):
        for rank, p in enumerate(np.argsort(-row)[:k], start=1):
            found = asked.passages.iloc[p]
            rows.append(
                (asked.queries["query_id"][q], rank, found["passage_id"], found["language"])
            )
    return pd.DataFrame(rows, columns=["query_id", "rank", "passage_id", "passage_language"])


class SmallStudy:
    """What `hbtlib.explore.studies.Explored` is, for this study."""

    question = f"Does it {HOSTILE}?"
    benchmarks = ("small",)
    benchmark = "small"
    trained = ["de", "en"]  # noqa: RUF012
    arms = ["one", f"two {HOSTILE}", "alone"]  # noqa: RUF012
    own_arms = arms[:2]

    def __init__(self, study: str = "small", benchmark_name: str = "") -> None:
        self.name = study
        self.asked = benchmark()
        self._ranks = {arm: ranks_of(self.asked, seed) for seed, arm in enumerate(self.arms)}
        self.runs = {arm: SimpleNamespace(name=f"{arm}-seed0") for arm in self.arms}
        columns = ["query_id", "question_id", "language", "text"]
        passages = dict(
            zip(self.asked.passages["passage_id"], self.asked.passages["text"], strict=True)
        )
        self.texts = Texts(self.asked.queries[columns], passages)
        self.pairs = (Pairs.from_benchmark(self.asked), "")

    def ranks(self, arm: str) -> pd.DataFrame:
        return self._ranks[arm]

    def top(self, arm: str) -> pd.DataFrame | None:
        return None if arm == "alone" else top_of(self.asked, self.arms.index(arm))


def full_ranking(asked: Benchmark, seed: int, query_id: str) -> pd.DataFrame:
    """Every passage with its rank among all and among its language's, counted one by one."""
    q = int(np.flatnonzero(asked.queries["query_id"] == query_id)[0])
    table = asked.passages.assign(score=scores(seed).astype(np.float32)[q])
    table["rank"] = table["score"].rank(ascending=False)
    table["own_rank"] = table.groupby("language")["score"].rank(ascending=False)
    gold = asked.judgements[asked.judgements["query_id"] == query_id]["passage_id"]
    table["relevant"] = table["passage_id"].isin(gold)
    return table.set_index("passage_id").sort_values("rank")


__all__ = ["ALL", "HOSTILE", "LANGUAGES", "SmallStudy", "benchmark", "full_ranking"]
