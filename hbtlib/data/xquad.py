"""XQuAD: which paragraph answers? (Artetxe et al. 2020, arXiv 1910.11856; the retrieval form mteb uses.)

1,190 questions in 12 languages (Romanian beside XQuAD-R's), all parallel; 240 paragraphs a language, whole, are the
passages. Read from the hub's files (`xquad.LANG/validation-*.parquet` of google/xquad), from XQuAD's own
(`xquad.LANG.json`), or from XQuAD-R's (`LANG.json`), which hold the same paragraphs. CC BY-SA 4.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.source import Hub, Source, local_folder
from hbtlib.data.squad import chosen, paragraph_benchmark, read_rows, read_squad
from hbtlib.languages import EVALUATED

FOLDERS = ("xquad", "xquad-r")
LANGUAGES = tuple(sorted((*EVALUATED, "ro")))
GOOGLE = Hub("google/xquad", "51adfef1c1287aab1d2d91b5bead9bcfb9c68583")


def load_benchmark(data: str | Path | None = None, *, languages: Sequence[str] | None = None) -> Benchmark:
    """XQuAD with whole paragraphs as passages; without `languages` all that the folder has, or all twelve of the hub."""
    source = Source("xquad", local_folder("xquad", data, FOLDERS), GOOGLE)
    have = EVALUATED if source.has("el.json") else LANGUAGES
    files = {}
    for language in chosen("xquad", languages, have):
        hub, own = f"xquad.{language}/validation-00000-of-00001.parquet", f"xquad.{language}.json"
        if source.folder is None or source.has(hub):
            files[language] = read_rows(source.path(hub))
        else:
            files[language] = read_squad(source.path(own if source.has(own) else f"{language}.json"))
    return paragraph_benchmark("xquad", files)
