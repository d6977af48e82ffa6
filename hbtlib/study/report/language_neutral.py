"""Tables and sentences of 13-language-neutral: one map, before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.io.formats.style import Styler

from hbtlib.data.benchmark import ALL, Benchmark
from hbtlib.data.pairs import Pairs
from hbtlib.encoders import erasure
from hbtlib.evaluation.probes import language_probe
from hbtlib.study.encoders_measured import Measured, changes
from hbtlib.study.encoders_vectors import About
from hbtlib.study.neutral.curves import AS_IT_IS
from hbtlib.study.neutral.vectors import Vectors
from hbtlib.study.report.tables import cell
from hbtlib.study.report.words import Markdown, counted, listed, number, sentences

NEUTRAL = "neutral"
MAPS = (AS_IT_IS, NEUTRAL)
"""What the encoder is called in tables, before and after."""

_CURVES = {
    "texts": "texts a language:",
    "directions": "directions projected out:",
    "ridge": "a ridge of",
    "centre": "a share of the mean of",
    "role": "texts embedded as",
}

_FEWEST = 10  # texts of a language: fewer are not looked at by the probe


def texts_says(
    texts: Mapping[str, Sequence[str]], held_out: Pairs, benchmark: Benchmark
) -> Markdown:
    """What the map is fitted on, chosen on and tried on.

    Args:
        texts: language → the texts it is fitted on.
        held_out: the pairs that its settings are shown on.
        benchmark: what it is tried on.

    Returns:
        The sentences.
    """
    count = len(next(iter(texts.values())))
    tried = {str(code) for code in benchmark.queries["language"]}
    unseen = sorted(tried - set(texts))
    return sentences(
        [
            f"The map is fitted on {counted(count, 'text')} in each of {listed(sorted(texts))}, "
            f"none of which stands in the benchmark; curves are drawn on "
            f"{counted(len(held_out), 'held-out id')} of {held_out.name}.",
            f"It is tried on {benchmark.name}: {len(benchmark.queries):,} queries and "
            f"{len(benchmark.passages):,} passages.",
            f"It never saw {listed(unseen)}."
            if unseen
            else "It saw texts in every language there.",
        ]
    )


def encoder_says(about: About) -> Markdown:
    """What the encoder is.

    Args:
        about: what is known of it.

    Returns:
        The sentence.
    """
    size = f", {about.parameters:,} parameters" if about.parameters else ""
    return Markdown(
        f"{about.encoder}: {about.dimension} dimensions{size}; weights: {about.precision}; "
        f"version: {about.version}."
    )


def before_and_after(before: Measured, after: Measured) -> pd.DataFrame:
    """Every score as it was and with the map.

    Args:
        before: what the encoder does as it is.
        after: what it does with the map.

    Returns:
        measure, setting, chance, `as it is`, `neutral`, change, low, high (its 95 % interval).
    """
    keys = ["measure", "setting"]
    table = before.scores[[*keys, "chance", "value"]].rename(columns={"value": AS_IT_IS})
    values = after.scores[[*keys, "value"]].rename(columns={"value": NEUTRAL})
    return table.merge(values, on=keys).merge(changes(before, after), on=keys)


def before_and_after_shown(table: pd.DataFrame) -> Styler:
    """The scores as a table for reading.

    Args:
        table: `before_and_after`'s table.

    Returns:
        The styled table.
    """
    shown = table.copy()
    intervals = zip(table["change"], table["low"], table["high"], strict=True)
    shown["change [95 %]"] = [
        f"{number(change, signed=True)} [{number(low, signed=True)}, {number(high, signed=True)}]"
        for change, low, high in intervals
    ]
    columns = ["measure", "setting", "chance", *MAPS, "change [95 %]"]
    style = shown[columns].style.hide().format(cell, subset=["chance", *MAPS], na_rep="")
    return style.set_properties(subset=["measure", "setting"], **{"text-align": "left"})


def finding_says(table: pd.DataFrame, seconds: float) -> Markdown:
    """What the map did, in three sentences with intervals; a fourth where it did harm.

    Args:
        table: `before_and_after`'s table.
        seconds: how long the fit took, without embedding.

    Returns:
        The sentences.
    """
    rows: Any = table.set_index(["measure", "setting"])
    joint, own = ("mAP", "multilingual"), ("mAP", "monolingual")
    said = [
        f"One linear map, fitted in {number(seconds)} seconds once the texts were embedded, took "
        f"the mAP in the pool of all languages from {_change(rows.loc[joint])}."
    ]
    if own in rows.index:
        said.append(f"Within a language it went from {_change(rows.loc[own])}.")
        if rows.loc[own, "high"] < 0:
            said.append(
                "**That is a loss**: try another method (leace changes less), or a larger ridge; "
                "the curves below say what they do on the held-out pairs."
            )
    bias = [
        f"{words} from {_change(rows.loc[name, 'multilingual'])}"
        for name, words in (
            ("rank-distance", "the rank distance went"),
            ("own-language-first", "the best relevant passage is in the query's language: share"),
        )
        if (name, "multilingual") in rows.index
    ]
    if bias:
        said.append("Of the language bias, " + "; ".join(bias) + ".")
    return sentences(said)


def _change(row: Any) -> str:
    low, high = number(row["low"], signed=True), number(row["high"], signed=True)
    return f"{number(row[AS_IT_IS])} to {number(row[NEUTRAL])} (change {low} to {high})"


def by_map(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Puts tables of before and after below each other, with the column arm.

    Args:
        tables: the one of the encoder as it is, and the one with the map.

    Returns:
        Their rows.
    """
    return pd.concat(
        [table.assign(arm=name) for name, table in zip(MAPS, tables, strict=True)],
        ignore_index=True,
    )


