"""Study YAMLs and notebook parameters with something wrong, a thousand from a fixed seed.

A YAML must become a study or be refused in one short sentence, before any kernel starts. A value
may be accepted where `values.NOTEBOOK` says that it belongs there.
"""

from __future__ import annotations

import copy
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from harness import QUICK, Project, Trial, explained, make_project
from values import NASTY, NOTEBOOK, fits, nothing

FAMILY = "bad studies"
SEED = 0
STRUCTURES, TEXTS, PARAMETERS = 400, 200, 400
"""How many YAMLs have a wrong value, how many a wrong text, and how many parameters are wrong."""

WRITABLE = [label for label in NASTY if label.startswith(("None", "True", "False", "'", "[", "{"))]
WRITABLE += ["0", "-1", "3", "0.5", "nan", "inf", "-inf", "1e-20", "1e20", "2**70"]
WRITABLE += ["10,000 characters"]
WRITABLE.remove("{'a set'}")
"""The values that a YAML can hold."""

KEYS: dict[str, Callable[[Any], bool]] = {
    "name": nothing,
    "question": lambda value: isinstance(value, str) and bool(value.strip("\u200b\0 ")),
    "grid": lambda value: value in (None, {}),
    "parameters": lambda value: value in (None, {}),
    "runs": lambda value: value in (None, {}),
    "notebooks": lambda value: value in (None, []),
    "rivals": lambda value: value is None,
    "family": lambda value: value is None,
    "full": lambda value: value in (None, {}),
}
"""What the keys of a study may be instead of what they are in `quick`."""

CHARACTERS = "\t:{}[]&*!|>'\"%@`#,-?\0\u200b\ufeff\ud7ff\u2028é😀\x07"


