"""What is said of a study of which not everything could be made."""

from __future__ import annotations

import os
import time
from pathlib import Path

from hbtlib.study.failures import what_failed


def test_every_failure_is_one_line_with_its_reason(tmp_path: Path) -> None:
    begun = time.time() - 5
    (tmp_path / "cut.log").write_bytes(b"step 3 of 20\n\xff\xfe")
    said = (
        "step 3 of 20\nengine: b stopped in cell 7: no pairs\nMore.\nengine: one of its processes\n"
    )
    (tmp_path / "b.log").write_text(said)
    (tmp_path / "earlier.log").write_text("engine: an old one\n")
    os.utime(tmp_path / "earlier.log", (begun - 100, begun - 100))
    assert what_failed(["cut", "b", "earlier", "bias"], tmp_path, begun).splitlines() == [
        "2 failed; the same command makes them again, and keeps what is made:",
        "  cut: it was killed or cancelled, or its machine went away; "
        f"{tmp_path / 'cut.log'} has what it printed",
        "  b: b stopped in cell 7: no pairs",
        "not begun: earlier, bias",
    ]
