"""NTREX-128: 1,997 sentences of news in 128 languages, translated line by line (Federmann et al. 2022). CC BY-SA 4.0.

Parallel sentences, not questions: an id's query and passage are the same sentence, each in every language. Pairs of one
language are then a text with itself, so train on it with strategies that cross languages (`x-y`, `x-y-mono`). Read from
`LANG.txt`, a line an id.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hbtlib.data.pairs import Pairs
from hbtlib.data.read import DataError, clean, lines
from hbtlib.data.source import Source, Web, chosen, local_folder
from hbtlib.languages import LANGUAGES

FOLDERS = ("ntrex",)


def load_pairs(data: str | Path | None = None, *, languages: Sequence[str] | None = None, split: str = "train") -> Pairs:
    """NTREX in these languages (default: the twenty of `hbtlib.languages`). split: "validation" is every twentieth line."""
    if split not in ("train", "validation"):
        raise DataError(f"ntrex has no split {split!r}; it has train and validation")
    folder = local_folder("ntrex", data, FOLDERS)
    if folder is None:
        raise DataError("ntrex is read from a folder: fetch NTREX-128 (its repository names files by ISO 639-3, "
                        "newstest2019-ref.deu.txt), name them LANG.txt (de.txt), and put them into ntrex/ in the folder "
                        "that HBT_DATA names, or give data=")
    source = Source("ntrex", folder, Web("", {}))
    texts: dict[str, list[str]] = {}
    for code in chosen("ntrex", languages, tuple(LANGUAGES)):
        file = source.path(f"{code}.txt")
        texts[code] = [clean(line, f"{file}, line {number}", "the line") for number, line in lines(file)]
        first = next(iter(texts))
        if len(texts[code]) != len(texts[first]):
            raise DataError(f"{file} has {len(texts[code])} lines, but {first}.txt has {len(texts[first])}: line n of every "
                            "file must be the same sentence")
    forms = [dict(zip(texts, line, strict=True)) for line in zip(*texts.values(), strict=True)]
    numbers = [i for i in range(len(forms)) if (i % 20 == 19) == (split == "validation")]
    return Pairs.from_texts("ntrex", [forms[i] for i in numbers], [forms[i] for i in numbers],
                            id=[f"ntrex-{i + 1}" for i in numbers])
