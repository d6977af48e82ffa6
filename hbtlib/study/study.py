"""A study: its YAML → its runs' parameters, the folders they leave, and the table of what they left. A run folder
(`results/STUDY/RUN/`) is written beside its place, in `.RUN.part`, and moved there when whole. Whoever writes holds a lock,
so that a process left over from a killed run and its successor never write beside each other.
"""

import ast
import difflib
import fcntl
import hashlib
import json
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain, product
from pathlib import Path
from typing import IO, Any

import pandas as pd
import yaml

# Where notebooks/, results/ and figures/ stand: the repository, or `HBT_ROOT`.
ROOT = Path(os.environ.get("HBT_ROOT") or Path(__file__).resolve().parents[2])
# What is made of a study's runs unless its YAML says otherwise: `evaluate` for each arm, the others once.
NOTEBOOKS = ("data", "benchmark", "evaluate", "compare", "bias", "paper")
_PLACE = ("study", "folder")  # parameters that say where a run is written, not what it is


@dataclass(frozen=True)
class Run:
    """One run of a study: its name, its complete parameters, and its arm (what is compared: all but the seed)."""

    study: str
    name: str
    parameters: dict[str, Any]
    arm: str = ""
    beside: bool = False  # not of the grid: it stands beside it for scale

    @property
    def folder(self) -> Path:
        return ROOT / "results" / self.study / self.name

    @property
    def part(self) -> Path:
        """Where the folder is written until it is whole."""
        return self.folder.with_name(f".{self.name}.part")


@dataclass(frozen=True)
class Study:
    """A study as its YAML tells it: a name, the question it answers, its runs, the notebooks that read them."""

    name: str
    question: str
    runs: tuple[Run, ...]
    notebooks: tuple[str, ...]
    rivals: str | None = None  # a study whose arms are compared with these

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """What its runs are evaluated on."""
        return tuple(self.runs[0].parameters["benchmark"].split())

    def shown(self) -> dict[str, tuple[str, dict[str, str]]]:
        """The executed notebooks made of its runs: name → (notebook, parameters). One for each benchmark, where there are
        several; of an arm's runs, which differ in their seeds, the first stands for all.
        """
        firsts = list({run.arm: run.name for run in reversed(self.runs)}.values())[::-1]
        of = {"study": [self.name], "run": firsts, "benchmark": self.benchmarks}
        found: dict[str, tuple[str, dict[str, str]]] = {}
        for notebook in self.notebooks:
            asked = sorted(of.keys() & notebook_parameters(notebook), key=list(of).index)
            for values in product(*(of[key] for key in asked)):
                given = dict(zip(asked, values, strict=True))
                parts = [
                    notebook,
                    given.get("run"),
                    given.get("benchmark") if len(self.benchmarks) > 1 else None,
                ]
                found["-".join(filter(None, parts))] = notebook, given
        return found

    def run(self, name: str) -> Run:
        """The run of that name. Raises ValueError with the names there are."""
        named = {run.name: run for run in self.runs}
        if name not in named:
            raise ValueError(f"study {self.name!r} has no run {name!r}; it has {', '.join(named)}")
        return named[name]


def load(name: str) -> Study:
    """The study of notebooks/studies/NAME.yaml. Raises ValueError naming the file and what is wrong in it."""
    file = ROOT / "notebooks" / "studies" / f"{name}.yaml"
    if not file.exists():
        have = sorted(p.stem for p in file.parent.glob("*.yaml"))
        raise ValueError(
            f"no study {name!r}: {file} does not exist; there are {', '.join(have) or 'none'}"
        )
    content = (
        content
        if isinstance(content := yaml.safe_load(file.read_text(encoding="utf-8")), dict)
        else {}
    )
    unknown = sorted(
        map(
            str,
            content.keys()
            - {"name", "question", "grid", "parameters", "runs", "notebooks", "rivals"},
        )
    )
    if unknown or content.get("name") != name or not content.get("question"):
        raise ValueError(
            f"{file}: it must have name: {name}, question, grid, parameters, runs, notebooks, rivals, nothing "
            f"else ({', '.join(unknown) or 'the name differs, or there is no question'})"
        )
    defaults = notebook_parameters("train")
    grid, fixed, beside = (content.get(part) or {} for part in ("grid", "parameters", "runs"))
    for key, values in grid.items():
        if not isinstance(values, list) or key == "benchmark":
            raise ValueError(
                f"{file}: grid: {key} is {values!r}, where a list of values belongs (benchmarks: one "
                "parameter, their names separated by blanks)"
            )
    for key, value in chain.from_iterable(part.items() for part in (fixed, *beside.values(), grid)):
        if isinstance(value, str) and re.fullmatch(r"[0-9]+e[-+]?[0-9]+", value):
            raise ValueError(
                f"{file}: {key} is the text {value!r}: YAML takes a number with a point, {float(value):.1e}"
            )
        if key not in defaults or key in _PLACE:
            raise ValueError(f"{file}: {unknown_parameter(key, defaults)}")
    common = {**defaults, **fixed, "study": name, "folder": None}
    runs = []
    for values in (
        product(*grid.values()) if grid.keys() - {"seed"} or not beside else ()
    ):  # seeds alone are no arms
        parameters = {**common, **dict(zip(grid, values, strict=True))}
        arm = ", ".join(
            [
                parameters["strategy"],
                *(f"{k} {parameters[k]}" for k in grid if k not in ("strategy", "seed")),
            ]
        )
        runs.append(Run(name, run_name(parameters), parameters, arm))
    for arm, given in beside.items():  # arms that stand beside the grid: their name → what differs
        for seed in [given["seed"]] if "seed" in given else grid.get("seed", [defaults["seed"]]):
            parameters = {**common, **given, "seed": seed}
            runs.append(Run(name, run_name(parameters, arm), parameters, arm, beside=True))
    return Study(
        name,
        content["question"],
        tuple(runs),
        tuple(content.get("notebooks", NOTEBOOKS)),
        content.get("rivals"),
    )


