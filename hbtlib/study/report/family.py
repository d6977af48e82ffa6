"""The tests that a study declared before its runs: their table, and what they say."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.data.benchmark import SETTINGS
from hbtlib.evaluation.holm import holm
from hbtlib.evaluation.metrics import lower_is_better
from hbtlib.study.family import Family
from hbtlib.study.report.reader import Reader
from hbtlib.study.report.tables import (
    BY_UNIT,
    GROUPS,
    bold,
    contrasts_with_units,
    differences,
    group_words,
    is_sure,
    unit_note,
)
from hbtlib.study.report.words import Markdown, bullets, listed
from hbtlib.study.studies import Study

SHOWN = [
    "languages",
    "contrast",
    "metric",
    "setting",
    "difference",
    "low",
    "high",
    "p_holm",
    "n_questions",
    "n_seeds",
]


def effects(reader: Reader) -> pd.DataFrame:
    """The declared differences with their tests.

    Args:
        reader: the study on one benchmark.

    Returns:
        `hbt.contrasts`' table with languages. All rows, of every group of languages, metric and
        setting, are one family: `p_holm` is adjusted over all of them. low_unit, high_unit, p_unit
        and n_units are of the same tests with what questions share (`hbt.units`) as the unit; that
        p is not adjusted.

    Raises:
        ValueError: if the study's YAML declares no family.
    """
    return tested(reader.collect("questions"), declared(reader.study), reader.units())


def declared(study: Study) -> Family:
    """The family of tests that a study's YAML declares.

    Args:
        study: the study.

    Raises:
        ValueError: if it declares none.
    """
    if study.family is None:
        raise ValueError(
            f"study {study.name!r} declares no family of tests: write `family:` into its YAML "
            "before its runs are made"
        )
    return study.family


def of_subject(table: pd.DataFrame, subject: str) -> pd.DataFrame:
    """The declared differences of an arm: the arm minus another one.

    Args:
        table: `effects`' table.
        subject: the arm.

    Returns:
        The rows, with the column `other`: the arm that the subject is set against.

    Raises:
        ValueError: if no such difference was declared.
    """
    head = f"{subject} − "
    rows = table[table["contrast"].str.startswith(head)]
    if rows.empty:
        raise ValueError(
            f"subject is {subject!r}, and no declared difference is {head}another arm; the "
            f"differences are {listed(dict.fromkeys(table['contrast']))}"
        )
    return rows.assign(other=rows["contrast"].str.removeprefix(head))


def tested(questions: pd.DataFrame, family: Family, unit: Mapping[str, int]) -> pd.DataFrame:
    """As `effects`, of a table of each question's scores.

    Args:
        questions: languages, setting, question_id, arm, seed, and the metrics.
        family: what is tested.
        unit: question_id → what it belongs to, for the tests beside.
    """
    parts = []
    for group, part in questions.groupby("languages"):
        there = set(part["setting"])
        for metric in family.metrics:
            distance = metric.startswith("rank-distance")
            settings = [name for name in SETTINGS if name in there]
            if distance:
                settings = [name for name in settings if name == "multilingual"]
            nothing = part[metric].isna().all() or (distance and not (part[metric] > 0).any())
            if not settings or nothing:
                continue
            found = contrasts_with_units(
                part, family.differences, unit, metric=metric, setting=settings
            )
            parts.append(found.assign(languages=str(group)))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(p_holm=holm(table["p"].to_numpy()))


def shown(table: pd.DataFrame) -> Styler:
    """The differences as a table, bold where they may not be chance.

    Args:
        table: `effects`' table.

    Returns:
        The styled table.
    """
    style = table[[*SHOWN, *BY_UNIT]].style.hide().format(precision=4)
    return bold(style, is_sure(table), "difference")


def drawn(table: pd.DataFrame, metric: str, languages: str = GROUPS[0]) -> pd.DataFrame:
    """The rows that a picture shows, as `hbt.plots.effects` takes them.

    Args:
        table: `effects`' table.
        metric: one of its metrics.
        languages: trained or unseen.
    """
    rows = table[(table["metric"] == metric) & (table["languages"] == languages)]
    return rows.rename(columns={"contrast": "what"})


def says(table: pd.DataFrame, metric: str, languages: str = GROUPS[0]) -> Markdown:
    """What each declared difference is in every setting, and whether it may be chance.

    Args:
        table: `effects`' table.
        metric: one of its metrics.
        languages: trained or unseen.

    Returns:
        A sentence a difference.
    """
    rows = table[(table["metric"] == metric) & (table["languages"] == languages)]
    by_name = rows.groupby("contrast", sort=False)
    said = [f"{name}: {differences(part)}." for name, part in by_name]
    better = "lower" if lower_is_better(metric) else "higher"
    head = f"Differences in {metric} ({better} is better), languages {group_words(languages)}:"
    return Markdown(f"{head}\n\n{bullets([*said, *unit_note(rows)])}")
