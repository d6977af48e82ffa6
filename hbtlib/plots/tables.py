"""What all pictures do with the tables they are given: check them, and put languages in order."""

from collections.abc import Iterable, Sequence

import pandas as pd

from hbtlib.data.benchmark import ALL
from hbtlib.languages import LANGUAGES


def checked(
    table: pd.DataFrame, what: str, columns: Sequence[str], keys: Sequence[str] = (), **wanted: str
) -> pd.DataFrame:
    """Selects the rows a picture is drawn from, and refuses a table it cannot be drawn from.

    Args:
        table: the table that a caller gave.
        what: what the error messages call its rows.
        columns: columns that it must have.
        keys: further columns that it must have, and that tell its rows apart. Two rows with the
            same keys are refused, because averaging them would hide that something was mixed up.
        wanted: column → value; only the rows with these values are selected.

    Returns:
        The selected rows.

    Raises:
        ValueError: a column is missing, there are no rows, no row has a wanted value, or two rows
            have the same keys.
    """
    missing = [column for column in (*keys, *wanted, *columns) if column not in table]
    if missing:
        have = ", ".join(map(str, table.columns))
        raise ValueError(f"the {what} lack the column {missing[0]!r}; they have {have}")
    if table.empty:
        raise ValueError(f"the {what} have no rows")
    for column, value in wanted.items():
        known = sorted(table[column].unique())
        if value not in known:
            raise ValueError(f"no values of {value!r} here; there are {', '.join(known)}")
        table = table[table[column] == value]
    twice = table[table.duplicated(list(keys))] if keys else table.iloc[:0]
    if len(twice):
        which = ", ".join(f"{column} {twice[column].iloc[0]}" for column in keys)
        raise ValueError(
            f"the {what} have several values of {which}: are they of several benchmarks? Choose one"
        )
    return table


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

    Example:
        >>> import hbtlib as hbt
        >>> hbt.plots.ordered(["all", "zh", "th", "en", "de"], trained=["zh", "en"])
        ['en', 'zh', 'de', 'th', 'all']
    """

    def place(code: str) -> tuple[bool, bool, bool, bool, str, str]:
        script = LANGUAGES[code].script if code in LANGUAGES else ""
        return code == ALL, code not in trained, not script, script != "Latin", script, code

    return sorted(map(str, codes), key=place)


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
