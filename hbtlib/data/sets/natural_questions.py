"""Natural Questions (Kwiatkowski et al. 2019, TACL): questions to Google, passages of Wikipedia.

The pairs are those of `sentence-transformers/natural-questions`, which is English and has one split
of 100,231 questions with the passage that answers each. The published study's Table 9 has 113,535
rows ("Google NQ"); it does not say from where, or how they were cleaned.

Files: `pair/train-*.parquet` with the columns query and answer; path and columns were seen in code
of others that reads them, the files never. Left out and counted: rows whose query or answer is
empty. The repository states no licence; Natural Questions itself is CC BY-SA 3.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hbtlib.data.formats.files import read_parquet
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.question_answers import Answered, answered_pairs, one_of, words
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.pairs import Pairs

FOLDERS = ("natural-questions",)
LANGUAGES = ("en",)
PAIRS = Hub("sentence-transformers/natural-questions", "f9e894e1081e206e577b4eaa9ee6de2b06ae6f17")


def load_pairs(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None, split: str = "train"
) -> Pairs:
    """Loads Natural Questions as training pairs.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: English is the only one.
        split: "train" is the only one.

    Raises:
        DataError: for a language or split it lacks, and a file that is not what it should be.
    """
    name = "natural-questions"
    one_of(name, ("train",), split)
    choose_languages(name, languages, LANGUAGES)
    source = Source(name, local_folder(name, data, FOLDERS), PAIRS)
    return answered_pairs(name, source.paths("pair/train-*.parquet"), _read)


def _read(file: Path) -> Iterator[Answered]:
    rows = read_parquet(file, ["query", "answer"])
    for number, (place, row) in enumerate(rows, start=1):
        query, answer = words(row, "query", place), words(row, "answer", place)
        yield Answered(f"natural-questions-{number}", query, answer)
