"""What a table must be before it is measured; errors name what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def check_columns(
    table: pd.DataFrame, columns: Sequence[str], what: str = "ranks", maker: str = "hbt.rank"
) -> None:
    """Checks that a table has all the columns it must have.

    Args:
        table: the table.
        columns: the columns it must have.
        what: what the message calls the table.
        maker: the function that makes such tables.

    Raises:
        ValueError: for the first of the columns that the table lacks.
    """
    lacking = [column for column in columns if column not in table]
    if lacking:
        raise ValueError(f"the {what} lack the column {lacking[0]!r}; {maker} makes such a table")


def check_depth(ranks: pd.DataFrame, k: float, what: str) -> None:
    """Checks that ranks are known down to k, which those of a search index may not be.

    Args:
        ranks: a ranks table; a column `depth` says down to where its ranks are known.
        k: the rank down to which they are needed; infinity for all.
        what: what needs them.

    Raises:
        ValueError: if they are not known so far down.
    """
    if "depth" not in ranks:
        return
    depth = ranks["depth"].min()
    if k > depth:
        how_far = "every rank" if np.isinf(k) else f"ranks down to {k:g}"
        raise ValueError(
            f"a search index gave these ranks, down to {depth:g}, and {what} needs {how_far}: "
            f"search deeper, rank without an index, or cut at {depth:g} or less"
        )


def check_one_benchmark(ranks: pd.DataFrame) -> None:
    """Checks that the ranks are of one benchmark.

    Raises:
        ValueError: if they are of several.
    """
    if "benchmark" not in ranks:
        return
    names = ranks["benchmark"].unique()
    if len(names) > 1:
        raise ValueError(
            f"these ranks are of several benchmarks ({', '.join(names)}); measure each alone: "
            "ranks[ranks['benchmark'] == …]"
        )
