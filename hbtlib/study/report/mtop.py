"""Tables and sentences of 20-mtop: utterances of the same intent, and of the same domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.data.benchmark import SETTINGS
from hbtlib.study import baseline
from hbtlib.study.report.family import effects, of_subject
from hbtlib.study.report.reader import Reader
from hbtlib.study.report.results import by_arm, over_runs
from hbtlib.study.report.tables import (
    BY_BOTH,
    BY_UNIT,
    differences,
    is_sure,
    mean_and_sd,
    over_pairs,
    unit_note,
)
from hbtlib.study.report.words import (
    Markdown,
    bullets,
    counted,
    have,
    highest,
    leading,
    listed,
    lowest,
    number,
    sentences,
)

UNTRAINED = "none"
INTENT = "same intent"
DOMAIN = "same domain"


def judgements(study: str, intents: str, domains: str) -> dict[str, Reader]:
    """The study by what counts as relevant: the same intent, or the same domain, which is easier.

    Args:
        study: the name of the study.
        intents: its benchmark in which utterances of the same intent are relevant.
        domains: that in which utterances of the same domain are.

    Returns:
        `INTENT` and `DOMAIN` → the study on that benchmark.

    Raises:
        ValueError: for a benchmark that the study is not evaluated on.
    """
    return {INTENT: Reader(study, intents), DOMAIN: Reader(study, domains)}


def scores(readers: Mapping[str, Reader], metrics: Sequence[str]) -> pd.DataFrame:
    """Every run's scores in each setting.

    Args:
        readers: name of a judgement → the study on its benchmark.
        metrics: the metrics.

    Returns:
        group (the judgement), arm, seed, setting, metric, value: macro averages over the pairs of
        query language and pool.
    """
    parts = []
    for name, reader in readers.items():
        # All pairs together, whether their languages were trained on or not.
        found = over_pairs(reader.measured().assign(languages="all"))
        parts.append(found[found["metric"].isin(metrics)].assign(group=name))
    table = pd.concat(parts, ignore_index=True)
    return table[["group", "arm", "seed", "setting", "metric", "value"]]


def scores_shown(
    table: pd.DataFrame, metric: str, readers: Mapping[str, Reader] | None = None
) -> pd.DataFrame:
    """The scores of a metric as texts, mean ± standard deviation over seeds.

    Args:
        table: `scores`' table.
        metric: the metric.
        readers: name of a judgement → the study on its benchmark; with them a last row has BM25,
            which needs no training, where it was measured for this study.

    Returns:
        arm × (judgement, setting).
    """
    chosen = table[table["metric"] == metric]
    means = mean_and_sd(chosen, ["group", "arm", "setting"])
    wide = means.pivot(index="arm", columns=["group", "setting"], values="text")
    groups = list(dict.fromkeys(chosen["group"]))
    columns = [(g, s) for g in groups for s in SETTINGS if (g, s) in wide.columns]
    shown = wide.reindex(list(dict.fromkeys(chosen["arm"])), columns=columns)
    words = _baseline(readers or {}, metric)
    if words:
        shown.loc[baseline.ARM] = pd.Series(words)
    return shown


def _baseline(readers: Mapping[str, Reader], metric: str) -> dict[tuple[str, str], str]:
    """BM25's scores as texts, a value and its 95 % interval: (judgement, setting) → text."""
    found = {}
    for group, reader in readers.items():
        measured = baseline.read(reader.study, reader.benchmark)
        if measured is not None:
            for row in baseline.texts(measured[measured["metric"] == metric]).itertuples():
                found[group, str(row.setting)] = str(row.text)
    return found


def scores_says(table: pd.DataFrame, metric: str) -> Markdown:
    """Which arm is best at what, and how far the untrained encoder is below it.

    Args:
        table: `scores`' table.
        metric: the metric.

    Returns:
        A sentence for each judgement and setting.
    """
    chosen = table[table["metric"] == metric]
    said = []
    for group, of_group in chosen.groupby("group", sort=False):
        for setting in [name for name in SETTINGS if name in set(of_group["setting"])]:
            part = of_group[of_group["setting"] == setting]
            means = part.groupby("arm", sort=False)["value"].mean()
            trained = means.drop(UNTRAINED, errors="ignore").sort_values(ascending=False)
            best = leading(trained)
            others = [f"{arm} {number(value)}" for arm, value in trained.drop(best).items()]
            before = ""
            if UNTRAINED in means.index:
                before = f"; before training it was {number(means[UNTRAINED])}"
            then = f"; then come {listed(others)}" if others else ""
            said.append(
                f"{group}, {setting}: of the trained arms {listed(best)} {have(best)} the highest "
                f"{metric}, {number(trained[best[0]])}{then}{before}."
            )
    return bullets(said)


