"""The site: Sphinx with MyST. `make docs` builds it into docs/_build/html, without a network."""

import json
import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE / "_extensions")]
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

project = "hbtlib"
author = "The hbtlib authors"
copyright = "The hbtlib authors, Apache-2.0"  # noqa: A001

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "public_names",
]
exclude_patterns = ["_build", "_extensions"]
html_theme = "furo"
html_title = "hbtlib"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
default_role = "code"  # a name in single backticks, as docstrings have them
nitpicky = True
# Types of other libraries have no page here, and there is no network to look them up.
nitpick_ignore_regex = [("py:.*", r"(?!hbtlib\.).*")]

autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_admonition_for_examples = False

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_merge_streams = True
nb_output_stderr = "remove"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
# Notebooks are written for JupyterLab, where a heading may skip a level.
suppress_warnings = ["myst.header"]


def executed_notebooks():
    """The executed notebooks under results/: page name, file. Of a study's seeds the first alone.

    Yields:
        Pairs of a name relative to docs/notebooks/ (without ending) and the file it comes from.
    """
    for folder in sorted((ROOT / "results").glob("*/notebooks")):
        study = folder.parent.name
        for file in sorted(folder.glob("[!.]*.ipynb")):
            yield f"{study}/{file.stem}", file
        for file in sorted(folder.parent.glob("*seed0*/notebook.ipynb")):
            yield f"{study}/train-{file.parent.name}", file


def site_copy(notebook, name):
    """A notebook as the site shows it: code folded, and the run's name in the title of a run's page.

    Args:
        notebook: the notebook's JSON.
        name: its page name, such as "worldfacts/evaluate-hybrid-seed0-44136fa3".

    Returns:
        The same notebook, changed.
    """
    notebook["metadata"].pop("widgets", None)
    _, _, which = name.split("/")[1].partition("-")
    which = re.sub(r"-[0-9a-f]{8}$", "", which)  # the run's hash says nothing to a reader
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            tags = cell["metadata"].setdefault("tags", [])
            if not any(tag.startswith(("hide-", "remove-")) for tag in tags):
                tags.append("hide-input")
        elif number == 0 and which:
            source = "".join(cell["source"])
            cell["source"] = re.sub(r"\A(# .*)", rf"\1 ({which})", source)
    return notebook


def copy_notebooks(app, config):
    """Copies the executed notebooks into docs/notebooks/, which git ignores; only what changed is written."""
    target = Path(app.srcdir) / "notebooks"
    wanted = {}
    for name, file in executed_notebooks():
        notebook = site_copy(json.loads(file.read_text(encoding="utf-8")), name)
        wanted[target / f"{name}.ipynb"] = json.dumps(notebook, ensure_ascii=False)
    for old in set(target.glob("*/*.ipynb")) - wanted.keys():
        old.unlink()
    for place, text in wanted.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists() or place.read_text(encoding="utf-8") != text:
            place.write_text(text, encoding="utf-8")


def setup(app):
    app.connect("config-inited", copy_notebooks)
