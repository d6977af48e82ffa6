"""From pairs to the texts that are translated, and from the translations back to pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hbtlib.data.pairs import ROLES, Pairs
from hbtlib.translation.translator import TranslatorProtocol

KINDS = (*ROLES, "negatives")
"""The beginnings of the columns that are translated."""

COUNTS = ("language", "role", "source", "texts", "used", "dropped")
DROPPED = ("language", "role", "reason", "texts", "example", "translation")


@dataclass(frozen=True)
class Addition:
    """The translations of texts of one language into another.

    Attributes:
        source: the language of the texts.
        target: the language they are translated into.
        texts: the texts, each once.
        translations: what the model made of them.
        reasons: why a translation is dropped, "" where it is used.
    """

    source: str
    target: str
    texts: Sequence[str]
    translations: Sequence[str]
    reasons: Sequence[str]

    @property
    def used(self) -> list[str | None]:
        """The translations that are used, None in place of the others."""
        pairs = zip(self.translations, self.reasons, strict=True)
        return [None if reason else text for text, reason in pairs]

    def of(self, texts: pa.Array) -> pa.Array:
        """The translations that are used of some of the texts, null for others and for nulls."""
        number = pc.index_in(texts, pa.array(self.texts, pa.string()))
        return pa.array(self.used, pa.string()).take(number)


def texts_to_translate(
    pairs: Pairs, languages: Sequence[str], source: str | None, translator: TranslatorProtocol
) -> dict[tuple[str, str], list[str]]:
    """Lists the texts that are to be translated, each once.

    Args:
        pairs: the pairs.
        languages: the languages to translate into.
        source: the language to translate from; None: as in `hbt.translate`.
        translator: the model, which is asked which languages it knows.

    Returns:
        (language, language to translate into) → texts.

    Raises:
        ValueError: the model does not translate into a language from any that the texts are in.
    """
    columns = Columns(pairs)
    found: dict[tuple[str, str], list[pa.Array]] = {}
    for target in languages:
        for kind in KINDS:
            sources = _sources(columns, kind, target, source, translator)
            for language, rows in columns.sources(kind, target, sources):
                texts = columns.texts(kind, language, rows)
                found.setdefault((language, target), []).append(texts)
    return {
        key: pc.unique(pa.concat_arrays(parts)).to_pylist()
        for key, parts in found.items()
        if sum(map(len, parts))
    }


def _sources(
    columns: Columns,
    kind: str,
    target: str,
    source: str | None,
    translator: TranslatorProtocol,
) -> list[str]:
    """The languages that texts of a kind are translated from, the preferred ones first."""
    there = [code for code in columns.languages(kind) if code != target]
    if not there or not columns.lacks(kind, target).any():
        return []
    if source is not None and source not in there:
        raise ValueError(
            f"the pairs {columns.name!r} have no {kind} in {source!r} to translate into "
            f"{target!r}; they have {' '.join(there)}"
        )
    tried = [source] if source is not None else sorted(there, key=lambda code: (code != "en", code))
    problems = {code: translator.why_not(code, target) for code in tried}
    known = [code for code in tried if problems[code] is None]
    if not known:
        raise ValueError(problems[tried[0]])
    return known


class Columns:
    """The texts of pairs as Arrow columns; they stay on disk where they are."""

    def __init__(self, pairs: Pairs) -> None:
        """Takes the pairs."""
        self.name = pairs.name
        self.table: pa.Table = pairs.dataset.with_format("arrow")[:]

    def languages(self, kind: str) -> list[str]:
        """The languages that have texts of this kind: query, passage or negatives."""
        names = self.table.column_names
        codes = [name.removeprefix(f"{kind}_") for name in names if name.startswith(f"{kind}_")]
        return sorted(code for code in codes if code != "key")

    def has(self, kind: str, language: str) -> NDArray[np.bool_]:
        """(n,) whether each id has such a text in a language."""
        if language not in self.languages(kind):
            return np.zeros(len(self.table), bool)
        column = self.table[f"{kind}_{language}"]
        if kind == "negatives":
            return pc.fill_null(pc.greater(pc.list_value_length(column), 0), False).to_numpy()
        return column.is_valid().to_numpy()

    def lacks(self, kind: str, language: str) -> NDArray[np.bool_]:
        """(n,) whether each id has such a text, but not in this language."""
        anywhere = np.zeros(len(self.table), bool)
        for code in self.languages(kind):
            anywhere |= self.has(kind, code)
        return anywhere & ~self.has(kind, language)

    def sources(
        self, kind: str, target: str, languages: Sequence[str]
    ) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """The ids that are translated from each language: the first that they have a text in.

        Yields:
            The language, and (n,) whether each id is translated from it.
        """
        left = self.lacks(kind, target)
        for language in languages:
            rows = left & self.has(kind, language)
            left = left & ~rows
            if rows.any():
                yield language, rows

    def texts(self, kind: str, language: str, rows: NDArray[np.bool_]) -> pa.Array:
        """The different texts of some ids."""
        column = self.table[f"{kind}_{language}"].filter(pa.array(rows))
        flat = pc.list_flatten(column) if kind == "negatives" else column
        return pc.unique(flat).cast(pa.string())

    def translated(
        self, kind: str, language: str, rows: NDArray[np.bool_], addition: Addition
    ) -> pa.Array:
        """(n,) the translations of some ids' texts, null for the others and where one failed."""
        column = pc.if_else(pa.array(rows), self.table[f"{kind}_{language}"].combine_chunks(), None)
        if kind != "negatives":
            return addition.of(column.cast(pa.string()))
        lists = column.to_pylist()
        made = dict(zip(addition.texts, addition.used, strict=True))
        found = [[made[text] for text in texts] if texts else None for texts in lists]
        whole = [texts if texts and None not in texts else None for texts in found]
        return pa.array(whole, pa.list_(pa.string()))


