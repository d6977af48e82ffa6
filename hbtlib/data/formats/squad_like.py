"""Reading question answering files of the wild: SQuAD's form, and how real sets depart from it.

A file is JSON, JSON lines (`.jsonl`, or `.json` with an object a line; any of them `.gz`) or
parquet. It holds articles (`paragraphs`), paragraphs (`qas`) or rows of one question each, in a
list, under `data`, or one a line. What was seen: parts of the files of HeQ, PQuAD, AmQA, NorQuAD,
TQuAD and CMRC 2018 in their repositories; of PoQuAD, KLUE, MRQA and FaQuAD their pages and public
code that reads them; of TyDiQA whole files:

| set | how it departs from SQuAD 1.1 |
|---|---|
| AmQA (semantic-systems/amharic-qa), NorQuAD (ltgoslo/NorQuAD) | ids are whole numbers; no title; \
NorQuAD repeats a paragraph for each of its questions |
| TQuAD (TQuad/turkish-nlp-qa-dataset) | ids are whole numbers, `answer_start` is a text |
| PQuAD (AUT-NLP/PQuAD), HeQ (NNLP-IL/Hebrew-Question-Answering-Dataset), SQuAD 2, PoQuAD, KLUE | \
questions without an answer: `is_impossible`, `answers` empty; beside them `plausible_answers` \
(PoQuAD, KLUE) or `wrong_answers` (HeQ) |
| PoQuAD (clarin-pl/poquad) | questions have no id |
| CMRC 2018 (ymcui/cmrc2018) | its own form is a list of paragraphs with `context_text`, \
`query_id`, `query_text` and answers that are texts alone; in its SQuAD form some `answer_start` \
are −1 |
| KLUE, as tfds-korean reads it | the id is `guid` |
| MRQA (mrqa/MRQA-Shared-Task-2019) | a paragraph a line after a `header`; the id is `qid` |
| FaQuAD as lmqg has it | rows: `paragraph`, `question`, `answer`; no id, no `answer_start` |
| TyDiQA-GoldP train of XTREME | ids repeat |
| TyDiQA-GoldP dev, test sets | every answer's text is blank |
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hbtlib.data.formats.checks import DataError, clean, expect, short
from hbtlib.data.formats.file_names import stem
from hbtlib.data.formats.files import Record, lines, read_json, read_jsonl
from hbtlib.data.formats.squad import (
    Paragraph,
    Question,
    number_repeated,
    read_sentences,
)
from hbtlib.data.given import is_empty

CONTEXTS = ("context", "context_text", "paragraph", "passage")
QUESTIONS = ("question", "query_text", "query")
IDS = ("id", "query_id", "qid", "guid", "question_id")
ANSWERS = ("answers", "answer", "answer_text")
"""The names that real sets give to a field; the first that a record has is read."""

NOWHERE = -1
"""Where an answer starts whose place is not known."""

UNANSWERABLE = "questions without an answer"
NO_QUESTION = "questions without text"
NO_PARAGRAPH = "questions of a paragraph without text"
REPEATED = "questions that stand twice, with id and paragraph"
"""Why a question is left out."""


class NotSquadError(DataError):
    """The file holds no questions with paragraphs; it may be something else."""


class Answer(NamedTuple):
    """An answer's text, and the character at which it is said to start (None: not said)."""

    text: str
    start: int | None


class Asked(NamedTuple):
    """A question as a file has it.

    Attributes:
        place: where it was read, for messages.
        number: its place as numbers, "12.0.3": article, paragraph, question.
        title: the title of its article.
        item: its paragraph's record.
        record: its own record, the same as `item` where a row has one question; None for a
            paragraph of which nothing is asked.
    """

    place: str
    number: str
    title: str
    item: Record
    record: Record | None


