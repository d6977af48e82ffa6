"""Where the project's folder is: the one that holds `notebooks/`, `results/` and `figures/`.

The library may be installed anywhere, so it never looks for the project beside its own files. The
folder is looked up each time it is needed, and importing this room needs no project.
"""

import os
from pathlib import Path

STUDIES = Path("notebooks", "studies")
"""The folder of studies inside a project, by which a project is recognised."""

OUTPUT = "HBT_OUTPUT"
"""The environment variable that says where a notebook writes, see `output_folder`."""


def project_folder() -> Path:
    """Returns the folder of the project.

    It is the folder that the environment variable `HBT_ROOT` names, else the nearest folder at or
    above the current working directory that has `notebooks/studies/`.

    Returns:
        The absolute path of the project's folder.

    Raises:
        FileNotFoundError: There is no such folder. The message says how to choose one.
    """
    named = os.environ.get("HBT_ROOT")
    if named:
        return _existing(Path(named))
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / STUDIES).is_dir():
            return folder
    raise FileNotFoundError(
        f"no project here: neither {here} nor a folder above it has {STUDIES}. Run this inside a "
        f"clone of the project or another folder that has {STUDIES}, or set the environment "
        "variable HBT_ROOT to such a folder"
    )


def output_folder() -> Path:
    """Returns the folder in which a notebook writes `results/STUDY/…` and `figures/STUDY/…`.

    Returns:
        The folder that the environment variable `HBT_OUTPUT` names (the engine sets it, and moves
        what a notebook wrote to its place when the notebook has ended), else the project's folder.
    """
    named = os.environ.get(OUTPUT)
    return Path(named) if named else project_folder()


def _existing(folder: Path) -> Path:
    """Returns the folder that HBT_ROOT names as an absolute path, if it exists."""
    if not folder.is_dir():
        raise FileNotFoundError(
            f"HBT_ROOT names {folder}, which is not a folder. Set it to the project's folder "
            f"(the one that has {STUDIES}), or unset it and run this inside that folder"
        )
    return folder.absolute()
