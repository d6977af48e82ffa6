"""The study `encoders`: language bias of any encoder, as it is and after one linear map.

`add` embeds the benchmarks at hand, measures them twice and leaves small tables in
`results/encoders/NAME/`; `collect` puts the tables of all encoders together. `encoders_command` is
the command that calls them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hbtlib.checks import check_name
from hbtlib.data.benchmark import ALL, Benchmark
from hbtlib.data.catalog import catalog, load_benchmark
from hbtlib.data.formats.checks import DataError
from hbtlib.encoders.neutral import MappedEncoder, check_map_texts, neutralise
from hbtlib.encoders.protocol import EncoderProtocol
from hbtlib.search.scores import rank_scores, top_scores
from hbtlib.study.encoders_measured import (
    TOP,
    Measured,
    changes,
    measure_ranks,
    measure_vectors,
)
from hbtlib.study.encoders_rankings import RANKINGS, Ranking
from hbtlib.study.encoders_vectors import KeptVectors, folder_name, unit_length
from hbtlib.study.folders import lock
from hbtlib.study.neutral.texts import read_texts
from hbtlib.study.project import output_folder
from hbtlib.study.rows import RowFolders

STUDY = "encoders"
BENCHMARKS = ("xquad-r", "mlqa-r", "belebele-flores20", "tydiqa-goldp")
"""What every encoder is measured on, where it is at hand."""

TEXTS = "xnli"
"""The pairs whose passages a map is fitted on, unless others are named."""

COUNT = 400
"""How many texts of each language a map is fitted on."""

AS_IT_IS = "as it is"
MAPS = ("leace", "translations")
"""The methods of `hbt.neutralise` that every encoder is measured with."""

MAP = "translations"
"""The one that pictures show."""

TABLES = ("benchmarks", "scores", "changes", "pairs", "languages", "favoured", "shares")


def add(
    encoder: str | EncoderProtocol,
    *,
    name: str = "",
    benchmarks: str | Mapping[str, Benchmark] = "",
    texts: str | Mapping[str, Sequence[str]] = "",
    vectors: Path | None = None,
    **options: Any,
) -> Path:
    """Measures an encoder, as it is and after one linear map, and keeps its rows of the table.

    Texts are embedded once and kept, so that an interrupted call resumes. The rows come to their
    place together, when all is measured. Rows of benchmarks that are not measured now stay, if the
    encoder and the texts of its map are the same.

    Args:
        encoder: a name as `hbt.load_encoder` takes it, or any encoder; or `bm25`, the ranking by
            words, which has no map.
        name: what the table calls it, and its folder; "": made of what it was asked for as.
        benchmarks: names separated by blanks, or name → benchmark; "": those of `BENCHMARKS` that
            are at hand.
        texts: the pairs of the catalog whose texts the map is fitted on (the passages and queries
            of 400 ids), a folder with a file a language (`de.txt`, a text a line), or language →
            texts; "": XNLI, or WorldFacts where XNLI is not at hand.
        vectors: where vectors are kept; None: the folder `vectors` of `HBT_CACHE`.
        options: what else `hbt.load_encoder` takes.

    Returns:
        The folder with the rows, `results/encoders/NAME`.

    Raises:
        ValueError: if nothing is at hand, a name is taken by another encoder, or a benchmark, the
            texts or the encoder cannot be used.
        OSError: if there is no such encoder.
    """
    called = check_name("ROW", name or folder_name(encoder))
    if isinstance(encoder, str) and encoder in RANKINGS:
        if texts or vectors or options:
            raise ValueError(
                f"{encoder} has no vectors that a map could change: leave the texts (TEXTS) and "
                "the other options out"
            )
        return _add_ranking(RANKINGS[encoder](), called, benchmarks)
    asked = find_benchmarks(benchmarks)
    fitted_on, sentences = fitting_texts(texts)
    check_map_texts(sentences, "translations")  # now, not after minutes of embedding
    kept = KeptVectors(encoder, vectors, **options)
    folder = ROWS.home / called
    ROWS.check_free(folder, kept.name)
    with lock(folder.with_name(f".{called}.lock")):
        kept.embed_all(texts_to_embed(asked, sentences))
        tables = _measure(kept, asked, sentences)
        about = {
            **kept.about._asdict(),
            "name": called,
            "maps": " ".join(MAPS),
            "texts": fitted_on,
            "texts_a_language": min(map(len, sentences.values())),
            "text_languages": " ".join(sentences),
        }
        ROWS.write(folder, about, tables)
    folder.with_name(f".{called}.lock").unlink(missing_ok=True)
    return folder


ROWS = RowFolders(
    STUDY,
    TABLES,
    same=("fingerprint", "maps", "texts", "texts_a_language", "text_languages"),
    asked=("encoder", "name", "maps", "texts", "texts_a_language"),
)
"""The folders of rows, in `results/encoders/`."""


def names() -> list[str]:
    """The encoders that have rows, in the order of their names."""
    return ROWS.names()


def read(name: str) -> dict[str, Any]:
    """The tables of one encoder, after a comparison with its manifest.

    Args:
        name: one of `names()`.

    Returns:
        `about`, and a table for each of `TABLES`.

    Raises:
        ValueError: if there are no rows of this encoder.
        DamagedFile: if a file is missing or not what was written.
    """
    return ROWS.read(name)


def collect(what: str) -> pd.DataFrame:
    """One table of all encoders, one below the other.

    Args:
        what: one of `TABLES`: `scores` and `changes` (a row a measure), `pairs` (the mAP of every
            pair of languages), `languages` (measures by query language), `favoured`, `shares`,
            `benchmarks`.

    Returns:
        The columns encoder, benchmark and map, then those of `Measured`.

    Raises:
        ValueError: if no encoder has rows, or there is no such table.
    """
    return ROWS.collect(what)


def abouts() -> pd.DataFrame:
    """What is known of each encoder: a row each, indexed by its name."""
    return ROWS.abouts()


# Steps of `add`


def _add_ranking(ranking: Ranking, called: str, benchmarks: str | Mapping[str, Benchmark]) -> Path:
    """Measures a ranking without vectors, as it is, and keeps its rows of the table."""
    asked = find_benchmarks(benchmarks)
    folder = ROWS.home / called
    ROWS.check_free(folder, ranking.about.encoder)
    with lock(folder.with_name(f".{called}.lock")):
        no_map = {"maps": "none", "texts": "none", "texts_a_language": 0, "text_languages": ""}
        about = {**ranking.about._asdict(), "name": called, **no_map}
        ROWS.write(folder, about, _measure_ranking(ranking, asked))
    folder.with_name(f".{called}.lock").unlink(missing_ok=True)
    return folder


def find_benchmarks(given: str | Mapping[str, Benchmark]) -> dict[str, Benchmark]:
    """The benchmarks to measure, by name; says which are left out."""
    if not isinstance(given, str):
        return dict(given)
    if given.split():
        return {name: load_benchmark(name) for name in given.split()}
    here = [name for name in BENCHMARKS if _is_at_hand(name)]
    left_out = [name for name in BENCHMARKS if name not in here]
    if not here:
        raise DataError(
            f"none of {', '.join(BENCHMARKS)} is at hand: set HBT_DATA to the folder that holds "
            "them, or name others (BENCHMARKS=worldfacts is always at hand)"
        )
    if left_out:
        print(f"left out, for they are not in HBT_DATA: {', '.join(left_out)}", flush=True)
    return {name: load_benchmark(name) for name in here}


def _is_at_hand(name: str) -> bool:
    known = catalog().set_index("name")["offline"]
    return bool(known.loc[[name]].all())


def fitting_texts(
    given: str | Mapping[str, Sequence[str]],
) -> tuple[str, dict[str, list[str]]]:
    """What the texts that a map is fitted on are called, and the texts of each language."""
    if not isinstance(given, str):
        return "given", {code: list(found) for code, found in given.items()}
    name = given or (TEXTS if _is_at_hand(TEXTS) else "worldfacts")
    if not given and name != TEXTS:
        print(f"{TEXTS} is not in HBT_DATA: the map is fitted on the texts of {name}", flush=True)
    return folder_name(name), read_texts(name, COUNT)


def texts_to_embed(
    asked: Mapping[str, Benchmark], sentences: Mapping[str, Sequence[str]]
) -> list[tuple[str, str, Sequence[str]]]:
    """All texts that are embedded: a label, the role, the texts."""
    together = [text for found in sentences.values() for text in found]
    work: list[tuple[str, str, Sequence[str]]] = []
    for role in ("query", "passage"):
        work.append(("texts", role, together))
    for name, benchmark in asked.items():
        work.append((name, "query", list(benchmark.queries["text"])))
        work.append((name, "passage", list(benchmark.passages["text"])))
    return work


def _measure(
    kept: KeptVectors, asked: Mapping[str, Benchmark], sentences: Mapping[str, Sequence[str]]
) -> dict[str, pd.DataFrame]:
    """All tables, of every benchmark, as it is and after the map."""
    mapped = {method: neutralise(kept, sentences, method) for method in MAPS}
    parts: dict[str, list[pd.DataFrame]] = {table: [] for table in TABLES}
    for name, benchmark in asked.items():
        print(f"{kept.name}: measuring {name}", flush=True)
        plain = kept.benchmark(benchmark)
        scaled = [unit_length(part) if kept.scaled else part for part in plain]
        before = measure_vectors(scaled[0], scaled[1], benchmark)
        parts["benchmarks"].append(size_of(name, benchmark, kept.spent.get(name)))
        after = {which: _after(kept, used, plain, benchmark) for which, used in mapped.items()}
        for which, found in after.items():
            parts["changes"].append(_named(changes(before, found), name, which))
        for which, found in {AS_IT_IS: before, **after}.items():
            for table, rows in _small(found).items():
                parts[table].append(_named(rows, name, which))
    return {table: pd.concat(found, ignore_index=True) for table, found in parts.items()}


def _measure_ranking(ranking: Ranking, asked: Mapping[str, Benchmark]) -> dict[str, pd.DataFrame]:
    """All tables, of every benchmark, as it is; the table of changes has no rows.

    Equal scores are ordered by hash: to mid-ranks, passages that tie would have no distance.
    """
    parts: dict[str, list[pd.DataFrame]] = {table: [] for table in TABLES}
    for name, benchmark in asked.items():
        print(f"{ranking.about.encoder}: measuring {name}", flush=True)
        scores = ranking.of(benchmark)
        best = top_scores(scores, benchmark, k=TOP, ties="hash")
        found = measure_ranks(rank_scores(scores, benchmark, ties="hash"), best, benchmark)
        parts["benchmarks"].append(size_of(name, benchmark, None))
        none = pd.DataFrame(columns=["measure", "setting", "change", "low", "high"])
        parts["changes"].append(_named(none, name, MAP))
        for table, rows in _small(found).items():
            parts[table].append(_named(rows, name, AS_IT_IS))
    return {table: pd.concat(found, ignore_index=True) for table, found in parts.items()}


def _after(
    kept: KeptVectors, mapped: EncoderProtocol, plain: tuple[Any, Any], benchmark: Benchmark
) -> Measured:
    """What the map makes of the vectors; scaled as `hbt.neutralise`'s encoder scales them."""
    assert isinstance(mapped, MappedEncoder)  # as of every encoder that is no hbt.Encoder
    both: list[Any] = [mapped.map(part) for part in plain]
    if kept.scaled or kept.about.kind != "transformer":
        both = [unit_length(part) for part in both]
    return measure_vectors(both[0], both[1], benchmark)


