"""Groups of languages."""

from __future__ import annotations

import pandas as pd
import pytest

from hbtlib.evaluation.metrics import by_group, summarise


@pytest.fixture
def measured() -> pd.DataFrame:
    rows = [
        ("monolingual", "de", "de"),
        ("monolingual", "qq", "qq"),
        ("cross-lingual", "de", "tr"),
        ("cross-lingual", "de", "ru"),
        ("cross-lingual", "de", "qq"),
        ("multilingual", "ru", "all"),
    ]
    table = pd.DataFrame(rows, columns=["setting", "query_language", "pool"])
    return table.assign(metric="mAP", value=0.5)


@pytest.mark.parametrize(
    ("feature", "of_german", "with_turkish", "with_russian", "of_russian"),
    [
        ("script", "Latin", "same script", "other script", "Cyrillic"),
        ("family", "Indo-European", "other family", "same family", "Indo-European"),
        ("word_order", "none dominant", "other word order", "other word order", "SVO"),
        ("resources", "class 5", "other resources", "other resources", "class 4"),
    ],
)
def test_languages_come_in_groups(
    measured: pd.DataFrame,
    feature: str,
    of_german: str,
    with_turkish: str,
    with_russian: str,
    of_russian: str,
) -> None:
    found = by_group(measured, feature)["group"].tolist()
    assert found == [of_german, "unknown", with_turkish, with_russian, "unknown", of_russian]


def test_groups_are_summarised(measured: pd.DataFrame) -> None:
    summary = summarise(by_group(measured, "script"), by=["group"])
    assert summary.loc["Latin", ("monolingual", "mAP")] == 0.5
    with pytest.raises(ValueError, match="no feature 'colour'; there are family, script"):
        by_group(measured, "colour")
