"""Where files come from: a folder, the hub, the web.

A server on this machine answers as the hub does; there is no network.
"""

from __future__ import annotations

import errno
import hashlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fake_hub import Headers, Server
from huggingface_hub.utils import _detect_agent, close_session

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.source import Source, local_folder
from hbtlib.data.formats.web import Web
from hbtlib.data.sets import xm3600, xquad

TINY = Hub("owner/tiny", "0123456789abcdef0123456789abcdef01234567")
FILE = "data/de-0.txt"
TEXT = "".join(f"Zeile {i}\n" for i in range(5000)).encode()
TEXTS = ["image_id", "captions"]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that everything takes for the hub, with one file; tmp_path gets what is kept."""
    server = Server()
    server.put(TINY, {FILE: TEXT})
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    for name in ("HBT_DATA", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "HF_ENDPOINT": server.url,
        "HBT_CACHE": str(tmp_path / "hbt"),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    for name, is_now in {
        "HF_HUB_OFFLINE": False,
        "HF_HUB_CACHE": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_TELEMETRY": True,
        "HF_TOKEN_PATH": str(tmp_path / "token"),
    }.items():
        monkeypatch.setattr(huggingface_hub.constants, name, is_now)
    # These would ask the real hub who is calling, and wait between attempts.
    monkeypatch.setattr(_detect_agent, "_registry", {"standardEnvVars": [], "harnesses": {}})
    monkeypatch.setattr(time, "sleep", lambda _: None)
    close_session()
    yield server
    close_session()
    server.shutdown()
    server.server_close()


def tiny(folder: Path | None = None, published: Hub | Web = TINY) -> Source:
    return Source("tiny", folder, published)


def refused(ask: Callable[[], object], *said: str) -> str:
    """A DataError of one line that names the dataset and has all of these."""
    with pytest.raises(DataError, match=r"^tiny: ") as error:
        ask()
    for part in said:
        assert part in str(error.value), f"{error.value!s}: no {part!r}"
    assert "\n" not in str(error.value)
    return str(error.value)


def kept(folder: Path) -> list[str]:
    """All files below a folder, hidden ones too.

    Without the hub's list of files, and huggingface_hub's locks and mark.
    """
    return sorted(
        p.name
        for p in folder.rglob("*")
        if p.is_file()
        and ".locks" not in p.parts
        and p.name not in ("CACHEDIR.TAG", f"{TINY.revision}.json")
    )


def parquet(table: dict[str, list], **options: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(table), out, **options)
    return out.getvalue()


def captions(images: range, size: int = 10) -> bytes:
    """Captions beside images of that many bytes, which nothing can make smaller."""
    rng = np.random.default_rng(0)
    return parquet(
        {
            "image_id": [f"i{i}" for i in images],
            "image": [rng.bytes(size) for _ in images],
            "captions": [[f"Bild {i}", f"Foto {i}"] for i in images],
        },
        row_group_size=100,
    )


def closed_address() -> str:
    """An address where nobody answers."""
    with Server() as closed:
        return closed.url


# The hub: whole files


def test_a_file_of_the_hub_comes_whole_from_its_commit_and_only_once(
    hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.put(TINY._replace(revision="main"), {FILE: b"another"})
    assert tiny().path(FILE).read_bytes() == TEXT
    assert hub.bodies() == [(f"/datasets/owner/tiny/resolve/{TINY.revision}/{FILE}", None)]
    # What is here is found without the hub.
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert tiny().path(FILE).read_bytes() == TEXT
    assert len(hub.bodies()) == 1


def test_the_hubs_address_may_end_in_a_slash(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"{hub.url}/")
    assert tiny().paths("data/*.txt")[0].read_bytes() == TEXT
    assert not [path for _, path, _ in hub.asked if path.startswith("//")]


def test_an_interrupted_download_resumes_where_it_stopped(
    hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its pieces, of 10 MB else.
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    hub.cuts = [0.5]
    assert tiny().path(FILE).read_bytes() == TEXT
    assert [part for _, part in hub.bodies()] == [None, f"bytes={len(TEXT) // 2 // 1000 * 1000}-"]
    assert len(TEXT) <= hub.served < len(TEXT) + 1000


def test_a_download_that_never_gets_whole_leaves_no_file_and_can_be_tried_again(
    hub: Server, tmp_path: Path
) -> None:
    hub.cuts = [0.5] + [0.0] * 20
    refused(
        ASK["path"],
        FILE,
        "cannot be reached",
        "hf download owner/tiny",
        f"--revision {TINY.revision} --include",
    )
    assert len(hub.bodies()) > 1
    assert kept(tmp_path / "hf") == []
    hub.cuts = []
    assert tiny().path(FILE).read_bytes() == TEXT


def test_all_files_of_a_pattern_come_in_the_order_of_their_names(
    hub: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.put(
        TINY,
        {"data/de-2.txt": b"2", "data/de-1.txt": b"1", "data/en-0.txt": b"e", "de-3.txt": b"3"},
    )
    found = tiny().paths("data/de-*.txt")
    assert [p.read_bytes() for p in found] == [TEXT, b"1", b"2"]
    refused(
        lambda: tiny().paths("data/fr-*.txt"),
        "data/fr-*.txt",
        "owner/tiny",
        "moved or removed",
        "data=",
    )
    # What is here is found without the hub.
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert tiny().paths("data/de-*.txt") == found
    assert len(hub.bodies()) == 3


# The hub: what may go wrong

ASK: dict[str, Callable[[], object]] = {
    "path": lambda: tiny().path(FILE),
    "paths": lambda: tiny().paths("data/*.txt"),
    "columns": lambda: tiny().columns("data/*.parquet", TEXTS),
}
TOKEN, MOVED = ("token", "HF_TOKEN"), ("moved or removed", "data=")


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        ("path", "resolve"),
        ("paths", "tree"),
        ("columns", "tree"),
        ("columns", "revision"),
        ("columns", "resolve"),
    ],
)
@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (401, {"X-Error-Code": "GatedRepo"}, TOKEN),
        (403, {"X-Error-Code": "GatedRepo"}, TOKEN),
        (403, {}, TOKEN),
        (401, {"X-Error-Message": "Invalid credentials in Authorization header"}, TOKEN),
        (403, {"X-Error-Message": "Access to this resource is disabled."}, MOVED),
        (401, {"X-Error-Code": "RepoNotFound"}, MOVED),
        (404, {"X-Error-Code": "RevisionNotFound"}, MOVED),
        (500, {}, ("answered 500", "try again", "hf download")),
        (429, {}, ("answered 429", "try again", "hf download")),
    ],
)
def test_what_the_hub_answers_is_told_with_what_to_do(
    hub: Server,
    tmp_path: Path,
    ask: str,
    kind: str,
    status: int,
    headers: Headers,
    said: tuple[str, ...],
) -> None:
    hub.put(TINY, {"data/de.parquet": captions(range(3))})
    hub.refuse = {kind: (status, headers)}
    message = refused(ASK[ask], "owner/tiny", *said)
    assert (
        sum(
            words in message
            for words in ("HF_TOKEN", "moved or removed", "answered", "cannot be reached")
        )
        == 1
    )
    assert kept(tmp_path) == []
    hub.refuse = {}  # as after logging in: an answer is not held against the next attempt
    ASK[ask]()


@pytest.mark.parametrize("ask", ASK)
def test_what_the_hub_no_longer_has_is_told(hub: Server, ask: str) -> None:
    hub.files = {"owner/tiny": {"f" * 40: {FILE: TEXT}}}
    refused(ASK[ask], "owner/tiny", TINY.revision[:8], *MOVED)
    hub.files = {}
    refused(ASK[ask], "owner/tiny", *MOVED)
    if ask == "path":
        hub.files = {"owner/tiny": {TINY.revision: {"other": TEXT}}}
        refused(ASK[ask], FILE, *MOVED)


@pytest.mark.parametrize("ask", ASK)
@pytest.mark.parametrize("offline", [False, True])
def test_without_the_hub_the_command_to_fetch_by_hand_is_told(
    hub: Server, monkeypatch: pytest.MonkeyPatch, ask: str, offline: bool
) -> None:
    if offline:
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    else:
        monkeypatch.setenv("HF_ENDPOINT", closed_address())
    why = "OfflineModeIsEnabled" if offline else "ConnectError"
    refused(
        ASK[ask],
        "cannot be reached for data/",
        why,
        f"--repo-type dataset --revision {TINY.revision} --include",
        "data=FOLDER",
    )
    assert hub.asked == []


# The hub: some columns


def test_of_a_parquet_file_only_the_columns_asked_for_are_fetched(
    hub: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Four groups of rows, each with its images between the texts.
    content = captions(range(400), size=10_000)
    hub.put(TINY, {"data/de-1.parquet": content, "data/de-0.parquet": captions(range(400, 402))})
    small, big = tiny().columns("data/de-*.parquet", TEXTS)
    pd.testing.assert_frame_equal(
        pd.read_parquet(big), pd.read_parquet(io.BytesIO(content), columns=TEXTS)
    )
    assert pd.read_parquet(small)["image_id"].tolist() == ["i400", "i401"]
    assert (tmp_path / "hbt") in big.parents
    assert hub.served < len(content) / 8
    assert all(TINY.revision in path and part for path, part in hub.bodies())
    fetched = hub.served
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert tiny().columns("data/de-*.parquet", TEXTS) == [small, big]
    assert hub.served == fetched


def test_a_column_that_is_not_there_is_told_with_those_there_are(
    hub: Server, tmp_path: Path
) -> None:
    hub.put(TINY, {"data/de.parquet": captions(range(3))})
    refused(
        lambda: tiny().columns("data/*.parquet", ["text"]),
        "'text'",
        "owner/tiny",
        "it has image_id, image, captions",
    )
    assert kept(tmp_path / "hbt") == []


@pytest.mark.parametrize("after", range(3))
def test_columns_cut_off_leave_nothing_and_can_be_fetched_again(
    hub: Server, tmp_path: Path, after: int
) -> None:
    hub.put(TINY, {"data/de.parquet": captions(range(400), size=10_000)})
    hub.cuts = [1.0] * after + [0.5] * 20
    refused(ASK["columns"], "data/de.parquet", "cannot be reached", "hf download")
    assert kept(tmp_path / "hbt") == []
    hub.cuts = []
    assert len(pd.read_parquet(tiny().columns("data/*.parquet", TEXTS)[0])) == 400


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt("stopped")]
)
def test_columns_not_wholly_written_leave_nothing(
    hub: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    hub.put(TINY, {"data/de.parquet": captions(range(3))})

    def half(_: pa.Table, where: Path) -> None:
        where.write_bytes(b"PAR1 and no more")
        raise error

    monkeypatch.setattr(pq, "write_table", half)
    with pytest.raises(
        (DataError, KeyboardInterrupt), match=r"data/de.parquet cannot be kept .*HBT_CACHE|stopped"
    ):
        ASK["columns"]()
    assert kept(tmp_path / "hbt") == []


# The web


def web(hub: Server, **hashes: str) -> Source:
    return tiny(
        published=Web(f"{hub.url}/web", {f"r/{name}.json": value for name, value in hashes.items()})
    )


def test_a_file_of_the_web_comes_once_and_again_when_damaged(hub: Server, tmp_path: Path) -> None:
    hub.web = {"r/de.json": TEXT, "r/en.json": b"{}"}
    source = web(hub, de=hashlib.sha256(TEXT).hexdigest())
    for _ in range(2):
        file, unknown = source.path("r/de.json"), source.path("r/en.json")
        assert (file.read_bytes(), unknown.read_bytes()) == (TEXT, b"{}")
    assert (tmp_path / "hbt") in file.parents
    assert len(hub.asked) == 2
    file.write_bytes(TEXT[:100])
    assert source.path("r/de.json").read_bytes() == TEXT


def test_what_the_web_answers_is_told_and_nothing_is_left(hub: Server, tmp_path: Path) -> None:
    hub.web = {"r/de.json": TEXT}
    source = web(hub, de="0" * 64)
    refused(lambda: source.path("r/de.json"), "r/de.json", "another content", "data=")
    refused(lambda: source.path("r/fr.json"), "r/fr.json", "no longer exists", "data=")
    hub.refuse = {"web": (500, {})}
    refused(lambda: source.path("r/de.json"), "r/de.json", "answered 500", "try again", "data=")
    hub.refuse, hub.cuts = {}, [0.5]
    refused(lambda: web(hub).path("r/de.json"), "r/de.json", "cannot be reached", "data=")
    away = tiny(published=Web(closed_address(), {}))
    refused(lambda: away.path("r/de.json"), "r/de.json", "cannot be reached", "data=")
    assert kept(tmp_path) == []


def test_a_cache_that_cannot_be_written_is_told(
    hub: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.web = {"r/de.json": TEXT}
    hub.put(TINY, {"data/de.parquet": captions(range(3))})
    (tmp_path / "file").touch()  # no folder, and no place for one
    monkeypatch.setenv("HBT_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "file"))
    for ask in (lambda: web(hub).path("r/de.json"), ASK["path"], ASK["columns"]):
        refused(ask, "de", "cannot be kept", "HBT_CACHE", "HF_HOME")


# Folders


def test_data_given_wins_over_the_folder_of_all_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HBT_DATA", raising=False)
    assert local_folder("tiny", None, ("one", "two")) is None
    monkeypatch.setenv("HBT_DATA", str(tmp_path))
    assert local_folder("tiny", None, ("one", "two")) is None
    (tmp_path / "two").mkdir()
    (tmp_path / "own").mkdir()
    assert local_folder("tiny", None, ("one", "two")) == tmp_path / "two"
    assert local_folder("tiny", str(tmp_path / "own"), ("one", "two")) == tmp_path / "own"
    refused(
        lambda: local_folder("tiny", tmp_path / "none", ("one", "two")),
        str(tmp_path / "none"),
        "not a folder",
        "data=",
    )


def test_a_file_the_folder_lacks_is_told_with_those_it_has(tmp_path: Path) -> None:
    (tmp_path / "de.json").write_text("{}")
    source = tiny(tmp_path)
    assert source.path("de.json") == tmp_path / "de.json"
    assert source.has("de.json")
    assert not source.has("fr.json")
    assert not tiny().has("de.json")
    refused(lambda: source.path("fr.json"), "has no fr.json", "it has de.json", "data=")
    (tmp_path / "ar.json").write_text("{}")
    assert [p.name for p in source.paths("*.json")] == ["ar.json", "de.json"]
    refused(lambda: source.paths("*.txt"), "has no file *.txt", "data=")


# Whole datasets


def same_from_hub_and_folder(
    name: str,
    server: Server,
    published: Hub,
    files: dict[str, bytes],
    folder: Path,
    languages: list[str],
) -> hbt.Benchmark:
    server.put(published, files)
    for file, content in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
    own, fetched = (
        hbt.load_benchmark(name, data=data, languages=languages) for data in (folder, None)
    )
    for table in ("queries", "passages", "judgements"):
        pd.testing.assert_frame_equal(getattr(fetched, table), getattr(own, table))
    assert fetched.languages == tuple(languages)
    return fetched


def test_xquad_from_the_hub_is_that_of_a_folder(hub: Server, tmp_path: Path) -> None:
    files = {
        f"xquad.{code}/validation-00000-of-00001.parquet": parquet(
            {
                "id": ["1", "2"],
                "context": [f"Text {code}"] * 2,
                "question": [f"Was {code}?", f"Wer {code}?"],
                "answers": [{"text": [code], "answer_start": [5]}] * 2,
            }
        )
        for code in ("de", "en", "el")
    }
    benchmark = same_from_hub_and_folder(
        "xquad", hub, xquad.GOOGLE, files, tmp_path / "own", ["de", "en"]
    )
    assert (len(benchmark.queries), len(benchmark.passages)) == (4, 2)
    assert len(hub.bodies()) == 2  # not the Greek


def test_xm3600_from_the_hub_is_that_of_a_folder(hub: Server, tmp_path: Path) -> None:
    files = {
        f"data/{code}-0000{n}-of-00002.parquet": captions(range(n, n + 1))
        for n in range(2)
        for code in ("de", "en")
    }
    benchmark = same_from_hub_and_folder(
        "xm3600", hub, xm3600.MTEB, files, tmp_path / "own", ["de"]
    )
    assert benchmark.queries["text"].tolist() == ["Bild 0", "Bild 1"]
    assert benchmark.passages["text"].tolist() == ["Foto 0", "Foto 1"]


def test_a_folder_of_all_data_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HBT_DATA", "/no/such/folder")
    with pytest.raises(
        DataError, match="HBT_DATA is '/no/such/folder', which is not a folder; set it to"
    ):
        local_folder("tiny", None, ("tiny",))
