"""HTML for notebooks: what Jupyter shows of an object, with every text in it escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

_CARD = "border:1px solid #bbb;border-radius:4px;padding:6px 10px;display:inline-block"
_CELL = "text-align:left;vertical-align:top;padding:1px 14px 1px 0"


def card(
    kind: str, name: str, facts: Mapping[str, object], rows: Sequence[Sequence[object]] = ()
) -> str:
    """Writes what there is to know of an object as a small box.

    Args:
        kind: What the object is, such as `Benchmark`.
        name: What it is called.
        facts: Each fact's name and value. A whole number gets commas; a fact whose value is empty
            is left out.
        rows: A table under the facts; its first row is the heading.

    Returns:
        HTML in which everything given is text: no tag of it is one.

    Example:
        >>> "&lt;b&gt;" in card("Pairs", "<b>", {"ids": 3})
        True
    """
    known = [(label, said(value)) for label, value in facts.items() if said(value)]
    body = "".join(
        f'<tr><th style="{_CELL}">{escape(label)}</th><td style="{_CELL}">{escape(text)}</td></tr>'
        for label, text in known
    )
    head = f"<b>{escape(kind)}</b> {escape(name)}"
    return (
        f'<div style="{_CARD}"><div>{head}</div><table style="margin:4px 0"><tbody>{body}</tbody>'
        f"</table>{table(rows) if rows else ''}</div>"
    )


def table(rows: Sequence[Sequence[object]]) -> str:
    """Writes a table.

    Args:
        rows: Its rows of values; the first is the heading.

    Returns:
        HTML in which every value is text.
    """
    head, *body = rows
    lines = [_row("th", head), *(_row("td", row) for row in body)]
    return f'<table style="margin:4px 0"><tbody>{"".join(lines)}</tbody></table>'


def _row(tag: str, values: Iterable[object]) -> str:
    """Writes a row of a table."""
    cells = (f'<{tag} style="{_CELL}">{escape(said(value))}</{tag}>' for value in values)
    return f"<tr>{''.join(cells)}</tr>"


def said(value: object) -> str:
    """Writes a value as a text.

    Args:
        value: A text, a number, a truth value, a list or a mapping; None is an empty text.

    Returns:
        The text, such as `10,362`, `de en` or `too long: 3`.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {said(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(said, value))
    return str(value)


def cut(text: str, longest: int = 120) -> str:
    """Shortens a text to one line of at most so many characters.

    Args:
        text: The text.
        longest: The most characters.

    Returns:
        The text, with `…` at its end where something was cut off.
    """
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"
