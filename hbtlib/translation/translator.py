"""Translation models: any of transformers' that goes from a sequence to a sequence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch

from hbtlib.checks import check_choice, check_integer, short
from hbtlib.encoders.weights import quiet
from hbtlib.files import file_checksum
from hbtlib.translation.codes import find_code
from hbtlib.translation.failures import CUT_OFF, TOO_LONG

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
RANDOM = "random"
"""The name of a tiny model with random weights that knows no language, to try things with."""

_TOKEN = re.compile(r"__([a-z]{2,8})__|([a-z]{3}_[A-Z][a-z]{3})|([a-z]{2,3}_[A-Z]{2})")
_WITHOUT_BLANKS = ("zh", "yue", "ja", "th", "lo", "km", "my")
"""Languages that write their sentences without blanks between them."""


class Translation(NamedTuple):
    """What a model made of a text.

    Attributes:
        text: the translation.
        failed: "", or why the model could not translate it: "too long" or "cut off".
    """

    text: str
    failed: str = ""


@runtime_checkable
class TranslatorProtocol(Protocol):
    """What a translation model of another kind must offer to be given to `hbt.translate`."""

    about: Mapping[str, Any]
    """All that its translations depend on, such as its name and settings; goes into JSON."""

    def why_not(self, source: str, target: str) -> str | None:
        """Says in a sentence why it does not translate from one language to another, or None."""
        ...

    def code(self, language: str) -> str:
        """Returns its own name of a language that it translates into."""
        ...

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[Translation]:
        """Translates texts from one language into another."""
        ...


class Translator:
    """A translation model: NLLB, M2M-100, mBART-50, Marian, or another with codes of languages.

    Each text is split into sentences, which are translated by themselves and put together again:
    these models are trained on sentences, and of a paragraph leave out some. The same text gives
    the same translation: nothing is drawn at random.

    Attributes:
        model: the model.
        tokenizer: its tokenizer, whose codes say which languages it knows.
        about: all that its translations depend on: name, revision or checksums, and settings.

    Example:
        >>> from hbtlib.translation.translator import Translator
        >>> tiny = Translator.load("random")  # its weights are random: it knows no language
        >>> tiny.code("de"), tiny.why_not("en", "de")
        ('deu_Latn', None)
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        name: str = "given",
        identity: Mapping[str, Any] | None = None,
        precision: str = "fp32",
        device: str | None = None,
        beams: int = 1,
        max_tokens: int = 256,
        batch_tokens: int = 4096,
    ) -> None:
        """Takes a model and its tokenizer; `load` explains the settings."""
        check_choice("precision", precision, PRECISIONS)
        check_integer("beams", beams, minimum=1)
        check_integer("max_tokens", max_tokens, minimum=1)
        check_integer("batch_tokens", batch_tokens, minimum=1)
        place = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.eval().to(place, PRECISIONS[precision])
        self.tokenizer = tokenizer
        self.name = name
        self._codes = language_codes(tokenizer, name)
        self._generation = {"do_sample": False, "num_beams": beams}
        self._max_tokens, self._batch_tokens = max_tokens, batch_tokens
        kept = {
            option: value
            for option, value in model.generation_config.to_diff_dict().items()
            if option != "transformers_version" and not option.startswith("_")
        }
        self.about: Mapping[str, Any] = {
            "model": name,
            **(identity or {}),
            "precision": precision,
            "generation": {**kept, **self._generation, "max_tokens": max_tokens},
            "batch_tokens": batch_tokens,
            "sentences": "split by sentencex",
        }

    @classmethod
    def load(
        cls,
        name: str | Path,
        *,
        revision: str | None = None,
        precision: str = "fp32",
        device: str | None = None,
        beams: int = 1,
        max_tokens: int = 256,
        batch_tokens: int = 4096,
    ) -> Translator:
        """Loads a translation model.

        Args:
            name: a folder, or a name on the hub: facebook/nllb-200-distilled-600M,
                facebook/m2m100_418M, facebook/mbart-large-50-many-to-many-mmt,
                Helsinki-NLP/opus-mt-en-de; "random" for a tiny one that knows no language.
            revision: which version on the hub; a commit says it for good.
            precision: fp32, bf16 or fp16.
            device: where it computes; None: a GPU if there is one.
            beams: how many translations of a sentence are kept in the search; 1 takes the likeliest
                token each time.
            max_tokens: the most tokens that the translation of a sentence may have.
            batch_tokens: about how many tokens are translated at a time, padding among them.

        Returns:
            The model.

        Raises:
            OSError: there is no such model, or a file of it is missing.
            ValueError: it does not say which languages it translates, or a setting is wrong.
        """
        settings = {"precision": precision, "device": device, "beams": beams}
        settings |= {"max_tokens": max_tokens, "batch_tokens": batch_tokens}
        if name == RANDOM:
            from hbtlib.translation.random_model import random_model

            return cls(*random_model(), name=RANDOM, **settings)  # type: ignore[arg-type]
        model, tokenizer = _read(name, revision)
        identity = _identity(name, model, revision)
        return cls(model, tokenizer, name=str(name), identity=identity, **settings)  # type: ignore[arg-type]

    def why_not(self, source: str, target: str) -> str | None:
        """Says in a sentence why it does not translate from one language to another, or None."""
        for language, codes in ((source, self._codes.sources), (target, self._codes.targets)):
            if codes is not None and find_code(language, codes) is None:
                how = "from" if language == source else "into"
                return (
                    f"the model {self.name!r} does not translate {how} {language!r}; it knows "
                    f"{' '.join(codes)}"
                )
        return None

    def code(self, language: str) -> str:
        """Returns the model's own name of a language that it translates into."""
        return find_code(language, self._codes.targets) or language

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[Translation]:
        """Translates texts, each sentence once.

        Args:
            texts: the texts.
            source: their language.
            target: the language to translate into.

        Returns:
            One translation for each text. Where a sentence of it fails, the text fails.

        Raises:
            ValueError: the model does not translate from the one language into the other.
        """
        problem = self.why_not(source, target)
        if problem:
            raise ValueError(problem)
        split = [split_sentences(text, source) for text in texts]
        distinct = list(dict.fromkeys(sentence for parts in split for sentence in parts))
        made = dict(zip(distinct, self._translate(distinct, source, target), strict=True))
        blank = "" if target.split("_")[0] in _WITHOUT_BLANKS else " "
        return [_joined([made[sentence] for sentence in parts], blank) for parts in split]

    def _translate(self, sentences: list[str], source: str, target: str) -> list[Translation]:
        """Translates sentences, those of a length together."""
        rows = self._tokens(sentences, source, target)
        longest = self._longest_source()
        made = [Translation("", TOO_LONG)] * len(sentences)
        fitting = [number for number, row in enumerate(rows) if len(row) <= longest]
        fitting.sort(key=lambda number: len(rows[number]), reverse=True)
        for batch in batches(fitting, [len(row) for row in rows], self._batch_tokens):
            found = self._generate([rows[number] for number in batch], target)
            for number, translation in zip(batch, found, strict=True):
                made[number] = translation
        return made

    def _tokens(self, sentences: list[str], source: str, target: str) -> list[list[int]]:
        """The tokens of each sentence, with what tells the model the languages."""
        if self._codes.told_by == "text":
            code = find_code(target, self._codes.targets)
            sentences = [f">>{code}<< {sentence}" for sentence in sentences]
        elif self._codes.told_by == "token":
            self.tokenizer.src_lang = find_code(source, self._codes.targets)
        with quiet():  # it warns of texts that are too long, which are counted
            return self.tokenizer(sentences)["input_ids"] if sentences else []

    def _longest_source(self) -> int:
        """The most tokens that the model reads."""
        positions = getattr(self.model.config, "max_position_embeddings", None)
        return min(self.tokenizer.model_max_length, positions or self.tokenizer.model_max_length)

    @torch.inference_mode()
    def _generate(self, rows: list[list[int]], target: str) -> list[Translation]:
        """Translates sentences in one batch."""
        padded = self.tokenizer.pad({"input_ids": rows}, return_tensors="pt")
        options: dict[str, Any] = dict(self._generation)
        # Of a sentence that never ends, at most so many tokens are made.
        longest = max(map(len, rows))
        options["max_new_tokens"] = min(self._max_tokens, 3 * longest + 32)
        if self._codes.told_by == "token":
            code = find_code(target, self._codes.targets)
            options["forced_bos_token_id"] = self.tokenizer.convert_tokens_to_ids(
                self._codes.tokens[str(code)]
            )
        with quiet():
            made = self.model.generate(**padded.to(self.model.device), **options)
        # These models' decoders begin with a token (for some the mark of the end) that is no part
        # of the translation; where the language is told by a token, it comes next.
        made = made[:, 2 if self._codes.told_by == "token" else 1 :]
        texts = self.tokenizer.batch_decode(made, skip_special_tokens=True)
        ended = (made == self.tokenizer.eos_token_id).any(1).tolist()
        pairs = zip(texts, ended, strict=True)
        return [Translation(text.strip(), "" if ends else CUT_OFF) for text, ends in pairs]