def with_translations(
    pairs: Pairs, languages: Sequence[str], additions: Sequence[Addition], source: str | None
) -> tuple[Pairs, pd.DataFrame, pd.DataFrame]:
    """Puts translations into pairs.

    Args:
        pairs: the pairs.
        languages: the languages that were translated into.
        additions: the translations.
        source: the language that was translated from; None: as in `hbt.translate`.

    Returns:
        The pairs, with keys that also tell which ids share a translation; the table of counts and
        that of what was dropped, as `Translated` has them.
    """
    from datasets import Dataset

    columns = Columns(pairs)
    by_languages = {(one.source, one.target): one for one in additions}
    table = columns.table
    counts: list[tuple] = []
    dropped: list[tuple] = []
    for target in languages:
        new: dict[str, pa.Array] = {}
        for kind in KINDS:
            for language, rows in columns.sources(
                kind, target, _order(columns, kind, target, source, by_languages)
            ):
                addition = by_languages[language, target]
                counted = _Counted(addition, columns.texts(kind, language, rows))
                role = "negative" if kind == "negatives" else kind
                counts.append((target, role, language, *counted.counts()))
                dropped += [(target, role, *row) for row in counted.dropped()]
                made = columns.translated(kind, language, rows, addition)
                new[kind] = made if kind not in new else pc.coalesce(new[kind], made)
        dropped += _without_negatives(columns, target, new)
        table = _with_columns(table, target, new)
    table = _with_keys(table, languages)
    made_pairs = Pairs(f"{pairs.name}, translated", Dataset(table)) if additions else pairs
    return made_pairs, _as_table(counts, COUNTS), _as_table(dropped, DROPPED)


def _order(
    columns: Columns,
    kind: str,
    target: str,
    source: str | None,
    by_languages: Mapping[tuple[str, str], Addition],
) -> list[str]:
    """The languages that texts of a kind were translated from, in the order they were tried."""
    there = [code for code in columns.languages(kind) if (code, target) in by_languages]
    tried = sorted(there, key=lambda code: (code != "en", code))
    return [code for code in tried if source in (None, code)]


