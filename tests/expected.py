"""Expected scores: do the committed runs still score what `results/expected.csv` says?

`make scores` answers this from the ranks of the runs, with exit status 1 where one fails. After a
change that is meant to change scores, `python tests/expected.py --write` writes the file again.

A score is the macro-average over the language pairs of a setting, of one run. Runs are known by
study, arm and seed, never by their folder's name, which changes with the parameters there are.
What is read of a run is compared with its manifest first, so that no damaged file scores.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pandas as pd

from hbtlib import study as studies
from hbtlib.evaluation.metrics import by_training, measure
from hbtlib.study.results import run_table, verify
from hbtlib.study.runs import Run

KEYS = ["study", "benchmark", "arm", "seed", "languages", "setting", "metric"]
"""The columns that name a score."""

DECIMALS = {"mAP": 4, "rank-distance": 1}
"""The metrics that are guarded, and to how many decimals."""

CLOSE = 0.0005
"""How far off a score may be to be called close: absolute, for the rank distance relative."""

RANKS_NOT_KEPT = (
    "factorial",
    "multilingual",
    "multilingual-rivals",
    "multilingual-recipe",
    "scaling",
    "scaling-pretrained",
    "*-last",
    "worldfacts-x-en",
    "pretraining*",
    "mtop",
    "mtop-multilingual",
    "typology*",
    "low-resource*",
)
"""Studies, or patterns of their names, with so many runs that `.gitignore` leaves their ranks out;
their metrics are read."""


def file() -> Path:
    """Returns the file of expected scores."""
    return studies.project_folder() / "results" / "expected.csv"


def scores(name: str) -> pd.DataFrame:
    """Computes what the runs of a study score now; what is missing or damaged is left out.

    Args:
        name: The name of the study. Its languages are `trained` or `unseen` as its notebooks have
            it: after its first run.

    Returns:
        The columns of `KEYS` and found.
    """
    study = studies.load(name)
    trained = study.runs[0].parameters["languages"].split()
    parts = []
    for run in study.runs:
        if damage(run):
            continue
        for benchmark, measured in measures(run):
            means = macro_averages(by_training(measured, trained))
            named = {"study": name, "benchmark": benchmark, "arm": run.arm}
            parts.append(means.assign(**named, seed=run.parameters["seed"]))
    columns = [*KEYS, "found"]
    return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)


def keeps_no_ranks(study: str) -> bool:
    """Whether `.gitignore` leaves the ranks of a study's runs out."""
    return any(fnmatch(study, pattern) for pattern in RANKS_NOT_KEPT)


def source(run: Run) -> str | None:
    """Returns the table that a run is scored by, or None if the run lacks it.

    It is ranks. Metrics are read in its place only where no ranks are kept of the study's runs.
    """
    tables = ("ranks", "metrics") if keeps_no_ranks(run.study) else ("ranks",)
    return next((what for what in tables if (run.folder / f"{what}.parquet").exists()), None)


def damage(run: Run) -> str | None:
    """Says what is damaged of the files that a run is scored by; None if nothing is."""
    what = source(run)
    if what is None:
        return None
    try:
        verify(run, f"{what}.parquet")
    except ValueError as error:  # damaged, or of other parameters
        return str(error)
    return None


def damaged_runs(name: str) -> pd.DataFrame:
    """Lists the damaged runs of a study: study, arm, seed, damage (a sentence)."""
    rows = [(name, run.arm, run.parameters["seed"], damage(run)) for run in studies.load(name).runs]
    table = pd.DataFrame(rows, columns=["study", "arm", "seed", "damage"])
    return table[table["damage"].notna()]


