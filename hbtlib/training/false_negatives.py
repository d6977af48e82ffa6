"""Which other passages of a batch answer a query too, so that the loss leaves them out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hbtlib.data.pairs import Pairs, Role
from hbtlib.sampling.batch import Batch


def answers(
    pairs: Pairs, batch: Batch, queries: Sequence[str], passages: Sequence[str]
) -> NDArray[np.bool_]:
    """Which passages answer which queries, because ids share a question or a passage.

    Two ids share it if they have one key (whatever the languages) or one text. A passage answers a
    query, too, if it is that of another id that shares the question: where ids 0 and 1 share a
    question, and 1 and 2 a passage, the passage of 2 answers the query of 0. Longer chains are
    not followed, because the questions at their ends have nothing in common.

    Args:
        pairs: the pairs that the batch's ids are of.
        batch: the batch of the plan, B ids.
        queries: its B queries.
        passages: its B passages.

    Returns:
        (B, B) bool, True at (i, j) where passage j answers query i.
    """
    same_question = _shared(pairs, batch, "query", queries)
    same_passage = _shared(pairs, batch, "passage", passages)
    return (csr_array(same_question) @ csr_array(same_passage)).toarray()


def _shared(pairs: Pairs, batch: Batch, role: Role, texts: Sequence[str]) -> NDArray[np.bool_]:
    """Which ids of the batch share their question, or their passage: (B, B)."""
    keys = pairs.keys(batch.ids, role)
    text_numbers = pd.factorize(np.array(texts, dtype=object))[0]
    return (keys[:, None] == keys) | (text_numbers[:, None] == text_numbers)


def negatives_that_answer(
    pairs: Pairs,
    batch: Batch,
    same: NDArray[np.bool_],
    negatives: Sequence[Sequence[str]],
) -> NDArray[np.bool_]:
    """Which hard negatives answer which queries.

    A hard negative answers a query if it is, in its language, the passage of an id that answers the
    query, whatever language the batch has that passage in. Of ids outside the batch nothing is
    known here: a passage of theirs that answers a query of the batch counts as its negative.

    Args:
        pairs: the pairs that the batch's ids are of.
        batch: the batch of the plan, B ids.
        same: (B, B) bool, what `answers` gave for the batch.
        negatives: the hard negatives of each id, in the language of its passage; M in all.

    Returns:
        (B, M) bool, True at (i, j) where negative j answers query i.
    """
    texts = np.array([text for found in negatives for text in found], dtype=object)  # (M,)
    languages = np.repeat(batch.passage_languages, [len(found) for found in negatives])  # (M,)
    is_passage = np.zeros((len(batch), len(texts)), bool)  # (i, j): is negative j passage i?
    for code in map(str, np.unique(languages)):
        rows = np.flatnonzero(pairs.stands(batch.ids, code, "passage"))
        passages = np.array(pairs.texts(batch.ids[rows], code, "passage"), dtype=object)
        is_passage[rows] |= (passages[:, None] == texts) & (languages == code)
    return (csr_array(same) @ csr_array(is_passage)).toarray()
