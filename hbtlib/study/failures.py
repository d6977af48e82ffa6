"""What is said at the end of a study of which not everything could be made."""

from collections.abc import Iterable
from pathlib import Path


def what_failed(names: Iterable[str], said: Path, begun: float) -> str:
    """Lists what failed and why, and what was not begun because of it.

    Args:
        names: The runs and executed notebooks that are not there.
        said: The folder with what their jobs printed, `NAME.log` each.
        begun: When the making of the study began, in seconds since the epoch. What was printed
            before that is not told.

    Returns:
        Lines for people.
    """
    failed, not_begun = {}, []
    for name in names:
        log = said / f"{name}.log"
        if log.exists() and log.stat().st_mtime >= begun:
            failed[name] = _reason(log)
        else:
            not_begun.append(name)
    lines = [f"{len(failed)} failed; the same command makes them again, and keeps what is made:"]
    lines += [f"  {name}: {reason}" for name, reason in failed.items()]
    if not_begun:
        lines += [f"not begun: {', '.join(not_begun)}"]
    return "\n".join(lines)


def _reason(log: Path) -> str:
    """Returns the engine's own line of what went wrong; a job that was killed left none."""
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("engine: "):
            return line.removeprefix("engine: ")
    return f"it was killed or cancelled, or its machine went away; {log} has what it printed"
