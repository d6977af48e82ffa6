"""Tables and sentences of 17-scaling: does hybrid keep its edge as encoders grow?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.io.formats.style import Styler

from hbtlib.data.suites import find_suite
from hbtlib.evaluation import power_law
from hbtlib.evaluation.holm import holm
from hbtlib.evaluation.suites import MEAN, METRICS, settings_of, suite_questions, suite_scores
from hbtlib.plots.scaling import size_text
from hbtlib.study import large_models
from hbtlib.study.config import load, study_names
from hbtlib.study.family import Family
from hbtlib.study.report.family import declared
from hbtlib.study.report.reader import Reader
from hbtlib.study.report.tables import (
    BY_UNIT,
    bold,
    chances,
    contrasts_with_units,
    is_sure,
    spread,
)
from hbtlib.study.report.words import (
    Markdown,
    bullets,
    counted,
    leading,
    listed,
    number,
    sentences,
)
from hbtlib.study.results import has_table, run_table
from hbtlib.study.runs import Run
from hbtlib.study.studies import Study

SUITE = "m2c2"
MARKS = (13e9, 130e9)
"""The sizes that the law is drawn out to."""

SAMPLES = 1000
"""How many laws are fitted to other draws of seeds and questions."""

SHAPES = {
    "minilm": (384, 6, 1536),
    "me5-small": (384, 12, 1536),
    "microsoft/Multilingual-MiniLM-L12-H384": (384, 12, 1536),
    "FacebookAI/xlm-roberta-base": (768, 12, 3072),
    "FacebookAI/xlm-roberta-large": (1024, 24, 4096),
    "facebook/xlm-roberta-xl": (2560, 36, 10_240),
    "facebook/xlm-roberta-xxl": (4096, 48, 16_384),
}
"""Width, layers and inner width of encoders beside the small one, from their configurations."""

KEYS = ["strategy", "size", "seed"]
"""The columns that tell a run of the study from another."""

EDGE = " − "


def parameters_of(run: Run) -> int:
    """The weights of a run's encoder, without the tables of tokens, positions and types.

    Args:
        run: a run with the encoder `small` or one of `SHAPES`.

    Returns:
        How many there are: of each layer four square matrices of attention, two of the feed-forward
        network, their biases and two normalisations; and the normalisation before the first layer.

    Raises:
        ValueError: for another encoder.
    """
    encoder, options = run.parameters["encoder"], run.parameters["encoder_options"]
    if encoder == "small":
        width, layers = options.get("width", 128), options.get("layers", 1)
        inner = 2 * width
    elif encoder in SHAPES:
        width, layers, inner = SHAPES[encoder]
    else:
        known = ", ".join(["small", *SHAPES])
        raise ValueError(
            f"the encoder is {encoder!r}, whose shape is not known here; known are {known}: add it "
            "to hbtlib.study.report.scaling.SHAPES"
        )
    attention = 4 * (width * width + width)
    feed_forward = 2 * width * inner + inner + width
    return int(layers * (attention + feed_forward + 4 * width) + 2 * width)


def shape_of(run: Run) -> str:
    """What an encoder is called: `64×1` is a width of 64 and one layer.

    Args:
        run: a run.
    """
    if run.parameters["encoder"] != "small":
        return str(run.parameters["encoder"])
    options = run.parameters["encoder_options"]
    return f"{options.get('width', 128)}×{options.get('layers', 1)}"


def study_says(study: Study) -> Markdown:
    """What is compared: the study's question, its runs and the suite.

    Args:
        study: the study.
    """
    strategies = list(dict.fromkeys(run.parameters["strategy"] for run in study.runs))
    seeds = {run.parameters["seed"] for run in study.runs}
    counts = sorted(set(map(parameters_of, study.runs)))
    return bullets(
        [
            f"The study **{study.name}** asks: {study.question}",
            f"It has {counted(len(study.runs), 'run')}: {listed(strategies)}, each with "
            f"{counted(len(counts), 'size')} from {size_text(counts[0])} to "
            f"{size_text(counts[-1])} parameters and {counted(len(seeds), 'seed')}.",
            f"The suite {SUITE} reads them on {listed(find_suite(SUITE).benchmarks)}.",
        ]
    )


def sizes(study: Study) -> pd.DataFrame:
    """The encoders of a study.

    Args:
        study: the study.

    Returns:
        encoder, parameters (without embeddings), learning rate, steps, seeds, by size; one row an
        encoder and strategy.
    """
    rows = [
        {
            "encoder": shape_of(run),
            "parameters": parameters_of(run),
            "strategy": run.parameters["strategy"],
            "learning rate": run.parameters["learning_rate"],
            "steps": run.parameters["steps"],
            "seed": run.parameters["seed"],
        }
        for run in study.runs
    ]
    keys = ["encoder", "parameters", "strategy", "learning rate", "steps"]
    counts = pd.DataFrame(rows).groupby(keys, sort=False)["seed"].nunique()
    return counts.rename("seeds").reset_index().sort_values("parameters", kind="stable")


def sizes_shown(table: pd.DataFrame) -> Styler:
    """The encoders as a table.

    Args:
        table: `sizes`' table.
    """
    forms: dict[Any, Any] = {"parameters": "{:,}", "learning rate": "{:g}"}
    return table.style.hide().format(forms)


def questions(study: Study) -> pd.DataFrame:
    """Each question's scores in the four settings, in every run.

    Args:
        study: the study, whose runs are all there.

    Returns:
        `suite_questions`' table with arm, strategy, encoder, size (parameters), seed, and unit
        (`hbt.units`): what a question belongs to.
    """
    table = _questions(study)
    of = units_of(study)
    asked = zip(table["benchmark"], table["question_id"], strict=True)
    return table.assign(unit=[of[benchmark][question] for benchmark, question in asked])


def units_of(study: Study) -> dict[str, dict[str, int]]:
    """Which questions of the suite belong together.

    Args:
        study: the study.

    Returns:
        benchmark → question_id → number of its unit.

    Raises:
        FileNotFoundError: if the study has no such table.
    """
    return {name: Reader(study.name, name).units() for name in find_suite(SUITE).benchmarks}


def _questions(study: Study) -> pd.DataFrame:
    parts = []
    for run in study.runs:
        found = suite_questions(run_table(run, "questions"), SUITE)
        named = {"arm": run.arm, "strategy": run.parameters["strategy"], "encoder": shape_of(run)}
        parts.append(found.assign(**named, size=parameters_of(run), seed=run.parameters["seed"]))
    return pd.concat(parts, ignore_index=True)


def beside(name: str) -> pd.DataFrame:
    """The questions of a study whose runs are drawn beside and not fitted, as far as it is there.

    Args:
        name: the study; "": none.

    Returns:
        `questions`' table without units; without rows if the study or one of its runs is missing.
    """
    if not name or name not in study_names():
        return pd.DataFrame()
    study = load(name)
    if not all(has_table(run, "questions") for run in study.runs):
        return pd.DataFrame()
    return _questions(study)


def scores(table: pd.DataFrame) -> pd.DataFrame:
    """Every run's scores in the four settings.

    Args:
        table: `questions`' table.

    Returns:
        strategy, encoder, size, seed, setting, benchmark (`mean`: over those of a setting), metric,
        value, n_questions.
    """
    return suite_scores(table, METRICS, ["strategy", "encoder", "size", "seed"])


def scores_shown(table: pd.DataFrame, metric: str) -> Styler:
    """The scores as a table, mean ± standard deviation over seeds.

    Args:
        table: `scores`' table.
        metric: the metric.

    Returns:
        The styled table: (encoder, strategy) × settings.
    """
    here = table[(table["metric"] == metric) & (table["benchmark"] == MEAN)]
    keys = ["size", "encoder", "strategy", "setting"]
    over = here.groupby(keys, sort=False)["value"].agg(["mean", "std"])
    texts = [spread(m, s) for m, s in zip(over["mean"], over["std"], strict=True)]
    wide = over.assign(text=texts)["text"].unstack("setting")[list(settings_of(SUITE))]
    return wide.sort_index(level="size", sort_remaining=False).droplevel("size").style


def scores_says(table: pd.DataFrame, metric: str) -> Markdown:
    """Which strategy is best in every setting, at the smallest size and at the largest.

    Args:
        table: `scores`' table.
        metric: the metric.

    Returns:
        A sentence a setting.
    """
    here = table[(table["metric"] == metric) & (table["benchmark"] == MEAN)]
    said = []
    for setting in settings_of(SUITE):
        part = here[here["setting"] == setting]
        means: Any = part.groupby(["size", "strategy"])["value"].mean().unstack("strategy")
        firsts = []
        for size in (means.index.min(), means.index.max()):
            best = leading(means.loc[size])
            value = number(means.loc[size, best[0]])
            firsts.append(f"{listed(best)} ({value}) at {size_text(size)} parameters")
        said.append(f"{setting}: the highest {metric} is of {'; of '.join(firsts)}.")
    return bullets(said)


def arrays(
    table: pd.DataFrame, metric: str, setting: str, strategies: Sequence[str]
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.int64]], list[int]]:
    """The scores of a setting as arrays.

    Args:
        table: `questions`' table.
        metric: one of its columns.
        setting: one of the suite's.
        strategies: in the order wanted.

    Returns:
        For each benchmark (strategies, sizes, seeds, questions); for each (questions,) their units;
        and the sizes.

    Raises:
        ValueError: if a strategy lacks a size, a seed or a question that another has.
    """
    here = table[table["setting"] == setting]
    n_sizes = sorted(map(int, here["size"].unique()))
    seeds = sorted(here["seed"].unique())
    found, units = [], []
    for benchmark, part in here.groupby("benchmark", sort=False):
        wide = part.pivot_table(index=KEYS, columns="question_id", values=metric)
        order = [(s, size, seed) for s in strategies for size in n_sizes for seed in seeds]
        values = wide.reindex(pd.MultiIndex.from_tuples(order, names=KEYS)).to_numpy(np.float32)
        if np.isnan(values).any():
            raise ValueError(
                f"not every strategy has every size, seed and question on {benchmark}: {metric} "
                "cannot be compared over sizes"
            )
        found.append(values.reshape(len(strategies), len(n_sizes), len(seeds), -1))
        unit = part.drop_duplicates("question_id").set_index("question_id")["unit"]
        units.append(unit[wide.columns].to_numpy())
    return found, units, n_sizes


def laws(
    table: pd.DataFrame, metric: str, *, samples: int = SAMPLES, marks: Sequence[float] = MARKS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fits the law to every strategy in every setting, and draws it out to larger models.

    The hybrid's edge over another strategy is the difference of their laws, in every sample.

    Args:
        table: `questions`' table of the sizes that are fitted.
        metric: mAP@10 or R@50.
        samples: how many laws are fitted to other draws of seeds and questions.
        marks: sizes that the curves reach.

    Returns:
        Two tables of curves, of the strategies and of the edges: panel (the setting), arm, size,
        value, low, high; the sizes run from the smallest that was measured to the largest mark.
    """
    strategies = ordered_strategies(table)
    of_arms, of_edges = [], []
    for setting in settings_of(SUITE):
        parts, units, n_sizes = arrays(table, metric, setting, strategies)
        at = np.unique([*np.geomspace(n_sizes[0], max(marks), 80), *n_sizes, *marks])
        means = np.mean([part.mean((2, 3)) for part in parts], axis=0)  # (strategies, sizes)
        drawn = power_law.resampled(parts, units, samples=samples)  # (samples, strategies, sizes)
        lines = [power_law.fit(n_sizes, mean).at(at)[0] for mean in means]
        bands = [power_law.fit(n_sizes, drawn[:, i]).at(at) for i in range(len(strategies))]
        for i, strategy in enumerate(strategies):
            of_arms.append(_curve(setting, strategy, at, lines[i], bands[i]))
            if i:
                name = f"{strategies[0]}{EDGE}{strategy}"
                gap, band = lines[0] - lines[i], bands[0] - bands[i]
                of_edges.append(_curve(setting, name, at, gap, band))
    return pd.concat(of_arms, ignore_index=True), pd.concat(of_edges, ignore_index=True)


