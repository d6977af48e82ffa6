"""The public functions of search: embed a benchmark, rank its passages, list the best ones.

A score is the dot product, summed in double precision and rounded to single. Equal scores are
ordered as trec_eval does: by passage id, the larger (by its characters' code points) first. So
ranks depend neither on the order in which passages are stored nor on blocks, threads or machine,
and trec_eval computes the same measures from the same scores as we do. `exact` explains how that is
done fast.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd

from hbtlib.checks import check_choice, check_flag, check_integer, short
from hbtlib.data.benchmark import Benchmark
from hbtlib.encoders.protocol import EncoderProtocol, check_encoder
from hbtlib.encoders.sentence_transformer import as_encoder
from hbtlib.search.compression import check_compression, first_dimensions, quantized_scores
from hbtlib.search.exact import count_ranks, nearest
from hbtlib.search.inputs import PassageTable, RelevantPassages, check_benchmark, prepare
from hbtlib.search.matrix import Matrix, Vectors
from hbtlib.search.removal import Removal
from hbtlib.search.scores import rank_scores, top_scores
from hbtlib.search.tables import ranks_table, top_table, with_recall
from hbtlib.search.ties import tie_order
from hbtlib.search.vectors import check_finite, embed_texts

PRECISIONS = ("fp32", "bf16", "fp16")
DTYPES = ("float32", "float16", "bfloat16")


def embed(
    encoder: EncoderProtocol,
    benchmark: Benchmark,
    *,
    precision: str = "fp32",
    store: str | Path | None = None,
    dtype: str = "float32",
    progress: bool = False,
) -> tuple[Matrix, Matrix]:
    """Embeds the queries and the passages of a benchmark.

    Every distinct text is embedded once for each role (queries and passages have prompts of their
    own), whatever the number of pools it is in.

    Args:
        encoder: embeds the texts: an `Encoder`, any object with such a method `embed`, or a
            `SentenceTransformer`.
        benchmark: the texts.
        precision: what texts are embedded in, as in `Encoder.embed`.
        store: a folder in which vectors are kept on disk, and found again (`store.embed_to`): for
            what does not fit into memory or takes hours. None: the folder that the environment
            variable HBT_EMBEDDINGS names, if it is set. "": none.
        dtype: what a store keeps vectors in: float32, float16 or bfloat16.
        progress: whether to show a progress bar.

    Returns:
        The queries' vectors (Q, d) and the passages' (N, d), rows in the benchmark's order.

    Raises:
        TypeError: if vectors shall be kept on disk, and the encoder does not say what made them.
        ValueError: for an unknown precision or dtype, and if the encoder returns anything but one
            finite vector of real numbers for each text.

    Example:
        Any object with such a method `embed` is an encoder.

        >>> import hbtlib as hbt, numpy as np, pandas as pd
        >>> class CountsLetters:
        ...     def embed(self, texts, role, *, precision="fp32", progress=False):
        ...         return np.array([[len(text), 1] for text in texts], np.float32)
        >>> benchmark = hbt.Benchmark(
        ...     "tiny",
        ...     pd.DataFrame({"query_id": ["q"], "language": ["en"], "text": ["Where is Rome?"]}),
        ...     pd.DataFrame({"passage_id": ["p"], "language": ["en"], "text": ["In Italy."]}),
        ...     pd.DataFrame({"query_id": ["q"], "passage_id": ["p"]}),
        ... )
        >>> queries, passages = hbt.embed(CountsLetters(), benchmark, store="")
        >>> queries.tolist(), passages.tolist()
        ([[14.0, 1.0]], [[9.0, 1.0]])
    """
    encoder = as_encoder(encoder)
    _check_embedding(encoder, benchmark, precision, dtype, store)
    check_flag("progress", progress)
    folder = os.environ.get("HBT_EMBEDDINGS") if store is None else store

    def vectors_of(texts: pd.Series, role: str) -> Matrix:
        if folder:
            from hbtlib.search.store import IdentifiedEncoder, embed_to

            if not isinstance(encoder, IdentifiedEncoder):
                raise TypeError(
                    "vectors are kept on disk under a key of what made them, which this encoder "
                    "does not say (hbt.Encoder does): embed with store=''"
                )
            return embed_to(
                folder, encoder, texts, role, precision=precision, dtype=dtype, progress=progress
            )
        row_of_distinct, distinct = pd.factorize(texts)
        vectors = embed_texts(encoder, list(distinct), role, precision, progress)
        check_finite(f"{type(encoder).__name__}'s {role}", vectors, list(distinct))
        return vectors[row_of_distinct]

    queries = vectors_of(benchmark.queries["text"], "query")
    passages = vectors_of(benchmark.passages["text"], "passage")
    return queries, passages


def _check_embedding(
    encoder: object, benchmark: object, precision: object, dtype: object, store: object
) -> None:
    """Raises ValueError for an argument of `embed` that it cannot work with."""
    check_encoder(encoder)
    check_benchmark(benchmark)
    check_choice("precision", precision, PRECISIONS)
    check_choice("dtype", dtype, DTYPES)
    is_path = isinstance(store, str | os.PathLike) and "\0" not in str(store)
    if store is not None and not is_path:
        raise ValueError(f"store is {short(store)}; it is a folder, or '' for none")


def rank(
    encoder: EncoderProtocol,
    benchmark: Benchmark,
    *,
    precision: str = "fp32",
    store: str | Path = "",
    dtype: str = "float32",
    progress: bool = False,
    **options: Any,
) -> pd.DataFrame:
    """Embeds a benchmark and ranks every relevant passage, in its language's pool and in all.

    This is `embed`, then `rank_vectors`. No store is used unless one is given, because a training
    ranks again and again with other weights.

    Args:
        encoder: embeds the texts: an `Encoder`, any object with such a method `embed`, or a
            `SentenceTransformer`.
        benchmark: the queries, passages and judgements.
        precision: what texts are embedded in, as in `Encoder.embed`.
        store: a folder for the vectors, as in `embed`; "" for none.
        dtype: what a store keeps vectors in.
        progress: whether to show a progress bar.
        **options: what else `rank_vectors` takes.

    Returns:
        The ranks table, as `rank_vectors` describes it.
    """
    vectors = embed(
        encoder, benchmark, precision=precision, store=store, dtype=dtype, progress=progress
    )
    return rank_vectors(*vectors, benchmark, **options)


def rank_vectors(
    query_vectors: Matrix,
    passage_vectors: Matrix,
    benchmark: Benchmark,
    *,
    remove: Removal = None,
    dimensions: int | None = None,
    quantize: str | None = None,
    memory: float = 1.0,
    index: str | None = None,
    index_options: str = "",
    depth: int = 100,
) -> pd.DataFrame:
    """Ranks every relevant passage of a benchmark from vectors, by dot product.

    The ranks are exact, at the cost of one matrix product, on a GPU where there is one.

    Args:
        query_vectors: (Q, d), rows in the order of the benchmark's queries.
        passage_vectors: (N, d), rows in the order of its passages; an array, a tensor or a store.
        benchmark: the queries, passages and judgements.
        remove: a training-free probe of how much language identity stands in the way. "mean"
            subtracts each language's mean from its vectors; a number r removes its first r
            language-identity components (`removal.without_language`). None removes nothing.
        dimensions: how many numbers of each vector are kept, the first ones, as Matryoshka models
            allow; None for all. Vectors that all have unit length are scaled to it again.
        quantize: what an index of small vectors would hold, and how it would rank. "int8": each
            number becomes one of 256 steps between the smallest and the largest of its dimension
            among the passages. "binary": its sign alone. Both are as in sentence-transformers'
            `quantize_embeddings`, of queries and passages alike; the score is the dot product of
            what they become, and nothing is scored again in full precision. None: as they are.
        memory: the GB the search may take beside the queries' vectors and some 30 bytes a passage,
            whatever the pools' size (`remove` and `index` take more).
        index: None for exact ranks. Otherwise a faiss factory string ("IVF4096,PQ64", "HNSW32"):
            each language's passages are searched with such an index (`indexes.search`).
        index_options: how the index is searched ("nprobe=64").
        depth: how many passages of each query an index returns. Ranks below that are missing (NA).

    Returns:
        One row per query, relevant passage and pool: benchmark, query_id, question_id,
        query_language, pool (a language, or `all`), passage_id, passage_language, rank (1 = best),
        score, grade, n_passages (in the pool), n_relevant (to the query, in the pool). With one
        language there is no pool `all`. With an index two columns say how good it is: depth, and
        recall, the share of each query's exact `depth` best passages that the index found (the mean
        over a sample of queries, by pool). Quantised vectors tie often: they are ranked as
        `rank_scores` ranks by `ties="hash"`, with its column n_tied.

    Raises:
        ValueError: if the vectors are not of real numbers, their numbers of rows or widths do not
            fit, a vector or a score is not finite in single precision, an option is out of range,
            index_options are given that nothing would use, or an index and a quantisation are.

    Example:
        Two languages, one question asked in both, and a third passage that answers nothing. In
        the pool of all, the German query finds its German answer first and the English one third.

        >>> import hbtlib as hbt, numpy as np, pandas as pd
        >>> queries = pd.DataFrame({
        ...     "query_id": ["q-de", "q-en"],
        ...     "question_id": ["q", "q"],
        ...     "language": ["de", "en"],
        ...     "text": ["Wo liegt Rom?", "Where is Rome?"],
        ... })
        >>> passages = pd.DataFrame({
        ...     "passage_id": ["rome-de", "rome-en", "oslo-de"],
        ...     "language": ["de", "en", "de"],
        ...     "text": ["Rom liegt in Italien.", "Rome is in Italy.", "Oslo liegt in Norwegen."],
        ... })
        >>> relevant = [(q, p) for q in queries["query_id"] for p in ("rome-de", "rome-en")]
        >>> judgements = pd.DataFrame(relevant, columns=["query_id", "passage_id"])
        >>> benchmark = hbt.Benchmark("tiny", queries, passages, judgements)
        >>> query_vectors = np.array([[1, 0], [0, 1]])
        >>> passage_vectors = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
        >>> ranks = hbt.rank_vectors(query_vectors, passage_vectors, benchmark)
        >>> print(ranks[["query_id", "pool", "passage_id", "rank"]].to_string(index=False))
        query_id pool passage_id  rank
            q-de   en    rome-en     1
            q-de  all    rome-en     3
            q-de   de    rome-de     1
            q-de  all    rome-de     1
            q-en   en    rome-en     1
            q-en  all    rome-en     1
            q-en   de    rome-de     2
            q-en  all    rome-de     3
    """
    depth = check_integer("depth", depth, minimum=1)
    if not isinstance(index_options, str):
        raise ValueError(
            f"index_options is {short(index_options)}; it is a text such as 'nprobe=64', or ''"
        )
    if index is None and index_options:
        raise ValueError(
            f"index_options is {short(index_options)}, but no index is given: name one (index="
            "'HNSW32'), or leave the options out"
        )
    queries, vectors = _prepare(
        query_vectors, passage_vectors, benchmark, remove, dimensions, quantize
    )
    if quantize is not None:
        if index is not None:
            raise ValueError(
                f"quantize is {quantize!r} and index is {short(index)}: an index stores "
                "vectors in its own way (as 'SQ8' or 'PQ64'), so give one of the two"
            )
        scores = quantized_scores(queries, vectors, quantize)
        return rank_scores(scores, benchmark, memory=memory)
    passages = PassageTable.of(vectors, benchmark.passages)
    relevant = RelevantPassages.of(benchmark, queries, passages)
    if index is None:
        in_pool, in_all = count_ranks(queries, passages, relevant, memory)
        return ranks_table(benchmark, passages, relevant, in_pool, in_all)
    from hbtlib.search.indexes import IndexSearch, index_ranks

    how = IndexSearch(index, index_options, depth, memory)
    found = index_ranks(queries, passages, relevant, how)
    ranks = ranks_table(benchmark, passages, relevant, found.in_pool, found.in_all, "Int32")
    return with_recall(ranks, depth, found.recall)


def top(
    query_vectors: Matrix,
    passage_vectors: Matrix,
    benchmark: Benchmark,
    *,
    k: int = 10,
    remove: Removal = None,
    dimensions: int | None = None,
    quantize: str | None = None,
    memory: float = 1.0,
) -> pd.DataFrame:
    """Lists the k best passages of every query, relevant or not, in the pool of all languages.

    The table shows which passages stand where the relevant ones should.

    Args:
        query_vectors: (Q, d), rows in the order of the benchmark's queries.
        passage_vectors: (N, d), rows in the order of its passages.
        benchmark: the queries and passages.
        k: how many passages to list for each query; fewer are listed if there are fewer.
        remove: as in `rank_vectors`.
        dimensions: as in `rank_vectors`.
        quantize: as in `rank_vectors`.
        memory: as in `rank_vectors`.

    Returns:
        One row per query and rank: benchmark, query_id, query_language, rank (1 to k), passage_id,
        passage_language. Equal scores are ordered as in `rank_vectors`.

    Raises:
        ValueError: as `rank_vectors` does, and if k is below 1.
    """
    queries, vectors = _prepare(
        query_vectors, passage_vectors, benchmark, remove, dimensions, quantize
    )
    if quantize is not None:
        scores = quantized_scores(queries, vectors, quantize)
        return top_scores(scores, benchmark, k=k, memory=memory)
    tie = tie_order(benchmark.passages["passage_id"])
    best, _ = nearest(queries, vectors, k, tie=tie, memory=memory)
    return top_table(benchmark, best)


def _prepare(
    query_vectors: Matrix,
    passage_vectors: Matrix,
    benchmark: Benchmark,
    remove: Removal,
    dimensions: int | None,
    quantize: str | None,
) -> tuple[Vectors, Matrix]:
    """Checks the vectors, removes language from them, and keeps their first dimensions."""
    queries, passages = prepare(query_vectors, passage_vectors, benchmark, remove)
    check_compression(dimensions, quantize, queries.shape[1])
    return first_dimensions(queries, passages, dimensions)
