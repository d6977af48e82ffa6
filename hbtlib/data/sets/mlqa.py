"""MLQA (Lewis et al. 2020, arXiv 1910.07475): which paragraph answers?

There are questions in seven languages, each in two to four of them, and the Wikipedia paragraphs
they were asked of; each language's paragraphs are a pool. Dev has 1,148 questions in English and
500 to 517 in the others. The files are MLQA's own (`dev-context-LANG-question-LANG.json`) or the
hub's (`MLQA.LANG.LANG/validation-*.parquet` of google/xtreme). The seven same-language files hold
every question and paragraph of the 49; the others only pair them differently. The licence is
CC BY-SA 3.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.formats.squad import Paragraph, read_rows, read_squad
from hbtlib.data.formats.squad_benchmarks import paragraph_benchmark

FOLDERS = ("mlqa-dev", "mlqa")
LANGUAGES = ("ar", "de", "en", "es", "hi", "vi", "zh")
XTREME = Hub("google/xtreme", "ec5f1f46e9af79639a90684a7a70a956c4998f04")
SPLITS = {"dev": "validation", "test": "test"}  # MLQA's names → the hub's


def load_benchmark(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None, split: str = "dev"
) -> Benchmark:
    """Loads MLQA with whole paragraphs as passages.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: the languages; None takes all seven.
        split: "dev" or "test".

    Raises:
        DataError: for a language or split it lacks, and a file that is not what it should be.
    """
    return paragraph_benchmark("mlqa", read_paragraphs("mlqa", data, languages, split))


def read_paragraphs(
    name: str, data: str | Path | None, languages: Sequence[str] | None, split: str
) -> dict[str, list[Paragraph]]:
    """Reads the paragraphs of each language, from whichever of the two layouts is there.

    Args:
        name: the dataset, for messages.
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: the languages; None takes all seven.
        split: "dev" or "test".

    Raises:
        DataError: for a language or split it lacks, and a file that is not what it should be.
    """
    if split not in SPLITS:
        raise DataError(f"{name} has no split {split!r}; it has {', '.join(SPLITS)}")
    source = Source(name, local_folder(name, data, (f"mlqa-{split}", "mlqa")), XTREME)
    found = {}
    for language in choose_languages(name, languages, LANGUAGES):
        own = f"{split}-context-{language}-question-{language}.json"
        hub = f"MLQA.{language}.{language}/{SPLITS[split]}-00000-of-00001.parquet"
        if source.folder is None or source.has(hub):
            found[language] = read_rows(source.path(hub))
        else:
            found[language] = read_squad(source.path(own))
    return found
