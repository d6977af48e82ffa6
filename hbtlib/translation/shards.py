"""What was translated, in shards on disk: each is whole or absent, and several processes make them.

A shard is a table of some texts and what the model made of them, before anything is dropped. It
lies in a folder that is named by all that changes a translation, under a name made of its texts and
its two languages. So nothing stale is read, and a text that is asked for again is at hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd
from xxhash import xxh3_128_hexdigest

from hbtlib.files import DamagedFile, make_once, read_table, write_json, write_table
from hbtlib.translation.translator import Translation, TranslatorProtocol

_PACKAGES = ("transformers", "torch", "tokenizers", "sentencepiece", "sentencex")


def home_of(folder: Path, translator: TranslatorProtocol) -> Path:
    """Makes the folder for a model's translations, and writes into it what the model is.

    Args:
        folder: the folder of all translations.
        translator: the model.

    Returns:
        A folder in it, named by a checksum of `translator.about`.
    """
    about = dict(translator.about)
    home = folder / xxh3_128_hexdigest(json.dumps(about, sort_keys=True, default=str).encode())
    home.mkdir(parents=True, exist_ok=True)
    write_json(home / "about.json", about)
    return home


class Shard:
    """Some texts of one language, and the file for their translations into another.

    Args:
        home: the folder, as `home_of` makes it.
        source: the language of the texts.
        target: the language that they are translated into.
        texts: the texts, each once.
    """

    def __init__(self, home: Path, source: str, target: str, texts: Sequence[str]) -> None:
        self.source, self.target, self.texts = source, target, list(texts)
        name = xxh3_128_hexdigest(json.dumps([source, target, self.texts]).encode())
        self.file = home / f"{source}-{target}-{name}.parquet"

    def make(self, translator: TranslatorProtocol, patience: float = -1) -> bool:
        """Translates the texts, unless that is done or another process is doing it.

        Args:
            translator: the model.
            patience: how many seconds to wait for another process; −1: as long as it takes.

        Returns:
            Whether the shard was absent and is there now, whoever made it.
        """
        return make_once(
            self.file,
            self._fault,
            lambda: self._write(translator),
            patience=patience,
            again="it is translated again",
        )

    def read(self) -> tuple[list[Translation], Mapping[str, str]]:
        """Reads the translations.

        Returns:
            One for each text; and the versions of the packages that made them.

        Raises:
            DamagedFile: the file is not what was written, or holds other texts.
        """
        table = read_table(self.file)
        if list(table.columns) != ["text", "translation", "failed", "versions"]:
            raise DamagedFile(f"{self.file} is damaged (it has other columns)")
        if table["text"].tolist() != self.texts:
            raise DamagedFile(f"{self.file} holds the translations of other texts")
        made = zip(table["translation"], table["failed"], strict=True)
        packages = json.loads(table["versions"].iloc[0])
        return [Translation(text, failed) for text, failed in made], packages

    def _fault(self) -> str | None:
        """Why the shard cannot be used: "" if it is absent, None if it can be used."""
        try:
            self.read()
        except FileNotFoundError:
            return ""
        except DamagedFile as error:
            return str(error)
        return None

    def _write(self, translator: TranslatorProtocol) -> None:
        made = translator.translate(self.texts, self.source, self.target)
        if len(made) != len(self.texts):
            raise ValueError(
                f"the model gave {len(made)} translations of {len(self.texts)} texts; its "
                "translate(texts, source, target) must return one for each text"
            )
        table = pd.DataFrame(
            {
                "text": self.texts,
                "translation": [_writable(one.text) for one in made],
                "failed": [one.failed for one in made],
                "versions": json.dumps(versions()),
            },
            dtype="str",
        )
        write_table(table, self.file)


def _writable(text: str) -> str:
    """The text without halves of characters, which a model of bytes can make."""
    return text.encode("utf-8", "ignore").decode("utf-8")


def versions() -> dict[str, str]:
    """Returns the versions of the packages that translate, of those that are installed."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
