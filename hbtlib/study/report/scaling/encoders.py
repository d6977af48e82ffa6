"""The encoders of 17-scaling and how large they are."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from hbtlib.study.runs import Run
from hbtlib.study.studies import Study

SHAPES = {
    "minilm": (384, 6, 1536),
    "me5-small": (384, 12, 1536),
    "microsoft/Multilingual-MiniLM-L12-H384": (384, 12, 1536),
    "FacebookAI/xlm-roberta-base": (768, 12, 3072),
    "FacebookAI/xlm-roberta-large": (1024, 24, 4096),
    "facebook/xlm-roberta-xl": (2560, 36, 10_240),
    "facebook/xlm-roberta-xxl": (4096, 48, 16_384),
}
"""Width, layers and inner width of encoders beside the small one, from their configurations."""


def parameters_of(run: Run) -> int:
    """The weights of a run's encoder, without the tables of tokens, positions and types.

    Args:
        run: a run with the encoder `small` or one of `SHAPES`.

    Returns:
        How many there are: of each layer four square matrices of attention, two of the feed-forward
        network, their biases and two normalisations; and the normalisation before the first layer.

    Raises:
        ValueError: for another encoder.
    """
    encoder, options = run.parameters["encoder"], run.parameters["encoder_options"]
    if encoder == "small":
        width, layers = options.get("width", 128), options.get("layers", 1)
        inner = 2 * width
    elif encoder in SHAPES:
        width, layers, inner = SHAPES[encoder]
    else:
        known = ", ".join(["small", *SHAPES])
        raise ValueError(
            f"the encoder is {encoder!r}, whose shape is not known here; known are {known}: add it "
            "to hbtlib.study.report.scaling.encoders.SHAPES"
        )
    attention = 4 * (width * width + width)
    feed_forward = 2 * width * inner + inner + width
    return int(layers * (attention + feed_forward + 4 * width) + 2 * width)


def shape_of(run: Run) -> str:
    """What an encoder is called: `64×1` is a width of 64 and one layer.

    Args:
        run: a run.
    """
    if run.parameters["encoder"] != "small":
        return str(run.parameters["encoder"])
    options = run.parameters["encoder_options"]
    return f"{options.get('width', 128)}×{options.get('layers', 1)}"


def sizes(study: Study) -> pd.DataFrame:
    """The encoders of a study.

    Args:
        study: the study.

    Returns:
        encoder, parameters (without embeddings), learning rate, steps, seeds, by size; one row an
        encoder and strategy.
    """
    rows = [
        {
            "encoder": shape_of(run),
            "parameters": parameters_of(run),
            "strategy": run.parameters["strategy"],
            "learning rate": run.parameters["learning_rate"],
            "steps": run.parameters["steps"],
            "seed": run.parameters["seed"],
        }
        for run in study.runs
    ]
    keys = ["encoder", "parameters", "strategy", "learning rate", "steps"]
    counts = pd.DataFrame(rows).groupby(keys, sort=False)["seed"].nunique()
    return counts.rename("seeds").reset_index().sort_values("parameters", kind="stable")


def sizes_shown(table: pd.DataFrame) -> Styler:
    """The encoders as a table.

    Args:
        table: `sizes`' table.
    """
    forms: dict[Any, Any] = {"parameters": "{:,}", "learning rate": "{:g}"}
    return table.style.hide().format(forms)
