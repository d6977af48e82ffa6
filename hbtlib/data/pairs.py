"""Pairs: parallel questions and passages to train on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from hbtlib.checks import check_integer, short
from hbtlib.data.given import check_ids, is_empty, is_unicode
from hbtlib.files import explain_full_disk
from hbtlib.markup import card, cut

if TYPE_CHECKING:
    from datasets import Dataset

    from hbtlib.data.benchmark import Benchmark

Role = str
"""What a text is: "query" or "passage"."""

ROLES = ("query", "passage")

MOST_LANGUAGES = 64  # a mask has a bit for each

_PART = 10_000  # ids whose texts are read at once

Codes = Sequence[str] | NDArray[np.str_] | str
"""A language for each id, or one for all."""

Ids = Sequence[int] | NDArray[np.integer]
"""Row numbers of the pairs, from 0."""

Texts = dict[str, str]
"""Language → text."""


class Pairs:
    """Ids whose query and passage exist in one language or several; texts stay in Arrow on disk.

    An *id* is a row of an Arrow table with the columns `query_LANG` and `passage_LANG`, null where
    the text does not exist in that language. Optional columns:

    - `id`: what the dataset calls the question, so that `check_disjoint` finds it.
    - `negatives_LANG`: lists of hard negatives, the same number for every id.
    - `query_key` and `passage_key`: integers. Ids with one key share that question or passage,
      whatever the language; the loss never takes one for the other's negative.

    Attributes:
        name: what the pairs are called in tables and messages.
        dataset: the table.
        languages: every language of a query or a passage, sorted.
        query_languages: the languages of queries, sorted.
        passage_languages: the languages of passages, sorted.
        query_mask: (n,) integers with one bit a language of `languages`, the lowest first: does the
            id's query exist in it? Bits, so that 40 million ids take megabytes.
        passage_mask: (n,) the same for the id's passage.
        left_out: what of the dataset's files is not in the pairs: reason → how many.

    Example:
        >>> import hbtlib as hbt
        >>> pairs = hbt.Pairs.from_texts(
        ...     "mine",
        ...     queries=[{"en": "Who built it?", "de": "Wer hat es gebaut?"}],
        ...     passages=[{"en": "Wren built it."}],
        ... )
        >>> pairs.texts([0], "de", "query")
        ['Wer hat es gebaut?']
        >>> pairs.languages, pairs.query_mask.tolist(), pairs.passage_mask.tolist()
        (('de', 'en'), [3], [2])
    """

    def __init__(self, name: str, dataset: Dataset) -> None:
        """Makes pairs of a table.

        Args:
            name: what the pairs are called.
            dataset: a table with the columns above.

        Raises:
            ValueError: for a table without such columns or without an id, for a column of another
                type, for more than 64 languages, and for an id that has no query or no passage.
        """
        _check_table(name, dataset)
        self.name = name
        self.dataset = dataset
        self.left_out: dict[str, int] = {}
        self._columns: dict[str, Dataset] = {}
        self.query_languages = self._languages_of("query")
        self.passage_languages = self._languages_of("passage")
        if not self.query_languages or not self.passage_languages:
            raise ValueError(
                f"pairs {name!r}: no columns query_LANG and passage_LANG among "
                f"{sorted(dataset.column_names)}"
            )
        self.languages = tuple(sorted({*self.query_languages, *self.passage_languages}))
        if len(self.languages) > MOST_LANGUAGES:
            raise ValueError(
                f"pairs {name!r}: {len(self.languages)} languages; pairs have {MOST_LANGUAGES} at "
                "most: give languages= those to train on"
            )
        self.query_mask = self._mask("query", self.query_languages)
        self.passage_mask = self._mask("passage", self.passage_languages)
        self._check_complete("query", self.query_mask)
        self._check_complete("passage", self.passage_mask)

    @classmethod
    def from_texts(
        cls,
        name: str,
        queries: Sequence[Texts],
        passages: Sequence[Texts],
        **columns: Sequence[object],
    ) -> Pairs:
        """Makes pairs of texts in memory.

        Ids with a query (a passage) in common in some language get one `query_key`
        (`passage_key`), unless these columns are given.

        Args:
            name: what the pairs are called.
            queries: for each id a map language → query.
            passages: for each id a map language → passage.
            **columns: further columns of the table, such as `id` or `negatives_en`.

        Raises:
            ValueError: for unequal numbers of queries and passages, for none, for what is no map
                language → text, for an empty text, and for an id without a query or passage.

        Example:
            >>> import hbtlib as hbt
            >>> hbt.Pairs.from_texts(
            ...     "mine",
            ...     queries=[{"en": "Who built it?", "de": "Wer hat es gebaut?"}, {"en": "Why?"}],
            ...     passages=[{"en": "Wren built it."}, {"en": "Nobody knows."}],
            ... )
            Pairs('mine', 2 ids, queries in de en, passages in en)
        """
        from datasets import Dataset

        _check_name(name)
        for role, texts in (("query", queries), ("passage", passages)):
            _check_texts(name, role, texts)
        if len(queries) != len(passages) or not len(queries):
            raise ValueError(
                f"pairs {name!r}: {len(queries)} queries but {len(passages)} passages; give one of "
                "each for an id, and some ids"
            )
        table = _further_columns(name, columns, len(queries))
        for role, texts in (("query", queries), ("passage", passages)):
            table.setdefault(f"{role}_key", list(shared_keys(texts)))
            for language in sorted({code for forms in texts for code in forms}):
                table[f"{role}_{language}"] = [forms.get(language) for forms in texts]
        try:
            made = Dataset.from_dict(table)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise ValueError(
                f"pairs {name!r}: the columns {', '.join(columns)} hold values of several types "
                f"({str(error).splitlines()[0]}); give each column one type"
            ) from None
        return cls(name, made)

    @classmethod
    def from_benchmark(cls, benchmark: Benchmark) -> Pairs:
        """Makes pairs of a benchmark's questions and their relevant passages, to train on.

        A question is one id. It is several where it has several queries or several relevant
        passages in a language, and these are never each other's negatives.

        Args:
            benchmark: the benchmark; judgements with a grade above 0 are relevant.

        Raises:
            ValueError: if no passage is relevant, or what is given is no benchmark.
        """
        from hbtlib.data.benchmark import Benchmark

        if not isinstance(benchmark, Benchmark):
            raise ValueError(f"from_benchmark takes a Benchmark, not {short(benchmark)}")
        is_relevant = benchmark.judgements["grade"] > 0
        relevant = benchmark.judgements[is_relevant].merge(
            benchmark.queries[["query_id", "question_id"]], on="query_id"
        )
        relevant = relevant.drop_duplicates(["question_id", "passage_id"])
        if relevant.empty:
            raise ValueError(
                f"{benchmark.name}: no passage is judged relevant, so there is nothing to train on"
            )
        gold = benchmark.passages.set_index("passage_id").loc[relevant["passage_id"]]
        asked = benchmark.queries
        questions = _by_question(asked["question_id"], asked["language"], asked["text"])
        answers = _by_question(relevant["question_id"], gold["language"], gold["text"])
        ids: list[str] = []
        queries: list[Texts] = []
        passages: list[Texts] = []
        for question, answer in answers.items():
            forms = questions[question]
            for number in range(max(map(len, [*forms.values(), *answer.values()]))):
                ids.append(question)
                queries.append(_take(forms, number))
                passages.append(_take(answer, number))
        made = cls.from_texts(benchmark.name, queries, passages, id=ids)
        made.left_out = dict(benchmark.left_out)
        return made

    def to_benchmark(self) -> Benchmark:
        """Makes a benchmark of the pairs, such as some that were held out from training.

        Ids that share their question (`keys`) are one question, those that share their passage have
        one passage; of a shared text the first form in each language is taken. A question's
        relevant passages are those of its ids, in all their languages.

        Example:
            >>> import hbtlib as hbt
            >>> hbt.load_pairs("worldfacts", languages=["de"]).sample(5).to_benchmark()
            Benchmark('worldfacts', 5 queries, 5 passages, 5 judgements, languages de)
        """
        from hbtlib.data.benchmark import Benchmark

        ids = np.arange(len(self))
        keys = pd.DataFrame({role: self.keys(ids, role) for role in ("query", "passage")})
        queries, passages = (self._one_a_key(r, keys[r]) for r in ("query", "passage"))
        gold = keys.drop_duplicates().merge(passages, left_on="passage", right_on="key")
        judged = queries.merge(gold, left_on="key", right_on="query", suffixes=("_q", "_p"))
        columns = ["language", "text"]
        return Benchmark(
            self.name,
            queries[columns].assign(query_id=queries["id"], question_id=queries["key"].astype(str)),
            passages[columns].assign(passage_id=passages["id"]),
            judged[["id_q", "id_p"]].set_axis(["query_id", "passage_id"], axis=1),
            left_out=dict(self.left_out),
        )

    def _one_a_key(self, role: Role, keys: pd.Series) -> pd.DataFrame:
        """The texts of a role, one for each key and language: id, key, language, text."""
        parts = []
        for language in self.languages:
            ids = np.flatnonzero(self.stands(np.arange(len(self)), language, role))
            part = pd.DataFrame({"key": keys.to_numpy()[ids], "language": language, "row": ids})
            part = part.drop_duplicates("key")
            parts.append(part.assign(text=self.texts(part["row"].to_numpy(), language, role)))
        table = pd.concat(parts, ignore_index=True)
        return table.assign(id=role[0] + table["key"].astype(str) + "-" + table["language"])

    def _languages_of(self, role: Role) -> tuple[str, ...]:
        prefix = f"{role}_"
        columns = [c for c in self.dataset.column_names if c.startswith(prefix)]
        return tuple(sorted(c.removeprefix(prefix) for c in columns if c != f"{role}_key"))

    def _mask(self, role: Role, languages: Sequence[str]) -> NDArray[np.unsignedinteger]:
        """(n,) one bit a language: does the id's text exist in it?

        Where every text exists, one number stands for all ids (a broadcast array of stride 0).
        """
        n = len(self.dataset)
        dtype = mask_dtype(len(self.languages))
        complete = 0  # the bits of the languages in which every id has its text
        partial = []
        for language in languages:
            if self.dataset.data.column(f"{role}_{language}").null_count == 0:
                complete |= 1 << self.languages.index(language)
            else:
                partial.append(language)
        if not partial:
            return np.broadcast_to(np.asarray(complete, dtype), (n,))
        mask = np.full(n, complete, dtype)
        for language in partial:
            name = f"{role}_{language}"
            column = self.dataset.select_columns(name).with_format("arrow")[:][name]
            exists = column.is_valid().to_numpy().astype(dtype)
            mask |= exists << dtype.type(self.languages.index(language))
        return mask

    def _check_complete(self, role: Role, mask: NDArray[np.unsignedinteger]) -> None:
        """Refuses an id that has no text in any language."""
        is_same_for_all = mask.strides[0] == 0
        empty = np.flatnonzero((mask[:1] if is_same_for_all else mask) == 0)
        if empty.size:
            raise ValueError(
                f"pairs {self.name!r}: id {empty[0]} has no {role} in any language; leave such ids "
                "out"
            )

    def __len__(self) -> int:
        return len(self.dataset)

    def __repr__(self) -> str:
        return (
            f"Pairs({self.name!r}, {len(self):,} ids, queries in {' '.join(self.query_languages)}, "
            f"passages in {' '.join(self.passage_languages)})"
        )

    def _repr_html_(self) -> str:
        """What Jupyter shows: how many ids, their languages, what was left out, and one of them."""
        facts = {
            "ids": len(self),
            "queries in": self.query_languages,
            "passages in": self.passage_languages,
            "hard negatives": self.has_negatives,
            "left out": self.left_out,
        }
        rows = [("", "language", "text of id 0"), *map(self._first_text, ROLES)]
        return card("Pairs", self.name, facts, rows if len(self) else [])

    def _first_text(self, role: Role) -> tuple[str, str, str]:
        """The first id's text of a role, in the first language it has: role, language, text."""
        known = self.query_languages if role == "query" else self.passage_languages
        language = next(code for code in known if self.stands([0], code, role)[0])
        return role, language, cut(self.texts([0], language, role)[0])

    @property
    def column_names(self) -> list[str]:
        """The columns of the table, those of texts among them."""
        return list(self.dataset.column_names)

    @property
    def has_negatives(self) -> bool:
        """Whether the pairs bring hard negatives."""
        return any(column.startswith("negatives_") for column in self.column_names)

    def texts(self, ids: Ids, languages: Codes, role: Role) -> list[str]:
        """Returns the text of each id in its language, in the order given.

        Args:
            ids: (n,) the ids; one may occur several times.
            languages: (n,) a language for each id, or one for all.
            role: "query" or "passage".

        Raises:
            IndexError: for an id that the pairs do not have.
            KeyError: naming the first id whose text does not exist in the language asked for, or a
                role or language that the pairs do not have.
            ValueError: for another number of languages than ids.
        """
        self._check_role(role)
        found = self._fetch(role, ids, languages)
        for i, text in enumerate(found):
            if text is None:
                code = languages if isinstance(languages, str) else str(languages[i])
                raise KeyError(f"pairs {self.name!r}: id {ids[i]} has no {role} in {code!r}")
        return found

    def stands(self, ids: Ids, language: str, role: Role) -> NDArray[np.bool_]:
        """Says for each id whether its text exists in a language.

        Args:
            ids: (n,) the ids.
            language: the language; none of the texts exists in an unknown one.
            role: "query" or "passage".

        Returns:
            (n,) bool.

        Raises:
            IndexError: for an id that the pairs do not have.
            KeyError: for another role.
        """
        self._check_role(role)
        rows = self._rows(ids)
        if language not in (self.query_languages if role == "query" else self.passage_languages):
            return np.zeros(len(rows), bool)
        mask = self.query_mask if role == "query" else self.passage_mask
        bit = mask.dtype.type(self.languages.index(language))
        return (mask[rows] >> bit & 1).astype(bool)

    def negatives(self, ids: Ids, languages: Codes) -> list[list[str]]:
        """Returns the hard negatives of each id in its language.

        Args:
            ids: (n,) the ids.
            languages: (n,) a language for each id, or one for all.

        Returns:
            A list for each id; empty lists where the pairs bring no negatives.

        Raises:
            KeyError: for a language without negatives, where another has some.
        """
        if not self.has_negatives:
            return [[] for _ in self._rows(ids)]
        return [list(found or []) for found in self._fetch("negatives", ids, languages)]

    def keys(self, ids: NDArray[np.integer], role: Role) -> NDArray[np.int64]:
        """Returns an integer for each id, equal where two ids share a text in any language.

        Args:
            ids: (n,) the ids.
            role: "query" for ids that share their question, "passage" for their passage.

        Returns:
            (n,) the keys; the ids themselves where the pairs bring no keys.

        Raises:
            IndexError: for an id that the pairs do not have.
            KeyError: for another role.
        """
        self._check_role(role)
        rows = self._rows(ids)
        if f"{role}_key" not in self.column_names:
            return rows
        return np.asarray(self._read(f"{role}_key", rows), dtype=np.int64)

    def rows(self, ids: Ids) -> dict[str, list]:
        """Returns the columns of the table in the rows of some ids, the texts among them.

        Args:
            ids: (n,) the ids.

        Raises:
            IndexError: for an id that the pairs do not have.
        """
        found: dict[str, list] = self.dataset[self._rows(ids)]
        return found

    def each_text(self, role: Role) -> Iterator[tuple[int, str]]:
        """Goes through the texts of a role in all languages; hard negatives are passages.

        Args:
            role: "query" or "passage".

        Yields:
            A number that `ids_with_text` takes, and the text.
        """
        prefixes = (f"{role}_", "negatives_") if role == "passage" else (f"{role}_",)
        columns = [c for c in self.column_names if c.startswith(prefixes) and c != f"{role}_key"]
        first = 0
        for part in self.dataset.select_columns(columns).iter(_PART):
            for column in columns:
                for i, value in enumerate(part[column]):
                    texts = [value] if isinstance(value, str) else value or []
                    for text in texts:
                        yield first + i, text
            first += len(part[columns[0]])

    def ids_with_text(self, role: Role, number: int) -> list[int]:
        """Returns the ids that have a text which `each_text` gave.

        Args:
            role: the text's role.
            number: the number that came with it.
        """
        return [number]

    def _fetch(self, prefix: str, ids: Ids, languages: Codes) -> list:
        """The value of the column PREFIX_LANG for each id, None where it has none."""
        rows = self._rows(ids)
        if isinstance(languages, str):
            codes = np.full(len(rows), languages)
        else:
            codes = np.asarray(languages)
        if codes.ndim != 1 or not (
            codes.dtype.kind == "U" or all(isinstance(c, str) for c in codes)
        ):
            raise ValueError(
                f"languages are {short(languages)}; give one code, or a list with one for each id"
            )
        if len(codes) != len(rows):
            raise ValueError(
                f"{len(rows)} ids but {len(codes)} languages: give one language an id, or one for "
                "all"
            )
        found: list = [None] * len(rows)
        for code in map(str, np.unique(codes) if len(codes) else []):
            column = f"{prefix}_{code}"
            if column not in self.column_names:
                raise KeyError(f"pairs {self.name!r} has no {prefix} in {code!r}; it has {self!r}")
            places = np.flatnonzero(codes == code)
            for place, text in zip(places, self._read(column, rows[places]), strict=True):
                found[place] = text
        return found

    def _read(self, column: str, rows: NDArray[np.int64]) -> list:
        """A column's values in some rows."""
        if column not in self._columns:
            # Narrowing a Dataset to one column costs milliseconds, so it is done once a column.
            self._columns[column] = self.dataset.select_columns(column)
        return list(self._columns[column][rows][column])

    def _rows(self, ids: Ids) -> NDArray[np.int64]:
        return check_ids(f"pairs {self.name!r}", ids, len(self))

    def _check_role(self, role: object) -> None:
        if not isinstance(role, str) or role not in ROLES:
            raise KeyError(
                f"pairs {self.name!r}: no such role as {short(role)}; it is query or passage"
            )

    def select(self, ids: Ids) -> Pairs:
        """Returns the pairs of some ids, numbered from 0 in the order given.

        Args:
            ids: (n,) the ids; one may occur several times: its copies share question and passage.

        Raises:
            ValueError: for no id, and for what is no whole number.
            IndexError: for an id that the pairs do not have.
        """
        rows = self._rows(ids)
        if not len(rows):
            raise ValueError(f"pairs {self.name!r}: no id is selected; give one at least")
        selected = Pairs(self.name, self.dataset.select(rows))
        selected.left_out = dict(self.left_out)
        if len(np.unique(rows)) == len(rows):
            return selected
        keys = {f"{role}_key": pa.array(self.keys(rows, role)) for role in ROLES}
        return selected.with_columns(keys)

    @classmethod
    def concatenate(cls, parts: Sequence[Pairs]) -> Pairs:
        """Puts several sets of pairs after each other, as one that is sampled by its sizes.

        What exists in a language in one set and not in another is absent there. Ids of different
        sets share no question and no passage.

        Args:
            parts: the pairs, one set at least; all or none bring hard negatives.

        Returns:
            The pairs, called by all names; the first set itself if there is one alone.

        Raises:
            ValueError: for none, for what is no `hbt.Pairs`, and if some have hard negatives and
                others not.

        Example:
            >>> import hbtlib as hbt
            >>> one = hbt.Pairs.from_texts("one", [{"en": "Who?"}], [{"en": "Wren."}])
            >>> two = hbt.Pairs.from_texts("two", [{"de": "Wann?"}], [{"en": "In 1710."}])
            >>> hbt.Pairs.concatenate([one, two])
            Pairs('one + two', 2 ids, queries in de en, passages in en)
        """
        given = list(parts)
        for part in given:
            if not isinstance(part, Pairs):
                raise ValueError(f"concatenate takes hbt.Pairs, not {short(part)}")
        if not given:
            raise ValueError("concatenate takes one set of pairs at least")
        if len(given) == 1:
            return given[0]
        if len({part.has_negatives for part in given}) > 1:
            with_some = [part.name for part in given if part.has_negatives]
            raise ValueError(
                f"{', '.join(with_some)} has hard negatives and others have none; leave them out, "
                "or mine some for all"
            )
        from datasets import concatenate_datasets

        tables, taken = [], 0
        for part in given:
            ids = np.arange(len(part))
            keys = {f"{role}_key": pa.array(part.keys(ids, role) + taken) for role in ROLES}
            tables.append(part.with_columns(keys).dataset)
            taken = 1 + max(int(np.max(key.to_numpy())) for key in keys.values())
        made = cls(" + ".join(part.name for part in given), concatenate_datasets(tables))
        for part in given:
            for reason, count in part.left_out.items():
                made.left_out[reason] = made.left_out.get(reason, 0) + count
        return made

    def with_columns(self, columns: Mapping[str, pa.Array]) -> Pairs:
        """Returns the pairs with further columns, which take the place of those of their names.

        Args:
            columns: name → a value for each id.
        """
        replaced = [name for name in columns if name in self.dataset.column_names]
        dataset = self.dataset.remove_columns(replaced)
        for name, column in columns.items():
            dataset = dataset.add_column(name, column)
        made = Pairs(self.name, dataset)
        made.left_out = dict(self.left_out)
        return made

    def sample(self, n: int, seed: int = 0) -> Pairs:
        """Returns some of the ids, drawn at random, in the order they had.

        Of one seed, a smaller sample lies in every larger one.

        Args:
            n: how many ids.
            seed: of the draw.

        Raises:
            ValueError: for none, or more than there are, and for what is no whole number.
        """
        n = check_integer(f"pairs {self.name!r}: the size of a sample", n)
        check_integer(f"pairs {self.name!r}: the seed of a sample", seed, minimum=0)
        if not 1 <= n <= len(self):
            raise ValueError(
                f"pairs {self.name!r} has {len(self):,} ids; cannot draw a sample of {n:,}"
            )
        drawn = np.random.default_rng(seed).permutation(len(self))[:n]
        return self.select(np.sort(drawn))

    def save(self, folder: Path | str) -> None:
        """Writes the table to a folder that `datasets.load_from_disk` reads.

        Raises:
            OSError: if it cannot be written.
        """
        if Path(folder).is_file():
            raise NotADirectoryError(f"{folder} is a file; give a folder to save the pairs in")
        with explain_full_disk(Path(folder)):
            self.dataset.save_to_disk(str(folder))