def _curve(
    panel: str, arm: str, at: NDArray[Any], line: NDArray[Any], drawn: NDArray[Any]
) -> pd.DataFrame:
    low, high = power_law.band(drawn)
    values = {"size": at, "value": line, "low": low, "high": high}
    return pd.DataFrame({"panel": panel, "arm": arm, **values})


def ordered_strategies(table: pd.DataFrame, subject: str = "hybrid") -> list[str]:
    """The strategies, the subject first.

    Args:
        table: a table with the column strategy.
        subject: the one that is set against the others.
    """
    there = list(dict.fromkeys(table["strategy"]))
    return [subject, *(name for name in there if name != subject)]


def points(table: pd.DataFrame, metric: str, further: pd.DataFrame) -> pd.DataFrame:
    """Every run as a dot, as `hbt.plots.scaling_curves` draws it.

    Args:
        table: `questions`' table of the sizes that are fitted.
        metric: the metric.
        further: that of encoders that are not fitted; it may be empty.

    Returns:
        panel, arm, size, seed, value, fitted.
    """
    parts = []
    for part, fitted in ((table, True), (further, False)):
        if len(part):
            found = scores(part)
            chosen = found[(found["metric"] == metric) & (found["benchmark"] == MEAN)]
            parts.append(chosen.assign(fitted=fitted))
    columns = {"setting": "panel", "strategy": "arm"}
    found = pd.concat(parts, ignore_index=True).rename(columns=columns)
    return found[["panel", "arm", "size", "seed", "value", "fitted"]]


