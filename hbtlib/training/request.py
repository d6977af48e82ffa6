"""What a training was asked for: an output folder belongs to one request (`training.json`)."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.files import DamagedFile, file_checksum, read_json, write_json
from hbtlib.training.options import TrainingOptions

FILE = "training.json"

_NOT_LEARNT = (
    "label",
    "watch",
    "watch_every",
    "chunk_tokens",
)  # these do not change what is learnt
_ONCE_WRITTEN = ("PosixPath", "WindowsPath")  # what an earlier version wrote for any path


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
        arguments. An encoder that is a folder is described by its path and what it holds; a
        function by its name, and a `functools.partial` by its arguments, too. Two functions of one
        name, such as two lambdas, cannot be told apart.
    """
    asked: dict[str, Any] = {"pairs": pairs, "encoder": _describe_start(encoder)}
    for option in dataclasses.fields(options):
        if option.name not in _NOT_LEARNT:
            asked[option.name] = getattr(options, option.name)
    request: dict[str, Any] = json.loads(json.dumps(asked, default=_describe))
    return request


def check_request(folder: Path, request: dict[str, Any]) -> None:
    """Checks that a folder was begun with the same request.

    Args:
        folder: the output folder; one without a `training.json` belongs to nobody yet, unless a
            training left a model or checkpoints in it.
        request: what `describe_request` gave.

    Raises:
        ValueError: if it was begun with another request, with the first difference.
        DamagedFile: if it is not known what it was begun with.
    """
    file = folder / FILE
    if not file.exists():
        if (folder / "model").exists() or (folder / "checkpoints").exists():
            raise DamagedFile(
                f"{folder} holds a training, but {FILE} is gone, which says what it was begun "
                "with: give another output folder, or remove this one"
            )
        return
    try:
        before = read_json(file)
    except DamagedFile as error:
        raise DamagedFile(f"{error}: give another output folder, or remove {folder}") from None
    for name, value in request.items():
        was = before.get(name)
        if was != value and not _is_older_form(was, value):
            raise ValueError(
                f"{folder} was begun with {name} = {was!r}, now it is {value!r}: "
                "give another output folder, or remove this one"
            )


def begin_folder(folder: Path, request: dict[str, Any]) -> None:
    """Makes the output folder and writes the request into it, or checks the one it was begun with.

    Args:
        folder: the output folder.
        request: what `describe_request` gave.

    Raises:
        ValueError: if the folder was begun with another request.
        OSError: if nothing can be written there.
    """
    check_request(folder, request)
    file = folder / FILE
    if file.exists():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(file, request)
    except OSError as error:
        if error.strerror is None or str(folder) in error.strerror:  # it says where by itself
            raise
        raise type(error)(
            error.errno, f"output is {folder}, which cannot be written ({error.strerror})"
        ) from None


def _describe_start(encoder: Encoder | str | Path) -> Any:
    """What stands in the request for the encoder that a training starts from."""
    if isinstance(encoder, Encoder):
        return f"{encoder.settings} {encoder.fingerprint()}"
    if Path(encoder).is_dir():
        return {"folder": str(encoder), "content": _digest_of_folder(Path(encoder))}
    return str(encoder)


def _digest_of_folder(folder: Path) -> str:
    """A digest of the names and bytes of a folder's files, less hidden ones and the model card."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        if file.is_file() and file.name != "README.md" and not any(p[0] == "." for p in parts):
            digest.update(f"{'/'.join(parts)} {file_checksum(file)}\n".encode())
    return digest.hexdigest()[:16]


def _is_older_form(before: object, now: object) -> bool:
    """Could an earlier version have described so what is asked for now?

    It noted no content of an encoder's folder, and no arguments of a validation function.
    """
    if not isinstance(now, dict):
        return False
    if "folder" in now:
        return before in (*_ONCE_WRITTEN, now["folder"])
    return "function" in now and before == now["function"]


def _describe(value: Any) -> Any:
    """What stands in the request for a value that JSON does not know."""
    if isinstance(value, Pairs):
        return _describe_pairs(value)
    if isinstance(value, Benchmark):
        return repr(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, functools.partial):
        return {"function": value.func, "args": value.args, "keywords": value.keywords}
    return getattr(value, "__qualname__", type(value).__qualname__)


def _describe_pairs(pairs: Pairs) -> str:
    """The pairs' name, their number, and a digest of a hundred of them with all their columns."""
    rows = np.linspace(0, len(pairs) - 1, min(100, len(pairs))).astype(int)
    columns = sorted(pairs.rows(rows).items())
    digest = hashlib.sha256(str(columns).encode()).hexdigest()[:8]
    return f"{pairs.name}, {len(pairs)} ids, {digest}"
