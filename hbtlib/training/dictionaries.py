"""Dictionaries learnt from parallel texts, by the words that occur in the same texts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hbtlib.data.pairs import ROLES, Pairs
from hbtlib.training.words import is_unspaced, without_an_end, words

Dictionary = Mapping[str, str]
"""Word in lower case (`str.casefold`) → its translation."""


def dictionary_of(
    pairs: Pairs,
    source: str,
    target: str,
    *,
    roles: Sequence[str] = ROLES,
    least: int = 2,
    dice: float = 0.5,
    most: int = 20_000,
) -> dict[str, str]:
    """Learns a dictionary from one language to another from the pairs' parallel texts.

    Two words are translations of each other if each is the other's best, and no other word is as
    good, by the Dice coefficient ::

        2 n(s, t) / (n(s) + n(t))

    where n(s) and n(t) are the numbers of texts that contain the words, and n(s, t) is the number
    of parallel texts that contain both. The coefficient must be at least `dice`, and both words
    must occur in `least` texts or more. So words that only ever occur together (those of one
    sentence pattern) are left out rather than guessed, and so are numbers and words that are
    written alike in both languages. A translation is spelt as it mostly is.

    In languages without spaces (`words.UNSPACED`), every piece of up to 12 characters counts as a
    word if it occurs in some text without a longer piece around it. A name that only ever meets one
    particle comes with that particle. Learning is slow where such texts are long.

    Args:
        pairs: the parallel texts.
        source: language code of the words.
        target: language code of the translations.
        roles: which texts are read, queries, passages or both.
        least: the number of texts that a word must occur in.
        dice: the smallest Dice coefficient of a translation, 0 to 1.
        most: at most so many ids are read, evenly spread over the pairs.

    Returns:
        Word in lower case (`str.casefold`) → its translation, sorted by word.

    Raises:
        ValueError: if the two languages are one, or no text exists in both.

    Source:
        Co-occurrence by the Dice coefficient is Smadja et al. 1996. The mutual best is our
        simplification of competitive linking (Melamed 2000).
    """
    if source == target:
        raise ValueError(f"source and target are both {source!r}: a dictionary needs two languages")
    texts = _parallel_texts(pairs, source, target, roles, most)
    if not texts:
        raise ValueError(f"pairs {pairs.name!r}: no text stands in both {source!r} and {target!r}")
    source_words = _occurrences([ours for ours, _ in texts], source, least)
    target_words = _occurrences([theirs for _, theirs in texts], target, least)
    return _mutual_best(source_words, target_words, len(texts), dice)


def _parallel_texts(
    pairs: Pairs, source: str, target: str, roles: Sequence[str], most: int
) -> list[tuple[str, str]]:
    """The distinct pairs of texts in the two languages, sorted.

    A text that many ids share would otherwise count as often as they do.
    """
    found: set[tuple[str, str]] = set()
    every_id = np.arange(len(pairs))
    for role in roles:
        in_both = pairs.stands(every_id, source, role) & pairs.stands(every_id, target, role)
        ids = np.flatnonzero(in_both)
        if not len(ids):
            continue
        spread = np.linspace(0, len(ids) - 1, min(most, len(ids))).astype(int)
        ours = pairs.texts(ids[spread], source, role)
        theirs = pairs.texts(ids[spread], target, role)
        found.update(zip(ours, theirs, strict=True))
    return sorted(found)


@dataclass(frozen=True)
class _Occurrences:
    """Which words occur in which texts. Words are in lower case, and known by their number."""

    words: list[str]
    spelling: dict[str, str]  # word → how it is mostly written
    text: NDArray[np.int64]  # one entry an occurrence: the number of its text
    word: NDArray[np.int64]  # one entry an occurrence: the number of its word
    n_texts: NDArray[np.int64]  # by word: the number of texts that contain it


def _occurrences(texts: Sequence[str], language: str, least: int) -> _Occurrences:
    """Finds the words that occur in `least` texts or more, and where."""
    written: dict[str, Counter[str]] = {}  # word → how often it is written in which way
    words_of_text: list[set[str]] = []
    for text in texts:
        forms = list(words(text, language))
        words_of_text.append({form.casefold() for form in forms})
        for form in forms:
            written.setdefault(form.casefold(), Counter())[form] += 1
    count = Counter(word for found in words_of_text for word in found)
    inner = _never_alone(count) if is_unspaced(language) else set()
    kept = sorted(word for word, n in count.items() if n >= least and word not in inner)

    number = {word: i for i, word in enumerate(kept)}
    rows = [
        (text, number[word])
        for text, found in enumerate(words_of_text)
        for word in found
        if word in number
    ]
    text_of, word_of = np.array(rows, np.int64).reshape(-1, 2).T
    return _Occurrences(
        words=kept,
        spelling={word: _usual_spelling(written[word]) for word in kept},
        text=text_of,
        word=word_of,
        n_texts=np.bincount(word_of, minlength=len(kept)),
    )


def _never_alone(count: Counter[str]) -> set[str]:
    """The pieces that occur in exactly the texts of a longer piece: parts of words, not words."""
    return {
        part for word, n in count.items() for part in without_an_end(word) if count.get(part) == n
    }


def _usual_spelling(written: Counter[str]) -> str:
    """The most frequent way to write a word; among equally frequent ones, the first in order."""
    return min(written, key=lambda form: (-written[form], form))


def _mutual_best(
    source: _Occurrences, target: _Occurrences, n_texts: int, dice: float
) -> dict[str, str]:
    """The words that are each other's only best translation by the Dice coefficient."""
    in_both = _incidence(source, n_texts).T @ _incidence(target, n_texts)
    in_both = in_both.tocoo()  # one entry a pair of words that meet in some text
    ours, theirs = in_both.row, in_both.col
    score = 2 * in_both.data / (source.n_texts[ours] + target.n_texts[theirs])
    linked = (
        (score >= dice)
        & _only_best(ours, score, len(source.words))
        & _only_best(theirs, score, len(target.words))
    )
    links = sorted(
        (source.words[i], target.words[j])
        for i, j in zip(ours[linked], theirs[linked], strict=True)
    )
    return {word: target.spelling[other] for word, other in links if word != other}


def _incidence(found: _Occurrences, n_texts: int):  # type: ignore[no-untyped-def]
    """Sparse (texts, words): 1 where the text contains the word."""
    from scipy.sparse import csr_array

    ones = np.ones(len(found.text))
    return csr_array((ones, (found.text, found.word)), shape=(n_texts, len(found.words)))


def _only_best(
    word: NDArray[np.int64], score: NDArray[np.float64], n_words: int
) -> NDArray[np.bool_]:
    """Says for each link whether its word has no other link that scores as high.

    Args:
        word: (links,) the number of each link's word, on one of the two sides.
        score: (links,) the Dice coefficients.
        n_words: how many words that side has.
    """
    best = np.zeros(n_words)
    np.maximum.at(best, word, score)
    is_best = score == best[word]
    n_best = np.bincount(word[is_best], minlength=n_words)
    return is_best & (n_best[word] == 1)
