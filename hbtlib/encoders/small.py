"""The small encoder: an XLM-R-shaped transformer from a fixed seed, so that no machine needs a download."""

from collections.abc import Iterable
from typing import Any

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

from hbtlib.data.worldfacts import facts as worldfacts
from hbtlib.encoders.encoder import Encoder, Settings

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]  # XLM-R's, in its order


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-pair tokenizer of the texts with XLM-R's special tokens and word marks; the same texts give the same one."""
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
        model_max_length=128,
    )


def small_encoder(
    tokenizer: PreTrainedTokenizerFast,
    *,
    seed: int = 0,
    width: int = 128,
    layers: int = 1,
    heads: int = 4,
    dropout: float = 0.0,
    embedding_std: float = 0.1,
) -> Encoder:
    """An encoder with random weights, the same for the same seed. Token embeddings start larger (`embedding_std`) than
    those of positions and types (0.02), or the small network learns nothing of the words.
    """
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=2 * width,
        max_position_embeddings=130,
        type_vocab_size=1,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = XLMRobertaModel(config, add_pooling_layer=False)
        words = model.embeddings.word_embeddings.weight
        torch.nn.init.normal_(words.data, std=embedding_std)
        words.data[config.pad_token_id] = 0
    return Encoder(model, tokenizer, Settings(max_length=128)).eval()


def worldfacts_encoder(**options: Any) -> Encoder:
    """The default study's encoder: its tokenizer has read WorldFacts' training split in all twenty languages, as a
    multilingual encoder has read text of languages it is not fine-tuned on; what the words mean, and which are translations
    of each other, it has to learn. Options are `small_encoder`'s.
    """
    texts = (
        worldfacts.table()
        .query("split == 'train'")
        .filter(regex="^(query|passage)_")
        .melt()["value"]
    )
    return small_encoder(train_tokenizer(texts, 16_000), **options)
