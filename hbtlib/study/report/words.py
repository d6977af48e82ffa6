"""How the notebooks' sentences are put together: numbers as text, lists of names, Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import pandas as pd


class Markdown(str):
    """A text that a notebook shows as prose. It is a plain string for everybody else."""

    __slots__ = ()

    def _repr_markdown_(self) -> str:
        """What Jupyter displays."""
        return str(self)


def number(value: float, *, signed: bool = False, digits: int = 3) -> str:
    """A score with three decimals, or a larger number with fewer.

    Args:
        value: the number; from 10 up (in absolute value) it has one decimal, from 100 up none.
        signed: whether a positive number bears its sign, as a difference does.
        digits: how many decimals a score has.

    Returns:
        The text, such as `0.373`, `8,131` or `+0.112`.

    Example:
        >>> from hbtlib.study.report.words import number
        >>> number(0.3734), number(8131.4), number(0.112, signed=True)
        ('0.373', '8,131', '+0.112')
    """
    if math.isnan(value):
        return "not measured"
    sign = "+" if signed else ""
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else digits
    text = f"{value:{sign},.{decimals}f}"
    if not text.strip("+-0.,"):  # nothing but zeros: it neither rose nor fell
        text = text.lstrip("+-")
    return text.replace("-", "−")


def listed(names: Iterable[object]) -> str:
    """Names as an English list.

    Args:
        names: what to list, in order.

    Returns:
        The text; `none` for an empty list.

    Example:
        >>> from hbtlib.study.report.words import listed
        >>> listed(["de"]), listed(["de", "en", "zh"])
        ('de', 'de, en and zh')
    """
    texts = [str(name) for name in names]
    if len(texts) < 2:
        return texts[0] if texts else "none"
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def counted(count: int, singular: str, plural: str = "") -> str:
    """A count with its noun.

    Args:
        count: how many there are.
        singular: the noun for one.
        plural: the noun for any other number; by default the singular with an s.

    Returns:
        The text, such as `1 seed` or `3 seeds`.

    Example:
        >>> from hbtlib.study.report.words import counted
        >>> counted(1, "seed"), counted(1250, "query", "queries")
        ('1 seed', '1,250 queries')
    """
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def lowest(values: pd.Series) -> tuple[str, float]:
    """The lowest of several named values.

    Args:
        values: numbers, whose index names them.

    Returns:
        The first name with the lowest value, and the value.
    """
    return str(values.idxmin()), float(values.min())


def highest(values: pd.Series) -> tuple[str, float]:
    """The highest of several named values.

    Args:
        values: numbers, whose index names them.

    Returns:
        The first name with the highest value, and the value.
    """
    return str(values.idxmax()), float(values.max())


def leading(values: pd.Series, *, lower_is_best: bool = False) -> list[str]:
    """Who leads: all names whose value, as sentences write it, is the best.

    Args:
        values: numbers, whose index names them.
        lower_is_best: whether the lowest value is the best, as of a rank distance.

    Returns:
        The names, in their order; several where they cannot be told apart as written.

    Example:
        >>> import pandas as pd
        >>> from hbtlib.study.report.words import leading
        >>> leading(pd.Series({"x-y": 0.90012, "hybrid": 0.9004, "x-x": 0.3}))
        ['x-y', 'hybrid']
    """
    best = number(values.min() if lower_is_best else values.max())
    return [str(name) for name, value in values.items() if number(value) == best]


def have(names: Sequence[str]) -> str:
    """The verb after a list of names.

    Args:
        names: who has something.

    Returns:
        `has` after one name, `have` after several.
    """
    return "has" if len(names) == 1 else "have"


def are(names: Sequence[str]) -> str:
    """The verb after a list of names.

    Args:
        names: who is something.

    Returns:
        `is` after one name, `are` after several.
    """
    return "is" if len(names) == 1 else "are"


def sentences(parts: Sequence[str]) -> Markdown:
    """Sentences as one paragraph.

    Args:
        parts: the sentences; empty ones are left out.

    Returns:
        The paragraph.
    """
    return Markdown(" ".join(part for part in parts if part))


def bullets(parts: Sequence[str]) -> Markdown:
    """Sentences as a list, one a line.

    Args:
        parts: the sentences; empty ones are left out.

    Returns:
        The list in Markdown.
    """
    return Markdown("\n".join(f"- {part}" for part in parts if part))
