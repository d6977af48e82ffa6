"""One run of a study, its name, and the folder it is kept in."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hbtlib.study.parameters import LOCATION, defaults_of
from hbtlib.study.project import project_folder


@dataclass(frozen=True)
class Run:
    """One run of a study.

    Attributes:
        study: The name of the study.
        name: The name of the run, see `run_name`.
        parameters: All parameters of the train notebook, with their values.
        arm: What is compared: everything but the seed.
        beside: True if the run is not of the study's grid but stands beside it for scale.
    """

    study: str
    name: str
    parameters: dict[str, Any]
    arm: str = ""
    beside: bool = False

    @property
    def folder(self) -> Path:
        """The run folder, `results/STUDY/RUN` in the project's folder."""
        return project_folder() / "results" / self.study / self.name

    @property
    def part(self) -> Path:
        """The folder beside it where the run is written until it is whole."""
        return self.folder.with_name(f".{self.name}.part")


def run_name(parameters: Mapping[str, Any], arm: str | None = None) -> str:
    """Returns the name of a run: readable, and different for different parameters.

    It ends in a short hash of all parameters that are not the train notebook's defaults. So a
    parameter that is added to the notebook later renames no run.

    Args:
        parameters: The parameters of the run; those that are left out are at their defaults.
        arm: The name of an arm beside the grid. None: the run is named after its strategy.

    Returns:
        A name like `hybrid-alpha0.25-seed1-0123abcd`.
    """
    readable = _strategy(parameters) if arm is None else _slug(arm)
    return f"{readable}-seed{parameters.get('seed', 0)}-{_digest(parameters)}"


def _strategy(parameters: Mapping[str, Any]) -> str:
    """Returns the strategy, with the share and the level it mixes at where these are unusual."""
    name = str(parameters.get("strategy", "run"))
    alpha = parameters.get("alpha")
    if name == "hybrid" and alpha != 0.5:
        name += "-alpha" + re.sub(r'[ "{}\[\]:,]', "", json.dumps(alpha))
    if parameters.get("mix") == "pair":
        name += "-pair"
    return name


def _slug(arm: str) -> str:
    """Returns the name of an arm in small letters, digits, points and hyphens."""
    return re.sub(r"[^a-z0-9.]+", "-", arm.lower()).strip("-")


def _digest(parameters: Mapping[str, Any]) -> str:
    """Returns eight hexadecimal digits that stand for the parameters that are not defaults."""
    defaults = defaults_of("train")
    chosen = {
        name: value
        for name, value in parameters.items()
        if name not in LOCATION and (name not in defaults or value != defaults[name])
    }
    text = json.dumps(chosen, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
