"""Tables and sentences of 19-low-resource: what helps where training data are scarce."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.data.benchmark import SETTINGS
from hbtlib.evaluation.metrics import by_training
from hbtlib.study.config import load, study_names
from hbtlib.study.report import family
from hbtlib.study.report.reader import Reader
from hbtlib.study.report.results import settings_table
from hbtlib.study.report.tables import (
    differences,
    mean_and_sd,
    over_pairs,
    setting_order,
    spread,
    unit_note,
)
from hbtlib.study.report.words import (
    Markdown,
    are,
    bullets,
    counted,
    leading,
    listed,
    number,
    sentences,
)
from hbtlib.study.results import has_table, run_table
from hbtlib.study.runs import Run

PIVOTS = ("en", "fr")
"""The languages of AfriQA's passages, which are not scarce."""

UNTRAINED = "none"
METRIC = "mAP"
RIVAL = "adversarial"
"""The arm that the study's question sets hybrid against."""

ALL = 100.0
_CUT = re.compile(r"(?P<arm>.+) \((?P<percent>[0-9.]+) % (?P<language>[A-Za-z-]+)\)")


def cut_of(arm: str) -> tuple[str, float]:
    """The arm that another one is with less of a language, and how much less.

    Args:
        arm: a name such as `hybrid (30 % sw)`.

    Returns:
        The arm with everything, and the per cent of the language that are left; 100 for any other.

    Example:
        >>> from hbtlib.study.report.low_resource import cut_of
        >>> cut_of("hybrid (30 % sw)"), cut_of("hybrid")
        (('hybrid', 30.0), ('hybrid', 100.0))
    """
    found = _CUT.fullmatch(arm)
    return (found["arm"], float(found["percent"])) if found else (arm, ALL)


def language_cut(arms: Sequence[str]) -> str:
    """The language that some arms have less of.

    Args:
        arms: names of arms.

    Raises:
        ValueError: if no arm has less of a language.
    """
    found = [match["language"] for match in map(_CUT.fullmatch, arms) if match]
    if not found:
        raise ValueError("no arm of this study is named like 'hybrid (30 % sw)'")
    return found[0]


def whole_arms(reader: Reader) -> list[str]:
    """The arms that are trained on everything, in the study's order.

    Args:
        reader: the study on one benchmark.
    """
    return [arm for arm in reader.arms if cut_of(arm)[1] == ALL]


def seen(reader: Reader) -> pd.DataFrame:
    """What the batches of each arm hold, means over seeds.

    Args:
        reader: the study on one benchmark.

    Returns:
        A row an arm: pairs, and the shares of them that ask in a scarce language (any but
        `PIVOTS`), that have query and passage in one language, and that hold a text in the language
        that is cut.
    """
    language = language_cut(reader.arms)
    rows = [_seen_by(run, language) for run in reader.study.runs if run.arm != UNTRAINED]
    return pd.DataFrame(rows).groupby("arm", sort=False).mean()


def _seen_by(run: Run, language: str) -> dict[str, Any]:
    """As `seen`, of one run."""
    met = run_table(run, "met")
    pairs = met["pairs"].sum()
    asks = ~met["query_language"].isin(PIVOTS)
    same = met["query_language"] == met["passage_language"]
    holds = (met["query_language"] == language) | (met["passage_language"] == language)
    return {
        "arm": run.arm,
        "pairs": pairs,
        "asked in a scarce language": met.loc[asks, "pairs"].sum() / pairs,
        "within one language": met.loc[same, "pairs"].sum() / pairs,
        f"with {language}": met.loc[holds, "pairs"].sum() / pairs,
    }


def seen_shown(table: pd.DataFrame) -> Styler:
    """What each arm sees, as a table.

    Args:
        table: `seen`'s table.
    """
    forms: Any = {name: "{:,.0f}" if name == "pairs" else "{:.1%}" for name in table.columns}
    return table.style.format(forms)


