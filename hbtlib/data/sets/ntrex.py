"""NTREX-128 (Federmann et al. 2022): 1,997 sentences of news in 128 languages.

The sentences were translated line by line. They are parallel sentences, not questions: an id's
query and passage are the same sentence, each in every language. Pairs of one language are then a
text with itself, so train on them with strategies that cross languages (`x-y`, `x-y-mono`).

With `passage="next"` a passage is the sentence that follows its query: something to learn within a
language too, and the same ids for every strategy. The files do not mark where an article ends, so
some pairs, about one an article, join two articles.

The files are a folder's `LANG.txt` or NTREX' own (`newstest2019-ref.deu.txt`, for English
`newstest2019-src.eng.txt`), with one line for each id. The licence is CC BY-SA 4.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hbtlib.checks import check_choice
from hbtlib.data.formats.checks import DataError, clean
from hbtlib.data.formats.files import lines
from hbtlib.data.formats.source import Source, choose_languages, local_folder
from hbtlib.data.formats.web import Web
from hbtlib.data.pairs import Pairs

FOLDERS = ("ntrex",)
REPOSITORY = "https://raw.githubusercontent.com/MicrosoftTranslator/NTREX"
MICROSOFT = Web(f"{REPOSITORY}/468c6b69c7f6a75d31d4743d9daba2af566cc18d/NTREX-128", {})
CODES = {
    "ar": "arb",
    "bn": "ben",
    "de": "deu",
    "el": "ell",
    "en": "eng",
    "es": "spa",
    "fa": "fas",
    "fi": "fin",
    "fr": "fra",
    "hi": "hin",
    "id": "ind",
    "ja": "jpn",
    "ko": "kor",
    "ru": "rus",
    "sw": "swa",
    "te": "tel",
    "th": "tha",
    "tr": "tur",
    "vi": "vie",
    "zh": "zho-CN",
}
"""The twenty languages of `hbtlib.languages.TWENTY`, and the codes in the names of NTREX' files."""
LANGUAGES = tuple(CODES)
SPLITS = ("train", "validation")
HELD_OUT = 20
"""One line in this many is of the split "validation"; with the next as passage, one block of so
many lines in so many blocks."""


def load_pairs(
    data: str | Path | None = None,
    *,
    languages: Sequence[str] | None = None,
    split: str = "train",
    passage: str = "same",
) -> Pairs:
    """Loads NTREX as training pairs.

    Args:
        data: the folder with its files; None looks in `HBT_DATA`, then downloads them.
        languages: the languages; None takes these twenty.
        split: "train", or "validation" (every twentieth line, or every twentieth block of lines
            where the passage is the next).
        passage: what a query's passage is: the "same" sentence, or the "next" one.

    Raises:
        DataError: for a language or split it lacks, and files whose lines are not parallel.
        ValueError: for another `passage`.
    """
    check_choice("ntrex: passage", passage, ("same", "next"))
    if split not in SPLITS:
        raise DataError(f"ntrex has no split {split!r}; it has train and validation")
    source = Source("ntrex", local_folder("ntrex", data, FOLDERS), MICROSOFT)
    sentences = _read(source, choose_languages("ntrex", languages, LANGUAGES))
    parallel = [
        dict(zip(sentences, line, strict=True)) for line in zip(*sentences.values(), strict=True)
    ]
    is_wanted = [_is_held_out(i, passage) == (split == "validation") for i in range(len(parallel))]
    step = 0 if passage == "same" else 1
    kept = [i for i in range(len(parallel) - step) if is_wanted[i] and is_wanted[i + step]]
    return Pairs.from_texts(
        "ntrex",
        [parallel[i] for i in kept],
        [parallel[i + step] for i in kept],
        id=[f"ntrex-{i + 1}" for i in kept],
    )


def _is_held_out(line: int, passage: str) -> bool:
    """Whether a line is of the split "validation"; blocks, so that a line follows another there."""
    place = line if passage == "same" else line // HELD_OUT
    return place % HELD_OUT == HELD_OUT - 1


def _read(source: Source, languages: Sequence[str]) -> dict[str, list[str]]:
    """The lines of each language's file."""
    sentences: dict[str, list[str]] = {}
    for language in languages:
        file = source.path(_file(source, language))
        sentences[language] = [
            clean(line, f"{file}, line {number}", "the line") for number, line in lines(file)
        ]
        first = languages[0]
        if not sentences[language] or len(sentences[language]) != len(sentences[first]):
            raise DataError(
                f"{file} has {len(sentences[language])} lines, but that of {first!r} has "
                f"{len(sentences[first])}: line n of every file must be the same sentence; "
                "download both again"
            )
    return sentences


def _file(source: Source, language: str) -> str:
    """The name of a language's file: NTREX' own, or else LANG.txt."""
    kind = "src" if language == "en" else "ref"
    published = f"newstest2019-{kind}.{CODES[language]}.txt"
    if source.folder is None or source.has(published):
        return published
    return f"{language}.txt"
