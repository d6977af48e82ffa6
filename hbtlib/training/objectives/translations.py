"""A batch's texts in further languages, for the objectives that train on translations."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from hbtlib.data.pairs import Pairs
from hbtlib.sampling.batch import Batch
from hbtlib.training.objectives.info_nce import Extra, Inputs, Vectors


def draw_translations(
    pairs: Pairs,
    batch: Batch,
    role: str,
    languages: NDArray[np.str_],
    draw: Sequence[int],
    n: int = 1,
) -> Extra:
    """Draws each id's query or passage in up to n further languages, where it exists.

    Args:
        pairs: the pairs that the batch's ids are of.
        batch: the batch of the plan.
        role: "query" or "passage".
        languages: (L,) the language codes to draw from.
        draw: the seed.
        n: how many further languages a text is wanted in.

    Returns:
        The m drawn texts with two tensors (m,): `row`, the pair of the batch that a text belongs
        to, and `place`, its place among that pair's drawn texts, from 0 to n − 1.
    """
    taken = batch.query_languages if role == "query" else batch.passage_languages
    exists = np.stack([pairs.stands(batch.ids, str(code), role) for code in languages], 1)  # (B, L)
    exists &= languages != taken[:, None]
    row, language = draw_languages(exists, draw, n)
    if not row.size:
        return Extra()
    texts = pairs.texts(batch.ids[row], languages[language], role)
    place = np.arange(len(row)) - np.searchsorted(row, row)  # the texts of an id follow each other
    tensors = {"row": torch.from_numpy(row), "place": torch.from_numpy(place)}
    return Extra(texts, role, tensors)


def draw_languages(
    exists: NDArray[np.bool_], draw: Sequence[int], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draws up to n different languages for each row, of those that exist.

    Args:
        exists: (B, L), which languages a row's text exists in.
        draw: the seed.
        n: how many languages are wanted.

    Returns:
        The row and the language of each of the m that were drawn, (m,) each, row after row.
    """
    # A random order of the languages for each id, with those that do not exist at its end.
    keys = np.where(exists, np.random.default_rng(draw).random(exists.shape), 2.0)
    chosen = keys.argsort(1)[:, :n]  # (B, n)
    row, place = np.nonzero(np.take_along_axis(exists, chosen, 1))
    return row, chosen[row, place]


def translated_queries(
    vectors: Vectors, inputs: Inputs
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The queries of which the batch has a translation.

    Args:
        vectors: the batch's vectors, with `extra` the translations that `draw_translations` drew
            for n = 1.
        inputs: the batch.

    Returns:
        The pair of the batch that each belongs to (m,), the queries (m, d), their translations (m,
        d), and which of them answers which (m, m).
    """
    queries = vectors["query"]
    row = inputs["row"].to(queries.device)
    same = inputs["same"].to(queries.device)
    return row, queries[row], vectors["extra"], same[row][:, row]
