"""InfoNCE on queries some of whose words are in other languages."""

from collections.abc import Sequence
from itertools import permutations
from typing import ClassVar

import numpy as np

from hbtlib.data.pairs import Pairs
from hbtlib.sampling.batch import Batch
from hbtlib.training.code_switch import check_share, code_switch
from hbtlib.training.dictionaries import Dictionary, dictionary_of
from hbtlib.training.objectives.info_nce import InfoNCE, Options


class CodeSwitch(InfoNCE):
    """InfoNCE on queries a `share` of whose words are in other languages.

    See `hbtlib.training.code_switch`. The dictionary of two languages is learnt from the queries of
    the first pairs that have some in both.
    """

    defaults: ClassVar[dict[str, float]] = {"share": 0.5}

    def __init__(
        self, temperature: float, languages: Sequence[str], width: int, options: Options = None
    ) -> None:
        super().__init__(temperature, languages, width, options)
        self.dictionaries: dict[tuple[str, str], Dictionary] = {}

    def check_options(self) -> None:
        """Checks that share is from 0 to 1."""
        super().check_options()
        check_share(self.options["share"])

    def prepare(self, pairs: Sequence[Pairs]) -> None:
        """Learns a dictionary for every two languages that some pairs have queries in."""
        for source, target in permutations(map(str, self.languages), 2):
            for candidate in pairs:
                if _has_parallel_queries(candidate, source, target):
                    self.dictionaries[source, target] = dictionary_of(
                        candidate, source, target, roles=("query",)
                    )
                    break

    def rewrite_queries(self, texts: list[str], batch: Batch, draw: Sequence[int]) -> list[str]:
        """The queries with words in other languages."""
        share = self.options["share"]
        return code_switch(texts, batch.query_languages, self.dictionaries, share, draw)


def _has_parallel_queries(pairs: Pairs, source: str, target: str) -> bool:
    """Does some query exist in both languages?"""
    ids = np.arange(len(pairs))
    in_both = pairs.stands(ids, source, "query") & pairs.stands(ids, target, "query")
    return bool(in_both.any())
