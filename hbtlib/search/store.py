"""Vectors on disk, for benchmarks that do not fit into memory or take hours to embed.

Vectors are written in shards. A shard is whole or absent, and is kept under a key of everything
that changes a vector, so that nothing stale is ever read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
import torch
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from tqdm import tqdm
from xxhash import xxh3_128_hexdigest

from hbtlib.encoders.protocol import EncoderProtocol

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
_HOW_TO_MEND = "remove it, and the same call embeds its texts again"


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
        ValueError: if a shard is not whole or not what was written; the message names the file.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = list(files)
        self.folder = self.files[0].parent
        self.name = xxh3_128_hexdigest(" ".join(file.name for file in self.files).encode())
        shapes = [self._tensor(file, check=False).shape for file in self.files]
        self._starts = np.cumsum([0, *(rows for rows, _ in shapes)])
        self.shape = (int(self._starts[-1]), int(shapes[0][1]))
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

    def _tensor(self, file: Path, check: bool = True) -> torch.Tensor:
        """A shard, mapped from disk: read where it is touched, and released with the tensor."""
        try:
            with safe_open(file, framework="pt") as opened:
                vectors = opened.get_tensor("vectors")
                written = opened.metadata()["checksum"]
        except (SafetensorError, OSError, KeyError, TypeError) as error:
            raise ValueError(f"{file} is not whole ({error}): {_HOW_TO_MEND}") from None
        if check and file not in self._checked:
            if checksum(vectors) != written:
                raise ValueError(
                    f"{file} is not what was written (its checksum is another): {_HOW_TO_MEND}"
                )
            self._checked.add(file)
        return vectors


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
        ValueError: for another dtype or role, no texts, or a shard size below 1.
        FloatingPointError: if a vector is not finite.
    """
    if dtype not in DTYPES or not len(texts) or shard < 1:
        raise ValueError(
            f"dtype is {dtype!r} (one of {', '.join(DTYPES)}), of {len(texts)} texts in shards of "
            f"{shard}: give one text at least, and shards of 1 or more"
        )
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
        self.file = home / f"{xxh3_128_hexdigest(json.dumps(texts.tolist()).encode())}.safetensors"

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
        if self.file.exists():
            return False
        lock = self.file.with_suffix(".lock")
        try:
            with FileLock(lock, timeout=patience):
                if not self.file.exists():
                    self._write(encoder, role, precision, dtype)
        except Timeout:
            return False
        lock.unlink(missing_ok=True)
        return True

    def _write(
        self, encoder: IdentifiedEncoder, role: str, precision: str, dtype: torch.dtype
    ) -> None:
        """Embeds every distinct text of the shard once, and writes the file."""
        row_of_distinct, distinct = pd.factorize(self.texts)
        embedded = encoder.embed(list(distinct), role, precision=precision, progress=False)
        vectors = torch.from_numpy(embedded).to(dtype)
        finite = torch.isfinite(vectors).all(1).numpy()
        if not finite.all():
            raise FloatingPointError(
                f"the vector of the {role} {distinct[int(finite.argmin())][:80]!r} is not finite "
                f"in {dtype}: the model has diverged, or its vectors are too long for that dtype"
            )
        vectors = vectors[torch.from_numpy(row_of_distinct)]
        unfinished = self.file.with_suffix(".part")
        try:
            save_file({"vectors": vectors}, unfinished, metadata={"checksum": checksum(vectors)})
            unfinished.replace(self.file)
        finally:
            unfinished.unlink(missing_ok=True)


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
    (home / "about.json").write_text(
        json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return home


def checksum(vectors: torch.Tensor) -> str:
    """The checksum of a tensor's bytes, as a shard's metadata holds it."""
    return xxh3_128_hexdigest(vectors.contiguous().view(torch.uint8).numpy().data)
