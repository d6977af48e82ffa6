"""Tables and sentences of 18-typology: which languages gain, by kind and by distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.data.benchmark import ALL
from hbtlib.evaluation.mixed import mixed_model
from hbtlib.languages import LANGUAGES, syntactic_distance
from hbtlib.study.report.family import effects, of_subject
from hbtlib.study.report.reader import Reader, check_choice
from hbtlib.study.report.tables import (
    BY_BOTH,
    differences,
    group_words,
    is_sure,
    unit_note,
)
from hbtlib.study.report.words import Markdown, bullets, counted, listed, number

FEATURES = ("family", "script", "word_order", "trained")


def nearest(code: str, trained: Sequence[str]) -> float:
    """How far a language's syntax is from that of the nearest language trained on.

    Args:
        code: the language.
        trained: the languages trained on.

    Returns:
        The distance, 0 for a language trained on; NaN where it is not known.
    """
    known = [syntactic_distance(code, other) for other in trained]
    return min((found for found in known if found is not None), default=float("nan"))


def readers(study: str) -> dict[str, Reader]:
    """The study on each of its benchmarks.

    Args:
        study: its name.
    """
    first = Reader(study)
    return {name: Reader(study, name) for name in first.study.benchmarks}


def by_language(study: str, metric: str) -> pd.DataFrame:
    """Every run's score in each language, with what is known of the language.

    The language of a row is the one that differs: where queries and pool are of one language, or
    all languages are the pool, the query's; across languages, where the same questions search pools
    of many languages, the pool's.

    Args:
        study: the study's name.
        metric: the metric.

    Returns:
        panel (benchmark and setting), language, arm, seed, value, family, script, word_order,
        trained and distance (from the nearest language trained on).
    """
    parts = []
    for name, reader in readers(study).items():
        found = reader.collect("metrics")
        found = found[found["metric"] == metric]
        across = found["setting"] == "cross-lingual"
        language = found["query_language"].where(~across, found["pool"])
        panel = name + ", " + found["setting"].astype(str)
        parts.append(found.assign(language=language.astype(str), panel=panel))
    keys = ["panel", "language", "arm", "seed"]
    table = pd.concat(parts)
    table = table[table["language"] != ALL].groupby(keys, sort=False)["value"].mean().reset_index()
    return with_features(table, Reader(study).trained)


def with_features(table: pd.DataFrame, trained: Sequence[str]) -> pd.DataFrame:
    """Adds what is known of each language.

    Args:
        table: a table with the column language.
        trained: the languages trained on.

    Returns:
        The table with family, script, word_order, trained and distance.
    """
    known = {code: LANGUAGES[code] for code in table["language"].unique() if code in LANGUAGES}
    facts: dict[str, dict[str, Any]] = {
        "family": {code: fact.family.split(" (")[0] for code, fact in known.items()},
        "script": {code: fact.script for code, fact in known.items()},
        "word_order": {code: fact.word_order for code, fact in known.items()},
        "distance": {code: nearest(code, trained) for code in known},
    }
    added = {name: table["language"].map(values) for name, values in facts.items()}
    return table.assign(**added, trained=table["language"].isin(trained))


def gains(table: pd.DataFrame, subject: str, other: str) -> pd.DataFrame:
    """What the subject has more than another arm, in each language.

    Args:
        table: `by_language`'s table.
        subject: an arm.
        other: another arm.

    Returns:
        panel, language, family, script, word_order, trained, distance and difference (mean over
        seeds); of languages in panels with more than three languages.
    """
    keys = ["panel", "language", *FEATURES, "distance"]
    chosen = table[table["arm"].isin([subject, other])]
    means = chosen.groupby([*keys, "arm"], sort=False, dropna=False)["value"].mean().unstack("arm")
    found = (means[subject] - means[other]).rename("difference").reset_index()
    sizes = found.groupby("panel")["language"].transform("size")
    return found[sizes > 3].reset_index(drop=True)


def gains_says(table: pd.DataFrame, subject: str, other: str) -> Markdown:
    """In how many languages the subject is above the other, and in which it gains most and least.

    Args:
        table: `gains`' table.
        subject: the arm.
        other: the other arm.

    Returns:
        A sentence a panel.
    """
    said = []
    for panel, part in table.groupby("panel", sort=False):
        gained = part.set_index("language")["difference"]
        groups = part["trained"].map({True: "trained", False: "unseen"})
        by_group = part.groupby(groups, sort=False)["difference"].mean()
        means = [
            f"{number(value, signed=True)} in languages {group_words(str(group))}"
            for group, value in by_group.items()
        ]
        said.append(
            f"{panel}: {subject} is above {other} in {int((gained > 0).sum())} of "
            f"{counted(len(part), 'language')}; the mean difference is {listed(means)}; "
            f"the most is {number(gained.max(), signed=True)} ({gained.idxmax()}), the "
            f"least {number(gained.min(), signed=True)} ({gained.idxmin()})."
        )
    return bullets(said)


def by_kind(table: pd.DataFrame, feature: str) -> pd.DataFrame:
    """The mean difference of each kind of language.

    Args:
        table: `gains`' table.
        feature: family, script or word_order.

    Returns:
        panel × kind: texts, the mean difference and in brackets the languages.
    """
    known = table.assign(kind=table[feature].fillna("unknown"))
    rows = []
    for (panel, kind), part in known.groupby(["panel", "kind"], sort=False):
        mean = number(part["difference"].mean(), signed=True)
        rows.append((panel, kind, f"{mean} ({' '.join(sorted(part['language']))})"))
    found = pd.DataFrame(rows, columns=["panel", "kind", "text"])
    return found.pivot(index="kind", columns="panel", values="text").fillna("")


def mixed(table: pd.DataFrame, subject: str, other: str) -> pd.DataFrame:
    """A mixed model a panel: value by arm and distance, with a level of its own a language.

    Args:
        table: `by_language`'s table.
        subject: an arm.
        other: another arm, whose values are where the subject's effect is counted from.

    Returns:
        `mixed_model`'s table with panel and plain_mean (the mean difference over languages). The
        terms are the intercept, the subject's effect in a language trained on, the distance, and
        how much the subject's effect changes from distance 0 to 1; without the last two where all
        distances are alike. Panels of few languages have no model.
    """
    parts = []
    gained = gains(table, subject, other)
    chosen = table[table["arm"].isin([subject, other])].dropna(subset=["distance"])
    for panel, part in chosen.groupby("panel", sort=False):
        here = gained[gained["panel"] == panel]
        if part["language"].nunique() < 5 or here.empty:
            continue
        is_subject = (part["arm"] == subject).astype(float)
        columns = {subject: is_subject}
        if part["distance"].min() < part["distance"].max():
            columns["distance"] = part["distance"]
            columns[f"{subject} × distance"] = is_subject * part["distance"]
        # A language's seeds are no further languages: taken as such, what one language gains by
        # itself would count for certain as often as there are seeds.
        by_cell = part.assign(**columns).groupby(["language", *columns], sort=False)
        rows = by_cell["value"].mean().reset_index()
        fitted = mixed_model(rows, "value", list(columns))
        parts.append(fitted.assign(panel=panel, plain_mean=here["difference"].mean()))
    if not parts:
        raise ValueError("no benchmark and setting has five languages, which a mixed model needs")
    return pd.concat(parts, ignore_index=True)


def mixed_shown(table: pd.DataFrame) -> Styler:
    """The mixed models as a table.

    Args:
        table: `mixed`'s table.

    Returns:
        The styled table.
    """
    columns = ["panel", "term", "estimate", "low", "high", "p", "n_groups", "group_sd", "converged"]
    return table[columns].style.hide().format(precision=4)


def mixed_says(table: pd.DataFrame, subject: str, other: str) -> Markdown:
    """What the mixed models say beside the plain means, and how little that proves.

    Args:
        table: `mixed`'s table.
        subject: the arm.
        other: the other arm.

    Returns:
        A sentence a panel, and the caution.
    """
    said = []
    for panel, part in table.groupby("panel", sort=False):
        rows: Any = part.set_index("term")
        text = (
            f"{panel}: the plain mean of {subject} − {other} over languages is "
            f"{number(part['plain_mean'].iloc[0], signed=True)}; the model has "
            f"{_estimate(rows.loc[subject])} in a language trained on"
        )
        term = f"{subject} × distance"
        if term in rows.index:
            text += f", and a change of {_estimate(rows.loc[term])} from distance 0 to 1"
        if not part["converged"].all():
            text += " (the fit did not converge)"
        said.append(f"{text}.")
    few = int(table["n_groups"].max())
    caution = (
        f"There are at most {few} languages in a model, which were not drawn at random from the "
        "world's: this describes them and proves nothing of others."
    )
    return Markdown(f"{bullets(said)}\n\n{caution}")


def _estimate(row: Any) -> str:
    """An estimate with its interval."""
    low, high = number(row["low"], signed=True), number(row["high"], signed=True)
    return f"{number(row['estimate'], signed=True)} [{low}, {high}]"


def tests(study: str) -> pd.DataFrame:
    """The differences that the study declared before its runs, on each benchmark.

    Args:
        study: its name.

    Returns:
        `family.effects`' table with benchmark and what (difference and languages in words). Each
        benchmark is one family.
    """
    parts = [effects(reader).assign(benchmark=name) for name, reader in readers(study).items()]
    table = pd.concat(parts, ignore_index=True)
    kinds = table["languages"].map(group_words)
    return table.assign(kind=kinds, what=table["contrast"] + ", " + kinds)


def tests_says(table: pd.DataFrame) -> Markdown:
    """What each declared difference is on each benchmark, and whether it may be chance.

    Args:
        table: `tests`' table, of one benchmark or all.

    Returns:
        A sentence a benchmark and difference.
    """
    rows = table.groupby(["benchmark", "metric", "what"], sort=False)
    said = [
        f"{name}, {metric}, {what}: {differences(part)}." for (name, metric, what), part in rows
    ]
    return bullets([*said, *unit_note(table)])


def answer(
    declared: pd.DataFrame, models: pd.DataFrame, subject: str, other: str, metric: str
) -> Markdown:
    """Whether the subject is better, for which languages, and whether distance has to do with it.

    Args:
        declared: `tests`' table.
        models: `mixed`'s table.
        subject: the arm.
        other: the other arm.
        metric: what both tables are read in.

    Returns:
        The sentences.
    """
    own = of_subject(declared[declared["metric"] == metric], subject)
    check_choice("other", other, list(dict.fromkeys(own["other"])))
    own = own[own["other"] == other]
    own = own.assign(sure=is_sure(own))
    said = []
    for kind, part in own.groupby("kind", sort=False):
        where = part["benchmark"] + " " + part["setting"].astype(str)
        above = where[part["sure"] & (part["difference"] > 0)]
        below = where[part["sure"] & (part["difference"] < 0)]
        unsure = where[~part["sure"]]
        said.append(
            f"In languages {kind}, {subject} is above {other} in {listed(above)}, below it in "
            f"{listed(below)}, and the difference may be chance in {listed(unsure)}."
        )
    changes = models[models["term"] == f"{subject} × distance"]
    clear = changes[changes["converged"] & (changes["low"] * changes["high"] > 0)]
    if len(changes):
        named = f" ({listed(clear['panel'])})" if len(clear) else ""
        said.append(
            f"Of {counted(len(changes), 'model')}, {len(clear) or 'none'} can tell that the gain "
            f"changes with the distance from the languages trained on{named}."
        )
    seeds = int(own["n_seeds"].max())
    scope = (
        f"There {'is' if seeds == 1 else 'are'} {counted(seeds, 'seed')} an arm, and few "
        "languages: what is said of kinds of languages describes and does not prove. Above and "
        f"below: {BY_BOTH}."
    )
    return Markdown(f"{bullets(said)}\n\n{scope}")
