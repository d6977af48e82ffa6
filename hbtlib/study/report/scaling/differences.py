"""The declared differences of 17-scaling with their tests, and the notebook's answer."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.data.suites import find_suite
from hbtlib.evaluation.holm import holm
from hbtlib.evaluation.suites import settings_of
from hbtlib.plots.scaling import size_text
from hbtlib.study.config import load
from hbtlib.study.family import Family
from hbtlib.study.report.family import declared
from hbtlib.study.report.reader import Reader
from hbtlib.study.report.scaling.curves import MARKS, extrapolated
from hbtlib.study.report.scaling.encoders import parameters_of
from hbtlib.study.report.scaling.settings import (
    SUITE,
    beside,
    questions,
    questions_instead,
    with_units,
)
from hbtlib.study.report.tables import (
    BY_BOTH,
    BY_UNIT,
    bold,
    chances,
    contrasts_with_units,
    is_sure,
)
from hbtlib.study.report.words import Markdown, bullets, counted, listed, number, sentences
from hbtlib.study.studies import Study


def effects(reader: Reader) -> pd.DataFrame:
    """The declared differences with their tests, in every setting and benchmark of the suite.

    Args:
        reader: the study.

    Returns:
        `hbt.contrasts`' table with the suite's setting, and benchmark. All rows are one family:
        `p_holm` is adjusted over all of them. low_unit, high_unit, p_unit and n_units are of the
        same tests with what questions share (`hbt.units`) as the unit; that p is not adjusted.

    Raises:
        ValueError: if the study's YAML declares no family.
    """
    return tested(questions(reader.study), declared(reader.study))


def effects_instead(reader: Reader, name: str) -> pd.DataFrame:
    """As `effects`, with the arms of another study in place of those of the same names.

    Args:
        reader: the study.
        name: the other study; "": none.

    Returns:
        `effects`' table, of the differences that such an arm is in; without rows if the other study
        or one of its runs is missing. `p_holm` is adjusted over all declared differences.
    """
    table = questions_instead(reader.study, name)
    if table.empty:
        return pd.DataFrame()
    family = declared(reader.study)
    replaced = {run.arm for run in load(name).runs}
    named = [name for name, weights in family.differences.items() if replaced & set(weights)]
    tests = tested(table, family)
    return tests[tests["contrast"].isin(named)].reset_index(drop=True)


def effects_beside(reader: Reader, name: str) -> pd.DataFrame:
    """As `effects`, of another study on the same suite, whose differences are a family of its own.

    Args:
        reader: the study, which knows what questions belong together.
        name: the other study; "": none.

    Returns:
        `effects`' table; without rows if the other study or one of its runs is missing, or if it
        declares no family of tests.
    """
    table = beside(name)
    if table.empty:
        return table
    family = load(name).family
    return pd.DataFrame() if family is None else tested(with_units(table, reader.study), family)


def tested(table: pd.DataFrame, family: Family) -> pd.DataFrame:
    """As `effects`, of `questions`' table.

    Args:
        table: each question's scores.
        family: what is tested.
    """
    parts = []
    for part in find_suite(SUITE).parts:
        is_part = (table["setting"] == part.setting) & (table["benchmark"] == part.benchmark)
        rows = table[is_part].assign(setting=part.measured)
        metrics = list(family.metrics)
        unit = dict(zip(rows["question_id"], rows["unit"], strict=True))
        found = contrasts_with_units(
            rows, family.differences, unit, metric=metrics, setting=part.measured
        )
        parts.append(found.assign(setting=part.setting, benchmark=part.benchmark))
    tests = pd.concat(parts, ignore_index=True)
    return tests.assign(p_holm=holm(tests["p"].to_numpy()))


def effects_shown(table: pd.DataFrame, metric: str) -> Styler:
    """The differences as a table, bold where they may not be chance.

    Args:
        table: `effects`' table.
        metric: mAP@10 or R@50.

    Returns:
        The styled table.
    """
    columns = ["contrast", "setting", "benchmark", "difference", "low", "high", "p_holm"]
    rows = table[table["metric"] == metric]
    style = rows[[*columns, *BY_UNIT]].style.hide().format(precision=4)
    return bold(style, is_sure(rows), "difference")


def effects_says(table: pd.DataFrame, metric: str) -> Markdown:
    """In how many settings and benchmarks each declared difference is above or below 0.

    Args:
        table: `effects`' table.
        metric: mAP@10 or R@50.

    Returns:
        A sentence a difference.
    """
    rows = table[table["metric"] == metric]
    rows = rows.assign(sure=is_sure(rows))
    said = []
    for name, part in rows.groupby("contrast", sort=False):
        above = part[part["sure"] & (part["difference"] > 0)]
        below = part[part["sure"] & (part["difference"] < 0)]
        said.append(
            f"{name}: above 0 in {len(above)}{_where(above)}, below in {len(below)}"
            f"{_where(below)}, of {counted(len(part), 'test')}."
        )
    return Markdown(f"{bullets(said)}\n\nAbove and below: {BY_BOTH}; all else may be chance.")


def effects_instead_says(
    tests: pd.DataFrame, instead: pd.DataFrame, name: str, metric: str
) -> Markdown:
    """What becomes of the differences with other runs of an arm.

    Args:
        tests: `effects`' table.
        instead: `effects_instead`'s table.
        name: the study whose arms took the place of others.
        metric: mAP@10 or R@50.

    Returns:
        A sentence on all differences that changed, and those of `effects_says`.
    """
    if instead.empty:
        return Markdown(f"The runs of {name or 'another study'} are not there.")
    keys = ["contrast", "metric", "setting", "benchmark"]
    both = tests.merge(instead, on=keys, suffixes=("", "_instead"))
    rows = both[both["metric"] == metric]
    lower = rows["difference_instead"] < rows["difference"]
    change = rows["difference_instead"] - rows["difference"]
    changed = (
        f"With the arms of {name}, {lower.sum()} of {counted(len(rows), 'difference')} become "
        f"lower; they change by {number(float(change.mean()), signed=True)} on the average:"
    )
    return Markdown(f"{changed}\n\n{effects_says(instead, metric)}")


def effects_beside_says(table: pd.DataFrame, name: str, metric: str) -> Markdown:
    """What the differences of another study are.

    Args:
        table: `effects_beside`'s table.
        name: the other study.
        metric: mAP@10 or R@50.

    Returns:
        `effects_says`' sentences, and how many seeds they rest on.
    """
    if table.empty:
        return Markdown(f"No tests of {name or 'another study'} are there.")
    seeds = counted(int(table["n_seeds"].min()), "seed")
    said = f"{name}, {seeds} an arm, with {counted(len(table), 'test')} in one family:"
    return Markdown(f"{said}\n\n{effects_says(table, metric)}")


def _where(rows: pd.DataFrame) -> str:
    names = [f"{row['setting']} on {row['benchmark']}" for row in rows.to_dict("records")]
    return f" ({listed(names)})" if names else ""


def largest_differences(study: Study) -> dict[str, str]:
    """The declared differences of the hybrid at the largest size.

    Args:
        study: the study.

    Returns:
        Other strategy → the name of the difference.

    Raises:
        ValueError: if the study declares none of them.
    """
    largest = max(map(parameters_of, study.runs))
    arms = {r.arm: r.parameters["strategy"] for r in study.runs if parameters_of(r) == largest}
    found = {}
    for name, weights in declared(study).differences.items():
        if len(weights) == 2 and set(weights) <= set(arms):
            one, other = sorted(weights, key=lambda arm: -weights[arm])
            if arms[one] == "hybrid":
                found[arms[other]] = name
    if not found:
        raise ValueError(
            f"study {study.name!r} declares no difference of hybrid at its largest size"
        )
    return found


def answer(
    tests: pd.DataFrame, curves: pd.DataFrame, metric: str, last: Mapping[str, str]
) -> Markdown:
    """Does hybrid keep its edge: the notebook's answer.

    Args:
        tests: `effects`' table.
        curves: `laws`' table of edges.
        metric: the metric.
        last: other strategy → the name of the declared difference at the largest size.

    Returns:
        The sentences.
    """
    rows = tests[tests["metric"] == metric]
    said = []
    for other, name in last.items():
        part = rows[rows["contrast"] == name]
        outcomes = [_outcome(setting, part) for setting in settings_of(SUITE)]
        said.append(f"At the largest size, hybrid against {other}: {'; '.join(outcomes)}.")
    far = extrapolated(curves, (max(MARKS),))
    open_ones = far[far["low"] * far["high"] <= 0]
    said.append(
        f"At {size_text(max(MARKS))} parameters {len(open_ones)} of {len(far)} extrapolated edges "
        f"have a band with 0 in it, and the bands are {number(float(far['width'].median()))} wide "
        "in the median."
    )
    said.append(
        "What hybrid does for such models cannot be said from these encoders: no band knows "
        "whether another law holds for them."
    )
    return sentences(said)


def _outcome(setting: str, part: pd.DataFrame) -> str:
    """What one difference is in a setting, on each of its benchmarks."""
    texts = []
    rows = part[part["setting"] == setting]
    for row, chance in zip(rows.to_dict("records"), chances(rows), strict=True):
        texts.append(f"{number(row['difference'], signed=True)} ({row['benchmark']}{chance})")
    return f"{setting} {listed(texts)}"
