"""The part of Belebele whose passages FLORES-200 devtest holds word for word, in twenty languages.

It has 178 passages in each of the languages of `hbtlib.languages.TWENTY` and 313 questions in
German and English, in BEIR's layout (`queries.jsonl`, `corpus.jsonl`, `qrels/test.tsv`). Its scores
are not Belebele's (`hbtlib.data.sets.belebele` reads the whole). The licence is CC BY-SA 4.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.source import local_folder
from hbtlib.data.sets import folder as beir_folder
from hbtlib.data.sets.belebele import LANGUAGES, PART

FOLDERS = (PART,)

__all__ = ["FOLDERS", "LANGUAGES", "load_benchmark"]


def load_benchmark(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None
) -> Benchmark:
    """Loads the part.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`.
        languages: the languages; None takes all twenty.

    Raises:
        DataError: for a file that is missing or not what it should be, and a language it lacks.
    """
    folder = local_folder(PART, data, FOLDERS)
    if folder is None:
        raise DataError(f"{PART} is not at hand: set HBT_DATA to the folder that holds {PART}/")
    return beir_folder.load_benchmark(folder, languages=languages or LANGUAGES, called=PART)
