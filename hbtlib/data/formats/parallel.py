"""Parallel questions and passages: choosing among them, and making a benchmark of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from hbtlib.data.benchmark import Benchmark, judge_parallel
from hbtlib.data.formats.checks import DataError, text
from hbtlib.data.formats.files import Record, lines, read_jsonl
from hbtlib.data.formats.pairs_file import ParallelTexts, read_pairs
from hbtlib.data.formats.source import choose_languages
from hbtlib.data.pairs import Texts


def read_split_pairs(
    file: Path, split: str
) -> dict[str, tuple[ParallelTexts, list[tuple[str, Record]]]]:
    """Reads a `pairs.jsonl` whose lines have a field `split`.

    Args:
        file: the file.
        split: a split that it must have.

    Returns:
        For each split its texts, and its lines with their places.

    Raises:
        DataError: naming the line, for what is no pair, and for a split without a line.
    """
    texts = read_pairs(file)
    found: dict[str, tuple[ParallelTexts, list[tuple[str, Record]]]] = {}
    for i, (place, record) in enumerate(read_jsonl(file)):
        name = text(record, "split", place)
        part, records = found.setdefault(name, (ParallelTexts([], [], []), []))
        part.ids.append(texts.ids[i])
        part.questions.append(texts.questions[i])
        part.passages.append(texts.passages[i])
        records.append((place, record))
    if split not in found:
        raise DataError(f"{file}: no line of the split {split!r}; it has {', '.join(found)}")
    return found


def in_languages(
    name: str, texts: ParallelTexts, languages: Sequence[str] | None, have: Sequence[str]
) -> tuple[ParallelTexts, list[int]]:
    """Keeps the texts of some languages, and the ids that have a question and a passage in them.

    Args:
        name: the dataset, for messages.
        texts: all texts.
        languages: the languages to keep; None keeps all.
        have: the languages that the dataset has.

    Returns:
        The texts that are kept, and the rows they had.

    Raises:
        DataError: for a language that the dataset lacks, and if nothing is left in one of them.
    """
    wanted = choose_languages(name, languages, have)
    questions = [_keep(forms, wanted) for forms in texts.questions]
    passages = [_keep(forms, wanted) for forms in texts.passages]
    rows = [i for i in range(len(texts.ids)) if questions[i] and passages[i]]
    passages_in = " ".join(sorted({code for forms in texts.passages for code in forms}))
    if not rows:
        raise DataError(
            f"{name}: no id has a question and a passage in {' '.join(wanted)}; passages are in "
            f"{passages_in}"
        )
    left = {code for i in rows for code in (*questions[i], *passages[i])}
    lost = [code for code in languages or () if code not in left]
    if lost:
        raise DataError(
            f"{name}: nothing in {lost[0]!r} is left, because no id has it with a question and a "
            f"passage in {' '.join(wanted)}; passages are in {passages_in}"
        )
    kept = ParallelTexts(
        [texts.ids[i] for i in rows], [questions[i] for i in rows], [passages[i] for i in rows]
    )
    return kept, rows


def _keep(forms: Texts, wanted: Sequence[str]) -> Texts:
    return {code: form for code, form in forms.items() if code in wanted}


def parallel_benchmark(
    name: str, texts: ParallelTexts, others: Sequence[tuple[str, Texts]] = ()
) -> Benchmark:
    """Makes a benchmark in which a question finds its passages, in every language they have.

    Args:
        name: the benchmark's name.
        texts: the questions that are asked, with their passages.
        others: ids and passages that are ranked too, though no question is asked of them.
    """
    queries = pd.DataFrame(
        [
            (f"{id_}:{code}", id_, code, form)
            for id_, forms in zip(texts.ids, texts.questions, strict=True)
            for code, form in forms.items()
        ],
        columns=["query_id", "question_id", "language", "text"],
    )
    answers = pd.DataFrame(
        [
            (id_, code, form)
            for id_, forms in [*zip(texts.ids, texts.passages, strict=True), *others]
            for code, form in forms.items()
        ],
        columns=["question_id", "language", "text"],
    )
    # Questions share paragraphs: each paragraph is one passage, named after its first question.
    first = answers.groupby(["language", "text"])["question_id"].transform("first")
    answers["passage_id"] = first + ":" + answers["language"]
    passages = answers.drop_duplicates("passage_id")[["passage_id", "language", "text"]]
    return Benchmark(name, queries, passages, judge_parallel(queries, answers))


def named_columns(file: Path, names: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Reads some columns of a tab-separated file whose first line names them.

    Args:
        file: the file.
        names: the columns.

    Yields:
        The place of the row, and the row as column → text.

    Raises:
        DataError: for a column that is missing, and a row with another number of columns.
    """
    have: list[str] = []
    for number, line in lines(file):
        parts = line.split("\t")
        if not have:
            have = parts
            missing = [name for name in names if name not in have]
            if missing:
                raise DataError(
                    f"{file}, line {number}: no column {missing[0]!r}; it has {', '.join(have)}"
                )
        elif line.strip():
            place = f"{file}, line {number}"
            if len(parts) != len(have):
                raise DataError(
                    f"{place}: {len(parts)} columns instead of the {len(have)} that the first line "
                    "names; separate them by tabs"
                )
            row = dict(zip(have, parts, strict=True))
            yield place, {name: row[name] for name in names}
