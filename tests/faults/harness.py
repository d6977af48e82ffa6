"""What every family of the fault suite uses: trials, a project to break, and how errors read.

The suite tests the checkout that the environment variable HBT_UNDER_TEST names, else the one it
stands in. So the same faults can be tried on an older state of the library.
"""

from __future__ import annotations

import atexit
import linecache
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
UNDER_TEST = Path(os.environ.get("HBT_UNDER_TEST", REPOSITORY)).resolve()
"""The checkout whose library, notebooks, Snakefile and Makefile are tested."""

sys.path.insert(0, str(UNDER_TEST))

QUICK: dict[str, Any] = {
    "name": "quick",
    "question": "Does it run?",
    "grid": {"strategy": ["x-y", "hybrid"], "seed": [0]},
    "parameters": {
        "languages": "en de",
        "evaluated": "de el en",
        "steps": 20,
        "evaluate_every": 5,
        "batch_size": 16,
        "split": "validation",
    },
    "notebooks": [],
}
"""The YAML of the study that is broken."""

LONGEST_SENTENCE = 400
"""The most characters of a message that is read at a glance."""

EXPECTED = (ValueError, TypeError, OSError, ImportError, MemoryError, KeyError, IndexError)
"""What a call may raise on purpose. Pairs are asked for texts by id, language and role as a mapping
is by its keys, so an unknown one is a documented KeyError or IndexError, with a sentence."""


@dataclass(frozen=True)
class Trial:
    """One fault that was tried, and what came of it.

    Attributes:
        family: The family of the fault.
        fault: What was broken, in a few words; the row of the table that the trial counts in.
        what: How to repeat it.
        survived: In the end there is the same result as without the fault.
        named: One sentence said what is wrong.
        lost: A wrong result came in silence, or results were lost.
        unexplained: A raw traceback, or nothing at all, was said.
        said: The message.
    """

    family: str
    fault: str
    what: str
    survived: bool = False
    named: bool = False
    lost: bool = False
    unexplained: bool = False
    said: str = ""


class TookTooLong(BaseException):
    """A call was stopped because its time was over."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Stops what runs in the block when its time is over (Python code of the main thread only)."""

    def stop(*_: object) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def explained(error: BaseException) -> bool:
    """Tells whether the library raised an error on purpose, in one short sentence.

    That is so if the innermost line of its traceback is a `raise` in the library, or if Python
    itself refused the call (an argument too many).
    """
    if not isinstance(error, EXPECTED) or not is_sentence(str(error)):
        return False
    frames = []
    traceback = error.__traceback__
    while traceback is not None:
        frames.append((traceback.tb_frame.f_code.co_filename, traceback.tb_lineno))
        traceback = traceback.tb_next
    file, line = frames[-1]
    if isinstance(error, TypeError) and Path(file).parent == Path(__file__).parent:
        return "argument" in str(error)
    in_library = Path(file).is_relative_to(UNDER_TEST / "hbtlib")
    return in_library and linecache.getline(file, line).lstrip().startswith("raise")


def is_sentence(text: str) -> bool:
    """Tells whether a message is one line that is read at a glance."""
    return 0 < len(text) <= LONGEST_SENTENCE and "\n" not in text.strip()


