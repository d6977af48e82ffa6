"""The parts of the small encoder: an XLM-R-shaped transformer and a tokenizer.

The transformer comes from a fixed seed and the tokenizer from given texts, so that no machine needs
a download.
"""

from typing import Any

import torch
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

from hbtlib.checks import check_integer, check_number, check_options
from hbtlib.encoders.parts import EncoderParts, Settings
from hbtlib.encoders.small_tokenizer import MAX_LENGTH, worldfacts_tokenizer

OPTIONS = ("seed", "width", "layers", "heads", "dropout", "embedding_std")
"""The options of `small_transformer`."""


def small_transformer(
    vocabulary: int,
    *,
    seed: int = 0,
    width: int = 128,
    layers: int = 1,
    heads: int = 4,
    dropout: float = 0.0,
    embedding_std: float = 0.1,
) -> XLMRobertaModel:
    """Makes a transformer with random weights, the same for the same seed.

    Args:
        vocabulary: the number of tokens.
        seed: the seed of the weights; torch's own random state is left as it is.
        width: the size of a token state.
        layers: the number of layers.
        heads: the number of attention heads.
        dropout: the probability of dropout.
        embedding_std: the standard deviation of the token embeddings. They start larger than those
            of positions and types (0.02), or the small network learns nothing of the words.

    Returns:
        The model, without a pooler.

    Raises:
        ValueError: for a number that is none or out of bounds.
    """
    check_integer("seed", seed, minimum=0)
    check_integer("heads", heads, minimum=1)
    check_integer("layers", layers, minimum=0)
    if check_integer("width", width, minimum=1) % heads:
        raise ValueError(f"width is {width}; it must be a multiple of the {heads} heads")
    check_number("dropout", dropout, minimum=0, below=1)
    check_number("embedding_std", embedding_std, minimum=0)
    config = XLMRobertaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=2 * width,
        max_position_embeddings=MAX_LENGTH + 2,  # XLM-R does not use the first two
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
        embeddings = model.embeddings.word_embeddings.weight
        torch.nn.init.normal_(embeddings.data, std=embedding_std)
        embeddings.data[config.pad_token_id] = 0
    return model


def small_parts(tokenizer: PreTrainedTokenizerFast, **options: Any) -> EncoderParts:
    """The parts of a small encoder with this tokenizer; options are `small_transformer`'s."""
    model = small_transformer(len(tokenizer), **options)
    return EncoderParts(model, tokenizer, Settings(max_length=MAX_LENGTH))


def worldfacts_parts(**options: Any) -> EncoderParts:
    """The parts of the default study's encoder; options are `small_transformer`'s.

    Its tokenizer has read WorldFacts' training split in all twenty languages, as a multilingual
    encoder has read text of languages it is not fine-tuned on. What the words mean, and which are
    translations of each other, it has to learn.
    """
    check_options("Encoder.load('small')", options, OPTIONS)
    return small_parts(worldfacts_tokenizer(), **options)
