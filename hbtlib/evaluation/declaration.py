"""How a measure is declared: a function that computes it, with all that one must know to read it.

A declaration is the computing function with the decorator `measure`: the function's docstring is
the definition; the decorator names unit, range, better direction, chance level and source. The
functions that compute tables of measures list these declarations in their own docstrings
(`documents`).
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

Function = TypeVar("Function", bound=Callable)
_WIDTH = 92  # columns of a generated docstring


@dataclass(frozen=True)
class Measure:
    """One measure, which computes itself when called.

    Attributes:
        name: what tables call it; `@k` stands for a cut-off.
        compute: the function that computes it.
        unit: what one unit of it is.
        bounds: the values it can take.
        better: whether higher or lower values are better, or neither.
        chance: its value for a random ranking.
        source: where it is from.
        needs_cutoff: whether it says nothing without a cut-off, as recall does.
        needs: what the data must have for it to have a value; "" if nothing besides.
    """

    name: str
    compute: Callable[..., Any]
    unit: str
    bounds: str
    better: Literal["higher", "lower", "neither"]
    chance: str
    source: str
    needs_cutoff: bool = False
    needs: str = ""

    def __call__(self, *args: Any) -> Any:
        """Computes the measure."""
        return self.compute(*args)

    @property
    def definition(self) -> str:
        """What it measures, in words: the docstring of the function that computes it."""
        return " ".join((inspect.getdoc(self.compute) or "").split())

    def describe(self) -> str:
        """Definition and reading of the measure as text, wrapped, under its name."""
        direction = {"higher": "Higher is better. ", "lower": "Lower is better. ", "neither": ""}
        needs = f" Needs: {self.needs}." if self.needs else ""
        reading = (
            f"Unit: {self.unit}. Range: {self.bounds}. {direction[self.better]}"
            f"Chance: {self.chance}. Source: {self.source}.{needs}"
        )
        paragraphs = [
            textwrap.fill(text, _WIDTH, initial_indent="    ", subsequent_indent="    ")
            for text in (self.definition, reading)
        ]
        return f"{self.name}\n" + "\n\n".join(paragraphs)


def measure(
    name: str,
    *,
    unit: str,
    bounds: str,
    better: Literal["higher", "lower", "neither"],
    chance: str,
    source: str,
    needs_cutoff: bool = False,
    needs: str = "",
) -> Callable[[Callable[..., Any]], Measure]:
    """Declares the decorated function as a measure; the arguments are `Measure`'s attributes."""

    def declare(compute: Callable[..., Any]) -> Measure:
        return Measure(name, compute, unit, bounds, better, chance, source, needs_cutoff, needs)

    return declare


def documents(measures: Iterable[Measure]) -> Callable[[Function], Function]:
    """Appends the definitions of measures to the docstring of the decorated function."""

    def extend(function: Function) -> Function:
        notes = "\n\n".join(one.describe() for one in measures)
        docstring = inspect.cleandoc(function.__doc__ or "")
        function.__doc__ = f"{docstring}\n\nNotes:\n{textwrap.indent(notes, '    ')}\n"
        return function

    return extend
