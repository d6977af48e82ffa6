"""MTOP: commands to an assistant in six languages, as retrieval of utterances of the same intent.

The data are those of Li et al. (2021). There is no published text-retrieval protocol for them; this
one is ours. The passages are the test split's utterances (en 4,386), and each language's are a
pool. The queries are utterances of the validation split, `per_language` of them drawn alike on
every machine (by the hash of language, id and text). Relevant are the utterances with the query's
intent (`label="intent"`, some hundred of them), or its domain (`label="domain"`, eleven), in every
language.

This asks whether a text finds others that mean the same kind of thing across languages, without a
question or an answer in it. Query and pool come from different splits, so that no text finds
itself. The queries are a sample, because every validation utterance against a tenth of 18,000
passages would be tens of millions of judgements. Report MRR@10: with hundreds of relevant passages,
recall at 10 says little.

The files are `LANG/{test,validation}-*.parquet` (mteb). The licence is CC BY-SA 4.0.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.checks import DataError, identifier, text, unique
from hbtlib.data.formats.files import read_parquet
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.source import Source, choose_languages, local_folder

FOLDERS = ("mtop",)
LANGUAGES = ("de", "en", "es", "fr", "hi", "th")
HUBS = {
    "intent": Hub("mteb/MTOPIntentClassification", "2992d820f31312593c49a4890430aadadb0f0039"),
    "domain": Hub("mteb/MTOPDomainClassification", "a76d16fae880597b9c73047b50159220a441cb54"),
}


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
    pool = _read(source, wanted, "test")
    asked = _read(source, wanted, "validation")
    asked = _draw(asked[asked["label"].isin(pool["label"])], per_language)
    queries = asked.rename(columns={"id": "query_id"})
    passages = pool.rename(columns={"id": "passage_id"})
    judgements = queries[["query_id", "label"]].merge(passages[["passage_id", "label"]], on="label")
    return Benchmark(
        "mtop", queries, passages, judgements[["query_id", "passage_id"]].assign(grade=1)
    )


def _read(source: Source, languages: Sequence[str], split: str) -> pd.DataFrame:
    """The utterances of a split: id, language, text, label."""
    rows = []
    for language in languages:
        seen: dict[str, str] = {}
        for file in source.paths(f"{language}/{split}-*.parquet"):
            for place, row in read_parquet(file, ["id", "text", "label_text"]):
                number = identifier(row, "id", place)
                unique(seen, number, place, "the id")
                id_ = f"{language}:{split}:{number}"
                utterance = text(row, "text", place)
                rows.append((id_, language, utterance, text(row, "label_text", place)))
    return pd.DataFrame(rows, columns=["id", "language", "text", "label"])


def _draw(utterances: pd.DataFrame, per_language: int) -> pd.DataFrame:
    """So many utterances of each language, drawn by a hash, in the order they had."""
    draw = [
        zlib.crc32(f"{row.language}\t{row.id}\t{row.text}".encode())
        for row in utterances.itertuples()
    ]
    by_draw = utterances.assign(draw=draw).sort_values(["draw", "id"], kind="stable")
    drawn = by_draw.groupby("language").head(per_language)
    return drawn.drop(columns="draw").sort_index()
