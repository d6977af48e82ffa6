"""Approximate search with faiss, for pools so large that even one matrix product takes too long.

Each language has an index of its own. Its candidates are scored exactly before they are ordered or
merged with another language's: each index distorts scores in its own way, and would favour a
language.
"""

from __future__ import annotations

import re
import warnings
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import faiss
import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from xxhash import xxh3_128, xxh3_128_hexdigest

from hbtlib.checks import check_integer, check_number, short
from hbtlib.data.benchmark import ALL
from hbtlib.files import DamagedFile, read_json, replacing, write_json
from hbtlib.search.exact import nearest
from hbtlib.search.inputs import PassageTable, RelevantPassages
from hbtlib.search.kernels import dots
from hbtlib.search.matrix import Matrix, Rows, RowSubset, Vectors
from hbtlib.search.store import Store
from hbtlib.search.ties import best_first
from hbtlib.search.tiles import PAST_SINGLE_PRECISION

_QUERIES_FOR_RECALL = 100
_ADDED_AT_ONCE = 8192  # passages
_RESCORED_AT_ONCE = 64  # queries
_READ_AT_ONCE = 1 << 24  # bytes
_OPTION = re.compile(r"([A-Za-z_]+)=([0-9]+)")
_AT_LEAST_ONE = ("nprobe", "efSearch")  # with 0 of these nothing is found
_WHERE_IN_FAISS = re.compile(r"Error in .* at \S+:\d+: (Error: '.*' failed: )?")


@dataclass(frozen=True)
class IndexSearch:
    """How to search with an index.

    Attributes:
        factory: what `faiss.index_factory` makes: "HNSW32", "IVF4096,PQ64",
            "OPQ64,IVF4096,PQ64,RFlat". An index that must be trained is trained on passages at even
            distances, as many as half of `memory` holds. "Flat" is exact search (`exact.nearest`).
        options: what `faiss.ParameterSpace` sets before the search: "nprobe=64", "efSearch=128".
        depth: how many passages are searched of each query.
        memory: GB.
        file: where the index is kept, and found again; None: it is not kept.

    Raises:
        ValueError: for no factory string, options that are not name=number, joined by commas, or
            that "Flat" would ignore, a depth below 1, and a memory that is not above 0.
    """

    factory: str
    options: str = ""
    depth: int = 100
    memory: float = 1.0
    file: Path | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.factory, str) or not self.factory.strip():
            raise ValueError(
                f"index is {short(self.factory)}; it is a faiss factory string such as 'HNSW32'"
            )
        _check_index_options(self.factory, self.options)
        check_integer("depth", self.depth, minimum=1)
        check_number("memory (GB)", self.memory, above=0)


@dataclass(frozen=True)
class IndexRanks:
    """What an index found.

    Attributes:
        in_pool: (G,) the relevant passages' ranks in their own pools, NaN below the depth.
        in_all: (G,) their ranks in the pool of all.
        recall: by pool, the share of the exact best passages that the index found.
    """

    in_pool: NDArray[np.float64]
    in_all: NDArray[np.float64]
    recall: dict[str, float]


def index_ranks(
    queries: Vectors, passages: PassageTable, relevant: RelevantPassages, how: IndexSearch
) -> IndexRanks:
    """Ranks the relevant passages among those that one index per language finds.

    The best of all languages are the best of each language's, merged.

    Args:
        queries: (Q, d) the queries' vectors.
        passages: the passages. If their vectors are a store, each index is kept beside it.
        relevant: the G relevant passages whose ranks are wanted.
        how: the index and its depth.

    Returns:
        Ranks from 1 to the depth, NaN below it, and the recall of each pool.
    """
    asked, asked_row = np.unique(relevant.query, return_inverse=True)
    asked_vectors = queries[asked]
    in_pool = np.full(len(relevant.query), np.nan)
    recall: dict[str, float] = {}
    rows_by_language: list[Rows] = []
    scores_by_language: list[Vectors] = []
    for code, language in enumerate(passages.languages):
        members = np.flatnonzero(passages.pool == code)
        found, scores = _search_language(asked_vectors, passages, members, how)
        recall[language] = _recall(asked_vectors, passages, members, found, how.memory)
        mine = relevant.pool == code
        in_pool[mine] = _place(found[asked_row[mine]], relevant.passage[mine])
        rows_by_language.append(found)
        scores_by_language.append(scores)
    found, _ = best_first(
        np.hstack(rows_by_language), np.hstack(scores_by_language), passages.tie, how.depth
    )
    everything = np.arange(len(passages.pool))
    recall[ALL] = _recall(asked_vectors, passages, everything, found, how.memory)
    return IndexRanks(in_pool, _place(found[asked_row], relevant.passage), recall)


