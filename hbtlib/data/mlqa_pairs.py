"""MLQA's test questions and the paragraphs they were asked of, to train on: parallel as far as MLQA is.

9,677 ids; questions in ar de es hi vi zh, passages in de es vi zh, in which languages differs by id. Read from
`pairs.jsonl`, one line an id: {"id", "question": {language: text}, "passage": {language: text}}. One id in twenty, drawn
by paragraph, is held out (split "validation"): no paragraph of these is trained on. CC BY-SA 3.0. It shares nothing
with XQuAD-R; seven of its ids have a question or a sentence that stands in MLQA dev too (`hbt.leave_out` finds them).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.pairs import Pairs, shared_keys
from hbtlib.data.read import DataError, clean, expect, field, language, read_jsonl, text, unique
from hbtlib.data.source import local_folder

FOLDERS = ("mlqa-test-pairs",)
SPLITS = ("train", "validation")
Texts = dict[str, str]
Columns = tuple[list[str], list[Texts], list[Texts]]  # ids, questions, passages


def read_pairs(file: Path) -> Columns:
    """The ids of a `pairs.jsonl`, their questions and their passages. Raises DataError naming the line for what is not a
    pair."""
    ids: list[str] = []
    queries: list[Texts] = []
    passages: list[Texts] = []
    seen: dict[str, str] = {}
    for place, record in read_jsonl(file):
        ids.append(text(record, "id", place))
        unique(seen, ids[-1], place, "the id")
        queries.append(_texts(field(record, "question", dict, place), f"{place}, question"))
        passages.append(_texts(field(record, "passage", dict, place), f"{place}, passage"))
    if not ids:
        raise DataError(f"{file}: it has no line; fetch it again")
    return ids, queries, passages


def _texts(forms: dict[str, Any], place: str) -> Texts:
    if not forms:
        raise DataError(f"{place}: no text in any language; leave the id out")
    return {language(code, place): clean(expect(form, str, f"{place}, {code}", "the text"), f"{place}, {code}", "the text")
            for code, form in forms.items()}


def split_pairs(name: str, file: Path, languages: Sequence[str] | None, split: str) -> Columns:
    """One split of a `pairs.jsonl`: "train", or "validation", one id in twenty, drawn by passage."""
    if split not in SPLITS:
        raise DataError(f"{name} has no split {split!r}; it has {', '.join(SPLITS)}")
    ids, queries, passages = read_pairs(file)
    # By passage and before any language is left out, so that the split is the same whatever is asked for.
    held_out = [zlib.crc32(ids[key].encode()) % 20 == 0 for key in shared_keys(passages)]
    kept = []
    for i, out in enumerate(held_out):
        query, passage = ({code: form for code, form in forms[i].items() if not languages or code in languages}
                          for forms in (queries, passages))
        if out == (split == "validation") and query and passage:
            kept.append((ids[i], query, passage))
    if not kept:
        have = [" ".join(sorted({code for forms in texts for code in forms})) for texts in (queries, passages)]
        raise DataError(f"{file}: no id of the split {split!r} has a question and a passage in "
                        f"{' '.join(languages or ('any',))}; the "
                        f"file has questions in {have[0]} and passages in {have[1]}")
    chosen, asked, answers = zip(*kept, strict=True)
    return list(chosen), list(asked), list(answers)


def _split(data: str | Path | None, languages: Sequence[str] | None, split: str) -> Columns:
    folder = local_folder("mlqa-pairs", data, FOLDERS)
    if folder is None:
        raise DataError("mlqa-pairs is not published in this form: put a folder mlqa-test-pairs/ with pairs.jsonl into the "
                        "folder "
                        "that HBT_DATA names, or give data= that folder")
    return split_pairs("mlqa-pairs", folder / "pairs.jsonl", languages, split)


def load_pairs(data: str | Path | None = None, *, split: str = "train", languages: Sequence[str] | None = None,
               monolingual: bool = False) -> Pairs:
    """The pairs of these languages (default: all).

    monolingual: only ids that have question and passage in one language (5,069 of 9,186 in the training split), so that
    strategies of one language and strategies of several train on the same ids.
    """
    rows = zip(*_split(data, languages, split), strict=True)
    kept = [(id_, query, passage) for id_, query, passage in rows if not monolingual or query.keys() & passage.keys()]
    if not kept:
        raise DataError(f"mlqa-pairs has no id with question and passage in one language of {' '.join(languages or ())}; "
                        f"passages "
                        "are in de es vi zh")
    ids, queries, passages = zip(*kept, strict=True)
    return Pairs.from_texts("mlqa-pairs", queries, passages, id=ids)


def load_benchmark(data: str | Path | None = None, *, split: str = "validation",
                   languages: Sequence[str] | None = None) -> Benchmark:
    """The same as a benchmark, to choose parameters by: the split's paragraphs are the passages."""
    import pandas as pd

    ids, queries, passages = _split(data, languages, split)
    asked = pd.DataFrame([(f"{id_}:{code}", id_, code, form) for id_, forms in zip(ids, queries, strict=True)
                          for code, form in forms.items()], columns=["query_id", "question_id", "language", "text"])
    answers = pd.DataFrame([(id_, code, form) for id_, forms in zip(ids, passages, strict=True)
                            for code, form in forms.items()], columns=["question_id", "language", "text"])
    # Questions share paragraphs: each is one passage, called after the first.
    first = answers.groupby(["language", "text"])["question_id"].transform("first")
    answers["passage_id"] = first + ":" + answers["language"]
    judgements = asked[["query_id", "question_id"]].merge(answers[["question_id", "passage_id"]], on="question_id")
    return Benchmark("mlqa-pairs", asked, answers.drop_duplicates("passage_id")[["passage_id", "language", "text"]],
                     judgements[["query_id", "passage_id"]].assign(grade=1))
