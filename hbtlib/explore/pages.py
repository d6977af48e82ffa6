"""The explorer's pictures: tables as HTML that reads at the width of a desk or of a phone.

Every text is escaped. Colour never stands alone: a language has its code in its colour, a relevant
passage a tick, so that a page without styles (as GitHub shows it) says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import to_hex, to_rgb

from hbtlib.data.benchmark import SETTINGS
from hbtlib.explore.cutoffs import names
from hbtlib.explore.questions import Texts
from hbtlib.explore.rankings import why
from hbtlib.markup import cut
from hbtlib.plots.style import language_colours, short
from hbtlib.plots.tables import star

STYLE = """<style>
.hbt{font:14px/1.4 system-ui,-apple-system,"Segoe UI",sans-serif;color:#1b1b1b;background:#fff;
 padding:8px;box-sizing:border-box;max-width:100%}
.hbt *{box-sizing:border-box}
.hbt p{margin:0 0 8px}
.hbt-sides{display:flex;flex-wrap:wrap;gap:12px 24px}
.hbt-side{flex:1 1 320px;min-width:0}
.hbt-arm{font-weight:700;border-bottom:2px solid #444;margin-bottom:4px}
.hbt-row{display:flex;gap:8px;padding:4px 6px 4px 0;border-left:4px solid transparent}
.hbt-right{border-left-color:#1B7837;background:#eef6ef}
.hbt-rank{flex:0 0 3.2em;text-align:right;font-variant-numeric:tabular-nums;color:#444}
.hbt-body{min-width:0;overflow-wrap:anywhere}
.hbt-lang{display:inline-block;min-width:2.2em;padding:0 4px;border-radius:3px;color:#fff;
 text-align:center;font-size:12px;line-height:1.5}
.hbt-why{font-size:12px;color:#555}
.hbt-gap{color:#666;font-size:12px;padding:2px 6px}
.hbt-wide{overflow-x:auto;max-width:100%}
.hbt table{border-collapse:collapse;margin:0 0 8px;font-size:13px}
.hbt th,.hbt td{padding:2px 6px;text-align:right;font-variant-numeric:tabular-nums}
.hbt th{font-weight:600;background:none}
.hbt .hbt-text{text-align:left;overflow-wrap:anywhere;min-width:9em}
.hbt .hbt-heat td{padding:3px 2px;min-width:2.3em;text-align:center;font-size:12px}
.hbt .hbt-heat th{padding:2px;text-align:center;font-size:12px}
.hbt td.hbt-at,.hbt th.hbt-at{background:#fff1c2;font-weight:700}
.hbt-batch{margin:0 0 6px}
.hbt-boxes{display:flex;flex-wrap:wrap;gap:3px}
.hbt-pair{display:inline-flex;border-radius:3px;overflow:hidden}
.hbt-pair .hbt-lang{border-radius:0;min-width:2em}
.hbt-bar{display:inline-block;height:10px;vertical-align:middle;background:#4477AA}
.hbt-note{color:#555;font-size:12px}
</style>"""


def page(*parts: str) -> str:
    """Puts parts of a page together, with their style."""
    return f'{STYLE}<div class="hbt">{"".join(parts)}</div>'


def paragraph(text: str, kind: str = "") -> str:
    """A sentence; an empty one is nothing."""
    css = f' class="{kind}"' if kind else ""
    return f"<p{css}>{escape(text)}</p>" if text else ""


def badge(language: str, trained: Sequence[str] = ()) -> str:
    """A language's code in its colour, with a star if it was never trained on."""
    colour = to_hex(language_colours([language])[language])
    shown = escape(star(language, trained))
    return f'<span class="hbt-lang" style="background:{colour}">{shown}</span>'


def text_of(text: str, language: str) -> str:
    """A text in its language, set in the direction of its script."""
    return f'<span dir="auto" lang="{escape(language)}">{escape(text)}</span>'


def question_page(texts: Texts, question: str, language: str, trained: Sequence[str]) -> str:
    """The question that is looked at, in the language it is asked in and in English.

    Args:
        texts: The texts of the benchmark.
        question: The question's id.
        language: The language it is asked in.
        trained: The languages trained on.

    Returns:
        A part of a page.
    """
    _, asked = texts.query(question, language)
    parts = [f"<p><b>{escape(question)}</b> {badge(language, trained)} {text_of(asked, language)}"]
    label = texts.labels[question]
    if language != "en" and label != asked and not texts.missing:
        parts.append(f'<br><span class="hbt-note">{escape(label)}</span>')
    return "".join([*parts, "</p>", paragraph(texts.missing, "hbt-note")])


def rankings_page(
    tables: Mapping[str, pd.DataFrame],
    passages: Mapping[str, str],
    trained: Sequence[str],
    said: Iterable[str] = (),
) -> str:
    """Rankings of one query, one a column; on a phone one under the other.

    Args:
        tables: arm → `joint_ranking`'s table.
        passages: passage_id → text; an id without a text stands for itself.
        trained: The languages trained on.
        said: A sentence for each arm.

    Returns:
        A part of a page.
    """
    sides = []
    for (arm, table), sentence in zip(tables.items(), [*said] or [""] * len(tables), strict=True):
        rows = [f'<div class="hbt-arm">{escape(arm)}</div>', paragraph(sentence, "hbt-note")]
        before = 0.0
        for _, row in table.iterrows():
            left_out = row["rank"] - before - 1
            if left_out >= 1:
                rows.append(f'<div class="hbt-gap">… {left_out:,.0f} not relevant …</div>')
            before = row["rank"]
            rows.append(_passage(row, passages, trained))
        sides.append(f'<div class="hbt-side">{"".join(rows)}</div>')
    return f'<div class="hbt-sides">{"".join(sides)}</div>'


def _passage(row: pd.Series, passages: Mapping[str, str], trained: Sequence[str]) -> str:
    """One passage of a ranking: rank, language, text, and why it is there."""
    text = cut(passages.get(row["passage_id"], row["passage_id"]), 220)
    mark, kind = ("✓ relevant · ", " hbt-right") if row["relevant"] else ("", "")
    return (
        f'<div class="hbt-row{kind}"><div class="hbt-rank">{row["rank"]:,.6g}.</div>'
        f'<div class="hbt-body">{badge(row["language"], trained)} '
        f"{text_of(text, row['language'])}"
        f'<div class="hbt-why">{mark}{escape(why(row))}</div></div></div>'
    )


def shade(value: float, highest: float) -> tuple[str, str]:
    """The colours of a cell of a heatmap, as in `hbt.plots.heatmap`: its ground and its text.

    Args:
        value: The value; NaN is grey.
        highest: The value at the end of the scale, which begins at 0.

    Returns:
        Two colours as CSS writes them.
    """
    if pd.isna(value):
        return "#eeeeee", "#777777"
    ground = to_hex(colormaps["cividis"](min(value / highest, 1.0) if highest > 0 else 0.0))
    red, green, blue = to_rgb(ground)
    is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
    return ground, "#ffffff" if is_dark else "#000000"


def heatmap_page(grid: pd.DataFrame, trained: Sequence[str], highest: float, chosen: str) -> str:
    """A heatmap: a row a query language, a column a pool.

    Args:
        grid: `cells.heatmap`'s table.
        trained: The languages trained on.
        highest: The value at the end of the scale.
        chosen: What it shows, such as `mAP of hybrid`.

    Returns:
        A part of a page.
    """
    head = "".join(f"<th>{escape(star(pool, trained))}</th>" for pool in grid.columns)
    lines = [f"<tr><th></th>{head}</tr>"]
    for language, row in grid.iterrows():
        cells = []
        for value in row:
            ground, text = shade(value, highest)
            shown = "–" if pd.isna(value) else short(value)
            cells.append(f'<td style="background:{ground};color:{text}">{shown}</td>')
        lines.append(f"<tr><th>{escape(star(str(language), trained))}</th>{''.join(cells)}</tr>")
    note = "A row is the language one asks in, a column the passages searched."
    if any(star(code, trained) != code for code in grid.index):
        note += " * never trained on."
    return (
        f'<p><b>{escape(chosen)}</b></p><div class="hbt-wide"><table class="hbt-heat">'
        f"{''.join(lines)}</table></div>{paragraph(note, 'hbt-note')}"
    )


def worst_page(
    worst: pd.DataFrame, texts: Texts, arms: Sequence[str], metric: str, shown: int = 10
) -> str:
    """The questions behind a cell, the worst first.

    Args:
        worst: `cells.cell_questions`' table; with another arm, that of `cells.compared`.
        texts: The texts of the benchmark.
        arms: The arm it is of and perhaps the other.
        metric: The metric.
        shown: How many questions.

    Returns:
        A part of a page.
    """
    columns = [("value", "rank"), ("other_value", "other_rank")][: len(arms)]
    head = "".join(
        f"<th>{escape(arm)}<br>{escape(metric)}</th><th>first<br>rank</th>" for arm in arms
    )
    lines = [f'<tr><th class="hbt-text">question</th>{head}</tr>']
    for _, row in worst.head(shown).iterrows():
        label = escape(texts.labels.get(row["question_id"], row["question_id"]))
        cells = "".join(
            f"<td>{_or_dash(row[value], 3)}</td><td>{_or_dash(row[rank], 0)}</td>"
            for value, rank in columns
        )
        lines.append(f'<tr><td class="hbt-text">{label}</td>{cells}</tr>')
    return f'<div class="hbt-wide"><table>{"".join(lines)}</table></div>'


def _or_dash(value: float, digits: int) -> str:
    return "–" if pd.isna(value) else short(value, digits=digits) if digits else f"{value:,.0f}"


def batches_page(table: pd.DataFrame, counted: Mapping[str, float]) -> str:
    """Batches, a box a pair: the language of its query and of its passage.

    Args:
        table: `batches.batch_table`'s table.
        counted: `batches.shares`' result.

    Returns:
        A part of a page.
    """
    lines = []
    for (number, kind), pairs in table.groupby(["batch", "kind"], sort=False):
        boxes = "".join(
            f'<span class="hbt-pair">{badge(query)}{badge(passage)}</span> '
            for query, passage in zip(
                pairs["query_language"], pairs["passage_language"], strict=True
            )
        )
        lines.append(
            f'<div class="hbt-batch"><div>batch {number:,}: {escape(str(kind))}</div>'
            f'<div class="hbt-boxes">{boxes}</div></div>'
        )
    note = "A box is a pair: the query's language, then the passage's."
    return f"{''.join(lines)}{paragraph(note, 'hbt-note')}{bars_page(counted)}"


def bars_page(counted: Mapping[str, float]) -> str:
    """Shares as bars.

    Args:
        counted: `batches.shares`' result.

    Returns:
        A part of a page.
    """
    labels = {
        "same language": "pairs in one language",
        "one language": "batches of one language alone",
    }
    lines = [
        f'<tr><td class="hbt-text">{escape(labels.get(name, f"batches of the kind {name}"))}</td>'
        f'<td>{share:.0%}</td><td class="hbt-text">'
        f'<span class="hbt-bar" style="width:{100 * share:.0f}px"></span></td></tr>'
        for name, share in counted.items()
    ]
    return f"<table>{''.join(lines)}</table>"


def cutoffs_page(
    by_arm: Mapping[str, pd.DataFrame], measure_name: str, cutoff: str, groups: Sequence[str]
) -> str:
    """A measure at every cut-off, the chosen one marked.

    Args:
        by_arm: arm → `cutoffs.by_cutoff`'s table.
        measure_name: The measure.
        cutoff: The cut-off that is chosen.
        groups: Which groups of languages are shown: `trained`, `unseen`.

    Returns:
        A part of a page.
    """
    columns = list(names(measure_name))
    heads = "".join(f"<th{_at(k, cutoff)}>{'all' if k == 'none' else k}</th>" for k in columns)
    parts = []
    for group in groups:
        settings = {s for table in by_arm.values() for g, s in table.index if g == group}
        title = "languages trained on" if group == "trained" else "one language never trained on"
        lines = []
        for setting in SETTINGS:
            if setting not in settings:
                continue
            lines.append(f'<tr><th class="hbt-text">{setting}</th>{heads}</tr>')
            for arm, table in by_arm.items():
                if (group, setting) in table.index:
                    row: Any = table.xs((group, setting))
                    cells = "".join(f"<td{_at(k, cutoff)}>{_cell(row[k])}</td>" for k in columns)
                    lines.append(f'<tr><td class="hbt-text">{escape(arm)}</td>{cells}</tr>')
        if lines:
            parts.append(f"<p><b>{escape(measure_name)}@k, {title}</b></p>")
            parts.append(f'<div class="hbt-wide"><table>{"".join(lines)}</table></div>')
    return "".join(parts)


def _at(column: str, chosen: str) -> str:
    return ' class="hbt-at"' if column == chosen else ""


def _cell(value: float) -> str:
    return "–" if pd.isna(value) else short(value)
