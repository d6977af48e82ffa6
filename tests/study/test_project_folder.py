"""The project's folder is found from outside, and the library needs none to be imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import hbtlib as hbt
from hbtlib.study.project import project_folder

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A project inside a folder of another project; HBT_ROOT is not set."""
    outer = tmp_path / "outer"
    inner = outer / "results" / "inner"
    for project in (outer, inner):
        (project / "notebooks" / "studies").mkdir(parents=True)
    monkeypatch.delenv("HBT_ROOT", raising=False)
    return outer, inner


def test_it_is_the_nearest_at_or_above_the_working_directory(
    projects: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    outer, inner = projects
    for working_directory, found in {
        outer: outer,
        outer / "notebooks": outer,  # where nbval runs notebooks
        outer / "results": outer,
        inner: inner,
        inner / "notebooks" / "studies": inner,
    }.items():
        monkeypatch.chdir(working_directory)
        assert project_folder() == hbt.study.ROOT == hbt.study.project_folder() == found


def test_hbt_root_goes_before_the_working_directory(
    projects: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    outer, inner = projects
    monkeypatch.chdir(inner)
    monkeypatch.setenv("HBT_ROOT", str(outer))
    assert project_folder() == outer
    monkeypatch.setenv("HBT_ROOT", "notebooks")  # relative to the working directory
    assert project_folder() == inner / "notebooks"
    monkeypatch.setenv("HBT_ROOT", "")
    assert project_folder() == inner
    monkeypatch.setenv("HBT_ROOT", "nosuch")
    with pytest.raises(FileNotFoundError, match="HBT_ROOT names nosuch, which is not a folder"):
        project_folder()


def test_without_a_project_a_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HBT_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    for needs_one in (
        lambda: hbt.study.ROOT,
        lambda: hbt.study.load("worldfacts"),
        lambda: hbt.study.check("train", {}),
        lambda: hbt.paper_tables(),
        lambda: hbt.study.environment(),
    ):
        with pytest.raises(FileNotFoundError, match=r"no project here: .* Run this inside a clone"):
            needs_one()


def test_every_module_is_imported_without_a_project(tmp_path: Path) -> None:
    script = (
        "import importlib, pkgutil, hbtlib.study as room\n"
        "modules = [m.name for m in pkgutil.walk_packages(room.__path__, room.__name__ + '.')]\n"
        "for name in modules: importlib.import_module(name)\n"
        "for name in room.__all__: getattr(room, name)\n"
        "print(len(modules))"
    )
    environment = {key: value for key, value in os.environ.items() if key != "HBT_ROOT"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) >= 10
