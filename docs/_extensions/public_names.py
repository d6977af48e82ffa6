"""Directives that document what is public, so that the reference follows the code by itself.

`.. public-names:: sampling` documents the names that hbtlib/__init__.pyi takes from the room
`sampling`: a name that comes to the stub comes to the reference. `.. data-set-loaders::` documents
the loaders of every dataset, and `.. data-sets-read::` lists what was read of each.
"""

import ast
import inspect
import pkgutil
from importlib import import_module
from pathlib import Path

from sphinx.util.docutils import SphinxDirective

import hbtlib

STUB = Path(hbtlib.__file__).with_suffix(".pyi")


def public_names():
    """Which names `import hbtlib` gives, and from which room.

    Returns:
        A dictionary from room ("data", "sampling", …) to its names, in the stub's order.
    """
    rooms = {}
    for node in ast.parse(STUB.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                room = (node.module or alias.name).split(".")[0]
                rooms.setdefault(room, []).append(alias.asname or alias.name)
    return rooms


def documented(name):
    """The reStructuredText that documents one public name.

    Args:
        name: the name as `hbtlib` has it.

    Returns:
        The lines of its directive.
    """
    value = getattr(hbtlib, name)
    if inspect.ismodule(value):
        head = [f"**hbtlib.{name}**", "", f".. automodule:: {value.__name__}"]
        return [*head, "   :members:", "   :show-inheritance:", ""]
    if inspect.isclass(value):
        return [f".. autoclass:: hbtlib.{name}", "   :members:", ""]
    return [f".. autofunction:: hbtlib.{name}", ""]


class PublicNames(SphinxDirective):
    """`.. public-names:: ROOM …`: everything `import hbtlib` takes from these rooms."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        """Builds the table and the entries."""
        rooms = public_names()
        names = [name for room in self.arguments[0].split() for name in rooms[room]]
        self.env.note_dependency(str(STUB))
        lines = []
        listed = [name for name in names if not inspect.ismodule(getattr(hbtlib, name))]
        if listed:
            lines += [".. autosummary::", "   :nosignatures:", ""]
            lines += [*(f"   hbtlib.{name}" for name in listed), ""]
        for name in sorted(names, key=lambda n: inspect.ismodule(getattr(hbtlib, n))):
            lines += documented(name)
        return self.parse_text_to_nodes("\n".join(lines))


class DataSetLoaders(SphinxDirective):
    """`.. data-set-loaders::`: each dataset's module docstring and its two loaders."""

    def run(self):
        """Builds one section a module."""
        from hbtlib.data import sets

        lines = []
        for found in pkgutil.iter_modules(sets.__path__):
            name = f"{sets.__name__}.{found.name}"
            module = import_module(name)
            title = found.name.replace("_", "-")
            lines += [f".. rubric:: {title}", "", f".. automodule:: {name}", ""]
            for loader in ("load_benchmark", "load_pairs"):
                if inspect.isfunction(getattr(module, loader, None)):
                    lines += [f".. autofunction:: {name}.{loader}", ""]
        return self.parse_text_to_nodes("\n".join(lines))


def content_read():
    """What of each dataset's real content was read here, from the catalog.

    Returns:
        A row a dataset: its name, its counts, and what was read ("never" where nothing was).
    """
    from hbtlib.data.catalog import CATALOG

    return [(name, entry.counts, entry.read) for name, entry in CATALOG.items() if name != "folder"]


class DataSetsRead(SphinxDirective):
    """`.. data-sets-read::`: a table of the datasets and what of their real content was read."""

    def run(self):
        """Builds the table."""
        self.env.note_dependency(inspect.getfile(hbtlib.catalog))
        lines = [".. list-table::", "   :header-rows: 1", ""]
        for name, counts, read in [("dataset", "has", "read here"), *content_read()]:
            lines += [f"   * - {name}", f"     - {counts}", f"     - {read}"]
        return self.parse_text_to_nodes("\n".join(lines))


def own_members_only(app, what, name, value, skip, options):
    """Leaves out members that a class has from another library (matplotlib's `Figure.set`)."""
    module = getattr(value, "__module__", None)
    return True if module and not module.startswith("hbtlib") else None


def known_without_page(app, env, node, contnode):
    """Accepts, without a link, types of a signature that exist in hbtlib but have no page."""
    *path, last = node.get("reftarget", "").split(".")
    if path[:1] != ["hbtlib"]:
        return None
    for depth in range(len(path), 0, -1):
        try:
            value = import_module(".".join(path[:depth]))
        except ImportError:
            continue
        for part in [*path[depth:], last]:
            value = getattr(value, part, None)
        return None if value is None else contnode
    return None


def setup(app):
    """Registers the directives and the two handlers."""
    app.add_directive("public-names", PublicNames)
    app.add_directive("data-set-loaders", DataSetLoaders)
    app.add_directive("data-sets-read", DataSetsRead)
    app.connect("autodoc-skip-member", own_members_only)
    app.connect("missing-reference", known_without_page)
    return {"parallel_read_safe": True}
