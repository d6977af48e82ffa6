"""Hard negatives with the library's own search: where training and search, which do not know each other, meet."""

from functools import wraps
from typing import Any

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.search.ranking import nearest
from hbtlib.training import negatives


@wraps(negatives.mine_negatives)
def mine_negatives(pairs: Pairs, encoder: Encoder, **options: Any) -> Pairs:
    """`training.negatives.mine_negatives` with `search.ranking.nearest` as its search."""
    return negatives.mine_negatives(pairs, encoder, nearest, **options)
