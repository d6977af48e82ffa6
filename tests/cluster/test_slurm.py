"""The default study with one seed on a real Slurm: a job cancelled, a node gone and back.

`python -m pytest -m slow tests/cluster/test_slurm.py` takes half an hour on a busy
machine. Its log goes to the file that HBT_SLURM_LOG names; `results/reliability/slurm.log` is one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import loopback_slurm
import pytest
import yaml
from loopback_slurm import LoopbackSlurm, wait_for

REPOSITORY = Path(__file__).resolve().parents[2]
SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))
SLURM_OPTIONS = ["--profile", "profiles/slurm", "--slurm-no-account"]
# There is no slurmdbd here, which sacct would ask; and jobs are short.
SLURM_OPTIONS += ["--slurm-status-command", "squeue"]
SLURM_OPTIONS += ["--slurm-init-seconds-before-status-checks", "3"]

lacking = loopback_slurm.missing()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.cluster,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(bool(lacking), reason=f"no Slurm here: {', '.join(lacking)} missing"),
]


class Log:
    """Lines with the seconds since the beginning, printed and kept in a file."""

    def __init__(self, file: Path) -> None:
        self.file, self.begun = file, time.monotonic()
        file.write_text("")

    def __call__(self, text: str) -> None:
        line = f"{time.monotonic() - self.begun:6.0f} s  {text}"
        print(line, flush=True)
        with self.file.open("a") as file:
            file.write(line + "\n")


def make_project(folder: Path) -> Path:
    """Makes a project with the study worldfacts, of one seed, and the results it compares with."""
    for name in ("notebooks", "profiles", "results/worldfacts-rivals", "results/paper"):
        shutil.copytree(REPOSITORY / name, folder / name)
    shutil.copy(REPOSITORY / "Snakefile", folder)
    for name in ("worldfacts", "worldfacts-rivals"):
        file = folder / "notebooks" / "studies" / f"{name}.yaml"
        study = yaml.safe_load(file.read_text())
        study["grid"]["seed"] = [0]
        file.write_text(yaml.safe_dump(study, sort_keys=False))
    return folder


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[LoopbackSlurm]:
    cluster = LoopbackSlurm(tmp_path / "slurm")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def start_study(project: Path, environment: dict[str, str], *options: str) -> subprocess.Popen:
    """Starts Snakemake on the study."""
    environment = {**environment, "HBT_ROOT": str(project)}
    environment["PYTHONPATH"] = str(REPOSITORY)
    return subprocess.Popen(
        [SNAKEMAKE, *options, "--config", "study=worldfacts"], cwd=project, env=environment
    )


def watch(slurm: LoopbackSlurm, log: Log, seen: dict[str, str]) -> None:
    """Logs every job whose state is another than when this was last called."""
    for number, state, comment in slurm.jobs():
        if seen.get(number) != state:
            log(f"job {number}  {state:11} {comment}")
            seen[number] = state


def training_job(
    slurm: LoopbackSlurm, project: Path, log: Log, seen: dict[str, str]
) -> tuple[str, str]:
    """Waits until a running job has a checkpoint; returns its number and the name of its run."""
    found: list[tuple[str, str]] = []

    def trains() -> bool:
        watch(slurm, log, seen)
        for number, state, comment in slurm.jobs():
            run = comment.rpartition("_")[2].removeprefix("wildcards_")
            parts = (project / "results" / "worldfacts").glob(".*.part/checkpoints/*")
            if state == "RUNNING" and any(run.endswith(part.parts[-3][1:-5]) for part in parts):
                found.append((number, run))
        return bool(found)

    wait_for(trains, 900)
    return found[0]


def tables(project: Path) -> dict[str, bytes]:
    """The bytes of all tables, without those that hold times."""
    return {
        str(file.relative_to(project)): file.read_bytes()
        for pattern in ("*/*.parquet", "*.csv", "*.md")
        for file in sorted((project / "results" / "worldfacts").glob(pattern))
        if file.name != "cost.csv"
    }


def live_through_it(slurm: LoopbackSlurm, project: Path, log: Log) -> int:
    """Makes the study on Slurm, cancels a job, takes the node away and gives it back.

    Returns:
        The status that Snakemake ends with.
    """
    seen: dict[str, str] = {}
    log(f"Slurm {slurm.run('sinfo', '--version').split()[-1]}; node1 is {slurm.node_state()}")
    driver = start_study(project, slurm.environment, *SLURM_OPTIONS)
    try:
        number, cancelled = training_job(slurm, project, log, seen)
        n_jobs = len(slurm.jobs())
        slurm.run("scancel", number)
        log(f"-- job {number}, which has trained for some steps, was cancelled by scancel")
        wait_for(lambda: len(slurm.jobs()) > n_jobs, 120)
        log("-- Snakemake has submitted it again")

        number, lost = training_job(slurm, project, log, seen)
        log(f"-- node1 loses power while job {number} trains")
        slurm.lose_node()
        log(f"-- node1 is {slurm.node_state()}")
        watch(slurm, log, seen)
        slurm.start_node()
        log(f"-- node1 is back: {slurm.node_state()}")

        while driver.poll() is None:
            watch(slurm, log, seen)
            time.sleep(1)
        watch(slurm, log, seen)
    finally:
        driver.terminate()
    for run in (cancelled, lost):
        log(f"{run} resumed: its last job's first line was of step {first_step(project, run)}")
        assert first_step(project, run) > FIRST_STEP
    return driver.wait(timeout=60)


FIRST_STEP = 20
"""The first step of which a training from scratch prints a line."""


def first_step(project: Path, run: str) -> int:
    """Returns the first step of which a run's last job printed a line."""
    said = (project / ".snakemake" / "said" / "worldfacts" / f"{run}.log").read_text()
    return int(re.findall(r"step (\d+) of", said)[0])


def test_a_study_is_made_on_slurm_whatever_happens(slurm: LoopbackSlurm, tmp_path: Path) -> None:
    log = Log(Path(os.environ.get("HBT_SLURM_LOG", tmp_path / "slurm.log")))
    project = make_project(tmp_path / "on-slurm")
    status = live_through_it(slurm, project, log)
    log(f"Snakemake ends with status {status}")
    assert status == 0

    beside = make_project(tmp_path / "without-slurm")
    assert start_study(beside, dict(os.environ), "--cores", "2").wait(timeout=3600) == 0
    ours, theirs = tables(project), tables(beside)
    assert len(ours) > 24
    assert list(ours) == list(theirs)
    assert [name for name in ours if ours[name] != theirs[name]] == []
    log(f"{len(ours)} tables have the same bytes as those made without Slurm")