def shared_keys(texts: Sequence[Texts]) -> list[int]:
    """Numbers ids so that those with a text in common get the same number.

    Two ids belong together if they have a text of one language in common, directly or through
    others: a union-find over the texts.

    Args:
        texts: for each id its texts by language.

    Returns:
        For each id the lowest of the ids that belong together.
    """
    parent = list(range(len(texts)))  # towards the lowest id of each group

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]  # halves the way for the next call
            i = parent[i]
        return i

    first_with: dict[tuple[str, str], int] = {}  # language and text → the first id that has it
    for i, forms in enumerate(texts):
        for form in forms.items():
            one, other = root(i), root(first_with.setdefault(form, i))
            parent[max(one, other)] = min(one, other)
    return [root(i) for i in range(len(texts))]


def _check_texts(name: str, role: Role, texts: Sequence[Texts]) -> None:
    """Refuses what is no list of maps language → text, and empty texts."""
    if isinstance(texts, str | bytes | dict) or not hasattr(texts, "__len__"):
        raise ValueError(
            f"pairs {name!r}: the texts of role {role} are {short(texts)}; give a list with a map "
            "language → text for each id"
        )
    for i, forms in enumerate(texts):
        if not _is_texts(forms):
            raise ValueError(
                f"pairs {name!r}: the {role} of id {i} is {forms!r:.80}, where a map language → "
                "text belongs, no text empty"
            )


