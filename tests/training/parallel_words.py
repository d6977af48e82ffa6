"""Made-up parallel texts whose right dictionary is known."""

from __future__ import annotations

import numpy as np

from hbtlib.data.pairs import Pairs

HAN = [chr(0x4E00 + 3 * i) for i in range(120)]
WORDS = {
    "en": [f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(30)],
    "de": [f"Wort{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(30)],
    "hi": [f"हि{chr(0x0915 + i % 20)}ि{chr(0x0915 + i // 20)}्दी" for i in range(30)],
    "zh": ["".join(HAN[3 * i : 3 * i + 2 + i % 2]) for i in range(30)],
}


def made_up(seed: int = 0, ids: int = 150) -> Pairs:
    """Sentences of six words of thirty, in another order in each language.

    Chinese has no spaces between the words.
    """
    rng = np.random.default_rng(seed)
    sides = []
    for _ in ("query", "passage"):
        drawn = [rng.permutation(30)[:6] for _ in range(ids)]
        sides.append(
            [
                {
                    code: ("" if code == "zh" else " ").join(
                        words[i] for i in rng.permutation(chosen)
                    )
                    + "?"
                    for code, words in WORDS.items()
                }
                for chosen in drawn
            ]
        )
    return Pairs.from_texts("made up", *sides)
