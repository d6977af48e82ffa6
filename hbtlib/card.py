"""The README.md of a model folder: what the model was trained on and how, and how to load it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from hbtlib.encoder import Encoder


def model_card(encoder: Encoder, training: Mapping[str, Any] | None = None) -> str:
    """Markdown as the hub reads it. training: what `hbtlib.train` was asked (its arguments by name), or None: not by it."""
    settings = encoder.settings
    about: dict[str, Any] = {"library_name": "sentence-transformers", "pipeline_tag": "sentence-similarity",
                             "tags": ["sentence-transformers", "feature-extraction", "retrieval", "hbtlib"]}
    if training:
        about["language"] = list(training["languages"])
    head = yaml.safe_dump(about, sort_keys=False, allow_unicode=True)
    unit = ", of unit length" if settings.normalize else ""
    return f"""---
{head}---

# Text to vectors for retrieval

A query or a passage, cut at {settings.max_length} tokens, becomes a vector of {encoder.dimension} numbers{unit}: the \
{_POOLED[settings.pooling]}. Before a query stands `{settings.query_prefix}`, before a passage `{settings.passage_prefix}`. \
A passage's score is the dot product.

{_trained(training) if training else 'No training by hbtlib.'}

## How to load it

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("FOLDER")
scores = model.encode(queries, prompt_name="query") @ model.encode(passages, prompt_name="passage").T
```

```python
import hbtlib as hbt

encoder = hbt.Encoder.load("FOLDER")
scores = encoder.embed(queries, "query") @ encoder.embed(passages, "passage").T
```
"""


_POOLED = {"mean": "mean of the token states", "cls": "first token's state", "lasttoken": "last token's state"}


def _trained(training: Mapping[str, Any]) -> str:
    """A table of what was asked of the training."""
    shown = {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
             for name, value in training.items() if value not in (None, {}, [])}
    return "\n".join(["## Training", "", "As `hbtlib.train` was asked:", "", "| | |", "|---|---|",
                      *(f"| {name} | {value} |" for name, value in shown.items())])
