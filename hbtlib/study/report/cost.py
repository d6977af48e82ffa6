"""Tables and sentences of 07-cost-and-controls: what an arm costs, what needs no training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.evaluation.metrics import by_training
from hbtlib.study.report.kept import tokens_of_kept
from hbtlib.study.report.reader import Reader
from hbtlib.study.report.tables import GROUPS, cell
from hbtlib.study.report.words import (
    Markdown,
    bullets,
    counted,
    highest,
    listed,
    lowest,
    number,
    sentences,
)
from hbtlib.study.results import run_environment, run_table
from hbtlib.study.runs import Run
from hbtlib.study.values import MAP_IDS, check_map_name

AS_IT_IS = "·"  # the vectors with nothing removed
REMOVED = {"mean": "each language's mean", "1": "one component", "2": "two components"}
PROBED = (
    ("mAP", "monolingual"),
    ("mAP", "cross-lingual"),
    ("mAP", "multilingual"),
    ("rank-distance", "multilingual"),
)


EARLY = 0.9
"""Weights that had read less than this share of an arm's tokens are named."""


def cost_of(run: Run) -> dict[str, object]:
    """What one run cost.

    Args:
        run: the run, whose folder is there.

    Returns:
        arm, tokens (millions read in training), kept (millions that the weights had read which are
        kept: those with the best validation), minutes (to the end of training), peak MB.
    """
    about = run_environment(run)
    tokens = kept = 0.0
    if run.parameters["strategy"] != "none":
        log = run_table(run, "training_log")
        tokens, kept = log["tokens"].max() / 1e6, tokens_of_kept(log) / 1e6
    return {
        "arm": run.arm,
        "tokens": tokens,
        "kept": kept,
        "minutes": about["seconds"]["training"] / 60,
        "peak MB": about["peak_memory_mb"],
    }


def costs(reader: Reader) -> pd.DataFrame:
    """What each arm cost, and how well a classifier tells a passage's language from its vector.

    Args:
        reader: the study on one benchmark.

    Returns:
        A row an arm: tokens, kept, minutes, peak MB, language (balanced accuracy), chance. All are
        means over seeds but minutes, which is the median: the time of a run that was interrupted
        counts from where it was resumed, and must not move that of its arm.
    """
    probe = reader.collect("language_probe", rivals=True)
    told = probe.groupby("arm")[["accuracy", "chance"]].mean()
    rows = pd.DataFrame([cost_of(run) for run in (*reader.study.runs, *reader.rival_runs)])
    arms = rows.groupby("arm", sort=False)
    means = arms.mean().assign(minutes=arms["minutes"].median())
    return means.assign(language=told["accuracy"], chance=told["chance"])


def costs_shown(table: pd.DataFrame) -> Styler:
    """The costs as a table.

    Args:
        table: `costs`' table.

    Returns:
        The styled table.
    """
    forms: Any = {
        "tokens": "{:.2f}",
        "kept": "{:.2f}",
        "minutes": "{:.1f}",
        "peak MB": "{:,.0f}",
        "language": "{:.3f}",
        "chance": "{:.3f}",
    }
    return table.style.format(forms)


def costs_says(table: pd.DataFrame) -> Markdown:
    """Who saw how much, who took longest, and who keeps language out of its vectors.

    Args:
        table: `costs`' table.

    Returns:
        The sentences.
    """
    trained = table[table["tokens"] > 0]
    low, high = trained["tokens"].min(), trained["tokens"].max()
    (fast, least), (slow, most) = lowest(trained["minutes"]), highest(trained["minutes"])
    (plain, worst), (marked, best) = lowest(table["language"]), highest(table["language"])
    return sentences(
        [
            f"The trained arms read {low:.2f} to {high:.2f} million tokens.{_early_says(trained)}",
            f"{fast} took least time ({least:.1f} minutes a run) and {slow} most ({most:.1f}).",
            f"A classifier tells a passage's language least well from the vectors of {plain} "
            f"({worst:.3f}) and best from those of {marked} ({best:.3f}); chance is "
            f"{table['chance'].mean():.3f}.",
        ]
    )


def _early_says(trained: pd.DataFrame) -> str:
    """Which arms' weights were kept long before the end of the training; "" for none."""
    early = trained[trained["kept"] < EARLY * trained["tokens"]]
    if early.empty:
        return ""
    arms = [
        f"{arm} after {row['kept']:.2f} of {row['tokens']:.2f} million"
        for arm, row in early.iterrows()
    ]
    return f" Weights are kept where the validation was best: of {listed(arms)}."


