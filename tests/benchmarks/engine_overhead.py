"""What the engine itself costs: a sweep of 60 runs whose notebook does almost nothing.

    python tests/benchmarks/engine_overhead.py [--runs 60] [--cores 2]

A project of its own has a train notebook that copies tables and a model into its run folder. What
`make study` takes beyond the cells of these notebooks is the engine's: Snakemake, the start of
Python and papermill, the start of the kernel, reading and writing notebooks, manifests. The row is
added to results/performance/engine-overhead.csv. The exit status is not 0 if the engine takes three
seconds or more of a core for a run.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import nbformat
import pandas as pd
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
TABLES = ("ranks", "metrics", "questions", "points", "top", "probes", "language_probe")
COPY = """\
import json
import shutil
from pathlib import Path

given = {name: value for name, value in globals().items() if name in PARAMETERS}
shutil.copytree("template", folder, dirs_exist_ok=True)
kept = {name: value for name, value in given.items() if name != "folder"}
Path(folder, "parameters.json").write_text(json.dumps(kept))
"""


def make_project(folder: Path, runs: int) -> None:
    """Makes a project whose train notebook copies a run folder, and a study of so many runs."""
    studies = folder / "notebooks" / "studies"
    studies.mkdir(parents=True)
    for name in ("Snakefile", "profiles"):
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        copy(REPOSITORY / name, folder / name)
    notebook = nbformat.read(REPOSITORY / "notebooks" / "03-train.ipynb", as_version=4)
    cell = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    names = [line.split(" = ")[0] for line in cell.source.splitlines() if " = " in line]
    copying = nbformat.v4.new_code_cell(f"PARAMETERS = {names}\n{COPY}")
    notebook.cells = [cell, copying]
    nbformat.write(notebook, folder / "notebooks" / "03-train.ipynb")
    study = {
        "name": "sweep",
        "question": "What does the engine cost?",
        "grid": {"strategy": ["x-y"], "seed": list(range(runs))},
        "notebooks": [],
    }
    (studies / "sweep.yaml").write_text(yaml.safe_dump(study))
    model = folder / "template" / "model"
    model.mkdir(parents=True)
    (model / "modules.json").write_text("[]")
    (model / "model.safetensors").write_bytes(bytes(1_000_000))
    for name in (*TABLES, "training_log"):
        pd.DataFrame({"value": range(1000)}).to_parquet(folder / "template" / f"{name}.parquet")
    for name in ("environment", "training"):
        (folder / "template" / f"{name}.json").write_text("{}")


def kernel_seconds(folder: Path) -> float:
    """The seconds that the cells of all executed notebooks took."""
    seconds = 0.0
    for file in (folder / "results" / "sweep").glob("*/notebook.ipynb"):
        for cell in nbformat.read(file, as_version=4).cells:
            seconds += cell.metadata.get("papermill", {}).get("duration") or 0.0
    return seconds


def measure(folder: Path, runs: int, cores: int) -> dict[str, object]:
    """Runs the sweep and returns what it cost."""
    make_project(folder, runs)
    environment = {**os.environ, "HBT_ROOT": str(folder)}
    snakemake = Path(sys.executable).with_name("snakemake")
    begun = time.monotonic()
    command = [snakemake, "--cores", str(cores), "--config", "study=sweep"]
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    wall = time.monotonic() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    made = len(list((folder / "results" / "sweep").glob("*/notebook.ipynb")))
    assert made == runs, f"{made} of {runs} runs were made"
    return {
        "date": datetime.now().date().isoformat(),
        "runs": runs,
        "cores": cores,
        "wall seconds": round(wall, 1),
        "seconds of cells": round(kernel_seconds(folder), 1),
        "engine's seconds a run": round((wall * cores - kernel_seconds(folder)) / runs, 2),
        "processor seconds a run": round((used.ru_utime + used.ru_stime) / runs, 2),
        "load before": round(os.getloadavg()[0], 1),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def main() -> None:
    """Measures, prints and keeps the row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument(
        "--to", type=Path, default=REPOSITORY / "results" / "performance" / "engine-overhead.csv"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        row = pd.DataFrame([measure(Path(folder).resolve(), given.runs, given.cores)])
    print(row.T.to_string(header=False))
    if given.to.exists():
        row = pd.concat([pd.read_csv(given.to), row], ignore_index=True)
    row.to_csv(given.to, index=False)
    sys.exit(int(row["engine's seconds a run"].iloc[-1] >= 3))


if __name__ == "__main__":
    main()
