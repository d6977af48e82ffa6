"""Studies: from a YAML file to runs, their folders, and the tables that notebooks show.

`ROOT` is the project's folder, looked up when it is asked for (see `project_folder`). All other
names are fetched from the module that has them when they are first used.
"""

from typing import Any

import lazy_loader

_fetch, __dir__, __all__ = lazy_loader.attach(
    __name__,
    ["encoders", "paper", "report"],
    {
        "config": ["load", "study_names"],
        "encoders_measured": ["Measured", "changes", "measure_ranks", "measure_vectors"],
        "failures": ["what_failed"],
        "folders": ["Workplace", "lock", "move", "unlike", "whole", "write_json"],
        "parameters": ["check", "notebook_file", "notebook_parameters"],
        "project": ["output_folder", "project_folder"],
        "provenance": ["environment"],
        "resources": ["run_resources"],
        "results": ["collect", "figures", "run_environment", "run_table", "summary"],
        "runs": ["Run", "run_name"],
        "studies": ["Study"],
        "together": ["asked_of"],
        "upkeep": ["discard_damaged", "seal_study"],
    },
)


def __getattr__(name: str) -> Any:
    """Returns the project's folder for `ROOT`, and everything else from the module that has it."""
    if name == "ROOT":
        from hbtlib.study.project import project_folder

        return project_folder()
    return _fetch(name)
