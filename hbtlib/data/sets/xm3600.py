"""XM3600: captions of 3,600 images in 36 languages (Thapliyal et al. 2022), as retrieval of captions of the same image.

There is no published text-retrieval protocol for it; this is ours. An image has two captions or so a language, each
written by looking at the image, none translated: 261,375 in all. The query is an image's first caption in a language; the
passages are its further captions, each language's a pool; relevant are those of the same image, in every language. Why:
the first caption never stands in the pool, so that the monolingual setting asks for another person's words and not for a
copy, and the cross-lingual one for the same in another language. An image with one caption in a language is asked for in
it, but not found in its pool. Read from `data/LANG-*.parquet` (mteb), the text columns alone: the images beside them are
some 190 MB a language. CC BY 4.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hbtlib.data.benchmark import Benchmark, judged
from hbtlib.data.formats.files import DataError, clean, expect, field, read_parquet, text, unique
from hbtlib.data.source import Hub, Source, chosen, local_folder

FOLDERS = ("xm3600",)
MTEB = Hub("mteb/xm3600", "536cd45bbfe53de9b08c0483bb4a76a4bd3673fa")
LANGUAGES = (
    "ar",
    "bn",
    "cs",
    "da",
    "de",
    "el",
    "en",
    "es",
    "fa",
    "fi",
    "fil",
    "fr",
    "he",
    "hi",
    "hr",
    "hu",
    "id",
    "it",
    "ja",
    "ko",
    "mi",
    "nl",
    "no",
    "pl",
    "pt",
    "quz",
    "ro",
    "ru",
    "sv",
    "sw",
    "te",
    "th",
    "tr",
    "uk",
    "vi",
    "zh",
)


def load_benchmark(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None
) -> Benchmark:
    """XM3600 in these languages (default: all 36)."""
    source = Source("xm3600", local_folder("xm3600", data, FOLDERS), MTEB)
    queries, passages = [], []
    for language in chosen("xm3600", languages, LANGUAGES):
        seen: dict[str, str] = {}
        for file in source.columns(f"data/{language}-*.parquet", ["image_id", "captions"]):
            for place, row in read_parquet(file, ["image_id", "captions"]):
                image = text(row, "image_id", place)
                unique(seen, image, place, "the image")
                captions = [
                    clean(expect(c, str, place, "a caption"), place, "a caption")
                    for c in field(row, "captions", list, place)
                ]
                if not captions:
                    raise DataError(f"{place}: the image {image} has no caption; leave it out")
                queries.append((f"{image}:{language}", image, language, captions[0]))
                passages += [
                    (f"{image}:{language}:{n}", image, language, c)
                    for n, c in enumerate(captions[1:], 1)
                ]
    asked = pd.DataFrame(queries, columns=["query_id", "question_id", "language", "text"])
    pool = pd.DataFrame(passages, columns=["passage_id", "question_id", "language", "text"])
    return Benchmark("xm3600", asked, pool[["passage_id", "language", "text"]], judged(asked, pool))
