"""Belebele: which of FLORES' passages does a question ask of? (Bandarkar et al. 2024, arXiv 2308.16884.)

900 questions on 488 passages, parallel in 122 language variants; each language's passages are a pool. Read from the
hub's files (`deu_Latn/test-*.parquet` of mteb/belebele), one a variant. CC BY-SA 4.0. Languages are named by the code before
the script (ISO 639-1 where there is one); `languages=` takes these, or a variant of Belebele's where the script matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.read import DataError, read_parquet, text, unique, whole_number
from hbtlib.data.source import Hub, Source, local_folder

FOLDERS = ("belebele",)
MTEB = Hub("mteb/belebele", "979a211276faa22f671e69d096634193567cfd05")
VARIANTS = {
    "ar": "arb_Arab", "bn": "ben_Beng", "de": "deu_Latn", "el": "ell_Grek", "en": "eng_Latn", "es": "spa_Latn",
    "fa": "pes_Arab", "fi": "fin_Latn", "fr": "fra_Latn", "hi": "hin_Deva", "id": "ind_Latn", "ja": "jpn_Jpan",
    "ko": "kor_Hang", "ru": "rus_Cyrl", "sw": "swh_Latn", "te": "tel_Telu", "th": "tha_Thai", "tr": "tur_Latn",
    "vi": "vie_Latn", "zh": "zho_Hans",
}
"""The variants of the languages of `hbtlib.languages`; any other is named by its own code (yue_Hant, kac_Latn)."""

_COLUMNS = ("link", "question_number", "flores_passage", "question")


def load_benchmark(data: str | Path | None = None, *, languages: Sequence[str] | None = None) -> Benchmark:
    """Belebele in these languages (default: the twenty of `hbtlib.languages`); answers are not used."""
    source = Source("belebele", local_folder("belebele", data, FOLDERS), MTEB)
    queries, passages, gold = [], [], []
    for language in languages or tuple(VARIANTS):
        variant = VARIANTS.get(language, language)
        if "_" not in variant:
            raise DataError(f"belebele: no variant of {language!r} is known here; give Belebele's own code, such as "
                            f"zsm_Latn, or "
                            f"one of {' '.join(VARIANTS)}")
        found: dict[str, str] = {}  # the passages of this language: text → id
        seen: dict[str, str] = {}
        asked: dict[str, int] = {}
        for place, row in read_parquet(source.path(f"{variant}/test-00000-of-00001.parquet"), _COLUMNS):
            passage, link = text(row, "flores_passage", place), text(row, "link", place)
            number = whole_number(row["question_number"], place, "the field 'question_number'")
            unique(seen, (passage, number), place, "the passage's question")
            # A link with two passages numbers its questions anew: the place in the file tells them apart, in every language.
            nth = asked[f"{link}#{number}"] = asked.get(f"{link}#{number}", 0) + 1
            question_id = f"{link}#{number}" if nth == 1 else f"{link}#{number}#{nth}"
            if passage not in found:
                found[passage] = f"{language}:{len(found):04}"
                passages.append((found[passage], language, passage))
            queries.append((f"{question_id}:{language}", question_id, language, text(row, "question", place)))
            gold.append((question_id, found[passage]))
    table = pd.DataFrame(queries, columns=["query_id", "question_id", "language", "text"])
    pairs = pd.DataFrame(gold, columns=["question_id", "passage_id"])
    judgements = table[["query_id", "question_id"]].merge(pairs, on="question_id")[["query_id", "passage_id"]]
    return Benchmark("belebele", table, pd.DataFrame(passages, columns=["passage_id", "language", "text"]),
                     judgements.assign(grade=1))

