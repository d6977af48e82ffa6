"""A browser for the explorer: Chromium without a window, driven through its debugging port.

`python tests/explore/browser.py FOLDER` serves the notebook, and writes pictures of its panels into
the folder, at the width of a desk and of a phone, and explorer.png, which the guide shows.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

REPOSITORY = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
DESK, PHONE = 1280, 390  # widths in CSS pixels


def find_browser() -> str | None:
    """The path of a Chromium, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(ask: Any, what: str, seconds: float = 90) -> Any:
    """Asks again and again until the answer is true; AssertionError after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = ask()
        except OSError:
            found = None
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def fetched(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read()


@contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen]:
    """A process with all it starts, which ends with the block."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def served(notebook: Path = REPOSITORY / "notebooks" / "explore.ipynb") -> Iterator[str]:
    """The address of the notebook, as `make explore` serves it."""
    port = free_port()
    command = [sys.executable, "-m", "voila", "--no-browser", f"--port={port}", str(notebook)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "HBT_ROOT": str(REPOSITORY)}
    with (
        tempfile.TemporaryFile() as log,
        running(command, env=environment, stdout=log, stderr=log),
    ):
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: fetched(f"{address}/voila/static/voila.js"), "voila", 60)
        yield address


class Tab:
    """One page of a browser."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.errors: list[str] = []

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of Chrome's DevTools protocol."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            got = json.loads(self._socket.recv(timeout=120))
            if got.get("method") == "Runtime.exceptionThrown":
                self.errors.append(str(got["params"]["exceptionDetails"].get("text")))
            if got.get("id") == number:
                assert "error" not in got, got
                return got["result"]

    def js(self, expression: str) -> Any:
        """The value of an expression in the page."""
        got = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in got, got["exceptionDetails"]
        return got["result"].get("value")

    def wait(self, expression: str, seconds: float = 90) -> Any:
        """Waits until an expression in the page is true."""
        return wait_for(lambda: self.js(expression), expression, seconds)

    def width(self, pixels: int, height: int = 1000) -> None:
        """Makes the page so wide."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            **{"width": pixels, "height": height, "deviceScaleFactor": 1, "mobile": pixels < 600},
        )

    def click(self, selector: str, number: int = 0) -> None:
        """Clicks with the mouse on the middle of an element."""
        find = f"document.querySelectorAll({json.dumps(selector)})[{number}]"
        self.js(f"{find}.scrollIntoView({{block: 'center', inline: 'center'}})")
        box = self.js(
            f"(b => [b.x + b.width / 2, b.y + b.height / 2])({find}.getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent",
                **{"type": kind, "x": box[0], "y": box[1], "button": "left", "clickCount": 1},
            )

    def picture(self, file: Path, selector: str, number: int = 0, until: str = "") -> None:
        """Writes a picture of an element, down to where another one begins."""
        find = f"document.querySelectorAll({json.dumps(selector)})[{number}]"
        x, y, width, height = self.js(
            f"(b => [b.x + scrollX, b.y + scrollY, b.width, b.height])"
            f"({find}.getBoundingClientRect())"
        )
        if until:
            height = self.js(f"document.querySelector('{until}').getBoundingClientRect().y") - y
        clip = {"x": x, "y": y, "width": width, "height": height, "scale": 1}
        got = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(got["data"]))


@contextmanager
def opened(address: str, width: int = DESK) -> Iterator[Tab]:
    """A page at an address, in a browser of its own."""
    browser = find_browser()
    assert browser is not None
    port = free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += [f"--remote-debugging-port={port}", f"--user-data-dir={profile}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with running(command, **quiet):
            wait_for(lambda: fetched(f"http://127.0.0.1:{port}/json"), "the browser", 60)
            pages = json.loads(fetched(f"http://127.0.0.1:{port}/json"))
            page = next(one for one in pages if one["type"] == "page")
            with connect(page["webSocketDebuggerUrl"], max_size=None) as socket:
                tab = Tab(socket)
                tab.call("Page.enable")
                tab.call("Runtime.enable")
                tab.width(width)
                tab.call("Page.navigate", url=address)
                yield tab


PARTS = ("choose", "rankings", "heatmap", "batches", "cutoffs")
PANEL = ".lm-Panel.jp-OutputArea-output"
GRID = ".hbt-grid button"
READY = (
    f"document.querySelectorAll('{GRID}').length > 100"
    " && document.querySelectorAll('.hbt-at').length > 5"
)


def main() -> None:
    """Writes the pictures."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with served() as address, opened(address) as tab:
        tab.wait(READY)
        for name, width in (("desk", DESK), ("phone", PHONE)):
            tab.width(width, 16000)  # all of the page at once
            time.sleep(2)
            for number, part in enumerate(PARTS):
                tab.picture(folder / f"{part}-{name}.png", PANEL, number)
            if width == DESK:
                tab.picture(folder / "explorer.png", PANEL, PARTS.index("heatmap"), ".hbt-look")
            print(name, tab.js("[document.documentElement.scrollWidth, innerWidth]"), tab.errors)


if __name__ == "__main__":
    main()
