"""Hard negatives with the library's own search.

Training and search do not import each other; they meet here.
"""

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.search.exact import nearest
from hbtlib.training import negatives


def mine_negatives(
    pairs: Pairs,
    encoder: Encoder,
    *,
    n: int = 1,
    ranks: tuple[int, int] = (10, 100),
    margin: float = 0.0,
    precision: str = "fp32",
    seed: int = 0,
) -> Pairs:
    """Adds hard negatives to pairs: passages that rank high for a query and do not answer it.

    Each passage language has a pool, its distinct passages. Each id with a passage in it searches
    the pool, with its query in that language or, if it has none, in the first language that it has
    one in. Two kinds of passages are never negatives of an id:

    - passages of ids that share its question or its passage, in any language, so translations too;
    - passages whose score is above that of its own passage less `margin`, because they may be
      answers.

    The ranks count what remains when the first kind is left out. The n negatives are drawn from the
    window of ranks, less the second kind. Where fewer than n are left, the rest is drawn from all
    passages of the pool that are of neither kind.

    Args:
        pairs: the pairs.
        encoder: embeds queries and passages.
        n: hard negatives for each id and passage language.
        ranks: the first and the last rank of the window; 1 is the best.
        margin: how far below the score of the id's own passage (a dot product) a negative must lie
            at least.
        precision: fp32, bf16 or fp16, as in `Encoder.embed`.
        seed: seed of the draws.

    Returns:
        The pairs with a column `negatives_LANG` for each passage language, in place of any that
        they had.

    Raises:
        ValueError: for a window of less than n ranks, or a pool with too few other passages.

    Example:
        >>> import hbtlib as hbt, numpy as np
        >>> class OnACircle:  # anything with such an `embed` is an encoder
        ...     def embed(self, texts, role, precision="fp32"):
        ...         angles = np.array([int(text.split()[1]) for text in texts]) / 10
        ...         return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
        >>> questions = [{"en": f"question {i}"} for i in range(8)]
        >>> passages = [{"en": f"passage {i}"} for i in range(8)]
        >>> pairs = hbt.Pairs.from_texts("example", questions, passages)
        >>> mined = hbt.mine_negatives(pairs, OnACircle(), n=1, ranks=(1, 1))
        >>> mined.negatives([0, 7], "en")
        [['passage 1'], ['passage 6']]

    Source:
        The window of ranks follows Karpukhin et al. 2020 and Xiong et al. 2021 (arXiv 2007.00808),
        the margin Moreira et al. 2024 (arXiv 2407.15831).
    """
    return negatives.mine_negatives(
        pairs,
        encoder,
        nearest,
        n=n,
        ranks=ranks,
        margin=margin,
        precision=precision,
        seed=seed,
    )
