"""XQuAD: which paragraph answers? (Artetxe et al. 2020, arXiv 1910.11856; the retrieval form mteb uses.)

1,190 questions in 12 languages (Romanian beside XQuAD-R's), all parallel; 240 paragraphs a language, whole, are the
passages. Read from the hub's files (`xquad.LANG/validation-*.parquet` of google/xquad), from XQuAD's own
(`xquad.LANG.json`), or from XQuAD-R's (`LANG.json`), which hold the same paragraphs. CC BY-SA 4.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.files import DataError
from hbtlib.data.formats.squad import paragraph_benchmark, read_rows, read_squad
from hbtlib.data.source import Hub, Source, chosen, local_folder
from hbtlib.languages import EVALUATED

FOLDERS = ("xquad", "xquad-r")
LANGUAGES = tuple(sorted((*EVALUATED, "ro")))
GOOGLE = Hub("google/xquad", "51adfef1c1287aab1d2d91b5bead9bcfb9c68583")


def load_benchmark(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None
) -> Benchmark:
    """XQuAD with whole paragraphs as passages; without `languages` all that the folder has, or all twelve of the hub."""
    source = Source("xquad", local_folder("xquad", data, FOLDERS), GOOGLE)
    layouts = ("xquad.{}/validation-00000-of-00001.parquet", "xquad.{}.json", "{}.json")
    of = {
        code: next(
            (f.format(code) for f in layouts if source.has(f.format(code))), layouts[0].format(code)
        )
        for code in LANGUAGES
    }
    have = tuple(code for code, file in of.items() if source.folder is None or source.has(file))
    if not have:
        raise DataError(
            f"xquad: {source.folder} has no {' or '.join(f.format('de') for f in layouts)}; give data= the "
            "folder that has"
        )
    files = {
        code: (read_rows if of[code].endswith(".parquet") else read_squad)(source.path(of[code]))
        for code in chosen("xquad", languages, have)
    }
    return paragraph_benchmark("xquad", files)
