"""What a training was asked for: an output folder belongs to one request (`training.json`)."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.training.options import TrainingOptions

FILE = "training.json"

_NOT_LEARNT = ("label", "chunk_tokens")  # these do not change what is learnt


def describe_request(
    pairs: Pairs | Sequence[Pairs], encoder: Encoder | str | Path, options: TrainingOptions
) -> dict[str, Any]:
    """Describes as JSON what a training was asked for.

    Args:
        pairs: what is trained on.
        encoder: what the training starts from, as it was given to `train`.
        options: the options of the training.

    Returns:
        Pairs, encoder and every option that changes what is learnt, in the order of `train`'s
        arguments.
    """
    asked: dict[str, Any] = {"pairs": pairs, "encoder": encoder}
    for option in dataclasses.fields(options):
        if option.name not in _NOT_LEARNT:
            asked[option.name] = getattr(options, option.name)
    request: dict[str, Any] = json.loads(json.dumps(asked, default=_describe))
    return request


def check_request(folder: Path, request: dict[str, Any]) -> None:
    """Checks that a folder was begun with the same request.

    Args:
        folder: the output folder; one without a `training.json` belongs to nobody yet.
        request: what `describe_request` gave.

    Raises:
        ValueError: if it was begun with another request, with the first difference.
    """
    file = folder / FILE
    if not file.exists():
        return
    before = json.loads(file.read_text(encoding="utf-8"))
    for name, value in request.items():
        if before.get(name) != value:
            raise ValueError(
                f"{folder} was begun with {name} = {before.get(name)!r}, now it is {value!r}: "
                "give another output folder, or remove this one"
            )


def begin_folder(folder: Path, request: dict[str, Any]) -> None:
    """Makes the output folder and writes the request into it, or checks the one it was begun with.

    Args:
        folder: the output folder.
        request: what `describe_request` gave.

    Raises:
        ValueError: if the folder was begun with another request.
    """
    folder.mkdir(parents=True, exist_ok=True)
    check_request(folder, request)
    file = folder / FILE
    if not file.exists():
        file.write_text(json.dumps(request, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _describe(value: Any) -> Any:
    """What stands in the request for a value that JSON does not know."""
    if isinstance(value, Pairs):
        return _describe_pairs(value)
    if isinstance(value, Encoder):
        return f"{value.settings} {value.fingerprint()}"
    if isinstance(value, set | frozenset):
        return sorted(value)
    function = getattr(value, "func", value)  # the function of a functools.partial
    return getattr(function, "__qualname__", type(value).__qualname__)


def _describe_pairs(pairs: Pairs) -> str:
    """The pairs' name, their number, and a digest of a hundred of them with all their columns."""
    rows = np.linspace(0, len(pairs) - 1, min(100, len(pairs))).astype(int)
    columns = sorted(pairs.dataset[rows].items())
    digest = hashlib.sha256(str(columns).encode()).hexdigest()[:8]
    return f"{pairs.name}, {len(pairs)} ids, {digest}"