class SquadReader:
    """Reads the files of one language, and counts what it leaves out.

    Attributes:
        left_out: why questions were left out, and how many.
        has_own_ids: whether every question had an id of its own, that stood once.
    """

    def __init__(self, *, keep_unanswerable: bool = False) -> None:
        """Makes a reader.

        Args:
            keep_unanswerable: whether questions without an answer are read too.
        """
        self.left_out: Counter[str] = Counter()
        self.has_own_ids = True
        self._keep_unanswerable = keep_unanswerable
        self._paragraphs: dict[str, Paragraph] = {}
        self._ids: set[str] = set()
        self._name = number_repeated(self._ids)
        self._seen: set[tuple[str, str, str]] = set()

    @property
    def paragraphs(self) -> list[Paragraph]:
        """The paragraphs read so far, each once, with all their questions."""
        return list(self._paragraphs.values())

    @property
    def has_questions(self) -> bool:
        """Whether a question was read that is not left out."""
        return any(paragraph.questions for paragraph in self._paragraphs.values())

    def read(self, file: Path) -> None:
        """Reads a file.

        Raises:
            NotSquadError: if its first record is no article, paragraph or row with a question.
            DataError: for a damaged file, and for a field that is not what it should be.
        """
        asked = list(_questions(file))
        if not any(question.record is not None for question in asked):
            raise NotSquadError(
                f"{file}: no question in it; give a file with questions and paragraphs"
            )
        answers = [_answers(question.record or {}, question.place) for question in asked]
        # In dev and test sets that are handed around without answers, every one is blank.
        are_blanked = not any(_is_answered(found) for found in answers)
        for question, found in zip(asked, answers, strict=True):
            is_answered = _is_answered(found) or (are_blanked and len(found) > 0)
            if question.record is None:
                self._paragraph(question)
            else:
                is_answered = is_answered and not _is_impossible(question.record)
                self._add(question, question.record, found if is_answered else None, file)

    def _add(self, asked: Asked, record: Record, answers: list[Answer] | None, file: Path) -> None:
        """Adds a question (None: without an answer) to its paragraph, or counts why not."""
        paragraph = self._paragraph(asked)
        said = _text(record, QUESTIONS, asked.place)
        given = _given_id(record, asked.place)
        if paragraph is None:
            reason: str | None = NO_PARAGRAPH
        else:
            reason = self._why_not(paragraph, said, given, is_answered=answers is not None)
        if paragraph is None or reason is not None:
            self.left_out[str(reason)] += 1
            return
        if given is None or given in self._ids:
            self.has_own_ids = False
        if given is None:
            given = f"{stem(file)}#{asked.number}"
        start = NOWHERE if answers is None else _find(answers, paragraph.text)
        name = self._name(given, asked.place)
        question = Question(name, clean(said, asked.place, "the question"), start)
        paragraph.questions.append(question)

    def _why_not(
        self, paragraph: Paragraph, said: str, given: str | None, *, is_answered: bool
    ) -> str | None:
        """Why a question is left out; None if it is kept."""
        if is_empty(said):
            return NO_QUESTION
        if not (is_answered or self._keep_unanswerable):
            return UNANSWERABLE
        if given is not None:
            if (given, said, paragraph.text) in self._seen:
                return REPEATED
            self._seen.add((given, said, paragraph.text))
        return None

    def _paragraph(self, asked: Asked) -> Paragraph | None:
        """The paragraph that was asked of, made where it is new; None if it has no text."""
        context = _text(asked.item, CONTEXTS, asked.place)
        if is_empty(context):
            return None
        found = self._paragraphs.get(context)
        if found is None:
            clean(context, asked.place, "the paragraph")
            found = Paragraph(context, asked.title, asked.place)
            if "sentence_breaks" in asked.item:
                found.sentences = read_sentences(asked.item, context, asked.place)
            self._paragraphs[context] = found
        return found


def holds_questions(file: Path) -> bool:
    """Says whether a file begins like one with questions and paragraphs.

    Raises:
        DataError: for a damaged file.
    """
    try:
        return next(_questions(file), None) is not None
    except NotSquadError:
        return False