def search(
    queries: Vectors,
    passages: Matrix,
    k: int,
    factory: str,
    options: str = "",
    *,
    memory: float = 1.0,
    tie: Rows | None = None,
    file: Path | None = None,
) -> tuple[Rows, Vectors]:
    """Finds each query's k best passages of those that a faiss index of inner products finds.

    What the index finds is scored exactly, so that lists of several indexes can be merged.

    Args:
        queries: (Q, d) float32.
        passages: (N, d).
        k: how many passages to find for each query.
        factory: the index, as in `IndexSearch`.
        options: how it is searched, as in `IndexSearch`.
        memory: GB, half of which the passages that train an index may take.
        tie: (N,) the passages' places among equal scores; None: the earlier row is the better.
        file: where the index is kept, and found again, with a file .json beside it that has its
            checksum and what it was made of. An index that is damaged, or was made of other
            vectors or with other options, is named in a warning and made again.

    Returns:
        Row numbers and scores, both (Q, k), best first. A row is −1, its score −inf, where fewer
        than k were found.

    Raises:
        ValueError: if faiss does not know the factory string or the options, there are too few
            passages to train on, or a score is past single precision.
    """
    how = IndexSearch(factory, options, k, memory, file)
    tie = np.arange(passages.shape[0]) if tie is None else tie
    if factory == "Flat":
        return nearest(queries, passages, k, tie=tie, memory=memory)
    try:
        with FileLock(file.with_suffix(".lock")) if file else nullcontext():
            index = _load_or_build(passages, how)
        if options:
            faiss.ParameterSpace().set_index_parameters(index, options)  # type: ignore[arg-type]
        rows = index.search(np.ascontiguousarray(queries), k)[1]
    except RuntimeError as error:
        reason = _WHERE_IN_FAISS.sub("", str(error).strip().splitlines()[-1])
        raise ValueError(
            f"faiss cannot search {passages.shape[0]:,} passages with the index {short(factory)} "
            f"and options {short(options)}: {reason[:200]}"
        ) from None
    return best_first(rows, _exact_scores(queries, passages, rows), tie, k)


def _check_index_options(factory: str, options: object) -> None:
    """Raises ValueError for options that faiss could not read, or that nothing would use."""
    if not options:
        return
    if factory == "Flat":
        raise ValueError(
            f"index_options is {short(options)}, but the index 'Flat' searches all and has none: "
            "leave them out"
        )
    parts = options.split(",") if isinstance(options, str) else [""]
    for part in parts:
        found = _OPTION.fullmatch(part)
        if found is None or (found[1] in _AT_LEAST_ONE and int(found[2]) < 1):
            raise ValueError(
                f"index_options is {short(options)}; it is faiss's options as name=number, joined "
                "by commas, such as 'nprobe=64' (nprobe and efSearch from 1 up)"
            )


def _load_or_build(passages: Matrix, how: IndexSearch) -> faiss.Index:
    """The index: read from its file if it is the one wanted, else made and written there.

    Beside the index lies a file .json with its checksum and with what it was made of. An index that
    is damaged, or was made of something else, is named in a warning and made again.
    """
    if how.file is None:
        return _build(passages, how.factory, how.memory)
    made_of = {
        "factory": how.factory,
        "memory": how.memory,
        "shape": list(passages.shape),
        "vectors": _vectors_name(passages),
    }
    if how.file.exists():
        wrong = _what_is_wrong(how.file, made_of)
        if wrong is None:
            return faiss.read_index(str(how.file))
        warnings.warn(f"the index {how.file} {wrong}: it is made again", stacklevel=2)
    index = _build(passages, how.factory, how.memory)
    with replacing(how.file) as work:
        faiss.write_index(index, str(work))
        written = _file_checksum(work)
    write_json(_description(how.file), {"checksum": written, "made_of": made_of})
    return index


def _what_is_wrong(file: Path, made_of: dict[str, object]) -> str | None:
    """Says why an index on disk cannot be used, or None if it can."""
    try:
        description = read_json(_description(file))
    except FileNotFoundError:
        return "has no checksum beside it"
    except DamagedFile:
        return "has a damaged description beside it"
    if description.get("made_of") != made_of:
        return "was made of other vectors or with other options"
    if description.get("checksum") != _file_checksum(file):
        return "is damaged (its checksum is another)"
    return None


def _description(file: Path) -> Path:
    """Where the checksum of an index is kept, and what the index was made of."""
    return file.with_suffix(".json")


