"""MLQA-R: MLQA dev as sentence retrieval (LAReQA, arXiv 2004.05484), seven languages, two to four of them a question.

A folder of LAReQA's own files (`LANG.json`, with sentence breaks; CC BY-NC 4.0) is read as it is. Otherwise MLQA dev is
split here, by `sentencex` (LAReQA's splitter was never published), so that the passages are not quite LAReQA's:

| | ar | de | en | es | hi | vi | zh | all |
|---|---|---|---|---|---|---|---|---|
| LAReQA | 2,545 | 2,362 | 6,264 | 1,787 | 2,426 | 2,828 | 2,322 | 20,534 |
| here | 2,461 | 2,446 | 6,730 | 2,078 | 2,337 | 2,878 | 2,290 | 21,220 |

Of those tried that install without a C library (sentencex, uniseg's UAX #29, blingfire; pysbd has no Vietnamese) it comes
nearest, summed over languages; ICU with its suppressions would come a little nearer. On XQuAD-R, whose breaks are known,
it finds those of these seven languages with F1 .92 (zh) to .99 (ar). CC BY-SA 3.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.files import DataError
from hbtlib.data.formats.squad import read_squad, sentence_benchmark, split_sentences
from hbtlib.data.sets import mlqa
from hbtlib.data.sets.xquad_r import LAREQA
from hbtlib.data.source import Source, chosen, local_folder

FOLDERS = ("mlqa-r", *mlqa.FOLDERS)


def load_benchmark(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None, context: str = "none"
) -> Benchmark:
    """MLQA-R, of LAReQA's files or of MLQA dev. context: "none" or "paragraph", as for XQuAD-R."""
    folder = local_folder("mlqa-r", data, FOLDERS)
    wanted = chosen("mlqa-r", languages, mlqa.LANGUAGES)
    if folder is not None and (folder / "el.json").is_file():
        raise DataError(
            f"mlqa-r: {folder} holds XQuAD-R (MLQA has no Greek); give data= the folder of MLQA-R or of MLQA "
            "dev"
        )
    if folder is not None and any((folder / f"{code}.json").is_file() for code in wanted):
        source = Source("mlqa-r", folder, LAREQA)
        return sentence_benchmark(
            "mlqa-r", {code: read_squad(source.path(f"{code}.json")) for code in wanted}, context
        )
    files = mlqa.files("mlqa-r", folder, wanted, "dev")
    return sentence_benchmark("mlqa-r", files, context, split=split_sentences)
