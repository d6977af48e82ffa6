"""Hard negatives: mined where numpy finds them, never a translation or an answer."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import hbtlib as hbt
from hbtlib.data.pairs import Pairs
from hbtlib.training.negatives import OPTIONS, check_mining_options

CODES = ("aa", "bb")


class Placed:
    """Vectors by text: each id on the circle, a little turned by language and role."""

    dimension = 2

    def embed(self, texts: list[str], role: str = "passage", **_: Any) -> np.ndarray:
        parts = [text.split() for text in texts]
        angles = np.array(
            [
                float(i) * 0.05 + 0.01 * (code == "bb") + 0.002 * (role == "query")
                for _, i, code in parts
            ]
        )
        return np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)


def placed(n: int = 30, **columns: Any) -> Pairs:
    texts = [[{c: f"{kind} {i} {c}" for c in CODES} for i in range(n)] for kind in ("q", "p")]
    return Pairs.from_texts("circle", *texts, **columns)


def test_negatives_are_of_the_window_numpy_finds() -> None:
    mined = hbt.mine_negatives(placed(), Placed(), n=3, ranks=(2, 6), seed=4)  # type: ignore[arg-type]
    encoder = Placed()
    for code in CODES:
        passages = [f"p {i} {code}" for i in range(30)]
        for i, found in enumerate(mined.negatives(np.arange(30), code)):
            scores = encoder.embed(passages) @ encoder.embed([f"q {i} {code}"], "query")[0]
            better = [passages[j] for j in np.argsort(-scores, kind="stable") if j != i]
            assert len(set(found)) == 3
            assert set(found) <= set(better[1:6])
    # All ranks of the window are drawn from, and another seed draws others.
    again = hbt.mine_negatives(placed(), Placed(), n=3, ranks=(2, 6), seed=5)  # type: ignore[arg-type]
    assert again.negatives(np.arange(30), "aa") != mined.negatives(np.arange(30), "aa")


def test_one_rank_is_that_passage() -> None:
    mined = hbt.mine_negatives(placed(), Placed(), n=1, ranks=(1, 1))  # type: ignore[arg-type]
    assert mined.negatives([0, 29], "aa") == [["p 1 aa"], ["p 28 aa"]]


def test_never_a_translation_a_twin_or_what_scores_like_the_answer() -> None:
    keys = [i // 3 for i in range(30)]  # three ids a question: their passages answer each other's
    mined = hbt.mine_negatives(placed(query_key=keys), Placed(), n=1, ranks=(1, 3))  # type: ignore[arg-type]
    for code in CODES:
        for i, (text,) in enumerate(mined.negatives(np.arange(30), code)):
            assert int(text.split()[1]) // 3 != i // 3
            assert text.endswith(code)
    far = hbt.mine_negatives(placed(), Placed(), n=1, ranks=(1, 25), margin=0.1)  # type: ignore[arg-type]
    for i, (text,) in enumerate(far.negatives(np.arange(30), "aa")):
        assert np.cos(0.05 * (i - int(text.split()[1])) + 0.002) <= np.cos(0.002) - 0.1


def test_what_scores_like_the_answer_is_not_drawn_from_the_pool_either() -> None:
    mined = hbt.mine_negatives(placed(12), Placed(), n=2, ranks=(1, 2), margin=0.02)  # type: ignore[arg-type]
    for i, found in enumerate(mined.negatives(np.arange(12), "aa")):
        for text in found:
            assert np.cos(0.05 * (i - int(text.split()[1])) + 0.002) <= np.cos(0.002) - 0.02
    with pytest.raises(ValueError, match="too few for 1 negatives of id 0, or score like its own"):
        hbt.mine_negatives(placed(12), Placed(), ranks=(1, 1), margin=0.9)  # type: ignore[arg-type]


def test_where_the_window_is_too_small_the_pool_is_drawn_from() -> None:
    mined = hbt.mine_negatives(placed(6), Placed(), n=2, ranks=(5, 40))  # type: ignore[arg-type]
    for i, found in enumerate(mined.negatives(np.arange(6), "aa")):
        assert len(set(found)) == 2
        assert f"p {i} aa" not in found


def test_ids_that_lack_a_language_have_none_there_and_search_with_the_query_they_have() -> None:
    queries = [{"aa": f"q {i} aa"} if i % 2 else {"bb": f"q {i} bb"} for i in range(12)]
    passages = [
        {"aa": f"p {i} aa"} if i < 6 else {"aa": f"p {i} aa", "bb": f"p {i} bb"} for i in range(12)
    ]
    mined = hbt.mine_negatives(Pairs.from_texts("part", queries, passages), Placed(), ranks=(1, 1))  # type: ignore[arg-type]
    assert mined.negatives([5, 6], "bb") == [[], ["p 7 bb"]]
    assert mined.negatives([4], "aa") == [["p 5 aa"]]  # asked in bb
    plan = hbt.BatchPlan(mined, "x-x", batch_size=4)
    assert all(len(found) == 1 for found in mined.negatives(plan[0].ids, plan[0].passage_languages))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"n": 0}, "n is 0"),
        ({"ranks": (0, 5)}, "ranks are 0 to 5"),
        ({"n": 4, "ranks": (3, 5)}, "n is 4 and ranks are 3 to 5"),
    ],
)
def test_refuses_a_window_that_is_none(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        hbt.mine_negatives(placed(), Placed(), **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="2 passages in 'aa' are too few for 2 negatives of id 0"):
        hbt.mine_negatives(placed(2), Placed(), n=2)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"n": "1"}, "n is '1'; it must be a whole number"),
        ({"n": True}, "n is True; it must be a whole number"),
        ({"n": 1.5}, "n is 1.5; it must be a whole number"),
        ({"ranks": 5}, "ranks is 5; it must be two numbers"),
        ({"ranks": (1,)}, "it must be two numbers, the first and the last rank"),
        ({"ranks": "15"}, "ranks is '15'; it must be two numbers"),
        ({"ranks": (1, "5")}, "a rank is '5'; it must be a whole number"),
        ({"ranks": (1, 2.5)}, "a rank is 2.5"),
        ({"margin": float("nan")}, "margin is nan; it must be a finite number"),
        ({"margin": "0.1"}, "margin is '0.1'; it must be a number"),
        ({"precision": "fp8"}, "precision is 'fp8'"),
        ({"seed": -1}, "seed is -1; it must be 0 or more"),
        ({"seed": None}, "seed is None"),
    ],
    ids=str,
)
def test_refuses_options_that_are_none(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        hbt.mine_negatives(placed(), Placed(), **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=said):
        check_mining_options(wrong)


def test_options_of_a_study_are_checked_before_there_are_pairs() -> None:
    assert check_mining_options(None) == {}
    good = {"n": np.int64(2), "ranks": [1, 9], "margin": 0, "precision": "bf16", "seed": 3}
    assert check_mining_options(good) == good
    for wrong, said in [
        ({"rank": (1, 2)}, "negatives has no option 'rank'; did you mean 'ranks'"),
        ([1], "negatives is .1.; it must be a mapping"),
        ({"n": 100}, "n is 100 and ranks are 10 to 100"),
    ]:
        with pytest.raises(ValueError, match=said):
            check_mining_options(wrong)
    assert tuple(inspect.signature(hbt.mine_negatives).parameters)[2:] == OPTIONS


@pytest.mark.parametrize("pairs", ["xquad", None, [1]])
def test_refuses_what_are_no_pairs_or_no_encoder(pairs: Any) -> None:
    with pytest.raises(ValueError, match=r"pairs is .*; it must be Pairs"):
        hbt.mine_negatives(pairs, Placed())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="encoder is 'small'; it must have a function embed"):
        hbt.mine_negatives(placed(), "small")  # type: ignore[arg-type]


def test_a_training_takes_them(tiny_encoder_factory: Any, tmp_path: Any) -> None:
    codes = ("aa", "bb", "cc")
    texts = [
        [{c: f"{kind} {i} in {c}" for c in codes} for i in range(12)]
        for kind in ("question", "passage")
    ]
    encoder = tiny_encoder_factory()
    mined = hbt.mine_negatives(Pairs.from_texts("tiny", *texts), encoder, ranks=(1, 5))
    assert {len(found) for found in mined.negatives(np.arange(12), "cc")} == {1}
    hbt.train(mined, encoder, output=tmp_path / "run", batch_size=4, steps=2)
    with pytest.raises(
        ValueError, match="hard negatives, and the objective 'one-to-k' has no place"
    ):
        hbt.train(
            mined, encoder, output=tmp_path / "other", batch_size=4, steps=2, objective="one-to-k"
        )
