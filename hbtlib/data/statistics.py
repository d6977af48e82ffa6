"""What a dataset consists of: texts by language, their lengths and scripts, and what is parallel.

All functions take a benchmark or training pairs, and return tables with a row a language, or a row
two languages. The queries and passages of pairs are their texts; an id is one text of each role in
each of its languages.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

import numpy as np
import pandas as pd

from hbtlib.checks import check_integer, short
from hbtlib.data.benchmark import Benchmark
from hbtlib.data.overlap import overlap
from hbtlib.data.pairs import ROLES, Pairs

Measure = Callable[[list[str]], list[int]]
"""A function from texts to the length of each: in characters, words, or a tokenizer's tokens."""

_SCRIPTS = {
    "CJK": "Han",
    "IDEOGRAPHIC": "Han",
    "FULLWIDTH": "Latin",
    "HALFWIDTH": "Katakana",
    "FEMININE": "Latin",  # the ordinals ª and º
    "MASCULINE": "Latin",
    "MICRO": "Greek",
    "MODIFIER": "",  # letters of no script, such as ʼ
}


def characters(texts: list[str]) -> list[int]:
    """Counts the characters of each text (Unicode code points)."""
    return [len(text) for text in texts]


def words(texts: list[str]) -> list[int]:
    """Counts the words of each text, as blanks divide them; Thai or Chinese have few blanks."""
    return [len(text.split()) for text in texts]


def counts(data: Benchmark | Pairs) -> pd.DataFrame:
    """Counts the texts of each language.

    Args:
        data: a benchmark or training pairs.

    Returns:
        language, queries, passages; a row a language, sorted.

    Raises:
        ValueError: if the data are neither.

    Example:
        >>> import hbtlib as hbt
        >>> from hbtlib.data.statistics import counts
        >>> pairs = hbt.Pairs.from_texts("mine", [{"en": "Why?", "de": "Wieso?"}], [{"en": "So."}])
        >>> counts(pairs).values.tolist()
        [['de', 1, 0], ['en', 1, 1]]
    """
    _check(data)
    if isinstance(data, Benchmark):
        found = {
            "queries": data.queries["language"].value_counts(),
            "passages": data.passages["language"].value_counts(),
        }
    else:
        every = np.arange(len(data))
        found = {
            name: pd.Series({code: int(data.stands(every, code, role).sum()) for code in codes})
            for name, role, codes in (
                ("queries", ROLES[0], data.query_languages),
                ("passages", ROLES[1], data.passage_languages),
            )
        }
    table = pd.DataFrame(found).fillna(0).astype(int).sort_index()
    return table.rename_axis("language").reset_index()


def sample_texts(data: Benchmark | Pairs, most: int = 200) -> pd.DataFrame:
    """Takes some texts of each language and role, evenly spaced, the same ones each time.

    Args:
        data: a benchmark or training pairs.
        most: how many texts of a language and role, at most.

    Returns:
        language, role (query or passage), text.

    Raises:
        ValueError: if the data are neither, and for less than one text.
    """
    _check(data)
    check_integer("most", most, minimum=1)
    parts = []
    for role in ROLES:
        for language, texts in _texts(data, role, most):
            parts.append(pd.DataFrame({"language": language, "role": role, "text": texts}))
    return pd.concat(parts, ignore_index=True)


def _texts(data: Benchmark | Pairs, role: str, most: int) -> Iterator[tuple[str, list[str]]]:
    """The texts of a role that are taken, by language."""
    if isinstance(data, Benchmark):
        table = data.queries if role == "query" else data.passages
        for language, rows in table.groupby("language").indices.items():
            yield str(language), table["text"].iloc[_spaced(np.asarray(rows), most)].tolist()
        return
    asks = role == "query"
    for language in data.query_languages if asks else data.passage_languages:
        exists = data.stands(np.arange(len(data)), language, ROLES[0] if asks else ROLES[1])
        ids = _spaced(np.flatnonzero(exists), most)
        yield language, data.texts(ids, language, ROLES[0] if asks else ROLES[1])


