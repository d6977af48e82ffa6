"""Which questions belong together."""

from __future__ import annotations

import pandas as pd

import hbtlib as hbt


def test_questions_of_one_passage_or_pattern_are_one_unit() -> None:
    def table(benchmark: str, rows: list[tuple[str, str]]) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=["question_id", "passage_id"]).assign(benchmark=benchmark)

    def groups(units: dict[str, int]) -> set[frozenset[str]]:
        return {frozenset(q for q in units if units[q] == u) for u in units.values()}

    rows = [("a", "en:1:0"), ("b", "en:1:4"), ("b", "de:7:0"), ("c", "de:7:2"), ("d", "de:1:2")]
    assert groups(hbt.units(table("mlqa-r", rows))) == {frozenset("abc"), frozenset("d")}
    assert groups(hbt.units(table("other", rows))) == {frozenset(q) for q in "abcd"}
    facts = [("currency-AI", "x"), ("currency-AT", "y"), ("script-de", "z")]
    assert groups(hbt.units(table("worldfacts", facts))) == {
        frozenset({"currency-AI", "currency-AT"}),
        frozenset({"script-de"}),
    }
