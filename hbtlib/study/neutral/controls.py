"""The control without training in a run: the language-neutral map of that run's own encoder.

A map is named as `hbtlib.study.values.MapName` describes it, such as `translations:xnli`: a method
of `hbt.neutralise` and the training pairs of the catalog whose texts it is fitted on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hbtlib.data.benchmark import Benchmark
from hbtlib.encoders import erasure
from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.neutral import check_map_texts, neutralise
from hbtlib.study.encoders_vectors import unit_length
from hbtlib.study.neutral.texts import check_not_evaluated, read_texts
from hbtlib.study.values import check_map_name

ROLE = "passage"
"""As what the texts are embedded; notebook 13 shows that roles make no difference."""


def fit_map(
    encoder: Encoder, name: str, benchmarks: Mapping[str, Benchmark], precision: str
) -> erasure.AffineMap:
    """Fits a map on an encoder's vectors of unit length.

    Args:
        encoder: the encoder, trained or not.
        name: of the map.
        benchmarks: what the map is tried on, of which its texts may hold nothing.
        precision: fp32, bf16 or fp16, as the benchmarks are embedded.

    Returns:
        The map, for vectors of unit length.

    Raises:
        ValueError: if the texts stand in a benchmark, or the pairs cannot serve.
    """
    method, texts = _texts(name, benchmarks)
    together = [text for found in texts.values() for text in found]
    vectors = unit_length(encoder.embed(together, ROLE, precision=precision, progress=False))
    ends = np.cumsum([len(found) for found in texts.values()])[:-1]
    by_language = dict(zip(texts, np.split(vectors, ends), strict=True))
    return erasure.fit(by_language, method)


def load_start(
    name: str,
    options: Mapping[str, Any],
    benchmarks: Mapping[str, Benchmark],
    max_length: int | None,
) -> Encoder:
    """Loads the encoder that a run starts from, with a language-neutral map if one is asked for.

    Args:
        name: as `hbt.Encoder.load` takes it.
        options: more for `hbt.Encoder.load`; and `neutral`, the name of a map.
        benchmarks: what the run is evaluated on, of which the map's texts may hold nothing.
        max_length: tokens a text is cut to; None: the encoder's own.

    Raises:
        ValueError: if the map's texts stand in a benchmark, or the pairs cannot serve.
    """
    others = {option: value for option, value in options.items() if option != "neutral"}
    encoder = Encoder.load(name, max_length=max_length, **others)
    if "neutral" not in options:
        return encoder
    method, texts = _texts(options["neutral"], benchmarks)
    found = neutralise(encoder, texts, method, role=ROLE)
    assert isinstance(found, Encoder)  # it was one
    return found


def _texts(name: str, benchmarks: Mapping[str, Benchmark]) -> tuple[str, dict[str, list[str]]]:
    """The method, and the texts of each language."""
    method, pairs, ids = check_map_name("the map", name)
    texts = check_map_texts(read_texts(pairs, ids), method)
    for benchmark in benchmarks.values():
        check_not_evaluated(texts, benchmark)
    return method, texts
