"""What the runs of a study left: their tables put together, and where figures and tables go."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hbtlib.files import DamagedFile, read_json, read_table
from hbtlib.study import manifest
from hbtlib.study.config import load
from hbtlib.study.folders import unlike
from hbtlib.study.packed import is_packed, packed_table
from hbtlib.study.project import output_folder
from hbtlib.study.runs import Run
from hbtlib.study.studies import Study


def figures(study: Study, benchmark: str) -> Path:
    """Returns the folder of the study's figures of a benchmark.

    Args:
        study: The study.
        benchmark: One of its benchmarks.

    Returns:
        `figures/STUDY`, and in it a folder for each benchmark if the study has several.
    """
    folder = output_folder() / "figures" / study.name
    return folder / benchmark if len(study.benchmarks) > 1 else folder


def summary(study: Study, benchmark: str) -> Path:
    """Returns the file of the study's table of a benchmark, in Markdown.

    A CSV file of the same name beside it has the same numbers.

    Args:
        study: The study.
        benchmark: One of its benchmarks.

    Returns:
        `results/STUDY/summary.md`, or `summary-BENCHMARK.md` if the study has several.
    """
    name = f"summary-{benchmark}.md" if len(study.benchmarks) > 1 else "summary.md"
    return output_folder() / "results" / study.name / name


def collect(
    study: Study, what: str = "metrics", benchmark: str | None = None, rivals: bool = False
) -> pd.DataFrame:
    """Puts one table of all runs of a study together.

    Args:
        study: The study.
        what: The table: metrics, ranks, questions, top, probes, points, language_probe or
            training_log.
        benchmark: Only the rows of this benchmark. None: all rows.
        rivals: Whether the runs of the study's rivals are collected too.

    Returns:
        The rows of all runs with three more columns: run (its name), arm and seed.

    Raises:
        FileNotFoundError: Runs are missing. The message names the first and counts them.
        ValueError: A run was made with other parameters than the study now has.
        DamagedFile: What is read is not what the run wrote. The message names the file.
    """
    runs = list(study.runs)
    if rivals and study.rivals:
        runs += load(study.rivals).runs
    _check_all_there(runs, what)
    return pd.concat([_read(run, what, benchmark) for run in runs], ignore_index=True)


def _check_all_there(runs: Sequence[Run], what: str) -> None:
    """Raises FileNotFoundError if a run lacks the table `what`."""
    missing = [run for run in runs if not has_table(run, what)]
    if not missing:
        return
    study = missing[0].study
    if all(_made_without(run, what) for run in missing):
        raise FileNotFoundError(
            f"study {study!r} keeps no {what}: its runs were made with parameters by which none is "
            'written (`top: 0`, `probes: ""`); with others they would be other runs'
        )
    n_missing = sum(run.study == study for run in missing)
    n_runs = sum(run.study == study for run in runs)
    raise FileNotFoundError(
        f"study {study!r} lacks {what} of {n_missing} of its {n_runs} runs ({missing[0].name}, …): "
        f"run `make study STUDY={study}`"
    )


def _made_without(run: Run, what: str) -> bool:
    """Returns whether a run is there, and never wrote the table `what`."""
    return (run.folder / manifest.FILE).exists() and not wrote_table(run, what)


def _read(run: Run, what: str, benchmark: str | None) -> pd.DataFrame:
    """Returns the table `what` of one run, with the columns run, arm and seed."""
    table = run_table(run, what)
    if benchmark is not None:
        table = table[table["benchmark"] == benchmark]
    return table.assign(run=run.name, arm=run.arm, seed=run.parameters["seed"])


def wrote_table(run: Run, what: str) -> bool:
    """Tells whether a run wrote a table, be it there or not.

    Args:
        run: The run, whose folder has its manifest.
        what: The table, as in `run_table`.

    Raises:
        DamagedFile: The manifest is missing or damaged.
    """
    return f"{what}.parquet" in manifest.read_manifest(run.folder).entries


def has_table(run: Run, what: str) -> bool:
    """Tells whether a table of a run is there, in the run's folder or in its study's file.

    Args:
        run: The run.
        what: The table, as in `run_table`.
    """
    return (run.folder / f"{what}.parquet").exists() or is_packed(run, what)


def run_table(run: Run, what: str) -> pd.DataFrame:
    """Reads a table of one run, after a comparison with the run's manifest.

    Where the run's folder lacks it, it is read from the file of all runs (`hbtlib.study.packed`).

    Args:
        run: The run.
        what: The table: metrics, ranks, questions, top, probes, points, language_probe or
            training_log.

    Returns:
        The table.

    Raises:
        FileNotFoundError: The run lacks this table, or there is no such run.
        ValueError: The run was made with other parameters.
        DamagedFile: The table, or what says how the run was made, is not what the run wrote.
    """
    file = run.folder / f"{what}.parquet"
    if not file.exists() and is_packed(run, what):
        verify(run)
        try:
            return packed_table(run, what)
        except DamagedFile as error:
            raise DamagedFile(f"{error}: {_made_by(run)}, which makes the run again") from None
    if not file.exists():
        raise FileNotFoundError(f"{file} does not exist: {_made_by(run)}")
    verify(run, file.name)
    return read_table(file)


def run_environment(run: Run) -> dict[str, Any]:
    """Reads what a run was made with, after a comparison with the run's manifest.

    Args:
        run: The run.

    Returns:
        What `hbtlib.study.provenance.environment` said then, and seconds.

    Raises:
        ValueError: The run was made with other parameters.
        DamagedFile: What says how the run was made is missing or not what the run wrote.
    """
    verify(run)
    return read_json(run.folder / "environment.json")


def verify(run: Run, *files: str) -> None:
    """Checks that a run is that of its parameters, and that files of it are as it wrote them.

    Files of the run that nobody asks for may be missing: a fresh clone has no models.

    Args:
        run: The run.
        files: The names of the files that are to be read. What says how the run was made
            (`parameters.json` and `environment.json`) is checked in any case.

    Raises:
        ValueError: The run was made with other parameters.
        DamagedFile: A file is missing or not what the run wrote.
    """
    try:
        written = manifest.read_manifest(run.folder)
        manifest.check_files(run.folder, written, [*manifest.PROVENANCE, *files])
    except DamagedFile as error:
        raise DamagedFile(f"{error}: {_made_by(run)}, which makes the run again") from None
    changed = unlike(run.folder, run.parameters)
    if changed:
        raise ValueError(
            f"{run.folder} was made with another {', '.join(changed)} than study {run.study!r} now "
            f"has: {_made_by(run)}, which makes it again"
        )


def _made_by(run: Run) -> str:
    """Returns the command that makes a run, as the end of a sentence."""
    return f"run `make study STUDY={run.study}`"
