"""Tables and sentences of 08-bias: does a ranking treat languages alike?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.data.benchmark import ALL
from hbtlib.evaluation.bias import bias, favoured, top_shares
from hbtlib.evaluation.language_aware import OF_LEADERS
from hbtlib.evaluation.language_aware import chances as random_chances
from hbtlib.evaluation.multilingual_pool import MultilingualPool
from hbtlib.plots.tables import ordered
from hbtlib.study.report.evaluate import chance_distance
from hbtlib.study.report.tables import cell
from hbtlib.study.report.words import (
    Markdown,
    bullets,
    highest,
    listed,
    lowest,
    number,
    sentences,
)

COMPARED = ("rank-distance", "own-language-preference", "score-gap", "mrc", "kl@10")


def of_runs(ranks: pd.DataFrame, top: pd.DataFrame) -> pd.DataFrame:
    """Every measure of bias of every run.

    Args:
        ranks: the ranks of all runs, with run, arm and seed.
        top: the passages that lead each query's ranking, of all runs.

    Returns:
        `hbt.bias`'s columns, arm and seed.
    """
    tops = dict(tuple(top.groupby("run")))
    runs: Any = ranks.groupby(["run", "arm", "seed"], sort=False)
    return pd.concat(
        [bias(part, tops[run]).assign(arm=arm, seed=seed) for (run, arm, seed), part in runs]
    )


def by_language(biases: pd.DataFrame) -> pd.DataFrame:
    """The rows of single query languages, without those of all languages together.

    Args:
        biases: `of_runs`' table.

    Returns:
        These rows.
    """
    return biases[biases["query_language"] != ALL]


def chances(ranks: pd.DataFrame, own_language_chance: float) -> pd.Series:
    """What a random ranking would give, where that does not depend on the number of questions.

    Args:
        ranks: the ranks of all runs; the first run's pools count.
        own_language_chance: the share of relevant passages in the query's language.

    Returns:
        The value by measure.
    """
    first = ranks[(ranks["pool"] == ALL) & (ranks["run"] == ranks["run"].iloc[0])]
    queries = first.drop_duplicates("query_id")
    passages, relevant = queries["n_passages"], queries["n_relevant"]
    last = relevant * (passages + 1) / (relevant + 1)
    return pd.Series(
        {
            "rank-distance": chance_distance(first),
            "rank-distance-relative": 1.0,
            "max-rank": last.groupby(queries["query_language"].astype("str")).mean().mean(),
            "own-language-preference": 1.0,
            "score-gap": 0.0,
            "mrc": 0.0,
            "kl@10": 0.0,
            "own-language-first": own_language_chance,
        }
    )


def measures(biases: pd.DataFrame, ranks: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Every measure, mean over query languages and seeds.

    Args:
        biases: `of_runs`' table.
        ranks: the ranks of all runs.
        arms: the arms, in their order.

    Returns:
        A row a measure: chance, and a column an arm.
    """
    chosen = by_language(biases)
    chosen = chosen[chosen["measure"] != "friedman-p"]
    table = (
        chosen.groupby(["measure", "arm"], sort=False)["value"].mean().unstack("arm")[list(arms)]
    )
    own_chance = float(np.mean(table.loc["own-language-chance"]))
    table.insert(0, "chance", chances(ranks, own_chance))
    return table


def measures_shown(table: pd.DataFrame) -> Styler:
    """The measures as a table.

    Args:
        table: `measures`' table.

    Returns:
        The styled table.
    """
    return table.style.format(cell, na_rep="")


