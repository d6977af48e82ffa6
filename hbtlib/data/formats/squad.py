"""Question answering data in SQuAD's form, and the retrieval benchmarks made of them.

A paragraph has questions; a question's answer starts somewhere in it. What is retrieved is the sentence that holds the
answer's start (LAReQA, arXiv 2004.05484, section 3.1), or the whole paragraph. Files of several languages are parallel
through the questions' ids: a question's relevant passages are its own in every language that has it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from hbtlib.data.benchmark import SETTINGS, Benchmark, judged
from hbtlib.data.formats.files import (
    DataError,
    clean,
    expect,
    read_json,
    read_parquet,
    short,
    text,
    title,
    unique,
)
from hbtlib.data.formats.files import field as entry

Span = tuple[int, int]  # characters, end exclusive
CONTEXTS = ("none", "paragraph")


@dataclass
class Question:
    """A question and the character of its paragraph at which its (first) answer starts."""

    id: str
    text: str
    start: int


@dataclass
class Paragraph:
    """A paragraph, its questions, and its sentences where the data set gives them."""

    text: str
    title: str
    place: str
    questions: list[Question] = field(default_factory=list)
    sentences: list[tuple[Span, str]] | None = None  # where each stands, and its text


def read_squad(file: Path, *, exact: bool = True) -> list[Paragraph]:
    """The paragraphs of a SQuAD file (`data` → `paragraphs` → `context`, `qas`), with LAReQA's `sentence_breaks` if any.

    Raises DataError naming file and paragraph or question for a missing field, an empty text, an answer that starts
    outside its paragraph or (exact) reads otherwise there, an id that stands twice, or sentence breaks that do not lie in
    their paragraph in order.
    """
    found: list[Paragraph] = []
    seen: dict[str, str] = {}
    content = expect(read_json(file), dict, str(file), "the file")
    for a, article in enumerate(entry(content, "data", list, str(file))):
        at = f"{file}, article {a}"
        article = expect(article, dict, at, "the article")
        name = title(article, at)
        for p, item in enumerate(entry(article, "paragraphs", list, at)):
            place = f"{file}, article {a}, paragraph {p}"
            item = expect(item, dict, place, "the paragraph")
            context = entry(item, "context", str, place)
            clean(context, place, "the field 'context'")
            paragraph = Paragraph(context, name, place)
            if "sentence_breaks" in item:
                paragraph.sentences = _sentences(item, context, place)
            for qa in entry(item, "qas", list, place):
                paragraph.questions.append(
                    _question(expect(qa, dict, place, "a question"), context, place, seen, exact)
                )
            found.append(paragraph)
    return _asked(found, file)


def read_rows(file: Path) -> list[Paragraph]:
    """The same from the hub's parquet files: one row a question (id, context, question, answers), contexts repeated."""
    return _asked(group_rows(read_parquet(file, ["id", "context", "question", "answers"])), file)


def _asked(paragraphs: list[Paragraph], file: Path) -> list[Paragraph]:
    if not any(p.questions for p in paragraphs):
        raise DataError(f"{file}: no question in it; fetch it again")
    return paragraphs


def group_rows(
    rows: Iterable[tuple[str, dict[str, Any]]], *, exact: bool = True
) -> list[Paragraph]:
    """Paragraphs from rows of one question each: those of one context are one paragraph."""
    found: dict[str, Paragraph] = {}
    seen: dict[str, str] = {}
    for place, row in rows:
        context = entry(row, "context", str, place)
        clean(context, place, "the field 'context'")
        answers = expect(row["answers"], dict, place, "the field 'answers'")
        texts, starts = (entry(answers, name, list, place) for name in ("text", "answer_start"))
        if len(texts) != len(starts):
            raise DataError(
                f"{place}: {len(texts)} answer texts but {len(starts)} starts; each answer has both"
            )
        qa = {
            **row,
            "answers": [{"text": t, "answer_start": s} for t, s in zip(texts, starts, strict=True)],
        }
        paragraph = found.setdefault(context, Paragraph(context, title(row, place), place))
        paragraph.questions.append(_question(qa, context, place, seen, exact))
    return list(found.values())


def _question(
    qa: dict[str, Any], context: str, place: str, seen: dict[str, str], exact: bool
) -> Question:
    id_ = text(qa, "id", place)
    place = f"{place}, question {id_}"
    unique(seen, id_, place, "the question id")
    starts = []
    for answer in entry(qa, "answers", list, place):
        answer = expect(answer, dict, place, "an answer")
        start, said = entry(answer, "answer_start", int, place), entry(answer, "text", str, place)
        if not 0 <= start <= len(context) - max(len(said) if exact else 0, 1):
            raise DataError(
                f"{place}: its answer begins at character {start} and has {len(said)}, but the paragraph has "
                f"{len(context)}; the file's offsets and texts do not belong together"
            )
        if exact and context[start : start + len(said)] != said:
            raise DataError(
                f"{place}: at character {start} its paragraph has {short(context[start : start + len(said)])}, "
                f"not the answer {short(said)}; the file's offsets and texts do not belong together"
            )
        starts.append(start)
    if not starts:
        raise DataError(f"{place}: it has no answer; leave the question out")
    return Question(id_, text(qa, "question", place), starts[0])


