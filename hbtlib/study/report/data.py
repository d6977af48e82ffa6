"""Tables and sentences of 01-data: what the embedded corpus is."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.pairs import Pairs
from hbtlib.data.worldfacts.rendering import render
from hbtlib.study.report.words import Markdown, counted, highest, listed, lowest, sentences


def questions_by_relation(benchmark: Benchmark) -> pd.DataFrame:
    """How many questions the corpus has of each relation.

    Args:
        benchmark: WorldFacts, whose queries have the columns relation and territory.

    Returns:
        A row a relation and one for all together: questions, territories, queries in all languages.
    """
    queries = benchmark.queries
    by_relation = queries.groupby("relation")
    counts = by_relation["question_id"].nunique().rename("questions").to_frame()
    named = queries[queries["territory"] != ""]  # a language's script is no territory's
    counts["territories"] = named.groupby("relation")["territory"].nunique()
    counts["queries, all languages"] = by_relation.size()
    counts.loc["together"] = counts.sum()
    counts.loc["together", "territories"] = named["territory"].nunique()
    return counts.fillna(0).astype(int)


def corpus_says(pairs: Pairs, benchmark: Benchmark) -> Markdown:
    """What there is to train on and to measure with.

    Args:
        pairs: the training pairs.
        benchmark: the benchmark.

    Returns:
        The sentences.
    """
    questions = benchmark.queries["question_id"].nunique()
    return sentences(
        [
            f"There are {counted(len(pairs), 'id')} to train on, each in up to "
            f"{counted(len(pairs.languages), 'language')}.",
            f"The benchmark asks {counted(questions, 'question')} in "
            f"{counted(len(benchmark.languages), 'language')}: "
            f"{counted(len(benchmark.queries), 'query', 'queries')} against "
            f"{counted(len(benchmark.passages), 'passage')}.",
        ]
    )


def relations_says(counts: pd.DataFrame) -> Markdown:
    """Which relations the questions are of.

    Args:
        counts: `questions_by_relation`'s table.

    Returns:
        The sentence.
    """
    alone = counts.drop(index="together")
    (most, largest), (least, smallest) = highest(alone["questions"]), lowest(alone["questions"])
    return Markdown(
        f"The questions ask for {len(alone)} relations; most ask for {most} ({largest:,.0f}), "
        f"fewest for {least} ({smallest:,.0f})."
    )


def examples(benchmark: Benchmark, count: int, languages: Sequence[str]) -> pd.DataFrame:
    """A few questions with the passages that answer them, each in several languages.

    Args:
        benchmark: the benchmark.
        count: how many questions; the same ones are drawn each time.
        languages: the languages to show them in.

    Returns:
        question_id, language, query, passage.
    """
    ids = benchmark.queries["question_id"].drop_duplicates().sample(count, random_state=0)
    asked = benchmark.queries[benchmark.queries["question_id"].isin(ids)]
    answers = asked.merge(benchmark.judgements, on="query_id").merge(
        benchmark.passages, on=["passage_id", "language"], suffixes=("", "_passage")
    )
    answers = answers[answers["language"].isin(languages)]
    answers = answers.sort_values(["question_id", "language"])
    table = answers[["question_id", "language", "text", "text_passage"]]
    return table.rename(columns={"text": "query", "text_passage": "passage"})


def near_misses(benchmark: Benchmark, relation: str, language: str) -> tuple[str, pd.DataFrame]:
    """One question of WorldFacts, and the passages that are easily taken for its answer.

    Args:
        benchmark: WorldFacts.
        relation: what the question asks for, such as `currency`.
        language: the language of the question and of its pool.

    Returns:
        The question's text; and a table with `it`, what the passage has to do with the question
        (answers, same territory, or names it, same relation), and `text`.
    """
    queries = benchmark.queries
    asked = (queries["language"] == language) & (queries["relation"] == relation)
    query = queries[asked].iloc[0]
    subject = query["question_id"].split("-")[1]
    pool = benchmark.passages[benchmark.passages["language"] == language].copy()
    name = str(render("territory", subject, language))
    named = pool["text"].str.contains(name, regex=False)
    pool["it"] = ""
    pool.loc[named & (pool["relation"] == relation), "it"] = "names it, same relation"
    same_territory = (pool["territory"] == subject) & (pool["relation"] != relation)
    pool.loc[same_territory, "it"] = "same territory"
    pool.loc[pool["passage_id"] == query["query_id"], "it"] = "answers"
    return query["text"], pool[pool["it"] != ""].sort_values("it")[["it", "text"]]


def near_misses_says(query: str, table: pd.DataFrame, pool: int) -> Markdown:
    """What stands against one question.

    Args:
        query: the question's text.
        table: `near_misses`' table.
        pool: how many passages the pool has.

    Returns:
        The sentence.
    """
    counts = table["it"].value_counts()
    return Markdown(
        f"The question is “{query}” Of the {counted(pool, 'passage')} of its pool, "
        f"{counts.get('answers', 0)} answers it, {counts.get('same territory', 0)} speak of the "
        f"same territory, and {counts.get('names it, same relation', 0)} name it while they answer "
        "the same question about another one."
    )


def texts_of(benchmark: Benchmark) -> pd.DataFrame:
    """All texts of a benchmark, for `hbt.plots.lengths`.

    Args:
        benchmark: the benchmark.

    Returns:
        language, role (query or passage), text.
    """
    both = [benchmark.queries.assign(role="query"), benchmark.passages.assign(role="passage")]
    return pd.concat(both)[["language", "role", "text"]]


def length_summary(texts: pd.DataFrame) -> pd.DataFrame:
    """How many characters the texts have.

    Args:
        texts: `texts_of`'s table.

    Returns:
        language, role, and what pandas' `describe` gives: count, mean, std, min, quartiles, max.
    """
    lengths = texts.assign(characters=texts["text"].str.len())
    return lengths.groupby(["language", "role"])["characters"].describe().reset_index()


def lengths_says(summary: pd.DataFrame) -> Markdown:
    """Which languages' texts are short and which long.

    Args:
        summary: `length_summary`'s table.

    Returns:
        A sentence a role.
    """
    said = []
    for role in ("query", "passage"):
        medians = summary[summary["role"] == role].set_index("language")["50%"]
        (short, fewest), (long, most) = lowest(medians), highest(medians)
        said.append(
            f"The median {role} has {fewest:,.0f} characters in {short}, the fewest, and "
            f"{most:,.0f} in {long}, the most."
        )
    return sentences(said)


def answer(pairs: Pairs, benchmark: Benchmark, trained: Sequence[str]) -> Markdown:
    """What the corpus is, as the notebook's answer. The caller has checked that they are disjoint.

    Args:
        pairs: the training pairs.
        benchmark: the benchmark.
        trained: the languages trained on.

    Returns:
        The sentences.
    """
    unseen = [code for code in benchmark.languages if code not in trained]
    return sentences(
        [
            f"The corpus is {counted(len(pairs), 'parallel id')} to learn from and "
            f"{counted(benchmark.queries['question_id'].nunique(), 'other question')} to be "
            "measured by; no text of one stands in the other.",
            f"{counted(len(trained), 'language is', 'languages are')} trained on; {listed(unseen)} "
            f"{'is' if len(unseen) == 1 else 'are'} measured without training."
            if unseen
            else "Every language that is measured is trained on.",
        ]
    )