class Codes(NamedTuple):
    """Which languages a model knows, and how it is told which one to translate into.

    Attributes:
        sources: its codes of languages it translates from; None: it does not say.
        targets: its codes of languages it translates into.
        told_by: "token": the first token of the translation; "text": a mark before the text;
            "model": it has one language to translate into.
        tokens: the token of each code, where it is told by a token.
    """

    sources: tuple[str, ...] | None
    targets: tuple[str, ...]
    told_by: str
    tokens: Mapping[str, str] = {}


def language_codes(tokenizer: Any, name: str) -> Codes:
    """Reads from a tokenizer which languages a model knows.

    Args:
        tokenizer: the tokenizer.
        name: what the model is called, for the message.

    Raises:
        ValueError: the tokenizer has no codes of languages.
    """
    # M2M-100's tokenizer has them apart, and does not always count them as special.
    tokens: dict[str, str] = dict(getattr(tokenizer, "lang_code_to_token", {}))
    for token in map(str, tokenizer.all_special_tokens):
        found = _TOKEN.fullmatch(token)
        if found:
            tokens[str(found[1] or token)] = token
    if tokens and hasattr(tokenizer, "src_lang"):
        return Codes(tuple(tokens), tuple(tokens), "token", tokens)
    one, other = (getattr(tokenizer, f"{end}_lang", None) for end in ("source", "target"))
    sources = (one,) if isinstance(one, str) and find_code(one, [one]) and len(one) < 4 else None
    marks = getattr(tokenizer, "supported_language_codes", None)
    if marks:
        return Codes(None, tuple(mark.strip("<>") for mark in marks), "text")
    if isinstance(other, str):
        return Codes(sources, (other,), "model")
    raise ValueError(
        f"the model {name!r} does not say which languages it translates, as its tokenizer has no "
        "codes of languages; give one of the kind of NLLB, M2M-100, mBART-50 or Marian"
    )


