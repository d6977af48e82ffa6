"""The published study (arXiv 2408.10536): its tables, our numbers in their form beside them, and what they show.

The numbers stand in results/paper/tables.csv. Its multilingual recall, printed under "R@1", is R@10.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hbtlib import study as studies
from hbtlib.data.benchmark import SETTINGS
from hbtlib.metrics import measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas.io.formats.style import Styler

    from hbtlib.plots import Figure

STRATEGIES = ("x-x-mono", "x-y", "hybrid")
METRICS = ("mAP", "R@1", "R@10", "nDCG@10", "R@100", "rank-distance")
DERIVED: dict[int, tuple[int, ...]] = {1: (3, 4, 5, 6, 12, 13), 2: (7, 8)}
"""The paper's tables that are the mean rows of others."""

FORMS: dict[str, tuple[int, ...]] = {"Table 1": (1,), "Table 2": (2,), "Tables 3–6": (3, 4, 5, 6), "Tables 7 and 8": (7, 8),
                                     "Tables 12 and 13": (12, 13)}
"""Its tables of one form: the means, the mean rank distances, by query language in three settings, the rank distance by
query language, and one language at a time."""

MODELS = {"FacebookAI/xlm-roberta-base": "xlm-r", "xlm-roberta-base": "xlm-r", "sentence-transformers/LaBSE": "labse"}
DATASETS = {"miracl": "miracl-dev"}
"""What the paper calls an encoder and a benchmark of ours; others keep their names."""

NAMES = {"xquad-r": "XQuAD-R", "mlqa-r": "MLQA-R", "miracl-dev": "MIRACL", "xlm-r": "XLM-R", "labse": "LaBSE"}
BASELINES = ("x-x-mono", "x-y", "better of the two", "better in each language")
"""What hybrid is set against. `better of the two`: the one of x-x-mono and x-y with the better mean of the row, which one
could have trained instead. `better in each language`: the better of the two in every language anew, which no one strategy
is, and whose lead is in part chance (the larger of two noisy numbers): a ceiling."""

LOWER_IS_BETTER = "rank-distance"
ROW = ["table", "dataset", "model", "setting", "metric"]
CELL = ["dataset", "model", "setting", "metric", "language", "strategy"]
AVERAGES = ("mean", "median")
BETTER, EQUAL, WORSE = "#1B7837", "#777777", "#762A83"
"""Hybrid against another: the ends of the palette that `plots.differences` uses."""


def paper_tables(table: int | None = None) -> pd.DataFrame:
    """The published numbers, one a row: table, dataset, model, setting, metric, language, strategy, value.

    table: one of the paper's (1 to 8, 12, 13); None: all that are not derived. `language` is the query's, or `mean` and
    `median` as printed. Values are between 0 and 1, rank distances in ranks (lower is better). Tables 1 and 2 are derived:
    the mean rows of tables 3 to 6, 12 and 13 (mAP and recall; nDCG@10 and R@100), and those of 7 and 8 (rank distance).
    Raises ValueError for another table.
    """
    tables = pd.read_csv(studies.ROOT / "results" / "paper" / "tables.csv", dtype={"table": int, "value": float})
    if table is None:
        return tables
    if table in DERIVED:
        means = tables[tables["table"].isin(DERIVED[table]) & (tables["language"] == "mean")]
        return means.assign(table=table).reset_index(drop=True)
    if table not in set(tables["table"]):
        known = sorted({*DERIVED, *tables["table"]})
        raise ValueError(f"no published table {table!r} here; there are {', '.join(map(str, known))}")
    return tables[tables["table"] == table].reset_index(drop=True)


def ours(study: studies.Study, benchmark: str) -> pd.DataFrame:
    """The study's numbers on a benchmark as `paper_tables` has them: dataset, model, setting, metric, language, strategy,
    value.

    Recomputed from the runs' ranks: a mean over queries, over seeds and, for each query language, over the pools of the
    setting; then the `mean` and `median` over query languages. `strategy` is the arm (less its encoder, which is the
    `model`, called as the paper calls it where it is one of its two). Raises FileNotFoundError naming missing runs.
    """
    parts = []
    for run in study.runs:
        ranks = studies.collect(replace(study, runs=(run,)), "ranks", benchmark)
        encoder = str(run.parameters["encoder"])
        strategy = ", ".join(part for part in run.arm.split(", ") if part != f"encoder {encoder}")
        parts.append(measure(ranks, METRICS).assign(model=MODELS.get(encoder, encoder), strategy=strategy))
    measured = pd.concat(parts).rename(columns={"query_language": "language"})
    keys = ["model", "setting", "metric", "language", "strategy"]
    pools = measured.groupby([*keys, "pool"], sort=False)["value"].mean()  # over seeds
    rows = pools.groupby(keys, sort=False).mean().reset_index()
    over = rows.groupby([k for k in keys if k != "language"], sort=False)["value"]
    averages = [over.agg(name).reset_index().assign(language=name) for name in AVERAGES]
    tidy = pd.concat([rows, *averages], ignore_index=True)
    return tidy.assign(dataset=DATASETS.get(benchmark, benchmark))[[*CELL, "value"]]


