"""The schema of notebooks' parameters: it agrees with the notebooks and with the library."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pandas as pd
import pytest
from quick_study import REPOSITORY

from hbtlib import study
from hbtlib.study import together
from hbtlib.study.parameter_page import page
from hbtlib.study.schema import SCHEMAS, must


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HBT_ROOT", str(REPOSITORY))


def test_every_notebook_has_a_schema_with_its_names_and_defaults() -> None:
    files = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))  # numbered ones, then explore
    assert list(SCHEMAS) == [re.sub(r"\A[0-9]{2}-", "", file.stem) for file in files]
    for name, schema in SCHEMAS.items():
        cell = study.notebook_parameters(name)
        fields = {key: field.default for key, field in schema.model_fields.items()}
        assert fields == cell, name
        assert {k: type(v) for k, v in fields.items()} == {k: type(v) for k, v in cell.items()}
        assert study.check(name, cell) == cell


def test_every_parameter_is_explained() -> None:
    for schema in SCHEMAS.values():
        for field in schema.model_fields.values():
            assert field.description
            assert "another value" not in must(field)


def test_the_page_of_parameters_is_that_of_the_schema() -> None:
    written = (REPOSITORY / "docs" / "guide" / "parameters.md").read_text(encoding="utf-8")
    assert written == page(), "run python -m hbtlib.study.parameter_page"


BAD = [
    ("seed", -1, "seed is -1; it must be a whole number from 0 to 4294967295"),
    ("seed", 1.0, "seed is 1.0; it must be a whole number"),
    ("seed", "0", "seed is '0'; it must be a whole number"),
    ("seed", "0|| touch pwned #", "seed is '0|| touch pwned #'; it must be a whole number"),
    ("strategy", "x$(touch pwned)", "strategy is 'x$(touch pwned)'; there are x-x-mono"),
    ("strategy", "hybird", "strategy is 'hybird'; did you mean 'hybrid'?"),
    ("strategy", None, "strategy is None; it must be a strategy"),
    ("alpha", 1.5, "alpha is 1.5; it must be a number from 0 to 1, or a schedule"),
    ("alpha", True, "alpha is True; it must be"),
    ("alpha", {"linear": [1, "0"]}, "alpha is {'linear': [1, '0']}; it must be"),
    ("alpha", {"linear": "10"}, "alpha is {'linear': '10'}; it must be"),
    ("alpha", "5e-1", "alpha is the text '5e-1', because YAML reads"),
    ("alpha", 10**400, "alpha is 1000000"),
    ("mix", "pairs", "mix is 'pairs'; did you mean 'pair'?"),
    ("encoder", "", "encoder is ''; it must be a text, without line breaks"),
    ("max_length", 0, "max_length is 0; it must be a whole number from 3 up, or None"),
    ("max_length", 2, "max_length is 2; it must be a whole number from 3 up, or None"),
    ("pairs", "worldfact", "pairs is 'worldfact'; did you mean 'worldfacts'?"),
    ("languages", "de de en", "languages is 'de de en'; it names 'de' twice"),
    ("languages", "", "languages is ''; it must be codes of languages separated by blanks"),
    ("languages", ["de", "en"], "languages is ['de', 'en']; it must be codes of languages"),
    ("languages", "de ../en", "languages has '../en', which is no code of a language"),
    ("languages", "de xx", "languages has 'xx', which 'worldfacts' lacks; it has"),
    ("evaluated", "", "evaluated is ''; it must be codes of languages"),
    ("evaluated", "de xx", "evaluated has 'xx', which 'worldfacts' lacks"),
    ("pairs_options", {"data": "x"}, "pairs_options has no option 'data'"),
    ("pairs_options", {"split": "test"}, "pairs_options has split, which the notebook gives"),
    ("pairs_options", {"monolingual": True}, "pairs_options has no option 'monolingual'"),
    ("pairs_options", {1: 2}, "pairs_options is {1: 2}; it must be a mapping of options"),
    ("pairs_options", [1], "pairs_options is [1]; it must be a mapping of options"),
    ("ids", 0, "ids is 0; it must be a whole number from 1 up, or None"),
    ("overlap", "x", "overlap is 'x'; there are refuse, leave out"),
    ("benchmark", "", "benchmark is ''; it must be one or several benchmarks"),
    ("benchmark", "worldfacts worldfacts", "it names 'worldfacts' twice"),
    ("benchmark", "xquadr", "benchmark is 'xquadr'; did you mean 'xquad-r'?"),
    ("benchmark_options", {"contxt": 1}, "benchmark_options has no option 'contxt'"),
    ("split", "val", "split is 'val'; there are train, validation, test"),
    ("split", "x" * 200, "a name has 150 characters at most"),
    ("split", "../x", "split is '../x'; it becomes a part of a file's name"),
    ("batch_size", 0, "batch_size is 0; it must be a whole number from 1 up"),
    ("steps", 10**400, "steps is 1000000"),
    ("learning_rate", "1E-4", "learning_rate is the text '1E-4', because YAML reads"),
    (
        "learning_rate",
        ["1e-4"],
        "learning_rate is ['1e-4']; it must be a number above 0, and 1000 at most",
    ),
    ("learning_rate", 1e20, "learning_rate is 1e+20; it must be"),
    ("learning_rate", 0, "learning_rate is 0; it must be a number above 0, and 1000 at most"),
    (
        "learning_rate",
        float("inf"),
        "learning_rate is inf; it must be a number above 0, and 1000 at most",
    ),
    ("embedding_learning_rate", -1e-3, "it must be a number from 0 to 1000, or None"),
    ("weight_decay", -0.1, "weight_decay is -0.1; it must be a number from 0 to 1000"),
    ("warmup", 1, "warmup is 1; it must be a number from 0 to below 1"),
    ("temperature", 1e-20, "temperature is 1e-20; it must be a number from 0.001 to 100"),
    ("temperature", 1e20, "temperature is 1e+20; it must be a number from 0.001 to 100"),
    ("objective", "infonce", "objective is 'infonce'; did you mean 'info-nce'?"),
    ("objective_options", {"k": 3}, "objective_options has no option 'k'; there"),
    ("negatives", {"m": 1}, "negatives has no option 'm'"),
    ("negatives", {"n": 0}, "negatives: n is 0; it must be 1 or more"),
    ("negatives", {"ranks": 10}, "negatives: ranks is 10; it must be the first and the last"),
    ("negatives", {"n": 5, "ranks": [1, 4]}, "negatives: ranks: the last is 4; it must be 5"),
    ("validation", "mAP multi", "validation is 'mAP multi'; it must be one of"),
    ("validation", "rank-distance multilingual", "a metric that is better when higher"),
    ("evaluate_every", 0, "evaluate_every is 0; it must be a whole number from 1 up"),
    ("evaluate_every", -1, "evaluate_every is -1; it must be a whole number from 1 up"),
    ("patience", -1, "patience is -1; it must be a whole number from 1 up, or None"),
    ("precision", "fp8", "precision is 'fp8'; there are fp32, bf16, fp16"),
    ("chunk_tokens", 0, "chunk_tokens is 0; it must be"),
    ("lora", {"r": 8}, "set embedding_learning_rate to null"),
    ("lora", {"rank": 8}, "lora has no option 'rank'; see peft.LoraConfig"),
    ("arguments", {"max_steps": 1}, "arguments has max_steps, which the parameter steps decides"),
    ("arguments", {"output_dir": "/"}, "arguments has output_dir, which the parameter folder"),
    ("arguments", {"report_too": 1}, "arguments has no option 'report_too'; did you mean"),
    ("arguments", {"max_grad_norm": "1e0"}, "arguments: max_grad_norm is the text '1e0'"),
    ("encoder_options", {"widht": 1}, "encoder_options has no option 'widht'; did you mean"),
    ("encoder_options", {"max_length": 9}, "max_length, which is a parameter of its own"),
    ("top", -1, "top is -1; it must be a whole number from 0 up"),
    ("probes", "mean x", "probes is 'mean x'; it must be"),
    ("probes", " ", "probes is ' '; it must be"),
    ("probes", pd.DataFrame({"x": [1]}), "probes is"),
    ("probes", "mean ²", "probes is 'mean ²'; it must be"),
    ("probes", "mean leake:xnli", "probes: the method of a map is 'leake'; did you"),
    ("probes", "leace:xnly", "probes: the pairs of a map is 'xnly'; did you"),
    ("probes", "leace:", "probes: the pairs of a map"),
    ("probes", "leace:xnli+", "probes: the pairs of a map is ''; there are"),
    ("probes", "leace:xnli+ntrax", "probes: the pairs of a map is 'ntrax'; did you"),
    ("probes", "leace:xnli+ntrex+xnli", "which names the pairs xnli twice"),
    ("probes", "leace:xnli:1", "probes: the number of ids of a map is '1'; it must be"),
    ("probes", "leace:xnli:many", "probes: the number of ids of a map is 'many'; it must be"),
    ("probes", f"leace:xnli:{'9' * 5000}", "probes: the number of ids of a map is '9"),
    ("probes", "leace:xnli:400:1", "which names no map: it is METHOD:PAIRS"),
    ("encoder_options", {"neutral": "leace"}, "encoder_options: neutral is 'leace'"),
    ("encoder_options", {"neutral": 1}, "encoder_options: neutral is 1"),
    ("study", "../x", "study is '../x'; it becomes a part of a file's name"),
    ("folder", "../x", "folder is '../x'; it must be a folder inside the project's"),
    ("folder", "/tmp/x", "folder is '/tmp/x'; it must be a folder inside the project's"),
    ("folder", "results/x/..", "folder is"),
    ("folder", "results/x/.$(id).part", "folder is '$(id)'"),
]


@pytest.mark.parametrize(("name", "value", "said"), BAD, ids=[f"{n}-{v!r:.30}" for n, v, _ in BAD])
def test_a_wrong_value_is_refused_in_the_notebook(name: str, value: Any, said: str) -> None:
    given = study.notebook_parameters("train") | {name: value}
    with pytest.raises(ValueError, match=r"03-train\.ipynb: ") as error:
        study.check("train", given)
    assert said in str(error.value)
    assert len(str(error.value)) < 400
    assert "\n" not in str(error.value)


TOGETHER: list[tuple[dict[str, Any], str]] = [
    ({"benchmark": "xquad-r", "split": "test"}, "the benchmark 'xquad-r' has no splits"),
    ({"benchmark": "xquad-r", "validation": "mAP multilingual"}, "'xquad-r' has no splits"),
    ({"pairs": "xquad"}, "pairs is 'xquad', which has no split to choose weights by"),
    (
        {"languages": "de en", "objective": "one-to-k", "objective_options": {"k": 99}},
        "objective_options: k is 99; it must be 2 or less",
    ),
    ({"objective": "one-to-k", "negatives": {"n": 1}}, "has no place for hard negatives"),
    ({"objective": "clear", "objective_options": {"alpha": "1e-1"}}, "alpha is the text '1e-1'"),
    ({"objective": "clear", "objective_options": {"alpha": True}}, "it must be a number"),
]


@pytest.mark.parametrize(("changed", "said"), TOGETHER)
def test_parameters_that_do_not_go_together_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=r"03-train\.ipynb: ") as error:
        study.check("train", study.notebook_parameters("train") | changed)
    assert said in str(error.value)


GOOD: list[dict[str, Any]] = [
    {"strategy": "none", "languages": "de", "alpha": {"step": [[0, 1], [0.5, 0]]}},
    {"alpha": {"linear": [1, 0]}, "mix": "pair", "learning_rate": 1, "warmup": 0, "split": "test"},
    {"embedding_learning_rate": None, "lora": {"r": 8, "task_type": None}},
    {"embedding_learning_rate": 0, "evaluate_every": None, "probes": "", "top": 0, "patience": 1},
    {"pairs": "folder", "pairs_options": {"data": "x"}, "languages": "xx zh_Hant"},
    {"benchmark": "xquad-r mlqa-r", "benchmark_options": {"context": "paragraph"}},
    {"arguments": {"report_to": "tensorboard", "max_grad_norm": 1}, "objective_options": None},
    {"negatives": {"n": 2, "ranks": [10, 100]}, "validation": "nDCG@10 multilingual"},
    {"encoder": "hub/model", "encoder_options": {"revision": "1e54", "attn_implementation": "x"}},
    {"encoder_options": {"width": 64, "query_prefix": ""}, "max_length": 3, "ids": 1},
    {"folder": "results/by-hand/.x-y-seed0-0123abcd.part", "seed": 2**32 - 1},
    {"objective": "semantic-language", "objective_options": {"semantic": 0, "language": 1.0}},
    {"objective": "lancer", "objective_options": {"texts": 2, "distillation": 0.5}},
    {"objective": "info-nce", "objective_options": {"distillation": 1}},
]


@pytest.mark.parametrize("changed", GOOD)
def test_a_sensible_value_is_taken_as_it_is(changed: dict[str, Any]) -> None:
    given = study.notebook_parameters("train") | changed
    found = study.check("train", given)
    assert found == given
    assert all(found[name] is given[name] for name in given)


@pytest.mark.parametrize(
    ("notebook", "name", "value", "said"),
    [
        ("evaluate", "run", "../x", "run is '../x'; it becomes a part of a file's name"),
        ("results", "metric", "mAPP", "metric is 'mAPP'; it must be a metric"),
        ("results", "feature", "family ", "feature is 'family '; did you mean 'family'?"),
        ("results", "study", "x/y", "study is 'x/y'; it becomes"),
        ("bias", "benchmark", "../x", "benchmark is '../x'; it becomes"),
        ("data", "name", "ntrex", "name is 'ntrex'; there are worldfacts"),
        ("data", "examples", 0, "examples is 0; it must be a whole number from 1 up"),
        ("benchmark", "languages", "de de", "it names 'de' twice"),
        ("quickstart", "strategy", "none", "strategy is 'none'"),
    ],
)
def test_other_notebooks_have_a_schema_too(notebook: str, name: str, value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=rf"{notebook}\.ipynb: ") as error:
        study.check(notebook, study.notebook_parameters(notebook) | {name: value})
    assert said in str(error.value)


def test_what_is_known_of_options_is_what_the_library_takes() -> None:
    import hbtlib as hbt
    from hbtlib.encoders.encoder import Encoder
    from hbtlib.encoders.small_parts import small_transformer
    from hbtlib.training.objectives import COMMON, OBJECTIVES

    for name, options in together.OBJECTIVES.items():
        assert tuple(OBJECTIVES[name].defaults) == options
    assert set(together.OBJECTIVES) == set(OBJECTIVES)
    assert tuple(COMMON) == together.OF_EVERY_OBJECTIVE
    without = {name for name, kind in OBJECTIVES.items() if not kind.hard_negatives}
    assert set(together.WITHOUT_NEGATIVES) == without

    def keywords(function: Any) -> list[str]:
        named = inspect.signature(function).parameters.values()
        return [one.name for one in named if one.kind is one.KEYWORD_ONLY]

    assert tuple(keywords(hbt.mine_negatives)) == together.NEGATIVES
    assert tuple(keywords(small_transformer)) == together.SMALL
    assert {*keywords(Encoder.load)} - {"max_length"} == {*together.ENCODER}


def test_fields_read_from_source_are_those_of_the_classes() -> None:
    import dataclasses

    from transformers import TrainingArguments

    found = together._fields_of("transformers", (("training_args.py", "TrainingArguments"),))
    assert set(found) == {field.name for field in dataclasses.fields(TrainingArguments)}
    assert set(together.DECIDED) | set(together.FIXED) <= set(found)
    assert together._fields_of("nosuchpackage", ()) == ()


def test_what_training_refuses_among_arguments_is_refused_before() -> None:
    refused = pytest.importorskip("hbtlib.training.further_arguments")
    assert {*together.DECIDED, *together.FIXED} == {*refused.OURS, *refused.FIXED}


def test_an_objective_of_ones_own_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from hbtlib.training.objectives import OBJECTIVES

    monkeypatch.setitem(OBJECTIVES, "mine", OBJECTIVES["one-to-k"])
    given = study.notebook_parameters("train") | {"objective": "mine"}
    assert study.check("train", {**given, "objective_options": {"k": 2}})
    with pytest.raises(ValueError, match="objective_options has no option 'j'"):
        study.check("train", {**given, "objective_options": {"j": 2}})


@pytest.mark.parametrize("name", list(together.SPLITS))
def test_the_splits_of_a_benchmark_are_those_it_takes(name: str) -> None:
    from hbtlib.data.catalog import CATALOG

    loader = inspect.getdoc(CATALOG[name].module.load_benchmark) or ""
    listed = loader.split("split:")[1].split("languages:")[0]
    assert set(re.findall(r'"(\w+)"', listed)) == set(together.SPLITS[name])
