"""What the rule for ties and the options of BM25 change on XQuAD-R: docs/guide/search.md's tables.

python tests/benchmarks/tie_rules.py    (HBT_DATA must hold xquad-r; two minutes on one core)
"""

from __future__ import annotations

from typing import Any

import pandas as pd

import hbtlib as hbt
from hbtlib.search.scores import TIES

OPTIONS: list[dict[str, Any]] = [
    {"statistics": "all"},
    {"stem": True},
    {"k1": 0.9, "b": 0.4},
]


def measured(ranks: pd.DataFrame) -> dict[str, float]:
    """mAP by setting, the rank distance and the places of two languages."""
    means = hbt.summarise(hbt.measure(ranks, ["mAP"])).iloc[0]
    biases = hbt.bias(ranks).query("query_language != 'all'").groupby("measure")["value"].mean()
    places = hbt.favoured(ranks).query("query_language == 'all'").set_index("passage_language")
    return {
        **{f"mAP {setting}": value for (setting, _), value in means.items()},
        **biases[["rank-distance", "rank-distance-relative"]],
        **{f"place of {code}": places["mean_rank_within"][code] for code in ("ar", "zh")},
    }


def main() -> None:
    benchmark = hbt.load_benchmark("xquad-r")
    model = hbt.BM25(benchmark)
    rows = {f"ties={ties}": measured(hbt.rank_scores(model, benchmark, ties=ties)) for ties in TIES}
    for options in OPTIONS:
        ranks = hbt.rank_scores(hbt.BM25(benchmark, **options), benchmark)
        rows[str(options)] = measured(ranks)
    print(pd.DataFrame(rows).T.round(3).to_string())


if __name__ == "__main__":
    main()
