"""The averages of runs' weights before and after their training, measured as the runs were.

`python -m hbtlib.study.averaged STUDY RUN …` writes results/STUDY/averaged.csv. The runs' models
must be there: they are made by `make study` and not committed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hbtlib.data.catalog import load_benchmark
from hbtlib.encoders.averaging import average_weights
from hbtlib.encoders.encoder import Encoder
from hbtlib.evaluation.metrics import measure
from hbtlib.files import replacing
from hbtlib.search.ranking import rank
from hbtlib.study.config import load
from hbtlib.study.neutral.controls import load_start
from hbtlib.study.project import project_folder
from hbtlib.study.runs import Run
from hbtlib.study.together import asked_of

SHARES = (0.2, 0.4, 0.6, 0.8)
"""The shares of the trained weights; 0 is the encoder before the training, 1 the run itself."""

METRICS = ("mAP", "rank-distance")


def measure_averages(run: Run, shares: Sequence[float] = SHARES) -> pd.DataFrame:
    """Averages a run's weights with those it started from, and measures each average.

    Args:
        run: a run with a training, whose model is there.
        shares: of the trained weights (`hbt.average_weights`).

    Returns:
        arm, share and benchmark, and the columns of `hbt.measure`: mAP and rank distance of every
        pair of query language and pool.

    Raises:
        ValueError: if the run has no training, or no model in its folder.
    """
    asked = run.parameters
    if asked["strategy"] == "none":
        raise ValueError(f"the run {run.name} has no training: there is nothing to average")
    if not (run.folder / "model").is_dir():
        raise ValueError(
            f"{run.folder / 'model'} is missing: run `make study STUDY={run.study}`, which makes it"
        )
    names = asked["benchmark"].split()
    tests = {name: load_benchmark(name, **asked_of(name, asked)) for name in names}
    first = load_start(asked["encoder"], asked["encoder_options"], tests, asked["max_length"])
    trained = Encoder.load(run.folder / "model")
    parts = []
    for share in shares:
        average = average_weights(first, trained, share)
        for name, test in tests.items():
            found = measure(rank(average, test, precision=asked["precision"]), METRICS)
            parts.append(found.assign(arm=run.arm, share=share, benchmark=name))
    return pd.concat(parts, ignore_index=True)


def averages_file(study: str) -> Path:
    """Where a study's averages lie: in the project, wherever a notebook writes.

    Args:
        study: its name.
    """
    return project_folder() / "results" / study / "averaged.csv"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m hbtlib.study.averaged", description=__doc__)
    parser.add_argument("study", help="a study of notebooks/studies/")
    parser.add_argument("run", nargs="+", help="one of its runs, which has been made here")
    parser.add_argument("--shares", nargs="+", type=float, default=list(SHARES))
    asked = parser.parse_args(arguments)
    try:
        study = load(asked.study)
        found = [measure_averages(study.run(name), asked.shares) for name in asked.run]
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    file = averages_file(asked.study)
    with replacing(file) as work:
        pd.concat(found).to_csv(work, index=False, float_format="%.6g")
    print(file)


if __name__ == "__main__":
    main()
