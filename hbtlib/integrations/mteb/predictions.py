"""Rankings that mteb saved (`prediction_folder`) as a ranks table."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hbtlib.checks import check_path, short
from hbtlib.data.formats.checks import DataError
from hbtlib.integrations.mteb.benchmarks import PARALLEL, benchmark_of, check_parallel
from hbtlib.integrations.mteb.results import Results, depth_of, joined, rows_of_results
from hbtlib.integrations.mteb.subsets import read_subsets
from hbtlib.integrations.mteb.tasks import SPLIT, BenchmarkTask

_ABOUT = "mteb_model_meta"  # the entry of a file that is no subset


def read_predictions(
    source: str | Path,
    tasks: Any,
    *,
    split: str | None = None,
    parallel: bool | None = None,
    languages: Mapping[str, tuple[str, str]] | None = None,
) -> pd.DataFrame:
    """Reads the rankings that `mteb.evaluate(…, prediction_folder=…)` saved.

    Args:
        source: the folder, or the file `NAME_predictions.json` of one task.
        tasks: the task that was evaluated, or several of `as_tasks`: one benchmark's settings.
        split: the split, as in `from_task`.
        parallel: as in `from_task`.
        languages: as in `from_task`.

    Returns:
        The ranks table, of all pools that the files have. mteb keeps 1,000 passages of each query.
        If all relevant ones are among them the table is whole. If not, they have no rank (NA), and
        a column `depth` says how deep the ranks are known: measures that need more refuse them.

    Raises:
        FileNotFoundError: if there is no such file.
        DataError: for a file that is no rankings of mteb, or of another task, subset or version;
            the message names file, subset and id.
    """
    path = check_path("source", source)
    several = list(tasks) if isinstance(tasks, list | tuple) else [tasks]
    names = {task.benchmark.name for task in several if isinstance(task, BenchmarkTask)}
    if len(several) > 1 and (len(names) != 1 or not all(hasattr(t, "benchmark") for t in several)):
        raise DataError(
            "ranks are of one benchmark: give one task of mteb, or the tasks that as_tasks made of "
            "one benchmark"
        )
    parts: list[pd.DataFrame] = []
    depths: list[int] = []
    for task in several:
        file = _file(path, task)
        saved = _read(file)
        if isinstance(task, BenchmarkTask):
            found = _of_benchmark(file, saved, task)
        else:
            found = _of_task(file, saved, task, split, parallel, languages)
        for rows, depth in found:
            parts.append(rows)
            depths.append(depth)
    return joined(parts, min(depths))


def _file(path: Path, task: Any) -> Path:
    """The file of a task."""
    file = path / task.prediction_file_name if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(
            f"{file} is not there; mteb.evaluate(…, prediction_folder=…) writes it"
        )
    return file


def _read(file: Path) -> dict[str, dict[str, Any]]:
    """The content of a file, by subset and split."""
    try:
        saved = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{file} is no whole JSON ({error}); run mteb again") from None
    if not isinstance(saved, dict) or _ABOUT not in saved or len(saved) < 2:
        raise DataError(
            f"{file} holds no rankings of mteb, which have an entry {_ABOUT!r} and one for each "
            "subset; is it another file?"
        )
    return {subset: found for subset, found in saved.items() if subset != _ABOUT}


def _split(file: Path, subset: str, found: object, split: str) -> Results:
    """The rankings of a split, after a check of their form."""
    if not isinstance(found, dict) or split not in found:
        raise DataError(f"{file}, {subset}: there is no split {short(split)} in it")
    results = found[split]
    of_form = isinstance(results, dict) and all(isinstance(row, dict) for row in results.values())
    if not of_form or not results:
        raise DataError(
            f"{file}, {subset}: here belong the passages of each query with their scores, "
            f"and it holds {short(results)}"
        )
    return results


def _of_benchmark(
    file: Path, saved: Mapping[str, Any], task: BenchmarkTask
) -> list[tuple[pd.DataFrame, int]]:
    """The rows and the depth of each subset of one of our tasks."""
    parts = []
    for subset, found in saved.items():
        if subset not in task.pairs:
            raise DataError(
                f"{file} has a subset {short(subset)}, which {task.metadata.name} lacks; is it of "
                "another task?"
            )
        results = _split(file, subset, found, SPLIT)
        _, pool = task.pairs[subset]
        rows = rows_of_results(results, task.benchmark, pool, f"{file}, {subset}")
        parts.append((rows, depth_of(results)))
    return parts


def _of_task(
    file: Path,
    saved: Mapping[str, Any],
    task: Any,
    split: str | None,
    parallel: bool | None,
    languages: Mapping[str, tuple[str, str]] | None,
) -> list[tuple[pd.DataFrame, int]]:
    """The rows and the depth of each subset of a task of mteb."""
    subsets: Sequence[Any] = read_subsets(task, list(saved), split, languages)
    name = task.metadata.name
    is_parallel = name in PARALLEL if parallel is None else parallel
    if is_parallel:
        check_parallel(name, subsets)
    benchmark = benchmark_of(name, subsets, is_parallel)
    chosen = split or next(iter(task.metadata.eval_splits))
    parts = []
    for subset in subsets:
        results = _split(file, subset.name, saved[subset.name], chosen)
        ours = {
            subset.query_id(query): {
                subset.passage_id(raw): score
                for raw, score in found.items()
                if raw not in subset.empty
            }
            for query, found in results.items()
            if query in subset.judgements or query not in subset.asked
        }
        place = f"{file}, {subset.name}"
        rows = rows_of_results(ours, benchmark, subset.language, place)
        parts.append((rows, depth_of(ours)))
    return parts
