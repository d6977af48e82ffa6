"""Near-duplicates are those that comparing all texts with all others finds."""

from __future__ import annotations

import itertools
import random
import unicodedata
from typing import Any

import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.data.near_duplicates import COLUMNS, bands, shingles

ALPHABETS = {
    "en": "abcdefghij     ",
    "zh": "".join(map(chr, range(0x4E00, 0x4E20))),  # no blanks between words
    "th": "".join(map(chr, range(0x0E01, 0x0E20))),
}


def edited(text: str, alphabet: str, rng: random.Random) -> str:
    """The text with a few of its characters replaced."""
    letters = list(text)
    for _ in range(rng.randrange(1, 6)):
        letters[rng.randrange(len(letters))] = rng.choice(alphabet)
    return "".join(letters)


def some_texts(seed: int) -> dict[str, list[str]]:
    """Texts in three languages, many of them edited copies of others."""
    rng = random.Random(seed)
    texts = {}
    for language, alphabet in ALPHABETS.items():
        made = [
            "".join(rng.choices(alphabet, k=rng.randrange(30, 90))).strip() + "." for _ in range(20)
        ]
        while len(made) < 60:
            copy = edited(rng.choice(made), alphabet, rng)
            made += [copy] if copy not in made else []
        texts[language] = made
    return texts


def as_pairs(texts: dict[str, list[str]]) -> hbt.Pairs:
    passages = [dict(zip(texts, forms, strict=True)) for forms in zip(*texts.values(), strict=True)]
    return hbt.Pairs.from_texts("mine", [{"en": f"{i}?"} for i in range(len(passages))], passages)


def as_benchmark(texts: dict[str, list[str]]) -> hbt.Benchmark:
    rows = [
        (f"p{i}:{language}", language, text)
        for language, forms in texts.items()
        for i, text in enumerate(forms)
    ]
    passages = pd.DataFrame(rows, columns=["passage_id", "language", "text"])
    queries = pd.DataFrame({"query_id": ["q"], "language": ["en"], "text": ["0?"]})
    return hbt.Benchmark(
        "asked", queries, passages, pd.DataFrame({"query_id": ["q"], "passage_id": ["p0:en"]})
    )


def plain_jaccard(one: str, other: str, size: int) -> float:
    """The similarity, written down another way."""

    def parts(text: str) -> set[str]:
        folded = unicodedata.normalize("NFKC", text).casefold()
        letters = [letter for letter in folded if not letter.isspace()]
        if len(letters) <= size:
            return {"".join(letters)}
        return {"".join(letters[i : i + size]) for i in range(len(letters) - size + 1)}

    a, b = parts(one), parts(other)
    return len(a & b) / len(a | b)


@pytest.mark.parametrize(("threshold", "size"), [(0.8, 5), (0.5, 3), (0.2, 2), (1.0, 5)])
def test_within_a_set_they_are_those_of_all_pairs(threshold: float, size: int) -> None:
    texts = some_texts(1)
    expected = {
        (language, i, j): plain_jaccard(a, b, size)
        for language, forms in texts.items()
        for (i, a), (j, b) in itertools.combinations(enumerate(forms), 2)
        if plain_jaccard(a, b, size) >= threshold
    }
    found = hbt.near_duplicates(as_pairs(texts), threshold=threshold, role="passage", shingle=size)
    rows = found.set_index(["language", "id", "other_id"])["similarity"].to_dict()
    assert rows == pytest.approx(expected)
    assert bool(rows) == (threshold < 1)
    assert found["similarity"].is_monotonic_decreasing


def test_between_sets_they_are_those_of_all_pairs() -> None:
    texts, others = some_texts(2), some_texts(3)
    for language, alphabet in ALPHABETS.items():
        others[language][:9] = [
            edited(text, alphabet, random.Random(4)) for text in texts[language][:9]
        ]
    others["en"][10] = texts["en"][10].upper()
    expected = {
        (language, i, f"p{j}:{language}"): plain_jaccard(a, b, 5)
        for language in texts
        for i, a in enumerate(texts[language])
        for j, b in enumerate(others[language])
        if plain_jaccard(a, b, 5) >= 0.6
    }
    found = hbt.near_duplicates(as_pairs(texts), as_benchmark(others), threshold=0.6)
    rows = found[found["role"] == "passage"]
    assert rows.set_index(["language", "id", "other_id"])["similarity"].to_dict() == pytest.approx(
        expected
    )
    assert expected["en", 10, "p10:en"] == 1
    assert {"en", "zh", "th"} == {language for language, _, _ in expected}
    assert found[found["role"] == "query"][
        ["id", "other_id", "text", "other_text"]
    ].to_numpy().tolist() == [[0, "q", "0?", "0?"]]


def test_a_text_of_several_ids_is_one_text() -> None:
    long = "The old tower of the church burned down in the great fire."
    given = hbt.Pairs.from_texts(
        "mine",
        [{"en": f"question {i} of all"} for i in range(4)],
        [{"en": long}, {"en": "Something else."}, {"en": long}, {"en": f"{long}!"}],
    )
    found = hbt.near_duplicates(given, role="passage")
    assert list(found.columns) == list(COLUMNS)
    assert found[["id", "other_id", "ids", "other_ids", "text"]].to_numpy().tolist() == [
        [0, 3, 2, 1, long]
    ]
    assert hbt.near_duplicates(given, role="passage", threshold=1).empty


def test_shingles_of_short_texts_and_of_none() -> None:
    assert shingles("A b", 5) == {"ab"}
    assert shingles("東京都", 3) == {"東京都"}
    assert shingles("ＡＢＣｄ", 3) == {"abc", "bcd"}


@pytest.mark.parametrize("threshold", [0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0])
def test_almost_no_pair_at_the_threshold_is_missed(threshold: float) -> None:
    count, size = bands(threshold)
    assert count * size <= 256
    assert (1 - threshold**size) ** count <= 0.001


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"data": "xquad-r"}, "data is 'xquad-r'; give Pairs, as hbt.load_pairs does, or a"),
        ({"other": 3}, "other is 3; give Pairs"),
        ({"data": None}, "data is None; give Pairs"),
        ({"threshold": 0}, "threshold is 0; it must be above 0 and 1 or less"),
        ({"threshold": 80}, "threshold is 80; it must be"),
        ({"threshold": "0.8"}, "threshold is '0.8'; it must be a number"),
        ({"role": "queries"}, "role is 'queries'; did you mean 'query'"),
        ({"shingle": 0}, "shingle is 0; it must be 1 or more"),
        ({"shingle": 2.5}, "shingle is 2.5; it must be a whole number"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    tiny_pairs: hbt.Pairs, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        hbt.near_duplicates(**{"data": tiny_pairs, **given})
