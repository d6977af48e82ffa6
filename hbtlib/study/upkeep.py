"""What keeps the results of a study in order: damage is found, and older results get manifests."""

from hbtlib.files import read_table
from hbtlib.study import manifest
from hbtlib.study.config import load
from hbtlib.study.folders import unlike


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