class _Counted:
    """What became of some texts of an addition."""

    def __init__(self, addition: Addition, texts: pa.Array) -> None:
        number = pc.index_in(texts, pa.array(addition.texts, pa.string())).to_numpy()
        self.table = pd.DataFrame(
            {
                "reason": np.asarray(addition.reasons, dtype=object)[number],
                "example": np.asarray(addition.texts, dtype=object)[number],
                "translation": np.asarray(addition.translations, dtype=object)[number],
            }
        )

    def counts(self) -> tuple[int, int, int]:
        """How many texts there are, how many translations are used, and how many dropped."""
        used = int((self.table["reason"] == "").sum())
        return len(self.table), used, len(self.table) - used

    def dropped(self) -> Iterator[tuple[str, int, str, str]]:
        """Each reason with the number of texts, a text and its translation."""
        failed = self.table[self.table["reason"] != ""]
        for reason, part in failed.groupby("reason"):
            yield str(reason), len(part), part["example"].iloc[0], part["translation"].iloc[0]


def _without_negatives(columns: Columns, target: str, new: dict[str, pa.Array]) -> list[tuple]:
    """Drops the new passages whose negatives failed; changes `new`, returns rows of `DROPPED`."""
    if not columns.languages("negatives") or "passage" not in new:
        return []
    good = columns.has("negatives", target)
    if "negatives" in new:
        good = good | new["negatives"].is_valid().to_numpy(zero_copy_only=False)
    lost = new["passage"].is_valid().to_numpy(zero_copy_only=False) & ~good
    if not lost.any():
        return []
    example = new["passage"].filter(pa.array(lost))
    new["passage"] = pc.if_else(pa.array(lost), None, new["passage"])
    texts = len(pc.unique(example))
    return [(target, "passage", "negative", texts, "", example[0].as_py())]


def _with_columns(table: pa.Table, target: str, new: Mapping[str, pa.Array]) -> pa.Table:
    """The table with the texts of a language added to those that it has."""
    for kind, column in new.items():
        name = f"{kind}_{target}"
        if name in table.column_names:
            old = table[name].combine_chunks().cast(column.type)
            table = table.set_column(table.column_names.index(name), name, pc.coalesce(old, column))
        elif column.null_count < len(column):  # a language without a text is none of the pairs'
            table = table.append_column(name, column)
    return table


def _with_keys(table: pa.Table, languages: Sequence[str]) -> pa.Table:
    """The table with keys that ids share which share a text in one of the new languages too."""
    for role in ROLES:
        name = f"{role}_key"
        has_keys = name in table.column_names
        groups = [table[name].to_numpy() if has_keys else np.arange(len(table))]
        for language in languages:
            if f"{role}_{language}" in table.column_names:
                texts = table[f"{role}_{language}"].combine_chunks().dictionary_encode()
                groups.append(pc.fill_null(texts.indices, -1).to_numpy(zero_copy_only=False))
        keys = pa.array(shared(groups))
        if has_keys:
            table = table.set_column(table.column_names.index(name), name, keys)
        else:
            table = table.append_column(name, keys)
    return table


def shared(groups: Sequence[NDArray[np.integer]]) -> NDArray[np.int64]:
    """Numbers ids so that those with a group in common get the same number.

    Args:
        groups: several groupings, each (n,): ids with one number belong together, as do those that
            are connected through others; −1 stands for no group.

    Returns:
        (n,) the lowest of the ids that belong together.

    Example:
        >>> import numpy as np
        >>> from hbtlib.translation.tables import shared
        >>> shared([np.array([0, 1, 2, 3]), np.array([7, -1, 7, -1])]).tolist()
        [0, 1, 0, 3]
    """
    n = len(groups[0])
    ids, numbers, nodes = [], [], n
    for group in groups:
        distinct, number = np.unique(group, return_inverse=True)
        belongs = group >= 0
        ids.append(np.flatnonzero(belongs))
        numbers.append(number[belongs] + nodes)
        nodes += len(distinct)
    one, other = np.concatenate(ids), np.concatenate(numbers)
    graph = coo_array((np.ones(len(one), bool), (one, other)), shape=(nodes, nodes))
    _, component = connected_components(graph, directed=False)
    _, first, of_id = np.unique(component[:n], return_index=True, return_inverse=True)
    return first[of_id].astype(np.int64)


def _as_table(rows: Sequence[tuple], columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(columns))
