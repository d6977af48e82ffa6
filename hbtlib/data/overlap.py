"""Finds training pairs that hold what a benchmark asks: by id and by text."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hbtlib.checks import short
from hbtlib.data.benchmark import Benchmark
from hbtlib.data.pairs import ROLES, Pairs

INSIDE = 40
"""A relevant passage of at least this many bytes (UTF-8) is also looked for inside passages."""

AROUND = 60
"""A text of at least this many bytes (UTF-8, without blanks) is looked for in relevant passages.

Shorter ones stand in long passages by chance: of the sentences of NTREX and XNLI, up to 56 bytes of
some ("chairman of the board of directors", "this is the beginning") stand in TyDiQA's, MLQA's and
XQuAD-R's passages, and of longer ones none. 97 % of XQuAD-R's relevant sentences are as long.
"""

WAYS = ("id", "query", "passage", "inside", "around")
"""How an id can hold what is evaluated on, see `Held`."""

_PART = 10_000  # texts that are looked up at once
_WORDS = 7  # of eight bytes each: so much of a text's beginning is looked up


class Held(NamedTuple):
    """What an id of the pairs holds of a benchmark.

    Attributes:
        way: how it was found. "id": by its question's id; "query" and "passage": a text reads like
            a query or a relevant passage; "inside": a relevant passage stands inside a passage;
            "around": a text stands inside a relevant passage.
        what: what it holds, in words.
    """

    way: str
    what: str


def overlap(pairs: Pairs, benchmark: Benchmark) -> dict[int, str]:
    """Finds the ids of the pairs that hold what the benchmark asks.

    An id is found in four ways:

    - its question's id is one of the benchmark's (plain numbers are not compared: any dataset has
      a question 17);
    - one of its texts reads the same as a query or a relevant passage;
    - a relevant passage of 40 bytes or more is contained in one of its passages, its hard negatives
      among them (a sentence in its paragraph);
    - one of its texts of 60 bytes or more is contained in a relevant passage (the paragraph around
      a sentence).

    Texts are compared without case, width and blanks. Passages that answer no query may be in
    both.

    Args:
        pairs: what is trained on.
        benchmark: what is evaluated on.

    Returns:
        Id → what it holds, in words.
    """
    return {row: held.what for row, held in find_overlap(pairs, benchmark).items()}


def find_overlap(pairs: Pairs, benchmark: Benchmark) -> dict[int, Held]:
    """Finds the ids of the pairs that hold what the benchmark asks, and how (see `overlap`).

    Args:
        pairs: what is trained on.
        benchmark: what is evaluated on.

    Returns:
        Id → what it holds; of an id that is found in several ways, one of them.
    """
    _check_types(pairs, benchmark)
    found: dict[int, Held] = {}
    for row, held in _same_ids(pairs, benchmark):
        found.setdefault(row, held)
    evaluated = _EvaluatedTexts(benchmark)
    for role in ROLES:
        for part in _parts(pairs.each_text(role)):
            for number, held in evaluated.find(part, inside=role == "passage"):
                for row in pairs.ids_with_text(role, number):
                    found.setdefault(row, held)
    return found


def count_ways(found: Mapping[int, Held]) -> dict[str, int]:
    """Counts the ids that were found in each way.

    Args:
        found: what `find_overlap` returned.

    Returns:
        Way → number of ids, for all of `WAYS`.
    """
    counts = Counter(held.way for held in found.values())
    return {way: counts[way] for way in WAYS}


def check_disjoint(pairs: Pairs, benchmark: Benchmark) -> None:
    """Refuses pairs that hold what the benchmark asks: its scores would say nothing.

    Args:
        pairs: what is trained on.
        benchmark: what is evaluated on.

    Raises:
        ValueError: if an id holds a question or relevant passage of the benchmark (see `overlap`).
    """
    refuse(pairs, benchmark, find_overlap(pairs, benchmark))


def leave_out(pairs: Pairs, benchmark: Benchmark) -> Pairs:
    """Returns the pairs without the ids that hold what the benchmark asks (see `overlap`).

    Args:
        pairs: what is to be trained on.
        benchmark: what will be evaluated on.

    Raises:
        ValueError: if no id is left.
    """
    return without(pairs, benchmark, find_overlap(pairs, benchmark))


def refuse(pairs: Pairs, benchmark: Benchmark, found: Mapping[int, Held]) -> None:
    """Refuses pairs of which something was found.

    Args:
        pairs: what is trained on.
        benchmark: what is evaluated on.
        found: what `find_overlap` returned of the two.

    Raises:
        ValueError: as `check_disjoint` does.
    """
    if found:
        row = min(found)
        raise ValueError(
            f"{len(found)} of the {len(pairs)} ids of the pairs {pairs.name!r} hold what "
            f"{benchmark.name!r} evaluates on, id {row} for one: {found[row].what}; leave them out "
            "(hbt.leave_out(pairs, benchmark)), or evaluate on another benchmark"
        )


def without(pairs: Pairs, benchmark: Benchmark, found: Mapping[int, Held]) -> Pairs:
    """Returns the pairs without the ids that were found.

    Args:
        pairs: what is to be trained on.
        benchmark: what will be evaluated on.
        found: what `find_overlap` returned of the two.

    Raises:
        ValueError: as `leave_out` does.
    """
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
            plain(form): id_ for text, id_ in _texts_and_ids(gold) for form in _forms(text)
        }
        # Finds all long passages inside a text in one reading of it.
        self.long_passages = ahocorasick.Automaton()
        for passage, id_ in self.passages.items():
            if len(passage.encode()) >= INSIDE:
                self.long_passages.add_word(passage, id_)
        self.long_passages.make_automaton()

        around = {_around(text): id_ for text, id_ in _texts_and_ids(gold)}
        self.surroundings = _Surroundings({plain(text): id_ for text, id_ in around.items()})

    def find(self, texts: Sequence[tuple[int, str]], *, inside: bool) -> Iterator[tuple[int, Held]]:
        """The ids whose texts are evaluated on, or (inside) hold what is, and what each holds."""
        plain_texts = [plain(text) for _, text in texts]
        for (row, text), same in zip(texts, plain_texts, strict=True):
            held = self._find(text, same, inside)
            if held is not None:
                yield row, held
        for number, id_ in self.surroundings.find(plain_texts):
            row, text = texts[number]
            yield row, Held("around", f"a part of the relevant passage {id_!r} ({text[:60]}…)")

    def _find(self, text: str, same: str, inside: bool) -> Held | None:
        """What of the benchmark the text is or (inside) holds."""
        if same in self.queries:
            return Held("query", f"the query {self.queries[same]!r} ({text[:60]})")
        if same in self.passages:
            return Held("passage", f"the relevant passage {self.passages[same]!r} ({text[:60]})")
        if inside and len(self.long_passages):
            for _, id_ in self.long_passages.iter(same):
                what = f"the relevant passage {id_!r}, inside a passage ({text[:60]}…)"
                return Held("inside", what)
        return None


class _Surroundings:
    """Long passages, to find those that a text is a part of.

    The first 56 bytes of a text, seven words of eight, are looked up among all stretches of as many
    bytes of the passages, by their hashes (a product with random numbers).
    """

    def __init__(self, passages: Mapping[str, str]) -> None:
        """Takes the ids of passages by their plain texts."""
        self._numbers = np.random.default_rng(0).integers(0, 2**63, _WORDS, np.uint64)
        self._passages = [
            (encoded, id_)
            for text, id_ in passages.items()
            if len(encoded := text.encode()) > AROUND
        ]
        hashes = [_stretches(encoded) @ self._numbers for encoded, _ in self._passages]
        owners = np.repeat(np.arange(len(hashes)), [len(part) for part in hashes])
        every = np.concatenate(hashes) if hashes else np.empty(0, np.uint64)
        order = np.argsort(every, kind="stable")
        self._hashes, self._owners = every[order], owners[order]

    def find(self, texts: Sequence[str]) -> Iterator[tuple[int, str]]:
        """The numbers of the texts that are a part of a passage, with its id."""
        long = [
            (number, encoded)
            for number, text in enumerate(texts)
            if len(encoded := text.encode("utf-8", "surrogatepass")) >= AROUND
        ]
        if not long or not len(self._hashes):
            return
        beginnings = b"".join(encoded[: 8 * _WORDS] for _, encoded in long)
        hashes = np.frombuffer(beginnings, np.uint64).reshape(-1, _WORDS) @ self._numbers
        first = np.searchsorted(self._hashes, hashes, "left")
        last = np.searchsorted(self._hashes, hashes, "right")
        for i in np.flatnonzero(first < last):
            number, encoded = long[i]
            for owner in self._owners[first[i] : last[i]]:
                passage, id_ = self._passages[owner]
                if encoded in passage:
                    yield number, id_
                    break


def _stretches(encoded: bytes) -> NDArray[np.uint64]:
    """Every stretch of seven words of eight bytes, one a row."""
    from_each_byte = sliding_window_view(np.frombuffer(encoded, np.uint8), 8)
    words = np.ascontiguousarray(from_each_byte).view(np.uint64)[:, 0]
    return sliding_window_view(words, 8 * (_WORDS - 1) + 1)[:, ::8]


def _same_ids(pairs: Pairs, benchmark: Benchmark) -> Iterator[tuple[int, Held]]:
    """The ids whose question is one of the benchmark's."""
    if "id" not in pairs.dataset.column_names:
        return
    questions = {*benchmark.queries["question_id"], *benchmark.queries["query_id"]}
    for row, id_ in enumerate(pairs.dataset["id"]):
        if str(id_) in questions and not str(id_).isdecimal():
            yield row, Held("id", f"the question {id_!r}")


def _texts_and_ids(passages: pd.DataFrame) -> Iterator[tuple[str, str]]:
    return zip(passages["text"], passages["passage_id"], strict=True)


def _relevant_passages(benchmark: Benchmark) -> pd.DataFrame:
    is_relevant = benchmark.judgements["grade"] > 0
    relevant = benchmark.judgements.loc[is_relevant, "passage_id"]
    return benchmark.passages[benchmark.passages["passage_id"].isin(relevant)]


def _forms(text: str) -> tuple[str, ...]:
    """The text; and of a sentence above its paragraph (context="paragraph") the sentence too."""
    first, _, rest = text.partition("\n")
    return (text, first) if rest and first in rest else (text,)


def _around(text: str) -> str:
    """The text; of a sentence above its paragraph the paragraph, in which the sentence stands."""
    first, _, rest = text.partition("\n")
    return rest if rest and first in rest else text


def _parts(texts: Iterator[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Numbered texts in lists that are looked up together."""
    while part := list(islice(texts, _PART)):
        yield part
