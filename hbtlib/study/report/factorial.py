"""Tables and sentences of 09-factorial: what makes the hybrid?"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler
from scipy import stats

from hbtlib.data.benchmark import SETTINGS
from hbtlib.evaluation.metrics import lower_is_better
from hbtlib.sampling.strategies import HYBRID_ENDS
from hbtlib.study import baseline
from hbtlib.study.report.reader import Reader
from hbtlib.study.report.tables import (
    BY_UNIT,
    bold,
    contrasts_with_units,
    differences,
    group_words,
    is_sure,
    mean_and_sd,
    setting_order,
    spread,
    unit_note,
)
from hbtlib.study.report.words import Markdown, bullets, leading, listed, number, sentences
from hbtlib.study.studies import Study

Wanted = Mapping[str, Mapping[str, float]]
"""Contrasts by name: the weight of each arm."""

CELLS = {
    "x-x-mono": ("same", "one kind"),
    "x-x": ("same", "mixed"),
    "x-y-mono": ("different", "one kind"),
    "x-y": ("different", "mixed"),
}
"""The 2 × 2: the languages of a pair, and what a batch is."""

PLAIN: dict[str, dict[str, float]] = {
    "same language": {"x-x-mono": 0.5, "x-x": 0.5, "x-y-mono": -0.5, "x-y": -0.5},
    "batches of one kind": {"x-x-mono": 0.5, "x-x": -0.5, "x-y-mono": 0.5, "x-y": -0.5},
    "interaction": {"x-x-mono": 1, "x-x": -1, "x-y-mono": -1, "x-y": 1},
    "hybrid − x-x-mono": {"hybrid": 1, "x-x-mono": -1},
    "hybrid − x-y": {"hybrid": 1, "x-y": -1},
}
"""The contrasts that every factorial study has."""

SHOWN = [
    "contrast",
    "setting",
    "difference",
    "low",
    "high",
    "p_holm",
    "p_t",
    "n_questions",
    "n_seeds",
]


def design(study: Study) -> pd.DataFrame:
    """What tells the arms from each other. Those without training or with another encoder are out.

    Args:
        study: the study.

    Returns:
        A row an arm: arm, strategy, alpha, mix, ids, pairs, encoder.

    Raises:
        ValueError: where an arm of the 2 × 2 is missing, or hybrid.
    """
    names = ["strategy", "alpha", "mix", "ids", "pairs", "encoder"]
    rows = [{"arm": run.arm, **{n: run.parameters[n] for n in names}} for run in study.runs]
    table = pd.DataFrame(rows).drop_duplicates("arm")
    same_encoder = table["encoder"] == study.runs[0].parameters["encoder"]
    found = table[(table["strategy"] != "none") & same_encoder]
    missing = [arm for arm in (*CELLS, "hybrid") if arm not in set(found["arm"])]
    if missing:
        raise ValueError(
            f"study {study.name!r} lacks {listed(missing)}: the notebook factorial compares "
            f"{listed([*CELLS, 'hybrid'])}"
        )
    return found


def of_metric(seeds: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One metric of each run.

    Args:
        seeds: `tables.over_pairs`' table with the design's columns.
        metric: the metric.

    Returns:
        languages, setting, arm, seed, value and the design's columns.

    Raises:
        ValueError: if the runs do not have the metric, or it is 0 for all of them, as the rank
            distance is where every question has one relevant passage.
    """
    here = seeds[seeds["metric"] == metric]
    if here.empty:
        raise ValueError(f"metric is {metric!r}; the runs have {listed(seeds['metric'].unique())}")
    if (here["value"] == 0).all():
        raise ValueError(
            f"{metric} is 0 for every run, and nothing can be compared by it: choose another "
            "metric (the rank distance is 0 where every question has one relevant passage)"
        )
    return here


def two_by_two(here: pd.DataFrame) -> pd.DataFrame:
    """The 2 × 2 of the languages of a pair and what a batch is.

    Args:
        here: one metric of each run: languages, setting, arm, seed, value.

    Returns:
        Texts, mean ± standard deviation over seeds; (languages, setting) × the four cells.
    """
    core = here[here["arm"].isin(CELLS)]
    table = mean_and_sd(core, ["languages", "setting", "arm"])
    wide = table.pivot(index=["languages", "setting"], columns="arm", values="text")[list(CELLS)]
    wide.columns = pd.MultiIndex.from_tuples(
        list(CELLS.values()), names=["languages of a pair", "a batch is"]
    )
    return wide.reindex(setting_order(wide.index))