def as_printed(tidy: pd.DataFrame) -> pd.DataFrame:
    """A table laid out as the paper prints it: query languages down (mean and median last), settings × metrics × strategies
    across; of means alone (Tables 1 and 2) datasets, settings and metrics down, strategies across.

    tidy: `paper_tables` or `ours`, of one dataset where it is by language. Several models stand beside each other, and so
    do, with a column `of`, several numbers of one thing. Raises ValueError for several datasets.
    """
    means = set(tidy["language"]) == {"mean"}
    index, columns = (["dataset", "setting", "metric"], ["model", "strategy"]) if means else (
        ["language"], ["model", "setting", "metric", "strategy"])
    datasets = tidy["dataset"].unique()
    if not means and len(datasets) > 1:
        raise ValueError(f"a table by query language is of one dataset; this is of {', '.join(datasets)}")
    wide = tidy.pivot(index=index, columns=[*columns, *(["of"] if "of" in tidy else [])], values="value")
    as_they_come = tidy[~tidy["language"].isin(AVERAGES)][CELL].to_numpy().ravel()
    place = _place(*NAMES, *SETTINGS, *METRICS, *STRATEGIES, *as_they_come, *AVERAGES, "ours", "published", "difference")
    for axis in ("index", "columns"):
        wide = wide.sort_index(axis=axis, key=lambda labels: labels.map(place))  # type: ignore[call-overload]
    for level in ("model", "of"):
        if level in wide.columns.names and len(wide.columns.unique(level)) == 1:
            wide = wide.droplevel(level, axis="columns")
    return wide


def _place(*names: str) -> dict[str, int]:
    """Where each name stands: those named first come first."""
    return {name: at for at, name in enumerate(dict.fromkeys(names))}


def beside(mine: pd.DataFrame, tables: Iterable[int]) -> Styler:
    """`ours` in the form of these published tables, and where there is one the published value beside each number, and the
    difference ours − published, coloured about 0: green where ours is better. `.data` is the plain table.

    There is a published value where dataset, encoder and strategy are the paper's; where the languages evaluated are not
    the paper's as well, only for a single language in the monolingual setting (pools and means are others). Raises
    ValueError where `mine` has nothing of this form.
    """
    published = pd.concat([paper_tables(table) for table in tables]).drop(columns="table")
    single = ~published["language"].isin(AVERAGES)
    known = paper_tables().query("dataset in @mine['dataset']")
    same = set(known["language"]) - {*AVERAGES} == set(mine["language"]) - {*AVERAGES}
    mine = mine.merge(published[["setting", "metric"]].drop_duplicates())
    mine = mine[mine["language"].isin(published["language"]) | (bool(single.any()) & ~mine["language"].isin(AVERAGES))]
    if mine.empty:
        forms = " and ".join(dict.fromkeys(published["setting"] + " " + published["metric"]))
        raise ValueError(f"these measures have nothing of the form of the published table: {forms}")
    theirs = published if same else published[single & (published["setting"] == "monolingual")]
    both = mine.merge(theirs, on=CELL, how="left", suffixes=("", "_theirs"))
    numbers = {"ours": both["value"], "published": both["value_theirs"], "difference": both["value"] - both["value_theirs"]}
    wide = as_printed(pd.concat([both.assign(of=of, value=value) for of, value in numbers.items()]).dropna(subset="value"))

    style = wide.style
    labels = wide.index if "metric" in wide.index.names else wide.columns
    for metric in labels.unique("metric"):
        chosen = labels[labels.get_level_values("metric") == metric]
        rows, columns = (chosen, wide.columns) if labels is wide.index else (wide.index, chosen)
        lower, form = metric == LOWER_IS_BETTER, ",.1f" if metric == LOWER_IS_BETTER else ".4f"
        style.format(f"{{:{form}}}", na_rep="", subset=(rows, columns))
        if "of" in wide.columns.names:
            gaps = columns[columns.get_level_values("of") == "difference"]
            limit = np.nanmax(np.abs(wide.loc[rows, gaps].to_numpy()), initial=0) or 1.0
            style.format(f"{{:+{form}}}", na_rep="", subset=(rows, gaps))
            style.background_gradient("PRGn_r" if lower else "PRGn", subset=(rows, gaps), axis=None, vmin=-limit, vmax=limit)
    return style


