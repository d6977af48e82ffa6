"""`make neutral`: takes language out of an encoder, and writes its folder and a report.

`python -m hbtlib.study.neutral ENCODER --texts TEXTS` embeds all texts, with a bar that shows the
time left, and executes the notebook 13-language-neutral. Then `results/language-neutral/ENCODER/`
has the encoder (`model/`), tables and pictures, and `notebooks/` beside it the executed notebook.
Vectors are kept, so an interrupted command resumes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from hbtlib.checks import check_name
from hbtlib.data.catalog import catalog, load_benchmark, load_pairs
from hbtlib.study.encoders_vectors import folder_name
from hbtlib.study.execution import NotebookFailed, execute
from hbtlib.study.neutral.texts import leave_out_texts, read_texts
from hbtlib.study.neutral.vectors import Vectors
from hbtlib.study.parameters import check, notebook_parameters
from hbtlib.study.project import project_folder

NOTEBOOK = "language-neutral"
PREFERRED = {"texts": "xnli ntrex", "held_out": "mlqa-pairs", "benchmark": "xquad-r"}
"""What is taken where nothing is named, if it is at hand."""

ALWAYS = "worldfacts"
"""What is taken else."""

COUNT, HELD_OUT_IDS = 400, 600


def neutral(
    encoder: str,
    *,
    texts: str = "",
    held_out: str = "",
    benchmark: str = "",
    name: str = "",
    **parameters: Any,
) -> Path:
    """Fits a map for an encoder and writes its folder and a report.

    Args:
        encoder: the encoder's name, as `hbt.load_encoder` takes it.
        texts: what the map is fitted on, as the notebook's parameter; "": XNLI and NTREX, or
            WorldFacts where these are not at hand.
        held_out: the pairs on which settings are compared; "": mlqa-pairs, or WorldFacts.
        benchmark: what the map is tried on; "": XQuAD-R, or WorldFacts.
        name: of the folder in `results/language-neutral/`; "": the encoder's.
        parameters: further parameters of the notebook.

    Returns:
        The folder.

    Raises:
        ValueError: if something that is named cannot be used.
        NotebookFailed: if a cell of the notebook failed.
    """
    folder = (
        project_folder() / "results" / NOTEBOOK / check_name("NAME", name or folder_name(encoder))
    )
    given = {"texts": texts, "held_out": held_out, "benchmark": benchmark}
    chosen = {key: value or _at_hand(key) for key, value in given.items()}
    values = {
        **notebook_parameters(NOTEBOOK),
        "texts_options": {},
        "held_out_options": {},
        "benchmark_options": {},
        "count": COUNT,
        "held_out_ids": HELD_OUT_IDS,
        "encoder": encoder,
        "output": folder.relative_to(project_folder()).as_posix(),
        **chosen,
        **parameters,
    }
    check(NOTEBOOK, values)
    _embed(values)
    for place in (folder, _report(folder).parent):
        place.mkdir(parents=True, exist_ok=True)
    execute(NOTEBOOK, _report(folder), values)
    return folder


def _report(folder: Path) -> Path:
    """Where the executed notebook goes."""
    return folder.parent / "notebooks" / f"{NOTEBOOK}-{folder.name}.ipynb"


def _at_hand(key: str) -> str:
    """What is taken for a parameter that was not given."""
    table = catalog()
    offline = set(table.loc[table["offline"], "name"])
    return PREFERRED[key] if offline.issuperset(PREFERRED[key].split()) else ALWAYS


def _embed(values: dict[str, Any]) -> None:
    """Embeds in this process, where a bar shows the time left; the notebook finds the vectors."""
    given = read_texts(values["texts"], values["count"], options=values["texts_options"])
    pairs = load_pairs(values["held_out"], **values["held_out_options"])
    pairs = leave_out_texts(pairs.sample(values["held_out_ids"]), given)
    tried = load_benchmark(values["benchmark"], **values["benchmark_options"])
    vectors = Vectors(values["encoder"], values["encoder_options"], given)
    vectors.embed(pairs.to_benchmark(), tried)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="make neutral", description=__doc__)
    parser.add_argument("encoder")
    for option in ("texts", "held-out", "benchmark", "name"):
        parser.add_argument(f"--{option}", default="")
    parser.add_argument("--method", default="", help="translations, leace or means")
    asked = {key: value for key, value in vars(parser.parse_args()).items() if value}
    try:
        folder = neutral(asked.pop("encoder", "me5-small"), **asked)
    except (NotebookFailed, ValueError, OSError, ImportError) as error:
        sys.exit(str(error))
    place = folder.relative_to(project_folder())
    report = _report(folder).relative_to(project_folder())
    print(f"{place}/model is the encoder with its map; {report} says what it does")


if __name__ == "__main__":
    main()
