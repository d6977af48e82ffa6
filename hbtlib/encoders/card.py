"""The model card: a README.md that says what a model is, how it was trained, and how to load it."""

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

from hbtlib.encoders.parts import Settings
from hbtlib.encoders.pooling import POOLINGS

_TEMPLATE = Path(__file__).with_name("card.md")


def model_card(
    settings: Settings,
    dimension: int,
    training: Mapping[str, Any] | None = None,
    *,
    name: str = "FOLDER",
    pictures: Mapping[str, str] | None = None,
) -> str:
    """Fills card.md, in the form that the hub reads.

    Args:
        settings: the encoder's settings.
        dimension: how many numbers its vectors have.
        training: what `hbtlib.train` was asked, by name (`languages` among it); None if the
            encoder was not trained by it.
        name: what is loaded, as the code in the card has it.
        pictures: caption → file beside the card, such as a heatmap of the encoder's mAP.

    Returns:
        Markdown with a YAML head.
    """
    head: dict[str, Any] = {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": ["sentence-transformers", "feature-extraction", "retrieval", "hbtlib"],
    }
    if training:
        head["language"] = list(training["languages"])
    template = Template(_TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(
        settings._asdict(),
        head=yaml.safe_dump(head, sort_keys=False, allow_unicode=True),
        dimension=dimension,
        unit=", of unit length" if settings.normalize else "",
        pooled=POOLINGS[settings.pooling].description,
        training=_training_section(training) if training else "No training by hbtlib.",
        name=name,
        pictures=_pictures_section(pictures or {}),
    )


def _pictures_section(pictures: Mapping[str, str]) -> str:
    """The pictures with their captions, under a heading."""
    shown = [f"![{caption}]({file})\n\n{caption}\n\n" for caption, file in pictures.items()]
    return "".join(["## Evaluation\n\n", *shown]) if shown else ""


def _training_section(training: Mapping[str, Any]) -> str:
    """A table of the training's parameters, without those that were not used."""
    lines = ["## Training", "", "As `hbtlib.train` was asked:", "", "| | |", "|---|---|"]
    for name, value in training.items():
        if value in (None, {}, []):
            continue
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        lines.append(f"| {name} | {shown} |")
    return "\n".join(lines)
