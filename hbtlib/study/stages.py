"""The stages of a run: a pre-training before it, and every setting's score while it trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hbtlib import files
from hbtlib.data.benchmark import Benchmark
from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.evaluation.metrics import by_training, measure
from hbtlib.search.ranking import rank
from hbtlib.study.folders import Workplace
from hbtlib.study.processes import is_first
from hbtlib.training.batch_trainer import Watch
from hbtlib.training.pretraining import pretrain

FIRST, SECOND = "pretraining", "training"
"""The stages of a run. The first is also the folder in the run folder that its model is in."""

CURVE = "curve"
"""The folder in the run folder that a table is written to each time the settings are measured."""

METRIC = "mAP"

SHARED = (
    "batch_size",
    "seed",
    "learning_rate",
    "embedding_learning_rate",
    "weight_decay",
    "warmup",
    "precision",
)
"""Parameters of the run that its first stage has, too, unless `pretraining` says otherwise."""


@dataclass(frozen=True)
class Curve:
    """Measures every setting each time it is shown an encoder that trains.

    What it measures is written at once, so that nothing is lost if the run is interrupted.

    Attributes:
        folder: where the tables go, one for each stage and step.
        tests: the benchmarks by name.
        trained: the languages trained on.
        precision: fp32, bf16 or fp16, of the vectors.
    """

    folder: Path
    tests: Mapping[str, Benchmark]
    trained: list[str]
    precision: str

    def of(self, stage: str) -> Watch:
        """What `hbt.pretrain` and `hbt.train` take as `watch`.

        Args:
            stage: `FIRST` or `SECOND`.
        """

        def look(encoder: Encoder, step: int) -> None:
            if stage == SECOND and step == 0 and any(self.folder.glob(f"{FIRST}-*")):
                return  # it is the encoder that the first stage ended with
            tables = []
            for name, test in self.tests.items():
                found = measure(rank(encoder, test, precision=self.precision), [METRIC])
                means = by_training(found, self.trained).groupby(["languages", "setting"])["value"]
                tables.append(means.mean().reset_index().assign(benchmark=name))
            table = pd.concat(tables, ignore_index=True).assign(stage=stage, step=step)
            if is_first():
                self.folder.mkdir(parents=True, exist_ok=True)
                file = self.folder / f"{stage}-{step}.parquet"
                files.write_table(table.assign(metric=METRIC), file)

        return look


def curve_of(
    place: Workplace, tests: Mapping[str, Benchmark], parameters: Mapping[str, Any]
) -> Curve | None:
    """The curve of a run, if its parameters ask for one.

    Args:
        place: the run folder.
        tests: the benchmarks by name.
        parameters: those of the notebook.

    Returns:
        The curve; None if `curve_every` is None.
    """
    if parameters["curve_every"] is None:
        return None
    trained = parameters["languages"].split()
    return Curve(place.path / CURVE, tests, trained, parameters["precision"])


def watching(curve: Curve | None, parameters: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """The options by which `hbt.pretrain` and `hbt.train` are watched.

    Args:
        curve: what measures; None: nothing does.
        parameters: those of the notebook.
        stage: `FIRST` or `SECOND`.
    """
    if curve is None:
        return {}
    return {"watch": curve.of(stage), "watch_every": parameters["curve_every"]}


def first_stage(
    pairs: Pairs,
    start: Encoder,
    place: Workplace,
    parameters: Mapping[str, Any],
    curve: Curve | None,
) -> Encoder:
    """The encoder that the training starts from: pre-trained, if the parameters ask for it.

    Args:
        pairs: the training pairs, which the first stage reads as well.
        start: the encoder that the run starts from.
        place: the run folder.
        parameters: those of the notebook: `pretraining` has the options of `hbt.pretrain`, and what
            it does not name is as in the run.
        curve: what measures every setting; None: nothing does.
    """
    asked = parameters["pretraining"]
    if not asked:
        return start
    options = {name: parameters[name] for name in SHARED} | dict(asked)
    label = f"{options.get('objective', 'masked-lm')}, seed {options['seed']}"
    return pretrain(
        pairs,
        start,
        output=place.path / FIRST,
        label=label,
        **watching(curve, parameters, FIRST),
        **options,
    )


def curve_tables(folder: Path, curve: Curve | None) -> dict[str, pd.DataFrame]:
    """What was measured while a run trained, as one table.

    Args:
        folder: the run folder, with the logs of the stages.
        curve: what measured; None: nothing did.

    Returns:
        curves: stage, step, tokens (read so far, those of the first stage among them), benchmark,
        languages (trained, or unseen where one is not), setting, metric, value (macro average over
        pairs of query language and pool). Nothing, if nothing was measured.
    """
    if curve is None:
        return {}
    table = pd.concat([files.read_table(file) for file in sorted(curve.folder.glob("*.parquet"))])
    before, parts = 0.0, []
    for stage, log in ((FIRST, folder / FIRST), (SECOND, folder)):
        part = table[table["stage"] == stage].sort_values(["step", "benchmark"], kind="stable")
        if part.empty:
            continue
        read = files.read_table(log / "training_log.parquet").dropna(subset=["tokens"])
        tokens = np.interp(part["step"], [0, *read["step"]], [0, *read["tokens"]]) + before
        parts.append(part.assign(tokens=tokens.astype("int64")))
        before = tokens.max()
    keys = ["stage", "step", "tokens", "benchmark", "languages", "setting", "metric", "value"]
    return {"curves": pd.concat(parts, ignore_index=True)[keys]}
