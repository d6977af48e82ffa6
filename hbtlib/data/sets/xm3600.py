"""XM3600: captions of 3,600 images in 36 languages, as retrieval of captions of the same image.

The data are those of Thapliyal et al. (2022). There is no published text-retrieval protocol for
them; this one is ours. An image has about two captions in each language, each written by looking at
the image, none translated: 261,375 in all. The query is an image's first caption in a language. The
passages are its further captions, and each language's are a pool. Relevant are those of the same
image, in every language.

The first caption never stands in the pool, so that the monolingual setting asks for another
person's words and not for a copy, and the cross-lingual setting for the same in another language.
An image with one caption in a language is asked for in it, but not found in its pool.

The files are `data/LANG-*.parquet` (mteb), of which the text columns alone are read: the images
beside them are some 190 MB in each language. The licence is CC BY 4.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from hbtlib.data.benchmark import Benchmark, judge_parallel
from hbtlib.data.formats.checks import DataError, clean, expect, field, text, unique
from hbtlib.data.formats.files import read_parquet
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.source import Source, choose_languages, local_folder

FOLDERS = ("xm3600",)
MTEB = Hub("mteb/xm3600", "536cd45bbfe53de9b08c0483bb4a76a4bd3673fa")
# fmt: off
LANGUAGES = (
    "ar", "bn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fil", "fr",
    "he", "hi", "hr", "hu", "id", "it", "ja", "ko", "mi", "nl", "no", "pl",
    "pt", "quz", "ro", "ru", "sv", "sw", "te", "th", "tr", "uk", "vi", "zh",
)
# fmt: on
COLUMNS = ["image_id", "captions"]


def load_benchmark(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None
) -> Benchmark:
    """Loads XM3600.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: the languages; None takes all 36.

    Raises:
        DataError: for a language it lacks, and a file that is not what it should be.
    """
    source = Source("xm3600", local_folder("xm3600", data, FOLDERS), MTEB)
    queries: list[tuple[str, ...]] = []
    passages: list[tuple[str, ...]] = []
    for language in choose_languages("xm3600", languages, LANGUAGES):
        for image, captions in _read(source, language):
            queries.append((f"{image}:{language}", image, language, captions[0]))
            for number, caption in enumerate(captions[1:], 1):
                passages.append((f"{image}:{language}:{number}", image, language, caption))
    asked = pd.DataFrame(queries, columns=["query_id", "question_id", "language", "text"])
    pool = pd.DataFrame(passages, columns=["passage_id", "question_id", "language", "text"])
    return Benchmark(
        "xm3600",
        asked,
        pool[["passage_id", "language", "text"]],
        judge_parallel(asked, pool),
    )


def _read(source: Source, language: str) -> Iterator[tuple[str, list[str]]]:
    """The images of a language's files: each image's id and its captions, one at least."""
    seen: dict[str, str] = {}
    for file in source.columns(f"data/{language}-*.parquet", COLUMNS):
        for place, row in read_parquet(file, COLUMNS):
            image = text(row, "image_id", place)
            unique(seen, image, place, "the image")
            captions = [
                clean(expect(caption, str, place, "a caption"), place, "a caption")
                for caption in field(row, "captions", list, place)
            ]
            if not captions:
                raise DataError(f"{place}: the image {image} has no caption; leave it out")
            yield image, captions