def language_scores(before: Measured, after: Measured) -> pd.DataFrame:
    """The mAP in the pool of all languages, by query language, before and after.

    Args:
        before: what the encoder does as it is.
        after: what it does with the map.

    Returns:
        arm, measure, query_language, value.
    """
    both = by_map([before.pairs, after.pairs])
    joint = both[both["pool"] == ALL].astype({"query_language": "str"})
    return joint.assign(measure="mAP")[["arm", "measure", "query_language", "value"]]


def language_scores_says(table: pd.DataFrame) -> Markdown:
    """Which languages gained most and least.

    Args:
        table: `language_scores`' table.

    Returns:
        The sentence.
    """
    wide = table.pivot(index="query_language", columns="arm", values="value")
    gains = (wide[NEUTRAL] - wide[AS_IT_IS]).sort_values()
    lost = [str(code) for code in gains.index[gains < 0]]
    return sentences(
        [
            f"Queries in {gains.index[-1]} gain most ({number(gains.iloc[-1], signed=True)}), "
            f"those in {gains.index[0]} least ({number(gains.iloc[0], signed=True)}).",
            f"{listed(lost)} lost." if lost else "No language lost.",
        ]
    )


def pairs_that_lost(before: Measured, after: Measured, least: float = 0.01) -> pd.DataFrame:
    """The pairs of query language and pool whose mAP fell.

    Args:
        before: what the encoder does as it is.
        after: what it does with the map.
        least: the smallest loss that is shown.

    Returns:
        query_language, pool, `as it is`, `neutral`, change; the largest loss first.
    """
    keys = ["query_language", "pool"]
    both = before.pairs[[*keys, "value"]].merge(after.pairs[[*keys, "value"]], on=keys)
    both.columns = [*keys, *MAPS]
    both["change"] = both[NEUTRAL] - both[AS_IT_IS]
    return both[both["change"] <= -least].sort_values("change").reset_index(drop=True)


def pairs_that_lost_says(table: pd.DataFrame, before: Measured) -> Markdown:
    """How many pairs of languages lost.

    Args:
        table: `pairs_that_lost`' table.
        before: what the encoder does as it is.

    Returns:
        The sentence.
    """
    said = f"Of {len(before.pairs)} pairs of query language and pool {len(table)} lost .01 or more"
    if table.empty:
        return Markdown(said + ".")
    worst = table.iloc[0]
    return Markdown(
        f"{said}, at most {number(worst['change'], signed=True)} (queries in "
        f"{worst['query_language']}, passages in {worst['pool']})."
    )