def tests(readers: Mapping[str, Reader]) -> pd.DataFrame:
    """The differences that the study declared before its runs, by what counts as relevant.

    Args:
        readers: name of a judgement → the study on its benchmark.

    Returns:
        `family.effects`' table with group (the judgement) and what (both in words). Each judgement
        is one family.
    """
    parts = [effects(reader).assign(group=name) for name, reader in readers.items()]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(what=table["contrast"] + ", " + table["group"])


def tests_shown(table: pd.DataFrame, metric: str) -> Styler:
    """The differences in a metric as a table.

    Args:
        table: `tests`' table.
        metric: the metric.

    Returns:
        The styled table.
    """
    columns = ["group", "contrast", "setting", "difference", "low", "high", "p_holm"]
    beside = ["n_questions", "n_seeds", *BY_UNIT]
    here = table[table["metric"] == metric][[*columns, *beside]]
    return here.style.hide().format(precision=4)


def tests_says(table: pd.DataFrame, metric: str) -> Markdown:
    """What each difference is in every setting, and whether it may be chance.

    Args:
        table: `tests`' table.
        metric: the metric.

    Returns:
        A sentence a difference.
    """
    of_metric = table[table["metric"] == metric]
    by_name = of_metric.groupby("what", sort=False)
    said = [f"{what}: {differences(part)}." for what, part in by_name]
    return bullets([*said, *unit_note(of_metric)])


def pairs(reader: Reader, arms: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Every pair of query language and pool, seeds averaged.

    Args:
        reader: the study on one benchmark.
        arms: the arms wanted.

    Returns:
        Arm → a table as `hbt.plots.heatmaps` takes it.
    """
    return by_arm(over_runs(reader.measured()), arms)


def pairs_says(cells: Mapping[str, pd.DataFrame], metric: str) -> Markdown:
    """For which pairs of languages each arm is best and worst.

    Args:
        cells: `pairs`' tables.
        metric: the metric.

    Returns:
        A sentence an arm.
    """
    said = []
    for arm, table in cells.items():
        alone = table[(table["metric"] == metric) & (table["pool"] != "all")]
        names = alone["query_language"].astype(str) + " → " + alone["pool"].astype(str)
        values = pd.Series(alone["value"].to_numpy(), index=names)
        (worst, low), (best, high) = lowest(values), highest(values)
        said.append(f"{arm}: from {number(low)} ({worst}) to {number(high)} ({best}).")
    return Markdown(f"{metric} of a query in one language in a pool of one:\n\n{bullets(said)}")


def answer(table: pd.DataFrame, subject: str, metric: str) -> Markdown:
    """Whether the subject is above or below each other arm, and where that may be chance.

    Args:
        table: `tests`' table.
        subject: the arm that is set against the others.
        metric: the metric.

    Returns:
        The sentences.
    """
    rows = of_subject(table[table["metric"] == metric], subject)
    rows = rows.assign(sure=is_sure(rows))
    said = []
    for (group, other), part in rows.groupby(["group", "other"], sort=False):
        outcomes = {
            "above": part[part["sure"] & (part["difference"] > 0)]["setting"],
            "below": part[part["sure"] & (part["difference"] < 0)]["setting"],
            "not to be told from": part[~part["sure"]]["setting"],
        }
        parts = [
            f"{how} {other} ({listed(where)})" for how, where in outcomes.items() if len(where)
        ]
        said.append(f"{group}: {subject} is {listed(parts)}.")
    seeds, questions = int(rows["n_seeds"].max()), int(rows["n_questions"].max())
    basis = sentences(
        [
            f"By {metric}, over {counted(seeds, 'seed')} and up to {questions} questions an arm.",
            f"Above and below: {BY_BOTH}.",
        ]
    )
    return Markdown(f"{bullets(said)}\n\n{basis}")
