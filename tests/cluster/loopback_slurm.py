"""A real Slurm of one controller and one node, on the loopback interface of this machine.

All that it writes is in one folder. `python tests/cluster/loopback_slurm.py FOLDER` starts one, for
trials by hand, and stops it at Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
"""Programs of Debian's packages slurmctld, slurmd, slurm-client and munge."""

CONFIGURATION = """\
ClusterName=loopback
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MpiDefault=none
# A node that does not answer for ten seconds is down, and comes back when it answers again.
SlurmdTimeout=10
ReturnToService=2
KillWait=5
# squeue tells of ended jobs for ten minutes: there is no slurmdbd, so sacct tells nothing.
MinJobAge=600
NodeName=node1 NodeHostname=localhost NodeAddr=127.0.0.1 CPUs=2 RealMemory=16000
PartitionName=main Nodes=node1 Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """Returns what a Slurm on this machine lacks: programs, or the right to start them."""
    lacking = [program for program in NEEDED if shutil.which(program, path=_path()) is None]
    if os.geteuid() != 0:
        lacking.append("the rights of root")
    return lacking


def _path() -> str:
    """The search path with the folders of system programs, which not every user has in it."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


class LoopbackSlurm:
    """A Slurm in a folder.

    Attributes:
        folder: What it writes.
        environment: The environment in which Slurm's commands find it.
    """

    def __init__(self, folder: Path) -> None:
        """Writes its configuration and its key."""
        self.folder = folder
        for name in ("state", "spool"):
            (folder / name).mkdir(parents=True)
        key = folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        self._configuration = folder / "slurm.conf"
        ports = dict(zip(("controller_port", "node_port"), _free_ports(2), strict=True))
        self._configuration.write_text(CONFIGURATION.format(folder=folder, **ports))
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(self._srun().parent), _path()]),
            "SLURM_CONF": str(self._configuration),
        }

    def _srun(self) -> Path:
        """Writes an srun that knows the configuration.

        The executor's job step removes SLURM_CONF from the environment, because clusters have
        their configuration in /etc.
        """
        script = self.folder / "bin" / "srun"
        script.parent.mkdir()
        srun = shutil.which("srun", path=_path())
        script.write_text(f'#!/bin/sh\nSLURM_CONF={self._configuration} exec {srun} "$@"\n')
        script.chmod(0o755)
        return script

    def run(self, *command: str) -> str:
        """Runs one of Slurm's commands and returns what it prints."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def start(self) -> None:
        """Starts munge, the controller and the node, and waits until the node is idle."""
        folder = self.folder
        options = ["key-file=munge.key", "socket=munge.socket", "pid-file=munged.pid"]
        options += ["log-file=munged.log", "seed-file=munged.seed"]
        self.run("munged", "--force", *(f"--{o.replace('=', f'={folder}/')}" for o in options))
        self.run("slurmctld", "-c")
        self.start_node()

    def start_node(self) -> None:
        """Starts the node and waits until it takes jobs."""
        self.run("slurmd", "-N", "node1")
        wait_for(lambda: self.node_state().startswith(("idle", "mix", "alloc")), 60)

    def node_state(self) -> str:
        """Returns the state of the node: idle, mixed, allocated, down, …"""
        return self.run("sinfo", "--noheader", "--format=%T").strip()

    def jobs(self) -> list[tuple[str, str, str]]:
        """Returns number, state and comment (the rule and its wildcard) of every job, oldest first.

        Ended jobs are among them.
        """
        lines = self.run("squeue", "--states=all", "--noheader", "--sort=i", "--format=%i|%T|%k")
        return [tuple(line.split("|", 2)) for line in lines.splitlines()]  # type: ignore[misc]

    def lose_node(self) -> None:
        """Kills all that runs on the node, as a power cut does, and waits until it counts as down.

        The controller and the programs that submit jobs go on.
        """
        for process in _processes(self._configuration):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        wait_for(lambda: self.node_state().startswith("down"), 120)

    def stop(self) -> None:
        """Stops everything."""
        for process in _processes(self._configuration):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        for name in ("slurmctld", "munged"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                os.kill(int((self.folder / f"{name}.pid").read_text()), signal.SIGTERM)


def _free_ports(n: int) -> list[int]:
    """Returns ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _processes(configuration: Path) -> Iterator[int]:
    """Yields the processes of the node: slurmd, its slurmstepd, and the jobs' own."""
    ours = f"SLURM_CONF={configuration}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (folder / "environ").read_bytes().split(b"\0")
            name = (folder / "comm").read_text().strip()
            in_a_job = any(variable.startswith(b"SLURM_JOB_ID=") for variable in environment)
            if ours in environment and (in_a_job or name in ("slurmd", "slurmstepd")):
                yield int(folder.name)


def wait_for(holds: Callable[[], bool], seconds: float) -> None:
    """Waits until something holds.

    Raises:
        TimeoutError: It does not hold after so many seconds.
    """
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} seconds")
        time.sleep(0.5)


if __name__ == "__main__":
    slurm = LoopbackSlurm(Path(sys.argv[1]).resolve())
    slurm.start()
    print(f"export SLURM_CONF={slurm.environment['SLURM_CONF']}", flush=True)
    try:
        signal.pause()
    finally:
        slurm.stop()
