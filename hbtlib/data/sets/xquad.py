"""XQuAD (Artetxe et al. 2020, arXiv 1910.11856): which paragraph answers?

There are 1,190 questions in 12 languages (Romanian beside XQuAD-R's), all parallel. As in mteb's
retrieval form of it, the passages are whole paragraphs, 240 in each language. The files are the
hub's (`xquad.LANG/validation-*.parquet` of google/xquad), XQuAD's own (`xquad.LANG.json`), or
XQuAD-R's (`LANG.json`), which hold the same paragraphs. The licence is CC BY-SA 4.0.
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
from hbtlib.languages import EVALUATED

FOLDERS = ("xquad", "xquad-r")
LANGUAGES = tuple(sorted((*EVALUATED, "ro")))
GOOGLE = Hub("google/xquad", "51adfef1c1287aab1d2d91b5bead9bcfb9c68583")
LAYOUTS = ("xquad.{}/validation-00000-of-00001.parquet", "xquad.{}.json", "{}.json")
"""The names of a language's file; the first is the hub's."""


def load_benchmark(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None
) -> Benchmark:
    """Loads XQuAD with whole paragraphs as passages.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: the languages; None takes all that the folder has, or all twelve of the hub.

    Raises:
        DataError: for a language it lacks, and a file that is not what it should be.
    """
    source = Source("xquad", local_folder("xquad", data, FOLDERS), GOOGLE)
    have = LANGUAGES
    if source.folder is not None:
        have = tuple(language for language in LANGUAGES if source.has(_file(source, language)))
    if not have:
        layouts = " or ".join(layout.format("de") for layout in LAYOUTS)
        raise DataError(
            f"xquad: {source.folder} has no {layouts}; give data= the folder that has one of them"
        )
    files = {
        language: _read(source.path(_file(source, language)))
        for language in choose_languages("xquad", languages, have)
    }
    return paragraph_benchmark("xquad", files)


def _file(source: Source, language: str) -> str:
    """The language's file in the first layout that the folder has, else in the hub's layout."""
    names = [layout.format(language) for layout in LAYOUTS]
    return next((name for name in names if source.has(name)), names[0])


def _read(file: Path) -> list[Paragraph]:
    return read_rows(file) if file.suffix == ".parquet" else read_squad(file)
