"""MS MARCO's dev queries mixed of Chinese and English: does mixing hurt, and how much of it?

There are 12,706 mixed forms (language `zh-en`) of 2,883 English queries, made by a language model
from mMARCO's English and Chinese, in five degrees by the share of Chinese in them: 0–20 % (2,509),
20–40 % (2,623), 40–60 % (2,560), 60–80 % (2,471) and 80–100 % (2,543). A query looks for its
English original among all 6,980 of MS MARCO's small dev set; MS MARCO's passages are not part of
it. The forms of one original are one question, so that a comparison of degrees is paired.

The files are BEIR's (`queries.jsonl`, `corpus.jsonl`, `qrels/test.tsv`), with ids "QID:DEGREE". The
data are those of github.com/cmHuang777/codemix-dense-retrieval, which states no licence; MS MARCO
is for research that is not commercial.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.source import choose_languages, local_folder
from hbtlib.data.sets import folder as beir_folder

FOLDERS = ("mmarco-codemixed",)
LANGUAGES = ("en", "zh-en")
DEGREES = ("0-20", "20-40", "40-60", "60-80", "80-100")
SETTINGS = ("cross-lingual", "multilingual")


def load_benchmark(
    data: str | Path | None = None,
    *,
    degree: str | None = None,
    languages: Sequence[str] | None = None,
) -> Benchmark:
    """Loads the mixed queries.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`.
        degree: the share of Chinese in per cent: "0-20", "20-40", "40-60", "60-80" or "80-100";
            None takes all five.
        languages: "zh-en" and "en", the two there are.

    Raises:
        DataError: for another degree, one language alone, and a file that is missing or not what it
            should be.
    """
    if degree is not None and degree not in DEGREES:
        raise DataError(f"mmarco-codemixed: degree is {degree!r}; it is {', '.join(DEGREES)}")
    wanted = choose_languages("mmarco-codemixed", languages, LANGUAGES)
    if len(wanted) < len(LANGUAGES):
        raise DataError(
            f"mmarco-codemixed: queries are zh-en and passages en, so there is nothing in "
            f"{wanted[0]} alone; leave languages out"
        )
    folder = local_folder("mmarco-codemixed", data, FOLDERS)
    if folder is None:
        raise DataError(
            "mmarco-codemixed is not published in this form: put a folder mmarco-codemixed/ in "
            "BEIR's layout into the folder that HBT_DATA names, or give it as data="
        )
    every = beir_folder.load_benchmark(folder, called="mmarco-codemixed")
    degrees = degrees_of(every.queries["query_id"])
    unknown = every.queries.loc[~degrees.isin(DEGREES), "query_id"]
    if len(unknown):
        raise DataError(
            f"{folder}: the query {unknown.iloc[0]!r} ends with no degree of mixing "
            f"({', '.join(DEGREES)}); name queries QID:DEGREE"
        )
    queries = every.queries[degrees == degree] if degree else every.queries
    judged = every.judgements["query_id"].isin(queries["query_id"])
    if not judged.any():
        raise DataError(f"{folder}: no query of the degree {degree} is judged")
    return Benchmark(every.name, queries, every.passages, every.judgements[judged], SETTINGS)


def degrees_of(query_ids: pd.Series) -> pd.Series:
    """The degree of mixing that queries have.

    Args:
        query_ids: ids "QID:DEGREE".

    Returns:
        The part behind the last colon, such as "0-20".
    """
    return query_ids.astype("str").str.rpartition(":")[2]
