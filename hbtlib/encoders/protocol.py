"""What search needs of an encoder."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hbtlib.checks import short


@runtime_checkable
class EncoderProtocol(Protocol):
    """An encoder, as far as search is concerned: any object with this `embed` method.

    `hbtlib.Encoder` is one. To evaluate another model (a server, a static embedding, a model of
    another library), wrap it in a class with this method; it need not inherit from anything.

    Example:
        An encoder that counts letters:

        >>> import numpy as np
        >>> from hbtlib.encoders.protocol import EncoderProtocol
        >>> class LetterCounts:
        ...     def embed(self, texts, role, *, precision="fp32", progress=False):
        ...         counts = [[text.count(letter) for letter in "abc"] for text in texts]
        ...         return np.array(counts, np.float32)
        >>> encoder = LetterCounts()
        >>> encoder.embed(["abba", "cab"], "query").tolist()
        [[2.0, 2.0, 0.0], [1.0, 1.0, 1.0]]
        >>> isinstance(encoder, EncoderProtocol)
        True
    """

    def embed(
        self, texts: Sequence[str], role: str, *, precision: str, progress: bool
    ) -> NDArray[np.float32]:
        """Turns texts into vectors whose dot product is the score of a query and a passage.

        Args:
            texts: n texts.
            role: `query` or `passage`; encoders with prompts put the role's prompt before a text.
            precision: `fp32`, `bf16` or `fp16`, the precision of the computation; an encoder that
                has no choice may ignore it.
            progress: whether to show a progress bar.

        Returns:
            (n, d) float32, in the order of the texts; d is the same for both roles.
        """


def check_encoder(encoder: object) -> None:
    """Checks that an object can embed texts.

    Raises:
        ValueError: It has no method `embed`.
    """
    if not callable(getattr(encoder, "embed", None)) or isinstance(encoder, type):
        raise ValueError(
            f"the encoder is {short(encoder)}, which has no method embed(texts, role): give an "
            "hbt.Encoder (hbt.Encoder.load(name) loads one), a SentenceTransformer, or an object "
            "with such a method"
        )