def seen_says(table: pd.DataFrame) -> Markdown:
    """Which arms hardly meet scarce languages.

    Args:
        table: `seen`'s table.
    """
    whole = table[[cut_of(str(arm))[1] == ALL for arm in table.index]]
    asked = whole["asked in a scarce language"].sort_values()
    texts = [f"{arm} {share:.0%}" for arm, share in asked.items()]
    return sentences(
        [
            f"Every arm sees {table['pairs'].min():,.0f} to {table['pairs'].max():,.0f} pairs.",
            f"Of these so many ask in a scarce language: {listed(texts)}.",
            "What an objective adds to the pairs of a batch (translations of a query or passage) "
            "is not counted.",
        ]
    )


def scores(reader: Reader, metrics: Sequence[str] = (METRIC, "R@10")) -> pd.DataFrame:
    """The main table: the arms that are trained on everything.

    Args:
        reader: the study on one benchmark.
        metrics: the metrics.

    Returns:
        Texts, mean ± standard deviation over seeds; (languages, arm) × (setting, metric).
    """
    table = settings_table(over_pairs(reader.measured()), metrics, whole_arms(reader))
    return table.dropna(how="all")


def leaders_says(reader: Reader) -> Markdown:
    """The best arm of each setting, where hybrid and its rival stand, and the untrained encoder.

    Args:
        reader: the study on one benchmark.
    """
    means = _means(over_pairs(reader.measured()), whole_arms(reader))
    said = []
    for (group, setting), part in means.groupby(["languages", "setting"], sort=False):
        values = part.set_index("arm")["mean"]
        best = leading(values)
        others = [arm for arm in ("hybrid", RIVAL, UNTRAINED) if arm in values and arm not in best]
        rest = f"; {listed(f'{arm} {number(values[arm])}' for arm in others)}" if others else ""
        words = "languages trained on" if group == "trained" else "a language never trained on"
        said.append(
            f"{str(setting).capitalize()}, {words}: {listed(best)} {are(best)} best ({METRIC} "
            f"{number(values[best[0]])}){rest}."
        )
    return bullets(said)


