"""An encoder behind a server with the OpenAI form of `/v1/embeddings`.

OpenAI's own, and vLLM, text-embeddings-inference, infinity, llama.cpp, Ollama and others speak it.
Nothing but Python's standard library is needed.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import time
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from http.client import HTTPException, HTTPResponse
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import numpy as np
from numpy.typing import NDArray

from hbtlib.checks import check_choice, check_integer, check_number, short
from hbtlib.encoders.function_encoder import FunctionEncoder

KEY = "HBT_API_KEY"
"""The environment variable with the server's key, unless another is named."""

FORMATS = ("float", "base64")
PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Answers after which the same request may succeed a little later."""

BROKEN = (TimeoutError, ConnectionResetError, ConnectionAbortedError, BrokenPipeError)
"""What happens to a connection that was there; without a server there is none."""

LONGEST_PAUSE = 60.0  # seconds
_PROBE = ("Where is Rome?", "罗马在哪里？")
"""Texts by whose vectors another model of the same name is noticed."""


class ServerSettings(NamedTuple):
    """What the vectors depend on, beside the model.

    Attributes:
        normalize: whether they are scaled to unit length.
        query_prefix: the prompt of queries.
        passage_prefix: the prompt of passages.
    """

    normalize: bool
    query_prefix: str
    passage_prefix: str


class ServerEncoder(FunctionEncoder):
    """An encoder that asks a server with the OpenAI form of `/v1/embeddings` for its vectors.

    It meets `hbt.EncoderProtocol`, and its vectors can be kept on disk (`store=`). The key is read
    from an environment variable whenever it is sent, and stands in no result, message or pickle.

    Args:
        url: the address up to the version, such as `http://localhost:8000/v1`.
        model: the model's name; None: the one that the server lists, if it lists one.
        query_prefix: put before every query, for a model with prompts that the server does not add.
        passage_prefix: put before every passage.
        query_options: what else a request for queries says, such as `{"input_type": "query"}`.
        passage_options: the same for passages.
        dimensions: how many numbers a vector shall have, if the model can be asked for fewer.
        encoding_format: "float" or "base64", how vectors are asked for. The second is a third of
            the bytes; either is understood, whatever was asked for.
        normalize: whether vectors are scaled to unit length.
        batch_size: texts a request.
        timeout: seconds that a request may take.
        retries: how often a request is repeated after an answer that may pass (429, 500 and the
            like), a broken connection or a timeout. Pauses double, from `pause` on; a server's
            `Retry-After` is heeded, up to a minute.
        pause: seconds before the first repetition.
        key_variable: the environment variable with the key that is sent as bearer token; without
            such a variable none is sent.
        name: what messages and tables call the encoder; None: the model's name.

    Raises:
        ValueError: for an argument of the wrong kind, or if no model is named and the server does
            not list exactly one.
        OSError: if the server cannot be reached or refuses, with what to do. (`ConnectionError`,
            `TimeoutError` and `PermissionError` are such.)

    Example:
        >>> import hbtlib as hbt
        >>> encoder = hbt.ServerEncoder("http://localhost:8000/v1", "e5", query_prefix="query: ")
        >>> encoder
        ServerEncoder(e5 at http://localhost:8000/v1)
    """

    kind = "server"

    def __init__(
        self,
        url: str,
        model: str | None = None,
        *,
        query_prefix: str = "",
        passage_prefix: str = "",
        query_options: Mapping[str, Any] | None = None,
        passage_options: Mapping[str, Any] | None = None,
        dimensions: int | None = None,
        encoding_format: str = "float",
        normalize: bool = True,
        batch_size: int = 64,
        timeout: float = 60.0,
        retries: int = 5,
        pause: float = 0.5,
        key_variable: str = KEY,
        name: str | None = None,
    ) -> None:
        retries = check_integer("retries", retries, minimum=0)
        timeout = check_number("timeout", timeout, above=0)
        pause = check_number("pause", pause, minimum=0)
        self.server = Server(_address(url), timeout, retries, pause, _variable(key_variable))
        if dimensions is not None:
            check_integer("dimensions", dimensions, minimum=1)
        self._asked_dimensions = dimensions
        self._format = check_choice("encoding_format", encoding_format, FORMATS)
        self.settings = ServerSettings(normalize, query_prefix, passage_prefix)
        for what, prompt in self.settings._asdict().items():
            if what.endswith("prefix") and not isinstance(prompt, str):
                raise ValueError(f"{what} is {short(prompt)}; it is a text, '' for no prompt")
        self._options = {
            "query": _options("query_options", query_options),
            "passage": _options("passage_options", passage_options),
        }
        self.model = self.server.only_model() if model is None else model
        if not isinstance(self.model, str) or not self.model:
            raise ValueError(f"model is {short(model)}; it is a name that the server knows")
        self._probed = ""
        super().__init__(
            partial(self._ask, "query"),
            partial(self._ask, "passage"),
            name=self.model if name is None else name,
            normalize=normalize,
            batch_size=batch_size,
            about={"version": f"{self.model} at {self.server.url}"},
        )

    def prefix(self, role: str) -> str:
        """The prompt before the texts of a role."""
        return str(getattr(self.settings, f"{role}_prefix"))

    def fingerprint(self) -> str:
        """What stands for the model: its name, what requests say, and what it makes of two texts.

        Another model that a server has under the same name is noticed so.
        """
        if not self._probed:
            said = [self.server.url, self.model, self._asked_dimensions, self._options]
            digest = sha256(json.dumps(said, sort_keys=True).encode())
            for role in ("query", "passage"):
                found = np.asarray(self._ask(role, list(_PROBE)), np.float64)
                digest.update(found.round(3).tobytes())
            self._probed = digest.hexdigest()[:16]
        return self._probed

    def _ask(self, role: str, texts: list[str]) -> NDArray[np.float32]:
        """The vectors of some texts, in one request."""
        asked: dict[str, Any] = {
            "model": self.model,
            "input": [self.prefix(role) + text for text in texts],
            "encoding_format": self._format,
            **self._options[role],
        }
        if self._asked_dimensions is not None:
            asked["dimensions"] = self._asked_dimensions
        answer = self.server.post("embeddings", asked)
        vectors = _vectors(answer, len(texts), f"{self.model} at {self.server.url}")
        if self._asked_dimensions not in (None, vectors.shape[1]):
            raise ValueError(
                f"{self.model} at {self.server.url} returned vectors of {vectors.shape[1]} "
                f"numbers, where dimensions={self._asked_dimensions} was asked for: the model "
                "cannot be asked for fewer; leave dimensions out, and give it to hbt.rank"
            )
        return vectors

    def __repr__(self) -> str:
        return f"ServerEncoder({self.model} at {self.server.url})"


class Server(NamedTuple):
    """How a server is asked.

    Attributes:
        url: its address, without a slash at the end.
        timeout: seconds a request.
        retries: how often a request is repeated.
        pause: seconds before the first repetition.
        key_variable: the environment variable with its key.
    """

    url: str
    timeout: float
    retries: int
    pause: float
    key_variable: str

    def post(self, path: str, content: Mapping[str, Any]) -> Any:
        """Sends a request, again if that may help, and reads the JSON of the answer.

        Args:
            path: below the address.
            content: the request.

        Raises:
            OSError: if the server cannot be reached or refuses; the message says what to do.
            ValueError: if it refuses the request, or its answer is no JSON.
        """
        body = json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")
        for attempt in range(self.retries + 1):
            wait = min(self.pause * 2**attempt, LONGEST_PAUSE)
            try:
                return self._answer(path, body)
            except HTTPError as error:
                if error.code not in PASSING or attempt == self.retries:
                    raise self._refused(error, str(content["model"])) from None
                wait = max(wait, _retry_after(error))
            except (*BROKEN, HTTPException) as error:
                if attempt == self.retries:
                    raise self._broken(error) from None
            except URLError as error:
                if not isinstance(error.reason, BROKEN):
                    raise self._unreachable(error) from None
                if attempt == self.retries:
                    raise self._broken(error.reason) from None
            time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def models(self) -> list[str]:
        """The names of the models that the server lists; none if it does not say."""
        try:
            listed = self._answer("models", None)
            return [str(model["id"]) for model in listed["data"]]
        except (OSError, HTTPException, ValueError, TypeError, KeyError):
            return []

    def only_model(self) -> str:
        """The name of the one model that the server lists."""
        found = self.models()
        if len(found) == 1:
            return found[0]
        said = f"lists {', '.join(found)}" if found else "lists none (or does not answer)"
        raise ValueError(f"{self.url} {said}: name the model (model=…)")

    def _answer(self, path: str, body: bytes | None) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        key = self._key()
        if key:
            headers["Authorization"] = f"Bearer {key}"
        request = Request(f"{self.url}/{path}", body, headers)
        opener = build_opener(_NoRedirects)
        with opener.open(request, timeout=self.timeout) as response:
            return _json(response, self.url)

    def _key(self) -> str:
        """The key, "" for none; whatever is wrong with it, no message shows it."""
        key = os.environ.get(self.key_variable, "").strip()
        if not key.isascii() or not key.isprintable():
            raise ValueError(
                f"the key in the environment variable {self.key_variable} has characters that no "
                "request can carry: set it again"
            )
        return key

    def _refused(self, error: HTTPError, model: str) -> Exception:
        """What a person is told about an answer that is an error."""
        said = self._said(error)
        place = f"{self.url}/embeddings answered {error.code}{said}"
        if error.code in (401, 403):
            have = "is refused" if self._key() else "is not set"
            return PermissionError(
                f"{place}: the key in the environment variable {self.key_variable} {have}"
            )
        if error.code == 404:
            found = self.models()
            known = f"; it lists {', '.join(found)}" if found else ""
            return FileNotFoundError(
                f"{place}: the model {model!r} is not served there, or the address is another (it "
                f"usually ends in /v1){known}"
            )
        if error.code in PASSING:
            times = f", {self.retries + 1} times" if self.retries else ""
            return ConnectionError(f"{place}{times}: try again later, or with a smaller batch_size")
        if 300 <= error.code < 400:
            there = error.headers.get("Location", "another address")
            return ConnectionError(
                f"{place} and leads to {there}: give that address, if you trust it"
            )
        return ValueError(f"{place}: the server refuses the request")

    def _said(self, error: HTTPError) -> str:
        """The server's own words, without the key."""
        try:
            text = error.read(10_000).decode("utf-8", "replace")
        except (OSError, HTTPException):
            return ""
        try:
            found = json.loads(text)["error"]
            text = str(found["message"] if isinstance(found, dict) else found)
        except (ValueError, TypeError, KeyError):
            pass
        key = self._key()
        text = " ".join((text.replace(key, "…") if key else text).split())
        return f" ({short(text, 200)})" if text else ""

    def _broken(self, error: Exception) -> Exception:
        """What a person is told about a connection that broke, or took too long."""
        tried = f" ({self.retries + 1} times)" if self.retries else ""
        if isinstance(error, TimeoutError):
            return TimeoutError(
                f"{self.url} did not answer within {self.timeout:g} s{tried}: give a longer "
                "timeout, or a smaller batch_size"
            )
        said = str(error) or type(error).__name__
        return ConnectionError(f"the connection to {self.url} broke{tried}: {said}")

    def _unreachable(self, error: URLError) -> Exception:
        reason = getattr(error.reason, "strerror", None) or error.reason
        return ConnectionError(
            f"{self.url} cannot be reached ({reason}): is the server running, and is this its "
            "address?"
        )


class _NoRedirects(HTTPRedirectHandler):
    """Follows no redirect: it would take the key to another address."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _json(response: HTTPResponse, url: str) -> Any:
    text = response.read()
    try:
        return json.loads(text)
    except ValueError:
        said = short(text[:60].decode("utf-8", "replace"))
        raise ValueError(
            f"{url} answered {said}, which is no JSON: is it the address of a server with the "
            "OpenAI form of /v1/embeddings?"
        ) from None


def _retry_after(error: HTTPError) -> float:
    """The seconds that a server asks to be left alone, a minute at most."""
    said = error.headers.get("Retry-After", "")
    return min(float(said), LONGEST_PAUSE) if said.isdecimal() else 0.0


def _vectors(answer: Any, count: int, who: str) -> NDArray[np.float32]:
    """The vectors of an answer, in the order of the texts.

    Raises:
        ValueError: if it has not one vector for each text, or they have several widths.
    """
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list) or not all(
        isinstance(row, dict) and "embedding" in row for row in data
    ):
        raise ValueError(f"{who} answered {short(answer)}, which has no list of embeddings")
    if len(data) != count:
        raise ValueError(
            f"{who} returned {len(data)} vectors for {count} texts: a vector for each text is "
            "needed; a smaller batch_size may help"
        )
    places = [row.get("index") for row in data]
    if sorted(map(str, places)) != sorted(map(str, range(count))):
        raise ValueError(
            f"{who} numbers its vectors {short(places)}; each of {count} texts needs one, by its "
            "index"
        )
    found = [_numbers(row["embedding"], who) for row in data]
    widths = sorted({len(vector) for vector in found})
    if len(widths) > 1 or widths == [0]:
        raise ValueError(f"{who} returned vectors of {short(widths)} numbers: all need one width")
    vectors = np.empty((count, widths[0] if widths else 0), np.float32)
    for place, vector in zip(places, found, strict=True):
        vectors[int(str(place))] = vector
    return vectors


def _numbers(given: Any, who: str) -> NDArray[Any]:
    """One vector: a list of numbers, or their bytes in base64."""
    if isinstance(given, str):
        try:
            return np.frombuffer(base64.b64decode(given, validate=True), "<f4")
        except (ValueError, binascii.Error):
            raise ValueError(
                f"{who} returned {short(given)}, which is no base64 of 32-bit numbers: ask for "
                "encoding_format='float'"
            ) from None
    try:
        vector = np.asarray(given)
        if vector.ndim == 1 and vector.dtype.kind in "iuf":
            return vector
    except ValueError:
        pass
    raise ValueError(f"{who} returned {short(given)}, where a list of numbers belongs")


def _address(url: object) -> str:
    """The address of a server, without a slash at its end."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        good = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
        if parts is not None and good and (parts.query or parts.fragment or parts.port == 0):
            good = False
    except ValueError:  # a port that is none
        parts, good = None, False
    if parts is None or not good:
        raise ValueError(
            f"url is {short(url)}; it is the address of a server up to the version, such as "
            "http://localhost:8000/v1"
        )
    if parts.username or parts.password:
        raise ValueError(
            "url has a user or password in it, which results would show: put a key into the "
            f"environment variable {KEY} instead"
        )
    return str(url).rstrip("/").removesuffix("/embeddings")


def _variable(name: object) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(
            "key_variable is the name of an environment variable that has the key, such as "
            f"{KEY}, not the key itself"
        )
    return name


def _options(what: str, given: object) -> dict[str, Any]:
    """What a request says besides, which must be JSON."""
    if given is None:
        return {}
    try:
        if isinstance(given, Mapping) and not {"input", "model"} & set(given):
            return dict(json.loads(json.dumps(dict(given))))
    except (TypeError, ValueError):
        pass
    raise ValueError(
        f"{what} is {short(given)}; it is a mapping of what a request says besides input and "
        'model, such as {"input_type": "query"}'
    )
