"""The published study's numbers (arXiv 2408.10536, results/paper/tables.csv), in its layout, and counted again.

Its multilingual recall, printed under "R@1", is R@10.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from hbtlib.study import study as studies
from hbtlib.data.benchmark import SETTINGS

STRATEGIES = ("x-x-mono", "x-y", "hybrid")
METRICS = ("mAP", "R@1", "R@10", "nDCG@10", "R@100", "rank-distance")
DERIVED: dict[int, tuple[int, ...]] = {1: (3, 4, 5, 6, 12, 13), 2: (7, 8)}
"""The paper's tables that are the mean rows of others."""

FORMS: dict[str, tuple[int, ...]] = {
    "Table 1": (1,),
    "Table 2": (2,),
    "Tables 3–6": (3, 4, 5, 6),
    "Tables 7 and 8": (7, 8),
    "Tables 12 and 13": (12, 13),
}
"""Its tables of one form: the means, the mean rank distances, by query language in three settings, the rank distance by
query language, and one language at a time."""

NAMES = {
    "xquad-r": "XQuAD-R",
    "mlqa-r": "MLQA-R",
    "miracl-dev": "MIRACL",
    "xlm-r": "XLM-R",
    "labse": "LaBSE",
}
BASELINES = ("x-x-mono", "x-y", "better of the two", "better in each language")
"""What hybrid is set against. `better of the two`: the one of x-x-mono and x-y with the better mean of the row, which one
could have trained instead. `better in each language`: the better of the two in every language anew, which no one strategy
is, and whose lead is in part chance (the larger of two noisy numbers): a ceiling."""

LOWER = "rank-distance"
ROW = ["table", "dataset", "model", "setting", "metric"]
CELL = ["dataset", "model", "setting", "metric", "language", "strategy"]
AVERAGES = ("mean", "median")


def paper_tables(table: int | None = None) -> pd.DataFrame:
    """The published numbers, one a row: table, dataset, model, setting, metric, language, strategy, value.

    table: one of the paper's (1 to 8, 12, 13); None: all that are not derived. `language` is the query's, or `mean` and
    `median` as printed. Values are between 0 and 1, rank distances in ranks (lower is better). Tables 1 and 2 are derived:
    the mean rows of tables 3 to 6, 12 and 13 (mAP and recall; nDCG@10 and R@100), and those of 7 and 8 (rank distance).
    Raises ValueError for another table.
    """
    tables = pd.read_csv(
        studies.ROOT / "results" / "paper" / "tables.csv", dtype={"table": int, "value": float}
    )
    if table is None:
        return tables
    if table in DERIVED:
        means = tables[tables["table"].isin(DERIVED[table]) & (tables["language"] == "mean")]
        return means.assign(table=table).reset_index(drop=True)
    if table not in set(tables["table"]):
        known = sorted({*DERIVED, *tables["table"]})
        raise ValueError(
            f"no published table {table!r} here; there are {', '.join(map(str, known))}"
        )
    return tables[tables["table"] == table].reset_index(drop=True)


def as_printed(tidy: pd.DataFrame) -> pd.DataFrame:
    """A table laid out as the paper prints it: query languages down (mean and median last), settings × metrics × strategies
    across; of means alone (Tables 1 and 2) datasets, settings and metrics down, strategies across.

    tidy: `paper_tables` or `ours`, of one dataset where it is by language. Several models stand beside each other, and so
    do, with a column `of`, several numbers of one thing. Raises ValueError for several datasets.
    """
    means = set(tidy["language"]) == {"mean"}
    index, columns = (
        (["dataset", "setting", "metric"], ["model", "strategy"])
        if means
        else (["language"], ["model", "setting", "metric", "strategy"])
    )
    datasets = tidy["dataset"].unique()
    if not means and len(datasets) > 1:
        raise ValueError(
            f"a table by query language is of one dataset; this is of {', '.join(datasets)}"
        )
    wide = tidy.pivot(
        index=index, columns=[*columns, *(["of"] if "of" in tidy else [])], values="value"
    )
    as_they_come = tidy[~tidy["language"].isin(AVERAGES)][CELL].to_numpy().ravel()
    order = place(
        *NAMES,
        *SETTINGS,
        *METRICS,
        *STRATEGIES,
        *as_they_come,
        *AVERAGES,
        "ours",
        "published",
        "difference",
    )
    for axis in ("index", "columns"):
        wide = wide.sort_index(axis=axis, key=lambda labels: labels.map(order))  # type: ignore[call-overload]
    for level in ("model", "of"):
        if level in wide.columns.names and len(wide.columns.unique(level)) == 1:
            wide = wide.droplevel(level, axis="columns")
    return wide


