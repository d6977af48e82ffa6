"""Retrieval benchmarks made of question answering data.

What is retrieved is the sentence that holds the answer's start (LAReQA, arXiv 2004.05484, section
3.1), or the whole paragraph. Files of several languages are parallel through the questions' ids: a
question's relevant passages are its own in every language that has it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from hbtlib.data.benchmark import SETTINGS, Benchmark, judge_parallel
from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.squad import Paragraph, Question, Span

CONTEXTS = ("none", "paragraph")
"""What a sentence comes with as a passage: nothing, or the paragraph it stands in."""

Piece = tuple[int, str]
"""A passage of a paragraph: the character at which it starts, and its text."""

SplitSentences = Callable[[str, str], list[Span]]
"""A function from a language and a paragraph to the spans of its sentences."""


def split_sentences(language: str, paragraph: str) -> list[Span]:
    """Finds a paragraph's sentences by `sentencex` (Wikimedia's rules, some 250 languages).

    Args:
        language: the language's code.
        paragraph: the text.

    Returns:
        The sentences' spans, without the blanks around them.
    """
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
    split: SplitSentences | None = None,
) -> Benchmark:
    """Makes a benchmark in which every sentence is a passage.

    Relevant is the sentence in which the (first) answer starts, in every language. Passages also
    hold `paragraph` (the text around them) and `title`.

    Args:
        name: the benchmark's name.
        files: language → its paragraphs.
        context: "none" (the sentence alone) or "paragraph" (the sentence, a line break, the
            paragraph it stands in: what LAReQA gives its encoders).
        split: how sentences are found where the files do not give them.

    Raises:
        DataError: for another context, for paragraphs without sentences where `split` is None, and
            for an answer that starts before the first sentence.
    """
    if context not in CONTEXTS:
        raise DataError(
            f"{name}: context is {context!r}; it is 'none' (sentences alone) or 'paragraph' (with "
            "theirs)"
        )

    def pieces(language: str, paragraph: Paragraph) -> list[Piece]:
        around = "" if context == "none" else f"\n{paragraph.text.strip()}"
        return [
            (start, sentence + around)
            for (start, _), sentence in _sentences(name, language, paragraph, split)
        ]

    return _build(name, files, pieces)


def _sentences(
    name: str, language: str, paragraph: Paragraph, split: SplitSentences | None
) -> list[tuple[Span, str]]:
    """A paragraph's sentences: those of its file, or else those that `split` finds."""
    if paragraph.sentences is not None:
        return paragraph.sentences
    if split is None:
        raise DataError(
            f"{paragraph.place}: it has no 'sentence_breaks', so it is not a file of {name}; give "
            "data= the folder of LAReQA's files"
        )
    spans = split(language, paragraph.text)
    return [((start, end), paragraph.text[start:end]) for start, end in spans]


def paragraph_benchmark(
    name: str, files: Mapping[str, Sequence[Paragraph]], settings: tuple[str, ...] = SETTINGS
) -> Benchmark:
    """Makes a benchmark in which every paragraph is a passage.

    Relevant is the paragraph a question was asked of, in every language that has the question. A
    paragraph that occurs twice in a language is one passage (TyDiQA repeats it for each question).

    Args:
        name: the benchmark's name.
        files: language → its paragraphs.
        settings: the settings that make sense for it.
    """
    merged = {language: _merge_repeated(paragraphs) for language, paragraphs in files.items()}
    return _build(name, merged, lambda _, paragraph: [(0, paragraph.text.strip())], settings)


def _merge_repeated(paragraphs: Sequence[Paragraph]) -> list[Paragraph]:
    """Each paragraph once, with the questions of all that read the same."""
    merged: dict[str, Paragraph] = {}
    for paragraph in paragraphs:
        first = merged.setdefault(paragraph.text.strip(), replace(paragraph, questions=[]))
        first.questions.extend(paragraph.questions)
    return list(merged.values())


def _build(
    name: str,
    files: Mapping[str, Sequence[Paragraph]],
    pieces: Callable[[str, Paragraph], list[Piece]],
    settings: tuple[str, ...] = SETTINGS,
) -> Benchmark:
    """The benchmark whose passages are the pieces of every paragraph."""
    queries: list[tuple[str, ...]] = []
    passages: list[tuple[str, ...]] = []
    gold: list[tuple[str, str]] = []
    for language, paragraphs in files.items():
        for number, paragraph in enumerate(paragraphs):
            found = pieces(language, paragraph)
            ids = [f"{language}:{number:05}:{i:02}" for i in range(len(found))]
            starts = [start for start, _ in found]
            whole = paragraph.text.strip()
            for id_, (_, passage) in zip(ids, found, strict=True):
                passages.append((id_, language, passage, whole, paragraph.title))
            for question in paragraph.questions:
                relevant = ids[_piece_of(question, starts, paragraph.place)]
                queries.append((f"{question.id}:{language}", question.id, language, question.text))
                gold.append((question.id, relevant))
    asked = pd.DataFrame(queries, columns=["query_id", "question_id", "language", "text"])
    relevant_passages = pd.DataFrame(gold, columns=["question_id", "passage_id"])
    return Benchmark(
        name,
        asked,
        pd.DataFrame(passages, columns=["passage_id", "language", "text", "paragraph", "title"]),
        judge_parallel(asked, relevant_passages),
        settings,
    )


def _piece_of(question: Question, starts: Sequence[int], place: str) -> int:
    """Which passage of its paragraph a question's answer starts in.

    Between two sentences stand blanks, or a stray sign: an answer that starts there belongs to the
    sentence before.
    """
    at = bisect_right(starts, question.start) - 1
    if at < 0:
        raise DataError(
            f"{place}, question {question.id}: its answer starts before the paragraph's first "
            "sentence"
        )
    return at
