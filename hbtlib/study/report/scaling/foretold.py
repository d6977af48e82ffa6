"""Does the law of 17-scaling foretell the largest encoder, fitted without it?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hbtlib.evaluation import power_law
from hbtlib.evaluation.suites import settings_of
from hbtlib.plots.scaling import size_text
from hbtlib.study.report.scaling.curves import SAMPLES, arrays
from hbtlib.study.report.scaling.settings import SUITE, ordered_strategies
from hbtlib.study.report.words import Markdown, number


def held_out(table: pd.DataFrame, metric: str, *, samples: int = SAMPLES) -> pd.DataFrame:
    """Fits the law without the largest size, and compares what it says of it with what it scored.

    Args:
        table: `questions`' table.
        metric: the metric.
        samples: how many laws are fitted to other draws.

    Returns:
        setting, strategy, size (the largest), predicted, low, high, measured, inside.
    """
    strategies = ordered_strategies(table)
    rows = []
    for setting in settings_of(SUITE):
        parts, units, n_sizes = arrays(table, metric, setting, strategies)
        smaller = [part[:, :-1] for part in parts]
        drawn = power_law.resampled(smaller, units, samples=samples)
        means = np.mean([part.mean((2, 3)) for part in parts], axis=0)
        for i, strategy in enumerate(strategies):
            at = [n_sizes[-1]]
            said = power_law.fit(n_sizes[:-1], means[i, :-1]).at(at)[0, 0]
            low, high = power_law.band(power_law.fit(n_sizes[:-1], drawn[:, i]).at(at))
            measured = float(means[i, -1])
            values = {"predicted": said, "low": low[0], "high": high[0], "measured": measured}
            inside = bool(low[0] <= measured <= high[0])
            named = {"setting": setting, "strategy": strategy, "size": n_sizes[-1]}
            rows.append({**named, **values, "inside": inside})
    return pd.DataFrame(rows)


def held_out_says(table: pd.DataFrame) -> Markdown:
    """How often the law foretold the largest size.

    Args:
        table: `held_out`'s table.
    """
    missed = (table["measured"] - table["predicted"]).abs()
    return Markdown(
        f"Fitted without the largest encoder ({size_text(table['size'].iloc[0])} parameters), the "
        f"band of the law holds what that encoder scored in {int(table['inside'].sum())} of "
        f"{len(table)} cases; its line misses the score by {number(float(missed.mean()))} on the "
        f"average and by {number(float(missed.max()))} at most. That is one step along the size "
        "axis; to the largest models it is several more."
    )
