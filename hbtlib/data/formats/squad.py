"""Reading question answering data in SQuAD's form.

A paragraph has questions, and a question's answer starts at a character of the paragraph. The data
come as SQuAD's JSON files, or as the hub's parquet files with one row a question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hbtlib.data.formats.checks import DataError, clean, expect, short, text, title, unique
from hbtlib.data.formats.checks import field as get_field
from hbtlib.data.formats.files import Record, read_json, read_parquet

Span = tuple[int, int]
"""Start and end of a piece of text in characters; the end is exclusive."""

LONGEST_GAP = 2
"""Between two of LAReQA's sentences stand blanks, and at most this many other characters."""

NameQuestion = Callable[[str, str], str]
"""A function from an id and its place to the id that the question gets."""


@dataclass
class Question:
    """A question and where its answer starts.

    Attributes:
        id: the question's id, the same in all its languages.
        text: the question.
        start: the character of its paragraph at which its first answer starts.
    """

    id: str
    text: str
    start: int


@dataclass
class Paragraph:
    """A paragraph with its questions.

    Attributes:
        text: the paragraph as the file has it: answers and sentences are places in it.
        title: the title of its article, "" where it has none.
        place: where it was read, for messages.
        questions: the questions asked of it.
        sentences: each sentence's span and text, where the dataset gives them.
    """

    text: str
    title: str
    place: str
    questions: list[Question] = field(default_factory=list)
    sentences: list[tuple[Span, str]] | None = None


def refuse_repeated() -> NameQuestion:
    """Returns a function that keeps ids as they are, and refuses one that stands twice."""
    seen: dict[str, str] = {}

    def name(id_: str, place: str) -> str:
        unique(seen, id_, place, "the question id")
        return id_

    return name


def number_repeated(taken: set[str] | None = None) -> NameQuestion:
    """Returns a function that numbers an id which stands several times: "12", "12.2", "12.3".

    Args:
        taken: ids that are given already; those that the function gives are added.
    """
    given = set() if taken is None else taken
    times: Counter[str] = Counter()

    def name(id_: str, place: str) -> str:
        times[id_] += 1
        numbered = id_ if times[id_] == 1 else f"{id_}.{times[id_]}"
        while numbered in given:  # the file itself has an id "12.2"
            times[id_] += 1
            numbered = f"{id_}.{times[id_]}"
        given.add(numbered)
        return numbered

    return name


def read_squad(
    file: Path, *, exact: bool = True, name: NameQuestion | None = None
) -> list[Paragraph]:
    """Reads a SQuAD file: `data` → `paragraphs` → `context`, `qas`.

    Args:
        file: the JSON file; it may hold LAReQA's `sentences` and `sentence_breaks` too.
        exact: whether an answer's text must stand where the answer starts.
        name: what a question of an id is called; None keeps ids and refuses one that stands twice.

    Raises:
        DataError: naming file and paragraph or question, for a missing field, an empty text, an
            answer that starts outside its paragraph or (exact) reads otherwise there, an id that
            occurs twice, or sentence breaks that do not lie in their paragraph in order.
    """
    content = expect(read_json(file), dict, str(file), "the file")
    articles = get_field(content, "data", list, str(file))
    found: list[Paragraph] = []
    name = name or refuse_repeated()
    for number, article in enumerate(articles):
        found += _read_article(article, f"{file}, article {number}", name, exact)
    return _with_questions(found, file)


def _read_article(article: Any, place: str, name: NameQuestion, exact: bool) -> list[Paragraph]:
    article = expect(article, dict, place, "the article")
    heading = title(article, place)
    return [
        _read_paragraph(item, heading, f"{place}, paragraph {number}", name, exact)
        for number, item in enumerate(get_field(article, "paragraphs", list, place))
    ]


def _read_paragraph(
    item: Any, heading: str, place: str, name: NameQuestion, exact: bool
) -> Paragraph:
    item = expect(item, dict, place, "the paragraph")
    context = get_field(item, "context", str, place)
    clean(context, place, "the field 'context'")
    paragraph = Paragraph(context, heading, place)
    if "sentence_breaks" in item:
        paragraph.sentences = read_sentences(item, context, place)
    for question in get_field(item, "qas", list, place):
        question = expect(question, dict, place, "a question")
        paragraph.questions.append(_read_question(question, context, place, name, exact))
    return paragraph


def read_rows(file: Path) -> list[Paragraph]:
    """Reads one of the hub's parquet files: id, context, question, answers; a row a question.

    Raises:
        DataError: as `read_squad` does.
    """
    rows = read_parquet(file, ["id", "context", "question", "answers"])
    return _with_questions(group_rows(rows), file)


