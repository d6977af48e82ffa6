"""Files that are written whole and read with their checksums.

A table is Parquet with a checksum on every page, so that a flipped bit is noticed when it is read.
A file appears in its place when it is whole. What is damaged is named.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd  # the engine starts without it: half a second a run


class DamagedFile(ValueError):  # noqa: N818 (a file is damaged; that is what is raised)
    """A file does not hold what was written into it; the message names it."""


def file_checksum(path: Path) -> str:
    """Returns the SHA-256 of a file, as `sha256sum` prints it.

    Args:
        path: The file.

    Returns:
        64 hexadecimal digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a file to write beside `path`, and moves it there when the block ends without error.

    Args:
        path: Where the file belongs.

    Yields:
        The path to write to. It is removed if the block raises.

    Raises:
        OSError: The file cannot be written. On a full disk the message says so in one sentence,
            with the path and how much is free.
    """
    work = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with explain_full_disk(path):
            yield work
            work.replace(path)
    finally:
        work.unlink(missing_ok=True)


def make_once(
    file: Path,
    fault: Callable[[], str | None],
    make: Callable[[], None],
    *,
    patience: float = -1,
    again: str = "it is made again",
) -> bool:
    """Makes a file, unless it is there or another process is making it.

    Args:
        file: The file; a lock stands beside it while it is made.
        fault: Says why the file cannot be used: "" if it is absent, None if it can be used.
        make: Writes the file.
        patience: How many seconds to wait for another process; −1: as long as it takes.
        again: What the warning of a damaged file says is done about it.

    Returns:
        Whether the file was absent and is there now, whoever made it.
    """
    from filelock import FileLock, Timeout

    if fault() is None:
        return False
    lock = file.with_suffix(".lock")
    try:
        with FileLock(lock, timeout=patience):
            wrong = fault()
            if wrong:
                warnings.warn(f"{wrong}: {again}", stacklevel=3)
            if wrong is not None:
                make()
    except Timeout:
        return False
    except BaseException:
        lock.unlink(missing_ok=True)
        raise
    lock.unlink(missing_ok=True)
    return True


def move(source: Path, target: Path) -> None:
    """Moves a file to its place; whoever reads it there finds all of it, or what was there before.

    Args:
        source: The file.
        target: Its place, which may be on another disk.

    Raises:
        OSError: The file cannot be moved. On a full disk the message says so.
    """
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with replacing(target) as work:
            shutil.copyfile(source, work)
        source.unlink()


@contextmanager
def explain_full_disk(path: Path) -> Iterator[None]:
    """Says in one sentence which file could not be written where the disk is full.

    Args:
        path: The file or folder that is written.

    Yields:
        Nothing.

    Raises:
        OSError: In place of what the library that wrote the file raised, if no space was left.
        Exception: Any other error, as it was raised.
    """
    try:
        yield
    except Exception as error:
        if not _is_full_disk(error):
            raise
        message = f"the disk is full: {path} was not written. Make room and run the same again"
        raise OSError(errno.ENOSPC, message) from None


def _is_full_disk(error: Exception) -> bool:
    """Says whether an error means that no space was left, whichever library raised it."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    # safetensors and tokenizers raise their own types, with the system's words. torch's writer
    # (inline_container.cc) says only that fewer bytes arrived than it wrote.
    text = str(error)
    return any(words in text for words in ("No space left", "os error 28", "inline_container.cc"))


def write_table(table: pd.DataFrame, path: Path, **options: Any) -> None:
    """Writes a table as Parquet with page checksums.

    Args:
        table: The table. Its index is kept where it is not the plain one.
        path: The file.
        options: More for `DataFrame.to_parquet`, such as index, compression, compression_level.
    """
    with replacing(path) as work:
        table.to_parquet(work, write_page_checksum=True, **options)


def read_table(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Reads a table and verifies its page checksums, where it has some.

    The checksums cover the values. The description of the columns at the file's end has none, so a
    whole file is compared with a checksum of its own where one is kept (`hbtlib.study.manifest`).

    Args:
        path: The Parquet file.
        columns: The columns to read; None: all.

    Returns:
        The table.

    Raises:
        FileNotFoundError: There is no such file.
        DamagedFile: The file is cut off, or holds other bytes than were written.
    """
    import pyarrow.parquet as pq

    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    try:
        wanted = None if columns is None else list(columns)
        table = pq.read_table(
            path, columns=wanted, partitioning=None, page_checksum_verification=True
        )
        return table.to_pandas()
    except Exception as error:  # a damaged description of the columns raises almost anything
        raise DamagedFile(f"{path} is damaged ({_first_line(error)})") from None


def write_json(path: Path, content: object) -> None:
    """Writes content as JSON that people can read; what JSON does not know is written as text.

    Args:
        path: The file.
        content: What to write.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, default=str)
    with replacing(path) as work:
        work.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON file that holds an object.

    Args:
        path: The file.

    Returns:
        The object.

    Raises:
        FileNotFoundError: There is no such file.
        DamagedFile: The file is empty, cut off, not UTF-8, or holds something else.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DamagedFile(f"{path} is damaged ({_first_line(error)})") from None
    if not isinstance(content, dict):
        raise DamagedFile(f"{path} holds a {type(content).__name__}, where an object belongs")
    return content


def _first_line(error: Exception) -> str:
    """Returns the first line of an error's message, without a point at its end."""
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
