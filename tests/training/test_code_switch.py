"""Dictionaries and code-switched texts on made-up parallel text, whose right dictionary is known."""

from __future__ import annotations

import numpy as np
import pytest

from hbtlib.data.pairs import Pairs
from hbtlib.training.code_switch import code_switch, dictionary_of

HAN = [chr(0x4E00 + 3 * i) for i in range(120)]
WORDS = {
    "en": [f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(30)],
    "de": [f"Wort{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(30)],
    "hi": [f"हि{chr(0x0915 + i % 20)}ि{chr(0x0915 + i // 20)}्दी" for i in range(30)],
    "zh": ["".join(HAN[3 * i : 3 * i + 2 + i % 2]) for i in range(30)],
}


def made_up(seed: int = 0, ids: int = 150) -> Pairs:
    """Sentences of six words drawn from thirty, in another order in each language; Chinese without spaces."""
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


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("en", "de"),
        ("de", "en"),
        ("en", "hi"),
        ("hi", "en"),
        ("en", "zh"),
        ("zh", "en"),
        ("zh", "de"),
    ],
)
def test_the_right_dictionary_is_found(source: str, target: str) -> None:
    right = {
        word.casefold(): other for word, other in zip(WORDS[source], WORDS[target], strict=True)
    }
    assert dictionary_of(made_up(), source, target) == right


def test_a_dictionary_is_the_dice_coefficient_by_hand() -> None:
    texts = [
        ("a b", "x y"),
        ("a c", "x z"),
        ("a", "x"),
        ("b c", "y z z"),
        ("d e", "u v"),
        ("e d", "v u"),
        ("f", "w"),
        ("g 7", "g 7"),
        ("h", "k"),
        ("h", "l"),
        ("h", "k"),
        ("m", "r"),
        ("m m", "r"),
        ("m", "s"),
    ]
    pairs = Pairs.from_texts(
        "by hand",
        [{"aa": s, "bb": t} for s, t in texts],
        [{"aa": f"{s} p", "bb": f"{t} q"} for s, t in texts],
    )
    # d and e, u and v always stand together, and h is k as often as l once each pair of texts counts once: none can be
    # told. g and 7 are themselves. m and r: 2 · 4 / (6 + 4).
    found = {"a": "x", "b": "y", "c": "z", "f": "w", "m": "r", "p": "q"}
    assert dictionary_of(pairs, "aa", "bb") == found
    assert dictionary_of(pairs, "aa", "bb", dice=0.8) == found
    assert dictionary_of(pairs, "aa", "bb", dice=0.81) == {
        k: v for k, v in found.items() if k != "m"
    }
    assert dictionary_of(pairs, "aa", "bb", least=3) == {k: v for k, v in found.items() if k != "f"}


def test_texts_that_lack_a_side_are_left_out() -> None:
    pairs = Pairs.from_texts(
        "gaps",
        [{"en": "One two", "de": "Eins zwei"}, {"en": "one"}, {"en": "one", "de": "Eins"}] * 2,
        [{"de": "drei"}] * 6,
    )
    assert dictionary_of(pairs, "en", "de", least=1) == {"one": "Eins", "two": "zwei"}
    assert dictionary_of(pairs, "de", "en", least=1) == {
        "eins": "One",
        "zwei": "two",
    }  # as often so as so: first in order
    assert dictionary_of(pairs, "en", "de", least=1, most=2) == {"one": "Eins", "two": "zwei"}
    assert (
        dictionary_of(pairs, "en", "de", least=1, most=1) == {}
    )  # two words that only stand together
    for target, complaint in (
        ("fr", "no text stands in both 'en' and 'fr'"),
        ("en", "two languages"),
    ):
        with pytest.raises(ValueError, match=complaint):
            dictionary_of(pairs, "en", target)


def test_a_particle_or_a_mark_is_no_word_by_itself() -> None:
    # 东京 stands with 的 and without, 巴黎 with 的 alone; the Thai tone in น้ำ belongs to its letter.
    texts = [
        ("tokyo", "东京的"),
        ("tokyo old", "老东京"),
        ("paris", "巴黎的"),
        ("paris old", "老巴黎的"),
        ("old", "老"),
    ]
    pairs = Pairs.from_texts(
        "zh",
        [{"en": s, "zh": t, "th": "น้ำ" if "old" in s else "กิน"} for s, t in texts],
        [{"en": f"passage {i}"} for i in range(5)],
    )
    assert dictionary_of(pairs, "en", "zh") == {"old": "老", "paris": "巴黎的", "tokyo": "东京"}
    assert dictionary_of(pairs, "en", "th")["old"] == "น้ำ"


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
