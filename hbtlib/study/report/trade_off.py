"""Tables and sentences of 15-trade-off: what mixing batches adds to what needs no training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.data.benchmark import SETTINGS
from hbtlib.study.config import load, study_names
from hbtlib.study.report.cost import AS_IT_IS as NOTHING
from hbtlib.study.report.reader import Reader
from hbtlib.study.report.results import by_arm, over_runs
from hbtlib.study.report.tables import (
    BY_BOTH,
    BY_UNIT,
    GROUPS,
    bold,
    chances,
    contrasts_with_units,
    differences,
    is_sure,
    spread,
    unit_note,
)
from hbtlib.study.report.words import (
    Markdown,
    bullets,
    counted,
    highest,
    leading,
    listed,
    lowest,
    number,
    sentences,
)
from hbtlib.study.results import has_table, run_table
from hbtlib.study.runs import Run
from hbtlib.study.studies import Study

AS_IT_IS = "as it is"
MAPPED = "with the map"
PLUS_MAP = " + map"
"""What follows an arm's name where its vectors went through the map."""

UNTRAINED = "none"
DISTANCE = "rank-distance"
MEASURES = {
    "monolingual": ("mAP", "monolingual"),
    "cross-lingual": ("mAP", "cross-lingual"),
    "multilingual": ("mAP", "multilingual"),
    "rank distance": (DISTANCE, "multilingual"),
}
"""The columns of `scores`, and what they are of a run's table."""

SHOWN = ["contrast", "setting", "difference", "low", "high", "p_holm", "n_questions", "n_seeds"]


def scores(reader: Reader) -> pd.DataFrame:
    """Every run's four scores, as it is and with the map of its own vectors.

    Args:
        reader: the study on one benchmark.

    Returns:
        arm, seed, map, and the columns of `MEASURES`: macro averages over all pairs of query
        language and pool. Runs without a map have one row.
    """
    return run_scores((*reader.study.runs, *reader.rival_runs), reader.benchmark)


def run_scores(runs: Sequence[Run], benchmark: str) -> pd.DataFrame:
    """As `scores`, of runs.

    Args:
        runs: the runs, whose folders are there.
        benchmark: one that they were evaluated on.
    """
    rows = []
    for run in runs:
        of_run = {"arm": run.arm, "seed": run.parameters["seed"]}
        plain = run_table(run, "metrics")
        rows.append({**of_run, "map": AS_IT_IS, **four(plain, benchmark)})
        if map_of(run):
            probed = run_table(run, "probes")
            mapped = probed[probed["removed"] == map_of(run)]
            rows.append({**of_run, "map": MAPPED, **four(mapped, benchmark)})
    return pd.DataFrame(rows)


def map_of(run: Run) -> str | None:
    """The first language-neutral map that a run was measured with; None if there was none.

    Args:
        run: the run.
    """
    return next((word for word in run.parameters["probes"].split() if ":" in word), None)


def four(table: pd.DataFrame, benchmark: str) -> dict[str, float]:
    """The four scores of one table: macro averages over pairs of query language and pool.

    Args:
        table: `hbt.measure`'s columns and benchmark.
        benchmark: whose rows are read.

    Returns:
        The values of `MEASURES`; NaN for a setting that the benchmark lacks.
    """
    here = table[table["benchmark"] == benchmark]
    means = here.groupby(["metric", "setting"])["value"].mean()
    found = {name: float(means.get(key, float("nan"))) for name, key in MEASURES.items()}
    if found["rank distance"] == 0:  # every query has one relevant passage
        found["rank distance"] = float("nan")
    return found


