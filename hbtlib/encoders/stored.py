"""The files of a model, in a folder or on the hub, and what is wrong with one of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from transformers.utils import cached_file

from hbtlib.files import DamagedFile

T = TypeVar("T", dict, list)

AGAIN = "copy or save the whole model again"
"""What to do about a model with a file that is missing or damaged."""


class StoredModel:
    """The files of a model.

    Args:
        name: a folder, or the name of a repository on the hub.
        revision: which version of the repository.

    Attributes:
        name: the folder or repository, as text.
        folder: the folder, or None for a repository on the hub.
        revision: which version of the repository.
    """

    def __init__(self, name: str | Path, revision: str | None = None) -> None:
        self.name = str(name)
        self.folder = Path(name) if Path(name).is_dir() else None
        self.revision = revision

    def find(self, file: str) -> Path | None:
        """Returns a file on this machine, or None if the model has none of this name."""
        found = cached_file(
            self.name,
            file,
            revision=self.revision,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        return Path(found) if found else None

    def read(self, file: str, kind: type[T]) -> T | None:
        """Reads a JSON file.

        Args:
            file: its path in the model.
            kind: dict or list: what it must hold.

        Returns:
            Its content, or None if the model has no such file.

        Raises:
            DamagedFile: it holds something else.
        """
        path = self.find(file)
        if path is None:
            return None
        try:
            content: Any = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise DamagedFile(f"{path} is damaged ({first_line(error)}): {AGAIN}") from None
        if not isinstance(content, kind):
            belongs = "an object" if kind is dict else "a list"
            raise DamagedFile(
                f"{path} holds a {type(content).__name__}, where {belongs} belongs: {AGAIN}"
            )
        return content

    def need(self, file: str, kind: type[T], purpose: str) -> T:
        """Reads a JSON file that the model must have.

        Args:
            file: its path in the model.
            kind: dict or list: what it must hold.
            purpose: what it says, for the message.

        Returns:
            Its content.

        Raises:
            FileNotFoundError: the model has no such file.
            DamagedFile: it holds something else.
        """
        content = self.read(file, kind)
        if content is None:
            raise FileNotFoundError(f"{self.name} lacks {file}, which says {purpose}: {AGAIN}")
        return content

    @contextmanager
    def explaining(self, part: str) -> Iterator[None]:
        """Says in one sentence which part of the model another library could not load.

        Args:
            part: the part, such as "its tokenizer".

        Raises:
            ValueError: for any error but OSError and ImportError, which say enough themselves.
            OSError: with its first line, where it is of several.
        """
        try:
            yield
        except (ImportError, DamagedFile):
            raise
        except OSError as error:
            if len(str(error).splitlines()) < 2:
                raise
            raise OSError(
                f"{self.name}: {part} cannot be loaded ({first_line(error)}): give a folder, or "
                "the name of a model on the hub or in its cache"
            ) from None
        except Exception as error:
            raise ValueError(
                f"{self.name}: {part} cannot be loaded ({type(error).__name__}: "
                f"{first_line(error)}); {AGAIN}"
            ) from None


def is_inside(path: str) -> bool:
    """Says whether a path in a model's files leads nowhere out of the model's folder."""
    parts = PurePosixPath(path)
    return not parts.is_absolute() and ".." not in parts.parts


def first_line(error: Exception) -> str:
    """Returns the first line of an error's message, without a point or colon at its end."""
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".: ")