def edges(dots: pd.DataFrame, subject: str = "hybrid") -> pd.DataFrame:
    """The subject minus every other strategy, run by run.

    Args:
        dots: `points`' table.
        subject: the strategy that is set against the others.

    Returns:
        The same columns; arm is `hybrid − x-x` and so on.
    """
    keys = ["panel", "size", "seed", "fitted"]
    wide = dots.set_index([*keys, "arm"])["value"].unstack("arm")
    others = [name for name in dict.fromkeys(dots["arm"]) if name != subject]
    parts = [
        (wide[subject] - wide[other]).dropna().rename("value").reset_index() for other in others
    ]
    named = [
        part.assign(arm=f"{subject}{EDGE}{other}")
        for part, other in zip(parts, others, strict=True)
    ]
    return pd.concat(named, ignore_index=True)[["panel", "arm", "size", "seed", "value", "fitted"]]


def extrapolated(curves: pd.DataFrame, marks: Sequence[float] = MARKS) -> pd.DataFrame:
    """What the laws say at the largest measured size and at the marks.

    Args:
        curves: one of `laws`' tables.
        marks: the sizes.

    Returns:
        panel, arm, size, value, low, high, width (of the band).
    """
    chosen = curves[curves["size"].isin(marks)]
    return chosen.assign(width=chosen["high"] - chosen["low"]).reset_index(drop=True)


