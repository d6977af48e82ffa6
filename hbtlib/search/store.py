"""Vectors on disk, for benchmarks that do not fit into memory or take hours to embed.

Vectors are written in shards. A shard is whole or absent, and is kept under a key of everything
that changes a vector, so that nothing stale is ever read. In its metadata it holds

- `texts`, the checksum of its texts, which is its file's name too: which part it is.
- `key`, the name of the folder it was written in: what made its vectors.
- `checksum`, that of the vectors' bytes.

So a shard that was renamed, or copied in from elsewhere, is noticed when the store is opened, and
a flipped bit when the shard is first read. Which place a shard has among others is not written into
it, because the same stretch of texts may stand at another place of a larger table. All three stand
under one name of the file's header, because safetensors writes several names in any order, and a
shard that is made again is to have the same bytes.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from tqdm import tqdm
from xxhash import xxh3_128_hexdigest

from hbtlib.checks import check_choice, check_integer
from hbtlib.encoders.protocol import EncoderProtocol
from hbtlib.files import make_once, replacing, write_json
from hbtlib.search.vectors import embed_texts

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
_HOW_TO_MEND = "remove it, and the same call embeds its texts again"
_METADATA = "hbtlib"  # the one name in a shard's header
_OLDER = "does not say which texts it is of (an older version wrote it)"
_UNREADABLE = (SafetensorError, OSError, AttributeError, KeyError, TypeError, ValueError)


@runtime_checkable
class IdentifiedEncoder(EncoderProtocol, Protocol):
    """An encoder that says what its vectors depend on, as `hbt.Encoder` does."""

    settings: Any

    def fingerprint(self) -> str:
        """Names the weights, layers and tokenizer."""
        ...

    def prefix(self, role: str) -> str:
        """The prompt before the texts of this role."""
        ...


class Store:
    """Vectors (N, d) in shards on disk.

    `store[a:b]`, or `store[rows]` with an array of row numbers, gives float32 vectors that are read
    from disk then and there. A shard's checksum is verified when it is first read.

    Args:
        files: the shards, in the order of their rows.

    Attributes:
        files: the shards.
        folder: the folder they are in.
        name: a checksum of their names, which names these vectors in this order.
        shape: (N, d).

    Raises:
        ValueError: if a shard is not whole, not what was written, of other texts than its name
            says, or of another width than the first; the message names the file.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = list(files)
        if not self.files:
            raise ValueError("a store has one shard at least, and no files were given")
        self.folder = self.files[0].parent
        self.name = xxh3_128_hexdigest(" ".join(file.name for file in self.files).encode())
        shapes = [_Header.of(file).checked_shape(file) for file in self.files]
        for file, (_, width) in zip(self.files, shapes, strict=True):
            if width != shapes[0][1]:
                raise ValueError(
                    f"{file} has vectors of the width {width}, and {self.files[0].name} of "
                    f"{shapes[0][1]}: {_HOW_TO_MEND}"
                )
        self._starts = np.cumsum([0, *(rows for rows, _ in shapes)])
        self.shape = (int(self._starts[-1]), shapes[0][1])
        self._checked: set[Path] = set()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> NDArray[np.float32]:
        rows = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.asarray(rows)
        if rows.dtype == bool or (rows < 0).any():
            rows = np.arange(len(self))[rows]
        vectors = np.empty((len(rows), self.shape[1]), np.float32)
        shard_of_row = np.searchsorted(self._starts, rows, "right") - 1
        for shard in pd.unique(shard_of_row):
            here = np.flatnonzero(shard_of_row == shard)
            rows_in_shard = torch.from_numpy(rows[here] - self._starts[shard])
            vectors[here] = self._tensor(self.files[shard])[rows_in_shard].float().numpy()
        return vectors

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray:
        return self[:].astype(dtype or np.float32, copy=False)  # all of it, in memory

    def _tensor(self, file: Path) -> torch.Tensor:
        """A shard, mapped from disk: read where it is touched, and released with the tensor."""
        try:
            with safe_open(file, framework="pt") as opened:
                vectors = opened.get_tensor("vectors")
                written = _metadata(opened)["checksum"]
        except _UNREADABLE as error:
            raise _not_whole(file, error) from None
        if file not in self._checked:
            if checksum(vectors) != written:
                raise ValueError(
                    f"{file} is not what was written (its checksum is another): {_HOW_TO_MEND}"
                )
            self._checked.add(file)
        return vectors


