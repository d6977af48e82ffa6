"""Plans of nonsense: each value is refused in a sentence that names it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from plan_requests import FIVE, full, plain

from hbtlib.sampling.plan import BatchPlan
from hbtlib.sampling.strategies import X_X, Kind, Strategy

NAN, INF = float("nan"), float("inf")
TWO = [full(50), full(50, name="b")]

REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    *[
        (pairs, {}, "give Pairs, as hbt.load_pairs")
        for pairs in ("xquad", None, 3, pd.DataFrame({"a": [1]}), [None], [full(50), "b"], dict)
    ],
    ([], {}, "no pairs to draw from"),
    *[(full(50), {"batch_size": size}, "batch_size is") for size in ("8", True, None, NAN, INF)],
    *[(full(50), {"seed": seed}, "seed is") for seed in (-1, True, None, 0.5, "0", [1])],
    *[(full(50), {"steps": steps}, "steps is") for steps in (0, -1, True, "9", 1.5, NAN)],
    *[
        (full(50), {"strategy": strategy}, said)
        for strategy, said in [
            ("hybird", "strategy is 'hybird'; did you mean 'hybrid'"),
            (None, "strategy is None; there are x-x-mono"),
            (3, "strategy is 3"),
            (["x-x"], r"strategy is \['x-x'\]"),
            (Strategy("x-x"), "a Strategy has one Kind or two"),  # type: ignore[arg-type]
            (Strategy(X_X, "x-y"), "a Strategy has one Kind or two"),  # type: ignore[arg-type]
        ]
    ],
    *[
        (full(50), {"mix": mix}, "mix is .*(did you mean|there are batch, pair)")
        for mix in ("pairs", None, 3, ["pair"], pd.DataFrame(), np.array(["pair", "batch"]))
    ],
    (full(50), {"languages": np.ma.masked}, "languages is masked; it must be a list"),
    (full(50), {"languages": np.array("de")}, "languages is array.*; it must be a list"),
    *[
        (full(50), {"languages": languages}, said)
        for languages, said in [
            ([], "languages is empty"),
            ("de en", "languages is 'de en'; it must be a list of language codes"),
            ({"de"}, "it must be a list of language codes"),
            ({"de": 1}, "it must be a list of language codes"),
            (7, "languages is 7"),
            (["de", "de"], "languages has 'de' 2 times"),
            (["de", 3], "languages has 3, which is no language code"),
            (["de", "xx"], "no pairs in 'xx'"),
        ]
    ],
    *[
        (full(50), {"language_weights": weights}, said)
        for weights, said in [
            ({"en": INF}, "the weight of 'en' is inf; it must be a finite number"),
            ({"en": NAN}, "the weight of 'en' is nan; it must be a finite number"),
            ({"en": -1}, "the weight of 'en' is -1; it must be above 0"),
            (dict.fromkeys(FIVE, 0), "is 0; it must be above 0 .leave the language out"),
            ({"en": 1e-320}, "the weight of 'en' is 1e-320; it must be 1e-100 or more"),
            ({"en": 1e300}, "the weight of 'en' is 1e.300; it must be"),
            ({"en": "2"}, "the weight of 'en' is '2'; it must be a number"),
            ({"en": True}, "the weight of 'en' is True; it must be a number"),
            ({"xx": 1}, "a weight is given for 'xx'"),
            ([1, 2], "language_weights is .1, 2.; it must be a mapping"),
            ("de", "language_weights is 'de'; it must be a mapping"),
            (3, "language_weights is 3; it must be a mapping"),
        ]
    ],
    *[
        (TWO, {"sources": sources}, said)
        for sources, said in [
            ({"full": INF, "b": 1}, "the weight of source 'full' is inf; it must be a finite"),
            ({"full": "1", "b": 1}, "the weight of source 'full' is '1'; it must be a number"),
            ({"full": -1, "b": 1}, "must be above 0 .leave the source out"),
            ({"full": 1e300, "b": 1}, "the weight of source 'full' is"),
            ({"ful": 1, "b": 1}, "must name each of"),
            ({}, "must name each of"),
            (1e9, "sources is 1000000000.0; it is 'size', a power"),
            (-1e9, "it is 'size', a power"),
            (True, "sources is True; it is 'size', a power"),
            (None, "sources is None; it is 'size', a power"),
            ([1, 2], "it is 'size', a power"),
            ("1", "it is 'size', a power"),
        ]
    ],
    *[
        (full(50), {"alpha": alpha, "steps": 9}, "it is a probability, from 0")
        for alpha in (True, "0.5", "half", 1j, np.array([0, 1]), {"linear": "01"}, {"linear": None})
    ],
    *[
        (full(50), {"alpha": {"step": steps}, "steps": 9}, "it is a probability, from 0")
        for steps in ([["0", "1"]], "01", [[0, True]], {0: 1}, 7, [[0, INF]])
    ],
    *[
        (full(50), {"mix": mix}, "mix is .*(there are|did you mean)")
        for mix in (None, 1, "batches")
    ],
]


@pytest.mark.parametrize(
    ("source", "options", "said"), REFUSED, ids=[str(options) for _, options, _ in REFUSED]
)
def test_refused_with_what_is_wrong(source: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        BatchPlan(source, **{"batch_size": 10, **options})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("t", [1.0, "0", None, True, NAN, slice(0, 2), [0]], ids=str)
def test_the_number_of_a_batch_is_a_whole_number(t: Any) -> None:
    with pytest.raises(ValueError, match=r"the number of a batch is .*; it must be a whole number"):
        BatchPlan(full(50), batch_size=10)[t]


def test_the_number_of_a_batch_has_bounds() -> None:
    plan = BatchPlan(full(50), batch_size=10)
    for t in (-1, np.int64(-1), 2**63, 10**30):
        with pytest.raises(IndexError, match="batches are numbered from 0 up"):
            plan[t]
    assert len(plan[2**63 - 1]) == 10
    assert plain(plan[np.uint8(3)]) == plain(plan[3])  # type: ignore[call-overload]


def test_what_is_as_good_is_taken() -> None:
    """Numpy's numbers and arrays, whole floats, tuples: the same batches."""
    plan = BatchPlan(TWO, "hybrid", 0.5, 10, 4, languages=["de", "en"], sources=1.0, steps=30)
    same = BatchPlan(
        tuple(TWO),
        "hybrid",
        np.float64(0.5),
        np.float64(10.0),  # type: ignore[arg-type]
        np.int64(4),  # type: ignore[arg-type]
        languages=np.array(["de", "en"]),  # type: ignore[arg-type]
        language_weights={"de": 1.0, "en": np.float64(1)},
        sources=np.int64(1),
        steps=np.int32(30),  # type: ignore[arg-type]
    )
    assert [plain(plan[t]) for t in range(20)] == [plain(same[t]) for t in range(20)]
    a_kind_of_ones_own = Strategy(Kind("mine", same=True, homogeneous=True))
    assert BatchPlan(full(50), a_kind_of_ones_own, batch_size=10)[0].kind == "mine"
    huge = BatchPlan(full(50), batch_size=10, seed=2**70)
    assert len(huge[0]) == 10
