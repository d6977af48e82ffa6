"""A server on this machine that answers huggingface_hub as the hub does, for files of the tests."""

from __future__ import annotations

import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from hbtlib.data.formats.hub import Hub

Headers = dict[str, str]


class Server(ThreadingHTTPServer):
    """The hub's files and a plain web server's (`/web/FILE`): what was asked, how it shall fail."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.files: dict[str, dict[str, dict[str, bytes]]] = {}  # repository, revision, file
        self.web: dict[str, bytes] = {}
        self.asked: list[tuple[str, str, str | None]] = []  # method, path, range
        self.served = 0  # bytes of files
        # By kind of question (resolve, tree, revision, web): what is answered instead.
        self.refuse: dict[str, tuple[int, Headers]] = {}
        self.cuts: list[float] = []  # after which part of each body to come the connection breaks

    def put(self, hub: Hub, files: dict[str, bytes]) -> None:
        self.files.setdefault(hub.repository, {}).setdefault(hub.revision, {}).update(files)

    def bodies(self) -> list[tuple[str, str | None]]:
        """The files whose content was asked for, and the parts of them."""
        return [
            (path, part)
            for method, path, part in self.asked
            if method == "GET" and not path.startswith("/api/")
        ]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a body waits for nothing
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        # Not self.path, which has lost doubled slashes.
        path = unquote(self.requestline.split()[1].partition("?")[0])
        self.server.asked.append((self.command, path, self.headers["Range"]))
        found = re.fullmatch(
            r"(?:/api)?/datasets/([^/]+/[^/]+)/(resolve|tree|revision)/([^/]+)/?(.*)", path
        )
        repository, kind, revision, file = (
            found.groups() if found else ("", "web", "", path.removeprefix("/web/"))
        )
        revisions = self.server.files.get(repository, {})
        files = revisions.get(revision, {}) if found else self.server.web
        if kind in self.server.refuse:
            self.answer(*self.server.refuse[kind])
        elif found and not revisions:  # the hub tells nobody whether it is private or not there
            self.answer(401, {"X-Error-Code": "RepoNotFound"})
        elif found and not files:
            self.answer(404, {"X-Error-Code": "RevisionNotFound"})
        elif kind == "revision":
            self.answer(200, {}, json.dumps({"id": repository, "sha": revision}).encode())
        elif kind == "tree":  # in no order of names
            self.answer(
                200,
                {},
                json.dumps(
                    [
                        {"type": "file", "path": f, "oid": "0" * 40, "size": len(files[f])}
                        for f in sorted(files, reverse=True)
                        if f.startswith(file)
                    ]
                ).encode(),
            )
        elif file not in files:
            self.answer(404, {"X-Error-Code": "EntryNotFound"})
        else:
            self.file(
                files[file],
                {"X-Repo-Commit": revision, "ETag": f'"{hashlib.sha1(files[file]).hexdigest()}"'},
            )

    do_HEAD = do_GET  # noqa: N815

    def file(self, content: bytes, headers: Headers) -> None:
        status, part = 200, re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers["Range"] or "")
        if part:
            start, end = int(part[1]), int(part[2] or len(content) - 1)
            headers |= {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
            status, content = 206, content[start : end + 1]
        cut = self.server.cuts.pop(0) if self.command == "GET" and self.server.cuts else 1.0
        sent = content[: int(len(content) * cut)]
        self.server.served += len(sent) * (self.command == "GET")
        self.close_connection = cut < 1
        self.answer(status, headers | {"Content-Length": str(len(content))}, sent)

    def answer(self, status: int, headers: Headers, content: bytes = b"") -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)
