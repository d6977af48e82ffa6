"""What a dataset consists of, against small tables counted by hand."""

from __future__ import annotations

from pathlib import Path

import layouts
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.data import statistics
from hbtlib.data.benchmark import Benchmark
from hbtlib.data.pairs import Pairs


@pytest.fixture
def pairs() -> Pairs:
    return Pairs.from_texts(
        "few",
        [{"en": "Why?", "de": "Wieso?"}, {"en": "Who?"}, {"de": "Wann?"}],
        [{"en": "So."}, {"en": "He.", "sw": "Yeye."}, {"en": "Now."}],
        id=["a", "b", "c"],
    )


@pytest.fixture
def benchmark(tmp_path: Path) -> Benchmark:
    layouts.xquad_r(tmp_path)
    return hbt.load_benchmark("xquad-r", tmp_path, languages=["de", "en"])


def test_texts_are_counted_by_language(pairs: Pairs, benchmark: Benchmark) -> None:
    assert statistics.counts(pairs).to_numpy().tolist() == [
        ["de", 2, 0],
        ["en", 2, 3],
        ["sw", 0, 1],
    ]
    assert statistics.counts(benchmark).to_numpy().tolist() == [["de", 4, 6], ["en", 4, 6]]
    with pytest.raises(ValueError, match="the data are 'xquad-r'; give a Benchmark or Pairs"):
        statistics.counts("xquad-r")  # type: ignore[arg-type]


def test_samples_are_spaced_and_the_same_each_time(pairs: Pairs, benchmark: Benchmark) -> None:
    some = statistics.sample_texts(benchmark, 2)
    english = some.query("language == 'en' and role == 'passage'")["text"].tolist()
    assert english == ["The river rises in the north.", "It stands again."]  # the first and last
    assert len(some) == 8
    pd.testing.assert_frame_equal(some, statistics.sample_texts(benchmark, 2))
    assert statistics.sample_texts(pairs).to_numpy().tolist() == [
        ["de", "query", "Wieso?"],
        ["de", "query", "Wann?"],
        ["en", "query", "Why?"],
        ["en", "query", "Who?"],
        ["en", "passage", "So."],
        ["en", "passage", "He."],
        ["en", "passage", "Now."],
        ["sw", "passage", "Yeye."],
    ]
    with pytest.raises(ValueError, match="most is 0"):
        statistics.sample_texts(pairs, 0)


def test_lengths_are_quantiles_of_each_measure() -> None:
    texts = pd.DataFrame({"language": "en", "role": "query", "text": ["a", "a b", "a b c"]})
    measures = {"characters": statistics.characters, "words": statistics.words}
    found = statistics.lengths(texts, measures)
    assert found[["measure", "texts", "median"]].to_numpy().tolist() == [
        ["characters", 3, 3.0],
        ["words", 3, 2.0],
    ]
    assert found["p95"].tolist() == pytest.approx([4.8, 2.9])


def test_scripts_are_those_of_the_letters() -> None:
    texts = pd.DataFrame(
        {"language": ["ja", "ja", "hi-en"], "text": ["東京です。", "12", "गाना play"]}
    )
    found = statistics.scripts(texts).set_index(["language", "script"])["share"]
    assert found.to_dict() == pytest.approx(
        {
            ("hi-en", "Latin"): 4 / 6,  # vowel signs are marks, no letters
            ("hi-en", "Devanagari"): 2 / 6,
            ("ja", "Han"): 0.5,
            ("ja", "Hiragana"): 0.5,
        }
    )
    assert [statistics.script_of(c) for c in "々ªµʼ゠ﾊＡ"] == [
        *("Han", "Latin", "Greek", "", "", "Katakana", "Latin")
    ]


def test_what_is_parallel_is_counted_by_question(pairs: Pairs, benchmark: Benchmark) -> None:
    assert statistics.parallel(pairs).to_numpy().tolist() == [
        ["de", "en", 2],
        ["en", "en", 2],
        ["en", "sw", 1],
    ]
    assert statistics.parallel(benchmark).to_numpy().tolist() == [
        [a, b, 4] for a in ("de", "en") for b in ("de", "en")
    ]


def test_overlaps_are_attributed_to_their_set(pairs: Pairs, benchmark: Benchmark) -> None:
    held = Pairs.from_benchmark(benchmark)
    found = statistics.overlaps({"few": pairs, "held": held}, {"mine": benchmark})
    assert found.to_numpy().tolist() == [["few", "mine", 3, 0], ["held", "mine", 4, 4]]
    assert statistics.overlaps({"held": held}, {"mine": benchmark}, 2)["ids"].tolist() == [2]
    numbered = Pairs.from_texts("n", [{"en": "Why?"}], [{"en": "So."}], id=["7"])
    seven = Benchmark(
        "seven",
        pd.DataFrame({"query_id": ["7"], "language": ["en"], "text": ["What?"]}),
        pd.DataFrame({"passage_id": ["p"], "language": ["en"], "text": ["That."]}),
        pd.DataFrame({"query_id": ["7"], "passage_id": ["p"]}),
    )
    # Any dataset has a question 7.
    assert statistics.overlaps({"n": numbered}, {"seven": seven})["shared"].tolist() == [0]
    assert statistics.overlaps({}, {"mine": benchmark}).empty
