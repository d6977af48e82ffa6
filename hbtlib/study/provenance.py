"""What a run was made with: versions, device, memory, commit and time."""

import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from typing import Any

from hbtlib.study.project import project_folder

PACKAGES = ("torch", "transformers", "datasets", "numpy", "pandas", "babel")
"""The packages whose versions are kept."""


def environment() -> dict[str, Any]:
    """Describes the machine and the software that this process runs on.

    Returns:
        python: its version; versions: those of `PACKAGES`; device: the GPU's name, else the
        processor and its number of cores; threads: `OMP_NUM_THREADS`; platform: the operating
        system; peak_memory_mb: the most memory this process had; commit: the git commit of the
        project's folder, or None; finished: the time now, in UTC.
    """
    return {
        "python": platform.python_version(),
        "versions": {package: version(package) for package in PACKAGES},
        "device": _device(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "platform": platform.platform(),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "commit": _commit(),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _device() -> str:
    """Returns the name of the GPU if torch is loaded and has one, else that of the processor."""
    torch = sys.modules.get("torch")  # what did not load it used no GPU
    if torch is not None and torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def _commit() -> str | None:
    """Returns the git commit of the project's folder; None where git or a commit is missing."""
    if shutil.which("git") is None:
        return None
    asked = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=project_folder(),
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or None
