"""Arrow files that are made of a dataset's files once, and kept in the cache of `datasets`."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hbtlib.data.formats.arrow import stamps
from hbtlib.data.formats.cache import cannot_keep
from hbtlib.data.formats.checks import DataError

SAID_FROM = 100_000_000
"""Work on the disk is announced from this many bytes on; room for it is checked in any case."""


def kept_folder(
    name: str, files: Sequence[Path], recipe: Mapping[str, Any], make: Callable[[Path], None]
) -> Path:
    """Returns a folder made of some files; it is made once, whole or not at all.

    It is made again when a file changes or the recipe does.

    Args:
        name: what it holds, such as "mmarco-de-passages"; its own name begins so.
        files: the files that it is made of.
        recipe: what else decides what it holds, as JSON.
        make: writes the content into a new folder.

    Raises:
        DataError: if a file cannot be read or the folder cannot be written; and what `make` raises.
    """
    folder = kept_place(name, files, recipe)
    if folder.is_dir():
        return folder
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        make(part)
        try:
            part.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process was faster
                raise
    except OSError as error:
        raise DataError(cannot_keep(name, folder.name, error)) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def kept_place(name: str, files: Sequence[Path], recipe: Mapping[str, Any]) -> Path:
    """Returns where `kept_folder` keeps its folder, whether it is there or not."""
    key = json.dumps([stamps(files), recipe], sort_keys=True)
    return arrow_folder() / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def arrow_folder() -> Path:
    """Returns the folder for Arrow files, in the cache of `datasets` (`HF_DATASETS_CACHE`)."""
    import datasets

    return Path(datasets.config.HF_DATASETS_CACHE) / "hbtlib"


def check_room(name: str, download: int, arrow: int) -> None:
    """Checks that the disks have room for what is to be fetched and made, and says how much it is.

    Args:
        name: the dataset, for messages.
        download: bytes to download into the hub's cache.
        arrow: bytes of Arrow files to make.

    Raises:
        DataError: if a disk has too little room, saying how much is needed and how much is free.
    """
    from huggingface_hub import constants

    places = {Path(constants.HF_HUB_CACHE): download, arrow_folder(): arrow}
    what = f"{gigabytes(download)} to download and {gigabytes(arrow)} of Arrow files to make"
    for place in places:
        disk = _existing(place)
        free = shutil.disk_usage(disk).free
        needed = sum(
            count
            for other, count in places.items()
            if _existing(other).stat().st_dev == disk.stat().st_dev
        )
        if needed > free:
            raise DataError(
                f"{name}: {what}, but {gigabytes(free)} are free at {place}; make room, name "
                "fewer languages, or set HF_HOME and HF_DATASETS_CACHE to folders of another disk"
            )
    if download + arrow >= SAID_FROM:
        free = shutil.disk_usage(_existing(arrow_folder())).free
        print(f"{name}: {what} in {arrow_folder()}; {gigabytes(free)} are free", flush=True)


def _existing(place: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(folder for folder in (place, *place.parents) if folder.exists())


def gigabytes(count: int) -> str:
    """Writes a number of bytes as people read it."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e8 else f"{count / 1e6:,.1f} MB"
