"""Which vectors search takes: two-dimensional, of real numbers, one row for each text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from hbtlib.checks import short
from hbtlib.encoders.protocol import EncoderProtocol
from hbtlib.search.matrix import Matrix

_ROWS_CHECKED_AT_ONCE = 8192


def real_matrix(what: str, vectors: Any) -> Matrix:
    """Takes vectors of any kind as a matrix of real numbers; what lies on disk stays there.

    Args:
        what: What the vectors are called, for the message.
        vectors: An array (in memory, or mapped from disk), a tensor, a `store.Store`, a table of
            numbers, or a list of vectors.

    Returns:
        The vectors, which have a shape and are read by rows.

    Raises:
        ValueError: They are masked or sparse, or hold truth values, complex numbers or texts.
    """
    if hasattr(vectors, "files"):  # a store's vectors were checked when they were written
        return vectors  # type: ignore[no-any-return]
    if isinstance(vectors, np.ma.MaskedArray):
        raise ValueError(
            f"{what} are a masked array, which may have places without a value; give plain numbers "
            "(array.filled(…) makes them)"
        )
    if hasattr(vectors, "toarray") or getattr(vectors, "is_sparse", False):
        raise ValueError(f"{what} are a sparse matrix; give a dense array of numbers")
    if hasattr(vectors, "detach"):
        vectors = _array_of_tensor(vectors)
    elif isinstance(vectors, np.ndarray | pd.DataFrame) or not hasattr(vectors, "dtype"):
        vectors = _array(what, vectors)
    kind = np.dtype(vectors.dtype)
    if kind.kind not in "iuf" and kind.name != "bfloat16":
        raise ValueError(
            f"{what} are of the type {kind.name}, where real numbers belong: give integers or "
            "floats (float32 is what is used)"
        )
    return vectors  # type: ignore[no-any-return]


def check_finite(what: str, vectors: Matrix, names: Sequence[str] | pd.Series) -> None:
    """Checks that every vector is finite in single precision.

    Args:
        what: What a vector is called, for the message.
        vectors: (n, d), read in parts.
        names: (n,) what each vector belongs to, for the message.

    Raises:
        ValueError: One of them is not; the message names the first.
    """
    for start in range(0, len(names), _ROWS_CHECKED_AT_ONCE):
        with np.errstate(over="ignore"):  # what is past single precision becomes infinite
            part = np.asarray(vectors[start : start + _ROWS_CHECKED_AT_ONCE], np.float32)
        finite = np.isfinite(part).all(1)
        if not finite.all():
            row = start + int(finite.argmin())
            name = names.iloc[row] if isinstance(names, pd.Series) else names[row]
            raise ValueError(
                f"the vector of {what} row {row} ({short(name)}) is not finite: the model that "
                "made it has diverged, or the text is empty"
            )


def embed_texts(
    encoder: EncoderProtocol, texts: Sequence[str], role: str, precision: str, progress: bool
) -> Any:
    """Embeds texts, and checks what the encoder returns.

    Args:
        encoder: Any object that meets the protocol.
        texts: n texts.
        role: "query" or "passage".
        precision: What texts are embedded in, as in `Encoder.embed`.
        progress: Whether to show a progress bar.

    Returns:
        (n, d) an array of real numbers, which need not be finite.

    Raises:
        ValueError: The encoder returned something else; the message names its class.
    """
    name = type(encoder).__name__
    given = encoder.embed(list(texts), role, precision=precision, progress=progress)
    if given is None:
        raise ValueError(f"{name}.embed returned nothing for {len(texts)} texts ({role})")
    vectors = real_matrix(f"the {role} vectors that {name}.embed returned", given)
    if len(vectors.shape) != 2 or vectors.shape[0] != len(texts) or not vectors.shape[1]:
        raise ValueError(
            f"{name}.embed returned the shape {tuple(vectors.shape)} for {len(texts)} {role} "
            f"texts; it must return one vector for each text, ({len(texts)}, width)"
        )
    return vectors


def _array_of_tensor(tensor: Any) -> Any:
    """A tensor's numbers as an array; its memory is shared where it can be."""
    tensor = tensor.detach().cpu()
    if str(tensor.dtype) == "torch.bfloat16":  # which numpy does not know
        tensor = tensor.float()
    return tensor.resolve_conj().numpy()


def _array(what: str, vectors: Any) -> Any:
    """An array, a table or a list as a plain array."""
    try:
        return np.asarray(vectors)
    except ValueError:  # rows of several lengths
        raise ValueError(
            f"{what} are a {type(vectors).__name__} that is no matrix: give an array with one row "
            "for each text, all of one width"
        ) from None
