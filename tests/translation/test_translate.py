"""Pairs are translated once a text, failures are dropped with their reasons, nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from filelock import FileLock

import hbtlib as hbt
from hbtlib.translation.failures import REASONS
from hbtlib.translation.shards import Shard, home_of
from hbtlib.translation.translate import _work
from hbtlib.translation.translator import Translation, Translator


class Fake:
    """A model that marks what it reads; some words make it fail."""

    def __init__(self, codes: str = "en de es sw ar", **about: Any) -> None:
        self.codes = codes.split()
        self.about = {"model": "fake", **about}
        self.seen: list[tuple[str, str, str]] = []
        self.dies_after = 10**9

    def why_not(self, source: str, target: str) -> str | None:
        for code in (source, target):
            if code not in self.codes:
                return f"the model 'fake' does not know {code!r}; it knows {' '.join(self.codes)}"
        return None

    def code(self, language: str) -> str:
        return language

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[Translation]:
        if len(self.seen) >= self.dies_after:
            raise KeyboardInterrupt
        self.seen += [(text, source, target) for text in texts]
        return [self.one(text, source, target) for text in texts]

    def one(self, text: str, source: str, target: str) -> Translation:
        made = f"{target}: {text}"
        if target == "ar":
            made = "".join(chr(0x627 + ord(letter) % 20) for letter in text)
        for word, failed in {
            "EMPTY": Translation(" \u200b "),
            "CUT": Translation("begun and", "cut off"),
            "LONG": Translation("", "too long"),
            "COPY": Translation(text.upper()),
            "SCRIPT": Translation("Это было написано иначе, чем надо."),
            "RATIO": Translation(made * 9),
        }.items():
            if word in text:
                return failed
        return Translation(made)


def some_pairs() -> hbt.Pairs:
    return hbt.Pairs.from_texts(
        "mine",
        [{"en": "Who?"}, {"en": "Who?", "de": "Wer?"}, {"de": "Warum?", "es": "¿Por qué?"}],
        [{"en": "Wren built it."}, {"en": "Wren built it."}, {"de": "Niemand weiß es."}],
        id=["a", "b", "c"],
    )


def test_what_exists_stays_and_the_rest_is_translated_once() -> None:
    model = Fake()
    made = hbt.translate(some_pairs(), ["de", "sw"], model, progress=False)
    assert sorted(model.seen) == [
        ("Niemand weiß es.", "de", "sw"),
        ("Warum?", "de", "sw"),
        ("Who?", "en", "de"),
        ("Who?", "en", "sw"),
        ("Wren built it.", "en", "de"),
        ("Wren built it.", "en", "sw"),
    ]
    pairs = made.pairs
    assert pairs.texts([0, 1, 2], "de", "query") == ["de: Who?", "Wer?", "Warum?"]
    assert pairs.texts([0, 1, 2], "sw", "query") == ["sw: Who?", "sw: Who?", "sw: Warum?"]
    assert pairs.texts([0, 1, 2], ["sw", "de", "de"], "passage") == [
        "sw: Wren built it.",
        "de: Wren built it.",
        "Niemand weiß es.",
    ]
    assert pairs.texts([0, 2], ["en", "es"], "query") == ["Who?", "¿Por qué?"]
    assert not pairs.stands([2], "en", "passage")[0]
    assert pairs.dataset["id"][:] == ["a", "b", "c"]
    assert pairs.name == "mine, translated"
    assert made.dropped.empty
    counts = made.counts.set_index(["language", "role", "source"])[["texts", "used", "dropped"]]
    assert counts.loc["sw", "query", "de"].tolist() == [1, 1, 0]
    assert counts["texts"].sum() == 6
    assert "6 texts translated, 0 dropped" in repr(made)
    assert made.about["model"] == "fake"
    assert {"torch", "transformers"} <= made.about["versions"].keys()


def test_failures_are_dropped_and_counted() -> None:
    words = ["EMPTY", "CUT", "LONG", "COPY", "SCRIPT", "RATIO", "fine"]
    texts = [{"en": f"The tower, {word}, of the town"} for word in words]
    pairs = hbt.Pairs.from_texts("mine", texts, [{"en": "Wren built it."}] * 7)
    made = hbt.translate(pairs, ["de", "ar"], Fake(), progress=False)
    dropped = made.dropped[made.dropped["language"] == "de"].set_index("reason")
    assert dropped["texts"].to_dict() == dict.fromkeys(set(REASONS) - {"negative"}, 1)
    assert dropped["example"]["copied"] == "The tower, COPY, of the town"
    assert dropped["translation"]["copied"] == "THE TOWER, COPY, OF THE TOWN"
    assert set(dropped["role"]) == {"query"}
    assert made.pairs.stands(range(7), "de", "query").tolist() == [False] * 6 + [True]
    assert made.pairs.stands(range(7), "de", "passage").all()
    counts = made.counts.set_index(["language", "role"])
    assert counts.loc[("de", "query"), ["texts", "used", "dropped"]].tolist() == [7, 1, 6]
    # In Arabic the same letters are in the right script, and the Russian ones are not.
    arabic = made.dropped[made.dropped["language"] == "ar"].set_index("reason")["texts"]
    assert arabic["wrong script"] == 1


def test_a_language_in_which_all_failed_is_none_of_the_pairs() -> None:
    pairs = hbt.Pairs.from_texts("mine", [{"en": "COPY this"}], [{"en": "Wren."}])
    made = hbt.translate(pairs, ["de"], Fake(), progress=False)
    assert made.pairs.query_languages == ("en",)
    assert made.pairs.passage_languages == ("de", "en")
    every = hbt.Pairs.from_texts("mine", [{"en": "COPY this"}], [{"en": "EMPTY"}])
    with pytest.raises(ValueError, match=r"not one of the translations .* by fake .*empty: 1, cop"):
        hbt.translate(every, ["de"], Fake(), progress=False)


def test_negatives_come_along_or_take_their_passage_with_them() -> None:
    pairs = hbt.Pairs.from_texts(
        "mine",
        [{"en": "a?"}, {"en": "b?"}],
        [{"en": "Wren built it."}, {"en": "Nobody knows."}],
        negatives_en=[["On the Rhine.", "Wren built it."], ["EMPTY", "On the Rhine."]],
    )
    model = Fake()
    made = hbt.translate(pairs, ["de"], model, progress=False)
    assert len(model.seen) == len(set(model.seen)) == 6
    assert made.pairs.negatives([0], "de") == [["de: On the Rhine.", "de: Wren built it."]]
    assert made.pairs.stands([0, 1], "de", "passage").tolist() == [True, False]
    assert made.dropped.to_numpy().tolist() == [
        ["de", "negative", "empty", 1, "EMPTY", " \u200b "],
        ["de", "passage", "negative", 1, "", "de: Nobody knows."],
    ]
    assert made.pairs.negatives([1], "en") == [["EMPTY", "On the Rhine."]]


def test_ids_that_share_a_translation_share_its_key() -> None:
    class Short(Fake):
        def one(self, text: str, source: str, target: str) -> Translation:
            return Translation("Wer war es?" if text.startswith("Who") else f"{target} {text}")

    questions = [{"en": "Who is it?"}, {"en": "Who's it?"}, {"en": "Where?"}]
    passages = [{"en": f"passage {i}"} for i in range(3)]
    pairs = hbt.Pairs.from_texts("mine", questions, passages)
    made = hbt.translate(pairs, ["de"], Short(), progress=False).pairs
    assert pairs.keys([0, 1, 2], "query").tolist() == [0, 1, 2]
    assert made.keys([0, 1, 2], "query").tolist() == [0, 0, 2]
    assert made.keys([0, 1, 2], "passage").tolist() == [0, 1, 2]


def test_an_interrupted_call_goes_on(tmp_path: Path) -> None:
    texts = [{"en": f"question {i}"} for i in range(10)]
    pairs = hbt.Pairs.from_texts("mine", texts, [{"en": "Wren built it."}] * 10)
    model = Fake()
    model.dies_after = 6
    with pytest.raises(KeyboardInterrupt):
        hbt.translate(pairs, ["de"], model, folder=tmp_path, shard=3, progress=False)
    assert len(model.seen) == 6
    model.dies_after = 10**9
    made = hbt.translate(pairs, ["de"], model, folder=tmp_path, shard=3, progress=False)
    assert len(model.seen) == len(set(model.seen)) == 11
    again = hbt.translate(pairs, ["de"], model, folder=tmp_path, shard=3, progress=False)
    assert len(model.seen) == 11
    assert again.pairs.dataset.to_pandas().equals(made.pairs.dataset.to_pandas())
    hbt.translate(pairs, ["de"], Fake(beams=5), folder=tmp_path, shard=3, progress=False)
    homes = [home for home in tmp_path.iterdir() if home.is_dir()]
    assert sorted(json.loads((home / "about.json").read_text())["model"] for home in homes) == [
        "fake",
        "fake",
    ]
    assert list(tmp_path.rglob("*.lock")) == []


def test_a_damaged_shard_is_named_and_made_again(tmp_path: Path) -> None:
    model = Fake()
    made = hbt.translate(some_pairs(), ["sw"], model, folder=tmp_path, progress=False)
    file, other = sorted(tmp_path.rglob("*.parquet"))
    content = file.read_bytes()
    for damaged in (content[:-9], content.replace(b"PAR1", b"PAR0"), b"", other.read_bytes()):
        file.write_bytes(damaged)
        with pytest.warns(UserWarning, match=f"{file.name} .*: it is translated again"):
            again = hbt.translate(some_pairs(), ["sw"], model, folder=tmp_path, progress=False)
        assert again.pairs.dataset.to_pandas().equals(made.pairs.dataset.to_pandas())


def test_each_of_several_processes_makes_what_is_not_made(tmp_path: Path) -> None:
    translator = Translator.load("random")
    home = home_of(tmp_path, translator)
    shards = [Shard(home, "en", "de", [f"tower {i}"]) for i in "abc"]
    shards[1].make(translator)
    made = shards[1].file.stat().st_mtime_ns
    with FileLock(shards[2].file.with_suffix(".lock")):  # another process is making it
        _work(shards, "random", {}, processes=2)
    assert [part.file.exists() for part in shards] == [True, True, False]
    assert shards[1].file.stat().st_mtime_ns == made


@pytest.mark.slow
def test_two_processes_translate_what_one_does(tmp_path: Path) -> None:
    texts = [{"en": f"Who built the tower number {'i' * i}?"} for i in range(1, 5)]
    pairs = hbt.Pairs.from_texts("mine", texts, [{"en": "Wren built it in stone."}] * 4)
    options: dict[str, Any] = {"shard": 2, "progress": False}
    one = hbt.translate(pairs, ["de"], "random", **options)
    two = hbt.translate(pairs, ["de"], "random", processes=2, folder=tmp_path, **options)
    assert two.pairs.dataset.to_pandas().equals(one.pairs.dataset.to_pandas())
    assert len(list(tmp_path.rglob("*.parquet"))) == 3
    with pytest.raises(ValueError, match="processes is given with a model that is loaded already"):
        hbt.translate(pairs, ["de"], Translator.load("random"), processes=2)


def asked(text: str) -> hbt.Benchmark:
    return hbt.Benchmark(
        "asked",
        pd.DataFrame({"query_id": ["q"], "language": ["en"], "text": [text]}),
        pd.DataFrame({"passage_id": ["p"], "language": ["en"], "text": ["At the river."]}),
        pd.DataFrame({"query_id": ["q"], "passage_id": ["p"]}),
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"pairs": asked("Who?")}, "the benchmark 'asked' is evaluated on, and is not translated"),
        ({"pairs": [1]}, r"pairs is \[1\]; give Pairs"),
        ({"benchmarks": asked("who ?")}, "2 of the 3 ids of the pairs 'mine' hold what 'asked'"),
        ({"benchmarks": [asked("What?"), asked("Who?")]}, "2 of the 3 ids of the pairs 'mine'"),
        ({"benchmarks": "xquad-r"}, "benchmarks is 'xquad-r'; give Benchmarks"),
        ({"benchmarks": [3]}, "benchmark is 3; give a Benchmark"),
        (
            {"languages": "de"},
            r"translate: languages is 'de'; give a list of codes, \['de', 'en'\]",
        ),
        ({"languages": None}, "languages is None; name those to translate into"),
        ({"languages": ["xx"]}, "translate: 'xx' is no language; give its shortest ISO 639 code"),
        ({"languages": ["fr"]}, "the model 'fake' does not know 'fr'; it knows en de es sw ar"),
        ({"source": "fr"}, "the pairs 'mine' have no query in 'fr' to translate into 'de'"),
        ({"model": 3}, "model is 3; give a folder, a name on the hub, or an hbt.Translator"),
        ({"model": "/not/there"}, "/not/there is not there; give the folder of a translation"),
        ({"model": "random", "beam": 3}, "translate has no option 'beam'; it has revision, prec"),
        ({"beams": 3}, "beams is given with a model that is loaded already"),
        ({"shard": 0}, "shard is 0; it must be 1 or more"),
        ({"processes": 0}, "processes is 0; it must be 1 or more"),
    ],
)
def test_what_cannot_be_translated_is_refused(given: dict[str, Any], said: str) -> None:
    call: dict[str, Any] = {"pairs": some_pairs(), "languages": ["de"], "model": Fake(), **given}
    with pytest.raises((ValueError, OSError), match=said) as caught:
        hbt.translate(progress=False, **call)
    assert "\n" not in str(caught.value)


def test_a_model_that_loses_texts_is_refused() -> None:
    class Losing(Fake):
        def translate(self, texts: Sequence[str], source: str, target: str) -> list[Translation]:
            return super().translate(texts, source, target)[1:]

    with pytest.raises(ValueError, match="the model gave 1 translations of 2 texts"):
        hbt.translate(some_pairs(), ["de"], Losing(), progress=False)
