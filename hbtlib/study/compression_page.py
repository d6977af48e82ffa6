"""The page docs/results/compression.md, from results/compression.

`python -m hbtlib.study.compression_page` writes it; a test says when it has to be written again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from hbtlib.study import rows_page
from hbtlib.study.compression import rows
from hbtlib.study.compression.declared import MAP, declared
from hbtlib.study.report import compression as report
from hbtlib.study.report.tables import is_real
from hbtlib.study.report.words import number

HEAD = """# Smaller vectors

What do fewer dimensions, int8 and binary vectors cost by pair of languages, do they raise language
bias, and does a [language-neutral map](language-neutral.md) survive them? Vectors are compressed
as `hbt.rank(…, dimensions=, quantize=)` does it: after the map, after scaling to unit length, for
queries and passages alike, and nothing is scored again in full precision. *centre alone* is the
control of the map: it takes out the same three quarters of what all vectors have in common, and
nothing of the languages. What is compared was declared before anything was measured, in
`notebooks/studies/declared/compression.yaml`.

This page is made by `python -m hbtlib.study.compression_page` from `results/compression/`, whose
CSV files have all digits, intervals, p values and every pair of languages; the executed notebook
below has the pictures. `make compression ENCODER=…` measures another encoder.
"""

READ = """## How to read it

- *kept*: the mAP with compressed vectors over that with float32 vectors, after the same map. The
  last column is the difference of two shares: below 0, retrieval across languages pays more.
- *rank distance, times chance*: how far the translations of an answer lie from each other in the
  pool of all languages, over the same for a random ranking (1). A compression that makes an
  encoder find less across languages brings it nearer to 1.
- *preference*: how often the best-ranked translation of the answer is in the query's language,
  over chance. It comes down to 1, too, where an encoder finds less, so that a fall is no gain
  unless the multilingual mAP is kept.
- Changes have their 95 % interval over questions. A star: p < .05 after Holm's correction over all
  declared comparisons, and an interval without 0.
"""

NOTEBOOK = """## The executed notebook

```{toctree}
:maxdepth: 1
:glob:

../notebooks/compression/*
```
"""


def page() -> str:
    """Returns the page.

    Returns:
        Markdown.

    Raises:
        ValueError: if no encoder has rows.
    """
    kept, cost, effect, scores = map(rows.collect, ("kept", "cost", "effect", "scores"))
    parts = [
        HEAD,
        "## In short\n",
        f"{report.answer(kept, cost, effect, scores)}\n",
        "## What was measured\n",
        f"{report.at_hand_says(scores, rows.sizes(), rows.tests(), declared())}\n",
        READ,
        "## What is kept\n",
        _kept_table(kept),
        "## What changes\n",
        "Compressed minus float32, after the same map.\n",
        _changes_table(cost),
        "## What the map changes under a compression\n",
        "After the map minus before, with vectors compressed in both.\n",
        _changes_table(effect[effect["map"] == MAP]),
        NOTEBOOK,
    ]
    return "\n".join(parts)


def _kept_table(kept: pd.DataFrame) -> str:
    """A row an encoder, benchmark, map and compression."""
    heads = list(dict.fromkeys(kept["setting"]))
    lines = []
    for key, found in kept.groupby(rows.KEYS, sort=False):
        by = {row.setting: row for row in found.itertuples()}
        lines.append([*map(str, key), *(_share(by.get(head), head) for head in heads)])
    return rows_page.filterable([*rows.KEYS, *heads], lines)


def _share(row: Any, head: str) -> str:
    if row is None:
        return "–"
    sign = "+" if head == report.GAP else ""
    value, low, high = (
        f"{getattr(row, name):{sign}.0%}".replace("-", "−") for name in ("share", "low", "high")
    )
    return f"{value} [{low}, {high}]"


_COLUMNS = {
    ("mAP", "monolingual"): "mAP monolingual",
    ("mAP", "cross-lingual"): "mAP cross-lingual",
    ("mAP", "multilingual"): "mAP multilingual",
    ("rank-distance-relative", "multilingual"): "rank distance, times chance",
    ("own-language-preference", "multilingual"): "preference",
}


def _changes_table(changes: pd.DataFrame) -> str:
    """A row an encoder, benchmark, map and compression."""
    tested = changes[changes["p_holm"].notna()]
    tested = tested.assign(sure=is_real(tested))
    there = set(zip(tested["measure"], tested["setting"], strict=True))
    columns = {key: head for key, head in _COLUMNS.items() if key in there}
    lines = []
    for key, found in tested.groupby(rows.KEYS, sort=False):
        by = {(row.measure, row.setting): row for row in found.itertuples()}
        lines.append([*map(str, key), *(_change(by.get(column)) for column in columns)])
    return rows_page.filterable([*rows.KEYS, *columns.values()], lines)


def _change(row: Any) -> str:
    if row is None:
        return "–"
    value, low, high = (
        number(getattr(row, name), signed=True).replace("0.", ".", 1)
        for name in ("change", "low", "high")
    )
    star = " ★" if row.sure else ""
    return f"{value}{star} [{low}, {high}]"


def write_page() -> Path:
    """Writes the page.

    Returns:
        The file.
    """
    return rows_page.write(rows.STUDY, page())


if __name__ == "__main__":
    print(write_page())
