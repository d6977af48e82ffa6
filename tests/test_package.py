"""The package as a whole: its public names, its lock, its conda file, what starts without torch."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml

import hbtlib as hbt

REPOSITORY = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def plain(requirement: str) -> str:
    return re.split(r"[<>=!~\[; ]", requirement)[0].lower().replace("_", "-")


def test_the_public_names_are_there() -> None:
    for name in hbt.__all__:
        assert getattr(hbt, name) is not None
    assert callable(hbt.bias)
    with pytest.raises(AttributeError, match="No hbtlib attribute nosuch"):
        _ = hbt.nosuch


def test_conda_gives_the_same_packages() -> None:
    environment = yaml.safe_load((REPOSITORY / "environment.yml").read_text())
    pip = environment["dependencies"][-1]["pip"]
    assert pip[0] == "-c requirements.lock"
    extras = re.fullmatch(r"-e \.\[(.*)\]", pip[1])
    assert extras
    assert set(extras[1].split(",")) == set(PROJECT["optional-dependencies"])
    makefile = (REPOSITORY / "Makefile").read_text()
    assert f"-c requirements.lock -e '.[{extras[1]}]'" in makefile
    python = next(d for d in environment["dependencies"] if str(d).startswith("python="))
    assert python.split("=")[1] == PROJECT["requires-python"].removeprefix(">=")


def test_the_lock_pins_every_package_named() -> None:
    lock = (REPOSITORY / "requirements.lock").read_text().splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9_.\-]+==[A-Za-z0-9_.!]+", line) for line in lock), (
        "no local tags, no addresses"
    )
    locked = {plain(line) for line in lock}
    named = {
        plain(r)
        for r in [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]
    }
    assert named <= locked, named - locked


def test_reading_results_needs_no_torch() -> None:
    script = (
        "import sys, hbtlib as hbt; hbt.measure, hbt.bias, hbt.summarise, hbt.study, hbt.metrics;"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules;"
        "hbt.plots; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_source_notebooks_are_bare() -> None:
    for file in (REPOSITORY / "notebooks").glob("*.ipynb"):
        cells = [c for c in json.loads(file.read_text())["cells"] if c["cell_type"] == "code"]
        assert not any(c["outputs"] or c["execution_count"] for c in cells), file
        assert cells[0]["metadata"].get("tags") == ["parameters"], file
        for line in "".join(cells[0]["source"]).splitlines():
            assert re.match(r"\w+ = .*  # .+", line), f"{file}: {line!r} lacks its comment"
        assert f'check("{file.stem[3:]}", globals())' in "".join(cells[1]["source"]), file
