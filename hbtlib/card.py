"""The README.md of a model folder: what the model was trained on and how, and how to load it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from hbtlib.encoder import Encoder

_POOLED = {"mean": "mean of the token states", "cls": "first token's state", "lasttoken": "last token's state"}


def model_card(encoder: Encoder, training: Mapping[str, Any] | None = None) -> str:
    """card.md, filled, as the hub reads it. training: what `hbtlib.train` was asked, by name, or None: not by it."""
    settings = encoder.settings._asdict()
    about: dict[str, Any] = {"library_name": "sentence-transformers", "pipeline_tag": "sentence-similarity",
                             "tags": ["sentence-transformers", "feature-extraction", "retrieval", "hbtlib"]}
    lines = ["No training by hbtlib."]
    if training:
        about["language"] = list(training["languages"])
        shown = {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                 for name, value in training.items() if value not in (None, {}, [])}
        lines = ["## Training", "", "As `hbtlib.train` was asked:", "", "| | |", "|---|---|",
                 *(f"| {name} | {value} |" for name, value in shown.items())]
    return Template(Path(__file__).with_suffix(".md").read_text(encoding="utf-8")).substitute(
        settings, head=yaml.safe_dump(about, sort_keys=False, allow_unicode=True), dimension=encoder.dimension,
        unit=", of unit length" if settings["normalize"] else "", pooled=_POOLED[settings["pooling"]],
        training="\n".join(lines))