def measures_says(table: pd.DataFrame) -> Markdown:
    """What the measures say of the arms.

    Args:
        table: `measures`' table.

    Returns:
        The sentences.
    """
    arms: Any = table.drop(columns="chance")
    close, shortest = lowest(arms.loc["rank-distance"])
    far, longest = highest(arms.loc["rank-distance"])
    chance = float(table["chance"]["rank-distance"])
    fair, least = lowest(arms.loc["own-language-preference"])
    partial, most = highest(arms.loc["own-language-preference"])
    steady, correlation = highest(arms.loc["mrc"])
    return sentences(
        [
            f"The rank distance is lowest with {close} ({number(shortest)} ranks) and highest with "
            f"{far} ({number(longest)}); chance is {number(chance)}.",
            f"The query's own language is favoured least by {fair} ({least:.1f} times chance) and "
            f"most by {partial} ({most:.1f} times).",
            "In whatever language a question is asked, its answers come in the most similar order "
            f"with {steady} (mrc {number(correlation)}).",
        ]
    )


def places(ranks: pd.DataFrame) -> pd.DataFrame:
    """Which passage languages come first, in every run.

    Args:
        ranks: the ranks of all runs, with run, arm and seed.

    Returns:
        `hbt.favoured`'s columns, arm and seed.
    """
    runs: Any = ranks.groupby(["run", "arm", "seed"], sort=False)
    return pd.concat([favoured(part).assign(arm=arm, seed=seed) for (_, arm, seed), part in runs])


def mean_places(
    every_place: pd.DataFrame, arms: Sequence[str], trained: Sequence[str]
) -> pd.DataFrame:
    """How far from chance each language's passage comes among the translations of one passage.

    Args:
        every_place: `places`' table; each question counts once.
        arms: the arms, in their order.
        trained: the languages trained on, which come first.

    Returns:
        Arm × passage language: the mean place minus what it would be if no language were favoured
        (which differs by language where questions lack translations). Below 0 a language is
        favoured.
    """
    alike = every_place[every_place["query_language"] == ALL]
    order = ordered(list(alike["passage_language"].unique()), trained)
    moved = alike["mean_rank_within"] - alike["chance"]
    means = moved.groupby([alike["arm"], alike["passage_language"]]).mean()
    return means.unstack().reindex(list(arms))[order]


def mean_places_shown(table: pd.DataFrame) -> Styler:
    """The places as a table, coloured about chance.

    Args:
        table: `mean_places`' table.

    Returns:
        The styled table.
    """
    reach = table.abs().max().max()
    style = table.style.format("{:+.2f}", na_rep="")
    return style.background_gradient("PRGn_r", vmin=-reach, vmax=reach)


def mean_places_says(table: pd.DataFrame) -> Markdown:
    """Which languages come first and which last.

    Args:
        table: `mean_places`' table.

    Returns:
        A sentence an arm.
    """
    said = []
    for arm, row in table.iterrows():
        (early, first), (late, last) = lowest(row), highest(row)
        said.append(
            f"With {arm} the passage in {early} comes earliest (by "
            f"{number(first, signed=True, digits=1)} places from chance) and the one in {late} "
            f"latest ({number(last, signed=True, digits=1)})."
        )
    return bullets(said)


