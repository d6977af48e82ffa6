"""MLQA's test questions and the paragraphs they were asked of, to train on.

The pairs are parallel as far as MLQA is: 9,677 ids, with questions in ar de es hi vi zh and
passages in de es vi zh; which of these languages an id has differs. They are read from
`pairs.jsonl`, one line for each id: {"id", "question": {language: text}, "passage": {language:
text}}. One id in twenty, drawn by paragraph, is held out (split "validation"): no paragraph of
these is trained on. The licence is CC BY-SA 3.0.

The pairs share nothing with XQuAD-R. Seven of the ids have a question or a sentence that is in
MLQA dev too (`hbt.leave_out` finds them).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.pairs_file import ParallelTexts, split_pairs
from hbtlib.data.formats.parallel import parallel_benchmark
from hbtlib.data.formats.source import local_folder
from hbtlib.data.pairs import Pairs

FOLDERS = ("mlqa-test-pairs",)
LANGUAGES = ("ar", "de", "es", "hi", "vi", "zh")


def load_pairs(
    data: str | Path | None = None,
    *,
    split: str = "train",
    languages: Sequence[str] | None = None,
    monolingual: bool = False,
) -> Pairs:
    """Loads the pairs.

    Args:
        data: the folder with `pairs.jsonl`; None looks in `HBT_DATA`.
        split: "train" or "validation".
        languages: the languages; None takes all.
        monolingual: whether to keep only ids that have question and passage in one language (5,069
            of 9,186 in the training split), so that strategies of one language and strategies of
            several train on the same ids.

    Raises:
        DataError: for a file that is missing or not what it should be, or if no id is left.
    """
    texts = _read(data, languages, split)
    kept = [
        i
        for i in range(len(texts.ids))
        if not monolingual or texts.questions[i].keys() & texts.passages[i].keys()
    ]
    if not kept:
        raise DataError(
            "mlqa-pairs has no id with question and passage in one language of "
            f"{' '.join(languages or ())}; passages are in de es vi zh"
        )
    return Pairs.from_texts(
        "mlqa-pairs",
        [texts.questions[i] for i in kept],
        [texts.passages[i] for i in kept],
        id=[texts.ids[i] for i in kept],
    )


def load_benchmark(
    data: str | Path | None = None,
    *,
    split: str = "validation",
    languages: Sequence[str] | None = None,
) -> Benchmark:
    """Loads the same as a benchmark, to choose parameters by.

    The passages are the split's paragraphs.

    Args:
        data: the folder with `pairs.jsonl`; None looks in `HBT_DATA`.
        split: "train" or "validation".
        languages: the languages; None takes all.

    Raises:
        DataError: for a file that is missing or not what it should be.
    """
    return parallel_benchmark("mlqa-pairs", _read(data, languages, split))


def _read(data: str | Path | None, languages: Sequence[str] | None, split: str) -> ParallelTexts:
    folder = local_folder("mlqa-pairs", data, FOLDERS)
    if folder is None:
        raise DataError(
            "mlqa-pairs is not published in this form: put a folder mlqa-test-pairs/ with "
            "pairs.jsonl into the folder that HBT_DATA names, or train on "
            "hbt.load_pairs('mlqa', split='test'), which has all of it"
        )
    return split_pairs(folder / "pairs.jsonl", languages, split)
