"""Code switching: words of a text are replaced by their translations in other languages."""

import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from hbtlib.checks import check_number
from hbtlib.data.pairs import Codes
from hbtlib.training.dictionaries import Dictionary
from hbtlib.training.words import pieces


def code_switch(
    texts: Sequence[str],
    languages: Codes,
    dictionaries: Mapping[tuple[str, str], Dictionary],
    share: float = 0.5,
    seed: int | Sequence[int] = 0,
) -> list[str]:
    """Replaces a share of the texts' words by their translations in other languages.

    Each word that some dictionary of its language has is replaced with probability `share`, by its
    translation into one of the languages that have one, drawn evenly. Everything else, spaces and
    punctuation included, stays. What a text becomes depends on the text and the seed alone: give
    another seed for each batch or epoch, such as (seed, t), for another draw.

    Args:
        texts: the texts.
        languages: the language code of each text, or one code for all.
        dictionaries: (source, target) → dictionary, as `dictionaries.dictionary_of` gives it.
        share: the probability that a known word is replaced, 0 to 1.
        seed: an integer or several, from which all is drawn.

    Returns:
        The texts with words replaced, in their order.

    Raises:
        ValueError: if share is not from 0 to 1, or the numbers of texts and languages differ.

    Example:
        >>> from hbtlib.training.code_switch import code_switch
        >>> known = {("en", "de"): {"cat": "Katze", "milk": "Milch"}}
        >>> code_switch(["The cat likes milk."], "en", known, share=1.0)
        ['The Katze likes Milch.']

    Source:
        CoSDA-ML (Qin et al. 2020, arXiv 2006.06402), and for queries Litschko et al. 2023 (arXiv
        2305.05295), whose dictionaries come from elsewhere.
    """
    check_share(share)
    if isinstance(languages, str):
        codes = [languages] * len(texts)
    else:
        codes = [str(code) for code in languages]
    if len(codes) != len(texts):
        raise ValueError(
            f"{len(texts)} texts but {len(codes)} languages: "
            "give one language for each text, or one for all"
        )
    of_language = {
        code: [
            dictionary for (source, _), dictionary in sorted(dictionaries.items()) if source == code
        ]
        for code in set(codes)
    }
    return [
        _switch(text, code, of_language[code], share, seed)
        for text, code in zip(texts, codes, strict=True)
    ]


def check_share(share: float) -> None:
    """Raises ValueError if the share of the words to replace is not from 0 to 1."""
    check_number("share", share, minimum=0, maximum=1)


def _switch(
    text: str,
    language: str,
    dictionaries: Sequence[Dictionary],
    share: float,
    seed: int | Sequence[int],
) -> str:
    """Replaces words of one text; the random draws depend on the seed and the text alone."""
    seeds = [seed] if isinstance(seed, int) else list(seed)
    rng = np.random.default_rng([*seeds, zlib.crc32(text.encode())])

    def translations(word: str) -> list[str]:
        key = word.casefold()
        return [dictionary[key] for dictionary in dictionaries if key in dictionary]

    switched = []
    for piece in pieces(text, language, lambda word: bool(translations(word))):
        found = translations(piece)
        if found and rng.random() < share:
            piece = found[rng.integers(len(found))]
        switched.append(piece)
    return "".join(switched)
