"""WorldFacts: parallel questions and passages about the world's territories, made from CLDR.

A question asks for one relation of one subject and has one fact for its answer, so each query has
one relevant passage in each language, as in XQuAD-R. The other passages of a pool share the
territory (its other relations, its other languages) or the relation (other territories) with it.
Nothing is downloaded: `hbtlib.data.worldfacts` makes the texts at first use. The licence is
Unicode's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hbtlib.checks import short
from hbtlib.data.benchmark import Benchmark
from hbtlib.data.given import check_languages
from hbtlib.data.pairs import ROLES, Pairs
from hbtlib.data.worldfacts import facts
from hbtlib.languages import EVALUATED, TRAINED, TWENTY

FOLDERS: tuple[str, ...] = ()
LANGUAGES = TWENTY


def load_pairs(
    data: str | Path | None = None, *, split: str = "train", languages: Sequence[str] = TRAINED
) -> Pairs:
    """Loads WorldFacts as training pairs: every fact's question and passage in every language.

    Args:
        data: None; nothing is read from a folder.
        split: "train" (60 % of the facts), "validation" (10 %) or "test" (30 %).
        languages: the languages; the default is the published study's nine.

    Raises:
        ValueError: for a folder, and for a split or language that it lacks.
    """
    from datasets import Dataset

    chosen, codes = _facts_of(data, split, languages)
    columns = [f"{role}_{language}" for role in ROLES for language in codes]
    return Pairs("worldfacts", Dataset.from_pandas(chosen[columns], preserve_index=False))


def load_benchmark(
    data: str | Path | None = None, *, split: str = "test", languages: Sequence[str] = EVALUATED
) -> Benchmark:
    """Loads WorldFacts as a benchmark: the split's questions, ranked against all its passages.

    `queries` and `passages` also hold the relation and the territory of the fact.

    Args:
        data: None; nothing is read from a folder.
        split: "train" (60 % of the facts), "validation" (10 %) or "test" (30 %).
        languages: the languages; the default is XQuAD-R's eleven.

    Raises:
        ValueError: for a folder, and for a split or language that it lacks.
    """
    chosen, codes = _facts_of(data, split, languages)
    queries = _texts(chosen, codes, "query", "query_id")
    passages = _texts(chosen, codes, "passage", "passage_id")
    judgements = queries[["query_id", "question_id"]].merge(passages[["passage_id", "question_id"]])
    return Benchmark(
        "worldfacts",
        queries,
        passages.drop(columns="question_id"),
        judgements[["query_id", "passage_id"]].assign(grade=1),
    )


def _facts_of(
    data: str | Path | None, split: str, languages: Sequence[str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The facts of a split and the languages, after a check of what was asked for."""
    if data is not None:
        raise ValueError(
            f"worldfacts is made here and reads no folder, so data={short(data)} would be ignored; "
            "leave data= out"
        )
    if split not in facts.SPLITS:
        raise ValueError(f"worldfacts has no split {split!r}; it has {', '.join(facts.SPLITS)}")
    codes = check_languages("worldfacts", languages) or ()
    for language in codes:
        if language not in LANGUAGES:
            raise ValueError(
                f"worldfacts has no language {language!r}; it has {' '.join(LANGUAGES)}"
            )
    table = facts.table()
    return table[table["split"] == split].reset_index(drop=True), codes


def _texts(
    chosen: pd.DataFrame, languages: Sequence[str], role: str, id_column: str
) -> pd.DataFrame:
    """The queries or passages of the facts: one row a fact and language."""
    tables = [
        pd.DataFrame(
            {
                id_column: chosen["fact_id"] + ":" + language,
                "question_id": chosen["fact_id"],
                "language": language,
                "text": chosen[f"{role}_{language}"],
                "relation": chosen["relation"],
                "territory": chosen["territory"],
            }
        )
        for language in languages
    ]
    return pd.concat(tables, ignore_index=True)
