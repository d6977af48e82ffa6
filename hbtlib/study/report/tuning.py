"""Which learning rate a tuning study found best, from the summary that it left."""

from __future__ import annotations

import re

import pandas as pd

from hbtlib.study.project import project_folder

METRIC = "mAP"
_RATE = re.compile(r"learning_rate (?P<rate>[0-9.e-]+)")


def by_learning_rate(name: str) -> pd.DataFrame:
    """What each learning rate scores, averaged alike over all that was trained with it.

    Args:
        name: the study that tunes; `python -m hbtlib.study.engine summary NAME` writes the file
            `results/NAME/summary.csv` that is read here. An arm without a learning rate in its name
            (an encoder before training) does not count.

    Returns:
        learning_rate; mAP, the mean over settings, then over arms and benchmarks; arms. The best
        rate first.

    Raises:
        FileNotFoundError: if there is no summary.
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
    means = pd.DataFrame({"learning_rate": rates, METRIC: table[settings].mean(axis=1)})
    scored = means.groupby("learning_rate")[METRIC].agg(["mean", "size"])
    scored = scored.set_axis([METRIC, "arms"], axis=1).reset_index()
    return scored.sort_values(METRIC, ascending=False, ignore_index=True)