def _questions(file: Path) -> Iterator[Asked]:
    """Every question of a file with its paragraph, whatever the file is built of."""
    for number, (place, record) in enumerate(_records(file)):
        if number == 0 and not _is_squad(record):
            have = ", ".join(map(repr, record)) or "none"
            raise NotSquadError(
                f"{place}: no question with a paragraph; the fields are {have}, where "
                f"'paragraphs', 'qas', or a question ({' or '.join(QUESTIONS)}) and its paragraph "
                f"({' or '.join(CONTEXTS)}) belong"
            )
        if number == 0 and "header" in record:  # MRQA's first line
            continue
        yield from _walk(record, place, str(number), "")


def _is_squad(record: Record) -> bool:
    """Whether a record is an article, a paragraph, a row, or the first line of MRQA's files."""
    is_row = _name_of(record, QUESTIONS) and _name_of(record, CONTEXTS)
    return bool({"paragraphs", "qas", "header"} & record.keys() or is_row)


def _walk(record: Record, place: str, number: str, heading: str) -> Iterator[Asked]:
    """The questions of an article, of a paragraph, or of a row."""
    given = record.get("title")
    if isinstance(given, str) and not is_empty(given):
        heading = clean(given, place, "the title")
    if isinstance(record.get("paragraphs"), list):
        for i, item in enumerate(record["paragraphs"]):
            inside = f"{place}, paragraph {i}"
            item = expect(item, dict, inside, "the paragraph")
            yield from _walk(item, inside, f"{number}.{i}", heading)
    elif "qas" in record:
        questions = expect(record["qas"], list, place, "the field 'qas'")
        if not questions:
            yield Asked(place, number, heading, record, None)
        for i, question in enumerate(questions):
            inside = f"{place}, question {i}"
            question = expect(question, dict, inside, "the question")
            yield Asked(inside, f"{number}.{i}", heading, record, question)
    else:
        yield Asked(place, number, heading, record, record)


def _records(file: Path) -> Iterator[tuple[str, Record]]:
    """The records of a file with their places: articles, paragraphs or rows."""
    if file.suffix == ".parquet":
        yield from _parquet_rows(file)
        return
    if ".jsonl" in file.suffixes or _has_an_object_a_line(file):
        yield from read_jsonl(file)
        return
    content = read_json(file)
    if isinstance(content, dict) and isinstance(content.get("data"), list):
        content = content["data"]
    elif isinstance(content, dict):
        content = [content]
    if not isinstance(content, list) or (content and not isinstance(content[0], dict)):
        raise NotSquadError(f"{file}: it is {short(content)}, where articles or questions belong")
    for i, record in enumerate(content):
        place = f"{file}, article {i}"
        yield place, expect(record, dict, place, "the article")


def _has_an_object_a_line(file: Path) -> bool:
    """Whether a `.json` is JSON lines in truth: its first line is an object, and others follow."""
    filled = (line for _, line in lines(file) if line.strip())
    first, second = next(filled, None), next(filled, None)
    if first is None or second is None:
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _parquet_rows(file: Path) -> Iterator[tuple[str, Record]]:
    """The rows of a parquet file with those columns that are known here."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from hbtlib.data.formats.files import read_parquet

    known = {*CONTEXTS, *QUESTIONS, *IDS, *ANSWERS, "title", "paragraphs", "qas", "answer_start"}
    try:
        have = pq.read_schema(file).names
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{file}: not a whole parquet file ({str(error).splitlines()[0]}); download it again"
        ) from None
    columns = [column for column in have if column in known or column == "is_impossible"]
    if not columns:
        raise NotSquadError(f"{file}: no question in it; its columns are {', '.join(have)}")
    yield from read_parquet(file, columns)


def _name_of(record: Record, names: tuple[str, ...]) -> str | None:
    """Which of these names a record's field has; one without a value is passed over."""
    return next((name for name in names if record.get(name) is not None), None)


