"""Tables and sentences of 02-benchmark: what a benchmark asks."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from hbtlib.data.benchmark import Benchmark
from hbtlib.plots.tables import ordered
from hbtlib.study.report.words import Markdown, counted, highest, listed, lowest, sentences


def relevant(benchmark: Benchmark) -> pd.DataFrame:
    """Every query with every passage that is relevant to it.

    Args:
        benchmark: the benchmark.

    Returns:
        A row a judgement with a grade above 0: the query's columns (with `language`), passage_id
        and `language of passage`.
    """
    gold = benchmark.judgements[benchmark.judgements["grade"] > 0]
    gold = gold.merge(benchmark.queries, on="query_id")
    passages = benchmark.passages[["passage_id", "language"]]
    return gold.merge(passages, on="passage_id", suffixes=("", " of passage"))


def counts(benchmark: Benchmark) -> pd.DataFrame:
    """How much a benchmark asks in each language, and in all together.

    Args:
        benchmark: the benchmark.

    Returns:
        A row a language: queries, passages, passages relevant to some query, and the mean number
        of passages relevant to a query.
    """
    gold = relevant(benchmark)
    table = pd.DataFrame(
        {
            "queries": benchmark.queries["language"].value_counts(),
            "passages": benchmark.passages["language"].value_counts(),
            "relevant to some query": gold.groupby("language of passage")["passage_id"].nunique(),
        }
    )
    table["relevant to a query"] = gold.groupby("language").size() / table["queries"]
    table.loc["together"] = table.sum()
    table.loc["together", "relevant to a query"] = len(gold) / len(benchmark.queries)
    return table


def counts_says(table: pd.DataFrame, questions: int, settings: Sequence[str]) -> Markdown:
    """How much is asked.

    Args:
        table: `counts`' table.
        questions: how many questions there are.
        settings: the settings that the benchmark can measure.

    Returns:
        The sentences.
    """
    alone, together = table.drop(index="together"), table.loc["together"]
    smallest, fewest = lowest(alone["passages"])
    largest, most = highest(alone["passages"])
    pools = (
        f"The pools have {fewest:,.0f} ({smallest}) to {most:,.0f} ({largest}) passages"
        if fewest < most
        else f"Every language's pool has {fewest:,.0f} passages"
    )
    return sentences(
        [
            f"{counted(questions, 'question')} are asked in {counted(len(alone), 'language')}, as "
            f"{together['queries']:,.0f} queries.",
            f"{pools}, and all languages together {together['passages']:,.0f}; "
            f"{together['relevant to a query']:.1f} of these are relevant to a query on average.",
            f"The settings that can be measured are {listed(settings)}.",
        ]
    )


def answered_pairs(benchmark: Benchmark, trained: Sequence[str]) -> pd.DataFrame:
    """How many queries of each language have a relevant passage in each language.

    Args:
        benchmark: the benchmark.
        trained: the languages trained on, which come first.

    Returns:
        Query languages as rows, passage languages as columns; NaN where there are none.
    """
    gold = relevant(benchmark).drop_duplicates(["query_id", "language of passage"])
    pairs = gold.groupby(["language", "language of passage"]).size().unstack()
    order = ordered(list(pairs.index.union(pairs.columns)), trained)
    return pairs.reindex(index=order, columns=order)


def answered_pairs_says(pairs: pd.DataFrame) -> Markdown:
    """Whether every language answers every other one.

    Args:
        pairs: `answered_pairs`' table.

    Returns:
        The sentence.
    """
    empty = int(pairs.isna().to_numpy().sum())
    low, high = pairs.min().min(), pairs.max().max()
    if low == high and not empty:
        return Markdown(
            f"The data are parallel: in each of the {pairs.size} pairs of languages there are "
            f"{low:,.0f} queries with a relevant passage."
        )
    missing = f", and {counted(empty, 'pair has', 'pairs have')} none" if empty else ""
    return Markdown(
        f"A pair of languages has {low:,.0f} to {high:,.0f} queries with a relevant "
        f"passage{missing}: means over pairs count each pair once, however many queries it has."
    )


def overlap_says(name: str, total: int, kept: int, benchmark: str) -> Markdown:
    """Whether what is asked is trained on: the notebook's answer.

    Args:
        name: the training pairs' name.
        total: how many ids they have.
        kept: how many of them share nothing with the benchmark.
        benchmark: the benchmark's name.

    Returns:
        The sentence.
    """
    if kept == total:
        return Markdown(
            f"None of the {total:,} ids of {name} holds anything that {benchmark} asks."
        )
    return Markdown(
        f"{total - kept:,} of the {total:,} ids of {name} hold something that {benchmark} asks. A "
        f"study must leave them out (`overlap: leave out`), which leaves {kept:,} to train on."
    )
