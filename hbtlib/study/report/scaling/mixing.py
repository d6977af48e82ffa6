"""What queries that mix two languages cost in 17-scaling, over the degree of mixing."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hbtlib.plots.scaling import size_text
from hbtlib.study.report.scaling.encoders import parameters_of, shape_of
from hbtlib.study.report.words import Markdown, bullets, listed, number
from hbtlib.study.results import run_table
from hbtlib.study.studies import Study


def degrees(study: Study, metric: str) -> pd.DataFrame:
    """Scores over the degree of mixing, as `hbt.plots.mixing_curves` draws them.

    Args:
        study: the study.
        metric: mAP@10 or R@50.

    Returns:
        panel (the encoder), arm (the strategy), degree, seed, value; of queries that look for their
        original in the other pool.
    """
    parts = []
    for run in sorted(study.runs, key=parameters_of):
        found = run_table(run, "degrees")
        here = found[(found["setting"] == "cross-lingual") & (found["metric"] == metric)]
        named = {"panel": f"{shape_of(run)} ({size_text(parameters_of(run))})"}
        named |= {"arm": run.parameters["strategy"], "seed": run.parameters["seed"]}
        parts.append(here[["degree", "value"]].assign(**named))
    return pd.concat(parts, ignore_index=True)[["panel", "arm", "degree", "seed", "value"]]


def degrees_says(table: pd.DataFrame) -> Markdown:
    """What further mixing costs.

    Args:
        table: `degrees`' table.

    Returns:
        A sentence an encoder.
    """
    first, last = table["degree"].iloc[0], sorted(table["degree"].unique())[-1]
    said = []
    for panel, part in table.groupby("panel", sort=False):
        means: Any = part.groupby(["arm", "degree"], sort=False)["value"].mean()
        texts = [
            f"{arm} from {number(means[arm, first])} to {number(means[arm, last])}"
            for arm in dict.fromkeys(part["arm"])
        ]
        said.append(f"{panel}: {listed(texts)}.")
    return Markdown(f"From {first} % of Chinese to {last} %:\n\n{bullets(said)}")
