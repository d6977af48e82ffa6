"""Our numbers in the form of the published study's tables, and the published values beside them."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.evaluation.metrics import measure
from hbtlib.study.paper.layout import as_printed
from hbtlib.study.paper.tables import AVERAGES, CELL, DISTANCE, FORMS, METRICS, paper_tables
from hbtlib.study.results import collect
from hbtlib.study.runs import Run
from hbtlib.study.studies import Study

MODELS = {
    "FacebookAI/xlm-roberta-base": "xlm-r",
    "xlm-roberta-base": "xlm-r",
    "sentence-transformers/LaBSE": "labse",
}
"""What the paper calls an encoder of ours; others keep their names."""

DATASETS = {"miracl": "miracl-dev"}
"""What the paper calls a benchmark of ours; others keep their names."""


def ours(study: Study, benchmark: str) -> pd.DataFrame:
    """Returns a study's numbers on a benchmark in the form of `paper_tables`.

    They are computed from the ranks of the runs: a mean over queries, then over seeds and, for
    each query language, over the pools of the setting; then the mean and the median over query
    languages.

    Args:
        study: The study.
        benchmark: One of its benchmarks.

    Returns:
        The columns of `CELL` and value. `strategy` is the arm without its encoder, which is the
        `model`. Encoders and benchmarks of the paper have the names it gives them.

    Raises:
        FileNotFoundError: Runs are missing. The message names one of them.
    """
    measured = pd.concat([_measured(study, run, benchmark) for run in study.runs])
    measured = measured.rename(columns={"query_language": "language"})
    over_seeds = measured.groupby([*CELL[1:], "pool"], sort=False)["value"].mean()
    over_pools = over_seeds.groupby(CELL[1:], sort=False).mean().reset_index()
    tidy = pd.concat([over_pools, *_averages(over_pools)], ignore_index=True)
    return tidy.assign(dataset=DATASETS.get(benchmark, benchmark))[[*CELL, "value"]]


def _measured(study: Study, run: Run, benchmark: str) -> pd.DataFrame:
    """Measures the ranks of one run, with the columns model and strategy."""
    ranks = collect(replace(study, runs=(run,)), "ranks", benchmark)
    encoder = str(run.parameters["encoder"])
    parts = [part for part in run.arm.split(", ") if part != f"encoder {encoder}"]
    model = MODELS.get(encoder, encoder)
    return measure(ranks, METRICS).assign(model=model, strategy=", ".join(parts))


def _averages(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """Returns the mean and the median over query languages, as rows of the same form."""
    keys = [key for key in CELL[1:] if key != "language"]
    over_languages = rows.groupby(keys, sort=False)["value"]
    return [
        over_languages.agg(average).reset_index().assign(language=average) for average in AVERAGES
    ]


def forms(mine: pd.DataFrame) -> dict[str, Styler]:
    """Lays our numbers out in every form of the paper's tables that they have something of.

    Args:
        mine: What `ours` returns.

    Returns:
        For the names in `FORMS`, what `beside` returns.
    """
    found = {}
    for name, tables in FORMS.items():
        asked = pd.concat(map(paper_tables, tables))[["setting", "metric"]]
        if len(mine.merge(asked)):
            found[name] = beside(mine, tables)
    return found


def beside(mine: pd.DataFrame, tables: Iterable[int]) -> Styler:
    """Lays our numbers out in the form of published tables, with the published values beside them.

    A published value stands beside ours where dataset, encoder and strategy are the paper's. Where
    the languages evaluated are not the paper's, it does so only for a single language in the
    monolingual setting, because pools and means are others. Beside it stands the difference ours −
    published, coloured about 0: green where ours is better.

    Args:
        mine: What `ours` returns.
        tables: Published tables of one form, by their numbers.

    Returns:
        The styled table; `.data` is the plain one.

    Raises:
        ValueError: `mine` has nothing of this form.
    """
    published = pd.concat(map(paper_tables, tables)).drop(columns="table")
    chosen = _of_this_form(mine, published)
    theirs = _comparable(published, mine)
    both = chosen.merge(theirs, on=CELL, how="left", suffixes=("", "_theirs"))
    numbers = {
        "ours": both["value"],
        "published": both["value_theirs"],
        "difference": both["value"] - both["value_theirs"],
    }
    long = pd.concat([both.assign(of=of, value=value) for of, value in numbers.items()])
    return _styled(as_printed(long.dropna(subset="value")))


def _of_this_form(mine: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Returns our numbers of the settings, metrics and averages that the published tables have."""
    chosen = mine.merge(published[["setting", "metric"]].drop_duplicates())
    wanted = chosen["language"].isin(published["language"])
    by_language = not set(published["language"]) <= set(AVERAGES)
    if by_language:
        wanted |= ~chosen["language"].isin(AVERAGES)  # also languages that the paper has not
    chosen = chosen[wanted]
    if chosen.empty:
        form = " and ".join(dict.fromkeys(published["setting"] + " " + published["metric"]))
        raise ValueError(f"these measures have nothing of the form of the published table: {form}")
    return chosen


def _comparable(published: pd.DataFrame, mine: pd.DataFrame) -> pd.DataFrame:
    """Returns the published numbers that ours may be compared with."""
    known = paper_tables().query("dataset in @mine['dataset']")
    if set(known["language"]) - {*AVERAGES} == set(mine["language"]) - {*AVERAGES}:
        return published
    single = ~published["language"].isin(AVERAGES)
    return published[single & (published["setting"] == "monolingual")]


def _styled(wide: pd.DataFrame) -> Styler:
    """Formats the numbers of each metric, and colours differences: green where ours is better."""
    style = wide.style
    metric_is_down = "metric" in wide.index.names
    labels = wide.index if metric_is_down else wide.columns
    for metric in labels.unique("metric"):
        chosen = labels[labels.get_level_values("metric") == metric]
        rows = chosen if metric_is_down else wide.index
        columns = wide.columns if metric_is_down else chosen
        digits = ",.1f" if metric == DISTANCE else ".4f"
        style.format(f"{{:{digits}}}", na_rep="", subset=(rows, columns))
        if "of" in wide.columns.names:
            differences = columns[columns.get_level_values("of") == "difference"]
            largest = np.nanmax(np.abs(wide.loc[rows, differences].to_numpy()), initial=0) or 1.0
            palette = "PRGn_r" if metric == DISTANCE else "PRGn"
            cells = (rows, differences)
            style.format(f"{{:+{digits}}}", na_rep="", subset=cells)
            style.background_gradient(palette, subset=cells, axis=None, vmin=-largest, vmax=largest)
    return style
