"""Tables and sentences of 06-significance: which differences may be chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.evaluation.groups import by_training
from hbtlib.evaluation.significance import compare, compare_pairs, units
from hbtlib.study.report.tables import bold, differences, is_real, with_units
from hbtlib.study.report.words import Markdown, bullets, counted, listed

# In the CSV, not in the shown table.
DETAILS = ["metric", "p", "p_t", "effect", "wins", "ties", "losses", "n_questions", "n_seeds"]


def cells(
    ranks: pd.DataFrame, subject: str, others: Sequence[str], metric: str
) -> dict[str, pd.DataFrame]:
    """The subject against other arms, in every pair of query language and pool.

    Args:
        ranks: the ranks of all runs, with arm and seed.
        subject: the arm that is set against the others.
        others: the other arms; the cells of each are one family for Holm's correction.
        metric: the metric.

    Returns:
        `hbt.compare_pairs`' table for each of the others.
    """
    own = ranks[ranks["arm"] == subject]
    return {arm: compare_pairs(own, ranks[ranks["arm"] == arm], metric=metric) for arm in others}


def cells_says(tables: Mapping[str, pd.DataFrame], subject: str) -> Markdown:
    """In how many cells the subject is better, worse, or not to be told from the other.

    Args:
        tables: `cells`' tables.
        subject: the arm that is set against the others.

    Returns:
        A sentence for each of the others.
    """
    said = []
    for other, table in tables.items():
        sure = table["p_holm"] < 0.05
        better = int((sure & (table["difference"] > 0)).sum())
        worse = int((sure & (table["difference"] < 0)).sum())
        said.append(
            f"Against {other}, {subject} is higher in {better} of {len(table)} cells and lower in "
            f"{worse}; in {len(table) - better - worse} the difference may be chance."
        )
    return bullets(said)


def tests(
    ranks: pd.DataFrame,
    trained: Sequence[str],
    subject: str,
    families: Mapping[str, Sequence[str]],
    metric: str,
) -> pd.DataFrame:
    """The subject against every other arm, for each setting and group of languages.

    Args:
        ranks: the ranks of all runs, with arm and seed.
        trained: the languages trained on.
        subject: the arm that is set against the others.
        families: the others by family (strategies, rivals); each family has its own correction.
        metric: the metric.

    Returns:
        `hbt.compare`'s table with languages and family; low_unit, high_unit, p_holm_unit
        and n_units are of the same test with what questions belong to (`hbt.units`) as
        the unit.
    """
    seen = by_training(ranks, trained)["languages"] == "trained"
    unit = units(ranks)
    found = {}
    for group, rows in (("trained", ranks[seen]), ("unseen", ranks[~seen])):
        arms = dict(tuple(rows.groupby("arm", sort=False)))
        for family, others in families.items():
            baselines = {arm: arms[arm] for arm in others if arm in arms}
            if not baselines:
                continue
            alone = compare(arms[subject], baselines, metric=metric)
            by_unit = compare(arms[subject], baselines, metric=metric, unit=unit)
            found[group, family] = with_units(alone, by_unit, "p_holm")
    table = pd.concat(found, names=["languages", "family"])
    return table.reset_index(["languages", "family"]).reset_index(drop=True)


def shown(table: pd.DataFrame) -> Styler:
    """The tests as a table, bold where a difference may not be chance.

    Args:
        table: `tests`' table.

    Returns:
        The styled table.
    """
    style = table.drop(columns=DETAILS).style.hide().format(precision=3)
    style = style.format("{:.4f}", subset=["p_holm", "p_holm_unit"])
    style = bold(style, is_real(table), "p_holm")
    return bold(style, is_real(table, "p_holm_unit", "low_unit", "high_unit"), "p_holm_unit")


def effects(table: pd.DataFrame, subject: str, family: str) -> pd.DataFrame:
    """The tests of one family in languages trained on, as `hbt.plots.effects` takes them.

    Args:
        table: `tests`' table.
        subject: the arm that is set against the others.
        family: strategies or rivals.

    Returns:
        The family's rows with `what`, such as `hybrid − x-y`.
    """
    chosen = table[(table["languages"] == "trained") & (table["family"] == family)]
    return chosen.assign(what=subject + " − " + chosen["baseline"])


def effects_says(table: pd.DataFrame) -> Markdown:
    """Which differences are real, and which may be chance.

    Args:
        table: `effects`' table.

    Returns:
        A sentence for each difference, with one part a setting.
    """
    by_what = table.groupby("what", sort=False)
    return bullets([f"{what} is {differences(part)}." for what, part in by_what])


def unit_says(table: pd.DataFrame) -> Markdown:
    """What is left where questions that are alike are taken as one.

    Args:
        table: `tests`' table.

    Returns:
        The sentences.
    """
    alone, by_unit = is_real(table), is_real(table, "p_holm_unit", "low_unit", "high_unit")
    questions, groups = int(table["n_questions"].max()), int(table["n_units"].max())
    return Markdown(
        f"Of the {len(table)} differences {alone.sum()} may not be chance where the unit is the "
        f"question ({questions:,}), and {by_unit.sum()} where it is what the questions belong to "
        f"({groups:,})."
    )


def answer(table: pd.DataFrame, subject: str, n_seeds: int) -> Markdown:
    """Which differences between strategies are real: the notebook's answer.

    Args:
        table: `tests`' table.
        subject: the arm that is set against the others.
        n_seeds: how many seeds each arm has.

    Returns:
        The sentences.
    """
    own = table[(table["languages"] == "trained") & (table["family"] == "strategies")]
    own = own.assign(sure=is_real(own))
    said = []
    for other, part in own.groupby("baseline", sort=False):
        above = part[part["sure"] & (part["difference"] > 0)]["setting"]
        below = part[part["sure"] & (part["difference"] < 0)]["setting"]
        unsure = part[~part["sure"]]["setting"]
        outcomes = {"higher": above, "lower": below}
        parts = [
            f"{subject} is {how} ({listed(where)})" for how, where in outcomes.items() if len(where)
        ]
        parts += [f"the difference may be chance ({listed(unsure)})"] if len(unsure) else []
        said.append(f"Against {other}, in languages trained on: {'; '.join(parts)}.")
    scope = (
        f"The intervals are over {counted(n_seeds, 'seed')} and all questions, and so speak of "
        "another training too."
        if n_seeds > 1
        else "There is one seed, so all of this speaks of these trained models alone."
    )
    return Markdown(f"{bullets(said)}\n\n{scope}")
