"""An encoder with less language bias: one more linear layer, fitted in seconds without training."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from hbtlib.checks import check_choice, check_integer, check_number, short
from hbtlib.encoders import erasure
from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.erasure import METHODS, AffineMap
from hbtlib.encoders.given import check_texts
from hbtlib.encoders.protocol import EncoderProtocol, check_encoder

ROLES = {"query": ("query",), "passage": ("passage",), "both": ("query", "passage")}
_STANDARD_ERRORS = 3
FEWEST = 10
"""Texts a language: a mean of fewer is mostly what the texts are about."""


class MappedEncoder:
    """An encoder of another kind, with a map behind it: what `neutralise` makes of a function.

    Attributes:
        encoder: any object that meets `hbt.EncoderProtocol`.
        map: what its vectors go through; they are scaled to unit length afterwards.
    """

    def __init__(self, encoder: EncoderProtocol, map: AffineMap) -> None:
        self.encoder, self.map = encoder, map

    def embed(
        self,
        texts: Sequence[str],
        role: str = "passage",
        *,
        precision: str = "fp32",
        progress: bool = False,
    ) -> NDArray[np.float32]:
        """Turns texts into vectors of unit length, (n, d) float32."""
        vectors = self.encoder.embed(texts, role, precision=precision, progress=progress)
        mapped = self.map(vectors)
        lengths = np.linalg.norm(mapped, axis=1, keepdims=True)
        return (mapped / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)


def neutralise(
    encoder: EncoderProtocol,
    texts: Mapping[str, Sequence[str]],
    method: str = "leace",
    *,
    role: str = "both",
    directions: int | None = None,
    ridge: float = 0.5,
    centre: float = 0.75,
    progress: bool = False,
) -> EncoderProtocol:
    """Takes language out of an encoder's vectors, by one affine map that is fitted in seconds.

    Nothing is trained, and no language has to be named when a text is embedded. The map becomes one
    more dense layer, before vectors are scaled to unit length: `save` writes a folder that
    sentence-transformers loads, and every vector store gets the neutral vectors.

    Args:
        encoder: an `hbt.Encoder`; or any object that meets `hbt.EncoderProtocol`.
        texts: language → some of its texts (ten at least; some hundreds do). They should be about
            the same things in every language, and not what is evaluated on. For "translations",
            text i of every language is a translation of the same text.
        method: "leace" erases what a linear classifier could tell of the language
            (arXiv 2306.03819); "means" projects out the directions in which the languages' means
            differ (LSAR, arXiv 2401.05792); "translations", the best where there are some, keeps
            what translations have in common (after Ioffe 2006). All are in
            `hbtlib.encoders.erasure`.
        role: as what the texts are embedded: "query", "passage" or "both".
        directions: for "means": how many directions, at most one less than languages; None takes
            these.
        ridge: for "translations": how much is left alone; above 0, in mean variances of a
            dimension. Less takes out more of the language and, below the default, something of
            the meaning.
        centre: the share of the mean of all vectors that is taken out besides, from 0 to 1.
        progress: whether to show a progress bar.

    Returns:
        The encoder with the map: an `Encoder` if it was one (the transformer is shared with the
        one given, not copied), else a `MappedEncoder`.

    Raises:
        ValueError: for what is no encoder, fewer than two languages, too few texts, texts that are
            not parallel where they must be, an unknown method or role, or a number out of bounds.

    Warns:
        UserWarning: where the texts of a language do not seem to be translations of the others'.

    Example:
        >>> import hbtlib as hbt
        >>> pairs = hbt.load_pairs("worldfacts", languages=["de", "en"])
        >>> texts = {code: pairs.texts(range(50), code, "passage") for code in pairs.languages}
        >>> neutral = hbt.neutralise(hbt.Encoder.load("small", device="cpu"), texts)
        >>> [type(layer).__name__ for layer in neutral.layers]
        ['Dense']
    """
    check_encoder(encoder)
    check_choice("method", method, METHODS)
    check_choice("role", role, ROLES)
    check_number("ridge", ridge, above=0)
    check_number("centre", centre, minimum=0, maximum=1)
    checked = check_map_texts(texts, method)
    if directions is not None:
        check_integer("directions", directions, minimum=1, maximum=len(checked) - 1)
    raw = without_scaling(encoder) if isinstance(encoder, Encoder) else encoder
    vectors = _embed(raw, checked, ROLES[role], progress)
    if method == "translations":
        _warn_unless_parallel(vectors)
    fitted = erasure.fit(vectors, method, directions=directions, ridge=ridge, centre=centre)
    return with_map(encoder, fitted)


def with_map(encoder: EncoderProtocol, fitted: AffineMap) -> EncoderProtocol:
    """Puts an affine map behind an encoder.

    Args:
        encoder: an `hbt.Encoder`; or any object that meets `hbt.EncoderProtocol`.
        fitted: the map. Of an `Encoder` it is applied before vectors are scaled to unit length.

    Returns:
        An `Encoder` with one more dense layer if it was one, else a `MappedEncoder`.
    """
    if isinstance(encoder, Encoder):
        return _with_layer(encoder, fitted)
    return MappedEncoder(encoder, fitted)


def check_map_texts(texts: object, method: str) -> dict[str, list[str]]:
    """The texts of each language, after a check that there are enough."""
    if not isinstance(texts, Mapping) or len(texts) < 2:
        raise ValueError(
            f"texts is {short(texts)}; give a dictionary from language to a list of its texts, for "
            "two languages at least"
        )
    checked = {}
    for language, given in texts.items():
        if not isinstance(language, str) or not language:
            raise ValueError(
                f"texts has the key {short(language)}, where a language's code belongs"
            )
        try:
            checked[language] = check_texts(given)
        except ValueError as error:
            raise ValueError(f"texts of {language}: {error}") from None
        if len(checked[language]) < FEWEST:
            raise ValueError(
                f"texts of {language}: {len(checked[language])} texts, but a language needs "
                f"{FEWEST} at least, better some hundreds"
            )
    numbers = {language: len(found) for language, found in checked.items()}
    if method == "translations" and len(set(numbers.values())) > 1:
        raise ValueError(
            f"texts has {', '.join(f'{n} of {code}' for code, n in numbers.items())}; the method "
            "'translations' needs the same texts in every language, in the same order (the other "
            "methods do not)"
        )
    return checked


def without_scaling(encoder: Encoder) -> Encoder:
    """The encoder whose vectors are not scaled to unit length: the layer stands before that."""
    settings = encoder.settings._replace(normalize=False)
    return Encoder(encoder.model, encoder.tokenizer, settings, tuple(encoder.layers))


def _embed(
    encoder: EncoderProtocol, texts: dict[str, list[str]], roles: Sequence[str], progress: bool
) -> dict[str, NDArray[np.float64]]:
    """The vectors of each language; those of both roles follow each other."""
    together = [text for found in texts.values() for text in found]
    embedded = [
        encoder.embed(together, role, precision="fp32", progress=progress) for role in roles
    ]
    ends = np.cumsum([len(found) for found in texts.values()])
    parts = [np.split(np.asarray(vectors, np.float64), ends[:-1]) for vectors in embedded]
    return {language: np.concatenate(found) for language, *found in zip(texts, *parts, strict=True)}


def _warn_unless_parallel(vectors: dict[str, NDArray[np.float64]]) -> None:
    """Warns of languages whose text i is no nearer to text i of the others than by chance."""
    shifted = {language: found - found.mean(0) for language, found in vectors.items()}
    total = np.sum(list(shifted.values()), axis=0)
    strangers = []
    for language, found in shifted.items():
        products = np.einsum("nd,nd->n", found, total - found)  # 0 on average by chance
        error = products.std() / np.sqrt(len(products))
        if products.mean() < _STANDARD_ERRORS * error:
            strangers.append(language)
    if strangers:
        warnings.warn(
            f"texts of {', '.join(strangers)}: text i is hardly nearer to text i of the other "
            "languages than to any other text. If they are not translations, in the same order, "
            "use the method 'leace'; if they are, the encoder does not know the language",
            stacklevel=3,
        )


def _with_layer(encoder: Encoder, fitted: AffineMap) -> Encoder:
    """The encoder with the map as its last dense layer."""
    from sentence_transformers.sentence_transformer.modules import Dense

    # A map may come as the transpose of an array, which a checkpoint of the trainer refuses.
    matrix = torch.from_numpy(fitted.matrix).float().contiguous()
    layer = Dense(
        encoder.dimension,
        len(fitted.offset),
        activation_function=torch.nn.Identity(),
        init_weight=matrix,
        init_bias=torch.from_numpy(fitted.offset).float(),
    )
    layers = (*encoder.layers, layer.to(encoder.device))
    return Encoder(encoder.model, encoder.tokenizer, encoder.settings, layers).eval()
