"""TyDiQA-GoldP: which paragraph answers, asked and written in one of nine languages? (Clark et al. 2020, TACL.)

Nothing is parallel: a question and its paragraph stand in one language, so there are the monolingual pools and the pool
of all. Dev has ar 921, bn 113, en 440, fi 782, id 565, ko 276, ru 812, sw 499, te 669 questions. Read from its files
(`tydiqa.goldp.LANG.dev.json`) or from the hub's (`secondary_task/*.parquet`, all languages in one). Apache-2.0. Mr. TyDi and
MIRACL ask questions of TyDiQA's again: check before training on one and evaluating on another.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.files import DataError, read_parquet, text
from hbtlib.data.formats.squad import Paragraph, group_rows, paragraph_benchmark, read_squad
from hbtlib.data.source import Hub, Source, chosen, local_folder

FOLDERS = ("tydiqa-goldp-dev", "tydiqa-goldp")
NAMES = {
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
LANGUAGES = tuple(sorted(NAMES.values()))
GOOGLE = Hub("google-research-datasets/tydiqa", "da78f23f9119363459acbaf46bf89426ff26c259")
SPLITS = {"dev": "validation", "train": "train"}  # TyDiQA's names → the hub's


def load_benchmark(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None, split: str = "dev"
) -> Benchmark:
    """TyDiQA-GoldP. split: "dev", or "train" (49,881 questions, to train on through `hbt.load_pairs`)."""
    if split not in SPLITS:
        raise DataError(f"tydiqa-goldp has no split {split!r}; it has {', '.join(SPLITS)}")
    source = Source(
        "tydiqa-goldp",
        local_folder("tydiqa-goldp", data, (f"tydiqa-goldp-{split}", "tydiqa-goldp")),
        GOOGLE,
    )
    wanted = chosen("tydiqa-goldp", languages, LANGUAGES)
    hub = f"secondary_task/{SPLITS[split]}-00000-of-00001.parquet"
    if source.folder is None or source.has(hub):
        files = _by_language(source.path(hub), wanted)
    else:
        files = {
            language: read_squad(source.path(f"tydiqa.goldp.{language}.{split}.json"), exact=False)
            for language in wanted
        }
    return paragraph_benchmark("tydiqa-goldp", files, ("monolingual", "multilingual"))


def _by_language(file: Path, wanted: Sequence[str]) -> dict[str, list[Paragraph]]:
    rows: dict[str, list[tuple[str, dict[str, Any]]]] = {language: [] for language in wanted}
    for place, row in read_parquet(file, ["id", "title", "context", "question", "answers"]):
        language = NAMES.get(text(row, "id", place).split("-")[0])
        if language is None:
            raise DataError(
                f"{place}: the id {row['id']!r} begins with no language of TyDiQA ({', '.join(NAMES)})"
            )
        if language in rows:
            rows[language].append((place, row))
    lacking = [language for language, found in rows.items() if not found]
    if lacking:
        raise DataError(f"{file}: no question in {' '.join(lacking)}; fetch it again")
    return {language: group_rows(found, exact=False) for language, found in rows.items()}
