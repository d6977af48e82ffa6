"""WikiQA (Yang et al. 2015, EMNLP): queries to Bing, and which sentences of an article answer them.

A row is a sentence with a label: 1 where it answers the question. Each such sentence is an id; the
question's other sentences are its hard negatives on request. All splits together have 29,258
sentences for 3,047 questions, of which 1,473 are answers; the published study's Table 9 has 1,469
rows, so it seems to have taken all three splits (`split="all"`). English.

Files: `data/train-*.parquet`, `validation`, `test` with the columns question_id, question,
document_title, answer, label; seen on the repository's page and in others' code, the files never.
Left out and counted: questions that no sentence answers. The licence is Microsoft's research
licence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from hbtlib.data.formats.checks import text, whole_number
from hbtlib.data.formats.files import Record, read_parquet
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.question_answers import (
    Answered,
    LeftOut,
    answered_pairs,
    one_of,
    words,
)
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.pairs import Pairs

FOLDERS = ("wikiqa",)
LANGUAGES = ("en",)
SPLITS = ("train", "validation", "test")
MICROSOFT = Hub("microsoft/wiki_qa", "3f104672b5de699878fe7907afc486f0de325eb5")
COLUMNS = ["question_id", "question", "answer", "label"]


def load_pairs(
    data: str | Path | None = None,
    *,
    languages: Sequence[str] | None = None,
    split: str = "train",
    negatives: int = 0,
) -> Pairs:
    """Loads WikiQA as training pairs.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: English is the only one.
        split: "train", "validation", "test", or "all" of them.
        negatives: how many of the question's other sentences each id brings as hard negatives;
            questions with fewer are left out.

    Raises:
        DataError: for a language or split it lacks, and a file that is not what it should be.
    """
    one_of("wikiqa", (*SPLITS, "all"), split)
    choose_languages("wikiqa", languages, LANGUAGES)
    source = Source("wikiqa", local_folder("wikiqa", data, FOLDERS), MICROSOFT)
    splits = SPLITS if split == "all" else (split,)
    files = [file for part in splits for file in source.paths(f"data/{part}-*.parquet")]
    return answered_pairs("wikiqa", files, _read, negatives=negatives)


def _read(file: Path) -> Iterator[Answered | LeftOut]:
    """The answers of each question, whose sentences stand one after the other."""
    rows = read_parquet(file, COLUMNS)
    for question_id, group in groupby(rows, lambda row: text(row[1], "question_id", row[0])):
        yield from _answers(question_id, list(group))


def _answers(question_id: str, group: list[tuple[str, Record]]) -> Iterator[Answered | LeftOut]:
    place, first = group[0]
    question = words(first, "question", place)
    answers: list[str] = []
    others: list[str] = []
    for place, row in group:
        is_answer = whole_number(row["label"], place, "the label") > 0
        (answers if is_answer else others).append(words(row, "answer", place))
    if not answers:
        yield LeftOut("questions that no sentence answers")
    for number, answer in enumerate(answers, start=1):
        # The sentences of one question share its key: none is another's negative.
        yield Answered(f"{question_id}-{number}", question, answer, tuple(filter(None, others)))
