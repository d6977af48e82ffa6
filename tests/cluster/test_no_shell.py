"""Nothing that a user writes into a study or after `make` is run by a shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the notebooks, the Snakefile and the Makefile, whose set-up is done."""
    unwanted = shutil.ignore_patterns(".ipynb_checkpoints", "studies")
    shutil.copytree(REPOSITORY / "notebooks", tmp_path / "notebooks", ignore=unwanted)
    (tmp_path / "notebooks" / "studies").mkdir()
    for name in ("Snakefile", "Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(REPOSITORY / name, tmp_path)
    return tmp_path


def make(project: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs make; the set-up of .venv counts as done."""
    return subprocess.run(
        ["make", "-o", ".venv/.ready", *words],
        cwd=project,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


RUN_BY_A_SHELL = [
    "x; touch pwned #",
    "$(touch pwned)",
    "`touch pwned`",
    "x' ; touch pwned ; '",
    'x" ; touch pwned ; "',
    "x\ntouch pwned",
    "| touch pwned",
    "../x",
    "-n",
    "",
]
RUN_BY_MAKE = ["$(shell touch pwned)", "${shell touch pwned}"]


@pytest.mark.parametrize("value", [*RUN_BY_A_SHELL, *RUN_BY_MAKE])
@pytest.mark.parametrize("name", ["STUDY", "CORES"])
@pytest.mark.parametrize("target", ["study", "figures"])
def test_make_runs_nothing_that_stands_in_a_variable(
    project: Path, target: str, name: str, value: str
) -> None:
    for done in (make(project, target, f"{name}={value}"), make(project, target, **{name: value})):
        assert not (project / "pwned").exists()
        assert done.returncode != 0
        assert done.stderr.startswith(f"{name} is '{value}', where")


@pytest.mark.parametrize("value", [*RUN_BY_A_SHELL, *RUN_BY_MAKE])
@pytest.mark.parametrize("name", ["STUDY", "CORES", "PYTHON"])
def test_no_target_runs_a_variable(project: Path, name: str, value: str) -> None:
    done = make(project, "help", f"{name}={value}")
    assert done.returncode == 0
    assert value in done.stdout
    for target in (".venv/.ready", "test", "scores", "docs"):
        make(project, target, f"{name}={value}")
    assert not (project / "pwned").exists()


def test_a_study_runs_nothing_but_its_runs(project: Path) -> None:
    evil = {
        "grid": {"strategy": ["x$(touch pwned)"], "seed": [0]},
        "runs": {"a": {"seed": "0|| touch pwned #"}},
    }
    content = {"name": "evil", "question": "Is it run?", "notebooks": [], **evil}
    (project / "notebooks" / "studies" / "evil.yaml").write_text(yaml.safe_dump(content))
    done = subprocess.run(
        [SNAKEMAKE, "--cores", "1", "--config", "study=evil"],
        cwd=project,
        env={**os.environ, "HBT_ROOT": str(project)},
        capture_output=True,
        check=False,
    )
    assert not (project / "pwned").exists()
    assert done.returncode != 0


def test_every_name_in_a_command_of_snakemake_is_quoted() -> None:
    text = (REPOSITORY / "Snakefile").read_text() + (REPOSITORY / "embed.smk").read_text()
    commands = re.findall(r"shell:\n((?: {8}.*\n)+)", text)
    commands += re.findall(r"^(?:THREADS|WHAT) = \(\n((?: {4}.*\n)+)\)", text, flags=re.M)
    assert len(commands) == 7
    for command in commands:
        fields = re.findall(r"\{([^{}]*)\}", command)
        assert fields
        assert [field for field in fields if not field.endswith(":q")] == []
