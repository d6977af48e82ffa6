"""A thousand damaged files a format: each is refused by name, or what is read of it is whole.

Bytes are flipped, cut, doubled and taken out; in JSON also values are put in the place of others.
The damage is drawn from a seed, so that a failure can be had again.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import layouts
import numpy as np
import pytest

import hbtlib as hbt
from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats import arrow, beir, mtop_files, pairs_file
from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.qrels import read_qrels
from hbtlib.data.formats.source import Source
from hbtlib.data.sets import belebele, miracl, miracl_hard_negatives, xm3600

ODD = [
    None,
    True,
    0,
    -1,
    10**30,
    1.5,
    float("nan"),
    "",
    " ",
    "\ud800",
    "a",
    [],
    {},
    ["a"],
    {"a": "b"},
    "\x00",
    "\u200b\ufeff",
    "x" * 3000,
]
TIMES = 1000
Load = Callable[[Path], Any]


def rows(read: Callable[..., Iterable[Any]], **options: Any) -> Load:
    """Passages are read as they go to disk: without the time that the disk takes."""
    return lambda file: list(arrow.passages([(str(file), 0, 0)], read, options))


FORMATS: dict[str, tuple[layouts.Write, str, Load]] = {
    "SQuAD with breaks": (
        layouts.xquad_r,
        "de.json",
        lambda f: hbt.load_benchmark("xquad-r", f.parent, languages=["de", "en"]),
    ),
    "SQuAD": (
        layouts.mlqa_dev,
        "dev-context-de-question-de.json",
        lambda f: hbt.load_benchmark("mlqa-r", f.parent, languages=["de", "en"]),
    ),
    "SQuAD parquet": (
        layouts.xquad_hub,
        "xquad.de/validation-00000-of-00001.parquet",
        lambda f: hbt.load_benchmark("xquad", f.parent.parent, languages=["de", "en"]),
    ),
    "SQuAD of the wild": (
        layouts.squad_folder,
        "de.json",
        lambda f: hbt.load_benchmark("squad", f.parent, languages=["de", "en"]),
    ),
    "XNLI": (layouts.xnli, "labelled.jsonl", lambda f: hbt.load_pairs("xnli", f.parent)),
    "TyDiQA parquet": (
        layouts.tydiqa_hub,
        "secondary_task/validation-00000-of-00001.parquet",
        lambda f: hbt.load_benchmark("tydiqa-goldp", f.parent.parent, languages=["en", "fi"]),
    ),
    "Belebele parquet": (
        layouts.belebele,
        "deu_Latn/test-00000-of-00001.parquet",
        lambda f: hbt.load_benchmark("belebele", f.parent.parent, languages=["de", "en"]),
    ),
    "MTOP parquet": (
        layouts.mtop,
        "de/test-00000-of-00001.parquet",
        lambda f: hbt.load_benchmark("mtop", f.parent.parent, languages=["de", "en"]),
    ),
    "XM3600 parquet": (
        layouts.xm3600,
        "data/de-00000-of-00001.parquet",
        lambda f: hbt.load_benchmark("xm3600", f.parent.parent, languages=["de", "en"]),
    ),
    "Belebele's own": (
        layouts.belebele_own,
        "deu_Latn.jsonl",
        lambda f: [
            table["text"].tolist()
            for table in belebele.read_language(Source("belebele", f.parent, belebele.MTEB), "de")
        ],
    ),
    "MTOP, one line an id": (
        layouts.mtop_parallel,
        "mtop.jsonl",
        lambda f: list(mtop_files.read_parallel(f, "intent")),
    ),
    "XM3600, Google's own": (
        layouts.xm3600_googles,
        "captions.jsonl",
        lambda f: xm3600.read_captions(f, ["de", "en"]),
    ),
    "MIRACL topics": (
        layouts.miracl,
        "miracl-v1.0-sw/topics/topics.miracl-v1.0-sw-dev.tsv",
        lambda f: dict(miracl.read_topics(f)),
    ),
    "MIRACL qrels": (
        layouts.miracl,
        "miracl-v1.0-sw/qrels/qrels.miracl-v1.0-sw-dev.tsv",
        lambda f: list(read_qrels(f, {"7", "9"})),
    ),
    "MIRACL passages": (
        layouts.miracl,
        "miracl-corpus-v1.0-sw/docs-0.jsonl.gz",
        rows(miracl.read_shard, language="sw"),
    ),
    "MIRACL passages, parquet": (
        layouts.miracl_hard,
        "sw-corpus/dev-00001-of-00002.parquet",
        rows(miracl_hard_negatives.read_shard, language="sw"),
    ),
    "BEIR queries": (layouts.beir, "queries.jsonl", lambda f: beir.read_queries(f, None)),
    "BEIR passages": (layouts.beir, "corpus.jsonl", rows(beir.read_passages, language=None)),
    "BEIR judgements": (
        layouts.beir,
        "qrels/test.tsv",
        lambda f: list(beir.read_judgements(f.parent.parent, "test")),
    ),
    "TREC queries": (layouts.trec, "queries.tsv", lambda f: beir.read_queries(f, None)),
    "pairs": (layouts.pairs, "pairs.jsonl", pairs_file.read_pairs),
    "NTREX": (
        layouts.ntrex,
        "de.txt",
        lambda f: hbt.load_pairs("ntrex", f.parent, languages=["de", "en"]),
    ),
}


def damage(content: bytes, rng: np.random.Generator) -> bytes:
    """Damages a file one to three times.

    A byte is flipped, the end cut off, a piece taken out or doubled, or junk put in.
    """
    for _ in range(rng.integers(1, 4)):
        at, end = sorted(rng.integers(0, len(content) + 1, 2)) if content else (0, 0)
        end = min(end, at + 40)
        kind = rng.integers(0, 5)
        if kind == 0 and content:
            place = int(rng.integers(0, len(content)))
            content = (
                content[:place]
                + bytes([content[place] ^ 1 << int(rng.integers(0, 8))])
                + content[place + 1 :]
            )
        elif kind == 1:
            content = content[:at]
        elif kind == 2:
            content = content[:at] + content[end:]
        elif kind == 3:
            content = content[:end] + content[at:end] + content[end:]
        else:
            content = content[:at] + rng.bytes(int(rng.integers(1, 6))) + content[at:]
    return content


def odd_value(loaded: Any, rng: np.random.Generator) -> Any:
    """JSON with one value replaced by one that does not belong there, or one taken out."""
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        keys: Iterable[Any] = ()
        if isinstance(value, dict):
            keys = value
        elif isinstance(value, list):
            keys = range(len(value))
        for key in keys:
            places.append((value, key))
            walk(value[key])

    walk(loaded)
    if places:
        where, key = places[rng.integers(0, len(places))]
        if rng.random() < 0.2:
            del where[key]
        else:
            where[key] = ODD[rng.integers(0, len(ODD))]
    return loaded


def damaged(content: bytes, name: str, rng: np.random.Generator) -> bytes:
    if ".json" in name and rng.random() < 0.5:
        lines = [content] if name.endswith(".json") else content.splitlines()
        at = int(rng.integers(0, len(lines)))
        lines[at] = json.dumps(odd_value(json.loads(lines[at]), rng), ensure_ascii=True).encode()
        return b"\n".join(lines)
    return damage(content, rng)


def texts(value: Any) -> Iterable[str]:
    """Every text in what a loader gave."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (t for pair in value.items() for part in pair for t in texts(part))
    elif isinstance(value, list | tuple):
        yield from (t for part in value for t in texts(part))
    elif isinstance(value, Benchmark):
        yield from (
            t for table in (value.queries, value.passages) for t in texts(table["text"].tolist())
        )
    elif isinstance(value, hbt.Pairs):
        yield from texts([t for row in value.dataset for t in row.values()])


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_refused_or_whole(name: str, tmp_path: Path) -> None:
    write, path, load = FORMATS[name]
    write(tmp_path)
    file = tmp_path / path
    load(file)
    packed = file.suffix == ".gz"
    content = gzip.decompress(file.read_bytes()) if packed else file.read_bytes()
    rng = np.random.default_rng(len(name))
    refused = 0
    for i in range(TIMES):
        bad = damaged(content, path, rng)
        if packed:
            bad = gzip.compress(bad, 1) if i % 4 else damage(gzip.compress(bad, 1), rng)
        file.write_bytes(bad)
        try:
            found = load(file)
        except ValueError as error:
            refused += 1
            said = str(error)
            assert str(tmp_path) in said or said.startswith("benchmark "), (
                f"{i}: {said} does not name the file"
            )
            assert "Traceback" not in said
            assert len(said) < 900, said
        else:
            for text in texts(found):
                text.encode()  # what is half a character would break a tokenizer, much later
    assert refused > TIMES / 20, "the damage does nothing"