def _small(found: Measured) -> dict[str, pd.DataFrame]:
    """The tables that are kept of a measurement: enough for every picture, a few KB each."""
    measures = set(found.scores["measure"])
    of_language = found.languages["measure"].isin(measures) & (
        found.languages["query_language"] != ALL
    )
    over_all = found.favoured["query_language"] == ALL
    return {
        "scores": found.scores,
        "pairs": found.pairs.drop(columns="metric"),
        "languages": found.languages[of_language],
        "favoured": found.favoured[over_all].drop(columns="query_language"),
        "shares": found.shares,
    }


def _named(table: pd.DataFrame, benchmark: str, which: str) -> pd.DataFrame:
    table = table.reset_index(drop=True)
    table.insert(0, "benchmark", benchmark)
    table.insert(1, "map", which)
    return table


def size_of(name: str, benchmark: Benchmark, spent: Mapping[str, float] | None) -> pd.DataFrame:
    """A benchmark's row: its size, and how long its texts were embedded."""
    spent = spent or {"texts": 0, "seconds": float("nan")}
    return pd.DataFrame(
        {
            "benchmark": [name],
            "languages": " ".join(benchmark.languages),
            "queries": len(benchmark.queries),
            "passages": len(benchmark.passages),
            "texts_embedded": int(spent["texts"]),
            "seconds": round(spent["seconds"], 1),
        }
    )


def figures() -> Path:
    """Where the study's figures go."""
    return output_folder() / "figures" / STUDY
