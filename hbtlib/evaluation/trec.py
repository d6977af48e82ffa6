"""Runs and judgements in TREC's formats, for trec_eval, ir_measures, ranx and other tools.

A line of a run is `query_id Q0 passage_id rank score tag`, one of the judgements `query_id 0
passage_id grade`. trec_eval reads the scores alone, and orders equal ones by passage id, the larger
first. So does `read`: the ranks that a run's lines give are not read, and where they disagree with
the scores, the scores count.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from hbtlib.checks import check_integer, check_name, check_path, short
from hbtlib.data.benchmark import ALL, RANK_COLUMNS, Benchmark
from hbtlib.data.formats.checks import DataError, unique
from hbtlib.data.formats.files import read_tsv
from hbtlib.evaluation.checks import (
    check_columns,
    check_depth,
    check_passages,
    check_texts,
    has_mid_ranks,
    number_column,
)
from hbtlib.evaluation.metrics import ranked_queries
from hbtlib.files import replacing

FILLER = "unjudged-"
"""How `write` names the passages that it does not know, before their rank."""

_RUN = ["query_id", "zero", "passage_id", "rank", "score", "tag"]
_QRELS = ["query_id", "zero", "passage_id", "grade"]


def write(ranks: pd.DataFrame, folder: Path | str, *, depth: int = 100) -> list[Path]:
    """Writes POOL.run and POOL.qrels for every pool of the ranks.

    A run holds each query's relevant passages at their ranks, down to `depth`, and between them
    fillers named `unjudged-RANK`: measures cut at `depth` or above come out as ours, whoever
    computes them. The score written is −rank.

    Args:
        ranks: a table of `hbt.rank`, of one benchmark and one run.
        folder: where the files are written; it is made if it is not there.
        depth: how many ranks of each query are written.

    Returns:
        The files written.

    Raises:
        ValueError: for ranks of several benchmarks or runs, or not known down to `depth`; a depth
            below 1; a pool whose name cannot be a file's; an id that is empty or has a blank, and a
            grade that is not whole, which TREC's files cannot hold.

    Example:
        >>> import hbtlib as hbt, pandas as pd, tempfile
        >>> ranks = pd.DataFrame({
        ...     "query_id": ["q1"],
        ...     "question_id": ["q1"],
        ...     "query_language": ["en"],
        ...     "pool": ["de"],
        ...     "passage_id": ["p7"],
        ...     "rank": [2],
        ...     "grade": [1],
        ...     "n_relevant": [1],
        ... })
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run, qrels = hbt.trec.write(ranks, folder)
        ...     print(run.read_text() + qrels.read_text())
        q1 Q0 unjudged-1 1 -1 hbtlib
        q1 Q0 p7 2 -2 hbtlib
        q1 0 p7 1
    """
    ranked_queries(ranks)  # raises where they are of several benchmarks or runs
    if has_mid_ranks(ranks):
        raise ValueError(
            "these ranks are means of the places of passages that tie, which a run cannot hold: "
            "rank with ties='hash' or ties='id'"
        )
    check_columns(ranks, ["passage_id", "grade"])
    check_texts(ranks, ["passage_id"])
    check_passages(ranks)
    depth = check_integer("depth", depth, minimum=1)
    check_depth(ranks, depth, f"a run of depth {depth}")
    ranks = ranks.astype({"query_id": "str", "passage_id": "str"})
    _check_no_blanks(ranks)
    _check_whole_grades(ranks)
    for name in ranks["pool"].unique():
        check_name("a pool", str(name))
    folder = _folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for pool, gold in ranks.groupby("pool", observed=True, sort=True):
        name = str(pool)
        run, qrels = folder / f"{name}.run", folder / f"{name}.qrels"
        _write_lines(_run_table(gold, depth)[_RUN], run)
        _write_lines(gold.assign(zero=0, grade=gold["grade"].astype("int64"))[_QRELS], qrels)
        written += [run, qrels]
    return written


def read(folder: Path | str, benchmark: Benchmark) -> pd.DataFrame:
    """Reads another tool's runs as a ranks table.

    Args:
        folder: holds a file POOL.run (or POOL.run.gz) for each pool, POOL being a language or
            `all`.
        benchmark: the benchmark that was ranked.

    Returns:
        Columns as `hbt.rank_vectors` describes them. A relevant passage that a run does not hold
        gets the last ranks of its pool and no score (NaN): measures cut at the run's depth or above
        are what they are, others too low.

    Raises:
        DataError: for a malformed line, a query or passage that the benchmark lacks, a passage of
            another pool, one that occurs twice, and a file without a line; the message names file
            and line.
        ValueError: if the folder holds no run of the benchmark's pools.
        FileNotFoundError: if there is no such folder.
    """
    if not isinstance(benchmark, Benchmark):
        raise ValueError(f"the benchmark is {short(benchmark)}; give an hbt.Benchmark")
    folder = _folder(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder; it should hold a file POOL.run a pool")
    gold = _relevant(benchmark)
    languages = benchmark.passages["language"].value_counts().sort_index()
    sizes = {**languages, ALL: len(benchmark.passages)}
    query_ids = set(benchmark.queries["query_id"])
    language_of = dict(
        zip(benchmark.passages["passage_id"], benchmark.passages["language"], strict=True)
    )
    tables = []
    for pool, size in sizes.items():
        file = _find(folder, pool)
        if file is None:
            continue
        mine = gold if pool == ALL else gold[gold["passage_language"] == pool]
        run = _read_run(file, query_ids, language_of, pool)
        table = mine.merge(run, how="left")
        lost = table["rank"].isna()
        table.loc[lost, "rank"] = size - table[lost].groupby("query_id").cumcount()
        table["n_relevant"] = table.groupby("query_id")["rank"].transform("size")
        tables.append(table.assign(benchmark=benchmark.name, pool=pool, n_passages=size))
    if not tables:
        raise ValueError(
            f"{folder} has no run of {benchmark.name!r}: its pools are {', '.join(sizes)}, so "
            f"there should be {next(iter(sizes))}.run, …, all.run"
        )
    types = {"rank": "int32", "score": "float32", "grade": "int16"}
    return pd.concat(tables, ignore_index=True).astype(types)[list(RANK_COLUMNS)]


def _check_no_blanks(ranks: pd.DataFrame) -> None:
    """Raises ValueError for an id with a blank in it."""
    for column in ("query_id", "passage_id"):
        with_blank = ranks.loc[ranks[column].str.contains(r"\s|^$"), column]
        if len(with_blank):
            raise ValueError(
                f"the {column} {short(with_blank.iloc[0])} has a blank in it or is empty, which "
                "TREC's files cannot hold"
            )


def _check_whole_grades(ranks: pd.DataFrame) -> None:
    """Raises ValueError for a grade that is not whole."""
    grade = number_column(ranks, "grade")
    broken = grade != np.floor(grade)
    if broken.any():
        row = ranks.iloc[int(broken.argmax())]
        raise ValueError(
            f"query {row['query_id']!r} has the grade {row['grade']:g} for passage "
            f"{row['passage_id']!r}, and TREC's grades are whole: multiply all by one number"
        )


def _write_lines(table: pd.DataFrame, file: Path) -> None:
    """Writes a table's rows as lines, columns separated by blanks; the file is written whole."""
    with replacing(file) as work:
        # No id has a blank in it, so nothing needs quotes, and a quote in an id stays what it is.
        table.to_csv(work, sep=" ", header=False, index=False, quoting=csv.QUOTE_NONE)


