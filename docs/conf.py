"""The site: Sphinx with MyST. `make docs` builds it into docs/_build/html, without a network."""

import json
import os
import re
import sys
from pathlib import Path

from docutils import nodes

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE / "_extensions")]
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

project = "hbtlib"
author = "The hbtlib authors"
copyright = "The hbtlib authors, Apache-2.0"

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
html_js_files = ["tables.js"]
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
napoleon_use_ivar = True  # attributes are listed; autodoc describes each of them once
# What a function returns is said in prose, which napoleon would split at its first colon.
napoleon_custom_sections = ["Returns", "Yields"]
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


def outward(text, source, page):
    """Relative links of a page's Markdown, as the site can follow them.

    A link to a file of the repository outside docs/ becomes a download; a link to a folder, which a
    browser cannot open, becomes its text.

    Args:
        text: the Markdown.
        source: the folder that the links are relative to, as they are written.
        page: the folder that the page is in.

    Returns:
        The Markdown with such links changed.
    """

    def changed(match):
        label, target = match[1], match[2]
        path = (source / target.split("#")[0]).resolve()
        if not path.exists() or HERE in path.parents:
            return match[0]
        if path.is_dir():
            return label
        return f"[{label}](path:{os.path.relpath(path, page)})"

    return re.sub(r"(?<!!)\[([^\]]*)\]\((?![a-z]+:|#)([^)\s]+)\)", changed, text)


def page_links(app, docname, content):
    """Applies `outward` to a page of Markdown when Sphinx reads it."""
    path = Path(app.env.doc2path(docname))
    if path.suffix == ".md":
        content[0] = outward(content[0], path.parent, path.parent)


def site_copy(notebook, name):
    """A notebook as the site shows it: code folded, a run's name in the title of its page.

    Args:
        notebook: the notebook's JSON.
        name: its page name, such as "worldfacts/evaluate-hybrid-seed0-44136fa3".

    Returns:
        The same notebook, changed.
    """
    notebook["metadata"].pop("widgets", None)
    own = [re.sub(r"\A[0-9]{2}-", "", file.stem) for file in (ROOT / "notebooks").glob("*.ipynb")]
    which = re.sub(rf"^({'|'.join(own)})-?", "", name.split("/")[1])
    which = re.sub(r"-[0-9a-f]{8}$", "", which)  # the run's hash says nothing to a reader
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            tags = cell["metadata"].setdefault("tags", [])
            if not any(tag.startswith(("hide-", "remove-")) for tag in tags):
                tags.append("hide-input")
        elif cell["cell_type"] == "markdown":
            page = HERE / "notebooks" / "study"
            source = outward("".join(cell["source"]), ROOT / "notebooks", page)
            cell["source"] = re.sub(r"\A(# .*)", rf"\1 ({which})", source) if which else source
    return notebook


def copy_notebooks(app, config):
    """Copies the executed notebooks to docs/notebooks/, which git ignores; writes what changed."""
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


def pictures_open_in_full_size(app, doctree):
    """Sphinx links a picture that has a scale to its file; so every picture gets one."""
    for image in doctree.findall(nodes.image):
        if not {"scale", "width", "height"} & image.attributes.keys():
            image["scale"] = 100


def literal_tables(app, what, name, value, options, lines):
    """Shows a docstring's table as it is written: Markdown's, or a block after a colon."""
    changed = []
    for line in lines:
        indented = line.startswith("    ") and len(changed) > 1 and changed[-1] == ""
        if indented and re.fullmatch(r"\S.*[^:]:", changed[-2]):
            changed[-2] += ":"
        in_table = bool(changed) and changed[-1].lstrip().startswith("|")
        if line.lstrip().startswith("|"):
            changed += ["   " + line] if in_table else ["::", "", "   " + line]
        else:
            changed += ["", line] if in_table and line else [line]
    lines[:] = changed


def setup(app):
    """Registers the handlers above."""
    app.connect("config-inited", copy_notebooks)
    app.connect("autodoc-process-docstring", literal_tables, priority=400)
    app.connect("source-read", page_links)
    app.connect("doctree-read", pictures_open_in_full_size)
