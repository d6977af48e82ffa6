"""The documentation builds without warnings, its links lead somewhere, and its code runs."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import matplotlib
import matplotlib.pyplot as plt
import pytest

from hbtlib.data.catalog import CATALOG

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "notebooks/README.md")
TOP = [ROOT / name for name in PAGES]


def pages(pattern: str = "**/*.md") -> list[Path]:
    """The site's own pages, not what was built or copied."""
    found = DOCS.glob(pattern)
    return sorted(p for p in found if not {"_build", "notebooks"} & {*p.relative_to(DOCS).parts})


RUN = [
    ROOT / "README.md",
    DOCS / "quickstart.md",
    *pages("guide/*.md"),
    DOCS / "results" / "published.md",
]


def without_code(text: str) -> str:
    text = re.sub(r"^(`{3,}).*?^\1", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "", text)


def python_blocks(page: Path) -> list[tuple[int, str]]:
    """Line number and code of each Python block that is to be run, with its place in the page.

    A block after a line `<!-- not run: WHY -->` is left out. Trainings are cut to two steps: what
    is tested is that the code runs.
    """
    text = re.sub(r"\bsteps=\d+", "steps=2", page.read_text(encoding="utf-8"))
    found = re.finditer(r"^(<!-- not run: .+ -->\n)?```python\n(.*?)^```", text, flags=re.M | re.S)
    return [(text[: m.start(2)].count("\n"), m[2]) for m in found if m[1] is None]


def test_readme_is_one_page() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
    assert [line for line in lines if len(line) > 100] == []
    assert {"make study", "make test"} <= set(re.findall(r"make \w+", "\n".join(lines)))


def test_every_notebook_is_listed() -> None:
    listed = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
    there = {file.name for file in (ROOT / "notebooks").glob("*.ipynb")}
    assert set(re.findall(r"\]\(([\w-]+\.ipynb)\)", listed)) == there


@pytest.mark.parametrize("page", [*TOP, *pages()], ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = without_code(page.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[[^\]]+\]: (\S+)", text, re.M)
    missing = [
        link
        for link in links
        if not re.match(r"[a-z]+:|#", link) and not (page.parent / link.split("#")[0]).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("page", [*TOP, *pages()], ids=lambda p: str(p.relative_to(ROOT)))
def test_no_place_is_left_to_be_filled(page: Path) -> None:
    # A page once stood for a day with a mark in the place of a sentence that was still to come.
    text = without_code(page.read_text(encoding="utf-8"))
    assert re.findall(r"«[A-Z_ ]+»|\b(?:TO-?DO|TBD|FIX-?ME|X{3,})\b|\?{3}", text) == []


@pytest.mark.parametrize("page", RUN, ids=lambda p: str(p.relative_to(ROOT)))
def test_code_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HBT_ROOT", str(ROOT))  # as in a clone: studies and published tables
    matplotlib.use("Agg")
    namespace: dict[str, object] = {"__name__": "__page__"}
    for line, code in python_blocks(page):
        # As many empty lines before the code, so that an error names the page's line.
        exec(compile("\n" * line + code, str(page), "exec"), namespace)
        plt.close("all")


class Page(HTMLParser):
    """What an HTML page links to, what it loads, and its anchors."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self.anchors.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link" and "href" in values:
            self.loaded.append(values["href"])
        elif "src" in values:
            self.loaded.append(values["src"])


def public_names() -> list[str]:
    stub = ast.parse((ROOT / "hbtlib" / "__init__.pyi").read_text(encoding="utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    return [alias.asname or alias.name for node in imports for alias in node.names]


def build(folder: Path) -> Path:
    """The site, built from a copy of docs/ beside links to the rest of the repository."""
    shutil.copytree(
        DOCS, folder / "docs", ignore=shutil.ignore_patterns("_build", "notebooks", "__pycache__")
    )
    for entry in ROOT.iterdir():
        if entry.suffix == ".md":
            shutil.copy(entry, folder)
        elif entry.name != "docs" and not entry.name.startswith("."):
            (folder / entry.name).symlink_to(entry)
    site = folder / "site"
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, folder / "docs", site],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return site


def test_site(tmp_path: Path) -> None:
    """It builds without a warning, loads nothing from other hosts, and has no dead link."""
    site = build(tmp_path)
    read = {file.resolve(): Page(file) for file in site.rglob("*.html")}
    assert len(read) > 40

    for file, page in read.items():
        outside = [url for url in page.loaded if re.match(r"(https?:)?//", url)]
        assert outside == [], f"{file} loads from another host"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", sheet.read_text("utf-8"))

    dead = []
    for file, page in read.items():
        for url in page.links:
            parts = urlsplit(url)
            if parts.scheme:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            known = target in read
            anchor = unquote(parts.fragment)
            if not target.exists() or (known and anchor and anchor not in read[target].anchors):
                dead.append(f"{file.relative_to(site.resolve())}: {url}")
    assert dead == []

    shown = (site / "guide" / "data.html").read_text("utf-8")
    for name, entry in CATALOG.items():
        said = escape(entry.read, quote=False).replace("'", "’")  # as docutils sets it
        assert name == "folder" or said in shown, f"the guide does not show {name}"

    anchors = {name for page in read.values() for name in page.anchors}
    unnamed = [n for n in public_names() if f"hbtlib.{n}" not in anchors and not is_module(n)]
    assert unnamed == []


def is_module(name: str) -> bool:
    import hbtlib

    return type(getattr(hbtlib, name)).__name__ == "module"