def measures(run: Run) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yields the measures of one run for each benchmark, from its ranks.

    Ranks are not kept of every run (`RANKS_NOT_KEPT`). Then its committed metrics are read.
    """
    what = source(run)
    if what is not None:
        for benchmark, table in run_table(run, what).groupby("benchmark", observed=True):
            yield str(benchmark), measure(table, list(DECIMALS)) if what == "ranks" else table


def macro_averages(measured: pd.DataFrame) -> pd.DataFrame:
    """Averages the guarded metrics over language pairs: languages, setting, metric, found."""
    guarded = measured[measured["metric"].isin(DECIMALS)]
    means = guarded.groupby(["languages", "setting", "metric"])["value"].mean()
    return means.rename("found").reset_index()


def write() -> Path:
    """Writes the expected scores again, from the runs there are.

    A study whose runs are committed as they come is left out, and told, until all are there.

    Returns:
        The file.

    Raises:
        FileNotFoundError: A study that was in the file before has only some of its runs (the
            message names those that are missing), or no study has any.
        DamagedFile: A file of a run is damaged.
    """
    parts = []
    known = set(pd.read_csv(file())["study"]) if file().exists() else set()
    for name in studies.study_names():
        found = scores(name)
        n_runs, n_found = (
            len(studies.load(name).runs),
            len(found[["arm", "seed"]].drop_duplicates()),
        )
        if name not in known and 0 < n_found < n_runs and damaged_runs(name).empty:
            print(f"{name}: {n_found} of its {n_runs} runs are there; it is left out")
        elif len(found) or len(damaged_runs(name)):
            kept = "metrics" if keeps_no_ranks(name) else "ranks"
            studies.collect(studies.load(name), kept)  # raises if a run is missing or damaged
            parts.append(found.assign(command=f"make study STUDY={name}"))
    if not parts:
        folder = studies.project_folder() / "results"
        raise FileNotFoundError(f"no study has runs in {folder}: run `make study`")
    table = pd.concat(parts).rename(columns={"found": "score"}).sort_values(KEYS)
    table["score"] = as_written(table["score"], table["metric"])
    table[[*KEYS, "score", "command"]].to_csv(file(), index=False)
    return file()


def as_written(values: pd.Series, metrics: pd.Series) -> list[str]:
    """Writes each value with the decimals of its metric."""
    return [f"{value:.{DECIMALS[metric]}f}" for value, metric in zip(values, metrics, strict=True)]


def read() -> pd.DataFrame:
    """Reads the expected scores.

    Returns:
        The columns of `KEYS`, score, and command (which makes the run).

    Raises:
        FileNotFoundError: There is no file.
        ValueError: The file has other columns.
    """
    if not file().exists():
        raise FileNotFoundError(
            f"{file()} does not exist: `python tests/expected.py --write` makes it from the runs"
        )
    table = pd.read_csv(file())
    if list(table.columns) != [*KEYS, "score", "command"]:
        raise ValueError(
            f"{file()} has the columns {', '.join(table.columns)}; it must have {', '.join(KEYS)}, "
            "score and command"
        )
    return table


def check() -> pd.DataFrame:
    """Compares the expected scores with those found.

    Returns:
        The columns of `KEYS`, score, found, damage and status. The status is OK if both are the
        same to the decimals written; close, if within `CLOSE`; else FAIL; FAIL (damaged), if a
        file of the run is (`damage` names it); FAIL (missing), if the run or this score of it is
        missing; new, if this score was not expected.
    """
    expected = read().drop(columns="command")
    names = expected["study"].unique()
    found = pd.concat([scores(study) for study in names])
    table = expected.merge(found.astype({"seed": "int64"}), on=KEYS, how="outer")
    damaged = pd.concat([damaged_runs(study) for study in names]).astype({"seed": "int64"})
    table = table.merge(damaged, on=["study", "arm", "seed"], how="left")
    gap = (table["found"] - table["score"]).abs()
    half_a_digit = 0.5 * 10.0 ** -table["metric"].map(DECIMALS)
    unit = np.where(table["metric"] == "rank-distance", table["score"].abs(), 1.0)
    status = {
        "FAIL (damaged)": table["damage"].notna(),
        "new": table["score"].isna(),
        "FAIL (missing)": table["found"].isna(),
        "OK": gap <= half_a_digit + 1e-9,
        "close": gap <= CLOSE * unit,
    }
    table["status"] = np.select(list(status.values()), list(status), "FAIL")  # the first that holds
    return table


def main(*arguments: str) -> None:
    """Prints expected and found scores, or writes the file again.

    Args:
        arguments: `--write`, or nothing.

    Raises:
        SystemExit: A score fails.
    """
    parser = argparse.ArgumentParser(description="Compares the committed runs with their scores.")
    parser.add_argument("--write", action="store_true", help="write results/expected.csv again")
    if parser.parse_args(arguments).write:
        print(f"written: {write()}")
        return
    table = check()
    for sentence in table.pop("damage").dropna().unique():
        print(sentence)
    for column in ("score", "found"):
        table[column] = as_written(table[column], table["metric"])
    print(table.to_string(index=False))
    counts = table["status"].value_counts()
    print("", ", ".join(f"{count} {status}" for status, count in counts.items()), sep="\n")
    if table["status"].str.startswith("FAIL").any():
        raise SystemExit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
