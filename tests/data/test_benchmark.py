"""A benchmark's checks.

Each kind of bad input is refused by a message that names the table, the row or id, and the fix.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.data.benchmark import SETTINGS

Tables = dict[str, pd.DataFrame]


@pytest.fixture
def tables() -> Tables:
    """Two questions in two languages, and three passages."""
    return {
        "queries": pd.DataFrame(
            {
                "query_id": ["1-en", "1-de", "2-en", "2-de"],
                "question_id": ["1", "1", "2", "2"],
                "language": ["en", "de"] * 2,
                "text": ["Who?", "Wer?", "When?", "Wann?"],
            }
        ),
        "passages": pd.DataFrame(
            {
                "passage_id": ["a", "b", "c"],
                "language": ["en", "de", "de"],
                "text": ["She did.", "Sie war es.", "Im Mai."],
                "title": ["A", "B", None],
            }
        ),
        "judgements": pd.DataFrame(
            {
                "query_id": ["1-en", "1-en", "1-de", "2-de", "1-de"],
                "passage_id": ["a", "b", "b", "c", "a"],
                "grade": [2, 1, 1, 0, 1],
            }
        ),
    }


def make(tables: Tables, **changed: Any) -> hbt.Benchmark:
    return hbt.Benchmark("mine", **(tables | changed))


def refused(tables: Tables, *said: str, **changed: Any) -> None:
    """The benchmark is refused, and the message has its name and every one of these parts."""
    with pytest.raises(ValueError, match="benchmark 'mine': ") as error:
        make(tables, **changed)
    for part in said:
        assert part in str(error.value), f"{error.value!s}: no {part!r}"


def with_value(table: pd.DataFrame, row: int, column: str, value: object) -> pd.DataFrame:
    changed = table.astype({column: object})
    changed.loc[row, column] = value
    return changed


def test_a_good_one_is_kept_as_given(tables: Tables) -> None:
    before = {name: table.copy() for name, table in tables.items()}
    benchmark = make(tables)
    for name, table in before.items():
        pd.testing.assert_frame_equal(getattr(benchmark, name), table)
        pd.testing.assert_frame_equal(tables[name], table)  # what was given is not changed
    assert benchmark.languages == ("de", "en")
    assert benchmark.settings == SETTINGS
    assert (
        repr(benchmark) == "Benchmark('mine', 4 queries, 3 passages, 5 judgements, languages de en)"
    )


def test_question_id_and_grade_may_be_left_out(tables: Tables) -> None:
    benchmark = make(
        tables,
        queries=tables["queries"].drop(columns="question_id"),
        judgements=tables["judgements"].drop(columns="grade"),
    )
    assert benchmark.queries["question_id"].tolist() == benchmark.queries["query_id"].tolist()
    assert benchmark.judgements["grade"].tolist() == [1] * 5


def test_ids_may_be_numbers_and_rows_may_have_any_index(tables: Tables) -> None:
    number = {"a": 10, "b": 20, "c": 30}
    benchmark = make(
        tables,
        passages=tables["passages"].assign(passage_id=[10, 20, 30]).set_index(pd.Index([7, 7, 3])),
        judgements=tables["judgements"].assign(
            passage_id=tables["judgements"]["passage_id"].map(number)
        ),
    )
    assert benchmark.passages["passage_id"].tolist() == ["10", "20", "30"]
    assert benchmark.passages.index.tolist() == [0, 1, 2]
    assert benchmark.judgements["passage_id"].tolist() == ["10", "20", "20", "30", "10"]


def test_categories_are_text_like_any(tables: Tables) -> None:
    categories = {
        name: table.astype(dict.fromkeys(set(table.columns) - {"grade"}, "category"))
        for name, table in tables.items()
    }
    pd.testing.assert_frame_equal(make(categories).queries, make(tables).queries)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("queries", "query_id"),
        ("queries", "language"),
        ("queries", "text"),
        ("passages", "passage_id"),
        ("passages", "language"),
        ("passages", "text"),
        ("judgements", "query_id"),
        ("judgements", "passage_id"),
    ],
)
def test_a_missing_column_is_refused(tables: Tables, table: str, column: str) -> None:
    less = tables[table].drop(columns=column)
    refused(
        tables,
        f"{table} lack the column {column!r}",
        "they have",
        less.columns[-1],
        **{table: less},
    )


@pytest.mark.parametrize("empty", ["", "  ", "\t\n", "\u3000", None, np.nan, pd.NA])
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("queries", "text"),
        ("queries", "language"),
        ("queries", "question_id"),
        ("passages", "text"),
        ("passages", "language"),
    ],
)
def test_an_empty_cell_is_refused(tables: Tables, table: str, column: str, empty: object) -> None:
    row_id = tables[table].iloc[2, 0]
    refused(
        tables,
        f"{table} row 2 ({row_id!r}) has an empty {column}",
        "leave the row out or fill it",
        **{table: with_value(tables[table], 2, column, empty)},
    )


@pytest.mark.parametrize("empty", ["", " ", None, np.nan])
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("queries", "query_id"),
        ("passages", "passage_id"),
        ("judgements", "query_id"),
        ("judgements", "passage_id"),
    ],
)
def test_an_empty_id_is_refused(tables: Tables, table: str, column: str, empty: object) -> None:
    refused(
        tables,
        f"{table} row 1",
        f"has an empty {column}",
        "leave the row out or fill it",
        **{table: with_value(tables[table], 1, column, empty)},
    )


@pytest.mark.parametrize(("table", "column"), [("queries", "query_id"), ("passages", "passage_id")])
def test_an_id_that_stands_twice_is_refused(tables: Tables, table: str, column: str) -> None:
    first = tables[table].loc[0, column]
    refused(
        tables,
        table,
        column,
        repr(first),
        "more than once",
        "ids must be unique over all languages",
        **{table: with_value(tables[table], 2, column, first)},
    )


def test_a_number_and_its_text_are_the_same_id(tables: Tables) -> None:
    refused(
        tables,
        "passages",
        "passage_id '7'",
        "more than once",
        passages=tables["passages"].assign(passage_id=[7, "7", "c"]),
        judgements=tables["judgements"].iloc[3:4],
    )


@pytest.mark.parametrize(("column", "table"), [("query_id", "queries"), ("passage_id", "passages")])
def test_a_judgement_of_what_is_not_there_is_refused(
    tables: Tables, column: str, table: str
) -> None:
    refused(
        tables,
        f"judgements row 2 names the {column} 'nobody'",
        f"not among the {table}",
        judgements=with_value(tables["judgements"], 2, column, "nobody"),
    )


def test_a_second_judgement_is_refused(tables: Tables) -> None:
    twice = pd.concat([tables["judgements"], tables["judgements"].iloc[[1]].assign(grade=0)])
    refused(tables, "judgements row 5", "a second time", judgements=twice)


def test_a_grade_below_zero_is_refused(tables: Tables) -> None:
    refused(
        tables,
        "judgements row 2",
        "1-de",
        "below 0",
        "grades are 0 (not relevant), 1, 2",
        judgements=tables["judgements"].assign(grade=[2, 1, -1, 0, 1]),
    )


@pytest.mark.parametrize("grade", [np.nan, None, pd.NA, 0.5, 1.5, np.inf, "relevant"])
def test_a_grade_that_is_no_whole_number_is_refused(tables: Tables, grade: object) -> None:
    """NaN would count as not relevant, a half as relevant with a gain of 0, whose nDCG is NaN."""
    refused(
        tables,
        "judgements row 2",
        "grade",
        judgements=with_value(tables["judgements"], 2, "grade", grade),
    )


def test_a_large_grade_is_kept_or_refused(tables: Tables) -> None:
    """Grades past the ranks table's integers must not come out as other grades."""
    try:
        benchmark = make(tables, judgements=tables["judgements"].assign(grade=[200, 1, 1, 0, 1]))
    except ValueError as error:
        assert "grade" in str(error)  # noqa: PT017 - either is right
        return
    ranks = hbt.rank_vectors(np.ones((4, 1)), np.ones((3, 1)), benchmark)
    assert set(ranks["grade"]) == {200, 1}


