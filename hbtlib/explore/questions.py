"""The questions of a benchmark: their texts in all languages, and how one of them is found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from hbtlib.data.benchmark import ALL
from hbtlib.data.catalog import load_benchmark
from hbtlib.evaluation.metrics import per_query
from hbtlib.markup import cut
from hbtlib.study.together import asked_of


@dataclass
class Texts:
    """The texts of a benchmark by their ids.

    Attributes:
        queries: A row a query: query_id, question_id, language, text.
        passages: passage_id → text; empty where texts are not at hand.
        missing: Why texts are not at hand; an empty text where they are.
    """

    queries: pd.DataFrame
    passages: Mapping[str, str]
    missing: str = ""

    def query(self, question: str, language: str) -> tuple[str, str]:
        """Returns the id and the text of a question in a language.

        Args:
            question: Its question_id.
            language: The language.

        Raises:
            ValueError: The question is not asked in this language.
        """
        asked = self.queries[self.queries["question_id"] == question]
        found = asked[asked["language"] == language]
        if found.empty:
            known = " ".join(asked["language"]) or "none: there is no such question"
            raise ValueError(f"question {question!r} is not asked in {language}; it is in {known}")
        return str(found["query_id"].iloc[0]), str(found["text"].iloc[0])

    def languages(self, question: str) -> list[str]:
        """Returns the languages that a question is asked in, sorted."""
        asked = self.queries["question_id"] == question
        return sorted(self.queries.loc[asked, "language"])

    @cached_property
    def labels(self) -> dict[str, str]:
        """question_id → its text in English, else in its first language, cut to one line."""
        first = self.queries.assign(other=self.queries["language"] != "en")
        first = first.sort_values(["other", "language"], kind="stable")
        first = first.drop_duplicates("question_id")
        return {
            question: cut(text, 80)
            for question, text in zip(first["question_id"], first["text"], strict=True)
        }

    @cached_property
    def _folded(self) -> pd.Series:
        """What is searched of each query: its question's id and its text, in small letters."""
        return (self.queries["question_id"] + " " + self.queries["text"]).str.casefold()

    def search(self, wanted: str, among: Iterable[str] | None = None) -> list[str]:
        """Finds questions by words in any of their languages, or in their ids.

        Args:
            wanted: Parts of words, all of which must occur in one text. "": every question.
            among: The questions in the order in which they are wanted; None: as the benchmark has
                them.

        Returns:
            The ids of the questions found.
        """
        keep = pd.Series(True, index=self.queries.index)
        for part in wanted.casefold().split():
            keep &= self._folded.str.contains(part, regex=False)
        found = dict.fromkeys(self.queries.loc[keep, "question_id"])
        return (
            list(found) if among is None else [question for question in among if question in found]
        )


def load_texts(benchmark: str, parameters: Mapping[str, Any], ranks: pd.DataFrame) -> Texts:
    """Loads the texts of a benchmark as a study's runs had them.

    Args:
        benchmark: Its name in `hbt.catalog()`.
        parameters: Those of a run: evaluated, split and benchmark_options are used.
        ranks: The ranks of a run, whose queries are kept.

    Returns:
        The texts; the ids alone, with the reason, where the files cannot be read or are of another
        version than those that were ranked.
    """
    try:
        loaded = load_benchmark(benchmark, **asked_of(benchmark, parameters))
    except ValueError as error:
        return ids_alone(ranks, f"The texts of {benchmark} cannot be read: {error}.")
    queries = loaded.queries[["query_id", "question_id", "language", "text"]]
    ranked = set(ranks["query_id"].unique())
    unknown = ranked - set(queries["query_id"])
    if unknown:
        return ids_alone(
            ranks,
            f"The texts of {benchmark} at hand lack {len(unknown):,} of the {len(ranked):,} "
            f"queries that were ranked (such as {min(unknown)}): they are of another version.",
        )
    kept = queries[queries["query_id"].isin(ranked)].reset_index(drop=True)
    passages = dict(zip(loaded.passages["passage_id"], loaded.passages["text"], strict=True))
    return Texts(kept, passages)


def ids_alone(ranks: pd.DataFrame, missing: str) -> Texts:
    """Returns the queries of ranks with their ids in the place of texts.

    Args:
        ranks: A table of `hbt.rank`.
        missing: Why there are no texts.
    """
    columns = ["query_id", "question_id", "query_language"]
    queries = ranks[columns].drop_duplicates("query_id").astype("str").reset_index(drop=True)
    queries = queries.rename(columns={"query_language": "language"})
    return Texts(queries.assign(text=queries["query_id"]), {}, missing)


def most_different(ranks_a: pd.DataFrame, ranks_b: pd.DataFrame) -> pd.Series:
    """Puts the questions first on which two runs differ most, in the pool of all languages.

    Args:
        ranks_a: The ranks of one run.
        ranks_b: Those of another on the same benchmark.

    Returns:
        question_id → by how much the second run's mAP is above the first's, mean over the languages
        it is asked in; the largest differences first, whatever their sign.
    """
    means = []
    for ranks in (ranks_a, ranks_b):
        scored = per_query(ranks[ranks["pool"] == ALL], ["mAP"])
        means.append(scored.astype({"question_id": "str"}).groupby("question_id")["mAP"].mean())
    difference = (means[1] - means[0]).dropna()
    order = difference.abs().sort_values(ascending=False, kind="stable").index
    return difference[order]
