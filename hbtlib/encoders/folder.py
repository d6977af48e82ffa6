"""Reading and writing the folder of an encoder, which sentence-transformers and transformers load.

The folder has transformers' files at the top (weights, configuration, tokenizer). Beside them are
those of sentence-transformers:

    modules.json                        the modules in their order: Transformer, Pooling, …
    1_Pooling/config.json               how token states are pooled
    2_Dense/, …                         dense layers, if there are any
    sentence_bert_config.json           the length at which texts are cut
    config_sentence_transformers.json   the prompts of queries and passages
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import cached_file
from transformers.utils import logging as transformers_logging

from hbtlib.encoders.parts import EncoderParts, Settings
from hbtlib.encoders.pooling import POOLINGS


def read_folder(name: str | Path, **model_options: Any) -> EncoderParts:
    """Reads an encoder from a folder or from the hub.

    Args:
        name: a folder, or the name of a repository on the hub.
        model_options: go to `transformers.AutoModel.from_pretrained`.

    Returns:
        The parts of the encoder. What sentence-transformers stored (pooling, dense layers,
        normalisation, prompts, length) is used; the rest is as in `Settings`.

    Raises:
        OSError: if there is no such model.
        ValueError: if it has a module that hbtlib does not know.
    """
    revision = model_options.get("revision")
    settings, layers, assumed_prompts = _read_modules(str(name), revision)
    with _no_progress_bars():
        model = AutoModel.from_pretrained(name, **model_options)
    tokenizer = AutoTokenizer.from_pretrained(name, revision=revision)
    if tokenizer.pad_token is None:  # decoders often have none
        tokenizer.pad_token = tokenizer.eos_token
    return EncoderParts(model, tokenizer, settings, layers, assumed_prompts)


def write_folder(folder: Path, parts: EncoderParts) -> None:
    """Writes an encoder so that transformers and sentence-transformers load it, with its prompts.

    Args:
        folder: where to; it is made if it does not exist.
        parts: the encoder.
    """
    with _no_progress_bars():
        parts.model.save_pretrained(folder)
    parts.tokenizer.save_pretrained(folder)
    modules = _describe_modules(parts)
    for module in modules[1:]:  # the transformer's files are at the top
        (folder / module["path"]).mkdir(exist_ok=True)
    dense = [module for module in modules if module["type"].endswith(".Dense")]
    for module, layer in zip(dense, parts.layers, strict=True):
        layer.save(str(folder / module["path"]))
    for name, content in _configurations(parts, modules).items():
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        (folder / name).write_text(text, encoding="utf-8")


def _describe_modules(parts: EncoderParts) -> list[dict[str, Any]]:
    """The content of modules.json."""
    kinds = ["Transformer", "Pooling"] + ["Dense"] * len(parts.layers)
    if parts.settings.normalize:
        kinds.append("Normalize")
    return [
        {
            "idx": number,
            "name": str(number),
            "path": f"{number}_{kind}" if number else "",
            "type": f"sentence_transformers.models.{kind}",
        }
        for number, kind in enumerate(kinds)
    ]


def _configurations(parts: EncoderParts, modules: list[dict[str, Any]]) -> dict[str, Any]:
    """The content of each of sentence-transformers' files, by its path in the folder."""
    settings = parts.settings
    pooling = {flag: name == settings.pooling for name, (flag, _) in POOLINGS.items()}
    return {
        "modules.json": modules,
        "sentence_bert_config.json": {
            "max_seq_length": settings.max_length,
            "do_lower_case": False,
        },
        "1_Pooling/config.json": {
            "word_embedding_dimension": parts.model.config.hidden_size,
            "include_prompt": True,
            **pooling,
        },
        "config_sentence_transformers.json": {
            "prompts": {"query": settings.query_prefix, "passage": settings.passage_prefix},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }


def _read_modules(
    name: str, revision: str | None
) -> tuple[Settings, tuple[torch.nn.Module, ...], tuple[str, ...]]:
    """Reads what sentence-transformers stored; a folder of transformers alone has none of it.

    Args:
        name: a folder, or the name of a repository on the hub.
        revision: which version of the repository.

    Returns:
        The settings, the dense layers, and the names of the prompts that had to be assumed.
    """
    modules = _read_json(name, "modules.json", revision)
    if not modules:
        return Settings(), (), ("query_prefix", "passage_prefix")
    pooling, normalize, layers = _load_modules(name, modules, revision)
    settings = Settings(pooling=pooling, normalize=normalize)

    stored = _read_json(name, "config_sentence_transformers.json", revision).get("prompts") or {}
    settings = settings._replace(
        query_prefix=stored.get("query") or "",
        passage_prefix=stored.get("passage") or stored.get("document") or "",
    )
    assumed_prompts = []
    if "query" not in stored:
        assumed_prompts.append("query_prefix")
    if "passage" not in stored and "document" not in stored:
        assumed_prompts.append("passage_prefix")

    length = _read_json(name, "sentence_bert_config.json", revision).get("max_seq_length")
    if length:
        settings = settings._replace(max_length=length)
    return settings, layers, tuple(assumed_prompts)


def _load_modules(
    name: str, modules: Sequence[dict[str, Any]], revision: str | None
) -> tuple[str, bool, tuple[torch.nn.Module, ...]]:
    """The pooling, whether vectors are normalised, and the dense layers of modules.json."""
    # Imported here, because it takes two seconds.
    from sentence_transformers.sentence_transformer import modules as library

    pooling = Settings().pooling
    normalize = False
    layers: list[torch.nn.Module] = []
    for module in modules:
        kind, path = module["type"].rsplit(".", 1)[-1], module["path"]
        if kind == "Pooling":
            pooling = library.Pooling.load(name, path, revision=revision).pooling_mode
        elif kind == "Dense":
            layers.append(library.Dense.load(name, path, revision=revision))
        elif kind == "Normalize":
            normalize = True
        elif kind != "Transformer":
            raise ValueError(
                f"{name}: it has a module {module['type']} that hbtlib does not know, so its "
                "vectors would be wrong: use a model of Transformer, Pooling, Dense and Normalize "
                "modules"
            )
    return pooling, normalize, tuple(layers)


def _read_json(name: str, file: str, revision: str | None) -> Any:
    """The content of a file of a folder or repository; an empty dict if there is no such file."""
    path = cached_file(
        name,
        file,
        revision=revision,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    return json.loads(Path(path).read_text(encoding="utf-8")) if path else {}


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Keeps transformers from showing a bar for every file it reads or writes.

    In an executed notebook these bars are a line of noise for each model.
    """
    was_enabled = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            transformers_logging.enable_progress_bar()
