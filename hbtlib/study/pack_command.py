"""Puts the scores of each question of all runs of a study into one file, which is committed.

`python -m hbtlib.study.pack_command STUDY` writes results/STUDY/questions.parquet and, where the
runs have such a table, mapped_questions.parquet. The runs' own files may then be left out of git.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hbtlib.study.config import load
from hbtlib.study.packed import TABLES, write_packed
from hbtlib.study.project import project_folder
from hbtlib.study.results import has_table, run_table


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m hbtlib.study.pack_command", description=__doc__
    )
    parser.add_argument("study", help="a study of notebooks/studies/ whose runs are all there")
    asked = parser.parse_args(arguments)
    try:
        runs = load(asked.study).runs
        for what in TABLES:
            having = [run for run in runs if what == "questions" or has_table(run, what)]
            if having:
                file = write_packed(having, [run_table(run, what) for run in having], what)
                size = f"{file.stat().st_size / 1e6:.1f} MB"
                print(f"{file.relative_to(project_folder())}: {len(having)} runs, {size}")
    except (ValueError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