def controls(
    measured: pd.DataFrame, probed: pd.DataFrame, trained: Sequence[str], arms: Sequence[str]
) -> pd.DataFrame:
    """What the scores become when language is removed from the vectors.

    Args:
        measured: `hbt.measure`'s tables of all runs with arm.
        probed: the same, measured again with `removed` taken from the vectors.
        trained: the languages trained on.
        arms: the arms, in their order.

    Returns:
        (languages, setting, metric, arm) × what was removed; `·` is the encoder as it is.
    """
    plain = measured[measured["metric"].isin(dict(PROBED))].assign(removed=AS_IT_IS)
    both = by_training(pd.concat([plain, probed]), trained)
    keys = ["languages", "setting", "metric", "arm", "removed"]
    wide = both.groupby(keys, sort=False)["value"].mean().unstack("removed")
    order = [
        (group, setting, metric, arm)
        for group in GROUPS
        for metric, setting in PROBED
        for arm in arms
    ]
    return wide.loc[[key for key in order if key in wide.index]]


def controls_shown(table: pd.DataFrame) -> Styler:
    """The controls as a table.

    Args:
        table: `controls`' table.

    Returns:
        The styled table.
    """
    return table.style.format(cell, na_rep="")


def controls_says(table: pd.DataFrame) -> Markdown:
    """What removing language does to mAP and to the rank distance in the pool of all languages.

    Args:
        table: `controls`' table.

    Returns:
        A sentence for each removal.
    """
    scores = _in_the_pool_of_all(table, "mAP")
    distances = _in_the_pool_of_all(table, "rank-distance")
    distances = distances[distances[AS_IT_IS] > 0]  # 0: there are no translations to tell apart
    said = []
    for removed in [column for column in table.columns if column != AS_IT_IS]:
        rise = (scores[removed] - scores[AS_IT_IS]).dropna()
        growth = (distances[removed] - distances[AS_IT_IS]).dropna()
        if rise.empty:
            continue
        of_distance = (
            f" and the rank distance by {number(growth.mean(), signed=True)} (it falls in "
            f"{(growth < 0).sum()})"
            if len(growth)
            else ""
        )
        said.append(
            f"{_removing(str(removed))} changes the mAP by {number(rise.mean(), signed=True)} on "
            f"average (it rises in {(rise > 0).sum()} of {counted(len(rise), 'arm')})"
            f"{of_distance}."
        )
    head = "In the pool of all languages, with queries in languages trained on:"
    return Markdown(f"{head}\n\n{bullets(said)}")


def _in_the_pool_of_all(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A metric in the pool of all, queries in languages trained on: arm × what was removed."""
    wanted = ("trained", "multilingual", metric)
    rows = table[[place[:3] == wanted for place in table.index]]
    return rows.droplevel([0, 1, 2])


def _removing(removed: str) -> str:
    """What was done to the vectors, as the beginning of a sentence."""
    if ":" in removed:
        method, pairs, ids = check_map_name("removed", removed)
        texts = "" if ids == MAP_IDS else f"{counted(ids, 'id')} of each of "
        return f"The language-neutral map ({method}, fitted on {texts}{listed(pairs.split())})"
    return f"Removing {REMOVED.get(removed, f'{removed} components')}"


def answer(
    costs_table: pd.DataFrame, controls_table: pd.DataFrame, grid: Sequence[str]
) -> Markdown:
    """Whether the arms cost alike, and whether removing language would do instead: the answer.

    Args:
        costs_table: `costs`' table.
        controls_table: `controls`' table.
        grid: the strategies.

    Returns:
        The sentences.
    """
    rows = _in_the_pool_of_all(controls_table, "mAP")
    rows = rows.reindex([arm for arm in grid if arm in rows.index])
    best, removed = rows[AS_IT_IS].max(), rows.drop(columns=AS_IT_IS)
    gain = removed.sub(rows[AS_IT_IS], axis=0).max().max()
    spread = best - rows[AS_IT_IS].min()
    minutes = costs_table.loc[costs_table["tokens"] > 0, "minutes"]
    strategies = minutes.reindex([arm for arm in grid if arm in minutes.index])
    shortest, longest = f"{strategies.min():.1f}", f"{strategies.max():.1f}"
    took = shortest if shortest == longest else f"{shortest} to {longest}"
    return sentences(
        [
            f"The strategies take {took} minutes a run.",
            "In the pool of all languages, and languages trained on, removing language raises the "
            f"mAP of an arm by {number(gain)} at most, while the best arm and the worst "
            f"lie {number(spread)} apart."
            if gain > 0
            else "In the pool of all languages, and languages trained on, removing language raises "
            "the mAP of no arm.",
        ]
    )
