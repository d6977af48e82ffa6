"""Too little memory for a run: by a limit of the process, and by a cgroup whose kernel kills."""

from __future__ import annotations

import contextlib
import os
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness import (
    Project,
    Trial,
    differences,
    finish,
    is_traceback,
    make_project,
    of_run,
    sentence_with,
    undisturbed,
)
from two_drivers import a_run

FAMILY = "too little memory"
MB = 2**20
ADDRESS_SPACES = (1200, 2000)
"""Limits of the address space, in MB: too little to import torch, and to load an encoder."""

CGROUP = Path("/sys/fs/cgroup/memory")
RESIDENT = (250, 400)
"""Limits of a cgroup's memory, in MB: the kernel is killed while it loads, and while it works."""


def trials(quick: bool = False) -> Iterator[Trial]:
    """Makes one run with too little memory, several times, and at last with enough."""
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder) / "project", notebooks=["results"])
        found: list[tuple[str, int, str]] = []
        with memory_cgroup() as group:
            if group is None:
                found.append((f"skipped: no memory cgroup under {CGROUP}", 0, ""))
            else:
                found += [cgroup(project, group, limit) for limit in RESIDENT]
        found += [address_space(project, limit) for limit in ADDRESS_SPACES]
        finish(project.engine("train", "quick", a_run()))
        made, expected = of_run(project.state(), a_run()), of_run(undisturbed().state, a_run())
        differing = differences(made, expected)
    for fault, status, output in found:
        if fault.startswith("skipped"):
            yield Trial(FAMILY, fault, "")
            continue
        said = sentence_with(output, "memory")
        yield Trial(
            FAMILY,
            fault,
            f"{fault}: engine train",
            survived=not differing,
            named=status != 0 and bool(said) and not is_traceback(output),
            lost=bool(differing),
            unexplained=status != 0 and (is_traceback(output) or not said),
            said=said or output[-300:],
        )


def address_space(project: Project, limit: int) -> tuple[str, int, str]:
    """Makes the run with a limited address space."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit * MB, limit * MB))

    process = project.engine("train", "quick", a_run(), preexec_fn=limited)
    return (f"address space of {limit} MB", *finish(process))


@contextlib.contextmanager
def memory_cgroup() -> Iterator[Path | None]:
    """Makes a memory cgroup; gives None where that is not possible."""
    group = CGROUP / f"hbt-faults-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        yield None
        return
    try:
        yield group
    finally:
        with contextlib.suppress(OSError):
            group.rmdir()


def cgroup(project: Project, group: Path, limit: int) -> tuple[str, int, str]:
    """Makes the run in a cgroup of little memory."""
    (group / "memory.limit_in_bytes").write_text(str(limit * MB))

    def joined() -> None:
        (group / "cgroup.procs").write_text(str(os.getpid()))

    process = project.engine("train", "quick", a_run(), preexec_fn=joined)
    return (f"{limit} MB of memory (cgroup)", *finish(process))
