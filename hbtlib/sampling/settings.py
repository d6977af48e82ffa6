"""What a plan is asked for, checked: the settings that all its sources share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hbtlib.sampling.batch import Source
from hbtlib.sampling.schedule import Schedule
from hbtlib.sampling.strategies import STRATEGIES, Strategy

MIXES = ("batch", "pair")


@dataclass
class PlanSettings:
    """The settings of a plan that decide how the ids of a source are cut into batches.

    Attributes:
        strategy: one or two kinds of batches.
        alpha: the probability of the first kind, as a function of the batch number.
        batch_size: the number of pairs in a batch.
        seed: the seed of all draws.
        mix: whether α decides for each `batch` or for each `pair`.
        languages: the languages drawn from, L of them.
        weights: (L,) how often each language is drawn, relative to the others.

    Raises:
        ValueError: if mix or batch_size is impossible.
    """

    strategy: Strategy
    alpha: Schedule
    batch_size: int
    seed: int
    mix: str
    languages: tuple[str, ...]
    weights: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.mix not in MIXES:
            raise ValueError(f"mix is {self.mix!r}; it is 'batch' or 'pair'")
        if self.batch_size < 1 or int(self.batch_size) != self.batch_size:
            raise ValueError(f"batch_size is {self.batch_size!r}; it is a whole number from 1 up")
        self.batch_size = int(self.batch_size)

    @property
    def mixes_within_batches(self) -> bool:
        """Whether pairs of two kinds meet in a batch."""
        return self.mix == "pair" and self.strategy.second is not None


def find_strategy(strategy: str | Strategy, mix: str) -> Strategy:
    """The strategy of a name, or the strategy itself.

    Args:
        strategy: a name of `STRATEGIES`, or a strategy.
        mix: if it is `pair`, batches of two kinds mix their languages, whatever the kinds say.

    Returns:
        The strategy to follow.

    Raises:
        ValueError: if there is no strategy of this name.
    """
    if isinstance(strategy, str):
        if strategy not in STRATEGIES:
            raise ValueError(f"no strategy {strategy!r}; there are {', '.join(STRATEGIES)}")
        strategy = STRATEGIES[strategy]
    if mix == "pair" and strategy.second is not None:
        strategy = strategy._replace(
            first=strategy.first._replace(homogeneous=False),
            second=strategy.second._replace(homogeneous=False),
        )
    return strategy


def choose_languages(
    sources: Sequence[Source], strategy: Strategy, asked: Sequence[str] | None
) -> tuple[str, ...]:
    """The languages that a plan draws from.

    Args:
        sources: the pairs.
        strategy: if it is confined to languages (en-en is), only those are used.
        asked: the languages the user asked for; None for all that the strategy and the pairs allow.

    Returns:
        The language codes in the order asked for, else in alphabetical order.

    Raises:
        ValueError: if no source has one of the languages, or if there is only one and the strategy
            pairs different ones.
    """
    available = sorted({code for source in sources for code in source.languages})
    chosen = asked if asked is not None else strategy.languages or available
    if strategy.languages:
        allowed = [code for code in chosen if code in strategy.languages]
        chosen = allowed or strategy.languages
    for code in chosen:
        if code not in available:
            raise ValueError(
                f"no pairs in {code!r}: the sources have {' '.join(available)}. Leave it out, or "
                "add such pairs"
            )
    languages = tuple(dict.fromkeys(chosen))
    different = [kind.name for kind in (strategy.first, strategy.second) if kind and not kind.same]
    if different and len(languages) < 2:
        raise ValueError(
            f"{different[0]} pairs a query with a passage in another language, but there is only "
            f"one language ({' '.join(languages)}): give two or more, or use x-x-mono"
        )
    return languages


def weigh_languages(
    asked: Mapping[str, float] | None, languages: tuple[str, ...]
) -> NDArray[np.float64]:
    """How often each language is drawn.

    Args:
        asked: weights by language code; a language without one has weight 1.
        languages: the plan's languages, L of them.

    Returns:
        (L,) the weight of each language.

    Raises:
        ValueError: if a weight is not above 0, or is given for a language that is not drawn from.
    """
    asked = asked or {}
    for code, weight in asked.items():
        if code not in languages:
            raise ValueError(
                f"a weight is given for {code!r}, which is not drawn from; languages: "
                f"{' '.join(languages)}"
            )
        if not weight > 0:
            raise ValueError(
                f"the weight of {code!r} is {weight}; it must be above 0 (leave the language out "
                "instead)"
            )
    return np.array([asked.get(code, 1) for code in languages], float)
