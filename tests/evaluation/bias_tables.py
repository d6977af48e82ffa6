"""Ranks tables for the tests of language bias: written by hand, drawn at random, or on a line."""

from __future__ import annotations

import numpy as np
import pandas as pd

import hbtlib as hbt

Found = dict[tuple[str, str], float]


def as_dict(table: pd.DataFrame) -> Found:
    assert list(table.columns) == ["measure", "query_language", "value"]
    found = {(r.measure, r.query_language): r.value for r in table.itertuples()}
    assert len(found) == len(table), "a row stands twice"
    return found


def table(pool: int, ranked: dict[tuple[str, str], dict[str, int]]) -> pd.DataFrame:
    """Ranks in a pool of so many, from (question, query language) → passage id → rank.

    The first two letters of a passage's id are its language.
    """
    rows = [
        {
            "benchmark": "by hand",
            "query_id": f"{question}-{code}",
            "question_id": question,
            "query_language": code,
            "pool": "all",
            "passage_id": f"{question}-{passage}",
            "passage_language": passage[:2],
            "rank": rank,
            "score": 1 - rank / pool,
            "grade": 1,
            "n_passages": pool,
            "n_relevant": len(places),
        }
        for (question, code), places in ranked.items()
        for passage, rank in places.items()
    ]
    return pd.DataFrame(rows)


def random_ranks(
    seed: int, *, questions: int, languages: int, pool: int, each: int = 1
) -> pd.DataFrame:
    """A random ranking for every query, with `each` relevant passages a language."""
    rng = np.random.default_rng(seed)
    codes = [f"{chr(97 + i)}{chr(97 + i)}" for i in range(languages)]
    names = [f"{code}{i}" for code in codes for i in range(each)]
    return table(
        pool,
        {
            (f"q{i}", code): dict(
                zip(names, (rng.permutation(pool)[: len(names)] + 1).tolist(), strict=True)
            )
            for i in range(questions)
            for code in codes
        },
    )


def line(
    query_languages: list[str], directions: list[int], judged: list[list[str]]
) -> pd.DataFrame:
    """Ranks of passages on a line, en-1 en-2 en-3 de-1 de-2 de-3.

    Direction 1 ranks them in this order, direction −1 from the other end.
    """
    passages = pd.DataFrame(
        {"passage_id": ["en-1", "en-2", "en-3", "de-1", "de-2", "de-3"], "text": "…"}
    )
    passages["language"] = passages["passage_id"].str[:2]
    queries = pd.DataFrame(
        {
            "query_id": [f"q{i}" for i in range(len(directions))],
            "language": query_languages,
            "text": "?",
        }
    )
    judgements = pd.DataFrame(
        [(f"q{i}", passage) for i, found in enumerate(judged) for passage in found],
        columns=["query_id", "passage_id"],
    )
    benchmark = hbt.Benchmark("line", queries, passages, judgements)
    return hbt.rank_vectors(np.array(directions)[:, None], np.arange(6, 0, -1)[:, None], benchmark)


def pools(sizes: dict[str, int], top: dict[str, list[str]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ranks of one query a language in all pools, and a top of passages in these languages."""
    joint = table(
        sum(sizes.values()), {("q", code): {c: i + 1 for i, c in enumerate(sizes)} for code in top}
    )
    own = joint["passage_language"]
    each = joint.assign(pool=own, rank=1, n_passages=own.map(sizes), n_relevant=1)
    rows = [
        {
            "benchmark": "by hand",
            "query_id": f"q-{code}",
            "query_language": code,
            "rank": i,
            "passage_id": f"p{i}",
            "passage_language": c,
        }
        for code, found in top.items()
        for i, c in enumerate(found, 1)
    ]
    return pd.concat([joint, each]), pd.DataFrame(rows)
