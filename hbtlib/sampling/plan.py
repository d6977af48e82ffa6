"""BatchPlan: every batch of a training run, before it runs."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import pandas as pd

from hbtlib.checks import check_integer
from hbtlib.markup import card
from hbtlib.sampling.batch import Batch, Source
from hbtlib.sampling.epochs import EpochOrder, share_epoch
from hbtlib.sampling.passes import Passes
from hbtlib.sampling.schedule import Alpha, Schedule
from hbtlib.sampling.settings import (
    PlanSettings,
    choose_languages,
    find_strategy,
    list_sources,
    weigh_languages,
)
from hbtlib.sampling.strategies import Strategy
from hbtlib.sampling.streams import BatchStreams

_LAST_BATCH = 2**63 - 1  # batch numbers are counted in 64 bits
_SHOWN_PAIRS = 6  # of a batch, in a notebook


class BatchPlan:
    """Every batch of a training run, before it runs.

    `plan[t]` is batch t, and a pure function of (seed, epoch, t): any batch can be had without the
    ones before it. So resuming costs nothing, several machines agree without talking, and a run's
    batches can be listed and plotted before it trains.

    An epoch has `len(plan)` batches and visits each usable id once. (With several sources this
    holds if they share by size; otherwise each source visits all its ids before it repeats one.)
    No id occurs twice in a batch. All batches are full but the last one of a source; if texts are
    missing, a few more may be short.

    Languages are drawn uniformly, or by `language_weights`: the query's first, then, if it has to
    be a different one, the passage's among the others. If ids do not exist in every language, each
    keeps to the kinds and languages it has. A batch of one language draws it from those that all
    its ids share, and the share of the kinds comes as near to α as the ids allow.

    Args:
        pairs: the ids to draw from: one source, or several.
        strategy: a name of `hbtlib.strategies.STRATEGIES`, or a `Strategy`.
        alpha: the probability of the strategy's first kind of batches (x-x-mono in `hybrid`), or a
            schedule: `{"linear": [start, end]}` or `{"step": [[share of the steps, α], …]}`.
        batch_size: the number of pairs in a batch.
        seed: plans of another seed have other batches, in another order.
        languages: the languages to draw from; by default all languages of the pairs, or those that
            the strategy is confined to (`en-en`).
        language_weights: how often a language is drawn, relative to the others; 1 if not given.
        mix: `"batch"` draws the kind of a whole batch with probability α, `"pair"` that of every
            pair by itself, so that the languages of its batches mix.
        sources: how several sources share the batches of an epoch: `"size"` (in proportion to their
            sizes), a power of the size (0: evenly), or a weight for each source by name.
        steps: the number of batches in the training; needed if alpha is a schedule.

    Attributes:
        pairs: the list of sources; `batch.source` is a position in it.
        strategy: the `Strategy` that is followed.
        alpha: α as a function of the batch number.
        languages: the languages drawn from.
        weights: (L,) how often each of them is drawn.
        batch_size: as given.
        seed: as given.
        mix: as given.
        usable: the number of ids, in all sources, that can serve the strategy.

    Raises:
        ValueError: if the request cannot be met; the message says why and what to do.

    Example:
        Four questions with their answers, all in English and German, in batches of two:

        >>> import hbtlib as hbt
        >>> cities = {"France": "Paris", "Japan": "Tokyo", "Kenya": "Nairobi", "Peru": "Lima"}
        >>> pairs = hbt.Pairs.from_texts(
        ...     "capitals",
        ...     queries=[{"en": f"capital of {c}?", "de": f"Hauptstadt: {c}?"} for c in cities],
        ...     passages=[{"en": f"It is {c}.", "de": f"Es ist {c}."} for c in cities.values()],
        ... )
        >>> plan = hbt.BatchPlan(pairs, "hybrid", alpha=0.5, batch_size=2, seed=0)
        >>> len(plan), plan.languages, plan.usable
        (2, ('de', 'en'), 4)

        Batch 0 is of the kind x-x-mono: one language for all its queries and passages.

        >>> plan[0].kind, plan[0].ids.tolist()
        ('x-x-mono', [0, 2])
        >>> plan[0].query_languages.tolist(), plan[0].passage_languages.tolist()
        (['en', 'en'], ['en', 'en'])

        Batch 1 holds the other ids. It is of the kind x-y: each query has its own language, and its
        passage has another one.

        >>> plan[1].kind, plan[1].ids.tolist()
        ('x-y', [3, 1])
        >>> plan[1].query_languages.tolist(), plan[1].passage_languages.tolist()
        (['de', 'en'], ['en', 'de'])

        The second epoch begins with batch 2. Its ids, kinds and languages are drawn anew.

        >>> plan[2].kind, plan[2].ids.tolist()
        ('x-y', [1, 3])
    """

    def __init__(
        self,
        pairs: Source | Sequence[Source],
        strategy: str | Strategy = "hybrid",
        alpha: Alpha = 0.5,
        batch_size: int = 100,
        seed: int = 0,
        *,
        languages: Sequence[str] | None = None,
        language_weights: Mapping[str, float] | None = None,
        mix: str = "batch",
        sources: str | float | Mapping[str, float] = "size",
        steps: int | None = None,
    ) -> None:
        self.pairs = list_sources(pairs)
        followed = find_strategy(strategy, mix)
        drawn_from = choose_languages(self.pairs, followed, languages)
        settings = PlanSettings(
            strategy=followed,
            alpha=Schedule(alpha, steps),
            batch_size=batch_size,
            seed=seed,
            mix=mix,
            languages=drawn_from,
            weights=weigh_languages(language_weights, drawn_from),
        )
        self.strategy = settings.strategy
        self.alpha = settings.alpha
        self.batch_size = settings.batch_size
        self.seed = settings.seed
        self.mix = settings.mix
        self.languages = settings.languages
        self.weights = settings.weights

        self._passes = [Passes(source, i, settings) for i, source in enumerate(self.pairs)]
        self.usable = sum(passes.usable for passes in self._passes)
        names = [source.name for source in self.pairs]
        lengths = [passes.length for passes in self._passes]
        self._order = EpochOrder(self.seed, share_epoch(sources, names, lengths))
        self._stream = BatchStreams(self.seed, len(self.pairs))

    def __len__(self) -> int:
        """The number of batches an epoch."""
        return len(self._order)

    def __getitem__(self, t: int) -> Batch:
        """Batch t of the training, from 0 up; it belongs to the epoch t // len(plan).

        Raises:
            IndexError: if t is negative, or more than 64 bits count.
            ValueError: if t is no whole number.
        """
        t = check_integer("the number of a batch", t)
        if not 0 <= t <= _LAST_BATCH:
            raise IndexError(f"batch {t}: batches are numbered from 0 up to {_LAST_BATCH}")
        source, turn = self._order.find(t)
        return self._passes[source].batch(turn, t, self._order, self._stream(t))

    def __iter__(self) -> Iterator[Batch]:
        """The batches of the first epoch."""
        # Without this method Python would ask for plan[0], plan[1], … forever.
        return (self[t] for t in range(len(self)))

    def _repr_html_(self) -> str:
        """What Jupyter shows: what was asked for, and which languages meet in the first batches."""
        levels = " → ".join(f"{level:g}" for level in self.alpha.levels)
        kinds = [kind.name for kind in (self.strategy.first, self.strategy.second) if kind]
        facts = {
            "kinds of batches": kinds,
            "α": f"{levels} (by {self.mix})" if self.strategy.second else "",
            "batch size": self.batch_size,
            "batches an epoch": len(self),
            "usable ids": self.usable,
            "languages": self.languages,
            "seed": str(self.seed),
        }
        rows = [_shown(t, self[t]) for t in range(min(3, len(self)))]
        names = " ".join(source.name for source in self.pairs)
        return card("BatchPlan", names, facts, [("batch", "kind", "query → passage"), *rows])

    def shares(self, steps: int | None = None) -> pd.DataFrame:
        """Counts what each source gives to the first batches of the training.

        Args:
            steps: the number of batches; None: those of an epoch.

        Returns:
            One row a source: source (its name), ids, usable (ids that can serve the strategy),
            batches, pairs (in these batches), share (of all pairs), and passes (how often each
            usable id is visited, on average).

        Raises:
            ValueError: if steps is no whole number from 1 up.
        """
        count = len(self) if steps is None else check_integer("steps", steps, minimum=1)
        turns = self._order.turns_before(count)
        rows = []
        for passes, batches in zip(self._passes, turns.tolist(), strict=True):
            pairs = passes.count_pairs(batches, self._order)
            rows.append(
                {
                    "source": passes.source.name,
                    "ids": len(passes.source),
                    "usable": passes.usable,
                    "batches": batches,
                    "pairs": pairs,
                    "passes": pairs / passes.usable,
                }
            )
        table = pd.DataFrame(rows)
        table.insert(5, "share", table["pairs"] / table["pairs"].sum())
        return table


def _shown(t: int, batch: Batch) -> tuple[int, str, str]:
    """A batch in a few words: its number, its kind, and the languages of its first pairs."""
    met = zip(batch.query_languages, batch.passage_languages, strict=True)
    pairs = [f"{query}→{passage}" for query, passage in islice(met, _SHOWN_PAIRS)]
    more = ", …" if len(batch) > _SHOWN_PAIRS else ""
    return t, batch.kind, ", ".join(pairs) + more
