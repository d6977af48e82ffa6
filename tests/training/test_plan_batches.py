"""Batches as the trainer takes them: which passages and negatives answer which queries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hbtlib.data.pairs import Pairs
from hbtlib.sampling.batch import Batch
from hbtlib.sampling.plan import BatchPlan
from hbtlib.training.batches import PlanBatches
from hbtlib.training.false_negatives import answers


def test_answers_masks_by_key_and_by_text() -> None:
    pairs = Pairs.from_texts(
        "p",
        [{"aa": "q0"}, {"aa": "q1"}, {"aa": "q0"}, {"aa": "q3"}],
        [{"bb": "p0"}, {"bb": "p1"}, {"bb": "p2"}, {"bb": "p1"}],
        passage_key=[0, 1, 2, 0],
    )
    batch = Batch(np.arange(4), np.full(4, "aa"), np.full(4, "bb"), 0, "x-y", 0.5)
    found = answers(
        pairs, batch, pairs.texts(range(4), "aa", "query"), pairs.texts(range(4), "bb", "passage")
    )
    expected = np.eye(4, dtype=bool)
    for i, j in ((0, 2), (1, 3), (0, 3)):  # one question text, one passage text, one passage key
        expected[i, j] = expected[j, i] = True
    expected[2, 3] = True  # the passage of 3 is that of 0, whose question 2 has
    np.testing.assert_array_equal(found, expected)


def test_copies_of_an_id_answer_one_question() -> None:
    pairs = Pairs.from_texts(
        "p",
        [{"aa": f"q{i}", "bb": f"Q{i}"} for i in range(3)],
        [{"aa": f"p{i}", "bb": f"P{i}"} for i in range(3)],
    ).select([2, 0, 2])
    batch = Batch(np.arange(3), np.array(["aa", "aa", "bb"]), np.full(3, "bb"), 0, "x-y", 0.5)
    found = answers(pairs, batch, ["q2", "q0", "Q2"], ["P2", "P0", "P2"])
    np.testing.assert_array_equal(
        found, [[True, False, True], [False, True, False], [True, False, True]]
    )


def test_hard_negatives_enter_the_loss_unless_they_are_the_answer(
    tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    texts = [{"aa": f"passage {i} in aa"} for i in range(4)]
    pairs = Pairs.from_texts(
        "p",
        [{"aa": f"question {i} in aa"} for i in range(4)],
        texts,
        negatives_aa=[["passage 9 in aa", "passage 1 in aa"]] * 4,
    )
    encoder = tiny_encoder_factory()
    inputs = PlanBatches(BatchPlan(pairs, "x-x-mono", 0.5, 4, 0), None, encoder)[0]
    same = inputs["same_negatives"].numpy()
    ids = inputs["ids"].numpy()
    assert same.shape == (4, 8)
    np.testing.assert_array_equal(
        same, np.tile((ids == 1)[:, None], (1, 8)) & np.tile([False, True], 4)
    )


def test_a_negative_that_translates_an_answer_is_no_negative_of_it(
    tiny_encoder_factory: Any,
) -> None:
    """Each id's negative is its neighbour's passage, in the language of the id's own passage.

    The neighbour has that passage in the batch in another language.
    """
    codes = ("aa", "bb")
    texts = [
        [{c: f"{kind} {i} in {c}" for c in codes} for i in range(6)]
        for kind in ("question", "passage")
    ]
    negatives = {
        f"negatives_{c}": [[f"passage {(i + 1) % 6} in {c}"] for i in range(6)] for c in codes
    }
    pairs = Pairs.from_texts("p", *texts, query_key=[0, 1, 2, 3, 4, 4], **negatives)
    for t in range(3):
        inputs = PlanBatches(BatchPlan(pairs, "x-y", 0.5, 6, t), None, tiny_encoder_factory())[0]
        ids = inputs["ids"].numpy()
        expected = (ids[:, None] == (ids + 1) % 6) | (
            (ids[:, None] >= 4) & np.isin((ids + 1) % 6, [4, 5])
        )
        np.testing.assert_array_equal(inputs["same_negatives"].numpy(), expected)
