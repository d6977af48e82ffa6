"""Belebele: which of FLORES' passages does a question ask of? (Bandarkar et al. 2024, arXiv 2308.16884.)

900 questions on 488 passages, parallel in 122 language variants; each language's passages are a pool. Read from the
hub's files (`deu_Latn/test-*.parquet` of mteb/belebele), one a variant. CC BY-SA 4.0. Languages are named by the code before
the script (ISO 639-1 where there is one); `languages=` takes these, or a variant of Belebele's where the script matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hbtlib.data.benchmark import Benchmark, judged
from hbtlib.data.formats.files import DataError, read_parquet, text, unique, whole_number
from hbtlib.data.source import Hub, Source, local_folder

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
"""The variants of the languages of `hbtlib.languages`; any other is named by its own code (yue_Hant, kac_Latn)."""

_COLUMNS = ("link", "question_number", "flores_passage", "question")


def load_benchmark(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None
) -> Benchmark:
    """Belebele in these languages (default: the twenty of `hbtlib.languages`); answers are not used."""
    source = Source("belebele", local_folder("belebele", data, FOLDERS), MTEB)
    queries, passages, gold = [], [], []
    for language in languages or tuple(VARIANTS):
        variant = VARIANTS.get(language, language)
        if "_" not in variant:
            raise DataError(
                f"belebele: no variant of {language!r} is known here; give Belebele's own code, such as "
                f"zsm_Latn, or one of {' '.join(VARIANTS)}"
            )
        found: dict[str, str] = {}  # link → passage: a link names one passage, in every language
        seen: dict[str, str] = {}
        for place, row in read_parquet(
            source.path(f"{variant}/test-00000-of-00001.parquet"), _COLUMNS
        ):
            passage, link = text(row, "flores_passage", place), text(row, "link", place)
            question_id = (
                f"{link}#{whole_number(row['question_number'], place, 'the question_number')}"
            )
            unique(seen, question_id, place, "the question")
            if found.setdefault(link, passage) != passage:
                raise DataError(
                    f"{place}: the link {link} had another passage further up; fetch the file again"
                )
            queries.append(
                (f"{question_id}:{language}", question_id, language, text(row, "question", place))
            )
            gold.append((question_id, f"{link}:{language}"))
        passages += [(f"{link}:{language}", language, passage) for link, passage in found.items()]
    table = pd.DataFrame(queries, columns=["query_id", "question_id", "language", "text"])
    pairs = pd.DataFrame(gold, columns=["question_id", "passage_id"])
    pool = pd.DataFrame(passages, columns=["passage_id", "language", "text"])
    return Benchmark("belebele", table, pool, judged(table, pairs))
