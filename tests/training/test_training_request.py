"""An output folder belongs to one request: its pairs, its encoder and its options."""

from __future__ import annotations

import functools
import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from quick_training import QUICK, weights

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.training.options import TrainingOptions
from hbtlib.training.request import describe_request
from hbtlib.training.trainer import train


def test_the_request_is_written_as_json(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    train(tiny_pairs, tiny_encoder_factory(), output=tmp_path, **QUICK)
    request = json.loads((tmp_path / "training.json").read_text())
    assert request["pairs"].startswith("tiny, 12 ids, ")
    assert request["steps"] == 24
    without = {"output", "label", "chunk_tokens", "watch", "watch_every"}  # do not change the model
    asked = [name for name in inspect.signature(train).parameters if name not in without]
    assert list(request) == asked


def test_a_folder_belongs_to_its_pairs_and_settings(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    train(
        tiny_pairs,
        tiny_encoder_factory(),
        output=tmp_path,
        validation=functools.partial(float_of, x=1),
        **QUICK,
    )
    train(
        tiny_pairs,
        tiny_encoder_factory(),
        output=tmp_path,
        validation=functools.partial(float_of, x=1),
        **QUICK,
    )
    mined = Pairs("tiny", tiny_pairs.dataset.add_column("negatives_aa", [["passage 3 in aa"]] * 12))
    other = tiny_encoder_factory()
    other.settings = other.settings._replace(query_prefix="")
    for pairs, encoder, said in (
        (mined, tiny_encoder_factory(), "pairs = "),
        (tiny_pairs, other, "encoder = "),
    ):
        with pytest.raises(ValueError, match=f"was begun with {said}"):
            train(
                pairs,
                encoder,
                output=tmp_path,
                validation=functools.partial(float_of, x=1),
                **QUICK,
            )


def test_an_encoder_s_folder_is_described_by_its_path_and_its_content(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    """Before, a path was "PosixPath", and a model trained again at the same path went unseen."""
    start, output = tmp_path / "start", tmp_path / "run"
    quick: dict[str, Any] = {"batch_size": 4, "steps": 1}
    tiny_encoder_factory(seed=0).save(start)
    train(tiny_pairs, start, output=output, **quick)
    written = json.loads((output / "training.json").read_text())["encoder"]
    assert written["folder"] == str(start)
    assert len(written["content"]) == 16
    (start / "README.md").write_text("edited")
    (start / ".cache").write_text("hidden")
    train(tiny_pairs, str(start), output=output, **quick)  # as a text: the same folder
    tiny_encoder_factory(seed=1).save(start)
    for path in (start, str(start)):
        with pytest.raises(ValueError, match=r"was begun with encoder = .*, now it is .*content"):
            train(tiny_pairs, path, output=output, **quick)


@pytest.mark.parametrize("before", ["PosixPath", "the path"])
def test_folders_that_an_earlier_version_began_go_on(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, before: str
) -> None:
    start, output = tmp_path / "start", tmp_path / "run"
    tiny_encoder_factory().save(start)
    train(tiny_pairs, start, output=output, batch_size=4, steps=1)
    request = json.loads((output / "training.json").read_text())
    for was, is_same in ((before.replace("the path", str(start)), True), ("elsewhere", False)):
        (output / "training.json").write_text(json.dumps({**request, "encoder": was}))
        if is_same:
            train(tiny_pairs, start, output=output, batch_size=4, steps=1)
        else:
            with pytest.raises(ValueError, match="was begun with encoder = 'elsewhere'"):
                train(tiny_pairs, start, output=output, batch_size=4, steps=1)


def test_names_and_encoders_are_described_as_ever(tiny_encoder_factory: Any) -> None:
    encoder = tiny_encoder_factory()
    options = TrainingOptions(alpha={"linear": np.array([1.0, 0.0])})
    pairs = Pairs.from_texts("one", [{"aa": "question"}], [{"aa": "passage"}])
    described = describe_request(pairs, encoder, options)
    assert described["encoder"] == f"{encoder.settings} {encoder.fingerprint()}"
    assert described["alpha"] == {"linear": [1.0, 0.0]}
    assert describe_request(pairs, "xlm-roberta-base", options)["encoder"] == "xlm-roberta-base"
    assert describe_request(pairs, Path("no/folder"), options)["encoder"] == "no/folder"


def float_of(encoder: Encoder, x: float) -> float:
    return x


def test_validations_with_other_arguments_are_other_requests(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    quick = {"batch_size": 4, "steps": 1, "output": tmp_path}

    def trained_with(validation: Any) -> None:
        train(tiny_pairs, tiny_encoder_factory(), validation=validation, **quick)

    trained_with(functools.partial(float_of, x=1))
    trained_with(functools.partial(float_of, x=1))
    with pytest.raises(ValueError, match=r"was begun with validation = .*'x': 1.* now it is"):
        trained_with(functools.partial(float_of, x=2))
    file = tmp_path / "training.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "validation": "float_of"}))
    trained_with(functools.partial(float_of, x=2))  # an earlier version noted no arguments


def test_called_again_it_loads_and_another_request_is_refused(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    train(tiny_pairs, tiny_encoder_factory(), output=tmp_path, **QUICK)
    before = weights(tmp_path)
    train(tiny_pairs, tiny_encoder_factory(), output=tmp_path, **QUICK)
    assert weights(tmp_path) == before
    with pytest.raises(ValueError, match="was begun with steps = 24, now it is 25"):
        train(tiny_pairs, tiny_encoder_factory(), output=tmp_path, **{**QUICK, "steps": 25})
    by_name = train(tiny_pairs, tmp_path / "model", output=tmp_path / "more", **QUICK)
    again = train(tiny_pairs, tmp_path / "model", output=tmp_path / "more", **QUICK)
    np.testing.assert_array_equal(
        again.embed(["question 1 in aa"]), by_name.embed(["question 1 in aa"])
    )
