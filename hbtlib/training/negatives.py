"""Hard negatives, mined with our own search."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder

# (query vectors, passage vectors, k) → the rows of each query's k best passages, and their scores.
Nearest = Callable[[Any, Any, int], tuple[Any, Any]]


def mine_negatives(
    pairs: Pairs,
    encoder: Encoder,
    nearest: Nearest,
    *,
    n: int = 1,
    ranks: tuple[int, int] = (10, 100),
    margin: float = 0.0,
    precision: str = "fp32",
    seed: int = 0,
) -> Pairs:
    """The pairs with n hard negatives for each id and passage language, as the encoder finds them.

    A passage language's pool is its distinct passages; an id searches it with its query in that language, or in the first
    that it has. Never negatives: passages of ids that share its question or passage (in any language, so translations
    too), and passages whose score is above its own passage's − `margin` (they may be answers). Ranks count what remains of
    the first, 1 is the best; n of those from `ranks[0]` to `ranks[1]` are drawn, and the rest, where there are fewer, from
    all that are no answers.

    Source: the rank window after Karpukhin et al. 2020 and Xiong et al. 2021 (arXiv 2007.00808), the margin after Moreira et
    al. 2024 (arXiv 2407.15831). Raises ValueError for a window without n ranks, or a pool with too few other passages.
    """
    first, last = ranks
    if n < 1 or first < 1 or last - first + 1 < n:
        raise ValueError(
            f"n is {n} and ranks are {first} to {last}: a window from rank 1 or later, of n ranks at least"
        )
    columns, rng = {}, np.random.default_rng(seed)
    for language in pairs.passage_languages:
        ids = np.flatnonzero(pairs.stands(np.arange(len(pairs)), language, "passage"))
        asked = np.full(len(ids), "", object)
        for code in (language, *pairs.query_languages):
            asked[(asked == "") & pairs.stands(ids, code, "query")] = code
        codes, texts = pd.factorize(np.array(pairs.texts(ids, language, "passage"), dtype=object))
        queries = encoder.embed(
            pairs.texts(ids, asked.astype(str), "query"), "query", precision=precision
        )
        passages = encoder.embed(list(texts), "passage", precision=precision)
        kin = [
            pd.Series(codes)
            .groupby(pairs.keys(ids, role))
            .transform(lambda of: [set(of)] * len(of))
            for role in ("query", "passage")
        ]
        ours = [
            a | b for a, b in zip(*kin, strict=True)
        ]  # by id: the passages that are never its negatives
        limits = (queries * passages[codes]).sum(1) - margin
        rows: list[list[str] | None] = [None] * len(pairs)
        for at, found in enumerate(nearest(queries, passages, last + max(map(len, ours)))[0]):
            left = [j for j in found if j not in ours[at]][first - 1 : last]
            window = [j for j in left if passages[j] @ queries[at] <= limits[at]]
            if len(window) < n:
                may = np.flatnonzero(passages @ queries[at] <= limits[at])
                window += [
                    j for j in rng.permutation(may) if j not in ours[at] and j not in window
                ][: n - len(window)]
            if len(window) < n:
                raise ValueError(
                    f"pairs {pairs.name!r}: {len(texts)} passages in {language!r} are too few for {n} "
                    f"negatives of id {ids[at]}, or score like its own"
                )
            rows[ids[at]] = [str(texts[j]) for j in rng.choice(window, n, replace=False)]
        columns[f"negatives_{language}"] = pa.array(rows, pa.list_(pa.string()))
    dataset = pairs.dataset.remove_columns(
        [name for name in columns if name in pairs.dataset.column_names]
    )
    for name, column in columns.items():
        dataset = dataset.add_column(name, column)
    return Pairs(pairs.name, dataset)