def two_by_two_says(here: pd.DataFrame) -> Markdown:
    """Which cell of the 2 × 2 is best in which setting.

    Args:
        here: as in `two_by_two`.

    Returns:
        The sentence.
    """
    core = here[here["arm"].isin(CELLS) & (here["languages"] == "trained")]
    means = core.groupby(["setting", "arm"])["value"].mean().unstack("arm")
    lowest = lower_is_better(core["metric"].iloc[0])
    parts = []
    for setting in [s for s in SETTINGS if s in means.index]:
        row: Any = means.loc[setting]
        best = leading(row, lower_is_best=lowest)
        parts.append(f"{listed(best)} ({setting}, {number(row[best[0]])})")
    return Markdown(f"In languages trained on, the best of the four arms are {listed(parts)}.")


def alpha_curve(here: pd.DataFrame) -> pd.DataFrame:
    """The metric over the share α of same-language pairs, by the level at which they are mixed.

    Args:
        here: one metric of each run, with the design's columns.

    Returns:
        alpha, level, seed, languages, setting, metric, value; x-y and x-x-mono or x-x are the ends.
    """
    whole = here[here["ids"].isna()]
    hybrid = whole[whole["strategy"] == "hybrid"].rename(columns={"mix": "level"})
    ends = [
        whole[whole["arm"] == arm].assign(alpha=alpha, level=level)
        for arm, points in HYBRID_ENDS.items()
        for alpha, level in points
    ]
    columns = ["alpha", "level", "seed", "languages", "setting", "metric", "value"]
    return pd.concat([hybrid, *ends])[columns].astype({"alpha": float})


def alpha_says(curve: pd.DataFrame) -> Markdown:
    """How far the two lines lie apart, where they lie apart most between their common ends.

    At α = 0 both are `x-y`; at α = 1 they are the strategies of one language.

    Args:
        curve: `alpha_curve`'s table.

    Returns:
        A sentence a setting, for languages trained on.
    """
    keys = ["setting", "alpha", "level"]
    means = curve[curve["languages"] == "trained"].groupby(keys)["value"].mean().unstack("level")
    nowhere = "No share between 0 and 1 is mixed both by batch and by pair in this study."
    if not {"batch", "pair"} <= set(means.columns):
        return Markdown(nowhere)
    apart = (means["batch"] - means["pair"]).dropna()
    alphas = apart.index.get_level_values("alpha")
    apart = apart[(alphas > 0) & (alphas < 1)]
    if apart.empty:
        return Markdown(nowhere)
    said = []
    for setting in [s for s in SETTINGS if s in apart.index]:
        gap: Any = apart[setting]
        alpha = gap.abs().idxmax()
        said.append(
            f"In the {setting} setting the two lines lie furthest apart at α = {alpha:g}: batches "
            f"minus pairs is {number(gap[alpha], signed=True)}."
        )
    return bullets(said)


def size_curve(
    seeds: pd.DataFrame, arms: pd.DataFrame, metric: str, full: int
) -> pd.DataFrame | None:
    """The metric over the number of training ids.

    Args:
        seeds: `tables.over_pairs`' table with the design's columns.
        arms: `design`'s table.
        metric: the metric.
        full: how many ids there are without a limit.

    Returns:
        ids, arm (the strategy), seed, languages, setting, metric, value; None where the study has
        one size of training data.
    """
    here = seeds[seeds["metric"] == metric]
    limited = here[here["arm"].isin(arms.loc[arms["ids"].notna(), "arm"])]
    if limited.empty:
        return None
    at_full = here[here["ids"].isna() & here["arm"].isin(["x-x-mono", "x-y", "hybrid"])]
    sizes = pd.concat([limited, at_full.assign(ids=full)])
    sizes = sizes.assign(arm=sizes["strategy"], ids=sizes["ids"].astype(int))
    return sizes[["ids", "arm", "seed", "languages", "setting", "metric", "value"]]


def size_says(sizes: pd.DataFrame) -> Markdown:
    """Which strategy leads at which size.

    Args:
        sizes: `size_curve`'s table.

    Returns:
        A sentence a setting, for languages trained on.
    """
    seen = sizes[sizes["languages"] == "trained"]
    means = seen.groupby(["setting", "ids", "arm"])["value"].mean().unstack("arm")
    lowest = lower_is_better(sizes["metric"].iloc[0])
    said = []
    for setting in [s for s in SETTINGS if s in means.index]:
        table: Any = means.loc[setting]
        parts = []
        for count, row in table.iterrows():
            best = leading(row, lower_is_best=lowest)
            parts.append(f"{listed(best)} with {count:,} ids ({number(row[best[0]])})")
        said.append(f"In the {setting} setting the best are {listed(parts)}.")
    return bullets(said)


