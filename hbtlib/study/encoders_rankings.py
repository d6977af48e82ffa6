"""Rankings without vectors in the study `encoders`: rows of a baseline, as it is.

There is no map of what has no vectors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from hbtlib.data.benchmark import Benchmark
from hbtlib.search.bm25 import BM25
from hbtlib.search.scores import ScoreBlock
from hbtlib.study.encoders_vectors import About


class Ranking(NamedTuple):
    """A ranking by scores.

    Attributes:
        about: what a table says of it.
        of: gives the scores of a benchmark, for `hbt.rank_scores`.
    """

    about: About
    of: Callable[[Benchmark], ScoreBlock]


def bm25() -> Ranking:
    """BM25 with its usual settings and without stems, which not every language has.

    Raises:
        ImportError: if bm25s is not installed.
    """
    from hbtlib.search.bm25 import package_version

    version = f"bm25s {package_version()}, k1 1.5, b 0.75, no stems"
    about = About(
        encoder="bm25",
        kind="words",
        dimension=None,
        parameters=None,
        precision="float32",
        version=version,
        fingerprint=hashlib.sha256(version.encode()).hexdigest()[:16],
    )
    return Ranking(about, lambda benchmark: BM25(benchmark, k1=1.5, b=0.75))


RANKINGS: dict[str, Callable[[], Ranking]] = {"bm25": bm25}
"""Rankings by the names that `make encoders ENCODER=…` knows."""