def _folder(folder: object) -> Path:
    """The folder as a path; ValueError for what is none."""
    return check_path("the folder", folder)


def _run_table(gold: pd.DataFrame, depth: int) -> pd.DataFrame:
    """One pool's run: each query's ranks down to its last relevant passage, fillers in between."""
    found = gold.loc[gold["rank"] <= depth, ["query_id", "passage_id", "rank"]]
    found = found.astype({"rank": "int64"})  # another tool's table may hold them as floats
    deepest = found.groupby("query_id")["rank"].max()
    # A query with nothing in reach has one line: tools average over the queries of the run.
    deepest = deepest.reindex(gold["query_id"].unique(), fill_value=1)
    places = [(query, rank) for query, last in deepest.items() for rank in range(1, last + 1)]
    run = pd.DataFrame(places, columns=["query_id", "rank"]).merge(found, how="left")
    filler = FILLER + run["rank"].astype("str")
    return run.assign(
        passage_id=run["passage_id"].fillna(filler), zero="Q0", score=-run["rank"], tag="hbtlib"
    )


def _relevant(benchmark: Benchmark) -> pd.DataFrame:
    """The judgements above grade 0, with question_id and the languages of query and passage."""
    queries = benchmark.queries[["query_id", "question_id", "language"]]
    passages = benchmark.passages[["passage_id", "language"]]
    relevant = benchmark.judgements[benchmark.judgements["grade"] > 0]
    table = relevant.merge(queries.rename(columns={"language": "query_language"}))
    table = table.merge(passages.rename(columns={"language": "passage_language"}))
    return table.sort_values(["query_id", "passage_id"])


