"""The tests that a study's YAML declares, as a table.

`python -m hbtlib.study.significance_command STUDY` writes results/STUDY/significance.csv, or
significance-BENCHMARK.csv for each of several benchmarks, from what the runs kept of each question.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hbtlib.study.config import load
from hbtlib.study.report import family
from hbtlib.study.report.reader import Reader


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m hbtlib.study.significance_command", description=__doc__
    )
    parser.add_argument("study", help="a study of notebooks/studies/ that declares a family")
    asked = parser.parse_args(arguments)
    try:
        for benchmark in load(asked.study).benchmarks:
            reader = Reader(asked.study, benchmark)
            file = reader.file("significance.csv")
            family.effects(reader).to_csv(file, index=False, float_format="%.6g")
            print(file)
    except (ValueError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
