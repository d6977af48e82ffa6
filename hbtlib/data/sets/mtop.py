"""MTOP: commands to an assistant in six languages (Li et al. 2021), as retrieval of utterances of the same intent.

There is no published text-retrieval protocol for it; this is ours. The passages are the test split's utterances (en
4,386), each language's a pool. The queries are utterances of the validation split, `per_language` of them drawn alike on
every machine (by the hash of language, id and text). Relevant are the utterances with the query's intent
(`label="intent"`, some hundred of them), or its domain (`label="domain"`, eleven), in every language. Why: it asks whether
a text finds others that mean the same kind of thing across languages, without a question or an answer in it; query and
pool come from different splits, so that no text finds itself; and a sample, because every validation utterance against a
tenth of 18,000 passages would be tens of millions of judgements. Report MRR@10: with hundreds of relevant passages recall
at 10 says little. Read from `LANG/{test,validation}-*.parquet` (mteb). CC BY-SA 4.0.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.files import DataError, identifier, read_parquet, text, unique
from hbtlib.data.source import Hub, Source, chosen, local_folder

LANGUAGES = ("de", "en", "es", "fr", "hi", "th")
HUBS = {
    "intent": Hub("mteb/MTOPIntentClassification", "2992d820f31312593c49a4890430aadadb0f0039"),
    "domain": Hub("mteb/MTOPDomainClassification", "a76d16fae880597b9c73047b50159220a441cb54"),
}
FOLDERS = ("mtop",)


def load_benchmark(
    data: str | Path | None = None,
    *,
    languages: Sequence[str] | None = None,
    label: str = "intent",
    per_language: int = 200,
) -> Benchmark:
    """MTOP. label: "intent" or "domain". per_language: how many queries a language, at most.

    Queries without a relevant passage in the languages asked for are left out before any is drawn.
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
    wanted = chosen("mtop", languages, LANGUAGES)
    pool = pd.concat([_rows(source, language, "test") for language in wanted], ignore_index=True)
    asked = pd.concat(
        [_rows(source, language, "validation") for language in wanted], ignore_index=True
    )
    asked = asked[asked["label"].isin(pool["label"])]
    draw = [
        zlib.crc32(f"{row.language}\t{row.id}\t{row.text}".encode()) for row in asked.itertuples()
    ]
    drawn = (
        asked.assign(draw=draw)
        .sort_values(["draw", "id"], kind="stable")
        .groupby("language")
        .head(per_language)
    )
    asked = drawn.sort_index()
    queries = asked.assign(query_id=asked["id"])[["query_id", "language", "text", "label"]]
    passages = pool.assign(passage_id=pool["id"])[["passage_id", "language", "text", "label"]]
    judgements = queries[["query_id", "label"]].merge(passages[["passage_id", "label"]], on="label")
    return Benchmark(
        "mtop", queries, passages, judgements[["query_id", "passage_id"]].assign(grade=1)
    )


def _rows(source: Source, language: str, split: str) -> pd.DataFrame:
    rows, seen = [], dict[str, str]()
    for file in source.paths(f"{language}/{split}-*.parquet"):
        for place, row in read_parquet(file, ["id", "text", "label_text"]):
            id_ = identifier(row, "id", place)
            unique(seen, id_, place, "the id")
            rows.append(
                (
                    f"{language}:{split}:{id_}",
                    language,
                    text(row, "text", place),
                    text(row, "label_text", place),
                )
            )
    return pd.DataFrame(rows, columns=["id", "language", "text", "label"])
