"""Our numbers in the form of the published study's tables, beside them, and the picture of what those show."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from pandas.io.formats.style import Styler

from hbtlib.study import study as studies
from hbtlib.data.benchmark import SETTINGS
from hbtlib.evaluation.metrics import measure
from hbtlib.plots.style import Figure, canvas
from hbtlib.study.published import (
    AVERAGES,
    CELL,
    FORMS,
    LOWER,
    METRICS,
    NAMES,
    ROW,
    as_printed,
    paper_tables,
    place,
)

MODELS = {
    "FacebookAI/xlm-roberta-base": "xlm-r",
    "xlm-roberta-base": "xlm-r",
    "sentence-transformers/LaBSE": "labse",
}
DATASETS = {
    "miracl": "miracl-dev"
}  # what the paper calls an encoder and a benchmark of ours; others keep their names
BETTER, EQUAL, WORSE = (
    "#1B7837",
    "#777777",
    "#762A83",
)  # hybrid against another: the ends of `plots.differences`'s palette
# What stands right of `picture`: where (0 to 1 is the panel), and its colour.
_COUNTS = {
    "against": (1.09, "black"),
    "wins": (1.2, BETTER),
    "ties": (1.285, EQUAL),
    "losses": (1.38, WORSE),
}


def ours(study: studies.Study, benchmark: str) -> pd.DataFrame:
    """The study's numbers on a benchmark as `paper_tables` has them: dataset, model, setting, metric, language, strategy,
    value. Recomputed from the runs' ranks: a mean over queries, over seeds and, for each query language, over the pools of
    the setting; then the `mean` and `median` over query languages. `strategy` is the arm (less its encoder, which is the
    `model`, called as the paper calls it where it is one of its two). Raises FileNotFoundError naming missing runs.
    """
    parts = []
    for run in study.runs:
        ranks = studies.collect(replace(study, runs=(run,)), "ranks", benchmark)
        encoder = str(run.parameters["encoder"])
        strategy = ", ".join(part for part in run.arm.split(", ") if part != f"encoder {encoder}")
        parts.append(
            measure(ranks, METRICS).assign(model=MODELS.get(encoder, encoder), strategy=strategy)
        )
    measured = pd.concat(parts).rename(columns={"query_language": "language"})
    pools = measured.groupby([*CELL[1:], "pool"], sort=False)["value"].mean()  # over seeds
    rows = pools.groupby(CELL[1:], sort=False).mean().reset_index()
    over = rows.groupby([k for k in CELL[1:] if k != "language"], sort=False)["value"]
    tidy = pd.concat(
        [rows, *(over.agg(name).reset_index().assign(language=name) for name in AVERAGES)],
        ignore_index=True,
    )
    return tidy.assign(dataset=DATASETS.get(benchmark, benchmark))[[*CELL, "value"]]


def beside(mine: pd.DataFrame, tables: Iterable[int]) -> Styler:
    """`ours` in the form of these published tables, and where there is one the published value beside each number, and the
    difference ours − published, coloured about 0: green where ours is better. `.data` is the plain table. There is a
    published value where dataset, encoder and strategy are the paper's; where the languages evaluated are not, only for a
    single language in the monolingual setting (pools and means are others). ValueError: `mine` has nothing of this form.
    """
    published = pd.concat(map(paper_tables, tables)).drop(columns="table")
    single = ~published["language"].isin(AVERAGES)
    known = paper_tables().query("dataset in @mine['dataset']")
    same = set(known["language"]) - {*AVERAGES} == set(mine["language"]) - {*AVERAGES}
    mine = mine.merge(published[["setting", "metric"]].drop_duplicates())
    mine = mine[
        mine["language"].isin(published["language"])
        | (bool(single.any()) & ~mine["language"].isin(AVERAGES))
    ]
    if mine.empty:
        forms = " and ".join(dict.fromkeys(published["setting"] + " " + published["metric"]))
        raise ValueError(f"these measures have nothing of the form of the published table: {forms}")
    theirs = published if same else published[single & (published["setting"] == "monolingual")]
    both = mine.merge(theirs, on=CELL, how="left", suffixes=("", "_theirs"))
    numbers = {
        "ours": both["value"],
        "published": both["value_theirs"],
        "difference": both["value"] - both["value_theirs"],
    }
    wide = as_printed(
        pd.concat([both.assign(of=of, value=value) for of, value in numbers.items()]).dropna(
            subset="value"
        )
    )

    style = wide.style
    down = "metric" in wide.index.names
    labels = wide.index if down else wide.columns
    for metric in labels.unique("metric"):
        chosen = labels[labels.get_level_values("metric") == metric]
        rows, columns = (chosen, wide.columns) if down else (wide.index, chosen)
        form, palette = (",.1f", "PRGn_r") if metric == LOWER else (".4f", "PRGn")
        style.format(f"{{:{form}}}", na_rep="", subset=(rows, columns))
        if "of" in wide.columns.names:
            gaps = rows, columns[columns.get_level_values("of") == "difference"]
            limit = np.nanmax(np.abs(wide.loc[gaps].to_numpy()), initial=0) or 1.0
            style.format(f"{{:+{form}}}", na_rep="", subset=gaps)
            style.background_gradient(palette, subset=gaps, axis=None, vmin=-limit, vmax=limit)
    return style


def forms(mine: pd.DataFrame) -> dict[str, Styler]:
    """`beside` for every one of `FORMS` that `ours` has something of."""
    asked = {
        name: pd.concat(map(paper_tables, tables))[["setting", "metric"]]
        for name, tables in FORMS.items()
    }
    return {
        name: beside(mine, FORMS[name]) for name, rows in asked.items() if len(mine.merge(rows))
    }


def picture(gains: pd.DataFrame, baseline: str = "better of the two") -> Figure:
    """`gaps` drawn: a row a data set, encoder, setting and metric; a dot a language, at hybrid minus the baseline: green
    where hybrid is better, purple where it is worse; the bar is the mean; the outermost languages are named. Right of it the
    baseline's strategy, and in how many languages hybrid wins, ties and loses. Rank distances, in ranks, have a panel of
    their own, its axis reversed: right is better everywhere. Raises ValueError for a baseline that is none.
    """
    if baseline not in set(gains["baseline"]):
        raise ValueError(
            f"no baseline {baseline!r} here; there are {', '.join(dict.fromkeys(gains['baseline']))}"
        )
    order = place(*NAMES, *SETTINGS, *METRICS, *gains[ROW[1:]].to_numpy().ravel())
    chosen = gains[gains["baseline"] == baseline].sort_values(
        ROW[1:], key=lambda names: names.map(order), kind="stable"
    )
    ranks = chosen["metric"] == LOWER
    both = {
        "metric, 0 to 1": chosen[~ranks],
        "rank distance, in ranks; axis reversed": chosen[ranks],
    }
    panels = {unit: part for unit, part in both.items() if len(part)}
    rows = [
        part.groupby(ROW).ngroups + part.groupby(["dataset", "model"]).ngroups
        for part in panels.values()
    ]
    figure, grid = canvas(7.2, 1.0 + 0.19 * sum(rows), len(panels), 1, height_ratios=rows)
    for axes, (unit, part) in zip(grid.flat, panels.items(), strict=True):
        _dots(axes, part)
        axes.set_xlabel(f"hybrid − {baseline} ({unit})")
    heads = [
        (0.01, "◀ hybrid worse", WORSE, "left"),
        (0.99, "hybrid better ▶", BETTER, "right"),
        (0.5, "dot: a language, bar: mean", "#555555", "center"),
    ]
    for x, text, colour, side in [
        *heads,
        *((x, name, colour, "center") for name, (x, colour) in _COUNTS.items()),
    ]:
        grid[0, 0].text(
            x,
            1.0,
            text,
            color=colour,
            ha=side,
            va="bottom",
            fontsize=8,
            transform=grid[0, 0].transAxes,
        )
    return figure


def _dots(axes: Axes, part: pd.DataFrame) -> None:
    """One panel of `picture`: a heading a data set and encoder; for rank distances, of one setting, that alone."""
    ranks, across = part["metric"].iloc[0] == LOWER, axes.get_yaxis_transform()
    lines: list[str] = []  # from top to bottom: what stands left of each, nothing at a heading
    heading = ""
    for key, row in part.groupby(ROW[1:], sort=False):
        dataset, model, setting, metric = map(str, key)
        before, heading = heading, f"{NAMES.get(dataset, dataset)}, {NAMES.get(model, model)}"
        if heading != before and not ranks:
            axes.text(
                -0.01, len(lines), heading, weight="bold", ha="right", va="center", transform=across
            )
            lines.append("")
        y, gain, x = len(lines), row["gain"], row["difference"]
        lines.append(heading if ranks else f"{setting} {metric}")
        axes.axhline(y, color="#EEEEEE", lw=0.8, zorder=0)
        axes.scatter(
            x,
            [y] * len(row),
            s=20,
            c=np.select([gain > 0, gain < 0], [BETTER, WORSE], EQUAL),
            alpha=0.65,
            lw=0,
        )
        axes.plot([x.mean()] * 2, [y - 0.38, y + 0.38], color="black", lw=2, zorder=3)
        worst, best = (
            row.sort_values("gain", kind="stable")[["language", "difference"]]
            .iloc[[0, -1]]
            .to_numpy()
        )
        for (name, end), side, align in ((worst, -5, "right"), (best, 5, "left")):
            axes.annotate(
                name,
                (end, y),
                (side, 0),
                textcoords="offset points",
                fontsize=6.5,
                color="#555555",
                ha=align,
                va="center",
            )
        shown = (
            " ".join(dict.fromkeys(row["against"])),
            (gain > 0).sum(),
            (gain == 0).sum(),
            (gain < 0).sum(),
        )
        for text, (at, colour) in zip(shown, _COUNTS.values(), strict=True):
            axes.text(
                at,
                y,
                str(text),
                color=colour,
                ha="center",
                va="center",
                transform=across,
                fontsize=8,
            )
    axes.axvline(0, color="black", lw=0.8, zorder=1)
    axes.set_yticks([y for y, line in enumerate(lines) if line], [line for line in lines if line])
    axes.tick_params(axis="y", length=0)
    axes.set(ylim=(len(lines) - 0.4, -0.6))
    axes.margins(x=0.08)
    if ranks:
        axes.invert_xaxis()
