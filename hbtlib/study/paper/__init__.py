"""The published study (arXiv 2408.10536): its tables, and our numbers beside them."""

from hbtlib.study.paper.drawing import picture
from hbtlib.study.paper.layout import as_printed
from hbtlib.study.paper.reexamination import gaps, reexamine
from hbtlib.study.paper.reproduction import beside, forms, ours
from hbtlib.study.paper.tables import FORMS, paper_tables

__all__ = [
    "FORMS",
    "as_printed",
    "beside",
    "forms",
    "gaps",
    "ours",
    "paper_tables",
    "picture",
    "reexamine",
]
