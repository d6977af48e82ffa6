"""How the measures move with the cut-off: at which depth do two arms differ?"""

from __future__ import annotations

import pandas as pd

from hbtlib.data.benchmark import SETTINGS
from hbtlib.evaluation.groups import by_training
from hbtlib.evaluation.metrics import measure
from hbtlib.evaluation.retrieval_measures import MEASURES

CUTOFFS = (1, 3, 5, 10, 20, 50, 100)
"""The cut-offs shown, beside none at all."""

NONE = "none"
"""What stands for no cut-off."""

GROUPS = ("trained", "unseen")
"""Are both languages trained on, or is one of them not?"""


def names(measure_name: str) -> dict[str, str]:
    """Returns the metrics of a measure by their cut-offs.

    Args:
        measure_name: A measure, such as `mAP` or `R`.

    Returns:
        Cut-off → metric, such as `10` → `mAP@10`; `none` is last, where the measure has a value
        without a cut-off.

    Example:
        >>> list(names("R"))[-1], names("mAP")["none"]
        ('100', 'mAP')
    """
    found = {str(k): f"{measure_name}@{k}" for k in CUTOFFS}
    return found if MEASURES[measure_name].needs_cutoff else {**found, NONE: measure_name}


def by_cutoff(ranks: pd.DataFrame, measure_name: str, trained: list[str]) -> pd.DataFrame:
    """Computes a measure at every cut-off, averaged over each setting.

    Args:
        ranks: A table of `hbt.rank` of one run and benchmark.
        measure_name: A measure, such as `mAP` or `R`.
        trained: The languages trained on.

    Returns:
        A row a group of languages (trained, unseen) and setting, a column a cut-off. Each pair of
        query language and pool counts once, as in `hbt.summarise`.
    """
    metrics = names(measure_name)
    measured = by_training(measure(ranks, list(metrics.values())), trained)
    means = measured.groupby(["languages", "setting", "metric"])["value"].mean().unstack("metric")
    order = [(group, setting) for group in GROUPS for setting in SETTINGS]
    table = means.loc[[key for key in order if key in means.index]]
    return table[list(metrics.values())].set_axis(list(metrics), axis=1)


def cutoff_says(by_arm: dict[str, pd.DataFrame], measure_name: str, cutoff: str) -> str:
    """Says which of two arms is ahead in each setting of the trained languages.

    Args:
        by_arm: arm → `by_cutoff`'s table, for two arms (or one).
        measure_name: The measure.
        cutoff: The cut-off.

    Returns:
        The sentence.
    """
    (first, a), *rest = by_arm.items()
    metric = names(measure_name)[cutoff]
    if not rest or GROUPS[0] not in a.index:
        return f"{metric} of {first}."
    second, b = rest[0]
    said = []
    for setting in a.loc[GROUPS[0]].index:
        difference = b.loc[(GROUPS[0], setting), cutoff] - a.loc[(GROUPS[0], setting), cutoff]
        if pd.notna(difference):
            digits = 3 if abs(difference) < 10 else 0
            amount = f"{difference:+,.{digits}f}".replace("-", "−")
            said.append(f"{amount} {setting}")
    return f"{metric} in the languages trained on, {second} minus {first}: {', '.join(said)}."
