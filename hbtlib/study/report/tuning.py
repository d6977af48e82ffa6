"""Which learning rate a tuning study found best, from the summary that it left."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from hbtlib.study.project import project_folder

METRIC = "mAP"
_RATE = re.compile(r",? ?(?<!_)learning_rate (?P<rate>[0-9.e-]+)")
"""The rate in an arm's name, which is no `embedding_learning_rate`."""


def by_learning_rate(name: str) -> pd.DataFrame:
    """What each learning rate scores, averaged alike over all that was trained with it.

    Args:
        name: the study that tunes; `python -m hbtlib.study.engine summary NAME` writes the file
            `results/NAME/summary.csv` that is read here. An arm without a learning rate in its name
            (an encoder before training) does not count.

    Returns:
        learning_rate; mAP, the mean over settings, then over arms and benchmarks; arms, how many
        have that rate. The best rate first.

    Raises:
        FileNotFoundError: if there is no summary.
        ValueError: if no arm has a rate in its name, and if not all arms were measured at every
            rate on every benchmark.
    """
    file = project_folder() / "results" / name / "summary.csv"
    if not file.exists():
        raise FileNotFoundError(
            f"There is no {file}. Make the runs and the file: make study STUDY={name}"
        )
    table = pd.read_csv(file)
    table = table[table["languages"] == "trained"]
    settings = [column for column in table.columns if column.endswith(f" {METRIC}")]
    rates = table["arm"].str.extract(_RATE)["rate"].astype(float)
    others = table["arm"].str.replace(_RATE, "", regex=True)
    scored = pd.DataFrame(
        {
            "learning_rate": rates,
            "arm": others,
            "on": others + " on " + table["benchmark"],
            METRIC: table[settings].mean(axis=1),
        }
    ).dropna(subset=["learning_rate"])
    _check_alike(scored, file)
    by_rate = scored.groupby("learning_rate")
    found = by_rate.agg(**{METRIC: (METRIC, "mean"), "arms": ("arm", "nunique")}).reset_index()
    return found.sort_values(METRIC, ascending=False, ignore_index=True)


def _check_alike(scored: pd.DataFrame, file: Path) -> None:
    """Raises ValueError where a rate lacks an arm on a benchmark that another rate has."""
    there = pd.crosstab(scored["on"], scored["learning_rate"])
    if there.empty:
        raise ValueError(f"{file} has no arm with a learning rate in its name")
    lacking = np.argwhere(there.to_numpy() == 0)
    if len(lacking):
        arm, rate = there.index[lacking[0, 0]], there.columns[lacking[0, 1]]
        raise ValueError(
            f"{file} lacks {arm} at the learning rate {rate:g}, which it has at others: rates can "
            "be compared over the same arms alone. Make the runs that are missing"
        )
