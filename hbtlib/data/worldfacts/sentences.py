"""The sentence patterns of WorldFacts, and the sentences made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PATTERNS = Path(__file__).with_name("patterns")
"""The folder with one YAML file a language."""


@cache
def _content(language: str) -> dict[str, Any]:
    text = (PATTERNS / f"{language}.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content


@cache
def patterns(language: str) -> dict[str, dict[str, list[str]]]:
    """Returns a language's sentence patterns: relation → "question" or "passage" → patterns."""
    return {
        relation: value for relation, value in _content(language).items() if relation != "see_also"
    }


def see_also(language: str) -> dict[str, str]:
    """Returns how a language points to other subjects.

    Returns:
        `pattern`, a sentence with the slot {others}, and `separator`, which stands between names.
    """
    found: dict[str, str] = _content(language)["see_also"]
    return found


def write_sentence(
    language: str, relation: str, role: str, question_id: str, slots: Mapping[str, str | None]
) -> str:
    """Writes a fact's question or passage: the pattern is chosen by a hash.

    Args:
        language: the language's code.
        relation: the fact's relation.
        role: "question" or "passage".
        question_id: the fact.
        slots: kind of slot → its form in the language.
    """
    options = patterns(language)[relation][role]
    pattern = options[hashed_choice(len(options), language, role, question_id)]
    return pattern.format(**slots)


def write_see_also(language: str, names: Sequence[str]) -> str:
    """Writes the sentence that points to other subjects, with a passage's other names."""
    form = see_also(language)
    return form["pattern"].format(others=form["separator"].join(names))


def hashed_choice(options: int, *key: str) -> int:
    """Returns a number from 0 to options − 1, the same for the same key on every machine."""
    digest = hashlib.sha256("|".join(key).encode()).digest()
    return int.from_bytes(digest[:8], "big") % options
