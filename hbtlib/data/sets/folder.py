"""Your own data: BEIR's layout, TREC's files, or parallel pairs, in any languages.

Code-switched texts are welcome too: their language is "hi-en", for example. See
`hbtlib.data.formats.beir` for the layout of queries, passages and judgements, and
`hbtlib.data.formats.pairs_file` for `pairs.jsonl`, parallel pairs to train on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hbtlib.checks import check_name
from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.arrow import frame, on_disk
from hbtlib.data.formats.beir import find_texts, read_judgements, read_passages, read_queries
from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.pairs_file import split_pairs
from hbtlib.data.formats.qrels import Judgement
from hbtlib.data.formats.source import local_folder
from hbtlib.data.given import check_languages
from hbtlib.data.pairs import Pairs

FOLDERS: tuple[str, ...] = ()
LANGUAGES: tuple[str, ...] = ()


def load_benchmark(
    data: str | Path | None = None,
    *,
    split: str = "test",
    languages: Sequence[str] | None = None,
    language: str | None = None,
    called: str | None = None,
) -> Benchmark:
    """Loads the benchmark in a folder: the queries that a split judges, and all passages.

    Passages are streamed to Arrow on disk, so that there may be millions.

    Args:
        data: the folder.
        split: the split whose judgements are read.
        languages: the languages to keep; None keeps all.
        language: the language of texts that do not name theirs.
        called: the benchmark's name; None takes the folder's.

    Raises:
        DataError: for a file that is missing or not what it should be, a judgement of an unknown
            query or passage, and a split that judges no passage relevant.
    """
    folder = _folder(data)
    check_name("split", split)
    wanted = check_languages(str(folder), languages)
    queries = read_queries(find_texts(folder, "queries"), language)
    judgements = list(read_judgements(folder, split))
    corpus = on_disk([find_texts(folder, "corpus")], read_passages, language=language)
    passages = frame([corpus])
    _check_judged(judgements, set(queries["query_id"]), set(passages["passage_id"]))
    table = pd.DataFrame(
        [judgement for _, judgement in judgements], columns=["query_id", "passage_id", "grade"]
    )
    asked = queries[queries["query_id"].isin(set(table["query_id"]))]
    benchmark = Benchmark(called or folder.name, asked, passages, table)
    if wanted:
        benchmark = benchmark.restrict(wanted)
    if not (benchmark.judgements["grade"] > 0).any():
        raise DataError(
            f"{folder}: the split {split!r} judges no passage relevant in "
            f"{' '.join(wanted or ('any language',))}; a benchmark needs some"
        )
    return benchmark


def load_pairs(
    data: str | Path | None = None,
    *,
    split: str = "train",
    languages: Sequence[str] | None = None,
    language: str | None = None,
    called: str | None = None,
) -> Pairs:
    """Loads training pairs from a folder: its `pairs.jsonl`, or else its judged queries.

    Args:
        data: the folder.
        split: of `pairs.jsonl` "train" or "validation" (one id in twenty, held out by passage);
            of judged queries the split whose judgements are read.
        languages: the languages to keep; None keeps all.
        language: the language of judged texts that do not name theirs.
        called: the pairs' name; None takes the folder's.

    Raises:
        DataError: for a file that is missing or not what it should be.
    """
    folder = _folder(data)
    file = folder / "pairs.jsonl"
    if not file.is_file():
        benchmark = load_benchmark(
            folder, split=split, languages=languages, language=language, called=called
        )
        return Pairs.from_benchmark(benchmark)
    if language is not None:
        raise DataError(
            f"{folder}: in pairs.jsonl every text names its language; leave language= out"
        )
    texts = split_pairs(file, languages, split)
    return Pairs.from_texts(called or folder.name, texts.questions, texts.passages, id=texts.ids)


def _folder(data: str | Path | None) -> Path:
    folder = local_folder("folder", data, ())
    if folder is None:
        raise DataError(
            "give data= the folder of your data: queries.jsonl, corpus.jsonl and qrels/test.tsv, "
            "or pairs.jsonl"
        )
    return folder


def _check_judged(
    judgements: Sequence[tuple[str, Judgement]], queries: set[str], passages: set[str]
) -> None:
    """Refuses a judgement of a query or passage that the files lack."""
    for place, (query, passage, _) in judgements:
        _check_known(query, queries, place, "query", "queries")
        _check_known(passage, passages, place, "passage", "corpus")


def _check_known(id_: str, known: set[str], place: str, what: str, file: str) -> None:
    if id_ not in known:
        raise DataError(
            f"{place}: it judges the {what} {id_!r}, which the {file} file lacks; add it there, or "
            "take the line out"
        )