LINES = {
    "MTOP, one line an id",
    "MIRACL topics",
    "MIRACL qrels",
    "BEIR queries",
    "BEIR judgements",
    "TREC queries",
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_is_empty_or_a_folder_is_refused(name: str, tmp_path: Path) -> None:
    write, path, load = FORMATS[name]
    write(tmp_path)
    file = tmp_path / path
    file.write_bytes(b"")
    if name not in LINES:  # of lines there may be none; the benchmark made of them is refused
        with pytest.raises(ValueError, match=file.name.split("-")[0]):
            load(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(ValueError, match=r"cannot be read|has no |is a directory"):
        load(file)


TEXT_FORMATS = [
    name for name, (_, path, _) in FORMATS.items() if not path.endswith((".parquet", ".gz"))
]


@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_a_byte_order_mark_and_other_line_ends_change_nothing(name: str, tmp_path: Path) -> None:
    write, path, load = FORMATS[name]
    write(tmp_path)
    file = tmp_path / path
    wanted = sorted(texts(load(file)))
    content = file.read_bytes()
    file.write_bytes(b"\xef\xbb\xbf" + content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    assert sorted(t.replace("\r\n", "\n") for t in texts(load(file))) == wanted


@pytest.mark.parametrize("name", TEXT_FORMATS)
@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_refused_with_the_way_out(
    name: str, encoding: str, tmp_path: Path
) -> None:
    write, path, load = FORMATS[name]
    write(tmp_path)
    file = tmp_path / path
    content = file.read_text(encoding="utf-8")
    file.write_bytes(f"{content}é".encode(encoding, "replace"))
    with pytest.raises(DataError, match=r"is not UTF-8; convert the file \(iconv"):
        load(file)


def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layouts.beir(tmp_path)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"queries\.jsonl cannot be read \(Permission denied\)"):
        beir.read_queries(tmp_path / "queries.jsonl", None)
