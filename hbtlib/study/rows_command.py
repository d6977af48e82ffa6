"""What the commands of the studies with folders of rows have in common: to show, and to fail."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hbtlib.study.execution import execute
from hbtlib.study.project import project_folder
from hbtlib.study.shown import executed, placed_together


def show(study: str, write_page: Callable[[], Path], figures: Callable[[], Path]) -> None:
    """Executes the notebook of a study and writes the page of the docs; prints what was made.

    Args:
        study: its name, which is the notebook's too.
        write_page: writes the page.
        figures: says where the figures lie.
    """
    target = executed(study, study)
    working_copy = target.with_name(f".{study}.ipynb")
    working_copy.parent.mkdir(parents=True, exist_ok=True)
    with placed_together(study, study, working_copy):
        execute(study, working_copy, {})
    print_paths([target, write_page(), *sorted(figures().glob("*.png"))])


def print_paths(files: Sequence[Path]) -> None:
    """Prints files as paths in the project."""
    for file in files:
        print(file.relative_to(project_folder()), flush=True)


@contextmanager
def command(study: str, interrupted: str) -> Iterator[None]:
    """Runs the body of a command in the project; what it says of a failure is one sentence.

    Args:
        study: its name, with which the message begins.
        interrupted: what is said of an interruption.

    Raises:
        SystemExit: where the body fails in a way that its message explains.
    """
    try:
        os.environ["HBT_ROOT"] = str(project_folder())
        yield
    except KeyboardInterrupt:
        raise SystemExit(f"{study}: {interrupted}") from None
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        raise SystemExit(f"{study}: {' '.join(str(error).split())}") from None
