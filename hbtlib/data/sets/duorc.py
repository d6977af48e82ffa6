"""DuoRC (Saha et al. 2018, ACL): questions on the plots of films.

In `SelfRC` a question is asked of the plot it was written on; in `ParaphraseRC` of another, longer
telling of the same film. The passage is the whole plot. The hub's copy has 60,721 / 12,961 / 12,559
and 69,524 / 15,591 / 15,857 questions (train / validation / test), in English. The published
study's Table 9 has 33,298 rows after cleaning; it does not say of which of the two.

Files: `SelfRC/train-*.parquet` and so on, with the columns plot_id, plot, title, question_id,
question, answers, no_answer; seen on the dataset's page and in others' code, the files never. Left
out and counted: questions that the plot does not answer (`no_answer`), and empty ones. The licence
is MIT.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hbtlib.data.formats.checks import expect, text
from hbtlib.data.formats.files import read_parquet
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

FOLDERS = ("duorc",)
LANGUAGES = ("en",)
SPLITS = ("train", "validation", "test")
VERSIONS = ("SelfRC", "ParaphraseRC")
IBM = Hub("ibm-research/duorc", "2de12436b8945030c283bf4af83925d60efe10c6")


def load_pairs(
    data: str | Path | None = None,
    *,
    languages: Sequence[str] | None = None,
    split: str = "train",
    version: str = "SelfRC",
) -> Pairs:
    """Loads DuoRC as training pairs.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: English is the only one.
        split: "train", "validation" or "test".
        version: "SelfRC" or "ParaphraseRC".

    Raises:
        DataError: for a language, split or version it lacks, and a file that is not what it should
            be.
    """
    one_of("duorc", SPLITS, split)
    one_of("duorc", VERSIONS, version, "version")
    choose_languages("duorc", languages, LANGUAGES)
    source = Source("duorc", local_folder("duorc", data, FOLDERS), IBM)
    return answered_pairs("duorc", source.paths(f"{version}/{split}-*.parquet"), _read)


def _read(file: Path) -> Iterator[Answered | LeftOut]:
    for place, row in read_parquet(file, ["question_id", "question", "plot", "no_answer"]):
        if expect(row["no_answer"], bool, place, "the field 'no_answer'"):
            yield LeftOut("without an answer in the plot")
            continue
        question, plot = words(row, "question", place), words(row, "plot", place)
        yield Answered(text(row, "question_id", place), question, plot)
