"""What executed notebooks leave: their copy, tables and figures come to their place together.

A notebook of a study is executed with `HBT_OUTPUT` naming a folder beside its place. When it ends,
its files are written down in the study's manifest, `results/STUDY/manifest.json`, and moved to
their place. So it is known which notebook makes a file that is found damaged.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hbtlib.files import DamagedFile, move, read_json, write_json
from hbtlib.study import manifest
from hbtlib.study.folders import lock
from hbtlib.study.project import OUTPUT, project_folder

Records = dict[str, dict[str, manifest.Entry]]
"""For each executed notebook the entries of its files, by their paths in the project."""


def executed(study: str, name: str) -> Path:
    """Returns the place of an executed notebook: `results/STUDY/notebooks/NAME.ipynb`."""
    return project_folder() / "results" / study / "notebooks" / f"{name}.ipynb"


@contextmanager
def placed_together(study: str, name: str, working_copy: Path) -> Iterator[None]:
    """Puts all that a notebook writes in its place, when the block that executes it has ended.

    Args:
        study: The name of the study.
        name: The name of the executed notebook.
        working_copy: The executed copy that the block writes.

    Yields:
        Nothing. If the block raises, what the notebook wrote is removed, but for its copy.
    """
    part = working_copy.with_name(f".{name}.part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "results" / study).mkdir(parents=True)
    before = os.environ.get(OUTPUT)
    os.environ[OUTPUT] = str(part)
    try:
        yield
        _place(study, name, part, working_copy)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if before is None:
            del os.environ[OUTPUT]
        else:
            os.environ[OUTPUT] = before


def _place(study: str, name: str, part: Path, working_copy: Path) -> None:
    """Writes the files of a notebook down and moves them to their places, its copy last."""
    project = project_folder()
    target = executed(study, name)
    files = {path.relative_to(part).as_posix(): path for path in part.rglob("*") if path.is_file()}
    entries = {place: manifest.entry(path) for place, path in files.items()}
    entries[target.relative_to(project).as_posix()] = manifest.entry(working_copy)
    with _locked(study):
        try:
            records = read_records(study)
        except DamagedFile:  # the notebooks that were in it are made again at the next start
            records = {}
        for other in records.values():
            for place in entries:
                other.pop(place, None)  # a file belongs to the notebook that wrote it last
        _write_records(study, {**records, name: entries})
        for place, path in files.items():
            (project / place).parent.mkdir(parents=True, exist_ok=True)
            move(path, project / place)
        move(working_copy, target)


def read_records(study: str) -> Records:
    """Reads what the executed notebooks of a study wrote.

    Args:
        study: The name of the study.

    Returns:
        The records; none if no notebook was executed yet.

    Raises:
        DamagedFile: The study's manifest is damaged.
    """
    path = _manifest(study)
    if not path.exists():
        return {}
    notebooks = read_json(path).get("notebooks")
    if not isinstance(notebooks, dict):
        raise DamagedFile(f"{path} is damaged (it does not list notebooks)")
    return {name: manifest.from_json(files, path) for name, files in notebooks.items()}


def _write_records(study: str, records: Mapping[str, Mapping[str, manifest.Entry]]) -> None:
    """Writes the manifest of a study."""
    notebooks = {name: manifest.as_json(records[name]) for name in sorted(records)}
    write_json(_manifest(study), {"notebooks": notebooks})


def discard_damaged(study: str, names: list[str], dry_run: bool = False) -> list[str]:
    """Removes executed notebooks of which a file is damaged, so that they are made again.

    Args:
        study: The name of the study.
        names: The names of its executed notebooks.
        dry_run: Whether they are only named.

    Returns:
        A sentence for each damaged one; it names the file.
    """
    if not any(executed(study, name).exists() for name in names) and not _manifest(study).exists():
        return []
    found = []
    with _locked(study):
        try:
            records = read_records(study)
        except DamagedFile as error:
            found.append(str(error))
            records = {}
        for name in names:
            said = _first_fault(study, name, records)
            if said and not dry_run:
                executed(study, name).unlink(missing_ok=True)
            if said:
                found.append(f"{said}: the notebook {name} is executed again")
    return found


def _first_fault(study: str, name: str, records: Records) -> str | None:
    """Says what is wrong with the first damaged file of an executed notebook, if one is."""
    if name not in records:
        copy = executed(study, name)
        return f"{copy} cannot be verified, as no manifest has it" if copy.exists() else None
    project = project_folder()
    faults = (manifest.fault(project / place, entry) for place, entry in records[name].items())
    return next((said for said in faults if said), None)


def _manifest(study: str) -> Path:
    return project_folder() / "results" / study / manifest.FILE


@contextmanager
def _locked(study: str) -> Iterator[None]:
    """Holds the lock of a study's manifest; several notebooks may end at the same time."""
    file = _manifest(study).with_name(f".{manifest.FILE}.lock")
    with lock(file):
        yield
        file.unlink(missing_ok=True)
