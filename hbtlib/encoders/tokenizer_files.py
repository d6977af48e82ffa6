"""Loading a tokenizer: its files are all there, and it knows more than its special tokens."""

from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from hbtlib.encoders.modules import LENGTH
from hbtlib.encoders.stored import AGAIN, StoredModel


def load_tokenizer(stored: StoredModel, model: PreTrainedModel) -> PreTrainedTokenizerBase:
    """Loads a model's tokenizer.

    transformers itself makes up a tokenizer of five words for a folder without its files.

    Args:
        stored: the model's files.
        model: the model.

    Returns:
        The tokenizer; it has a padding token.

    Raises:
        FileNotFoundError: its files are missing.
        ValueError: a file is damaged, or the tokenizer does not belong to the model.
    """
    stored.read("tokenizer.json", dict)
    stored.read("tokenizer_config.json", dict)
    if stored.folder is not None and not (stored.folder / "tokenizer_config.json").exists():
        _refuse_without_configuration(stored)
    lacking = "" if stored.find("tokenizer.json") else ", which has no tokenizer.json,"
    with stored.explaining(f"its tokenizer{lacking}"):
        tokenizer = AutoTokenizer.from_pretrained(stored.name, revision=stored.revision)
    _check_vocabulary(stored, tokenizer, model)
    _check_case(stored, tokenizer)
    if tokenizer.pad_token is None:  # decoders often have none
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token is None:
        raise ValueError(
            f"{stored.name}: its tokenizer has neither a padding token nor one for the end of a "
            "text, so texts cannot be put together: add pad_token to tokenizer_config.json"
        )
    return tokenizer


def _refuse_without_configuration(stored: StoredModel) -> None:
    """Refuses a folder that `save_pretrained` wrote, but that lost its tokenizer's configuration.

    Without it, transformers may take another kind of tokenizer, or other special tokens.
    """
    if stored.find("modules.json") is not None:
        raise FileNotFoundError(
            f"{stored.name} lacks tokenizer_config.json, which says its kind of tokenizer: {AGAIN}"
        )


def _check_vocabulary(
    stored: StoredModel, tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel
) -> None:
    """Refuses a tokenizer without files, without words, or with more words than the model."""
    files = dict(getattr(tokenizer, "vocab_files_names", None) or {})
    whole = files.get("tokenizer_file", "tokenizer.json")
    if files and stored.find(whole) is None:
        parts = [files[kind] for kind in ("vocab_file", "merges_file") if kind in files]
        lacking = [file for file in parts or [whole] if stored.find(file) is None]
        if lacking:
            raise FileNotFoundError(
                f"{stored.name} has no tokenizer: it lacks {whole}"
                + (f", and {' and '.join(lacking)} in its place" if parts else "")
                + f": {AGAIN}"
            )
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise ValueError(
            f"{stored.name}: its tokenizer has {len(tokenizer)} special tokens and no words: "
            f"{AGAIN}"
        )
    known = model.get_input_embeddings().num_embeddings
    if tokenizer.vocab_size > known:
        raise ValueError(
            f"{stored.name}: its tokenizer has {tokenizer.vocab_size:,} tokens and the model "
            f"{known:,}, so they do not belong together: {AGAIN}"
        )


def _check_case(stored: StoredModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuses a model that wants lower case where its tokenizer does not make it."""
    if not (stored.read(LENGTH, dict) or {}).get("do_lower_case"):
        return
    example = "Ein Wort"
    if tokenizer.tokenize(example) != tokenizer.tokenize(example.lower()):
        raise ValueError(
            f"{stored.name}/{LENGTH} asks for lower case, which hbtlib leaves to the tokenizer, so "
            "its vectors would be wrong: save it with a tokenizer that makes lower case"
        )
