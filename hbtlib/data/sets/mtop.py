"""MTOP: commands to an assistant in six languages, as retrieval of utterances of the same intent.

The data are those of Li et al. (2021). There is no published text-retrieval protocol for them; this
one is ours. The passages are utterances of the test split, and each language's are a pool. The
queries are `per_language` other utterances, drawn alike on every machine. Relevant are the
utterances with the query's intent (`label="intent"`, some hundred of them), or its domain
(`label="domain"`, eleven), in every language.

This asks whether a text finds others that mean the same kind of thing across languages, without a
question or an answer in it. The queries are a sample, because every utterance against a tenth of
18,000 passages would be tens of millions of judgements. Report MRR@10: with hundreds of relevant
passages, recall at 10 says little. Where the queries come from is the `split`:

- "test": from the validation split, so that hardly a text finds itself (of XSemPLR's utterances one
  in English and up to ten in Spanish stand in both);
- "test-only": from the test split itself, for who trains on the validation split. What asks, with
  its translations, is not in the pool;
- "validation": the same of the utterances that `load_pairs` holds out, to choose parameters by.

**Training pairs** (`load_pairs`). A query and its passage are two different utterances of one
intent. Each is there in every language that MTOP has it in; so a monolingual pair is two utterances
of one intent in one language, and a cross-lingual one the same two in two languages, never a text
and its translation. All strategies see the same ids. Each utterance meets `partners` others of its
intent, drawn alike on every machine. Ids of one intent share their `query_key` and `passage_key`,
so the loss never takes an utterance for the negative of another one of its intent. One utterance in
five, with its translations, is held out.

The files are one of:

- `LANG/{test,validation}-*.parquet` (mteb), en 4,386 passages. Nothing in them says which
  utterances are translations of each other, so each query is a question of its own, and there are
  no pairs;
- `mtop.jsonl`, one line an id: {"id", "split", "text": {language: utterance}, "intent"}, as the
  project's data folder has the utterances of XSemPLR (Zhang et al. 2023) that all six languages
  share, 859 for validation and 1,237 for test. They are tokenised (blanks stand before marks) and
  have no domains: these are told from the intents' names (`mtop_files.domain_of`). A query is the
  same question in all its languages, and the same ids are drawn in all;
- MTOP's own `LANG/{train,eval,test}.txt`, the whole of it: ids are the same in all languages, as
  far as an utterance was translated.

The licence is CC BY-SA 4.0.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hbtlib.checks import check_choice
from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats import mtop_files
from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.mtop_files import is_parallel, read_utterances
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.pairs import Pairs, Texts

FOLDERS = ("mtop", "mtop-xsemplr")
LANGUAGES = ("de", "en", "es", "fr", "hi", "th")
HUBS = {
    "intent": Hub("mteb/MTOPIntentClassification", "2992d820f31312593c49a4890430aadadb0f0039"),
    "domain": Hub("mteb/MTOPDomainClassification", "a76d16fae880597b9c73047b50159220a441cb54"),
}
HELD_OUT = 5
"""One utterance in this many, with its translations, is held out from training."""
SPLITS = ("test", "test-only", "validation")
"""The splits of the benchmark."""
ALONE = "utterances whose intent no other one has"
UNANSWERED = "queries whose intent or domain is not in the pool"


def load_benchmark(
    data: str | Path | None = None,
    *,
    languages: Sequence[str] | None = None,
    label: str = "intent",
    per_language: int = 200,
    split: str = "test",
) -> Benchmark:
    """Loads MTOP.

    Queries without a relevant passage in the languages asked for are left out.

    Args:
        data: the folder with its files, or with folders `intent` and `domain`; None looks in
            `HBT_DATA`, then downloads them.
        languages: the languages; None takes all six.
        label: what makes an utterance relevant: "intent" or "domain".
        per_language: how many queries a language, at most.
        split: "test" (the queries are of the validation split), "test-only" (they are of the test
            split) or "validation" (both are what `load_pairs` holds out of the validation split).

    Raises:
        DataError: for another label or split, less than one query, a language it lacks, and a file
            that is not what it should be.
    """
    if label not in HUBS:
        raise DataError(f"mtop: label is {label!r}; it is 'intent' or 'domain'")
    if per_language < 1:
        raise DataError(
            f"mtop: per_language is {per_language}; it is a number of queries, 1 or more"
        )
    if split not in SPLITS:
        raise DataError(f"mtop has no split {split!r}; it has {', '.join(SPLITS)}")
    source = _source(data, label)
    wanted = choose_languages("mtop", languages, LANGUAGES)
    left_out: dict[str, int] = {}
    if split == "test":
        pool = read_utterances(source, wanted, "test", label)
        asked = read_utterances(source, wanted, "validation", label)
        asked = _draw(asked[asked["label"].isin(pool["label"])], per_language)
    else:
        found = read_utterances(source, wanted, split.removesuffix("-only"), label)
        if split == "validation":
            found = found[_is_held_out(found["question_id"])]
        asked, pool = _divide(found, per_language)
        answered = asked["label"].isin(pool["label"])
        left_out = {UNANSWERED: int((~answered).sum())} if not answered.all() else {}
        asked = asked[answered]
    return _benchmark(asked, pool, left_out)


def _benchmark(asked: pd.DataFrame, pool: pd.DataFrame, left_out: dict[str, int]) -> Benchmark:
    """The benchmark in which an utterance finds those of its label."""
    queries = asked.rename(columns={"id": "query_id"})
    passages = pool.rename(columns={"id": "passage_id"}).drop(columns=["question_id", "drawn_by"])
    judgements = queries[["query_id", "label"]].merge(passages[["passage_id", "label"]], on="label")
    judged = judgements[["query_id", "passage_id"]].assign(grade=1)
    return Benchmark("mtop", queries, passages, judged, left_out=left_out)


def load_pairs(
    data: str | Path | None = None,
    *,
    split: str = "train",
    languages: Sequence[str] | None = None,
    label: str = "intent",
    partners: int = 4,
    utterances: str = "validation",
) -> Pairs:
    """Loads pairs of different utterances that have one intent, with a column `label`.

    Args:
        data: the folder with `mtop.jsonl` or MTOP's own files; None looks in `HBT_DATA`.
        split: "train", or "validation" for the pairs of those utterances that are held out.
        languages: the languages; None takes all six.
        label: what two utterances of a pair share: "intent" or "domain".
        partners: how many others an utterance meets as a query, at most.
        utterances: the split of MTOP whose utterances are paired. XSemPLR's has no "train".

    Raises:
        DataError: for files that do not tell translations, a language or split they lack, less than
            one partner, and a file that is not what it should be.
    """
    check_choice("mtop: split", split, ("train", "validation"))
    check_choice("mtop: label", label, tuple(HUBS))
    check_choice("mtop: utterances", utterances, mtop_files.SPLITS)
    if partners < 1:
        raise DataError(f"mtop: partners is {partners}; it is a number of utterances, 1 or more")
    source = _source(data, label)
    if not is_parallel(source):
        raise DataError(
            "mtop: the hub's files do not say which utterances are translations of each other, so "
            "there are no pairs; give data= a folder with mtop.jsonl or with MTOP's own "
            "LANG/train.txt (https://fb.me/mtop_dataset)"
        )
    wanted = choose_languages("mtop", languages, LANGUAGES)
    found = read_utterances(source, wanted, utterances, label)
    found = found[_is_held_out(found["question_id"]) == (split == "validation")]
    return _paired(found, partners)


def _source(data: str | Path | None, label: str) -> Source:
    """Where the files are."""
    folder = local_folder("mtop", data, FOLDERS)
    if folder is not None and (folder / label).is_dir():
        folder = folder / label
    return Source("mtop", folder, HUBS[label])


def _paired(utterances: pd.DataFrame, partners: int) -> Pairs:
    """The pairs of utterances of one label.

    The utterances of a label stand in a circle, in an order drawn by a hash. Each meets those that
    follow it.
    """
    forms: dict[str, Texts] = {}
    labels: dict[str, str] = {}
    for row in utterances.itertuples():
        forms.setdefault(str(row.question_id), {})[str(row.language)] = str(row.text)
        labels.setdefault(str(row.question_id), str(row.label))
    queries: list[str] = []
    passages: list[str] = []
    alone = 0
    label_of = pd.Series(labels)
    for _, same in label_of.groupby(label_of):
        circle = sorted(same.index, key=_hash)
        alone += len(circle) == 1
        for place, question in enumerate(circle):
            for step in range(1, min(partners, len(circle) - 1) + 1):
                queries.append(str(question))
                passages.append(str(circle[(place + step) % len(circle)]))
    if not queries:
        raise DataError("mtop: no two utterances have one intent; give data= more of them")
    names = [labels[question] for question in queries]
    keys = pd.factorize(pd.Series(names))[0].tolist()
    pairs = Pairs.from_texts(
        "mtop",
        [forms[question] for question in queries],
        [forms[question] for question in passages],
        id=queries,
        label=names,
        query_key=keys,
        passage_key=keys,
    )
    pairs.left_out = {ALONE: alone} if alone else {}
    return pairs


def _hash(word: str) -> tuple[int, str]:
    """What utterances are drawn by: the same on every machine."""
    return zlib.crc32(word.encode()), word


def _is_held_out(questions: pd.Series) -> pd.Series:
    """Which questions `load_pairs` holds out from training."""
    return questions.map(lambda question: zlib.crc32(question.encode()) % HELD_OUT == 0)


def _divide(utterances: pd.DataFrame, per_language: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divides utterances into those that ask and the pool; at most half of them ask."""
    fewest = int(utterances.groupby("language").size().min())
    asked = _draw(utterances, min(per_language, fewest // 2))
    pool = utterances[~utterances["question_id"].isin(asked["question_id"])]
    return asked, pool


def _draw(utterances: pd.DataFrame, per_language: int) -> pd.DataFrame:
    """So many utterances of each language, drawn by a hash, in the order they had."""
    draw = [zlib.crc32(drawn_by.encode()) for drawn_by in utterances["drawn_by"]]
    by_draw = utterances.assign(draw=draw).sort_values(["draw", "id"], kind="stable")
    drawn = by_draw.groupby("language").head(per_language)
    return drawn.drop(columns=["draw", "drawn_by"]).sort_index()
