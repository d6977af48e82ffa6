"""Fetching files of datasets from a plain web server."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from hbtlib.data.formats.cache import cache_folder, cannot_keep
from hbtlib.data.formats.checks import DataError

GONE = (404, 410)  # HTTP's answers for what is not there


class Web(NamedTuple):
    """Files under an address that never changes.

    Attributes:
        address: the address, without the slash before the file.
        hashes: the SHA-256 of those files whose content is known.
    """

    address: str
    hashes: dict[str, str]

    def fetch(self, name: str, file: str) -> Path:
        """Downloads a file, unless it is in the cache, and returns where it is.

        `pooch` shows progress, checks the hash, and moves a file to its place when it is whole.

        Args:
            name: the dataset, for messages and for the place in the cache.
            file: the path below the address.

        Raises:
            DataError: if the file is not available, with what to do.
        """
        import pooch
        import requests

        kept = cache_folder() / name / file
        address = f"{self.address}/{file}"
        try:
            found = pooch.retrieve(
                address,
                self.hashes.get(file),
                fname=kept.name,
                path=kept.parent,
                progressbar=True,
            )
        except requests.HTTPError as error:
            status = getattr(error.response, "status_code", None)
            if status in GONE:
                raise DataError(
                    f"{name}: {address} no longer exists ({error}); give data= a folder with it"
                ) from error
            raise DataError(
                f"{name}: the server answered {status} for {address}; try again later, or fetch it "
                "elsewhere and give data= the folder with it"
            ) from error
        except requests.RequestException as error:
            raise DataError(
                f"{name}: {address} cannot be reached ({type(error).__name__}); fetch it elsewhere "
                "and give data= the folder with it"
            ) from error
        except OSError as error:
            raise DataError(cannot_keep(name, file, error)) from error
        except ValueError as error:
            raise DataError(
                f"{name}: {address} has another content than it had ({error}); try again, or "
                "give data= a folder with the right one"
            ) from error
        return Path(found)
