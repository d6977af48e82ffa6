"""Words of texts with and without spaces; a text's pieces joined are the text."""

from __future__ import annotations

import pytest

from hbtlib.training.words import LONGEST, pieces, words

TEXTS = [
    ("en", "Cat, the cat's  MILK 12?"),
    ("hi", "वह हिन्दी! 7"),
    ("fa", "می\u200cخواهم"),
    ("zh", "猫喜欢GDP，喜 2024年。"),
    ("zh_hant", "東京的"),
    ("th", "กินน้ำ 3"),
    ("en", ""),
]


def test_words_are_runs_of_letters_and_no_numbers() -> None:
    assert list(words("Cat, the cat's  MILK 12?", "en")) == ["Cat", "the", "cat", "s", "MILK"]
    assert list(words("वह हिन्दी! 7", "hi")) == ["वह", "हिन्दी"]
    assert list(words("می\u200cخواهم", "fa")) == ["می\u200cخواهم"]  # one word with a joiner


def test_without_spaces_every_piece_may_be_a_word() -> None:
    assert list(words("老巴黎 GDP 5", "zh")) == ["老", "老巴", "老巴黎", "巴", "巴黎", "黎", "GDP"]
    assert list(words("น้ำ", "th")) == ["น้", "น้ำ", "ำ"]  # the tone stays with its letter
    long = "".join(chr(0x4E00 + i) for i in range(LONGEST + 3))
    assert max(map(len, words(long, "zh"))) == LONGEST


def test_pieces_are_the_longest_that_are_known() -> None:
    known = {"喜欢", "喜"}
    assert list(pieces("猫喜欢GDP，喜", "zh", known.__contains__)) == [
        "猫",
        "喜欢",
        "GDP",
        "，",
        "喜",
    ]


@pytest.mark.parametrize(("language", "text"), TEXTS)
@pytest.mark.parametrize("known", [True, False])
def test_pieces_joined_are_the_text(language: str, text: str, known: bool) -> None:
    assert "".join(pieces(text, language, lambda piece: known)) == text
