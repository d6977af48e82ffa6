"""Approximate search with faiss: for pools so large that not even one matrix product is wanted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from xxhash import xxh3_128_hexdigest as checksum

from hbtlib.search import ALL, Gold, Matrix, Rows, Vectors, nearest, take
from hbtlib.store import Store

SAMPLE = 100  # queries of which recall is measured


class Part:
    """Some rows of a matrix."""

    def __init__(self, whole: Matrix, rows: Rows) -> None:
        self.whole, self.rows, self.shape = whole, rows, (len(rows), *whole.shape[1:])

    def __getitem__(self, rows: Any) -> Any:
        return take(self.whole, self.rows[rows])


def search(queries: Vectors, passages: Matrix, k: int, factory: str, options: str = "", *, memory: float = 1.0,
           file: Path | None = None) -> tuple[Rows, Vectors]:
    """Each query's k best passages by a faiss index of inner products: rows and the index's scores, both (Q, k), best first.

    factory: as in `faiss.index_factory`: "Flat" (exact), "HNSW32", "IVF4096,PQ64", "OPQ64,IVF4096,PQ64,RFlat", …; it is
    trained on passages at even distances, as many as half of `memory` (GB) holds. options: as in `faiss.ParameterSpace`:
    "nprobe=64", "efSearch=128". file: where the index is kept, and found again. A row is −1 where the index found fewer.
    Raises ValueError for a factory string or options that faiss does not know, or too few passages to train on."""
    try:
        import faiss
    except ImportError:
        raise ImportError("a search index comes with a package of its own: pip install faiss-cpu") from None
    n, width = passages.shape
    try:
        if file is not None and file.exists():
            index = faiss.read_index(str(file))
        else:
            index = faiss.index_factory(width, factory, faiss.METRIC_INNER_PRODUCT)
            if not index.is_trained:
                some = np.linspace(0, n - 1, int(min(n, max(memory * 1e9 / 8 / width, 1)))).astype(np.int64)
                index.train(np.ascontiguousarray(passages[some], np.float32))
            for start in range(0, n, 8192):
                index.add(np.ascontiguousarray(passages[slice(start, start + 8192)], np.float32))
            if file is not None:
                faiss.write_index(index, str(file.with_suffix(".part")))
                file.with_suffix(".part").replace(file)
        if options:
            faiss.ParameterSpace().set_index_parameters(index, options)  # type: ignore[arg-type]
        scores, rows = index.search(np.ascontiguousarray(queries), k)
    except RuntimeError as error:
        said = str(error).strip().splitlines()[-1]
        raise ValueError(f"faiss cannot search {n:,} passages with the index {factory!r} and options {options!r}: {said}"
                         ) from None
    return rows, scores


def ranks(queries: Vectors, passages: Matrix, gold: Gold, pool: Rows, tie: Rows, languages: Sequence[str], factory: str,
          options: str, depth: int, memory: float) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    """The gold passages' ranks down to `depth`, past it NaN, in their own pool and in all; the index's recall by pool. An
    index a language; the best of all are the best of theirs, merged."""
    if depth < 1:
        raise ValueError(f"depth is {depth}; it is the number of passages searched of each query, 1 or more")
    asked, of = np.unique(gold.query, return_inverse=True)
    in_pool, recall = np.full(len(of), np.nan), {}
    merged: list[tuple[Rows, Vectors]] = []
    for code, language in enumerate(languages):
        members = np.flatnonzero(pool == code)
        part, file = Part(passages, members), None
        if isinstance(passages, Store):
            name = f"{passages.name} {factory} {memory} {checksum(members.data)}"
            file = passages.folder / f"{checksum(name.encode())}.faiss"
        rows, scores = search(queries[asked], part, depth, factory, options, memory=memory, file=file)
        found = np.where(rows >= 0, members[rows], -1)
        found, scores = _ordered(found, scores, tie, depth)
        recall[language] = _recall(queries[asked], passages, members, found, tie, memory)
        mine = gold.pool == code
        in_pool[mine] = _place(found[of[mine]], gold.passage[mine])
        merged.append((found, scores))
    found, _ = _ordered(np.hstack([rows for rows, _ in merged]), np.hstack([scores for _, scores in merged]), tie, depth)
    recall[ALL] = _recall(queries[asked], passages, np.arange(len(pool)), found, tie, memory)
    return in_pool, _place(found[of], gold.passage), recall


def _ordered(rows: Rows, scores: Vectors, tie: Rows, k: int) -> tuple[Rows, Vectors]:
    """The k best of each query, equal scores by the rule; what the index did not find stands last."""
    scores = np.where(rows >= 0, scores, -np.inf).astype(np.float32)
    order = np.lexsort((tie[rows], -scores))[:, :k]
    return np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)


def _place(found: Rows, passage: Rows) -> np.ndarray:
    """Where each gold passage stands in its query's list, from 1 on; NaN where it does not."""
    there = found == passage[:, None]
    return np.where(there.any(1), there.argmax(1) + 1.0, np.nan)


def _recall(queries: Vectors, passages: Matrix, members: Rows, found: Rows, tie: Rows, memory: float) -> float:
    """The share of the exact best passages that were found, the mean over queries at even distances."""
    some = np.unique(np.linspace(0, len(queries) - 1, min(SAMPLE, len(queries))).astype(np.int64))
    exact, _ = nearest(queries[some], Part(passages, members), found.shape[1], tie=tie[members], memory=memory)
    return float(np.mean([np.isin(members[best], mine).mean() for best, mine in zip(exact, found[some], strict=True)]))
