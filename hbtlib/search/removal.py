"""Taking language out of vectors before they are ranked, without training."""

from numbers import Integral
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hbtlib.data.benchmark import Benchmark

Removal = (
    Literal["mean"] | int | None
)  # of each language: "mean", the first r components (a number), or nothing (None)
Floats = NDArray[np.floating]


def without_language(
    query_vectors: Floats, passage_vectors: Floats, benchmark: Benchmark, remove: Removal
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Query and passage vectors without what marks their language, of unit length again. "mean": the mean of the language's
    vectors is taken from each of them (Libovický et al. 2020, arXiv 2004.05160). A number r: the vectors' projection on the
    first r right singular vectors of the language's (uncentred) matrix is, its language-identity components (LIR; Yang et
    al. 2021, arXiv 2109.04727, section 3). Both for each language and role apart: queries and passages differ in more than
    language. Raises ValueError for another `remove`, or an r that leaves nothing.
    """
    width = passage_vectors.shape[1]
    if remove != "mean" and (
        isinstance(remove, bool) or not isinstance(remove, Integral) or not 1 <= remove < width
    ):
        raise ValueError(
            f"remove is {remove!r}; it is 'mean', or the number of language-identity components to remove, "
            f"1 to {width - 1} (the vectors' width is {width})"
        )
    found = []
    for vectors, table in (
        (query_vectors, benchmark.queries),
        (passage_vectors, benchmark.passages),
    ):
        rest = np.array(vectors, np.float32)
        for mine in table.groupby("language").indices.values():
            if remove == "mean":
                rest[mine] -= rest[mine].mean(0)
            else:
                components = np.linalg.svd(rest[mine], full_matrices=False)[2][:remove]  # (r, d)
                rest[mine] -= (rest[mine] @ components.T) @ components
        # Of a language of few texts nothing may be left (its mean is itself): then a zero vector, not what rounding leaves.
        norms = np.linalg.norm(rest, axis=1, keepdims=True)
        something = norms > 1e-5 * np.linalg.norm(vectors, axis=1, keepdims=True)
        found.append(np.where(something, rest / np.where(something, norms, 1.0), np.float32(0)))
    return found[0], found[1]
