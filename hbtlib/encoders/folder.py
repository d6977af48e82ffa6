"""Reading and writing the folder of an encoder, which sentence-transformers and transformers load.

The folder has transformers' files at the top (weights, configuration, tokenizer). Beside them are
those of sentence-transformers:

    modules.json                        the modules in their order: Transformer, Pooling, …
    1_Pooling/config.json               how token states are pooled
    2_Dense/, …                         dense layers, if there are any
    sentence_bert_config.json           the length at which texts are cut
    config_sentence_transformers.json   the prompts of queries and passages

A folder in which one of them is missing or damaged is refused.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import PreTrainedTokenizerBase

from hbtlib.checks import short
from hbtlib.encoders.modules import LENGTH, PROMPTS, read_modules
from hbtlib.encoders.parts import EncoderParts, Settings
from hbtlib.encoders.pooling import POOLINGS
from hbtlib.encoders.stored import AGAIN, StoredModel
from hbtlib.encoders.tokenizer_files import load_tokenizer
from hbtlib.encoders.weights import load_model, quiet
from hbtlib.files import explain_full_disk

_HUB_NAME = re.compile(r"([A-Za-z0-9._-]{1,96}/)?[A-Za-z0-9._-]{1,96}")
_OF_LOAD = (*Settings._fields, "device")


def read_folder(
    name: str | Path, *, needs_prompts: bool = True, **model_options: Any
) -> EncoderParts:
    """Reads an encoder from a folder or from the hub.

    Args:
        name: a folder, or the name of a repository on the hub.
        needs_prompts: whether a model of sentence-transformers without a file of prompts is
            refused; False where both prompts are known from elsewhere.
        model_options: go to `transformers.AutoModel.from_pretrained`.

    Returns:
        The parts of the encoder. What sentence-transformers stored (pooling, dense layers,
        normalisation, prompts, length) is used; the rest is as in `Settings`.

    Raises:
        OSError: if there is no such model, or one of its files is missing.
        ValueError: if a file of it is damaged, or if it asks for what hbtlib does not do.
    """
    revision = model_options.get("revision")
    if not isinstance(revision, str | None):
        raise ValueError(f"revision is {short(revision)}; it is the name of a version on the hub")
    stored = StoredModel(_existing(name), revision)
    modules = read_modules(stored, needs_prompts)
    model = load_model(stored, model_options, _OF_LOAD)
    _check_dense(stored, model.config, modules.layers)
    tokenizer = load_tokenizer(stored, model)
    return EncoderParts(model, tokenizer, *modules)


def _existing(name: str | Path) -> str | Path:
    """The name of a model; a path that cannot be a name on the hub must be a folder."""
    if not isinstance(name, str | Path) or not str(name).strip() or "\0" in str(name):
        raise ValueError(
            f"the encoder is {short(name)}; it is a folder, the name of a model on the hub, "
            "'small', 'minilm' or 'me5-small'"
        )
    # The functions of os do not fail for a path that is too long or a home that nobody has.
    path = os.path.expanduser(name)  # noqa: PTH111
    starts_as_path = str(name).startswith((".", "/", "~"))
    is_path = isinstance(name, Path) or starts_as_path or str(name).count("/") > 1
    if not os.path.isdir(path):  # noqa: PTH112
        readable = str(name).isprintable() and len(str(name)) <= 200
        shown = name if readable else short(name)
        if is_path:
            what = "a file" if os.path.exists(path) else "not there"  # noqa: PTH110
            raise FileNotFoundError(f"{shown} is {what}; give the folder of an encoder")
        if not _HUB_NAME.fullmatch(str(name)):
            raise FileNotFoundError(f"{shown} is no folder, and can be no name on the hub")
    return Path(path) if is_path else name


def _check_dense(stored: StoredModel, config: Any, layers: Sequence[torch.nn.Module]) -> None:
    """Refuses dense layers that do not take what comes before them."""
    width = config.hidden_size
    for number, layer in enumerate(layers, 2):
        if layer.in_features != width:
            raise ValueError(
                f"{stored.name}: its dense layer {number}_Dense takes vectors of "
                f"{layer.in_features} numbers, but gets {width}: {AGAIN}"
            )
        width = layer.out_features


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Gives a folder to write to, whose files are moved to their place when all are written.

    Files that the place has under other names stay.

    Args:
        folder: where the files belong; it is made if it does not exist.

    Yields:
        The folder to write to. It is removed if the block raises.

    Raises:
        OSError: the files cannot be written. On a full disk the message says so.
    """
    folder = folder.absolute()
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; give a folder to save the encoder in")
    work = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        with explain_full_disk(folder), _full_disk_as_os_error():
            work.mkdir(parents=True, exist_ok=True)
            yield work
            _move_files(work, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _full_disk_as_os_error() -> Iterator[None]:
    """Raises OSError for a full disk, where safetensors and torch raise errors of their own."""
    try:
        yield
    except (SafetensorError, RuntimeError) as error:
        if "No space left" not in str(error):
            raise
        raise OSError(str(error)) from None


def _move_files(work: Path, folder: Path) -> None:
    """Moves a folder to its place, or its files one by one where the place has files already."""
    if not folder.exists():
        work.rename(folder)
        return
    for file in sorted(work.rglob("*")):
        target = folder / file.relative_to(work)
        if file.is_dir():
            target.mkdir(exist_ok=True)
        else:
            file.replace(target)


def write_folder(folder: Path, parts: EncoderParts) -> None:
    """Writes an encoder so that transformers and sentence-transformers load it, with its prompts.

    Args:
        folder: where to; it exists.
        parts: the encoder.
    """
    with quiet():
        parts.model.save_pretrained(folder)
    _forget_last_call(parts.tokenizer)
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


def _forget_last_call(tokenizer: PreTrainedTokenizerBase) -> None:
    """Takes away the padding and truncation that the tokenizer was last asked for.

    They would be written too, so that an encoder that has read a text would have another file.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        backend.no_truncation()
        backend.no_padding()


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
        LENGTH: {
            "max_seq_length": settings.max_length,
            "do_lower_case": False,
        },
        "1_Pooling/config.json": {
            "word_embedding_dimension": parts.model.config.hidden_size,
            "include_prompt": True,
            **pooling,
        },
        PROMPTS: {
            # sentence-transformers and mteb look for `document` first, and mteb warns of others.
            "prompts": {
                "query": settings.query_prefix,
                "document": settings.passage_prefix,
                "passage": settings.passage_prefix,
            },
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }
