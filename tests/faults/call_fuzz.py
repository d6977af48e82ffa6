"""Calls of the public functions with one bad argument, a thousand of them from a fixed seed.

A call may give a result where the value belongs there (`values.CALLS` says so, apart from the
library) or where the result is that of the valid call. Else it must raise one short sentence.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
from calls import Call, all_calls
from harness import TookTooLong, Trial, explained, make_project, time_limit
from values import CALLS, NASTY, NONEXISTENT, fits

FAMILY = "bad arguments"
SEED = 0
MANY, FEW = 1000, 60
SECONDS = 20
"""How long a call may take. One that takes longer has accepted what it was given."""


def trials(quick: bool = False) -> Iterator[Trial]:
    """Makes the calls.

    Args:
        quick: Only `FEW` of them, and only those that take milliseconds.
    """
    with tempfile.TemporaryDirectory() as name, silence():
        project = make_project(Path(name) / "deep" / "project")
        with (
            contextlib.chdir(project.folder),
            mock.patch.dict(os.environ, HBT_ROOT=str(project.folder)),
        ):
            yield from _trials(Path(name) / "deep" / "written", quick)


def _trials(folder: Path, quick: bool) -> Iterator[Trial]:
    """Makes the calls; what they write goes into the folder."""
    folder.mkdir(parents=True)
    calls = all_calls(folder, quick)
    usual: dict[str, Any] = {}
    for call, parameter, label, make in chosen(calls, FEW if quick else MANY):
        if call.name not in usual:
            usual[call.name] = call.function(**call.arguments)
        value = make()
        outcome, said = outcome_of(call, parameter, value, usual[call.name])
        shutil.rmtree(NONEXISTENT, ignore_errors=True)
        yield Trial(
            FAMILY,
            call.name,
            f"{call.name}({parameter}={label})",
            said=said,
            **{outcome: True},
        )


def chosen(calls: list[Call], n: int) -> list[tuple[Call, str, str, Callable[[], Any]]]:
    """Draws calls with one bad value: every parameter as often as every other, each value once."""
    rng = random.Random(SEED)
    waiting = []
    for call in calls:
        for parameter, valid in call.arguments.items():
            values = list(NASTY.items())
            rng.shuffle(values)
            if isinstance(valid, pd.DataFrame):
                faults = list(table_faults(valid, call.reads, call.optional).items())
                rng.shuffle(faults)
                values = [one for pair in zip(faults, values, strict=False) for one in pair]
            waiting.append((call, parameter, values))
    found = []
    while len(found) < n and waiting:
        rng.shuffle(waiting)
        for call, parameter, values in waiting:
            label, make = values.pop()
            found.append((call, parameter, label, make))
        waiting = [one for one in waiting if one[2]]
    return found[:n]


def table_faults(
    table: pd.DataFrame, columns: Sequence[str] | None = None, optional: Sequence[str] = ()
) -> dict[str, Callable[[], pd.DataFrame]]:
    """Returns ways in which a table can be wrong.

    Args:
        table: The table.
        columns: The columns to damage; None: all.
        optional: Columns that may be absent, and of which values may be missing.
    """
    faults: dict[str, Callable[[], pd.DataFrame]] = {
        "a table without rows": lambda: table.iloc[:0],
        "every row twice": lambda: pd.concat([table, table], ignore_index=True),
        "a table of one column": lambda: table.iloc[:, :1],
    }
    for column in table.columns if columns is None else columns:
        if column not in optional:
            faults[f"without {column}"] = lambda column=column: table.drop(columns=column)
            faults[f"{column} missing"] = lambda column=column: table.assign(**{column: None})
        if pd.api.types.is_numeric_dtype(table[column]):
            if column not in optional:
                faults[f"{column} NaN"] = lambda column=column: table.assign(**{column: np.nan})
            faults[f"{column} text"] = lambda column=column: table.assign(**{column: "x"})
            faults[f"{column} infinite"] = lambda column=column: table.assign(**{column: np.inf})
        else:
            faults[f"{column} a number"] = lambda column=column: table.assign(**{column: 1.5})
    return faults


def outcome_of(call: Call, parameter: str, value: Any, usual: Any) -> tuple[str, str]:
    """Makes one call; returns the column of the table it counts in, and what was said."""
    arguments = {**call.arguments, parameter: value}
    belongs = fits({**CALLS, **call.domains}, parameter, value)
    try:
        with time_limit(SECONDS):
            result = call.function(**arguments)
    except TookTooLong:
        return ("survived" if belongs else "lost"), f"stopped after {SECONDS} seconds"
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        return ("named" if explained(error) else "unexplained"), said
    table = isinstance(value, pd.DataFrame) and isinstance(call.arguments[parameter], pd.DataFrame)
    if belongs or (table and same(result, usual)):
        return "survived", ""
    return "lost", f"accepted; the result is a {type(result).__name__}"


def same(one: Any, other: Any) -> bool:
    """Tells whether two results are the same."""
    if isinstance(one, pd.DataFrame):
        return isinstance(other, pd.DataFrame) and one.equals(other)
    if hasattr(one, "savefig"):
        return _picture(one) == _picture(other)
    return type(one) is type(other) and repr(one) == repr(other)


def _picture(figure: Any) -> bytes:
    """Returns the pixels of a figure."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=40)
    return file.getvalue()


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Lets nothing through that the calls print."""
    import logging

    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(before)
