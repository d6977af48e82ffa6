"""A folder's list of its files with their sizes and checksums, so that damage is seen."""

import os
from collections.abc import Sequence
from pathlib import Path

from hbtlib.files import DamagedFile, file_checksum, read_json, write_json


def write_manifest(folder: Path, name: str, beside: Sequence[Path] = ()) -> None:
    """Lists the files of a folder with their sizes and SHA-256, the model card excepted.

    Args:
        folder: the folder, whose files are all written.
        name: what the list is called; a file in the folder.
        beside: further files outside of it, which are listed by their way from the folder.
    """
    # The model card is for people, who may edit it.
    inside = [file for file in folder.rglob("*") if file.name not in (name, "README.md")]
    files = {
        os.path.relpath(file, folder): {
            "bytes": file.stat().st_size,
            "sha256": file_checksum(file),
        }
        for file in [*sorted(inside), *beside]
        if file.is_file()
    }
    write_json(folder / name, {"files": files})


def check_manifest(folder: Path, name: str) -> None:
    """Checks that the files of a folder are those that its list names.

    Args:
        folder: the folder.
        name: what the list is called.

    Raises:
        DamagedFile: a file is gone or holds other bytes than were written, or the list is damaged;
            the message names it.
        FileNotFoundError: there is no such list.
    """
    files = read_json(folder / name).get("files")
    if not isinstance(files, dict) or not files:
        raise DamagedFile(f"{folder / name} is damaged (it names no files)")
    for path, written in files.items():
        file = Path(os.path.normpath(folder / path))
        if not file.is_file():
            raise DamagedFile(f"{file} is gone")
        if not isinstance(written, dict) or file.stat().st_size != written.get("bytes"):
            raise DamagedFile(f"{file} is damaged (it has {file.stat().st_size} bytes)")
        if file_checksum(file) != written.get("sha256"):
            raise DamagedFile(f"{file} is damaged (it holds other bytes than were written)")
