"""Your own data: BEIR's layout, TREC's files, or parallel pairs, in any languages, code-switched ones too.

Queries and passages: `queries.jsonl` and `corpus.jsonl` as BEIR has them ({"_id", "text"}, `title` for passages) with
`language` (ISO 639, or "hi-en" for code-switched text) and, for queries, `question_id` where a question is asked in
several languages; or `queries.tsv` and `corpus.tsv`, `id⇥language⇥text` a line (`id⇥text` with `language=`). Any of them
may be `.gz`. Judgements: `qrels/SPLIT.tsv` with BEIR's first line (query-id, corpus-id, score), or TREC's `qid Q0 docid
grade` in `qrels/SPLIT.txt` or `qrels.txt`. For training also `pairs.jsonl`: {"id", "question": {language: text},
"passage": {language: text}}.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.disk import Row, frame, on_disk
from hbtlib.data.miracl import Judgement, read_qrels
from hbtlib.data.mlqa_pairs import split_pairs
from hbtlib.data.pairs import Pairs
from hbtlib.data.read import (
    DataError,
    clean,
    expect,
    field,
    lines,
    read_headed_tsv,
    read_jsonl,
    read_tsv,
    text,
    title,
    unique,
    whole_number,
)
from hbtlib.data.read import language as known_language
from hbtlib.data.source import local_folder

BEIR = ("query-id", "corpus-id", "score")


def load_benchmark(data: str | Path | None = None, *, split: str = "test", languages: Sequence[str] | None = None,
                   language: str | None = None, called: str | None = None) -> Benchmark:
    """The benchmark in the folder `data`: the queries that `split` judges, and all passages.

    languages: keep these alone. language: of texts that do not name theirs. called: its name (default: the folder's
    name). Passages are streamed to Arrow on disk, so that there may be millions.
    """
    folder = _folder(data)
    queries = read_queries(_find(folder, "queries"), language)
    judgements = list(_judgements(folder, split))
    asked = {query for _, (query, _, _) in judgements}
    passages = frame([on_disk([_find(folder, "corpus")], _corpus_rows, language=language)])
    _known(judgements, set(queries["query_id"]), set(passages["passage_id"]), folder)
    table = pd.DataFrame([judged for _, judged in judgements], columns=["query_id", "passage_id", "grade"])
    loaded = Benchmark(called or folder.name, queries[queries["query_id"].isin(asked)], passages, table)
    return loaded.restrict(languages) if languages else loaded


def load_pairs(data: str | Path | None = None, *, split: str = "train", languages: Sequence[str] | None = None,
               language: str | None = None, called: str | None = None) -> Pairs:
    """Training pairs from the folder `data`: `pairs.jsonl` (one id in twenty is its split "validation"), or judged queries.

    Of judged queries a question's queries and relevant passages become ids: the n-th passage of each language together, so
    that a question with several in one language gives several ids, which are never each other's negatives.
    """
    folder = _folder(data)
    if (folder / "pairs.jsonl").is_file():
        ids, asked, answers = split_pairs(called or folder.name, folder / "pairs.jsonl", languages, split)
        return Pairs.from_texts(called or folder.name, asked, answers, id=ids)
    loaded = load_benchmark(folder, split=split, languages=languages, language=language, called=called)
    return pairs_of(loaded)


def pairs_of(benchmark: Benchmark) -> Pairs:
    """A benchmark's questions with their relevant passages, to train on. Raises ValueError where nothing is relevant."""
    judged = benchmark.judgements[benchmark.judgements["grade"] > 0]
    table = judged.merge(benchmark.queries[["query_id", "question_id"]], on="query_id")
    table = table.merge(benchmark.passages[["passage_id", "language"]], on="passage_id")
    table = table.drop_duplicates(["question_id", "passage_id"])
    if table.empty:
        raise DataError(f"{benchmark.name}: no passage is judged relevant, so there is nothing to train on")
    table["nth"] = table.groupby(["question_id", "language"]).cumcount()
    asked: dict[str, dict[str, str]] = {}
    for question, code, form in benchmark.queries[["question_id", "language", "text"]].itertuples(index=False):
        asked.setdefault(question, {})[code] = form
    place = pd.Index(benchmark.passages["passage_id"]).get_indexer(pd.Index(table["passage_id"]))
    table["text"] = benchmark.passages["text"].iloc[place].to_numpy()
    answers: dict[tuple[str, int], dict[str, str]] = {}
    for question, nth, code, form in table[["question_id", "nth", "language", "text"]].itertuples(index=False):
        answers.setdefault((question, nth), {})[code] = form
    return Pairs.from_texts(benchmark.name, [asked[question] for question, _ in answers], list(answers.values()),
                            id=[question for question, _ in answers])


