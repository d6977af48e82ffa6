"""Which notebooks the tests do not execute: those that show a study whose runs are not made yet."""

WAITING = {
    "16-on-top.ipynb": "multilingual-recipe",
}
"""Notebook → its study. `make study STUDY=…` makes the runs and executes the notebook. As soon as
all runs are committed, tests/test_package.py asks for the entry to be taken out."""

collect_ignore = list(WAITING)
