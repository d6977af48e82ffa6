"""The rows of the study `compression`: measured, kept and put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hbtlib.checks import check_name
from hbtlib.data.benchmark import Benchmark
from hbtlib.encoders.neutral import check_map_texts
from hbtlib.encoders.protocol import EncoderProtocol
from hbtlib.evaluation.holm import holm
from hbtlib.study.compression.declared import (
    MAP,
    Declared,
    declared,
    declared_tests,
    vector_bytes,
)
from hbtlib.study.compression.measured import TABLES, fit_maps, measure_all
from hbtlib.study.encoders import (
    find_benchmarks,
    fitting_texts,
    size_of,
    texts_to_embed,
)
from hbtlib.study.encoders_rankings import RANKINGS
from hbtlib.study.encoders_vectors import KeptVectors, folder_name
from hbtlib.study.folders import lock
from hbtlib.study.project import output_folder
from hbtlib.study.rows import RowFolders

STUDY = "compression"
KEYS = ["encoder", "benchmark", "map", "compression"]
ROWS = RowFolders(
    STUDY,
    TABLES,
    same=("fingerprint", "texts", "texts_a_language", "compressions", "permutations", "samples"),
    asked=("encoder", "name", "texts", "texts_a_language", "compressions"),
)
"""The folders of rows, in `results/compression/`."""


def add(
    encoder: str | EncoderProtocol,
    *,
    name: str = "",
    benchmarks: str | Mapping[str, Benchmark] = "",
    texts: str | Mapping[str, Sequence[str]] = "",
    vectors: Path | None = None,
    asked: Declared | None = None,
    **options: Any,
) -> Path:
    """Measures an encoder under every compression and keeps its rows.

    Texts are embedded once and kept where the study `encoders` keeps them. The rows of a benchmark
    come to their place when all of it is measured.

    Args:
        encoder: a name as `hbt.load_encoder` takes it, or any encoder.
        name: what the table calls it, and its folder; "": made of what it was asked for as.
        benchmarks: names separated by blanks, or name → benchmark; "": those declared.
        texts: what maps are fitted on, as `hbt.study.encoders.add` takes it; "": what is declared.
        vectors: where vectors are kept; None: the folder `vectors` of `HBT_CACHE`.
        asked: what was declared; None: what the project's YAML file declares.
        options: what else `hbt.load_encoder` takes.

    Returns:
        The folder with the rows, `results/compression/NAME`.

    Raises:
        ValueError: if a benchmark, the texts or the encoder cannot be used, or a name is taken.
        OSError: if there is no such encoder.
    """
    asked = asked or declared()
    called = check_name("ROW", name or folder_name(encoder))
    if isinstance(encoder, str) and encoder in RANKINGS:
        raise ValueError(f"{encoder} has no vectors that could be compressed: name an encoder")
    fitted_on, sentences = fitting_texts(texts or asked.texts)
    check_map_texts(sentences, MAP)
    measured_on = find_benchmarks(benchmarks or " ".join(asked.benchmarks))
    kept = KeptVectors(encoder, vectors, **options)
    _check_width(kept, asked)
    folder = ROWS.home / called
    ROWS.check_free(folder, kept.name)
    about = {
        **kept.about._asdict(),
        "name": called,
        "texts": fitted_on,
        "texts_a_language": min(map(len, sentences.values())),
        "text_languages": " ".join(sentences),
        "compressions": {key: dict(given) for key, given in asked.compressions.items()},
        "permutations": asked.permutations,
        "samples": asked.samples,
    }
    with lock(folder.with_name(f".{called}.lock")):
        kept.embed_all(texts_to_embed(measured_on, sentences))
        maps = fit_maps(kept, sentences)
        for label, benchmark in measured_on.items():
            found = measure_all(kept, benchmark, maps, asked)
            for table in found.values():
                table.insert(0, "benchmark", label)
            size = size_of(label, benchmark, None).drop(columns=["texts_embedded", "seconds"])
            ROWS.write(folder, about, {"benchmarks": size, **found})
    folder.with_name(f".{called}.lock").unlink(missing_ok=True)
    return folder


def _check_width(kept: KeptVectors, asked: Declared) -> None:
    """Refuses an encoder with fewer dimensions than a compression keeps."""
    width = kept.about.dimension or 0
    for name, options in asked.compressions.items():
        if (options.get("dimensions") or 0) > width:
            raise ValueError(
                f"{kept.name} has {width} dimensions, fewer than the compression {name!r} keeps: "
                "declare another"
            )


def collect(what: str) -> pd.DataFrame:
    """One table of all encoders, one below the other.

    Args:
        what: one of `TABLES`: `scores` (a row a measure, as in `Measured`), `cost` (what a
            compression changes against float32 after the same map), `effect` (what a map changes
            under a compression), `kept` (the share of the mAP that is kept), `pairs` (the mAP of
            every pair of languages, a column a compression), `pairs_p` (the p of their differences
            from float32, after Holm over the pairs), `benchmarks`.

    Returns:
        The columns encoder, benchmark, map and compression, then those of the table. `cost` and
        `effect` have p_holm too, of the tests that were declared: adjusted over all of them. What
        was not declared, another encoder or benchmark, has a family of tests of its own.

    Raises:
        ValueError: if no encoder has rows, or there is no such table.
    """
    if what in ("cost", "effect"):
        found = tests()
        return found[found["kind"] == what].drop(columns="kind").reset_index(drop=True)
    return ROWS.collect(what)


def tests() -> pd.DataFrame:
    """All comparisons, those of the declared family with p_holm.

    Returns:
        kind ("cost" or "effect"), and the columns of `collect`.
    """
    asked = declared()
    parts = [ROWS.collect(kind).assign(kind=kind) for kind in ("cost", "effect")]
    table = pd.concat(parts, ignore_index=True)
    declared_rows = table["encoder"].isin(asked.encoders) & table["benchmark"].isin(
        asked.benchmarks
    )
    family = table["encoder"].where(~declared_rows, "")
    in_family = np.array([_is_declared(row, asked) for row in table.itertuples()])
    table["p_holm"] = float("nan")
    for name in family.unique():
        mine = (family == name) & in_family
        p = table.loc[mine, "p"].to_numpy()
        # What was declared and is not there yet counts as a test that found nothing.
        absent = max(declared_tests(asked) - len(p), 0) if name == "" else 0
        table.loc[mine, "p_holm"] = holm(np.append(p, np.ones(absent)))[: len(p)]
    return table


def _is_declared(row: Any, asked: Declared) -> bool:
    """Whether a comparison belongs to a family of tests."""
    measure = (row.measure, row.setting)
    if row.kind == "cost":
        return measure in asked.cost
    return row.map == MAP and measure in asked.effect


def sizes() -> pd.DataFrame:
    """The bytes of a vector: encoder, compression, bytes."""
    rows = [
        (name, compression, vector_bytes(int(about["dimension"]), options))
        for name, about in ROWS.abouts().iterrows()
        for compression, options in about["compressions"].items()
    ]
    return pd.DataFrame(rows, columns=["encoder", "compression", "bytes"])


def figures() -> Path:
    """Where the study's figures go."""
    return output_folder() / "figures" / STUDY
