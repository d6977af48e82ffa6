"""The command line of a study, which the Makefile and the Snakefile call.

`python -m hbtlib.study.engine --help` explains the commands: `train` makes one run, `show` executes
a notebook that reads runs, `shown` lists these notebooks, and `summary` prints a study's tables.
"""

import argparse
import fcntl
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from hbtlib.checks import check_name
from hbtlib.study.config import load, study_names
from hbtlib.study.execution import NotebookFailed, execute
from hbtlib.study.folders import finish, lock, whole
from hbtlib.study.memory import LESS_MEMORY, of_limit, ran_out
from hbtlib.study.processes import is_first, launch, train_along
from hbtlib.study.project import STUDIES, project_folder
from hbtlib.study.runs import Run
from hbtlib.study.shown import executed, placed_together
from hbtlib.study.studies import WITHOUT_RUNS, Study, several


def train(study: str, name: str, processes: int = 1) -> None:
    """Makes one run of a study, unless it already stands whole in its place.

    It resumes what an interrupted process left, and waits while another process makes the run.

    Args:
        study: The name of the study.
        name: The name of the run.
        processes: How many processes train it together, one a GPU.
    """
    check_name("RUN", name)
    run = load(study).run(name)
    clear_left_over(run.folder.parent)
    lock_file = run.folder.with_name(f".{name}.lock")
    with lock(lock_file):
        if whole(run.folder, run.parameters):
            print(f"{name}: done before", flush=True)
            lock_file.unlink(missing_ok=True)
            return
        run.part.mkdir(parents=True, exist_ok=True)
        if processes > 1:
            launch(processes, study, name)
        else:
            train_here(run)
        finish(run.part, run.folder)
        lock_file.unlink(missing_ok=True)


def train_here(run: Run) -> None:
    """Executes the train notebook in this process, or what another process of its run does.

    Args:
        run: The run. Whoever calls this holds its lock.
    """
    parameters = {**run.parameters, "folder": str(run.part.relative_to(project_folder()))}
    if is_first():
        execute("train", run.part / "notebook.ipynb", parameters)
    else:
        train_along(parameters)


def show(study: str, name: str) -> None:
    """Executes a notebook that reads runs; its copy goes to `results/STUDY/notebooks/`.

    Args:
        study: The name of the study.
        name: The name of the executed notebook, a key of `Study.shown`.

    Raises:
        ValueError: The study has no such notebook. The message names those it has.
    """
    check_name("NAME", name)
    shown = load(study).shown()
    if name not in shown:
        raise ValueError(
            f"study {study!r} shows no {name!r}; it shows {several(shown) or 'no notebooks'}"
        )
    notebook, parameters = shown[name]
    target = executed(study, name)
    clear_left_over(target.parent)
    clear_parts(target.parent)
    lock_file = target.with_name(f".{name}.lock")
    with lock(lock_file):
        working_copy = target.with_name(f".{name}.ipynb")  # it stays if the notebook fails
        with placed_together(study, name, working_copy):
            execute(notebook, working_copy, parameters)
        lock_file.unlink(missing_ok=True)


def clear_left_over(folder: Path) -> None:
    """Removes what killed processes left in a folder: locks that nobody holds, working copies.

    Args:
        folder: A folder of results. It may be missing.
    """
    for file in folder.glob(".*.lock"):
        try:
            with file.open("a") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                file.unlink(missing_ok=True)  # who waits for it sees that it is gone
        except OSError:  # somebody holds it
            continue
    for file in folder.glob(".*.ipynb"):
        process = re.fullmatch(r"\..+\.([0-9]+)\.ipynb", file.name)  # as older versions wrote them
        if process and not Path("/proc", process[1]).exists():
            file.unlink(missing_ok=True)


def clear_parts(folder: Path) -> None:
    """Removes the folders `.NAME.part` that killed executions of notebooks left.

    Those of runs stay, as a run is resumed from its own; a notebook is executed from its beginning.

    Args:
        folder: The folder of a study's executed notebooks. It may be missing.
    """
    for part in folder.glob(".*.part"):
        lock_file = part.with_name(f"{part.name.removesuffix('.part')}.lock")
        with lock_file.open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:  # somebody executes this notebook
                continue
            shutil.rmtree(part, ignore_errors=True)
            lock_file.unlink(missing_ok=True)


def shown() -> list[tuple[str, str]]:
    """Lists the executed notebooks that can be made again from the results alone.

    Returns:
        The study and the name of every notebook that reads runs, of all studies whose runs (and
        their rivals') have their metrics.
    """
    found = []
    for name in study_names():
        study = load(name)
        if not _has_results(study):
            continue
        for shown_name, (notebook, _) in study.shown().items():
            if notebook not in WITHOUT_RUNS:  # the others need the data
                found.append((name, shown_name))
    return found


def _has_results(study: Study) -> bool:
    """Tells whether every run of the study and of its rivals has its metrics."""
    runs = list(study.runs)
    if study.rivals:
        runs += load(study.rivals).runs
    return all((run.folder / "metrics.parquet").exists() for run in runs)