def _sentences(item: dict[str, Any], context: str, place: str) -> list[tuple[Span, str]]:
    """LAReQA's sentences: their texts as it gives them (in one Turkish paragraph its breaks are off by a character)."""
    texts, breaks = (
        entry(item, "sentences", list, place),
        entry(item, "sentence_breaks", list, place),
    )
    if len(texts) != len(breaks) or not texts:
        raise DataError(
            f"{place}: {len(texts)} sentences but {len(breaks)} sentence breaks; each sentence has one, and a "
            "paragraph one sentence at least"
        )
    spans: list[Span] = []
    end = 0
    for pair in [
        *breaks,
        [len(context), len(context) + 1],
    ]:  # the last: nothing may be left after the last sentence
        pair = expect(pair, list, place, "a sentence break")
        whole = (
            len(pair) == 2
            and all(type(n) is int for n in pair)
            and end <= pair[0] < pair[1] <= len(context) + 1
        )
        # Between LAReQA's sentences stand blanks, and a stray sign at most.
        if not whole or len(context[end : pair[0]].strip()) > 2:
            raise DataError(
                f"{place}: the sentence break {short(pair)} does not follow the one before, which ends at "
                f"{end}, in the paragraph of {len(context)} characters; the file's breaks and texts do not "
                "belong together"
            )
        end = pair[1]
        spans.append((pair[0], pair[1]))
    return [
        (span, clean(expect(t, str, place, "a sentence"), place, "a sentence"))
        for span, t in zip(spans, texts, strict=False)
    ]


def split_sentences(language: str, paragraph: str) -> list[Span]:
    """The paragraph's sentences by `sentencex` (Wikimedia's rules, some 250 languages), without the blanks around them."""
    import sentencex

    spans = []
    for found in sentencex.get_sentence_boundaries(language, paragraph):
        start, end = found["start_index"], found["end_index"]
        sentence = paragraph[start:end]
        if sentence.strip():
            start += len(sentence) - len(sentence.lstrip())
            spans.append((start, start + len(sentence.strip())))
    return spans


def sentence_benchmark(
    name: str,
    files: Mapping[str, Sequence[Paragraph]],
    context: str = "none",
    *,
    split: Callable[[str, str], list[Span]] | None = None,
) -> Benchmark:
    """Every sentence a passage; relevant is the one in which the (first) answer starts, in every language.

    context: "none" (the sentence alone) or "paragraph" (the sentence, a line break, the paragraph it stands in: what LAReQA
    gives its encoders). Passages also hold `paragraph` (its text) and `title`. split: how sentences are found where the
    files do not give them.
    """
    if context not in CONTEXTS:
        raise DataError(
            f"{name}: context is {context!r}; it is 'none' (sentences alone) or 'paragraph' (with theirs)"
        )

    def units(language: str, paragraph: Paragraph) -> Iterator[tuple[Span, str]]:
        sentences = paragraph.sentences
        if sentences is None:
            if split is None:
                raise DataError(
                    f"{paragraph.place}: it has no 'sentence_breaks', so it is not a file of {name}; give data= "
                    "the folder of LAReQA's files"
                )
            sentences = [
                ((start, end), paragraph.text[start:end])
                for start, end in split(language, paragraph.text)
            ]
        for span, sentence in sentences:
            yield span, sentence if context == "none" else f"{sentence}\n{paragraph.text.strip()}"

    return _build(name, files, units)


def paragraph_benchmark(
    name: str, files: Mapping[str, Sequence[Paragraph]], settings: tuple[str, ...] = SETTINGS
) -> Benchmark:
    """Every paragraph a passage; relevant is the one a question was asked of, in every language that has the question.

    A paragraph that stands twice in a language is one passage (TyDiQA repeats it for each question).
    """
    once: dict[str, list[Paragraph]] = {}
    for language, paragraphs in files.items():
        merged: dict[str, Paragraph] = {}
        for p in paragraphs:
            merged.setdefault(p.text.strip(), replace(p, questions=[])).questions.extend(
                p.questions
            )
        once[language] = list(merged.values())
    return _build(name, once, lambda _, p: iter([((0, len(p.text)), p.text.strip())]), settings)


def _build(
    name: str,
    files: Mapping[str, Sequence[Paragraph]],
    units: Callable[[str, Paragraph], Iterator[tuple[Span, str]]],
    settings: tuple[str, ...] = SETTINGS,
) -> Benchmark:
    queries, passages, gold = [], [], []
    for language, paragraphs in files.items():
        for number, paragraph in enumerate(paragraphs):
            ids: list[str] = []
            starts: list[int] = []
            for (start, _), passage in units(language, paragraph):
                ids.append(f"{language}:{number:05}:{len(ids):02}")
                starts.append(start)
                passages.append(
                    (ids[-1], language, passage, paragraph.text.strip(), paragraph.title)
                )
            for question in paragraph.questions:
                # Between two sentences stand blanks, or a stray sign: an answer that starts there is the one before's.
                at = bisect_right(starts, question.start) - 1
                if at < 0:
                    raise DataError(
                        f"{paragraph.place}, question {question.id}: its answer starts before the paragraph's "
                        "first sentence"
                    )
                queries.append((f"{question.id}:{language}", question.id, language, question.text))
                gold.append((question.id, ids[at]))
    table = pd.DataFrame(queries, columns=["query_id", "question_id", "language", "text"])
    pairs = pd.DataFrame(gold, columns=["question_id", "passage_id"])
    return Benchmark(
        name,
        table,
        pd.DataFrame(passages, columns=["passage_id", "language", "text", "paragraph", "title"]),
        judged(table, pairs),
        settings,
    )