def forms(mine: pd.DataFrame) -> dict[str, Styler]:
    """`beside` for every one of `FORMS` that `ours` has something of."""
    found = {}
    for name, tables in FORMS.items():
        asked = pd.concat([paper_tables(table) for table in tables])[["setting", "metric"]].drop_duplicates()
        if len(mine.merge(asked)):
            found[name] = beside(mine, tables)
    return found


def markdown(tables: Mapping[str, Styler]) -> str:
    """The tables of `forms` as Markdown, a heading each."""
    texts = []
    for name, style in tables.items():
        plain = style.data.copy()  # type: ignore[attr-defined]
        plain.columns = plain.columns.map(lambda labels: labels if isinstance(labels, str) else ", ".join(labels))
        digits = ".1f" if set(paper_tables(FORMS[name][0])["metric"]) == {LOWER_IS_BETTER} else ".4f"
        texts.append(f"## In the form of {name}\n\n" + plain.reset_index().to_markdown(index=False, floatfmt=digits))
    return "\n\n".join(texts) + "\n"


def gaps(tables: pd.DataFrame | None = None) -> pd.DataFrame:
    """Hybrid against each of `BASELINES`, language by language: `ROW`, baseline, against (the strategy or strategies it is),
    language, difference (hybrid − baseline, in the metric's unit), gain (the same, above 0 where hybrid is better: a rank
    distance is better when lower). tables: `paper_tables`, or any of that form; averages are left out.
    """
    tables = paper_tables() if tables is None else tables
    if missing := set(STRATEGIES) - set(tables["strategy"]):
        raise ValueError(f"these tables lack the strategy {min(missing)!r}; all of {', '.join(STRATEGIES)} are compared")
    wide = tables[~tables["language"].isin(AVERAGES)].pivot(index=[*ROW, "language"], columns="strategy", values="value")
    parts = []
    for key, rows in wide.groupby(level=ROW, sort=False):
        sign = -1 if key[-1] == LOWER_IS_BETTER else 1
        plain = sign * rows[["x-x-mono", "x-y"]]
        choices: tuple[Any, ...] = ("x-x-mono", "x-y", plain.mean().idxmax(), plain.idxmax(axis=1))
        for baseline, choice in zip(BASELINES, choices, strict=True):
            against = pd.Series(choice, index=rows.index)
            values = np.where(against == "x-y", plain["x-y"], plain["x-x-mono"])
            gain = (sign * rows["hybrid"] - values).round(6)  # exact again: the numbers are printed to four decimals
            parts.append(pd.DataFrame({"baseline": baseline, "against": against, "difference": sign * gain, "gain": gain}))
    return pd.concat(parts).reset_index()[[*ROW, "baseline", "against", "language", "difference", "gain"]]


def reexamine(tables: pd.DataFrame | None = None) -> pd.DataFrame:
    """Where hybrid wins and loses in the published numbers. A row a table, dataset, model, setting, metric and baseline:

    against: the baseline's strategy. difference: the mean over languages of hybrid − baseline, in the metric's unit. wins,
    ties, losses: languages in which hybrid is better, equal or worse (rank distances: better is lower). loses_in: those
    languages. p_sign: two-sided sign test, ties left out. p_wilcoxon: Wilcoxon's signed-rank test. _holm: adjusted (Holm
    1979) over all rows with this baseline. n_languages.

    Languages are not independent samples (one model, one set of questions translated into all of them), and a published
    strategy is one training run: the unit should be the question, and the paper publishes no numbers by question. So the
    tests say only what its tables can: whether hybrid is better in more languages than a coin would have it, were
    languages independent. Nor can few languages say much: with 7 the least p possible is .016, before any correction.
    """
    from scipy import stats

    from hbtlib.significance import holm

    @cache  # where languages tie it goes through all signs, and the better of the two mostly is one of the two
    def wilcoxon(*gain: float) -> float:
        return float(stats.wilcoxon(gain).pvalue)

    rows = []
    for key, part in gaps(tables).groupby([*ROW, "baseline"], sort=False):
        gain = part["gain"]
        wins, losses = int((gain > 0).sum()), int((gain < 0).sum())
        some = wins + losses > 0
        rows.append({**dict(zip([*ROW, "baseline"], key, strict=True)), "against": " ".join(sorted(set(part["against"]))),
                     "difference": part["difference"].mean(), "wins": wins, "ties": len(part) - wins - losses,
                     "losses": losses, "loses_in": " ".join(part.loc[gain < 0, "language"]),
                     "p_sign": stats.binomtest(wins, wins + losses).pvalue if some else 1.0,
                     "p_wilcoxon": wilcoxon(*gain[gain != 0]) if some else 1.0, "n_languages": len(part)})
    table = pd.DataFrame(rows)
    for test in ("p_sign", "p_wilcoxon"):
        adjusted = table.groupby("baseline", sort=False)[test].transform(lambda p: holm(p.to_numpy()))
        table.insert(list(table.columns).index(test) + 1, f"{test}_holm", adjusted)
    return table


