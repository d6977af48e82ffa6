"""The mixed model against a textbook case and by its limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("statsmodels", reason="mixed models need hbtlib[typology]")

from hbtlib.evaluation.mixed import mixed_model


def values(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    levels = rng.normal(0, 1, 12)
    rows = [
        (f"l{i}", arm, levels[i] + 0.5 * arm + rng.normal(0, 0.1))
        for i in range(12)
        for arm in (0, 1)
        for _ in range(3)
    ]
    return pd.DataFrame(rows, columns=["language", "arm", "value"])


def test_a_balanced_model_gives_the_plain_difference() -> None:
    # In a balanced design the generalised least squares estimate is the difference of means.
    table = values()
    found = mixed_model(table, "value", ["arm"]).set_index("term")
    means = table.groupby("arm")["value"].mean()
    assert found.loc["arm", "estimate"] == pytest.approx(means[1] - means[0], abs=1e-6)
    assert found.loc["arm", "low"] < 0.5 < found.loc["arm", "high"]
    # Its interval is narrow, because the languages' levels are not taken for noise.
    assert found.loc["arm", "high"] - found.loc["arm", "low"] < 0.2
    assert found["group_sd"].iloc[0] == pytest.approx(1.0, rel=0.5)
    assert found["noise_sd"].iloc[0] == pytest.approx(0.1, rel=0.3)
    assert found["n_groups"].iloc[0] == 12
    assert bool(found["converged"].all())


def test_tables_that_no_model_fits_are_refused() -> None:
    table = values()
    with pytest.raises(ValueError, match="'arm' is the same in all rows: leave it out"):
        mixed_model(table.assign(arm=1), "value", ["arm"])
    with pytest.raises(ValueError, match="there are 3 values of 'language'; a mixed model needs 5"):
        mixed_model(table[table["language"].isin(["l0", "l1", "l2"])], "value", ["arm"])
    with pytest.raises(ValueError, match="value"):
        mixed_model(table.drop(columns="value"), "value", ["arm"])
    single = table.drop_duplicates("language").assign(arm=[0, 1] * 6)
    with pytest.raises(ValueError, match="every 'language' has one value"):
        mixed_model(single, "value", ["arm"])
    with pytest.raises(ValueError, match="of the effects arm, twice one is a sum of others"):
        mixed_model(table.assign(twice=2 * table["arm"]), "value", ["arm", "twice"])
    with pytest.raises(ValueError, match="language"):
        mixed_model(
            table.assign(language=table["language"].where(table.index > 5)), "value", ["arm"]
        )


def test_an_effect_may_have_any_name() -> None:
    table = values()
    named = mixed_model(table.rename(columns={"arm": "const"}), "value", ["const"])
    plain = mixed_model(table, "value", ["arm"])
    assert named["term"].tolist() == ["intercept", "const"]
    assert named["estimate"].tolist() == pytest.approx(plain["estimate"].tolist())
