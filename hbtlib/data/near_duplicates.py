"""Finds texts that are almost the same, within one dataset or between two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from hbtlib.checks import check_choice, check_integer, check_number, short
from hbtlib.data.benchmark import Benchmark
from hbtlib.data.overlap import plain
from hbtlib.data.pairs import ROLES, Pairs

PERMUTATIONS = 256
"""How many numbers the sketch of a text has."""

MISSED = 0.001
"""With at most this probability, a pair of texts at the threshold is not compared."""

COLUMNS = (
    "role",
    "language",
    "id",
    "other_id",
    "similarity",
    "ids",
    "other_ids",
    "text",
    "other_text",
)


def near_duplicates(
    data: Pairs | Benchmark,
    other: Pairs | Benchmark | None = None,
    *,
    threshold: float = 0.8,
    role: str | None = None,
    shingle: int = 5,
) -> pd.DataFrame:
    """Finds texts that are almost the same, in one dataset or between two.

    Queries are compared with queries and passages with passages, each language by itself. The
    similarity of two texts is the Jaccard index of their shingles, all the runs of five characters
    that a text has: so it needs no words, and works for Chinese, Japanese and Thai too. Case, width
    and blanks do not count. Sketches of the texts (MinHash, by `datasketch`) say which pairs of
    texts to compare; the similarity itself is exact. A pair at the threshold is missed with a
    probability of 0.1 % at most, a more similar one more rarely still.

    Args:
        data: pairs, or a benchmark.
        other: pairs or a benchmark to compare it with; None: the texts of `data` with each other.
        threshold: how similar two texts are at least: above 0, and 1 for texts that only differ in
            case, width or blanks.
        role: "query" or "passage"; None: both. Hard negatives are not looked at.
        shingle: how many characters a shingle has. Fewer than five find short texts that differ in
            a word, and Chinese ones, more easily.

    Returns:
        One row for each two texts: role, language, id and other_id (a row number of pairs, or a
        benchmark's query_id or passage_id; the first of them where several have the same text),
        similarity, ids and other_ids (how many have the text), text and other_text. The most
        similar ones come first. Within one dataset, equal texts are one text, and no row.

    Raises:
        ValueError: for what is neither pairs nor a benchmark, a threshold outside of 0 to 1, an
            unknown role, and a shingle without a character.

    Example:
        >>> import hbtlib as hbt
        >>> ask = "When was the old tower of the church in the market square rebuilt"
        >>> pairs = hbt.Pairs.from_texts(
        ...     "mine",
        ...     queries=[{"en": f"{ask}?"}, {"en": f"{ask} again?"}, {"en": "Where is Bonn?"}],
        ...     passages=[{"en": "In 1666."}, {"en": "In 1702."}, {"en": "On the Rhine."}],
        ... )
        >>> found = hbt.near_duplicates(pairs)
        >>> found[["role", "id", "other_id", "similarity"]].round(2).values.tolist()
        [['query', 0, 1, 0.88]]

    Source:
        Broder 1997, On the resemblance and containment of documents; Leskovec, Rajaraman and Ullman
        2014, Mining of Massive Datasets, chapter 3.
    """
    for name, given in (("data", data), ("other", other)):
        if not isinstance(given, Pairs | Benchmark) and not (name == "other" and given is None):
            raise ValueError(
                f"{name} is {short(given)}; give Pairs, as hbt.load_pairs does, or a Benchmark, as "
                "hbt.load_benchmark does"
            )
    check_number("threshold", threshold, above=0, maximum=1)
    check_integer("shingle", shingle, minimum=1)
    roles = ROLES if role is None else (check_choice("role", role, ROLES),)
    rows = []
    for what in roles:
        own = _texts_by_language(data, what)
        others = own if other is None else _texts_by_language(other, what)
        for language in sorted(own.keys() & others.keys()):
            compared = None if other is None else others[language]
            for found in _similar(own[language], compared, threshold, shingle):
                rows.append((what, language, *found))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values("similarity", ascending=False, kind="stable", ignore_index=True)


class _Text(NamedTuple):
    """A distinct text of a dataset."""

    text: str
    id: object  # the first that has it
    ids: int  # how many have it


def _texts_by_language(data: Pairs | Benchmark, role: str) -> dict[str, list[_Text]]:
    """The distinct texts of a role in each language."""
    tables = {}
    if isinstance(data, Benchmark):
        whole = data.queries if role == "query" else data.passages
        for language, part in whole.groupby("language"):
            tables[str(language)] = pd.Series(part["text"].array, index=part[f"{role}_id"])
    else:
        languages = data.query_languages if role == "query" else data.passage_languages
        for language in languages:
            texts = pd.Series(data.dataset[f"{role}_{language}"][:], dtype="str")
            tables[language] = texts.dropna()
    return {language: _distinct(texts) for language, texts in tables.items()}


def _distinct(texts: pd.Series) -> list[_Text]:
    """Each text of a column once, with the first id (the index) that has it, and their number."""
    counts = texts.value_counts(sort=False)
    first = texts.drop_duplicates()
    return [_Text(text, id_, int(counts[text])) for id_, text in first.items()]


def _similar(
    own: Sequence[_Text], others: Sequence[_Text] | None, threshold: float, shingle: int
) -> Iterator[tuple[object, object, float, int, int, str, str]]:
    """Every two texts whose similarity reaches the threshold; of the own ones where `others` lacks.

    Yields:
        id and other_id, similarity, ids and other_ids, text and other_text.
    """
    own_shingles = [shingles(text.text, shingle) for text in own]
    if others is None:
        others, other_shingles = own, own_shingles
        candidates = _candidates(own_shingles, None, threshold)
    else:
        other_shingles = [shingles(text.text, shingle) for text in others]
        candidates = _candidates(own_shingles, other_shingles, threshold)
    for i, j in candidates:
        if others is own and i >= j:  # itself, or two texts that were compared before
            continue
        similarity = jaccard(own_shingles[i], other_shingles[j])
        if similarity >= threshold:
            one, two = own[i], others[j]
            yield one.id, two.id, similarity, one.ids, two.ids, one.text, two.text


def shingles(text: str, size: int) -> frozenset[str]:
    """Returns every run of `size` characters of a text; of a shorter text, the text itself.

    Args:
        text: the text. Its case, width and blanks do not count.
        size: how many characters a shingle has.

    Example:
        >>> from hbtlib.data.near_duplicates import shingles
        >>> sorted(shingles("On and on", 5))
        ['andon', 'ndon', 'onand']
    """
    same = plain(text)
    return frozenset(same[i : i + size] for i in range(max(len(same) - size, 0) + 1))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Returns how many shingles two texts share, of all that one of them has.

    Args:
        one: the shingles of one text.
        other: those of the other.
    """
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def _candidates(
    own: Sequence[frozenset[str]], others: Sequence[frozenset[str]] | None, threshold: float
) -> Iterator[tuple[int, int]]:
    """The numbers of texts that are probably similar: one of the own ones, one of the others."""
    from datasketch import MinHashLSH

    index = MinHashLSH(num_perm=PERMUTATIONS, params=bands(threshold))
    own_sketches = _sketches(own)
    for number, sketch in enumerate(own_sketches if others is None else _sketches(others)):
        index.insert(number, sketch, check_duplication=False)
    for i, sketch in enumerate(own_sketches):
        for j in sorted(index.query(sketch)):
            yield i, j


def _sketches(texts: Sequence[frozenset[str]]) -> list:
    """The MinHash of each text's shingles, the same in every process."""
    from datasketch import MinHash
    from xxhash import xxh32_intdigest

    encoded = ([part.encode("utf-8", "surrogatepass") for part in text] for text in texts)
    return MinHash.bulk(encoded, num_perm=PERMUTATIONS, seed=1, hashfunc=xxh32_intdigest)


def bands(threshold: float) -> tuple[int, int]:
    """Divides a sketch into bands, so that almost no pair at the threshold is missed.

    Two texts are compared if a band of theirs agrees in all its numbers. Each number agrees with
    the probability s, their similarity, so a pair is missed with (1 − s^size)^bands.

    Args:
        threshold: the similarity s that is looked for.

    Returns:
        How many bands there are, and the size of one: the largest size (the fewest comparisons in
        vain) with which a pair at the threshold is missed with a probability of 0.1 % at most.

    Example:
        >>> from hbtlib.data.near_duplicates import bands
        >>> bands(0.8), bands(0.5)
        ((36, 7), (85, 3))
    """
    for size in range(PERMUTATIONS // 2, 1, -1):
        count = PERMUTATIONS // size
        if (1 - threshold**size) ** count <= MISSED:
            return count, size
    return PERMUTATIONS, 1
