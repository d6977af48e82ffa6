"""Which languages meet in the batches of a plan."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from hbtlib.data.pairs import Pairs
from hbtlib.sampling.plan import BatchPlan

STRATEGIES = ("x-x-mono", "x-x", "x-y", "x-y-mono", "hybrid")
"""The strategies that can be tried out; `hybrid` alone has α and a level it mixes at."""

COUNTED = 100  # batches, for the shares


def plan_of(
    pairs: Pairs, languages: list[str], *, strategy: str, alpha: float, mix: str, seed: int = 0
) -> BatchPlan:
    """Makes the plan of what is chosen.

    Args:
        pairs: The training pairs.
        languages: The languages to draw from.
        strategy: One of `STRATEGIES`.
        alpha: For `hybrid`: the share of x-x-mono.
        mix: For `hybrid`: `batch` or `pair`.
        seed: Of the batches.

    Returns:
        The plan, with batches of 96 pairs, as in the default study.
    """
    mix = mix if strategy == "hybrid" else "batch"
    chosen = [code for code in languages if code in pairs.languages]
    return BatchPlan(
        pairs,
        strategy,
        alpha=alpha,
        mix=mix,
        batch_size=min(96, len(pairs)),
        seed=seed,
        languages=chosen or None,
    )


def batch_table(
    plan: BatchPlan, *, first: int = 0, batches: int = 6, pairs: int = 12
) -> pd.DataFrame:
    """Lists the first pairs of some batches.

    Args:
        plan: The plan.
        first: The first batch.
        batches: How many batches.
        pairs: How many pairs of each.

    Returns:
        A row a pair: batch, kind, id, query_language, passage_language.
    """
    rows = []
    for t in range(first, first + batches):
        batch = plan[t]
        for i in range(min(pairs, len(batch))):
            languages = (str(batch.query_languages[i]), str(batch.passage_languages[i]))
            rows.append((t, batch.kind, int(batch.ids[i]), *languages))
    return pd.DataFrame(rows, columns=["batch", "kind", "id", "query_language", "passage_language"])


def shares(plan: BatchPlan, batches: int = COUNTED) -> dict[str, float]:
    """Counts the first batches of a plan.

    Args:
        plan: The plan.
        batches: How many batches are counted.

    Returns:
        The share of each kind of batch, by the name of the kind; then, under `same language`, the
        share of pairs whose query and passage share their language, and under `one language`, that
        of batches that have one language alone.
    """
    kinds: Counter[str] = Counter()
    same = total = alone = 0
    for t in range(batches):
        batch = plan[t]
        kinds[batch.kind] += 1
        same += int(np.sum(batch.query_languages == batch.passage_languages))
        total += len(batch)
        alone += len({*batch.query_languages, *batch.passage_languages}) == 1
    found = {kind: count / batches for kind, count in sorted(kinds.items())}
    return {**found, "same language": same / total, "one language": alone / batches}


def shares_says(counted: dict[str, float], batches: int = COUNTED) -> str:
    """Says in a sentence what the batches are like.

    Args:
        counted: `shares`' result.
        batches: How many batches were counted.

    Returns:
        The sentence.
    """
    kinds = [f"{share:.0%} are {kind}" for kind, share in counted.items() if "language" not in kind]
    return (
        f"Of the first {batches} batches {', '.join(kinds)}; "
        f"{counted['one language']:.0%} have one language alone. In "
        f"{counted['same language']:.0%} of their pairs query and passage share a language."
    )
