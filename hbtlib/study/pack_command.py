"""Puts the scores of each question of all runs of a study into one file, which is committed.

`python -m hbtlib.study.pack_command STUDY` writes results/STUDY/questions-CHECKSUM.parquet, the
same of mapped_questions where the runs wrote them, and packed.json, which names both files. The
runs' own files may then be left out of git.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hbtlib.study.config import load
from hbtlib.study.packed import TABLES, write_packed
from hbtlib.study.project import project_folder
from hbtlib.study.report.words import counted
from hbtlib.study.results import run_table, wrote_table


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
            wrote = [run for run in runs if wrote_table(run, what)]
            if wrote:
                file = write_packed(wrote, [run_table(run, what) for run in wrote], what)
                size = f"{file.stat().st_size / 1e6:.1f} MB"
                print(f"{file.relative_to(project_folder())}: {counted(len(wrote), 'run')}, {size}")
    except (ValueError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
