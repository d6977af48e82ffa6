"""The engine starts once a run, so what it imports is paid once a run."""

from __future__ import annotations

import subprocess
import sys

UNWANTED = ("pandas", "torch", "transformers", "matplotlib", "rfc3987_syntax.syntax_helpers")


def test_the_engine_starts_without_what_only_kernels_need() -> None:
    script = (
        "import sys, hbtlib.study.engine, papermill, nbformat;"
        f"print([name for name in {UNWANTED} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