def picture(gains: pd.DataFrame, baseline: str = "better of the two") -> Figure:
    """`gaps` drawn: a row a data set, encoder, setting and metric; a dot a language, at hybrid minus the baseline: green
    where hybrid is better, purple where it is worse; the bar is the mean; the outermost languages are named. Right of it the
    baseline's strategy, and in how many languages hybrid wins, ties and loses. Rank distances, in ranks, have a panel of
    their own, its axis reversed: right is better everywhere. Raises ValueError for a baseline that is none.
    """
    from hbtlib.plots import Figure

    if baseline not in set(gains["baseline"]):
        raise ValueError(f"no baseline {baseline!r} here; there are {', '.join(dict.fromkeys(gains['baseline']))}")
    place = _place(*NAMES, *SETTINGS, *METRICS, *gains[ROW[1:]].to_numpy().ravel())
    chosen = gains[gains["baseline"] == baseline].sort_values(ROW[1:], key=lambda names: names.map(place), kind="stable")
    ranks = chosen["metric"] == LOWER_IS_BETTER
    panels = {"metric, 0 to 1": chosen[~ranks], "rank distance, in ranks; axis reversed": chosen[ranks]}
    panels = {unit: part for unit, part in panels.items() if len(part)}
    rows = [len(part[ROW].drop_duplicates()) + len(part[["dataset", "model"]].drop_duplicates()) for part in panels.values()]
    figure = Figure(figsize=(7.2, 1.0 + 0.19 * sum(rows)), layout="constrained")
    grid = figure.subplots(len(panels), 1, squeeze=False, height_ratios=rows)[:, 0]
    for axes, (unit, part) in zip(grid, panels.items(), strict=True):
        _dots(axes, part)
        axes.set_xlabel(f"hybrid − {baseline} ({unit})")
    for x, text, colour, side in ((0.01, "◀ hybrid worse", WORSE, "left"), (0.99, "hybrid better ▶", BETTER, "right"),
                                  (0.5, "dot: a language, bar: mean", "#555555", "center"),
                                  (1.09, "against", "black", "center"), (1.205, "wins", BETTER, "center"),
                                  (1.27, "ties", EQUAL, "center"), (1.345, "losses", WORSE, "center")):
        grid[0].text(x, 1.0, text, color=colour, ha=side, va="bottom", fontsize=8, transform=grid[0].transAxes)
    return figure


def _dots(axes: Axes, part: pd.DataFrame) -> None:
    """One panel of `picture`: a heading a data set and encoder; for rank distances, of one setting, that alone."""
    ranks, across = part["metric"].iloc[0] == LOWER_IS_BETTER, axes.get_yaxis_transform()
    labels: dict[int, str] = {}
    y = 0
    for key, group in part.groupby(["dataset", "model"], sort=False):
        heading = ", ".join(NAMES.get(name, name) for name in map(str, key))
        if not ranks:
            axes.text(-0.01, y, heading, weight="bold", ha="right", va="center", transform=across)
            y += 1
        for (setting, metric), row in group.groupby(["setting", "metric"], sort=False):
            gain, x = row["gain"], row["difference"]
            labels[y] = heading if ranks else f"{setting} {metric}"
            axes.axhline(y, color="#EEEEEE", lw=0.8, zorder=0)
            colours = np.select([gain > 0, gain < 0], [BETTER, WORSE], EQUAL)
            axes.scatter(x, [y] * len(row), s=20, c=colours, alpha=0.65, lw=0)
            axes.plot([x.mean()] * 2, [y - 0.38, y + 0.38], color="black", lw=2, zorder=3)
            outermost = row.sort_values("gain", kind="stable").iloc[[0, -1]]
            for name, end, side, align in zip(outermost["language"], outermost["difference"], (-5, 5), ("right", "left"),
                                              strict=True):
                axes.annotate(name, (end, y), (side, 0), textcoords="offset points", fontsize=6.5, color="#555555", ha=align,
                              va="center")
            shown = (" ".join(dict.fromkeys(row["against"])), (gain > 0).sum(), (gain == 0).sum(), (gain < 0).sum())
            for at, text, colour in zip((1.09, 1.205, 1.27, 1.345), shown, ("black", BETTER, EQUAL, WORSE), strict=True):
                axes.text(at, y, str(text), color=colour, ha="center", va="center", transform=across, fontsize=8)
            y += 1
    axes.axvline(0, color="black", lw=0.8, zorder=1)
    axes.set_yticks(list(labels), list(labels.values()))
    axes.tick_params(axis="y", length=0)
    axes.set(ylim=(y - 0.4, -0.6))
    axes.margins(x=0.08)
    if ranks:
        axes.invert_xaxis()
