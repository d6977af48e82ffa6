"""Reading a retrieval dataset in BEIR's layout, or in TREC's.

- Queries and passages: `queries.jsonl` and `corpus.jsonl` as BEIR has them ({"_id", "text"}, and
  `title` for passages), with `language` and, for queries asked in several languages, `question_id`;
  or `queries.tsv` and `corpus.tsv`, `id⇥language⇥text` a line (`id⇥text` where one language is
  given for all), without a line of names. Any of them may be `.gz`.
- Judgements: `qrels/SPLIT.tsv` with BEIR's first line (query-id, corpus-id, score), or TREC's
  `qid Q0 docid grade` in `qrels/SPLIT.txt` or `qrels.txt`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from hbtlib.data.formats.arrow import Row
from hbtlib.data.formats.checks import (
    DataError,
    clean,
    expect,
    field,
    identifier,
    text,
    title,
    unique,
)
from hbtlib.data.formats.checks import language as known_language
from hbtlib.data.formats.files import Record, read_jsonl, read_tsv
from hbtlib.data.formats.qrels import Judgement, read_qrels

ENDINGS = (".jsonl", ".jsonl.gz", ".tsv", ".tsv.gz")


def find_texts(folder: Path, what: str) -> Path:
    """Returns the folder's file of queries or passages.

    Args:
        folder: the folder.
        what: "queries" or "corpus".

    Raises:
        DataError: if there is none, naming the files there are.
    """
    for ending in ENDINGS:
        file = folder / f"{what}{ending}"
        if file.is_file():
            return file
    have = ", ".join(sorted(p.name for p in folder.iterdir())[:6])
    raise DataError(
        f"{folder} has no {what}.jsonl (or .tsv, or .gz of either); it has {have or 'nothing'}; "
        "give data= the folder of your data"
    )


def read_queries(file: Path, language: str | None) -> pd.DataFrame:
    """Reads a file of queries.

    Args:
        file: the file.
        language: the language of texts that do not name theirs.

    Returns:
        A table with query_id, question_id, language, text.

    Raises:
        DataError: naming the line, for what is no query or occurs twice.
    """
    rows = []
    seen: dict[str, str] = {}
    for place, record in _records(file, language):
        id_ = identifier(record, "_id", place)
        unique(seen, id_, place, "the query id")
        question = id_
        if record.get("question_id") is not None:
            question = identifier(record, "question_id", place)
        rows.append((id_, question, record["language"], text(record, "text", place)))
    return pd.DataFrame(rows, columns=["query_id", "question_id", "language", "text"])


def read_passages(file: Path, language: str | None) -> Iterator[tuple[str, Row]]:
    """Reads a file of passages. A passage's text is its title, a blank, and its own text.

    One of title and text may be empty.

    Args:
        file: the file.
        language: the language of texts that do not name theirs.

    Yields:
        The place of the line and the passage: passage_id, language, text, title.

    Raises:
        DataError: naming the line, for what is no passage.
    """
    for place, record in _records(file, language):
        name = title(record, place)
        whole = clean(f"{name} {field(record, 'text', str, place)}", place, "the passage")
        yield (
            place,
            {
                "passage_id": identifier(record, "_id", place),
                "language": record["language"],
                "text": whole,
                "title": name,
            },
        )


def _records(file: Path, language: str | None) -> Iterator[tuple[str, Record]]:
    """Lines of JSON or of tab-separated columns alike, each with a language that is known."""
    columns = ["_id", "text"] if language else ["_id", "language", "text"]
    is_json = ".jsonl" in file.suffixes
    for place, record in read_jsonl(file) if is_json else read_tsv(file, columns):
        code = record.get("language", language)
        if code is None:
            raise DataError(
                f"{place}: the field 'language' is missing; add it to each line, or give language= "
                "the code of all"
            )
        code = expect(code, str, place, "the field 'language'")
        yield place, {**record, "language": known_language(code, place)}


def read_judgements(folder: Path, split: str) -> Iterator[tuple[str, Judgement]]:
    """Reads the judgements of a split.

    Args:
        folder: the folder.
        split: the split; the files `qrels.tsv` and `qrels.txt` are those of "test".

    Yields:
        The place of the line, and the judgement: query id, passage id, grade.

    Raises:
        DataError: if the folder has none of that split, naming those it has; and as `read_qrels`.
    """
    names = [f"qrels/{split}.tsv", f"qrels/{split}.txt", f"qrels.{split}.tsv", f"qrels.{split}.txt"]
    if split == "test":
        names += ["qrels.tsv", "qrels.txt"]
    for name in names:
        if (folder / name).is_file():
            return read_qrels(folder / name)
    files = [*sorted(folder.glob("qrels/*")), *sorted(folder.glob("qrels.*"))]
    have = ", ".join(file.name for file in files)
    has_pairs = (folder / "pairs.jsonl").is_file()
    raise DataError(
        f"{folder} has no judgements of the split {split!r} ({names[0]} or {names[1]}); it has "
        f"{have or 'no folder qrels'}: give split= one that it has"
        + ("; it has pairs to train on, for hbt.load_pairs" if has_pairs else "")
    )
