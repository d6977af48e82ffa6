"""The average of an encoder's weights before and after its training."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import torch

from hbtlib.checks import check_number, short
from hbtlib.encoders.encoder import Encoder

Weights = dict[str, torch.Tensor]


def average_weights(
    first: Encoder | str | Path, trained: Encoder | str | Path, share: float = 0.6
) -> Encoder:
    """Averages the weights of an encoder with those that it was trained from.

    Each weight of the average is ::

        (1 − α) θ₀ + α θ₁

    with θ₀ the first encoder's, θ₁ the trained one's and α the share. It takes back some of what
    the training changed, what it lost as well as what it gained, and costs no training: a few
    shares can be compared on held-out questions.

    Args:
        first: the encoder that the training started from; an encoder, or what `Encoder.load` takes.
        trained: the encoder that came of it, likewise.
        share: α, from 0 (the first encoder) to 1 (the trained one).

    Returns:
        A new encoder with the trained one's tokenizer, settings and device. The two that were given
        stay as they are.

    Raises:
        ValueError: if the share is not from 0 to 1, or the two have other weights than each other
            (in name or shape), other vocabularies, or other settings than the length.

    Example:
        >>> import hbtlib as hbt
        >>> first = hbt.Encoder.load("small", device="cpu", width=32, heads=2)
        >>> trained = hbt.Encoder.load("small", device="cpu", width=32, heads=2, seed=1)
        >>> middle = hbt.average_weights(first, trained, share=0.5)
        >>> middle.embed(["Wo liegt Kenia?"], "query").shape
        (1, 32)

    Source:
        WiSE-FT (Wortsman et al. 2022, arXiv 2109.01903), where α is the mixing coefficient.
    """
    share = check_number("share", share, minimum=0, maximum=1)
    first, trained = _encoder("first", first), _encoder("trained", trained)
    _check_alike(first, trained)
    before, after = first.state_dict(), trained.state_dict()
    average = copy.deepcopy(trained)
    average.load_state_dict({name: _mix(before[name], after[name], share) for name in after})
    return average.eval()


def _encoder(name: str, given: object) -> Encoder:
    """The encoder that was given, or the one that is loaded from a name or a folder."""
    if isinstance(given, Encoder):
        return given
    if not isinstance(given, str | os.PathLike) or str(given) == "":
        raise ValueError(
            f"{name} is {short(given)}; it must be an Encoder, a name, or the path of a folder"
        )
    return Encoder.load(given if isinstance(given, str) else Path(given))


def _mix(before: torch.Tensor, after: torch.Tensor, share: float) -> torch.Tensor:
    """The average of one weight; whole numbers, such as positions, are those after training."""
    if not after.is_floating_point():
        return after
    # At a share of 0 and of 1, lerp gives the ends to the bit.
    return torch.lerp(before.to(after.device).float(), after.float(), share).to(after.dtype)


def _check_alike(first: Encoder, trained: Encoder) -> None:
    """Refuses two encoders of which one cannot have been trained from the other."""
    _check_weights(first.state_dict(), trained.state_dict())
    if first.tokenizer.get_vocab() != trained.tokenizer.get_vocab():
        raise ValueError(
            "the two encoders have other vocabularies, so their token embeddings stand for other "
            "tokens: average an encoder with the one that it was trained from"
        )
    for name in ("pooling", "normalize", "query_prefix", "passage_prefix"):
        before, after = getattr(first.settings, name), getattr(trained.settings, name)
        if before != after:
            raise ValueError(
                f"{name} is {short(before)} in the first encoder and {short(after)} in the trained "
                "one: load both with the same"
            )


def _check_weights(before: Weights, after: Weights) -> None:
    """Refuses weights of other names or shapes, with the first that differs."""
    advice = "average an encoder with the one that it was trained from"
    for name in (*before, *after):
        if name not in after or name not in before:
            lacking = "trained" if name in before else "first"
            raise ValueError(
                f"the {lacking} encoder has no weight {name}, which the other has: {advice}"
            )
        if before[name].shape != after[name].shape:
            raise ValueError(
                f"the weight {name} has the shape {tuple(before[name].shape)} in the first encoder "
                f"and {tuple(after[name].shape)} in the trained one: {advice}"
            )
