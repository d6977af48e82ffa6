"""What the pages of studies with folders of rows have in common: tables and their place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hbtlib.study.project import project_folder


def filterable(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table that the site lets one sort and filter (docs/_static/tables.js).

    Args:
        heads: the heads of its columns.
        lines: the cells of each line, as many as heads.

    Returns:
        The table in MyST Markdown.
    """
    whole = [heads, ["---"] * len(heads), *lines]
    body = "\n".join("| " + " | ".join(line) + " |" for line in whole)
    return f"```{{table}}\n:class: filterable\n\n{body}\n```\n"


def write(study: str, text: str) -> Path:
    """Writes the page of a study.

    Args:
        study: its name, which is the page's too.
        text: what stands there.

    Returns:
        The file.
    """
    file = project_folder() / "docs" / "results" / f"{study}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file
