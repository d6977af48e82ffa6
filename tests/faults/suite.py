"""The fault suite: breaks things on purpose, and counts what came of it (`make test-faults`).

    python tests/faults/suite.py [--family NAME …] [--output results/reliability/faults]

writes OUTPUT.csv and OUTPUT.md, a row for every kind of fault. With HBT_UNDER_TEST=FOLDER another
checkout is tested. The random seeds are fixed in the modules of the families.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import call_fuzz
import damage
import full_disk
import kills
import memory
import pandas as pd
import shell
import two_drivers
import yaml_fuzz
from harness import REPOSITORY, UNDER_TEST, Trial

FAMILIES: dict[str, Callable[[bool], Iterator[Trial]]] = {
    "kills": kills.trials,
    "two-drivers": two_drivers.trials,
    "full-disk": full_disk.trials,
    "memory": memory.trials,
    "damage": damage.trials,
    "studies": yaml_fuzz.trials,
    "shell": shell.trials,
    "calls": call_fuzz.trials,
}
"""The families of faults, in the order of the table."""

COUNTED = ["tried", "survived", "named", "lost", "unexplained"]
"""The columns of the table that count trials."""


def table(trials: Iterable[Trial]) -> pd.DataFrame:
    """Counts trials by family and fault, in the order in which they were made."""
    rows = pd.DataFrame([vars(trial) for trial in trials])
    rows["tried"] = rows["what"] != ""  # nothing was tried where a family was skipped
    counts = rows.groupby(["family", "fault"], sort=False)[COUNTED].sum().reset_index()
    return counts.astype(dict.fromkeys(COUNTED, int))


def as_markdown(counts: pd.DataFrame, state: str, seconds: float) -> str:
    """Writes the table for people: sums of families first, then every fault."""
    sums = counts.groupby("family", sort=False)[COUNTED].sum().reset_index()
    parts = [
        f"# Faults tried on {state}",
        EXPLANATION,
        f"Made by `make test-faults` in {seconds / 60:.0f} minutes.",
        "## Families",
        pipes(sums),
        "## Every fault",
        pipes(counts),
    ]
    return "\n\n".join(parts) + "\n"


EXPLANATION = (
    "*tried*: how often; *survived*: in the end there was the same result as without the fault, or "
    "the value was a valid one; *named*: one sentence said what was wrong; *lost*: nonsense was "
    "accepted, a wrong result came in silence, or a result was gone; *unexplained*: a raw "
    "traceback. A fault may be both named and survived."
)


def pipes(counts: pd.DataFrame) -> str:
    """Writes a table in Markdown."""
    head = f"| {' | '.join(counts.columns)} |"
    line = f"|{'|'.join('---:' if name in COUNTED else '---' for name in counts.columns)}|"
    rows = [f"| {' | '.join(map(str, row))} |" for row in counts.itertuples(index=False)]
    return "\n".join([head, line, *rows])


def state_under_test() -> str:
    """Names the commit that is tested."""
    asked = subprocess.run(
        ["git", "log", "-1", "--format=%h of %cs"],
        cwd=UNDER_TEST,
        capture_output=True,
        text=True,
        check=False,
    )
    return f"commit {asked.stdout.strip()}" if asked.returncode == 0 else "this state"


def run(families: Iterable[str]) -> Iterator[Trial]:
    """Makes the trials of families, and says how far it is."""
    for name in families:
        begun, n = time.monotonic(), 0
        for trial in FAMILIES[name](False):
            n += 1
            if trial.lost or trial.unexplained:
                kind = "LOST" if trial.lost else "UNEXPLAINED"
                report = f"{kind} {trial.fault}: {trial.what}: {trial.said}"
                print(report.encode("ascii", "backslashreplace").decode(), file=sys.__stderr__)
            yield trial
        print(f"{name}: {n} trials, {time.monotonic() - begun:.0f} s", flush=True)


def main() -> None:
    """Runs the command line; ends with status 1 if anything was lost or unexplained."""
    parser = argparse.ArgumentParser(description="Tries faults and writes a table of them.")
    parser.add_argument("--family", action="append", choices=FAMILIES, help="only this family")
    parser.add_argument("--output", type=Path, help="where the table goes, without a suffix")
    given = parser.parse_args()
    output = given.output or REPOSITORY / "results" / "reliability" / "faults"
    begun = time.monotonic()
    counts = table(list(run(given.family or FAMILIES)))
    output.parent.mkdir(parents=True, exist_ok=True)
    counts.to_csv(output.with_suffix(".csv"), index=False)
    text = as_markdown(counts, state_under_test(), time.monotonic() - begun)
    output.with_suffix(".md").write_text(text, encoding="utf-8")
    print(counts[COUNTED].sum().to_string())
    if counts["lost"].any() or counts["unexplained"].any():
        raise SystemExit(1)


if __name__ == "__main__":
    main()
