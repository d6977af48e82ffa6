"""Tables and sentences of 05-results: a study's arms side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from hbtlib.data.benchmark import SETTINGS
from hbtlib.evaluation.metrics import by_group, lower_is_better
from hbtlib.plots.tables import ordered
from hbtlib.study import baseline
from hbtlib.study.report.reader import Reader
from hbtlib.study.report.tables import GROUPS, mean_and_sd, setting_order
from hbtlib.study.report.words import (
    Markdown,
    bullets,
    counted,
    have,
    leading,
    listed,
    number,
    sentences,
)
from hbtlib.study.runs import Run

DISTANCE = "rank-distance"


def scores(measured: pd.DataFrame) -> list[str]:
    """The metrics that pictures can show: all but the rank distances, which have their own table.

    Args:
        measured: `hbt.measure`'s table.

    Returns:
        Their names.
    """
    return [str(m) for m in measured["metric"].unique() if not m.startswith(DISTANCE)]


def study_says(reader: Reader, *, rivals: bool = True) -> Markdown:
    """What is compared: the study's question, its runs, its arms.

    Args:
        reader: the study on one benchmark.
        rivals: whether the rivals are named.

    Returns:
        The sentences.
    """
    said = [
        f"The study **{reader.study.name}** asks: {reader.study.question}",
        f"It has {counted(len(reader.study.runs), 'run')} on {reader.benchmark}, with "
        f"{_seeds_say(reader.study.runs)}; the arms are {listed(reader.arms)}.",
        f"Languages trained on: {listed(reader.trained)}.",
    ]
    if rivals and reader.rivals:
        said.append(f"Its rivals, methods of other kinds, are {listed(reader.rivals)}.")
    return bullets(said)


def _seeds_say(runs: Sequence[Run]) -> str:
    """How many seeds an arm has, and which arms have fewer or more."""
    seeds = Counter(run.arm for run in runs)
    [(usual, _)] = Counter(seeds.values()).most_common(1)
    others = [f"{arm} {count}" for arm, count in seeds.items() if count != usual]
    note = f" ({', '.join(others)})" if others else ""
    return f"{counted(usual, 'seed')} an arm{note}"


def settings_table(
    seeds: pd.DataFrame, metrics: Sequence[str], arms: Sequence[str]
) -> pd.DataFrame:
    """The main table: arms as rows, settings and metrics as columns, for each group of languages.

    Args:
        seeds: `tables.over_pairs`' table.
        metrics: the metrics, in their order.
        arms: the arms, in their order.

    Returns:
        Texts, mean ± standard deviation over seeds; (languages, arm) × (setting, metric).
    """
    table = mean_and_sd(seeds[seeds["metric"].isin(metrics)])
    wide = table.pivot(index=["languages", "arm"], columns=["setting", "metric"], values="text")
    columns = [(s, m) for s in SETTINGS for m in metrics if (s, m) in wide.columns]
    return wide.reindex([(group, arm) for group in GROUPS for arm in arms], columns=columns)


def with_baseline(table: pd.DataFrame, reader: Reader) -> pd.DataFrame:
    """`settings_table` with a last row of each group: BM25, which needs no training.

    Args:
        table: `settings_table`'s table.
        reader: the study on one benchmark.

    Returns:
        The table, as it is where nobody measured BM25 for this study. The row's texts are a value
        and its 95 % interval over questions: there are no seeds.
    """
    measured = baseline.read(reader.study, reader.benchmark)
    if measured is None:
        return table
    rows = baseline.texts(measured).assign(arm=baseline.ARM)
    wide = rows.pivot(index=["languages", "arm"], columns=["setting", "metric"], values="text")
    groups = list(dict.fromkeys(table.index.get_level_values("languages")))
    found = pd.concat([table, wide.reindex(columns=table.columns)])
    arms = [*dict.fromkeys(table.index.get_level_values("arm")), baseline.ARM]
    return found.reindex([(group, arm) for group in groups for arm in arms])


def leaders(
    seeds: pd.DataFrame, metric: str, arms: Sequence[str], languages: str = "trained"
) -> pd.DataFrame:
    """The arms of each setting from best to worst.

    Args:
        seeds: `tables.over_pairs`' table.
        metric: a metric; of rank distances the lowest is the best, of others the highest.
        arms: the arms that are compared.
        languages: trained or unseen.

    Returns:
        setting, arm, value (the mean over seeds) and place (1 = best).
    """
    chosen = seeds[(seeds["metric"] == metric) & (seeds["languages"] == languages)]
    chosen = chosen[chosen["arm"].isin(arms)]
    means = chosen.groupby(["setting", "arm"], sort=False)["value"].mean().reset_index()
    places = means.groupby("setting")["value"]
    means["place"] = places.rank(ascending=lower_is_better(metric), method="min")
    order = {setting: i for i, setting in enumerate(SETTINGS)}
    return means.sort_values(
        ["setting", "place"], key=lambda c: c.map(order) if c.name == "setting" else c
    ).reset_index(drop=True)


def leaders_says(seeds: pd.DataFrame, metric: str, arms: Sequence[str]) -> Markdown:
    """Which arm is best in which setting.

    Args:
        seeds: `tables.over_pairs`' table.
        metric: the metric.
        arms: the arms that are compared.

    Returns:
        A sentence a setting, for languages trained on, and one for unseen languages.
    """
    best = "lowest" if lower_is_better(metric) else "highest"
    said = []
    for setting, part in leaders(seeds, metric, arms).groupby("setting", sort=False):
        values = part.set_index("arm")["value"]
        first = leading(values, lower_is_best=lower_is_better(metric))
        rest = [f"{arm} {number(value)}" for arm, value in values.drop(first).items()]
        said.append(
            f"In the **{setting}** setting {listed(first)} {have(first)} the {best} {metric}, "
            f"{number(values.iloc[0])}{f'; then come {listed(rest)}' if rest else ''}."
        )
    unseen = leaders(seeds, metric, arms, "unseen")
    names = []
    for setting, part in unseen.groupby("setting", sort=False):
        values = part.set_index("arm")["value"]
        first = leading(values, lower_is_best=lower_is_better(metric))
        names.append(f"{listed(first)} ({setting}, {number(values.iloc[0])})")
    if names:
        said.append(f"With a language never trained on the {best} are {listed(names)}.")
    return bullets(said)


def distance_says(seeds: pd.DataFrame, arms: Sequence[str], chance: float) -> Markdown:
    """Which arm's rank distance is lowest.

    Args:
        seeds: `tables.over_pairs`' table.
        arms: the arms that are compared.
        chance: the rank distance of a random ranking.

    Returns:
        The sentence.
    """
    order: Any = list(leaders(seeds, DISTANCE, arms).itertuples())
    if not order or chance == 0:
        return Markdown(
            "This benchmark has no rank distance: no question has the same answer in several "
            "languages."
        )
    texts = [f"{row.arm} {number(row.value)} ({row.value / chance:.0%})" for row in order]
    return Markdown(
        "With queries in languages trained on, and in brackets as a share of chance "
        f"({number(chance)} ranks), the rank distance is, from the lowest: {listed(texts)}."
    )


def over_runs(measured: pd.DataFrame) -> pd.DataFrame:
    """Every pair of query language and pool, mean over seeds.

    Args:
        measured: `hbt.measure`'s tables of several runs with arm.

    Returns:
        arm, setting, query_language, pool, metric, value.
    """
    keys = ["arm", "setting", "query_language", "pool", "metric"]
    return measured.groupby(keys, sort=False)["value"].mean().reset_index()


def by_arm(pairs: pd.DataFrame, arms: Sequence[str]) -> dict[str, pd.DataFrame]:
    """A table of several arms as one table an arm, as `hbt.plots.heatmaps` takes it.

    Args:
        pairs: a table with the column arm.
        arms: the arms wanted.

    Returns:
        The arms' rows by name.
    """
    return {arm: pairs[pairs["arm"] == arm] for arm in arms}


def heatmaps_says(cells: Mapping[str, pd.DataFrame], metric: str) -> Markdown:
    """How much lower the cells off the diagonal are than those on it.

    Args:
        cells: `by_arm`'s tables.
        metric: the metric drawn.

    Returns:
        A sentence an arm.
    """
    said = []
    for arm, table in cells.items():
        means = table[table["metric"] == metric].groupby("setting")["value"].mean()
        if {"monolingual", "cross-lingual"} <= set(means.index):
            same, other = means["monolingual"], means["cross-lingual"]
            said.append(f"{arm} {number(same)} and {number(other)}")
    if not said:
        return Markdown("This benchmark does not have both diagonal and other cells.")
    return Markdown(
        f"The mean {metric} on the diagonal (one language) and beside it (two languages), over all "
        f"languages, is: {'; '.join(said)}."
    )


def by_feature(measured: pd.DataFrame, feature: str, metric: str) -> pd.DataFrame:
    """A metric by what the languages of a pair have in common, of languages trained on.

    A language that nobody trained on would make its family or script look hard.

    Args:
        measured: `hbt.measure`'s tables of several runs with languages, arm and seed.
        feature: family, script, word_order or resources.
        metric: the metric.

    Returns:
        group, arm, seed, setting, metric, value; sorted by group.
    """
    grouped = by_group(measured[measured["languages"] == "trained"], feature)
    keys = ["group", "arm", "seed", "setting", "metric"]
    chosen = grouped[grouped["metric"] == metric]
    return chosen.groupby(keys, sort=False)["value"].mean().reset_index()


def by_feature_says(groups: pd.DataFrame, feature: str, subject: str) -> Markdown:
    """Whether a pair of languages with the feature in common goes better than one without.

    Args:
        groups: `by_feature`'s table.
        feature: the feature.
        subject: the arm that is looked at.

    Returns:
        The sentences.
    """
    means = groups[groups["arm"] == subject].groupby(["setting", "group"])["value"].mean()
    said = []
    if "monolingual" in means.index:
        alone = means["monolingual"]
        said.append(
            f"In the monolingual setting, of languages trained on, {subject} is best for "
            f"{alone.idxmax()} ({number(alone.max())}) and worst for {alone.idxmin()} "
            f"({number(alone.min())})."
        )
    name = feature.replace("_", " ")
    if {("cross-lingual", f"{w} {name}") for w in ("same", "other")} <= set(means.index):
        same = float(means["cross-lingual", f"same {name}"])
        other = float(means["cross-lingual", f"other {name}"])
        said.append(
            f"Across languages {subject} has {number(same)} where the two share their {name} and "
            f"{number(other)} where they do not."
        )
    return sentences(said)


def by_query_language(measured: pd.DataFrame, metric: str, trained: Sequence[str]) -> pd.DataFrame:
    """A metric by setting and query language, a column an arm.

    Args:
        measured: `hbt.measure`'s tables of several runs with arm.
        metric: the metric.
        trained: the languages trained on, which come first.

    Returns:
        (setting, query_language) × arm.
    """
    chosen = measured[measured["metric"] == metric]
    means = chosen.groupby(["setting", "query_language", "arm"], sort=False)["value"].mean()
    wide = means.unstack("arm").reindex(SETTINGS, level="setting")
    order = ordered(list(wide.index.unique("query_language")), trained)
    return wide.reindex(order, level="query_language")


def by_query_language_says(table: pd.DataFrame, subject: str) -> Markdown:
    """In how many query languages the subject is the best arm.

    Args:
        table: `by_query_language`'s table.
        subject: the arm that is looked at.

    Returns:
        The sentence.
    """
    first = table[subject] >= table.max(axis=1)
    counts = first.groupby(level="setting", sort=False).agg(["sum", "size"])
    texts = [f"{r['sum']} of {r['size']} ({s})" for s, r in counts.iterrows()]
    return Markdown(f"{subject} is the best arm for this many query languages: {listed(texts)}.")


def gaps(seeds: pd.DataFrame, metric: str, subject: str, others: Sequence[str]) -> pd.DataFrame:
    """The subject minus every other arm, seed by seed.

    Args:
        seeds: `tables.over_pairs`' table.
        metric: the metric.
        subject: the arm that is set against the others.
        others: the other arms.

    Returns:
        A row a group of languages, setting and other arm: the mean difference, and a text with the
        difference of each seed.
    """
    chosen = seeds[seeds["metric"] == metric]
    means: Any = chosen.pivot_table(
        index=["languages", "setting"], columns=["arm", "seed"], values="value"
    )
    rows = []
    for key in setting_order(means.index):
        for other in others:
            by_seed = (means.loc[key, subject] - means.loc[key, other]).dropna()
            texts = " ".join(f"{gap:+.3f}" for gap in by_seed)
            rows.append((*key, other, by_seed.mean(), texts))
    return pd.DataFrame(rows, columns=["languages", "setting", "other", "difference", "by seed"])


def answer(seeds: pd.DataFrame, metric: str, subject: str, arms: Sequence[str]) -> Markdown:
    """Whether the subject serves all settings at once: the notebook's answer.

    Args:
        seeds: `tables.over_pairs`' table.
        metric: the metric.
        subject: the arm that is set against the others.
        arms: all arms that are compared.

    Returns:
        The sentences.
    """
    table = leaders(seeds, metric, arms)
    led, below = [], []
    for setting, part in table.groupby("setting", sort=False):
        values = part.set_index("arm")["value"]
        first = leading(values)
        if subject in first:
            others = [arm for arm in first if arm != subject]
            led.append(f"{setting}, with {listed(others)}" if others else str(setting))
            continue
        value, top = float(values[subject]), float(values.iloc[0])
        below.append(
            f"In the {setting} setting it is {number(top - value)} below {listed(first)} "
            f"({number(value)} against {number(top)})."
        )
    said = [
        f"In languages trained on, {subject} has the highest {metric} of the {len(arms)} arms in "
        f"{len(led)} of {len(led) + len(below)} settings{f' ({listed(led)})' if led else ''}.",
        *below,
    ]
    said.append("The notebook significance says which of these differences may be chance.")
    return sentences(said)


def write_summary(reader: Reader, parts: Sequence[pd.DataFrame], notebook: str) -> str:
    """Writes the study's table as Markdown and CSV.

    Args:
        reader: the study on one benchmark.
        parts: tables of `settings_table`, which stand side by side.
        notebook: the notebook that makes it.

    Returns:
        The name of the Markdown file.
    """
    flat = pd.concat(parts, axis=1)
    flat.columns = flat.columns.map(", ".join)
    head = (
        f"{reader.study.question}\n\n{reader.describe()}; mean, and ± sd over seeds where there "
        f"are several (of bm25 the 95 % interval over questions); made by "
        f"notebooks/{notebook}.ipynb.\n\n"
    )
    target = reader.file("summary.md")
    flat.reset_index().to_csv(target.with_suffix(".csv"), index=False)
    target.write_text(head + flat.reset_index().to_markdown(index=False) + "\n", encoding="utf-8")
    return target.name
