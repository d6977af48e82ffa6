"""The published tables under one name: read, laid out as printed, and examined again.

What is here is defined in the room `hbtlib.study.paper`.
"""

from hbtlib.study.paper.layout import as_printed
from hbtlib.study.paper.reexamination import BASELINES, gaps, reexamine
from hbtlib.study.paper.tables import (
    AVERAGES,
    CELL,
    DERIVED,
    FORMS,
    LOWER,
    METRICS,
    NAMES,
    ROW,
    STRATEGIES,
    paper_tables,
)

__all__ = [
    "AVERAGES",
    "BASELINES",
    "CELL",
    "DERIVED",
    "FORMS",
    "LOWER",
    "METRICS",
    "NAMES",
    "ROW",
    "STRATEGIES",
    "as_printed",
    "gaps",
    "paper_tables",
    "reexamine",
]