def place(*names: str) -> dict[str, int]:
    """Where each name stands: those named first come first."""
    return {name: at for at, name in enumerate(dict.fromkeys(names))}


def gaps(tables: pd.DataFrame | None = None) -> pd.DataFrame:
    """Hybrid against each of `BASELINES`, language by language: `ROW`, baseline, against (the strategy or strategies it is),
    language, difference (hybrid − baseline, in the metric's unit), gain (the same, above 0 where hybrid is better: a rank
    distance is better when lower). tables: `paper_tables`, or any of that form; averages are left out.
    """
    tables = paper_tables() if tables is None else tables
    if missing := set(STRATEGIES) - set(tables["strategy"]):
        raise ValueError(
            f"these tables lack the strategy {min(missing)!r}; all of {', '.join(STRATEGIES)} are compared"
        )
    wide = tables[~tables["language"].isin(AVERAGES)].pivot(
        index=[*ROW, "language"], columns="strategy", values="value"
    )
    parts = []
    for key, rows in wide.groupby(level=ROW, sort=False):
        sign = -1 if key[-1] == LOWER else 1
        plain = sign * rows[["x-x-mono", "x-y"]]
        choices: tuple[Any, ...] = ("x-x-mono", "x-y", plain.mean().idxmax(), plain.idxmax(axis=1))
        for baseline, choice in zip(BASELINES, choices, strict=True):
            against = pd.Series(choice, index=rows.index)
            values = np.where(against == "x-y", plain["x-y"], plain["x-x-mono"])
            gain = (sign * rows["hybrid"] - values).round(
                6
            )  # exact again: the numbers are printed to four decimals
            parts.append(
                pd.DataFrame(
                    {
                        "baseline": baseline,
                        "against": against,
                        "difference": sign * gain,
                        "gain": gain,
                    }
                )
            )
    return pd.concat(parts).reset_index()[
        [*ROW, "baseline", "against", "language", "difference", "gain"]
    ]


def reexamine(tables: pd.DataFrame | None = None) -> pd.DataFrame:
    """Where hybrid wins and loses in the published numbers. A row a table, dataset, model, setting, metric and baseline:

    against: the baseline's strategy. difference: the mean over languages of hybrid − baseline, in the metric's unit. wins,
    ties, losses: languages in which hybrid is better, equal or worse (rank distances: better is lower). loses_in: those
    languages. p_sign: two-sided sign test, ties left out. p_wilcoxon: Wilcoxon's signed-rank test. _holm: adjusted (Holm
    1979) over all rows with this baseline. n_languages.

    Languages are not independent samples (one model, one set of questions translated into all of them), and a published
    strategy is one training run: the unit should be the question, and the paper publishes no numbers by question. So the
    tests say only what its tables can: whether hybrid is better in more languages than a coin would have it, were
    languages independent. Nor can few languages say much: with 7 the least p possible is .016, before any correction.
    """
    from scipy import stats

    from hbtlib.evaluation.significance import holm

    @cache  # where languages tie it goes through all signs, and the better of the two mostly is one of the two
    def wilcoxon(*gain: float) -> float:
        return float(stats.wilcoxon(gain).pvalue)

    rows = []
    for key, part in gaps(tables).groupby([*ROW, "baseline"], sort=False):
        gain = part["gain"]
        wins, losses = int((gain > 0).sum()), int((gain < 0).sum())
        some = wins + losses > 0
        rows.append(
            {
                **dict(zip([*ROW, "baseline"], key, strict=True)),
                "against": " ".join(sorted(set(part["against"]))),
                "difference": part["difference"].mean(),
                "wins": wins,
                "ties": len(part) - wins - losses,
                "losses": losses,
                "loses_in": " ".join(part.loc[gain < 0, "language"]),
                "p_sign": stats.binomtest(wins, wins + losses).pvalue if some else 1.0,
                "p_wilcoxon": wilcoxon(*gain[gain != 0]) if some else 1.0,
                "n_languages": len(part),
            }
        )
    table = pd.DataFrame(rows)
    for test in ("p_sign", "p_wilcoxon"):
        adjusted = table.groupby("baseline", sort=False)[test].transform(
            lambda p: holm(p.to_numpy())
        )
        table.insert(list(table.columns).index(test) + 1, f"{test}_holm", adjusted)
    return table