def _file_checksum(file: Path) -> str:
    """The checksum of a file's bytes; xxhash reads an index of gigabytes in seconds."""
    checksum = xxh3_128()
    with file.open("rb") as opened:
        while part := opened.read(_READ_AT_ONCE):
            checksum.update(part)
    return checksum.hexdigest()


def _vectors_name(passages: Matrix) -> str:
    """A name for the vectors that an index is made of, which is another for other vectors.

    Vectors in a store are named by its folder (what made them) and its shards (their texts), so
    that they need not be read.
    """
    if isinstance(passages, RowSubset):
        rows = xxh3_128_hexdigest(np.ascontiguousarray(passages.rows).data)
        return f"{_vectors_name(passages.matrix)} {rows}"
    if isinstance(passages, Store):
        return f"{passages.folder.name} {passages.name}"
    checksum = xxh3_128()
    for start in range(0, passages.shape[0], _ADDED_AT_ONCE):
        part = passages[slice(start, start + _ADDED_AT_ONCE)]
        checksum.update(np.ascontiguousarray(part, np.float32).data)
    return checksum.hexdigest()


def _build(passages: Matrix, factory: str, memory: float) -> faiss.Index:
    """A new index of all the passages, trained first if it must be."""
    n_passages, width = passages.shape
    index = faiss.index_factory(width, factory, faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        n_for_training = int(min(n_passages, max(memory * 1e9 / 8 / width, 1)))
        sample = np.linspace(0, n_passages - 1, n_for_training).astype(np.int64)
        index.train(np.ascontiguousarray(passages[sample], np.float32))
    for start in range(0, n_passages, _ADDED_AT_ONCE):
        part = passages[slice(start, start + _ADDED_AT_ONCE)]
        index.add(np.ascontiguousarray(part, np.float32))
    return index


def _exact_scores(queries: Vectors, passages: Matrix, rows: Rows) -> Vectors:
    """The exact scores of what an index found, (Q, k); −inf where it found nothing (row −1)."""
    scores = np.full(rows.shape, -np.inf, np.float32)
    for start in range(0, len(rows), _RESCORED_AT_ONCE):
        query, place = np.nonzero(rows[start : start + _RESCORED_AT_ONCE] >= 0)
        query = start + query
        distinct, row_of_distinct = np.unique(rows[query, place], return_inverse=True)
        vectors = np.ascontiguousarray(passages[distinct], np.float32)
        found = dots(queries, query, vectors, row_of_distinct)
        if not np.isfinite(found).all():
            raise ValueError(PAST_SINGLE_PRECISION)
        scores[query, place] = found
    return scores


def _search_language(
    queries: Vectors, passages: PassageTable, members: Rows, how: IndexSearch
) -> tuple[Rows, Vectors]:
    """One language's best passages: rows of the whole table (−1 where nothing is), and scores."""
    if isinstance(passages.vectors, Store):
        how = replace(how, file=_index_file(passages.vectors, members, how))
    rows, scores = search(
        queries,
        RowSubset(passages.vectors, members),
        how.depth,
        how.factory,
        how.options,
        memory=how.memory,
        tie=passages.tie[members],
        file=how.file,
    )
    return np.where(rows >= 0, members[rows], -1), scores


def _index_file(store: Store, members: Rows, how: IndexSearch) -> Path:
    """Where the index of some rows of a store is kept: a name for all that changes the index."""
    key = f"{store.name} {how.factory} {how.memory} {xxh3_128_hexdigest(members.data)}"
    return store.folder / f"{xxh3_128_hexdigest(key.encode())}.faiss"


def _place(found: Rows, passage: Rows) -> NDArray[np.float64]:
    """Where each passage stands in its query's list.

    Args:
        found: (G, k) the lists.
        passage: (G,) the passages.

    Returns:
        (G,) places from 1 on, NaN if the passage is not in the list.
    """
    is_it = found == passage[:, None]
    return np.where(is_it.any(1), is_it.argmax(1) + 1.0, np.nan)


def _recall(
    queries: Vectors, passages: PassageTable, members: Rows, found: Rows, memory: float
) -> float:
    """The share of the exact best passages among `members` that were found.

    It is the mean over a random sample of a hundred queries, the same one each time; NaN without
    queries.
    """
    sample = np.random.default_rng(0).permutation(len(queries))[:_QUERIES_FOR_RECALL]
    if not len(sample):
        return np.nan
    exact, _ = nearest(
        queries[sample],
        RowSubset(passages.vectors, members),
        found.shape[1],
        tie=passages.tie[members],
        memory=memory,
    )
    shares = [
        np.isin(members[best], rows).mean() for best, rows in zip(exact, found[sample], strict=True)
    ]
    return float(np.mean(shares))