@dataclass(frozen=True)
class _Header:
    """What a shard says of itself, without its vectors.

    Attributes:
        shape: of its vectors.
        metadata: what was written with them; nothing if an older version wrote the shard.
    """

    shape: tuple[int, ...]
    metadata: dict[str, str]

    @classmethod
    def of(cls, file: Path) -> _Header:
        """Reads the header; ValueError if the file is not whole."""
        try:
            with safe_open(file, framework="pt") as opened:
                shape = tuple(opened.get_slice("vectors").get_shape())
                return cls(shape, _metadata(opened))
        except _UNREADABLE as error:
            raise _not_whole(file, error) from None

    def checked_shape(self, file: Path) -> tuple[int, int]:
        """The numbers of rows and columns; ValueError for a shard of other texts or of nobody's."""
        if not self.metadata:
            raise ValueError(f"{file} {_OLDER}: {_HOW_TO_MEND}")
        if self.metadata["texts"] != file.stem:
            raise ValueError(
                f"{file} is not the shard of its name: it holds the vectors of other texts "
                f"({self.metadata['texts']}); {_HOW_TO_MEND}"
            )
        if len(self.shape) != 2:
            raise ValueError(f"{file} is not a matrix of vectors: {_HOW_TO_MEND}")
        rows, width = self.shape
        return rows, width


def _metadata(opened: Any) -> dict[str, str]:
    """What an open shard says of itself; nothing if an older version wrote it."""
    written = (opened.metadata() or {}).get(_METADATA)
    if written is None:
        return {}
    content = json.loads(written)
    return {name: str(content[name]) for name in ("checksum", "texts", "key")}


def _not_whole(file: Path, error: Exception) -> ValueError:
    """The error for a file that cannot be read as a shard."""
    return ValueError(f"{file} is not whole ({error}): {_HOW_TO_MEND}")


def embed_to(
    folder: str | Path,
    encoder: IdentifiedEncoder,
    texts: Sequence[str] | pd.Series,
    role: str,
    *,
    precision: str = "fp32",
    dtype: str = "float32",
    shard: int = 50_000,
    progress: bool = False,
) -> Store:
    """Embeds texts into a folder, except those whose vectors are there already.

    The key of the vectors is everything that changes them: weights, tokenizer, pooling,
    normalisation, role and its prompt, length, precision and dtype. A shard's name is a checksum of
    its texts. A shard is whole or absent: after an interruption the same call resumes with the next
    one. Any number of processes and machines that see the folder fill it together, each taking the
    next shard that nobody works on. Machines that do not share a disk each embed a stretch of the
    texts, from a multiple of `shard` on, and their folders are copied into one.

    A shard that is there is used if its metadata name these texts and this key. One that is cut
    off, was renamed or copied from elsewhere, or was written before shards knew their texts, is
    named in a warning and made again. The bytes of the vectors are compared with their checksum
    when they are first read, and refused then.

    Args:
        folder: where stores are kept, each in a folder of its own, named by its key.
        encoder: embeds the texts.
        texts: n texts.
        role: "query" or "passage".
        precision: what texts are embedded in, as in `Encoder.embed`.
        dtype: what vectors are stored in: float32, float16 or bfloat16.
        shard: how many texts a shard holds.
        progress: whether to show a progress bar.

    Returns:
        The vectors (n, d), in the order of the texts.

    Raises:
        ValueError: for another dtype or role, no texts, a shard size below 1, or an encoder that
            does not return one vector of real numbers for each text.
        FloatingPointError: if a vector is not finite.
    """
    check_choice("dtype", dtype, DTYPES)
    check_integer("shard", shard, minimum=1)
    if not len(texts):
        raise ValueError(f"there are no {role} texts to embed")
    home = _home(Path(folder), encoder, role, precision, dtype)
    column = pd.Series(texts)
    shards = [
        _Shard(home, column.iloc[start : start + shard]) for start in range(0, len(column), shard)
    ]
    bar = tqdm(
        total=len(column),
        unit="text",
        disable=None if progress else True,
        desc=f"embedding, {role}",
    )
    # First the shards that nobody else works on. Then it waits for those that others work on, and
    # writes the ones that are still absent.
    for patience in (0, -1):
        for part in shards:
            if part.write_unless_there(encoder, role, precision, DTYPES[dtype], patience):
                bar.update(len(part.texts))
    bar.close()
    return Store([part.file for part in shards])