def summary(study: str) -> str:
    """Returns the summary tables of a study and the paths of its figures, as text.

    A study of which no notebook writes a table has `summary.csv`. That file is written here, and
    only read where the runs are missing (those of a tuning are not committed).

    Args:
        study: The name of the study.

    Returns:
        The text.
    """
    loaded = load(study)
    tables = sorted((project_folder() / "results" / study).glob("summary*.md"))
    if not tables:
        tables = [_summary_csv(loaded)]
    text = "\n\n".join(table.read_text(encoding="utf-8").rstrip() for table in tables)
    figures = _figures(loaded)
    if figures:
        text += "\n\nFigures:"
    return "\n".join([text, *(f"  {figure}" for figure in figures)])


def _summary_csv(study: Study) -> Path:
    """Writes the means of a study as `summary.csv`, if its runs are there; returns the file."""
    # `train` starts without them.
    from hbtlib.evaluation.metrics import by_training, summarise
    from hbtlib.study.results import collect

    file = project_folder() / "results" / study.name / "summary.csv"
    if file.exists() and not all(run.folder.exists() for run in study.runs):
        return file
    trained = study.runs[0].parameters["languages"].split()
    means = summarise(by_training(collect(study), trained), by=["benchmark", "languages", "arm"])
    means.columns = means.columns.map(" ".join)
    means.round(4).to_csv(file)
    return file


def _figures(study: Study) -> list[Path]:
    """Returns the figures of all runs together, as paths in the project; not those of one run."""
    project = project_folder()
    folders = (study.name, *study.benchmarks)
    files = sorted((project / "figures" / study.name).rglob("*.png"))
    return [file.relative_to(project) for file in files if file.parent.name in folders]


def error_line(error: Exception) -> str:
    """Returns an error in one line, with the path where the system names one.

    Args:
        error: What was raised.

    Returns:
        Its message.
    """
    said = str(error)
    if isinstance(error, OSError) and error.strerror:
        said = error.strerror
        if error.filename is not None:
            said = f"{error.filename}: {said}"
    return " ".join(said.split())


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    root = argparse.ArgumentParser(
        prog="python -m hbtlib.study.engine",
        description="Makes the runs of a study and executes the notebooks that read them. "
        f"A study is a YAML file in {STUDIES}.",
        epilog="The project's folder is the one that the environment variable HBT_ROOT names, else "
        f"the nearest folder at or above the current one that has {STUDIES}.",
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")

    command = add("train", "make one run; resume it if it was interrupted; skip it if it is whole")
    command.add_argument("study", metavar="STUDY", help="the name of a study")
    command.add_argument("name", metavar="RUN", help="the name of one of its runs")
    command.add_argument(
        "--processes",
        type=int,
        default=1,
        metavar="N",
        help="train it in so many processes, one a GPU (default: 1)",
    )

    command = add("process", "be one of several processes of a run; `train --processes` starts it")
    command.add_argument("study", metavar="STUDY", help="the name of a study")
    command.add_argument("name", metavar="RUN", help="the name of one of its runs")

    command = add("show", "execute a notebook that reads runs, into results/STUDY/notebooks")
    command.add_argument("study", metavar="STUDY", help="the name of a study")
    command.add_argument(
        "name",
        metavar="NAME",
        help="one of its notebooks, followed by a run and a benchmark where it reads only one: "
        "bias, evaluate-RUN, bias-BENCHMARK",
    )

    add("shown", "list STUDY NAME of every notebook that can be shown from the results alone")

    command = add("summary", "print the summary tables of a study and the paths of its figures")
    command.add_argument("study", metavar="STUDY", help="the name of a study")
    return root


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line.

    Args:
        arguments: The words of the command. None: those this process was started with.

    Raises:
        SystemExit: The command was wrong, or failed in a way that its message explains.
    """
    given = parser().parse_args(arguments)
    try:
        # Notebooks start in the project's folder, where a relative HBT_ROOT would lead elsewhere.
        os.environ["HBT_ROOT"] = str(project_folder())
        if given.command == "train":
            train(given.study, given.name, given.processes)
        elif given.command == "process":
            train_here(load(given.study).run(given.name))
        elif given.command == "show":
            show(given.study, given.name)
        elif given.command == "shown":
            for study, name in shown():
                print(study, name)
        else:
            print(summary(given.study))
    except (ValueError, OSError, NotebookFailed) as error:
        raise SystemExit(f"engine: {error_line(error)}") from None
    except (MemoryError, ImportError, RuntimeError) as error:
        if not ran_out(type(error).__name__, str(error)):
            raise
        said = f"{type(error).__name__}: {error_line(error)}".removesuffix(": ")
        raise SystemExit(f"engine: {said}. Memory ran out{of_limit()}: {LESS_MEMORY}") from None


if __name__ == "__main__":
    main()