def extrapolated_shown(table: pd.DataFrame) -> Styler:
    """The extrapolated values as a table.

    Args:
        table: `extrapolated`'s table.

    Returns:
        The styled table: (setting, what) × sizes, each with its band.
    """
    texts = [
        f"{number(row['value'])} [{number(row['low'])}, {number(row['high'])}]"
        for row in table.to_dict("records")
    ]
    shown = table.assign(text=texts, model=[size_text(size) for size in table["size"]])
    keys = ["panel", "arm"]
    order = list(dict.fromkeys(zip(shown["panel"], shown["arm"], strict=True)))
    wide = shown.pivot(index=keys, columns="model", values="text").reindex(order)
    return wide[list(dict.fromkeys(shown["model"]))].style


def curves_says(curves: pd.DataFrame, dots: pd.DataFrame, label: str) -> Markdown:
    """How wide the bands are where nothing was measured, and how many means lie outside of them.

    Args:
        curves: one of `laws`' tables.
        dots: the runs they were fitted to, as `points` or `edges` gives them.
        label: what is drawn.

    Returns:
        A sentence a setting.
    """
    fitted = dots[dots["fitted"]]
    largest = float(fitted["size"].max())
    at = extrapolated(curves, (largest, max(MARKS)))
    means = fitted.groupby(["panel", "arm", "size"], sort=False)["value"].mean().rename("mean")
    own = means.reset_index().astype({"size": "float64"})
    beside = curves.merge(own, on=["panel", "arm", "size"])
    beside = beside.assign(
        missed=(beside["mean"] < beside["low"]) | (beside["mean"] > beside["high"])
    )
    said = []
    for panel, part in at.groupby("panel", sort=False):
        missed = beside.loc[beside["panel"] == panel, "missed"]
        wide = part.groupby("size")["width"].max()
        spread_of_runs = float(np.ptp(fitted.loc[fitted["panel"] == panel, "value"]))
        said.append(
            f"{panel}: the widest band of {label} is {number(float(wide.iloc[0]))} at "
            f"{size_text(largest)} parameters, the largest that was measured, and "
            f"{number(float(wide.iloc[-1]))} at {size_text(max(MARKS))}; all runs together span "
            f"{number(spread_of_runs)}. {_fit_says(int(missed.sum()), len(missed))}"
        )
    return bullets(said)