def test_a_whole_number_is_a_grade_in_any_type(tables: Tables) -> None:
    for grades in (
        [2.0, 1.0, 1.0, 0.0, 1.0],
        np.array([2, 1, 1, 0, 1], np.uint8),
        pd.array([2, 1, 1, 0, 1], "Int64"),
    ):
        benchmark = make(tables, judgements=tables["judgements"].assign(grade=grades))
        ranks = hbt.rank_vectors(np.ones((4, 1)), np.ones((3, 1)), benchmark)
        assert ranks[ranks["pool"] == "all"].groupby("query_id", observed=True)[
            "grade"
        ].sum().to_dict() == {"1-en": 3, "1-de": 2}


@pytest.mark.parametrize("table", ["queries", "passages"])
def test_a_language_named_like_the_joint_pool_is_refused(tables: Tables, table: str) -> None:
    """Its pool would be taken for the pool of all languages, and passages counted in both."""
    refused(tables, table, "'all'", **{table: tables[table].replace({"language": {"en": "all"}})})


def test_an_unknown_setting_is_refused(tables: Tables) -> None:
    refused(tables, "no setting 'bilingual'", *SETTINGS, settings=("monolingual", "bilingual"))


def test_restrict_keeps_what_is_of_its_languages(tables: Tables) -> None:
    benchmark = make(tables, settings=("monolingual",))
    german = benchmark.restrict(["de"])
    assert german.queries["query_id"].tolist() == ["1-de", "2-de"]
    assert german.passages["passage_id"].tolist() == ["b", "c"]
    # Neither an English query's judgements nor a German one's of an English passage.
    assert german.judgements.to_numpy().tolist() == [["1-de", "b", 1], ["2-de", "c", 0]]
    assert (german.name, german.languages, german.settings) == ("mine", ("de",), ("monolingual",))
    assert german.passages.index.tolist() == german.judgements.index.tolist() == [0, 1]
    # What else a passage has stays with it.
    assert german.passages["title"].isna().tolist() == [
        False,
        True,
    ]
    assert len(benchmark.queries) == 4  # the whole is as it was


def test_restrict_to_all_languages_changes_nothing(tables: Tables) -> None:
    benchmark = make(tables)
    for name in tables:
        pd.testing.assert_frame_equal(
            getattr(benchmark.restrict(["en", "de"]), name), getattr(benchmark, name)
        )


def test_restrict_names_a_language_that_is_not_there(tables: Tables) -> None:
    with pytest.raises(ValueError, match="benchmark 'mine' has no language 'fr'; it has de en"):
        make(tables).restrict(["de", "fr"])


def test_a_benchmark_of_no_judgements_is_one(tables: Tables) -> None:
    assert len(make(tables, judgements=tables["judgements"].iloc[:0]).judgements) == 0