def _means(seeds: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Means over seeds of `METRIC`, of some arms, in the usual order of settings."""
    table = mean_and_sd(seeds[(seeds["metric"] == METRIC) & seeds["arm"].isin(arms)])
    order = {name: number for number, name in enumerate(SETTINGS)}
    return table.sort_values(
        ["languages", "setting"], key=lambda c: c.map(order) if c.name == "setting" else c
    )


def sweep(reader: Reader) -> pd.DataFrame:
    """Every weight of the adversary, on each kind of batches.

    Args:
        reader: the study on one benchmark; its rivals are the other weights.

    Returns:
        One row a run and setting, and one for the language probe: ids (the weight λ, for
        `hbt.plots.size_curves`), arm (`on x-x`, `on x-y`), seed, languages, setting, metric (mAP,
        `language told` and `chance`), value. λ = 0 is the strategy without an adversary. Of each
        kind of batches only those seeds that all of its weights have: else two weights would differ
        in their seeds as well.

    Raises:
        ValueError: if no seed has all weights of a kind of batches.
    """
    parts = []
    for run in (*reader.study.runs, *reader.rival_runs):
        weight = weight_of(run)
        if weight is None or cut_of(run.arm)[1] != ALL:
            continue
        scored = run_table(run, "metrics")
        scored = by_training(scored[scored["benchmark"] == reader.benchmark], reader.trained)
        scored = scored[(scored["metric"] == METRIC) & (scored["languages"] == "trained")]
        keys = ["languages", "setting", "metric"]
        means = scored.groupby(keys, sort=False)["value"].mean().reset_index()
        told = run_table(run, "language_probe")
        told = told[told["benchmark"] == reader.benchmark]
        for column, metric in (("accuracy", "language told"), ("chance", "chance")):
            row = {"languages": "trained", "setting": "multilingual", "metric": metric}
            means.loc[len(means)] = pd.Series({**row, "value": float(told[column].mean())})
        named = {"arm": f"on {run.parameters['strategy']}", "seed": run.parameters["seed"]}
        parts.append(means.assign(ids=weight, **named))
    table = pd.concat(parts, ignore_index=True)
    weights = table.groupby(["arm", "seed"])["ids"].transform("nunique")
    has_all = weights == table.groupby("arm")["ids"].transform("nunique")
    lost = set(table["arm"]) - set(table.loc[has_all, "arm"])
    if lost:
        raise ValueError(f"no seed has all weights {listed(sorted(lost))}: they cannot be compared")
    return table[has_all].reset_index(drop=True)


def weight_of(run: Run) -> float | None:
    """The weight of a run's adversary: 0 for x-x and x-y without one, None for other runs.

    Args:
        run: the run.
    """
    asked = run.parameters
    if asked["objective"] == "adversarial":
        return float((asked["objective_options"] or {})["weight"])
    plain = asked["objective"] == "info-nce" and asked["strategy"] in ("x-x", "x-y")
    return 0.0 if plain else None


def sweep_drawn(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that the picture shows: a weight above 0, on a log axis.

    Args:
        table: `sweep`'s table.
    """
    return table[(table["ids"] > 0) & (table["metric"] == METRIC)]


def sweep_shown(table: pd.DataFrame) -> Styler:
    """The scores and the probe's accuracy at every weight, mean ± standard deviation over seeds.

    Args:
        table: `sweep`'s table.

    Returns:
        The styled table: (batches, λ) × what is measured.
    """
    scored = table["metric"] == METRIC
    named = table.assign(what=table["metric"].where(~scored, METRIC + " " + table["setting"]))
    cells = named.groupby(["arm", "ids", "what"], sort=False)["value"].agg(["mean", "std"])
    cells["text"] = [spread(m, s) for m, s in zip(cells["mean"], cells["std"], strict=True)]
    wide = cells["text"].unstack("what").sort_index()
    order = [f"{METRIC} {name}" for name in SETTINGS] + ["language told", "chance"]
    wide = wide[[column for column in order if column in wide.columns]]
    return wide.rename_axis(index=["batches", "λ"]).style.format_index("{:g}", level=1)


def sweep_says(table: pd.DataFrame) -> Markdown:
    """How far the best and the largest weight take language out, and what becomes of the scores.

    Args:
        table: `sweep`'s table.
    """
    said = []
    for arm, part in table.groupby("arm", sort=False):
        told = part[part["metric"] == "language told"].groupby("ids")["value"].mean()
        scored = part[(part["metric"] == METRIC) & (part["setting"] == "multilingual")]
        means = scored.groupby("ids")["value"].mean()
        chance = float(part.loc[part["metric"] == "chance", "value"].mean())
        said.append(
            f"Batches {arm}: the probe tells a passage's language with an accuracy of "
            f"{_best_weight(told, lower_is_best=True)} (chance {number(chance)}). The multilingual "
            f"{METRIC} is {_best_weight(means)}."
        )
    return bullets(said)


def _best_weight(values: pd.Series, lower_is_best: bool = False) -> str:
    """The value without an adversary, and at the weights where it is best, if it is better there.

    Args:
        values: what was measured, by weight; 0 is the strategy without an adversary.
        lower_is_best: whether the lowest value is the best.
    """
    without = f"{number(float(values.loc[0.0]))} without an adversary"
    best = [float(name) for name in leading(values, lower_is_best=lower_is_best)]
    most = "lowest" if lower_is_best else "highest"
    if len(best) == len(values):
        return f"{without} and with any"
    if 0.0 in best:
        return f"{without}, where it is {most}"
    at = f"{number(float(values.loc[best[0]]))} at λ = {listed(f'{weight:g}' for weight in best)}"
    return f"{without} and {at}, where it is {most}"


def scarcity(reader: Reader) -> pd.DataFrame:
    """The scores of the language that is cut, over how much of it there is.

    Args:
        reader: the study on one benchmark.

    Returns:
        ids (per cent of its texts, for `hbt.plots.size_curves`), arm, seed, languages, setting,
        metric, value: the macro average over the pools of its queries; on a benchmark without
        queries in it, over the query languages that search its passages.
    """
    language = language_cut(reader.arms)
    measured = reader.collect("metrics")
    cuts = [cut_of(arm) for arm in measured["arm"]]
    table = measured.assign(arm=[arm for arm, _ in cuts], ids=[left for _, left in cuts])
    curved = set(table.loc[table["ids"] < ALL, "arm"])
    asks = (table["query_language"] == language).any()
    side = "query_language" if asks else "pool"
    rows = table[(table[side] == language) & table["arm"].isin(curved)]
    keys = ["ids", "arm", "seed", "setting", "metric"]
    means = rows.groupby(keys, sort=False)["value"].mean().reset_index()
    return means.assign(languages="trained")[["languages", *keys, "value"]]


def scarcity_says(table: pd.DataFrame, language: str) -> Markdown:
    """What each arm loses when there is least of the language.

    Args:
        table: `scarcity`'s table.
        language: the language that is cut.
    """
    rows = table[table["metric"] == METRIC]
    least = rows["ids"].min()
    said = []
    for setting in [name for name in SETTINGS if name in set(rows["setting"])]:
        part = rows[rows["setting"] == setting]
        means = part.groupby(["arm", "ids"], sort=False)["value"].mean().unstack("ids")
        lost = means[least] - means[ALL]
        before, after = means[ALL].to_dict(), means[least].to_dict()
        best_first = sorted(before, key=lambda arm: -before[arm])
        parts = [f"{arm} {number(before[arm])} to {number(after[arm])}" for arm in best_first]
        said.append(
            f"{setting.capitalize()}, {METRIC} with all of {language} and with {least:g} %: "
            f"{listed(parts)}. {_most_lost(lost)}"
        )
    return bullets(said)


def _most_lost(changes: pd.Series) -> str:
    """Which arm loses most, or that none does."""
    most = float(changes.min())
    if not most <= -0.0005:  # less than is shown
        return "None loses 0.001 or more."
    arms = leading(changes, lower_is_best=True)
    verb = "loses" if len(arms) == 1 else "lose"
    return f"{listed(arms)} {verb} most ({number(most, signed=True)})."


def pretrained(name: str, benchmark: str) -> pd.DataFrame | None:
    """The scores of the study on encoders that were trained before.

    Args:
        name: the study; an empty text for none.
        benchmark: the benchmark.

    Returns:
        arm and seed × languages and setting: the mAP of the runs that were made; None if none was.
    """
    if name not in study_names():
        return None
    study = load(name)
    made = [run for run in study.runs if has_table(run, "metrics")]
    if not made:
        return None
    parts = []
    for run in made:
        table = run_table(run, "metrics")
        named = {"arm": run.arm, "seed": run.parameters["seed"]}
        parts.append(table[table["benchmark"] == benchmark].assign(**named))
    trained = study.runs[0].parameters["languages"].split()
    seeds = over_pairs(by_training(pd.concat(parts, ignore_index=True), trained))
    wide = seeds[seeds["metric"] == METRIC].pivot(
        index=["arm", "seed"], columns=["languages", "setting"], values="value"
    )
    arms = dict.fromkeys(run.arm for run in made)
    wide = wide[setting_order(wide.columns)]
    return wide.reindex([key for arm in arms for key in wide.index if key[0] == arm])


def pretrained_says(table: pd.DataFrame | None, name: str) -> Markdown:
    """Which arm is best on each encoder that was trained before, and how many runs were made.

    Args:
        table: `pretrained`'s table.
        name: the study.
    """
    if table is None:
        return Markdown(
            f"The runs of {name or 'a study on such encoders'} were not made here: nothing is said "
            "of encoders that were trained before."
        )
    seeds = counted(table.index.get_level_values("seed").nunique(), "seed")
    planned = len(load(name).runs)
    if len(table) == planned:
        said = [f"All {counted(planned, 'run')} are made, {seeds} an arm."]
    else:
        said = [f"Of {counted(planned, 'run')} {len(table)} are made, {seeds} an arm."]
    arms = table.groupby(level="arm", sort=False).mean()
    of_encoder = arms.groupby(lambda arm: str(arm).split(" ")[0], sort=False)
    for encoder, part in of_encoder:
        best = [
            f"{listed(str(arm).split(' ', 1)[1] for arm in leading(part[column].dropna()))} "
            f"({column[0]}, {column[1]}, {number(float(part[column].max()))})"
            for column in part.columns
            if part[column].notna().any()
        ]
        names = listed(str(arm).split(" ", 1)[1] for arm in part.index)
        said.append(f"{encoder}, of {names}: the best are {listed(best)}.")
    return bullets(said)


def pretrained_tests(name: str, reader: Reader) -> pd.DataFrame | None:
    """The declared differences between encoders that were trained before, with their tests.

    Args:
        name: the study on such encoders; an empty text for none.
        reader: the study beside it, on one benchmark, which knows what questions belong together.

    Returns:
        `family.effects`' table; None if a run is missing or the study declares no family of tests.
    """
    if name not in study_names():
        return None
    study = load(name)
    if study.family is None or not all(has_table(run, "questions") for run in study.runs):
        return None
    scores = Reader(name, reader.benchmark).collect("questions")
    return family.tested(scores, study.family, reader.units())


def pretrained_tests_says(table: pd.DataFrame | None, name: str) -> Markdown:
    """What each difference between such encoders is, and whether it may be chance.

    Args:
        table: `pretrained_tests`' table.
        name: the study.
    """
    if table is None:
        return Markdown(f"No tests of {name or 'a study on such encoders'} are there.")
    return family.says(table, METRIC)


def answer(reader: Reader, tests: pd.DataFrame, curves: pd.DataFrame) -> Markdown:
    """Whether mixing batches does better than the adversary, with everything and with less.

    Args:
        reader: the study on one benchmark.
        tests: `family.effects`' table.
        curves: `scarcity`'s table.
    """
    said = [_against(tests, f"hybrid − {RIVAL}", "With all training data")]
    least = min(curves["ids"])
    language = language_cut(reader.arms)
    cut = f"hybrid − {RIVAL} ({least:g} % {language})"
    said.append(_against(tests, cut, f"With {least:g} % of {language}"))
    means = _means(over_pairs(reader.measured()), whole_arms(reader))
    means = means[means["languages"] == "trained"]
    leaders = [
        f"{listed(leading(part.set_index('arm')['mean']))} ({setting})"
        for setting, part in means.groupby("setting", sort=False)
    ]
    count = counted(len(reader.seeds), "seed")
    said.append(
        f"The highest means are those of {listed(leaders)}, over {count}, on {reader.benchmark} "
        f"and with the encoder {reader.parameters['encoder']!r}."
    )
    return sentences(said)


def _against(tests: pd.DataFrame, contrast: str, when: str) -> str:
    """A sentence on one declared difference in all settings, of languages trained on."""
    rows = tests[(tests["contrast"] == contrast) & (tests["metric"] == METRIC)]
    rows = rows[rows["languages"] == "trained"]
    if rows.empty:
        return f"{when}: {contrast} is no declared difference of this study."
    said = f"{when}, {contrast} is {differences(rows)} in {METRIC}, languages trained on."
    return sentences([said, *unit_note(rows)])
