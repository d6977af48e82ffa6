"""Which tests are long, as `make unit` leaves them out: `tests/long_tests.txt`, a function a line.

After `make test` with PYTEST_ADDOPTS="--durations=0 --durations-min=0.3", its output in a file,
`python tests/long_tests.py FILE` writes the list anew. Where a fixture of a whole file is long, the
next test pays for it: do the same with `make unit`, and give both files.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

LIST = Path(__file__).with_name("long_tests.txt")

LONG = 0.3
"""Seconds from which a test, with all its cases, is long."""

LINE = re.compile(r"\s*([\d.]+)s (?:setup|call|teardown)\s+((?:tests|hbtlib)/\S+?)(?:\[.*)?$")


def listed() -> set[str]:
    """Reads the list: tests/FILE.py::FUNCTION."""
    return set(LIST.read_text(encoding="utf-8").split())


def function_of(test: str) -> str:
    """Returns the function of a case such as `tests/a.py::test_b[case 1]`."""
    return test.split("[")[0]


def from_durations(output: str) -> list[str]:
    """Finds the long tests in what pytest printed.

    Args:
        output: The text.

    Returns:
        Their functions, sorted.
    """
    seconds: Counter[str] = Counter()
    for line in output.splitlines():
        found = LINE.match(line)
        if found:
            seconds[found[2]] += float(found[1])  # type: ignore[assignment]
    return sorted(name for name, total in seconds.items() if total >= LONG)


if __name__ == "__main__":
    printed = [Path(file).read_text(encoding="utf-8") for file in sys.argv[1:]]
    names = from_durations("\n".join(printed))
    LIST.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    print(f"{LIST.name}: {len(names)} tests")