def split_sentences(text: str, language: str) -> list[str]:
    """Splits a text into its sentences, by `sentencex`.

    Args:
        text: the text.
        language: its language.
    """
    import sentencex

    found = [part.strip() for part in sentencex.segment(language.split("_")[0], text)]
    return [part for part in found if part] or [text]


def batches(numbers: Sequence[int], lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Puts texts into batches of at most so many tokens, padding among them.

    Args:
        numbers: which texts, the longest first.
        lengths: the number of tokens of every text.
        tokens: the most tokens of a batch; a longer text is a batch by itself.

    Yields:
        The numbers of the texts of a batch.

    Example:
        >>> from hbtlib.translation.translator import batches
        >>> list(batches([2, 0, 1], [4, 3, 9], 10))
        [[2], [0, 1]]
    """
    batch: list[int] = []
    for number in numbers:
        if batch and lengths[batch[0]] * (len(batch) + 1) > tokens:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def _joined(parts: Sequence[Translation], blank: str) -> Translation:
    """The translation of a text from those of its sentences."""
    for part in parts:
        if part.failed:
            return Translation(blank.join(part.text for part in parts), part.failed)
        if not part.text:  # a sentence would be missing
            return Translation("")
    return Translation(blank.join(part.text for part in parts))


def _read(name: str | Path, revision: str | None) -> tuple[Any, Any]:
    """Reads a model and its tokenizer from a folder or from the hub."""
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    if not isinstance(name, str | Path) or not str(name):
        raise ValueError(
            f"the model is {short(name)}; give a folder, a name on the hub, or hbt.Translator"
        )
    path = Path(name).expanduser()
    is_path = isinstance(name, Path) or str(name).startswith((".", "/", "~"))
    if is_path and not path.is_dir():
        raise FileNotFoundError(f"{name} is not there; give the folder of a translation model")
    place = str(path) if path.is_dir() else str(name)
    try:
        with quiet():
            model, info = AutoModelForSeq2SeqLM.from_pretrained(
                place, revision=revision, output_loading_info=True
            )
            tokenizer = AutoTokenizer.from_pretrained(place, revision=revision)
    except (OSError, ValueError, ImportError) as error:
        raise OSError(
            f"no translation model could be read from {place}: {str(error).strip().splitlines()[0]}"
        ) from None
    if info["missing_keys"]:
        raise ValueError(
            f"{place} lacks the weights {sorted(info['missing_keys'])[0]} and the model would make "
            "them up; get the model again"
        )
    return model, tokenizer


def _identity(name: str | Path, model: Any, revision: str | None) -> dict[str, Any]:
    """What a model is: its commit on the hub, or the checksums of its files."""
    folder = Path(name).expanduser()
    if not folder.is_dir():
        return {"revision": getattr(model.config, "_commit_hash", None) or revision}
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return {"files": {path.name: file_checksum(path) for path in files}}
