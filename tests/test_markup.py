"""What Jupyter shows of the library's objects: small HTML in which every text is only text."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.markup import card, cut, said, table

HOSTILE = '<script>alert("x")</script>&amp;\'><img src=x onerror=alert(1)>'
TAGS = {"div", "b", "table", "tbody", "tr", "th", "td"}


class Shown(HTMLParser):
    """The tags, the attributes and the text of HTML; fails where a tag stays open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + "|"


def shown(thing: object) -> Shown:
    html = thing._repr_html_()  # type: ignore[attr-defined]
    page = Shown(html)
    assert page.tags <= TAGS
    assert page.attributes <= {"style"}
    assert len(html) < 20_000
    return page


def benchmark(text: str, name: str = "mine") -> hbt.Benchmark:
    return hbt.Benchmark(
        name=name,
        queries=pd.DataFrame(
            {
                "query_id": ["q-en", "q-de"],
                "question_id": [text, text],
                "language": ["en", text],
                "text": [text, text],
            }
        ),
        passages=pd.DataFrame({"passage_id": [text], "language": [text], "text": [text]}),
        judgements=pd.DataFrame({"query_id": ["q-en"], "passage_id": [text]}),
        left_out={text: 1234},
    )


def test_a_benchmark_counts_its_languages() -> None:
    page = shown(benchmark("zz"))
    for part in ("mine|", "questions|1|", "queries|2|", "judgements|1|", "zz: 1,234|"):
        assert part in page.text
    assert "en|1|0|zz|1|1|" in page.text


def test_hostile_texts_stay_texts() -> None:
    page = shown(benchmark(HOSTILE, HOSTILE))
    assert page.text.count(HOSTILE) == 3  # its name, its language, what it left out
    pairs = hbt.Pairs.from_texts(HOSTILE, [{"en": HOSTILE}], [{"de": HOSTILE}])
    assert shown(pairs).text.count(HOSTILE) == 3


def test_pairs_show_the_first_of_them() -> None:
    queries = [{"de": "Wo\n liegt Bonn?" + " x" * 200}, {"de": "b", "en": "b"}]
    pairs = hbt.Pairs.from_texts("mine", queries, [{"en": "On the Rhine."}, {"en": "c"}])
    page = shown(pairs)
    assert "ids|2|queries in|de en|passages in|en|hard negatives|no|" in page.text
    assert "query|de|Wo liegt Bonn? x x" in page.text
    assert "passage|en|On the Rhine.|" in page.text
    assert "left out" not in page.text
    assert max(map(len, page.text.split("|"))) <= 120


def test_a_plan_shows_which_languages_meet(tiny_pairs: hbt.Pairs) -> None:
    plan = hbt.BatchPlan(tiny_pairs, "hybrid", alpha=0.25, batch_size=4, seed=3)
    page = shown(plan)
    assert "kinds of batches|x-x-mono x-y|α|0.25 (by batch)|batch size|4|" in page.text
    for t in range(3):
        met = list(zip(plan[t].query_languages, plan[t].passage_languages, strict=True))
        pairs = ", ".join(f"{query}→{passage}" for query, passage in met)
        assert f"{t}|{plan[t].kind}|{pairs}|" in page.text
    alone = shown(hbt.BatchPlan(tiny_pairs, "x-y", batch_size=12))
    assert "α" not in alone.text
    assert ", …" in alone.text


def test_an_encoder_shows_how_a_text_becomes_a_vector(
    tiny_encoder_factory: Callable[[], hbt.Encoder],
) -> None:
    encoder = tiny_encoder_factory()
    encoder.settings = encoder.settings._replace(query_prefix=HOSTILE)
    page = shown(encoder)
    assert "dimensions|32|" in page.text
    assert f"before a query|{HOSTILE!r}|" in page.text
    assert "before a passage|'Passage: '|" in page.text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (10362, "10,362"),
        (0.5, "0.5"),
        (("de", "en"), "de en"),
        ({"too long": 3000}, "too long: 3,000"),
        ([], ""),
    ],
)
def test_values_become_texts(value: object, text: str) -> None:
    assert said(value) == text


def test_what_is_empty_is_left_out() -> None:
    assert Shown(card("K", "n", {"a": None, "b": {}, "c": 0})).text == "K| n|c|0|"
    assert Shown(table([("a", "b"), (1, None)])).text == "a|b|1|"


def test_long_texts_are_cut() -> None:
    assert cut("a  b\nc") == "a b c"
    assert cut("word " * 50, 12) == "word word w…"
    assert cut("x" * 12, 12) == "x" * 12
