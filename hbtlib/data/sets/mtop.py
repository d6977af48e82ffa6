"""MTOP: commands to an assistant in six languages, as retrieval of utterances of the same intent.

The data are those of Li et al. (2021). There is no published text-retrieval protocol for them; this
one is ours. The passages are the test split's utterances, and each language's are a pool. The
queries are utterances of the validation split, `per_language` of them drawn alike on every machine.
Relevant are the utterances with the query's intent (`label="intent"`, some hundred of them), or its
domain (`label="domain"`, eleven), in every language.

This asks whether a text finds others that mean the same kind of thing across languages, without a
question or an answer in it. Query and pool come from different splits, so that hardly a text finds
itself (of XSemPLR's utterances one in English and up to ten in Spanish stand in both). The queries
are a sample, because every validation utterance against a tenth of 18,000 passages would be tens of
millions of judgements. Report MRR@10: with hundreds of relevant passages, recall at 10 says little.

The files are one of:

- `LANG/{test,validation}-*.parquet` (mteb), en 4,386 passages. Nothing in them says which
  utterances are translations of each other, so each query is a question of its own;
- `mtop.jsonl`, one line an id: {"id", "split", "text": {language: utterance}, "intent"}, as the
  project's data folder has the utterances of XSemPLR (Zhang et al. 2023) that all six languages
  share, 859 for validation and 1,237 for test. They are tokenised (blanks stand before marks) and
  have no domains. A query is the same question in all its languages, and the same ids are drawn in
  all.

The licence is CC BY-SA 4.0.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from hbtlib.data.benchmark import Benchmark
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
from hbtlib.data.formats.files import Record, read_jsonl, read_parquet
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.source import Source, choose_languages, local_folder

FOLDERS = ("mtop", "mtop-xsemplr")
LANGUAGES = ("de", "en", "es", "fr", "hi", "th")
HUBS = {
    "intent": Hub("mteb/MTOPIntentClassification", "2992d820f31312593c49a4890430aadadb0f0039"),
    "domain": Hub("mteb/MTOPDomainClassification", "a76d16fae880597b9c73047b50159220a441cb54"),
}
PARALLEL = "mtop.jsonl"
SPLITS = ("train", "validation", "test")

Utterance = tuple[str, str, str, str, str, str]
"""Its id, language, text, label, question, and what the draw of queries depends on."""
COLUMNS = ["id", "language", "text", "label", "question_id", "drawn_by"]


def load_benchmark(
    data: str | Path | None = None,
    *,
    languages: Sequence[str] | None = None,
    label: str = "intent",
    per_language: int = 200,
) -> Benchmark:
    """Loads MTOP.

    Queries without a relevant passage in the languages asked for are left out before any is drawn.

    Args:
        data: the folder with its files, or with folders `intent` and `domain`; None looks in
            `HBT_DATA`, then downloads them.
        languages: the languages; None takes all six.
        label: what makes an utterance relevant: "intent" or "domain".
        per_language: how many queries a language, at most.

    Raises:
        DataError: for another label, less than one query, a language it lacks, and a file that is
            not what it should be.
    """
    if label not in HUBS:
        raise DataError(f"mtop: label is {label!r}; it is 'intent' or 'domain'")
    if per_language < 1:
        raise DataError(
            f"mtop: per_language is {per_language}; it is a number of queries, 1 or more"
        )
    folder = local_folder("mtop", data, FOLDERS)
    if folder is not None and (folder / label).is_dir():
        folder = folder / label
    source = Source("mtop", folder, HUBS[label])
    wanted = choose_languages("mtop", languages, LANGUAGES)
    pool = _read(source, wanted, "test", label)
    asked = _read(source, wanted, "validation", label)
    asked = _draw(asked[asked["label"].isin(pool["label"])], per_language)
    queries = asked.rename(columns={"id": "query_id"})
    passages = pool.rename(columns={"id": "passage_id"}).drop(columns=["question_id", "drawn_by"])
    judgements = queries[["query_id", "label"]].merge(passages[["passage_id", "label"]], on="label")
    return Benchmark(
        "mtop", queries, passages, judgements[["query_id", "passage_id"]].assign(grade=1)
    )


def _read(source: Source, languages: Sequence[str], split: str, label: str) -> pd.DataFrame:
    """The utterances of a split, a row each, one language after the other."""
    rows: list[Utterance] = []
    if source.has(PARALLEL):
        lines = list(read_parallel(source.path(PARALLEL), label))
        for code in languages:
            rows += [row for of_split, row in lines if of_split == split and row[1] == code]
    else:
        for code in languages:
            rows += _read_language(source, code, split)
    found = pd.DataFrame(rows, columns=COLUMNS)
    have = set(found["language"])
    lacking = [code for code in languages if code not in have]
    if lacking:
        raise DataError(
            f"mtop: {source.folder} has no utterance of the split {split!r} in {lacking[0]!r}; "
            "leave the language out, or fetch the whole file"
        )
    return found


def _read_language(source: Source, code: str, split: str) -> Iterator[Utterance]:
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
    """An utterance's intent or domain."""
    if label == "domain" and "domain" not in record:
        raise DataError(
            f"{place}: XSemPLR's utterances have no domain; ask for label='intent', or give data= "
            "the folder of the hub's files"
        )
    return text(record, label, place)


def _draw(utterances: pd.DataFrame, per_language: int) -> pd.DataFrame:
    """So many utterances of each language, drawn by a hash, in the order they had."""
    draw = [zlib.crc32(drawn_by.encode()) for drawn_by in utterances["drawn_by"]]
    by_draw = utterances.assign(draw=draw).sort_values(["draw", "id"], kind="stable")
    drawn = by_draw.groupby("language").head(per_language)
    return drawn.drop(columns=["draw", "drawn_by"]).sort_index()
