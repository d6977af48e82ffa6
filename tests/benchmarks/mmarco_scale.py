"""Opens and draws from a collection of mMARCO's shape: time, memory and disk.

    python tests/benchmarks/mmarco_scale.py FOLDER [--passages 200000] [--triples 1000000]

with `--out FILE.csv` to keep the table. mMARCO was not available, so files of its layout are made:
two languages, passages of 55 words, a query for every tenth passage, triples drawn at random. Each
step runs in a process of its own, so that its memory is its own: memory that belongs to no file
(RssAnon), which is what the machine must have. FOLDER keeps what was made.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

LANGUAGES = {"en": "english", "de": "german"}
WORDS = 55  # of a passage; a query has 6
BATCH, BATCHES = 100, 500
STEPS = ("make the files", "load: files to Arrow", "load again", "draw batches with texts")


def make(folder: Path, passages: int, triples: int) -> None:
    """Writes the files of both languages and the triples."""
    import numpy as np

    rng = np.random.default_rng(0)
    words = [f"{a}{b}{c}" for a in "bdgklmnprst" for b in "aeiou" for c in "ndrstlm"]
    google = folder / "data" / "google"
    for name in LANGUAGES.values():
        collection = google / "collections" / f"{name}_collection.tsv"
        queries = google / "queries" / "train" / f"{name}_queries.train.tsv"
        write(collection, list(range(passages)), WORDS, words, rng)
        # The ids of the real queries are in no order, the same in every language.
        order = np.random.default_rng(1).permutation(passages // 10).tolist()
        write(queries, order, 6, words, rng)
    drawn = [rng.integers(0, most, triples) for most in (passages // 10, passages, passages)]
    with (folder / "data" / "triples.train.ids.small.tsv").open("w") as out:
        for triple in zip(*(column.tolist() for column in drawn), strict=True):
            out.write("\t".join(map(str, triple)) + "\n")


def write(file: Path, ids: list[int], length: int, words: list[str], rng: Any) -> None:
    """Writes texts of words drawn at random: a piece of a long row of such words each."""
    file.parent.mkdir(parents=True, exist_ok=True)
    row = [words[i] for i in rng.integers(0, len(words), 100_000)]
    starts = rng.integers(0, len(row) - length, len(ids)).tolist()
    with file.open("w", encoding="utf-8") as out:
        for i, start in zip(ids, starts, strict=True):
            out.write(f"{i}\t{' '.join(row[start : start + length])}\n")


def load(folder: Path) -> None:
    import hbtlib as hbt

    print(hbt.load_pairs("mmarco", folder, languages=list(LANGUAGES)), file=sys.stderr)


def draw(folder: Path) -> None:
    """Draws batches and fetches the texts of their queries, passages and negatives."""
    import hbtlib as hbt

    pairs = hbt.load_pairs("mmarco", folder, languages=list(LANGUAGES))
    plan = hbt.BatchPlan(pairs, "hybrid", batch_size=BATCH)
    for t in range(BATCHES):
        batch = plan[t]
        pairs.texts(batch.ids, batch.query_languages, "query")
        pairs.texts(batch.ids, batch.passage_languages, "passage")
        pairs.negatives(batch.ids, batch.passage_languages)


def anonymous_mb() -> float:
    """This process's memory that belongs to no file, MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def step(name: str, folder: Path, passages: int, triples: int) -> dict[str, float]:
    """Runs one step here: its seconds, and the most memory it held beyond the imports."""
    import threading

    import hbtlib as hbt

    hbt.load_pairs, hbt.BatchPlan  # noqa: B018 (imports them)
    import datasets  # noqa: F401

    before = anonymous_mb()
    peak, over = [before], threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            peak[0] = max(peak[0], anonymous_mb())

    threading.Thread(target=watch, daemon=True).start()
    start = time.perf_counter()
    if name == STEPS[0]:
        make(folder, passages, triples)
    elif name == STEPS[3]:
        draw(folder)
    else:
        load(folder)
    seconds = time.perf_counter() - start
    over.set()
    return {"seconds": round(seconds, 2), "peak MB": round(max(peak[0], anonymous_mb()) - before)}


def megabytes(folder: Path, pattern: str) -> float:
    """How much disk the files of a pattern take."""
    return round(sum(file.stat().st_size for file in folder.rglob(pattern)) / 1e6, 1)


def main() -> None:
    """Runs all steps, prints their table, and writes it where asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--passages", type=int, default=200_000)
    parser.add_argument("--triples", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--step", choices=STEPS, help="one step in this process, as JSON")
    asked = parser.parse_args()
    if asked.step:
        print(json.dumps(step(asked.step, asked.folder, asked.passages, asked.triples)))
        return
    os.environ["HF_DATASETS_CACHE"] = str(asked.folder / "cache")
    rows = []
    for name in STEPS:
        command = [sys.executable, __file__, str(asked.folder), "--step", name]
        command += ["--passages", str(asked.passages), "--triples", str(asked.triples)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        rows.append({"step": name, **json.loads(done.stdout.splitlines()[-1])})
        print(rows[-1], flush=True)
    what = {
        STEPS[0]: f"{megabytes(asked.folder, '*.tsv')} MB of files",
        STEPS[1]: f"{megabytes(asked.folder / 'cache', '*.*')} MB of Arrow and ids",
        STEPS[2]: "from the cache",
        STEPS[3]: f"{BATCHES} batches of {BATCH}: query, passage and negative, loading included",
    }
    import pandas as pd

    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    sizes = {"languages": 2, "passages": asked.passages, "triples": asked.triples}
    table = pd.DataFrame(rows).assign(what=[what[name] for name in STEPS], **sizes)
    table["machine"] = machine
    print(table.to_string(index=False))
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(asked.out, index=False)


if __name__ == "__main__":
    main()
