"""Drawing languages: in which language does each query and each passage of a batch appear?

All functions work on masks of existing texts, (B, L): row i is a pair of the batch, column l one of
the plan's languages.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hbtlib.sampling.arrays import Bits, Bools, Ints
from hbtlib.sampling.batch import Source
from hbtlib.sampling.strategies import Kind


def language_bits(source: Source, languages: tuple[str, ...]) -> Bits:
    """Finds the bit of each language in a source's masks.

    Args:
        source: the pairs; its masks have one bit for each of its own languages.
        languages: the plan's languages, L of them.

    Returns:
        (L,) the bit of each language, in the masks' type; 0 if the source does not have it.
    """
    bits = [
        1 << source.languages.index(code) if code in source.languages else 0 for code in languages
    ]
    return np.array(bits, source.query_mask.dtype)


def unpack(mask: Bits, bits: Bits) -> Bools:
    """Turns (n,) masks into (n, L) bools, given the (L,) bit of each language."""
    return (mask[:, None] & bits) > 0


def can_serve(
    kind: Kind | None, has_query: Bools, has_passage: Bools, languages: Sequence[str] = ()
) -> Bools:
    """Says which ids can be in a batch of a kind.

    Args:
        kind: the kind; None, which no id serves.
        has_query: (n, L) the languages each id's query exists in.
        has_passage: (n, L) the same for its passage.
        languages: the plan's L languages; a kind with a pivot needs them.

    Returns:
        (n,) True if the id has a query and a passage in languages that the kind may pair.
    """
    if kind is None:
        return np.zeros(len(has_query), bool)
    if kind.pivot is not None:
        return np.logical_or(*pivot_sides(languages.index(kind.pivot), has_query, has_passage))
    pairs_of_same = (has_query & has_passage).sum(axis=1)
    if kind.same:
        return pairs_of_same > 0
    all_pairs = has_query.sum(axis=1) * has_passage.sum(axis=1)
    return all_pairs > pairs_of_same


def pivot_sides(pivot: int, has_query: Bools, has_passage: Bools) -> tuple[Bools, Bools]:
    """Says on which sides the pivot's language can be, of a pair of two different languages.

    Args:
        pivot: which of the plan's languages it is.
        has_query: (n, L) the languages each id's query exists in.
        has_passage: (n, L) the same for its passage.

    Returns:
        (n,) True if the id's query exists in it and its passage in another language; and (n,) the
        same with the two sides exchanged.
    """
    other_query = np.delete(has_query, pivot, axis=1).any(axis=1)
    other_passage = np.delete(has_passage, pivot, axis=1).any(axis=1)
    return has_query[:, pivot] & other_passage, has_passage[:, pivot] & other_query


def choose_pivot_side(
    pivot: int, has_query: Bools, has_passage: Bools, rng: np.random.Generator
) -> tuple[Bools, Bools]:
    """Draws for each pair whether its query or its passage is in the pivot's language.

    A fair coin decides where both are possible. So half of the pairs ask in this language; drawing
    the query's language first, as other kinds do, would ask in it in one pair of L alone.

    Args:
        pivot: which of the plan's languages it is.
        has_query: (B, L) the languages each id's query exists in.
        has_passage: (B, L) the same for its passage.
        rng: the stream that the coins come from.

    Returns:
        The two masks, with the pivot alone left on the side chosen and without it on the other.
    """
    query_can, passage_can = pivot_sides(pivot, has_query, has_passage)
    is_heads = rng.random(len(has_query)) < 0.5
    in_query = (query_can & (is_heads | ~passage_can))[:, None]
    is_pivot = np.arange(has_query.shape[1]) == pivot
    return has_query & (is_pivot == in_query), has_passage & (is_pivot != in_query)


def sample_by_weight(
    possible: Bools, weights: NDArray[np.float64], rng: np.random.Generator
) -> Ints:
    """Draws one language in each row, in proportion to the weights.

    Each language gets an exponential waiting time with its weight as the rate. The first to arrive
    is language l with the probability weights[l] / Σ weights, taken over those that are possible.

    Args:
        possible: (B, L) the languages to draw from, at least one in each row.
        weights: (L,) how often each language is drawn, relative to the others.
        rng: the stream that the waiting times come from.

    Returns:
        (B,) the index of the language drawn in each row.
    """
    times = rng.standard_exponential(possible.shape, np.float32) / weights
    return np.where(possible, times, np.inf).argmin(axis=1)


def draw_languages(
    has_query: Bools,
    has_passage: Bools,
    same_language: Bools | bool,
    sample: Callable[[Bools], Ints],
) -> tuple[Ints, Ints]:
    """Draws one query language and one passage language for each pair of a batch.

    The query's language is drawn first. The passage's language is the same, or is drawn from the
    others that its text exists in.

    Args:
        has_query: (B, L) bool, the languages each id's query exists in.
        has_passage: (B, L) bool, the same for its passage.
        same_language: True or False for all pairs, or (B, 1) bool, one for each pair.
        sample: function from a (B, L) mask to one language index a row.

    Returns:
        Two (B,) integer arrays: query language, passage language.
    """
    if same_language is True:
        language = sample(has_query & has_passage)
        return language, language
    passages = has_passage.sum(axis=1, keepdims=True)
    has_other = passages > has_passage  # (B, L): is there a passage in another language?
    query = sample(has_query & np.where(same_language, has_passage, has_other))
    others = has_passage.copy()
    others[np.arange(len(others)), query] = False
    passage = np.where(np.ravel(same_language), query, sample(others))
    return query, passage
