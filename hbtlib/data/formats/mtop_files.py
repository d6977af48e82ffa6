"""MTOP's files in the three forms in which they are handed around, as utterances.

- `LANG/{test,validation}-*.parquet` (mteb). Nothing in them says which utterances are translations
  of each other.
- `mtop.jsonl`, one line an id: {"id", "split", "text": {language: utterance}, "intent"}, as the
  project's data folder has the utterances of XSemPLR (Zhang et al. 2023).
- MTOP's own `LANG/{train,eval,test}.txt`: tab-separated, without a header, with an id that is the
  same in all languages, intent, slots, utterance, domain, locale, parse and tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from hbtlib.data.formats.checks import (
    DataError,
    clean,
    expect,
    field,
    identifier,
    language,
    short,
    text,
    unique,
)
from hbtlib.data.formats.files import Record, lines, read_jsonl, read_parquet
from hbtlib.data.formats.source import Source

PARALLEL = "mtop.jsonl"
SPLITS = ("train", "validation", "test")
OWN_SPLITS = {"train": "train", "validation": "eval", "test": "test"}
"""The splits, and what MTOP's own files call them."""
OWN_COLUMNS = 8

Utterance = tuple[str, str, str, str, str, str]
"""Its id, language, text, label, question, and what the draw of queries depends on."""
COLUMNS = ["id", "language", "text", "label", "question_id", "drawn_by"]

DOMAINS = {
    "ALARM": "alarm",
    "CALL": "calling",
    "EVENT": "event",
    "MESSAGE": "messaging",
    "MUSIC": "music",
    "NEWS": "news",
    "RECIPES": "recipes",
    "REMINDER": "reminder",
    "TIMER": "timer",
    "WEATHER": "weather",
}
"""A word of an intent's name, and the domain that it tells."""

DOMAINS_OF_OTHERS = {
    "GET_AVAILABILITY": "calling",
    "SET_AVAILABLE": "calling",
    "SET_UNAVAILABLE": "calling",
    "SET_RSVP_INTERESTED": "event",
    "SET_RSVP_NO": "event",
    "SET_RSVP_YES": "event",
    "GET_CONTACT": "people",
    "GET_CONTACT_METHOD": "people",
    "GET_EDUCATION_TIME": "people",
    "GET_EMPLOYER": "people",
    "GET_EMPLOYMENT_TIME": "people",
    "GET_INFO_CONTACT": "people",
    "GET_MUTUAL_FRIENDS": "people",
    "GET_UNDERGRAD": "people",
    "GET_SUNRISE": "weather",
    "GET_SUNSET": "weather",
    # Of its five utterances some ask where an event is, and some where a person lives.
    "GET_LOCATION": "event or people",
}
"""The domains of intents whose names have no such word, by what their utterances ask."""


def is_parallel(source: Source) -> bool:
    """Whether the files say which utterances are translations of each other.

    Args:
        source: where the files are.
    """
    return source.has(PARALLEL) or bool(_own_languages(source))


def read_utterances(
    source: Source, languages: Sequence[str], split: str, label: str
) -> pd.DataFrame:
    """Reads the utterances of a split, a row each, one language after the other.

    Args:
        source: where the files are.
        languages: the languages to read.
        split: train, validation or test.
        label: "intent" or "domain".

    Returns:
        The columns of `COLUMNS`.

    Raises:
        DataError: for a language without an utterance of the split, and for malformed lines.
    """
    rows: list[Utterance] = []
    if source.has(PARALLEL):
        found_lines = list(read_parallel(source.path(PARALLEL), label))
        for code in languages:
            rows += [row for of_split, row in found_lines if of_split == split and row[1] == code]
    else:
        is_own = bool(_own_languages(source))
        for code in languages:
            reads = _read_own(source, code, split, label) if is_own else _hub(source, code, split)
            rows += reads
    found = pd.DataFrame(rows, columns=COLUMNS)
    have = set(found["language"])
    lacking = [code for code in languages if code not in have]
    if lacking:
        raise DataError(
            f"mtop: {source.folder} has no utterance of the split {split!r} in {lacking[0]!r}; "
            "leave the language out, or fetch the whole file"
        )
    return found


