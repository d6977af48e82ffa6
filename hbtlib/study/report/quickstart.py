"""Tables and sentences of 00-quickstart: what the library does."""

from __future__ import annotations

import pandas as pd

from hbtlib.data.benchmark import ALL, SETTINGS
from hbtlib.study.report.words import Markdown, listed, number, sentences


def before_and_after(
    before: pd.DataFrame, after: pd.DataFrame, metric: str = "mAP"
) -> pd.DataFrame:
    """What training did in each setting.

    Args:
        before: `hbt.measure`'s table of the encoder as it was.
        after: the same of the trained encoder.
        metric: the metric.

    Returns:
        A row a setting: before, after; means over pairs of query language and pool.
    """
    means = {}
    for name, table in (("before", before), ("after", after)):
        chosen = table[table["metric"] == metric]
        means[name] = chosen.groupby("setting")["value"].mean()
    return pd.DataFrame(means).reindex([s for s in SETTINGS if s in means["after"]])


def training_says(table: pd.DataFrame, metric: str = "mAP") -> Markdown:
    """What training did, as a sentence.

    Args:
        table: `before_and_after`'s table.
        metric: the metric.

    Returns:
        The sentence.
    """
    parts = [
        f"from {number(row['before'])} to {number(row['after'])} in the {setting} setting"
        for setting, row in table.iterrows()
    ]
    return Markdown(f"Training took the {metric} {listed(parts)}.")


def answer(biases: pd.DataFrame, measured: pd.DataFrame, chance: float) -> Markdown:
    """What the trained encoder can do, and whether it favours languages: the notebook's answer.

    Args:
        biases: `hbt.bias`'s table.
        measured: `hbt.measure`'s table.
        chance: the rank distance of a random ranking.

    Returns:
        The sentences.
    """
    chosen = biases[biases["query_language"] != ALL]
    means = chosen.groupby("measure")["value"].mean()
    distance, first = means["rank-distance"], means["own-language-first"]
    mono = measured[(measured["metric"] == "mAP") & (measured["setting"] == "monolingual")]
    return sentences(
        [
            "The library trained an encoder that finds passages in its query's language with a "
            f"mean mAP of {number(mono['value'].mean())}.",
            f"The right passages of a question lie {number(distance)} ranks apart on average; by "
            f"chance it would be {number(chance)}.",
            f"In {first:.0%} of cases the best of them is in the query's own language, where "
            f"{means['own-language-chance']:.0%} would be chance.",
            "With a minute of training, these numbers show how the pieces fit together and nothing "
            "more; the notebooks from `data` on look at each piece.",
        ]
    )
