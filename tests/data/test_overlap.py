"""Pairs that hold what a benchmark asks are found by id, by text, and inside a passage."""

from __future__ import annotations

import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.data.overlap import overlap

SENTENCE = "The old tower burned down in the great fire of 1666."
BENCHMARK = hbt.Benchmark(
    name="asked",
    queries=pd.DataFrame(
        {
            "query_id": ["fire:en", "17"],
            "question_id": ["fire", "17"],
            "language": ["en", "en"],
            "text": ["When did it burn down?", "Who rebuilt it?"],
        }
    ),
    passages=pd.DataFrame(
        {
            "passage_id": ["a", "b", "c"],
            "language": ["en"] * 3,
            "text": [SENTENCE, "Wren.", "A sentence of the pool that answers no question at all."],
        }
    ),
    judgements=pd.DataFrame({"query_id": ["fire:en", "17"], "passage_id": ["a", "b"]}),
)


def pairs(
    query: str = "Where is it?", passage: str = "It is in London.", id_: str = "other"
) -> hbt.Pairs:
    queries, passages = (
        [{"en": "Something else?"}, {"en": query}],
        [{"en": "Yes."}, {"en": passage}],
    )
    return hbt.Pairs.from_texts("mine", queries, passages, id=["x", id_])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (pairs(id_="fire"), "the question 'fire'"),
        (pairs(id_="fire:en"), "the question 'fire:en'"),
        (
            # Case, width and blanks do not count.
            pairs(query="when did it  burn down？"),
            "the query 'fire:en'",
        ),
        (pairs(passage="Wren."), "the relevant passage 'b'"),
        (pairs(query=SENTENCE), "the relevant passage 'a'"),  # whatever the role it is trained in
        (
            pairs(passage=f"It was old. {SENTENCE.upper()} It was rebuilt."),
            "the relevant passage 'a', inside a passage",
        ),
    ],
)
def test_what_is_evaluated_on_is_refused(given: hbt.Pairs, said: str) -> None:
    with pytest.raises(
        ValueError, match="1 of the 2 ids of the pairs 'mine' hold what 'asked' evaluates on"
    ) as error:
        hbt.check_disjoint(given, BENCHMARK)
    assert said in str(error.value)
    left = hbt.leave_out(given, BENCHMARK)
    assert left.texts([0], "en", "query") == ["Something else?"]
    assert len(left) == 1


@pytest.mark.parametrize(
    "given",
    [
        pairs(),
        pairs(id_="17"),  # a plain number says nothing
        pairs(passage="A sentence of the pool that answers no question at all."),
        pairs(passage="Wren. He built much."),
    ],
)
def test_the_rest_may_be_trained_on(given: hbt.Pairs) -> None:
    hbt.check_disjoint(given, BENCHMARK)
    assert hbt.leave_out(given, BENCHMARK) is given


def test_hard_negatives_and_sentences_above_their_paragraph_count() -> None:
    given = hbt.Pairs.from_texts(
        "mine",
        [{"en": "a"}, {"en": "b"}],
        [{"en": "c"}, {"en": "d"}],
        negatives_en=[["x"], ["Wren."]],
    )
    assert overlap(given, BENCHMARK) == {1: "the relevant passage 'b' (Wren.)"}
    whole = BENCHMARK.passages.assign(
        text=[f"{SENTENCE}\nIt was old. {SENTENCE} It was rebuilt.", "Preface\nWren.", "c"]
    )
    asked = hbt.Benchmark("asked", BENCHMARK.queries, whole, BENCHMARK.judgements)
    # The sentence, as context="paragraph" has it.
    assert overlap(pairs(passage=f"Once. {SENTENCE} Twice."), asked)
    # The first line of two is no sentence of the second.
    assert not overlap(pairs(passage="Preface"), asked)
