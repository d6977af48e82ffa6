"""MLQA's test questions and the paragraphs they were asked of, to train on: parallel as far as MLQA is.

9,677 ids; questions in ar de es hi vi zh, passages in de es vi zh, in which languages differs by id. Read from
`pairs.jsonl`, one line an id: {"id", "question": {language: text}, "passage": {language: text}}. One id in twenty, drawn
by paragraph, is held out (split "validation"): no paragraph of these is trained on. CC BY-SA 3.0. It shares nothing
with XQuAD-R; seven of its ids have a question or a sentence that stands in MLQA dev too (`hbt.leave_out` finds them).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hbtlib.data.benchmark import Benchmark, judged
from hbtlib.data.formats.files import DataError
from hbtlib.data.formats.folder import Columns, split_pairs
from hbtlib.data.pairs import Pairs
from hbtlib.data.source import local_folder

FOLDERS = ("mlqa-test-pairs",)
LANGUAGES = ("ar", "de", "es", "hi", "vi", "zh")


def _split(data: str | Path | None, languages: Sequence[str] | None, split: str) -> Columns:
    folder = local_folder("mlqa-pairs", data, FOLDERS)
    if folder is None:
        raise DataError(
            "mlqa-pairs is not published in this form: put a folder mlqa-test-pairs/ with pairs.jsonl into the "
            "folder that HBT_DATA names, or train on hbt.load_pairs('mlqa', split='test'), which has all of it"
        )
    return split_pairs(folder / "pairs.jsonl", languages, split)


def load_pairs(
    data: str | Path | None = None,
    *,
    split: str = "train",
    languages: Sequence[str] | None = None,
    monolingual: bool = False,
) -> Pairs:
    """The pairs of these languages (default: all).

    monolingual: only ids that have question and passage in one language (5,069 of 9,186 in the training split), so that
    strategies of one language and strategies of several train on the same ids.
    """
    rows = zip(*_split(data, languages, split), strict=True)
    kept = [
        (id_, query, passage)
        for id_, query, passage in rows
        if not monolingual or query.keys() & passage.keys()
    ]
    if not kept:
        raise DataError(
            f"mlqa-pairs has no id with question and passage in one language of {' '.join(languages or ())}; "
            "passages are in de es vi zh"
        )
    ids, queries, passages = zip(*kept, strict=True)
    return Pairs.from_texts("mlqa-pairs", queries, passages, id=ids)


def load_benchmark(
    data: str | Path | None = None,
    *,
    split: str = "validation",
    languages: Sequence[str] | None = None,
) -> Benchmark:
    """The same as a benchmark, to choose parameters by: the split's paragraphs are the passages."""
    ids, queries, passages = _split(data, languages, split)
    asked = pd.DataFrame(
        [
            (f"{id_}:{code}", id_, code, form)
            for id_, forms in zip(ids, queries, strict=True)
            for code, form in forms.items()
        ],
        columns=["query_id", "question_id", "language", "text"],
    )
    answers = pd.DataFrame(
        [
            (id_, code, form)
            for id_, forms in zip(ids, passages, strict=True)
            for code, form in forms.items()
        ],
        columns=["question_id", "language", "text"],
    )
    # Questions share paragraphs: each is one passage, called after the first.
    first = answers.groupby(["language", "text"])["question_id"].transform("first")
    answers["passage_id"] = first + ":" + answers["language"]
    return Benchmark(
        "mlqa-pairs",
        asked,
        answers.drop_duplicates("passage_id")[["passage_id", "language", "text"]],
        judged(asked, answers),
    )
