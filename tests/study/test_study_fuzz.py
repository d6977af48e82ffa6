"""Whatever a study's YAML holds, it is a study or one short sentence that names the file."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quick_study import QUICK, make_project

from hbtlib import study
from hbtlib.checks import check_name
from hbtlib.study.config import KEYS
from hbtlib.study.schema import SCHEMAS

WORDS = st.sampled_from(
    ["", " ", "x", "de de", "1e-4", "[1e-4]", "../x", "$(touch pwned)", "a\0b", "null", "none"]
)
NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([10**400, -1, 0, 1]))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, WORDS, st.text(max_size=5), st.dates())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(WORDS, NUMBERS), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from([*SCHEMAS["train"].model_fields, "nosuch"])
PARTS = st.dictionaries(st.one_of(NAMES, NAMES, WORDS), VALUES, max_size=3)
PLACES = st.sampled_from(["parameters", "runs", "grid", "arms", *KEYS])
FUZZ = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        yield make_project(tmp_path_factory.mktemp("fuzz"), patch)


def try_text(project: Path, text: str | bytes) -> None:
    """Loads a YAML: it must become a study whose runs have safe names, or be refused."""
    file = project / "notebooks" / "studies" / "quick.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    try:
        loaded = study.load("quick")
    except ValueError as error:
        said = str(error)
        assert said.startswith(str(file))
        assert "\n" not in said
        assert len(said) < len(str(file)) + 400
        return
    for run in loaded.runs:
        check_name("run", run.name)
        assert study.check("train", run.parameters) == run.parameters
    loaded.shown()


@FUZZ
@given(
    where=st.sampled_from(["parameters", "runs", "grid", "arms", *KEYS]), part=PARTS, value=VALUES
)
def test_values_anywhere(project: Path, where: str, part: dict[Any, Any], value: Any) -> None:
    content = copy.deepcopy(QUICK)
    if where == "runs":
        content["runs"] = {"an arm": part}
    elif where == "arms":
        content["runs"] = {key: {"steps": 3} for key in part}
    elif where == "grid":
        content["grid"] = {key: [one] for key, one in part.items()}
    elif where == "parameters":
        content["parameters"] = {**content["parameters"], **part}
    else:
        content[where] = value
    try_text(project, yaml.safe_dump(content, allow_unicode=True))


@FUZZ
@given(data=st.data())
def test_broken_texts(project: Path, data: st.DataObject) -> None:
    whole = yaml.safe_dump(QUICK, sort_keys=False)
    at = data.draw(st.integers(0, len(whole)))
    cut = data.draw(st.integers(0, 5))
    new = data.draw(st.text("\t\n:{}[]&*!|>'\"%@`#,-?\0\u200b\ufeff\u2028é<= 1e.", max_size=4))
    try_text(project, whole[:at] + new + whole[at + cut :])


@FUZZ
@given(content=st.binary(max_size=40))
def test_any_bytes(project: Path, content: bytes) -> None:
    try_text(project, content)
