"""Run folders: they are written beside their place and moved there when they are whole.

A run folder `results/STUDY/RUN/` is written in `results/STUDY/.RUN.part/`. Whoever writes holds a
lock, so that a process left over from a killed run and its successor never write beside each other.
Before it is moved it gets a manifest (see `hbtlib.study.manifest`), by which damage is noticed.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from hbtlib.files import DamagedFile, read_json, write_json
from hbtlib.study import manifest
from hbtlib.study.parameters import LOCATION, notebook_parameters
from hbtlib.study.processes import is_first
from hbtlib.study.project import project_folder
from hbtlib.study.provenance import environment
from hbtlib.study.runs import Run, run_name

TABLES = ("ranks", "metrics", "questions", "points")
"""The tables that every whole run has."""

VERIFIED = Path(".snakemake", "verified")
"""Where in the project the checksums of unchanged files are remembered, one JSON file a run."""


class Workplace:
    """A run folder that is being written.

    `path` is where to write, and `finish` moves the folder to its place. If the parameters name a
    `folder`, the engine chose it and moves it itself; then `finish` leaves it where it is.

    Attributes:
        run: The run that the parameters stand for.
        path: Where to write, or the run folder if the run is already done.
        done: True if the run already stands whole in its place. Nothing has to be computed then.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        """Finds or makes the folder, takes its lock and writes `parameters.json`.

        Args:
            parameters: All parameters of the train notebook, as `check` returns them.
        """
        folder = parameters.get("folder")
        self._moved_by_engine = folder is not None
        name = run_name(parameters) if folder is None else _name_of_part(Path(folder))
        self.run = Run(parameters["study"], name, dict(parameters))
        self.done = folder is None and whole(self.run.folder, parameters)
        if self.done:
            self.path = self.run.folder
            return
        self.path = self.run.part if folder is None else project_folder() / folder
        if not is_first():
            return  # the first process of the run writes
        self._lock = lock(self.path / ".lock")
        kept = {key: value for key, value in parameters.items() if key != "folder"}
        write_json(self.path / "parameters.json", kept)

    def finish(self, seconds: Mapping[str, float]) -> Path:
        """Writes `environment.json` and moves the folder to its place.

        Args:
            seconds: How long each part of the run took.

        Returns:
            Where the folder is now.
        """
        if self.done:
            return self.path
        write_json(self.path / "environment.json", {**environment(), "seconds": dict(seconds)})
        if not self._moved_by_engine:
            finish(self.path, self.run.folder)
            self.path = self.run.folder
            self.done = True
        self._lock.close()
        return self.path


def _name_of_part(folder: Path) -> str:
    """Returns the name of the run that is written in a folder `.RUN.part`."""
    return folder.name.removeprefix(".").removesuffix(".part")


def whole(folder: Path, parameters: Mapping[str, Any]) -> bool:
    """Tells whether the run of these parameters stands in the folder with all its files.

    The model is one of them. A fresh clone has results without models, so its runs are not whole.

    Args:
        folder: The run folder.
        parameters: The parameters the run should have; those left out are at their defaults.

    Returns:
        True if the run was made with these parameters, and the model, every table the parameters
        ask for and everything else that the run wrote are there as they were written.
    """
    return fault(folder, parameters) is None


def fault(folder: Path, parameters: Mapping[str, Any]) -> str | None:
    """Says why the run of these parameters does not stand whole in the folder.

    Args:
        folder: The run folder.
        parameters: The parameters the run should have; those left out are at their defaults.

    Returns:
        A sentence without a point that names the file; None if the run is whole.
    """
    if not folder.is_dir():
        return f"{folder} does not exist"
    try:
        written = manifest.read_manifest(folder)
        changed = unlike(folder, parameters)
    except DamagedFile as error:
        return str(error)
    if changed:
        return f"{folder} was made with another {', '.join(changed)}"
    for name in _asked(parameters):
        if name not in written.entries:
            return f"{folder / name} is missing"
    return _first_fault(folder, written)


def _asked(parameters: Mapping[str, Any]) -> list[str]:
    """Returns the files that a whole run of these parameters has, among others."""
    asked = {**notebook_parameters("train"), **parameters}
    tables = list(TABLES)
    if asked["top"]:
        tables += ["top"]
    if asked["probes"]:
        tables += ["probes", "language_probe"]
    if asked.get("curve_every"):
        tables += ["curves"]
    files = [f"{table}.parquet" for table in tables]
    return [*manifest.PROVENANCE, "model/modules.json", *files]


def _first_fault(folder: Path, written: manifest.Manifest) -> str | None:
    """Says what is wrong with the first damaged file of a run; None if all are as written."""
    store = project_folder() / VERIFIED / folder.parent.name / f"{folder.name}.json"
    checksum = manifest.RememberedChecksums(store)
    faults = (
        manifest.fault(folder / name, entry, checksum) for name, entry in written.entries.items()
    )
    first = next((found for found in faults if found), None)
    checksum.save()
    return first


def unlike(folder: Path, parameters: Mapping[str, Any]) -> list[str]:
    """Names the parameters in which the run in the folder differs from the ones given.

    They can differ because a default of the train notebook was changed since. A parameter that the
    run does not know was added to the notebook later, with a default that changes nothing, so it
    is no difference.

    Args:
        folder: The run folder.
        parameters: The parameters the run should have; those left out are at their defaults.

    Returns:
        The names of the parameters; none if the folder has no `parameters.json`.

    Raises:
        DamagedFile: `parameters.json` is empty, cut off or not UTF-8. The message names it.
    """
    file = folder / "parameters.json"
    if not file.exists():
        return []
    made_with = read_json(file)
    asked = {**notebook_parameters("train"), **parameters}
    asked = json.loads(json.dumps(asked, default=str))  # as they would stand in the file
    return [
        name
        for name, value in made_with.items()
        if name not in LOCATION and asked.get(name) != value
    ]


def finish(part: Path, folder: Path) -> None:
    """Moves a run folder that has all its files to its place, with a manifest of them.

    Args:
        part: Where the run was written.
        folder: The run folder.
    """
    manifest.seal(part, folder.name)
    move(part, folder)


def move(source: Path, target: Path) -> None:
    """Moves a whole folder to its place, over an older one if there is one.

    Renaming takes no time, so at no moment is there a folder with a part of its files at `target`.

    Args:
        source: The folder to move.
        target: Its place, on the same file system.
    """
    (source / ".lock").unlink(missing_ok=True)
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    source.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def lock(file: Path) -> IO[str]:
    """Takes the lock of a file; waits, and says so, while another process has it.

    Args:
        file: The file to lock. It and its folder are made if they are missing.

    Returns:
        The open file. The lock is free when it is closed (so write `with lock(…):`), or when the
        process ends.
    """
    while True:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = file.open("a")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(
                f"another process writes {file.parent.name}/{file.name}; waiting for it",
                flush=True,
            )
            fcntl.flock(handle, fcntl.LOCK_EX)
        if _is_at(handle, file):
            return handle
        # The process before this one moved the folder, and the locked file with it: begin again.
        handle.close()


def _is_at(handle: IO[str], file: Path) -> bool:
    """Tells whether the open file is the one that this path leads to now."""
    try:
        return os.path.samestat(os.fstat(handle.fileno()), file.stat())
    except FileNotFoundError:
        return False
