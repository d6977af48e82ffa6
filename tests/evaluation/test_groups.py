"""Groups of languages."""

from __future__ import annotations

import pandas as pd
import pytest

from hbtlib.evaluation.metrics import (
    by_group,
    summarise,
)


def test_languages_come_in_groups() -> None:
    rows = [
        ("monolingual", "de", "de"),
        ("monolingual", "qq", "qq"),
        ("cross-lingual", "de", "tr"),
        ("cross-lingual", "de", "ru"),
        ("cross-lingual", "de", "qq"),
        ("multilingual", "ru", "all"),
    ]
    table = pd.DataFrame(rows, columns=["setting", "query_language", "pool"]).assign(
        metric="mAP", value=0.5
    )

    def groups(feature: str) -> list[str]:
        return by_group(table, feature)["group"].tolist()

    assert groups("script") == [
        "Latin",
        "unknown",
        "same script",
        "other script",
        "unknown",
        "Cyrillic",
    ]
    assert groups("family") == [
        "Indo-European",
        "unknown",
        "other family",
        "same family",
        "unknown",
        "Indo-European",
    ]
    assert groups("word_order") == [
        "none dominant",
        "unknown",
        "other word order",
        "other word order",
        "unknown",
        "SVO",
    ]
    assert groups("resources") == [
        "class 5",
        "unknown",
        "other resources",
        "other resources",
        "unknown",
        "class 4",
    ]
    assert (
        summarise(by_group(table, "script"), by=["group"]).loc["Latin", ("monolingual", "mAP")]
        == 0.5
    )
    with pytest.raises(ValueError, match="no feature 'colour'; there are family, script"):
        by_group(table, "colour")