def _fit_says(missed: int, of: int) -> str:
    """Whether the law goes through what was measured."""
    if not missed:
        return f"All {of} measured means lie within their band."
    return (
        f"{missed} of {of} measured means lie outside their band: there the law is not that of "
        "these encoders."
    )


def held_out(table: pd.DataFrame, metric: str, *, samples: int = SAMPLES) -> pd.DataFrame:
    """Fits the law without the largest size, and compares what it says of it with what it scored.

    Args:
        table: `questions`' table.
        metric: the metric.
        samples: how many laws are fitted to other draws.

    Returns:
        setting, strategy, size (the largest), predicted, low, high, measured, inside.
    """
    strategies = ordered_strategies(table)
    rows = []
    for setting in settings_of(SUITE):
        parts, units, n_sizes = arrays(table, metric, setting, strategies)
        smaller = [part[:, :-1] for part in parts]
        drawn = power_law.resampled(smaller, units, samples=samples)
        means = np.mean([part.mean((2, 3)) for part in parts], axis=0)
        for i, strategy in enumerate(strategies):
            at = [n_sizes[-1]]
            said = power_law.fit(n_sizes[:-1], means[i, :-1]).at(at)[0, 0]
            low, high = power_law.band(power_law.fit(n_sizes[:-1], drawn[:, i]).at(at))
            measured = float(means[i, -1])
            values = {"predicted": said, "low": low[0], "high": high[0], "measured": measured}
            inside = bool(low[0] <= measured <= high[0])
            named = {"setting": setting, "strategy": strategy, "size": n_sizes[-1]}
            rows.append({**named, **values, "inside": inside})
    return pd.DataFrame(rows)


def held_out_says(table: pd.DataFrame) -> Markdown:
    """How often the law foretold the largest size.

    Args:
        table: `held_out`'s table.
    """
    missed = (table["measured"] - table["predicted"]).abs()
    return Markdown(
        f"Fitted without the largest encoder ({size_text(table['size'].iloc[0])} parameters), the "
        f"band of the law holds what that encoder scored in {int(table['inside'].sum())} of "
        f"{len(table)} cases; its line misses the score by {number(float(missed.mean()))} on the "
        f"average and by {number(float(missed.max()))} at most. That is one step along the size "
        "axis; to the largest models it is several more."
    )


def effects(reader: Reader) -> pd.DataFrame:
    """The declared differences with their tests, in every setting and benchmark of the suite.

    Args:
        reader: the study.

    Returns:
        `hbt.contrasts`' table with the suite's setting, and benchmark. All rows are one family:
        `p_holm` is adjusted over all of them. low_unit, high_unit, p_unit and n_units are of the
        same tests with what questions share (`hbt.units`) as the unit; that p is not adjusted.

    Raises:
        ValueError: if the study's YAML declares no family.
    """
    return tested(questions(reader.study), declared(reader.study))