def _is_texts(forms: object) -> bool:
    """Whether this is a map language → text, with texts that can be seen and written."""
    if not isinstance(forms, dict):
        return False
    for code, text in forms.items():
        if not isinstance(code, str) or is_empty(code) or code == "key":  # query_key is no language
            return False
        if not isinstance(text, str) or is_empty(text) or not is_unicode(text):
            return False
    return True


def _further_columns(
    name: str, columns: Mapping[str, Sequence[object]], count: int
) -> dict[str, list[object]]:
    """Columns beside the texts, as lists, if each has a value for every id."""
    table: dict[str, list[object]] = {}
    for key, values in columns.items():
        if isinstance(values, str | bytes) or not isinstance(values, Iterable):
            raise ValueError(f"pairs {name!r}: the column {key} is {short(values)}; give a list")
        table[key] = list(values)
        if len(table[key]) != count:
            raise ValueError(
                f"pairs {name!r}: the column {key} has {len(table[key])} values for {count} ids; "
                "give each id one"
            )
    return table


def _check_name(name: object) -> None:
    """Refuses a name that is no text, or of which nothing can be seen."""
    if not isinstance(name, str) or is_empty(name) or "\0" in name:
        raise ValueError(f"the pairs are called {short(name)}; their name is a text")


def _check_table(name: object, dataset: object) -> None:
    """Refuses a name that is no text, and a table that is none or has columns of another type."""
    from datasets import Dataset

    _check_name(name)
    if not isinstance(dataset, Dataset):
        raise ValueError(
            f"pairs {name!r}: their table is a {type(dataset).__name__}; give a datasets.Dataset, "
            "or make them with Pairs.from_texts"
        )
    for field in dataset.features.arrow_schema:
        role, _, rest = field.name.partition("_")
        kind = field.type
        if role not in ROLES or not rest:
            continue
        wanted = "whole numbers" if rest == "key" else "texts"
        is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        if not (pa.types.is_integer(kind) if rest == "key" else is_text):
            raise ValueError(
                f"pairs {name!r}: the column {field.name} holds {kind}, where {wanted} belong"
            )
    if not len(dataset):
        raise ValueError(f"pairs {name!r}: no id in their table; give one at least")


def _by_question(
    questions: Iterable[str], languages: Iterable[str], texts: Iterable[str]
) -> dict[str, dict[str, list[str]]]:
    """Texts grouped by question and language, in their order."""
    found: dict[str, dict[str, list[str]]] = {}
    for question, language, text in zip(questions, languages, texts, strict=True):
        found.setdefault(question, {}).setdefault(language, []).append(text)
    return found


def _take(forms: dict[str, list[str]], number: int) -> dict[str, str]:
    """One text of each language; a language with fewer begins again."""
    return {language: found[number % len(found)] for language, found in forms.items()}


def mask_dtype(n_languages: int) -> np.dtype:
    """The smallest unsigned integer from 16 bits up with a bit for each language."""
    return np.min_scalar_type(1 << max(n_languages - 1, 15))
