"""Snakemake's profiles: what jobs they give, by a dry run; how failures and reports come out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")

PICTURE = """\
from pathlib import Path
import matplotlib.pyplot as plt
folder = Path("figures") / study
folder.mkdir(parents=True, exist_ok=True)
plt.plot([1, 2])
plt.savefig(folder / "a-line.png")
"""


def notebook(*cells: str) -> nbformat.NotebookNode:
    """A notebook whose first cell is its parameters."""
    made = [nbformat.v4.new_code_cell(cell) for cell in cells]
    made[0].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the real notebooks and profiles, and no results."""
    unwanted = shutil.ignore_patterns(".ipynb_checkpoints")
    for name in ("notebooks", "profiles"):
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=unwanted)
    for name in ("Snakefile", "Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(REPOSITORY / name, tmp_path)
    (tmp_path / ".venv").symlink_to(SNAKEMAKE.parents[1])
    return tmp_path


def run(project: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs a command in the project, with this checkout's library."""
    paths = f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    return subprocess.run(
        command,
        cwd=project,
        env={**os.environ, "PYTHONPATH": paths, "HBT_ROOT": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("profile", ["slurm", "kubernetes"])
def test_a_profile_gives_every_run_what_it_needs(project: Path, profile: str) -> None:
    pytest.importorskip(
        f"snakemake_executor_plugin_{profile}", reason="the extra cluster is missing"
    )
    options = ["--profile", f"profiles/{profile}", "--config", "study=paper", "--dry-run"]
    done = run(project, SNAKEMAKE, *options, "--set-resources", "train:gpu=4")
    assert done.returncode == 0, done.stderr
    jobs = re.findall(r"rule train:\n.*?resources: (.*?)\n", done.stdout + done.stderr, re.S)
    assert len(jobs) == 18
    for asked in jobs:
        assert {"mem_mb=64000", "runtime=1060", "gpu=4"} <= set(asked.split(", "))


@pytest.mark.slow
def test_a_run_fails_in_one_line_and_the_others_go_on(project: Path) -> None:
    source = project / "notebooks" / "03-train.ipynb"
    parameters = nbformat.read(source, as_version=4).cells[1].source
    nbformat.write(notebook(parameters, "1 / (seed - 1)", "1 / 0"), source)
    study = {
        "name": "failing",
        "question": "What is said?",
        "grid": {"strategy": ["x-y"], "seed": [0, 1]},
        "notebooks": ["data", "results"],
    }
    (project / "notebooks" / "01-data.ipynb").unlink()
    nbformat.write(notebook('study = "?"', PICTURE), project / "notebooks" / "01-data.ipynb")
    (project / "notebooks" / "studies" / "failing.yaml").write_text(yaml.safe_dump(study))
    done = run(project, "make", "-o", ".venv/.ready", "study", "STUDY=failing")
    assert done.returncode != 0
    assert (project / "results" / "failing" / "notebooks" / "data.ipynb").exists()
    said = [line for line in done.stderr.splitlines() if not line.startswith("Using workflow")]
    assert said[0] == "2 failed; the same command makes them again, and keeps what is made:"
    assert "cell [3] (1 / (seed - 1)) failed with ZeroDivisionError: division by zero" in said[2]
    for line, seed in zip(said[1:3], (0, 1), strict=True):
        part = rf"results/failing/\.x-y-seed{seed}-[0-9a-f]+\.part/notebook\.ipynb"
        found = re.search(part, line)
        assert found
        assert (project / found[0]).exists()
    assert said[3] == "not begun: results"
    assert said[4].startswith("Snakemake's own log is .snakemake/log/")
    assert said[5].startswith("make: ***")
    assert len(said) == 6
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
def test_a_report_shows_the_figures_without_a_network(project: Path) -> None:
    (project / "notebooks" / "01-data.ipynb").unlink()
    nbformat.write(notebook('study = "?"', PICTURE), project / "notebooks" / "01-data.ipynb")
    study = {
        "name": "pictures",
        "question": "Is there a report?",
        "grid": {"strategy": ["none"], "seed": [0]},
        "parameters": {"languages": "en de", "evaluated": "de en", "split": "validation"},
        "notebooks": ["data"],
    }
    (project / "notebooks" / "studies" / "pictures.yaml").write_text(yaml.safe_dump(study))
    done = run(project, "make", "-o", ".venv/.ready", "report", "STUDY=pictures")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "results/pictures/report.html"
    page = (project / "results" / "pictures" / "report.html").read_text(encoding="utf-8")
    assert "a-line.png" in page
    assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="https?:', page) == []
