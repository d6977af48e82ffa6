"""Finds training pairs that hold what a benchmark asks: by id and by text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import pandas as pd

from hbtlib.checks import short
from hbtlib.data.benchmark import Benchmark
from hbtlib.data.pairs import ROLES, Pairs

INSIDE = 40
"""A relevant passage of at least this many bytes (UTF-8) is also looked for inside passages."""


def overlap(pairs: Pairs, benchmark: Benchmark) -> dict[int, str]:
    """Finds the ids of the pairs that hold what the benchmark asks.

    An id is found in three ways:

    - its question's id is one of the benchmark's (plain numbers are not compared: any dataset has
      a question 17);
    - one of its texts reads the same as a query or a relevant passage;
    - a relevant passage of 40 bytes or more is contained in one of its passages, its hard negatives
      among them (a sentence in its paragraph; not the other way round).

    Texts are compared without case, width and blanks. Passages that answer no query may be in
    both.

    Args:
        pairs: what is trained on.
        benchmark: what is evaluated on.

    Returns:
        Id → what it holds, in words.
    """
    _check_types(pairs, benchmark)
    found: dict[int, str] = {}
    for row, what in _same_ids(pairs, benchmark):
        found.setdefault(row, what)
    evaluated = _EvaluatedTexts(benchmark)
    for role in ROLES:
        for number, text in pairs.each_text(role):
            held = evaluated.find(text, inside=role == "passage")
            if held is not None:
                for row in pairs.ids_with_text(role, number):
                    found.setdefault(row, held)
    return found


def check_disjoint(pairs: Pairs, benchmark: Benchmark) -> None:
    """Refuses pairs that hold what the benchmark asks: its scores would say nothing.

    Args:
        pairs: what is trained on.
        benchmark: what is evaluated on.

    Raises:
        ValueError: if an id holds a question or relevant passage of the benchmark (see `overlap`).
    """
    found = overlap(pairs, benchmark)
    if found:
        row = min(found)
        raise ValueError(
            f"{len(found)} of the {len(pairs)} ids of the pairs {pairs.name!r} hold what "
            f"{benchmark.name!r} evaluates on, id {row} for one: {found[row]}; leave them out "
            "(hbt.leave_out(pairs, benchmark)), or evaluate on another benchmark"
        )


def leave_out(pairs: Pairs, benchmark: Benchmark) -> Pairs:
    """Returns the pairs without the ids that hold what the benchmark asks (see `overlap`).

    Args:
        pairs: what is to be trained on.
        benchmark: what will be evaluated on.

    Raises:
        ValueError: if no id is left.
    """
    found = overlap(pairs, benchmark)
    if not found:
        return pairs
    if len(found) == len(pairs):
        raise ValueError(
            f"all {len(pairs)} ids of the pairs {pairs.name!r} hold what {benchmark.name!r} "
            "evaluates on, so none is left to train on; evaluate on another benchmark"
        )
    return pairs.select([i for i in range(len(pairs)) if i not in found])


def _check_types(pairs: object, benchmark: object) -> None:
    """Refuses what is no Pairs and no Benchmark, the two in the other order for one."""
    if not isinstance(pairs, Pairs):
        raise ValueError(f"pairs is {short(pairs)}; give Pairs, as hbt.load_pairs does, first")
    if not isinstance(benchmark, Benchmark):
        raise ValueError(
            f"benchmark is {short(benchmark)}; give a Benchmark, as hbt.load_benchmark does, second"
        )


def plain(text: str) -> str:
    """Returns the text without what differs between two copies of it: case, width, blanks."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


class _EvaluatedTexts:
    """A benchmark's queries and relevant passages, to look texts up in."""

    def __init__(self, benchmark: Benchmark) -> None:
        import ahocorasick

        texts, ids = benchmark.queries["text"], benchmark.queries["query_id"]
        self.queries = {plain(text): id_ for text, id_ in zip(texts, ids, strict=True)}
        gold = _relevant_passages(benchmark)
        self.passages = {
            plain(form): id_
            for text, id_ in zip(gold["text"], gold["passage_id"], strict=True)
            for form in _forms(text)
        }
        # Finds all long passages inside a text in one reading of it.
        self.long_passages = ahocorasick.Automaton()
        for passage, id_ in self.passages.items():
            if len(passage.encode()) >= INSIDE:
                self.long_passages.add_word(passage, id_)
        self.long_passages.make_automaton()

    def find(self, text: str, *, inside: bool) -> str | None:
        """What of the benchmark the text is or (inside) holds, in words; None for nothing."""
        same = plain(text)
        if same in self.queries:
            return f"the query {self.queries[same]!r} ({text[:60]})"
        if same in self.passages:
            return f"the relevant passage {self.passages[same]!r} ({text[:60]})"
        if inside and len(self.long_passages):
            for _, id_ in self.long_passages.iter(same):
                return f"the relevant passage {id_!r}, inside a passage ({text[:60]}…)"
        return None


def _same_ids(pairs: Pairs, benchmark: Benchmark) -> Iterator[tuple[int, str]]:
    """The ids whose question is one of the benchmark's."""
    if "id" not in pairs.dataset.column_names:
        return
    questions = {*benchmark.queries["question_id"], *benchmark.queries["query_id"]}
    for row, id_ in enumerate(pairs.dataset["id"]):
        if str(id_) in questions and not str(id_).isdecimal():
            yield row, f"the question {id_!r}"


def _relevant_passages(benchmark: Benchmark) -> pd.DataFrame:
    is_relevant = benchmark.judgements["grade"] > 0
    relevant = benchmark.judgements.loc[is_relevant, "passage_id"]
    return benchmark.passages[benchmark.passages["passage_id"].isin(relevant)]


def _forms(text: str) -> tuple[str, ...]:
    """The text; and of a sentence above its paragraph (context="paragraph") the sentence too."""
    first, _, rest = text.partition("\n")
    return (text, first) if rest and first in rest else (text,)
