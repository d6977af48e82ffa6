"""A `SentenceTransformer` as an encoder: any backend, static embeddings, truncated vectors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hbtlib.checks import check_choice

_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}
_SCORES = ("cosine", "dot")


class SentenceTransformerEncoder:
    """What `hbt.rank` makes of a `SentenceTransformer`.

    The prompts are those stored with the model (`query`; `document`, `passage` or `corpus`), as
    `encode_query` and `encode_document` use them. If the model compares by cosine, the default,
    vectors are scaled to unit length, so that dot products are cosines, after `truncate_dim` too.

    Args:
        model: the model, with any backend (torch, ONNX, OpenVINO) and any modules (model2vec's
            static embeddings among them).

    Raises:
        ValueError: if the model compares vectors by anything but cosine or dot product.
    """

    def __init__(self, model: Any) -> None:
        scores = model.similarity_fn_name
        if scores not in _SCORES:
            raise ValueError(
                f"the model compares vectors by its similarity {scores!r}, and hbtlib ranks by dot "
                "products: set model.similarity_fn_name to 'cosine' or 'dot'"
            )
        self.model = model
        self.normalize = scores == "cosine"

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
            role: `query` or `passage`.
            precision: `fp32`, or `bf16` or `fp16` with the backend torch.
            progress: whether to show a progress bar.

        Returns:
            (n, d) float32, in the order of the texts.

        Raises:
            ValueError: for another role, and for a precision that the backend does not have.
        """
        check_choice("role", role, ("query", "passage"))
        check_choice("precision", precision, ("fp32", *_AUTOCAST))
        if precision != "fp32" and self.model.backend != "torch":
            raise ValueError(
                f"precision is {precision!r}, which the backend {self.model.backend!r} does not "
                "have: its precision is that of its file, so give 'fp32'"
            )
        encode = self.model.encode_query if role == "query" else self.model.encode_document
        device = torch.device(self.model.device).type
        with torch.autocast(device, dtype=_AUTOCAST.get(precision), enabled=precision != "fp32"):
            vectors = encode(
                list(texts),
                convert_to_numpy=True,
                normalize_embeddings=self.normalize,
                show_progress_bar=progress,
            )
        return np.asarray(vectors, np.float32)


def as_encoder(encoder: Any) -> Any:
    """Wraps a `SentenceTransformer`; returns anything else as it is."""
    names = ("encode_query", "encode_document", "similarity_fn_name", "backend")
    has_all = all(hasattr(encoder, name) for name in names)
    if has_all and not hasattr(encoder, "embed") and not isinstance(encoder, type):
        return SentenceTransformerEncoder(encoder)
    return encoder