def differences(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Returns the files that one of two states lacks, or that are not the same in both."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def of_run(state: dict[str, bytes], run: str) -> dict[str, bytes]:
    """Returns what a state has in the folder of one run."""
    return {name: content for name, content in state.items() if f"/{run}/" in name}


def sentence_with(output: str, *wanted: str) -> str:
    """Returns the last line of a command's output that has all the words, or "".

    Args:
        output: What the command printed.
        wanted: The words, of which letters may be large or small.
    """
    for line in reversed(output.splitlines()):
        if all(word.lower() in line.lower() for word in wanted) and is_sentence(line):
            return line.strip()
    return ""


def is_traceback(output: str) -> bool:
    """Tells whether a command's output holds a raw traceback, or Snakemake's form of one."""
    if "Traceback (most recent call last)" in output:
        return True
    return any(line.startswith('  File "') for line in output.splitlines())


def environment(**more: str) -> dict[str, str]:
    """Returns the environment for commands of the checkout under test, one thread each."""
    ours = {
        "PYTHONPATH": str(UNDER_TEST),
        "OMP_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "PYTHONUNBUFFERED": "1",
    }
    kept = {name: value for name, value in os.environ.items() if name != "HBT_ROOT"}
    return {**kept, **ours, **more}


@dataclass(frozen=True)
class Project:
    """A project folder of its own, with the study `quick`, to break things in."""

    folder: Path

    @property
    def results(self) -> Path:
        """The folder of the study's results."""
        return self.folder / "results" / "quick"

    def command(self, *words: str, **options: Any) -> subprocess.Popen:
        """Starts a command in the project, as the leader of a process group of its own."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **options}
        return subprocess.Popen(
            words, cwd=self.folder, env=environment(), start_new_session=True, **options
        )

    def engine(self, *words: str, **options: Any) -> subprocess.Popen:
        """Starts the engine."""
        return self.command(sys.executable, "-m", "hbtlib.study.engine", *words, **options)

    def driver(
        self, *more: str, study: str = "quick", quiet: bool = True, **options: Any
    ) -> subprocess.Popen:
        """Starts Snakemake on the study, as `make study` does."""
        snakemake = str(Path(sys.executable).parent / "snakemake")
        words = ["--cores", "2", "--config", f"study={study}", "--rerun-triggers", "mtime"]
        words += ["--quiet", "rules", "host"] if quiet else []
        self.unlock()
        return self.command(snakemake, *words, *more, **options)

    def unlock(self) -> None:
        """Removes what a killed Snakemake left, as `make study` does."""
        for left in ("locks", "incomplete"):
            subprocess.run(["rm", "-rf", str(self.folder / ".snakemake" / left)], check=True)

    def state(self) -> dict[str, bytes]:
        """Returns the bytes of all that the study must make the same again, by path."""
        found = {}
        for name in ("results/quick", "figures/quick"):
            for path, content in contents(self.folder / name).items():
                found[f"{name}/{path}"] = content
        return found

    def write_study(self, **changed: Any) -> None:
        """Writes the YAML of the study `quick`, with some keys changed."""
        self.write_yaml("quick", yaml.safe_dump({**QUICK, **changed}, sort_keys=False))

    def write_yaml(self, name: str, text: str) -> None:
        """Writes a study's YAML as it is given."""
        file = self.folder / "notebooks" / "studies" / f"{name}.yaml"
        file.write_text(text, encoding="utf-8")


def make_project(folder: Path, **changed: Any) -> Project:
    """Copies the notebooks, Snakefile and Makefile under test, and writes the study `quick`."""
    folder.mkdir(parents=True)
    for name in ("notebooks", "Snakefile", "Makefile"):
        subprocess.run(["cp", "-r", str(UNDER_TEST / name), str(folder)], check=True)
    (folder / "results").mkdir()
    subprocess.run(
        ["cp", "-r", str(UNDER_TEST / "results" / "paper"), str(folder / "results")], check=True
    )
    profiles = UNDER_TEST / "profiles"
    if profiles.is_dir():
        subprocess.run(["cp", "-r", str(profiles), str(folder)], check=True)
    project = Project(folder)
    project.write_study(**changed)
    return project


@dataclass(frozen=True)
class Undisturbed:
    """The study `quick`, made without any fault.

    Attributes:
        project: Its project.
        state: The bytes of all it made.
        seconds: How long that took.
    """

    project: Project
    state: dict[str, bytes]
    seconds: float


@cache
def undisturbed() -> Undisturbed:
    """Makes the study `quick` once, with a notebook that reads its runs."""
    folder = Path(tempfile.mkdtemp(prefix="hbt-undisturbed-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    project = make_project(folder / "project", notebooks=["results"])
    begun = time.monotonic()
    status, output = finish(project.driver())
    if status != 0:
        raise RuntimeError(f"the undisturbed study ended with status {status}:\n{output}")
    return Undisturbed(project, project.state(), time.monotonic() - begun)


def finish(process: subprocess.Popen, seconds: float = 900) -> tuple[int, str]:
    """Waits for a command; returns its exit status and what it printed.

    Whatever it started and did not end with it (kernels) is killed.
    """
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        kill_group(process)
        output, _ = process.communicate()
        return -1, f"{output or ''}\nstopped after {seconds:.0f} seconds"
    return process.returncode, output or ""


def kill_group(process: subprocess.Popen) -> None:
    """Kills a command and all it started; kernels have a session of their own."""
    kill(process.pid, *descendants(process.pid))


def kill(*processes: int) -> None:
    """Kills processes, of which some may have ended."""
    for one in processes:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def descendants(parent: int) -> list[int]:
    """Returns all processes that a process started, and those that they started."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it may have ended
            fields = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found: list[int] = []
    waiting = [parent]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.append(child)
            waiting.append(child)
    return found


def command_line(process: int) -> str:
    """Returns the words of a process's command, or "" if it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def contents(folder: Path) -> dict[str, bytes]:
    """Returns the bytes of all files that a study must make the same again.

    Left out is what tells when and on what a run was made, and how long it took.
    """
    differ = {"environment.json", "manifest.json", "cost.csv"}
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        and file.name not in differ
        and file.suffix not in (".ipynb", ".pdf", ".bin")
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    }


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Waits until a condition holds; tells whether it did before the time was over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False
