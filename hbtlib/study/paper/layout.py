"""Tables laid out as the published study prints them."""

import pandas as pd

from hbtlib.data.benchmark import SETTINGS
from hbtlib.study.paper.tables import AVERAGES, CELL, METRICS, NAMES, STRATEGIES

SOURCES = ("ours", "published", "difference")
"""The values of a column `of`, where several numbers stand for one thing."""


def place(*names: str) -> dict[str, int]:
    """Numbers names in the order they are given in, to sort by.

    Args:
        names: The names; of one that is repeated the first counts.

    Returns:
        The position of each name.

    Example:
        >>> from hbtlib.study.paper.layout import place
        >>> place("x-y", "hybrid", "x-y")
        {'x-y': 0, 'hybrid': 1}
    """
    return {name: position for position, name in enumerate(dict.fromkeys(names))}


def as_printed(tidy: pd.DataFrame) -> pd.DataFrame:
    """Lays a table out as the paper prints it.

    Query languages stand down (mean and median last), settings × metrics × strategies across. In
    a table of means alone (Tables 1 and 2) datasets, settings and metrics stand down, and
    strategies across.

    Args:
        tidy: What `paper_tables` or `ours` returns; of one dataset, if it is by language. Several
            models stand beside each other. So do several numbers of one thing, which a column `of`
            tells apart (see `SOURCES`).

    Returns:
        The same numbers in this layout.

    Raises:
        ValueError: A table by language is of several datasets.
    """
    if set(tidy["language"]) == {"mean"}:
        down = ["dataset", "setting", "metric"]
        across = ["model", "strategy"]
    else:
        _check_one_dataset(tidy)
        down = ["language"]
        across = ["model", "setting", "metric", "strategy"]
    if "of" in tidy:
        across.append("of")
    wide = _sorted(tidy.pivot(index=down, columns=across, values="value"), _order(tidy))
    for level in ("model", "of"):
        if level in wide.columns.names and len(wide.columns.unique(level)) == 1:
            wide = wide.droplevel(level, axis="columns")
    return wide


def _check_one_dataset(tidy: pd.DataFrame) -> None:
    """Raises ValueError if the table is of several datasets."""
    datasets = tidy["dataset"].unique()
    if len(datasets) > 1:
        raise ValueError(
            f"a table by query language is of one dataset; this is of {', '.join(datasets)}"
        )


def _order(tidy: pd.DataFrame) -> dict[str, int]:
    """Returns where each label belongs: the paper's in its order, others as they first occur."""
    single = tidy[~tidy["language"].isin(AVERAGES)]
    occurring = single[CELL].to_numpy().ravel()
    return place(*NAMES, *SETTINGS, *METRICS, *STRATEGIES, *occurring, *AVERAGES, *SOURCES)


def _sorted(wide: pd.DataFrame, order: dict[str, int]) -> pd.DataFrame:
    """Sorts the rows and the columns by the position of their labels."""
    for axis in ("index", "columns"):
        wide = wide.sort_index(axis=axis, key=lambda labels: labels.map(order))  # type: ignore[call-overload]
    return wide
