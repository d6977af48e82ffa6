"""The parameters of notebooks: what they are, their defaults, and whether given values fit.

A notebook's parameters are the assignments in its cell tagged `parameters`. They are read from the
notebook's source, so that nothing else has to list them a second time.
"""

import ast
import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hbtlib.study.project import project_folder

LOCATION = ("study", "folder")
"""Parameters that say where a run is written, not what it is."""

ALTERNATIVE_TYPES = ("alpha",)
"""Parameters that take values of several types: a mixing share is a number or a schedule."""


def notebook_file(notebook: str) -> Path:
    """Returns the source file of a notebook.

    Args:
        notebook: Its name without its number: `train` is `notebooks/03-train.ipynb`.

    Returns:
        The path of the file.

    Raises:
        ValueError: There is no such notebook. The message names those there are.
    """
    folder = project_folder() / "notebooks"
    found = sorted(folder.glob(f"[0-9][0-9]-{notebook}.ipynb"))
    if not found:
        names = [file.stem[3:] for file in sorted(folder.glob("[0-9][0-9]-*.ipynb"))]
        raise ValueError(
            f"no notebook {notebook!r} in {folder}; there are {', '.join(names) or 'none'}"
        )
    return found[0]


def notebook_parameters(notebook: str) -> dict[str, Any]:
    """Returns the parameters of a notebook with their defaults, in the order they stand there.

    Args:
        notebook: Its name without its number.

    Returns:
        The values assigned in its cell tagged `parameters`.

    Raises:
        ValueError: There is no such notebook, or it has no cell with this tag.
    """
    file = notebook_file(notebook)
    for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            return _assignments("".join(cell["source"]))
    raise ValueError(f"{file} has no cell tagged 'parameters'")


def _assignments(source: str) -> dict[str, Any]:
    """Returns the names that the source assigns literals to, with these literals."""
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def unknown_parameter(name: str, known: Mapping[str, Any]) -> str:
    """Returns a message about a name that is no parameter.

    Args:
        name: The name that was given.
        known: The parameters there are.

    Returns:
        A sentence with the parameter that was probably meant, or with all there are.

    Example:
        >>> from hbtlib.study.parameters import unknown_parameter
        >>> unknown_parameter("stratgy", {"strategy": "hybrid", "seed": 0})
        "no parameter 'stratgy': did you mean 'strategy'?"
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    if close:
        return f"no parameter {name!r}: did you mean {close[0]!r}?"
    choices = [other for other in known if other not in LOCATION]
    return f"no parameter {name!r}: there are {', '.join(choices)}"


def check(notebook: str, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Checks the parameters that a notebook runs with; the second cell of each notebook calls it.

    Papermill injects whatever it is given as new variables and carries on if a name is misspelt. So
    every variable that papermill could have injected must be a parameter of the notebook.

    Args:
        notebook: The name of the notebook without its number.
        namespace: Its variables, `globals()`.

    Returns:
        The parameters and their values.

    Raises:
        ValueError: A name is no parameter, or a value does not have the type of its default.
    """
    defaults = notebook_parameters(notebook)
    place = f"notebooks/{notebook_file(notebook).name}"
    for name, value in namespace.items():
        if _could_be_injected(name, value) and name not in defaults:
            raise ValueError(f"{place}: {unknown_parameter(name, defaults)}")
    for name, default in defaults.items():
        value = namespace[name]
        if name not in ALTERNATIVE_TYPES and not _same_type(value, default):
            hint = f"; with papermill: -y '{name}: …'" if isinstance(default, dict) else ""
            raise ValueError(
                f"{place}: {name} is {value!r} ({type(value).__name__}), but its default is "
                f"{default!r} ({type(default).__name__}){hint}"
            )
    return {name: namespace[name] for name in defaults}


def _could_be_injected(name: str, value: object) -> bool:
    """Tells whether papermill could have set this variable; IPython sets In, Out and _names."""
    if name in ("In", "Out") or name.startswith("_"):
        return False
    return value is None or isinstance(value, str | int | float | list | dict)


def _same_type(value: object, default: object) -> bool:
    """Tells whether a value has the type of a default: None fits all, an integer fits a float."""
    if value is None or default is None:
        return True
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(default)