def run_name(parameters: Mapping[str, Any], arm: str | None = None) -> str:
    """A readable name (of the strategy, or of an arm with a name of its own) that ends in a short hash of all parameters
    that are not the notebook's defaults: so a parameter that comes to the notebook later renames no run.
    """
    defaults = notebook_parameters("train")
    content = {
        k: v
        for k, v in parameters.items()
        if k not in _PLACE and (k not in defaults or v != defaults[k])
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[
        :8
    ]
    if arm is None:
        arm = str(parameters.get("strategy", "run"))
        if arm == "hybrid" and parameters.get("alpha") != 0.5:
            arm += "-alpha" + re.sub(r'[ "{}\[\]:,]', "", json.dumps(parameters.get("alpha")))
        arm += "-pair" * (parameters.get("mix") == "pair")
    else:
        arm = re.sub(r"[^a-z0-9.]+", "-", arm.lower()).strip("-")
    return f"{arm}-seed{parameters.get('seed', 0)}-{digest}"


def notebook_file(notebook: str) -> Path:
    """The source of a notebook by its name without its number: notebooks/03-train.ipynb is `train`."""
    found = sorted((ROOT / "notebooks").glob(f"[0-9][0-9]-{notebook}.ipynb"))
    if not found:
        raise ValueError(f"no notebook {notebook!r} in {ROOT / 'notebooks'}")
    return found[0]


def notebook_parameters(notebook: str) -> dict[str, Any]:
    """The parameters of notebooks/NOTEBOOK.ipynb with their defaults, read from its cell tagged `parameters`."""
    file = notebook_file(notebook)
    for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            return {
                node.targets[0].id: ast.literal_eval(node.value)
                for node in ast.parse("".join(cell["source"])).body
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            }
    raise ValueError(f"{file} has no cell tagged 'parameters'")


def unknown_parameter(key: str, known: Mapping[str, Any]) -> str:
    """What to say of a parameter that is none: the one it may be meant for, or all there are."""
    close = difflib.get_close_matches(key, list(known), n=1)
    hint = (
        f"did you mean {close[0]!r}?"
        if close
        else f"there are {', '.join(k for k in known if k not in _PLACE)}"
    )
    return f"no parameter {key!r}: {hint}"


def check(notebook: str, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters a notebook runs with, from its namespace; the second cell of each calls it. Raises ValueError for a
    name that is no parameter (papermill would inject a misspelt one and go on), or a value not of its default's type.
    """
    defaults = notebook_parameters(notebook)
    for name, value in namespace.items():
        plain = value is None or isinstance(
            value, str | int | float | list | dict
        )  # what papermill can inject
        if name not in {*defaults, "In", "Out"} and not name.startswith("_") and plain:
            raise ValueError(f"notebooks/{notebook}.ipynb: {unknown_parameter(name, defaults)}")
    for name, default in defaults.items():
        value = namespace[name]
        number = (
            isinstance(default, float)
            and isinstance(value, int | float)
            and not isinstance(value, bool)
        )
        if not (
            default is None
            or value is None
            or name == "alpha"
            or number
            or type(value) is type(default)
        ):
            how = f"; with papermill: -y '{name}: …'" if isinstance(default, dict) else ""
            raise ValueError(
                f"notebooks/{notebook}.ipynb: {name} is {value!r} ({type(value).__name__}), but its "
                f"default is {default!r} ({type(default).__name__}){how}"
            )
    return {name: namespace[name] for name in defaults}


class Workplace:
    """A run folder being written: `path` is where to write, `finish()` moves it to its place. With a `folder` given (by the
    engine, which also moves it) that is the path, and `finish` leaves it there. `done` says that the run already stands
    whole in its place: then nothing is to be computed again.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        folder: Any = parameters.get("folder")
        self.engine = folder is not None
        name = (
            Path(folder).name.removeprefix(".").removesuffix(".part")
            if self.engine
            else run_name(parameters)
        )
        self.run = Run(parameters["study"], name, dict(parameters))
        self.done = not self.engine and whole(self.run.folder, parameters)
        self.path = (
            self.run.folder if self.done else ROOT / folder if self.engine else self.run.part
        )
        if not self.done:
            self._lock = lock(self.path / ".lock")
            write_json(
                self.path / "parameters.json",
                {k: v for k, v in parameters.items() if k != "folder"},
            )

    def finish(self, seconds: Mapping[str, float]) -> Path:
        """Writes environment.json (with the seconds each part took) and moves the folder to its place."""
        if self.done:
            return self.path
        write_json(self.path / "environment.json", {**environment(), "seconds": dict(seconds)})
        if not self.engine:
            move(self.path, self.run.folder)
            self.path, self.done = self.run.folder, True
        self._lock.close()
        return self.path


def whole(folder: Path, parameters: Mapping[str, Any]) -> bool:
    """Does the run of these parameters stand in its place, with its model (a fresh clone has results without models) and
    every table that they ask for?
    """
    asked = {**notebook_parameters("train"), **parameters}
    tables = [
        "ranks",
        "metrics",
        "questions",
        "points",
        *(["top"] if asked["top"] else []),
        *(["probes", "language_probe"] if asked["probes"] else []),
    ]
    files = ["model/modules.json", *(f"{name}.parquet" for name in tables)]
    return all((folder / file).exists() for file in files) and not unlike(folder, parameters)


def unlike(folder: Path, parameters: Mapping[str, Any]) -> list[str]:
    """The parameters in which the run that stands in the folder differs from these: a default may have changed since. Those
    it does not name came to the notebook later, with a default that leaves things as they were.
    """
    if not (file := folder / "parameters.json").exists():
        return []
    made = json.loads(file.read_text(encoding="utf-8"))
    wanted = json.loads(json.dumps({**notebook_parameters("train"), **parameters}, default=str))
    return [key for key, value in made.items() if key not in _PLACE and wanted.get(key) != value]


def move(source: Path, target: Path) -> None:
    """Moves a whole folder to its place, over an older one if there is one."""
    (source / ".lock").unlink(missing_ok=True)
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    source.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def lock(file: Path) -> IO[str]:
    """Takes the file's lock; waits, and says so, while another process has it. It is free when what is returned is closed
    (so `with lock(…):`), or its process ends.
    """
    while True:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = file.open("a")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(
                f"another process writes {file.parent.name}/{file.name}; waiting for it", flush=True
            )
            fcntl.flock(handle, fcntl.LOCK_EX)
        if file.exists() and os.path.samestat(os.fstat(handle.fileno()), file.stat()):
            return handle
        handle.close()  # the one before moved the folder, and the lock with it: begin again


def environment() -> dict[str, Any]:
    """Versions, device, peak memory of this process (MB), git commit, time: what a figure's machine was."""
    names = ("torch", "transformers", "datasets", "numpy", "pandas", "babel")
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    cuda = sys.modules["torch"].cuda if "torch" in sys.modules else None
    cores = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    return {
        "python": platform.python_version(),
        "versions": {n: version(n) for n in names},
        "device": cuda.get_device_name() if cuda and cuda.is_available() else cores,
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "platform": platform.platform(),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "commit": commit.stdout.strip() or None,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def write_json(path: Path, content: object) -> None:
    path.write_text(
        json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8"
    )


def figures(study: Study, benchmark: str) -> Path:
    """Where the study's figures of this benchmark go: figures/STUDY, a folder each in it where there are several."""
    return ROOT / "figures" / study.name / (benchmark if len(study.benchmarks) > 1 else "")


def summary(study: Study, benchmark: str) -> Path:
    """The study's table of this benchmark, as Markdown; the CSV beside it has the same."""
    return (
        ROOT
        / "results"
        / study.name
        / (f"summary-{benchmark}.md" if len(study.benchmarks) > 1 else "summary.md")
    )


def collect(
    study: Study, what: str = "metrics", benchmark: str | None = None, rivals: bool = False
) -> pd.DataFrame:
    """The table `what` (metrics, ranks, questions, top, probes, points, language_probe, training_log) of every run (and of
    its rivals', if asked for), with name, arm and seed. benchmark: the rows of this one alone; None: all rows. Raises
    FileNotFoundError naming the runs that are missing, ValueError for one that was made with other parameters.
    """
    runs = [*study.runs, *(load(study.rivals).runs if rivals and study.rivals else ())]
    if missing := [run for run in runs if not (run.folder / f"{what}.parquet").exists()]:
        of = [sum(run.study == missing[0].study for run in some) for some in (missing, runs)]
        raise FileNotFoundError(
            f"study {missing[0].study!r} lacks {what} of {of[0]} of its {of[1]} runs "
            f"({missing[0].name}, …): run `make study STUDY={missing[0].study}`"
        )
    tables = []
    for run in runs:
        if changed := unlike(run.folder, run.parameters):
            raise ValueError(
                f"{run.folder} was made with another {', '.join(changed)} than study {run.study!r} now has: "
                f"run `make study STUDY={run.study}`, which makes it again"
            )
        table = pd.read_parquet(run.folder / f"{what}.parquet")
        table = table if benchmark is None else table[table["benchmark"] == benchmark]
        tables.append(table.assign(run=run.name, arm=run.arm, seed=run.parameters["seed"]))
    return pd.concat(tables, ignore_index=True)
