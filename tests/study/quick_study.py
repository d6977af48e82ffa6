"""A project of its own for a test: the real notebooks, and a study of two quick runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from hbtlib import files
from hbtlib.study import manifest
from hbtlib.study.runs import Run

REPOSITORY = Path(__file__).resolve().parents[2]

QUICK: dict[str, Any] = {
    "name": "quick",
    "question": "Does it run?",
    "grid": {"strategy": ["x-y", "hybrid"], "seed": [0]},
    "parameters": {
        "languages": "en de",
        "evaluated": "de el en",
        "steps": 20,
        "evaluate_every": 5,
        "batch_size": 16,
        "split": "validation",
    },
    "notebooks": [],
}
"""The YAML of the study `quick`."""

TABLES = (
    "ranks",
    "metrics",
    "questions",
    "points",
    "top",
    "probes",
    "language_probe",
    "training_log",
)
"""The tables of a run that trains."""


def make_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies the notebooks and the Snakefile, and makes the folder the project's folder."""
    unwanted = shutil.ignore_patterns(".ipynb_checkpoints")
    shutil.copytree(REPOSITORY / "notebooks", folder / "notebooks", ignore=unwanted)
    shutil.copy(REPOSITORY / "Snakefile", folder)
    write_study(folder, QUICK)
    monkeypatch.setenv("HBT_ROOT", str(folder))
    return folder


def write_study(project: Path, content: dict[str, Any], **changed: Any) -> Path:
    """Writes the YAML of a study, with some keys changed."""
    file = project / "notebooks" / "studies" / f"{content['name']}.yaml"
    file.write_text(yaml.safe_dump({**content, **changed}, sort_keys=False))
    return file


def seal_run(run: Run) -> None:
    """Writes what a run folder must have beside its tables to be read."""
    for name, content in {"parameters.json": run.parameters, "environment.json": {}}.items():
        if not (run.folder / name).exists():
            files.write_json(run.folder / name, content)
    manifest.seal(run.folder, run.name)