def trials(quick: bool = False) -> Iterator[Trial]:
    """Loads the YAMLs and checks the parameters.

    Args:
        quick: Only a tenth of them.
    """
    with tempfile.TemporaryDirectory() as name:
        project = make_project(Path(name) / "deep" / "project")
        os.environ["HBT_ROOT"] = str(project.folder)
        before = Path.cwd()
        os.chdir(project.folder)
        try:
            yield from structures(project, STRUCTURES // 10 if quick else STRUCTURES)
            yield from texts(project, TEXTS // 10 if quick else TEXTS)
            yield from parameters(PARAMETERS // 10 if quick else PARAMETERS)
            made = sorted(Path(name).rglob("*pwned*"))
            if made:
                yield Trial(FAMILY, "a shell command in a value", str(made[0]), lost=True)
        finally:
            os.chdir(before)
            del os.environ["HBT_ROOT"]


def places() -> list[tuple[str, str]]:
    """Returns every part of a study that a value can stand in: the part, and the name in it."""
    from hbtlib.study.parameters import notebook_parameters

    names = [name for name in notebook_parameters("train") if name not in ("study", "folder")]
    found = [("", key) for key in KEYS]
    for part in ("grid", "grid without a list", "parameters", "runs"):
        found += [(part, name) for name in names]
    return [*found, ("arm", ""), ("unknown", ""), ("unknown parameter", "")]


def structures(project: Project, n: int) -> Iterator[Trial]:
    """Loads studies with one value that does not belong where it stands."""
    rng = random.Random(SEED)
    chosen = [(place, label) for place in places() for label in WRITABLE]
    for (part, name), label in rng.sample(chosen, n):
        content, belongs = broken(part, name, NASTY[label]())
        project.write_yaml("quick", yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
        where = f"{part}: {name}" if part else name
        outcome, said = loaded(belongs)
        yield Trial(FAMILY, "a value in a YAML", f"{where}: {label}", said=said, **{outcome: True})


def broken(part: str, name: str, value: Any) -> tuple[dict[str, Any], bool]:
    """Returns the study `quick` with a value in it, and whether the value belongs there."""
    content = copy.deepcopy(QUICK)
    belongs = fits(NOTEBOOK, name, value)
    if part == "":
        return {**content, name: value}, bool(KEYS[name](value))
    if part == "grid":
        content["grid"][name] = [value]
    elif part == "grid without a list":
        content["grid"][name] = value
        both = isinstance(value, list) and all(fits(NOTEBOOK, name, one) for one in value)
        belongs = both and len(value) > 0 and len(set(map(str, value))) == len(value)
    elif part == "parameters":
        content["parameters"][name] = value
    elif part == "runs":
        content["runs"] = {"an arm": {name: value}}
    elif part == "arm":
        content["runs"] = {value if value.__hash__ else str(value): {"alpha": 0.25}}
        belongs = isinstance(value, str) and any(c.isascii() and c.isalnum() for c in value)
    elif part == "unknown":
        return {**content, "nosuch": value}, False
    else:
        content["parameters"]["nosuch"] = value
        belongs = False
    return content, belongs


def loaded(belongs: bool) -> tuple[str, str]:
    """Loads `quick`, and checks its runs as the notebook does before anything else.

    Returns:
        The column of the table that the trial counts in, and what was said.
    """
    import hbtlib as hbt

    try:
        study = hbt.study.load("quick")
        for run in study.runs:
            hbt.study.check("train", run.parameters)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        return ("named" if explained(error) else "unexplained"), said
    unsafe = unsafe_run(study)
    if belongs and not unsafe:
        return "survived", ""
    return "lost", unsafe or "accepted"


def unsafe_run(study: Any) -> str:
    """Says which run of a study would leave its folder, share it, or be read by a shell; or ""."""
    folders = [run.folder for run in study.runs]
    for run in study.runs:
        if run.folder.parent.resolve() != run.folder.parents[2].resolve() / "results" / "quick":
            return f"the run {run.name!r} would be written elsewhere"
        if not all(char.isalnum() or char in "-_.=+," for char in run.name):
            return f"a shell would read the name {run.name!r}"
    if len(set(folders)) < len(folders):
        return "two runs have one folder"
    return ""


def texts(project: Project, n: int) -> Iterator[Trial]:
    """Loads studies whose text is broken: cut, doubled, with characters where none belong."""
    rng = random.Random(SEED)
    whole = yaml.safe_dump(QUICK, sort_keys=False)
    usual = usual_names(project)
    for number in range(n):
        kind, text = broken_text(whole, rng, number)
        file = project.folder / "notebooks" / "studies" / "quick.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "replace"))
        outcome, said = loaded(belongs=kind != "a line twice")
        if outcome == "survived" and not sound(usual):
            outcome, said = "lost", "accepted"
        yield Trial(
            FAMILY, "the text of a YAML", f"{kind}, number {number}", said=said, **{outcome: True}
        )


def usual_names(project: Project) -> set[str]:
    """Returns the names of the runs of `quick` as it should be."""
    import hbtlib as hbt

    project.write_study()
    return {run.name for run in hbt.study.load("quick").runs}


def sound(usual: set[str]) -> bool:
    """Tells whether the study in the file is the usual one, or another with sensible values."""
    import hbtlib as hbt

    study = hbt.study.load("quick")
    runs = study.runs
    if study.rivals is not None:  # `quick` has none, and no other study is there to be one
        return False
    if {run.name for run in runs} == usual:
        return True
    return all(
        fits(NOTEBOOK, name, value)
        for run in runs
        for name, value in run.parameters.items()
        if name != "folder"
    )


def broken_text(whole: str, rng: random.Random, number: int) -> tuple[str, str | bytes]:
    """Breaks the text of a YAML in one of several ways, in turn."""
    lines = whole.splitlines(keepends=True)
    at = rng.randrange(len(lines))
    place = rng.randrange(len(whole))
    character = rng.choice(CHARACTERS)
    once: list[tuple[str, str | bytes]] = [
        ("empty", ""),
        ("a byte-order mark alone", "\ufeff"),
        ("two documents", f"{whole}---\n{whole}"),
        ("a tag of Python", f"{whole}rivals: !!python/object/apply:os.system ['touch pwned']\n"),
        ("an alias of itself", f"{whole}rivals: &a [*a]\n"),
        ("UTF-16", whole.encode("utf-16")),
        ("Latin-1", whole.replace("run?", "rün?").encode("latin-1")),
        ("bytes", bytes(rng.randrange(256) for _ in range(200))),
        ("deep", "a: " + "[" * 2000),
        ("a list", "- 1\n- 2\n"),
    ]
    if number < len(once):
        return once[number]
    kinds: list[tuple[str, str]] = [
        ("cut off", whole[:place]),
        ("a character more", whole[:place] + character + whole[place:]),
        ("another character", whole[:place] + character + whole[place + 1 :]),
        ("a line twice", "".join([*lines[: at + 1], *lines[at:]])),
        ("a line less", "".join(lines[:at] + lines[at + 1 :])),
        ("a line further in", "".join([*lines[:at], "   ", *lines[at:]])),
    ]
    return kinds[number % len(kinds)]


def parameters(n: int) -> Iterator[Trial]:
    """Checks the train notebook's parameters with one of them wrong."""
    import hbtlib as hbt

    rng = random.Random(SEED)
    defaults = hbt.study.notebook_parameters("train")
    chosen = [(name, label) for name in defaults for label in NASTY]
    for name, label in rng.sample(chosen, n):
        value = NASTY[label]()
        try:
            hbt.study.check("train", {**defaults, name: value})
        except Exception as error:
            outcome = "named" if explained(error) else "unexplained"
            said = f"{type(error).__name__}: {error}"
        else:
            outcome = "survived" if fits(NOTEBOOK, name, value) else "lost"
            said = "" if outcome == "survived" else "accepted"
        yield Trial(
            FAMILY, "a notebook's parameter", f"{name}={label}", said=said, **{outcome: True}
        )
