"""mteb's models as encoders of `hbt.rank`, and ours as models of `mteb.evaluate`."""

from collections.abc import Sequence
from typing import Any

import mteb
import numpy as np
import torch
from datasets import Dataset
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models.model_meta import ModelMeta
from mteb.types import PromptType
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from hbtlib.checks import check_choice, short
from hbtlib.encoders.protocol import EncoderProtocol, check_encoder
from hbtlib.encoders.sentence_transformer import as_encoder

PROMPT_TYPES = {"query": PromptType.query, "passage": PromptType.document}

ANY_TASK = TaskMetadata(
    name="hbtlib",
    description="Any retrieval benchmark of hbtlib.",
    dataset={"path": "hbtlib/hbtlib", "revision": "1"},
    type="Retrieval",
    category="t2t",
    modalities=["text"],
    eval_langs=["mul-Zyyy"],
    main_score="ndcg_at_10",
)
"""The task that a model is told if none is given: retrieval, in no language in particular."""


class EncoderOfMteb:
    """Any model of mteb as an encoder: `hbt.rank(EncoderOfMteb("intfloat/…"), benchmark)`.

    The model uses the prompts that mteb has for it. If it compares by cosine, vectors are scaled to
    unit length, so that dot products are cosines.

    Args:
        model: a model of mteb (`mteb.get_model`), or the name of one.
        task: a task of mteb whose instructions the model shall use, if it has some for it; by
            default those for retrieval in general.
        batch_size: texts that the model embeds at a time.

    Raises:
        ValueError: for what is no such model, and for one that scores other than by cosine or dot
            product.
    """

    def __init__(self, model: Any, task: Any = None, *, batch_size: int = 32) -> None:
        if isinstance(model, str):
            model = mteb.get_model(model)
        has_all = callable(getattr(model, "encode", None)) and hasattr(model, "mteb_model_meta")
        if not has_all:
            raise ValueError(
                f"model is {short(model)}; give a model of mteb, as mteb.get_model(name) returns "
                "(hbt.rank takes a SentenceTransformer as it is)"
            )
        scores = str(getattr(model.mteb_model_meta.similarity_fn_name, "value", "cosine"))
        if scores not in ("cosine", "dot"):
            raise ValueError(
                f"the model scores by {scores!r}, and hbtlib ranks by dot products; cosine and dot "
                "product are what it can do"
            )
        self.model = model
        self.normalize = scores == "cosine"
        self.metadata = getattr(task, "metadata", ANY_TASK)
        self.batch_size = batch_size

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
            precision: `fp32`; a model of mteb has its own.
            progress: whether to show a progress bar.

        Returns:
            (n, d) float32, in the order of the texts.

        Raises:
            ValueError: for another role or precision.
        """
        check_choice("role", role, PROMPT_TYPES)
        if precision != "fp32":
            raise ValueError(
                f"precision is {precision!r}, but a model of mteb has its own: load it in that "
                "precision, and give 'fp32' here"
            )
        vectors = self.model.encode(
            DataLoader(Dataset.from_dict({"text": list(texts)}), batch_size=self.batch_size),
            task_metadata=self.metadata,
            hf_split="test",
            hf_subset="default",
            prompt_type=PROMPT_TYPES[role],
            batch_size=self.batch_size,
            show_progress_bar=progress,
        )
        found = np.asarray(torch.as_tensor(vectors).float().cpu(), np.float32)
        if not self.normalize:
            return found
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return found / np.maximum(lengths, np.finfo(np.float32).tiny)


class MtebModel:
    """An encoder of ours as a model of mteb: `mteb.evaluate(MtebModel(encoder), tasks)`.

    Args:
        encoder: an `hbt.Encoder`, or any object that meets `hbt.EncoderProtocol`.
        name: what mteb calls it, as ORGANISATION/MODEL.

    Raises:
        ValueError: for what is no encoder, and for a name of another form.
    """

    def __init__(self, encoder: EncoderProtocol, name: str = "hbtlib/encoder") -> None:
        self.encoder = as_encoder(encoder)
        check_encoder(self.encoder)
        if not isinstance(name, str) or name.count("/") != 1 or not all(name.split("/")):
            raise ValueError(f"name is {short(name)}; mteb wants ORGANISATION/MODEL")
        revision = encoder.fingerprint() if hasattr(encoder, "fingerprint") else "unknown"
        self.mteb_model_meta = ModelMeta.create_empty({"name": name, "revision": revision})

    def encode(
        self, inputs: Any, *, task_metadata: Any, prompt_type: PromptType | None = None, **_: Any
    ) -> NDArray[np.float32]:
        """Embeds the texts of mteb's batches, as queries or as passages."""
        texts = [text for batch in inputs for text in batch["text"]]
        role = "query" if prompt_type == PromptType.query else "passage"
        vectors: NDArray[np.float32] = self.encoder.embed(
            texts, role, precision="fp32", progress=False
        )
        return vectors

    def similarity(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:
        """The dot products of two sets of vectors."""
        return torch.as_tensor(embeddings1) @ torch.as_tensor(embeddings2).T

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:
        """The dot products of each vector with the one at its place."""
        return (torch.as_tensor(embeddings1) * torch.as_tensor(embeddings2)).sum(-1)
