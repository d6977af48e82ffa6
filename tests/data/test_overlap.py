"""Pairs that hold what a benchmark asks are found by id, by text, and by a text inside another."""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.data.overlap import count_ways, find_overlap, overlap, plain

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


PARAGRAPH = (
    "The old tower of the market church burned down wholly in the great fire of 1666. Sixty years "
    "passed before it was built again, in white stone."
)
AROUND = hbt.Benchmark(
    "paragraphs",
    BENCHMARK.queries,
    BENCHMARK.passages.assign(text=[PARAGRAPH, "Wren.", f"Preface. {PARAGRAPH}"]),
    BENCHMARK.judgements,
)
LONG = "Sixty years passed before it was built again, in white stone, whoever had first built it."


def test_a_sentence_that_stands_inside_a_relevant_passage_is_found() -> None:
    sentence = PARAGRAPH.split(". ")[0] + "."
    said = "a part of the relevant passage 'a' (The old tower of the market church"
    for given in (
        pairs(passage=sentence),
        pairs(query=sentence),  # pairs of parallel sentences
        pairs(passage=sentence.upper().replace(" ", "  ")),
        pairs(passage=PARAGRAPH[:-1]),
        pairs(passage=PARAGRAPH[:-1], query=sentence),
    ):
        assert list(overlap(given, AROUND)) == [1]
        with pytest.raises(ValueError, match="evaluates on, id 1 for one: a part of the rel"):
            hbt.check_disjoint(given, AROUND)
        assert len(hbt.leave_out(given, AROUND)) == 1
    assert overlap(pairs(passage=sentence), AROUND)[1].startswith(said)
    # A passage that answers no query may hold it, and so may a text that only begins alike.
    other = AROUND.passages.assign(text=["In London, at the river.", "Wren.", PARAGRAPH])
    asked = hbt.Benchmark("asked", AROUND.queries, other, AROUND.judgements)
    assert overlap(pairs(passage=sentence), asked) == {}
    assert overlap(pairs(passage=LONG), AROUND) == {}
    assert overlap(pairs(passage=f"{PARAGRAPH[:-1]}, and so on"), AROUND) == {}


def test_how_long_a_text_must_be_to_count_inside_a_passage() -> None:
    text = plain(PARAGRAPH)
    for start in (0, 1, 30):
        assert overlap(pairs(passage=text[start : start + 60]), AROUND)
        assert not overlap(pairs(passage=text[start : start + 59]), AROUND)
    chinese = "旧市场教堂的钟楼在一六六六年的大火中被烧毁，六十年后才用白色石头重建起来。"
    passages = AROUND.passages.assign(text=[chinese, "Wren.", "c"])
    asked = hbt.Benchmark("asked", AROUND.queries, passages, AROUND.judgements)
    assert overlap(pairs(passage=chinese[1:21]), asked)  # 20 characters of three bytes
    assert not overlap(pairs(passage=chinese[1:20]), asked)


def test_the_paragraph_below_a_sentence_counts_too() -> None:
    sentence = "It was the work of Wren."
    both = AROUND.passages.assign(text=[f"{sentence}\n{PARAGRAPH} {sentence}", "Wren.", "c"])
    asked = hbt.Benchmark("asked", AROUND.queries, both, AROUND.judgements)
    assert overlap(pairs(passage=PARAGRAPH), asked)
    assert not overlap(pairs(passage=f"{sentence}{PARAGRAPH[:50]}"), asked)


@pytest.mark.parametrize("seed", range(20))
def test_what_stands_inside_is_what_python_finds(seed: int) -> None:
    rng = random.Random(seed)
    letters = rng.choice(["ab", "abcdefgh", "aéж中😀"])
    passages = ["".join(rng.choices(letters, k=rng.randrange(20, 200))) for _ in range(3)]
    texts = ["".join(rng.choices(letters, k=rng.randrange(10, 90))) for _ in range(5)]
    for passage in passages * 3:
        start = rng.randrange(len(passage))
        texts.append(passage[start : start + rng.randrange(1, 120)])
    asked = hbt.Benchmark(
        "asked",
        pd.DataFrame({"query_id": ["q"], "language": ["en"], "text": ["?"]}),
        pd.DataFrame({"passage_id": ["0", "1", "2"], "language": "en", "text": passages}),
        pd.DataFrame({"query_id": ["q"] * 3, "passage_id": ["0", "1", "2"]}),
    )
    queries = [{"en": text} for text in texts]
    given = hbt.Pairs.from_texts("mine", queries, [{"en": "."}] * len(texts))
    expected = [
        i
        for i, text in enumerate(texts)
        if any(
            text == passage or (text in passage and len(text.encode()) >= 60)
            for passage in passages
        )
    ]
    assert sorted(overlap(given, asked)) == expected


def test_the_ways_are_counted() -> None:
    found = find_overlap(pairs(id_="fire"), BENCHMARK)
    assert count_ways(found) == {"id": 1, "query": 0, "passage": 0, "inside": 0, "around": 0}
    given = hbt.Pairs.from_texts(
        "mine",
        [{"en": text} for text in ("When did it burn down?", "a", "b", "c", "d")],
        [{"en": text} for text in ("e", "Wren.", f"So. {SENTENCE}", PARAGRAPH[:90], "f")],
    )
    asked = BENCHMARK.passages.assign(text=[SENTENCE, "Wren.", PARAGRAPH])
    judged = pd.DataFrame({"query_id": ["17"] * 3, "passage_id": ["a", "b", "c"]})
    found = find_overlap(given, hbt.Benchmark("asked", BENCHMARK.queries, asked, judged))
    assert {row: held.way for row, held in found.items()} == {
        0: "query",
        1: "passage",
        2: "inside",
        3: "around",
    }
    assert count_ways(found) == {"id": 0, "query": 1, "passage": 1, "inside": 1, "around": 1}


def test_parallel_sentences_in_real_passages_by_chance_are_shorter(real_data: Path) -> None:
    """NTREX's sentences of 40 to 59 bytes stand in XQuAD-R's paragraphs, and no longer one."""
    asked = hbt.load_benchmark("xquad-r", languages=["th"], context="paragraph")
    given = hbt.load_pairs("ntrex", languages=["th", "en"])
    passages = {plain(text.partition("\n")[2]) for text in asked.passages["text"]}
    sentences = {plain(text) for text in given.dataset["query_th"]}
    inside = [text for text in sentences if len(text) > 12 and any(text in p for p in passages)]
    assert sorted(len(text.encode()) for text in inside) == [42, 51]
    assert overlap(given, asked) == {}


def test_real_sentences_are_found_in_their_paragraphs(real_data: Path) -> None:
    sentences = hbt.load_benchmark("xquad-r", languages=["de", "zh"])
    whole = hbt.load_benchmark("xquad-r", languages=["de", "zh"], context="paragraph")
    asked = hbt.Benchmark(
        "paragraphs",
        whole.queries.assign(text="Which one?"),
        whole.passages.assign(text=whole.passages["text"].str.partition("\n")[2]),
        whole.judgements,
    )
    gold = sentences.passages[
        sentences.passages["passage_id"].isin(sentences.judgements["passage_id"])
    ]
    given = hbt.Pairs.from_texts(
        "sentences",
        [{"en": f"question {i}"} for i in range(len(gold))],
        [{"en": text} for text in gold["text"]],
    )
    long = {i for i, text in enumerate(gold["text"]) if len(plain(text).encode()) >= 60}
    assert set(overlap(given, asked)) >= long
    assert len(long) > 0.9 * len(gold)
