"""Pairs: the texts that come back, the masks of those that exist, and messages for bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from datasets import Dataset, load_from_disk

import hbtlib as hbt
from hbtlib.data.pairs import Pairs, shared_keys

# Four ids with holes: no passage in fr but id 1's, no query in de but ids 0 and 3's;
# sw has queries alone.
QUERIES = [
    {"en": "q0 en", "de": "q0 de"},
    {"en": "q1 en", "sw": "q1 sw"},
    {"en": "q2 en"},
    {"en": "q3 en", "de": "q3 de"},
]
PASSAGES = [
    {"en": "p0 en", "de": "p0 de"},
    {"en": "p1 en", "fr": "p1 fr"},
    {"de": "p2 de"},
    {"en": "p3 en"},
]


@pytest.fixture
def holes() -> Pairs:
    return Pairs.from_texts("holes", QUERIES, PASSAGES)


def there(pairs: Pairs, role: str) -> list[set[str]]:
    mask = pairs.query_mask if role == "query" else pairs.passage_mask
    return [{code for bit, code in enumerate(pairs.languages) if int(m) >> bit & 1} for m in mask]


def check_holes(pairs: Pairs, ids: list[int]) -> None:
    """Masks and texts agree with QUERIES and PASSAGES of these ids."""
    assert len(pairs) == len(ids)
    for role, given in (("query", QUERIES), ("passage", PASSAGES)):
        assert there(pairs, role) == [set(given[i]) for i in ids]
        known = [(row, code) for row, i in enumerate(ids) for code in given[i]]
        known.reverse()  # not in the table's order
        assert pairs.texts([row for row, _ in known], [code for _, code in known], role) == [
            given[ids[row]][code] for row, code in known
        ]


def test_texts_that_are_none_are_refused() -> None:
    wrong: list[tuple[list, list, str]] = [
        ([{"en": "a"}], [], "1 queries but 0 passages"),
        ([], [], "0 queries but 0"),
        (["a"], [{"en": "b"}], "the query of id 0 is 'a', where a map language"),
        ([{"en": "a"}], [{"en": " "}], "the passage of id 0 is {'en': ' '}, where"),
    ]
    for queries, passages, said in wrong:
        with pytest.raises(ValueError, match="pairs 'mine': ") as error:
            Pairs.from_texts("mine", queries, passages)
        assert said in str(error.value)


def test_languages_masks_and_texts(holes: Pairs) -> None:
    assert holes.languages == ("de", "en", "fr", "sw")
    assert holes.query_languages == ("de", "en", "sw")
    assert holes.passage_languages == ("de", "en", "fr")
    assert "'holes', 4 ids" in repr(holes)
    check_holes(holes, [0, 1, 2, 3])


def test_texts_in_the_order_and_as_often_as_asked(tiny_pairs: Pairs) -> None:
    assert tiny_pairs.texts([5, 0, 5], "bb", "query") == [
        "question 5 in bb",
        "question 0 in bb",
        "question 5 in bb",
    ]
    assert tiny_pairs.texts(np.array([7, 7, 1]), np.array(["cc", "aa", "cc"]), "passage") == [
        "passage 7 in cc",
        "passage 7 in aa",
        "passage 1 in cc",
    ]
    assert tiny_pairs.texts([], "aa", "query") == tiny_pairs.texts([], [], "passage") == []


def test_texts_that_are_not_there(holes: Pairs) -> None:
    with pytest.raises(KeyError, match="'holes': id 2 has no query in 'de'"):
        holes.texts([0, 2, 1], "de", "query")
    with pytest.raises(KeyError, match="id 3 has no passage in 'fr'"):
        holes.texts([1, 3], ["en", "fr"], "passage")
    with pytest.raises(KeyError, match=r"no query in .*fr.*; it has .*queries in de en sw"):
        holes.texts([1], "fr", "query")
    with pytest.raises(KeyError, match="no such role"):
        holes.texts([1], "en", "document")
    with pytest.raises(
        ValueError, match="3 ids but 2 languages: give one language an id, or one for all"
    ):
        holes.texts([0, 1, 2], ["en", "en"], "query")
    with pytest.raises(IndexError):
        holes.texts([4], "en", "query")


def test_messages_name_a_language_as_it_was_written(holes: Pairs) -> None:
    with pytest.raises(KeyError, match="id 3 has no passage in 'fr'"):
        holes.texts([1, 3], np.array(["en", "fr"]), "passage")  # as a Batch gives them
    with pytest.raises(KeyError, match="no query in 'fr'; it has"):
        holes.texts([1], "fr", "query")


def test_negatives(tiny_pairs: Pairs) -> None:
    assert tiny_pairs.negatives([3, 1], "aa") == [[], []]
    negatives: dict[str, list] = {
        code: [[f"n{i}{j} {code}" for j in range(2)] for i in range(4)] for code in ("en", "de")
    }
    negatives["de"][3] = None
    pairs = Pairs.from_texts(
        "hard", QUERIES, PASSAGES, negatives_en=negatives["en"], negatives_de=negatives["de"]
    )
    assert pairs.languages == ("de", "en", "fr", "sw"), "negatives make no language"
    assert pairs.negatives([2, 0], "en") == [["n20 en", "n21 en"], ["n00 en", "n01 en"]]
    assert pairs.negatives([1, 3, 1], ["de", "de", "en"]) == [
        ["n10 de", "n11 de"],
        [],
        ["n10 en", "n11 en"],
    ]
    with pytest.raises(KeyError, match="'hard' has no negatives in"):
        pairs.negatives([1], "fr")


def test_keys(holes: Pairs) -> None:
    ids = np.array([3, 0, 2])
    assert holes.keys(ids, "query").tolist() == [3, 0, 2], "without keys, every id its own"
    pairs = Pairs.from_texts(
        "keyed", QUERIES, PASSAGES, query_key=[7, 8, 7, 9], passage_key=[2**40, 1, 1, 0]
    )
    assert pairs.languages == holes.languages, "a key is no language"
    assert pairs.keys(ids, "query").tolist() == [9, 7, 7]
    assert pairs.keys(ids, "passage").tolist() == [0, 2**40, 1]
    assert pairs.keys(ids, "passage").dtype == holes.keys(ids, "query").dtype == np.int64
    assert pairs.select([2, 3]).keys(np.array([1, 0]), "query").tolist() == [9, 7]


@pytest.mark.parametrize("ids", [[2, 0], [3, 3, 1], [0, 1], [2], [1, 2, 3, 0]])
def test_select_numbers_anew(holes: Pairs, ids: list[int]) -> None:
    check_holes(holes.select(ids), ids)
    check_holes(holes.select(np.array(ids)).select([0]), ids[:1])


def test_select_makes_languages_complete_or_empty(holes: Pairs) -> None:
    selected = holes.select([0, 3])
    assert there(selected, "query") == [{"de", "en"}, {"de", "en"}]
    with pytest.raises(KeyError, match="id 0 has no query in 'sw'"):
        selected.texts([0], "sw", "query")


@pytest.mark.parametrize("chosen", [None, [2, 0, 3]])
def test_save_and_load(holes: Pairs, tmp_path: Path, chosen: list[int] | None) -> None:
    pairs = holes if chosen is None else holes.select(chosen)
    pairs.save(tmp_path / "pairs")
    again = Pairs("holes", load_from_disk(str(tmp_path / "pairs")))
    assert again.languages == holes.languages
    check_holes(again, chosen or [0, 1, 2, 3])


@pytest.mark.parametrize(
    ("count", "dtype"),
    [
        (9, np.uint16),
        (16, np.uint16),
        (17, np.uint32),
        (20, np.uint32),
        (32, np.uint32),
        (33, np.uint64),
    ],
)
def test_masks_of_many_languages(count: int, dtype: type) -> None:
    codes = [f"l{i:02}" for i in range(count)]
    complete = Pairs.from_texts(
        "complete", [dict.fromkeys(codes, "q")] * 3, [dict.fromkeys(codes, "p")] * 3
    )
    assert complete.query_mask.dtype == complete.passage_mask.dtype == dtype
    assert complete.query_mask.tolist() == [(1 << count) - 1] * 3
    assert complete.query_mask.strides == (0,), "one number stands for all ids where all have all"
    queries = [
        {code: "q" for b, code in enumerate(codes) if b == i or b == count - 1 - i}
        for i in range(count)
    ]
    holes = Pairs.from_texts("holes", queries, [{codes[-1]: "p"}] * count)
    assert holes.query_mask.dtype == holes.passage_mask.dtype == dtype
    assert holes.query_mask.tolist() == [1 << i | 1 << (count - 1 - i) for i in range(count)]
    assert holes.passage_mask.tolist() == [1 << (count - 1)] * count


def test_masks_of_tables_in_pieces() -> None:
    """Several Arrow files give chunks, and a language that is complete in one of them alone."""
    from datasets import concatenate_datasets

    parts = [
        Pairs.from_texts("part", QUERIES[i : i + 2], PASSAGES[i : i + 2]).dataset for i in (0, 2)
    ]
    check_holes(Pairs("whole", concatenate_datasets(parts)), [0, 1, 2, 3])


def test_bad_input() -> None:
    with pytest.raises(
        ValueError,
        match=r"'x': no columns query_LANG and passage_LANG among \['passage_en', 'query_key'\]",
    ):
        Pairs("x", Dataset.from_dict({"query_key": [1], "passage_en": ["p"]}))
    with pytest.raises(ValueError, match="0 queries but 0 passages"):
        Pairs.from_texts("x", [], [])
    with pytest.raises(
        ValueError, match="'x': id 1 has no query in any language; leave such ids out"
    ):
        Pairs.from_texts("x", [{"en": "q"}, {}], [{"en": "p"}, {"en": "p"}])
    with pytest.raises(ValueError, match="'x': id 2 has no passage in any language"):
        Pairs.from_texts("x", [{"en": "q"}] * 3, [{"en": "p"}, {"de": "p"}, {}])
    with pytest.raises(ValueError, match="3 queries but 2 passages"):
        Pairs.from_texts("x", [{"en": "q"}] * 3, [{"en": "p"}] * 2)


def test_a_smaller_sample_lies_in_a_larger_one(tiny_pairs: Pairs) -> None:
    found = {n: tiny_pairs.sample(n, seed=3).texts(range(n), "aa", "query") for n in (1, 5, 9, 12)}
    for small, large in ((1, 5), (5, 9), (9, 12)):
        assert len(set(found[small])) == small
        assert set(found[small]) < set(found[large])
    assert found[5] == tiny_pairs.sample(5, seed=3).texts(range(5), "aa", "query")
    assert (
        len({tuple(tiny_pairs.sample(5, seed=s).texts(range(5), "aa", "query")) for s in range(8)})
        > 4
    )
    for n in (0, 13):
        with pytest.raises(ValueError, match=f"has 12 ids; cannot draw a sample of {n}"):
            tiny_pairs.sample(n)


def test_ids_share_a_key_through_others() -> None:
    texts = [{"en": "a"}, {"en": "b"}, {"en": "a", "de": "c"}, {"de": "c"}, {"de": "a"}]
    # The same letters in another language are another text.
    assert shared_keys(texts) == [
        0,
        1,
        0,
        0,
        4,
    ]


def test_to_benchmark_shares_questions_and_passages_of_one_key() -> None:
    pairs = hbt.Pairs.from_texts(
        "held-out",
        queries=[
            {"en": "Who built it?", "de": "Wer hat es gebaut?"},
            {"en": "When?"},
            {"en": "Who built it?"},  # the first question again, with another answer
        ],
        passages=[
            {"en": "Wren built it in 1710.", "de": "Wren baute es 1710."},
            {"en": "Wren built it in 1710."},  # the first passage again
            {"de": "Der Bauherr war Wren."},
        ],
    )
    made = pairs.to_benchmark()
    assert sorted(made.queries["text"]) == ["Wer hat es gebaut?", "When?", "Who built it?"]
    assert made.queries.groupby("text")["question_id"].first().nunique() == 2
    texts = made.judgements.merge(made.queries, on="query_id").merge(
        made.passages, on="passage_id", suffixes=("_query", "_passage")
    )
    found = set(zip(texts["text_query"], texts["text_passage"], strict=True))
    answers = {"Wren built it in 1710.", "Wren baute es 1710."}
    both = {*answers, "Der Bauherr war Wren."}
    assert found == {
        *(("Who built it?", text) for text in both),
        *(("Wer hat es gebaut?", text) for text in both),
        *(("When?", text) for text in answers),
    }


def test_to_benchmark_is_the_reverse_of_from_benchmark() -> None:
    given = hbt.load_benchmark("worldfacts", split="validation", languages=["de", "sw"])
    made = hbt.Pairs.from_benchmark(given).to_benchmark()

    def judged(benchmark: hbt.Benchmark) -> list[tuple[str, ...]]:
        joined = benchmark.judgements.merge(benchmark.queries, on="query_id")
        joined = joined.merge(benchmark.passages, on="passage_id", suffixes=("_q", "_p"))
        columns = ["language_q", "text_q", "language_p", "text_p"]
        return sorted(map(tuple, joined[columns].to_numpy()))

    assert judged(made) == judged(given)


def test_sets_of_pairs_follow_each_other() -> None:
    one = hbt.Pairs.from_texts(
        "one", [{"en": "Who?"}, {"en": "Who?", "de": "Wer?"}], [{"en": "Wren."}, {"en": "He."}]
    )
    two = hbt.Pairs.from_texts("two", [{"sw": "Lini?"}], [{"en": "In 1710."}])
    both = hbt.Pairs.concatenate([one, two])
    assert (both.name, len(both)) == ("one + two", 3)
    assert both.query_languages == ("de", "en", "sw")
    assert both.texts([1, 2], ["de", "sw"], "query") == ["Wer?", "Lini?"]
    assert both.stands(range(3), "en", "query").tolist() == [True, True, False]
    # The two ids of the first set share a question; no id shares anything with another set.
    assert len(set(both.keys(np.arange(3), "query").tolist())) == 2
    assert len(set(both.keys(np.arange(3), "passage").tolist())) == 3
    assert hbt.Pairs.concatenate([two]) is two


def test_what_cannot_follow_each_other_is_refused() -> None:
    plain = hbt.Pairs.from_texts("plain", [{"en": "Who?"}], [{"en": "Wren."}])
    mined = plain.with_columns({"negatives_en": pa.array([["Jones."]])})
    with pytest.raises(ValueError, match="plain has hard negatives and others have none"):
        hbt.Pairs.concatenate([plain, mined])
    with pytest.raises(ValueError, match="takes one set of pairs at least"):
        hbt.Pairs.concatenate([])
    with pytest.raises(ValueError, match=r"concatenate takes hbt\.Pairs, not 'mlqa'"):
        hbt.Pairs.concatenate([plain, "mlqa"])  # type: ignore[list-item]
