"""The list of long tests, which `make unit` leaves out."""

from __future__ import annotations

import ast
from pathlib import Path

import long_tests
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


def test_every_line_names_a_test_that_is_there() -> None:
    names = long_tests.listed()
    for file in sorted({name.split("::")[0] for name in names}):
        tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
        there = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        asked = {
            name.split("::")[-1].split(".")[-1] for name in names if name.startswith(f"{file}::")
        }
        assert asked <= there, f"{file}: run tests/long_tests.py again"


def test_long_tests_are_read_from_what_pytest_prints() -> None:
    printed = (
        "0.20s call     tests/a.py::test_one[case 1]\n"
        "0.15s setup    tests/a.py::test_one[b::c d]\n"
        "0.25s call     tests/a.py::test_two\n"
        "0.90s call     notebooks/01-data.ipynb::Cell 3\n"
        "12.00s call    tests/b/test_c.py::test_three\n"
    )
    assert long_tests.from_durations(printed) == [
        "tests/a.py::test_one",
        "tests/b/test_c.py::test_three",
    ]


def test_long_tests_are_marked(request: pytest.FixtureRequest) -> None:
    marked = {
        item.nodeid.split("[")[0]
        for item in request.session.items
        if item.get_closest_marker("long")
    }
    there = {long_tests.function_of(item.nodeid) for item in request.session.items}
    assert marked == long_tests.listed() & there
