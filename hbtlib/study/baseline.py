"""The row `bm25` in a study's tables: a search by words, a control without any training.

`python -m hbtlib.study.baseline STUDY` ranks each benchmark of a study once, as its runs are
evaluated, and writes `results/STUDY/bm25.csv` (or `bm25-BENCHMARK.csv`). The notebooks put the row
below the arms. It is no arm: no comparison, test or picture has it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hbtlib.data.benchmark import SETTINGS, Benchmark
from hbtlib.evaluation.macro_intervals import Cells, estimate
from hbtlib.evaluation.metrics import METRICS, by_training, per_query
from hbtlib.evaluation.units import units
from hbtlib.files import replacing
from hbtlib.study import results
from hbtlib.study.config import load
from hbtlib.study.project import project_folder
from hbtlib.study.studies import Study
from hbtlib.study.together import asked_of

ARM = "bm25"
"""What tables call it."""

COLUMNS = ["languages", "setting", "metric", "value", "low", "high"]


def measure_baseline(benchmark: Benchmark, trained: Sequence[str]) -> pd.DataFrame:
    """BM25's scores on a benchmark, in the settings and groups of languages of a study's tables.

    Args:
        benchmark: what the study's runs are evaluated on.
        trained: the languages that its arms train on, by which pairs of languages are grouped.

    Returns:
        languages (trained or unseen), setting, metric, value (the macro average over pairs of query
        language and pool), low, high (its 95 % bootstrap interval over units of questions).
    """
    from hbtlib.search.scores import rank_scores  # notebooks that read the row need no search
    from hbtlib.study.encoders_rankings import bm25

    # Equal scores are ordered by hash: to mid-ranks, passages that tie would have no distance.
    ranks = rank_scores(bm25().of(benchmark), benchmark, ties="hash")
    unit_of = pd.Series(units(ranks))
    queries = by_training(per_query(ranks, METRICS), trained)
    queries = queries.assign(unit=queries["question_id"].astype("str").map(unit_of), below=1.0)
    rows: list[tuple[Any, ...]] = []
    for (group, setting), here in queries.groupby(["languages", "setting"], observed=True):
        for metric in METRICS:
            if metric.startswith("rank-distance") and setting != "multilingual":
                continue  # there are no translations in a pool of one language
            given = here.assign(above=here[metric].astype(float))
            cells = Cells.of(given.astype({"pool": "str"}), ["query_language", "pool"])
            rows.append((group, setting, metric, *estimate(cells)))
    table = pd.DataFrame(rows, columns=COLUMNS)
    order = {setting: place for place, setting in enumerate(SETTINGS)}
    return table.sort_values(
        ["languages", "setting"], key=lambda c: c.map(order) if c.name == "setting" else c
    ).reset_index(drop=True)


def file_of(study: Study, benchmark: str) -> Path:
    """The file of a study's row on a benchmark.

    Args:
        study: the study.
        benchmark: one of its benchmarks.
    """
    name = results.summary(study, benchmark).name.replace("summary", ARM).replace(".md", ".csv")
    return project_folder() / "results" / study.name / name


def read(study: Study, benchmark: str) -> pd.DataFrame | None:
    """A study's row on a benchmark, as `measure_baseline` gives it.

    Args:
        study: the study.
        benchmark: one of its benchmarks.

    Returns:
        The table; None where nobody measured it.

    Raises:
        ValueError: if the file is not what `write` wrote.
    """
    file = file_of(study, benchmark)
    if not file.exists():
        return None
    wrong = f"{file} is damaged: make it again (python -m hbtlib.study.baseline {study.name})"
    try:
        table = pd.read_csv(file)
    except (ValueError, OSError):
        raise ValueError(wrong) from None
    if list(table.columns) != COLUMNS or table[COLUMNS].isna().to_numpy().any():
        raise ValueError(wrong)
    return table


def texts(table: pd.DataFrame) -> pd.DataFrame:
    """The row as tables show it: `0.123 [0.110, 0.135]`; from 1 up whole numbers, of ranks.

    Args:
        table: `measure_baseline`'s table.

    Returns:
        languages, setting, metric, text.
    """
    said = []
    for numbers in table[["value", "low", "high"]].to_numpy(float):
        form = "{:.3f}" if numbers[0] < 1 else "{:,.0f}"
        value, low, high = map(form.format, numbers)
        said.append(f"{value} [{low}, {high}]")
    return table[["languages", "setting", "metric"]].assign(text=said)


def write(study: Study) -> list[Path]:
    """Measures a study's benchmarks and writes the files.

    Args:
        study: the study.

    Returns:
        The files.
    """
    from hbtlib.data.catalog import load_benchmark

    given = study.runs[0].parameters
    files = []
    for name in study.benchmarks:
        benchmark = load_benchmark(name, **asked_of(name, given))
        table = measure_baseline(benchmark, given["languages"].split())
        file = file_of(study, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as work:
            table.to_csv(work, index=False, float_format="%.6g")
        files.append(file)
    return files


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line.

    Args:
        arguments: the words of the command; None: those this process was started with.
    """
    parser = argparse.ArgumentParser(prog="python -m hbtlib.study.baseline", description=__doc__)
    parser.add_argument("studies", nargs="+", metavar="STUDY", help="of notebooks/studies/")
    try:
        for name in parser.parse_args(arguments).studies:
            for file in write(load(name)):
                print(file.relative_to(project_folder()), flush=True)
    except (ValueError, OSError, ImportError) as error:
        raise SystemExit(f"baseline: {' '.join(str(error).split())}") from None


if __name__ == "__main__":
    main()
