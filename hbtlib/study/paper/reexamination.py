"""Hybrid batches against the other strategies in the published numbers, language by language."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from hbtlib.study.paper.tables import AVERAGES, DISTANCE, ROW, STRATEGIES, paper_tables

BASELINES = ("x-x-mono", "x-y", "better of the two", "better in each language")
"""What hybrid is set against.

`better of the two` is the one of x-x-mono and x-y with the better mean of the row, which one could
have trained instead. `better in each language` is the better of the two in every language anew.
No one strategy is that, and its lead is in part chance (the larger of two noisy numbers), so it is
a ceiling.
"""

DECIMALS = 6
"""Differences are rounded to so many decimals. The numbers are printed to four, so this makes
differences exact again, and ties are ties."""


def gaps(tables: pd.DataFrame | None = None) -> pd.DataFrame:
    """Sets hybrid against each of `BASELINES`, language by language.

    Args:
        tables: What `paper_tables` returns, or any table of this form; averages are left out.
            None: all published tables.

    Returns:
        The columns of `ROW`, baseline, against (the strategy that the baseline is in this
        language), language, difference (hybrid − baseline, in the metric's unit) and gain (the
        same, but above 0 where hybrid is better: a rank distance is better when lower).

    Raises:
        ValueError: The tables lack one of the strategies.
    """
    tables = paper_tables() if tables is None else tables
    missing = sorted(set(STRATEGIES) - set(tables["strategy"]))
    if missing:
        raise ValueError(
            f"these tables lack the strategy {missing[0]!r}; all of {', '.join(STRATEGIES)} are "
            "compared"
        )
    single = tables[~tables["language"].isin(AVERAGES)]
    wide = single.pivot(index=[*ROW, "language"], columns="strategy", values="value")
    parts = [
        _gaps_of_row(row, lower_is_better=key[-1] == DISTANCE)
        for key, row in wide.groupby(level=ROW, sort=False)
    ]
    columns = [*ROW, "baseline", "against", "language", "difference", "gain"]
    return pd.concat(parts).reset_index()[columns]


def _gaps_of_row(row: pd.DataFrame, lower_is_better: bool) -> pd.DataFrame:
    """Sets hybrid against each baseline in one row; `row` has a line a language."""
    sign = -1 if lower_is_better else 1
    scores = sign * row  # higher is better
    others = scores[["x-x-mono", "x-y"]]
    strategy_of: dict[str, Any] = {
        "x-x-mono": "x-x-mono",
        "x-y": "x-y",
        "better of the two": others.mean().idxmax(),
        "better in each language": others.idxmax(axis=1),
    }
    parts = []
    for baseline in BASELINES:
        against = pd.Series(strategy_of[baseline], index=row.index)
        score = np.where(against == "x-y", others["x-y"], others["x-x-mono"])
        gain = (scores["hybrid"] - score).round(DECIMALS)
        columns = {
            "baseline": baseline,
            "against": against,
            "difference": sign * gain,
            "gain": gain,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts)


def reexamine(tables: pd.DataFrame | None = None) -> pd.DataFrame:
    """Counts where hybrid wins and loses in the published numbers, and tests it.

    Languages are not independent samples (one model, one set of questions translated into all of
    them), and a published strategy is one training run: the unit should be the question, and the
    paper publishes no numbers by question. So the tests say only what its tables can: whether
    hybrid is better in more languages than a coin would have it, were languages independent. Nor
    can few languages say much: with 7 the least p possible is .016, before any correction.

    Args:
        tables: What `paper_tables` returns, or any table of this form. None: all published tables.

    Returns:
        A row for each table, dataset, model, setting, metric and baseline, with the columns

        - against: the baseline's strategy.
        - difference: the mean over languages of hybrid − baseline, in the metric's unit.
        - wins, ties, losses: in how many languages hybrid is better, equal or worse (of rank
          distances the lower is better).
        - loses_in: the languages in which it is worse.
        - p_sign: a two-sided sign test, without ties.
        - p_wilcoxon: Wilcoxon's signed-rank test.
        - p_sign_holm, p_wilcoxon_holm: the same, adjusted (Holm 1979) over all rows with this
          baseline.
        - n_languages: how many languages there are.

    Raises:
        ValueError: The tables lack one of the strategies.
    """
    rows = []
    for key, part in gaps(tables).groupby([*ROW, "baseline"], sort=False):
        named = dict(zip([*ROW, "baseline"], key, strict=True))
        rows.append({**named, **_counts(part)})
    table = pd.DataFrame(rows)
    for test in ("p_sign", "p_wilcoxon"):
        position = list(table.columns).index(test) + 1
        table.insert(position, f"{test}_holm", _adjusted(table, test))
    return table


def _counts(part: pd.DataFrame) -> dict[str, Any]:
    """Returns the columns of `reexamine` for one row and baseline; `part` has a line a language."""
    from scipy import stats

    gain = part["gain"]
    wins = int((gain > 0).sum())
    losses = int((gain < 0).sum())
    differ = wins + losses > 0
    return {
        "against": " ".join(sorted(set(part["against"]))),
        "difference": part["difference"].mean(),
        "wins": wins,
        "ties": len(part) - wins - losses,
        "losses": losses,
        "loses_in": " ".join(part.loc[gain < 0, "language"]),
        "p_sign": stats.binomtest(wins, wins + losses).pvalue if differ else 1.0,
        "p_wilcoxon": _wilcoxon(tuple(gain[gain != 0])) if differ else 1.0,
        "n_languages": len(part),
    }


@lru_cache(maxsize=1024)
def _wilcoxon(gains: tuple[float, ...]) -> float:
    """Returns the p of Wilcoxon's signed-rank test.

    Where gains tie the test goes through all signs, which takes long. It is kept, because the
    better of the two mostly is one of the two, so that most tests are asked for twice.
    """
    from scipy import stats

    return float(stats.wilcoxon(gains).pvalue)


def _adjusted(table: pd.DataFrame, test: str) -> pd.Series:
    """Returns the p of a test, adjusted over all rows with the same baseline."""
    from hbtlib.evaluation.significance import holm

    by_baseline = table.groupby("baseline", sort=False)[test]
    return by_baseline.transform(lambda p: holm(p.to_numpy()))
