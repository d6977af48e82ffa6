"""What training larger encoders than those of 17-scaling takes."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.study import large_models
from hbtlib.study.report.words import Markdown, bullets, counted, number


def resources() -> pd.DataFrame:
    """What training larger encoders takes: `large_models.resources`."""
    return large_models.resources()


def resources_shown(table: pd.DataFrame) -> Styler:
    """What training larger encoders takes, as a table.

    Args:
        table: `resources`' table.
    """
    forms: dict[Any, Any] = {"one GPU": "{:,.0f}", "each": "{:,.0f}", "GPUs": "{:.0f}"}
    forms |= {"parameters": "{:.2f}", "embedding": "{:.2f}", "trained": "{:.3f}"}
    forms |= {"GPU hours": "{:,.1f}", "hours": "{:,.1f}"}
    shown = table.drop(columns="source").style.hide()
    return shown.format(forms, na_rep="none")


def resources_says(table: pd.DataFrame) -> Markdown:
    """What the largest encoder of XLM-R, and the largest of all, take.

    Args:
        table: `resources`' table.

    Returns:
        A sentence a model.
    """
    said = []
    for name in ("XLM-R XXL", str(table["model"].iloc[-1])):
        rows = table[table["model"] == name].set_index("way")
        texts = []
        for way in ("all weights, checkpointing", "LoRA, checkpointing"):
            row: Any = rows.loc[way]
            texts.append(
                f"{way}: {counted(int(row['GPUs']), 'GPU')} and {number(float(row['GPU hours']))} "
                "hours of one GPU"
            )
        size = f"{rows['parameters'].iloc[0]:.1f}"
        said.append(f"{name} ({size} billion parameters): {'; '.join(texts)}.")
    return bullets(said)
