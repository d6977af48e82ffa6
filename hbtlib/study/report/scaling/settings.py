"""The scores of 17-scaling in the suite's four settings."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.data.suites import find_suite
from hbtlib.evaluation.suites import MEAN, METRICS, settings_of, suite_questions, suite_scores
from hbtlib.plots.scaling import size_text
from hbtlib.study.config import load, study_names
from hbtlib.study.report.reader import Reader
from hbtlib.study.report.scaling.encoders import parameters_of, shape_of
from hbtlib.study.report.tables import spread
from hbtlib.study.report.words import Markdown, bullets, counted, leading, listed, number
from hbtlib.study.results import has_table, run_table
from hbtlib.study.studies import Study

SUITE = "m2c2"


def study_says(study: Study) -> Markdown:
    """What is compared: the study's question, its runs and the suite.

    Args:
        study: the study.
    """
    strategies = list(dict.fromkeys(run.parameters["strategy"] for run in study.runs))
    seeds = {run.parameters["seed"] for run in study.runs}
    counts = sorted(set(map(parameters_of, study.runs)))
    return bullets(
        [
            f"The study **{study.name}** asks: {study.question}",
            f"It has {counted(len(study.runs), 'run')}: {listed(strategies)}, with "
            f"{counted(len(counts), 'size')} from {size_text(counts[0])} to "
            f"{size_text(counts[-1])} parameters and {counted(len(seeds), 'seed')}.",
            f"The suite {SUITE} reads them on {listed(find_suite(SUITE).benchmarks)}.",
        ]
    )


def questions(study: Study) -> pd.DataFrame:
    """Each question's scores in the four settings, in every run.

    Args:
        study: the study, whose runs are all there.

    Returns:
        `suite_questions`' table with arm, strategy, encoder, size (parameters), seed, and unit
        (`hbt.units`): what a question belongs to.
    """
    return with_units(_questions(study), study)


def questions_instead(study: Study, name: str) -> pd.DataFrame:
    """As `questions`, with the arms of another study in place of those of the same names.

    Args:
        study: the study, whose runs are all there.
        name: the other study; "": none.

    Returns:
        `questions`' table; without rows if the other study or one of its runs is missing.
    """
    others = beside(name)
    if others.empty:
        return others
    own = _questions(study)
    kept = own[~own["arm"].isin(others["arm"])]
    return with_units(pd.concat([kept, others], ignore_index=True), study)


def with_units(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The table with the unit that each question belongs to.

    Args:
        table: questions of the suite, with benchmark and question_id.
        study: the study whose units are known.
    """
    of = units_of(study)
    asked = zip(table["benchmark"], table["question_id"], strict=True)
    return table.assign(unit=[of[benchmark][question] for benchmark, question in asked])


def units_of(study: Study) -> dict[str, dict[str, int]]:
    """Which questions of the suite belong together.

    Args:
        study: the study.

    Returns:
        benchmark → question_id → number of its unit.

    Raises:
        FileNotFoundError: if the study has no such table.
    """
    return {name: Reader(study.name, name).units() for name in find_suite(SUITE).benchmarks}


def _questions(study: Study) -> pd.DataFrame:
    parts = []
    for run in study.runs:
        found = suite_questions(run_table(run, "questions"), SUITE)
        named = {"arm": run.arm, "strategy": run.parameters["strategy"], "encoder": shape_of(run)}
        parts.append(found.assign(**named, size=parameters_of(run), seed=run.parameters["seed"]))
    return pd.concat(parts, ignore_index=True)


def beside(name: str) -> pd.DataFrame:
    """The questions of another study, which may not be there.

    Args:
        name: the study; "": none.

    Returns:
        `questions`' table without units; without rows if the study or one of its runs is missing.
    """
    if not name or name not in study_names():
        return pd.DataFrame()
    study = load(name)
    if not all(has_table(run, "questions") for run in study.runs):
        return pd.DataFrame()
    return _questions(study)


def scores(table: pd.DataFrame) -> pd.DataFrame:
    """Every run's scores in the four settings.

    Args:
        table: `questions`' table.

    Returns:
        strategy, encoder, size, seed, setting, benchmark (`mean`: over those of a setting), metric,
        value, n_questions.
    """
    return suite_scores(table, METRICS, ["strategy", "encoder", "size", "seed"])


def scores_shown(table: pd.DataFrame, metric: str) -> Styler:
    """The scores as a table, mean ± standard deviation over seeds.

    Args:
        table: `scores`' table.
        metric: the metric.

    Returns:
        The styled table: (encoder, strategy) × settings.
    """
    here = table[(table["metric"] == metric) & (table["benchmark"] == MEAN)]
    keys = ["size", "encoder", "strategy", "setting"]
    over = here.groupby(keys, sort=False)["value"].agg(["mean", "std"])
    texts = [spread(m, s) for m, s in zip(over["mean"], over["std"], strict=True)]
    wide = over.assign(text=texts)["text"].unstack("setting")[list(settings_of(SUITE))]
    return wide.sort_index(level="size", sort_remaining=False).droplevel("size").style


def scores_says(table: pd.DataFrame, metric: str) -> Markdown:
    """Which strategy is best in every setting, at the smallest size and at the largest.

    Args:
        table: `scores`' table.
        metric: the metric.

    Returns:
        A sentence a setting.
    """
    here = table[(table["metric"] == metric) & (table["benchmark"] == MEAN)]
    said = []
    for setting in settings_of(SUITE):
        part = here[here["setting"] == setting]
        means: Any = part.groupby(["size", "strategy"])["value"].mean().unstack("strategy")
        firsts = []
        for size in (means.index.min(), means.index.max()):
            best = leading(means.loc[size])
            value = number(means.loc[size, best[0]])
            firsts.append(f"{listed(best)} ({value}) at {size_text(size)} parameters")
        said.append(f"{setting}: the highest {metric} is of {'; of '.join(firsts)}.")
    return bullets(said)


def ordered_strategies(table: pd.DataFrame, subject: str = "hybrid") -> list[str]:
    """The strategies, the subject first.

    Args:
        table: a table with the column strategy.
        subject: the one that is set against the others.
    """
    there = list(dict.fromkeys(table["strategy"]))
    return [subject, *(name for name in there if name != subject)]
