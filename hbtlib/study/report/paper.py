"""Tables and sentences of 10-paper: the published study, examined again, and ours beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.evaluation.metrics import by_training
from hbtlib.sampling.plan import BatchPlan
from hbtlib.study.paper.tables import AVERAGES, DISTANCE, NAMES, ROW
from hbtlib.study.report.reader import Reader
from hbtlib.study.report.words import Markdown, bullets, counted, listed, number, sentences

BETTER = "better of the two"
COUNTED = ["rows", "better", "wins", "ties", "losses", "sign", "wilcoxon"]
LOSSES = ["dataset", "model", "setting", "metric", "against", "difference"]
LOSSES += ["wins", "ties", "losses", "loses_in", "p_sign_holm"]


def published_says(published: pd.DataFrame) -> Markdown:
    """How many numbers the paper prints.

    Args:
        published: `hbt.paper_tables`' table.

    Returns:
        The sentence.
    """
    single = ~published["language"].isin(AVERAGES)
    tables = ", ".join(map(str, published["table"].unique()))
    return Markdown(
        f"{len(published):,} published numbers are read, {single.sum():,} of them of one query "
        f"language, from the tables {tables}."
    )


def recomputed(published: pd.DataFrame) -> pd.DataFrame:
    """Every printed mean and median beside the same computed from its rows.

    Args:
        published: `hbt.paper_tables`' table.

    Returns:
        The printed averages with again (computed here), and sound: whether the two agree to the
        last digit that is printed.
    """
    keys = [*ROW, "strategy"]
    single = published[~published["language"].isin(AVERAGES)]
    again = single.groupby(keys)["value"].agg(list(AVERAGES)).reset_index()
    again = again.melt(keys, var_name="language", value_name="again")
    both = published.merge(again, on=[*keys, "language"])
    half_digit = both["metric"].map({DISTANCE: 0.05}).fillna(0.00005)
    gap = (both["again"] - both["value"]).abs()
    return both.assign(sound=gap <= half_digit + 1e-9)


def recomputed_says(table: pd.DataFrame) -> Markdown:
    """Whether the printed averages are those of their rows.

    Args:
        table: `recomputed`'s table.

    Returns:
        The sentence.
    """
    wrong = int((~table["sound"]).sum())
    if not wrong:
        return Markdown(f"All {len(table)} printed averages are those of their rows.")
    return Markdown(f"{wrong} of {len(table)} printed averages are not those of their rows.")


def gains_says(gains: pd.DataFrame) -> Markdown:
    """In how many rows hybrid's mean is the better one, against the better of the other two.

    Args:
        gains: `hbt.paper.gaps`' table.

    Returns:
        The sentence.
    """
    chosen = gains[gains["baseline"] == BETTER]
    means = chosen.groupby(ROW, sort=False)["gain"].mean()
    cells = chosen["gain"]
    return Markdown(
        f"Hybrid's mean is the better one in {(means > 0).sum()} of {len(means)} rows; of "
        f"{counted(len(cells), 'comparison')} in a single language it wins {(cells > 0).sum()}, "
        f"ties {(cells == 0).sum()} and loses {(cells < 0).sum()}."
    )


def with_direction(tests: pd.DataFrame) -> pd.DataFrame:
    """The tests with a column that says whether hybrid is better on average.

    Args:
        tests: `hbt.paper.reexamine`'s table.

    Returns:
        The same with better (a rank distance is better when lower).
    """
    lower = tests["metric"] == DISTANCE
    return tests.assign(better=tests["difference"].where(~lower, -tests["difference"]) > 0)


def counts(tests: pd.DataFrame) -> pd.DataFrame:
    """Hybrid against each baseline, counted over each dataset.

    Args:
        tests: `with_direction`'s table.

    Returns:
        (baseline, dataset): rows, better on average, wins, ties, losses, and how many rows are
        significant by the sign test and by Wilcoxon's.
    """
    sign, wilcoxon = tests["p_sign_holm"] < 0.05, tests["p_wilcoxon_holm"] < 0.05
    flags = tests.assign(rows=1, sign=sign, wilcoxon=wilcoxon)
    table = flags.groupby(["baseline", "dataset"], sort=False)[COUNTED].sum()
    return table.rename(columns={"better": "better on average", "wilcoxon": "Wilcoxon"})


def against_better(tests: pd.DataFrame) -> pd.DataFrame:
    """The tests against the better of the other two, those with the most losses first.

    Args:
        tests: `with_direction`'s table.

    Returns:
        These rows.
    """
    chosen = tests[tests["baseline"] == BETTER]
    return chosen.sort_values("losses", ascending=False, kind="stable")


def against_better_shown(better: pd.DataFrame) -> Styler:
    """Where hybrid loses, as a table.

    Args:
        better: `against_better`'s table.

    Returns:
        The styled table.
    """
    rank: Any = better.index[better["metric"] == DISTANCE]
    other: Any = better.index[better["metric"] != DISTANCE]
    style = better[LOSSES].style.hide().format({"p_sign_holm": "{:.3f}"})
    style = style.format("{:+.4f}", subset=(other, ["difference"]))
    return style.format("{:+.1f}", subset=(rank, ["difference"]))


def against_better_says(better: pd.DataFrame) -> Markdown:
    """Which row hybrid loses most clearly.

    Args:
        better: `against_better`'s table.

    Returns:
        The sentences.
    """
    worst: Any = better.iloc[0]
    losing = int((better["losses"] > better["wins"]).sum())
    name = f"{NAMES.get(worst['dataset'])}, {NAMES.get(worst['model'])}, {worst['setting']}"
    return sentences(
        [
            f"Hybrid loses in more languages than it wins in {losing} of {len(better)} rows.",
            f"It loses most languages, {worst['losses']}, in {name} {worst['metric']}, against "
            f"{worst['against']}.",
        ]
    )


def ours_says(mine: pd.DataFrame, published: pd.DataFrame, reader: Reader) -> Markdown:
    """What ours are, and how many published numbers are of the same thing.

    Args:
        mine: `hbt.paper.ours`' table.
        published: `hbt.paper_tables`' table.
        reader: the study on one benchmark.

    Returns:
        The sentences.
    """
    keys = ["dataset", "model", "setting", "metric", "language", "strategy"]
    matched = len(mine.merge(published, on=keys))
    encoders, strategies = (", ".join(mine[c].unique()) for c in ("model", "strategy"))
    return sentences(
        [
            f"The tables are of the study {reader.study.name} on {reader.benchmark}; encoder: "
            f"{encoders}; strategies: {strategies}.",
            f"{matched} published numbers are of the same dataset, encoder, strategy and language"
            f"{'' if matched else ', so none stands beside ours'}.",
        ]
    )


def check_means(mine: pd.DataFrame, reader: Reader) -> None:
    """Checks that the laid out tables have the means that the runs' own metrics have.

    Args:
        mine: `hbt.paper.ours`' table.
        reader: the study on one benchmark.

    Raises:
        ValueError: where they differ.
    """
    measured = by_training(reader.collect("metrics"), reader.trained)
    asked = (measured["setting"] != "cross-lingual") & (measured["metric"] == "mAP")
    means = measured[asked].groupby(["arm", "setting"])["value"].mean()
    rows = (mine["setting"] != "cross-lingual") & (mine["metric"] == "mAP")
    laid_out = mine[rows & (mine["language"] == "mean")]["value"]
    if abs(laid_out.sum() - means.sum()) >= 1e-9:
        raise ValueError(
            f"the tables of {reader.study.name} on {reader.benchmark} do not have the means that "
            "the runs' metrics have: are ranks.parquet and metrics.parquet of the same runs?"
        )


def write_tables(reader: Reader, tables: Mapping[str, Styler], notebook: str) -> str:
    """Writes the tables in the paper's forms as Markdown.

    Args:
        reader: the study on one benchmark.
        tables: `hbt.paper.forms`' tables by the form's name.
        notebook: the notebook that makes it.

    Returns:
        The file's name.
    """
    head = (
        f"{reader.study.question}\n\n{reader.benchmark}; means over seeds; made by "
        f"notebooks/{notebook}.ipynb.\n\n"
    )
    plain: list[str] = []
    for name, table in tables.items():
        data: Any = getattr(table, "data")  # noqa: B009
        plain.append(f"## In the form of {name}\n\n" + data.round(4).to_markdown())
    target = reader.file("paper-tables.md")
    target.write_text(head + "\n\n".join(plain) + "\n", encoding="utf-8")
    return target.name


def batches(plan: BatchPlan, count: int, pairs: int) -> pd.DataFrame:
    """The first pairs of the first batches, as `hbt.plots.batch_picture` draws them.

    Args:
        plan: the batches.
        count: how many batches.
        pairs: how many pairs of each.

    Returns:
        batch, kind, query_language, passage_language.
    """
    rows = []
    for t in range(count):
        batch = plan[t]
        for i in range(pairs):
            languages = batch.query_languages[i], batch.passage_languages[i]
            rows.append((t, batch.kind, *languages))
    return pd.DataFrame(rows, columns=["batch", "kind", "query_language", "passage_language"])


def batches_says(drawn: pd.DataFrame) -> Markdown:
    """How many of the drawn pairs have one language on both sides.

    Args:
        drawn: `batches`' table.

    Returns:
        The sentence.
    """
    same = (drawn["query_language"] == drawn["passage_language"]).mean()
    kinds = drawn.drop_duplicates("batch")["kind"].value_counts()
    parts = listed(
        f"{count} {'is' if count == 1 else 'are'} {kind}" for kind, count in kinds.items()
    )
    return Markdown(
        f"Of these {kinds.sum()} batches {parts}; {same:.0%} of the pairs are in one language."
    )


def answer(tests: pd.DataFrame) -> Markdown:
    """What the published tables bear out: the notebook's answer.

    Args:
        tests: `with_direction`'s table.

    Returns:
        The sentences.
    """
    better = tests[tests["baseline"] == BETTER]
    wins = int((better["wins"] > better["losses"]).sum())
    sign = int((better["p_sign_holm"] < 0.05).sum())
    wilcoxon = int((better["p_wilcoxon_holm"] < 0.05).sum())
    said = [
        f"Against the better of the other two, hybrid is better on average in "
        f"{better['better'].sum()} of {len(better)} rows and wins in more languages than it loses "
        f"in {wins}.",
        f"After Holm's correction {sign} (sign test) and {wilcoxon} (Wilcoxon) of these "
        "differences are significant.",
    ]
    for dataset, rows in better.groupby("dataset", sort=False):
        scores = rows[rows["metric"] != DISTANCE]["difference"]
        said.append(
            f"{NAMES[str(dataset)]}: the mean difference is "
            f"{number(scores.min(), signed=True, digits=4)} to "
            f"{number(scores.max(), signed=True, digits=4)}, and hybrid is better on average in "
            f"{rows['better'].sum()} of {len(rows)} rows."
        )
    return bullets([*said, *_miracl(tests)])


def _miracl(tests: pd.DataFrame) -> list[str]:
    """MIRACL's nDCG@10 against x-x-mono and against the ceiling, a sentence an encoder."""
    asked = (tests["dataset"] == "miracl-dev") & (tests["metric"] == "nDCG@10")
    chosen = tests[asked & tests["baseline"].isin(["x-x-mono", "better in each language"])]
    rows: Any = chosen.itertuples()
    return [
        f"MIRACL nDCG@10, {NAMES[row.model]}: against {row.baseline} the difference is "
        f"{number(row.difference, signed=True, digits=4)}, with {row.wins} wins, "
        f"{row.ties} ties and {row.losses} losses."
        for row in rows
    ]