def group_rows(rows: Iterable[tuple[str, Record]], *, exact: bool = True) -> list[Paragraph]:
    """Makes paragraphs of rows of one question each: those of one context are one paragraph.

    Args:
        rows: each row's place, and the row: id, context, question, answers and, if any, title.
        exact: whether an answer's text must stand where the answer starts.

    Raises:
        DataError: as `read_squad` does.
    """
    found: dict[str, Paragraph] = {}
    name = refuse_repeated()
    for place, row in rows:
        context = get_field(row, "context", str, place)
        clean(context, place, "the field 'context'")
        question = {**row, "answers": _answers_of_row(row, place)}
        paragraph = found.setdefault(context, Paragraph(context, title(row, place), place))
        paragraph.questions.append(_read_question(question, context, place, name, exact))
    return list(found.values())


def _answers_of_row(row: Record, place: str) -> list[Record]:
    """The answers of a parquet row (two parallel lists) as SQuAD's files have them."""
    answers = expect(row["answers"], dict, place, "the field 'answers'")
    texts = get_field(answers, "text", list, place)
    starts = get_field(answers, "answer_start", list, place)
    if len(texts) != len(starts):
        raise DataError(
            f"{place}: {len(texts)} answer texts but {len(starts)} starts; each answer has both"
        )
    return [
        {"text": said, "answer_start": start} for said, start in zip(texts, starts, strict=True)
    ]


def _with_questions(paragraphs: list[Paragraph], file: Path) -> list[Paragraph]:
    if not any(paragraph.questions for paragraph in paragraphs):
        raise DataError(f"{file}: no question in it; download it again")
    return paragraphs


def _read_question(
    record: Record, context: str, place: str, name: NameQuestion, exact: bool
) -> Question:
    id_ = text(record, "id", place)
    place = f"{place}, question {id_}"
    id_ = name(id_, place)
    starts = [
        _answer_start(answer, context, place, exact)
        for answer in get_field(record, "answers", list, place)
    ]
    if not starts:
        raise DataError(f"{place}: it has no answer; leave the question out")
    return Question(id_, text(record, "question", place), starts[0])


def _answer_start(answer: Any, context: str, place: str, exact: bool) -> int:
    """The character at which an answer starts, after a check that it is there."""
    answer = expect(answer, dict, place, "an answer")
    start = get_field(answer, "answer_start", int, place)
    said = get_field(answer, "text", str, place)
    length = max(len(said) if exact else 0, 1)
    if not 0 <= start <= len(context) - length:
        raise DataError(
            f"{place}: its answer begins at character {start} and has {len(said)}, but the "
            f"paragraph has {len(context)}; the file's offsets and texts do not belong together"
        )
    text_there = context[start : start + len(said)]
    if exact and text_there != said:
        raise DataError(
            f"{place}: at character {start} its paragraph has {short(text_there)}, not the "
            f"answer {short(said)}; the file's offsets and texts do not belong together"
        )
    return start


def read_sentences(item: Record, context: str, place: str) -> list[tuple[Span, str]]:
    """Reads LAReQA's sentences: their spans, and their texts as the file gives them.

    The texts are not cut out of the paragraph, because in one Turkish paragraph the breaks are off
    by a character.

    Args:
        item: the paragraph's record, with `sentences` and `sentence_breaks`.
        context: the paragraph's text.
        place: where it was read, for messages.

    Raises:
        DataError: for breaks that do not lie in the paragraph in order, one for each sentence.
    """
    texts = get_field(item, "sentences", list, place)
    breaks = get_field(item, "sentence_breaks", list, place)
    if len(texts) != len(breaks) or not texts:
        raise DataError(
            f"{place}: {len(texts)} sentences but {len(breaks)} sentence breaks; each sentence has "
            "one, and a paragraph one sentence at least"
        )
    spans = _check_breaks(breaks, context, place)
    return [
        (span, clean(expect(sentence, str, place, "a sentence"), place, "a sentence"))
        for span, sentence in zip(spans, texts, strict=True)
    ]


def _check_breaks(breaks: list[Any], context: str, place: str) -> list[Span]:
    """The sentence breaks as spans, after a check that they follow each other without a gap."""
    spans: list[Span] = []
    end = 0
    # A break at the end of the paragraph: nothing may be left after the last sentence.
    for item in [*breaks, [len(context), len(context) + 1]]:
        pair = expect(item, list, place, "a sentence break")
        is_span = (
            len(pair) == 2
            and all(type(number) is int for number in pair)
            and end <= pair[0] < pair[1] <= len(context) + 1
        )
        if not is_span or len(context[end : pair[0]].strip()) > LONGEST_GAP:
            raise DataError(
                f"{place}: the sentence break {short(pair)} does not follow the one before, which "
                f"ends at {end}, in the paragraph of {len(context)} characters; the file's breaks "
                "and texts do not belong together"
            )
        end = pair[1]
        spans.append((pair[0], pair[1]))
    return spans[:-1]