def scores_shown(table: pd.DataFrame) -> Styler:
    """The scores as a table, mean ± standard deviation over seeds.

    Args:
        table: `scores`' table.

    Returns:
        The styled table: (arm, map) × the columns of `MEASURES`.
    """
    return summary(table).style


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean ± standard deviation over seeds, as texts.

    Args:
        table: `scores`' table.

    Returns:
        (arm, map) × the columns of `MEASURES` that the benchmark has.
    """
    columns = [name for name in MEASURES if table[name].notna().any()]
    by_arm = table.groupby(["arm", "map"], sort=False)[columns]
    means, deviations = by_arm.mean(), by_arm.std()
    texts = {
        name: [spread(m, s) for m, s in zip(means[name], deviations[name], strict=True)]
        for name in columns
    }
    return pd.DataFrame(texts, index=means.index)


def scores_says(table: pd.DataFrame) -> Markdown:
    """Which arm is best at what, as it is and with the map.

    Args:
        table: `scores`' table.

    Returns:
        A sentence for each of the two.
    """
    said = []
    for which, part in table.groupby("map", sort=False):
        means: Any = part.groupby("arm", sort=False)[list(MEASURES)].mean()
        best = []
        for name in [name for name in MEASURES if means[name].notna().any()]:
            first = leading(means[name].dropna(), lower_is_best=name == "rank distance")
            best.append(f"{listed(first)} ({name}, {number(means[name][first[0]])})")
        how = "As they are" if which == AS_IT_IS else "With the map of its own vectors behind each"
        said.append(f"{how}, the best are {listed(best)}.")
    return bullets(said)


def panels(studies: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The runs of several studies, as `hbt.plots.trade_off` draws them.

    Args:
        studies: name of a study → its benchmarks to show.

    Returns:
        panel, arm, seed, map, monolingual, bias (the rank distance); a benchmark that has no rank
        distance is left out.
    """
    parts = []
    for name, benchmarks in studies.items():
        study = load(name)
        rivals = load(study.rivals).runs if study.rivals else ()
        for benchmark in benchmarks:
            found = run_scores((*_alike(study), *rivals), benchmark)
            panel = name if len(study.benchmarks) == 1 else f"{name}, {benchmark}"
            parts.append(found.assign(panel=panel))
    table = pd.concat(parts, ignore_index=True).rename(columns={"rank distance": "bias"})
    return table.dropna(subset=["bias"])[["panel", "arm", "seed", "map", "monolingual", "bias"]]


def shown_beside(study: Study, beside: str) -> dict[str, tuple[str, ...]]:
    """A study on all its benchmarks, then others on their first; those without runs are left out.

    Args:
        study: the study that is looked at, which stands first.
        beside: the names of the others, separated by blanks.
    """
    known = [name for name in beside.split() if name in study_names() and name != study.name]
    others = [each for each in map(load, known) if _has_runs(each)]
    return {study.name: study.benchmarks} | {each.name: each.benchmarks[:1] for each in others}


def _has_runs(study: Study) -> bool:
    rivals = load(study.rivals).runs if study.rivals else ()
    return all(has_table(run, "metrics") for run in (*study.runs, *rivals))


def _alike(study: Study) -> list[Run]:
    """The runs that have the encoder of the first one: a floor of another encoder is left out."""
    encoder = study.runs[0].parameters["encoder"]
    return [run for run in study.runs if run.parameters["encoder"] == encoder]


def panels_says(table: pd.DataFrame) -> Markdown:
    """Which arms no other arm beats in both respects.

    Args:
        table: `panels`' table.

    Returns:
        A sentence a panel.
    """
    said = []
    for panel, part in table.groupby("panel", sort=False):
        means = part.groupby(["arm", "map"], sort=False)[["monolingual", "bias"]].mean()
        best = [
            arm if which == AS_IT_IS else arm + PLUS_MAP
            for (arm, which), row in zip(means.index, means.to_dict("records"), strict=True)
            if not _is_beaten(row, means)
        ]
        said.append(
            f"{panel}: nothing is better both within a language and in its rank distance than "
            f"{listed(best)}."
        )
    return bullets(said)


def _is_beaten(row: Any, means: pd.DataFrame) -> bool:
    """Whether another row is at least as good in both respects, and better in one."""
    as_good = (means["monolingual"] >= row["monolingual"]) & (means["bias"] <= row["bias"])
    better = (means["monolingual"] > row["monolingual"]) | (means["bias"] < row["bias"])
    return bool((as_good & better).any())


def pairs(reader: Reader, subject: str = "hybrid") -> dict[str, pd.DataFrame]:
    """Every pair of query language and pool, seeds averaged: before and after, and with the map.

    Args:
        reader: the study on one benchmark.
        subject: the arm that is set against the others.

    Returns:
        `none`, `none + map`, the subject and the subject + map, as far as there are such runs, each
        with a table as `hbt.plots.heatmaps` takes it.
    """
    parts = []
    for run in reader.study.runs:
        if run.arm not in (UNTRAINED, subject):
            continue
        parts.append(run_table(run, "metrics").assign(arm=run.arm))
        if map_of(run):
            probed = run_table(run, "probes")
            mapped = probed[probed["removed"] == map_of(run)]
            parts.append(mapped.assign(arm=run.arm + PLUS_MAP))
    table = pd.concat(parts)
    means = over_runs(table[table["benchmark"] == reader.benchmark])
    order = [UNTRAINED, UNTRAINED + PLUS_MAP, subject, subject + PLUS_MAP]
    return by_arm(means, [arm for arm in order if arm in set(means["arm"])])


