"""MFAQ (De Bruyn et al. 2021, arXiv 2109.12870), its English part: questions that websites answer.

The pairs were found on pages marked up as lists of frequently asked questions, in the Common Crawl:
3,719,484 English pairs on 608,796 pages, in train and validation together. The published study's
Table 9 has 3,567,659 rows (en). The dataset has 20 more languages; nothing is parallel.

Files: `data/en/train.jsonl` and `data/en/valid.jsonl`, a page a line: id, language, num_pairs,
domain, and qa_pairs, a list of {question, answer, language}; read off the repository's card and
loading script, the files never. Left out and counted: pairs with an empty question or answer. The
licence is CC0, of the packaging; the texts are their websites'.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hbtlib.data.formats.checks import expect, identifier
from hbtlib.data.formats.files import read_jsonl
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.question_answers import Answered, answered_pairs, listed, one_of, words
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.pairs import Pairs

FOLDERS = ("mfaq",)
LANGUAGES = ("en",)
SPLITS = {"train": "train", "validation": "valid"}  # ours → MFAQ's
CLIPS = Hub("clips/mfaq", "72248e10c1bbe5e3c3710e5e969a41947ca43937")


def load_pairs(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None, split: str = "train"
) -> Pairs:
    """Loads MFAQ's English pairs as training pairs.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: English is the only one.
        split: "train" or "validation".

    Raises:
        DataError: for a language or split it lacks, and a file that is not what it should be.
    """
    part = SPLITS[one_of("mfaq", tuple(SPLITS), split)]
    choose_languages("mfaq", languages, LANGUAGES)
    source = Source("mfaq", local_folder("mfaq", data, FOLDERS), CLIPS)
    return answered_pairs("mfaq", [source.path(f"data/en/{part}.jsonl")], _read)


def _read(file: Path) -> Iterator[Answered]:
    for place, page in read_jsonl(file):
        page_id = identifier(page, "id", place)
        for number, entry in enumerate(listed(page, "qa_pairs", place), start=1):
            at = f"{place}, pair {number}"
            pair = expect(entry, dict, at, "the pair")
            question, answer = words(pair, "question", at), words(pair, "answer", at)
            yield Answered(f"mfaq-{page_id}-{number}", question, answer)
