"""Units of statistics larger than a question: which questions belong together, and their sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import scipy  # its submodules are imported when first used
from numpy.typing import NDArray

from hbtlib.checks import short
from hbtlib.evaluation.checks import check_columns, check_texts

Floats = NDArray[np.float64]

Unit = Mapping[str, object] | Callable[[str], object] | None
"""A map or function from question_id to what it belongs to, where that is the unit."""


def units(ranks: pd.DataFrame) -> dict[str, int]:
    """Finds which questions of a benchmark belong together.

    Questions with a relevant passage in common, in any language, belong together, directly or
    through others. For xquad-r and mlqa-r the passage's paragraph counts; for worldfacts the
    relation that a question asks for (its pattern).

    Args:
        ranks: a table of `hbt.rank`.

    Returns:
        question_id → number of its unit, for `unit` of `compare`.

    Raises:
        ValueError: for a missing column or value, and a table without rows.

    Example:
        >>> import hbtlib as hbt, pandas as pd
        >>> ranks = pd.DataFrame({
        ...     "benchmark": "mine",
        ...     "question_id": ["a", "b", "b", "c"],
        ...     "passage_id": ["p1", "p1", "p2", "p3"],
        ... })
        >>> hbt.units(ranks)
        {'a': 0, 'b': 0, 'c': 1}
    """
    columns = ["benchmark", "question_id", "passage_id"]
    check_columns(ranks, columns)
    check_texts(ranks, columns)
    table = ranks[columns].drop_duplicates().astype("str")
    question, names = pd.factorize(table["question_id"], sort=True)
    shared, shared_names = pd.factorize(_what_is_shared(table))
    # A graph of questions, then of what they share: its connected components are the units.
    n_questions = len(names)
    n_nodes = n_questions + len(shared_names)
    links = scipy.sparse.coo_array(
        (np.ones(len(table)), (question, shared + n_questions)), shape=(n_nodes, n_nodes)
    )
    _, component = scipy.sparse.csgraph.connected_components(links, directed=False)
    return dict(zip(names, component[:n_questions].tolist(), strict=True))


def sum_by_unit(by_question: pd.DataFrame, unit: Unit) -> tuple[Floats, Floats]:
    """Sums the columns of the questions that belong to a unit.

    Args:
        by_question: (rows, questions), columns named by question_id.
        unit: what each question belongs to; None: each is a unit.

    Returns:
        (rows, units) sums, and (units,) how many questions each unit has.

    Raises:
        ValueError: if `unit` says nothing of a question, or is no map.
    """
    if unit is None:
        return by_question.to_numpy(), np.ones(by_question.shape[1])
    if not callable(unit) and not isinstance(unit, Mapping | pd.Series):
        raise ValueError(
            f"unit is {short(unit)}; it is a map from question_id to what a question belongs to, "
            "such as hbt.units(ranks) gives"
        )
    unit_of = by_question.columns.to_series().map(unit)
    if unit_of.isna().any():
        raise ValueError(
            f"unit says nothing of question {unit_of.index[unit_of.isna()][0]!r}: it must name "
            "what each belongs to, and knows questions by their ids as texts"
        )
    grouped = by_question.T.groupby(unit_of.astype("str"))
    return grouped.sum().T.to_numpy(), np.asarray(grouped.size(), np.float64)


def _what_is_shared(table: pd.DataFrame) -> pd.Series:
    """What makes questions of one unit: by benchmark a passage, its paragraph, or a relation."""
    in_paragraphs = table["benchmark"].isin(["xquad-r", "mlqa-r"])
    paragraph = table["passage_id"].str.rsplit(":", n=1).str[0]
    shared = table["passage_id"].where(~in_paragraphs, paragraph)
    relation = table["question_id"].str.split("-").str[0]
    return shared.where(table["benchmark"] != "worldfacts", relation)
