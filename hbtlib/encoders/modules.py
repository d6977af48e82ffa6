"""Reading sentence-transformers' files of a model: its modules, pooling, prompts and length."""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from hbtlib.checks import check_integer, short
from hbtlib.encoders.parts import Settings
from hbtlib.encoders.pooling import POOLINGS
from hbtlib.encoders.stored import AGAIN, StoredModel, is_inside
from hbtlib.files import DamagedFile

PROMPTS = "config_sentence_transformers.json"
LENGTH = "sentence_bert_config.json"
_KNOWN = ("Transformer", "Pooling", "Dense", "Normalize")
_PACKAGE = "sentence_transformers."  # modules of another package may do anything under these names
_FLAG = "pooling_mode_"


class Modules(NamedTuple):
    """What sentence-transformers stored beside the transformer.

    Attributes:
        settings: pooling, normalisation, prompts and length.
        layers: the dense layers.
        assumed_prompts: the prompts in `settings` that were not stored.
    """

    settings: Settings
    layers: tuple[torch.nn.Module, ...]
    assumed_prompts: tuple[str, ...]


def read_modules(stored: StoredModel, needs_prompts: bool = True) -> Modules:
    """Reads what sentence-transformers stored; a folder of transformers alone has none of it.

    Args:
        stored: the model's files.
        needs_prompts: whether a model of sentence-transformers without a file of prompts is
            refused; False where both prompts are known from elsewhere.

    Returns:
        The settings, the dense layers, and the names of the prompts that had to be assumed.

    Raises:
        FileNotFoundError: some of sentence-transformers' files are there and others are not.
        ValueError: a file holds something else than it should, or asks for what hbtlib does not do.
    """
    modules = stored.read("modules.json", list)
    if modules is None:
        _refuse_rest(stored)
        return Modules(Settings(), (), ("query_prefix", "passage_prefix"))
    kinds = _check_modules(stored, modules)
    settings = Settings(
        pooling=_read_pooling(stored, modules[1]["path"]), normalize=kinds[-1] == "Normalize"
    )
    query, passage = _read_prompts(stored, needs_prompts)
    settings = settings._replace(query_prefix=query or "", passage_prefix=passage or "")
    prompts = {"query_prefix": query, "passage_prefix": passage}
    assumed = tuple(name for name, stands in prompts.items() if stands is None)
    length = _read_length(stored)
    if length is not None:
        settings = settings._replace(max_length=length)
    dense = [module for module, kind in zip(modules, kinds, strict=True) if kind == "Dense"]
    return Modules(settings, _load_dense(stored, dense), assumed)


def _refuse_rest(stored: StoredModel) -> None:
    """Refuses a folder that has some of sentence-transformers' files, but not the first one."""
    for file in (PROMPTS, "1_Pooling/config.json"):
        if stored.folder is not None and (stored.folder / file).exists():
            raise FileNotFoundError(
                f"{stored.name} lacks modules.json, but has {file}, so it was a whole model of "
                f"sentence-transformers: {AGAIN}"
            )


def _check_modules(stored: StoredModel, modules: list[Any]) -> list[str]:
    """The kinds of the modules, after a check that they come in the order that hbtlib computes."""
    kinds = []
    for module in modules:
        kind = module.get("type") if isinstance(module, dict) else None
        path = module.get("path") if isinstance(module, dict) else None
        if not isinstance(kind, str) or not isinstance(path, str) or not is_inside(path):
            raise DamagedFile(
                f"{stored.name}/modules.json: {short(module)} is no module with a type and a path "
                f"in the folder: {AGAIN}"
            )
        if not kind.startswith(_PACKAGE) or kind.rsplit(".", 1)[-1] not in _KNOWN:
            raise ValueError(
                f"{stored.name}: it has a module {kind} that hbtlib does not know, so its "
                "vectors would be wrong: use a model of Transformer, Pooling, Dense and Normalize "
                "modules"
            )
        kinds.append(kind.rsplit(".", 1)[-1])
    between = kinds[2:-1] if kinds[-1:] == ["Normalize"] else kinds[2:]
    if kinds[:2] != ["Transformer", "Pooling"] or set(between) - {"Dense"}:
        raise ValueError(
            f"{stored.name}/modules.json has the modules {', '.join(kinds) or 'none'}; hbtlib "
            "computes Transformer, Pooling, any Dense and at most one Normalize, in this order"
        )
    return kinds


def _read_pooling(stored: StoredModel, path: str) -> str:
    """The pooling that a configuration names, in hbtlib's word for it where it has one."""
    file = f"{path}/config.json"
    config = stored.need(file, dict, "how token states are pooled")
    if config.get("include_prompt", True) is not True:
        raise ValueError(
            f"{stored.name}/{file} leaves the prompt's tokens out of the pooling, which hbtlib "
            "does not do, so its vectors would be wrong: use another model"
        )
    if "pooling_mode" in config:
        named = config["pooling_mode"]
        modes = [named] if isinstance(named, str) else named
    else:
        flags = {name: on for name, on in config.items() if name.startswith(_FLAG)}
        ours = {flag: name for name, (flag, _) in POOLINGS.items()}
        modes = [ours.get(flag, flag.removeprefix(_FLAG)) for flag, on in flags.items() if on]
        if flags and not modes and not any(flags.values()):
            modes = ["mean"]  # as sentence-transformers reads it
    if not isinstance(modes, list) or not modes or not all(isinstance(m, str) for m in modes):
        raise DamagedFile(f"{stored.name}/{file} names no pooling: {AGAIN}")
    return " and ".join(modes)


def _read_prompts(stored: StoredModel, needs_prompts: bool) -> tuple[str | None, str | None]:
    """The prompts of queries and passages; None for one that is not stored."""
    config = stored.read(PROMPTS, dict)
    if config is None:
        if needs_prompts:
            raise FileNotFoundError(
                f"{stored.name} has modules.json but lacks {PROMPTS}, which says its prompts: "
                f"{AGAIN}, or, if it never had one, pass both query_prefix= and passage_prefix= "
                "('' for none)"
            )
        return None, None
    prompts = config.get("prompts") or {}
    values = prompts.values() if isinstance(prompts, dict) else [prompts]
    for value in values:
        if not isinstance(value, str | None):
            raise DamagedFile(
                f"{stored.name}/{PROMPTS}: its prompts hold {short(value)}, where a text belongs: "
                f"{AGAIN}"
            )
    passage = prompts.get("passage", prompts.get("document"))
    return prompts.get("query"), passage


def _read_length(stored: StoredModel) -> int | None:
    """The length at which texts are cut, or None if it is not stored."""
    config = stored.read(LENGTH, dict)
    length = (config or {}).get("max_seq_length")
    if length is None:
        return None
    return check_integer(f"max_seq_length in {stored.name}/{LENGTH}", length, minimum=1)


def _load_dense(
    stored: StoredModel, modules: Sequence[dict[str, Any]]
) -> tuple[torch.nn.Module, ...]:
    """The dense layers."""
    if not modules:
        return ()
    # Imported here, because it takes two seconds.
    from sentence_transformers.sentence_transformer.modules import Dense

    layers = []
    for module in modules:
        path = module["path"]
        stored.need(f"{path}/config.json", dict, "the shape of a dense layer")
        with warnings.catch_warnings(), stored.explaining(f"its dense layer {path}"):
            warnings.simplefilter("ignore", FutureWarning)
            layers.append(Dense.load(stored.name, path, revision=stored.revision))
    return tuple(layers)
