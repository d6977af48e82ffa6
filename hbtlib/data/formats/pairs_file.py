"""Reading `pairs.jsonl`: parallel questions and passages to train on, one id a line.

A line is {"id", "question": {language: text}, "passage": {language: text}}.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hbtlib.data.formats.checks import (
    DataError,
    clean,
    expect,
    field,
    identifier,
    language,
    unique,
)
from hbtlib.data.formats.files import Record, read_jsonl
from hbtlib.data.formats.source import choose_languages
from hbtlib.data.pairs import Texts, shared_keys

SPLITS = ("train", "validation")
HELD_OUT = 20
"""One id in this many is held out for the split "validation"."""


class ParallelTexts(NamedTuple):
    """Parallel texts: for each id its questions and its passages by language.

    Attributes:
        ids: the ids.
        questions: for each id, language → question.
        passages: for each id, language → passage.
    """

    ids: list[str]
    questions: list[Texts]
    passages: list[Texts]


def read_pairs(file: Path) -> ParallelTexts:
    """Reads every line of a `pairs.jsonl`.

    Raises:
        DataError: naming the line, for what is no pair, and for a file without a line.
    """
    found = ParallelTexts([], [], [])
    seen: dict[str, str] = {}
    for place, record in read_jsonl(file):
        id_ = identifier(record, "id", place)
        unique(seen, id_, place, "the id")
        found.ids.append(id_)
        found.questions.append(_texts(record, "question", place))
        found.passages.append(_texts(record, "passage", place))
    if not found.ids:
        raise DataError(f"{file}: it has no line; download it again")
    return found


def _texts(record: Record, name: str, place: str) -> Texts:
    """A record's field that maps languages to texts."""
    forms = field(record, name, dict, place)
    place = f"{place}, {name}"
    if not forms:
        raise DataError(f"{place}: no text in any language; leave the id out")
    found = {}
    for code, form in forms.items():
        known = language(code, place)
        at = f"{place}, {code}"
        found[known] = clean(expect(form, str, at, "the text"), at, "the text")
    return found


def split_pairs(file: Path, languages: Sequence[str] | None, split: str) -> ParallelTexts:
    """Reads one split of a `pairs.jsonl`, in some languages alone.

    One id in twenty is held out, drawn by passage: ids that share a passage are of one split. The
    split is drawn before any language is left out, so that it is the same whatever is asked for.

    Args:
        file: the file.
        languages: the languages to keep; None keeps all. Ids without a question or a passage in
            them are left out.
        split: "train" or "validation".

    Raises:
        DataError: for another split, a language that the file lacks, and a split without an id.
    """
    if split not in SPLITS:
        raise DataError(
            f"{file} has no split {split!r}; it has train and validation (one id in twenty, held "
            "out by passage)"
        )
    every = read_pairs(file)
    have = sorted({code for forms in (*every.questions, *every.passages) for code in forms})
    wanted = choose_languages(str(file), languages, have)
    is_held_out = held_out(every)
    kept = ParallelTexts([], [], [])
    for i in range(len(every.ids)):
        question = {code: form for code, form in every.questions[i].items() if code in wanted}
        passage = {code: form for code, form in every.passages[i].items() if code in wanted}
        if is_held_out[i] == (split == "validation") and question and passage:
            kept.ids.append(every.ids[i])
            kept.questions.append(question)
            kept.passages.append(passage)
    if not kept.ids:
        raise DataError(
            f"{file}: no id of the split {split!r} ({sum(is_held_out)} of {len(every.ids)} are "
            f"held out as validation) has a question and a passage in {' '.join(wanted)}"
        )
    return kept


def held_out(texts: ParallelTexts) -> list[bool]:
    """Says of each id whether it is held out; by the first id of those that share its passage."""
    first_ids = [texts.ids[key] for key in shared_keys(texts.passages)]
    return [zlib.crc32(id_.encode()) % HELD_OUT == 0 for id_ in first_ids]
