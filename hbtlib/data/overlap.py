"""Is anything trained on that is evaluated on? By id and by text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.pairs import ROLES, Pairs

INSIDE = 40
"""A relevant passage of so many bytes (UTF-8) or more is also looked for inside the passages trained on."""


def overlap(pairs: Pairs, benchmark: Benchmark) -> dict[int, str]:
    """Which of the pairs' ids hold what the benchmark asks, and what it is.

    Three ways: the question's id is one of the benchmark's (plain numbers are not compared: any data set has a question
    17); a query or a relevant passage reads the same as one of the id's texts; a relevant passage of 40 bytes or more
    stands inside one of the id's passages (a sentence in its paragraph; not the other way round), its hard negatives among
    them. Texts are compared without case, width and
    blanks. Passages that answer no query may stand in both.
    """
    import ahocorasick

    found: dict[int, str] = {}
    questions = set(benchmark.queries["question_id"]) | set(benchmark.queries["query_id"])
    if "id" in pairs.dataset.column_names:
        for row, id_ in enumerate(pairs.dataset["id"]):
            if str(id_) in questions and not str(id_).isdecimal():
                found.setdefault(row, f"the question {id_!r}")
    relevant = benchmark.judgements.loc[benchmark.judgements["grade"] > 0, "passage_id"]
    gold = benchmark.passages[benchmark.passages["passage_id"].isin(relevant)]
    answers = {
        plain(form): id_
        for text, id_ in zip(gold["text"], gold["passage_id"], strict=True)
        for form in _forms(text)
    }
    asked = dict(
        zip(map(plain, benchmark.queries["text"]), benchmark.queries["query_id"], strict=True)
    )
    inside = ahocorasick.Automaton()
    for answer, id_ in answers.items():
        if len(answer.encode()) >= INSIDE:
            inside.add_word(answer, id_)
    inside.make_automaton()
    for role in ROLES:
        for row, text in _texts(pairs, role):
            same = plain(text)
            if same in asked:
                found.setdefault(row, f"the query {asked[same]!r} ({text[:60]})")
            elif same in answers:
                found.setdefault(row, f"the relevant passage {answers[same]!r} ({text[:60]})")
            elif role == "passage" and len(inside):
                for _, id_ in inside.iter(same):
                    found.setdefault(
                        row, f"the relevant passage {id_!r}, inside a passage ({text[:60]}…)"
                    )
    return found


def _forms(text: str) -> tuple[str, ...]:
    """The text; and with context="paragraph" its sentence, which stands above the paragraph that holds it."""
    first, _, rest = text.partition("\n")
    return (text, first) if rest and first in rest else (text,)


def check_disjoint(pairs: Pairs, benchmark: Benchmark) -> None:
    """Raises ValueError where the pairs hold what the benchmark asks (see `overlap`): then its scores say nothing."""
    found = overlap(pairs, benchmark)
    if found:
        row = min(found)
        raise ValueError(
            f"{len(found)} of the {len(pairs)} ids of the pairs {pairs.name!r} hold what {benchmark.name!r} "
            f"evaluates on, id {row} for one: {found[row]}; leave them out (hbt.leave_out(pairs, benchmark)), "
            "or evaluate on another benchmark"
        )


def leave_out(pairs: Pairs, benchmark: Benchmark) -> Pairs:
    """The pairs without the ids that hold what the benchmark asks (see `overlap`)."""
    found = overlap(pairs, benchmark)
    return pairs.select([i for i in range(len(pairs)) if i not in found]) if found else pairs


def plain(text: str) -> str:
    """The text without what differs between two copies of it: case, width, blanks."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _texts(pairs: Pairs, role: str) -> Iterator[tuple[int, str]]:
    prefixes = (f"{role}_", "negatives_") if role == "passage" else (f"{role}_",)
    columns = [
        c for c in pairs.dataset.column_names if c.startswith(prefixes) and c != f"{role}_key"
    ]
    first = 0
    for rows in pairs.dataset.select_columns(columns).iter(10_000):
        for column in columns:
            for i, found in enumerate(rows[column]):
                yield from (
                    (first + i, text)
                    for text in ([found] if isinstance(found, str) else found or [])
                )
        first += len(rows[columns[0]])
