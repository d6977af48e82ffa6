"""XM3600: captions of 3,600 images in 36 languages, as retrieval of captions of the same image.

The data are those of Thapliyal et al. (2022). There is no published text-retrieval protocol for
them; this one is ours. An image has about two captions in each language, each written by looking at
the image, none translated: 261,375 in all. The query is an image's first caption in a language. The
passages are its further captions, and each language's are a pool. Relevant are those of the same
image, in every language.

The first caption never stands in the pool, so that the monolingual setting asks for another
person's words and not for a copy, and the cross-lingual setting for the same in another language.
An image with one caption in a language is asked for in it, but not found in its pool.

Training pairs (`load_pairs`) are the same: the first caption and each further one of its image, so
that a pair of one language is two people's words for one image. One image in twenty is held out.

The files are one of:

- `data/LANG-*.parquet` (mteb), of which the text columns alone are read: the images beside them are
  some 190 MB in each language;
- Google's own `captions.jsonl` (of google.github.io/crossmodal-3600/web-data/captions.zip), one
  line an image: {"image/key", "image/locale", LANG: {"caption": [caption, …], …}, …}. The layout
  was seen in code that reads it: big_vision's datasets/xm3600/xm3600.py (google-research) and
  HELM's Crossmodal3600Scenario.

The licence is CC BY 4.0.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hbtlib.checks import check_choice
from hbtlib.data.benchmark import Benchmark, judge_parallel
from hbtlib.data.formats.checks import DataError, clean, expect, field, short, text, unique
from hbtlib.data.formats.files import read_jsonl, read_parquet
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.pairs import Pairs

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
GOOGLES = "captions.jsonl"
HELD_OUT = 20
"""One image in this many is held out from training."""

Image = tuple[str, list[str]]
"""An image's id and its captions in a language, one at least."""


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
    wanted = choose_languages("xm3600", languages, LANGUAGES)
    own = read_captions(source.path(GOOGLES), wanted) if source.has(GOOGLES) else {}
    for language in wanted:
        for image, captions in own[language] if own else _read(source, language):
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


def load_pairs(
    data: str | Path | None = None,
    *,
    languages: Sequence[str] | None = None,
    split: str = "train",
) -> Pairs:
    """Loads XM3600 as pairs of captions of the same image.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: the languages; None takes all 36.
        split: "train", or "validation" for the images that are held out.

    Raises:
        DataError: as `load_benchmark` does.
        ValueError: for another split, or if no image is in it.
    """
    check_choice("xm3600: split", split, ("train", "validation"))
    pairs = Pairs.from_benchmark(load_benchmark(data, languages=languages))
    images = pairs.dataset["id"]
    is_held_out = np.array([zlib.crc32(image.encode()) % HELD_OUT == 0 for image in images])
    return pairs.select(np.flatnonzero(is_held_out == (split == "validation")))


def _read(source: Source, language: str) -> Iterator[Image]:
    """The images of a language's files."""
    seen: dict[str, str] = {}
    for file in source.columns(f"data/{language}-*.parquet", COLUMNS):
        for place, row in read_parquet(file, COLUMNS):
            image = text(row, "image_id", place)
            unique(seen, image, place, "the image")
            yield image, _captions(field(row, "captions", list, place), image, place)


def read_captions(file: Path, languages: Sequence[str]) -> dict[str, list[Image]]:
    """Reads Google's `captions.jsonl`.

    Args:
        file: the file.
        languages: the languages to read.

    Returns:
        Language → its images, in the file's order.

    Raises:
        DataError: for a file without a line, and a line that lacks one of the languages.
    """
    found: dict[str, list[Image]] = {language: [] for language in languages}
    seen: dict[str, str] = {}
    for place, record in read_jsonl(file):
        image = text(record, "image/key", place)
        unique(seen, image, place, "the image")
        for language, images in found.items():
            if language not in record:
                raise DataError(
                    f"{place}: the image {short(image)} has no captions in {language!r}; leave the "
                    "language out, or fetch the whole file"
                )
            at = f"{place}, {language}"
            forms = expect(record[language], dict, at, "what stands there")
            images.append((image, _captions(field(forms, "caption", list, at), image, at)))
    if not seen:
        raise DataError(f"{file}: no image in it; download it again")
    return found


def _captions(values: list[object], image: str, place: str) -> list[str]:
    """An image's captions, each a text; one at least."""
    captions = [
        clean(expect(caption, str, place, "a caption"), place, "a caption") for caption in values
    ]
    if not captions:
        raise DataError(f"{place}: the image {short(image)} has no caption; leave it out")
    return captions
