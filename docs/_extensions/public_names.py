"""A directive that documents a room's public names: those that hbtlib/__init__.pyi takes from it.

`.. public-names:: sampling` gives a table of the names and then each with its docstring. So a name that
comes to the stub comes to the reference, and one that leaves it leaves the reference.
"""

import ast
import inspect
from pathlib import Path

import hbtlib
from sphinx.util.docutils import SphinxDirective

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


def setup(app):
    """Registers the directive."""
    app.add_directive("public-names", PublicNames)
    return {"parallel_read_safe": True}
