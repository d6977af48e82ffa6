"""Ranks drawn at random for the tests of significance."""

from __future__ import annotations

import numpy as np
import pandas as pd


def ranks_of(
    seed: int, *, questions: int = 30, languages: int = 3, noise: float = 1.0, shift: float = 0.0
) -> pd.DataFrame:
    """Ranks as `hbt.rank` gives them, drawn at random: one relevant passage a language.

    Questions are hard or easy in all languages alike.
    """
    rng, hard = np.random.default_rng(seed), np.random.default_rng(99).normal(0, 1, questions)
    codes = [chr(97 + i) * 2 for i in range(languages)]
    rows = []
    for q in range(questions):
        for asked in codes:
            for code in codes:
                at = 1 + int(np.exp(np.clip(2 + hard[q] + noise * rng.normal() - shift, 0, 6)))
                rows += [
                    (
                        f"q{q}-{asked}",
                        f"q{q}",
                        asked,
                        pool,
                        f"p{q}-{code}",
                        at,
                        1 if pool != "all" else languages,
                    )
                    for pool in (code, "all")
                ]
    names = [
        "query_id",
        "question_id",
        "query_language",
        "pool",
        "passage_id",
        "rank",
        "n_relevant",
    ]
    table = pd.DataFrame(rows, columns=names).assign(grade=1, n_passages=500 * languages)
    # Two passages of a query never share a rank.
    table["rank"] += table.groupby(["query_id", "pool"]).cumcount() * 500
    return table
