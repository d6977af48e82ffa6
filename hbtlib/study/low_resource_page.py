"""The page docs/results/low-resource.md, from results/low-resource and its two further studies.

`python -m hbtlib.study.low_resource_page` writes it; a test says when it has to be written again.
Until the runs are made, the page says so and has no number of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hbtlib.study.config import load
from hbtlib.study.project import project_folder
from hbtlib.study.report import low_resource as report
from hbtlib.study.report.reader import Reader
from hbtlib.study.report.tables import is_sure
from hbtlib.study.report.tuning import by_learning_rate
from hbtlib.study.report.words import number
from hbtlib.study.results import has_table
from hbtlib.study.runs import Run

STUDY = "low-resource"
PRETRAINED = "low-resource-pretrained"
TUNING = "low-resource-tuning"

HEAD = """# low-resource: where training data are scarce

*Where training data are scarce, does mixing batches serve retrieval better than an adversary that
takes language out of the vectors?* Training data are AfriQA's questions in eight African
languages, two to three and a half hundred each, with passages in English or French alone, and
XNLI's pairs in English, French and Swahili; evaluated are AfriQA's test questions, Belebele's
passages in English, Swahili, Bengali and Telugu, and TyDiQA-GoldP in the latter three. Bengali
and Telugu are never trained on. The encoder is [the small one](../guide/encoders.md), trained
from scratch.

- **Arms.** `hybrid`, `x-y` and `x-x`; *adversarial*: InfoNCE with a discriminator of languages
  whose gradient is turned round (weight λ = 3, which `rivals-tuning` chose on WorldFacts; other
  weights are below), on batches of two languages a pair, and once on x-x; `1-to-2` and
  `semantic-language`; and the encoder before any training (`none`). All trained arms have the same
  ids, steps, batch size, learning rates and temperature, and five seeds (the adversary's other
  weights three).
- **What an arm can see.** A strategy decides in which language a text of an id is met. AfriQA's
  passages have one language each, so batches of one language a pair can ask of them in English
  and French alone; batches of two ask in the African language. The notebook counts what the
  batches of each arm held.
