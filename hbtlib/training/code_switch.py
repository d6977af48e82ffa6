"""Code-switched texts: words replaced by their translations, from a dictionary that the parallel data themselves give."""

from __future__ import annotations

import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby

import numpy as np

from hbtlib.data.pairs import ROLES, Codes, Pairs

UNSPACED = ("bo", "ja", "km", "lo", "my", "th", "yue", "zh")
"""Languages written without spaces between words: pieces of up to `LONGEST` characters stand for words in them."""

LONGEST = 12
"""Characters with their marks."""

Dictionary = Mapping[str, str]
"""Word, without case → its translation."""


def code_switch(
    texts: Sequence[str],
    languages: Codes,
    dictionaries: Mapping[tuple[str, str], Dictionary],
    share: float = 0.5,
    seed: int | Sequence[int] = 0,
) -> list[str]:
    """The texts with a share of their words in other languages.

    languages: that of each text, or one for all. dictionaries: (source, target) → dictionary, as `dictionary_of` gives it.
    Each word that some dictionary of its language has is replaced with probability `share`, by its translation into one of
    the languages that have one, drawn evenly; everything else, spaces and signs included, stays. What a text becomes
    depends on it and the seed alone: give another seed a batch or an epoch, (seed, t), for another draw.

    Source: CoSDA-ML (Qin et al. 2020, arXiv 2006.06402), and for queries Litschko et al. 2023 (arXiv 2305.05295), whose
    dictionaries come from elsewhere. Raises ValueError for a share that is none, or lengths that differ.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; it is the share of the words to replace, 0 to 1")
    codes = (
        [languages] * len(texts)
        if isinstance(languages, str)
        else [str(code) for code in languages]
    )
    if len(codes) != len(texts):
        raise ValueError(
            f"{len(texts)} texts but {len(codes)} languages: give one language a text, or one for all"
        )
    known = {
        code: [d for (source, _), d in sorted(dictionaries.items()) if source == code]
        for code in set(codes)
    }
    return [
        _switch(text, code, known[code], share, seed)
        for text, code in zip(texts, codes, strict=True)
    ]


def _switch(
    text: str, language: str, known: Sequence[Dictionary], share: float, seed: int | Sequence[int]
) -> str:
    seeds = [seed] if isinstance(seed, int) else list(seed)
    rng = np.random.default_rng([*seeds, zlib.crc32(text.encode())])
    found = []
    for piece in _pieces(text, language, known):
        forms = [d[piece.casefold()] for d in known if piece.casefold() in d]
        found.append(forms[rng.integers(len(forms))] if forms and rng.random() < share else piece)
    return "".join(found)


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
    """The source words with a translation in the target language, from the texts (of those roles) that stand in both.

    Two words are translations if each is the other's best, and no other is as good, by the Dice coefficient
    2 n(s,t) / (n(s) + n(t)), n the number of texts that a word stands in, n(s,t) that of parallel texts where both do; and
    if the coefficient is at least `dice` and both stand in `least` texts or more. So words that only ever stand together
    (those of one sentence pattern) are left out rather than guessed, and so are numbers and words that are written alike in
    both languages. A translation is spelt as it mostly is. At most `most` ids are read, evenly spread.

    Languages without spaces (`UNSPACED`): every piece of up to 12 characters is taken for a word that stands in some text
    without a longer piece around it, and a name that only ever meets one particle comes with it. Slow where texts are long.

    Source: co-occurrence by Dice is Smadja et al. 1996; the mutual best is our simplification of competitive linking
    (Melamed 2000). Raises ValueError for two languages that are one, or no text that stands in both.
    """
    if source == target:
        raise ValueError(f"source and target are both {source!r}: a dictionary needs two languages")
    sides: list[tuple[list[str], list[str]]] = []
    for role in roles:
        have = pairs.query_mask if role == "query" else pairs.passage_mask
        bits = [
            1 << pairs.languages.index(code) if code in pairs.languages else 0
            for code in (source, target)
        ]
        ids = np.flatnonzero((have & bits[0]).astype(bool) & (have & bits[1]).astype(bool))
        ids = ids[np.linspace(0, len(ids) - 1, min(most, len(ids))).astype(int)]
        if len(ids):
            sides.append((pairs.texts(ids, source, role), pairs.texts(ids, target, role)))
    if not sides:
        raise ValueError(f"pairs {pairs.name!r}: no text stands in both {source!r} and {target!r}")
    # A text that many ids share would count as often as they do: each pair of texts once.
    both = sorted({pair for ours, theirs in sides for pair in zip(ours, theirs, strict=True)})
    left, right = (
        _Words([pair[i] for pair in both], code, least) for i, code in enumerate((source, target))
    )
    return _links(left, right, len(both), dice)


class _Words:
    """The words of parallel texts: which stand in which text (`text` and `word`, pairs of numbers), and their spellings."""

    def __init__(self, texts: Sequence[str], language: str, least: int) -> None:
        spellings: dict[str, Counter[str]] = {}
        standing: list[set[str]] = []
        for text in texts:
            words = list(_words(text, language))
            standing.append({word.casefold() for word in words})
            for word in words:
                spellings.setdefault(word.casefold(), Counter())[word] += 1
        count = Counter(word for found in standing for word in found)
        inner = {
            part
            for word, n in count.items()
            if _unspaced(language)
            for part in _shorter(word)
            if count.get(part) == n
        }  # never without the longer piece
        self.names = sorted(word for word, n in count.items() if n >= least and word not in inner)
        self.spelling = {
            word: min(spellings[word].items(), key=lambda form: (-form[1], form[0]))[0]
            for word in self.names
        }
        number = {word: i for i, word in enumerate(self.names)}
        rows = [
            (t, number[word])
            for t, found in enumerate(standing)
            for word in found
            if word in number
        ]
        self.text, self.word = np.array(rows, np.int64).reshape(-1, 2).T
        self.n = np.bincount(self.word, minlength=len(self.names))


def _links(left: _Words, right: _Words, texts: int, dice: float) -> dict[str, str]:
    from scipy.sparse import csr_array

    stand = [
        csr_array((np.ones(len(w.text)), (w.text, w.word)), shape=(texts, len(w.names)))
        for w in (left, right)
    ]
    together = (stand[0].T @ stand[1]).tocoo()
    s, t, score = (
        together.row,
        together.col,
        2 * together.data / (left.n[together.row] + right.n[together.col]),
    )
    linked = score >= dice
    for side, names in ((s, left.names), (t, right.names)):
        best = np.zeros(len(names))
        np.maximum.at(best, side, score)
        top = score == best[side]
        linked &= top & (np.bincount(side[top], minlength=len(names))[side] == 1)
    found = ((left.names[i], right.names[j]) for i, j in zip(s[linked], t[linked], strict=True))
    return {word: right.spelling[other] for word, other in sorted(found) if word != other}


def _words(text: str, language: str) -> Iterator[str]:
    """The text's words; in a language without spaces every piece that may be one."""
    for run, of_words in _runs(text, language):
        if of_words and _unspaced(language) and not run.isascii():
            at = _cuts(run)
            yield from (
                run[at[i] : end] for i in range(len(at) - 1) for end in at[i + 1 : i + 1 + LONGEST]
            )
        elif of_words and not run.isnumeric():
            yield run


