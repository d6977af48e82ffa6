"""Our measures as an evaluator of sentence-transformers' trainer."""

import csv
from pathlib import Path
from typing import Any

import pandas as pd
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.evaluation import BaseEvaluator

from hbtlib.checks import check_choice, short
from hbtlib.data.benchmark import ALL, Benchmark
from hbtlib.evaluation.bias import bias
from hbtlib.evaluation.metrics import measure
from hbtlib.search.ranking import rank

BIAS = ("rank-distance", "own-language-preference")
"""The measures of language bias that are given, in the pool of all languages."""


class PoolEvaluator(BaseEvaluator):
    """mAP of every pool, the rank distance and the own-language preference, while a model trains.

    The values are those of `hbt.measure` and `hbt.bias`, each the mean over query languages:
    `mAP_de`, `mAP_en`, … for the pool of each language, `mAP_all` for all passages together,
    `rank-distance` and `own-language-preference`.

    Args:
        benchmark: what the model is evaluated on.
        name: stands before the names of the values, with a `_`; none by default.
        primary_metric: which value chooses the weights, one of those above; by default `mAP_all`
            or, if the benchmark has one language, the mAP of its pool.
        write_csv: whether each evaluation adds a row to `hbtlib_NAME.csv` in the trainer's folder.

    Attributes:
        primary_metric: its name, as `metric_for_best_model` of the training arguments wants it.
        greater_is_better: False if the primary metric is the rank distance.

    Raises:
        ValueError: if the benchmark is none, or the primary metric is not among the values.
    """

    def __init__(
        self,
        benchmark: Benchmark,
        name: str = "",
        *,
        primary_metric: str | None = None,
        write_csv: bool = True,
    ) -> None:
        super().__init__()
        if not isinstance(benchmark, Benchmark):
            raise ValueError(f"benchmark is {short(benchmark)}; give an hbt.Benchmark")
        self.benchmark = benchmark
        self.name = name
        self.write_csv = write_csv
        pools = sorted(benchmark.passages["language"].unique())
        several = len(pools) > 1
        values = [f"mAP_{pool}" for pool in ([*pools, ALL] if several else pools)]
        values += BIAS if several else ()
        default = f"mAP_{ALL}" if several else values[0]
        chosen = check_choice("primary_metric", primary_metric or default, values)
        self.greater_is_better = chosen != "rank-distance"
        self.primary_metric = f"{name}_{chosen}" if name else chosen

    def __call__(
        self,
        model: SentenceTransformer,
        output_path: str | None = None,
        epoch: float = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """Evaluates a model.

        Args:
            model: the model.
            output_path: the folder for the CSV file; None: none is written.
            epoch: how much of the training is done, for the file.
            steps: after how many steps, for the file.

        Returns:
            The values by name.
        """
        values = pool_values(rank(model, self.benchmark))
        if output_path is not None and self.write_csv:
            self._write(Path(output_path), {"epoch": epoch, "steps": steps, **values})
        named = self.prefix_name_to_metrics(values, self.name)
        self.store_metrics_in_model_card_data(model, named, epoch, steps)
        return named

    @property
    def description(self) -> str:
        """What the model card calls the evaluation."""
        return f"Retrieval in the pools of {self.benchmark.name}"

    def _write(self, folder: Path, row: dict[str, Any]) -> None:
        """Adds a row to the CSV file."""
        file = folder / f"hbtlib_{self.name or self.benchmark.name}.csv"
        folder.mkdir(parents=True, exist_ok=True)
        is_new = not file.exists()
        with file.open("a", newline="", encoding="utf-8") as opened:
            writer = csv.DictWriter(opened, list(row))
            if is_new:
                writer.writeheader()
            writer.writerow(row)


def pool_values(ranks: pd.DataFrame) -> dict[str, float]:
    """The mAP of every pool and the measures in `BIAS`, each the mean over query languages.

    Args:
        ranks: a table of `hbt.rank`.

    Returns:
        The values by name; those of `BIAS` if there is a pool of all languages.
    """
    by_pool = measure(ranks, ["mAP"]).groupby("pool")["value"].mean()
    values = {f"mAP_{pool}": float(value) for pool, value in by_pool.items()}
    if ALL in by_pool.index:
        biases = bias(ranks).groupby("measure")["value"].mean()
        values |= {name: float(biases[name]) for name in BIAS if name in biases.index}
    return values
