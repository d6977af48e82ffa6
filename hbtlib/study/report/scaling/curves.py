"""The power laws of 17-scaling: fitted to the encoders, drawn out to larger ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.io.formats.style import Styler

from hbtlib.evaluation import power_law
from hbtlib.evaluation.suites import MEAN, settings_of
from hbtlib.plots.scaling import size_text
from hbtlib.study.report.scaling.settings import SUITE, ordered_strategies, scores
from hbtlib.study.report.words import Markdown, bullets, number

MARKS = (13e9, 130e9)
"""The sizes that the law is drawn out to."""

SAMPLES = 1000
"""How many laws are fitted to other draws of seeds and questions."""

KEYS = ["strategy", "size", "seed"]
"""The columns that tell a run of the study from another."""

EDGE = " − "


def laws(
    table: pd.DataFrame, metric: str, *, samples: int = SAMPLES, marks: Sequence[float] = MARKS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fits the law to every strategy in every setting, and draws it out to larger models.

    The hybrid's edge over another strategy is the difference of their laws, in every sample.

    Args:
        table: `questions`' table of the sizes that are fitted.
        metric: mAP@10 or R@50.
        samples: how many laws are fitted to other draws of seeds and questions.
        marks: sizes that the curves reach.

    Returns:
        Two tables of curves, of the strategies and of the edges: panel (the setting), arm, size,
        value, low, high; the sizes run from the smallest that was measured to the largest mark.
    """
    strategies = ordered_strategies(table)
    of_arms, of_edges = [], []
    for setting in settings_of(SUITE):
        parts, units, n_sizes = arrays(table, metric, setting, strategies)
        at = np.unique([*np.geomspace(n_sizes[0], max(marks), 80), *n_sizes, *marks])
        means = np.mean([part.mean((2, 3)) for part in parts], axis=0)  # (strategies, sizes)
        drawn = power_law.resampled(parts, units, samples=samples)  # (samples, strategies, sizes)
        lines = [power_law.fit(n_sizes, mean).at(at)[0] for mean in means]
        bands = [power_law.fit(n_sizes, drawn[:, i]).at(at) for i in range(len(strategies))]
        for i, strategy in enumerate(strategies):
            of_arms.append(_curve(setting, strategy, at, lines[i], bands[i]))
            if i:
                name = f"{strategies[0]}{EDGE}{strategy}"
                gap, band = lines[0] - lines[i], bands[0] - bands[i]
                of_edges.append(_curve(setting, name, at, gap, band))
    return pd.concat(of_arms, ignore_index=True), pd.concat(of_edges, ignore_index=True)


def arrays(
    table: pd.DataFrame, metric: str, setting: str, strategies: Sequence[str]
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.int64]], list[int]]:
    """The scores of a setting as arrays.

    Args:
        table: `questions`' table.
        metric: one of its columns.
        setting: one of the suite's.
        strategies: in the order wanted.

    Returns:
        For each benchmark (strategies, sizes, seeds, questions); for each (questions,) their units;
        and the sizes.

    Raises:
        ValueError: if a strategy lacks a size, a seed or a question that another has.
    """
    here = table[table["setting"] == setting]
    n_sizes = sorted(map(int, here["size"].unique()))
    seeds = sorted(here["seed"].unique())
    found, units = [], []
    for benchmark, part in here.groupby("benchmark", sort=False):
        wide = part.pivot_table(index=KEYS, columns="question_id", values=metric)
        order = [(s, size, seed) for s in strategies for size in n_sizes for seed in seeds]
        values = wide.reindex(pd.MultiIndex.from_tuples(order, names=KEYS)).to_numpy(np.float32)
        if np.isnan(values).any():
            raise ValueError(
                f"not every strategy has every size, seed and question on {benchmark}: {metric} "
                "cannot be compared over sizes"
            )
        found.append(values.reshape(len(strategies), len(n_sizes), len(seeds), -1))
        unit = part.drop_duplicates("question_id").set_index("question_id")["unit"]
        units.append(unit[wide.columns].to_numpy())
    return found, units, n_sizes


def _curve(
    panel: str, arm: str, at: NDArray[Any], line: NDArray[Any], drawn: NDArray[Any]
) -> pd.DataFrame:
    low, high = power_law.band(drawn)
    values = {"size": at, "value": line, "low": low, "high": high}
    return pd.DataFrame({"panel": panel, "arm": arm, **values})


