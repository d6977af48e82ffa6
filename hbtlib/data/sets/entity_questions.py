"""EntityQuestions (Sciavolino et al. 2021, EMNLP): simple questions on rare entities, of Wikidata.

There are questions of 24 relations ("Where was … born?") with their answers, and **no passages**: a
pair is a question with its first answer, the name of an entity. So it trains an encoder to put the
question near the name, which is not retrieval of passages; the published study's Table 9 has
176,975 rows and does not say what their passages were. With a collection of passages at hand, mine
for some that hold the answer instead.

Files: the repository's `dataset/train/P17.train.json` and so on for each relation, or the same
without `dataset/`: a list of {"question", "answers"}. The layout was read off the repository's
files; they were never loaded here. Left out and counted: questions without an answer. English; the
licence is MIT.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hbtlib.data.formats.checks import DataError, expect
from hbtlib.data.formats.files import read_json
from hbtlib.data.formats.question_answers import (
    Answered,
    LeftOut,
    answered_pairs,
    listed,
    one_of,
    words,
)
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.formats.web import Web
from hbtlib.data.pairs import Pairs

FOLDERS = ("entity-questions",)
LANGUAGES = ("en",)
SPLITS = {"train": "train", "validation": "dev", "test": "test"}  # ours → the repository's
REPOSITORY = "https://raw.githubusercontent.com/princeton-nlp/EntityQuestions"
PRINCETON = Web(f"{REPOSITORY}/096c261f327431b30af7ff718670f4bd13214908", {})
RELATIONS = (
    *("P106", "P112", "P127", "P131", "P136", "P159", "P17", "P170", "P175", "P176", "P19", "P20"),
    *("P26", "P264", "P276", "P36", "P40", "P407", "P413", "P495", "P50", "P69", "P740", "P800"),
)
"""Wikidata's names of the relations that are asked for."""


def load_pairs(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None, split: str = "train"
) -> Pairs:
    """Loads EntityQuestions as training pairs of questions and names.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: English is the only one.
        split: "train", "validation" or "test".

    Raises:
        DataError: for a language or split it lacks, and a file that is not what it should be.
    """
    name = "entity-questions"
    part = SPLITS[one_of(name, tuple(SPLITS), split)]
    choose_languages(name, languages, LANGUAGES)
    source = Source(name, local_folder(name, data, FOLDERS), PRINCETON)
    return answered_pairs(name, [_path(source, part, code) for code in RELATIONS], _read)


def _path(source: Source, part: str, relation: str) -> Path:
    file = f"{part}/{relation}.{part}.json"
    return source.path(file if source.has(file) else f"dataset/{file}")


def _read(file: Path) -> Iterator[Answered | LeftOut]:
    entries = expect(read_json(file), list, str(file), "the content")
    if not entries:
        raise DataError(f"{file}: no question in it; download it again")
    for number, entry in enumerate(entries, start=1):
        place = f"{file}, question {number}"
        record = expect(entry, dict, place, "the question")
        answers = listed(record, "answers", place)
        if not answers:
            yield LeftOut("without an answer")
            continue
        answer = words({"answers": answers[0]}, "answers", place)
        yield Answered(f"{file.stem}-{number}", words(record, "question", place), answer)
