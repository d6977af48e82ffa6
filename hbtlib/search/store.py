"""Vectors on disk: written in shards that are whole or absent, under a key of all that changes a vector."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from tqdm import tqdm
from xxhash import xxh3_128_hexdigest as checksum

from hbtlib.encoders.encoder import Encoder

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


class Store:
    """Vectors (N, d) in shards on disk: `store[a:b]`, or of a row array, gives float32 of what is read there and then. A
    shard's checksum is taken when it is first read: ValueError names the file that is not what was written.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.files, self.folder = list(files), files[0].parent
        self.name = checksum(" ".join(file.name for file in self.files).encode())
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
        found = np.empty((len(rows), self.shape[1]), np.float32)
        shard = np.searchsorted(self._starts, rows, "right") - 1
        for i in pd.unique(shard):
            mine = np.flatnonzero(shard == i)
            found[mine] = (
                self._tensor(self.files[i])[torch.from_numpy(rows[mine] - self._starts[i])]
                .float()
                .numpy()
            )
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray:
        return self[:].astype(dtype or np.float32, copy=False)  # all of it, in memory

    def _tensor(self, file: Path, check: bool = True) -> torch.Tensor:
        """A shard, mapped from disk: read where it is touched, let go with the tensor."""
        again = "remove it, and the same call embeds its texts again"
        try:
            with safe_open(file, framework="pt") as opened:
                vectors, written = opened.get_tensor("vectors"), opened.metadata()["checksum"]
        except (SafetensorError, OSError, KeyError, TypeError) as error:
            raise ValueError(f"{file} is not whole ({error}): {again}") from None
        if check and file not in self._checked:
            if _checksum(vectors) != written:
                raise ValueError(
                    f"{file} is not what was written (its checksum is another): {again}"
                )
            self._checked.add(file)
        return vectors


def embed_to(
    folder: str | Path,
    encoder: Encoder,
    texts: Sequence[str] | pd.Series,
    role: str,
    *,
    precision: str = "fp32",
    dtype: str = "float32",
    shard: int = 50_000,
    progress: bool = False,
) -> Store:
    """The texts' vectors in `folder`, in their order: those that are not there yet are embedded.

    Vectors stand under a key of all that changes them: weights, tokenizer, pooling, normalisation, role and its prefix,
    length, precision, dtype (float32, float16 or bfloat16, in which they are stored); a shard, of `shard` texts, under a
    checksum of its texts. A shard is whole or absent: killed, the same call goes on at the next one. Any number of processes
    and machines that see the folder fill it together, each taking the next shard that nobody is at; machines that do not
    each embed a stretch of the texts, from a multiple of `shard` on, and their folders are copied into one.

    Raises ValueError for another dtype or role, no texts, and FloatingPointError for a vector that is not finite.
    """
    if dtype not in DTYPES or not len(texts) or shard < 1:
        raise ValueError(
            f"dtype is {dtype!r} (one of {', '.join(DTYPES)}), of {len(texts)} texts in shards of {shard}: "
            "give one text at least, and shards of 1 or more"
        )
    settings = {
        k: v for k, v in encoder.settings._asdict().items() if not k.endswith("prefix")
    }  # the role's own counts
    about = {
        "encoder": encoder.fingerprint(),
        **settings,
        "role": role,
        "prefix": encoder.prefix(role),
        "precision": precision,
        "dtype": dtype,
    }
    home = Path(folder) / checksum(json.dumps(about).encode())
    home.mkdir(parents=True, exist_ok=True)
    (home / "about.json").write_text(
        json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    column = pd.Series(texts)
    parts = [column.iloc[start : start + shard] for start in range(0, len(column), shard)]
    files = [home / f"{checksum(json.dumps(part.tolist()).encode())}.safetensors" for part in parts]
    bar = tqdm(
        total=len(column),
        unit="text",
        disable=None if progress else True,
        desc=f"embedding, {role}",
    )
    for patience in (0, -1):  # first what nobody is at; then, once it is there, what others were at
        for file, part in zip(files, parts, strict=True):
            if file.exists():
                continue
            try:
                with FileLock(file.with_suffix(".lock"), timeout=patience):
                    if not file.exists():
                        _write(file, encoder, part, role, precision, DTYPES[dtype])
            except Timeout:
                continue
            bar.update(len(part))
            file.with_suffix(".lock").unlink(missing_ok=True)
    bar.close()
    return Store(files)


def _write(
    file: Path, encoder: Encoder, texts: pd.Series, role: str, precision: str, dtype: torch.dtype
) -> None:
    """One shard, every distinct text embedded once."""
    codes, distinct = pd.factorize(texts)
    vectors = torch.from_numpy(encoder.embed(list(distinct), role, precision=precision)).to(dtype)
    finite = torch.isfinite(vectors).all(1).numpy()
    if not finite.all():
        raise FloatingPointError(
            f"the vector of the {role} {distinct[int(finite.argmin())][:80]!r} is not finite in "
            f"{dtype}: the model has diverged, or its vectors are too long for that dtype"
        )
    vectors = vectors[torch.from_numpy(codes)]
    part = file.with_suffix(".part")
    try:
        save_file({"vectors": vectors}, part, metadata={"checksum": _checksum(vectors)})
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _checksum(vectors: torch.Tensor) -> str:
    return checksum(vectors.contiguous().view(torch.uint8).numpy().data)