def _own_languages(source: Source) -> list[str]:
    """The languages of MTOP's own files, if the folder has such."""
    if source.folder is None:
        return []
    return sorted(file.parent.name for file in source.folder.glob("??/test.txt"))


def _hub(source: Source, code: str, split: str) -> Iterator[Utterance]:
    """The utterances of the hub's files of a language."""
    seen: dict[str, str] = {}
    for file in source.paths(f"{code}/{split}-*.parquet"):
        for place, row in read_parquet(file, ["id", "text", "label_text"]):
            number = identifier(row, "id", place)
            unique(seen, number, place, "the id")
            id_ = f"{code}:{split}:{number}"
            utterance = text(row, "text", place)
            drawn_by = f"{code}\t{id_}\t{utterance}"
            yield id_, code, utterance, text(row, "label_text", place), id_, drawn_by


def _read_own(source: Source, code: str, split: str, label: str) -> Iterator[Utterance]:
    """The utterances of one of MTOP's own files."""
    file = source.path(f"{code}/{OWN_SPLITS[split]}.txt")
    seen: dict[str, str] = {}
    for number, line in lines(file):
        place = f"{file}, line {number}"
        parts = line.split("\t")
        if len(parts) != OWN_COLUMNS:
            raise DataError(
                f"{place}: {len(parts)} columns instead of MTOP's {OWN_COLUMNS}; separate them by "
                "tabs, or download the file again"
            )
        id_ = clean(parts[0], place, "the id")
        unique(seen, id_, place, "the id")
        means = clean(parts[1], place, "the intent").removeprefix("IN:")
        if label == "domain":
            means = clean(parts[4], place, "the domain")
        question = f"{split}:{id_}"
        utterance = clean(parts[3], place, "the utterance")
        yield f"{code}:{question}", code, utterance, means, question, question


def read_parallel(file: Path, label: str) -> Iterator[tuple[str, Utterance]]:
    """Reads `mtop.jsonl`.

    Args:
        file: the file.
        label: "intent" or "domain".

    Yields:
        The split and the utterance, for each language of each line.

    Raises:
        DataError: naming the line, for what is no such line.
    """
    seen: dict[str, str] = {}
    for place, record in read_jsonl(file):
        number = identifier(record, "id", place)
        unique(seen, number, place, "the id")
        split = text(record, "split", place)
        if split not in SPLITS:
            raise DataError(
                f"{place}: the split is {short(split)}; it is one of {', '.join(SPLITS)}"
            )
        means = _label(record, label, place)
        question = f"{split}:{number}"
        for code, utterance in field(record, "text", dict, place).items():
            what = f"the text in {language(code, place)!r}"
            form = clean(expect(utterance, str, place, what), place, what)
            yield split, (f"{code}:{question}", code, form, means, question, question)


def _label(record: Record, label: str, place: str) -> str:
    """An utterance's intent or domain; a domain that the line lacks is that of its intent."""
    if label == "domain" and "domain" not in record:
        return domain_of(text(record, "intent", place), place)
    return text(record, label, place)


def domain_of(intent: str, place: str) -> str:
    """The domain of an intent, by its name.

    XSemPLR left the domains out. They are told from the intent's name: most have a word for it
    (`GET_WEATHER`), the others are in `DOMAINS_OF_OTHERS`, which is ours.

    Args:
        intent: the intent, without `IN:`.
        place: where it stands, for messages.

    Raises:
        DataError: for an intent whose domain is not known.

    Example:
        >>> domain_of("UPDATE_METHOD_CALL", "a line"), domain_of("GET_SUNSET", "a line")
        ('calling', 'weather')
    """
    words = [word for word in DOMAINS if word in intent.split("_")]
    if intent in DOMAINS_OF_OTHERS:
        return DOMAINS_OF_OTHERS[intent]
    if len(words) != 1:
        raise DataError(
            f"{place}: the domain of the intent {short(intent)} is not known; write it into the "
            "field 'domain'"
        )
    return DOMAINS[words[0]]