- **Scarcer still.** Swahili stays in 30, 10 and 3 % of its ids (`pairs_options: {xnli: {shares:
  {sw: 0.1}}}`, [`hbt.thin_out`](../guide/data.md#less-of-a-language)); for one
  seed, the ids of a smaller share are among those of every larger one.
- **Tests.** The differences were declared in `notebooks/studies/low-resource.yaml` before the
  runs; on each benchmark all of them are one family (Holm).

`make study STUDY=low-resource-sweep` makes the other weights of the adversary and `make study
STUDY=low-resource` the rest, with the notebook; this page is then made by `python -m
hbtlib.study.low_resource_page`. `make study STUDY=low-resource-pretrained` trains the main arms
on multilingual-e5-small and MiniLM, one seed each.
"""

TUNED = """## How the learning rate was chosen

One learning rate serves all arms, tuned on AfriQA's dev questions with `x-x`, `x-y` and `hybrid`,
one seed each. The mean mAP over arms and settings:

{table}
The study uses 0.0001: from there down nothing more is gained, because what learns then is the table
of tokens, at its own rate of 0.01. A lower and a higher rate of that table were tried, too, and
neither is better ([all of it](../../results/low-resource-tuning/summary.csv)).
"""

BEFORE_TESTED = """The declared differences, languages trained on, mAP; a star as above:
"""

WAITING = """## The runs are not made yet

This page has no numbers before they are.
"""

NOTEBOOKS = """## The executed notebooks

```{toctree}
:maxdepth: 1
:glob:

../notebooks/low-resource/*
```
"""


def page() -> str:
    """Returns the page.

    Returns:
        Markdown.
    """
    study = load(STUDY)
    sweep = load(study.rivals).runs if study.rivals else ()
    if not are_made((*study.runs, *sweep)):
        return f"{HEAD}\n{WAITING}"
    parts = [HEAD, "## In short\n"]
    readers = [Reader(STUDY, benchmark) for benchmark in study.benchmarks]
    # As the notebook and `significance_command` wrote them: anew they take a minute a benchmark.
    tests = {r.benchmark: pd.read_csv(r.committed("significance.csv")) for r in readers}
    curves = {reader.benchmark: report.scarcity(reader) for reader in readers}
    for reader in readers:
        name = reader.benchmark
        said = report.answer(reader, tests[name], curves[name])
        parts.append(f"- **{name}.** {said}")
    parts += ["", "## What each arm saw\n", f"{report.seen_says(report.seen(readers[0]))}\n"]
    parts.append(_tuned())
    for reader in readers:
        parts += _of_benchmark(reader, tests[reader.benchmark], curves[reader.benchmark])
    parts += _pretrained(readers)
    if any((project_folder() / "results" / STUDY / "notebooks").glob("*.ipynb")):
        parts.append(NOTEBOOKS)
    return "\n".join(parts).rstrip() + "\n"


def are_made(runs: Sequence[Run]) -> bool:
    """Whether all of these runs left their scores.

    Args:
        runs: the runs.
    """
    return all(has_table(run, "metrics") for run in runs)


def _tuned() -> str:
    """The part on the learning rate, with what every rate scored."""
    table = by_learning_rate(TUNING).sort_values("learning_rate")
    rates = table["learning_rate"].map(np.format_float_positional)
    lines = [[rate, number(score)] for rate, score in zip(rates, table["mAP"], strict=True)]
    return TUNED.format(table=_table(["learning rate", "mAP"], lines))


def _pretrained(readers: Sequence[Reader]) -> list[str]:
    """The part on encoders that were trained before; nothing before a run of theirs is made."""
    parts = []
    for reader in readers:
        found = report.pretrained(PRETRAINED, reader.benchmark)
        if found is None:
            continue
        columns = [f"{column[1]}, {column[0]}" for column in found.columns.to_list()]
        arms = found.index.get_level_values("arm")
        rows = [
            [str(arm), *map(number, values)]
            for arm, values in zip(arms, found.to_numpy(), strict=True)
        ]
        said = report.pretrained_says(found, PRETRAINED)
        parts.append(f"{reader.benchmark}, mAP:\n\n{_table(['arm', *columns], rows)}\n{said}\n")
        tests = reader.committed("low-resource-pretrained-significance.csv")
        if tests.exists():
            parts.append(f"{BEFORE_TESTED}\n{_tests(pd.read_csv(tests))}")
    return ["## Encoders that were trained before\n", *parts] if parts else []


def _of_benchmark(reader: Reader, tests: pd.DataFrame, curves: pd.DataFrame) -> list[str]:
    """The page's part on one benchmark: its scores, its tests, and what is said of them."""
    name = reader.benchmark
    return [
        f"## On {name}\n",
        f"{report.leaders_says(reader)}\n",
        _scores(reader),
        "### The adversary's weights\n",
        f"{report.sweep_says(report.sweep(reader))}\n",
        f"### {report.language_cut(reader.arms)} made scarcer\n",
        f"{report.scarcity_says(curves, report.language_cut(reader.arms))}\n",
        f"![mAP over the share of the language](../../figures/{STUDY}/{name}/"
        "low-resource-shares.png)\n",
        "### The declared tests\n",
        "Languages trained on, mAP. A star: p < .05 after Holm's correction, and the interval "
        "excludes 0; and both hold, without correction, where questions that share a passage are "
        "one unit.\n",
        _tests(tests),
    ]


def _scores(reader: Reader) -> str:
    """The scores of the arms that are trained on everything."""
    table = report.scores(reader, [report.METRIC])
    settings = [str(column[0]) for column in table.columns.to_list()]
    header = ["languages", "arm", *settings]
    rows = table.reset_index().fillna("").astype(str).to_numpy().tolist()
    return _table(header, rows)


def _tests(tests: pd.DataFrame) -> str:
    """The declared differences in mAP, of languages trained on."""
    rows = tests.assign(sure=is_sure(tests))
    rows = rows[(rows["metric"] == report.METRIC) & (rows["languages"] == "trained")]
    header = ["difference", "setting", "value [95 % interval]", "questions"]
    cells = [
        [
            str(row["contrast"]),
            str(row["setting"]),
            f"{number(row['difference'], signed=True)}{' ★' if row['sure'] else ''} "
            f"[{number(row['low'], signed=True)}, {number(row['high'], signed=True)}]",
            f"{row['n_questions']:,}",
        ]
        for row in rows.to_dict("records")
    ]
    return _table(header, cells)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def write_page() -> Path:
    """Writes the page.

    Returns:
        The file.
    """
    file = project_folder() / "docs" / "results" / f"{STUDY}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page(), encoding="utf-8")
    return file


if __name__ == "__main__":
    print(write_page())
