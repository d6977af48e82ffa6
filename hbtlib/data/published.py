"""The training data of the published study (arXiv 2408.10536), as its Table 9 lists them."""

from __future__ import annotations

from typing import NamedTuple

NINE = ("ar", "de", "en", "es", "hi", "ru", "th", "tr", "zh")
"""The languages that the study trains on."""


class PublishedSet(NamedTuple):
    """A row of Table 9.

    Attributes:
        rows: how many rows a language has after cleaning.
        languages: those that the study trains on.
        translated: whether all languages but English were made by the authors' own machine
            translation, which is not published.
    """

    rows: int
    languages: tuple[str, ...] = NINE
    translated: bool = True


TABLE_9: dict[str, PublishedSet] = {
    "wikiqa": PublishedSet(1_469),
    "mr-tydi": PublishedSet(3_547),
    "duorc": PublishedSet(33_298),
    "newsqa": PublishedSet(59_496),
    "natural-questions": PublishedSet(113_535),
    "yahoo-answers": PublishedSet(135_557),
    "entity-questions": PublishedSet(176_975),
    "mfaq": PublishedSet(3_567_659),
    "mmarco": PublishedSet(
        39_780_811, ("ar", "de", "en", "es", "hi", "ru", "zh"), translated=False
    ),
}
"""The names are those of `hbt.catalog()`. The rows of each set's own files differ: see its module.

The table marks Mr. TyDi and MFAQ "(en)", for the part of them that was taken.
"""
