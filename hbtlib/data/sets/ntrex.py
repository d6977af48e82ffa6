"""NTREX-128: 1,997 sentences of news in 128 languages, translated line by line (Federmann et al. 2022). CC BY-SA 4.0.

Parallel sentences, not questions: an id's query and passage are the same sentence, each in every language. Pairs of one
language are then a text with itself, so train on it with strategies that cross languages (`x-y`, `x-y-mono`). Read from a
folder's `LANG.txt` or from NTREX' own files (`newstest2019-ref.deu.txt`, English `newstest2019-src.eng.txt`), a line an id.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hbtlib.data.formats.files import DataError, clean, lines
from hbtlib.data.pairs import Pairs
from hbtlib.data.source import Source, Web, chosen, local_folder

FOLDERS = ("ntrex",)
MICROSOFT = Web(
    "https://raw.githubusercontent.com/MicrosoftTranslator/NTREX/468c6b69c7f6a75d31d4743d9daba2af566cc18d/"
    "NTREX-128",
    {},
)
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


def load_pairs(
    data: str | Path | None = None, *, languages: Sequence[str] | None = None, split: str = "train"
) -> Pairs:
    """NTREX in these languages (default: the twenty of `hbtlib.languages`). split: "validation" is every twentieth line."""
    if split not in ("train", "validation"):
        raise DataError(f"ntrex has no split {split!r}; it has train and validation")
    source = Source("ntrex", local_folder("ntrex", data, FOLDERS), MICROSOFT)
    texts: dict[str, list[str]] = {}
    for code in chosen("ntrex", languages, tuple(CODES)):
        own, published = (
            f"{code}.txt",
            f"newstest2019-{'src' if code == 'en' else 'ref'}.{CODES[code]}.txt",
        )
        file = source.path(published if source.folder is None or source.has(published) else own)
        texts[code] = [
            clean(line, f"{file}, line {number}", "the line") for number, line in lines(file)
        ]
        first = next(iter(texts))
        if len(texts[code]) != len(texts[first]) or not texts[code]:
            raise DataError(
                f"{file} has {len(texts[code])} lines, but that of {first!r} has {len(texts[first])}: line n of "
                "every file must be the same sentence; fetch both again"
            )
    forms = [dict(zip(texts, line, strict=True)) for line in zip(*texts.values(), strict=True)]
    numbers = [i for i in range(len(forms)) if (i % 20 == 19) == (split == "validation")]
    return Pairs.from_texts(
        "ntrex",
        [forms[i] for i in numbers],
        [forms[i] for i in numbers],
        id=[f"ntrex-{i + 1}" for i in numbers],
    )
