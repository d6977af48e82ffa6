"""How a process says that its memory ran out: many libraries, each in words of its own."""

import re
import resource
from collections.abc import Sequence

LESS_MEMORY = (
    "give the job more memory, run fewer jobs at a time, or set a smaller batch_size or "
    "chunk_tokens"
)
"""What to do where memory ran out."""

_SAID = re.compile(
    r"""
      \w*MemoryError\b             # Python, numpy, pyarrow, numba
    | bad_alloc                    # C++
    | out\ of\ memory              # CUDA
    | not\ enough\ memory
    | memory\ allocation           # OpenBLAS, oneDNN
    | allocate\ memory             # the system's "Cannot allocate memory", torch's allocator
    | unable\ to\ allocate         # numpy
    | failed\ to\ map\ segment     # the loader of shared libraries
    | m?alloc\ of\ size            # pyarrow
    | errno\ 12\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_EXCEPTION = re.compile(r"[\w.]+(Error|Exception)\b.*")  # the line of a traceback that names one
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_NO_THREAD = "can't start new thread"  # a thread's stack takes addresses


def ran_out(name: str, message: str, traceback: Sequence[str] = ()) -> bool:
    """Tells whether an error means that there was too little memory.

    Args:
        name: The name of its class.
        message: What it says.
        traceback: Its traceback, as IPython writes it. The errors that it came from are in it.

    Returns:
        True if one of them says so.
    """
    lines = _COLOUR.sub("", "\n".join(traceback)).splitlines()
    said = [f"{name}: {message}", *(line for line in lines if _EXCEPTION.fullmatch(line.strip()))]
    if address_limit() is not None and any(_NO_THREAD in line for line in said):
        return True
    return any(_SAID.search(line) for line in said)


def address_limit() -> float | None:
    """Returns how many GB a process may address (`ulimit -v`); None where there is no limit."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit / 2**30


def of_limit() -> str:
    """Says where the limit of addresses comes from; nothing where there is none."""
    limit = address_limit()
    return "" if limit is None else f" (each process may address {limit:.1f} GB, by ulimit -v)"
