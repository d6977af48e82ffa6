"""The page docs/results/encoders.md: the table of language bias, from results/encoders.

`python -m hbtlib.study.encoders_page` writes it; a test says when it has to be written again.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from hbtlib.study import encoders, rows_page
from hbtlib.study.report import encoders as report

HEAD = """# Language bias of encoders

How strongly does an encoder prefer the language of the query, and what does one linear map change?
Every row is an encoder on a benchmark, as it is or after a map that `hbt.neutralise` fitted in
seconds on {texts}: *leace* (needs no parallel texts, changes
as little as it can) or *translations* (keeps what translations have in common, does more).
Nothing was trained, no benchmark's text was seen, and no language is named when a text is embedded.

This page is made by `python -m hbtlib.study.encoders_page` from `results/encoders/`, whose CSV
files have all digits, intervals and chance levels; the executed notebook below has the pictures.
`make encoders ENCODER=…` adds the rows of a folder, of a model on the hub, of a packaged encoder,
or of a function `module:function` from a list of texts to vectors (see [the
guide](../guide/encoders.md#the-table-of-language-bias)).
"""

READ = """## How to read it

- *mAP*: mean average precision. Monolingual: the pool of passages is in the query's language.
  Cross-lingual: in one other language. Multilingual: all languages are in one pool.
- *rank distance*: how many ranks lie between the first and the last translation of the answer in
  the multilingual pool. *times chance*: that over the rank distance of a random ranking. An encoder
  that finds nothing across languages is near 1, so read it beside the cross-lingual mAP.
- *own language first*: how often the best-ranked translation of the answer is in the query's
  language.
- *own language in top 10*: how much of the ten best passages is in the query's language.
- *comes first*, *comes last*: the passage languages that are favoured most and least, with their
  mean place among translations (in brackets what it would be without bias).
- A dash: the benchmark has no translations of its answers, so that nothing can be said.
"""


NOTEBOOK = """## The executed notebook

```{toctree}
:maxdepth: 1
:glob:

../notebooks/encoders/*
```
"""


def page() -> str:
    """Returns the page.

    Returns:
        Markdown.

    Raises:
        ValueError: if no encoder has rows.
    """
    scores, changes = encoders.collect("scores"), encoders.collect("changes")
    abouts = encoders.abouts()
    texts = dict.fromkeys(
        f"{row['texts_a_language']} texts of each of {len(row['text_languages'].split())} "
        f"languages ({row['texts']})"
        for _, row in abouts.iterrows()
        if row["texts_a_language"]
    )
    parts = [
        HEAD.format(texts=" or ".join(texts) or "texts, where an encoder has vectors"),
        "## In short\n",
        f"{report.answer(scores, changes)}\n",
        "## The table\n",
        _main_table(scores),
        READ,
        "## What the map changes\n",
        "The difference after minus before, with its 95 % interval over the same questions.\n",
        _changes_table(changes),
        "## The encoders\n",
        _about_table(abouts),
        _note(abouts),
        NOTEBOOK,
    ]
    return "\n".join(part for part in parts if part)


def _main_table(scores: pd.DataFrame) -> str:
    """A row an encoder, benchmark and map."""
    values = report.wide(scores)
    places = report.first_passage_language(encoders.collect("favoured"))
    columns = [column for column in report.COLUMNS if column.head in values]
    rows = []
    for key, row in zip(values.index.tolist(), values.to_dict("records"), strict=True):
        cells = [report.text(row[column.head], column) for column in columns]
        place = places.loc[key] if key in places.index else None
        said = [report.ABSENT] * 2 if place is None else [place["first"], place["last"]]
        rows.append([*key, *cells, *said])
    names = ["encoder", "benchmark", "map", *values.columns, "comes first", "comes last"]
    return rows_page.filterable(names, rows)


def _changes_table(changes: pd.DataFrame) -> str:
    """A row an encoder and benchmark."""
    columns = [column for column in report.COLUMNS if column.measure != "rank-distance"]
    rows = []
    keys = ["encoder", "benchmark", "map"]
    for (encoder, benchmark, which), found in changes.groupby(keys, sort=False):
        by = {(row["measure"], row["setting"]): row for _, row in found.iterrows()}
        cells = [_change(by.get((column.measure, column.setting))) for column in columns]
        rows.append([str(encoder), str(benchmark), str(which), *cells])
    return rows_page.filterable(
        ["encoder", "benchmark", "map", *(column.head for column in columns)], rows
    )


def _change(row: pd.Series | None) -> str:
    if row is None:
        return report.ABSENT
    value, low, high = (
        f"{row[name]:+.3f}".replace("-", "−").replace("0.", ".", 1)
        for name in ("change", "low", "high")
    )
    return f"{value} [{low}, {high}]"


def _about_table(abouts: pd.DataFrame) -> str:
    """A row an encoder."""
    sizes = encoders.collect("benchmarks")
    spent = sizes.groupby("encoder")[["texts_embedded", "seconds"]].sum().to_dict("index")
    rows = []
    for name, about in abouts.to_dict("index").items():
        texts, seconds = spent[name]["texts_embedded"], spent[name]["seconds"]
        parameters = about["parameters"]
        rows.append(
            [
                str(name),
                str(about["kind"]),
                report.ABSENT if pd.isna(about["dimension"]) else str(about["dimension"]),
                report.ABSENT if pd.isna(parameters) else f"{parameters / 1e6:,.1f} million",
                str(about["precision"]),
                str(about["version"]),
                f"{seconds:,.0f} s for {texts:,.0f}" if texts > 0 else report.ABSENT,
            ]
        )
    heads = ["encoder", "kind", "dimension", "parameters", "precision", "version", "texts embedded"]
    return rows_page.filterable(heads, rows)


def _note(abouts: pd.DataFrame) -> str:
    """Says which encoders are not quite the published ones."""
    few_bits = abouts[abouts["precision"].str.contains("bit") & ~abouts["precision"].eq("float32")]
    if few_bits.empty:
        return ""
    said = ", ".join(f"{name} has {row['precision']}" for name, row in few_bits.iterrows())
    return (
        f"{said}: their vectors are near those of the published models, not equal to them. Times "
        "are of one thread of a processor that had other work too.\n"
    )


def write_page() -> Path:
    """Writes the page.

    Returns:
        The file.
    """
    return rows_page.write(encoders.STUDY, page())


if __name__ == "__main__":
    print(write_page())
