"""One encoder on one benchmark, under every compression and after every map: all tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib.data.benchmark import SETTINGS, Benchmark
from hbtlib.encoders.erasure import AffineMap, centred
from hbtlib.encoders.neutral import MappedEncoder, neutralise
from hbtlib.evaluation.holm import holm
from hbtlib.evaluation.macro_intervals import differences_by_unit, sampled_averages
from hbtlib.evaluation.resampling import sign_flip
from hbtlib.search.ranking import rank_vectors, top
from hbtlib.study.compression.declared import AS_IT_IS, BASELINE, CENTRE, MAP, Declared
from hbtlib.study.encoders_measured import TOP, Measured, measure_ranks
from hbtlib.study.encoders_vectors import KeptVectors, unit_length

TABLES = ("benchmarks", "scores", "cost", "effect", "kept", "pairs", "pairs_p")
SHARE = 0.75
"""How much of the mean of all vectors a map takes out besides: `hbt.neutralise`'s default."""

Key = tuple[str, str]
"""A map and a compression."""

Texts = Mapping[str, list[str]]


def fit_maps(kept: KeptVectors, texts: Texts) -> dict[str, AffineMap | None]:
    """The map of each name; None leaves vectors as they are.

    Args:
        kept: the encoder.
        texts: language → texts, translations of each other.
    """
    mapped = neutralise(kept, texts, MAP)
    assert isinstance(mapped, MappedEncoder)  # as of every encoder that is no hbt.Encoder
    return {AS_IT_IS: None, CENTRE: centre_alone(kept, texts), MAP: mapped.map}


def centre_alone(kept: KeptVectors, texts: Texts) -> AffineMap:
    """The control of a map: it takes out the share of the mean, and nothing of the languages."""
    vectors = {
        code: np.concatenate([kept.embed(found, role) for role in ("query", "passage")])
        for code, found in texts.items()
    }
    width = next(iter(vectors.values())).shape[1]
    return centred(AffineMap(np.eye(width), np.zeros(width)), vectors, SHARE)


def mapped_vectors(
    kept: KeptVectors, benchmark: Benchmark, fitted: AffineMap | None
) -> list[NDArray[np.float32]]:
    """The vectors of queries and passages as an index would get them: mapped, then scaled.

    Args:
        kept: the encoder.
        benchmark: the texts.
        fitted: the map; None: none.
    """
    plain = kept.benchmark(benchmark)
    if fitted is None:
        return [unit_length(part) if kept.scaled else part for part in plain]
    both = [fitted(part) for part in plain]
    if kept.scaled or kept.about.kind != "transformer":
        return [unit_length(part) for part in both]
    return [part.astype(np.float32) for part in both]


def measure_all(
    kept: KeptVectors,
    benchmark: Benchmark,
    maps: Mapping[str, AffineMap | None],
    asked: Declared,
) -> dict[str, pd.DataFrame]:
    """Measures a benchmark under every compression after every map.

    Args:
        kept: the encoder.
        benchmark: what is measured on.
        maps: the maps by name.
        asked: what was declared.

    Returns:
        The tables `TABLES` but benchmarks, as `rows.collect` describes them.
    """
    found: dict[Key, Measured] = {}
    for which in asked.maps:
        queries, passages = mapped_vectors(kept, benchmark, maps[which])
        for name, options in asked.compressions.items():
            ranks = rank_vectors(queries, passages, benchmark, **options)
            best = top(queries, passages, benchmark, k=TOP, **options)
            found[which, name] = measure_ranks(ranks, best, benchmark, samples=asked.samples)
            print(f"{kept.name} on {benchmark.name}: {which}, {name}", flush=True)
    return tables_of(found, asked)


class Sampled(NamedTuple):
    """What was measured, with the macro averages of bootstrap samples, which are drawn once.

    Attributes:
        measured: the scores.
        averages: (measure, setting) → (samples,).
    """

    measured: Measured
    averages: dict[tuple[str, str], NDArray[np.float64]]

    @classmethod
    def of(cls, one: Measured, samples: int) -> Sampled:
        """Draws the samples of every score."""
        return cls(one, {key: sampled_averages(c, samples) for key, c in one.cells.items()})


def tables_of(found: Mapping[Key, Measured], asked: Declared) -> dict[str, pd.DataFrame]:
    """All tables of one benchmark from what was measured under each map and compression."""
    parts: dict[str, list[pd.DataFrame]] = {"scores": [], "cost": [], "effect": [], "kept": []}
    sampled = {key: Sampled.of(one, asked.samples) for key, one in found.items()}
    for (which, name), one in sampled.items():
        parts["scores"].append(_named(one.measured.scores, which, name))
        plain, raw = sampled[which, BASELINE], sampled[AS_IT_IS, name]
        if name != BASELINE:
            cost = compared(plain, one, asked.permutations)
            parts["cost"].append(_named(cost, which, name))
            parts["kept"].append(_named(shares_kept(plain, one), which, name))
        if which != AS_IT_IS:
            effect = compared(raw, one, asked.permutations)
            parts["effect"].append(_named(effect, which, name))
    tables = {table: pd.concat(rows, ignore_index=True) for table, rows in parts.items()}
    return {**tables, **_pairs(found, asked)}


