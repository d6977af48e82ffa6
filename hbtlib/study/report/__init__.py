"""What the notebooks show: a file a notebook, with that notebook's tables and sentences.

`scaling` has so many of them that it is a folder, a file for each part of the notebook.

The functions take tables and return tables, styled tables or text, so that a notebook's cells stay
short and what it says is tested (`tests/study/test_report.py`). A function whose name ends in
`says`, or `answer`, returns sentences made from the data, as `words.Markdown`, which a notebook
displays as prose.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    [
        "benchmark",
        "bias",
        "compression",
        "cost",
        "data",
        "encoders",
        "evaluate",
        "factorial",
        "family",
        "mtop",
        "low_resource",
        "on_top",
        "paper",
        "pretraining",
        "quickstart",
        "reader",
        "results",
        "scaling",
        "sets",
        "significance",
        "tables",
        "trade_off",
        "train",
        "translate",
        "tuning",
        "typology",
        "language_neutral",
        "words",
    ],
    {"reader": ["Reader"], "words": ["Markdown"]},
)