def tested(table: pd.DataFrame, family: Family) -> pd.DataFrame:
    """As `effects`, of `questions`' table.

    Args:
        table: each question's scores.
        family: what is tested.
    """
    parts = []
    for part in find_suite(SUITE).parts:
        is_part = (table["setting"] == part.setting) & (table["benchmark"] == part.benchmark)
        rows = table[is_part].assign(setting=part.measured)
        metrics = list(family.metrics)
        unit = dict(zip(rows["question_id"], rows["unit"], strict=True))
        found = contrasts_with_units(
            rows, family.differences, unit, metric=metrics, setting=part.measured
        )
        parts.append(found.assign(setting=part.setting, benchmark=part.benchmark))
    tests = pd.concat(parts, ignore_index=True)
    return tests.assign(p_holm=holm(tests["p"].to_numpy()))


def effects_shown(table: pd.DataFrame, metric: str) -> Styler:
    """The differences as a table, bold where they may not be chance.

    Args:
        table: `effects`' table.
        metric: mAP@10 or R@50.

    Returns:
        The styled table.
    """
    columns = ["contrast", "setting", "benchmark", "difference", "low", "high", "p_holm"]
    rows = table[table["metric"] == metric]
    style = rows[[*columns, *BY_UNIT]].style.hide().format(precision=4)
    return bold(style, is_sure(rows), "difference")


def effects_says(table: pd.DataFrame, metric: str) -> Markdown:
    """In how many settings and benchmarks each declared difference is above or below 0.

    Args:
        table: `effects`' table.
        metric: mAP@10 or R@50.

    Returns:
        A sentence a difference.
    """
    rows = table[table["metric"] == metric]
    rows = rows.assign(sure=is_sure(rows))
    said = []
    for name, part in rows.groupby("contrast", sort=False):
        above = part[part["sure"] & (part["difference"] > 0)]
        below = part[part["sure"] & (part["difference"] < 0)]
        said.append(
            f"{name}: above 0 in {len(above)}{_where(above)}, below in {len(below)}"
            f"{_where(below)}, of {counted(len(part), 'test')}; the rest may be "
            "chance, by question or by unit."
        )
    return bullets(said)


def _where(rows: pd.DataFrame) -> str:
    names = [f"{row['setting']} on {row['benchmark']}" for row in rows.to_dict("records")]
    return f" ({listed(names)})" if names else ""


def degrees(study: Study, metric: str) -> pd.DataFrame:
    """Scores over the degree of mixing, as `hbt.plots.mixing_curves` draws them.

    Args:
        study: the study.
        metric: mAP@10 or R@50.

    Returns:
        panel (the encoder), arm (the strategy), degree, seed, value; of queries that look for their
        original in the other pool.
    """
    parts = []
    for run in sorted(study.runs, key=parameters_of):
        found = run_table(run, "degrees")
        here = found[(found["setting"] == "cross-lingual") & (found["metric"] == metric)]
        named = {"panel": f"{shape_of(run)} ({size_text(parameters_of(run))})"}
        named |= {"arm": run.parameters["strategy"], "seed": run.parameters["seed"]}
        parts.append(here[["degree", "value"]].assign(**named))
    return pd.concat(parts, ignore_index=True)[["panel", "arm", "degree", "seed", "value"]]


def degrees_says(table: pd.DataFrame) -> Markdown:
    """What further mixing costs.

    Args:
        table: `degrees`' table.

    Returns:
        A sentence an encoder.
    """
    first, last = table["degree"].iloc[0], sorted(table["degree"].unique())[-1]
    said = []
    for panel, part in table.groupby("panel", sort=False):
        means: Any = part.groupby(["arm", "degree"], sort=False)["value"].mean()
        texts = [
            f"{arm} from {number(means[arm, first])} to {number(means[arm, last])}"
            for arm in dict.fromkeys(part["arm"])
        ]
        said.append(f"{panel}: {listed(texts)}.")
    return Markdown(f"From {first} % of Chinese to {last} %:\n\n{bullets(said)}")


