"""What is known of each language: against Babel's data, and the languages of all datasets."""

from __future__ import annotations

import hashlib

import pytest
from babel import Locale
from babel.core import get_global

from hbtlib.data.catalog import CATALOG
from hbtlib.languages import (
    EVALUATED,
    LANGUAGES,
    TRAINED,
    TWENTY,
    Language,
    syntactic_distance,
)

OF_ANOTHER = {"tw": "ak", "quz": "qu"}  # CLDR has their script under these codes
NAMES = {"bn": "Bengali", "quz": "Cusco Quechua"}  # where CLDR has another name, or none
SCRIPTS = {"Simplified": "Han", "Bangla": "Bengali", "Korean": "Hangul"}


def test_every_language_of_every_dataset_is_known() -> None:
    codes = {code for entry in CATALOG.values() for code in entry.module.LANGUAGES}
    # A code-switched text ("hi-en") is in several languages.
    unknown = {part for code in codes for part in code.split("-")} - LANGUAGES.keys()
    assert not unknown, "give them a row of languages.csv"


def test_the_languages_of_sets_without_a_loader_are_known_too() -> None:
    xnli = "ar bg de el en es fr hi ru sw th tr ur vi zh"
    afriqa = "bem en fon fr ha ig rw sw tw wo yo zu"
    mkqa = "ar da de en es fi fr he hu it ja km ko ms nl no pl pt ru sv th tr vi zh"
    mmarco = "ar de en es fr hi id it ja nl pt ru vi zh"
    answered = "am fa fr he nb ja ko pl ru th tr zh"  # AmQA, PQuAD, FQuAD, HeQ, NorQuAD, …
    assert set(f"{xnli} {afriqa} {mkqa} {mmarco} {answered}".split()) <= LANGUAGES.keys()


def test_the_twenty_are_as_they_always_were() -> None:
    assert tuple(sorted(TWENTY)) == TWENTY
    assert {*EVALUATED, *TRAINED} <= set(TWENTY)
    rows = [",".join(map(str, LANGUAGES[code][:6])) for code in TWENTY]
    digest = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    assert digest.startswith("1015712c7d2b")  # committed figures and tables group by these


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda language: language.code)
def test_names_and_scripts_are_cldrs(language: Language) -> None:
    english = Locale("en")
    name = NAMES.get(language.code) or english.languages[language.code]
    assert language.name == name
    subtags = get_global("likely_subtags")
    likely = subtags[OF_ANOTHER.get(language.code, language.code)].split("_")
    script = english.scripts[next(part for part in likely if len(part) == 4)]
    assert language.script == SCRIPTS.get(script, script)


def test_values_are_of_the_scales_that_the_docstring_names() -> None:
    for language in LANGUAGES.values():
        assert language.family
        assert language.word_order in {"SVO", "SOV", "VSO", "none dominant", None}
        assert language.resources in {0, 1, 2, 3, 4, 5, None}
        assert language.speakers is None or 100_000 < language.speakers < 2_000_000_000
    # WALS has no order of these two, and CLDR no number of speakers of Cusco's Quechua alone.
    assert [known.code for known in LANGUAGES.values() if known.word_order is None] == [
        "bem",
        "quz",
    ]
    assert [known.code for known in LANGUAGES.values() if known.speakers is None] == ["quz"]


def test_every_two_languages_have_a_syntactic_distance() -> None:
    codes = list(LANGUAGES)
    for i, code in enumerate(codes):
        assert syntactic_distance(code, code) == 0
        for other in codes[:i]:
            distance = syntactic_distance(code, other)
            assert distance is not None
            assert 0 <= distance <= 1
            assert syntactic_distance(other, code) == distance
    assert syntactic_distance("de", "en") == 0.097
    # Neighbours in their families are nearer than strangers.
    assert syntactic_distance("es", "it") < syntactic_distance("es", "ja")  # type: ignore[operator]
    assert syntactic_distance("de", "yue") is None
