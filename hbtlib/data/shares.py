"""Less of a language: its texts in a share of the ids alone, as where training data are scarce."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hbtlib.checks import check_integer, check_number, short
from hbtlib.data.pairs import Pairs

TEXTS = ("query", "passage", "negatives")
"""The columns that a language has, as far as there are such: PREFIX_LANG."""

NOTHING_LEFT = "ids without a query or a passage, once languages were thinned out"


def thin_out(pairs: Pairs, shares: Mapping[str, float], seed: int = 0) -> Pairs:
    """Keeps the texts of some languages in a share of their ids alone.

    An id that has texts in such a language and is not drawn loses its query, passage and hard
    negatives in it, and keeps those in other languages. One that is left without any query or
    passage is left out, and counted in `left_out`.

    Of one seed, the ids of a smaller share lie among those of every larger one, and what is drawn
    for a language does not depend on the others.

    Args:
        pairs: the pairs.
        shares: language → the share of the ids with texts in it that keep them, above 0 and up to
            1; one id keeps them at least.
        seed: of the draw.

    Returns:
        The pairs, in the order they had; the same ones where nothing is thinned out.

    Raises:
        ValueError: for what is no Pairs, a language that the pairs lack, a share that is none, and
            if no id is left.

    Example:
        >>> import hbtlib as hbt
        >>> pairs = hbt.load_pairs("worldfacts", languages=["de", "sw"])
        >>> fewer = hbt.thin_out(pairs, {"sw": 0.1})
        >>> [int(fewer.stands(range(len(fewer)), code, "query").sum()) for code in ("de", "sw")]
        [1880, 188]
    """
    if not isinstance(pairs, Pairs):
        raise ValueError(f"pairs is {short(pairs)}; give Pairs, as hbt.load_pairs makes them")
    check_integer(f"pairs {pairs.name!r}: the seed of shares", seed, minimum=0)
    check_shares(f"pairs {pairs.name!r}: the share", shares)
    masks = {"query": pairs.query_mask.copy(), "passage": pairs.passage_mask.copy()}
    columns: dict[str, pa.Array] = {}
    for code, share in shares.items():
        is_kept = _drawn(pairs, code, share, seed)
        if is_kept.all():
            continue
        bit = masks["query"].dtype.type(1 << pairs.languages.index(code))
        for mask in masks.values():
            mask[~is_kept] &= ~bit
        columns |= _without_others(pairs, code, is_kept)
    if not columns:
        return pairs
    is_left = (masks["query"] > 0) & (masks["passage"] > 0)
    return _with_columns(pairs, columns, is_left)


def check_shares(what: str, shares: object) -> None:
    """Checks that shares map languages to numbers above 0 and up to 1.

    Args:
        what: what a share is called, for the message.
        shares: what was given.

    Raises:
        ValueError: for anything else.
    """
    if not isinstance(shares, Mapping):
        raise ValueError(f"{what} is {short(shares)}; give a map language → share, {{'sw': 0.1}}")
    for code, share in shares.items():
        number = check_number(f"{what} of {short(code)}", share, maximum=1)
        if number <= 0:
            raise ValueError(
                f"{what} of {short(code)} is {short(share)}; it must be above 0 (to train without "
                "the language, leave it out of the languages)"
            )


def _drawn(pairs: Pairs, code: str, share: float, seed: int) -> NDArray[np.bool_]:
    """(n,) whether an id keeps its texts in a language; ids without any are said to keep them."""
    if code not in pairs.languages:
        raise ValueError(
            f"pairs {pairs.name!r} have nothing in {short(code)}, of which a share is asked for; "
            f"they are in {' '.join(pairs.languages)}"
        )
    every = np.arange(len(pairs))
    have = np.flatnonzero(pairs.stands(every, code, "query") | pairs.stands(every, code, "passage"))
    count = max(1, math.ceil(round(share * len(have), 6)))  # .1 · 30 is above 3 in binary
    order = np.random.default_rng([seed, zlib.crc32(code.encode())]).permutation(have)
    is_kept = np.ones(len(pairs), bool)
    is_kept[order[count:]] = False
    return is_kept


def _without_others(pairs: Pairs, code: str, is_kept: NDArray[np.bool_]) -> dict[str, pa.Array]:
    """The columns of a language, with nothing in the ids that do not keep their texts."""
    names = [f"{prefix}_{code}" for prefix in TEXTS]
    found = {}
    for name in [name for name in names if name in pairs.column_names]:
        values = pairs.dataset.select_columns(name).with_format("arrow")[:][name]
        found[name] = pc.if_else(pa.array(is_kept), values, pa.scalar(None, values.type))
    return found


def _with_columns(
    pairs: Pairs, columns: Mapping[str, pa.Array], is_left: NDArray[np.bool_]
) -> Pairs:
    """The pairs with other columns in the place of theirs, in the ids that are left."""
    if not is_left.any():
        raise ValueError(
            f"pairs {pairs.name!r}: no id is left with a query and a passage; give larger shares, "
            "or thin out fewer languages"
        )
    dataset = pairs.dataset.remove_columns(list(columns))
    for name, column in columns.items():
        dataset = dataset.add_column(name, column)
    made = Pairs(pairs.name, dataset.select(np.flatnonzero(is_left)))
    made.left_out = dict(pairs.left_out)
    lost = int((~is_left).sum())
    if lost:
        made.left_out[NOTHING_LEFT] = made.left_out.get(NOTHING_LEFT, 0) + lost
    return made
