"""TyDiQA-GoldP (Clark et al. 2020, TACL): which paragraph answers, in one of nine languages?

Nothing is parallel: a question and its paragraph stand in one language, so there are the
monolingual pools and the pool of all. Dev has ar 921, bn 113, en 440, fi 782, id 565, ko 276, ru
812, sw 499, te 669 questions. The files are TyDiQA's own (`tydiqa.goldp.LANG.dev.json`) or the
hub's (`secondary_task/*.parquet`, all languages in one); for train also BEIR's layout
(`queries.jsonl`, `corpus.jsonl`, `qrels/train.tsv`). The licence is Apache-2.0. Mr. TyDi and MIRACL
ask questions of TyDiQA's again: check before training on one and evaluating on another.

XTREME's files of train repeat their ids within a language (Swahili has 2,755 questions and 74
distinct ids), and the same ids stand in every language though nothing is parallel. So an id of
train is numbered on and begins with its language: `sw:12`, `sw:12.2`, `sw:12.3`. Of the paragraphs
of train, 72 are in dev too (63 in Swahili, 9 in Korean): `hbt.leave_out` finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.checks import DataError, text
from hbtlib.data.formats.files import Record, read_parquet
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.formats.squad import (
    NameQuestion,
    Paragraph,
    group_rows,
    number_repeated,
    read_squad,
)
from hbtlib.data.formats.squad_benchmarks import paragraph_benchmark
from hbtlib.data.sets import folder as beir_folder

FOLDERS = ("tydiqa-goldp-dev", "tydiqa-goldp")
CODES = {
    "arabic": "ar",
    "bengali": "bn",
    "english": "en",
    "finnish": "fi",
    "indonesian": "id",
    "korean": "ko",
    "russian": "ru",
    "swahili": "sw",
    "telugu": "te",
}
"""The languages' names, with which the ids of the hub's files begin, and their codes."""
LANGUAGES = tuple(sorted(CODES.values()))
GOOGLE = Hub("google-research-datasets/tydiqa", "da78f23f9119363459acbaf46bf89426ff26c259")
SPLITS = {"dev": "validation", "train": "train"}  # TyDiQA's names → the hub's
SETTINGS = ("monolingual", "multilingual")


def load_benchmark(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None, split: str = "dev"
) -> Benchmark:
    """Loads TyDiQA-GoldP.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: the languages; None takes all nine.
        split: "dev", or "train" (49,881 questions, to train on through `hbt.load_pairs`).

    Raises:
        DataError: for a language or split it lacks, and a file that is not what it should be.
    """
    if split not in SPLITS:
        raise DataError(f"tydiqa-goldp has no split {split!r}; it has {', '.join(SPLITS)}")
    folder = local_folder("tydiqa-goldp", data, (f"tydiqa-goldp-{split}", "tydiqa-goldp"))
    if folder is not None and (folder / "queries.jsonl").is_file():
        found = beir_folder.load_benchmark(
            folder, split=split, languages=languages, called="tydiqa-goldp"
        )
        return replace(found, settings=SETTINGS)
    source = Source("tydiqa-goldp", folder, GOOGLE)
    wanted = choose_languages("tydiqa-goldp", languages, LANGUAGES)
    hub = f"secondary_task/{SPLITS[split]}-00000-of-00001.parquet"
    if folder is None or source.has(hub):
        files = _read_all_languages(source.path(hub), wanted)
    else:
        # The answers' texts are blank in the files that are handed around.
        files = {
            language: read_squad(
                source.path(f"tydiqa.goldp.{language}.{split}.json"),
                exact=False,
                name=_numbered(language) if split == "train" else None,
            )
            for language in wanted
        }
    return paragraph_benchmark("tydiqa-goldp", files, SETTINGS)


def _numbered(language: str) -> NameQuestion:
    """Gives train's ids, which repeat within and across languages, their language and a number."""
    number = number_repeated()
    return lambda id_, place: number(f"{language}:{id_}", place)


def _read_all_languages(file: Path, wanted: Sequence[str]) -> dict[str, list[Paragraph]]:
    """The paragraphs of each language from the hub's file, whose ids begin with the language."""
    rows: dict[str, list[tuple[str, Record]]] = {language: [] for language in wanted}
    for place, row in read_parquet(file, ["id", "title", "context", "question", "answers"]):
        language = CODES.get(text(row, "id", place).split("-")[0])
        if language is None:
            raise DataError(
                f"{place}: the id {row['id']!r} begins with no language of TyDiQA "
                f"({', '.join(CODES)})"
            )
        if language in rows:
            rows[language].append((place, row))
    lacking = [language for language, found in rows.items() if not found]
    if lacking:
        raise DataError(f"{file}: no question in {' '.join(lacking)}; download it again")
    return {language: group_rows(found, exact=False) for language, found in rows.items()}
