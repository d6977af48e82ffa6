"""Approximate search with faiss: for pools so large that not even one matrix product is wanted."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from filelock import FileLock
from xxhash import xxh3_128_hexdigest as checksum

from hbtlib.search.ranking import ALL, Gold, Matrix, Rows, Vectors, dots, nearest, take
from hbtlib.search.store import Store


class Part:
    """Some rows of a matrix."""

    def __init__(self, whole: Matrix, rows: Rows) -> None:
        self.whole, self.rows, self.shape = whole, rows, (len(rows), *whole.shape[1:])

    def __getitem__(self, rows: Any) -> Any:
        return take(self.whole, self.rows[rows])


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
    """Each query's k best passages of those that a faiss index of inner products finds: rows and scores, both (Q, k), best
    first. What it finds is scored exactly, so that lists of several indexes can be merged.

    factory: as in `faiss.index_factory`: "HNSW32", "IVF4096,PQ64", "OPQ64,IVF4096,PQ64,RFlat", …, trained on passages at
    even distances, as many as half of `memory` (GB) holds; "Flat" is `search.nearest`. options: as in faiss.ParameterSpace:
    "nprobe=64", "efSearch=128". file: where the index is kept, and found again. A row is −1, its score −inf, where fewer are
    found. Raises ValueError for a factory string or options that faiss does not know, or too few passages to train on.
    """
    n, width = passages.shape
    tie = np.arange(n) if tie is None else tie
    if factory == "Flat":
        return nearest(queries, passages, k, tie=tie, memory=memory)
    try:
        with FileLock(file.with_suffix(".lock")) if file else nullcontext():
            if file is not None and file.exists():
                index = faiss.read_index(str(file))
            else:
                index = faiss.index_factory(width, factory, faiss.METRIC_INNER_PRODUCT)
                if not index.is_trained:
                    some = np.linspace(
                        0, n - 1, int(min(n, max(memory * 1e9 / 8 / width, 1)))
                    ).astype(np.int64)
                    index.train(np.ascontiguousarray(passages[some], np.float32))
                for start in range(0, n, 8192):
                    index.add(
                        np.ascontiguousarray(passages[slice(start, start + 8192)], np.float32)
                    )
                if file is not None:
                    faiss.write_index(index, str(file.with_suffix(".part")))
                    file.with_suffix(".part").replace(file)
        if options:
            faiss.ParameterSpace().set_index_parameters(index, options)  # type: ignore[arg-type]
        rows = index.search(np.ascontiguousarray(queries), k)[1]
    except RuntimeError as error:
        kept = (
            f" (it is kept in {file}: remove that, and it is made again)"
            if file and file.exists()
            else ""
        )
        raise ValueError(
            f"faiss cannot search {n:,} passages with the index {factory!r} and options {options!r}{kept}: "
            f"{str(error).strip().splitlines()[-1]}"
        ) from None
    scores = np.full(rows.shape, -np.inf, np.float32)
    for start in range(0, len(rows), 64):
        query, place = np.nonzero(rows[start : start + 64] >= 0)
        distinct, which = np.unique(rows[start + query, place], return_inverse=True)
        found = np.ascontiguousarray(passages[distinct], np.float32)
        scores[start + query, place] = dots(queries, start + query, found, which)
    return ordered(rows, scores, tie, k)


def ranks(
    queries: Vectors,
    passages: Matrix,
    gold: Gold,
    pool: Rows,
    tie: Rows,
    languages: Sequence[str],
    factory: str,
    options: str,
    depth: int,
    memory: float,
) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    """The gold passages' ranks down to `depth`, past it NaN, in their own pool and in all; the index's recall by pool. An
    index a language; the best of all are the best of theirs, merged.
    """
    if depth < 1:
        raise ValueError(
            f"depth is {depth}; it is the number of passages searched of each query, 1 or more"
        )
    asked, of = np.unique(gold.query, return_inverse=True)
    in_pool, recall = np.full(len(of), np.nan), {}
    merged: list[tuple[Rows, Vectors]] = []
    for code, language in enumerate(languages):
        members = np.flatnonzero(pool == code)
        part, file = Part(passages, members), None
        if isinstance(passages, Store):
            name = f"{passages.name} {factory} {memory} {checksum(members.data)}"
            file = passages.folder / f"{checksum(name.encode())}.faiss"
        rows, scores = search(
            queries[asked],
            part,
            depth,
            factory,
            options,
            memory=memory,
            tie=tie[members],
            file=file,
        )
        found = np.where(rows >= 0, members[rows], -1)
        recall[language] = _recall(queries[asked], passages, members, found, tie, memory)
        mine = gold.pool == code
        in_pool[mine] = _place(found[of[mine]], gold.passage[mine])
        merged.append((found, scores))
    found, _ = ordered(
        np.hstack([rows for rows, _ in merged]),
        np.hstack([scores for _, scores in merged]),
        tie,
        depth,
    )
    recall[ALL] = _recall(queries[asked], passages, np.arange(len(pool)), found, tie, memory)
    return in_pool, _place(found[of], gold.passage), recall


def ordered(rows: Rows, scores: Vectors, tie: Rows, k: int) -> tuple[Rows, Vectors]:
    """The k best of each query, equal scores by the rule; what was not found stands last."""
    order = np.lexsort((tie[rows], -scores))[:, :k]
    return np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)


def _place(found: Rows, passage: Rows) -> np.ndarray:
    """Where each gold passage stands in its query's list, from 1 on; NaN where it does not."""
    there = found == passage[:, None]
    return np.where(there.any(1), there.argmax(1) + 1.0, np.nan)


def _recall(
    queries: Vectors, passages: Matrix, members: Rows, found: Rows, tie: Rows, memory: float
) -> float:
    """The share of the exact best passages that were found, the mean over a hundred queries."""
    some = np.random.default_rng(0).permutation(len(queries))[:100]
    exact, _ = nearest(
        queries[some], Part(passages, members), found.shape[1], tie=tie[members], memory=memory
    )
    return float(
        np.mean(
            [
                np.isin(members[best], mine).mean()
                for best, mine in zip(exact, found[some], strict=True)
            ]
        )
    )
