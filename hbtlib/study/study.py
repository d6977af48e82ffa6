"""The names that this module held before the room had several; import them from `hbtlib.study`."""

from typing import Any

from hbtlib.study.config import load
from hbtlib.study.folders import Workplace, lock, move, unlike, whole, write_json
from hbtlib.study.parameters import check, notebook_file, notebook_parameters
from hbtlib.study.project import project_folder
from hbtlib.study.provenance import environment
from hbtlib.study.results import collect, figures, summary
from hbtlib.study.runs import Run, run_name
from hbtlib.study.studies import Study

__all__ = [
    "Run",
    "Study",
    "Workplace",
    "check",
    "collect",
    "environment",
    "figures",
    "load",
    "lock",
    "move",
    "notebook_file",
    "notebook_parameters",
    "run_name",
    "summary",
    "unlike",
    "whole",
    "write_json",
]


def __getattr__(name: str) -> Any:
    """Returns the project's folder for `ROOT`."""
    if name == "ROOT":
        return project_folder()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