def _find(folder: Path, pool: str) -> Path | None:
    """The run of a pool, if there is one."""
    for file in (folder / f"{pool}.run", folder / f"{pool}.run.gz"):
        if file.exists():
            return file
    return None


def _read_run(
    file: Path, query_ids: set[str], language_of: Mapping[str, str], pool: str
) -> pd.DataFrame:
    """A run as query_id, passage_id, score and rank; the ranks are those of the scores."""
    rows: list[tuple[str, str, float]] = []
    seen: dict[tuple[str, str], str] = {}
    names = ("query_id", "Q0", "passage_id", "rank", "score", "tag")
    for place, row in read_tsv(file, names, whitespace=True):
        query, passage = row["query_id"], row["passage_id"]
        if query not in query_ids:
            raise DataError(
                f"{place}: the benchmark has no query {short(query)}; is the run of this benchmark "
                "and split?"
            )
        _check_passage(passage, language_of.get(passage), pool, place)
        score = _score(row["score"], place)
        unique(seen, (query, passage), place, "query and passage")
        rows.append((query, passage, score))
    if not rows:
        raise DataError(f"{file}: there is no line in it; was the search stopped early?")
    run = pd.DataFrame(rows, columns=["query_id", "passage_id", "score"])
    # trec_eval holds scores as C floats: what differs past seven digits ties there.
    run["score"] = run["score"].astype("float32")
    best_first = ["query_id", "score", "passage_id"]
    run = run.sort_values(best_first, ascending=[True, False, False], kind="stable")
    return run.assign(rank=run.groupby("query_id").cumcount() + 1.0)


def _check_passage(passage: str, language: str | None, pool: str, place: str) -> None:
    """DataError for a passage that the benchmark lacks, or that is not in the run's pool."""
    if language is None and re.fullmatch(FILLER + "[0-9]+", passage):
        return  # `write` puts these where it does not know what was ranked
    if language is None:
        raise DataError(
            f"{place}: the benchmark has no passage {short(passage)}; is the run of this benchmark "
            "and split?"
        )
    if pool not in (ALL, language):
        raise DataError(
            f"{place}: the passage {short(passage)} is in {language!r}, and the pool is {pool!r}; "
            "its ranks would be those of another pool"
        )


def _score(text: str, place: str) -> float:
    """The score that a line gives; DataError if it is not a number."""
    try:
        score = float(text)
    except ValueError:
        score = np.nan
    if not np.isfinite(score):
        raise DataError(f"{place}: the score is {short(text)}, where a number belongs")
    return score
