"""Mr. TyDi (Zhang et al. 2021, arXiv 2108.08787), its English part: TyDi's questions, to train on.

A question has the Wikipedia passage that answers it and, of most questions, 30 or so passages that
BM25 found and that do not. English has 3,547 questions to train on and 878 in dev; the published
study's Table 9 has the same 3,547. A passage's text is its article's title, a blank, and its own
text, as MIRACL's is. MIRACL and TyDiQA ask the same questions: check before evaluating on those
(`hbt.leave_out`).

Files: `mrtydi-v1.1-english/train.jsonl.gz` and `dev.jsonl.gz`, a question a line: query_id, query,
positive_passages and negative_passages, each a list of {docid, title, text}; seen in the
repository's own loading script, the files never. A question with several passages is several ids.
Left out and counted: questions without a passage or, on request, with too few negatives. The
licence is Apache-2.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hbtlib.data.formats.checks import expect, identifier, title
from hbtlib.data.formats.files import Record, read_jsonl
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.question_answers import (
    Answered,
    LeftOut,
    answered_pairs,
    listed,
    one_of,
    words,
)
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.pairs import Pairs

FOLDERS = ("mr-tydi",)
LANGUAGES = ("en",)
SPLITS = {"train": "train", "validation": "dev"}  # ours → Mr. TyDi's
CASTORINI = Hub("castorini/mr-tydi", "a05d7f0bf105cb974d293c1d782938074de8d419")


def load_pairs(
    data: str | Path | None = None,
    *,
    languages: Sequence[str] | None = None,
    split: str = "train",
    negatives: int = 0,
) -> Pairs:
    """Loads Mr. TyDi's English questions as training pairs.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: English is the only one.
        split: "train" or "validation".
        negatives: how many of BM25's passages each id brings as hard negatives; questions with
            fewer are left out.

    Raises:
        DataError: for a language or split it lacks, and a file that is not what it should be.
    """
    part = SPLITS[one_of("mr-tydi", tuple(SPLITS), split)]
    choose_languages("mr-tydi", languages, LANGUAGES)
    source = Source("mr-tydi", local_folder("mr-tydi", data, FOLDERS), CASTORINI)
    file = source.path(f"mrtydi-v1.1-english/{part}.jsonl.gz")
    return answered_pairs("mr-tydi", [file], _read, negatives=negatives)


def _read(file: Path) -> Iterator[Answered | LeftOut]:
    for place, record in read_jsonl(file):
        id_ = identifier(record, "query_id", place)
        query = words(record, "query", place)
        passages = _passages(record, "positive_passages", place)
        others = tuple(_passages(record, "negative_passages", place))
        if not passages:
            yield LeftOut("questions without a passage")
        for number, passage in enumerate(passages):
            name = f"mr-tydi-{id_}" if number == 0 else f"mr-tydi-{id_}-{number + 1}"
            yield Answered(name, query, passage, others)


def _passages(record: Record, name: str, place: str) -> list[str]:
    """The texts of a list of passages, less empty ones."""
    found = []
    for number, entry in enumerate(listed(record, name, place), start=1):
        at = f"{place}, {name} {number}"
        passage = expect(entry, dict, at, "the passage")
        whole = f"{title(passage, at)} {words(passage, 'text', at)}".strip()
        if whole:
            found.append(whole)
    return found
