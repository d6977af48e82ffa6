"""What all pictures do with the tables they are given: check them, and put languages in order."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from hbtlib.checks import short
from hbtlib.data.benchmark import ALL
from hbtlib.evaluation.checks import check_names, check_texts, listed, number_column
from hbtlib.languages import LANGUAGES
from hbtlib.plots.style import check_codes


def checked(
    table: pd.DataFrame,
    what: str,
    columns: Sequence[str],
    keys: Sequence[str] = (),
    *,
    names: Sequence[str] = (),
    missing: Collection[str] = (),
    **wanted: str,
) -> pd.DataFrame:
    """Selects the rows a picture is drawn from, and refuses a table it cannot be drawn from.

    Args:
        table: the table that a caller gave.
        what: what the error messages call its rows.
        columns: columns of finite numbers that it must have.
        keys: further columns that it must have, and that tell its rows apart. Two rows with the
            same keys are refused, because averaging them would hide that something was mixed up.
        names: further columns that it must have. Neither in these nor in keys a value may be
            missing, and no `arm`, where there are arms.
        missing: columns in which numbers may be missing, but not all of them.
        wanted: column → value; only the rows with these values are selected.

    Returns:
        The selected rows.

    Raises:
        ValueError: it is no table, a column or value is missing, a column of numbers holds
            something else, there are no rows, no row has a wanted value, or two rows have the same
            keys.
    """
    check_table(table, what, (*keys, *wanted, *names, *columns))
    check_texts(table, wanted, what)
    for column, value in wanted.items():
        known = sorted(map(str, table[column].unique()))
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"no values of {short(value)} here; there are {listed(known)}")
        table = table[table[column] == value]
    check_texts(table, [*keys, *names, "arm"], what)
    for column in names:
        no_text = [value for value in table[column].unique() if not isinstance(value, str)]
        if no_text:
            raise ValueError(
                f"the {what} have the {column} {short(no_text[0])}, where a text belongs"
            )
    for column in columns:
        numbers = number_column(table, column, what, missing=column in missing)
        if pd.isna(numbers).all():
            raise ValueError(f"the {what} have no value in the column {column!r}")
    twice = table[table.duplicated(list(keys))] if keys else table.iloc[:0]
    if len(twice):
        which = ", ".join(f"{column} {twice[column].iloc[0]}" for column in keys)
        raise ValueError(
            f"the {what} have several values of {which}: are they of several benchmarks? Choose one"
        )
    return table


def check_table(table: object, what: str, columns: Sequence[str]) -> None:
    """Checks that a table has the columns that are needed, each once, and rows.

    Args:
        table: what a caller gave.
        what: what the error messages call its rows.
        columns: columns that it must have.

    Raises:
        ValueError: it is no table, lacks a column, has one twice, or has no rows.
    """
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"the {what} are {short(table)}, where a table (DataFrame) belongs")
    have = list(table.columns)
    for column in columns:
        if column not in have:
            raise ValueError(
                f"the {what} lack the column {short(column)}; they have {listed(have)}"
            )
        if have.count(column) > 1:
            raise ValueError(f"the {what} have the column {column!r} twice; rename one of the two")
    if table.empty:
        raise ValueError(f"the {what} have no rows")


def check_words(table: pd.DataFrame, what: str, column: str, known: Collection[str]) -> None:
    """Raises ValueError for a value of a column that no picture has a place for."""
    unknown = sorted(map(str, set(table[column].unique()) - set(known)))
    if unknown:
        raise ValueError(
            f"the {what} have the {column} {short(unknown[0])}; there are {listed(known)}"
        )


def check_tables(tables: object, what: str) -> Mapping[str, Any]:
    """Returns name → table as it is given; ValueError for anything else, and for none."""
    if not isinstance(tables, Mapping) or not tables:
        raise ValueError(f"{what} is {short(tables)}; it must be a mapping of names to tables")
    return tables


def check_trained(trained: object) -> list[str]:
    """Returns the languages that were trained on as a list; ValueError for anything else."""
    return check_names("trained", trained, "languages", some=False)


def ordered(codes: Iterable[str], trained: Sequence[str] = ()) -> list[str]:
    """Puts language codes in the order of all pictures.

    Trained languages come first, then those never trained on. In both, languages of one script
    stand together, Latin first, then alphabetically; codes that `hbtlib.languages.LANGUAGES` lacks
    follow. `all`, the pool of all languages, is last.

    Args:
        codes: language codes, and perhaps `all`.
        trained: the languages that were trained on.

    Returns:
        The codes in order.

    Raises:
        ValueError: `codes` or `trained` is no list of texts, or `trained` names one twice.

    Example:
        >>> import hbtlib as hbt
        >>> hbt.plots.ordered(["all", "zh", "th", "en", "de"], trained=["zh", "en"])
        ['en', 'zh', 'de', 'th', 'all']
    """
    known = check_codes(codes)
    trained = check_trained(trained)

    def place(code: str) -> tuple[bool, bool, bool, bool, str, str]:
        script = LANGUAGES[code].script if code in LANGUAGES else ""
        return code == ALL, code not in trained, not script, script != "Latin", script, code

    return sorted(known, key=place)


def star(code: str, trained: Sequence[str]) -> str:
    """Marks a language that was never trained on.

    Args:
        code: a language code, or `all`.
        trained: the languages that were trained on; empty where nothing is known of that.

    Returns:
        The code, with a star where the language was never trained on.
    """
    return code if not trained or code in (*trained, ALL) else f"{code}*"


def starred(codes: Sequence[str], trained: Sequence[str]) -> bool:
    """Says whether any of the languages bears a `star`, which a picture then has to explain."""
    return any(star(code, trained) != code for code in codes)


def with_names(codes: Sequence[str], trained: Sequence[str] = ()) -> dict[str, str]:
    """Labels for a legend: each code, with its `star`, and the language's English name.

    Args:
        codes: language codes.
        trained: the languages that were trained on.

    Returns:
        code → label; the label of a code that `hbtlib.languages.LANGUAGES` lacks is without a name.
    """
    names = {code: known.name for code, known in LANGUAGES.items()}
    return {code: f"{star(code, trained)} {names.get(code, '')}".rstrip() for code in codes}