def read_queries(file: Path, language: str | None) -> pd.DataFrame:
    """query_id, question_id, language, text of a queries file."""
    rows = []
    seen: dict[str, str] = {}
    for place, record in _records(file, language):
        id_ = text(record, "_id", place)
        unique(seen, id_, place, "the query id")
        question = clean(str(record.get("question_id", id_)), place, "the field 'question_id'")
        rows.append((id_, question, record["language"], text(record, "text", place)))
    return pd.DataFrame(rows, columns=["query_id", "question_id", "language", "text"])


def _corpus_rows(file: Path, language: str | None) -> Iterator[tuple[str, Row]]:
    for place, record in _records(file, language):
        name = title(record, place)
        whole = clean(f"{name} {field(record, 'text', str, place)}", place, "the passage")
        id_ = text(record, "_id", place)
        yield place, {"passage_id": id_, "language": record["language"], "text": whole, "title": name}


def _records(file: Path, language: str | None) -> Iterator[tuple[str, dict]]:
    """Lines of JSON or of tab-separated columns alike, each with a language that is known."""
    jsonl = ".jsonl" in file.suffixes
    columns = ["_id", "text"] if language else ["_id", "language", "text"]
    for place, record in read_jsonl(file) if jsonl else read_tsv(file, columns):
        code = record.get("language", language)
        if code is None:
            raise DataError(f"{place}: the field 'language' is missing; add it to each line, or give language= the code of "
                            f"all")
        yield place, {**record, "language": known_language(expect(code, str, place, "the field 'language'"), place)}


def _judgements(folder: Path, split: str) -> Iterator[tuple[str, Judgement]]:
    names = [f"qrels/{split}.tsv", f"qrels/{split}.txt", f"qrels.{split}.tsv", f"qrels.{split}.txt"]
    names += ["qrels.tsv", "qrels.txt"] if split == "test" else []
    file = next((folder / name for name in names if (folder / name).is_file()), None)
    if file is None:
        have = sorted(p.name for p in folder.glob("qrels/*"))
        raise DataError(f"{folder} has no judgements of the split {split!r} ({names[0]} or {names[1]}); it has "
                        f"{', '.join(have) or 'no folder qrels'}")
    first = next(lines(file), (0, ""))[1]
    if first.split("\t") != list(BEIR):
        yield from read_qrels(file)
        return
    seen: dict[tuple[str, str], str] = {}
    for place, row in read_headed_tsv(file):
        query, passage = text(row, BEIR[0], place), text(row, BEIR[1], place)
        unique(seen, (query, passage), place, "the judgement of")
        yield place, (query, passage, whole_number(row[BEIR[2]], place, "the score"))


def _known(judgements: Sequence[tuple[str, Judgement]], queries: set[str], passages: set[str], folder: Path) -> None:
    for place, (query, passage, _) in judgements:
        if query not in queries:
            raise DataError(f"{place}: it judges the query {query!r}, which {folder.name}'s queries lack; add it, or take "
                            f"the line out")
        if passage not in passages:
            raise DataError(f"{place}: it judges the passage {passage!r}, which {folder.name}'s corpus lacks; add it, or "
                            f"take the "
                            "line out")
    if not judgements:
        raise DataError(f"{folder}: its judgements are empty; a benchmark needs some")


def _folder(data: str | Path | None) -> Path:
    folder = local_folder("folder", data, ())
    if folder is None:
        raise DataError("give data= the folder of your data (queries.jsonl, corpus.jsonl and qrels/test.tsv, or "
                        "pairs.jsonl)")
    return folder


def _find(folder: Path, what: str) -> Path:
    for ending in (".jsonl", ".jsonl.gz", ".tsv", ".tsv.gz"):
        if (folder / f"{what}{ending}").is_file():
            return folder / f"{what}{ending}"
    have = sorted(p.name for p in folder.iterdir())[:6]
    raise DataError(f"{folder} has no {what}.jsonl (or .tsv, or .gz of either); it has {', '.join(have) or 'nothing'}; give "
                    f"data= "
                    "the folder of your data")
