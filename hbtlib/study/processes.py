"""Several GPUs for one run: its notebook is executed by one process, and others train with it.

The engine starts them by `accelerate launch` and holds the run's lock while they work. The first
process executes the train notebook as it does without the others; papermill's kernel inherits what
`accelerate launch` sets in the environment (RANK, WORLD_SIZE, MASTER_ADDR, …), so `hbt.train` in it
trains as the first of several. Every other process runs the notebook's cells up to the training and
ends there: ranking, measuring and writing are the first one's.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from hbtlib.study.parameters import notebook_file


def launch(processes: int, study: str, name: str) -> None:
    """Makes one run in several processes and waits for them.

    Args:
        processes: How many; one a GPU.
        study: The name of the study.
        name: The name of the run.

    Raises:
        ValueError: One of them failed. What it said stands above.
    """
    launcher = [sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch"]
    options = ["--multi_gpu", "--num_machines", "1", "--num_processes", str(processes)]
    # The defaults are said, because accelerate otherwise lists them in a warning.
    options += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    command = ["--module", "hbtlib.study.engine", "process", study, name]
    done = subprocess.run([*launcher, *options, *command], check=False)
    if done.returncode:
        raise ValueError(
            f"{name}: one of its {processes} processes ended with status {done.returncode}; what "
            "it said stands above"
        )


def is_first() -> bool:
    """Tells whether this is the first of a run's processes, or the only one."""
    return int(os.environ.get("RANK", 0)) == 0


def train_along(parameters: Mapping[str, Any]) -> None:
    """Runs the cells of the train notebook up to the training, which then has one process more.

    Args:
        parameters: All parameters of the train notebook, with their values.
    """
    notebook = json.loads(notebook_file("train").read_text(encoding="utf-8"))
    variables: dict[str, Any] = {"__name__": "__main__", "display": lambda *shown: None}
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        with contextlib.redirect_stdout(None):  # the first process says the same
            exec(compile(source, f"03-train.ipynb, cell {cell['id']}", "exec"), variables)
        if "parameters" in cell["metadata"].get("tags", []):
            variables.update(parameters)
        if "hbt.train(" in source:
            return