def _spaced(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the rows, evenly spaced from the first to the last."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]


def lengths(texts: pd.DataFrame, measures: Mapping[str, Measure]) -> pd.DataFrame:
    """Measures how long the texts of each language and role are.

    Args:
        texts: language, role, text, such as `sample_texts`'.
        measures: name → a function from texts to their lengths (`characters`, `words`, or a
            tokenizer's).

    Returns:
        measure, language, role, texts (how many), median, and p95, the length that one text in
        twenty is longer than.
    """
    rows = []
    for name, measure in measures.items():
        for (language, role), part in texts.groupby(["language", "role"], sort=True):
            found = measure(part["text"].tolist())
            median, long = np.quantile(found, [0.5, 0.95])
            rows.append((name, language, role, len(found), float(median), float(long)))
    columns = ["measure", "language", "role", "texts", "median", "p95"]
    return pd.DataFrame(rows, columns=columns)


def scripts(texts: pd.DataFrame) -> pd.DataFrame:
    """Finds which scripts the letters of each language's texts belong to.

    Args:
        texts: language, text.

    Returns:
        language, script (Latin, Cyrillic, Han, Hiragana, …), share of the language's letters; the
        largest share first.
    """
    rows = []
    for language, part in texts.groupby("language", sort=True):
        letters = Counter("".join(part["text"]))
        found: Counter[str] = Counter()
        for character, count in letters.items():
            if script := script_of(character):
                found[script] += count
        total = sum(found.values())
        rows += [(language, script, count / total) for script, count in found.most_common()]
    return pd.DataFrame(rows, columns=["language", "script", "share"])


@lru_cache(maxsize=100_000)
def script_of(character: str) -> str:
    """Names the script of a letter, by the first word of its name in Unicode.

    Args:
        character: one character.

    Returns:
        The script, such as "Latin" or "Han"; "" for what is no letter (digits, marks, blanks).

    Example:
        >>> from hbtlib.data.statistics import script_of
        >>> [script_of(character) for character in "äж中กか1."]
        ['Latin', 'Cyrillic', 'Han', 'Thai', 'Hiragana', '', '']
    """
    if not unicodedata.category(character).startswith("L"):
        return ""
    first = unicodedata.name(character, "").split(" ")[0].split("-")[0]
    return _SCRIPTS.get(first, first.capitalize())


def parallel(data: Benchmark | Pairs) -> pd.DataFrame:
    """Counts the questions that are asked in one language and answered in another.

    Args:
        data: a benchmark or training pairs.

    Returns:
        query_language, passage_language, ids: how many questions (of pairs: ids) have a query in
        the one language and a relevant passage in the other; pairs of languages with none are left
        out.

    Raises:
        ValueError: if the data are neither.
    """
    _check(data)
    if isinstance(data, Pairs):
        every = np.arange(len(data))
        answered = {b: data.stands(every, b, "passage") for b in data.passage_languages}
        rows = [
            (a, b, int((data.stands(every, a, "query") & has_passage).sum()))
            for a in data.query_languages
            for b, has_passage in answered.items()
        ]
    else:
        gold = data.judgements[data.judgements["grade"] > 0]
        gold = gold.merge(data.queries[["query_id", "question_id", "language"]], on="query_id")
        passages = data.passages[["passage_id", "language"]]
        gold = gold.merge(passages, on="passage_id", suffixes=("_of_query", "_of_passage"))
        found = gold.groupby(["language_of_query", "language_of_passage"])["question_id"].nunique()
        rows = [(a, b, count) for a, b, count in found.reset_index().itertuples(index=False)]
    table = pd.DataFrame(rows, columns=["query_language", "passage_language", "ids"])
    return table[table["ids"] > 0].reset_index(drop=True)


def overlaps(
    pairs: Mapping[str, Pairs], benchmarks: Mapping[str, Benchmark], most: int = 500
) -> pd.DataFrame:
    """Finds which training pairs hold what which benchmarks ask (see `hbtlib.data.overlap`).

    Some ids of each set, evenly spaced, are looked at together, so that a benchmark's texts are
    indexed once.

    Args:
        pairs: name → training pairs.
        benchmarks: name → benchmark.
        most: how many ids of each set are looked at.

    Returns:
        pairs, benchmark, ids (looked at), shared (how many of them hold something); one row for
        each two, also for those of one name.

    Raises:
        ValueError: for less than one id.
    """
    check_integer("most", most, minimum=1)
    if not pairs or not benchmarks:
        return pd.DataFrame(columns=["pairs", "benchmark", "ids", "shared"])
    samples = {
        name: part.select(_spaced(np.arange(len(part)), most)) for name, part in pairs.items()
    }
    owner = [name for name, sample in samples.items() for _ in range(len(sample))]
    together = _joined(samples.values())
    rows = []
    for benchmark_name, benchmark in benchmarks.items():
        shared = Counter(owner[row] for row in overlap(together, benchmark))
        for name, sample in samples.items():
            rows.append((name, benchmark_name, len(sample), shared[name]))
    return pd.DataFrame(rows, columns=["pairs", "benchmark", "ids", "shared"])


def _joined(samples: Iterable[Pairs]) -> Pairs:
    """The ids of several pairs as one."""
    ids: list[str] = []
    texts: dict[str, list[dict[str, str]]] = {role: [] for role in ROLES}
    for number, sample in enumerate(samples):
        every = np.arange(len(sample))
        own = sample.dataset["id"] if "id" in sample.dataset.column_names else every
        # An id that is a number is compared with none; so is one that is made here.
        ids += [str(id_) if not str(id_).isdecimal() else f"{number}:{id_}" for id_ in own]
        for role, codes in zip(
            ROLES, (sample.query_languages, sample.passage_languages), strict=True
        ):
            forms: list[dict[str, str]] = [{} for _ in every]
            for code in codes:
                rows = np.flatnonzero(sample.stands(every, code, role))
                for row, text in zip(rows, sample.texts(rows, code, role), strict=True):
                    forms[row][code] = text
            texts[role] += forms
    return Pairs.from_texts("several", texts["query"], texts["passage"], id=ids)


def _check(data: object) -> None:
    """Refuses what is no Benchmark and no Pairs."""
    if not isinstance(data, Benchmark | Pairs):
        raise ValueError(f"the data are {short(data)}; give a Benchmark or Pairs")
