"""The small encoder's tokenizer: trained on given texts, with XLM-R's special tokens."""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import tokenizers
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

from hbtlib.data.worldfacts import facts as worldfacts
from hbtlib.files import read_json, write_json

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]  # XLM-R's, in its order
MAX_LENGTH = 128
_VOCABULARY = 16_000  # of the tokenizer of WorldFacts


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Trains a byte-pair tokenizer with XLM-R's special tokens and word marks.

    Args:
        texts: what it is trained on; the same texts give the same tokenizer.
        vocabulary: the largest number of tokens.

    Returns:
        The tokenizer.
    """
    return _for_transformers(_train(texts, vocabulary))


def worldfacts_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer of the default study's encoder.

    It has read WorldFacts' training split in all twenty languages. It is trained at first use (some
    seconds) and kept beside WorldFacts' table, by a hash of this file and of the version of
    `tokenizers`. If it cannot be kept, it is trained each time.

    Returns:
        The tokenizer.
    """
    key = hashlib.sha256(tokenizers.__version__.encode() + Path(__file__).read_bytes())
    kept = worldfacts.folder() / f"tokenizer-{key.hexdigest()[:12]}.json"
    tokenizer = _read_kept(kept)
    if tokenizer is None:
        facts = worldfacts.table().query("split == 'train'")
        texts = facts.filter(regex="^(query|passage)_").melt()["value"]
        tokenizer = _train(texts, _VOCABULARY)
        with suppress(OSError):
            _keep(kept, tokenizer)
    return _for_transformers(tokenizer)


def _train(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """Trains the tokenizer itself."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Digits(), pre_tokenizers.Punctuation()]
    )
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=SPECIAL, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def _for_transformers(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    """Gives a tokenizer the form that transformers' models go with."""
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        sep_token="</s>",
        cls_token="<s>",
        pad_token="<pad>",
        mask_token="<mask>",
        padding_side="right",
        model_max_length=MAX_LENGTH,
    )


def _keep(kept: Path, tokenizer: Tokenizer) -> None:
    """Writes a tokenizer with its checksum."""
    content = tokenizer.to_str()
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_json(kept, {"checksum": _checksum(content), "tokenizer": content})


def _read_kept(kept: Path) -> Tokenizer | None:
    """Reads a tokenizer that was kept; None if there is none, or if its file is damaged."""
    try:
        found = read_json(kept)
    except (OSError, ValueError):
        return None
    content = found.get("tokenizer")
    if not isinstance(content, str) or found.get("checksum") != _checksum(content):
        return None
    return Tokenizer.from_str(content)


def _checksum(content: str) -> str:
    # A damaged file may hold halves of characters, which "surrogatepass" hashes too.
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
