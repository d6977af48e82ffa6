"""Your own data: BEIR's layout, TREC's files, or parallel pairs, in any languages, code-switched ones too.

Queries and passages: `queries.jsonl` and `corpus.jsonl` as BEIR has them ({"_id", "text"}, and `title` for passages) with
`language` (ISO 639, or "hi-en" for code-switched text) and, for queries, `question_id` where a question is asked in several
languages; or `queries.tsv` and `corpus.tsv`, `id⇥language⇥text` a line (`id⇥text` with `language=`), without a line of
names. Any of them may be `.gz`. A passage's text is its title, a blank, and its own text; one of the two may be empty.
Judgements: `qrels/SPLIT.tsv` with BEIR's first line (query-id, corpus-id, score), or TREC's `qid Q0 docid grade` in
`qrels/SPLIT.txt` or `qrels.txt`.
For training also `pairs.jsonl`: {"id", "question": {language: text}, "passage": {language: text}}.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.disk import Row, frame, on_disk
from hbtlib.data.formats.files import (
    DataError,
    Judgement,
    clean,
    expect,
    field,
    identifier,
    read_jsonl,
    read_qrels,
    read_tsv,
    text,
    title,
    unique,
)
from hbtlib.data.formats.files import language as known_language
from hbtlib.data.pairs import Pairs, shared_keys
from hbtlib.data.source import local_folder

Texts = dict[str, str]
Columns = tuple[list[str], list[Texts], list[Texts]]  # ids, questions, passages


def load_benchmark(
    data: str | Path | None = None,
    *,
    split: str = "test",
    languages: Sequence[str] | None = None,
    language: str | None = None,
    called: str | None = None,
) -> Benchmark:
    """The benchmark in the folder `data`: the queries that `split` judges, and all passages.

    languages: keep these alone. language: of texts that do not name theirs. called: its name (default: the folder's
    name). Passages are streamed to Arrow on disk, so that there may be millions.
    """
    folder = _folder(data)
    queries = read_queries(_find(folder, "queries"), language)
    judgements = list(_judgements(folder, split))
    asked = {query for _, (query, _, _) in judgements}
    passages = frame([on_disk([_find(folder, "corpus")], _corpus_rows, language=language)])
    _known(judgements, set(queries["query_id"]), set(passages["passage_id"]))
    table = pd.DataFrame(
        [judged for _, judged in judgements], columns=["query_id", "passage_id", "grade"]
    )
    loaded = Benchmark(
        called or folder.name, queries[queries["query_id"].isin(asked)], passages, table
    )
    loaded = loaded.restrict(languages) if languages else loaded
    if not (loaded.judgements["grade"] > 0).any():
        raise DataError(
            f"{folder}: the split {split!r} judges no passage relevant in "
            f"{' '.join(languages or ('any language',))}; a benchmark needs some"
        )
    return loaded


def load_pairs(
    data: str | Path | None = None,
    *,
    split: str = "train",
    languages: Sequence[str] | None = None,
    language: str | None = None,
    called: str | None = None,
) -> Pairs:
    """Training pairs from the folder `data`: `pairs.jsonl` (one id in twenty is its split "validation"), or judged queries
    (`Pairs.from_benchmark`).
    """
    folder = _folder(data)
    if (folder / "pairs.jsonl").is_file():
        if language is not None:
            raise DataError(
                f"{folder}: in pairs.jsonl every text names its language; leave language= out"
            )
        ids, asked, answers = split_pairs(folder / "pairs.jsonl", languages, split)
        return Pairs.from_texts(called or folder.name, asked, answers, id=ids)
    return Pairs.from_benchmark(
        load_benchmark(folder, split=split, languages=languages, language=language, called=called)
    )


def read_pairs(file: Path) -> Columns:
    """The ids of a `pairs.jsonl`, their questions, their passages. Raises DataError naming the line for what is no pair."""
    ids: list[str] = []
    queries: list[Texts] = []
    passages: list[Texts] = []
    seen: dict[str, str] = {}
    for place, record in read_jsonl(file):
        ids.append(identifier(record, "id", place))
        unique(seen, ids[-1], place, "the id")
        queries.append(_texts(field(record, "question", dict, place), f"{place}, question"))
        passages.append(_texts(field(record, "passage", dict, place), f"{place}, passage"))
    if not ids:
        raise DataError(f"{file}: it has no line; fetch it again")
    return ids, queries, passages


def _texts(forms: dict[str, Any], place: str) -> Texts:
    if not forms:
        raise DataError(f"{place}: no text in any language; leave the id out")
    return {
        known_language(code, place): clean(
            expect(form, str, f"{place}, {code}", "the text"), f"{place}, {code}", "the text"
        )
        for code, form in forms.items()
    }


def split_pairs(file: Path, languages: Sequence[str] | None, split: str) -> Columns:
    """One split of a `pairs.jsonl`: "train", or "validation", one id in twenty, drawn by passage; in these languages
    alone.
    """
    if split not in ("train", "validation"):
        raise DataError(
            f"{file} has no split {split!r}; it has train and validation (one id in twenty, held out by "
            "passage)"
        )
    ids, queries, passages = read_pairs(file)
    have = sorted({code for forms in (*queries, *passages) for code in forms})
    for code in languages or ():
        if code not in have:
            raise DataError(f"{file} has no language {code!r}; it has {' '.join(have)}")
    # By passage and before any language is left out, so that the split is the same whatever is asked for.
    held_out = [zlib.crc32(ids[key].encode()) % 20 == 0 for key in shared_keys(passages)]
    kept = []
    for i, out in enumerate(held_out):
        query, passage = (
            {code: form for code, form in forms[i].items() if not languages or code in languages}
            for forms in (queries, passages)
        )
        if out == (split == "validation") and query and passage:
            kept.append((ids[i], query, passage))
    if not kept:
        raise DataError(
            f"{file}: no id of the split {split!r} ({sum(held_out)} of {len(ids)} are held out as validation) "
            f"has a question and a passage in {' '.join(languages or have)}"
        )
    chosen, asked, answers = zip(*kept, strict=True)
    return list(chosen), list(asked), list(answers)


def read_queries(file: Path, language: str | None) -> pd.DataFrame:
    """query_id, question_id, language, text of a queries file."""
    rows = []
    seen: dict[str, str] = {}
    for place, record in _records(file, language):
        id_ = identifier(record, "_id", place)
        unique(seen, id_, place, "the query id")
        question = (
            id_ if record.get("question_id") is None else identifier(record, "question_id", place)
        )
        rows.append((id_, question, record["language"], text(record, "text", place)))
    return pd.DataFrame(rows, columns=["query_id", "question_id", "language", "text"])


def _corpus_rows(file: Path, language: str | None) -> Iterator[tuple[str, Row]]:
    for place, record in _records(file, language):
        name = title(record, place)
        whole = clean(f"{name} {field(record, 'text', str, place)}", place, "the passage")
        id_ = identifier(record, "_id", place)
        yield (
            place,
            {"passage_id": id_, "language": record["language"], "text": whole, "title": name},
        )


def _records(file: Path, language: str | None) -> Iterator[tuple[str, dict]]:
    """Lines of JSON or of tab-separated columns alike, each with a language that is known."""
    columns = ["_id", "text"] if language else ["_id", "language", "text"]
    for place, record in read_jsonl(file) if ".jsonl" in file.suffixes else read_tsv(file, columns):
        code = record.get("language", language)
        if code is None:
            raise DataError(
                f"{place}: the field 'language' is missing; add it to each line, or give language= the code of "
                "all"
            )
        yield (
            place,
            {
                **record,
                "language": known_language(expect(code, str, place, "the field 'language'"), place),
            },
        )


def _judgements(folder: Path, split: str) -> Iterator[tuple[str, Judgement]]:
    names = [f"qrels/{split}.tsv", f"qrels/{split}.txt", f"qrels.{split}.tsv", f"qrels.{split}.txt"]
    names += ["qrels.tsv", "qrels.txt"] if split == "test" else []
    file = next((folder / name for name in names if (folder / name).is_file()), None)
    if file is None:
        have = [p.name for p in sorted(folder.glob("qrels/*"))] + [
            p.name for p in sorted(folder.glob("qrels.*"))
        ]
        more = (
            "; it has pairs to train on, for hbt.load_pairs"
            if (folder / "pairs.jsonl").is_file()
            else ""
        )
        raise DataError(
            f"{folder} has no judgements of the split {split!r} ({names[0]} or {names[1]}); it has "
            f"{', '.join(have) or 'no folder qrels'}: give split= one that it has{more}"
        )
    return read_qrels(file)


def _known(
    judgements: Sequence[tuple[str, Judgement]], queries: set[str], passages: set[str]
) -> None:
    for place, (query, passage, _) in judgements:
        for what, id_, known, file in (
            ("query", query, queries, "queries"),
            ("passage", passage, passages, "corpus"),
        ):
            if id_ not in known:
                raise DataError(
                    f"{place}: it judges the {what} {id_!r}, which the {file} file lacks; add it there, or take "
                    "the line out"
                )


def _folder(data: str | Path | None) -> Path:
    folder = local_folder("folder", data, ())
    if folder is None:
        raise DataError(
            "give data= the folder of your data: queries.jsonl, corpus.jsonl and qrels/test.tsv, or pairs.jsonl"
        )
    return folder


def _find(folder: Path, what: str) -> Path:
    for ending in (".jsonl", ".jsonl.gz", ".tsv", ".tsv.gz"):
        if (folder / f"{what}{ending}").is_file():
            return folder / f"{what}{ending}"
    have = sorted(p.name for p in folder.iterdir())[:6]
    raise DataError(
        f"{folder} has no {what}.jsonl (or .tsv, or .gz of either); it has {', '.join(have) or 'nothing'}; give "
        "data= the folder of your data"
    )
