"""Tables and sentences of 11-translate: what was translated, and what was dropped."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from hbtlib.data.pairs import Pairs
from hbtlib.study.report.words import Markdown, counted, listed, sentences
from hbtlib.translation.failures import REASONS
from hbtlib.translation.translate import Translated
from hbtlib.translation.translator import RANDOM


def model_says(model: str) -> Markdown:
    """Whether the translations mean anything.

    Args:
        model: the name of the model.

    Returns:
        The sentence.
    """
    if model != RANDOM:
        return Markdown(f"The translations are those of {model}.")
    return Markdown(
        "**This model knows no language.** Its weights are random, so what it makes are letters "
        "without sense; it is here so that everything can be tried in seconds. Give the parameter "
        "`model` the folder of a real one, or its name on the hub."
    )


def pairs_say(pairs: Pairs, languages: Sequence[str]) -> Markdown:
    """What there is to translate.

    Args:
        pairs: the pairs.
        languages: the languages to translate into.

    Returns:
        The sentence.
    """
    return Markdown(
        f"There are {counted(len(pairs), 'id')} in {listed(pairs.languages)}, to be translated "
        f"into {listed(languages)}."
    )


def counts_say(made: Translated) -> Markdown:
    """How much was translated, and how much of it is used.

    Args:
        made: what `hbt.translate` returned.

    Returns:
        The sentences.
    """
    texts, used = int(made.counts["texts"].sum()), int(made.counts["used"].sum())
    worst = made.dropped.groupby("reason")["texts"].sum().sort_values(ascending=False)
    return sentences(
        [
            f"Of {counted(texts, 'text')} {used:,} have a translation that is used.",
            f"The most frequent reason to drop one is “{worst.index[0]}” "
            f"({worst.iloc[0]:,}): {REASONS[worst.index[0]]}."
            if len(worst)
            else "None was dropped.",
        ]
    )


def examples(made: Translated, languages: Sequence[str], count: int) -> pd.DataFrame:
    """A few ids in their own language and in one that was added.

    Args:
        made: what `hbt.translate` returned.
        languages: the languages that were added.
        count: how many ids to show of each language.

    Returns:
        id, language, query, passage; no row for a language in which nothing is used.
    """
    pairs, rows = made.pairs, []
    for language in languages:
        there = pairs.stands(range(len(pairs)), language, "query")
        there &= pairs.stands(range(len(pairs)), language, "passage")
        for id_ in there.nonzero()[0][:count]:
            texts = [pairs.texts([id_], language, role)[0] for role in ("query", "passage")]
            rows.append((int(id_), language, *texts))
    return pd.DataFrame(rows, columns=["id", "language", "query", "passage"])


def answer(made: Translated, languages: Sequence[str], folder: str | None) -> Markdown:
    """What there is to train on now.

    Args:
        made: what `hbt.translate` returned.
        languages: the languages that were added.
        folder: where the pairs were saved, or None.

    Returns:
        The sentences.
    """
    there = [code for code in languages if code in made.pairs.languages]
    saved = f"They are saved in {folder}." if folder else "They were not saved: give `output`."
    return sentences(
        [
            f"{made.pairs.name} has {counted(len(made.pairs), 'id')}, with texts in "
            f"{listed(made.pairs.languages)}; of the languages asked for {listed(there)} "
            f"{'was' if len(there) == 1 else 'were'} added.",
            saved,
        ]
    )
