"""Tables and sentences of 12-encoders: how biased are encoders, and what does one map change?"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.data.benchmark import ALL
from hbtlib.study import encoders
from hbtlib.study.encoders import AS_IT_IS, MAP, MAPS
from hbtlib.study.report.reader import check_choice
from hbtlib.study.report.words import (
    Markdown,
    bullets,
    counted,
    highest,
    listed,
    lowest,
    number,
)


class Column(NamedTuple):
    """One column of the table of encoders.

    Attributes:
        measure: the measure.
        setting: its setting.
        head: the column's head.
        percent: whether the value is shown as a percentage.
    """

    measure: str
    setting: str
    head: str
    percent: bool = False


COLUMNS = (
    Column("mAP", "monolingual", "mAP monolingual"),
    Column("mAP", "cross-lingual", "mAP cross-lingual"),
    Column("mAP", "multilingual", "mAP multilingual"),
    Column("rank-distance", "multilingual", "rank distance"),
    Column("rank-distance-relative", "multilingual", "times chance"),
    Column("own-language-first", "multilingual", "own language first", True),
    Column("own-language-top@10", "multilingual", "own language in top 10", True),
)
ABSENT = "–"


def wide(scores: pd.DataFrame, what: str = "value") -> pd.DataFrame:
    """The table of encoders as numbers: a row an encoder, benchmark and map.

    Args:
        scores: `encoders.collect("scores")`.
        what: value, low or high.

    Returns:
        Indexed by encoder, benchmark and map, in the order of the scores; the columns are the heads
        of `COLUMNS`, NaN where a benchmark says nothing of a measure.
    """
    keys = ["encoder", "benchmark", "map"]
    rows = pd.MultiIndex.from_frame(scores[keys].drop_duplicates())
    found = scores.set_index([*keys, "measure", "setting"])[what]
    table = {
        column.head: _of_measure(found, column).reindex(rows)
        for column in COLUMNS
        if _has(scores, column)
    }
    return pd.DataFrame(table, index=rows)


def _has(scores: pd.DataFrame, column: Column) -> bool:
    asked = (scores["measure"] == column.measure) & (scores["setting"] == column.setting)
    return bool(asked.any())


def _of_measure(found: pd.Series, column: Column) -> pd.Series:
    return found.xs((column.measure, column.setting), level=("measure", "setting"))


def text(
    value: float, column: Column, low: float = float("nan"), high: float = float("nan")
) -> str:
    """A cell of the table, with its interval where there is one.

    Args:
        value: the number; NaN is shown as a dash.
        column: its column.
        low: the lower end of its interval, or NaN.
        high: the upper end.
    """
    if pd.isna(value):
        return ABSENT
    said = _plain(value, column)
    if pd.isna(low):
        return said
    return f"{said} [{_plain(low, column)}, {_plain(high, column)}]"


def _plain(value: float, column: Column) -> str:
    if column.percent:
        return f"{value:.0%}"
    return number(value).replace("0.", ".", 1) if 0 <= value < 1 else number(value)


def first_passage_language(favoured: pd.DataFrame) -> pd.DataFrame:
    """Which passage languages come first and last among translations of one passage.

    Args:
        favoured: `encoders.collect("favoured")`.

    Returns:
        Indexed by encoder, benchmark and map: first and last, each a language with its mean place
        (1 = always first), and in brackets what that would be by chance, which they are told by:
        it differs by language where questions lack translations. Benchmarks without translations
        have no row.
    """
    keys = ["encoder", "benchmark", "map"]
    moved = favoured.assign(moved=favoured["mean_rank_within"] - favoured["chance"])
    rows = {}
    for key, places in moved.groupby(keys, sort=False):
        ordered = places.sort_values("moved").to_dict("records")
        rows[key] = {"first": _place(ordered[0]), "last": _place(ordered[-1])}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(keys)


def _place(row: Mapping[Hashable, Any]) -> str:
    """A passage language with its mean place, and with that of chance in brackets."""
    return f"{row['passage_language']} {row['mean_rank_within']:.1f} ({row['chance']:.1f})"


def shown(scores: pd.DataFrame, benchmark: str) -> Styler:
    """The table of one benchmark, with intervals, for the notebook.

    Args:
        scores: `encoders.collect("scores")`.
        benchmark: which one.

    Returns:
        A row an encoder and map; a column a measure.
    """
    here = scores[scores["benchmark"] == benchmark]
    values, lows, highs = (wide(here, what) for what in ("value", "low", "high"))
    texts = {
        column.head: [
            text(value, column, low, high)
            for value, low, high in zip(
                values[column.head], lows[column.head], highs[column.head], strict=True
            )
        ]
        for column in COLUMNS
        if column.head in values
    }
    rows = pd.MultiIndex.from_frame(values.index.to_frame()[["encoder", "map"]])
    return pd.DataFrame(texts, index=rows).style


def at_hand_says(scores: pd.DataFrame, abouts: pd.DataFrame) -> Markdown:
    """Which encoders stand in the table, on which benchmarks, with which texts of the map.

    Args:
        scores: `encoders.collect("scores")`.
        abouts: `encoders.abouts()`.
    """
    names = list(dict.fromkeys(scores["encoder"]))
    benchmarks = list(dict.fromkeys(scores["benchmark"]))
    rest = [name for name in encoders.BENCHMARKS if name not in benchmarks]
    missing = _missing(scores, names, benchmarks)
    texts = listed(
        dict.fromkeys(
            f"{row['texts']} ({row['texts_a_language']} texts of each of "
            f"{len(row['text_languages'].split())} languages)"
            for _, row in abouts.iterrows()
            if row["texts_a_language"]
        )
    )
    without = list(abouts.index[abouts["texts_a_language"] == 0])
    said = [
        f"{counted(len(names), 'encoder')} on {counted(len(benchmarks), 'benchmark')}: "
        f"{listed(names)}, on {listed(benchmarks)}.",
        f"The maps ({listed(MAPS)}) are fitted on {texts}; no benchmark's text is among them."
        if texts
        else "",
        f"As they are alone, for they have no vectors: {listed(without)}." if without else "",
        f"Not measured: {listed(rest)}." if rest else "",
        f"Rows that lack: {listed(missing)}." if missing else "",
    ]
    return bullets(said)


def _missing(scores: pd.DataFrame, names: Iterable[str], benchmarks: Iterable[str]) -> list[str]:
    have = set(zip(scores["encoder"], scores["benchmark"], strict=True))
    return [f"{name} on {one}" for name in names for one in benchmarks if (name, one) not in have]


def bias_says(scores: pd.DataFrame) -> Markdown:
    """How strongly encoders prefer the query's language as they are.

    Args:
        scores: `encoders.collect("scores")`.

    Returns:
        A sentence an encoder: how often the own language comes first, by benchmark.
    """
    first = scores[(scores["measure"] == "own-language-first") & (scores["map"] == AS_IT_IS)]
    said = []
    for name, rows in first.groupby("encoder", sort=False):
        parts = [
            f"{row['value']:.0%} of the queries of {row['benchmark']} (chance {row['chance']:.0%})"
            for _, row in rows.iterrows()
        ]
        said.append(
            f"{name} finds the passage in the query's own language first in {listed(parts)}."
        )
    return bullets(said)


def change_says(changes: pd.DataFrame, scores: pd.DataFrame) -> Markdown:
    """What the map changes, by encoder and benchmark.

    Args:
        changes: `encoders.collect("changes")`.
        scores: `encoders.collect("scores")`.

    Returns:
        A sentence an encoder, benchmark and map, with the 95 % intervals of the changes.
    """
    said = []
    keys = ["encoder", "benchmark", "map"]
    for (name, benchmark, which), rows in changes.groupby(keys, sort=False):
        by = {(row["measure"], row["setting"]): row for _, row in rows.iterrows()}
        parts = [
            f"{setting} mAP {_change(by['mAP', setting])}"
            for setting in ("monolingual", "cross-lingual", "multilingual")
            if ("mAP", setting) in by
        ]
        distance = _ratio(scores, str(name), str(benchmark), str(which))
        said.append(f"{name} on {benchmark}, {which}: {', '.join(parts)}{distance}.")
    return bullets(said)


def own_language_says(scores: pd.DataFrame) -> Markdown:
    """How much of the top 10 is in the query's language, before and after the map.

    Args:
        scores: `encoders.collect("scores")`.

    Returns:
        A sentence an encoder.
    """
    own = scores[scores["measure"] == "own-language-top@10"]
    said = []
    for name, rows in own.groupby("encoder", sort=False):
        values = rows.pivot(index="benchmark", columns="map", values="value")
        values = values.reindex(columns=[AS_IT_IS, *MAPS]).loc[rows["benchmark"].unique()]
        parts = [
            f"{row[AS_IT_IS]:.0%} ({one})"
            if pd.isna(row[MAP])  # what has no vectors has no map
            else f"{row[AS_IT_IS]:.0%} → {' or '.join(f'{row[m]:.0%}' for m in MAPS)} ({one})"
            for one, row in values.iterrows()
        ]
        said.append(f"{name}: {listed(parts)} of the top 10 are in the query's language.")
    return bullets(said)


def pairs_says(grids: Mapping[str, pd.DataFrame]) -> Markdown:
    """Which pairs of languages gain and lose most, and how the pool of all languages fares.

    Args:
        grids: what `pairs_of` gives: before, then after.

    Returns:
        Two sentences; nothing where there is no second table.
    """
    if len(grids) < 2:
        return Markdown("")
    before, after = (
        table.set_index(["query_language", "pool"])["value"] for table in grids.values()
    )
    change = after - before
    joint = change.xs(ALL, level="pool")
    single = change.drop(ALL, level="pool")
    single.index = pd.Index([f"{query} to {passage}" for query, passage in single.index])
    (gains, most), (loses, least) = highest(single), lowest(single)
    return bullets(
        [
            f"In the pool of all languages queries of {highest(joint)[0]} gain most "
            f"({number(joint.max(), signed=True)}) and those of {lowest(joint)[0]} least "
            f"({number(joint.min(), signed=True)}).",
            f"Of single pools the pair {gains} gains most ({number(most, signed=True)}) and "
            f"{loses} least ({number(least, signed=True)}); the query's language stands first.",
        ]
    )


def _change(row: pd.Series) -> str:
    low, high = number(row["low"], signed=True), number(row["high"], signed=True)
    return f"{number(row['change'], signed=True)} [{low}, {high}]"


def _ratio(scores: pd.DataFrame, name: str, benchmark: str, which: str) -> str:
    """How much shorter the rank distance becomes, where there is one."""
    here = scores[(scores["encoder"] == name) & (scores["benchmark"] == benchmark)]
    values = here[here["measure"] == "rank-distance"].set_index("map")["value"]
    if not {AS_IT_IS, which} <= set(values.index):
        return ""
    before, after = values[AS_IT_IS], values[which]
    share = f"{after / before - 1:+.0%}".replace("-", "−")
    return f"; rank distance {number(before)} → {number(after)} ({share})"


def pairs_of(pairs: pd.DataFrame, encoder: str, benchmark: str) -> dict[str, pd.DataFrame]:
    """The mAP of every pair of languages before and after the map, for `hbt.plots.heatmaps`.

    Args:
        pairs: `encoders.collect("pairs")`.
        encoder: one of its encoders.
        benchmark: one of its benchmarks.

    Returns:
        Title → `hbt.measure`'s columns, both to be drawn on one scale.

    Raises:
        ValueError: if the table lacks the encoder or the benchmark.
    """
    check_choice("encoder", encoder, list(dict.fromkeys(pairs["encoder"])))
    mine = pairs[pairs["encoder"] == encoder]
    check_choice("benchmark", benchmark, list(dict.fromkeys(mine["benchmark"])))
    mine = mine[mine["benchmark"] == benchmark].assign(metric="mAP")
    titles = {AS_IT_IS: f"{encoder}, as it is", MAP: f"{encoder}, after {MAP}"}
    return {
        titles[str(which)]: found.drop(columns=["encoder", "benchmark", "map"])
        for which, found in mine.groupby("map", sort=False)
        if which in titles
    }


def answer(scores: pd.DataFrame, changes: pd.DataFrame) -> Markdown:
    """Whether encoders favour the query's language, and what one map does about it.

    Args:
        scores: `encoders.collect("scores")`.
        changes: `encoders.collect("changes")`.

    Returns:
        Three sentences; one where nothing has a map.
    """
    first = scores[(scores["measure"] == "own-language-first") & (scores["map"] == AS_IT_IS)]
    before = first["value"] / first["chance"]
    above = int((before > 1).sum())
    many = counted(len(before), "case")
    preference = (
        f"The query's own language comes first more often than by chance in {above} of {many} "
        f"(an encoder on a benchmark with translations): {before.min():.1f} to {before.max():.1f} "
        "times as often."
    )
    if changes.empty:
        return bullets([preference])
    said = [
        preference,
        *(_counts(changes[changes["map"] == which], which) for which in MAPS),
        _largest(changes),
    ]
    return bullets(said)


def _counts(changes: pd.DataFrame, which: str) -> str:
    """How often a map raises and lowers each score."""
    by = {setting: _of_change(changes, "mAP", setting) for setting in _SETTINGS}
    counts = [
        f"the {setting} mAP rises in {(rows['low'] > 0).sum()} of "
        f"{counted(len(rows), 'case')} and falls in {(rows['high'] < 0).sum()}"
        for setting, rows in by.items()
        if len(rows)
    ]
    distance = _of_change(changes, "rank-distance-relative", "multilingual")
    return (
        f"With the map {which} {listed(counts)}; the rank distance falls in "
        f"{(distance['high'] < 0).sum()} of {counted(len(distance), 'case')} and rises in "
        f"{(distance['low'] > 0).sum()}. (Counted are changes whose 95 % interval is without 0.)"
    )


def _largest(changes: pd.DataFrame) -> str:
    """Where the map gains most in the pool of all languages, and where it loses most."""
    rows = _of_change(changes, "mAP", "multilingual").sort_values("change")
    worst, best = rows.iloc[0], rows.iloc[-1]
    last = "takes most from" if worst["change"] < 0 else "does least for"
    return (
        f"In the pool of all languages a map does most for {best['encoder']} on "
        f"{best['benchmark']} (mAP {_change(best)}, {best['map']}), and {last} "
        f"{worst['encoder']} on {worst['benchmark']} ({_change(worst)}, {worst['map']})."
    )


_SETTINGS = ("monolingual", "cross-lingual", "multilingual")


def _of_change(changes: pd.DataFrame, measure: str, setting: str) -> pd.DataFrame:
    return changes[(changes["measure"] == measure) & (changes["setting"] == setting)]