def _pieces(text: str, language: str, known: Sequence[Dictionary]) -> Iterator[str]:
    """The text cut where a word may be replaced: at words, and without spaces at the longest piece that is known."""
    for run, of_words in _runs(text, language):
        if not (of_words and _unspaced(language) and not run.isascii()):
            yield run
            continue
        at, i = _cuts(run), 0
        while i < len(at) - 1:
            ends = range(min(i + LONGEST, len(at) - 1), i, -1)
            end = next(
                (j for j in ends if any(run[at[i] : at[j]].casefold() in d for d in known)), i + 1
            )
            yield run[at[i] : at[end]]
            i = end


def _runs(text: str, language: str) -> Iterator[tuple[str, bool]]:
    """The text in runs: letters, marks and digits, and what lies between them; without spaces, Latin ones by themselves."""
    apart = _unspaced(language)
    for kind, run in groupby(text, lambda c: 1 + (apart and c.isascii()) if _in_word(c) else 0):
        yield "".join(run), kind > 0


def _cuts(run: str) -> list[int]:
    """Where a piece may begin or end: never before a mark (a Thai tone belongs to its letter)."""
    return [i for i, c in enumerate(run) if i == 0 or unicodedata.category(c)[0] != "M"] + [
        len(run)
    ]


def _shorter(word: str) -> tuple[str, str]:
    """The piece without its first and without its last character."""
    at = _cuts(word)
    return word[at[1] :], word[: at[-2]]


@lru_cache(maxsize=65536)
def _in_word(character: str) -> bool:
    return (
        unicodedata.category(character)[0] in "LMN" or character in "\u200c\u200d"
    )  # the joiners of Persian and Hindi


def _unspaced(language: str) -> bool:
    return language.split("_")[0] in UNSPACED
