"""The engine's side of a study: what the Makefile and the Snakefile call, `python -m hbtlib.study.engine …`.

train STUDY RUN: one run, whole in its place at the end. show STUDY NAME: an executed notebook that reads results (a
name of `Study.shown`). shown: the STUDY NAME of all that need nothing but the committed results. summary STUDY: the
tables that the study's notebooks wrote, and the paths of its figures.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hbtlib.study.study import ROOT, collect, load, lock, move, notebook_file, whole


def execute(notebook: str, output: Path, parameters: Mapping[str, Any]) -> None:
    """Runs notebooks/NOTEBOOK.ipynb through papermill; what it prints is printed here too."""
    import nbformat
    import papermill

    source = notebook_file(notebook)
    for attempt in range(3):
        try:
            papermill.execute_notebook(
                source,
                output,
                dict(parameters),
                progress_bar=False,
                cwd=ROOT,
                stdout_file=sys.stdout,
            )
            break
        except RuntimeError as error:  # two kernels that start at once may pick the same port; nothing else is retried
            if "Address already in use" not in str(error) or attempt == 2:
                raise
    executed = nbformat.read(output, as_version=4)
    executed.metadata.pop("widgets", None)
    nbformat.write(executed, output)


def train(study: str, name: str) -> None:
    """One run of a study, whole in its place at the end; nothing if it stands there already."""
    run = load(study).run(name)
    with lock(held := run.folder.with_name(f".{name}.lock")):
        if whole(run.folder, run.parameters):
            print(f"{name}: done before", flush=True)
            return
        run.part.mkdir(parents=True, exist_ok=True)
        execute(
            "train",
            run.part / "notebook.ipynb",
            {**run.parameters, "folder": str(run.part.relative_to(ROOT))},
        )
        move(run.part, run.folder)
        held.unlink(missing_ok=True)


def show(study: str, name: str) -> None:
    """Runs a notebook that reads results (a name of `Study.shown`); its executed copy comes to results/STUDY/notebooks/."""
    shown = load(study).shown()
    if name not in shown:
        raise ValueError(f"study {study!r} shows no {name!r}; it shows {', '.join(shown)}")
    notebook, parameters = shown[name]
    place = ROOT / "results" / study / "notebooks" / f"{name}.ipynb"
    place.parent.mkdir(parents=True, exist_ok=True)
    work = place.with_name(f".{place.stem}.{os.getpid()}.ipynb")
    try:
        execute(notebook, work, parameters)
        work.replace(place)
    finally:
        work.unlink(missing_ok=True)


def summary(study: str) -> str:
    """The study's summary tables and the paths of its figures, as text. Where no notebook writes a table, summary.csv is
    written here, and read where the runs are not (those of a tuning are not committed).
    """
    tables = sorted((ROOT / "results" / study).glob("summary*.md"))
    if not tables:
        from hbtlib.evaluation.metrics import by_training, summarise

        loaded, file = load(study), ROOT / "results" / study / "summary.csv"
        if all(run.folder.exists() for run in loaded.runs) or not file.exists():
            trained = loaded.runs[0].parameters["languages"].split()
            wide = summarise(
                by_training(collect(loaded), trained), by=["benchmark", "languages", "arm"]
            )
            wide.columns = wide.columns.map(" ".join)
            wide.round(4).to_csv(file)
        tables = [file]
    text = "\n\n".join(table.read_text(encoding="utf-8").rstrip() for table in tables)
    figures = sorted((ROOT / "figures" / study).rglob("*.png"))
    figures = [
        f for f in figures if f.parent.name == study or f.parent.name in load(study).benchmarks
    ]
    return "\n".join(
        [
            text,
            *(["", "Figures:"] if figures else []),
            *(f"  {f.relative_to(ROOT)}" for f in figures),
        ]
    )


def shown() -> None:
    """Prints STUDY NAME of every notebook that needs nothing but results, of the studies whose results are all there."""
    for file in sorted((ROOT / "notebooks" / "studies").glob("*.yaml")):
        study = load(file.stem)
        runs = [*study.runs, *(load(study.rivals).runs if study.rivals else ())]
        if all((run.folder / "metrics.parquet").exists() for run in runs):
            for name, (notebook, _) in study.shown().items():
                if notebook not in ("data", "benchmark"):  # which look at the data
                    print(study.name, name)


def main(arguments: list[str]) -> None:
    """The command line; see the module's docstring."""
    commands: dict[str, Callable[..., None]] = {
        "train": train,
        "show": show,
        "shown": shown,
        "summary": lambda study: print(summary(study)),
    }
    if not arguments or arguments[0] not in commands:
        raise SystemExit(__doc__)
    try:
        commands[arguments[0]](*arguments[1:])
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(f"engine: {error}") from None


if __name__ == "__main__":
    main(sys.argv[1:])
