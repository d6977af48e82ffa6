"""What the loaders, Pairs and Benchmark are given and cannot use is refused in one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import layouts
import numpy as np
import pandas as pd
import pytest
from datasets import Dataset

import hbtlib as hbt
from hbtlib.checks import short
from hbtlib.data.benchmark import Benchmark
from hbtlib.data.catalog import CATALOG
from hbtlib.data.formats.checks import DataError, clean
from hbtlib.data.given import INVISIBLE, check_ids, check_languages, is_empty
from hbtlib.data.pairs import Pairs

LOADS: list[tuple[str, str]] = [
    (name, kind) for name, entry in CATALOG.items() for kind in entry.kinds
]
ALL = {f"{kind} {name}": (name, kind) for name, kind in LOADS}


def load(name: str, kind: str, *args: Any, **options: Any) -> Any:
    return (hbt.load_pairs if kind == "pairs" else hbt.load_benchmark)(name, *args, **options)


def refused(error: type[Exception], said: str, call: Callable[[], object]) -> None:
    """Calls something that must raise, with one short sentence that says this."""
    with pytest.raises(error, match=re.escape(said)) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600, message


BAD_LANGUAGES = [
    ([], "languages is empty; name one or more"),
    ((), "languages is empty"),
    (np.array([]), "languages is empty"),
    ("de", "languages is 'de'; give a list of codes, ['de', 'en']"),
    ("de en", "languages is 'de en'; give a list"),
    (b"de", "languages is b'de'; give a list"),
    (3, "languages is 3; give a list"),
    ({"de": 1}, "languages is {'de': 1}; give a list"),
    (["de", "de", "en"], "languages names 'de' more than once"),
    (["de", 3], "languages has 3, where a code such as 'de' belongs"),
    (["de", None], "languages has None, where a code"),
    (["de", ""], "languages has '', where a code"),
    (["de", " "], "languages has ' ', where a code"),
    ([["de"]], "languages has ['de'], where a code"),
]


@pytest.mark.parametrize("which", ALL)
@pytest.mark.parametrize(("languages", "said"), BAD_LANGUAGES)
def test_every_loader_refuses_languages(
    which: str, languages: object, said: str, tmp_path: Path
) -> None:
    name, kind = ALL[which]
    data = () if name == "worldfacts" else (tmp_path,)
    refused(ValueError, said, lambda: load(name, kind, *data, languages=languages))


@pytest.mark.parametrize("which", ALL)
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"langauges": ["de"]}, "has no option 'langauges'; did you mean 'languages'? it has"),
        ({"nothing": 1}, "has no option 'nothing'; it has "),
        ({"file": "x"}, "has no option 'file'; "),
    ],
)
def test_every_loader_refuses_options_that_it_lacks(
    which: str, options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    name, kind = ALL[which]
    refused(ValueError, f"{name} {said}", lambda: load(name, kind, tmp_path, **options))


WRONG_TYPES = {str: [3, True, ["test"], ""], bool: ["yes", 1, 0.5], int: ["3", 2.5, True]}
TYPED: dict[str, type] = {
    "split": str,
    "context": str,
    "label": str,
    "language": str,
    "called": str,
    "query": str,
    "degree": str,
    "version": str,
    "asked": str,
    "domains": str,
    "utterances": str,
    "passage": str,
    "monolingual": bool,
    "sentences": bool,
    "keep_unanswerable": bool,
    "parallel": bool,
    "hard_negatives": bool,
    "per_language": int,
    "negatives": int,
    "partners": int,
}


def test_every_option_of_every_loader_is_of_the_type_that_it_takes(tmp_path: Path) -> None:
    import inspect

    for name, kind in LOADS:
        module = CATALOG[name].module
        loader = getattr(module, f"load_{kind}", None) or module.load_benchmark
        for option in inspect.signature(loader).parameters:
            if option in ("data", "languages"):
                continue
            for value in WRONG_TYPES[TYPED[option]]:
                said = f"{name}: {option} is {value!r}; it "
                refused(
                    ValueError,
                    said,
                    lambda n=name, k=kind, o=option, v=value: load(n, k, tmp_path, **{o: v}),  # type: ignore[misc]
                )


NO_FOLDERS = [3, "", b"x", ["x"], "\0", "x" * 5000, "/dev/null"]
TAKE_FOLDERS = [w for w in ALL if "worldfacts" not in w and not w.endswith(" squad")]


@pytest.mark.parametrize("which", TAKE_FOLDERS)
@pytest.mark.parametrize("data", [*NO_FOLDERS, __file__])
def test_every_loader_refuses_what_is_no_folder(which: str, data: Any) -> None:
    name, kind = ALL[which]
    refused(DataError, "is not a folder; give data= the folder", lambda: load(name, kind, data))


@pytest.mark.parametrize("kind", ["pairs", "benchmark"])
@pytest.mark.parametrize("data", NO_FOLDERS)
def test_squad_refuses_what_is_neither_file_nor_folder(kind: str, data: Any) -> None:
    said = "is no file and no folder; give data= a file in SQuAD's form"
    refused(DataError, said, lambda: load("squad", kind, data))


@pytest.mark.parametrize("kind", ["pairs", "benchmark"])
def test_worldfacts_refuses_a_folder_that_it_would_not_read(kind: str, tmp_path: Path) -> None:
    refused(
        ValueError,
        "worldfacts is made here and reads no folder",
        lambda: load("worldfacts", kind, tmp_path),
    )


@pytest.mark.parametrize("kind", ["pairs", "benchmark"])
@pytest.mark.parametrize("name", [None, 3, "", ["worldfacts"]])
def test_a_name_is_a_text(kind: str, name: Any) -> None:
    refused(
        ValueError, f"the {kind} is {name!r}; it is a name of hbt.cat", lambda: load(name, kind)
    )


@pytest.mark.parametrize("kind", ["pairs", "benchmark"])
@pytest.mark.parametrize("name", ["x" * 10_000, "a\0b", " "])
def test_a_name_that_can_be_no_path_is_unknown(kind: str, name: str) -> None:
    refused(ValueError, f"no {kind} {short(name)}; the catalog has: ", lambda: load(name, kind))


@pytest.mark.parametrize("split", ["../test", "a/b", "test;x", " test", ".hidden"])
def test_a_split_leads_nowhere_out_of_the_folder(split: str, tmp_path: Path) -> None:
    layouts.beir(tmp_path)
    refused(
        ValueError,
        f"split is {split!r}; it becomes a part of a file's name",
        lambda: hbt.load_benchmark("folder", tmp_path, split=split),
    )


def test_languages_are_any_collection_of_codes() -> None:
    for given in (["de", "en"], ("de", "en"), np.array(["de", "en"]), pd.Series(["de", "en"])):
        assert check_languages("mine", given) == ("de", "en")
    assert check_languages("mine", (code for code in ("de", "en"))) == ("de", "en")
    assert check_languages("mine", None) is None
    found = hbt.load_pairs("worldfacts", languages=np.array(["de", "sw"]))
    assert found.languages == ("de", "sw")


# Texts of which nothing can be seen

BLANK = [
    "", " ", "\n\t", "\x00", "\x00\x00", "\x1f", "\x7f", "\x85", "\xa0", "\xad", "\u061c", "\u115f",
    "\u180e", "\u200b", "\u200c\u200d", "\u200e\u200f", "\u202e", "\u2028", "\u2060", "\u2064",
    "\u2800", "\u3000", "\u3164", "\ufe0f", "\ufeff", " \u200b \ufeff ", "\U000e0001", "\U000e0020",
]  # fmt: skip
VISIBLE = [
    "a",
    "\u200ba",
    ".",
    "0",
    "१",
    "न्\u200dय",
    "\u200f.",
    "🏳\ufe0f",
    "中",
    "\u0301",
    "\ue000",
]


@pytest.mark.parametrize("text", BLANK)
def test_a_text_that_shows_nothing_is_empty_everywhere(text: str) -> None:
    assert is_empty(text)
    refused(
        DataError,
        "file, line 1: the text is empty",
        lambda: clean(text, "file, line 1", "the text"),
    )
    for queries, passages in (([{"en": text}], [{"en": "a"}]), ([{"en": "a"}], [{"en": text}])):
        refused(
            ValueError,
            "where a map language → text",
            lambda q=queries, p=passages: Pairs.from_texts("mine", q, p),
        )
    for table in ("queries", "passages"):
        refused(
            ValueError,
            f"{table} row 1 ('2') has an empty text",
            lambda t=table: benchmark(**{t: {"text": ["a", text]}}),
        )


@pytest.mark.parametrize("text", VISIBLE)
def test_a_text_that_shows_something_is_kept_as_it_is(text: str) -> None:
    assert not is_empty(text)
    assert clean(text, "file", "the text") == text
    pairs = Pairs.from_texts("mine", [{"en": text}], [{"en": text}])
    assert pairs.texts([0], "en", "query") == [text]
    assert benchmark(queries={"text": ["a", text]}).queries["text"].tolist() == ["a", text]


def test_what_is_invisible_is_what_unicode_says() -> None:
    """Blanks, controls and marks of format; but for the signs before Arabic numbers, which show."""
    import unicodedata

    shown = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    for code in range(0x20000):
        char = chr(code)
        kind = unicodedata.category(char)
        if kind in ("Cc", "Zs", "Zl", "Zp") or char.isspace():
            assert char in INVISIBLE, hex(code)
        if kind == "Cf" and code not in shown and code < 0xFFF0:
            assert char in INVISIBLE, hex(code)
        if kind[0] in "LNPS" and char in INVISIBLE:
            assert "FILLER" in unicodedata.name(char) or code == 0x2800, hex(code)


# Benchmark


def benchmark(**changes: dict[str, list[Any]]) -> Benchmark:
    """A benchmark of two queries and two passages, with some columns changed (None: taken out)."""
    tables = {
        "queries": {"query_id": ["1", "2"], "language": ["de", "en"], "text": ["a", "b"]},
        "passages": {"passage_id": ["1", "2"], "language": ["de", "en"], "text": ["c", "d"]},
        "judgements": {"query_id": ["1", "2"], "passage_id": ["1", "2"], "grade": [1, 1]},
    }
    made = {
        name: pd.DataFrame(
            {c: v for c, v in {**columns, **changes.get(name, {})}.items() if v is not None}
        )
        for name, columns in tables.items()
    }
    return Benchmark("mine", **made)


NAN = float("nan")


@pytest.mark.parametrize(
    ("table", "column", "values", "said"),
    [
        ("queries", "query_id", None, "queries lack the column 'query_id'"),
        ("queries", "text", None, "queries lack the column 'text'"),
        ("queries", "language", None, "queries lack the column 'language'"),
        ("passages", "passage_id", None, "passages lack the column 'passage_id'"),
        ("judgements", "passage_id", None, "judgements lack the column 'passage_id'"),
        ("queries", "query_id", ["1", None], "queries row 1 (nan) has an empty query_id"),
        ("queries", "query_id", ["1", NAN], "queries row 1 (nan) has an empty query_id"),
        (
            "queries",
            "query_id",
            [1.0, 2.0],
            "queries row 0 has the query_id 1.0, where a text or a",
        ),
        ("queries", "query_id", [True, False], "queries row 0 has the query_id True"),
        ("queries", "query_id", [["1"], ["2"]], "queries row 0 has the query_id ['1']"),
        ("queries", "query_id", ["1", "1"], "queries hold the query_id '1' more than once"),
        ("passages", "passage_id", ["1", "\u200b"], "has an empty passage_id"),
        ("queries", "text", ["a", 3], "queries row 1 has the text 3, where a text belongs"),
        ("queries", "text", [1, 2], "queries row 0 has the text 1, where a text belongs"),
        ("queries", "text", ["a", b"b"], "queries row 1 has the text b'b'"),
        ("queries", "text", ["a", ["b"]], "queries row 1 has the text ['b']"),
        ("queries", "text", ["a", {"b": 1}], "queries row 1 has the text {'b': 1}"),
        ("queries", "text", ["a", None], "has an empty text"),
        ("queries", "text", [NAN, "a"], "has an empty text"),
        ("queries", "text", pd.Series(["a", "b\ud800"], dtype=object), "half of a character"),
        ("passages", "text", [True, False], "passages row 0 has the text True"),
        ("queries", "language", ["de", 3], "queries row 1 has the language 3"),
        ("queries", "language", ["de", None], "has an empty language"),
        ("queries", "language", ["de", "all"], "a language 'all', which names the pool"),
        ("judgements", "query_id", ["1", "3"], "names the query_id '3', which is not among"),
        ("judgements", "passage_id", [1.0, 2.0], "judgements row 0 has the passage_id 1.0"),
        ("judgements", "grade", [1, -1], "has the grade -1, which is below 0 or not whole"),
        ("judgements", "grade", [1, NAN], "has the grade nan"),
        ("judgements", "grade", [1, None], "has the grade nan"),
        ("judgements", "grade", [1, 0.5], "has the grade 0.5"),
        ("judgements", "grade", [1, float("inf")], "has the grade inf"),
        ("judgements", "grade", [1, 1001], "has the grade 1001"),
        ("judgements", "grade", ["1", "1.5"], "has the grade 1.5"),
        ("judgements", "grade", ["1", "yes"], "has the grade yes"),
        ("judgements", "grade", [1, 1j], "has the grade "),
        ("judgements", "grade", [[1], [1]], "has the grade [1]"),
    ],
)
def test_benchmark_refuses_columns(table: str, column: str, values: Any, said: str) -> None:
    refused(ValueError, said, lambda: benchmark(**{table: {column: values}}))


@pytest.mark.parametrize("values", [[1, 1], [1.0, 0.0], ["1", "0"], [True, False], [np.int8(1), 2]])
def test_benchmark_takes_grades_of_every_type(values: list[Any]) -> None:
    assert benchmark(judgements={"grade": values}).judgements["grade"].tolist()[0] == 1


def test_benchmark_takes_ids_that_are_whole_numbers() -> None:
    made = benchmark(queries={"query_id": [1, 2]}, judgements={"query_id": np.array([1, 2])})
    assert made.queries["query_id"].tolist() == ["1", "2"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", None, "the benchmark is called None; its name is a text"),
        ("name", "", "the benchmark is called ''"),
        ("name", " ", "the benchmark is called ' '; its name is a text"),
        ("name", "\u200b", "the benchmark is called '\\u200b'"),
        ("name", "a\0b", "the benchmark is called 'a\\x00b'"),
        ("queries", None, "queries is a NoneType; give a pandas.DataFrame"),
        ("queries", [], "queries is a list; give a pandas.DataFrame"),
        ("passages", {"text": ["a"]}, "passages is a dict; give a pandas.DataFrame"),
        ("judgements", "a.tsv", "judgements is a str; give a pandas.DataFrame"),
        ("settings", "monolingual", "settings is 'monolingual'; give some of"),
        ("settings", (), "settings is empty"),
        ("settings", None, "settings is None"),
        ("settings", ("mono",), "no setting 'mono'"),
        ("settings", (3,), "no setting 3"),
    ],
)
def test_benchmark_refuses_what_is_no_table(field: str, value: Any, said: str) -> None:
    whole = benchmark()
    given = {name: getattr(whole, name) for name in ("name", "queries", "passages", "judgements")}
    refused(ValueError, said, lambda: Benchmark(**{**given, field: value}))


def test_benchmark_refuses_a_column_twice() -> None:
    whole = benchmark()
    twice = pd.concat([whole.queries, whole.queries[["text"]]], axis=1)
    refused(
        ValueError,
        "queries have the column 'text' more than once",
        lambda: Benchmark("mine", twice, whole.passages, whole.judgements),
    )


@pytest.mark.parametrize(("languages", "said"), BAD_LANGUAGES)
def test_restrict_refuses_languages(languages: Any, said: str) -> None:
    refused(ValueError, said, lambda: benchmark().restrict(languages))


# Pairs


@pytest.mark.parametrize(
    ("ids", "error", "said"),
    [
        ([12], IndexError, "there is no id 12; the ids are 0 to 11"),
        ([0, -1], IndexError, "there is no id -1; the ids are 0 to 11"),
        ([2**63], IndexError, "there is no id 9223372036854775808"),
        ([1.0], ValueError, "ids are [1.0]; give a list of whole numbers"),
        ([0.5], ValueError, "ids are [0.5]"),
        ([True, False], ValueError, "ids are [True, False]"),
        (np.ones(12, bool), ValueError, "ids are array([ True"),
        (["1"], ValueError, "ids are ['1']"),
        ("1", ValueError, "ids are '1'"),
        ([None], ValueError, "ids are [None]"),
        (None, ValueError, "ids are None"),
        (3, ValueError, "ids are 3"),
        (np.int64(3), ValueError, "ids are np.int64(3)"),
        ([[1, 2]], ValueError, "ids are [[1, 2]]"),
        ([[1], [1, 2]], ValueError, "ids are [[1], [1, 2]]"),
        ({"a": 1}, ValueError, "ids are {'a': 1}"),
    ],
)
def test_pairs_refuse_ids(tiny_pairs: Pairs, ids: Any, error: type[Exception], said: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: tiny_pairs.select(ids),
        lambda: tiny_pairs.texts(ids, "aa", "query"),
        lambda: tiny_pairs.stands(ids, "aa", "query"),
        lambda: tiny_pairs.negatives(ids, "aa"),
        lambda: tiny_pairs.keys(ids, "query"),
    ]
    for call in calls:
        refused(error, said, call)


@pytest.mark.parametrize(
    "ids", [[3, 3, 1], range(3), (2,), np.array([1], np.uint8), pd.Series([4])]
)
def test_pairs_take_ids_of_every_integer_type(tiny_pairs: Pairs, ids: Any) -> None:
    wanted = [f"question {i} in aa" for i in ids]
    assert tiny_pairs.texts(ids, "aa", "query") == wanted
    assert tiny_pairs.select(ids).texts(range(len(wanted)), "aa", "query") == wanted
    assert check_ids("mine", [], 3).dtype == np.int64


def test_no_id_is_no_selection(tiny_pairs: Pairs) -> None:
    refused(
        ValueError, "'tiny': no id is selected; give one at least", lambda: tiny_pairs.select([])
    )


@pytest.mark.parametrize("role", ["document", "", None, 3, ["query"]])
def test_pairs_refuse_roles(tiny_pairs: Pairs, role: Any) -> None:
    for call in (
        lambda: tiny_pairs.texts([0], "aa", role),
        lambda: tiny_pairs.stands([0], "aa", role),
        lambda: tiny_pairs.keys(np.array([0]), role),
    ):
        refused(KeyError, f"no such role as {role!r}; it is query or passage", call)


@pytest.mark.parametrize("languages", [3, None, [3], [None], [["aa"]], {"aa": 1}])
def test_pairs_refuse_what_is_no_language(tiny_pairs: Pairs, languages: Any) -> None:
    refused(
        ValueError,
        f"languages are {languages!r}; give one code, or a list",
        lambda: tiny_pairs.texts([0], languages, "query"),
    )


@pytest.mark.parametrize(
    ("n", "seed", "said"),
    [
        (0, 0, "cannot draw a sample of 0"),
        (-1, 0, "cannot draw a sample of -1"),
        (13, 0, "has 12 ids; cannot draw a sample of 13"),
        (5.0, 0, "the size of a sample is 5.0; it must be a whole number"),
        (True, 0, "the size of a sample is True"),
        ("5", 0, "the size of a sample is '5'"),
        (None, 0, "the size of a sample is None"),
        (5, -1, "the seed of a sample is -1; it must be 0 or more"),
        (5, 1.5, "the seed of a sample is 1.5"),
        (5, "0", "the seed of a sample is '0'"),
        (5, None, "the seed of a sample is None"),
    ],
)
def test_sample_refuses(tiny_pairs: Pairs, n: Any, seed: Any, said: str) -> None:
    refused(ValueError, said, lambda: tiny_pairs.sample(n, seed))


TEXT = [{"en": "a"}]


@pytest.mark.parametrize(
    ("queries", "passages", "columns", "said"),
    [
        ("a", TEXT, {}, "the texts of role query are 'a'; give a list with a map"),
        ({"en": "a"}, TEXT, {}, "the texts of role query are {'en': 'a'}"),
        (TEXT, None, {}, "the texts of role passage are None"),
        (TEXT, 3, {}, "the texts of role passage are 3"),
        (["a"], TEXT, {}, "the query of id 0 is 'a', where a map"),
        ([None], TEXT, {}, "the query of id 0 is None"),
        ([{"en": None}], TEXT, {}, "the query of id 0 is {'en': None}"),
        ([{"en": 3}], TEXT, {}, "the query of id 0 is {'en': 3}"),
        ([{3: "a"}], TEXT, {}, "the query of id 0 is {3: 'a'}"),
        ([{"": "a"}], TEXT, {}, "the query of id 0 is {'': 'a'}"),
        ([{"key": "a"}], TEXT, {}, "the query of id 0 is {'key': 'a'}"),
        ([{"en": "a\ud800"}], TEXT, {}, "the query of id 0 is {'en': 'a\\ud800'}"),
        (TEXT, TEXT, {"id": ["1", "2"]}, "the column id has 2 values for 1 ids"),
        (TEXT, TEXT, {"id": "1"}, "the column id is '1'; give a list"),
        (TEXT, TEXT, {"id": 3}, "the column id is 3; give a list"),
        (TEXT * 2, TEXT * 2, {"id": ["1", 2]}, "the columns id hold values of several types"),
        (
            TEXT,
            TEXT,
            {"query_key": ["a"]},
            "the column query_key holds string, where whole numbers",
        ),
        (TEXT, TEXT, {"query_de": [3]}, "the column query_de holds int64, where texts belong"),
    ],
)
def test_from_texts_refuses(queries: Any, passages: Any, columns: Any, said: str) -> None:
    refused(ValueError, said, lambda: Pairs.from_texts("mine", queries, passages, **columns))


@pytest.mark.parametrize(
    ("name", "table", "said"),
    [
        (
            None,
            {"query_en": ["a"], "passage_en": ["b"]},
            "the pairs are called None; their name is",
        ),
        ("mine", None, "their table is a NoneType; give a datasets.Dataset"),
        ("mine", pd.DataFrame({"query_en": ["a"]}), "their table is a DataFrame; give a datasets"),
        (
            "mine",
            {"query_en": [1], "passage_en": ["b"]},
            "the column query_en holds int64, where te",
        ),
        ("mine", {"query_en": [["a"]], "passage_en": ["b"]}, "the column query_en holds list"),
        ("mine", {"query_en": [], "passage_en": []}, "mine"),
        ("mine", {"query_en": ["a"]}, "no columns query_LANG and passage_LANG"),
    ],
)
def test_pairs_refuse_tables(name: Any, table: Any, said: str) -> None:
    dataset = Dataset.from_dict(table) if isinstance(table, dict) else table
    refused(ValueError, said, lambda: Pairs(name, dataset))


@pytest.mark.parametrize("name", ["", " ", "\u200b", "a\0b", None, 3, pd.DataFrame()])
def test_pairs_have_a_name_that_can_be_seen(name: Any) -> None:
    refused(
        ValueError,
        f"the pairs are called {short(name)}; their name is a text",
        lambda: Pairs.from_texts(name, [{"en": "a"}], [{"en": "b"}]),
    )


def test_more_than_64_languages_are_refused() -> None:
    codes = [f"l{i:02}" for i in range(65)]
    most = Pairs.from_texts("most", [dict.fromkeys(codes[:64], "q")], [{codes[0]: "p"}])
    assert len(most.languages) == 64
    assert most.stands([0], codes[63], "query").tolist() == [True]
    refused(
        ValueError,
        "pairs 'mine': 65 languages; pairs have 64 at most",
        lambda: Pairs.from_texts("mine", [dict.fromkeys(codes, "q")], [{codes[0]: "p"}]),
    )


def test_pairs_are_not_saved_into_a_file(tiny_pairs: Pairs, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    refused(OSError, "file is a file; give a folder", lambda: tiny_pairs.save(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "mine"


# Overlap


@pytest.mark.parametrize("call", [hbt.leave_out, hbt.check_disjoint])
def test_overlap_refuses_other_types(call: Callable[..., object], tiny_pairs: Pairs) -> None:
    made = benchmark()
    for pairs in (None, 3, "worldfacts", made, [tiny_pairs]):
        refused(ValueError, "give Pairs, as hbt.load_pairs does", lambda p=pairs: call(p, made))
    for other in (None, 3, "worldfacts", tiny_pairs, [made]):
        refused(
            ValueError, "give a Benchmark, as hbt.load_bench", lambda o=other: call(tiny_pairs, o)
        )


def test_nothing_left_to_train_on_is_said() -> None:
    made = benchmark()
    pairs = Pairs.from_benchmark(made)
    refused(
        ValueError, "all 2 ids of the pairs 'mine' hold what", lambda: hbt.leave_out(pairs, made)
    )
    for wrong in (None, pairs, "worldfacts"):
        refused(
            ValueError,
            "from_benchmark takes a Benchmark, not",
            lambda w=wrong: Pairs.from_benchmark(w),  # type: ignore[arg-type]
        )
