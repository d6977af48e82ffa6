"""What a run scores in the settings of a suite of benchmarks, such as `m2c2`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from hbtlib.checks import short
from hbtlib.data.suites import CODE_SWITCHED, Suite, find_suite
from hbtlib.evaluation.checks import check_columns
from hbtlib.evaluation.metrics import by_question

METRICS = ("mAP@10", "R@50")
"""The metrics of the suite `m2c2`."""

MEAN = "mean"
"""In the place of a benchmark's name: the mean over the benchmarks of a setting."""


def measure_suite(
    ranks: Mapping[str, pd.DataFrame],
    suite: str = "m2c2",
    *,
    metrics: Sequence[str] = METRICS,
    trained: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Computes what one run scores in every setting of a suite.

    Args:
        ranks: benchmark → `hbt.rank`'s table, for all benchmarks of the suite.
        suite: the suite's name.
        metrics: names as in `hbt.measure`.
        trained: the languages trained on; then pairs of languages that have another one are left
            out of all settings but the code-switched one. None: all pairs count.

    Returns:
        One row per setting, benchmark and metric: setting, benchmark (`mean` for the mean over the
        setting's benchmarks), metric, value, n_questions. A value is the mean over questions, and
        of each question over its query languages and pools.

    Raises:
        ValueError: for an unknown suite or metric, and if a benchmark of the suite is missing.

    Example:
        `hbt.measure_suite({name: hbt.rank(encoder, b) for name, b in
        hbt.load_suite("m2c2").items()})`
    """
    wanted = find_suite(suite)
    if not isinstance(ranks, Mapping):
        raise ValueError(f"ranks is {short(ranks)}; it must be a mapping of benchmarks to ranks")
    missing = [name for name in wanted.benchmarks if name not in ranks]
    if missing:
        raise ValueError(
            f"the ranks lack {missing[0]}, a benchmark of {suite}: give those of all of "
            f"{', '.join(wanted.benchmarks)}"
        )
    questions = [
        by_question(ranks[name], metrics, trained=trained).assign(benchmark=name)
        for name in wanted.benchmarks
    ]
    group = "all" if trained is None else "trained"
    table = suite_questions(pd.concat(questions, ignore_index=True), suite, languages=group)
    return suite_scores(table, metrics)


def suite_questions(
    questions: pd.DataFrame, suite: str = "m2c2", *, languages: str = "trained"
) -> pd.DataFrame:
    """Picks the rows of a table of questions that belong to a suite, and names their settings.

    Args:
        questions: `metrics.by_question`'s table with the column benchmark, of one run or several.
        suite: the suite's name.
        languages: the group of languages that is read (trained, unseen or all). Code-switched
            queries are in no language that is trained on, so all of them are read.

    Returns:
        The rows with the suite's names in the column `setting`.

    Raises:
        ValueError: for a missing column, and if nothing is left of a part of the suite.
    """
    check_columns(questions, ["benchmark", "setting", "languages", "question_id"], "questions")
    parts = []
    for part in find_suite(suite).parts:
        is_part = (questions["benchmark"] == part.benchmark) & (
            questions["setting"] == part.measured
        )
        if part.setting != CODE_SWITCHED:
            is_part &= questions["languages"] == languages
        if not is_part.any():
            raise ValueError(
                f"the questions have none of {part.benchmark} in the {part.measured} setting for "
                f"languages {short(languages)}, which {suite} asks for"
            )
        parts.append(questions[is_part].assign(setting=part.setting))
    return pd.concat(parts, ignore_index=True)


def suite_scores(
    questions: pd.DataFrame, metrics: Sequence[str] = METRICS, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Averages a suite's questions.

    Args:
        questions: `suite_questions`' table.
        metrics: columns of it.
        by: the columns that tell runs apart, such as arm and seed.

    Returns:
        The columns of `by`, setting, benchmark (`mean`: the mean over the setting's benchmarks),
        metric, value, n_questions.
    """
    keys = [*by, "setting", "benchmark"]
    grouped = questions.groupby(keys, sort=False, observed=True)
    wide = grouped[list(metrics)].mean().assign(n_questions=grouped.size()).reset_index()
    tidy = wide.melt([*keys, "n_questions"], list(metrics), "metric", "value")
    over = tidy.groupby([*by, "setting", "metric"], sort=False, observed=True)
    means = over.agg(value=("value", "mean"), n_questions=("n_questions", "sum")).reset_index()
    table = pd.concat([tidy, means.assign(benchmark=MEAN)], ignore_index=True)
    return table[[*keys, "metric", "value", "n_questions"]]


def settings_of(suite: str = "m2c2") -> tuple[str, ...]:
    """The settings of a suite, in its order."""
    found: Suite = find_suite(suite)
    return found.settings