def points(table: pd.DataFrame, metric: str, further: pd.DataFrame) -> pd.DataFrame:
    """Every run as a dot, as `hbt.plots.scaling_curves` draws it.

    Args:
        table: `questions`' table of the sizes that are fitted.
        metric: the metric.
        further: that of encoders that are not fitted; it may be empty.

    Returns:
        panel, arm, size, seed, value, fitted.
    """
    parts = []
    for part, fitted in ((table, True), (further, False)):
        if len(part):
            found = scores(part)
            chosen = found[(found["metric"] == metric) & (found["benchmark"] == MEAN)]
            parts.append(chosen.assign(fitted=fitted))
    columns = {"setting": "panel", "strategy": "arm"}
    found = pd.concat(parts, ignore_index=True).rename(columns=columns)
    return found[["panel", "arm", "size", "seed", "value", "fitted"]]


def edges(dots: pd.DataFrame, subject: str = "hybrid") -> pd.DataFrame:
    """The subject minus every other strategy, run by run.

    Args:
        dots: `points`' table.
        subject: the strategy that is set against the others.

    Returns:
        The same columns; arm is `hybrid − x-x` and so on.
    """
    keys = ["panel", "size", "seed", "fitted"]
    wide = dots.set_index([*keys, "arm"])["value"].unstack("arm")
    others = [name for name in dict.fromkeys(dots["arm"]) if name != subject]
    parts = [
        (wide[subject] - wide[other]).dropna().rename("value").reset_index() for other in others
    ]
    named = [
        part.assign(arm=f"{subject}{EDGE}{other}")
        for part, other in zip(parts, others, strict=True)
    ]
    return pd.concat(named, ignore_index=True)[["panel", "arm", "size", "seed", "value", "fitted"]]


def extrapolated(curves: pd.DataFrame, marks: Sequence[float] = MARKS) -> pd.DataFrame:
    """What the laws say at the largest measured size and at the marks.

    Args:
        curves: one of `laws`' tables.
        marks: the sizes.

    Returns:
        panel, arm, size, value, low, high, width (of the band).
    """
    chosen = curves[curves["size"].isin(marks)]
    return chosen.assign(width=chosen["high"] - chosen["low"]).reset_index(drop=True)


def extrapolated_shown(table: pd.DataFrame) -> Styler:
    """The extrapolated values as a table.

    Args:
        table: `extrapolated`'s table.

    Returns:
        The styled table: (setting, what) × sizes, each with its band.
    """
    texts = [
        f"{number(row['value'])} [{number(row['low'])}, {number(row['high'])}]"
        for row in table.to_dict("records")
    ]
    shown = table.assign(text=texts, model=[size_text(size) for size in table["size"]])
    keys = ["panel", "arm"]
    order = list(dict.fromkeys(zip(shown["panel"], shown["arm"], strict=True)))
    wide = shown.pivot(index=keys, columns="model", values="text").reindex(order)
    return wide[list(dict.fromkeys(shown["model"]))].style


def curves_says(curves: pd.DataFrame, dots: pd.DataFrame, label: str) -> Markdown:
    """How wide the bands are where nothing was measured, and how many means lie outside of them.

    Args:
        curves: one of `laws`' tables.
        dots: the runs they were fitted to, as `points` or `edges` gives them.
        label: what is drawn.

    Returns:
        A sentence a setting.
    """
    fitted = dots[dots["fitted"]]
    largest = float(fitted["size"].max())
    at = extrapolated(curves, (largest, max(MARKS)))
    means = fitted.groupby(["panel", "arm", "size"], sort=False)["value"].mean().rename("mean")
    own = means.reset_index().astype({"size": "float64"})
    beside = curves.merge(own, on=["panel", "arm", "size"])
    beside = beside.assign(
        missed=(beside["mean"] < beside["low"]) | (beside["mean"] > beside["high"])
    )
    said = []
    for panel, part in at.groupby("panel", sort=False):
        missed = beside.loc[beside["panel"] == panel, "missed"]
        wide = part.groupby("size")["width"].max()
        spread_of_runs = float(np.ptp(fitted.loc[fitted["panel"] == panel, "value"]))
        said.append(
            f"{panel}: the widest band of {label} is {number(float(wide.iloc[0]))} at "
            f"{size_text(largest)} parameters, the largest that was measured, and "
            f"{number(float(wide.iloc[-1]))} at {size_text(max(MARKS))}; all runs together span "
            f"{number(spread_of_runs)}. {_fit_says(int(missed.sum()), len(missed))}"
        )
    return bullets(said)


def _fit_says(missed: int, of: int) -> str:
    """Whether the law goes through what was measured."""
    if not missed:
        return f"All {of} measured means lie within their band."
    return (
        f"{missed} of {of} measured means lie outside their band: there the law is not that of "
        "these encoders."
    )
