"""Tables that several notebooks share: means over seeds, their text, bold cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.data.benchmark import SETTINGS
from hbtlib.evaluation.significance import contrasts
from hbtlib.study.report.words import listed, number

GROUPS = ("trained", "unseen")
KEYS = ["languages", "setting", "metric", "arm"]


def group_words(group: str) -> str:
    """What sentences call a group of languages: `trained on`, `never trained on`, or its name.

    Args:
        group: one of `GROUPS`, or another.
    """
    return {"trained": "trained on", "unseen": "never trained on"}.get(group, group)


def over_pairs(measured: pd.DataFrame) -> pd.DataFrame:
    """One value a run, setting and metric: the macro average over pairs of query language and pool.

    Args:
        measured: `hbt.measure`'s tables of several runs with languages, arm and seed.

    Returns:
        languages, setting, metric, arm, seed, value.
    """
    return measured.groupby([*KEYS, "seed"], sort=False)["value"].mean().reset_index()


def mean_and_sd(seeds: pd.DataFrame, keys: Sequence[str] = KEYS) -> pd.DataFrame:
    """Mean and standard deviation over seeds, as numbers and as text.

    Args:
        seeds: `over_pairs`' table.
        keys: the columns that tell one row of the result from another.

    Returns:
        The keys, mean, std (NaN for one seed) and text, such as `0.877 ± 0.011`.
    """
    table = seeds.groupby(list(keys), sort=False)["value"].agg(["mean", "std"]).reset_index()
    table["text"] = [spread(m, s) for m, s in zip(table["mean"], table["std"], strict=True)]
    return table


def spread(mean: float, deviation: float) -> str:
    """A mean and its standard deviation: `0.877 ± 0.011`; above 1 as whole numbers, of ranks.

    Args:
        mean: the mean.
        deviation: the standard deviation; NaN, where there is one value only, is left out.

    Returns:
        The text.
    """
    form = "{:.3f}" if mean <= 1 else "{:,.0f}"
    single = pd.isna(deviation)
    return form.format(mean) if single else f"{form} ± {form}".format(mean, deviation)


def setting_order(index: pd.Index) -> list[tuple[str, str]]:
    """The (languages, setting) pairs of an index, trained before unseen, in the usual order.

    Args:
        index: an index of such pairs.

    Returns:
        Those of the six pairs that it holds.
    """
    return [
        (group, setting) for group in GROUPS for setting in SETTINGS if (group, setting) in index
    ]


def cell(value: Any) -> str:
    """A table's cell: whole numbers from 10 up, three decimals below.

    Args:
        value: the number.

    Returns:
        Its text.
    """
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3f}"


def is_real(
    table: pd.DataFrame, p: str = "p_holm", low: str = "low", high: str = "high"
) -> pd.Series:
    """Which differences may not be chance: p < .05, and the interval is without 0.

    Args:
        table: a table of `hbt.compare` or `hbt.contrasts`.
        p: the column with the p value.
        low: the column with the interval's lower end.
        high: the column with its upper end.

    Returns:
        One bool a row.
    """
    return (table[p] < 0.05) & (table[low] * table[high] > 0)


def is_sure(rows: pd.DataFrame) -> pd.Series:
    """Which differences may not be chance, neither by question (corrected) nor by unit.

    Args:
        rows: a table of `contrasts_with_units`.

    Returns:
        One bool a row.
    """
    return is_real(rows) & _is_real_by_unit(rows)


def differences(rows: pd.DataFrame) -> str:
    """Differences in several settings as a list in words.

    Args:
        rows: rows of a table of `hbt.compare` or `hbt.contrasts`, one a setting.

    Returns:
        Such as `+0.112 (monolingual) and −0.003 (multilingual, may be chance)`. A difference that
        may be chance only where questions that belong together are one unit is said to be so
        `by unit`; `unit_note` explains the words.
    """
    parts = [
        f"{number(row['difference'], signed=True)} ({row['setting']}{chance})"
        for row, chance in zip(rows.to_dict("records"), chances(rows), strict=True)
    ]
    return listed(parts)


BY_BOTH = "by question (corrected for many tests) and by unit (not corrected)"
"""How `is_sure` tells a difference from chance, for sentences that count such differences."""


def chances(rows: pd.DataFrame) -> list[str]:
    """Says of each test whether its difference may be chance.

    Args:
        rows: a table of `hbt.compare` or `hbt.contrasts`, with the columns `BY_UNIT` or without.

    Returns:
        `, may be chance`; `, may be chance by unit` where it may be only then; else nothing.
    """
    return [
        "" if sure and by_unit else ", may be chance by unit" if sure else ", may be chance"
        for sure, by_unit in zip(is_real(rows), _is_real_by_unit(rows), strict=True)
    ]


BY_UNIT = ["low_unit", "high_unit", "p_unit", "n_units"]
"""The columns of a test whose unit is what questions share, beside those of the question."""


def contrasts_with_units(
    questions: pd.DataFrame,
    asked: Mapping[str, Mapping[str, float]],
    unit: Mapping[str, int],
    *,
    metric: str | Sequence[str],
    setting: str | Sequence[str] = SETTINGS,
) -> pd.DataFrame:
    """Tests differences twice: with the question as the unit, and with what questions share.

    Args:
        questions: each question's scores, as `hbt.contrasts` takes them.
        asked: name → the weight of each arm.
        unit: question_id → what it belongs to.
        metric: one metric or several.
        setting: one setting or several.

    Returns:
        `hbt.contrasts`' table with the columns `BY_UNIT`, whose p is not corrected.
    """
    alone = contrasts(questions, asked, metric=metric, setting=setting)
    by_unit = contrasts(questions, asked, metric=metric, setting=setting, unit=unit)
    return with_units(alone, by_unit)


def with_units(alone: pd.DataFrame, by_unit: pd.DataFrame, p: str = "p") -> pd.DataFrame:
    """Puts the same tests with a larger unit beside those whose unit is the question.

    Args:
        alone: a table of `hbt.compare` or `hbt.contrasts`.
        by_unit: the same, made with `unit`.
        p: which p of the second stands beside: p as it is, or p_holm.

    Returns:
        The first table with low_unit, high_unit, p_unit (or p_holm_unit) and n_units of the second.
    """
    beside = by_unit[["low", "high", p, "n_units"]]
    beside = beside.rename(columns=lambda name: name if name == "n_units" else f"{name}_unit")
    return alone.drop(columns="n_units").join(beside)


def _is_real_by_unit(rows: pd.DataFrame) -> pd.Series:
    """Tells which differences may not be chance by unit; all, where there are no such tests.

    Args:
        rows: a table with the columns `BY_UNIT`, or without them.

    Returns:
        One bool a row.
    """
    if "p_unit" not in rows:
        return pd.Series(True, index=rows.index)
    return is_real(rows, "p_unit", "low_unit", "high_unit")


def unit_note(rows: pd.DataFrame) -> list[str]:
    """What `by unit` means, where `differences` says it of one of these rows.

    Args:
        rows: as in `differences`.
    """
    if not (is_real(rows) & ~_is_real_by_unit(rows)).any():
        return []
    return [
        "(By unit: questions that share a relevant passage, its paragraph or a pattern are drawn "
        "and change sign together; the p of that test is not corrected.)"
    ]


def bold(style: Styler, where: pd.Series, column: str) -> Styler:
    """The styled table with some cells of a column in bold.

    Args:
        style: the styled table.
        where: one bool a row: whether its cell is bold.
        column: the column's name.

    Returns:
        The same styled table.
    """
    fonts = ["font-weight: bold" if sure else "" for sure in where.reindex(style.index)]
    return style.apply(lambda _: fonts, subset=[column])
