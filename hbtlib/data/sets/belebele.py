"""Belebele (arXiv 2308.16884): which of FLORES' passages does a question ask of?

The data are those of Bandarkar et al. (2024): 900 questions on 488 passages, parallel in 122
language variants. Each language's passages are a pool. The licence is CC BY-SA 4.0. The files are
one of:

- the hub's, one for each variant (`deu_Latn/test-*.parquet` of mteb/belebele);
- Belebele's own, `deu_Latn.jsonl` in Belebele.zip and `data/deu_Latn.jsonl` in facebook/belebele:
  one line a question, {"link", "question_number", "flores_passage", "question", "mc_answer1" to
  "mc_answer4", "correct_answer_num", "dialect", "ds"}, as the README files of both describe it;
- `belebele-flores20/`, BEIR's layout: the 178 passages that FLORES-200 devtest holds word for word,
  in the twenty languages of `hbtlib.languages.TWENTY`, with 313 questions in German and English.
  The benchmark is then called `belebele-flores20`, for its scores are not Belebele's.

Languages are named by the code before the script (ISO 639-1 where there is one). `languages=` takes
these codes, or a variant of Belebele's where the script matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from hbtlib.data.benchmark import Benchmark, judge_parallel
from hbtlib.data.formats.checks import DataError, text, unique, whole_number
from hbtlib.data.formats.files import Record, read_jsonl, read_parquet
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.source import Source, local_folder
from hbtlib.data.given import check_languages
from hbtlib.data.sets import folder as beir_folder

PART = "belebele-flores20"
"""The name of the benchmark, and of its folder, that has a part of Belebele's passages."""
FOLDERS = ("belebele", PART)
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
"""The variants of the twenty languages of `hbtlib.languages.TWENTY`.

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
            `hbtlib.languages.TWENTY`.

    Raises:
        DataError: for a variant it lacks, and a file that is not what it should be.
    """
    folder = local_folder("belebele", data, FOLDERS)
    wanted = check_languages("belebele", languages) or LANGUAGES
    if folder is not None and (folder / "corpus.jsonl").is_file():
        return beir_folder.load_benchmark(folder, languages=wanted, called=PART)
    source = Source("belebele", folder, MTEB)
    tables = [read_language(source, language) for language in wanted]
    queries = pd.concat([asked for asked, _ in tables], ignore_index=True)
    passages = pd.concat([pool for _, pool in tables], ignore_index=True)
    gold = queries[["question_id", "passage_id"]]
    return Benchmark(
        "belebele",
        queries[["query_id", "question_id", "language", "text"]],
        passages,
        judge_parallel(queries, gold),
    )


def read_language(source: Source, language: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reads the files of a language.

    Args:
        source: where they are.
        language: the language, or a variant of Belebele's own.

    Returns:
        Its queries, each with the id of its passage, and its passages.

    Raises:
        DataError: naming the line, for what is no question.
    """
    queries = []
    passages: dict[str, str] = {}  # link → passage: a link names one passage in every language
    seen: dict[str, str] = {}
    for place, row in _rows(source, _variant(language)):
        passage = text(row, "flores_passage", place)
        link = text(row, "link", place)
        number = whole_number(row.get("question_number"), place, "the question_number")
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


def _rows(source: Source, variant: str) -> Iterator[tuple[str, Record]]:
    """The questions of a variant, each with its place: from Belebele's own file, or else parquet's.

    Raises:
        DataError: for a file of Belebele's own without a question.
    """
    own = [file for file in (f"{variant}.jsonl", f"data/{variant}.jsonl") if source.has(file)]
    if not own:
        hub = source.path(f"{variant}/test-00000-of-00001.parquet")
        yield from read_parquet(hub, COLUMNS)
        return
    file = source.path(own[0])
    is_empty = True
    for place, row in read_jsonl(file):
        is_empty = False
        yield place, row
    if is_empty:
        raise DataError(f"{file}: no question in it; download it again")


def _variant(language: str) -> str:
    """Belebele's name of a language."""
    variant = VARIANTS.get(language, language)
    if "_" not in variant:
        raise DataError(
            f"belebele: no variant of {language!r} is known here; give Belebele's own code, such "
            f"as zsm_Latn, or one of {' '.join(VARIANTS)}"
        )
    return variant
