"""Names with shell commands in them, through Snakemake and through make.

Some studies are really made, so that a command in a name would run; the others are dry runs of the
fuzz's YAMLs. No file `pwned` may appear, and nothing may be written outside the project.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from harness import (
    QUICK,
    Project,
    Trial,
    finish,
    is_sentence,
    is_traceback,
    make_project,
)
from values import NASTY
from yaml_fuzz import WRITABLE, broken, places

FAMILY = "shell and Snakemake"
SEED = 1
DRY_RUNS = 36

STUDIES: dict[str, dict[str, Any]] = {
    "a strategy": {"grid": {"strategy": ["x$(touch pwned)"], "seed": [0]}},
    "a seed": {"grid": {"seed": [0]}, "runs": {"a": {"seed": "0|| touch pwned #"}}},
    "an arm": {"grid": {"seed": [0]}, "runs": {"`touch pwned`": {"strategy": "none", "alpha": 1}}},
    "a value of the grid": {"grid": {"alpha": ["$(touch pwned)"], "seed": [0]}},
    "a notebook": {"notebooks": ["results; touch pwned #"]},
    "a notebook elsewhere": {"notebooks": ["../../pwned"]},
    "a benchmark": {"parameters": {**QUICK["parameters"], "benchmark": "$(touch pwned)"}},
    "languages": {"parameters": {**QUICK["parameters"], "languages": "../../pwned de"}},
}
"""What differs from the study `quick`."""

MAKE = [
    "x; touch pwned #",
    "$(touch pwned)",
    "`touch pwned`",
    "x && touch pwned",
    "../worldfacts",
    "quick' ; touch pwned ; '",
    "x|touch pwned",
    "",
]
"""What is given to make as STUDY."""


def trials(quick: bool = False) -> Iterator[Trial]:
    """Runs Snakemake and make with these names."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = make_project(folder / "deep" / "project")
        for what, changed in STUDIES.items():
            project.write_study(**changed)
            status, output = finish(project.driver())
            belongs = what == "an arm"  # of its name, letters alone come into that of a run
            yield judged(folder, "a command in a study, made", what, status, output, belongs)
        make_ready(project)
        project.write_study()
        for study in MAKE:
            process = project.command("make", "study", f"STUDY={study}", "CORES=1")
            status, output = finish(process)
            yield judged(folder, "a command in STUDY of make", repr(study), status, output)
        yield from dry_runs(project, folder)


def make_ready(project: Project) -> None:
    """Gives the project the environment that make would set up."""
    binaries = project.folder / ".venv" / "bin"
    binaries.parent.mkdir()
    for name in ("pyproject.toml", "requirements.lock"):
        (project.folder / name).touch()
    binaries.symlink_to(Path(sys.executable).parent)
    (binaries.parent / ".ready").touch()


def dry_runs(project: Project, folder: Path) -> Iterator[Trial]:
    """Plans studies with a value that does not belong where it stands."""
    rng = random.Random(SEED)
    chosen = [(place, label) for place in places() for label in WRITABLE]
    for (part, name), label in rng.sample(chosen, DRY_RUNS):
        content, belongs = broken(part, name, NASTY[label]())
        project.write_yaml("quick", yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
        status, output = finish(project.driver("-n"))
        what = f"{part}: {name}: {label}"
        yield judged(folder, "a bad study, dry run", what, status, output, belongs)


def judged(
    folder: Path, fault: str, what: str, status: int, output: str, belongs: bool = False
) -> Trial:
    """Judges a command: it is refused in one sentence, or the study is a valid one."""
    made = list(folder.rglob("pwned*"))
    for file in made:
        subprocess.run(["rm", "-rf", str(file)], check=True)
    sentences = [line for line in output.splitlines() if line.strip()]
    short = len(sentences) <= 12 and any(is_sentence(line) for line in sentences)
    named = status != 0 and short and not is_traceback(output)
    return Trial(
        FAMILY,
        fault,
        what,
        survived=status == 0 and belongs,
        named=named,
        lost=bool(made) or (status == 0 and not belongs),
        unexplained=status != 0 and not named,
        said=f"wrote {made[0].name}" if made else output[-300:],
    )
