"""A benchmark embedded by several jobs, each its part of the passages, and ranked by one.

`embed.smk` runs it on a cluster. Vectors go to a store on disk (`hbtlib.search.store`), where each
part writes whole shards: so the job that ranks finds them all, and ranks as one process would.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

import hbtlib as hbt
from hbtlib.checks import check_integer
from hbtlib.files import write_table
from hbtlib.search.store import Store, embed_to


def stretch(n_texts: int, shard: int, part: int, parts: int) -> slice:
    """Returns the texts of one part: whole shards, as many for each part as go round.

    Args:
        n_texts: How many texts there are.
        shard: How many texts a shard holds.
        part: The number of the part, from 1.
        parts: How many parts there are.

    Returns:
        The rows of its texts. It is empty if there are fewer shards than parts.

    Raises:
        ValueError: A number is below 1, or the part is none of the parts.

    Example:
        >>> from hbtlib.study.embedding import stretch
        >>> [stretch(1050, 100, part, 3) for part in (1, 2, 3)]
        [slice(0, 300, None), slice(300, 700, None), slice(700, 1050, None)]
    """
    check_integer("shard", shard, minimum=1)
    check_integer("part", part, minimum=1, maximum=check_integer("parts", parts, minimum=1))
    n_shards = -(-n_texts // shard)
    first, last = (n_shards * number // parts * shard for number in (part - 1, part))
    return slice(first, min(last, n_texts))


def embed_part(given: argparse.Namespace) -> None:
    """Embeds one part of a benchmark's passages into the store; what is there already is kept."""
    texts = _benchmark(given).passages["text"]
    own = texts.iloc[stretch(len(texts), given.shard, given.part, given.parts)]
    if len(own):
        _embed(given, own, "passage")
    print(f"part {given.part} of {given.parts}: {len(own)} of {len(texts)} passages", flush=True)


def rank_parts(given: argparse.Namespace) -> None:
    """Embeds the queries, and what is missing of the passages, and writes the ranks table."""
    benchmark = _benchmark(given)
    queries = _embed(given, benchmark.queries["text"], "query")
    passages = _embed(given, benchmark.passages["text"], "passage")
    given.output.parent.mkdir(parents=True, exist_ok=True)
    write_table(hbt.rank_vectors(queries, passages, benchmark), given.output)
    print(given.output, flush=True)


def _options(text: str) -> dict[str, Any]:
    """Reads options for a loader from JSON."""
    options = json.loads(text)
    if not isinstance(options, dict):
        raise argparse.ArgumentTypeError(f"{text} is no JSON object")
    return options


def _benchmark(given: argparse.Namespace) -> hbt.Benchmark:
    """Loads the benchmark."""
    return hbt.load_benchmark(given.benchmark, **given.options)


def _embed(given: argparse.Namespace, texts: pd.Series, role: str) -> Store:
    """Embeds texts into the store."""
    encoder = hbt.Encoder.load(given.encoder)
    return embed_to(
        given.store,
        encoder,
        texts,
        role,
        precision=given.precision,
        dtype=given.dtype,
        shard=given.shard,
    )


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--encoder", required=True, help="a folder or hub name, as for hbt.rank")
    common.add_argument("--benchmark", required=True, help="one of hbt.catalog()")
    common.add_argument(
        "--options",
        type=_options,
        default={},
        help='more for hbt.load_benchmark, as JSON: {"languages": ["de", "en"]}',
    )
    common.add_argument("--store", required=True, type=Path, help="the folder for the vectors")
    common.add_argument("--shard", type=int, default=50_000, help="texts a shard (default: 50000)")
    common.add_argument("--precision", default="fp32", help="fp32 (the default), bf16 or fp16")
    common.add_argument("--dtype", default="float32", help="of the store (default: float32)")
    root = argparse.ArgumentParser(
        prog="python -m hbtlib.study.embedding",
        description="Embeds a benchmark's passages in parts, and ranks them.",
    )
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("part", parents=[common], help="embed one part of the passages")
    command.add_argument("--part", required=True, type=int, help="its number, from 1")
    command.add_argument("--parts", required=True, type=int, help="how many parts there are")
    command.set_defaults(run=embed_part)
    command = commands.add_parser("rank", parents=[common], help="rank what the parts embedded")
    command.add_argument("--output", required=True, type=Path, help="the file of the ranks table")
    command.set_defaults(run=rank_parts)
    return root


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line.

    Args:
        arguments: The words of the command. None: those this process was started with.

    Raises:
        SystemExit: The command was wrong, or failed in a way that its message explains.
    """
    given = parser().parse_args(arguments)
    try:
        given.run(given)
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(f"embedding: {error}") from None


if __name__ == "__main__":
    main()
