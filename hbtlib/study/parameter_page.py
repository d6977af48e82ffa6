"""The page docs/guide/parameters.md: every parameter of every notebook, and a study's keys.

`python -m hbtlib.study.parameter_page` writes it; a test says when it has to be written again.
"""

from pydantic import BaseModel

from hbtlib.study.config import StudyFile
from hbtlib.study.project import project_folder
from hbtlib.study.schema import SCHEMAS, must

HEAD = """# Parameters

What a study's YAML may say, and what the parameters of each notebook may be. Values are checked
when a study is loaded, before anything runs, and again in the second cell of each notebook. A study
sets parameters of the notebook `train`, all but `study` and `folder`. Python's `None` is YAML's
`null`.

This page is made by `python -m hbtlib.study.parameter_page`, from `hbtlib/study/schema.py`.
"""


def page() -> str:
    """Returns the page.

    Returns:
        Markdown.
    """
    parts = [HEAD, "## A study\n", _keys()]
    for notebook, schema in SCHEMAS.items():
        parts += [f"## `{notebook}`\n", f"{schema.__doc__}\n", _table(schema)]
    return "\n".join(parts)


def _keys() -> str:
    """Returns the table of a study's keys."""
    rows = ["| key | is |", "|---|---|"]
    for name, field in StudyFile.model_fields.items():
        rows.append(f"| `{name}` | {_plain(field.description)} |")
    return "\n".join([*rows, ""])


def _table(schema: type[BaseModel]) -> str:
    """Returns the table of a notebook's parameters."""
    rows = ["| parameter | default | must be | is |", "|---|---|---|---|"]
    for name, field in schema.model_fields.items():
        cells = [f"`{name}`", f"`{field.default!r}`", _plain(must(field))]
        rows.append(f"| {' | '.join([*cells, _plain(field.description)])} |")
    return "\n".join([*rows, ""])


def _plain(text: str | None) -> str:
    """Returns a text as a cell of a table; braces would be read as attributes."""
    return (text or "").replace("|", "\\|").replace("{", "\\{").replace("[", "\\[")


def main() -> None:
    """Writes the page."""
    file = project_folder() / "docs" / "guide" / "parameters.md"
    file.write_text(page(), encoding="utf-8")
    print(file)


if __name__ == "__main__":
    main()