def wanted(arms: pd.DataFrame) -> dict[str, dict[str, float]]:
    """The contrasts, which were declared before the runs were looked at.

    Args:
        arms: `design`'s table.

    Returns:
        `PLAIN`; alternating by batch minus mixing by pair at each α that has both; hybrid minus
        each of the other two at each limited number of ids.
    """
    found = dict(PLAIN)
    hybrids = arms[(arms["strategy"] == "hybrid") & arms["ids"].isna()]
    by_level: Any = hybrids.pivot(index="alpha", columns="mix", values="arm")
    if {"batch", "pair"} <= set(by_level.columns):
        for alpha, row in by_level.dropna(subset=["batch", "pair"]).iterrows():
            name = f"by batch − by pair, α = {alpha}"
            found[name] = {row["batch"]: 1, row["pair"]: -1}
    for ids in sorted(arms["ids"].dropna().unique()):
        by_strategy: Any = arms[arms["ids"] == ids].set_index("strategy")["arm"]
        for other in ("x-x-mono", "x-y"):
            name = f"hybrid − {other}, {ids:.0f} ids"
            found[name] = {by_strategy["hybrid"]: 1, by_strategy[other]: -1}
    return found


def effects(
    questions: pd.DataFrame,
    arms: pd.DataFrame,
    asked: Wanted,
    metric: str,
    unit: Mapping[str, int],
) -> pd.DataFrame:
    """The contrasts with their tests, for each group of languages.

    Args:
        questions: each question's scores, of all runs.
        arms: `design`'s table.
        asked: the contrasts.
        metric: the metric.
        unit: question_id → what it belongs to, for the tests beside.

    Returns:
        `hbt.contrasts`' table with languages. Each group of languages is one family. low_unit,
        high_unit, p_unit and n_units are of the same tests with that unit; that p is not adjusted.
    """
    parts = []
    for group, part in questions.groupby("languages"):
        rows = part[part["arm"].isin(arms["arm"])]
        found = contrasts_with_units(rows, asked, unit, metric=metric)
        parts.append(found.assign(languages=str(group)))
    return pd.concat(parts, ignore_index=True)


def effects_says(part: pd.DataFrame) -> Markdown:
    """How many effects are real, and the largest difference among them.

    An interaction is a difference of differences, on a scale of its own, and is told last.

    Args:
        part: `effects`' table of one group of languages.

    Returns:
        The sentences.
    """
    sure = is_sure(part)
    group = group_words(part["languages"].iloc[0])
    count = (
        f"With languages {group}, {sure.sum()} of {len(part)} effects may not be chance, by "
        "question and by unit (whose p is not corrected)."
    )
    if not sure.any():
        return Markdown(count)
    real = part[sure].sort_values("difference", key=abs, ascending=False)
    said = [count]
    for row in real[real["contrast"] != "interaction"].head(1).to_dict("records"):
        said.append(
            f"The largest difference is {row['contrast']} in the {row['setting']} setting: "
            f"{_with_interval(row)}."
        )
    for row in real[real["contrast"] == "interaction"].head(1).to_dict("records"):
        said.append(
            "The interaction, which is a difference of differences, is largest in the "
            f"{row['setting']} setting: {_with_interval(row)}."
        )
    return sentences(said)


def _with_interval(row: Mapping[Hashable, Any]) -> str:
    """A difference with its interval."""
    low, high = number(row["low"], signed=True), number(row["high"], signed=True)
    return f"{number(row['difference'], signed=True)} [{low}, {high}]"


def effects_shown(table: pd.DataFrame) -> Styler:
    """The effects in languages trained on, bold where they may not be chance.

    Args:
        table: `effects`' table.

    Returns:
        The styled table.
    """
    here = table.loc[table["languages"] == "trained", [*SHOWN, *BY_UNIT]]
    style = here.style.hide().format(precision=4)
    return bold(style, is_sure(table), "difference")


def by_seed(here: pd.DataFrame, asked: Wanted) -> pd.DataFrame:
    """The contrasts with the seed as the unit: Student's t on as many differences as seeds.

    Args:
        here: one metric of each run: languages, setting, arm, seed, value.
        asked: the contrasts.

    Returns:
        (contrast, setting): difference, low, high (95 %, NaN for one seed), and each seed's
        difference as text; of languages trained on.
    """
    seen = here[here["languages"] == "trained"]
    values: Any = seen.pivot_table(index=["setting", "seed"], columns="arm", values="value")
    rows = []
    for name, weights in asked.items():
        total: Any = sum(weight * values[arm] for arm, weight in weights.items())
        for setting in [s for s in SETTINGS if s in total.index]:
            gaps = total[setting].dropna()
            mean, count = gaps.mean(), len(gaps)
            half = stats.t.ppf(0.975, count - 1) * gaps.sem() if count > 1 else float("nan")
            texts = " ".join(f"{gap:+.3f}" for gap in gaps)
            rows.append((name, setting, mean, mean - half, mean + half, texts))
    columns = ["contrast", "setting", "difference", "low", "high", "by seed"]
    return pd.DataFrame(rows, columns=columns).set_index(["contrast", "setting"])


