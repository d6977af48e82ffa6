"""How fast batches come, and what a plan holds in memory: 40 million ids in 9 languages, batches of 100.

    python tests/benchmarks/sampler_speed.py [--masks full partial] [--strategies x-y hybrid] [--ids 40_000_000]

Each case runs in a process of its own, so that its peak memory is its own. Full: every text exists (mMARCO), and one
number stands for all masks. Partial: each id exists in English and a random half of the rest, two real arrays of uint16.
Exits non-zero if a case with full masks gives under a million pairs a second or holds over 500 MB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

# The parent must stay small: Linux counts what a child held before its exec as the child's own peak.
if TYPE_CHECKING:
    import numpy as np

LANGUAGES = ("ar", "de", "en", "es", "hi", "id", "it", "ja", "zh")
STRATEGIES = ("x-x-mono", "x-x", "x-y", "x-y-mono", "en-en", "hybrid")
BATCH = 100
FLOOR, CEILING = 1_000_000, 500  # pairs a second; MB


@dataclass
class Masks:
    name: str
    languages: tuple[str, ...]
    query_mask: np.ndarray
    passage_mask: np.ndarray

    def __len__(self) -> int:
        return len(self.query_mask)


def source(masks: str, n: int) -> Masks:
    import numpy as np

    if masks == "full":
        every = np.broadcast_to(np.uint16((1 << len(LANGUAGES)) - 1), (n,))
        return Masks("full", LANGUAGES, every, every)
    rng, query = np.random.default_rng(0), np.empty(n, np.uint16)
    for i in range(
        0, n, 1 << 20
    ):  # in pieces, so that the peak is the plan's and not that of making the masks
        piece = query[i : i + (1 << 20)]
        piece[:] = rng.integers(0, 1 << len(LANGUAGES), len(piece), np.uint16)
    query |= np.uint16(1 << LANGUAGES.index("en"))
    return Masks("partial", LANGUAGES, query, query.copy())


def peak() -> float:
    """MB, the most held so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def case(masks: str, strategy: str, n: int, batches: int) -> dict[str, float]:
    from hbtlib.sampling.plan import BatchPlan

    pairs = source(masks, n)
    start, before = time.perf_counter(), peak()
    plan = BatchPlan(pairs, strategy, batch_size=BATCH)
    built = time.perf_counter()
    plan[0]  # plans the whole pass
    planned = time.perf_counter()
    drawn = sum(len(plan[t]) for t in range(1, batches + 1))
    taken = time.perf_counter() - planned
    held = (
        0
        if pairs.query_mask.strides[0] == 0
        else pairs.query_mask.nbytes + pairs.passage_mask.nbytes
    )
    return {
        "built": built - start,
        "first": planned - built,
        "rate": drawn / taken,
        "size": drawn / batches,
        "before": before,
        "peak": peak(),
        "masks": held / 1e6,
        "usable": plan.usable,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--masks", nargs="+", default=["full", "partial"], choices=["full", "partial"]
    )
    parser.add_argument("--strategies", nargs="+", default=STRATEGIES, choices=STRATEGIES)
    parser.add_argument("--ids", type=int, default=40_000_000)
    parser.add_argument("--batches", type=int, default=30_000)
    parser.add_argument("--here", action="store_true", help="one case in this process, as JSON")
    given = parser.parse_args()
    if given.here:
        print(json.dumps(case(given.masks[0], given.strategies[0], given.ids, given.batches)))
        return 0
    print(f"{given.ids:,} ids × {len(LANGUAGES)} languages, {given.batches:,} batches of {BATCH}\n")
    print(
        "masks    strategy   usable ids  plan s  first batch s    pairs/s  mean batch  peak MB  of it: Python  masks"
    )
    failed = []
    for masks in given.masks:
        for strategy in given.strategies:
            command = [
                sys.executable,
                __file__,
                "--here",
                "--masks",
                masks,
                "--strategies",
                strategy,
                "--ids",
                str(given.ids),
                "--batches",
                str(given.batches),
            ]
            found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
            print(
                f"{masks:8} {strategy:9} {found['usable']:11,} {found['built']:7.2f} {found['first']:14.2f} "
                f"{found['rate']:10,.0f} {found['size']:11.1f} {found['peak']:8.0f} "
                f"{found['before'] - found['masks']:14.0f} {found['masks']:6.0f}",
                flush=True,
            )
            if masks == "full" and (found["rate"] < FLOOR or found["peak"] > CEILING):
                failed.append(
                    f"{masks} {strategy}: {found['rate']:,.0f} pairs/s, {found['peak']:.0f} MB"
                )
    for line in failed:
        print(f"FAILED {line} (at least {FLOOR:,} pairs/s and at most {CEILING} MB are asked for)")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