def _text(record: Record, names: tuple[str, ...], place: str) -> str:
    """A record's text under one of these names; it may be empty."""
    name = _name_of(record, names)
    if name is None:
        if any(name in record for name in names):  # it is there, and null
            return ""
        have = ", ".join(map(repr, record)) or "none"
        raise DataError(f"{place}: no field {' or '.join(map(repr, names))}; the fields are {have}")
    return expect(record[name], str, place, f"the field {name!r}")


def _given_id(record: Record, place: str) -> str | None:
    """A question's id as text; None where it has none."""
    name = _name_of(record, IDS)
    if name is None:
        return None
    value = record[name]
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    found = expect(value, str, place, f"the field {name!r}")
    return clean(found, place, f"the field {name!r}") if not is_empty(found) else None


def _is_impossible(record: Record) -> bool:
    return str(record.get("is_impossible")).lower() in ("true", "1")


def _is_answered(answers: list[Answer]) -> bool:
    return any(not is_empty(answer.text) for answer in answers)


def _answers(record: Record, place: str) -> list[Answer]:
    """A question's answers, in whichever of their forms.

    That is a list of {text, answer_start} (SQuAD), one of these alone (KorQuAD 2), a list of texts
    (CMRC 2018, MRQA), two parallel lists (the hub's), or a text with `answer_start` beside it.
    """
    name = _name_of(record, ANSWERS)
    if name is None:
        return []
    value = record[name]
    if isinstance(value, dict) and isinstance(value.get("text"), list):
        return _parallel_answers(value, place)
    if isinstance(value, str):
        return [_answer({"text": value, "answer_start": record.get("answer_start")}, place)]
    found = value if isinstance(value, list) else [value]
    return [_answer(item, place) for item in found]


def _parallel_answers(value: Record, place: str) -> list[Answer]:
    texts = value["text"]
    starts = value.get("answer_start")
    if not isinstance(starts, list):
        starts = [starts] * len(texts)
    if len(texts) != len(starts):
        raise DataError(
            f"{place}: {len(texts)} answer texts but {len(starts)} starts; each answer has both"
        )
    return [
        _answer({"text": said, "answer_start": start}, place)
        for said, start in zip(texts, starts, strict=True)
    ]


def _answer(item: Any, place: str) -> Answer:
    if isinstance(item, dict):
        said, start = item.get("text"), item.get("answer_start")
    else:
        said, start = item, None
    if isinstance(said, int | float) and not isinstance(said, bool):
        said = str(said)  # "answer": 1998
    said = expect("" if said is None else said, str, place, "an answer's text")
    return Answer(said, _start(start, place))


def _start(value: Any, place: str) -> int | None:
    """Where an answer starts: a whole number, or one in digits; None where it is not said."""
    number = value
    if isinstance(number, str):
        number = number.strip() or None
        if number is not None and number.removeprefix("-").isdecimal():
            number = int(number)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
        raise DataError(
            f"{place}: the field 'answer_start' is {short(value)}, where a whole number belongs"
        )
    return None if number is None or number < 0 else number


def _find(answers: list[Answer], context: str) -> int:
    """The character at which the first answer starts that can be found in the paragraph."""
    for said, start in answers:
        if is_empty(said):
            if start is not None and 0 < start < len(context):
                return start
            continue
        found = _occurrence(said, start, context)
        if found != NOWHERE:
            return found
    return NOWHERE


def _occurrence(said: str, start: int | None, context: str) -> int:
    """Where a text stands in the paragraph: at its start, or else as near to it as can be."""
    wanted = said.strip()
    if start is not None and context.startswith(said, start):
        return start + len(said) - len(said.lstrip())
    best = found = context.find(wanted)
    while start is not None and found != NOWHERE and found < start:
        found = context.find(wanted, found + 1)
        if found != NOWHERE and abs(found - start) < abs(best - start):
            best = found
    return best
