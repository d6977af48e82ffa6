"""Yahoo! Answers: questions of a forum's users, as titles, with the answer that was voted best.

The pairs are those of `sentence-transformers/yahoo-answers`, in English, without splits: 1,198,260
titles with answers, 681,164 questions' bodies with answers, and 659,896 titles with both. The
published study's Table 9 has 135,557 rows ("Yahoo QA"), so what it took is another selection; it
does not say which.

Files: `title-answer-pair/train-*.parquet` with the columns title and answer, and
`question-answer-pair/` with question and answer. The folders and the columns of the first were seen
in code of others that reads them; those of the second are inferred; the files were never read here.
Left out and counted: rows whose title or answer is empty. The repository states no licence; Yahoo!
gave the texts out for research.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from hbtlib.data.formats.files import read_parquet
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.question_answers import Answered, answered_pairs, one_of, words
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.pairs import Pairs

FOLDERS = ("yahoo-answers",)
LANGUAGES = ("en",)
PAIRS = Hub("sentence-transformers/yahoo-answers", "93b3605c508cf93e3666c9d3e34640b5fe62b507")


def load_pairs(
    data: str | Path | None = None,
    *,
    languages: Sequence[str] | None = None,
    split: str = "train",
    asked: str = "title",
) -> Pairs:
    """Loads Yahoo! Answers as training pairs.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: English is the only one.
        split: "train" is the only one.
        asked: what is the query: the question's "title", or its body ("question").

    Raises:
        DataError: for a language or split it lacks, and a file that is not what it should be.
    """
    name = "yahoo-answers"
    one_of(name, ("train",), split)
    one_of(name, ("title", "question"), asked, "query")
    choose_languages(name, languages, LANGUAGES)
    source = Source(name, local_folder(name, data, FOLDERS), PAIRS)
    files = source.paths(f"{asked}-answer-pair/train-*.parquet")
    return answered_pairs(name, files, partial(_read, asked), recipe=[asked])


def _read(asked: str, file: Path) -> Iterator[Answered]:
    rows = read_parquet(file, [asked, "answer"])
    for number, (place, row) in enumerate(rows, start=1):
        id_ = f"yahoo-answers-{file.stem.split('-')[1]}-{number}"
        yield Answered(id_, words(row, asked, place), words(row, "answer", place))
