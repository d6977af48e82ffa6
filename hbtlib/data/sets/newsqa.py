"""NewsQA (Trischler et al. 2017): questions on CNN's articles.

The pairs are those of the MRQA 2019 shared task as `lucadiliello/newsqa` has them, in English:
74,160 questions to train on and 4,212 held out, each with the article as its passage, shortened by
MRQA. The published study's Table 9 has 59,496 rows after cleaning.

Files: `data/train-*.parquet` and `data/validation-*.parquet` with the columns context, question,
answers, key, labels; names, columns and counts were seen on the repository's page, the files never.
Left out and counted: rows without a question, article or answer. The repository states no licence;
NewsQA's questions are MIT, the articles CNN's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hbtlib.data.formats.checks import text
from hbtlib.data.formats.files import read_parquet
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.question_answers import (
    Answered,
    LeftOut,
    answered_pairs,
    listed,
    one_of,
    words,
)
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.pairs import Pairs

FOLDERS = ("newsqa",)
LANGUAGES = ("en",)
SPLITS = ("train", "validation")
MRQA = Hub("lucadiliello/newsqa", "728e52920b8e4ffcfaad93fa47556f26a1d82546")


def load_pairs(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None, split: str = "train"
) -> Pairs:
    """Loads NewsQA as training pairs.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: English is the only one.
        split: "train" or "validation".

    Raises:
        DataError: for a language or split it lacks, and a file that is not what it should be.
    """
    one_of("newsqa", SPLITS, split)
    choose_languages("newsqa", languages, LANGUAGES)
    source = Source("newsqa", local_folder("newsqa", data, FOLDERS), MRQA)
    return answered_pairs("newsqa", source.paths(f"data/{split}-*.parquet"), _read)


def _read(file: Path) -> Iterator[Answered | LeftOut]:
    for place, row in read_parquet(file, ["key", "question", "context", "answers"]):
        if not listed(row, "answers", place):
            yield LeftOut("without an answer")
            continue
        question, context = words(row, "question", place), words(row, "context", place)
        yield Answered(f"newsqa-{text(row, 'key', place)}", question, context)
