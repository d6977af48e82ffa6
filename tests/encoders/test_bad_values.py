"""What an encoder is given and cannot use is refused in one sentence that names it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.parts import Settings
from hbtlib.encoders.small import small_encoder, train_tokenizer


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return small_encoder(train_tokenizer(["Query: Passage: a text 1 2"], 60), width=32, heads=2)


@pytest.fixture(scope="module")
def folder(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "saved"
    encoder.save(path)
    return path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"poling": "mean"}, "has no option 'poling'; did you mean 'pooling'?"),
        ({"query_prompt": "Q: "}, "has no option 'query_prompt'; did you mean 'query_prefix'?"),
        ({"max_lenght": 9}, "did you mean 'max_length'?"),
        ({"attn_implementaton": "sdpa"}, "did you mean 'attn_implementation'?"),
        ({"nothing_like_it": 1, "dtype": "float32"}, "has no option 'nothing_like_it'; there are"),
        ({"dtype": "nonsense"}, "dtype is 'nonsense'; it is 'auto', 'float32'"),
        ({"dtype": "int8"}, "dtype is 'int8'"),
        ({"dtype": torch.int8}, "dtype is torch.int8"),
        ({"dtype": 3}, "dtype is 3"),
        ({"dtype": []}, "dtype is []"),
        ({"torch_dtype": "nonsense"}, "torch_dtype is 'nonsense'"),
        ({"attn_implementation": 3}, "its model cannot be loaded"),
        ({"revision": 3}, "revision is 3; it is the name of a version"),
        ({"device": "gpu"}, "device is 'gpu', which is not known to torch or not in this machine"),
        ({"device": "cuda:99"}, "device is 'cuda:99'"),
        ({"device": "meta"}, "device is 'meta', which computes nothing"),
        ({"device": 1.5}, "device is 1.5, which is not a device's name"),
        ({"device": {}}, "device is {}, which is not a device's name"),
        ({"device": ""}, "device is '', which is not known to torch"),
        ({"device": pd.NA}, "device is <NA>, which is not a device's name"),
        ({"pooling": pd.DataFrame()}, "pooling is Empty DataFrame Columns: [] Index: []; it is"),
        ({"pooling": "max"}, "pooling is 'max'; it is one of mean, cls, lasttoken"),
        ({"pooling": ["mean"]}, "pooling is ['mean']; it is one of"),
        ({"pooling": 3}, "pooling is 3; it is one of"),
        ({"normalize": "no"}, "normalize is 'no'; it is True or False"),
        ({"normalize": 1}, "normalize is 1; it is True or False"),
        ({"query_prefix": 3}, "query_prefix is 3; it is a text"),
        ({"passage_prefix": ["a"]}, "passage_prefix is ['a']; it is a text"),
        ({"max_length": 0}, "max_length is 0; it must be 1 or more"),
        ({"max_length": -1}, "max_length is -1; it must be 1 or more"),
        ({"max_length": 1}, "max_length is 1, but the special tokens and query_prefix"),
        ({"max_length": 2}, "max_length is 2, but the special tokens and query_prefix"),
        (
            {"max_length": 2, "query_prefix": "", "passage_prefix": ""},
            "the special tokens and query_prefix '' take 2 tokens already; it must be 3 or more",
        ),
        ({"max_length": 4, "query_prefix": ""}, "passage_prefix 'Passage: ' take 4 tokens already"),
        ({"max_length": 129}, "max_length is 129, but the model has positions for 128 tokens"),
        ({"max_length": "9"}, "max_length is '9'; it must be a whole number"),
        ({"max_length": 9.0}, "max_length is 9.0; it must be a whole number"),
        ({"max_length": True}, "max_length is True; it must be a whole number"),
    ],
)
def test_load_refuses_options(folder: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        Encoder.load(folder, **{"device": "cpu", **options})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", ["float32", torch.float32, "auto", "bfloat16", None])
def test_load_takes_every_form_of_dtype(folder: Path, dtype: object) -> None:
    encoder = Encoder.load(folder, device="cpu", dtype=dtype)
    assert encoder.embed(["a text"]).dtype == np.float32


@pytest.mark.parametrize(
    ("options", "length"),
    [
        ({"max_length": 128}, 128),
        ({"max_length": np.int64(9)}, 9),
        ({"max_length": 3, "query_prefix": "", "passage_prefix": ""}, 3),
        ({"max_length": 5}, 5),
    ],
)
def test_lengths_that_leave_room_for_a_text(
    folder: Path, options: dict[str, Any], length: int
) -> None:
    encoder = Encoder.load(folder, device="cpu", **options)
    assert encoder.settings.max_length == length
    for role in ("query", "passage"):
        first, second = encoder.embed(["text", "2"], role)
        assert not np.allclose(first, second), "a text's first token is read"


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("", ValueError, "the encoder is ''; it is a folder"),
        (None, ValueError, "the encoder is None; it is a folder"),
        (3, ValueError, "the encoder is 3; it is a folder"),
        (["small"], ValueError, "the encoder is ['small']; it is a folder"),
        ("./nowhere", FileNotFoundError, "./nowhere is not there; give the folder of an encoder"),
        (Path("nowhere"), FileNotFoundError, "nowhere is not there"),
        (__file__, FileNotFoundError, "test_bad_values.py is a file; give the folder"),
        ("a/b/c", FileNotFoundError, "a/b/c is not there"),
        ("a b", OSError, "a b is no folder, and can be no name on the hub"),
        ("a\0b", ValueError, "the encoder is 'a\\x00b'; it is a folder"),
        ("; touch pwned #", OSError, "; touch pwned # is no folder, and can be no name"),
        ("zero\u200bwidth", OSError, "'zero\\u200bwidth' is no folder, and can be no name"),
        ("x" * 10_000, OSError, "xxx… is no folder, and can be no name on the hub"),
        (Path("x" * 10_000), FileNotFoundError, "xxx… is not there; give the folder"),
        ("~nobody-has-this-home/x", FileNotFoundError, "~nobody-has-this-home/x is not there"),
        ("nosuch", OSError, "nosuch: its model cannot be loaded (We couldn't connect"),
    ],
)
def test_load_refuses_names(name: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=re.escape(said)) as caught:
        Encoder.load(name, device="cpu")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("folder", ["", " ", "a\0b", None, 0.5, b"a", pd.DataFrame()])
def test_save_refuses_what_is_no_path(encoder: Encoder, folder: Any) -> None:
    with pytest.raises(ValueError, match=r"folder is .*; it must be a path, a text or a pathlib"):
        encoder.save(folder)


def a_generator() -> Iterator[str]:
    yield "a text"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ("a text", "texts is 'a text'; give a list of texts, even for one text"),
        (b"a text", "texts is b'a text'; give a list"),
        (None, "texts is None; give a list"),
        (3, "texts is 3; give a list"),
        ({"a": "text"}, "texts is {'a': 'text'}; give a list"),
        ({"a text"}, "texts is {'a text'}; give a list"),
        (a_generator(), "give a list of texts"),
        (["a", 3], "text 1 is 3, where a text belongs"),
        (["a", None], "text 1 is None, where a text belongs"),
        ([float("nan")], "text 0 is nan, where a text belongs"),
        ([b"a"], "text 0 is b'a', where a text belongs"),
        ([["a"]], "text 0 is ['a'], where a text belongs"),
        (np.array([1, 2]), "text 0 is np.int64(1), where a text belongs"),
        (np.array("a text"), "texts is array('a text', dtype='<U6'); give a list"),
        (np.ma.masked, "texts is masked; give a list"),
        (["a", "b\ud800"], "text 1 is 'b\\ud800', which holds half of a character"),
    ],
)
def test_embed_refuses_what_is_no_list_of_texts(encoder: Encoder, texts: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        encoder.embed(texts)


@pytest.mark.parametrize("role", ["document", "", None, 3, ["query"]])
@pytest.mark.parametrize("texts", [["a text"], []])
def test_embed_refuses_roles(encoder: Encoder, role: Any, texts: list[str]) -> None:
    with pytest.raises(ValueError, match=r"role is .*; it is 'query' or 'passage'"):
        encoder.embed(texts, role)


@pytest.mark.parametrize("precision", ["int8", "", None, 32, ["fp32"], pd.Series([1])])
def test_embed_refuses_precisions(encoder: Encoder, precision: Any) -> None:
    with pytest.raises(ValueError, match=r"precision is .*; it is one of fp32, bf16, fp16"):
        encoder.embed(["a text"], precision=precision)


@pytest.mark.parametrize("progress", [None, 1, "no", pd.NA, pd.DataFrame()])
def test_embed_refuses_what_is_no_flag(encoder: Encoder, progress: Any) -> None:
    with pytest.raises(ValueError, match=r"progress is .*; it must be True or False"):
        encoder.embed(["a text"], progress=progress)


def test_embed_takes_any_column_of_texts(encoder: Encoder) -> None:
    texts = ["a text", "text 1", ""]
    wanted = encoder.embed(texts)
    column = pd.Series(texts, index=[7, 5, 0])  # by its order, not by its numbers
    for given in (tuple(texts), np.array(texts), np.array(texts, object), column, column.array):
        np.testing.assert_array_equal(encoder.embed(given), wanted)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(pooling="max"), "pooling is 'max'"),
        (Settings(normalize=None), "normalize is None"),  # type: ignore[arg-type]
        (Settings(query_prefix=None), "query_prefix is None"),  # type: ignore[arg-type]
        (Settings(max_length=2), "max_length is 2, but"),
        (Settings(max_length=2.5), "max_length is 2.5"),  # type: ignore[arg-type]
    ],
)
def test_an_encoder_refuses_settings(encoder: Encoder, settings: Settings, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        Encoder(encoder.model, encoder.tokenizer, settings)


def test_a_default_length_is_cut_to_the_positions(encoder: Encoder) -> None:
    made = Encoder(encoder.model, encoder.tokenizer, Settings(max_length=256))
    assert made.settings.max_length == 128
