"""The picture of where hybrid wins and loses in the published numbers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from hbtlib import plots
from hbtlib.study.paper import gaps, picture


@pytest.fixture(scope="module")
def gains() -> pd.DataFrame:
    return gaps()


def test_it_has_a_dot_a_language_in_the_colour_of_who_wins(gains: pd.DataFrame) -> None:
    scores, ranks = picture(gains).axes
    dots = [c for c in scores.collections + ranks.collections if isinstance(c, PathCollection)]
    chosen = gains[gains["baseline"] == "better of the two"]
    assert sum(len(c.get_offsets()) for c in dots) == len(chosen)
    left, right = ranks.get_xlim()
    assert left > right  # lower is better, and right is better
    losing = next(c for c in ranks.collections if isinstance(c, PathCollection))
    for (x, _), colour in zip(losing.get_offsets(), losing.get_facecolors(), strict=True):
        assert (colour[1] > colour[0]) == (x < 0)  # green, of the two


def test_its_rows_have_headings_and_counts(gains: pd.DataFrame) -> None:
    scores, _ = picture(gains).axes
    texts = [text.get_text() for text in scores.texts]
    first = texts.index("XQuAD-R, XLM-R")
    assert texts[first + 1 : first + 7] == ["vi", "de", "x-x-mono", "9", "0", "2"]
    labels = [label.get_text() for label in scores.get_yticklabels()]
    assert labels[:2] == ["monolingual mAP", "monolingual R@1"]


def test_it_is_the_same_file_for_the_same_gains(gains: pd.DataFrame, tmp_path: Path) -> None:
    chosen = gains[gains["baseline"] == "better of the two"]
    first = plots.save(picture(gains), "a", chosen, tmp_path)
    again = plots.save(picture(gains), "b", chosen, tmp_path)
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in again]


def test_an_unknown_baseline_is_named(gains: pd.DataFrame) -> None:
    with pytest.raises(
        ValueError, match="no baseline 'x-x' here; there are x-x-mono, x-y, better of the two"
    ):
        picture(gains, "x-x")