def with_labels(
    vectors: Vectors, role: str, benchmark: Benchmark, maps: Mapping[str, Measured]
) -> pd.DataFrame:
    """Beside the map, what the methods do that need every text's language.

    Args:
        vectors: the vectors.
        role: as what the texts are embedded.
        benchmark: what is ranked.
        maps: name → what was measured without labels.

    Returns:
        A row each: monolingual, cross-lingual and multilingual mAP, rank-distance. Those with
        labels are each language's mean, its first principal direction (LIR), or its first five;
        they are left out where the benchmark has a language that the texts lack.
    """
    found = dict(maps)
    texts = vectors.for_fit(role)
    if set(benchmark.languages) <= set(texts):
        labelled = {
            "labels: each language's mean": erasure.each_mean(texts),
            "labels: LIR, 1 direction": erasure.each_principal(texts, 1),
            "labels: LIR, 5 directions": erasure.each_principal(texts, 5),
        }
        for name, fitted in labelled.items():
            found[name] = vectors.measured_with_labels(benchmark, fitted)
    rows = {}
    for name, measured in found.items():
        values = measured.scores.set_index(["measure", "setting"])["value"]
        rows[name] = {
            **values["mAP"].to_dict(),
            "rank-distance": values.get(("rank-distance", "multilingual"), np.nan),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("vectors")


def probe(
    vectors: Mapping[str, NDArray[np.float32]], languages: Sequence[str], texts: int = 200
) -> pd.DataFrame:
    """How well a classifier still tells a passage's language.

    Args:
        vectors: arm → (N, d), before and after.
        languages: (N,) the passages' languages.
        texts: how many passages of each language are looked at, drawn at random.

    Returns:
        `language_probe`'s columns and arm.
    """
    column = pd.Series(list(languages)).astype("str")
    drawn = column.groupby(column).sample(frac=1, random_state=0)
    rows = drawn.groupby(drawn).head(texts)
    enough = rows[rows.map(rows.value_counts()) >= _FEWEST]
    parts = [
        language_probe(found[enough.index], enough.to_numpy()).assign(arm=arm)
        for arm, found in vectors.items()
    ]
    return pd.concat(parts, ignore_index=True)


def probe_says(table: pd.DataFrame) -> Markdown:
    """What is left of language.

    Args:
        table: `probe`'s table.

    Returns:
        The sentence.
    """
    means = table.groupby("arm", sort=False)["accuracy"].mean()
    said = [f"{share:.0%} of the passages {arm}" for arm, share in means.items()]
    return Markdown(
        f"A linear classifier that is trained on the benchmark's own passages tells the language "
        f"of {listed(said)}; by chance it would be {table['chance'].iloc[0]:.0%}. It is told more "
        "than the map was: what is left lies in directions in which the map's texts do not differ."
    )


def seen_says(table: pd.DataFrame) -> Markdown:
    """What a map does for a language that it was not fitted on.

    Args:
        table: `neutral.curves.seen_or_not`'s table.

    Returns:
        The sentence.
    """
    if table.empty:
        return Markdown("The texts have two languages, of which none can be left out.")
    means = table.groupby("arm")["value"].mean()
    before, without, seen = (means[m] for m in (AS_IT_IS, "fitted without it", "fitted with it"))
    share = (without - before) / (seen - before) if seen > before else np.nan
    return Markdown(
        f"For a language that it was fitted on, the map takes the mAP in the pool of all languages "
        f"from {number(before)} to {number(seen)}; for one that it never saw, to {number(without)}"
        + (f": {share:.0%} of the gain." if np.isfinite(share) else ".")
    )


def curves_says(table: pd.DataFrame) -> Markdown:
    """Which point of each curve is the best in the pool of all languages.

    Args:
        table: `neutral.curves.curves`' table.

    Returns:
        The sentence.
    """
    joint = table[(table["measure"] == "mAP") & (table["setting"] == "multilingual")]
    before = joint.loc[joint["curve"] == "none", "value"].iloc[0]
    said = []
    for curve, words in _CURVES.items():
        points = joint[joint["curve"] == curve]
        if len(points):
            best = points.sort_values("value").iloc[-1]
            said.append(f"{words} {best['x']} ({best['method']}, {number(best['value'])})")
    return Markdown(
        f"On the held-out pairs the mAP in the pool of all languages is {number(before)} as it is. "
        f"It is highest with {listed(said)}."
    )


def answer(
    encoder: str, output: str | None, table: pd.DataFrame, similar: float | None
) -> Markdown:
    """What one map did, and what the reader has now.

    Args:
        encoder: the encoder's name.
        output: the folder that its folder is in; None: it was not kept.
        table: `before_and_after`'s table.
        similar: the largest difference of its vectors in sentence-transformers from ours; None for
            an encoder that has no folder.

    Returns:
        The sentences.
    """
    row = table.set_index(["measure", "setting"]).loc["mAP", "multilingual"]
    did = f"One linear map took the mAP in the pool of all languages from {_change(row)}."
    if similar is None:
        return Markdown(
            f"{did} {encoder} is a function and has no folder: `hbt.neutralise` gives an object "
            "with an `embed` method, whose vectors need no label of their language."
        )
    where = f"`SentenceTransformer({f'{output}/model'!r})`" if output else "sentence-transformers"
    return sentences(
        [
            did,
            f"The folder is {encoder} with one more dense layer; {where} loads it, no language has "
            "to be named when a text is embedded, and every vector store takes its vectors.",
            f"Its vectors there differ from those of hbtlib by {similar:.1e} at most.",
        ]
    )
