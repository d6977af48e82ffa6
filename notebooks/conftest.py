"""The tests of the notebooks: which are not executed, and where the others write."""

import os
import shutil
import tempfile
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "results"

WAITING: dict[str, str] = {}
"""Notebook → its study, whose runs are not made yet. `make study STUDY=…` makes them and shows the
notebook. As soon as all are committed, tests/test_package.py asks for the entry to be taken out."""

collect_ignore = list(WAITING)


def pytest_sessionstart() -> None:
    """Lets notebooks write figures and tables beside the project, which stays as it is."""
    output = Path(tempfile.mkdtemp(prefix="hbtlib-notebooks-"))
    for study in filter(Path.is_dir, RESULTS.iterdir()):
        (output / "results" / study.name).mkdir(parents=True)
    os.environ["HBT_OUTPUT"] = str(output)


def pytest_sessionfinish() -> None:
    """Removes what they wrote."""
    shutil.rmtree(os.environ.pop("HBT_OUTPUT"), ignore_errors=True)
