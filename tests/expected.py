"""Expected scores: `results/expected.csv` says what the committed runs scored; do their ranks still say so?

`make scores` asks (exit status 1 where one fails), `python tests/expected.py --write` makes the file anew.

A score is a macro-average over the language pairs of a setting, of one run (study, arm, seed; never a folder's name, which
changes with the parameters there are), recomputed from its ranks.parquet.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from hbtlib.evaluation.metrics import by_training, measure
from hbtlib.study import study as studies

KEYS = ["study", "benchmark", "arm", "seed", "languages", "setting", "metric"]
DECIMALS = {"mAP": 4, "rank-distance": 1}
"""The metrics that are guarded, and to how many decimals."""

CLOSE = 0.0005
"""How far off a score may be to be called close: absolute, for the rank distance relative."""


def file() -> Path:
    """Where the expected scores stand."""
    return studies.ROOT / "results" / "expected.csv"


def scores(name: str) -> pd.DataFrame:
    """What the runs of the study score now: `KEYS` and found. Runs that are not there are left out.

    Of a run whose ranks are not kept (`factorial`'s are too many) its metrics are read. Languages are
    `trained` or `unseen` as the study's notebooks have it: after its first run.
    """
    study = studies.load(name)
    trained = study.runs[0].parameters["languages"].split()
    parts = [pd.DataFrame(columns=[*KEYS, "found"])]
    for run in study.runs:
        tables = [
            path
            for what in ("ranks", "metrics")
            if (path := run.folder / f"{what}.parquet").exists()
        ]
        for benchmark, table in (
            pd.read_parquet(tables[0]).groupby("benchmark", observed=True) if tables else ()
        ):
            measured = by_training(
                measure(table, list(DECIMALS)) if "rank" in table else table, trained
            )
            measured = measured[measured["metric"].isin(DECIMALS)]
            means = (
                measured.groupby(["languages", "setting", "metric"])["value"]
                .mean()
                .rename("found")
                .reset_index()
            )
            parts.append(
                means.assign(
                    study=name, benchmark=benchmark, arm=run.arm, seed=run.parameters["seed"]
                )
            )
    return pd.concat(parts[1:] or parts)[[*KEYS, "found"]]


def write() -> Path:
    """Writes the expected scores anew from the runs there are. Raises FileNotFoundError for a study that has some of its
    runs only, naming those that are missing, and where there is none."""
    parts = []
    for name in sorted(p.stem for p in (studies.ROOT / "notebooks" / "studies").glob("*.yaml")):
        found = scores(name)
        if len(found):
            studies.collect(studies.load(name))  # says what is missing
            parts.append(
                found.rename(columns={"found": "score"}).assign(command=f"make study STUDY={name}")
            )
    if not parts:
        raise FileNotFoundError(
            f"no study has runs in {studies.ROOT / 'results'}: run `make study`"
        )
    table = pd.concat(parts).sort_values(KEYS)
    table["score"] = [
        f"{score:.{DECIMALS[metric]}f}"
        for score, metric in zip(table["score"], table["metric"], strict=True)
    ]
    table[[*KEYS, "score", "command"]].to_csv(file(), index=False)
    return file()


def read() -> pd.DataFrame:
    """The expected scores. Raises FileNotFoundError or ValueError, with what to do, for a file that is none."""
    if not file().exists():
        raise FileNotFoundError(
            f"{file()} does not exist: `python tests/expected.py --write` makes it from the runs"
        )
    table = pd.read_csv(file())
    if list(table.columns) != [*KEYS, "score", "command"]:
        raise ValueError(
            f"{file()} has the columns {', '.join(table.columns)}; it must have {', '.join(KEYS)}, score and "
            "command"
        )
    return table


def check() -> pd.DataFrame:
    """Expected and found scores: `KEYS`, score, found, status.

    status: OK, the same to the decimals written; close, within `CLOSE`; FAIL; FAIL (missing), where the run or this score
    of it is not there; new, a score that none was expected of.
    """
    expected = read()
    found = pd.concat([scores(study) for study in expected["study"].unique()])
    table = expected.drop(columns="command").merge(
        found.astype({"seed": "int64"}), on=KEYS, how="outer"
    )
    decimals = table["metric"].map(DECIMALS)
    gap = (table["found"] - table["score"]).abs()
    limit = CLOSE * np.where(table["metric"] == "rank-distance", table["score"].abs(), 1.0)
    table["status"] = np.select(
        [
            table["score"].isna(),
            table["found"].isna(),
            gap <= 0.5 * 10.0**-decimals + 1e-9,
            gap <= limit,
        ],
        ["new", "FAIL (missing)", "OK", "close"],
        "FAIL",
    )
    return table


def main(*given: str) -> None:
    """Prints expected and found scores; raises SystemExit(1) where one fails. With --write, makes the file anew."""
    if given == ("--write",):
        print(f"written: {write()}")
        return
    table = check()
    for column in ("score", "found"):
        table[column] = [
            f"{v:.{DECIMALS[m]}f}" for v, m in zip(table[column], table["metric"], strict=True)
        ]
    print(table.to_string(index=False))
    print(
        "",
        ", ".join(f"{count} {status}" for status, count in table["status"].value_counts().items()),
        sep="\n",
    )
    if table["status"].str.startswith("FAIL").any():
        raise SystemExit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
