"""Passes: a source's batches, planned so that each of its ids is visited once a pass.

If any ids can be in one batch, a pass is a shuffle of the ids cut into batches. That is so if all
ids exist in the same languages, or if the languages of every batch are mixed. Otherwise the ids are
packed (see packing.py), so that each batch of one language is made of ids that have one in common.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hbtlib.sampling.arrays import Bools, Floats, Ints
from hbtlib.sampling.batch import Batch, Source
from hbtlib.sampling.classes import group_ids
from hbtlib.sampling.drawing import (
    can_serve,
    choose_pivot_side,
    draw_languages,
    language_bits,
    sample_by_weight,
    unpack,
)
from hbtlib.sampling.epochs import EpochOrder
from hbtlib.sampling.packing import Recipe, make_recipe
from hbtlib.sampling.settings import PlanSettings
from hbtlib.sampling.strategies import Kind
from hbtlib.sampling.streams import PASS, stream

MIXED = Kind("hybrid", same=False, homogeneous=False)  # batches in which the kinds of pairs mix
_SHARES_OF_A_SCHEDULE = np.linspace(0, 1, 33)


@dataclass(frozen=True)
class Pass:
    """One pass through a source's ids.

    Attributes:
        number: which pass it is, from 0 up.
        ids: (usable,) the ids, batch after batch.
        bounds: (batches + 1,) where each batch begins in `ids`, and where the last one ends.
        is_first: (batches,) bool, which batches are of the strategy's first kind.
    """

    number: int
    ids: Ints
    bounds: Ints
    is_first: Bools

    def batch_ids(self, index: int) -> NDArray[np.int64]:
        """The ids of one batch of the pass."""
        return self.ids[self.bounds[index] : self.bounds[index + 1]].astype(np.int64)


class Passes:
    """Pass after pass through the usable ids of a source; each is planned when first asked for.

    Args:
        source: the pairs.
        number: the number of the source in the plan.
        settings: what the plan was asked for.

    Attributes:
        length: the number of batches in a pass.
        usable: the number of ids that can serve the strategy.

    Raises:
        ValueError: if there are fewer usable ids than a batch needs.
    """

    def __init__(self, source: Source, number: int, settings: PlanSettings) -> None:
        self.source = source
        self.number = number
        self._settings = settings
        self._codes = np.array(settings.languages)
        self._bits = language_bits(source, settings.languages)
        self._classes = group_ids(
            source,
            self._bits,
            settings.strategy.first,
            settings.strategy.second,
            settings.languages,
        )
        self.usable = self._classes.usable
        self._check_size()
        self._recipes = [] if self._any_slice_is_a_batch() else self._make_recipes()
        self.length = self._count_batches()
        self._latest: Pass | None = None

    def _check_size(self) -> None:
        size = self._settings.batch_size
        if self.usable < size:
            raise ValueError(
                f"a batch of {size} needs {size} ids, but {self.source.name!r} has {self.usable} "
                f"of {len(self.source)} that can serve this strategy in "
                f"{' '.join(self._settings.languages)}: make the batch smaller, or add pairs or "
                "languages"
            )

    def _any_slice_is_a_batch(self) -> bool:
        """Whether a shuffle may be cut anywhere: all ids are alike, or batches take any ids."""
        if len(self._classes) == 1:
            return True
        first, second, _ = self._settings.strategy
        if first.homogeneous or (second is not None and second.homogeneous):
            return False
        return second is None or self._settings.mix == "pair"

    def _make_recipes(self) -> list[Recipe]:
        """A recipe for each share of the first kind that a pass may ask for.

        All passes have as many batches as the largest recipe. A schedule's shares are rounded to a
        few, so that all recipes can be made, and counted, before the training.
        """
        alpha, size = self._settings.alpha, self._settings.batch_size
        shares = alpha.levels if alpha.constant else _SHARES_OF_A_SCHEDULE
        strategy, languages = self._settings.strategy, self._settings.languages
        return [
            make_recipe(self._classes, strategy, size, float(share), languages) for share in shares
        ]

    def _count_batches(self) -> int:
        """The number of batches in a pass."""
        if self._recipes:
            return max(recipe.n_batches for recipe in self._recipes)
        return -(-self.usable // self._settings.batch_size)  # rounded up

    def batch(self, turn: int, t: int, order: EpochOrder, rng: np.random.Generator) -> Batch:
        """Makes one of the source's batches.

        Args:
            turn: the number of the batch among the source's batches.
            t: its number in the training.
            order: the order of the sources, which says when the other batches of the pass come.
            rng: the stream of the batch, from which its languages are drawn.

        Returns:
            The batch.
        """
        number, index = divmod(turn, self.length)
        current = self._pass(number, order)
        ids = current.batch_ids(index)
        has_query = unpack(self.source.query_mask[ids], self._bits)  # (B, L)
        has_passage = unpack(self.source.passage_mask[ids], self._bits)  # (B, L)
        alpha = float(self._settings.alpha(np.int64(t)))

        same_language: Bools | bool
        if self._settings.mixes_within_batches:
            kind = MIXED
            is_first = self._draw_kinds(has_query, has_passage, alpha, rng)
            same_language = self._share_language(is_first)
        else:
            is_first = current.is_first[index : index + 1]
            kind = self._kind(bool(is_first[0]))
            same_language = kind.same
        if kind.homogeneous:  # one draw for the whole batch, from what all its ids have
            has_query = np.logical_and.reduce(has_query, keepdims=True)  # (1, L)
            has_passage = np.logical_and.reduce(has_passage, keepdims=True)  # (1, L)
        has_query, has_passage = self._choose_sides(is_first, has_query, has_passage, rng)

        sample = partial(sample_by_weight, weights=self._settings.weights, rng=rng)
        query, passage = draw_languages(has_query, has_passage, same_language, sample)
        return Batch(
            ids,
            self._codes[np.broadcast_to(query, len(ids))],
            self._codes[np.broadcast_to(passage, len(ids))],
            self.number,
            kind.name,
            alpha,
        )

    def count_pairs(self, turns: int, order: EpochOrder) -> int:
        """How many pairs the first batches of the source have, `turns` of them."""
        number, begun = divmod(turns, self.length)
        if self._recipes:
            partial_pass = int(self._pass(number, order).bounds[begun])
        else:
            partial_pass = min(begun * self._settings.batch_size, self.usable)
        return number * self.usable + partial_pass

    def _kind(self, is_first: bool) -> Kind:
        """The kind of a batch whose pairs are all of one kind."""
        first, second, _ = self._settings.strategy
        return first if is_first or second is None else second

    def _draw_kinds(
        self, has_query: Bools, has_passage: Bools, alpha: float, rng: np.random.Generator
    ) -> Bools:
        """Draws the kind of every pair by itself.

        Args:
            has_query: (B, L) bool, the languages each id's query exists in.
            has_passage: (B, L) bool, the same for its passage.
            alpha: the probability of the first kind.
            rng: the stream of the batch.

        Returns:
            (B,) bool, whether a pair is of the first kind. An id that can serve only one of the
            two kinds gets that one.
        """
        first, second, _ = self._settings.strategy
        wants_first = rng.random(len(has_query)) < alpha
        languages = self._settings.languages
        return np.where(
            wants_first,
            can_serve(first, has_query, has_passage, languages),
            ~can_serve(second, has_query, has_passage, languages),
        )

    def _share_language(self, is_first: Bools) -> Bools:
        """(B, 1) bool, whether a pair shares its language, by whether it is of the first kind."""
        first, second, _ = self._settings.strategy
        assert second is not None
        return np.where(is_first, first.same, second.same)[:, None]

    def _choose_sides(
        self, is_first: Bools, has_query: Bools, has_passage: Bools, rng: np.random.Generator
    ) -> tuple[Bools, Bools]:
        """Narrows the masks of pairs whose kind has a pivot to one of its two sides.

        Args:
            is_first: (B,) bool, which pairs are of the first kind; (1,) if all are of one.
            has_query: (B, L) bool, the languages each id's query exists in.
            has_passage: (B, L) bool, the same for its passage.
            rng: the stream of the batch; kinds without a pivot draw nothing from it.

        Returns:
            The two masks.
        """
        first, second, _ = self._settings.strategy
        for kind, chosen in ((first, is_first), (second, ~is_first)):
            if kind is None or kind.pivot is None or not chosen.any():
                continue
            pivot = self._settings.languages.index(kind.pivot)
            query, passage = choose_pivot_side(pivot, has_query, has_passage, rng)
            has_query = np.where(chosen[:, None], query, has_query)
            has_passage = np.where(chosen[:, None], passage, has_passage)
        return has_query, has_passage

    def _pass(self, number: int, order: EpochOrder) -> Pass:
        """A pass; the latest one is kept, for its batches are asked for one by one."""
        if self._latest is None or self._latest.number != number:
            self._latest = self._plan_pass(number, order)
        return self._latest

    def _plan_pass(self, number: int, order: EpochOrder) -> Pass:
        rng = stream(self._settings.seed, PASS, self.number, number)
        alphas = self._alphas(number, order)
        log_odds = _draw_log_odds(alphas, rng)
        if self._recipes:
            return self._packed_pass(number, float(alphas.mean()), log_odds, rng)
        return self._shuffled_pass(number, log_odds, rng)

    def _alphas(self, number: int, order: EpochOrder) -> Floats:
        """(batches,) the probability of the first kind for each batch of a pass, in their order."""
        if self._settings.strategy.second is None or self._settings.mix == "pair":
            return np.ones(self.length)
        turns = range(number * self.length, (number + 1) * self.length)
        return self._settings.alpha(order.batch_numbers(self.number, turns))

    def _shuffled_pass(self, number: int, log_odds: Floats, rng: np.random.Generator) -> Pass:
        """A pass whose batches are slices of a shuffle."""
        ids = self._classes.copy_of_ids()
        rng.shuffle(ids)
        bounds = np.minimum(np.arange(self.length + 1) * self._settings.batch_size, self.usable)
        # The ids may all be such that only one of the kinds is possible.
        can_be_first = self._classes.serves_first.any()
        can_be_second = self._classes.serves_second.any()
        is_first = (log_odds > 0) & can_be_first | ~can_be_second
        return Pass(number, ids, bounds, is_first)

    def _packed_pass(
        self, number: int, share: float, log_odds: Floats, rng: np.random.Generator
    ) -> Pass:
        """A pass that follows the recipe for a share of the first kind.

        The recipe says how many batches are of the first kind. Those with the highest odds are, so
        that a schedule of α shows within the pass, too.
        """
        recipe = min(self._recipes, key=lambda recipe: abs(recipe.share - share))
        of_first, of_second = recipe.draw_batches(self._classes, rng)
        batches = of_first + of_second
        kinds = [True] * len(of_first) + [False] * len(of_second)
        _split_largest(batches, kinds, self.length)

        rank_of_odds = np.argsort(np.argsort(-log_odds, kind="stable"))
        is_first = rank_of_odds < sum(kinds)
        chosen = np.empty(self.length, np.int64)  # which of `batches` comes at each place
        for kind in (True, False):
            chosen[is_first == kind] = rng.permutation(np.flatnonzero(np.array(kinds) == kind))
        in_order = [batches[i] for i in chosen]
        bounds = np.cumsum([0, *map(len, in_order)])
        return Pass(number, np.concatenate(in_order), bounds, is_first)


def _draw_log_odds(alphas: Floats, rng: np.random.Generator) -> Floats:
    """Draws the log odds of the first kind for each batch: log(α / (1 − α)) with logistic noise.

    They are above 0 with probability α. Ranked, they say which batches are of the first kind if the
    number of these is given.

    Args:
        alphas: (batches,) the probability of the first kind.
        rng: the stream of the pass.

    Returns:
        (batches,) the log odds.
    """
    with np.errstate(divide="ignore"):  # α may be 0 or 1
        log_odds = np.log(alphas) - np.log1p(-alphas)
    return np.clip(log_odds, -1e3, 1e3) + rng.logistic(size=len(alphas))


def _split_largest(batches: list[Ints], kinds: list[bool], length: int) -> None:
    """Halves the largest batch until there are `length` of them: every pass has the same number.

    Both lists are changed: the first half stays in its place, and the second is appended.
    """
    while len(batches) < length:
        largest = max(range(len(batches)), key=lambda i: len(batches[i]))
        middle = len(batches[largest]) // 2
        batches[largest], rest = np.split(batches[largest], [middle])
        batches.append(rest)
        kinds.append(kinds[largest])
