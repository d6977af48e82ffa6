"""What a table must be before it is measured; errors name what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib.checks import short
from hbtlib.data.benchmark import ALL, UNTRANSLATED

Floats = NDArray[np.float64]

_KEYS = ["query_id", "question_id", "query_language", "pool"]
_WORDS = ("language", "query_language", "passage_language", "pool", "setting", "metric")


def check_columns(
    table: pd.DataFrame, columns: Sequence[str], what: str = "ranks", maker: str = "hbt.rank"
) -> None:
    """Checks that a table has all the columns it must have, and rows.

    Args:
        table: the table.
        columns: the columns it must have.
        what: what the message calls the table.
        maker: the function that makes such tables.

    Raises:
        ValueError: if it is no table, for the first of the columns that it lacks, for a column that
            it has twice, and if it has no rows.
    """
    if not isinstance(table, pd.DataFrame):
        raise ValueError(
            f"the {what} are {short(table)}, where a table (DataFrame) belongs; {maker} makes one"
        )
    lacking = [column for column in columns if column not in table]
    if lacking:
        raise ValueError(
            f"the {what} lack the column {short(lacking[0])}; {maker} makes such a table"
        )
    names = list(table.columns)
    twice = [column for column in columns if names.count(column) > 1]
    if twice:
        raise ValueError(f"the {what} have the column {twice[0]!r} twice; rename one of the two")
    if table.empty:
        raise ValueError(f"the {what} have no rows: there is nothing to measure")


def check_texts(table: pd.DataFrame, columns: Iterable[str], what: str = "ranks") -> None:
    """Checks that columns of names have no missing values, and those of words no numbers.

    Args:
        table: the table.
        columns: the columns to check; those that the table lacks are left out.
        what: what the message calls the table.

    Raises:
        ValueError: for the first missing value, and for numbers where words belong (ids may be
            numbers).
    """
    for column in columns:
        if column not in table:
            continue
        missing = table[column].isna().to_numpy()
        if missing.any():
            raise ValueError(
                f"the {what} have no {column} in row {int(missing.argmax())} (from 0): fill it, or "
                "leave the row out"
            )
        kind = table[column].dtype
        if isinstance(kind, pd.CategoricalDtype):
            kind = kind.categories.dtype
        if column in _WORDS and pd.api.types.is_numeric_dtype(kind):
            raise ValueError(
                f"the {what} have a column {column!r} of the type {kind}, where words belong"
            )


def number_column(
    table: pd.DataFrame, column: str, what: str = "ranks", *, missing: bool = False
) -> Floats:
    """Reads a column of numbers.

    Args:
        table: the table.
        column: the column.
        what: what the message calls the table.
        missing: whether values may be missing.

    Returns:
        The numbers; NaN where a value is missing.

    Raises:
        ValueError: if the column holds texts, truth values or complex numbers, a value is
            infinite, or one is missing that may not be.
    """
    kind = table[column].dtype
    is_number = pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind)
    if not is_number or pd.api.types.is_bool_dtype(kind):
        raise ValueError(
            f"the {what} have a column {column!r} of the type {kind}, where numbers belong"
        )
    values = table[column].to_numpy(np.float64, na_value=np.nan)
    wrong = np.isinf(values) if missing else ~np.isfinite(values)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"the {what} have the {column} {values[row]:g} in row {row} (from 0), where a finite "
            "number belongs"
        )
    return values


def check_ranks(ranks: pd.DataFrame) -> None:
    """Checks a table of ranks, as far as each of its rows can be checked by itself.

    Ranks may be missing in the table of a search index alone, which has a column `depth`.

    Args:
        ranks: a table of `hbt.rank`.

    Raises:
        ValueError: for a missing column or value, numbers that are no ranks, a rank beyond the
            pool, a pool that is neither `all` nor the passage's language, and several benchmarks.
    """
    check_columns(ranks, [*_KEYS, "rank", "n_relevant"])
    check_texts(ranks, [*_KEYS, "benchmark", "passage_id", "passage_language"])
    rank = number_column(ranks, "rank", missing="depth" in ranks)
    # Passages that tie may stand at the mean of their places, which may end in a half.
    may_be_half = has_mid_ranks(ranks) & (2 * rank == np.floor(2 * rank))
    _check_counts(ranks, "rank", np.where(may_be_half, np.floor(rank), rank))
    _check_counts(ranks, "n_relevant", number_column(ranks, "n_relevant"))
    if "n_passages" in ranks:
        n_passages = number_column(ranks, "n_passages")
        _check_counts(ranks, "n_passages", n_passages)
        beyond = rank > n_passages
        if beyond.any():
            row = int(beyond.argmax())
            raise ValueError(
                f"{_of(ranks, row)} has the rank {rank[row]:g} in a pool of {n_passages[row]:g} "
                "passages: a rank is n_passages at most"
            )
    if "grade" in ranks:
        grade = number_column(ranks, "grade")
        if (grade <= 0).any():
            row = int((grade <= 0).argmax())
            raise ValueError(
                f"{_of(ranks, row)} has the grade {grade[row]:g}: the rows of ranks are relevant "
                "passages, whose grades are above 0; leave the others out"
            )
    if "passage_language" in ranks:
        _check_pools(ranks)
    check_one_benchmark(ranks)


def has_mid_ranks(ranks: pd.DataFrame) -> bool:
    """Whether passages with equal scores may share a rank (`hbt.rank_scores(…, ties="mid")`)."""
    return "n_tied" in ranks and not pd.api.types.is_integer_dtype(ranks["rank"].dtype)


def check_passages(ranks: pd.DataFrame) -> None:
    """Checks that no query has a passage twice in a pool.

    Raises:
        ValueError: if one has.
    """
    repeated = ranks.duplicated(["query_id", "pool", "passage_id"]).to_numpy()
    if repeated.any():
        row = int(repeated.argmax())
        raise ValueError(
            f"{_of(ranks, row)} holds the passage {ranks['passage_id'].iloc[row]!r} twice: is the "
            "table of several runs? Measure each alone"
        )


def check_translated(ranks: pd.DataFrame) -> None:
    """Checks that a benchmark tells which queries are translations of one question.

    Raises:
        ValueError: if it does not.
    """
    if is_untranslated(ranks):
        raise ValueError(
            "language bias compares translations, and this benchmark does not tell which queries "
            "and passages are translations of each other: take one that does (hbt.catalog() lists "
            "parallel ones; from_task takes parallel=True where equal ids name translations)"
        )


def is_untranslated(ranks: pd.DataFrame) -> bool:
    """Whether these ranks are of a benchmark that does not tell translations."""
    questions = ranks["question_id"].drop_duplicates().astype("str")
    return bool(questions.str.startswith(UNTRANSLATED).any())


def check_depth(ranks: pd.DataFrame, k: float, what: str) -> None:
    """Checks that ranks are known down to k, which those of a search index may not be.

    Args:
        ranks: a ranks table; a column `depth` says down to where its ranks are known.
        k: the rank down to which they are needed; infinity for all.
        what: what needs them.

    Raises:
        ValueError: if they are not known so far down.
    """
    if "depth" not in ranks:
        return
    depth = number_column(ranks, "depth").min()
    if k > depth:
        how_far = "every rank" if np.isinf(k) else f"ranks down to {k:g}"
        raise ValueError(
            f"a search index gave these ranks, down to {depth:g}, and {what} needs {how_far}: "
            f"search deeper, rank without an index, or cut at {depth:g} or less"
        )


def check_one_benchmark(ranks: pd.DataFrame) -> None:
    """Checks that the ranks are of one benchmark.

    Raises:
        ValueError: if they are of several.
    """
    if "benchmark" not in ranks:
        return
    names = ranks["benchmark"].unique()
    if len(names) > 1:
        raise ValueError(
            f"these ranks are of several benchmarks ({listed(names)}); measure each alone: "
            "ranks[ranks['benchmark'] == …]"
        )


def check_vectors(what: str, vectors: Any, rows: int | None = None) -> Floats:
    """Reads vectors in double precision.

    Args:
        what: what the vectors are called, for the message.
        vectors: (n, d).
        rows: how many there must be; None: any number from 1 up.

    Returns:
        The vectors.

    Raises:
        ValueError: if they are masked, no matrix of real numbers, not finite, or of another number
            of rows.
    """
    try:
        array = np.asarray(vectors)
    except (ValueError, TypeError):  # rows of several lengths, or a tensor that numpy cannot read
        array = np.empty(0, object)
    if isinstance(vectors, np.ma.MaskedArray) or array.dtype.kind not in "iuf":
        raise ValueError(f"{what} are no plain array of real numbers; give one (n, width), float32")
    if array.ndim != 2 or 0 in array.shape or (rows is not None and len(array) != rows):
        wanted = "n" if rows is None else rows
        raise ValueError(f"{what} have shape {array.shape}; give one vector a text, ({wanted}, d)")
    numbers = array.astype(np.float64)
    if not np.isfinite(numbers).all():
        row = int(np.isfinite(numbers).all(1).argmin())
        raise ValueError(f"{what} have a vector that is not finite, in row {row}")
    return numbers


def check_names(name: str, values: object, what: str, *, some: bool = True) -> list[str]:
    """Checks a list of names, such as languages or metrics.

    Args:
        name: what the parameter is called.
        values: the names.
        what: what they are, in the plural.
        some: whether there must be one at least.

    Returns:
        The names.

    Raises:
        ValueError: for a single text, a mapping or a table, for what is no text, a name that stands
            twice, and an empty list.
    """
    single = isinstance(values, str | bytes) or (
        isinstance(values, np.ndarray) and values.ndim != 1
    )
    if single or isinstance(values, Mapping | pd.DataFrame) or not isinstance(values, Iterable):
        raise ValueError(f"{name} is {short(values)}; it must be a list of {what}")
    names = list(values)
    for one in names:
        if not isinstance(one, str):
            raise ValueError(f"{name} has {short(one)} in it; it must be a list of {what}")
        if names.count(one) > 1:
            raise ValueError(f"{name} has {short(one)} twice; name each of the {what} once")
    if some and not names:
        raise ValueError(f"{name} is empty; give one of the {what} at least")
    return names


def listed(names: Iterable[Any], most: int = 8) -> str:
    """Joins names by commas, and cuts a list that is too long to be read."""
    texts = [str(name) if len(str(name)) <= 40 else f"{str(name)[:39]}…" for name in names]
    return ", ".join(texts[:most]) + (f", … ({len(texts)} in all)" if len(texts) > most else "")


def _check_counts(ranks: pd.DataFrame, column: str, values: Floats) -> None:
    """Raises ValueError unless all values (that are not missing) are whole numbers from 1 up."""
    wrong = (values < 1) | (values != np.floor(values)) & ~np.isnan(values)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"{_of(ranks, row)} has the {column} {values[row]:g}, where a whole number from 1 up "
            "belongs"
        )


def _check_pools(ranks: pd.DataFrame) -> None:
    """Raises ValueError for a pool that is neither `all` nor the language of its passage."""
    pool, language = ranks["pool"], ranks["passage_language"]
    is_all = (pool == ALL).to_numpy(bool)
    if hasattr(pool, "cat") and hasattr(language, "cat"):  # numbers are compared, not texts
        number = pool.cat.categories.get_indexer(language.cat.categories)
        is_own = pool.cat.codes.to_numpy() == number[language.cat.codes.to_numpy()]
    else:
        is_own = (pool.astype("str") == language.astype("str")).to_numpy(bool)
    foreign = ~(is_own | is_all)
    if foreign.any():
        row = int(foreign.argmax())
        raise ValueError(
            f"{_of(ranks, row)} has a passage in {language.iloc[row]!r}: a pool is {ALL!r} or the "
            "language of its passages"
        )


def _of(ranks: pd.DataFrame, row: int) -> str:
    """Names a row of a ranks table by its place, query and pool."""
    query, pool = ranks["query_id"].iloc[row], ranks["pool"].iloc[row]
    return f"row {row} of the ranks (query {short(query)}, pool {short(pool)})"
