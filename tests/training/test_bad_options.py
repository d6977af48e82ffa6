"""Values that make no sense: each is refused in a sentence that names it, before all else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hbtlib.data.pairs import Pairs
from hbtlib.training.losses import info_nce
from hbtlib.training.options import TrainingOptions
from hbtlib.training.trainer import train

NAN, INF = float("nan"), float("inf")

WHOLE_NUMBERS: dict[str, tuple[Any, ...]] = {
    "steps": (0, -1, "10", True, 1.5, NAN, None, 10**12, [10]),
    "batch_size": (0, -1, "8", True, 2.5, NAN, INF, None),
    "seed": (-1, 2**32, True, 0.5, "0", None),
    "evaluate_every": (0, -1, 2.5, True, "10"),
    "patience": (0, -1, 1.5, True),
    "log_every": (0, -1, None, "1", False),
    "chunk_tokens": (0, -1, 0.5, "512", True),
}
"""By option: values that are no whole number, or out of bounds."""

NUMBERS: dict[str, tuple[Any, ...]] = {
    "learning_rate": (0, 0.0, 1e20, -1e-4, NAN, INF, "1e-4", True, None, [1e-4], 1j),
    "embedding_learning_rate": (-1e-2, NAN, INF, "1e-2", True, [1]),
    "weight_decay": (-1e-2, NAN, INF, "0.01", None, 2**70, 1001),
    "warmup": (-0.1, 1, 1.5, NAN, "0.1", None),
    "temperature": (0, -0.05, 1e-20, 1e20, 9e-4, 101, NAN, INF, "0.05", True, None),
}
"""By option: values that are no number, or out of bounds."""

ALPHAS: tuple[Any, ...] = (
    *(-0.1, 1.1, NAN, None, True, "0.5", [0, 1], {}, {"cosine": [0, 1]}),
    *({"linear": 0.5}, {"linear": "01"}, {"linear": [0]}, {"linear": [0, 2]}),
    *({"step": [[0.1, 1]]}, {"step": [["0", "1"]]}, {"step": 3}, {"linear": None}),
)

OTHERS: list[tuple[dict[str, Any], str]] = [
    ({"strategy": "hibrid"}, "strategy is 'hibrid'; did you mean 'hybrid'?"),
    ({"strategy": 3}, "strategy is 3; there are x-x-mono"),
    ({"strategy": None}, "strategy is None; there are"),
    ({"mix": "pairs"}, "mix is 'pairs'; did you mean 'pair'?"),
    ({"mix": []}, "mix is []; there are batch, pair"),
    ({"languages": []}, "languages is empty; give one code at least"),
    ({"languages": "de en"}, "languages is 'de en'; it must be a list of language codes"),
    ({"languages": {"de"}}, "it must be a list of language codes"),
    ({"languages": 3}, "languages is 3; it must be a list"),
    ({"languages": ["de", "en", "de"]}, "languages has 'de' 2 times; give each code once"),
    ({"languages": ["de", None]}, "languages has None, which is no language code"),
    ({"objective": "infonce"}, "objective is 'infonce'; did you mean 'info-nce'?"),
    ({"objective": ["info-nce"]}, "objective is ['info-nce']; did you mean 'info-nce'?"),
    ({"objective_options": [1]}, "objective_options is [1]; it must be a mapping"),
    ({"objective_options": {3: 1}}, "objective_options is {3: 1}; it must be a mapping"),
    ({"validation": "mlqa"}, "validation is 'mlqa'; it must be Pairs, a function of the encoder"),
    ({"validation": Pairs}, "it must be Pairs, a function of the encoder, or None"),
    ({"validation": pd.DataFrame({"a": [1, 2]})}, "it must be Pairs, a function of the encoder"),
    ({"validation_strategy": "x-z"}, "validation_strategy is 'x-z'; did you mean 'x-"),
    ({"patience": 3}, "patience is given but no validation"),
    ({"precision": "fp8"}, "precision is 'fp8'; "),
    ({"precision": 16}, "precision is 16; did you mean 'fp16'?"),
    ({"precision": None}, "precision is None; there are fp32, bf16, fp16"),
    ({"label": 3}, "label is 3; it must be a text, or None"),
    ({"lora": True}, "lora is True; it must be a mapping"),
    ({"lora": {"r": 4}, "embedding_learning_rate": 1e-2}, "with lora the token embeddings"),
]

ARGUMENTS: list[tuple[Any, str]] = [
    ([1], "arguments is [1]; it must be a mapping of options to values"),
    ({"adam_beta_1": 0.9}, "arguments has no option 'adam_beta_1'; did you mean 'adam_beta1'?"),
    ({"learning_rate": 1.0}, "decides by its own parameter 'learning_rate': give that instead"),
    ({"max_steps": 3}, "arguments has 'max_steps', which hbt.train decides by its own parameter "),
    ({"max_steps": 3}, "'steps'"),
    ({"num_train_epochs": 3}, "'steps'"),
    ({"output_dir": "/tmp/x"}, "'output'"),
    ({"seed": 4}, "'seed'"),
    ({"data_seed": 4}, "'seed'"),
    ({"weight_decay": 0.0}, "'weight_decay'"),
    ({"warmup_steps": 3}, "'warmup'"),
    ({"logging_steps": 3}, "'log_every'"),
    ({"save_steps": 3}, "'evaluate_every'"),
    ({"save_strategy": "no"}, "'evaluate_every'"),
    ({"eval_strategy": "no"}, "'evaluate_every'"),
    ({"load_best_model_at_end": False}, "'validation'"),
    ({"greater_is_better": True}, "'validation'"),
    ({"bf16": True}, "'precision'"),
    ({"fp16": True}, "'precision'"),
    ({"use_cpu": True}, "'encoder'"),
    ({"per_device_train_batch_size": 8}, "'batch_size'"),
    ({"auto_find_batch_size": True}, "'chunk_tokens'"),
    ({"label_smoothing_factor": 0.1}, "'objective'"),
    ({"save_only_model": True}, "not yours to set: a training resumes from all of a checkpoint"),
    ({"ignore_data_skip": True}, "not yours to set"),
    ({"remove_unused_columns": True}, "not yours to set"),
    ({"max_grad_norm": "1"}, "arguments has max_grad_norm = '1'; transformers takes float"),
    ({"max_grad_norm": True}, "arguments has max_grad_norm = True; transformers takes float"),
    ({"dataloader_num_workers": 1.5}, "transformers takes int"),
    ({"torch_compile": "yes"}, "arguments has torch_compile = 'yes'; transformers takes bool"),
    ({"report_to": 3}, "arguments has report_to = 3; transformers takes None | str | list[str]"),
]


def refused(options: dict[str, Any]) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the caller reads the message)
        TrainingOptions(**options)
    message = str(caught.value)
    assert "\n" not in message, "more than one line"
    return message


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in WHOLE_NUMBERS.items() for value in values],
)
def test_whole_numbers(name: str, value: Any) -> None:
    message = refused({name: value, "validation": len})
    assert message.startswith(f"{name} is {value!r}; it must be ")
    assert "more" in message or "less" in message or "a whole number" in message


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in NUMBERS.items() for value in values]
)
def test_numbers(name: str, value: Any) -> None:
    assert refused({name: value}).startswith(f"{name} is {value!r}; it must be ")


@pytest.mark.parametrize("alpha", ALPHAS, ids=str)
def test_alpha(alpha: Any) -> None:
    assert f"alpha is {alpha!r}; it is a probability, from 0" in refused({"alpha": alpha})


@pytest.mark.parametrize(("options", "said"), OTHERS, ids=[str(o)[:50] for o, _ in OTHERS])
def test_other_options(options: dict[str, Any], said: str) -> None:
    assert said in refused(options)


@pytest.mark.parametrize(("arguments", "said"), ARGUMENTS, ids=[str(a) for a, _ in ARGUMENTS])
def test_arguments_of_transformers(arguments: Any, said: str) -> None:
    assert said in refused({"arguments": arguments})


def test_what_we_decide_for_transformers_is_not_for_the_caller_to_override() -> None:
    """Every argument that hbtlib sets is refused, but for four that change nothing learnt."""
    from hbtlib.training import arguments, further_arguments

    options = TrainingOptions(validation=len)
    ours = {
        **arguments._common(options, Path("x"), on_cpu=True),
        **arguments._validation(options),
    }
    known = {**further_arguments.OURS, **further_arguments.FIXED}
    assert set(ours) - set(known) == {
        "report_to",
        "disable_tqdm",
        "dataloader_pin_memory",
        "ddp_broadcast_buffers",
    }


def test_numpy_s_numbers_are_numbers_and_are_described_as_such() -> None:
    """Before, `training.json` said "int64" for every numpy integer, whatever its value."""
    options = TrainingOptions(
        steps=np.int64(24),  # type: ignore[arg-type]
        batch_size=np.float64(8.0),  # type: ignore[arg-type]
        learning_rate=np.float32(0.5),  # type: ignore[arg-type]
        weight_decay=0,
        embedding_learning_rate=0,
        evaluate_every=np.uint8(3),  # type: ignore[arg-type]
        languages=np.array(["de", "en"]),  # type: ignore[arg-type]
        arguments={"adam_beta1": np.float32(0.5), "report_to": ["tensorboard"]},
        alpha={"linear": (1, np.float64(0))},
    )
    assert (options.steps, options.batch_size, options.evaluate_every) == (24, 8, 3)
    assert {type(options.steps), type(options.batch_size), type(options.evaluate_every)} == {int}
    assert type(options.learning_rate) is float
    assert options.languages == ["de", "en"]
    assert options.evaluation_interval == 3
    assert TrainingOptions(steps=100).evaluation_interval == 5


def test_the_losses_have_the_same_bounds_of_temperature() -> None:
    import torch

    vectors = torch.eye(3)
    for temperature in (1e-20, 1e20, 0, NAN):
        with pytest.raises(ValueError, match=r"temperature is .*0.001 or more.*|finite number"):
            info_nce(vectors, vectors, temperature)
    for temperature in (0.001, 100, np.float32(0.05), torch.tensor(0.05)):
        assert torch.isfinite(info_nce(vectors, vectors, temperature))


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ("mlqa-pairs", "pairs is or holds 'mlqa-pairs'; give Pairs"),
        (None, "pairs is or holds None; give Pairs"),
        (pd.DataFrame({"a": [1]}), "give Pairs, as hbt.load_pairs"),
        ([], "no pairs to train on"),
        ([None], "pairs is or holds None"),
    ],
    ids=str,
)
def test_pairs_that_are_none(
    tiny_encoder_factory: Any, tmp_path: Path, pairs: Any, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        train(pairs, tiny_encoder_factory(), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("encoder", [None, 3, "", ["small"]])
def test_encoders_that_are_none(tiny_pairs: Pairs, tmp_path: Path, encoder: Any) -> None:
    with pytest.raises(ValueError, match=r"encoder is .*; it must be an Encoder, a name, or"):
        train(tiny_pairs, encoder, output=tmp_path / "out")


def test_outputs_that_are_no_folder(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    for output, said in [
        ("", "output is ''; it must be the path of a folder"),
        (None, "output is None; it must be"),
        (3, "output is 3; it must be"),
        ("a\0b", "it must be the path of a folder"),
        (file, f"output is {file}, but {file} is a file: give the path of a folder"),
        (file / "below", f"but {file} is a file"),
    ]:
        with pytest.raises(ValueError, match=said):
            train(tiny_pairs, tiny_encoder_factory(), output=output, steps=1, batch_size=4)  # type: ignore[arg-type]
    assert file.read_text() == "x"
    with pytest.raises(OSError, match=r"output is /proc/nowhere/run, which cannot be written \("):
        train(tiny_pairs, tiny_encoder_factory(), output="/proc/nowhere/run", steps=1, batch_size=4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_size": 13}, "a batch of 13 needs 13 ids"),
        ({"languages": ["aa", "xx"]}, "no pairs in 'xx': the sources have aa bb cc"),
        ({"sources": "even"}, "sources is 'even'; it is 'size', a power"),
        ({"sources": {"other": 1}}, "must name each of"),
        ({"objective": "one-to-k", "objective_options": {"k": 99}}, "k is 99, but the pairs have"),
        ({"objective": "one-to-k", "objective_options": {"k": 4}}, "3 languages of the training"),
        ({"objective": "one-to-k", "objective_options": {"k": "2"}}, "k is '2'; it must be a numb"),
        ({"objective": "one-to-k", "objective_options": {"k": 0}}, "k is 0; it is the number"),
        ({"objective": "clear", "objective_options": {"alpha": NAN}}, "alpha is nan"),
        ({"objective": "adversarial", "objective_options": {"weight": INF}}, "weight is inf"),
        ({"objective": "adversarial", "objective_options": {"hidden": 0}}, "hidden is 0; it is"),
        ({"objective": "adversarial", "objective_options": {"hidden": 1.5}}, "hidden is 1.5"),
        (
            {"objective_options": {"k": 3}},
            "objective_options has no option 'k'; there are distillation",
        ),
        ({"lora": {"rank": 4}}, "lora has no option 'rank'; there are .*, r, "),
        ({"lora": {"lora_alfa": 4}}, "lora has no option 'lora_alfa'; did you mean 'lora_alpha'"),
        ({"lora": {"r": 0}}, "lora's r is 0; it must be 1 or more"),
        ({"lora": {"r": "4"}}, "lora's r is '4'; it must be a whole number"),
        ({"lora": {"lora_alpha": NAN}}, "lora's lora_alpha is nan"),
        ({"lora": {"target_modules": ["nothing"]}}, "peft refuses lora .*nothing"),
        ({"lora": {"init_lora_weights": 3}}, "peft refuses lora"),
        ({"arguments": {"report_to": "nowhere"}}, "refuses arguments .*nowhere"),
        ({"arguments": {"lr_scheduler_type": "square"}}, "refuses arguments .*square"),
        ({"arguments": {"optim": "x"}}, "refuses arguments .*'x'"),
    ],
    ids=str,
)
def test_what_pairs_or_libraries_refuse_leaves_nothing(
    tiny_pairs: Pairs,
    tiny_encoder_factory: Any,
    tmp_path: Path,
    options: dict[str, Any],
    said: str,
) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        train(
            tiny_pairs,
            tiny_encoder_factory(),
            output=tmp_path / "out",
            **{"steps": 2, "batch_size": 4, **options},
        )
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_k_is_bounded_by_the_languages_of_passages(
    tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    """The default, 3, is as many as there are."""
    queries = [{c: f"question {i} in {c}" for c in ("aa", "bb", "cc")} for i in range(6)]
    passages = [{c: f"passage {i} in {c}" for c in ("aa", "bb")} for i in range(6)]
    pairs = Pairs.from_texts("two", queries, passages)
    quick: dict[str, Any] = {"strategy": "x-x", "batch_size": 4, "steps": 1}
    encoder = tiny_encoder_factory()
    with pytest.raises(ValueError, match=r"k is 3, but .* 2 languages .*\(aa bb\): give a k of at"):
        train(
            pairs,
            encoder,
            output=tmp_path,
            objective="one-to-k",
            objective_options={"k": 3},
            **quick,
        )
    train(pairs, encoder, output=tmp_path, objective="one-to-k", **quick)


def test_validation_pairs_share_a_language_with_the_training(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    other = Pairs.from_texts("far", [{"zz": "question"}] * 3, [{"zz": "passage"}] * 3)
    with pytest.raises(ValueError, match=r"validation pairs 'far' are in zz, .* in aa bb cc"):
        train(
            tiny_pairs,
            tiny_encoder_factory(),
            output=tmp_path / "out",
            validation=other,
            batch_size=4,
        )
    assert not (tmp_path / "out").exists()
