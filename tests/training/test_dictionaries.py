"""Dictionaries of made-up parallel texts, whose right dictionary is known."""

from __future__ import annotations

import pytest
from parallel_words import WORDS, made_up

from hbtlib.data.pairs import Pairs
from hbtlib.training.dictionaries import dictionary_of


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
    # d and e always occur together, as u and v do, and h is k as often as l once each pair of
    # texts counts once: none can be told. g and 7 are themselves. m and r: 2 · 4 / (6 + 4).
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
    # 东京 occurs with 的 and without, 巴黎 with 的 only.
    # The Thai tone in น้ำ belongs to its letter.
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
