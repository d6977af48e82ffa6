"""faiss indexes: exact ones give exact ranks, others their recall; none ranks past its depth."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import random_benchmark

import hbtlib as hbt
from hbtlib.search import indexes
from hbtlib.search.exact import nearest
from hbtlib.search.store import embed_to

KEY = ["query_id", "passage_id", "pool"]


def large(
    seed: int = 0, n: int = 700, width: int = 16
) -> tuple[hbt.Benchmark, np.ndarray, np.ndarray]:
    """40 questions in two languages, each with a passage that is near among many that are not."""
    rng = np.random.default_rng(seed)
    p = rng.standard_normal((2 * n, width)).astype(np.float32)
    p /= np.linalg.norm(p, axis=1, keepdims=True)
    ids = [(code, i) for code in ("aa", "bb") for i in range(n)]
    passages = pd.DataFrame(
        {"passage_id": [f"p{i}-{c}" for c, i in ids], "language": [c for c, _ in ids], "text": "p"}
    )
    queries = pd.DataFrame(
        [
            {"query_id": f"q{i}-{c}", "question_id": f"q{i}", "language": c, "text": "?"}
            for c in ("aa", "bb")
            for i in range(40)
        ]
    )
    q = np.vstack([p[:40], p[n : n + 40]]) + 0.25 * rng.standard_normal((80, width)).astype(
        np.float32
    )
    judgements = pd.DataFrame(
        [
            {"query_id": f"q{i}-{c}", "passage_id": f"p{i}-{d}"}
            for c in ("aa", "bb")
            for d in ("aa", "bb")
            for i in range(40)
        ]
    )
    return hbt.Benchmark("large", queries, passages, judgements), q, p


@pytest.mark.parametrize("seed", range(4))
def test_a_flat_index_gives_the_exact_ranks_and_no_others(seed: int) -> None:
    benchmark, q, p = random_benchmark(seed, languages=3, questions=6, ties=seed % 2 == 0)
    exact = (
        hbt.rank_vectors(q, p, benchmark).astype(dict.fromkeys(KEY, "str")).set_index(KEY)["rank"]
    )
    for depth in (1, 2, 5, 100):
        ranks = hbt.rank_vectors(q, p, benchmark, index="Flat", depth=depth)
        assert (ranks["depth"] == depth).all()
        found = ranks.astype(dict.fromkeys(KEY, "str")).set_index(KEY)["rank"]
        known = exact.reindex(found.index)
        assert (found[known <= depth] == known[known <= depth]).all()
        assert found[known > depth].isna().all(), (
            "past the depth nothing is known: no zero, no depth + 1"
        )
        assert (ranks["recall"] == 1).all()


@pytest.mark.parametrize(
    ("factory", "options"),
    [("HNSW16", "efSearch=8"), ("IVF16,Flat", "nprobe=2"), ("IVF8,PQ8x4", "")],
)
def test_an_index_that_is_not_exact_says_what_share_it_finds(factory: str, options: str) -> None:
    benchmark, q, p = large()
    ranks = hbt.rank_vectors(q, p, benchmark, index=factory, index_options=options, depth=10)
    expected = {}
    for pool in ("aa", "bb"):
        mine = np.flatnonzero((benchmark.passages["language"] == pool).to_numpy())
        scores = q.astype(np.float64) @ p[mine].T.astype(np.float64)
        best = np.argsort(-scores, axis=1)[:, :10]
        got, _ = indexes.search(q, p[mine], 10, factory, options)
        expected[pool] = np.mean([np.isin(a, b).mean() for a, b in zip(best, got, strict=True)])
    shares = ranks.drop_duplicates("pool").set_index("pool")["recall"]
    assert shares["aa"] == pytest.approx(expected["aa"], abs=1e-9)
    assert shares["bb"] == pytest.approx(expected["bb"], abs=1e-9)
    assert 0.2 < shares["all"] < 0.999


def test_what_an_index_found_is_measured_down_to_its_depth_alone(tmp_path: Path) -> None:
    benchmark, q, p = large(3)
    exact, ranks = (
        hbt.rank_vectors(q, p, benchmark),
        hbt.rank_vectors(q, p, benchmark, index="Flat", depth=20),
    )
    assert ranks["rank"].isna().any()
    shallow = ["mAP@10", "MRR@10", "nDCG@10", "R@1", "R@20", "rank-distance@20"]
    pd.testing.assert_frame_equal(hbt.measure(ranks, shallow), hbt.measure(exact, shallow))
    ranks.to_parquet(tmp_path / "ranks.parquet")
    read = pd.read_parquet(tmp_path / "ranks.parquet")
    pd.testing.assert_frame_equal(hbt.measure(read, shallow), hbt.measure(exact, shallow))
    for metric in ("mAP", "rank-distance", "R@21", "MRR"):
        with pytest.raises(
            ValueError,
            match=f"down to 20, and {metric} needs .*: search deeper, rank without an index",
        ):
            hbt.measure(ranks, [metric])
    with pytest.raises(ValueError, match="language bias needs every rank"):
        hbt.bias(ranks)
    with pytest.raises(ValueError, match="a run of depth 100 needs ranks down to 100"):
        hbt.trec.write(ranks, tmp_path)
    for table, folder in ((ranks, "index"), (exact, "exact")):
        hbt.trec.write(table, tmp_path / folder, depth=20)
    for file in (tmp_path / "exact").iterdir():
        assert sorted((tmp_path / "index" / file.name).read_text().split("\n")) == sorted(
            file.read_text().split("\n")
        )


def test_an_index_is_kept_beside_its_store(
    tiny_encoder_factory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import faiss

    benchmark, _, _ = random_benchmark(2, languages=2)
    encoder, built = tiny_encoder_factory(), []
    make = faiss.index_factory
    monkeypatch.setattr(faiss, "index_factory", lambda *args: built.append(args[1]) or make(*args))
    first = hbt.rank(encoder, benchmark, store=tmp_path, index="HNSW4", depth=5)
    assert built == ["HNSW4", "HNSW4"]  # a language each
    again = hbt.rank(encoder, benchmark, store=tmp_path, index="HNSW4", depth=5)
    assert len(built) == 2
    pd.testing.assert_frame_equal(first, again)
    hbt.rank(encoder, benchmark, store=tmp_path, index="HNSW4", dtype="float16", depth=5)
    assert len(built) == 4  # other vectors, other indexes
    hbt.rank(encoder, benchmark, store=tmp_path, index="HNSW8", depth=5)
    assert len(built) == 6
    assert len(sorted(tmp_path.rglob("*.faiss"))) == 6
    assert not list(tmp_path.rglob("*.part"))
    assert embed_to(tmp_path, encoder, benchmark.passages["text"], "passage").shape[0] == len(
        benchmark.passages
    )


HARM: dict[str, str] = {
    "cut off": r"is damaged \(its checksum is another\)",
    "a flipped bit": r"is damaged \(its checksum is another\)",
    "another's": "is damaged",
    "another's with its description": "was made of other vectors or with other options",
    "without its description": "has no checksum beside it",
    "with a damaged description": "has a damaged description beside it",
}


@pytest.mark.parametrize("harm", HARM)
def test_an_index_that_is_not_the_one_wanted_is_named_and_made_again(
    tmp_path: Path, harm: str
) -> None:
    _, q, p = large(2, n=60)
    file, other = tmp_path / "mine.faiss", tmp_path / "other.faiss"
    expected = indexes.search(q, p, 5, "HNSW4", file=file)
    indexes.search(q, p[::-1].copy(), 5, "HNSW4", file=other)
    content, description = bytearray(file.read_bytes()), file.with_suffix(".json")
    if harm == "cut off":
        file.write_bytes(content[:-40])
    elif harm == "a flipped bit":
        content[len(content) // 2] ^= 4
        file.write_bytes(content)
    elif harm == "without its description":
        description.unlink()
    elif harm == "with a damaged description":
        description.write_bytes(description.read_bytes()[:-9])
    else:
        file.write_bytes(other.read_bytes())
        if harm == "another's with its description":
            description.write_bytes(other.with_suffix(".json").read_bytes())
    with pytest.warns(UserWarning, match=rf"the index .*mine.faiss {HARM[harm]}.*: it is made"):
        again = indexes.search(q, p, 5, "HNSW4", file=file)
    for found, right in zip(again, expected, strict=True):
        np.testing.assert_array_equal(found, right)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        indexes.search(q, p, 5, "HNSW4", file=file)


@pytest.mark.parametrize("change", ["a vector", "the factory", "the memory", "a passage less"])
def test_an_index_knows_what_it_was_made_of(tmp_path: Path, change: str) -> None:
    _, q, p = large(2, n=60)
    file, factory, memory = tmp_path / "index.faiss", "HNSW4", 1.0
    indexes.search(q, p, 5, factory, memory=memory, file=file)
    if change == "a vector":
        p = p.copy()
        p[3, 3] += 1e-3
    elif change == "a passage less":
        p = p[:-1]
    elif change == "the factory":
        factory = "HNSW5"
    else:
        memory = 0.5
    with pytest.warns(UserWarning, match="was made of other vectors or with other options"):
        found = indexes.search(q, p, 5, factory, memory=memory, file=file)
    for mine, fresh in zip(found, indexes.search(q, p, 5, factory, memory=memory), strict=True):
        np.testing.assert_array_equal(mine, fresh)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"index": "Nonsense"}, "with the index 'Nonsense'"),
        ({"index": "IVF4096,Flat"}, "with the index 'IVF4096,Flat'"),
        ({"index": "IVF4,Flat", "index_options": "nprob=3"}, "options 'nprob=3'"),
        ({"index": "Nonsense"}, "could not parse index string Nonsense$"),
        ({"index": ""}, "index is ''; it is a faiss factory string"),
        ({"index": 5}, "index is 5; it is a faiss factory string"),
        ({"index": "HNSW4", "index_options": "efsearch=3"}, "could not set parameter efsearch"),
        ({"index": "HNSW4", "index_options": "nprobe=3"}, "could not set parameter nprobe"),
        ({"index": "HNSW4", "index_options": "efSearch=0"}, "index_options is 'efSearch=0'; it is"),
        ({"index": "HNSW4", "index_options": "efSearch=-1"}, "it is faiss's options as name=num"),
        ({"index": "HNSW4", "index_options": "efSearch=x"}, "it is faiss's options as name=number"),
        ({"index": "HNSW4", "index_options": "efSearch"}, "it is faiss's options as name=number"),
        ({"index": "HNSW4", "index_options": {"efSearch": 8}}, "it is a text such as 'nprobe=64'"),
        ({"index": "Flat", "index_options": "nprobe=3"}, "the index 'Flat' searches all and has n"),
        ({"index_options": "nprobe=3"}, "but no index is given: name one"),
        ({"index": "Flat", "depth": 0}, "depth is 0; it must be 1 or more"),
        ({"depth": 0}, "depth is 0; it must be 1 or more"),
        ({"index": "Flat", "depth": 2.5}, "depth is 2.5; it must be a whole number"),
        ({"index": "Flat", "depth": "9"}, "depth is '9'; it must be a whole number"),
        ({"index": "HNSW4", "memory": 0}, "memory .GB. is 0; it must be above 0"),
        ({"memory": "much"}, "memory .GB. is 'much'; it must be a number"),
        ({"memory": float("inf")}, "memory .GB. is inf; it must be a finite number"),
    ],
)
def test_refuses_what_cannot_be(options: dict[str, Any], said: str) -> None:
    benchmark, q, p = random_benchmark(0)
    with pytest.raises(ValueError, match=said):
        hbt.rank_vectors(q, p, benchmark, **options)


@pytest.mark.parametrize("k", [1, 7, 2000])
def test_the_exact_search_is_a_sort(k: int) -> None:
    _, q, p = large(5)
    rows, scores = nearest(q, p, k, memory=1e-4)
    exact = (q.astype(np.float64) @ p.T.astype(np.float64)).astype(np.float32)
    np.testing.assert_array_equal(rows, np.argsort(-exact, axis=1, kind="stable")[:, :k])
    np.testing.assert_allclose(scores, np.take_along_axis(q @ p.T, rows, 1), atol=1e-5)


def test_what_indexes_find_is_scored_exactly_before_it_is_merged() -> None:
    """Each language's quantiser distorts scores in its own way, and would favour a language."""
    benchmark, q, p = large(1)
    ranks = hbt.rank_vectors(q, p, benchmark, index="PQ4x4", depth=50).astype(
        dict.fromkeys(KEY, "str")
    )
    found = {}
    for code in ("aa", "bb"):
        members = np.flatnonzero((benchmark.passages["language"] == code).to_numpy())
        rows, scores = indexes.search(q, p[members], 50, "PQ4x4")
        np.testing.assert_allclose(scores, np.take_along_axis(q @ p[members].T, rows, 1), atol=1e-6)
        found[code] = members[rows], scores
    both = [np.hstack(parts) for parts in zip(*found.values(), strict=True)]
    order = np.argsort(-both[1], axis=1, kind="stable")[:, :50]
    merged = pd.DataFrame(
        np.take_along_axis(both[0], order, 1), index=benchmark.queries["query_id"]
    )
    ids = benchmark.passages["passage_id"].to_numpy()
    expected = {
        (query, ids[row]): place
        for query, rows in merged.iterrows()
        for place, row in enumerate(rows, 1)
    }
    joint = ranks[ranks["pool"] == "all"]
    assert joint["rank"].notna().sum() > 50
    for row in joint.itertuples():
        place = expected.get((row.query_id, row.passage_id))
        assert row.rank == place if place else pd.isna(row.rank)