def agreement(biases: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Whether questions agree on the order of passage languages.

    Args:
        biases: `of_runs`' table.
        arms: the arms, in their order.

    Returns:
        A row an arm, the largest value over seeds: friedman-p and kendalls-w; empty where too few
        questions have a passage in every language.
    """
    tests = biases["measure"].isin(["kendalls-w", "friedman-p"])
    chosen = biases[(biases["query_language"] == ALL) & tests]
    table = chosen.pivot_table(index="arm", columns="measure", values="value", aggfunc="max")
    return table if table.empty else table.reindex(list(arms))


def agreement_says(table: pd.DataFrame) -> Markdown:
    """Whether any language is favoured consistently.

    Args:
        table: `agreement`'s table.

    Returns:
        The sentence.
    """
    if table.empty:
        return Markdown(
            "Kendall's W and Friedman's test need questions with a passage in every language; this "
            "benchmark has too few."
        )
    texts = []
    for arm, row in table.iterrows():
        p = row["friedman-p"]
        texts.append(
            f"{arm} {row['kendalls-w']:.3f} (p {'below 1e-16' if p < 1e-16 else f'{p:.2g}'})"
        )
    return Markdown(
        f"Kendall's W, with Friedman's p in brackets (over seeds the largest), is: {listed(texts)}."
    )


def own_language_says(biases: pd.DataFrame) -> Markdown:
    """By how much queries favour their own language.

    Args:
        biases: `of_runs`' table.

    Returns:
        A sentence an arm.
    """
    chosen = by_language(biases)
    chosen = chosen[chosen["measure"] == "own-language-preference"]
    said = []
    for arm, part in chosen.groupby("arm", sort=False):
        values = part.groupby("query_language")["value"].mean()
        (fair, least), (partial, most) = lowest(values), highest(values)
        said.append(
            f"With {arm} queries find a passage in their own language first {values.mean():.1f} "
            f"times as often as by chance: least often in {fair} ({least:.1f} times), most often "
            f"in {partial} ({most:.1f} times)."
        )
    return bullets(said)


def whose_language(ranks: pd.DataFrame, top: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Whose language comes first, and is it the right passage? Mean over query languages and seeds.

    Args:
        ranks: the ranks of all runs, with run, arm and seed.
        top: the passages that lead each query's ranking, of all runs.
        arms: the arms, in their order.

    Returns:
        A row a measure of `LANGUAGE_AWARE` that the benchmark allows: chance, and a column an arm.
    """
    tops = dict(tuple(top.groupby("run")))
    first = ranks[ranks["run"] == ranks["run"].iloc[0]]
    k = int(top["rank"].max())
    chance = random_chances(MultilingualPool(first), k).mean().dropna()
    runs: Any = ranks.groupby(["run", "arm"], sort=False)
    names = list(chance.index)
    found = [bias(part, tops[run], measures=names).assign(arm=arm) for (run, arm), part in runs]
    means = pd.concat(found).groupby(["measure", "arm"])["value"].mean().unstack("arm")
    table = means.loc[names, list(arms)]
    table.insert(0, "chance", chance)
    return table


def whose_language_says(table: pd.DataFrame) -> Markdown:
    """What the first passage is, and whether English pushes in.

    Args:
        table: `whose_language`'s table.

    Returns:
        A sentence an arm, and one on English.
    """
    arms: Any = table.drop(columns="chance")
    said = []
    for arm, found in arms.items():
        share = {name: f"{found[name]:.0%}" for name in OF_LEADERS}
        said.append(
            f"With {arm} the first passage is right in {share['first-right-own']} (own language) "
            f"and {share['first-right-other']} (another) of the queries, and wrong in "
            f"{share['first-wrong-own']} (own) and {share['first-wrong-other']} (another)."
        )
    english = [name for name in arms.index if name.startswith("irrelevant-english-first")]
    if not english:
        said.append("This benchmark has no English passages beside others to push in.")
        return bullets(said)
    (calm, least), (pushed, most) = lowest(arms.loc[english[0]]), highest(arms.loc[english[0]])
    said.append(
        f"An irrelevant English passage comes before the answer in the query's language in "
        f"{least:.1%} ({calm}) to {most:.1%} ({pushed}) of the queries in other languages; chance "
        f"is {table['chance'][english[0]]:.1%}."
    )
    return bullets(said)


def first_seed(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of each arm's first seed.

    Args:
        table: a table of several runs, with arm and seed.

    Returns:
        These rows.
    """
    return table[table["seed"] == table.groupby("arm")["seed"].transform("min")]


def shares_of_top(top: pd.DataFrame) -> pd.DataFrame:
    """Which languages fill the top of the ranking, with the first seed of each arm.

    Args:
        top: the passages that lead each query's ranking, of all runs.

    Returns:
        `hbt.top_shares`' columns and arm.
    """
    arms = first_seed(top).groupby("arm", sort=False)
    return pd.concat([top_shares(part).assign(arm=arm) for arm, part in arms])


def pool_shares(ranks: pd.DataFrame) -> dict[str, float]:
    """Each language's share of all passages.

    Args:
        ranks: the ranks of all runs.

    Returns:
        The share by language.
    """
    single = ranks[ranks["pool"] != ALL].astype({"pool": "str"})
    sizes = single.groupby("pool")["n_passages"].first()
    return {str(code): float(share) for code, share in (sizes / sizes.sum()).items()}


def shares_says(shares: pd.DataFrame, pool: Mapping[str, float]) -> Markdown:
    """How much of the top is in the query's own language.

    Args:
        shares: `shares_of_top`'s table.
        pool: `pool_shares`' shares.

    Returns:
        The sentence.
    """
    own = shares[shares["query_language"] == shares["passage_language"]]
    means = own.groupby("arm", sort=False)["share"].mean()
    texts = listed(f"{share:.0%} with {arm}" for arm, share in means.items())
    chance = np.mean([pool.get(code, 0.0) for code in own["query_language"].unique()])
    return Markdown(
        "The part of the top 10 that is in the query's own language is, mean over query languages, "
        f"{texts}; by chance it would be {chance:.0%}."
    )


def with_score(biases: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Each measure's rank correlation with the mAP in the pool of all languages.

    Args:
        biases: `of_runs`' table.
        measured: `hbt.measure`'s tables of all runs, with arm and seed.

    Returns:
        A row a measure of `COMPARED`; over runs within each query language, and over query
        languages within each run.
    """
    asked = (measured["metric"] == "mAP") & (measured["setting"] == "multilingual")
    score = measured[asked].groupby(["arm", "seed", "query_language"])["value"].mean()
    chosen = by_language(biases)
    chosen = chosen[chosen["measure"].isin(COMPARED)]
    keys = ["arm", "seed", "query_language", "measure"]
    both = chosen.set_index(keys)["value"].unstack("measure").join(score.rename("mAP"))
    return pd.DataFrame(
        {
            "over runs, within a language": _rank_correlation(both, ["query_language"]),
            "over languages, within a run": _rank_correlation(both, ["arm", "seed"]),
        }
    )


def _rank_correlation(table: pd.DataFrame, within: list[str]) -> pd.Series:
    return table.groupby(within).rank().corr()["mAP"].drop("mAP")


def with_score_says(table: pd.DataFrame) -> Markdown:
    """Which measure says most that the mAP says too.

    Args:
        table: `with_score`'s table.

    Returns:
        The sentence.
    """
    over_runs = table["over runs, within a language"].dropna()
    (same, _), (other, _) = highest(over_runs.abs()), lowest(over_runs.abs())
    return Markdown(
        f"Over runs, {same} says most of what the mAP says already (correlation "
        f"{over_runs[same]:+.2f}), and {other} least ({over_runs[other]:+.2f})."
    )


def map_says(points: pd.DataFrame) -> Markdown:
    """How much of the vectors' variance lies between languages.

    Args:
        points: the points of one run an arm.

    Returns:
        The sentence.
    """
    shares = points.groupby("arm", sort=False)["language_share"].first()
    texts = listed(f"{share:.0%} ({arm})" for arm, share in shares.items())
    return Markdown(
        f"Of the variance of the passages' vectors, this much lies between languages: {texts}."
    )


def answer(table: pd.DataFrame) -> Markdown:
    """Whether the ranking treats languages alike: the notebook's answer.

    Args:
        table: `measures`' table.

    Returns:
        A sentence a measure, with the arms from the lowest value to the highest.
    """
    arms: Any = table.drop(columns="chance")
    preference = arms.loc["own-language-preference"].dropna()
    favouring, others = preference[preference > 1].index, preference[preference <= 1].index
    parts = [f"above chance with {listed(favouring)}"] if len(favouring) else []
    parts += [f"not above it with {listed(others)}"] if len(others) else []
    first = "How often the query's own language comes first is "
    first += f"{' and '.join(parts)}." if parts else "not measured here."
    said = []
    for name in [name for name in COMPARED if name in arms.index]:
        values = arms.loc[name].sort_values()
        texts = [f"{arm} {number(value)}" for arm, value in values.items()]
        said.append(f"{name}, from the lowest: {', '.join(texts)}.")
    return Markdown(f"{first}\n\n{bullets(said)}")
