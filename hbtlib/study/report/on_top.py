"""Tables and sentences of 16-on-top: how to train on top of the language-neutral map."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.study.averaged import SHARES, averages_file
from hbtlib.study.report.reader import Reader
from hbtlib.study.report.tables import cell
from hbtlib.study.report.trade_off import AS_IT_IS, MEASURES, four, run_scores
from hbtlib.study.report.words import Markdown, bullets, listed, number, sentences
from hbtlib.study.studies import Study

START = "no training"
BASE = "60 steps"
SEMANTIC = "semantic-language"
ALLOWED_LOSS = 0.005
"""How much monolingual mAP a way of training may cost, against the map alone."""


def average_name(arm: str, share: float) -> str:
    """What an average of weights before and after a training is called, such as `0.4 of 60 steps`.

    Args:
        arm: the way of training.
        share: of the trained weights.
    """
    return f"{share:g} of {arm}"


def _averages_path(arm: str) -> dict[str, str]:
    """The averages of one training, from the first weights to the trained ones."""
    between = {f"{share:g}".lstrip("0"): average_name(arm, share) for share in SHARES}
    return {"0": START, **between, "1": arm}


PATHS: dict[str, dict[str, str]] = {
    "steps": {
        "0": START,
        "15": "15 steps",
        "30": "30 steps",
        "60": BASE,
        "120": "120 steps",
    },
    "steps of semantic-language": {
        "0": START,
        "60": SEMANTIC,
        "120": "semantic-language 120 steps",
    },
    "share of hybrid's weights": _averages_path(BASE),
    "share of semantic-language's weights": _averages_path(SEMANTIC),
    "distillation": {
        "0": BASE,
        "3": "distillation 3",
        "10": "distillation 10",
        "30": "distillation 30",
    },
    "α": {"0": "alpha 0", ".25": "alpha 0.25", ".5": BASE, ".75": "alpha 0.75"},
    "learning rate": {"⅓": "third learning rate", "1": BASE, "3": "triple learning rate"},
}
"""What is varied → the value, as the picture writes it → the arm."""


def scores(study: Study, benchmark: str) -> pd.DataFrame:
    """The four scores of every way of training, averages of weights among them.

    Args:
        study: the study.
        benchmark: one of its benchmarks.

    Returns:
        arm and the columns of `MEASURES`, macro averages over all pairs of languages; and `loss`,
        what the monolingual mAP lost against the map alone.
    """
    of_runs = run_scores(study.runs, benchmark)
    rows = of_runs[of_runs["map"] == AS_IT_IS].drop(columns=["map", "seed"])
    table = pd.concat([rows, _averages(study.name, benchmark)], ignore_index=True)
    start = table.loc[table["arm"] == START, "monolingual"].iloc[0]
    return table.assign(loss=start - table["monolingual"])


def _averages(study: str, benchmark: str) -> pd.DataFrame:
    """The scores of the averages of weights, if they were measured."""
    file = averages_file(study)
    if not file.exists():
        return pd.DataFrame()
    table = pd.read_csv(file)
    arms = sorted(set(table["arm"]))
    if arms != [BASE, SEMANTIC]:
        raise ValueError(
            f"{file} has averages of {listed(arms)}, and not of {BASE!r} and {SEMANTIC!r}: make it "
            f"again with `python -m hbtlib.study.averaged {study} RUN RUN`, with these two runs"
        )
    names = [average_name(*row) for row in table[["arm", "share"]].itertuples(index=False)]
    by_name = table.groupby(names, sort=False)
    rows = [{"arm": name, **four(part, benchmark)} for name, part in by_name]
    return pd.DataFrame(rows)


def shown(table: pd.DataFrame) -> Styler:
    """The scores as a table.

    Args:
        table: `scores`' table.

    Returns:
        The styled table, an arm a row.
    """
    wide = table.set_index("arm")
    return wide.style.format(cell).format("{:+.3f}", subset=["loss"])


def paths(study: Study) -> pd.DataFrame:
    """The ways of training as paths, as `hbt.plots.training_paths` draws them.

    Args:
        study: the study.

    Returns:
        panel (a benchmark), path (what is varied), label (its value), monolingual, bias (the rank
        distance); of arms that were measured.
    """
    rows = []
    for benchmark in study.benchmarks:
        of_arm = scores(study, benchmark).set_index("arm")
        for path, steps in PATHS.items():
            for label, arm in steps.items():
                if arm in of_arm.index:
                    row: Any = of_arm.loc[arm]
                    point = {"monolingual": row["monolingual"], "bias": row["rank distance"]}
                    rows.append({"panel": benchmark, "path": path, "label": label, **point})
    return pd.DataFrame(rows)


def paths_says(table: pd.DataFrame) -> Markdown:
    """What each step further along a path costs and gives.

    Args:
        table: `paths`' table.

    Returns:
        A sentence for each benchmark and path: from its first point to its last.
    """
    said = []
    for (panel, path), part in table.groupby(["panel", "path"], sort=False):
        if len(part) < 2:
            continue
        first, last = (part.to_dict("records")[i] for i in (0, -1))
        said.append(
            f"{panel}, {path} from {first['label']} to {last['label']}: monolingual mAP "
            f"{number(last['monolingual'] - first['monolingual'], signed=True)}, rank distance "
            f"{number(last['bias'] - first['bias'], signed=True)}."
        )
    return bullets(said)


def chosen(table: pd.DataFrame) -> str:
    """The way of training that is the default: declared before the runs were made.

    Of those that cost less than `ALLOWED_LOSS` of the monolingual mAP it has the highest mAP in the
    pool of all languages; if all cost more, it is the one that costs least.

    Args:
        table: `scores`' table of the benchmark that is chosen by.

    Returns:
        The arm.
    """
    trained = table[table["arm"] != START].set_index("arm")
    cheap = trained[trained["loss"] < ALLOWED_LOSS]
    if cheap.empty:
        return str(trained["loss"].idxmin())
    return str(cheap["multilingual"].idxmax())


def answer(reader: Reader, chosen_by: str) -> Markdown:
    """Which way of training is best, and what it is worth on a benchmark it was not chosen by.

    Args:
        reader: the study on the benchmark that results are read on.
        chosen_by: the benchmark that the way is chosen by.

    Returns:
        The sentences.
    """
    arm = chosen(scores(reader.study, chosen_by))
    table = scores(reader.study, reader.benchmark).set_index("arm")
    row, start = table.loc[arm].to_dict(), table.loc[START].to_dict()
    gains = [
        f"{name} {number(row[name])} ({number(row[name] - start[name], signed=True)})"
        for name in MEASURES
        if pd.notna(row[name])
    ]
    cheap = [way for way, lost in table["loss"].items() if lost < ALLOWED_LOSS and way != START]
    return sentences(
        [
            f"Chosen on {chosen_by}: {arm}.",
            f"On {reader.benchmark} it gives {listed(gains)}, where the change is against the map "
            "alone.",
            f"There {len(cheap)} of {len(table) - 1} ways of training cost less than "
            f"{ALLOWED_LOSS:g} of the monolingual mAP.",
        ]
    )
