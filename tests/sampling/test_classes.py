"""Ids are grouped by the languages they exist in, as plain Python groups them."""

from __future__ import annotations

import numpy as np
import pytest
from plan_requests import FIVE, Masks, full, partial

from hbtlib.sampling import classes as classes_module
from hbtlib.sampling.classes import group_ids
from hbtlib.sampling.drawing import can_serve, language_bits, unpack
from hbtlib.sampling.strategies import X_X_MONO, X_Y


@pytest.mark.parametrize("piece", [7, 1 << 20])
@pytest.mark.parametrize("source", [full(50), partial(1, 90, FIVE, 0.4, alike=False)])
def test_classes_are_those_of_a_plain_loop(
    source: Masks, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classes_module, "_PIECE", piece)
    bits = language_bits(source, FIVE)
    found = group_ids(source, bits, X_X_MONO, X_Y)

    has_query, has_passage = unpack(source.query_mask, bits), unpack(source.passage_mask, bits)
    usable = can_serve(X_X_MONO, has_query, has_passage) | can_serve(X_Y, has_query, has_passage)
    expected: dict[tuple[bytes, bytes], list[int]] = {}
    for i in np.flatnonzero(usable).tolist():
        expected.setdefault((has_query[i].tobytes(), has_passage[i].tobytes()), []).append(i)

    ends = np.cumsum(found.sizes)
    parts = np.split(found.copy_of_ids(), ends[:-1])
    keys = [
        (q.tobytes(), p.tobytes()) for q, p in zip(found.has_query, found.has_passage, strict=True)
    ]
    assert dict(zip(keys, [part.tolist() for part in parts], strict=True)) == expected
    assert found.usable == usable.sum()


def reordered(source: Masks, languages: tuple[str, ...]) -> Masks:
    """The same texts, with the languages' bits in another order."""
    masks = []
    for mask in (source.query_mask, source.passage_mask):
        exists = unpack(mask, language_bits(source, languages))  # (n, L)
        masks.append((exists << np.arange(len(languages))).sum(axis=1).astype(mask.dtype))
    return Masks("reordered", languages, *masks)


def test_the_order_of_a_source_s_languages_does_not_matter() -> None:
    source = partial(2, 90, FIVE, 0.5, alike=False)
    other = reordered(source, ("ja", "de", "sw", "fr", "en"))
    found = group_ids(source, language_bits(source, FIVE), X_X_MONO, X_Y)
    again = group_ids(other, language_bits(other, FIVE), X_X_MONO, X_Y)
    np.testing.assert_array_equal(found.ids, again.ids)
    np.testing.assert_array_equal(found.has_query, again.has_query)
    np.testing.assert_array_equal(found.has_passage, again.has_passage)