def by_seed_says(table: pd.DataFrame, tests: pd.DataFrame) -> Markdown:
    """Whether the seeds alone say the same as the questions.

    Args:
        table: `by_seed`'s table.
        tests: `effects`' table.

    Returns:
        The sentence.
    """
    if table["low"].isna().all():
        return Markdown("There is one seed only: nothing can be said of another training.")
    seen = tests[tests["languages"] == "trained"]
    seen = seen[is_sure(seen)].set_index(["contrast", "setting"])
    both = table.loc[table.index.isin(seen.index)]
    without_zero = (both["low"] * both["high"] > 0).sum()
    return Markdown(
        f"Of the {len(both)} effects that may not be chance above, {without_zero} have an interval "
        "without 0 over seeds alone, too."
    )


def answer(tests: pd.DataFrame) -> Markdown:
    """What makes the hybrid: the notebook's answer.

    Args:
        tests: `effects`' table.

    Returns:
        A sentence a contrast, for languages trained on.
    """
    seen = tests[tests["languages"] == "trained"]
    seen = seen.assign(sure=is_sure(seen))
    by_name = seen.groupby("contrast", sort=False)
    said = [f"**{name}**: {differences(part)}." for name, part in by_name]
    return Markdown(f"{_batches_say(seen)}\n\n{bullets([*said, *unit_note(seen)])}")


def _batches_say(seen: pd.DataFrame) -> str:
    """Whether alternating batches matters beyond the ratio of pairs, where the study asks that."""
    asked = seen[seen["contrast"].str.startswith("by batch − by pair")]
    if asked.empty:
        return "No share of pairs is mixed both by batch and by pair here. The effects are:"
    sign = -1 if lower_is_better(asked["metric"].iloc[0]) else 1
    better = int((asked["sure"] & (sign * asked["difference"] > 0)).sum())
    worse = int((asked["sure"] & (sign * asked["difference"] < 0)).sum())
    return (
        f"At the same ratio of pairs, alternating whole batches is better in {better} of "
        f"{len(asked)} comparisons (a setting and an α each) and worse in {worse}; in the other "
        f"{len(asked) - better - worse} the difference may be chance. The effects are:"
    )


def all_arms(here: pd.DataFrame, arms: pd.DataFrame) -> pd.DataFrame:
    """Every arm in every setting and group of languages.

    Args:
        here: one metric of each run: languages, setting, arm, seed, value.
        arms: `design`'s table.

    Returns:
        Texts, mean ± standard deviation over seeds: arm × `languages, setting`.
    """
    every = here.groupby(["languages", "setting", "arm"])["value"].agg(["mean", "std"])
    text = pd.Series([spread(*row) for row in every.to_numpy()], every.index)
    wide: Any = text.unstack(["languages", "setting"])
    wide = wide.loc[arms["arm"], setting_order(wide.columns)]
    wide.columns = [", ".join(column) for column in wide.columns]
    return pd.DataFrame(wide)


def with_baseline(table: pd.DataFrame, reader: Reader, metric: str) -> pd.DataFrame:
    """`all_arms`' table with a last row: BM25, which needs no training.

    Args:
        table: `all_arms`' table.
        reader: the study on one benchmark.
        metric: the metric.

    Returns:
        The table, as it is where nobody measured BM25 for this study.
    """
    measured = baseline.read(reader.study, reader.benchmark)
    if measured is None:
        return table
    rows = baseline.texts(measured[measured["metric"] == metric])
    found = dict(zip(rows["languages"] + ", " + rows["setting"], rows["text"], strict=True))
    last = pd.DataFrame([found], index=pd.Index([baseline.ARM], name=table.index.name))
    return pd.concat([table, last.reindex(columns=table.columns)])


def write_summary(reader: Reader, table: pd.DataFrame, metric: str, notebook: str) -> str:
    """Writes `all_arms`' table as Markdown.

    Args:
        reader: the study on one benchmark.
        table: the table.
        metric: the metric.
        notebook: the notebook that makes it.

    Returns:
        The file's name: factorial.md where the study's notebook `results` writes summary.md.
    """
    head = (
        f"{reader.study.question}\n\n{len(reader.study.runs)} runs on {reader.benchmark}; "
        f"{metric}, mean ± sd over seeds (of bm25 the 95 % interval over questions); made by "
        f"notebooks/{notebook}.ipynb.\n\n"
    )
    name = "factorial.md" if "results" in reader.study.notebooks else "summary.md"
    text = table.reset_index().to_markdown(index=False)
    reader.file(name).write_text(head + text + "\n", encoding="utf-8")
    return reader.file(name).name
