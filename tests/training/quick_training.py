"""What several tests of trainings share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hbtlib.data.pairs import Pairs

QUICK: dict[str, Any] = {
    "batch_size": 4,
    "steps": 24,
    "evaluate_every": 6,
    "learning_rate": 1e-2,
    "log_every": 3,
}


def weights(folder: Path) -> bytes:
    """The weights of the model that a training left in its folder."""
    return (folder / "model" / "model.safetensors").read_bytes()


def contrary(pairs: Pairs) -> Pairs:
    """Validation pairs that contradict the training, so that their loss rises as it goes on.

    Each question has the passage of the next id.
    """

    def texts(role: str, shift: int) -> list[dict[str, str]]:
        return [
            {
                code: pairs.texts([(i + shift) % len(pairs)], code, role)[0]
                for code in pairs.languages
            }
            for i in range(len(pairs))
        ]

    return Pairs.from_texts("contrary", texts("query", 0), texts("passage", 1))
