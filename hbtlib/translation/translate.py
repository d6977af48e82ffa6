"""Adds languages to training pairs by machine translation."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tqdm import tqdm

from hbtlib.checks import check_integer, short
from hbtlib.data.benchmark import Benchmark
from hbtlib.data.given import check_languages
from hbtlib.data.overlap import check_disjoint
from hbtlib.data.pairs import Pairs
from hbtlib.languages import is_language
from hbtlib.translation.codes import scripts
from hbtlib.translation.failures import REASONS, failure
from hbtlib.translation.shards import Shard, home_of
from hbtlib.translation.tables import Addition, texts_to_translate, with_translations
from hbtlib.translation.translator import Translator, TranslatorProtocol


@dataclass(frozen=True)
class Translated:
    """Pairs in more languages, and what became of every text.

    Attributes:
        pairs: the pairs in their own languages and those that were added. A translation that was
            dropped is missing, as a text is that does not exist in a language.
        counts: one row for each language, role and language translated from: language, role,
            source, texts (how many different ones were translated), used, dropped.
        dropped: one row for each language, role and reason: language, role, reason, texts, an
            example (a text), and its translation. `hbtlib.translation.failures.REASONS` explains
            the reasons.
        about: model, revision or checksums, settings, and the versions of the packages that
            translated.
    """

    pairs: Pairs
    counts: pd.DataFrame
    dropped: pd.DataFrame
    about: Mapping[str, Any]

    def __repr__(self) -> str:
        used, dropped = self.counts["used"].sum(), self.counts["dropped"].sum()
        return f"Translated({self.pairs!r}; {used:,} texts translated, {dropped:,} dropped)"


def translate(
    pairs: Pairs,
    languages: Sequence[str],
    model: str | Path | TranslatorProtocol,
    *,
    source: str | None = None,
    folder: str | Path | None = None,
    benchmarks: Benchmark | Sequence[Benchmark] = (),
    shard: int = 1000,
    processes: int = 1,
    progress: bool = True,
    **model_options: Any,
) -> Translated:
    """Adds languages to training pairs by machine translation.

    What already exists in a language stays as it is. Every different text is translated once,
    whichever ids have it. Translations that failed are dropped, and counted with the reason: empty,
    copied, cut off, in the wrong script, far longer or shorter than the text. Hard negatives are
    translated too.

    Nothing is drawn at random: the same call gives the same pairs. What is translated is kept in
    shards in `folder`. The same call after an interruption goes on where it was; so does one with
    more languages or more pairs, as far as the texts of a shard are the same. Several processes or
    machines that make the same call with the same folder share the work.

    Only what is trained on is translated. What is evaluated on is never: its scores would measure
    the translator too.

    Args:
        pairs: the pairs.
        languages: the languages that queries and passages shall have.
        model: a folder or a name on the hub of a model such as NLLB, M2M-100, mBART-50 or Marian;
            or an object as `TranslatorProtocol` describes it, such as `hbt.Translator`.
        source: the language to translate from; None: English for ids that have it, else the first
            of their languages, in the order of the alphabet, that the model knows.
        folder: where the translations are kept; None: nowhere.
        benchmarks: what the pairs will be evaluated on; pairs that hold any of it are refused.
        shard: how many texts a shard has.
        processes: how many processes of this machine translate, each with its own copy of the
            model, on its own GPU where there are several. The model must be given by its name.
        progress: whether to show a bar.
        **model_options: for `Translator.load`, where the model is given by its name: revision,
            precision, device, beams, max_tokens, batch_tokens.

    Returns:
        The pairs with what was added, and the counts.

    Raises:
        ValueError: for a language that is none, or that the model does not know; for what is
            evaluated on; and if not one translation can be used.
        OSError: if there is no such model, or the disk is full.

    Example:
        >>> import hbtlib as hbt
        >>> from hbtlib.translation.translator import Translation
        >>> class Dictionary:  # anything with these four is a model
        ...     about = {"model": "a dictionary"}
        ...
        ...     def why_not(self, source, target):
        ...         return None
        ...
        ...     def code(self, language):
        ...         return language
        ...
        ...     def translate(self, texts, source, target):
        ...         known = {"Who built it?": "Wer hat es gebaut?"}
        ...         return [Translation(known.get(text, text)) for text in texts]
        >>> pairs = hbt.Pairs.from_texts(
        ...     "mine", [{"en": "Who built it?"}], [{"en": "Wren.", "de": "Wren hat es gebaut."}]
        ... )
        >>> made = hbt.translate(pairs, ["de"], Dictionary(), progress=False)
        >>> made.pairs.texts([0, 0], "de", "query")
        ['Wer hat es gebaut?', 'Wer hat es gebaut?']
    """
    wanted = _check(pairs, languages, benchmarks)
    check_integer("shard", shard, minimum=1)
    check_integer("processes", processes, minimum=1)
    translator = _translator(model, model_options, processes)
    asked = texts_to_translate(pairs, wanted, source, translator)
    with tempfile.TemporaryDirectory() as temporary:
        home = home_of(Path(folder or temporary), translator)
        shards = {
            key: [
                Shard(home, *key, texts[start : start + shard])
                for start in range(0, len(texts), shard)
            ]
            for key, texts in asked.items()
        }
        every = [part for parts in shards.values() for part in parts]
        if processes > 1:
            _share(every, str(model), model_options, processes)
        _make(every, translator, progress)
        additions, versions = _read(shards, translator)
    if asked and not any(any(one.used) for one in additions):
        raise ValueError(
            f"not one of the translations of {pairs.name!r} by {_name(translator)} can be used "
            f"({_reasons(additions)}); does the model know these languages?"
        )
    made, counts, dropped = with_translations(pairs, wanted, additions, source)
    about = {**translator.about, "versions": versions}
    return Translated(made, counts, dropped, about)


def _check(pairs: object, languages: object, benchmarks: object) -> tuple[str, ...]:
    """Refuses what is evaluated on, and languages that are none; returns the languages."""
    if isinstance(pairs, Benchmark):
        raise ValueError(
            f"the benchmark {pairs.name!r} is evaluated on, and is not translated: its scores "
            "would measure the translator too; give the Pairs that are trained on"
        )
    if not isinstance(pairs, Pairs):
        raise ValueError(f"pairs is {short(pairs)}; give Pairs, as hbt.load_pairs does")
    if languages is None:
        raise ValueError("languages is None; name those to translate into: ['de', 'sw']")
    wanted = check_languages("translate", languages) or ()
    for code in wanted:
        if not is_language(code):
            raise ValueError(
                f"translate: {code!r} is no language; give its shortest ISO 639 code (de, sw, yue; "
                "zh_Hant for a script)"
            )
    given = [benchmarks] if isinstance(benchmarks, Benchmark) else benchmarks
    if isinstance(given, str | bytes) or not isinstance(given, Sequence):
        raise ValueError(
            f"benchmarks is {short(given)}; give Benchmarks, as hbt.load_benchmark does"
        )
    for benchmark in given:
        check_disjoint(pairs, benchmark)
    return wanted


def _translator(model: object, options: Mapping[str, Any], processes: int) -> TranslatorProtocol:
    """The model, loaded if it is given by its name."""
    if isinstance(model, str | Path):
        known = ["revision", "precision", "device", "beams", "max_tokens", "batch_tokens"]
        for option in options:
            if option not in known:
                raise ValueError(f"translate has no option {option!r}; it has {', '.join(known)}")
        return Translator.load(model, **options)
    if not isinstance(model, TranslatorProtocol):
        raise ValueError(
            f"model is {short(model)}; give a folder, a name on the hub, or an hbt.Translator"
        )
    if options or processes > 1:
        what = next(iter(options), "processes")
        raise ValueError(f"{what} is given with a model that is loaded already; give its name")
    return model


def _make(shards: Sequence[Shard], translator: TranslatorProtocol, progress: bool) -> None:
    """Makes the shards: first those nobody else works on, then the others as they come free."""
    texts = sum(len(part.texts) for part in shards)
    bar = tqdm(total=texts, unit="text", desc="translating", disable=None if progress else True)
    done = set()
    for patience in (0, -1):
        for part in shards:
            part.make(translator, patience)
            if part.file.exists() and part.file not in done:
                done.add(part.file)
                bar.update(len(part.texts))
    bar.close()


def _share(shards: Sequence[Shard], model: str, options: Mapping[str, Any], processes: int) -> None:
    """Has several processes make the shards."""
    gpus = torch.cuda.device_count()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        jobs = []
        for number in range(processes):
            own = dict(options)
            if gpus > 1 and "device" not in own:
                own["device"] = f"cuda:{number % gpus}"
            order = [*shards[number::processes], *shards]  # its own share first
            jobs.append(pool.submit(_work, order, model, own, processes))
        for job in jobs:
            job.result()


def _work(shards: Sequence[Shard], model: str, options: Mapping[str, Any], processes: int) -> None:
    """What each of several processes does."""
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // processes))
    translator = Translator.load(model, **options)
    for part in shards:
        part.make(translator, patience=0)


def _read(
    shards: Mapping[tuple[str, str], Sequence[Shard]], translator: TranslatorProtocol
) -> tuple[list[Addition], dict[str, str]]:
    """Reads all shards, and judges each translation."""
    additions: list[Addition] = []
    versions: dict[str, str] = {}
    for (source, target), parts in shards.items():
        written_in = scripts(target, translator.code(target))
        texts: list[str] = []
        made: list[str] = []
        reasons: list[str] = []
        for part in parts:
            found, packages = part.read()
            for text, one in zip(part.texts, found, strict=True):
                texts.append(text)
                made.append(one.text)
                reasons.append(one.failed or failure(text, one.text, written_in))
            for package, number in packages.items():
                versions[package] = ", ".join(
                    sorted({number, *versions.get(package, number).split(", ")})
                )
        additions.append(Addition(source, target, texts, made, reasons))
    return additions, versions


def _name(translator: TranslatorProtocol) -> str:
    return str(translator.about.get("model", "the model"))


def _reasons(additions: Sequence[Addition]) -> str:
    """How often there was each reason."""
    reasons = pd.Series([reason for one in additions for reason in one.reasons])
    counts = reasons.value_counts()
    return ", ".join(f"{reason}: {counts[reason]:,}" for reason in REASONS if reason in counts)
