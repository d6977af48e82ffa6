"""Code-switched texts: known words change and nothing else, for the seed and the text alone."""

from __future__ import annotations

import numpy as np
import pytest
from parallel_words import WORDS

from hbtlib.training.code_switch import code_switch


def test_words_change_and_nothing_else() -> None:
    known = {
        ("en", "de"): {"cat": "Katze", "milk": "Milch"},
        ("en", "zh"): {"cat": "猫"},
        ("zh", "en"): {"猫": "cat", "喜欢": "likes", "喜": "glad"},
        ("hi", "en"): {"हिन्दी": "Hindi"},
    }
    texts = ["Cat, the cat's  MILK?", "猫喜欢GDP，喜。", "वह हिन्दी!", ""]
    assert code_switch(texts, ["en", "zh", "hi", "en"], known, 0.0) == texts
    full = code_switch(texts, ["en", "zh", "hi", "en"], known, 1.0)
    assert full[0] in {f"{a}, the {b}'s  Milch?" for a in ("Katze", "猫") for b in ("Katze", "猫")}
    assert full[1:] == ["catlikesGDP，glad。", "वह Hindi!", ""]
    assert code_switch(texts, "fr", known, 1.0) == texts  # no dictionary of the language


def test_a_switch_is_the_text_s_and_the_seed_s_alone() -> None:
    known = {
        ("en", code): dict(zip(WORDS["en"], WORDS[code], strict=True))
        for code in ("de", "hi", "zh")
    }
    texts = [" ".join(np.random.default_rng(i).permutation(WORDS["en"])) for i in range(40)]
    once = code_switch(texts, "en", known, 0.5, (7, 3))
    assert once == code_switch(texts, ["en"] * 40, known, 0.5, (7, 3))
    assert once[5:] == code_switch(texts[5:], "en", known, 0.5, (7, 3))
    assert once != code_switch(texts, "en", known, 0.5, (7, 4))
    words = [word for text in once for word in text.split()]
    counts = {code: sum(word in WORDS[code] for word in words) for code in WORDS}
    assert sum(counts.values()) == 1200
    assert counts["en"] == pytest.approx(600, abs=60)
    assert all(counts[code] == pytest.approx(200, abs=45) for code in ("de", "hi", "zh"))


def test_what_cannot_be_switched_is_refused() -> None:
    with pytest.raises(ValueError, match=r"share is 1\.5"):
        code_switch(["a"], "en", {}, 1.5)
    with pytest.raises(ValueError, match="1 texts but 2 languages"):
        code_switch(["a"], ["en", "de"], {})
