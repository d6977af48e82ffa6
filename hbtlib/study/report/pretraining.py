"""Tables and sentences of 21-pretraining: mixing batches beside stages of pre-training."""

from __future__ import annotations

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.data.benchmark import SETTINGS
from hbtlib.study.report.family import of_subject
from hbtlib.study.report.reader import Reader
from hbtlib.study.report.tables import (
    BY_BOTH,
    GROUPS,
    group_words,
    is_sure,
    mean_and_sd,
    over_pairs,
    spread,
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

FIRST, SECOND = "pretraining", "training"
"""The stages of a run, as `hbtlib.study.stages` has them, which imports torch; a test compares."""

FORGOTTEN = 0.01
"""A setting is said to be forgotten if the mean mAP falls by more than this from its highest."""


def curves(reader: Reader) -> pd.DataFrame:
    """Every run's score in each setting while it trained.

    Args:
        reader: the study on one benchmark, whose runs have a `curve_every`.

    Returns:
        arm, seed, stage, step, tokens (the mean over the arm's seeds, so that they can be drawn in
        one line), languages, setting, metric, value. The second stage begins with the last row of
        the first one, if there is a first one.
    """
    table = reader.collect("curves")
    place = ["arm", "stage", "step"]
    mean = table.groupby(place)["tokens"].transform("mean").round().astype("int64")
    columns = ["seed", "tokens", "languages", "setting", "metric", "value"]
    return table.assign(tokens=mean)[[*place, *columns]].reset_index(drop=True)


def tokens(curves: pd.DataFrame) -> pd.DataFrame:
    """How many tokens each arm read.

    Args:
        curves: `curves`' table.

    Returns:
        arm, `first stage` and `second stage` (in millions), total, and `of the most`: the total as
        a share of the arm that read the most.
    """
    ends = curves.groupby(["arm", "stage"], sort=False)["tokens"].max().unstack()
    ends = ends.reindex(columns=[FIRST, SECOND]).fillna(0) / 1e6
    table = pd.DataFrame(
        {
            "first stage": ends[FIRST],
            "second stage": ends[SECOND] - ends[FIRST],
            "total": ends[SECOND],
        }
    )
    table["of the most"] = table["total"] / table["total"].max()
    return table.loc[list(dict.fromkeys(curves["arm"]))].rename_axis("arm").reset_index()


def tokens_shown(table: pd.DataFrame) -> Styler:
    """The tokens as a table.

    Args:
        table: `tokens`' table.
    """
    style = table.style.hide().format(precision=2)
    return style.format("{:.0%}", subset=["of the most"])


def tokens_says(table: pd.DataFrame, allowed: float = 0.03) -> Markdown:
    """Which arms read as many tokens.

    Args:
        table: `tokens`' table.
        allowed: by what share two arms may differ and still be said to read as many.

    Returns:
        The sentences; arms that read fewer are named with their share.
    """
    alike = table[table["of the most"] >= 1 - allowed]
    fewer = table[table["of the most"] < 1 - allowed]
    said = [
        f"{counted(len(alike), 'arm reads', 'arms read')} "
        f"{number(alike['total'].min(), digits=2)} to {number(alike['total'].max(), digits=2)} "
        "million tokens."
    ]
    if len(fewer):
        parts = [f"{row['arm']} ({row['of the most']:.0%})" for row in fewer.to_dict("records")]
        said.append(f"Fewer, as a share of the most, are read by {listed(parts)}.")
    return sentences(said)


def scores(reader: Reader) -> pd.DataFrame:
    """Every run's mAP in each setting: macro averages over pairs of query language and pool.

    Args:
        reader: the study on one benchmark.

    Returns:
        `tables.over_pairs`' columns: languages, setting, metric, arm, seed, value.
    """
    found = over_pairs(reader.measured())
    return found[found["metric"] == "mAP"].reset_index(drop=True)


def scores_shown(seeds: pd.DataFrame) -> Styler:
    """The scores as a table, mean ± standard deviation over seeds.

    Args:
        seeds: `scores`' table.

    Returns:
        The styled table: arm × (languages, setting).
    """
    return summary(seeds).style


def summary(seeds: pd.DataFrame) -> pd.DataFrame:
    """Mean ± standard deviation over seeds, as texts: arm × (languages, setting).

    Args:
        seeds: `scores`' table.
    """
    table = mean_and_sd(seeds).pivot(index="arm", columns=["languages", "setting"], values="text")
    order = [key for key in _keys() if key in table.columns]
    return table.loc[list(dict.fromkeys(seeds["arm"])), order]


def scores_says(seeds: pd.DataFrame) -> Markdown:
    """Which arm is best in which setting, and by how much.

    Args:
        seeds: `scores`' table.

    Returns:
        A sentence for each setting and group of languages.
    """
    said = []
    for (group, setting), part in _by_setting(seeds):
        means = part.groupby("arm", sort=False)["value"].mean().sort_values(ascending=False)
        best = leading(means)
        then = [f", then {arm} ({number(value)})" for arm, value in means.drop(best).items()]
        said.append(
            f"{setting}, languages {group_words(group)}: {listed(best)} {are(best)} best "
            f"({number(means[best[0]])}){then[0] if then else ''}."
        )
    return bullets(said)


def forgotten(curves: pd.DataFrame) -> pd.DataFrame:
    """What each arm had in each setting at its best, and what of that it has lost in the end.

    Args:
        curves: `curves`' table.

    Returns:
        arm, languages, setting, best (the highest mean over seeds), at (the share of the tokens at
        which that was), end, lost (best − end), low and high (the lowest and the highest loss among
        the seeds).
    """
    rows = []
    for (group, setting), part in _by_setting(curves):
        for arm, mine in part.groupby("arm", sort=False):
            wide = mine.pivot(index="tokens", columns="seed", values="value")
            read, means = wide.index.to_numpy(float), wide.mean(axis=1).to_numpy()
            best = int(means.argmax())
            lost = wide.iloc[best] - wide.iloc[-1]
            row = {"arm": arm, "languages": group, "setting": setting}
            row |= {"best": means[best], "at": read[best] / max(read[-1], 1.0), "end": means[-1]}
            rows.append({**row, "lost": lost.mean(), "low": lost.min(), "high": lost.max()})
    return pd.DataFrame(rows)


def forgotten_shown(table: pd.DataFrame) -> Styler:
    """What is forgotten as a table.

    Args:
        table: `forgotten`'s table.
    """
    return table.style.hide().format(precision=3).format("{:.0%}", subset=["at"])


def curves_says(table: pd.DataFrame) -> Markdown:
    """Which arms forget what, and when.

    Args:
        table: `forgotten`'s table.

    Returns:
        A sentence for each arm: the settings in which it lost more than `FORGOTTEN`.
    """
    said = []
    for arm, part in table.groupby("arm", sort=False):
        losses = part[part["lost"] > FORGOTTEN]
        parts = [
            f"{number(row['lost'])} of {number(row['best'])} in the {row['setting']} setting, "
            f"languages {group_words(row['languages'])} (highest after {row['at']:.0%} of the "
            "tokens)"
            for row in losses.to_dict("records")
        ]
        said.append(f"{arm} loses {listed(parts)}." if parts else f"{arm} forgets nothing.")
    return bullets(said)


def change(curves: pd.DataFrame) -> float:
    """Where the second stage begins: half of the tokens of the arm that read the most.

    Args:
        curves: `curves`' table.
    """
    return float(curves["tokens"].max()) / 2


def answer(effects: pd.DataFrame, seeds: pd.DataFrame, subject: str = "hybrid") -> Markdown:
    """Against which stages of pre-training mixing is better, and where.

    Args:
        effects: `family.effects`' table, whose differences are the subject minus another arm.
        seeds: `scores`' table.
        subject: the arm that is set against the others.

    Returns:
        For each setting: what the subject scores, which arms it is better or worse than (by
        question and by unit), and which it cannot be told from.
    """
    rows = of_subject(effects[effects["metric"] == "mAP"], subject).assign(sure=is_sure)
    said = []
    for (group, setting), part in _by_setting(rows):
        sure = part[part["sure"]]
        better = list(sure[sure["difference"] > 0]["other"])
        worse = list(sure[sure["difference"] < 0]["other"])
        open_ = list(part[~part["sure"]]["other"])
        groups = {"is better than": better, "is worse than": worse, "cannot be told from": open_}
        has = seeds[(seeds["languages"] == group) & (seeds["setting"] == setting)]
        values = has.loc[has["arm"] == subject, "value"]
        level = spread(values.mean(), values.std())
        found = "; ".join(f"{words} {listed(arms)}" for words, arms in groups.items() if arms)
        said.append(f"{setting}, languages {group_words(group)}: {subject} ({level}) {found}.")
    return Markdown(f"{bullets(said)}\n\nBetter and worse: {BY_BOTH}.")


def _keys() -> list[tuple[str, str]]:
    """Groups of languages and settings, in the usual order."""
    return [(group, setting) for group in GROUPS for setting in SETTINGS]


def _by_setting(table: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """The rows of each group of languages and setting that the table has, in the usual order."""
    parts = dict(list(table.groupby(["languages", "setting"], sort=False)))
    return [(key, parts[key]) for key in _keys() if key in parts]
