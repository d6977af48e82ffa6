"""What a language-neutral map does to held-out pairs, by how it is fitted.

The map's settings are chosen by these curves, not by what a benchmark says of them. Vectors are
embedded once, before they are scaled to unit length; each point of a curve fits a map anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib.data.benchmark import ALL, Benchmark
from hbtlib.encoders import erasure
from hbtlib.encoders.erasure import AffineMap
from hbtlib.evaluation.bias import bias
from hbtlib.evaluation.metrics import measure
from hbtlib.search.ranking import rank_vectors
from hbtlib.study.encoders_vectors import unit_length

Floats = NDArray[np.floating]
ByLanguage = dict[str, Floats]

NUMBERS = (10, 20, 50, 100, 200, 400, 800, 1600)
RIDGES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
SHARES = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
AS_IT_IS = "as it is"


@dataclass(frozen=True)
class HeldOut:
    """Held-out pairs as a benchmark, with vectors that are not yet scaled to unit length.

    Attributes:
        benchmark: the pairs (`Pairs.to_benchmark`).
        queries: (Q, d) the vectors of its queries.
        passages: (N, d) those of its passages.
    """

    benchmark: Benchmark
    queries: Floats
    passages: Floats

    def ranks(self, query_map: AffineMap | None, passage_map: AffineMap | None) -> pd.DataFrame:
        """Ranks with mapped vectors; None leaves them as they are."""
        vectors = (mapped(self.queries, query_map), mapped(self.passages, passage_map))
        return rank_vectors(*vectors, self.benchmark)

    def scores(self, query_map: AffineMap | None, passage_map: AffineMap | None) -> pd.DataFrame:
        """The mAP of each setting and the rank distance: measure, setting, value.

        Each is the mean over query languages, or pairs of query language and pool.
        """
        ranks = self.ranks(query_map, passage_map)
        means = measure(ranks, ["mAP"]).groupby("setting", sort=False)["value"].mean()
        rows = [("mAP", setting, value) for setting, value in means.items()]
        distances = bias(ranks).query("measure == 'rank-distance'")
        if len(distances):
            by_language = distances[distances["query_language"] != ALL]["value"]
            rows.append(("rank-distance", "multilingual", by_language.mean()))
        return pd.DataFrame(rows, columns=["measure", "setting", "value"])


def mapped(vectors: Floats, fitted: AffineMap | None) -> NDArray[np.float32]:
    """Maps vectors and scales them to unit length.

    Args:
        vectors: (n, d).
        fitted: the map; None: none.

    Returns:
        (n, d) float32; a vector of zeros stays one.
    """
    return unit_length(vectors if fitted is None else fitted(vectors))


def joined(roles: Mapping[str, ByLanguage], chosen: Sequence[str]) -> ByLanguage:
    """The vectors of each language, those of several roles after each other.

    Args:
        roles: role → language → (n, d).
        chosen: the roles to take.
    """
    languages = roles[chosen[0]]
    return {code: np.concatenate([roles[role][code] for role in chosen]) for code in languages}


class Settings(NamedTuple):
    """How a map is fitted: the arguments of `erasure.fit`."""

    method: str
    directions: int | None
    ridge: float
    centre: float

    def fit(self, vectors: ByLanguage) -> AffineMap:
        """Fits the map."""
        return erasure.fit(vectors, **self._asdict())


class Point(NamedTuple):
    """A point of a curve: the settings of its map, and the vectors it is fitted on."""

    curve: str
    x: float
    settings: Settings
    vectors: ByLanguage


def curves(roles: Mapping[str, ByLanguage], held_out: HeldOut, used: Settings) -> pd.DataFrame:
    """Measures maps that differ in one setting from the one that is used.

    Args:
        roles: "query" and "passage" → language → (n, d) vectors of the texts that maps are fitted
            on, as they are before they are scaled to unit length.
        held_out: what they are measured on.
        used: the settings that are used.

    Returns:
        A row a point and measure: curve ("texts": how many of each language; "directions";
        "ridge"; "centre"; "role": as what the texts are embedded; "none": no map), method, x (a
        number, or a role), measure, setting, value.
    """
    both = joined(roles, ("query", "passage"))
    points = [*_fewer_texts(roles, used), *_other_settings(both, used)]
    parts = [held_out.scores(None, None).assign(curve="none", method=AS_IT_IS, x=AS_IT_IS)]
    for point in points:
        fitted = point.settings.fit(point.vectors)
        scores = held_out.scores(fitted, fitted)
        method = point.settings.method
        parts.append(scores.assign(curve=point.curve, method=method, x=point.x))
    for x, maps in _by_role(roles, used).items():
        parts.append(held_out.scores(*maps).assign(curve="role", method=used.method, x=x))
    order = ["curve", "method", "x", "measure", "setting", "value"]
    return pd.concat(parts, ignore_index=True)[order]


def _fewer_texts(roles: Mapping[str, ByLanguage], used: Settings) -> Iterator[Point]:
    most = len(next(iter(roles["query"].values())))
    # Sources follow each other; texts are drawn, so that fewer texts are of all of them.
    order = np.random.default_rng(0).permutation(most)
    for number in [*(n for n in NUMBERS if n < most), most]:
        rows = order[:number]
        fewer = {r: {code: v[rows] for code, v in found.items()} for r, found in roles.items()}
        vectors = joined(fewer, ("query", "passage"))
        for method in erasure.METHODS:
            yield Point("texts", number, used._replace(method=method, directions=None), vectors)


def _other_settings(both: ByLanguage, used: Settings) -> Iterator[Point]:
    plain = used._replace(directions=None)
    for value in RIDGES:
        yield Point("ridge", value, plain._replace(method="translations", ridge=value), both)
    for value in SHARES:
        for method in erasure.METHODS:
            yield Point("centre", value, plain._replace(method=method, centre=value), both)
    for number in range(1, len(both)):
        yield Point("directions", number, used._replace(method="means", directions=number), both)


def _by_role(
    roles: Mapping[str, ByLanguage], used: Settings
) -> dict[str, tuple[AffineMap, AffineMap]]:
    """The maps of queries and passages, by as what the texts are embedded."""
    queries, passages = used.fit(roles["query"]), used.fit(roles["passage"])
    both = used.fit(joined(roles, ("query", "passage")))
    return {
        "query": (queries, queries),
        "passage": (passages, passages),
        "both": (both, both),
        "a map each": (queries, passages),
    }


def seen_or_not(vectors: ByLanguage, held_out: HeldOut, used: Settings) -> pd.DataFrame:
    """What a map does for a language whose texts it was not fitted on.

    Args:
        vectors: language → (n, d), what maps are fitted on.
        held_out: what they are measured on.
        used: how they are fitted.

    Returns:
        For each language of the held-out queries that there are vectors of: query_language, arm
        ("as it is", "fitted without it", "fitted with it"), measure (mAP), value: in the pool of
        all languages. No row for vectors of two languages, of which none can be left out.
    """
    asked = set(held_out.benchmark.queries["language"])
    before, after = (_by_language(held_out, m) for m in (None, used.fit(vectors)))
    rows = []
    for code in sorted(asked & set(vectors)) if len(vectors) > 2 else []:
        others = {other: found for other, found in vectors.items() if other != code}
        without = _by_language(held_out, used.fit(others))
        rows += [
            (code, AS_IT_IS, before[code]),
            (code, "fitted without it", without[code]),
            (code, "fitted with it", after[code]),
        ]
    table = pd.DataFrame(rows, columns=["query_language", "arm", "value"])
    return table.assign(measure="mAP")


def _by_language(held_out: HeldOut, fitted: AffineMap | None) -> dict[str, float]:
    """The mAP in the pool of all languages, by query language."""
    measured = measure(held_out.ranks(fitted, fitted), ["mAP"])
    joint = measured[measured["pool"] == ALL]
    return dict(zip(joint["query_language"].astype(str), joint["value"], strict=True))
