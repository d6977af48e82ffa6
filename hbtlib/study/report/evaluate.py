"""Tables and sentences of 04-evaluate: what one run can do."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from hbtlib.data.benchmark import ALL, SETTINGS
from hbtlib.evaluation.bias import chance_rank_distance
from hbtlib.evaluation.groups import by_training
from hbtlib.plots.tables import ordered
from hbtlib.study.report.words import Markdown, highest, listed, lowest, number, sentences
from hbtlib.study.runs import Run
from hbtlib.study.studies import Study


def run_of(study: Study, name: str = "") -> Run:
    """The run that is looked at.

    Args:
        study: the study.
        name: the run's name; "": the first run of the study's last arm.

    Returns:
        The run.
    """
    if name:
        return study.run(name)
    last = study.runs[-1].arm
    return next(run for run in study.runs if run.arm == last)


def heatmap_says(measured: pd.DataFrame, metric: str, trained: Sequence[str]) -> Markdown:
    """Where the run retrieves well and where not.

    Args:
        measured: `hbt.measure`'s table of one run.
        metric: the metric drawn.
        trained: the languages trained on.

    Returns:
        The sentences.
    """
    cells = measured[measured["metric"] == metric]
    seen = by_training(cells, trained)["languages"] == "trained"
    means = cells[seen].groupby("setting")["value"].mean()
    parts = [f"{number(means[s])} in the {s} setting" for s in SETTINGS if s in means]
    said = [f"With languages trained on, the mean {metric} is {listed(parts)}."] if parts else []
    for group, part in (
        ("trained on", cells[seen]),
        ("of which at least one was never trained on", cells[~seen]),
    ):
        pairs = part[part["setting"] == "cross-lingual"]
        if len(pairs):
            named = pairs.set_index(pairs["query_language"] + " to " + pairs["pool"])["value"]
            (best, top), (worst, bottom) = highest(named), lowest(named)
            said.append(
                f"Of two different languages {group}, {best} goes best ({number(top)}) and {worst} "
                f"worst ({number(bottom)})."
            )
    return sentences(said)


def chance_distance(ranks: pd.DataFrame) -> float:
    """The rank distance that a random ranking would have, mean over query languages.

    Args:
        ranks: one or several runs' ranks.

    Returns:
        (N + 1)(n − 1) / (n + 1), mean over the queries of a language in the pool of all languages,
        and then over these languages, as `hbt.measure`'s rank distance is.
    """
    queries = ranks[ranks["pool"] == ALL].drop_duplicates("query_id")
    of_query = chance_rank_distance(queries["n_passages"], queries["n_relevant"])
    languages = queries["query_language"].astype("str")
    return float(of_query.groupby(languages).mean().mean())


def distance_says(biases: pd.DataFrame, chance: float) -> Markdown:
    """Which query languages scatter the translations of one passage most.

    Args:
        biases: `hbt.bias`'s table of one run.
        chance: `chance_distance`'s number.

    Returns:
        The sentence.
    """
    chosen = biases[(biases["measure"] == "rank-distance") & (biases["query_language"] != ALL)]
    values = chosen.set_index("query_language")["value"]
    return Markdown(
        f"On average the relevant passages of a query lie {number(values.mean())} ranks apart, "
        f"{values.mean() / chance:.0%} of chance ({number(chance)}): least for queries in "
        f"{values.idxmin()} ({number(values.min())}), most for those in {values.idxmax()} "
        f"({number(values.max())})."
    )


def found(ranks: pd.DataFrame) -> pd.DataFrame:
    """How early each language's relevant passages come in the pool of all languages.

    Args:
        ranks: one run's ranks.

    Returns:
        A row a passage language: what pandas' `describe` says of the ranks.
    """
    joint = ranks[ranks["pool"] == ALL]
    return joint.groupby("passage_language", observed=True)["rank"].describe().reset_index()


def found_says(table: pd.DataFrame) -> Markdown:
    """Which passage languages come early and which late.

    Args:
        table: `found`'s table.

    Returns:
        The sentence.
    """
    medians = table.set_index("passage_language")["50%"].sort_values()
    early = f"{medians.index[0]} (half of them within the first {medians.iloc[0]:,.0f} ranks)"
    late = f"{medians.index[-1]} (half of them only within the first {medians.iloc[-1]:,.0f})"
    return Markdown(f"Relevant passages come earliest in {early} and latest in {late}.")


def own_language(biases: pd.DataFrame, trained: Sequence[str]) -> pd.DataFrame:
    """How often the best-ranked relevant passage is in the query's own language.

    Args:
        biases: `hbt.bias`'s table of one run.
        trained: the languages trained on, which come first.

    Returns:
        A row a query language, a column each of the measures `own-language-…`.
    """
    rows = biases[biases["measure"].str.startswith("own-language")]
    table = rows.pivot(index="query_language", columns="measure", values="value")
    return table.reindex(ordered(list(table.index), trained))


def own_language_says(table: pd.DataFrame) -> Markdown:
    """Whether queries favour their own language.

    Args:
        table: `own_language`'s table.

    Returns:
        The sentence.
    """
    if table.empty or table["own-language-first"].isna().all():
        return Markdown("No query has a relevant passage in its own language.")
    first, chance = table["own-language-first"], table["own-language-chance"]
    above = int((first > chance).sum())
    return Markdown(
        f"The best-ranked relevant passage is in the query's own language in {first.mean():.0%} of "
        f"cases, where {chance.mean():.0%} would be chance; queries of {above} of the {len(table)} "
        "languages favour their own."
    )


def answer(measured: pd.DataFrame, table: pd.DataFrame, metric: str) -> Markdown:
    """What the run can do: the notebook's answer.

    Args:
        measured: `hbt.measure`'s table of one run.
        table: `own_language`'s table.
        metric: the metric.

    Returns:
        The sentences.
    """
    chosen = measured[measured["metric"] == metric]
    means = chosen.groupby("setting")["value"].mean()
    means = means.reindex([s for s in SETTINGS if s in means])
    (easiest, top), (hardest, bottom) = highest(means), lowest(means)
    return sentences(
        [
            f"Over all languages this run is best in the {easiest} setting ({metric} "
            f"{number(top)}) and worst in the {hardest} one ({number(bottom)}).",
            own_language_says(table),
        ]
    )
