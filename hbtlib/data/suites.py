"""Suites: several benchmarks that together ask one question, each in the settings that it has.

A suite is no benchmark: its parts have their own pools, and nothing is ranked against the texts of
another part. What a suite adds is the name of each setting and the mean over the benchmarks in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hbtlib.checks import check_choice

CODE_SWITCHED = "code-switched"
"""The setting whose queries mix two languages in one sentence, and whose pool has one of them."""


@dataclass(frozen=True)
class Part:
    """One benchmark in one setting of a suite.

    Attributes:
        setting: the suite's name of the setting.
        benchmark: the benchmark's name in `hbt.catalog()`.
        measured: the setting of `hbt.measure` that is read: monolingual, cross-lingual or
            multilingual.
    """

    setting: str
    benchmark: str
    measured: str


@dataclass(frozen=True)
class Suite:
    """Several benchmarks with the settings they are read in.

    Attributes:
        name: what it is called.
        about: where it comes from, in a sentence.
        parts: its benchmarks and settings.
    """

    name: str
    about: str
    parts: tuple[Part, ...]

    @property
    def settings(self) -> tuple[str, ...]:
        """Its settings, in its order."""
        return tuple(dict.fromkeys(part.setting for part in self.parts))

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """Its benchmarks, each once."""
        return tuple(dict.fromkeys(part.benchmark for part in self.parts))


def _parts(settings: dict[str, tuple[str, ...]], measured: dict[str, str]) -> Iterator[Part]:
    for setting, benchmarks in settings.items():
        for benchmark in benchmarks:
            yield Part(setting, benchmark, measured.get(setting, setting))


_PARALLEL = ("xquad-r", "belebele-flores20")
_MIXED = ("hinglish-top", "mmarco-codemixed")

SUITES: dict[str, Suite] = {
    "m2c2": Suite(
        "m2c2",
        "Put together here: the name stands in the question that this project answers, but no "
        "public benchmark of that name was found.",
        tuple(
            _parts(
                {
                    "monolingual": _PARALLEL,
                    "multilingual": _PARALLEL,
                    "cross-lingual": _PARALLEL,
                    CODE_SWITCHED: _MIXED,
                },
                {CODE_SWITCHED: "cross-lingual"},
            )
        ),
    )
}
"""The suites by name. `m2c2`: monolingual, multilingual, cross-lingual and code-switched search.
Its first three settings are those of XQuAD-R and of the Belebele passages in FLORES-200. Its
code-switched queries are commands that people wrote in Hindi mixed with English (hinglish-top) and
queries of MS MARCO that a model mixed from Chinese and English (mmarco-codemixed); both look for an
English text."""


def find_suite(name: str) -> Suite:
    """Returns a suite by its name.

    Args:
        name: one of `SUITES`.

    Raises:
        ValueError: for another name.

    Example:
        >>> find_suite("m2c2").settings
        ('monolingual', 'multilingual', 'cross-lingual', 'code-switched')
    """
    return SUITES[check_choice("the suite", name, SUITES)]
