"""An encoder made of a function from texts to vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from hbtlib.checks import check_choice, check_flag, check_integer, short
from hbtlib.encoders.given import check_texts

Embed = Callable[[list[str]], Any]


class FunctionEncoder:
    """An encoder made of a function that turns a list of texts into a matrix of vectors.

    It meets `hbt.EncoderProtocol`, so that `hbt.rank`, `hbt.neutralise` and the study `encoders`
    take it. What the function returns is checked. The encoder can be pickled if the function can:
    one defined in a module, not a lambda.

    Args:
        function: takes a list of texts and returns one vector for each: an array, a tensor, or a
            list of lists, (n, d) of real numbers.
        passage_function: the same for passages, where they are embedded otherwise than queries;
            None: `function` embeds both.
        name: what messages and tables call it; None: the function's own name.
        normalize: whether vectors are scaled to unit length, so that a dot product is a cosine. A
            vector of zeros stays as it is.
        batch_size: how many texts the function is given at once.
        about: what a table may say of it: `version`, `parameters` (how many numbers the model has)
            and `precision` (of its weights, in words).

    Raises:
        ValueError: if a function cannot be called, or another argument is of the wrong kind.

    Example:
        >>> import hbtlib as hbt
        >>> def count_letters(texts):
        ...     return [[text.count(letter) for letter in "abc"] for text in texts]
        >>> encoder = hbt.FunctionEncoder(count_letters)
        >>> encoder.embed(["abba", "cab"], "query").astype(float).round(2).tolist()
        [[0.71, 0.71, 0.0], [0.58, 0.58, 0.58]]
    """

    kind = "function"
    """What messages call that which makes the vectors."""

    def __init__(
        self,
        function: Embed,
        passage_function: Embed | None = None,
        *,
        name: str | None = None,
        normalize: bool = True,
        batch_size: int = 256,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        _check_function("function", function)
        if passage_function is not None:
            _check_function("passage_function", passage_function)
        self.function = function
        self.passage_function = passage_function
        self.name = _name_of(function) if name is None else name
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"name is {short(name)}; it is a text")
        self.normalize = check_flag("normalize", normalize)
        self.batch_size = check_integer("batch_size", batch_size, minimum=1)
        self.about = dict(about or {})
        self.dimension: int | None = None  # known when the first text was embedded

    def embed(
        self,
        texts: Sequence[str],
        role: str = "passage",
        *,
        precision: str = "fp32",
        progress: bool = False,
    ) -> NDArray[np.float32]:
        """Turns texts into vectors.

        Args:
            texts: n texts.
            role: "query" or "passage".
            precision: not used; the function has its own.
            progress: whether to show a progress bar.

        Returns:
            (n, d) float32.

        Raises:
            ValueError: for what is no list of texts, or another role; and if the function returns
                anything but one finite vector of real numbers for each text, all of one width.
        """
        texts = check_texts(texts)
        check_choice("role", role, ("query", "passage"))
        own = self.passage_function if role == "passage" else None
        function = own or self.function
        parts = []
        with tqdm(total=len(texts), unit="text", disable=None if progress else True) as bar:
            for start in range(0, len(texts), self.batch_size):
                batch = texts[start : start + self.batch_size]
                parts.append(self._checked(function(batch), batch, start))
                bar.update(len(batch))
        if not parts:
            return np.empty((0, self.dimension or 0), np.float32)
        vectors = np.concatenate(parts)
        return _unit(vectors) if self.normalize else vectors

    def _checked(self, given: Any, batch: list[str], start: int) -> NDArray[np.float32]:
        """What the function returned for some texts, after a check of its shape and numbers."""
        wanted = f"it must return a matrix with one vector for each of the {len(batch)} texts"
        try:
            vectors = np.asarray(given.detach().cpu() if hasattr(given, "detach") else given)
        except (ValueError, TypeError):  # rows of several lengths, or what is no array
            raise ValueError(f"{self.name} returned {short(given)}; {wanted}") from None
        if vectors.ndim != 2 or len(vectors) != len(batch) or not vectors.shape[1]:
            what = f"the shape {vectors.shape}" if vectors.ndim else short(given)
            raise ValueError(f"{self.name} returned {what}; {wanted}")
        if vectors.dtype.kind not in "iuf":
            raise ValueError(f"{self.name} returned {vectors.dtype} numbers; {wanted}, of floats")
        if self.dimension not in (None, vectors.shape[1]):
            raise ValueError(
                f"{self.name} returned vectors of the width {vectors.shape[1]}, and before of "
                f"{self.dimension}: queries and passages must have one width"
            )
        self.dimension = vectors.shape[1]
        vectors = vectors.astype(np.float32)
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            i = int(finite.argmin())
            raise ValueError(
                f"{self.name} returned a vector with NaN or infinity for text {start + i}, "
                f"{short(batch[i])}: leave that text out, or repair the {self.kind}"
            )
        return vectors

    def __repr__(self) -> str:
        return f"FunctionEncoder({self.name})"


def _check_function(what: str, function: object) -> None:
    """Refuses what cannot be called; a class would make an object of the texts."""
    if not callable(function) or isinstance(function, type):
        raise ValueError(
            f"{what} is {short(function)}; it is a function from a list of texts to their vectors"
        )


def _name_of(function: Any) -> str:
    """A function's own name, or that of its class."""
    return str(getattr(function, "__qualname__", None) or type(function).__name__)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors of unit length; those of zeros as they are."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
