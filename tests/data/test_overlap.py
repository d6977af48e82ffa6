"""What is trained on and evaluated on: found by id, by text, and inside a passage; and MLQA's pairs and NTREX."""

from __future__ import annotations

from pathlib import Path

import layouts
import numpy as np
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError
from hbtlib.data.overlap import overlap
from hbtlib.data.pairs import shared_keys

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
            pairs(query="when did it  burn down？"),
            "the query 'fire:en'",
        ),  # case, width and blanks do not count
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
    assert overlap(
        pairs(passage=f"Once. {SENTENCE} Twice."), asked
    )  # the sentence, as context="paragraph" has it
    assert not overlap(
        pairs(passage="Preface"), asked
    )  # the first line of two is no sentence of the second


@pytest.mark.usefixtures("real_data")
def test_mlqa_pairs_against_what_they_are_evaluated_on() -> None:
    train, held_out = (
        hbt.load_pairs("mlqa-pairs", split=split) for split in ("train", "validation")
    )
    assert (len(train), len(held_out)) == (9_186, 491)  # together 9,677
    assert len(hbt.load_pairs("mlqa-pairs", monolingual=True)) == 5_069
    hbt.check_disjoint(train, hbt.load_benchmark("xquad-r", languages=["de", "es", "zh"]))
    mlqa_r = hbt.load_benchmark("mlqa-r")
    assert len(overlap(train, mlqa_r)) == 7
    hbt.check_disjoint(hbt.leave_out(train, mlqa_r), mlqa_r)


@pytest.mark.usefixtures("real_data")
def test_mlqa_pairs_have_their_published_counts() -> None:
    both = [hbt.load_pairs("mlqa-pairs", split=split) for split in ("train", "validation")]
    of = {
        role: {
            code: sum(
                int((getattr(p, f"{role}_mask") >> p.languages.index(code) & 1).sum()) for p in both
            )
            for code in getattr(both[0], f"{role}_languages")
        }
        for role in ("query", "passage")
    }
    assert of["passage"] == {"es": 5_156, "zh": 5_011, "de": 4_414, "vi": 1_675}
    assert of["query"] == {
        "vi": 4_365,
        "ar": 4_252,
        "hi": 3_875,
        "de": 3_821,
        "es": 3_283,
        "zh": 3_128,
    }
    keys = [
        {
            p.texts([i], code, "passage")[0]
            for i in range(len(p))
            for code in p.passage_languages
            if p.passage_mask[i] >> p.languages.index(code) & 1
        }
        for p in both
    ]
    assert not keys[0] & keys[1]  # no paragraph of the held-out ids is trained on


@pytest.mark.usefixtures("real_data")
def test_the_held_out_pairs_are_a_benchmark() -> None:
    found = hbt.load_benchmark("mlqa-pairs")
    assert (len(found.queries), len(found.passages)) == (1_157, 721)
    assert not found.passages.duplicated(["language", "text"]).any()
    hbt.check_disjoint(hbt.load_pairs("mlqa-pairs"), found)


@pytest.mark.usefixtures("real_data")
def test_ntrex_is_as_published() -> None:
    train, held_out = (hbt.load_pairs("ntrex", split=split) for split in ("train", "validation"))
    assert len(train) + len(held_out) == 1_997
    assert len(train.query_languages) == 20


def test_ntrex_s_lines_must_be_parallel(tmp_path: Path) -> None:
    layouts.ntrex(tmp_path)
    assert len(hbt.load_pairs("ntrex", tmp_path, languages=["de", "en"])) == 38
    for code, name in (
        ("de", "ref.deu"),
        ("en", "src.eng"),
    ):  # and by the names that NTREX gives its files
        layouts.put(
            tmp_path / "own" / f"newstest2019-{name}.txt", (tmp_path / f"{code}.txt").read_text()
        )
    held_out = hbt.load_pairs("ntrex", tmp_path / "own", languages=["de", "en"], split="validation")
    assert held_out.texts([0, 1], "de", "passage") == ["Satz 19.", "Satz 39."]
    (tmp_path / "de.txt").write_text("Satz.\n")
    with pytest.raises(DataError, match=r"en\.txt has 40 lines, but that of 'de' has 1"):
        hbt.load_pairs("ntrex", tmp_path, languages=["de", "en"])


def test_ids_share_a_key_through_others() -> None:
    texts = [{"en": "a"}, {"en": "b"}, {"en": "a", "de": "c"}, {"de": "c"}, {"de": "a"}]
    assert shared_keys(texts) == [
        0,
        1,
        0,
        0,
        4,
    ]  # the same letters in another language are another text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            '{"id": "1", "question": {}, "passage": {"de": "a"}}',
            "line 1, question: no text in any language",
        ),
        ('{"id": "1", "question": {"en": "a"}}', "line 1: the field 'passage' is missing"),
        (
            '{"id": "1", "question": {"xx": "a"}, "passage": {"de": "a"}}',
            "line 1, question: unknown language 'xx'",
        ),
        (
            '{"id": "1", "question": {"en": 3}, "passage": {"de": "a"}}',
            "line 1, question, en: the text is 3, where a text",
        ),
        ("", "it has no line"),
    ],
)
def test_wrong_lines_are_named(line: str, said: str, tmp_path: Path) -> None:
    layouts.put(tmp_path / "pairs.jsonl", line)
    with pytest.raises(DataError, match=said):
        hbt.load_pairs("mlqa-pairs", tmp_path)
    with pytest.raises(DataError, match="has no split 'dev'; it has train and validation"):
        hbt.load_pairs("mlqa-pairs", tmp_path, split="dev")


def test_batches_of_partly_parallel_pairs_hold_no_answer_twice(tmp_path: Path) -> None:
    layouts.pairs(tmp_path)
    given = hbt.load_pairs("folder", tmp_path)
    plan = hbt.BatchPlan(given, "x-y", batch_size=8, seed=0)
    for t in range(len(plan)):
        assert len(np.unique(plan[t].ids)) == len(plan[t].ids)
