"""Processes of their own, for tests that kill one or need several.

What such a process costs is its imports: torch and transformers take seconds of the processor. Here
one server imports them once, and every process is forked from it as it stood then: nothing of the
test's own process is in it.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "conftest",
        "hbtlib.mining",
        "hbtlib.search.store",
        "hbtlib.training.contrastive_trainer",
        "hbtlib.training.trainer",
        "transformers.models.xlm_roberta.modeling_xlm_roberta",
    ]
)


def start(call: Callable[..., Any], *arguments: Any, **environment: str) -> BaseProcess:
    """Starts a process that calls a function of a module.

    Args:
        call: The function.
        arguments: What it is called with.
        environment: Environment variables beside those of this process.

    Returns:
        The process, which runs.
    """
    process = CONTEXT.Process(
        target=_begin, args=({**os.environ, **environment}, call, arguments), daemon=True
    )
    process.start()
    return process


def finish(*processes: BaseProcess) -> None:
    """Waits for processes.

    Args:
        processes: What `start` returned.

    Raises:
        AssertionError: One ended in an error, which it printed, or takes more than five minutes.
    """
    for process in processes:
        process.join(300)
        assert process.exitcode == 0, f"{process.name} ended with {process.exitcode}"


def _begin(
    environment: dict[str, str], call: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    """Calls the function in the environment of the process that asked for it."""
    os.environ.clear()
    os.environ.update(environment)
    call(*arguments)
