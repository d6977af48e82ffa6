"""The folder in which downloaded and generated data are kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """Returns the folder for data: `HBT_CACHE`, or `~/.cache/hbtlib`.

    Files of the Hugging Face hub are kept in the hub's own cache, which `HF_HOME` names.
    """
    return Path(os.environ.get("HBT_CACHE") or Path.home() / ".cache" / "hbtlib")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives a file to write to, which is moved to its place when it is whole.

    If the writing fails, nothing is left of it.

    Args:
        path: where the file belongs; its folder is made.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def cannot_keep(name: str, file: str, error: OSError) -> str:
    """The message for a file of a dataset that cannot be written."""
    return (
        f"{name}: {file} cannot be kept ({error}); make room, or set HBT_CACHE and HF_HOME to "
        "folders that can be written"
    )
