"""XQuAD-R (LAReQA, arXiv 2004.05484): which sentence of a multilingual pool answers?

There are 1,190 questions in 11 languages, all parallel. The passages are the 13,014 sentences of
240 paragraphs of 48 Wikipedia articles; a question has one relevant sentence in each language. The
files are LAReQA's `LANG.json`. The licence is CC BY-SA 4.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.formats.squad import read_squad
from hbtlib.data.formats.squad_benchmarks import sentence_benchmark
from hbtlib.data.formats.web import Web
from hbtlib.languages import EVALUATED

FOLDERS = ("xquad-r",)
LANGUAGES = EVALUATED
LAREQA = Web(
    "https://raw.githubusercontent.com/google-research-datasets/lareqa/9bc8c7fb6dd8d01d72a05a93c2cb96882b0d299c",
    {
        "xquad-r/ar.json": "c52922d3b8ac1ae03ed5ac38647ad59870dca3dda2beefe18ecdc30729acb69d",
        "xquad-r/de.json": "16fb0f4bf4916154b585a20c24c66074591c9718a1affe764ff4697572328949",
        "xquad-r/el.json": "163fd43ee785a30eb534ae2061e9eaa766a7ee4e8ffce5e4b422480c150f64b6",
        "xquad-r/en.json": "7b0954f39297c27a31fef610f0883337dd2907fa8699151dc922afdd0fa12ffe",
        "xquad-r/es.json": "f8e836b2d91009c4363e04315f7ede363eedbbb49c67dda60de6c4aa782f58de",
        "xquad-r/hi.json": "ea45ba8ae4513d1533b222bebdc02a90bc319c055d3aeea68584a053d2e92872",
        "xquad-r/ru.json": "7f4dff853538b9a5fcc28c070b8bb983a5c5d190ac747b8e005a1ada9cab18f1",
        "xquad-r/th.json": "c3a041864c3a9fb0b4dd91cfdf99cf36b411b3e704c58a303c97bc6dc786cfe4",
        "xquad-r/tr.json": "f3e8c13002bbce154a4578f535f7533cb70f3da08840e6b62735935baec7bd94",
        "xquad-r/vi.json": "e35926bf5cc6fc6ecbdfca49467aabeb454f08d152d7818143a906bd31dde995",
        "xquad-r/zh.json": "80c2cde7b9c2fb134c303cbb52f2ba396ead9eb0014aec43993543d2ba9e93ed",
    },
)


def load_benchmark(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None, context: str = "none"
) -> Benchmark:
    """Loads XQuAD-R.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: the languages; None takes all eleven.
        context: "none" (a passage is a sentence) or "paragraph" (the sentence and the paragraph
            around it).

    Raises:
        DataError: for a language it lacks, and a file that is not what it should be.
    """
    folder = local_folder("xquad-r", data, FOLDERS)
    source = Source("xquad-r", folder, LAREQA)
    below = "" if folder else "xquad-r/"  # LAReQA's repository has the files in a folder
    files = {
        language: read_squad(source.path(f"{below}{language}.json"))
        for language in choose_languages("xquad-r", languages, LANGUAGES)
    }
    return sentence_benchmark("xquad-r", files, context)
