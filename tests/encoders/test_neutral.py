"""`hbt.neutralise`: the layer it adds, what it refuses, and its folder in sentence-transformers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import hbtlib as hbt
from hbtlib.encoders import erasure
from hbtlib.encoders.erasure import METHODS
from hbtlib.encoders.neutral import MappedEncoder

LANGUAGES = ("de", "en", "sw")


@pytest.fixture(scope="module")
def encoder() -> hbt.Encoder:
    return hbt.Encoder.load("small", device="cpu", width=32, layers=1, heads=2)


@pytest.fixture(scope="module")
def texts() -> dict[str, list[str]]:
    pairs = hbt.load_pairs("worldfacts", languages=list(LANGUAGES))
    return {code: pairs.texts(range(40), code, "passage") for code in LANGUAGES}


def raw(encoder: hbt.Encoder, texts: Sequence[str], role: str) -> np.ndarray:
    settings = encoder.settings._replace(normalize=False)
    return hbt.Encoder(encoder.model, encoder.tokenizer, settings).embed(texts, role)


@pytest.mark.filterwarnings("ignore:texts of .* is hardly nearer")
@pytest.mark.parametrize("method", METHODS)
def test_vectors_are_the_mapped_ones(
    encoder: hbt.Encoder, texts: dict[str, list[str]], method: str
) -> None:
    neutral = hbt.neutralise(encoder, texts, method, role="passage", centre=0.5)
    vectors = {code: raw(encoder, found, "passage") for code, found in texts.items()}
    fit = {
        "means": erasure.language_means,
        "leace": erasure.leace,
        "translations": erasure.translations,
    }[method]
    fitted = erasure.centred(fit(vectors), vectors, 0.5)
    mapped = fitted(raw(encoder, texts["sw"], "query"))
    expected = mapped / np.linalg.norm(mapped, axis=1, keepdims=True)
    np.testing.assert_allclose(neutral.embed(texts["sw"], "query"), expected, atol=2e-5)


def test_the_encoder_that_is_given_stays_as_it_was(
    encoder: hbt.Encoder, texts: dict[str, list[str]]
) -> None:
    before = encoder.embed(texts["de"], "passage")
    neutral = hbt.neutralise(encoder, texts)
    np.testing.assert_array_equal(encoder.embed(texts["de"], "passage"), before)
    assert len(encoder.layers) == 0
    assert np.abs(neutral.embed(texts["de"], "passage") - before).max() > 0.01


def test_both_roles_are_fitted_together(encoder: hbt.Encoder, texts: dict[str, list[str]]) -> None:
    vectors = {
        code: np.concatenate([raw(encoder, found, "query"), raw(encoder, found, "passage")])
        for code, found in texts.items()
    }
    expected = erasure.leace(vectors).matrix
    found = hbt.neutralise(encoder, texts).layers[0].linear.weight.detach().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_twice_adds_two_layers(encoder: hbt.Encoder, texts: dict[str, list[str]]) -> None:
    once = hbt.neutralise(encoder, texts, "means", directions=1)
    twice = hbt.neutralise(once, texts, "means", directions=1)
    assert [len(e.layers) for e in (encoder, once, twice)] == [0, 1, 2]


def test_its_folder_gives_the_same_vectors_in_sentence_transformers(
    encoder: hbt.Encoder, texts: dict[str, list[str]], tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    neutral = hbt.neutralise(encoder, texts)
    neutral.save(tmp_path / "neutral")
    ours = hbt.Encoder.load(tmp_path / "neutral", device="cpu").embed(texts["en"], "query")
    theirs = SentenceTransformer(str(tmp_path / "neutral"), device="cpu")
    np.testing.assert_array_equal(ours, neutral.embed(texts["en"], "query"))
    np.testing.assert_allclose(theirs.encode(texts["en"], prompt_name="query"), ours, atol=1e-5)


class Counts:
    """An encoder of another kind: how often letters occur."""

    def embed(
        self, texts: Sequence[str], role: str, *, precision: str = "fp32", progress: bool = False
    ) -> np.ndarray:
        return np.array([[t.count(c) for c in "aeinrst"] for t in texts], np.float32)


def test_any_encoder_can_be_mapped(texts: dict[str, list[str]]) -> None:
    neutral = hbt.neutralise(Counts(), texts)
    assert isinstance(neutral, MappedEncoder)
    vectors = neutral.embed(texts["de"], "query")
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    counts = {code: np.tile(Counts().embed(found, ""), (2, 1)) for code, found in texts.items()}
    fitted = erasure.centred(erasure.leace(counts), counts, 0.75)
    mapped = fitted(Counts().embed(texts["de"], ""))
    np.testing.assert_allclose(
        vectors, mapped / np.linalg.norm(mapped, axis=1, keepdims=True), atol=1e-5
    )


def test_texts_that_are_not_parallel_are_noticed(recwarn: pytest.WarningsRecorder) -> None:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("aeinrst"), 30)) for _ in range(60)]
    parallel = {"de": words, "en": [word + "a" for word in words], "fr": [w + "s" for w in words]}
    hbt.neutralise(Counts(), parallel, "translations")
    assert not recwarn.list
    shuffled = {**parallel, "fr": sorted(parallel["fr"])}
    with pytest.warns(UserWarning, match="texts of fr: text i is hardly nearer to text i of the"):
        hbt.neutralise(Counts(), shuffled, "translations")


TEN = [f"text {i}" for i in range(10)]
BAD = [
    ({"texts": ["a", "b"]}, r"texts is \['a', 'b'\]; give a dictionary from language"),
    ({"texts": {"de": TEN}}, "for two languages at least"),
    ({"texts": {"de": TEN, 3: TEN}}, "texts has the key 3, where a language's code belongs"),
    ({"texts": {"de": TEN, "en": "text"}}, "texts of en: texts is 'text'; give a list"),
    ({"texts": {"de": TEN, "en": [*TEN[1:], None]}}, "texts of en: text 9 is None"),
    ({"texts": {"de": TEN, "en": TEN[1:]}}, "texts of en: 9 texts, but a language needs 10"),
    (
        {"texts": {"de": TEN, "en": [*TEN, "more"]}, "method": "translations"},
        "texts has 10 of de, 11 of en; the method 'translations' needs the same texts",
    ),
    ({"method": "laece"}, "did you mean 'leace'"),
    ({"role": "document"}, "role is 'document'"),
    ({"directions": 0}, "directions is 0; it must be 1 or more"),
    ({"directions": 2}, "directions is 2; it must be 1 or less"),
    ({"ridge": 0}, "ridge is 0; it must be above 0"),
    ({"centre": 1.5}, "centre is 1.5; it must be 0 or more and 1 or less"),
]


@pytest.mark.parametrize(("given", "message"), BAD)
def test_what_is_refused(encoder: hbt.Encoder, given: dict, message: str) -> None:
    arguments = {"texts": {"de": TEN, "en": TEN}, **given}
    with pytest.raises(ValueError, match=message):
        hbt.neutralise(encoder, **arguments)
