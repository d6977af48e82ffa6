"""The parameters of notebooks: what they are, their defaults, and whether given values fit.

A notebook's parameters are the assignments in its cell tagged `parameters`. They are read from the
notebook's source. What their values may be is said in `hbtlib.study.schema`.
"""

import ast
import copy
import difflib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hbtlib.checks import check_name, short
from hbtlib.study.project import project_folder

LOCATION = ("study", "folder")
"""Parameters that say where a run is written, not what it is."""


def notebook_file(notebook: str) -> Path:
    """Returns the source file of a notebook.

    Args:
        notebook: Its name without its number: `train` is `notebooks/03-train.ipynb`.

    Returns:
        The path of the file.

    Raises:
        ValueError: There is no such notebook. The message names those there are.
    """
    check_name("notebook", notebook)
    folder = project_folder() / "notebooks"
    changed = folder.stat().st_mtime_ns if folder.is_dir() else 0
    files = _files(folder, changed)
    if notebook not in files:
        there_are = ", ".join(files) or "none"
        raise ValueError(f"no notebook {notebook!r} in {folder}; there are {there_are}")
    return files[notebook]


@lru_cache(maxsize=16)
def _files(folder: Path, changed: int) -> dict[str, Path]:
    """Returns the notebooks of a folder by their names; looked up again when the folder changed.

    All but `explore`, which belongs to no step, have a number before their name.
    """
    found: dict[str, Path] = {}
    for file in sorted(folder.glob("*.ipynb")):
        found.setdefault(re.sub(r"\A[0-9]{2}-", "", file.stem), file)
    return found


def notebook_parameters(notebook: str) -> dict[str, Any]:
    """Returns the parameters of a notebook with their defaults, in the order they stand there.

    Args:
        notebook: Its name without its number.

    Returns:
        The values assigned in its cell tagged `parameters`.

    Raises:
        ValueError: There is no such notebook, it is damaged, or it has no cell with this tag.
    """
    return copy.deepcopy(dict(defaults_of(notebook)))


def defaults_of(notebook: str) -> Mapping[str, Any]:
    """Returns what `notebook_parameters` does, to look at and not to change: it is kept.

    Args:
        notebook: Its name without its number.

    Returns:
        The values assigned in its cell tagged `parameters`.
    """
    file = notebook_file(notebook)
    about = file.stat()
    return _read(file, (about.st_mtime_ns, about.st_size, about.st_ino))


@lru_cache(maxsize=64)
def _read(file: Path, version: tuple[int, ...]) -> Mapping[str, Any]:
    """Reads the parameters of a notebook; they are read again when the file changed."""
    try:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        for cell in cells:
            if "parameters" in cell["metadata"].get("tags", []):
                return MappingProxyType(_assignments("".join(cell["source"])))
    except (ValueError, SyntaxError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} is no notebook that can be read ({short(str(error))})") from None
    raise ValueError(f"{file} has no cell tagged 'parameters'")


def _assignments(source: str) -> dict[str, Any]:
    """Returns the names that the source assigns literals to, with these literals."""
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def unknown_parameter(name: object, known: Mapping[str, Any]) -> str:
    """Returns a message about a name that is no parameter.

    Args:
        name: The name that was given.
        known: The parameters there are.

    Returns:
        A sentence with the parameter that was probably meant, or with those there are.

    Example:
        >>> from hbtlib.study.parameters import unknown_parameter
        >>> unknown_parameter("stratgy", {"strategy": "hybrid", "seed": 0})
        "no parameter 'stratgy': did you mean 'strategy'?"
    """
    close = difflib.get_close_matches(str(name), list(known), n=1)
    if close and close[0] != name:
        return f"no parameter {short(name)}: did you mean {close[0]!r}?"
    choices = [other for other in known if other not in LOCATION]
    more = ", … (docs/guide/parameters.md has them all)" if len(choices) > _LISTED else ""
    return f"no parameter {short(name)}: there are {', '.join(choices[:_LISTED])}{more}"


_LISTED = 15
"""So many names fit into a sentence."""


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
        ValueError: A name is no parameter, or a value is none that the parameter may have.
    """
    defaults = defaults_of(notebook)
    place = f"notebooks/{notebook_file(notebook).name}"
    for name, value in namespace.items():
        if _could_be_injected(name, value) and name not in defaults:
            raise ValueError(f"{place}: {unknown_parameter(name, defaults)}")
    missing = [name for name in defaults if name not in namespace]
    if missing:
        raise ValueError(f"{place}: the parameter {missing[0]} is not set")
    given = {name: namespace[name] for name in defaults}
    try:
        check_values(notebook, given)
        if notebook == "train":
            check_combination(given)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
    return given


def check_values(notebook: str, given: Mapping[str, Any]) -> None:
    """Checks parameters of a notebook, each by itself.

    Args:
        notebook: The name of the notebook without its number.
        given: Some of its parameters.

    Raises:
        ValueError: A value is none that the parameter may have. One sentence, without the place.
    """
    from hbtlib.study.schema import problem, schema_of  # most callers read defaults alone

    defaults = defaults_of(notebook)
    found = problem(schema_of(notebook, defaults), given)
    if found is None:
        return
    name, sentence = found
    if isinstance(defaults.get(name), dict) and isinstance(given[name], str):
        sentence += f"; with papermill: -y '{name}: …'"
    raise ValueError(sentence)


def check_combination(parameters: Mapping[str, Any]) -> None:
    """Checks the parameters of the train notebook together.

    Args:
        parameters: All of them, each checked by `check_values`.

    Raises:
        ValueError: Two of them do not go together. One sentence, without the place.
    """
    from hbtlib.study.together import USED, check_together

    if all(name in parameters for name in USED):  # else somebody made a notebook of his own
        check_together(parameters)


def _could_be_injected(name: str, value: object) -> bool:
    """Tells whether papermill could have set this variable; IPython sets In, Out and _names."""
    if name in ("In", "Out") or name.startswith("_"):
        return False
    return value is None or isinstance(value, str | int | float | list | dict)
