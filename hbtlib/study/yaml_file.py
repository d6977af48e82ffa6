"""Reads a YAML file of a study: what is wrong with it is said in a sentence, with file and line."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any, cast

import yaml

from hbtlib.checks import short

DEEPEST = 50
"""A study has mappings of mappings of lists; nobody nests more than this by intention."""

LARGEST = 5_000_000
"""So many values are more than any study has; a few anchors can stand for as many."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader, which refuses a key that stands twice, and names the line of a bad value."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Makes the value of a node."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, OverflowError, AttributeError, KeyError) as error:
            # Such as the date 2020-13-45, which PyYAML hands to Python as it is.
            raise _wrong(node, f"{short(node.value)} cannot be read ({error})") from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Makes a mapping, whose keys must differ."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue  # `<<: *others` gives what is not named here
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise _wrong(key_node, f"{short(key)} is no key of a mapping")
            if key in seen:
                raise _wrong(key_node, f"the key {short(key)} stands twice in the same mapping")
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(file: Path) -> Any:
    """Reads a YAML file.

    Args:
        file: The file.

    Returns:
        What it holds.

    Raises:
        ValueError: It cannot be read, is not UTF-8 or no YAML, has a key twice, or holds more than
            any study does. The message names the file and, where there is one, the line.
    """
    try:
        text = file.read_text(encoding="utf-8")
        _check_depth(text)
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check_size(node)
        return loader.construct_document(node)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{file} is not UTF-8 text (byte {error.start}): save it in that encoding"
        ) from None
    except yaml.YAMLError as error:
        raise ValueError(f"{file}{_line(error)}: {_what(error)}") from None
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror or error}") from None


def _wrong(node: yaml.Node, problem: str) -> yaml.constructor.ConstructorError:
    """Returns an error about a node."""
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _check_depth(text: str) -> None:
    """Refuses deep nesting, on which libyaml ends the whole process."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            mark = cast(yaml.Mark, event.start_mark)
            raise yaml.MarkedYAMLError(None, None, f"more than {DEEPEST} levels deep", mark)


def _check_size(root: yaml.Node) -> None:
    """Refuses a value that holds itself, and anchors that stand for too many or too deep values."""
    measured: dict[int, tuple[int, int] | None] = {}  # by node: values and levels; None: begun

    def measure(node: yaml.Node) -> tuple[int, int]:
        if not isinstance(node, yaml.CollectionNode):
            return 1, 0
        if id(node) in measured:
            known = measured[id(node)]
            if known is None:
                raise _wrong(node, "this value holds itself")
            return known
        measured[id(node)] = None
        pairs = isinstance(node, yaml.MappingNode)
        parts = [part for pair in node.value for part in pair] if pairs else node.value
        sizes, levels = zip((1, 0), *map(measure, parts), strict=True)
        found = sum(sizes), 1 + max(levels)
        measured[id(node)] = found
        return found

    try:
        size, deep = measure(root)
    except RecursionError:
        size, deep = 0, DEEPEST + 1
    if size > LARGEST or deep > DEEPEST:
        much = f"{LARGEST:,} values or {DEEPEST} levels"
        raise _wrong(root, f"its anchors stand for more than {much}")


def _line(error: yaml.YAMLError) -> str:
    """Returns where the error is, such as `, line 3`."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return f", line {mark.line + 1}" if mark is not None else ""


def _what(error: yaml.YAMLError) -> str:
    """Returns what is wrong, in one line."""
    if isinstance(error, yaml.reader.ReaderError):
        return f"the character number {error.position} does not belong in a text"
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    context = getattr(error, "context", None)
    return f"no YAML: {problem}, {context}" if context else str(problem)
