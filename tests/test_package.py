"""The package as a whole: its public names, its lock, its conda file, what starts without torch."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

import hbtlib as hbt

REPOSITORY = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def plain(requirement: str) -> str:
    return re.split(r"[<>=!~\[; ]", requirement)[0].lower().replace("_", "-")


def installing() -> dict[str, Any]:
    """What `.ci/install.py` defines."""
    return runpy.run_path(str(REPOSITORY / ".ci" / "install.py"))


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
    assert set(extras[1].split(",")) == set(PROJECT["optional-dependencies"]) - {"cluster"}
    assert installing()["WANTED"] == ["-c", "requirements.lock", "-e", f".[{extras[1]}]"]
    python = next(d for d in environment["dependencies"] if str(d).startswith("python="))
    assert python.split("=")[1] == PROJECT["requires-python"].removeprefix(">=")


def test_uv_looks_where_pip_looks() -> None:
    """What `pip config list` prints is read, the environment last, and handed to uv."""
    install = installing()
    listed = "\n".join(
        [
            ":env:.find-links='/opt/wheels'",
            "global.cert='/etc/ca.crt'",
            "global.extra-index-url='https://one.example/simple\\nhttps://two.example/simple'",
            "global.find-links='/elsewhere'",
            "global.index-url='https://left.example/simple'",
            "install.index-url='https://main.example/simple'",
        ]
    )
    pip = install["settings"](listed)
    assert pip["cert"] == "/etc/ca.crt"
    places = [word for word in install["command"](pip) if "=" in word]
    assert places == [
        "--index-url=https://main.example/simple",
        "--extra-index-url=https://one.example/simple",
        "--extra-index-url=https://two.example/simple",
        "--find-links=/opt/wheels",
    ]
    assert not [word for word in install["command"]({}) if "=" in word]


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
        "hbt.plots; assert 'torch' not in sys.modules;"
        "from hbtlib.explore import explorer, widgets; assert 'torch' not in sys.modules;"
        "from hbtlib.study import report; report.cost, report.results, report.scaling;"
        "report.trade_off, report.significance; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))


def source(cell: dict) -> str:
    return "".join(cell["source"])


def lacks_comment(parameters: str) -> list[str]:
    """The parameters that have no comment, neither behind them nor in a line above.

    Groups of parameters are divided by blank lines and begin with a heading, which is a comment of
    no parameter.
    """
    found = []
    for group in parameters.split("\n\n"):
        heading, *lines = group.splitlines()
        assert re.fullmatch(r"# \S.*", heading), f"{heading!r} is no heading"
        before = ""
        for line in lines:
            if not line.startswith("#") and "  # " not in line and not before.startswith("# "):
                found.append(line)
            before = line
    return found


def test_a_parameter_without_a_comment_is_found() -> None:
    good = "# Heading\na = 1  # why\n# why\nb = 2\n\n# Heading\nc = 3  # why"
    assert lacks_comment(good) == []
    assert lacks_comment("# Heading\na = 1\nb = 2  # why\nc = 3") == ["a = 1", "c = 3"]
    with pytest.raises(AssertionError, match="is no heading"):
        lacks_comment("a = 1  # why")


def test_source_notebooks_are_bare() -> None:
    for file in NOTEBOOKS:
        content = json.loads(file.read_text())
        cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
        assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
        assert len({cell["id"] for cell in content["cells"]}) == len(content["cells"])
        assert not any(cell["outputs"] or cell["execution_count"] for cell in cells), file
        assert cells[0]["metadata"].get("tags") == ["parameters"], file
        assert lacks_comment(source(cells[0])) == [], file
        name = re.sub(r"\A[0-9]{2}-", "", file.stem)
        assert f'check("{name}", globals())' in source(cells[1]), file


def test_notebooks_are_numbered_in_reading_order() -> None:
    names = "quickstart data benchmark train evaluate results significance cost-and-controls"
    names += " bias factorial paper translate encoders language-neutral compression trade-off"
    names += " on-top scaling typology low-resource mtop pretraining"
    numbered = [f"{i:02}-{name}" for i, name in enumerate(names.split())]
    # The explorer is no step: one comes to it from anywhere, and `make explore` has its name.
    assert [f.stem for f in NOTEBOOKS] == [*numbered, "explore"]


def test_only_notebooks_without_runs_are_not_executed() -> None:
    waiting = runpy.run_path(str(REPOSITORY / "notebooks" / "conftest.py"))["WAITING"]
    for name, study in waiting.items():
        content = json.loads((REPOSITORY / "notebooks" / name).read_text())
        shown = next(source(cell) for cell in content["cells"] if cell["cell_type"] == "code")
        assert f'study = "{study}"' in shown, f"{name} shows another study than {study}"
        runs = [(run.folder / "metrics.parquet").exists() for run in hbt.study.load(study).runs]
        assert not all(runs), f"{study} has its runs: take {name} out of notebooks/conftest.py"


def test_cells_of_notebooks_are_short() -> None:
    for file in NOTEBOOKS:
        for cell in json.loads(file.read_text())["cells"]:
            lines = source(cell).splitlines()
            if cell["cell_type"] == "code" and cell["metadata"].get("tags") != ["parameters"]:
                assert sum(bool(line) for line in lines) <= 14, (file, source(cell))


def test_notebooks_ask_show_and_answer() -> None:
    for file in NOTEBOOKS:
        cells = json.loads(file.read_text())["cells"]
        title, *_ = source(cells[0]).splitlines()
        assert re.fullmatch(r"# .*\?.*", title), f"{file}: {title!r} asks nothing"
        assert "**Words.** *" in source(cells[0]), f"{file} explains no words"
        assert any("## Answer" in source(cell) for cell in cells), f"{file} has no answer"
        for cell, before in zip(cells[1:], cells, strict=False):
            if cell["cell_type"] == "code" and "hbt.plots." in source(cell):
                says = re.search(r"report\.\w+\.(\w*says|answer)\(", source(cell))
                assert says, f"{file}: nothing is said of the picture of {source(cell)}"
                assert before["cell_type"] == "markdown", f"{file}: {cell['id']} comes unannounced"
