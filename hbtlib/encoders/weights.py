"""Loading a transformer: its weights are all there, and are those of its configuration."""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors
import torch
from transformers import CONFIG_MAPPING, AutoModel, PreTrainedModel
from transformers import __version__ as transformers_version
from transformers.utils import logging as transformers_logging

from hbtlib.checks import check_options, short
from hbtlib.encoders.stored import AGAIN, StoredModel, first_line
from hbtlib.files import DamagedFile

_SINGLE = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_OTHER_FORMS = ("pytorch_model.bin", "pytorch_model.bin.index.json")
_OF_LOADING = ("dtype", "torch_dtype", "attn_implementation")
"""Options that are attributes of a configuration too, but change nothing of its architecture."""

OPTIONS = ("dtype", "attn_implementation", "revision", "trust_remote_code", "token", "device_map")
"""The most usual options of `from_pretrained`, to say which was probably meant."""


def load_model(
    stored: StoredModel, options: Mapping[str, Any], other_options: Collection[str] = ()
) -> PreTrainedModel:
    """Loads a transformer with all its weights.

    transformers itself only warns of weights that are missing, and makes them up at random.

    Args:
        stored: the model's files.
        options: go to `transformers.AutoModel.from_pretrained`.
        other_options: names of options that the caller takes itself, to say which was meant.

    Returns:
        The model.

    Raises:
        OSError: there is no such model, or a file of it is missing.
        ValueError: an option is not known, a file is damaged, or weights and configuration do not
            belong together.
    """
    _check_dtype(options)
    if stored.folder is not None and not (stored.folder / "adapter_config.json").exists():
        _check_config(stored)
        _check_weight_files(stored, stored.folder)
    model, info = _from_pretrained(stored, options, other_options)
    if not options.get("ignore_mismatched_sizes"):
        _refuse_mismatched(stored, info["mismatched_keys"])
    _refuse_missing(stored, info["missing_keys"])
    if not any(hasattr(model.config, name) for name in options if name not in _OF_LOADING):
        _refuse_layers_left_out(stored, model, info["unexpected_keys"])
    return model


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps transformers from showing bars and reports of what it reads and writes.

    In an executed notebook they are many lines for each model. What a report would warn of is an
    error here.
    """
    level = transformers_logging.get_verbosity()
    was_enabled = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if was_enabled:
            transformers_logging.enable_progress_bar()


def _from_pretrained(
    stored: StoredModel, options: Mapping[str, Any], other_options: Collection[str]
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """Calls transformers; returns the model and what it says of the weights."""
    asked = {"ignore_mismatched_sizes": True, **options, "output_loading_info": True}
    unknown = ""
    with quiet(), stored.explaining("its model"):
        try:
            return AutoModel.from_pretrained(stored.name, **asked)
        except TypeError as error:
            found = re.search(r"unexpected keyword argument '(\w+)'", str(error))
            unknown = found[1] if found else ""
            if unknown not in options:
                raise
    known = [*other_options, *OPTIONS, *(name for name in options if name != unknown)]
    check_options(f"Encoder.load({stored.name!r})", options, known)
    raise AssertionError("an unknown option was not refused")


def _check_dtype(options: Mapping[str, Any]) -> None:
    """Refuses a number format that weights cannot have."""
    for name in ("dtype", "torch_dtype"):
        given = options.get(name)
        if given is None or given == "auto" or isinstance(given, dict):
            continue
        dtype = getattr(torch, given, None) if isinstance(given, str) else given
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise ValueError(
                f"{name} is {short(given)}; it is 'auto', 'float32', 'bfloat16' or 'float16', or "
                "torch's object for one"
            )


def _check_config(stored: StoredModel) -> None:
    """Refuses a folder whose configuration is missing, damaged or of an unknown architecture."""
    config = stored.need("config.json", dict, "the transformer's architecture")
    kind = config.get("model_type")
    if kind is not None and kind not in CONFIG_MAPPING and "auto_map" not in config:
        raise ValueError(
            f"{stored.name}/config.json names the model type {short(kind)}, which transformers "
            f"{transformers_version} does not know: {AGAIN}, or install another transformers"
        )


def _check_weight_files(stored: StoredModel, folder: Path) -> None:
    """Refuses a folder with a weight file that is cut off, or that its index names and it lacks."""
    files = [folder / _SINGLE]
    if not files[0].exists():
        index = stored.read(_INDEX, dict)
        if index is None:
            _check_other_forms(folder)
            return
        parts = index.get("weight_map")
        if not isinstance(parts, dict) or not all(isinstance(n, str) for n in parts.values()):
            raise DamagedFile(f"{folder / _INDEX} names no weight files: {AGAIN}")
        files = [folder / name for name in sorted(set(parts.values()))]
    for file in files:
        if not file.exists():
            raise FileNotFoundError(f"{folder} lacks {file.name}, a part of its weights: {AGAIN}")
        try:
            with safetensors.safe_open(file, framework="pt"):
                pass
        except safetensors.SafetensorError as error:
            raise DamagedFile(f"{file} is damaged ({first_line(error)}): {AGAIN}") from None


def _check_other_forms(folder: Path) -> None:
    """Refuses a folder that has no weights in any form that transformers reads."""
    if not any((folder / name).exists() for name in _OTHER_FORMS):
        raise FileNotFoundError(f"{folder} lacks {_SINGLE}, its weights: {AGAIN}")


def _refuse_mismatched(stored: StoredModel, mismatched: Collection[Any]) -> None:
    """Refuses weights of other shapes than the configuration's."""
    for name, found, wanted in sorted(mismatched, key=str):
        raise ValueError(
            f"{stored.name}: {len(mismatched)} of its weights do not fit its config.json "
            f"({name} has the shape {tuple(found)}, not {tuple(wanted)}): {AGAIN}"
        )


def _refuse_missing(stored: StoredModel, missing: Collection[str]) -> None:
    """Refuses weights that lack a part of the model, but for the pooler, which is not used."""
    needed = sorted(name for name in missing if "pooler" not in name.split("."))
    if needed:
        raise ValueError(
            f"{stored.name}: its weights lack {len(needed)} of the model's tensors ({needed[0]}, "
            f"for one), which would be random: {AGAIN}"
        )


def _refuse_layers_left_out(
    stored: StoredModel, model: PreTrainedModel, unexpected: Collection[str]
) -> None:
    """Refuses weights of more layers than the configuration has.

    Other weights that the model does not use (a head for another task) are no fault.
    """
    for name in sorted(unexpected):
        for found in re.finditer(r"\.(\d+)\.", name):
            layers = dict(model.named_modules()).get(name[: found.start()])
            if isinstance(layers, torch.nn.ModuleList) and int(found[1]) >= len(layers):
                raise ValueError(
                    f"{stored.name}: its weights have more layers than the {len(layers)} of its "
                    f"config.json ({name}, for one): {AGAIN}"
                )
