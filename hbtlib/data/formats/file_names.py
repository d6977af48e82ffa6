"""What the name of a data file says: its language and its split."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from hbtlib.languages import LANGUAGES, is_language

SPLITS = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "development": "dev",
    "valid": "dev",
    "validation": "dev",
    "val": "dev",
    "test": "test",
    "trial": "trial",
}
"""The words that name a split, and the split."""

_ENDINGS = re.compile(r"(\.(json|jsonl|parquet|gz))+$")
_MLQA = re.compile(r"context-(\w+)-question-(\w+)")


def stem(file: Path) -> str:
    """Returns a file's name without its endings."""
    return _ENDINGS.sub("", file.name)


def words(name: str) -> list[str]:
    """Returns the words of a name, in small letters: "dev-v1.1.de" has dev, v1, 1, de."""
    return [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]


def split_of(file: Path) -> str | None:
    """Returns the split that a file's name says: train, dev, test or trial."""
    found = {SPLITS[word] for word in words(stem(file)) if word in SPLITS}
    return found.pop() if len(found) == 1 else None


def pairs_two_languages(file: Path) -> bool:
    """Says whether this is one of MLQA's files with paragraphs and questions of two languages."""
    found = _MLQA.search(stem(file))
    return found is not None and found[1] != found[2]


def languages_of(name: str) -> list[str]:
    """Returns the languages that a name may say.

    These are its words that are a code of two letters, a code of `hbtlib.languages`, or a
    language's English name; and a name that is nothing but a code of any kind.

    Args:
        name: a file's or folder's name, without endings.

    Example:
        >>> from hbtlib.data.formats.file_names import languages_of
        >>> languages_of("dev-v1.1.de"), languages_of("swahili_test"), languages_of("dev-v2.0")
        (['de'], ['sw'], [])
    """
    if is_language(name):
        return [name]
    mlqa = _MLQA.search(name)
    if mlqa is not None and is_language(mlqa[1]):
        return [mlqa[1]]
    found = []
    for word in words(name):
        is_code = word in LANGUAGES or (len(word) == 2 and is_language(word))
        code = word if is_code else _english_names().get(word)
        if code is not None and code not in found:
            found.append(code)
    return found


@lru_cache(maxsize=1)
def _english_names() -> dict[str, str]:
    """English name of a language, where it is one word → its code."""
    from babel import Locale

    return {
        name.lower(): code
        for code, name in Locale("en").languages.items()
        if name.isalpha() and is_language(code) and len(name) > 3
    }
