"""Run folders: whole or absent, and written by one process at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from quick_study import TABLES, make_project

from hbtlib import study
from hbtlib.study import folders, manifest

MEASURED = TABLES[:-1]  # those that an untrained encoder has too


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_project(tmp_path, monkeypatch)


@pytest.fixture
def parameters(project: Path) -> dict[str, Any]:
    return {**study.notebook_parameters("train"), "study": "hand"}


def fill(folder: Path) -> None:
    """Makes empty files in the place of a run's model and tables."""
    (folder / "model").mkdir()
    (folder / "model" / "modules.json").touch()
    for table in MEASURED:
        (folder / f"{table}.parquet").touch()


def test_a_run_folder_is_whole_or_absent(project: Path, parameters: dict[str, Any]) -> None:
    place = study.Workplace(parameters)
    target = project / "results" / "hand" / study.run_name(parameters)
    assert place.path == target.with_name(f".{target.name}.part")
    fill(place.path)
    assert not target.exists()
    assert place.finish({"training": 1.0}) == target
    assert not place.run.part.exists()
    files = ["model", "parameters.json", "environment.json", "manifest.json"]
    files += [f"{table}.parquet" for table in MEASURED]
    assert {path.name for path in target.iterdir()} == set(files)
    kept = json.loads((target / "parameters.json").read_text())
    assert kept == {key: value for key, value in parameters.items() if key != "folder"}
    environment = json.loads((target / "environment.json").read_text())
    assert environment["seconds"] == {"training": 1.0}
    assert {"versions", "device", "peak_memory_mb", "commit"} <= set(environment)
    again = study.Workplace(parameters)
    assert again.done
    assert again.path == again.finish({}) == target


def test_a_folder_that_the_engine_gives_stays_where_it_is(
    project: Path, parameters: dict[str, Any]
) -> None:
    place = study.Workplace({**parameters, "folder": "results/hand/.a-run.part"})
    assert place.run.name == "a-run"
    assert place.path == project / "results" / "hand" / ".a-run.part"
    fill(place.path)
    assert place.finish({"training": 1.0}) == place.path
    assert not place.run.folder.exists()
    assert (place.path / "environment.json").exists()
    assert "folder" not in json.loads((place.path / "parameters.json").read_text())


def test_a_run_is_whole_with_its_model_and_its_tables(
    project: Path, parameters: dict[str, Any]
) -> None:
    place = study.Workplace(parameters)
    fill(place.path)
    folder = place.finish({})
    assert study.whole(folder, parameters)
    (folder / "top.parquet").unlink()  # a run of a time before there was such a table
    manifest.seal(folder, folder.name)
    assert folders.fault(folder, parameters) == f"{folder / 'top.parquet'} is missing"
    write_parameters(folder, {**parameters, "top": 0})
    assert study.whole(folder, {**parameters, "top": 0})
    (folder / "model" / "modules.json").unlink()  # as in a fresh clone
    assert not study.whole(folder, {**parameters, "top": 0})
    manifest.seal(folder, folder.name)
    assert not study.whole(folder, {**parameters, "top": 0})


def test_a_run_of_other_parameters_is_unlike(project: Path, parameters: dict[str, Any]) -> None:
    place = study.Workplace(parameters)
    fill(place.path)
    folder = place.finish({})
    assert study.unlike(folder, parameters) == []
    # The notebook got a parameter since: the run is as it was.
    write_parameters(folder, {k: v for k, v in parameters.items() if k != "temperature"})
    assert study.unlike(folder, parameters) == []
    assert study.whole(folder, parameters)
    # A default was changed since: it is another run.
    write_parameters(folder, {**parameters, "temperature": 0.07})
    assert study.unlike(folder, parameters) == ["temperature"]
    assert not study.whole(folder, parameters)
    (folder / "parameters.json").unlink()
    assert study.unlike(folder, parameters) == []
    assert not study.whole(folder, parameters)


def write_parameters(folder: Path, parameters: dict[str, Any]) -> None:
    """Writes other parameters, as if the run had been made with them."""
    study.write_json(folder / "parameters.json", parameters)
    manifest.seal(folder, folder.name)


def test_a_folder_is_moved_over_an_older_one(tmp_path: Path) -> None:
    for name in ("new", "place", ".place.old"):  # the last is left of a move that was killed
        (tmp_path / name).mkdir()
        (tmp_path / name / f"of-{name}").touch()
    (tmp_path / "new" / ".lock").touch()
    study.move(tmp_path / "new", tmp_path / "place")
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*")] == [
        Path("place"),
        Path("place/of-new"),
    ]


def test_a_second_writer_waits_for_the_first(tmp_path: Path) -> None:
    file = tmp_path / "run" / ".lock"
    script = (
        "import time; from pathlib import Path; from hbtlib.study.folders import lock\n"
        f"with lock(Path({str(file)!r})):\n    print('has it', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "has it\n"
    waiter = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert waiter.stdout is not None
    assert waiter.stdout.readline().startswith("another process writes run/.lock; waiting")
    holder.kill()  # a lock ends with its process
    assert waiter.stdout.readline() == "has it\n"
    waiter.kill()
    for process in (holder, waiter):
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


def test_a_writer_that_waited_begins_again_where_the_folder_was_moved(tmp_path: Path) -> None:
    file = tmp_path / ".run.part" / ".lock"
    first = study.lock(file)
    script = (
        "from pathlib import Path; from hbtlib.study.folders import lock\n"
        f"with lock(Path({str(file)!r})) as held: print(held.name, flush=True)"
    )
    waiter = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert waiter.stdout is not None
    assert waiter.stdout.readline().startswith("another process writes .run.part/.lock")
    study.move(file.parent, tmp_path / "run")
    first.close()
    assert waiter.stdout.readline() == f"{file}\n"
    assert waiter.wait() == 0
    waiter.stdout.close()
    assert file.exists()  # a new one, of which the waiter had the lock
