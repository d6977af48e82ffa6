"""Texts as terms: every script and language is split as it needs."""

from __future__ import annotations

import sys

import pytest

from hbtlib.search.words import has_stemmer, terms


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Don't stop: U.S. Open-2024!", "don t stop u s open 2024"),
        ("de", "Straße, Äpfel", "straße äpfel"),
        ("tr", "ISPARTA'nın İli", "ısparta nın ili"),  # I and İ are two letters
        ("en", "ISPARTA", "isparta"),
        ("el", "Ελλάδα, ΑΘΗΝΑ;", "ελλάδα αθηνα"),
        ("hi", "पैंथर्स ने कितने अंक दिए?", "पैंथर्स ने कितने अंक दिए"),  # vowel signs stay
        ("ar", "كم نقطة؟", "كم نقطة"),
        ("vi", "Đội thủ", "đội thủ"),
        ("vi", "Đo\u0323\u0302i", "đội"),  # NFKC: one spelling of a letter
        ("ko", "서울은 수도이다.", "서울은 수도이다"),
        ("zh", "黑豹队的防守。", "黑豹 豹队 队的 的防 防守"),
        ("zh", "丢", "丢"),
        ("ja", "東京のNHKは、1925年", "東京 京の nhk は 1925 年"),
        ("ja", "コーヒー", "コー ーヒ ヒー"),  # the long vowel mark is of no script
        ("ja", "ﾃﾚﾋﾞ", "テレ レビ"),  # NFKC: half-width
        ("th", "ที่เท่า", "ที่เ เท่ ท่า"),  # marks belong to their letter
        ("en", "see 東京 now", "see 東京 now"),  # the script decides, not the language
        ("zh", "NBA是", "nba 是"),
        ("en", " …!? ", ""),
    ],
)
def test_a_text_is_split_by_its_script(language: str, text: str, expected: str) -> None:
    assert terms(text, language) == expected.split()


def test_words_become_stems_where_the_language_has_a_stemmer() -> None:
    pytest.importorskip("Stemmer", reason="needs PyStemmer, of the extra bm25")
    assert terms("Die Häuser", "de", stem=True) == terms("die Hauses", "de", stem=True)
    assert terms("Running", "en", stem=True) == ["run"]
    assert terms("running", "xx", stem=True) == ["running"]  # a code of no language
    assert terms("東京 running", "ja", stem=True) == ["東京", "running"]
    assert has_stemmer("nb")
    assert not has_stemmer("th")


def test_a_missing_stemmer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "Stemmer", None)
    with pytest.raises(ImportError, match=r"pip install 'hbtlib\[bm25\]', or leave stem=True out"):
        terms("running", "en-none", stem=True)
    assert terms("running", "en-none") == ["running"]