class _Shard:
    """Some texts, and the file for their vectors."""

    def __init__(self, home: Path, texts: pd.Series) -> None:
        self.texts = texts
        self.name = xxh3_128_hexdigest(json.dumps(texts.tolist()).encode())
        self.file = home / f"{self.name}.safetensors"

    def write_unless_there(
        self,
        encoder: IdentifiedEncoder,
        role: str,
        precision: str,
        dtype: torch.dtype,
        patience: float,
    ) -> bool:
        """Writes the shard if it is absent and can be locked within `patience` seconds (−1: ever).

        Returns:
            Whether the shard was absent and is there now, whoever wrote it.
        """
        return make_once(
            self.file,
            self._fault,
            lambda: self._write(encoder, role, precision, dtype),
            patience=patience,
        )

    def _fault(self) -> str | None:
        """What is wrong with the shard on disk, naming it; "" and None as `_what_is_wrong` does."""
        wrong = self._what_is_wrong()
        return f"the shard {self.file} {wrong}" if wrong else wrong

    def _what_is_wrong(self) -> str | None:
        """Why the shard on disk cannot be used: "" if it is absent, None if it can be used."""
        if not self.file.exists():
            return ""
        try:
            header = _Header.of(self.file)
        except ValueError:
            return "is not whole"
        if not header.metadata:
            return _OLDER
        if header.metadata["texts"] != self.name or header.shape[:1] != (len(self.texts),):
            return "holds the vectors of other texts"
        if header.metadata["key"] != self.file.parent.name:
            return "holds vectors that were made otherwise"
        return None

    def _write(
        self, encoder: IdentifiedEncoder, role: str, precision: str, dtype: torch.dtype
    ) -> None:
        """Embeds every distinct text of the shard once, and writes the file."""
        row_of_distinct, distinct = pd.factorize(self.texts)
        embedded = embed_texts(encoder, list(distinct), role, precision, progress=False)
        vectors = torch.from_numpy(np.asarray(embedded)).to(dtype)
        finite = torch.isfinite(vectors).all(1).numpy()
        if not finite.all():
            raise FloatingPointError(
                f"the vector of the {role} {distinct[int(finite.argmin())][:80]!r} is not finite "
                f"in {dtype}: the model has diverged, or its vectors are too long for that dtype"
            )
        write_shard(self.file, vectors[torch.from_numpy(row_of_distinct)])


def write_shard(file: Path, vectors: torch.Tensor) -> None:
    """Writes vectors as a shard: the same bytes wherever and whenever they are written.

    Args:
        file: the shard, named by the checksum of its texts, in the folder named by its key.
        vectors: (n, d).

    Raises:
        OSError: if the file cannot be written; the message says so if the disk is full.
    """
    metadata = {"checksum": checksum(vectors), "texts": file.stem, "key": file.parent.name}
    with replacing(file) as unfinished:
        try:
            save_file({"vectors": vectors}, unfinished, metadata={_METADATA: json.dumps(metadata)})
        except SafetensorError as error:  # as which safetensors reports a full disk
            full = "No space left" in str(error)
            raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from None


def _home(folder: Path, encoder: IdentifiedEncoder, role: str, precision: str, dtype: str) -> Path:
    """The folder for these vectors, named by a checksum of all that changes them."""
    settings = encoder.settings._asdict()
    about = {
        "encoder": encoder.fingerprint(),
        # Of the two prompts only the role's own counts.
        **{name: value for name, value in settings.items() if not name.endswith("prefix")},
        "role": role,
        "prefix": encoder.prefix(role),
        "precision": precision,
        "dtype": dtype,
    }
    home = folder / xxh3_128_hexdigest(json.dumps(about).encode())
    home.mkdir(parents=True, exist_ok=True)
    write_json(home / "about.json", about)
    return home


def checksum(vectors: torch.Tensor) -> str:
    """The checksum of a tensor's bytes, as a shard's metadata holds it."""
    return xxh3_128_hexdigest(vectors.contiguous().view(torch.uint8).numpy().data)