def by_language(cells: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The mAP in the pool of all languages, by query language.

    Args:
        cells: `pairs`' tables.

    Returns:
        query language × the names of the tables.
    """
    columns = {}
    for name, table in cells.items():
        joint = table[(table["metric"] == "mAP") & (table["setting"] == "multilingual")]
        columns[name] = joint.groupby("query_language")["value"].mean()
    return pd.DataFrame(columns)


def languages_says(cells: Mapping[str, pd.DataFrame], trained: Sequence[str]) -> Markdown:
    """For which query languages the pool of all languages is searched best and worst.

    Args:
        cells: `pairs`' tables.
        trained: the languages trained on.

    Returns:
        A sentence a table, and one on the languages never trained on.
    """
    table = by_language(cells)
    said = []
    for name, column in table.items():
        (worst, low), (best, high) = lowest(column), highest(column)
        lowest_first = f"from {number(low)} ({worst}) to {number(high)} ({best})"
        said.append(f"{name}: {lowest_first if len(column) > 1 else f'{number(low)} ({worst})'}.")
    unseen = [code for code in table.index if code not in trained]
    if 0 < len(unseen) < len(table) and len(table.columns) > 1:
        gains = table.iloc[:, -1] - table.iloc[:, 0]
        said.append(
            f"From {table.columns[0]} to {table.columns[-1]} the mAP of languages trained on "
            f"changes by {number(gains.drop(unseen).mean(), signed=True)}, that of languages never "
            f"trained on ({listed(unseen)}) by {number(gains[unseen].mean(), signed=True)}."
        )
    return Markdown(f"mAP in the pool of all languages, by query language:\n\n{bullets(said)}")


def questions(reader: Reader) -> pd.DataFrame:
    """Each question's scores in every run, as it is and with the map.

    The encoder without training has no seed: its one run stands beside every seed of the others.

    Args:
        reader: the study on one benchmark.

    Returns:
        `metrics.by_question`'s columns with arm (`hybrid`, `hybrid + map`, …) and seed.
    """
    parts: list[pd.DataFrame] = []
    runs = (*reader.study.runs, *reader.rival_runs)
    for run in runs:
        alone = [other for other in runs if other.arm == run.arm] == [run]
        untrained = run.parameters["strategy"] == UNTRAINED
        seeds = reader.seeds if untrained and alone else [run.parameters["seed"]]
        tables = [run_table(run, "questions").assign(removed=NOTHING)]
        if map_of(run):
            tables.append(run_table(run, "mapped_questions"))
        for table in tables:
            here = table[table["benchmark"] == reader.benchmark]
            here = here[here["removed"].isin([NOTHING, map_of(run)])]
            arm = run.arm + ("" if table["removed"].iloc[0] == NOTHING else PLUS_MAP)
            parts.extend(here.assign(arm=arm, seed=seed) for seed in seeds)
    return pd.concat(parts, ignore_index=True)


def wanted(arms: Sequence[str], subject: str = "hybrid") -> dict[str, dict[str, float]]:
    """The family of differences, which was declared before the runs were made.

    Args:
        arms: the arms there are, those with the map too.
        subject: the arm that is set against the others.

    Returns:
        The subject minus every other arm as it is; the subject, and the subject with its map, minus
        the map without training; and the subject with its map minus every other arm with its map.
    """
    plain = [arm for arm in arms if not arm.endswith(PLUS_MAP) and arm != subject]
    found = {f"{subject} − {other}": {subject: 1.0, other: -1.0} for other in plain}
    mapped, control = subject + PLUS_MAP, UNTRAINED + PLUS_MAP
    if control in arms:
        found[f"{subject} − {control}"] = {subject: 1.0, control: -1.0}
    if mapped in arms:
        others = [arm for arm in arms if arm.endswith(PLUS_MAP) and arm != mapped]
        found |= {f"{mapped} − {other}": {mapped: 1.0, other: -1.0} for other in others}
    return found


def effects(
    table: pd.DataFrame,
    asked: Mapping[str, Mapping[str, float]],
    unit: Mapping[str, int],
) -> pd.DataFrame:
    """The differences with their tests, for each group of languages.

    Args:
        table: `questions`' table.
        asked: `wanted`'s differences.
        unit: question_id → what it belongs to, for the tests beside.

    Returns:
        `hbt.contrasts`' table with languages. Of each group of languages the mAP in all settings is
        one family, and the rank distance another. low_unit, high_unit, p_unit and n_units are of
        the same tests with that unit; that p is not adjusted.
    """
    parts = []
    for group, part in table.groupby("languages"):
        settings = [name for name in SETTINGS if name in set(part["setting"])]
        found = [contrasts_with_units(part, asked, unit, metric="mAP", setting=settings)]
        if (part[DISTANCE] > 0).any():  # else every query has one relevant passage
            found.append(
                contrasts_with_units(part, asked, unit, metric=DISTANCE, setting="multilingual")
            )
        parts += [one.assign(languages=str(group)) for one in found]
    return pd.concat(parts, ignore_index=True)


def drawn(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The differences in mAP, as they are drawn.

    Args:
        table: `effects`' table.

    Returns:
        Group of languages → its rows of mAP, trained before unseen.
    """
    of_map = table[table["metric"] == "mAP"]
    groups = [group for group in GROUPS if group in set(of_map["languages"])]
    return {group: of_map[of_map["languages"] == group] for group in groups}


def effects_shown(table: pd.DataFrame, languages: str, metric: str = "mAP") -> Styler:
    """The differences as a table, bold where they may not be chance.

    Args:
        table: `effects`' table.
        languages: trained or unseen.
        metric: mAP or rank-distance.

    Returns:
        The styled table.
    """
    here = table[(table["languages"] == languages) & (table["metric"] == metric)]
    style = here[[*SHOWN, *BY_UNIT]].style.hide().format(precision=4 if metric == "mAP" else 1)
    return bold(style.format("{:.4f}", subset=["p_holm", "p_unit"]), is_sure(here), "difference")


def effects_says(table: pd.DataFrame, subject: str = "hybrid") -> Markdown:
    """In which settings the subject is above or below each other arm.

    Args:
        table: `effects`' table.
        subject: the arm that was set against the others.

    Returns:
        A sentence for each difference of the subject as it is, in languages trained on.
    """
    seen = table[table["languages"] == GROUPS[0]]
    own = seen[seen["contrast"].str.startswith(f"{subject} − ") & (seen["metric"] == "mAP")]
    by_name = own.groupby("contrast", sort=False)
    said = [f"{name}: {differences(part)}." for name, part in by_name]
    return bullets([*said, *unit_note(own)])


def verdict(table: pd.DataFrame, subject: str = "hybrid") -> Markdown:
    """Does the subject serve all settings at once, at what cost, against what: the answer.

    Args:
        table: `effects`' table.
        subject: the arm that was set against the others.

    Returns:
        The sentences, for languages trained on.
    """
    seen = table[table["languages"] == GROUPS[0]]
    seen = seen.assign(sure=is_sure(seen))
    others = [
        name.split(" − ")[1]
        for name in dict.fromkeys(seen["contrast"])
        if name.startswith(f"{subject} − ")
    ]
    control = UNTRAINED + PLUS_MAP
    strategies = [arm for arm in others if arm not in (UNTRAINED, control)]
    said = [_all_settings(seen, subject, strategies)]
    for what, arm in (("the encoder without training", UNTRAINED), ("the map alone", control)):
        if arm in others:
            said.append(f"Against {what}: {_outcome(seen, f'{subject} − {arm}')}.")
    both = f"{subject}{PLUS_MAP} − {control}"
    if both in set(seen["contrast"]):
        said.append(
            f"Trained and then mapped, against the map alone: {_outcome(seen, both)}; this is what "
            "training adds."
        )
    return sentences(said)


def _all_settings(seen: pd.DataFrame, subject: str, strategies: Sequence[str]) -> str:
    """Against how many other arms the subject is ahead, behind, or neither, in each setting."""
    own = seen[seen["contrast"].isin([f"{subject} − {arm}" for arm in strategies])]
    own = own[own["metric"] == "mAP"]
    parts = []
    for setting in [name for name in SETTINGS if name in set(own["setting"])]:
        part = own[own["setting"] == setting]
        above = int((part["sure"] & (part["difference"] > 0)).sum())
        below = int((part["sure"] & (part["difference"] < 0)).sum())
        parts.append(f"above {above} and below {below} in the {setting} setting")
    if not strategies:
        return f"No other way of training stands beside {subject}."
    said = f"Of {counted(len(strategies), 'other arm')}, {subject} is {listed(parts)}"
    if own["sure"].all():
        return f"{said}."
    return f"{said}; the rest of the differences may be chance ({BY_BOTH})."


def _outcome(seen: pd.DataFrame, contrast: str) -> str:
    """A difference in every setting with its interval, and in rank distance."""
    parts = []
    rows = seen[seen["contrast"] == contrast]
    for row, chance in zip(rows.to_dict("records"), chances(rows), strict=True):
        what = row["setting"] if row["metric"] == "mAP" else "rank distance"
        interval = f"{number(row['low'], signed=True)}, {number(row['high'], signed=True)}"
        parts.append(f"{what} {number(row['difference'], signed=True)} [{interval}{chance}]")
    return listed(parts)
