"""The texts that a language-neutral map is fitted on, by the names of data sets or folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.catalog import load_pairs
from hbtlib.data.formats.checks import DataError
from hbtlib.data.overlap import check_disjoint
from hbtlib.data.pairs import Pairs

Texts = dict[str, list[str]]


def read_texts(
    names: str,
    count: int,
    *,
    languages: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Texts:
    """Reads texts by language, the same number in each.

    Of several sources the texts of the languages that all of them have follow each other. Text i of
    every language is a translation of one text, if the sources are parallel.

    Args:
        names: one or several sources, separated by blanks: training pairs of `hbt.catalog()`, whose
            passages are taken, and their queries if these are in the same languages; or a folder
            with a file CODE.txt for each language, a text a line.
        count: how many ids or lines to take of each source, the first ones.
        languages: the languages to keep; None: all that every source has.
        options: more for the loaders of pairs.

    Returns:
        Language → its texts.

    Raises:
        DataError: for a folder without such files, files of different lengths, and sources that
            have fewer than two languages in common.
        ValueError: for an unknown name, or a language that a source lacks.
    """
    sources = {name: _read(name, count, dict(options or {})) for name in names.split()}
    if not sources:
        raise ValueError("texts names no source; give the name of training pairs, or a folder")
    shared = sorted(set.intersection(*(set(found) for found in sources.values())))
    if languages is not None:
        lacking = sorted(set(languages) - set(shared))
        if lacking:
            raise ValueError(
                f"the texts of {names} have no {', '.join(lacking)}; they have {' '.join(shared)}"
            )
        shared = sorted(languages)
    if len(shared) < 2:
        raise DataError(
            f"the texts of {names} have {len(shared)} language(s) in common; a map needs two at "
            "least: give sources with the same languages"
        )
    return {code: [text for found in sources.values() for text in found[code]] for code in shared}


def _read(name: str, count: int, options: dict[str, Any]) -> Texts:
    """The texts of one source."""
    if Path(name).is_dir():
        return _read_folder(Path(name), count)
    pairs = load_pairs(name, **options)
    languages = pairs.passage_languages
    # Questions are embedded, too; where they are in the same languages, the map sees both.
    roles = ("passage", "query") if pairs.query_languages == languages else ("passage",)
    everywhere = np.ones(len(pairs), bool)
    for code in languages:
        for role in roles:
            everywhere &= pairs.stands(np.arange(len(pairs)), code, role)
    ids = np.flatnonzero(everywhere)[:count]
    if not len(ids):
        raise DataError(
            f"{name} has no id that stands in all of {' '.join(languages)}; name fewer languages "
            "in its options"
        )
    by_role = [{code: pairs.texts(ids, code, role) for code in languages} for role in roles]
    if by_role[-1] == by_role[0]:  # sentences that are question and passage at once
        del by_role[1:]
    return {code: [text for found in by_role for text in found[code]] for code in languages}


def _read_folder(folder: Path, count: int) -> Texts:
    """The lines of a folder's files."""
    files = sorted(folder.glob("*.txt"))
    if not files:
        raise DataError(
            f"{folder} has no file CODE.txt with the texts of a language, one a line (de.txt, …)"
        )
    found = {}
    for file in files:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()[:count]
        except UnicodeDecodeError as error:
            raise DataError(f"{file} is not UTF-8 ({error.reason}): save it as UTF-8") from None
        empty = next((i for i, line in enumerate(lines, 1) if not line.strip()), None)
        if empty is not None:
            raise DataError(f"{file}, line {empty} is empty; give every line a text")
        found[file.stem] = lines
    numbers = {code: len(lines) for code, lines in found.items()}
    if len(set(numbers.values())) > 1:
        raise DataError(
            f"{folder} has {', '.join(f'{n} lines of {code}' for code, n in numbers.items())}; "
            "give every language as many"
        )
    return found


def check_not_evaluated(texts: Texts, benchmark: Benchmark) -> None:
    """Refuses texts that stand in the benchmark: the map would have seen what it is tried on.

    Args:
        texts: language → texts.
        benchmark: what is evaluated on.

    Raises:
        ValueError: naming what stands in both.
    """
    forms = [{code: text} for code, found in texts.items() for text in found]
    check_disjoint(Pairs.from_texts("the map's texts", forms, forms), benchmark)


def leave_out_texts(pairs: Pairs, texts: Texts) -> Pairs:
    """The pairs none of whose passages is among the texts that a map was fitted on.

    Args:
        pairs: pairs to choose on.
        texts: language → texts.

    Raises:
        ValueError: if nothing is left.
    """
    known = {text for found in texts.values() for text in found}
    seen = {
        id_
        for number, text in pairs.each_text("passage")
        if text in known
        for id_ in pairs.ids_with_text("passage", number)
    }
    left = [id_ for id_ in range(len(pairs)) if id_ not in seen]
    if not left:
        raise ValueError(
            f"every pair of {pairs.name} has a text that the map is fitted on; take fewer texts, "
            "or other pairs"
        )
    return pairs.select(left)
