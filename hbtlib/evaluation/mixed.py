"""A mixed model: what a difference is, where values of one language are not independent."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from hbtlib.checks import short
from hbtlib.evaluation.checks import (
    check_columns,
    check_names,
    check_texts,
    listed,
    number_column,
)

_INTERCEPT = "(intercept)"

FEWEST = 5
"""Languages that a variance between languages is estimated from, at least."""


def mixed_model(
    table: pd.DataFrame, value: str, effects: Sequence[str], group: str = "language"
) -> pd.DataFrame:
    """Fits a linear model with a random intercept a group.

    Value = intercept + Σ effect × its coefficient + the group's own level + noise (restricted
    maximum likelihood; statsmodels' `MixedLM`). Intervals and p are by the normal approximation,
    which says too much where the groups are few: with ten languages they describe these languages.
    Several values of a group under the same effects (seeds) count as independent beside the group's
    level: average them first where the effect may differ from group to group.

    Args:
        table: a row a value, with the columns named below.
        value: the column of values.
        effects: columns of numbers; for an interaction give the product as a column.
        group: the column whose values have a level of their own.

    Returns:
        A row a term (the intercept first): term, estimate, low, high, p, n (rows), n_groups,
        group_sd (the standard deviation between groups), noise_sd, converged.

    Raises:
        ImportError: if statsmodels is not installed.
        ValueError: for a missing column or value, effects that are the same in all rows or sums of
            each other, fewer than five groups, and where no group has two values.

    Example:
        >>> import hbtlib as hbt, pandas as pd
        >>> rows = [(f"l{i}", arm, 0.1 * i + 0.2 * arm + 0.01 * (i * seed % 3))
        ...         for i in range(6) for arm in (0, 1) for seed in (0, 1)]
        >>> table = pd.DataFrame(rows, columns=["language", "hybrid", "mAP"])
        >>> hbt.mixed_model(table, "mAP", ["hybrid"])["estimate"].round(2).tolist()[1]
        0.2
    """
    try:
        import statsmodels.api as sm
    except ImportError:
        raise ImportError(
            "mixed models come with a package: pip install 'hbtlib[typology]'"
        ) from None
    effects = _check(table, value, effects, group)
    exogenous = _exogenous(table, effects)
    model = sm.MixedLM(table[value].astype(float), exogenous, groups=table[group].astype(str))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say stands in `converged`
        fitted = model.fit(reml=True)
    intervals = fitted.conf_int()
    terms = [_INTERCEPT, *effects]
    found = pd.DataFrame(
        {
            "term": ["intercept", *effects],
            "estimate": fitted.fe_params[terms].to_numpy(),
            "low": intervals.loc[terms, 0].to_numpy(),
            "high": intervals.loc[terms, 1].to_numpy(),
            "p": fitted.pvalues[terms].to_numpy(),
        }
    )
    return found.assign(
        n=len(table),
        n_groups=int(table[group].nunique()),
        group_sd=float(np.sqrt(fitted.cov_re.iloc[0, 0])),
        noise_sd=float(np.sqrt(fitted.scale)),
        converged=bool(fitted.converged),
    )


def _check(table: pd.DataFrame, value: str, effects: Sequence[str], group: str) -> Sequence[str]:
    """The effects, if the table has all that a model with these columns needs."""
    for name, column in (("value", value), ("group", group)):
        if not isinstance(column, str):
            raise ValueError(f"{name} is {short(column)}; it is the name of a column")
    effects = check_names("effects", effects, "columns", some=False)
    check_columns(table, [value, *effects, group], "values", "a table with a row a value")
    check_texts(table, [group], "values")
    for column in (value, *effects):
        number_column(table, column, "values")
    groups = table[group].nunique()
    if groups < FEWEST:
        raise ValueError(
            f"there are {groups} values of {group!r}; a mixed model needs {FEWEST} or more"
        )
    if not table[group].duplicated().any():
        raise ValueError(
            f"every {group!r} has one value: its level cannot be told from noise; give several"
        )
    return effects


def _exogenous(table: pd.DataFrame, effects: Sequence[str]) -> pd.DataFrame:
    """The columns of the fixed effects, the intercept first; ValueError if one says nothing new."""
    for effect in effects:
        if table[effect].min() == table[effect].max():
            raise ValueError(f"the effect {effect!r} is the same in all rows: leave it out")
    columns = table[list(effects)].astype(float)
    columns.insert(0, _INTERCEPT, 1.0)
    if np.linalg.matrix_rank(columns.to_numpy()) < columns.shape[1]:
        raise ValueError(f"of the effects {listed(effects)} one is a sum of others: leave one out")
    return columns
