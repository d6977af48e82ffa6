"""Which questions of a study belong together, as its tests take them.

`python -m hbtlib.study.units_command STUDY` writes results/STUDY/units.parquet, or
units-BENCHMARK.parquet for each of several benchmarks, for notebooks that read a study whose ranks
are not kept. It reads the benchmarks' data, and no run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import pandas as pd

from hbtlib.data.benchmark import Benchmark
from hbtlib.evaluation.units import units
from hbtlib.files import write_table
from hbtlib.study.config import load
from hbtlib.study.report.reader import Reader
from hbtlib.study.report.train import load_benchmarks


def of_benchmark(benchmark: Benchmark) -> pd.DataFrame:
    """Which questions of a benchmark belong together.

    Args:
        benchmark: the benchmark.

    Returns:
        question_id and unit, as `hbt.units` has them of the benchmark's ranks.
    """
    relevant = benchmark.judgements[benchmark.judgements["grade"] > 0]
    asked = benchmark.queries[["query_id", "question_id"]]
    shared = relevant.merge(asked, on="query_id").assign(benchmark=benchmark.name)
    return pd.DataFrame(units(shared).items(), columns=["question_id", "unit"])


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m hbtlib.study.units_command", description=__doc__
    )
    parser.add_argument("study", help="a study of notebooks/studies/")
    asked = parser.parse_args(arguments)
    try:
        for name, benchmark in load_benchmarks(load(asked.study).runs[0].parameters).items():
            file = Reader(asked.study, name).committed("units.parquet")
            table = of_benchmark(benchmark)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_table(table, file, index=False)
            print(f"{file}: {len(table):,} questions, {table['unit'].nunique():,} units")
    except (ValueError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
