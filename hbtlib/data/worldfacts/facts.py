"""The table of WorldFacts: every fact's question and passage in every language."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from hbtlib.data.formats.cache import cache_folder, cannot_keep
from hbtlib.data.formats.checks import DataError
from hbtlib.data.worldfacts.cldr import Fact, facts
from hbtlib.data.worldfacts.rendering import is_complete, render
from hbtlib.data.worldfacts.sentences import (
    PATTERNS,
    hashed_choice,
    write_see_also,
    write_sentence,
)
from hbtlib.files import DamagedFile, read_table, write_table
from hbtlib.languages import TWENTY

__all__ = ["SEE_ALSO", "SPLITS", "build", "folder", "render", "table"]

SPLITS = {"train": 0.6, "validation": 0.1, "test": 0.3}
"""The splits, and what share of the facts each has."""

SEE_ALSO = 4
"""How many other subjects a passage ends with, under the words an encyclopedia uses for it."""

Slots = Mapping[str, Mapping[str, str | None]]
"""Language → kind of slot → its form in the language."""


def folder() -> Path:
    """Returns the folder in the cache where the table is kept, and what is made of the table.

    Its name has a hash of what the table is made of: this package's code and patterns, the
    languages, and Babel's version. The folder need not exist.
    """
    import babel

    digest = hashlib.sha256(f"{babel.__version__} {' '.join(TWENTY)}".encode())
    code = sorted(Path(__file__).parent.glob("*.py"))
    for file in [*code, *sorted(PATTERNS.glob("*.yaml"))]:
        digest.update(file.read_bytes())
    return cache_folder() / f"worldfacts-{digest.hexdigest()[:12]}"


def table() -> pd.DataFrame:
    """Returns the table of `build`, made at first use (some seconds) and kept in the cache.

    A table that was damaged there is made again.

    Raises:
        DataError: if the table cannot be kept.
    """
    kept = folder() / "facts.parquet"
    try:
        return read_table(kept)
    except (FileNotFoundError, DamagedFile):
        made = build()
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_table(made, kept)
    except OSError as error:
        raise DataError(cannot_keep("worldfacts", str(kept), error)) from None
    return read_table(kept)


def build() -> pd.DataFrame:
    """Makes the whole table.

    Left out is what could make a judgement wrong: questions with several answers, facts without a
    form of their own in one of the languages, and facts whose question or passage reads like
    another's in some language.

    Returns:
        One row a fact with fact_id, relation, split, territory, `query_LANG` and `passage_LANG`.
    """
    single = _facts_with_one_answer()
    slots = {question_id: _render_slots(fact) for question_id, fact in single.items()}
    kept = {
        question_id: fact for question_id, fact in single.items() if is_complete(slots[question_id])
    }
    others = _others(kept)
    rows = []
    for question_id, fact in sorted(kept.items()):
        see_also = [kept[other] for other in others[question_id]]
        rows.append(_row(fact, slots[question_id], see_also))
    return _without_equal_texts(pd.DataFrame(rows))


def _facts_with_one_answer() -> dict[str, Fact]:
    """The facts by their questions, without the questions that have several answers."""
    answers: dict[str, list[Fact]] = {}
    for fact in facts():
        answers.setdefault(fact.question_id, []).append(fact)
    return {question_id: found[0] for question_id, found in answers.items() if len(set(found)) == 1}


def _render_slots(fact: Fact) -> Slots:
    return {
        language: {kind: render(kind, code, language) for kind, code in fact.subject + fact.answer}
        for language in TWENTY
    }


def _row(fact: Fact, slots: Slots, see_also: list[Fact]) -> dict[str, str]:
    """A fact as a row of the table."""
    row = {
        "fact_id": fact.question_id,
        "relation": fact.relation,
        "split": _split(fact.question_id),
        "territory": dict(fact.subject).get("territory", ""),
    }
    for language, forms in slots.items():
        names = [str(render(*other.subject[0], language)) for other in see_also]
        row[f"query_{language}"] = write_sentence(
            language, fact.relation, "question", fact.question_id, forms
        )
        passage = write_sentence(language, fact.relation, "passage", fact.question_id, forms)
        row[f"passage_{language}"] = f"{passage} {write_see_also(language, names)}"
    return row


def _without_equal_texts(table: pd.DataFrame) -> pd.DataFrame:
    """The table without the facts whose question or passage is another's too, in some language."""
    texts = [column for column in table.columns if column.startswith(("query_", "passage_"))]
    is_repeated = table[texts].apply(lambda column: column.duplicated(keep=False)).any(axis=1)
    return table[~is_repeated].reset_index(drop=True)


def _split(question_id: str) -> str:
    """The split of a question, by a hash of it."""
    share = hashed_choice(10_000, "split", question_id) / 10_000
    edge = 0.0
    for split, size in SPLITS.items():
        edge += size
        if share < edge:
            return split
    return "test"


def _others(kept: Mapping[str, Fact]) -> dict[str, list[str]]:
    """For each fact, the facts its passage points to: the next ones of its relation and split.

    They are facts of other subjects, in an order drawn by a hash. So each subject is named in
    SEE_ALSO passages that share the relation of a question about it, and do not answer it.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for question_id in sorted(kept, key=lambda id_: hashed_choice(1 << 62, "order", id_)):
        group = (kept[question_id].relation, _split(question_id))
        groups.setdefault(group, []).append(question_id)
    found = {}
    for members in groups.values():
        for i, question_id in enumerate(members):
            named = {kept[question_id].subject[0]}
            chosen: list[str] = []
            for other in members[i + 1 :] + members[:i]:
                subject = kept[other].subject[0]
                if len(chosen) < SEE_ALSO and subject not in named:
                    chosen.append(other)
                    named.add(subject)
            found[question_id] = chosen
    return found
