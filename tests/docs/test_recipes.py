"""Each page of docs/extend is done once: its code is taken from the page and must work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import pytest

import hbtlib as hbt
from hbtlib.data import catalog, sets
from hbtlib.evaluation import retrieval_measures
from hbtlib.evaluation.bias import MEASURES
from hbtlib.sampling.strategies import STRATEGIES
from hbtlib.training.objectives import OBJECTIVES

ROOT = Path(__file__).resolve().parents[2]
EXTEND = ROOT / "docs" / "extend"


def blocks(page: str) -> dict[str, str]:
    """The page's code by what its first line names: the file it belongs in, or "try it"."""
    text = (EXTEND / f"{page}.md").read_text(encoding="utf-8")
    found = re.findall(r"^```(?:python|yaml)\n# ([^\n]+)\n(.*?)^```", text, flags=re.M | re.S)
    return dict(found)


@contextmanager
def restored(registry: dict[str, Any]) -> Iterator[None]:
    """Leaves the registry as it was."""
    before = dict(registry)
    try:
        yield
    finally:
        registry.clear()
        registry.update(before)


def run(code: str) -> dict[str, Any]:
    matplotlib.use("Agg")
    namespace: dict[str, Any] = {"__name__": "__recipe__"}
    exec(compile(code, "recipe", "exec"), namespace)
    plt.close("all")
    return namespace


@pytest.fixture(autouse=True)
def in_a_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", ["data-set", "strategy", "measure", "objective", "study"])
def test_recipes_are_short(page: str) -> None:
    own = [code for place, code in blocks(page).items() if place != "try it"]
    assert own
    assert sum(1 for code in own for line in code.splitlines() if line.strip()) < 40


@pytest.mark.parametrize("page", ["data-set", "strategy", "measure", "objective", "study"])
def test_recipes_name_files_that_exist(page: str) -> None:
    """The file to copy from exists, and so do those that the recipe changes."""
    text = (EXTEND / f"{page}.md").read_text(encoding="utf-8")
    named = re.findall(r"\*\*Copy from\*\*(.*?)\n\n", text, flags=re.S)
    copied = re.findall(r"`((?:hbtlib|notebooks)/[^`]+)`", " ".join(named))
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_strategy() -> None:
    with restored(STRATEGIES):
        code = blocks("strategy")
        run(code["hbtlib/sampling/strategies.py"])
        plan = run(code["try it"])["plan"]
    kinds = set()
    for t in range(len(plan)):
        batch = plan[t]
        languages = set(zip(batch.query_languages, batch.passage_languages, strict=True))
        assert len(languages) == 1  # one pair of languages a batch
        query, passage = languages.pop()
        assert (query == passage) == (batch.kind == "x-x-mono")
        kinds.add(batch.kind)
    assert kinds == {"x-x-mono", "x-y-mono"}


def test_objective() -> None:
    with restored(OBJECTIVES):
        code = blocks("objective")
        run(code["hbtlib/training/objectives/symmetric.py"])
        encoder = run(code["try it"])["encoder"]
        with pytest.raises(ValueError, match="strength"):
            OBJECTIVES["symmetric"](0.05, ["de"], 8, {"strength": 1.0})
    assert encoder.embed(["Bonn"], "query").shape == (1, encoder.dimension)


def test_measure() -> None:
    with restored(MEASURES), restored(retrieval_measures.MEASURES):
        code = blocks("measure")
        declared = code["hbtlib/evaluation/bias_measures.py"]
        run(declared + code["hbtlib/evaluation/retrieval_measures.py"])
        done = run(code["try it"] + "\nsuccess = hbt.measure(ranks, ['success@10'])")
    cells = ["query_language", "pool"]
    best = done["ranks"].groupby([*cells, "query_id"], observed=True)["rank"].min()
    wanted = (best <= 10).groupby(cells, observed=True).mean()
    found = done["success"].set_index(cells)["value"]
    assert found.to_dict() == pytest.approx(wanted.to_dict())
    first = done["ranks"].query("pool == 'all'").groupby("query_id", observed=True)["rank"].min()
    languages = done["ranks"].drop_duplicates("query_id").set_index("query_id")["query_language"]
    expected = (first == 1).groupby(languages, observed=True).mean()
    rows = done["bias"].query("measure == 'found-first'").set_index("query_language")["value"]
    assert rows.to_dict() == pytest.approx(expected.to_dict())


def test_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = blocks("data-set")
    loaders = tmp_path / "sets"
    loaders.mkdir()
    (loaders / "proverbs.py").write_text(code["hbtlib/data/sets/proverbs.py"], encoding="utf-8")
    monkeypatch.setattr(sets, "__path__", [*sets.__path__, str(loaders)])
    folder = tmp_path / "my-folder"
    folder.mkdir()
    (folder / "de.tsv").write_text("Übung macht den Meister\tWer übt, lernt.\n", encoding="utf-8")
    (folder / "en.tsv").write_text("Practice makes perfect\tOne learns by doing.\n", "utf-8")

    proverbs = import_module("hbtlib.data.sets.proverbs")
    entry = f"{{{code['hbtlib/data/catalog.py']}}}"
    with restored(catalog.CATALOG):
        catalog.CATALOG.update(eval(entry, {**vars(catalog), "proverbs": proverbs}))
        assert "proverbs" in set(hbt.catalog()["name"])
        pairs = run(code["try it"])["pairs"]
        one = hbt.load_pairs("proverbs", data=folder, languages=["en"])
    sys.modules.pop("hbtlib.data.sets.proverbs")
    assert pairs.texts([0], "de", "query") == ["Übung macht den Meister"]
    assert one.languages == ("en",)


def test_study(tmp_path: Path) -> None:
    """The YAML stands in a project folder of its own, as HBT_ROOT names one."""
    code = blocks("study")
    shutil.copytree(
        ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*", "__*")
    )
    place = tmp_path / "notebooks" / "studies" / "schedule.yaml"
    place.write_text(code["notebooks/studies/schedule.yaml"], encoding="utf-8")
    checks = """
assert study.name == "schedule", study
assert len(study.runs) == 6, study.runs
falling = [run.parameters for run in study.runs if run.arm == "falling"]
assert [p["seed"] for p in falling] == [0, 1]
assert all(p["alpha"] == {"linear": [1, 0]} for p in falling)
assert {notebook for notebook, _ in study.shown().values()} == {"evaluate", "bias"}
"""
    done = subprocess.run(
        [sys.executable, "-c", code["try it"] + checks],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HBT_ROOT": str(tmp_path), "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