def compared(before: Sampled, after: Sampled, permutations: int) -> pd.DataFrame:
    """The change of every score, with its interval and the p of the paired sign-flip test.

    Args:
        before: one ranking.
        after: another of the same benchmark.
        permutations: of each test.

    Returns:
        measure, setting, change (after minus before), low, high, as `encoders_measured.changes`
        gives them, and p (not adjusted).
    """
    rows, units = [], []
    for key, cells in before.measured.cells.items():
        difference = differences_by_unit(cells, after.measured.cells[key])
        units.append(difference.mean(1))  # of the macro average
        draws = after.averages[key] - before.averages[key]
        rows.append((*key, difference.sum(0).mean(), *np.percentile(draws, [2.5, 97.5])))
    table = pd.DataFrame(rows, columns=["measure", "setting", "change", "low", "high"])
    return table.assign(p=_tests(units, permutations))


def _tests(differences: Sequence[NDArray[np.float64]], permutations: int) -> list[float]:
    """The p of each measure; those of the same units are tested with the same sign patterns."""
    p = np.empty(len(differences))
    counts = np.array([len(found) for found in differences])
    for count in np.unique(counts):
        rows = np.flatnonzero(counts == count)
        together = np.stack([differences[int(row)] for row in rows], axis=1)
        p[rows] = sign_flip(together, permutations)
    return [float(one) for one in p]


def shares_kept(before: Sampled, after: Sampled) -> pd.DataFrame:
    """How much of the mAP of each setting is kept, and how much less across languages.

    Args:
        before: a ranking of float32 vectors.
        after: a ranking of the compressed ones.

    Returns:
        setting, share (the mAP after over the mAP before), low, high. The setting "cross-lingual
        minus monolingual" has the difference of the two shares: below 0, a compression costs
        cross-lingual retrieval the larger part. The samples draw the same units for all.
    """
    values, draws = {}, {}
    for setting in SETTINGS:
        key = ("mAP", setting)
        if key in before.averages:
            was, is_now = (one.measured.score(*key).value for one in (before, after))
            values[setting] = is_now / was
            draws[setting] = after.averages[key] / before.averages[key]
    if {"monolingual", "cross-lingual"} <= set(values):
        gap = "cross-lingual minus monolingual"
        values[gap] = values["cross-lingual"] - values["monolingual"]
        draws[gap] = draws["cross-lingual"] - draws["monolingual"]
    rows = [
        (setting, value, *np.percentile(draws[setting], [2.5, 97.5]))
        for setting, value in values.items()
    ]
    return pd.DataFrame(rows, columns=["setting", "share", "low", "high"])


def _pairs(found: Mapping[Key, Measured], asked: Declared) -> dict[str, pd.DataFrame]:
    """The mAP of every pair, a column a compression, and the p of each difference from float32."""
    values, tests = [], []
    for which in asked.maps:
        plain = found[which, BASELINE]
        keys = ["query_language", "pool"]
        wide = pd.DataFrame(
            {
                name: found[which, name]
                .pairs.astype(dict.fromkeys(keys, "str"))
                .set_index(keys)["value"]
                for name in asked.compressions
            }
        )
        values.append(_named(wide.reset_index(), which))
        p = {
            name: pair_tests(plain, found[which, name])
            for name in asked.compressions
            if name != BASELINE
        }
        tests.append(_named(pd.DataFrame(p).reset_index(), which))
    return {"pairs": pd.concat(values), "pairs_p": pd.concat(tests)}


def pair_tests(before: Measured, after: Measured) -> pd.Series:
    """The p of the difference in mAP of every pair, after Holm over all pairs.

    Args:
        before: one ranking.
        after: another of the same benchmark.

    Returns:
        Indexed by query_language and pool.
    """
    keys = ["query_language", "pool"]
    differences, names = [], []
    for setting in SETTINGS:
        if ("mAP", setting) not in before.cells:
            continue
        cells = before.cells["mAP", setting], after.cells["mAP", setting]
        differences.append(differences_by_unit(*cells))
        of_setting = before.pairs[before.pairs["setting"] == setting][keys].astype("str")
        # The cells of a score are in the sorted order of its pairs.
        names += list(of_setting.drop_duplicates().sort_values(keys).itertuples(index=False))
    together = np.concatenate(differences, axis=1)
    assert together.shape[1] == len(names)
    p = sign_flip(together, max(10_000, 100 * len(names)))
    return pd.Series(holm(p), index=pd.MultiIndex.from_tuples(names, names=keys))


def _named(table: pd.DataFrame, which: str, name: str = "") -> pd.DataFrame:
    table = table.reset_index(drop=True)
    table.insert(0, "map", which)
    if name:
        table.insert(1, "compression", name)
    return table
