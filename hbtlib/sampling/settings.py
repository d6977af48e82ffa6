"""What a plan is asked for, checked: the settings that all its sources share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hbtlib.checks import check_choice, check_integer, check_number, short
from hbtlib.sampling.batch import Source
from hbtlib.sampling.schedule import Schedule
from hbtlib.sampling.strategies import STRATEGIES, Kind, Strategy

MIXES = ("batch", "pair")

_SOURCE = ("name", "languages", "query_mask", "passage_mask", "__len__")  # what a source has


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
        ValueError: if mix, batch_size or seed is impossible.
    """

    strategy: Strategy
    alpha: Schedule
    batch_size: int
    seed: int
    mix: str
    languages: tuple[str, ...]
    weights: NDArray[np.float64]

    def __post_init__(self) -> None:
        check_choice("mix", self.mix, MIXES)
        self.batch_size = check_batch_size(self.batch_size)
        self.seed = check_integer("seed", self.seed, minimum=0)

    @property
    def mixes_within_batches(self) -> bool:
        """Whether pairs of two kinds meet in a batch."""
        return self.mix == "pair" and self.strategy.second is not None


def check_batch_size(batch_size: object) -> int:
    """The number of pairs in a batch, or ValueError; 32.0 is a whole number, too."""
    if isinstance(batch_size, float | np.floating) and batch_size.is_integer():
        batch_size = int(batch_size)
    return check_integer("batch_size", batch_size, minimum=1)


def list_sources(pairs: object) -> list[Source]:
    """The sources of a plan.

    Args:
        pairs: one source, or several.

    Returns:
        A list of them.

    Raises:
        ValueError: if there is none, or something else is among them.
    """
    if not isinstance(pairs, Sequence) or isinstance(pairs, str | bytes):
        pairs = [pairs]
    for pair in pairs:
        if isinstance(pair, type) or not all(hasattr(pair, part) for part in _SOURCE):
            raise ValueError(
                f"pairs is or holds {short(pair)}; give Pairs, as hbt.load_pairs and "
                "hbt.Pairs.from_texts make them, or a list of such"
            )
    if not pairs:
        raise ValueError("no pairs to draw from: give one source at least")
    return list(pairs)


def find_strategy(strategy: str | Strategy, mix: str) -> Strategy:
    """The strategy of a name, or the strategy itself.

    Args:
        strategy: a name of `STRATEGIES`, or a strategy.
        mix: if it is `pair`, batches of two kinds mix their languages, whatever the kinds say.

    Returns:
        The strategy to follow.

    Raises:
        ValueError: if there is no strategy of this name, it is neither a name nor a strategy, or
            mix is something else.
    """
    check_choice("mix", mix, MIXES)
    if not isinstance(strategy, Strategy):
        strategy = STRATEGIES[check_choice("strategy", strategy, STRATEGIES)]
    second = strategy.second
    if not isinstance(strategy.first, Kind) or not (second is None or isinstance(second, Kind)):
        raise ValueError(f"strategy is {short(strategy)}; a Strategy has one Kind or two")
    for kind in (strategy.first, strategy.second):
        if kind is not None and kind.pivot is not None and kind.same:
            raise ValueError(
                f"the kind {kind.name!r} pairs texts of one language, and a pivot is for pairs of "
                "two: give it same=False, or confine the Strategy to languages"
            )
    if mix == "pair" and strategy.second is not None:
        strategy = strategy._replace(
            first=strategy.first._replace(homogeneous=False),
            second=strategy.second._replace(homogeneous=False),
        )
    return strategy


def check_languages(languages: Iterable[str], name: str = "languages") -> tuple[str, ...]:
    """Checks that languages are several codes in an order, each of them once.

    Args:
        languages: what the user gave.
        name: what it is called, for the message.

    Returns:
        The codes as a tuple.

    Raises:
        ValueError: if it is one text, has no order, or is empty, or if a code is no text or comes
            twice.
    """
    # A set has another order in each process, and batches depend on the order.
    no_order = isinstance(languages, str | bytes | set | frozenset | Mapping | type)
    no_list = isinstance(languages, np.ndarray) and languages.ndim != 1
    if no_order or no_list or not isinstance(languages, Iterable):
        raise ValueError(
            f"{name} is {short(languages)}; it must be a list of language codes, such as "
            '["de", "en"]'
        )
    codes = tuple(languages)
    if not codes:
        raise ValueError(f"{name} is empty; give one code at least, or None for all")
    for code in codes:
        if not isinstance(code, str):
            raise ValueError(f"{name} has {short(code)}, which is no language code, such as 'en'")
        if codes.count(code) > 1:
            raise ValueError(f"{name} has {code!r} {codes.count(code)} times; give each code once")
    return tuple(map(str, codes))


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
        ValueError: if they are no list of codes, if no source has one of them, if there is only one
            and the strategy pairs different ones, or if what the strategy is confined to or a
            kind's pivot is not among them.
    """
    available = sorted({code for source in sources for code in source.languages})
    chosen: Sequence[str] = strategy.languages or available
    if asked is not None:
        chosen = check_languages(asked)
    if strategy.languages:
        allowed = [code for code in chosen if code in strategy.languages]
        if not allowed:
            raise ValueError(
                f"the strategy draws from {' '.join(strategy.languages)} alone, which is not among "
                f"the languages ({' '.join(chosen)}): add it, or use another strategy"
            )
        chosen = allowed
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
    for kind in (strategy.first, strategy.second):
        if kind is not None and kind.pivot is not None and kind.pivot not in languages:
            raise ValueError(
                f"{kind.name} has {kind.pivot!r} on one side of every pair, and it is not among "
                f"the languages ({' '.join(languages)}): add it, or use x-y"
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
    asked = {} if asked is None else asked
    if not isinstance(asked, Mapping):
        raise ValueError(
            f"language_weights is {short(asked)}; it must be a mapping of language codes to weights"
        )
    for code, weight in asked.items():
        if code not in languages:
            raise ValueError(
                f"a weight is given for {code!r}, which is not drawn from; languages: "
                f"{' '.join(languages)}"
            )
        check_weight(f"the weight of {code!r}", weight, "the language")
    return np.array([asked.get(code, 1) for code in languages], float)


def check_weight(name: str, weight: object, what: str) -> float:
    """Checks a weight that says how often something is drawn, relative to the rest.

    Weights are from 1e-100 to 1e100, so that waiting times and sums of weights stay finite.

    Args:
        name: what the weight is called, for the message.
        weight: what the user gave.
        what: what it is the weight of, for the message.

    Returns:
        The weight.

    Raises:
        ValueError: if it is no number, or not within these bounds.
    """
    number = check_number(name, weight)
    if number <= 0:
        raise ValueError(f"{name} is {weight}; it must be above 0 (leave {what} out instead)")
    return check_number(name, weight, minimum=1e-100, maximum=1e100)
