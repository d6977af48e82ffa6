"""Checks of what an encoder is given: its settings, its device, and texts to embed."""

from collections.abc import Sequence

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from hbtlib.checks import check_integer, short
from hbtlib.encoders.parts import Settings
from hbtlib.encoders.pooling import POOLINGS


def check_settings(settings: Settings) -> None:
    """Refuses settings of the wrong type.

    Raises:
        ValueError: naming the setting and what it may be.
    """
    if not isinstance(settings.pooling, str) or settings.pooling not in POOLINGS:
        raise ValueError(
            f"pooling is {short(settings.pooling)}; it is one of {', '.join(POOLINGS)}: choose by "
            "pooling=…"
        )
    if not isinstance(settings.normalize, bool):
        raise ValueError(f"normalize is {short(settings.normalize)}; it is True or False")
    for name in ("query_prefix", "passage_prefix"):
        prompt = getattr(settings, name)
        if not isinstance(prompt, str):
            raise ValueError(f"{name} is {short(prompt)}; it is a text, '' for no prompt")
    check_integer("max_length", settings.max_length, minimum=1)


def check_length(settings: Settings, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuses a length at which nothing would be read of a text behind its prompt.

    Args:
        settings: the settings.
        tokenizer: the tokenizer, which adds its special tokens to a prompt.

    Raises:
        ValueError: with the smallest length.
    """
    for name in ("query_prefix", "passage_prefix"):
        prompt = getattr(settings, name)
        taken = len(tokenizer(prompt.rstrip())["input_ids"])
        if settings.max_length <= taken:
            raise ValueError(
                f"max_length is {settings.max_length}, but the special tokens and {name} "
                f"{short(prompt)} take {taken} tokens already; it must be {taken + 1} or more"
            )


def check_device(device: object) -> None:
    """Refuses a device that torch does not know, or that this machine lacks.

    Raises:
        ValueError: with what to give.
    """
    try:
        kind = torch.device(device).type  # type: ignore[call-overload]
        torch.empty(0, device=device)  # type: ignore[call-overload]
    except (RuntimeError, AssertionError, TypeError, ValueError, NotImplementedError):
        known = "known to torch" if isinstance(device, str) else "a device's name"
        raise ValueError(
            f"device is {short(device)}, which is not {known} or not in this machine; it is 'cpu', "
            "or 'cuda' where torch finds a GPU"
        ) from None
    if kind == "meta":
        raise ValueError("device is 'meta', which computes nothing; it is 'cpu' or 'cuda'")


def check_texts(texts: object) -> list[str]:
    """Returns texts as a list.

    Args:
        texts: a list, a tuple, an array or a column of texts; no generator, which cannot be read
            twice, and no single text.

    Returns:
        The texts.

    Raises:
        ValueError: naming the first that is no text.
    """
    is_one = isinstance(texts, str | bytes) or not hasattr(texts, "__len__")
    no_list = isinstance(texts, np.ndarray) and texts.ndim != 1
    if is_one or no_list or isinstance(texts, dict | set | frozenset):
        raise ValueError(f"texts is {short(texts)}; give a list of texts, even for one text")
    found: Sequence[object] = list(texts)  # type: ignore[call-overload]
    for i, text in enumerate(found):
        if not isinstance(text, str):
            raise ValueError(f"text {i} is {short(text)}, where a text belongs")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError(
                f"text {i} is {short(text)}, which holds half of a character; repair or leave it "
                "out"
            ) from None
    return found  # type: ignore[return-value]
