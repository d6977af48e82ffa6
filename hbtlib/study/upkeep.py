"""What keeps the results of a study in order: damage is found, and older results get manifests."""

from collections.abc import Sequence

from hbtlib.files import read_table
from hbtlib.study import manifest, shown
from hbtlib.study.config import load
from hbtlib.study.folders import fault, unlike
from hbtlib.study.project import project_folder
from hbtlib.study.runs import Run


def discard_damaged(name: str, dry_run: bool = False) -> list[str]:
    """Finds what is damaged among a study's results, and has it made again.

    Executed notebooks are removed if one of their files is damaged or missing: their copy, a table
    or a figure. Runs stay where they are until they are made again, which happens because they are
    not `whole`. The Snakefile calls this once, before it asks what there is to do.

    Args:
        name: The name of the study.
        dry_run: Whether what is damaged is only named, and nothing is removed.

    Returns:
        A sentence for each damaged run and notebook. It names the file.
    """
    study = load(name)
    root = f"{project_folder()}/"
    found = _damaged_runs(study.runs)
    found += shown.discard_damaged(name, list(study.shown()), dry_run)
    return [sentence.replace(root, "") for sentence in found]


def _damaged_runs(runs: Sequence[Run]) -> list[str]:
    """Returns a sentence for each run that is not whole, but for those not made yet."""
    there = [run for run in runs if run.folder.is_dir()]
    without = [run for run in there if not (run.folder / "model").is_dir()]
    found = []
    if without:
        found.append(
            f"{len(without)} of {len(runs)} runs have no model, as in a fresh clone: they are made "
            "again"
        )
    for run in there:
        said = None if run in without else fault(run.folder, run.parameters)
        if said:
            found.append(f"{said}: the run {run.name} is made again")
    return found


def seal_study(name: str) -> list[str]:
    """Writes the manifests of runs that were made before runs had one.

    What is there is taken as it is, so this is for results that are known to be good, such as those
    of a clean checkout. Runs that have a manifest are left alone.

    Args:
        name: The name of the study.

    Returns:
        The names of the runs that got a manifest.

    Raises:
        ValueError: A run was made with other parameters than the study has.
        DamagedFile: A table cannot be read.
    """
    sealed = []
    for run in load(name).runs:
        if not run.folder.is_dir() or (run.folder / manifest.FILE).exists():
            continue
        changed = unlike(run.folder, run.parameters)
        if changed:
            raise ValueError(f"{run.folder} was made with another {', '.join(changed)}")
        for table in run.folder.glob("*.parquet"):
            read_table(table)
        manifest.seal(run.folder, run.name)
        sealed.append(run.name)
    return sealed
