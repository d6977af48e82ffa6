"""Which weights of a training are kept, as its log says: for 03-train and 07-cost."""

from __future__ import annotations

import pandas as pd


def validations(log: pd.DataFrame) -> tuple[bool, pd.Series]:
    """What the weights that are kept were chosen by.

    Args:
        log: the training log.

    Returns:
        Whether it is a score (the highest is best) or a loss; and its value by step, without rows
        if nothing was validated.
    """
    scored = "validation_score" in log
    column = "validation_score" if scored else "validation_loss"
    if column not in log:
        return scored, pd.Series(dtype="float64")
    return scored, log.dropna(subset=[column]).set_index("step")[column]


def tokens_of_kept(log: pd.DataFrame) -> float:
    """How many tokens the weights that are kept had read.

    Args:
        log: the training log.

    Returns:
        The tokens up to the best validation; all of them if nothing was validated.
    """
    scored, by_step = validations(log)
    if by_step.empty:
        return float(log["tokens"].max())
    kept = by_step.idxmax() if scored else by_step.idxmin()
    return float(log.loc[log["step"] <= kept, "tokens"].max())