def resources() -> pd.DataFrame:
    """What training larger encoders takes: `large_models.resources`."""
    return large_models.resources()


def resources_shown(table: pd.DataFrame) -> Styler:
    """What training larger encoders takes, as a table.

    Args:
        table: `resources`' table.
    """
    forms: dict[Any, Any] = {"one GPU": "{:,.0f}", "each": "{:,.0f}", "GPUs": "{:.0f}"}
    forms |= {"parameters": "{:.2f}", "embedding": "{:.2f}", "trained": "{:.3f}"}
    forms |= {"GPU hours": "{:,.1f}", "hours": "{:,.1f}"}
    shown = table.drop(columns="source").style.hide()
    return shown.format(forms, na_rep="none")


def resources_says(table: pd.DataFrame) -> Markdown:
    """What the largest encoder of XLM-R, and the largest of all, take.

    Args:
        table: `resources`' table.

    Returns:
        A sentence a model.
    """
    said = []
    for name in ("XLM-R XXL", str(table["model"].iloc[-1])):
        rows = table[table["model"] == name].set_index("way")
        texts = []
        for way in ("all weights, checkpointing", "LoRA, checkpointing"):
            row: Any = rows.loc[way]
            texts.append(
                f"{way}: {counted(int(row['GPUs']), 'GPU')} and {number(float(row['GPU hours']))} "
                "hours of one GPU"
            )
        size = f"{rows['parameters'].iloc[0]:.1f}"
        said.append(f"{name} ({size} billion parameters): {'; '.join(texts)}.")
    return bullets(said)


def answer(
    tests: pd.DataFrame, curves: pd.DataFrame, metric: str, last: Mapping[str, str]
) -> Markdown:
    """Does hybrid keep its edge: the notebook's answer.

    Args:
        tests: `effects`' table.
        curves: `laws`' table of edges.
        metric: the metric.
        last: other strategy → the name of the declared difference at the largest size.

    Returns:
        The sentences.
    """
    rows = tests[tests["metric"] == metric]
    said = []
    for other, name in last.items():
        part = rows[rows["contrast"] == name]
        outcomes = [_outcome(setting, part) for setting in settings_of(SUITE)]
        said.append(f"At the largest size, hybrid against {other}: {'; '.join(outcomes)}.")
    far = extrapolated(curves, (max(MARKS),))
    open_ones = far[far["low"] * far["high"] <= 0]
    said.append(
        f"At {size_text(max(MARKS))} parameters {len(open_ones)} of {len(far)} extrapolated edges "
        f"have a band with 0 in it, and the bands are {number(float(far['width'].median()))} wide "
        "in the median."
    )
    said.append(
        "What hybrid does for such models cannot be said from these encoders: no band knows "
        "whether another law holds for them."
    )
    return sentences(said)


def _outcome(setting: str, part: pd.DataFrame) -> str:
    """What one difference is in a setting, on each of its benchmarks."""
    texts = []
    rows = part[part["setting"] == setting]
    for row, chance in zip(rows.to_dict("records"), chances(rows), strict=True):
        texts.append(f"{number(row['difference'], signed=True)} ({row['benchmark']}{chance})")
    return f"{setting} {listed(texts)}"


def largest_differences(study: Study) -> dict[str, str]:
    """The declared differences of the hybrid at the largest size.

    Args:
        study: the study.

    Returns:
        Other strategy → the name of the difference.

    Raises:
        ValueError: if the study declares none of them.
    """
    largest = max(map(parameters_of, study.runs))
    arms = {r.arm: r.parameters["strategy"] for r in study.runs if parameters_of(r) == largest}
    found = {}
    for name, weights in declared(study).differences.items():
        if len(weights) == 2 and set(weights) <= set(arms):
            one, other = sorted(weights, key=lambda arm: -weights[arm])
            if arms[one] == "hybrid":
                found[arms[other]] = name
    if not found:
        raise ValueError(
            f"study {study.name!r} declares no difference of hybrid at its largest size"
        )
    return found
