"""Executes a notebook through papermill, and says in a sentence how it failed."""

import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hbtlib.files import explain_full_disk
from hbtlib.study.memory import LESS_MEMORY, address_limit, of_limit, ran_out
from hbtlib.study.parameters import notebook_file
from hbtlib.study.project import output_folder, project_folder

if TYPE_CHECKING:
    from papermill.exceptions import PapermillExecutionError  # half a second a start

ATTEMPTS = 3
"""How often a notebook is started before a port that is in use is an error."""

_WITHOUT_ERROR = "CellExecutionError"
"""What papermill says of a cell whose kernel could not even send its error."""


# jsonschema, which checks notebooks, would build a grammar of internationalised addresses at every
# start, which takes 1.4 seconds. No notebook has such an address, and jsonschema does without.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


class NotebookFailed(RuntimeError):  # noqa: N818 (a notebook failed; that is what is raised)
    """A notebook did not come to its end; the message is a sentence for people."""


def execute(notebook: str, output: Path, parameters: Mapping[str, Any]) -> None:
    """Executes a notebook; what it prints is printed here too.

    Args:
        notebook: Its name without its number.
        output: Where its executed copy goes. It stays there if the notebook fails.
        parameters: The parameters it is executed with.

    Raises:
        NotebookFailed: A cell failed, or the kernel died. The message names the cell, the error,
            and where the executed notebook lies.
        OSError: The disk is full.
    """
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    source = notebook_file(notebook)
    killed_before = _killed_for_memory()
    output.unlink(missing_ok=True)  # so that what lies there in the end is of this execution
    try:
        with explain_full_disk(output):
            _execute(source, output, parameters)
            _tidy(output)
    except PapermillExecutionError as error:
        cell = _cell(error.exec_count, error.source)
        raise NotebookFailed(
            f"{source.name}, {cell} failed {_error(error, output)}{_lies(output)}"
        ) from None
    except DeadKernelError:
        out_of_memory = _killed_for_memory() > killed_before
        raise NotebookFailed(
            f"{source.name}, {_running_cell(output)}: the kernel died, "
            f"{_of_memory(out_of_memory)}: {LESS_MEMORY}{_lies(output)}"
        ) from None


def _execute(source: Path, output: Path, parameters: Mapping[str, Any]) -> None:
    """Calls papermill, again where a port was taken."""
    import papermill
    from nbclient.exceptions import DeadKernelError

    for attempt in range(1, ATTEMPTS + 1):
        try:
            papermill.execute_notebook(
                source,
                output,
                dict(parameters),
                progress_bar=False,
                cwd=project_folder(),
                stdout_file=sys.stdout,
                # Its ports are this machine's alone; without this every kernel warns of them.
                extra_arguments=["--log-level=ERROR"],
            )
            return
        except RuntimeError as error:
            if "Kernel died before replying" in str(error):
                raise DeadKernelError(str(error)) from None
            # Two kernels that start at the same time may pick the same port.
            if "Address already in use" not in str(error) or attempt == ATTEMPTS:
                raise


def _tidy(executed: Path) -> None:
    """Removes from an executed notebook the state of widgets, and where this machine keeps it.

    papermill notes the absolute paths of the notebook and its copy. Who opens the copy elsewhere
    has neither: the names within the project stay.
    """
    import nbformat

    content = nbformat.read(executed, as_version=4)
    content.metadata.pop("widgets", None)
    noted = content.metadata.get("papermill", {})
    for key in noted.keys() & {"input_path", "output_path"}:
        path = Path(noted[key])
        # It is executed under a hidden name, and comes to its place afterwards.
        noted[key] = _within_project(path.with_name(path.name.removeprefix(".")))
    nbformat.write(content, executed)


def _within_project(path: Path) -> str:
    """A path from the project's or the results' folder on, or the file's name elsewhere."""
    for folder in (project_folder(), output_folder()):
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return path.name


def _cell(number: int | None, source: str) -> str:
    """Names a cell by its number, as it is shown beside it, and the first words of its code."""
    lines = [line.strip() for line in source.splitlines()]
    code = [line for line in lines if line and not line.startswith("#")] or ["it is empty"]
    first = code[0] if len(code[0]) <= 50 else code[0][:49] + "…"
    return f"cell [{number if number is not None else '?'}] ({first})"


def _error(error: "PapermillExecutionError", output: Path) -> str:
    """Returns the last line of a cell's error, and what to do where memory or disk ran out."""
    name, message = error.ename, str(error.evalue)
    if name == _WITHOUT_ERROR and not message and address_limit() is not None:
        return f"without an error, probably because memory ran out{of_limit()}: {LESS_MEMORY}"
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    last = f"with {name}: {lines[-1]}" if lines else f"with {name}"
    if ran_out(name, message, list(map(str, error.traceback or []))):
        return f"{last}. Memory ran out{of_limit()}: {LESS_MEMORY}"
    if "no space left" in message.lower():
        return f"{last}. The disk of {output.parent} is full: make room and run the same again"
    return last


def _running_cell(output: Path) -> str:
    """Names the cell during which the kernel died, as the executed notebook has it."""
    import nbformat

    if not output.exists():
        return "before its first cell"
    try:
        cells = nbformat.read(output, as_version=4).cells
    except (OSError, ValueError):
        return "a cell"
    code = [cell for cell in cells if cell.cell_type == "code"]
    begun = [cell for cell in code if cell.metadata.get("papermill", {}).get("start_time")]
    return _cell(len(begun), begun[-1].source) if begun else "before its first cell"


def _of_memory(certain: bool) -> str:
    """Says that memory ran out, how certain that is, and how much was used or allowed."""
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    cause = "killed because memory ran out" if certain else "probably because memory ran out"
    if address_limit() is not None:
        return f"{cause}{of_limit()}"
    limit = _memory_limit()
    return f"{cause} (it had used up to {peak:.1f} GB{f' of {limit:.1f} GB' if limit else ''})"


def _killed_for_memory() -> int:
    """Returns how many processes the system has killed so far because memory ran out."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:  # not Linux
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def _memory_limit() -> float | None:
    """Returns how much memory there is for this process, in GB; None where nobody says."""
    found = []
    for file in (Path("/sys/fs/cgroup/memory.max"), *_own_cgroup()):
        try:
            text = file.read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdecimal():
            found.append(int(text) / 2**30)
    try:
        total = Path("/proc/meminfo").read_text(encoding="ascii").split()[1]
        found.append(int(total) / 2**20)
    except OSError:
        pass
    return min(found, default=None)


def _own_cgroup() -> list[Path]:
    """Returns the file with the memory limit of this process's group, as Slurm sets it."""
    try:
        group = Path("/proc/self/cgroup").read_text(encoding="utf-8").strip().split("::")[-1]
    except OSError:
        return []
    return [Path(f"/sys/fs/cgroup{group}/memory.max")]


def _lies(output: Path) -> str:
    """Says where the executed notebook lies."""
    if not output.exists():
        return ""
    try:
        return f". The executed notebook is {output.relative_to(project_folder())}"
    except ValueError:
        return f". The executed notebook is {output}"
