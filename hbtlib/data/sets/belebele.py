"""Belebele (arXiv 2308.16884): which of FLORES' passages does a question ask of?

The data are those of Bandarkar et al. (2024): 900 questions on 488 passages, parallel in 122
language variants. Each language's passages are a pool. The files are the hub's
(`deu_Latn/test-*.parquet` of mteb/belebele), one for each variant. The licence is CC BY-SA 4.0.

Languages are named by the code before the script (ISO 639-1 where there is one). `languages=` takes
these codes, or a variant of Belebele's where the script matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hbtlib.data.benchmark import Benchmark, judge_parallel
from hbtlib.data.formats.checks import DataError, text, unique, whole_number
from hbtlib.data.formats.files import read_parquet
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.source import Source, local_folder
from hbtlib.data.given import check_languages

FOLDERS = ("belebele",)
MTEB = Hub("mteb/belebele", "979a211276faa22f671e69d096634193567cfd05")
VARIANTS = {
    "ar": "arb_Arab",
    "bn": "ben_Beng",
    "de": "deu_Latn",
    "el": "ell_Grek",
    "en": "eng_Latn",
    "es": "spa_Latn",
    "fa": "pes_Arab",
    "fi": "fin_Latn",
    "fr": "fra_Latn",
    "hi": "hin_Deva",
    "id": "ind_Latn",
    "ja": "jpn_Jpan",
    "ko": "kor_Hang",
    "ru": "rus_Cyrl",
    "sw": "swh_Latn",
    "te": "tel_Telu",
    "th": "tha_Thai",
    "tr": "tur_Latn",
    "vi": "vie_Latn",
    "zh": "zho_Hans",
}
"""The variants of the languages of `hbtlib.languages`.

Any other variant is named by its own code (yue_Hant, kac_Latn).
"""
LANGUAGES = tuple(VARIANTS)
COLUMNS = ("link", "question_number", "flores_passage", "question")


def load_benchmark(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None
) -> Benchmark:
    """Loads Belebele; its answers are not used.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: the languages, or Belebele's own variants; None takes the twenty of
            `hbtlib.languages`.

    Raises:
        DataError: for a variant it lacks, and a file that is not what it should be.
    """
    source = Source("belebele", local_folder("belebele", data, FOLDERS), MTEB)
    wanted = check_languages("belebele", languages) or LANGUAGES
    tables = [_read(source, language) for language in wanted]
    queries = pd.concat([asked for asked, _ in tables], ignore_index=True)
    passages = pd.concat([pool for _, pool in tables], ignore_index=True)
    gold = queries[["question_id", "passage_id"]]
    return Benchmark(
        "belebele",
        queries[["query_id", "question_id", "language", "text"]],
        passages,
        judge_parallel(queries, gold),
    )


def _read(source: Source, language: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A language's queries, each with the id of its passage, and its passages."""
    queries = []
    passages: dict[str, str] = {}  # link → passage: a link names one passage in every language
    seen: dict[str, str] = {}
    file = source.path(f"{_variant(language)}/test-00000-of-00001.parquet")
    for place, row in read_parquet(file, COLUMNS):
        passage = text(row, "flores_passage", place)
        link = text(row, "link", place)
        number = whole_number(row["question_number"], place, "the question_number")
        question_id = f"{link}#{number}"
        unique(seen, question_id, place, "the question")
        if passages.setdefault(link, passage) != passage:
            raise DataError(
                f"{place}: the link {link} had another passage further up; download the file again"
            )
        asked = text(row, "question", place)
        query_id, passage_id = f"{question_id}:{language}", f"{link}:{language}"
        queries.append((query_id, question_id, language, asked, passage_id))
    pool = [(f"{link}:{language}", language, passage) for link, passage in passages.items()]
    columns = ["query_id", "question_id", "language", "text", "passage_id"]
    return (
        pd.DataFrame(queries, columns=columns),
        pd.DataFrame(pool, columns=["passage_id", "language", "text"]),
    )


def _variant(language: str) -> str:
    """Belebele's name of a language."""
    variant = VARIANTS.get(language, language)
    if "_" not in variant:
        raise DataError(
            f"belebele: no variant of {language!r} is known here; give Belebele's own code, such "
            f"as zsm_Latn, or one of {' '.join(VARIANTS)}"
        )
    return variant
