"""The plan over the published study's real sizes (its Table 9), drawn without any of its data.

    python -m hbtlib.study.table9 [--folder figures/table9] [--batches 20000]

writes `plan.png`, `plan.pdf` and `plan.csv`. The study says that batches are drawn from the
training sets "in proportion to their sizes", that x-x-mono draws its language uniformly, and that α
is 0.5. It leaves open whether a size is the rows of one language or those of all its languages;
what happens in th and tr, which mMARCO lacks, when a language is drawn for one of its batches;
whether a batch may mix sets; and for how many steps it trained. Here a batch comes from one set and
draws its languages among those that the set has, and sizes are the rows of one language (`size`) or
of all (`size × languages`).
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from hbtlib.data.published import TABLE_9
from hbtlib.plots.saving import Figure, save
from hbtlib.plots.sources import source_shares
from hbtlib.sampling.plan import BatchPlan
from hbtlib.sampling.sizes import Sized

Sharing = str | float | Mapping[str, float]

SHARINGS: dict[str, Sharing] = {
    "size (as published)": "size",
    "size × languages": {name: row.rows * len(row.languages) for name, row in TABLE_9.items()},
    "√size": 0.5,
    "evenly": 0,
}
"""How the sets may share the batches; `hbt.train(sources=…)` takes the values."""

NOTES = (
    "An epoch: as many batches of 100 as visit every row once if the sets share by size.",
    "Queries: of the first {batches:,} batches, hybrid with α = 0.5.",
)


def published_plan(sharing: Sharing = "size", *, strategy: str = "hybrid") -> BatchPlan:
    """Plans the published study's training from the sizes of its sets alone.

    Args:
        sharing: how the sets share the batches, as in `BatchPlan`.
        strategy: which languages meet in a batch.

    Returns:
        The plan: batches of 100, the nine languages, α = 0.5.
    """
    sources = [Sized(name, row.rows, row.languages) for name, row in TABLE_9.items()]
    return BatchPlan(sources, strategy, 0.5, 100, 0, sources=sharing)


def shares_table(batches: int = 20_000) -> pd.DataFrame:
    """Counts what each set and each language gets under the rules of SHARINGS.

    Args:
        batches: how many batches are drawn to count languages in.

    Returns:
        What `hbtlib.plots.sources.source_shares` takes.
    """
    total = sum(row.rows for row in TABLE_9.values())
    rows = []
    for rule, sharing in SHARINGS.items():
        plan = published_plan(sharing)
        for got in plan.shares().sort_values("ids", ascending=False).itertuples():
            size = TABLE_9[str(got.source)].rows / total
            rows.append(("share of the pairs", got.source, rule, got.share, size))
            rows.append(("passes", got.source, rule, got.passes, float("nan")))
        drawn = Counter[str]()
        for t in range(batches):
            drawn.update(plan[t].query_languages.tolist())
        for code, count in sorted(drawn.items()):
            of = "share of the languages"
            rows.append((of, code, rule, count / drawn.total(), float("nan")))
    return pd.DataFrame(rows, columns=["of", "name", "rule", "value", "sizes"])


def draw(table: pd.DataFrame, batches: int) -> Figure:
    """Draws the table of `shares_table`."""
    notes = [note.format(batches=batches) for note in NOTES]
    return source_shares(table, notes=notes)


def main() -> None:
    """Draws the plan and writes the picture with its table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("figures/table9"))
    parser.add_argument("--batches", type=int, default=20_000)
    asked = parser.parse_args()
    table = shares_table(asked.batches)
    for file in save(draw(table, asked.batches), "plan", table, asked.folder):
        print(file)


if __name__ == "__main__":
    main()
