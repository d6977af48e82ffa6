"""How fast batches come, and how much memory a plan holds: 40 million ids in batches of 100.

    python tests/benchmarks/sampler_speed.py [--masks full partial] [--strategies x-y hybrid]
                                             [--ids 40_000_000] [--batches 30_000]

Each case runs in a process of its own, so that its peak memory is its own. `full`: every text
exists (as in mMARCO), and one number stands for all masks. `partial`: each id exists in English and
in a random half of the other languages, and the masks are two real arrays of uint16. The exit
status is not 0 if a case with full masks gives fewer than a million pairs a second or holds over
500 MB.
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

# The parent must stay small: Linux counts what a child held before its exec as the child's peak.
if TYPE_CHECKING:
    import numpy as np

LANGUAGES = ("ar", "de", "en", "es", "hi", "id", "it", "ja", "zh")
STRATEGIES = ("x-x-mono", "x-x", "x-y", "x-y-mono", "x-en", "en-en", "hybrid")
BATCH = 100
FLOOR, CEILING = 1_000_000, 500  # pairs a second; MB
PIECE = 1 << 20  # ids whose masks are drawn at a time, so that the peak is the plan's alone


@dataclass
class Masks:
    """Pairs without texts: all that a plan asks for."""

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
    rng = np.random.default_rng(0)
    query = np.empty(n, np.uint16)
    for start in range(0, n, PIECE):
        piece = query[start : start + PIECE]
        piece[:] = rng.integers(0, 1 << len(LANGUAGES), len(piece), np.uint16)
    query |= np.uint16(1 << LANGUAGES.index("en"))
    return Masks("partial", LANGUAGES, query, query.copy())


def peak() -> float:
    """The largest memory this process held so far, in MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def bytes_of_masks(pairs: Masks) -> int:
    if pairs.query_mask.strides[0] == 0:
        return 0
    return pairs.query_mask.nbytes + pairs.passage_mask.nbytes


def case(masks: str, strategy: str, n: int, batches: int) -> dict[str, float]:
    """Seconds, pairs a second and MB of one case, measured in this process."""
    from hbtlib.sampling.plan import BatchPlan

    pairs = source(masks, n)
    before = peak()
    start = time.perf_counter()
    plan = BatchPlan(pairs, strategy, batch_size=BATCH)
    built = time.perf_counter()
    plan[0]  # plans the whole pass
    planned = time.perf_counter()
    drawn = sum(len(plan[t]) for t in range(1, batches + 1))
    seconds = time.perf_counter() - planned
    return {
        "built": built - start,
        "first": planned - built,
        "rate": drawn / seconds,
        "size": drawn / batches,
        "before": before,
        "peak": peak(),
        "masks": bytes_of_masks(pairs) / 1e6,
        "usable": plan.usable,
    }


def case_apart(masks: str, strategy: str, n: int, batches: int) -> dict[str, float]:
    """The same, measured in a process of its own."""
    command = [sys.executable, __file__, "--here", "--masks", masks, "--strategies", strategy]
    command += ["--ids", str(n), "--batches", str(batches)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    both = ["full", "partial"]
    parser.add_argument("--masks", nargs="+", default=both, choices=both)
    parser.add_argument("--strategies", nargs="+", default=STRATEGIES, choices=STRATEGIES)
    parser.add_argument("--ids", type=int, default=40_000_000)
    parser.add_argument("--batches", type=int, default=30_000)
    parser.add_argument("--here", action="store_true", help="one case in this process, as JSON")
    return parser.parse_args()


def show(masks: str, strategy: str, found: dict[str, float]) -> None:
    python = found["before"] - found["masks"]
    print(
        f"{masks:8} {strategy:9} {found['usable']:11,} {found['built']:7.2f} "
        f"{found['first']:14.2f} {found['rate']:10,.0f} {found['size']:11.1f} "
        f"{found['peak']:8.0f} {python:14.0f} {found['masks']:6.0f}",
        flush=True,
    )


def main() -> int:
    given = read_arguments()
    if given.here:
        print(json.dumps(case(given.masks[0], given.strategies[0], given.ids, given.batches)))
        return 0
    print(f"{given.ids:,} ids × {len(LANGUAGES)} languages, {given.batches:,} batches of {BATCH}\n")
    print(
        "masks    strategy   usable ids  plan s  first batch s    pairs/s  mean batch  peak MB"
        "  of it: Python  masks"
    )
    failed = []
    for masks in given.masks:
        for strategy in given.strategies:
            found = case_apart(masks, strategy, given.ids, given.batches)
            show(masks, strategy, found)
            rate, held = found["rate"], found["peak"]
            if masks == "full" and (rate < FLOOR or held > CEILING):
                failed.append(f"{masks} {strategy}: {rate:,.0f} pairs/s, {held:.0f} MB")
    for line in failed:
        print(f"FAILED {line} (at least {FLOOR:,} pairs/s and at most {CEILING} MB are asked for)")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
