"""All vectors that the recipe needs, embedded once, and what is made of them with a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hbtlib.data.benchmark import Benchmark
from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.erasure import AffineMap, LanguageMaps
from hbtlib.encoders.function import load_encoder
from hbtlib.encoders.neutral import ROLES, with_map
from hbtlib.encoders.weights import quiet
from hbtlib.study.encoders_measured import Measured, measure_vectors
from hbtlib.study.encoders_vectors import KeptVectors, unit_length
from hbtlib.study.neutral.curves import ByLanguage, Settings, joined, mapped

COMPARED = 20
"""Texts whose vectors are compared with those of sentence-transformers."""


class Vectors:
    """An encoder's vectors of the texts that a map is fitted on and of what it is tried on.

    Args:
        encoder: the encoder's name, as `hbt.load_encoder` takes it.
        options: more for its loader.
        texts: language → the texts that maps are fitted on.

    Attributes:
        kept: the encoder, whose vectors are kept on disk before they are scaled to unit length.
        texts: role → language → (n, d), the vectors that maps are fitted on; set by `embed`.
    """

    def __init__(
        self, encoder: str, options: Mapping[str, Any], texts: Mapping[str, Sequence[str]]
    ) -> None:
        self.name, self.options, self.given = encoder, dict(options), texts
        self.kept = KeptVectors(encoder, **self.options)
        self.texts: dict[str, ByLanguage] = {}

    def embed(self, *benchmarks: Benchmark) -> None:
        """Embeds everything that is not kept yet, with one bar that shows the time left.

        Args:
            benchmarks: what is ranked later.
        """
        together = [text for found in self.given.values() for text in found]
        work: list[tuple[str, str, Sequence[str]]] = []
        for role in ROLES["both"]:
            work.append((f"texts as {role}", role, together))
        for benchmark in benchmarks:
            work.append((f"queries of {benchmark.name}", "query", list(benchmark.queries["text"])))
            passages = list(benchmark.passages["text"])
            work.append((f"passages of {benchmark.name}", "passage", passages))
        self.kept.embed_all(work)
        ends = np.cumsum([len(found) for found in self.given.values()])[:-1]
        for role in ROLES["both"]:
            parts = np.split(self.kept.embed(together, role), ends)
            self.texts[role] = dict(zip(self.given, parts, strict=True))

    def for_fit(self, role: str) -> ByLanguage:
        """The vectors that a map is fitted on, by language.

        Args:
            role: "query", "passage" or "both", whose vectors follow each other.
        """
        return joined(self.texts, ROLES[role])

    def fit(self, settings: Settings, role: str) -> AffineMap:
        """Fits a map.

        Args:
            settings: how.
            role: as what its texts are embedded.
        """
        return settings.fit(self.for_fit(role))

    def of(self, benchmark: Benchmark) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The vectors of a benchmark's queries and passages, before they are scaled."""
        return self.kept.benchmark(benchmark)

    def measured(self, benchmark: Benchmark, fitted: AffineMap | None) -> Measured:
        """Every measure on a benchmark.

        Args:
            benchmark: the benchmark.
            fitted: the map; None: the encoder as it is.
        """
        queries, passages = self.of(benchmark)
        return measure_vectors(mapped(queries, fitted), mapped(passages, fitted), benchmark)

    def measured_with_labels(self, benchmark: Benchmark, maps: LanguageMaps) -> Measured:
        """Every measure, where each text gets the map of its language.

        Args:
            benchmark: the benchmark; the maps must have all its languages.
            maps: a map for each language.
        """
        both = zip(self.of(benchmark), (benchmark.queries, benchmark.passages), strict=True)
        queries, passages = (
            unit_length(maps(found, table["language"].astype(str).tolist()))
            for found, table in both
        )
        return measure_vectors(queries, passages, benchmark)

    def saved(self, fitted: AffineMap, folder: str | Path) -> float | None:
        """Saves the encoder with the map, and compares it with what is ranked here.

        Args:
            fitted: the map.
            folder: where the encoder goes.

        Returns:
            The largest difference between a vector from sentence-transformers, which loads the
            folder alone, and the mapped vector here; None for an encoder that is a function and has
            no folder.
        """
        encoder = with_map(load_encoder(self.name, **self.options), fitted)
        if not isinstance(encoder, Encoder):
            return None
        from sentence_transformers import SentenceTransformer

        encoder.save(folder)
        with quiet():  # transformers tells of the pooling layer, which is not used
            loaded = SentenceTransformer(str(folder), device="cpu")
        together = [text for found in self.given.values() for text in found]
        chosen = together[:: max(1, len(together) // COMPARED)]
        theirs = loaded.encode(chosen, prompt_name="query", show_progress_bar=False)
        return float(np.abs(theirs - mapped(self.kept.embed(chosen, "query"), fitted)).max())
