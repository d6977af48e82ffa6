"""Tables and sentences of 14-compression: what do smaller vectors cost, and are they biased?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.data.benchmark import ALL
from hbtlib.study.compression.declared import (
    AS_IT_IS,
    BASELINE,
    CENTRE,
    MAP,
    Declared,
    declared_tests,
)
from hbtlib.study.report.reader import check_choice
from hbtlib.study.report.tables import is_real
from hbtlib.study.report.words import Markdown, bullets, counted, highest, listed, lowest, number

GAP = "cross-lingual minus monolingual"
FLOOR = 0.05
"""Pairs of languages with less mAP than this are in no share of it that is kept."""

_KEYS = ["query_language", "pool"]
_JOINT = "multilingual"


def at_hand_says(
    scores: pd.DataFrame, sizes: pd.DataFrame, tests: pd.DataFrame, asked: Declared
) -> Markdown:
    """What was measured, how large vectors are, and how many tests the family has.

    Args:
        scores: `rows.collect("scores")`.
        sizes: `rows.sizes()`.
        tests: `rows.tests()`.
        asked: what was declared.
    """
    names = list(dict.fromkeys(scores["encoder"]))
    benchmarks = list(dict.fromkeys(scores["benchmark"]))
    have = set(zip(scores["encoder"], scores["benchmark"], strict=True))
    absent = [f"{e} on {b}" for e in asked.encoders for b in asked.benchmarks if (e, b) not in have]
    bytes_of = sizes.groupby("compression", sort=False)["bytes"].unique()
    said = [f"{name} {' or '.join(f'{n:,}' for n in found)}" for name, found in bytes_of.items()]
    family = tests["p_holm"].notna() & tests["encoder"].isin(asked.encoders)
    return bullets(
        [
            f"{counted(len(names), 'encoder')} on {counted(len(benchmarks), 'benchmark')}: "
            f"{listed(names)}, on {listed(benchmarks)}.",
            f"Declared and not measured yet: {listed(absent)}." if absent else "",
            f"Bytes a vector: {listed(said)}.",
            "None of these encoders was trained so that its first dimensions alone are of use.",
            f"{declared_tests(asked):,} comparisons were declared before the first was made, and "
            f"{family.sum():,} of them are here; p is adjusted over all that were declared (Holm).",
        ]
    )


def kept_table(kept: pd.DataFrame, benchmark: str) -> Styler:
    """How much of the mAP each compression keeps.

    Args:
        kept: `rows.collect("kept")`.
        benchmark: one of its benchmarks.

    Returns:
        A row an encoder, map and compression; a column a setting, with 95 % intervals.
    """
    check_choice("benchmark", benchmark, list(dict.fromkeys(kept["benchmark"])))
    here = kept[(kept["benchmark"] == benchmark) & (kept["setting"] != GAP)]
    cells = here.assign(
        said=[f"{row.share:.0%} [{row.low:.0%}, {row.high:.0%}]" for row in here.itertuples()]
    )
    keys = ["encoder", "map", "compression"]
    wide = cells.set_index([*keys, "setting"])["said"].unstack("setting")
    order = pd.MultiIndex.from_frame(here[keys].drop_duplicates())
    return wide.reindex(order)[list(dict.fromkeys(here["setting"]))].style


def kept_says(kept: pd.DataFrame) -> Markdown:
    """Which setting pays for smaller vectors, by compression.

    Args:
        kept: `rows.collect("kept")`.

    Returns:
        A sentence a compression, of the encoders as they are.
    """
    plain = kept[kept["map"] == AS_IT_IS]
    said = []
    for name, found in plain.groupby("compression", sort=False):
        shares = {setting: rows["share"] for setting, rows in found.groupby("setting")}
        gap = found[found["setting"] == GAP]
        parts = [
            f"{_range(shares[setting])} of the {setting} mAP"
            for setting in ("monolingual", "cross-lingual", _JOINT)
            if setting in shares
        ]
        across = (
            f"; across languages it keeps less than within them in {(gap['high'] < 0).sum()} of "
            f"{counted(len(gap), 'case')} and more in {(gap['low'] > 0).sum()}"
            if len(gap)
            else ""
        )
        said.append(f"{name} keeps {listed(parts)}{across}.")
    return bullets([*said, _SIGNIFICANT])


_SIGNIFICANT = "(A case is an encoder on a benchmark; counted are 95 % intervals without 0.)"


def _range(shares: pd.Series) -> str:
    low, high = f"{shares.min():.0%}", f"{shares.max():.0%}"
    return low if low == high else f"{low} to {high}"


def with_bytes(scores: pd.DataFrame, sizes: pd.DataFrame, benchmark: str) -> pd.DataFrame:
    """The scores of one benchmark with the bytes of a vector, for the picture.

    Args:
        scores: `rows.collect("scores")`.
        sizes: `rows.sizes()`.
        benchmark: one of its benchmarks.
    """
    check_choice("benchmark", benchmark, list(dict.fromkeys(scores["benchmark"])))
    return scores[scores["benchmark"] == benchmark].merge(sizes, sort=False)


def bias_says(cost: pd.DataFrame) -> Markdown:
    """Whether compression raises language bias, by measure and compression.

    Args:
        cost: `rows.collect("cost")`.

    Returns:
        A sentence a compression, of the encoders as they are: how often each measure of bias rises
        and falls after Holm's correction.
    """
    said = []
    plain = cost[(cost["map"] == AS_IT_IS) & cost["p_holm"].notna()]
    for name, found in plain.groupby("compression", sort=False):
        parts = []
        for measure, words in _BIAS.items():
            rows = found[found["measure"] == measure]
            if len(rows):
                parts.append(f"{words} {_ups_and_downs(rows)}")
        if parts:
            said.append(f"{name}: {'; '.join(parts)}.")
    return bullets(
        [
            *said,
            "(Counted are differences with p < .05 after Holm's correction, and an interval "
            "without 0. Both measures come nearer to chance when an encoder finds less: the rank "
            "distance from below, the preference from above.)",
        ]
    )


_BIAS = {
    "rank-distance-relative": "the rank distance",
    "own-language-preference": "the preference for the own language",
}


def _ups_and_downs(rows: pd.DataFrame) -> str:
    real = rows[is_real(rows)]
    return (
        f"rises in {(real['change'] > 0).sum()} of {counted(len(rows), 'case')} and falls in "
        f"{(real['change'] < 0).sum()}"
    )


def map_says(effect: pd.DataFrame, scores: pd.DataFrame) -> Markdown:
    """Whether the map survives compression, and what centring alone does for binary vectors.

    Args:
        effect: `rows.collect("effect")`.
        scores: `rows.collect("scores")`.
    """
    said = []
    joint = effect[(effect["measure"] == "mAP") & (effect["setting"] == _JOINT)]
    tested = joint[(joint["map"] == MAP) & joint["p_holm"].notna()]
    for name, found in tested.groupby("compression", sort=False):
        gains = found["change"]
        real = found[is_real(found)]
        said.append(
            f"{name}: the map changes the multilingual mAP by {number(gains.min(), signed=True)} "
            f"to {number(gains.max(), signed=True)}; it rises in {(real['change'] > 0).sum()} of "
            f"{counted(len(found), 'case')} and falls in {(real['change'] < 0).sum()}."
        )
    counted_are = (
        "(Counted are differences with p < .05 after Holm's correction, and an interval without 0.)"
    )
    return bullets([*said, counted_are if said else "", *_small_beats_large(scores)])


def _small_beats_large(scores: pd.DataFrame) -> Iterator[str]:
    """Where the smallest vectors after the map are better than full ones without it."""
    table = _values(scores, "mAP", _JOINT)
    for (encoder, benchmark), found in table.groupby(["encoder", "benchmark"], sort=False):
        values: Any = found.droplevel(["encoder", "benchmark"])
        if not {"binary", BASELINE} <= set(values.columns) or MAP not in values.index:
            continue
        yield (
            f"{encoder} on {benchmark}: binary vectors have the multilingual mAP "
            f"{number(values.loc[AS_IT_IS, 'binary'])} as they are, "
            f"{number(values.loc[CENTRE, 'binary'])} after centring alone and "
            f"{number(values.loc[MAP, 'binary'])} after the map; float32 vectors have "
            f"{number(values.loc[AS_IT_IS, BASELINE])} as they are."
        )


def _values(scores: pd.DataFrame, measure: str, setting: str) -> pd.DataFrame:
    """A row an encoder, benchmark and map; a column a compression."""
    found = scores[(scores["measure"] == measure) & (scores["setting"] == setting)]
    wide = found.set_index(["encoder", "benchmark", "map", "compression"])["value"]
    return wide.unstack("compression")


def grids(
    pairs: pd.DataFrame, tests: pd.DataFrame, encoder: str, benchmark: str, after: str
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """The mAP of every pair of languages, for `hbt.plots.differences`.

    Args:
        pairs: `rows.collect("pairs")`.
        tests: `rows.collect("pairs_p")`.
        encoder: one of its encoders.
        benchmark: one of its benchmarks.
        after: one of its maps.

    Returns:
        The table of float32 vectors, and by compression their tables and the p of the differences.

    Raises:
        ValueError: if the table lacks the encoder, the benchmark or the map.
    """
    check_choice("encoder", encoder, list(dict.fromkeys(pairs["encoder"])))
    mine = pairs[pairs["encoder"] == encoder]
    check_choice("benchmark", benchmark, list(dict.fromkeys(mine["benchmark"])))
    check_choice("after", after, list(dict.fromkeys(mine["map"])))
    chosen = {"encoder": encoder, "benchmark": benchmark, "map": after}
    values, p = (_chosen(table, chosen).dropna(axis=1, how="all") for table in (pairs, tests))
    tables = {
        name: values[name].rename("value").reset_index().assign(metric="mAP")
        for name in values.columns
    }
    plain = tables.pop(BASELINE)
    return plain, tables, {name: p[name].rename("p").reset_index() for name in tables}


def _chosen(table: pd.DataFrame, wanted: dict[str, str]) -> pd.DataFrame:
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table.drop(columns=list(wanted)).set_index(_KEYS)


def pairs_says(plain: pd.DataFrame, compressed: dict[str, pd.DataFrame]) -> Markdown:
    """Which languages pay most, by compression.

    Args:
        plain: what `grids` gives of float32 vectors.
        compressed: what it gives of the others.

    Returns:
        A sentence a compression: the mean share of the mAP that single pools keep, by the language
        of the query and by that of the passages, where float32 vectors find something.
    """
    before = plain.set_index(_KEYS)["value"].drop(ALL, level="pool", errors="ignore")
    before = before[before > FLOOR]
    said = []
    for name, table in compressed.items():
        kept = table.set_index(_KEYS)["value"].reindex(before.index) / before
        queries = kept.groupby("query_language").mean()
        passages = kept.groupby("pool").mean()
        said.append(
            f"{name}: pairs of languages keep {kept.min():.0%} ({_pair(kept.idxmin())}) to "
            f"{kept.max():.0%} ({_pair(kept.idxmax())}) of their mAP; by the query's language "
            f"{_least_and_most(queries)}, by the passages' {_least_and_most(passages)}."
        )
    note = f"(Queries stand first. Pairs whose mAP is below {FLOOR:g} with float32 are left out.)"
    return bullets([*said, note])


def _pair(names: Any) -> str:
    return "–".join(map(str, names))


def _least_and_most(shares: pd.Series) -> str:
    (worst, least), (best, most) = lowest(shares), highest(shares)
    return f"{worst} least ({least:.0%}) and {best} most ({most:.0%})"


def answer(
    kept: pd.DataFrame, cost: pd.DataFrame, effect: pd.DataFrame, scores: pd.DataFrame
) -> Markdown:
    """What smaller vectors cost, whether they raise bias, and whether the map survives them.

    Args:
        kept: `rows.collect("kept")`.
        cost: `rows.collect("cost")`.
        effect: `rows.collect("effect")`.
        scores: `rows.collect("scores")`.
    """
    plain = kept[kept["map"] == AS_IT_IS]
    gap = plain[plain["setting"] == GAP]
    said = [
        f"Who pays for smaller vectors? Of {counted(len(gap), 'case')} (an encoder on a benchmark "
        "under a compression, as it is) the cross-lingual mAP keeps a smaller share than the "
        f"monolingual one in {(gap['high'] < 0).sum()}, and a larger in {(gap['low'] > 0).sum()}."
    ]
    tested = cost[(cost["map"] == AS_IT_IS) & cost["p_holm"].notna()]
    parts = [
        f"{words} {_ups_and_downs(tested[tested['measure'] == measure])}"
        for measure, words in _BIAS.items()
    ]
    said.append(f"{listed(parts)}.".replace("the", "The", 1))
    joint = effect[(effect["map"] == MAP) & (effect["measure"] == "mAP")]
    small = joint[joint["p_holm"].notna() & (joint["compression"] != BASELINE)]
    said.append(f"The map {MAP} under a compression: the multilingual mAP {_ups_and_downs(small)}.")
    if "binary" in set(kept["compression"]):
        said.append(_of_binary(kept))
    return bullets([*said, *_best_small(scores)])


def _of_binary(kept: pd.DataFrame) -> str:
    binary = kept[(kept["compression"] == "binary") & (kept["setting"] == _JOINT)]
    by_map = binary.groupby("map", sort=False)["share"]
    parts = [f"{_range(shares)} ({which!s})" for which, shares in by_map]
    return f"Binary vectors keep of the multilingual mAP {listed(parts)}."


def _best_small(scores: pd.DataFrame) -> Iterator[str]:
    """How often binary vectors after the map beat float32 vectors without it."""
    table = _values(scores, "mAP", _JOINT)
    if not {"binary", BASELINE} <= set(table.columns):
        return
    small = table["binary"].xs(MAP, level="map")
    large = table[BASELINE].xs(AS_IT_IS, level="map")
    wins = small[small > large]
    cases = listed(" on ".join(map(str, case)) for case in wins.index)
    yield (
        f"Binary vectors after the map have a higher multilingual mAP than float32 vectors without "
        f"it, which are 32 times as large, in {len(wins)} of {counted(len(large), 'case')}"
        + (f" ({cases})." if len(wins) else ".")
    )
