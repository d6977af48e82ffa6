"""MTOP with the domain in the place of the intent: an easier judgement of the same utterances.

Queries and pools are drawn as those of `mtop`; relevant are the utterances of the query's domain
(alarm, calling, event, messaging, music, news, people, recipes, reminder, timer, weather).
It is a benchmark of its own, so that one run is evaluated on both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.sets import mtop

FOLDERS = mtop.FOLDERS
LANGUAGES = mtop.LANGUAGES
SPLITS = mtop.SPLITS


def load_benchmark(
    data: str | Path | None = None,
    *,
    languages: Sequence[str] | None = None,
    per_language: int = 200,
    split: str = "test",
) -> Benchmark:
    """Loads MTOP, with utterances of the query's domain relevant.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: the languages; None takes all six.
        per_language: how many queries a language, at most.
        split: as of `mtop`.

    Raises:
        DataError: as `mtop.load_benchmark` does.
    """
    found = mtop.load_benchmark(
        data, languages=languages, label="domain", per_language=per_language, split=split
    )
    return replace(found, name="mtop-domain")
